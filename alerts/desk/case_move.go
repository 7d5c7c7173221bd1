package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// ErrStale marks the Conflict of a change to a version that is not the newest.
var ErrStale = errors.New("desk: another version is stored")

// caseFacts is what is known about a case beside itself.
type caseFacts struct {
	parts     []alerts.Part
	filings   []alerts.Filing
	reporters []string
	moves     []alerts.Move
}

func (f *caseFacts) part(department string) (alerts.Part, bool) {
	for _, p := range f.parts {
		if p.DepartmentID == department {
			return p, true
		}
	}
	return alerts.Part{}, false
}

// last returns the newest move that is one of some actions.
func (f *caseFacts) last(actions ...alerts.Action) (alerts.Move, bool) {
	for _, m := range slices.Backward(f.moves) {
		if slices.Contains(actions, m.Action) {
			return m, true
		}
	}
	return alerts.Move{}, false
}

func loadFacts(ctx context.Context, r alerts.Reader, caseID string) (*caseFacts, error) {
	f := &caseFacts{}
	var err error
	if f.parts, err = r.Parts(ctx, caseID); err != nil {
		return nil, err
	}
	if f.filings, err = r.Filings(ctx, caseID); err != nil {
		return nil, err
	}
	if f.moves, err = r.Moves(ctx, caseID); err != nil {
		return nil, err
	}
	for _, l := range f.filings {
		i, err := r.Incident(ctx, alerts.System(), l.IncidentID)
		if err != nil {
			return nil, err
		}
		if i.ReporterID != "" && !slices.Contains(f.reporters, i.ReporterID) {
			f.reporters = append(f.reporters, i.ReporterID)
		}
	}
	return f, nil
}

// moving is one move while it is made.
type moving struct {
	*caseFacts
	d   *Desk
	ctx context.Context
	c   *change
	t   *town
	s   alerts.Scope
	in  MoveInput
	now time.Time

	as      party
	was     alerts.Case
	k       *alerts.Case // as it becomes
	to      alerts.Step
	restart bool // the step begins anew, though it is the same
	details map[string]string
}

func (m *moving) detail(name, value string) {
	if value != "" {
		m.details[name] = value
	}
}

// Move makes a move in a case whose version the caller has seen. The same Key
// of the same user again changes nothing and answers the case as it is now.
func (d *Desk) Move(ctx context.Context, s alerts.Scope, caseID string, ifVersion int64, in MoveInput) (v CaseView, replayed bool, err error) {
	if err := s.Need(alerts.WorkCases); err != nil {
		return v, false, err
	}
	if err := in.clean(); err != nil {
		return v, false, err
	}
	request := "move/" + caseID + "/" + digest(in)
	t := d.known.places()
	err = d.write(ctx, func(c *change) error {
		k, err := c.Case(ctx, s, caseID)
		if err != nil {
			return err
		}
		before, err := c.recalled(s.User, in.Key, request)
		if err != nil {
			return err
		}
		replayed = before != ""
		facts, err := loadFacts(ctx, c, caseID)
		if err != nil {
			return err
		}
		m := &moving{caseFacts: facts, d: d, ctx: ctx, c: c, t: t, s: s, in: in}
		if !replayed {
			if k.Version != ifVersion {
				return staleError(k, facts.moves)
			}
			if err := m.make(&k, 0); err != nil {
				return err
			}
			if err := c.remember(s.User, in.Key, request, caseID); err != nil {
				return err
			}
			if facts, err = loadFacts(ctx, c, caseID); err != nil {
				return err
			}
		}
		if k, err = c.Case(ctx, alerts.System(), caseID); err != nil {
			return err
		}
		v, err = d.caseDetail(ctx, c, t, s, k, facts)
		return err
	})
	if err != nil {
		return CaseView{}, false, err
	}
	return v, replayed, nil
}

// staleError tells who was faster, and when.
func staleError(k alerts.Case, moves []alerts.Move) error {
	message := "the case has changed since it was read"
	if len(moves) > 0 {
		last := moves[len(moves)-1]
		who := last.ActorName
		switch {
		case last.Details[asDetail] == asReporter:
			who = "the reporter"
		case last.ActorID == "":
			who = "the system"
		case who == "":
			who = string(last.ActorRole)
		}
		message += fmt.Sprintf(": %s made the move %q at %s", who, last.Action, last.At.UTC().Format(time.RFC3339))
	}
	return &alerts.Error{Kind: alerts.Conflict, Message: message + fmt.Sprintf("; its version is now %d: read it again", k.Version), Err: ErrStale}
}

// systemMove makes a move of the clock inside a transaction that has read the
// case; what was changed in it before is saved with it.
func (d *Desk) systemMove(ctx context.Context, c *change, k *alerts.Case, in MoveInput, details map[string]string) error {
	facts, err := loadFacts(ctx, c, k.ID)
	if err != nil {
		return err
	}
	m := &moving{caseFacts: facts, d: d, ctx: ctx, c: c, t: d.known.places(), in: in, details: details}
	return m.make(k, bySystem)
}

// make checks a move by the table, makes it and stores it.
func (m *moving) make(k *alerts.Case, as party) error {
	m.was, m.k, m.as = *k, k, as
	m.now = clampTime(m.c.now, k.UpdatedAt)
	if as == 0 {
		m.as = m.partiesOf(m.s, k)
	}
	row, err := m.choose(m.in.Action)
	if err != nil {
		return err
	}
	if err := row.check(&m.in); err != nil {
		return err
	}
	details := m.details
	m.details = make(map[string]string, len(details)+4)
	for name, value := range details {
		m.detail(name, value)
	}
	m.detail("text", m.in.Text)
	if row.who&m.as&^(byReporter|bySettler) == 0 {
		m.detail(asDetail, asReporter)
	}
	if err := m.checkFiles(m.in.Files); err != nil {
		return err
	}
	if m.to = row.to; m.to == "" {
		m.to = k.Step
	}
	if row.effect != nil {
		if err := row.effect(m); err != nil {
			return err
		}
	}
	return m.finish()
}

// What the details of a move say where only the reporter could have made it.
const (
	asDetail   = "as"
	asReporter = "reporter"
)

// finish moves on to the step, keeps the clocks and stores all of it.
func (m *moving) finish() error {
	k := m.k
	if m.to != k.Step || m.restart {
		k.Step, k.StepAt = m.to, m.now
		m.d.startClock(k, m.now)
	} else {
		m.d.rescheduleClock(k, m.now)
	}
	return m.c.saveMove(m.ctx, m.t, m.s, k, alerts.Move{Action: m.in.Action, From: m.was.Step, To: k.Step, At: m.now, AreaID: m.center(),
		Reason: m.in.Reason, Details: m.details, Files: m.in.Files, Place: m.in.place()})
}

// center is the area of the centre that acts: the caller's own where it holds
// the case or stands above who does, else the holder's as it was.
func (m *moving) center() string {
	if m.as&(byHolder|byAbove) != 0 {
		if id := lastOf(m.s.Home); id != "" {
			return id
		}
	}
	return m.was.HolderID
}

func lastOf(path string) string {
	ids := strings.Split(strings.Trim(path, "/"), "/")
	return ids[len(ids)-1]
}

// saveMove stores a move and the case as it is after it, and tells of both.
func (c *change) saveMove(ctx context.Context, t *town, s alerts.Scope, k *alerts.Case, move alerts.Move) error {
	move.CaseID, move.ActorID, move.ActorName, move.ActorRole, move.DepartmentID = k.ID, s.User, s.Name, s.Role, s.Department
	if s.User != "" {
		var err error
		if move.ActorName, err = c.nameOf(ctx, s); err != nil {
			return err
		}
	}
	if err := c.AddMove(&move); err != nil {
		return err
	}
	k.UpdatedAt = move.At
	if err := c.SaveCase(*k); err != nil {
		return err
	}
	k.Version++
	if err := c.turnHolds(ctx, k, move.From); err != nil {
		return err
	}
	facts, err := loadFacts(ctx, c, k.ID)
	if err != nil {
		return err
	}
	if err := c.emitCase(alerts.CaseChanged, k, facts, t.caseView(*k, move.At)); err != nil {
		return err
	}
	if move.Details[asDetail] == asReporter {
		s.User, s.Name, s.Address = "", "", "" // who reported is not in the audit, either
	}
	return c.audit(s, alerts.AuditMove, "case/"+k.ID, k.AreaID, map[string]string{"action": string(move.Action),
		"from": string(move.From), "to": string(move.To), "code": k.Code, "hash": move.Hash})
}

// emitCase appends an event to those whom a case concerns.
func (c *change) emitCase(kind alerts.EventKind, k *alerts.Case, f *caseFacts, data any, more ...string) error {
	return c.emitTo(partiesOf(k, f, more), kind, k.AreaID, k.AreaPath, k.ID, data)
}

// partiesOf lists whom a case concerns; never the department it is about.
func partiesOf(k *alerts.Case, f *caseFacts, more []string) []string {
	var out []string
	add := func(id string) {
		if id != "" && id != k.Against && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	add(k.DepartmentID)
	add(k.FirstID)
	add(k.PersonID)
	add(k.GridID)
	for _, p := range f.parts {
		add(p.DepartmentID)
	}
	for _, id := range append(slices.Clone(f.reporters), more...) {
		add(id)
	}
	return out
}

// clean trims and bounds what an input says.
func (in *MoveInput) clean() error {
	var f faults
	in.Reason = f.lines("reason", in.Reason, false, maxReason)
	in.Text = f.lines("text", in.Text, false, maxCaseText)
	for name, id := range map[string]*string{"department": &in.Department, "office": &in.Office, "person": &in.Person,
		"into": &in.Into, "incident": &in.Incident, "category": &in.Category} {
		*id = f.line(name, *id, false, 64)
	}
	if in.Severity != "" {
		f.oneOf("severity", string(in.Severity), severityNames()...)
	}
	if in.Outcome != "" {
		f.oneOf("outcome", string(in.Outcome), string(alerts.Solved), string(alerts.NotSolved))
	}
	if in.Days < 0 || in.Days > maxExtension {
		f.add("days", "must be 1 to %d", maxExtension)
	}
	if (in.Lon == nil) != (in.Lat == nil) {
		f.add("lon", "lon and lat go together")
	}
	if in.Lon != nil && in.Lat != nil {
		f.place(*in.Lon, *in.Lat, "")
	}
	f.files(in.Files)
	f.key(in.Key)
	return f.err()
}

func (in *MoveInput) place() *alerts.Point {
	if in.Lon == nil || in.Lat == nil {
		return nil
	}
	return &alerts.Point{Lon: *in.Lon, Lat: *in.Lat}
}

func (f *faults) files(ids []string) {
	if len(ids) > maxFiles {
		f.add("files", "has %d, at most %d are taken", len(ids), maxFiles)
	}
}

func (f *faults) key(key string) {
	if len(key) > maxKey || !visible(key) {
		f.add("Idempotency-Key", "must be 1 to %d visible ASCII characters", maxKey)
	}
}

// checkFiles finds out that files are attachments of the case.
func (m *moving) checkFiles(ids []string) error { return checkFiles(m.ctx, m.c, m.k.ID, ids) }

func checkFiles(ctx context.Context, r alerts.Reader, caseID string, ids []string) error {
	for _, id := range ids {
		a, err := r.Attachment(ctx, id)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return err
		}
		if err != nil || a.CaseID != caseID {
			return alerts.InvalidField("files", "%q is no attachment of this case: attach it first", id)
		}
	}
	return nil
}

// digest tells one input from another. Fields that are not JSON, such as the
// key itself, are not in it.
func digest(v any) string {
	b, _ := json.Marshal(v) // inputs are plain structs: they always encode
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
