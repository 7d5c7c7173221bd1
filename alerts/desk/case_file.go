package desk

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// openCase makes the case of an incident, in its transaction: what was reported
// lies in a queue from the start. A direct report (直报) lies in the county's.
func (d *Desk) openCase(ctx context.Context, c *change, t *town, i alerts.Incident, against string) error {
	k := alerts.Case{ID: alerts.NewID(c.now), Code: i.Number, Step: alerts.StepReport, StepAt: i.ReceivedAt, Category: i.Category,
		Severity: i.Severity, FirstSeverity: i.Severity, Title: titleOf(i.Text), Direct: i.Direct, Point: i.Point, Address: i.Address,
		AreaID: i.AreaID, AreaPath: i.AreaPath, GridID: i.GridID, HolderID: i.AreaID, HolderPath: i.AreaPath, Against: against,
		OpenedAt: i.ReceivedAt, UpdatedAt: i.ReceivedAt, Incidents: 1}
	moves := []alerts.Move{{Action: alerts.ActReport, To: alerts.StepReport}}
	if i.Direct {
		county := t.countyOf(i.AreaID)
		k.HolderID, k.HolderPath, k.Step = county.ID, county.Path, alerts.StepFile
		moves = append(moves, alerts.Move{Action: alerts.ActFile, From: alerts.StepReport, To: alerts.StepFile,
			Details: map[string]string{"direct": "true"}})
	}
	d.startClock(&k, i.ReceivedAt)
	if err := c.SaveCase(k); err != nil {
		return err
	}
	k.Version++
	f := &caseFacts{filings: []alerts.Filing{{IncidentID: i.ID, CaseID: k.ID, FirstID: k.ID, At: i.ReceivedAt}}}
	if err := c.SaveFiling(f.filings[0]); err != nil {
		return err
	}
	for n := range moves {
		moves[n].CaseID, moves[n].At, moves[n].AreaID = k.ID, i.ReceivedAt, k.HolderID
		if err := c.AddMove(&moves[n]); err != nil {
			return err
		}
	}
	h := &chain{c: c, k: &k}
	if err := h.incident(i, ""); err != nil {
		return err
	}
	if i.ReporterID != "" {
		f.reporters = []string{i.ReporterID}
	}
	if err := d.holdFootage(c, &k); err != nil {
		return err
	}
	return c.emitCase(alerts.CaseChanged, &k, f, t.caseView(k, i.ReceivedAt))
}

// titleOf is the first words of a report.
func titleOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return clip(line, maxTitle)
}

// countyOf is the nearest area of a county at or above one, else the root.
func (t *town) countyOf(id string) alerts.Area {
	a, _ := t.area(id)
	for a.Level != alerts.County {
		up, ok := t.area(a.ParentID)
		if a.ParentID == "" || !ok {
			break
		}
		a = up
	}
	return a
}

func (t *town) parentOf(id string) (alerts.Area, bool) {
	a, ok := t.area(id)
	if !ok || a.ParentID == "" {
		return alerts.Area{}, false
	}
	return t.area(a.ParentID)
}

func (m *moving) file() error {
	if m.in.Category == "" && m.in.Severity == "" {
		return nil
	}
	before := *m.k
	if _, err := m.edit(); err != nil {
		return err
	}
	m.d.reclassClock(m.k, before, m.now)
	return nil
}

func (m *moving) reclass() error {
	before := *m.k
	changed, err := m.edit()
	if err != nil {
		return err
	}
	if !changed {
		return alerts.InvalidField("category", "category and severity are what they were: give another one")
	}
	m.d.reclassClock(m.k, before, m.now)
	return nil
}

// edit takes category and severity from the input, and counts a change.
func (m *moving) edit() (changed bool, err error) {
	k := m.k
	if code := m.in.Category; code != "" && code != k.Category {
		if _, ok := m.d.reportable(code); !ok {
			return false, alerts.InvalidField("category", "is not one of the published categories")
		}
		m.detail("category_before", k.Category)
		m.detail("category", code)
		k.Category, changed = code, true
	}
	if v := m.in.Severity; v != "" && v != k.Severity {
		if lower := severityRank(v) > severityRank(k.Severity); lower && k.Direct && m.as&byAbove == 0 && m.s.Home != k.HolderPath {
			return false, alerts.Errorf(alerts.Forbidden, "a direct report is made less severe by the county or a centre above it alone")
		}
		m.detail("severity_before", string(k.Severity))
		m.detail("severity", string(v))
		k.Severity, changed = v, true
	}
	if changed {
		k.Edited++
	}
	return changed, nil
}

// severityRank is 0 for the gravest.
func severityRank(v alerts.Severity) int { return slices.Index(alerts.Severities[:], v) }

func (m *moving) barDirect() error {
	if m.k.Direct {
		return alerts.Errorf(alerts.Conflict, "a direct report (直报) cannot be refused, sent down or settled below")
	}
	return nil
}

func (m *moving) refuse() error {
	m.end(alerts.Refused)
	if up, ok := m.t.parentOf(m.k.HolderID); ok {
		m.detail("shown_to", up.ID)
	}
	return nil
}

// end closes the case with an outcome. The step is set by finish.
func (m *moving) end(o alerts.Outcome) {
	m.k.Outcome, m.k.ClosedAt = o, m.now
	m.k.Supervised = time.Time{}
	m.reply()
	m.detail("outcome", string(o))
}

// reply counts a first response, where there was none.
func (m *moving) reply() {
	if m.k.RepliedAt.IsZero() {
		m.k.RepliedAt = m.now
	}
}

// merge files the case's incidents into another one. Both keep their moves.
func (m *moving) merge() error {
	k := m.k
	target, err := m.c.Case(m.ctx, m.s, m.in.Into)
	if alerts.KindOf(err) == alerts.NotFound && err != nil {
		return alerts.InvalidField("into", "there is no such case in sight of this account")
	}
	if err != nil {
		return err
	}
	facts, err := loadFacts(m.ctx, m.c, target.ID)
	if err != nil {
		return err
	}
	if err := m.canMerge(&target, facts); err != nil {
		return err
	}
	h, err := m.c.chainOf(m.ctx, &target)
	if err != nil {
		return err
	}
	for _, l := range m.filings {
		l.CaseID, l.At, l.ByID = target.ID, m.now, m.s.User
		if err := m.c.SaveFiling(l); err != nil {
			return err
		}
		if err := m.c.chainFiled(m.ctx, h, l.IncidentID, k.Code); err != nil {
			return err
		}
	}
	step := target.Step
	target.Incidents += len(m.filings)
	details := map[string]string{"merged": k.ID, "merged_code": k.Code, "incidents": strconv.Itoa(len(m.filings))}
	if target.Against == "" && k.Against != "" {
		target.Against = k.Against
		details["against"] = takenOver
	}
	err = m.c.saveMove(m.ctx, m.t, m.s, &target, alerts.Move{Action: alerts.ActMerge, From: step, To: step,
		At: clampTime(m.now, target.UpdatedAt), AreaID: m.center(), Reason: m.in.Reason, Details: details})
	if err != nil {
		return err
	}
	k.Incidents, k.MergedInto = 0, target.ID
	m.end(alerts.Merged)
	m.detail("into", target.ID)
	m.detail("into_code", target.Code)
	return nil
}

func (m *moving) canMerge(target *alerts.Case, facts *caseFacts) error {
	k := m.k
	switch {
	case target.ID == k.ID:
		return alerts.InvalidField("into", "is this case itself")
	case !target.Open():
		return alerts.Errorf(alerts.Conflict, "case %s is closed: reopen it before another one is merged into it", target.Code)
	case k.Direct && !target.Direct:
		return alerts.Errorf(alerts.Conflict, "a direct report (直报) is merged into another one alone: merge case %s into this one", target.Code)
	case len(facts.filings)+len(m.filings) > maxFilings:
		return alerts.Errorf(alerts.TooMany, "case %s would hold more than %d incidents", target.Code, maxFilings)
	case k.Against == "" || k.Against == target.Against:
		return nil
	case target.Against != "":
		return alerts.Errorf(alerts.Conflict, "the two cases complain about different departments: they stay apart")
	}
	_, joint := facts.part(k.Against)
	if joint || k.Against == target.DepartmentID || k.Against == target.FirstID {
		return alerts.Errorf(alerts.Conflict, "this case complains about a department that handles case %s: they stay apart", target.Code)
	}
	return nil
}

func (m *moving) barNoGuest() error {
	for _, l := range m.filings {
		if l.FirstID != m.k.ID {
			return nil
		}
	}
	return alerts.Errorf(alerts.Conflict, "no other case was merged into this one")
}

// split takes an incident out again: back into the case it came in with, which
// goes on at the step file.
func (m *moving) split() error {
	at := slices.IndexFunc(m.filings, func(l alerts.Filing) bool { return l.IncidentID == m.in.Incident })
	if at < 0 {
		return alerts.InvalidField("incident", "is not filed in this case")
	}
	l := m.filings[at]
	if l.FirstID == m.k.ID {
		return alerts.InvalidField("incident", "came in with this case and stays in it")
	}
	first, err := m.c.Case(m.ctx, alerts.System(), l.FirstID)
	if err != nil {
		return err
	}
	l.CaseID, l.At, l.ByID = l.FirstID, m.now, m.s.User
	if err := m.c.SaveFiling(l); err != nil {
		return err
	}
	// Its chain has the photos, but where they came before those were pieces.
	h, err := m.c.chainOf(m.ctx, &first)
	if err != nil {
		return err
	}
	if err := m.c.chainFiled(m.ctx, h, l.IncidentID, m.k.Code); err != nil {
		return err
	}
	from := first.Step
	first.Step, first.StepAt, first.Outcome, first.ClosedAt, first.MergedInto = alerts.StepFile, m.now, "", time.Time{}, ""
	first.Incidents = 1
	if first.Against, err = m.ownAgainst(&first); err != nil {
		return err
	}
	m.d.startClock(&first, m.now)
	err = m.c.saveMove(m.ctx, m.t, m.s, &first, alerts.Move{Action: alerts.ActSplit, From: from, To: first.Step,
		At: clampTime(m.now, first.UpdatedAt), AreaID: m.center(), Reason: m.in.Reason,
		Details: map[string]string{"incident": l.IncidentID, "from_case": m.k.ID, "from_code": m.k.Code}})
	if err != nil {
		return err
	}
	m.k.Incidents--
	m.detail("incident", l.IncidentID)
	m.detail("to_case", first.ID)
	m.detail("to_code", first.Code)
	return m.stillAgainst(at)
}

// stillAgainst drops the department that is complained about where it came
// with the case of the incident that has gone, and no other that stays has it.
func (m *moving) stillAgainst(gone int) error {
	k := m.k
	if k.Against == "" || !tookOver(m.moves) {
		return nil
	}
	for n, l := range m.filings {
		if n == gone || l.FirstID == k.ID {
			continue
		}
		first, err := m.c.Case(m.ctx, alerts.System(), l.FirstID)
		if err != nil {
			return err
		}
		own, err := m.ownAgainst(&first)
		if err != nil {
			return err
		}
		if own == k.Against {
			return nil
		}
	}
	k.Against = ""
	return nil
}

// ownAgainst is the department that a case's first incident complains about.
func (m *moving) ownAgainst(k *alerts.Case) (string, error) {
	if k.Against == "" {
		return "", nil
	}
	moves, err := m.c.Moves(m.ctx, k.ID)
	if err != nil || tookOver(moves) {
		return "", err
	}
	return k.Against, nil
}

// tookOver tells whether a case has its complaint from another one: only a case
// without one of its own takes one over.
func tookOver(moves []alerts.Move) bool {
	return slices.ContainsFunc(moves, func(v alerts.Move) bool { return v.Action == alerts.ActMerge && v.Details["against"] == takenOver })
}

// takenOver is what a merge says where the complaint came with it.
const takenOver = "taken over"

func (m *moving) barTop() error {
	if _, ok := m.t.parentOf(m.k.HolderID); !ok {
		return alerts.Errorf(alerts.Conflict, "no centre stands above the one that holds this case: assign it, or refuse it with a reason")
	}
	return nil
}

func (m *moving) escalate() error {
	up, _ := m.t.parentOf(m.k.HolderID)
	m.detail("from_holder", m.k.HolderID)
	m.detail("to_holder", up.ID)
	m.k.HolderID, m.k.HolderPath = up.ID, up.Path
	m.k.Escalated++
	m.restart = true
	return nil
}

// below is the area one level down from the holder, towards the place.
func (m *moving) below() (alerts.Area, bool) {
	rest, ok := strings.CutPrefix(m.k.AreaPath, m.k.HolderPath)
	id, _, _ := strings.Cut(rest, "/")
	if !ok || id == "" {
		return alerts.Area{}, false
	}
	return m.t.area(id)
}

func (m *moving) barLowest() error {
	if err := m.barDirect(); err != nil {
		return err
	}
	if _, ok := m.below(); !ok {
		return alerts.Errorf(alerts.Conflict, "no centre stands below the one that holds this case")
	}
	return nil
}

func (m *moving) giveBackDown() error {
	down, _ := m.below()
	m.detail("from_holder", m.k.HolderID)
	m.detail("to_holder", down.ID)
	if up, ok := m.t.parentOf(m.k.HolderID); ok {
		m.detail("shown_to", up.ID)
	}
	m.k.HolderID, m.k.HolderPath = down.ID, down.Path
	m.k.Returns++
	return nil
}
