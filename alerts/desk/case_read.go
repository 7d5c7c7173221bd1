package desk

import (
	"context"
	"time"

	"sharpeyes/alerts"
)

// category returns a category of the tree as it is known now.
func (d *Desk) category(code string) (alerts.Category, bool) {
	b := d.known.rules()
	i, ok := b.byCode[code]
	if !ok {
		return alerts.Category{}, false
	}
	return b.categories[i], true
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// caseView is a case as lists and events show it: without names of people.
func (t *town) caseView(k alerts.Case, now time.Time) CaseView {
	v := CaseView{ID: k.ID, Code: k.Code, Step: k.Step, StepAt: k.StepAt, Outcome: k.Outcome, Category: k.Category, Severity: k.Severity,
		FirstSeverity: k.FirstSeverity, Title: k.Title, Direct: k.Direct, Lon: k.Point.Lon, Lat: k.Point.Lat, Address: k.Address,
		AreaID: k.AreaID, AreaName: t.areaThen(k.AreaID, k.OpenedAt).Name, GridID: k.GridID, GridName: t.gridNameThen(k.GridID, k.OpenedAt), HolderID: k.HolderID,
		HolderName: t.areaName(k.HolderID), DepartmentID: k.DepartmentID, DepartmentName: t.departmentName(k.DepartmentID),
		OfficeID: k.OfficeID, OfficeName: t.officeName(k.OfficeID), PersonID: k.PersonID, FirstID: k.FirstID,
		FirstDepartment: t.departmentName(k.FirstID), OpenedAt: k.OpenedAt, UpdatedAt: k.UpdatedAt, ClosedAt: optional(k.ClosedAt),
		RepliedAt: optional(k.RepliedAt), ReplyDue: optional(k.ReplyDue), DueAt: optional(k.DueAt), CaseDueAt: optional(k.CaseDueAt),
		PausedAt: optional(k.PausedAt), PausedMin: int64(k.PausedFor / time.Minute), ExtendMin: int64(k.Extended / time.Minute),
		Late: k.Late(now), SuperviseDue: optional(k.Supervised), Incidents: k.Incidents, Comments: k.Comments, Returns: k.Returns,
		Transfers: k.Transfers, Escalated: k.Escalated, Reopened: k.Reopened, Edited: k.Edited, MergedInto: k.MergedInto, Version: k.Version}
	end := now
	if !k.Open() {
		end = k.ClosedAt
	}
	v.LateCase = !k.CaseDueAt.IsZero() && k.PausedAt.IsZero() && end.After(k.CaseDueAt)
	if end = k.RepliedAt; end.IsZero() {
		end = now
	}
	v.LateReply = !k.ReplyDue.IsZero() && end.After(k.ReplyDue)
	return v
}

// caseDetail is a case as it is shown alone, with the moves open to the caller.
func (d *Desk) caseDetail(ctx context.Context, r alerts.Reader, t *town, s alerts.Scope, k alerts.Case, f *caseFacts) (CaseView, error) {
	now := d.now()
	v := t.caseView(k, now)
	v.Trail = t.trailThen(k.AreaID, k.OpenedAt)
	if k.PersonID != "" {
		u, err := r.User(ctx, alerts.System(), k.PersonID)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return CaseView{}, err
		}
		v.PersonName = u.Name
	}
	for _, p := range f.parts {
		v.Parts = append(v.Parts, PartView{DepartmentID: p.DepartmentID, DepartmentName: t.departmentName(p.DepartmentID), At: p.At,
			ReceivedAt: optional(p.ReceivedAt), DoneAt: optional(p.DoneAt)})
	}
	m := &moving{caseFacts: f, d: d, ctx: ctx, t: t, s: s, now: now, k: &k, as: f.partiesOf(s, &k)}
	v.Open = m.options()
	return v, nil
}

// caseOf loads a case in sight of the caller, by id or by code.
func (d *Desk) caseOf(ctx context.Context, s alerts.Scope, id string) (alerts.Case, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return alerts.Case{}, err
	}
	k, err := d.store.Case(ctx, s, id)
	if alerts.KindOf(err) == alerts.NotFound && err != nil {
		return d.store.CaseByCode(ctx, s, id)
	}
	return k, err
}

// Case returns one case, by id or code, with the moves open to the caller.
func (d *Desk) Case(ctx context.Context, s alerts.Scope, id string) (CaseView, error) {
	k, err := d.caseOf(ctx, s, id)
	if err != nil {
		return CaseView{}, err
	}
	f, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return CaseView{}, err
	}
	v, err := d.caseDetail(ctx, d.store, d.known.places(), s, k, f)
	if err != nil {
		return CaseView{}, err
	}
	return v, d.Seen(ctx, f.masked(s, &k), alerts.AuditRead, "case/"+k.ID, k.AreaID)
}

// OpenMoves returns the moves of a case that are open to the caller, and its
// version: nothing of the case itself, so it counts as no reading.
func (d *Desk) OpenMoves(ctx context.Context, s alerts.Scope, id string) (open []MoveOption, version int64, err error) {
	k, err := d.caseOf(ctx, s, id)
	if err != nil {
		return nil, 0, err
	}
	f, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return nil, 0, err
	}
	m := &moving{caseFacts: f, d: d, ctx: ctx, t: d.known.places(), s: s, now: d.now(), k: &k, as: f.partiesOf(s, &k)}
	return m.options(), k.Version, nil
}

// Cases lists the cases in sight of the caller, with the next page's cursor.
func (d *Desk) Cases(ctx context.Context, s alerts.Scope, f alerts.CaseFilter) ([]CaseView, string, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Cases(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	t, now := d.known.places(), d.now()
	return mapped(list, func(k alerts.Case) CaseView { return t.caseView(k, now) }), next, nil
}

// CaseCounts counts the cases in sight of the caller by a group.
func (d *Desk) CaseCounts(ctx context.Context, s alerts.Scope, f alerts.CaseFilter, by alerts.CaseGroup) ([]CaseCountView, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return nil, err
	}
	list, err := d.store.CaseCounts(ctx, s, f, by, d.now())
	if err != nil {
		return nil, err
	}
	t := d.known.places()
	name := func(string) string { return "" }
	switch by {
	case alerts.GroupArea, alerts.GroupHolder:
		name = t.areaName
	case alerts.GroupGrid:
		name = t.gridName
	case alerts.GroupDepartment:
		name = t.departmentName
	}
	return mapped(list, func(c alerts.CaseCount) CaseCountView {
		return CaseCountView{Key: c.Key, Name: name(c.Key), Total: c.Total, Open: c.Open, Late: c.Late, Closed: c.Closed, Solved: c.Solved,
			Direct: c.Direct, Returned: c.Returned, Reopened: c.Reopened, Edited: c.Edited, HoldMin: c.HoldTime.Minutes()}.rated()
	}), nil
}

// CaseMoves lists the moves of a case from its first on.
func (d *Desk) CaseMoves(ctx context.Context, s alerts.Scope, id string) ([]MoveView, error) {
	k, err := d.caseOf(ctx, s, id)
	if err != nil {
		return nil, err
	}
	list, err := d.store.Moves(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	t := d.known.places()
	return mapped(list, t.moveView), nil
}

func (t *town) moveView(m alerts.Move) MoveView {
	v := MoveView{N: m.N, Action: m.Action, From: m.From, To: m.To, At: m.At, ActorID: m.ActorID, Actor: m.ActorName, ActorRole: m.ActorRole,
		DepartmentID: m.DepartmentID, AreaID: m.AreaID, AreaName: t.areaThen(m.AreaID, m.At).Name, Reason: m.Reason, Files: m.Files, Hash: m.Hash}
	for name, value := range m.Details {
		if name == asDetail {
			continue
		}
		if v.Details == nil {
			v.Details = make(map[string]string, len(m.Details))
		}
		v.Details[name] = value
	}
	if m.Place != nil {
		v.Place = &PlaceView{Lon: m.Place.Lon, Lat: m.Place.Lat}
	}
	if m.Details[asDetail] == asReporter {
		v.ByReporter, v.ActorID, v.Actor, v.ActorRole, v.DepartmentID, v.Place = true, "", "", "", "", nil
	}
	return v
}

// CaseIncidents lists the incidents filed in a case, oldest first.
func (d *Desk) CaseIncidents(ctx context.Context, s alerts.Scope, id string) ([]IncidentView, error) {
	k, err := d.caseOf(ctx, s, id)
	if err != nil {
		return nil, err
	}
	filings, err := d.store.Filings(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	t := d.known.places()
	out := make([]IncidentView, len(filings))
	for n, l := range filings {
		i, err := d.store.Incident(ctx, alerts.System(), l.IncidentID)
		if err != nil {
			return nil, err
		}
		out[n] = t.incidentView(i)
	}
	f, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return nil, err
	}
	return out, d.Seen(ctx, f.masked(s, &k), alerts.AuditRead, "case/"+k.ID+"/incidents", k.AreaID)
}
