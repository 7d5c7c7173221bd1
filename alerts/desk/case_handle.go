package desk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// assignment is whom a case, or a part of it, goes to.
type assignment struct{ department, office, person string }

// assignment finds out who is meant by the input: a department that may have
// the case, with the office and person that its duties name unless the input
// names others.
func (m *moving) assignment() (assignment, error) {
	dep, ok := m.t.department(m.in.Department)
	switch k := m.k; {
	case !ok:
		return assignment{}, alerts.InvalidField("department", "there is no such department")
	case dep.ID == k.Against:
		return assignment{}, alerts.InvalidField("department", "is the one that is complained about: it does not get the case")
	case dep.Disabled:
		return assignment{}, alerts.InvalidField("department", "is closed and gets no new cases")
	case dep.AreaPath == "" || !strings.HasPrefix(k.AreaPath, dep.AreaPath) && !strings.HasPrefix(k.HolderPath, dep.AreaPath):
		return assignment{}, alerts.InvalidField("department", "does not work where this happened")
	}
	duty, err := dutyFor(m.ctx, m.c, dep.ID, m.k.Category, m.k.AreaPath)
	if err != nil {
		return assignment{}, err
	}
	a := assignment{department: dep.ID, office: duty.OfficeID, person: duty.PersonID}
	if m.in.Office != "" && m.in.Office != a.office {
		offices, err := m.c.Offices(m.ctx, dep.ID)
		if err != nil {
			return assignment{}, err
		}
		if !slices.ContainsFunc(offices, func(o alerts.Office) bool { return o.ID == m.in.Office && !o.Disabled }) {
			return assignment{}, alerts.InvalidField("office", "is no open office of this department")
		}
		a.office, a.person = m.in.Office, ""
	}
	if m.in.Person != "" {
		u, err := m.c.User(m.ctx, alerts.System(), m.in.Person)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return assignment{}, err
		}
		if err != nil || u.Disabled || u.DepartmentID != dep.ID || u.Role != alerts.Handler {
			return assignment{}, alerts.InvalidField("person", "is no handler of this department")
		}
		a.person = u.ID
	}
	m.tell(a)
	return a, nil
}

// tell notes whom a move names, with their names as of now.
func (m *moving) tell(a assignment) {
	m.detail("department", a.department)
	m.detail("department_name", m.t.departmentName(a.department))
	m.detail("office", a.office)
	m.detail("office_name", m.t.officeName(a.office))
	m.detail("person", a.person)
}

// gridLeader finds out that the input names a leader of the case's grid.
func (m *moving) gridLeader() (assignment, error) {
	refused := alerts.InvalidField("person", "is no leader of the grid where this happened: give a department, or one of them")
	if m.k.GridID == "" || m.in.Office != "" {
		return assignment{}, refused
	}
	u, err := m.c.User(m.ctx, alerts.System(), m.in.Person)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return assignment{}, err
	}
	if err != nil || u.Disabled || u.Role != alerts.GridLeader {
		return assignment{}, refused
	}
	leads, err := m.c.leads(m.ctx, u.ID, m.k.GridID)
	if err != nil {
		return assignment{}, err
	}
	if !leads {
		return assignment{}, refused
	}
	a := assignment{person: u.ID}
	m.tell(a)
	return a, nil
}

func (m *moving) assign() error {
	find := m.assignment
	if m.in.Department == "" {
		find = m.gridLeader
	}
	a, err := find()
	if err != nil {
		return err
	}
	if err := m.give(a); err != nil {
		return err
	}
	m.reply()
	return nil
}

// give assigns the case.
func (m *moving) give(a assignment) error {
	k := m.k
	if slices.Contains(busy, k.Step) && a == (assignment{k.DepartmentID, k.OfficeID, k.PersonID}) {
		return alerts.InvalidField("department", "has the case already")
	}
	if m.as&byDepartment != 0 && m.as&byHolder == 0 && a.department == k.DepartmentID {
		return alerts.InvalidField("department", "is the one that has the case: name another one")
	}
	if p, joint := m.part(a.department); joint {
		if err := m.c.RemovePart(k.ID, p.DepartmentID); err != nil {
			return err
		}
	}
	m.detail("department_before", k.DepartmentID)
	k.DepartmentID, k.OfficeID, k.PersonID = a.department, a.office, a.person
	m.restart = true
	return nil
}

// receive: the first department that receives a case stays responsible (首接负责).
func (m *moving) receive() error {
	k := m.k
	if k.FirstID == "" {
		k.FirstID = k.DepartmentID
	}
	if k.DepartmentID != "" && k.PersonID == "" {
		k.PersonID = m.s.User
	}
	return nil
}

func (m *moving) barReceived() error {
	if p, _ := m.part(m.s.Department); !p.ReceivedAt.IsZero() {
		return alerts.Errorf(alerts.Conflict, "the department has received its part already")
	}
	return nil
}

func (m *moving) receivePart() error {
	p, _ := m.part(m.s.Department)
	p.ReceivedAt = m.now
	if p.PersonID == "" {
		p.PersonID = m.s.User
	}
	return m.savePart(p)
}

func (m *moving) savePart(p alerts.Part) error {
	m.detail("part", p.DepartmentID)
	return m.c.SavePart(p)
}

func (m *moving) transfer() error {
	a, err := m.assignment()
	if err != nil {
		return err
	}
	if err := m.give(a); err != nil {
		return err
	}
	m.k.Transfers++
	return nil
}

// giveBack returns the case to the centre; it counts, and shows a level up.
func (m *moving) giveBack() error {
	m.detail("department", m.k.DepartmentID)
	m.detail("department_name", m.t.departmentName(m.k.DepartmentID))
	if up, ok := m.t.parentOf(m.k.HolderID); ok {
		m.detail("shown_to", up.ID)
	}
	m.k.Returns++
	return m.unassign()
}

// unassign leaves nobody with the case but its holder.
func (m *moving) unassign() error {
	m.k.DepartmentID, m.k.OfficeID, m.k.PersonID = "", "", ""
	for _, p := range m.parts {
		if err := m.c.RemovePart(m.k.ID, p.DepartmentID); err != nil {
			return err
		}
	}
	return nil
}

func (m *moving) barCrowded() error {
	if len(m.parts) >= maxParts {
		return alerts.Errorf(alerts.Conflict, "%d departments handle this case jointly, which is the most", maxParts)
	}
	return nil
}

func (m *moving) join() error {
	a, err := m.assignment()
	if err != nil {
		return err
	}
	if _, joint := m.part(a.department); joint || a.department == m.k.DepartmentID {
		return alerts.InvalidField("department", "handles this case already")
	}
	return m.savePart(alerts.Part{CaseID: m.k.ID, DepartmentID: a.department, OfficeID: a.office, PersonID: a.person, At: m.now})
}

func (m *moving) barPaused() error {
	if !m.k.PausedAt.IsZero() {
		return alerts.Errorf(alerts.Conflict, "its clock stands already")
	}
	return nil
}

func (m *moving) pause() error {
	m.d.pauseClock(m.k, m.now)
	return nil
}

func (m *moving) barRunning() error {
	if m.k.PausedAt.IsZero() {
		return alerts.Errorf(alerts.Conflict, "its clock runs")
	}
	return nil
}

func (m *moving) resume() error {
	m.detail("paused_at", m.k.PausedAt.UTC().Format(time.RFC3339))
	m.d.resumeClock(m.k, m.now)
	m.detail("paused_minutes", strconv.Itoa(int(m.k.PausedFor/time.Minute)))
	return nil
}

// asked returns the request for more time in this step that waits for an answer.
func (m *moving) asked() (alerts.Move, bool) {
	for _, v := range slices.Backward(m.moves) {
		switch {
		case v.Action == alerts.ActAskTime:
			return v, true
		case v.Action == alerts.ActGrantTime, v.Action == alerts.ActDenyTime, v.From != v.To:
			return alerts.Move{}, false
		}
	}
	return alerts.Move{}, false
}

func (m *moving) barAsked() error {
	if _, ok := m.asked(); ok {
		return alerts.Errorf(alerts.Conflict, "more time was asked for already, and not yet answered")
	}
	return nil
}

func (m *moving) askTime() error {
	m.detail("days", strconv.Itoa(m.in.Days))
	return nil
}

func (m *moving) barNotAsked() error {
	last, ok := m.asked()
	switch {
	case !ok:
		return alerts.Errorf(alerts.Conflict, "nobody has asked for more time")
	case last.ActorID == m.s.User:
		return alerts.Errorf(alerts.Forbidden, "who asked for more time does not grant it")
	}
	return nil
}

func (m *moving) grantTime() error {
	last, _ := m.asked()
	days, err := strconv.Atoi(last.Details["days"])
	if m.in.Days != 0 {
		days, err = m.in.Days, nil
	}
	if err != nil || days < 1 || days > maxExtension {
		return alerts.InvalidField("days", "must be 1 to %d", maxExtension)
	}
	m.detail("days", strconv.Itoa(days))
	m.d.extendClock(m.k, days)
	return nil
}

func (m *moving) denyTime() error { return nil }

// prove finds out that feedback has the proof that its category wants.
func (m *moving) prove() error {
	if c, _ := m.d.category(m.k.Category); c.Proof && len(m.in.Files) == 0 {
		return alerts.InvalidField("files", "feedback on %q needs a photo: attach one to the case and name it here", m.k.Category)
	}
	return nil
}

func (m *moving) feedBack() error {
	if err := m.prove(); err != nil {
		return err
	}
	var waiting []string
	for _, p := range m.parts {
		if p.DoneAt.IsZero() {
			waiting = append(waiting, m.t.departmentName(p.DepartmentID))
		}
	}
	if len(waiting) > 0 && m.in.Reason == "" {
		return alerts.InvalidField("reason", "%s did not feed back yet: wait for it, or say why not", strings.Join(waiting, ", "))
	}
	m.detail("without", strings.Join(waiting, ", "))
	m.k.HandlerID = m.s.User
	m.reply()
	return nil
}

func (m *moving) barPartDone() error {
	if p, _ := m.part(m.s.Department); !p.DoneAt.IsZero() {
		return alerts.Errorf(alerts.Conflict, "the department has fed back on its part already")
	}
	return nil
}

func (m *moving) feedBackPart() error {
	p, _ := m.part(m.s.Department)
	p.DoneAt = m.now
	if p.ReceivedAt.IsZero() {
		p.ReceivedAt = m.now
	}
	return m.savePart(p)
}

// settle: ordinary matters are settled on the spot (分级处理).
func (m *moving) settle() error {
	if err := m.prove(); err != nil {
		return err
	}
	m.detail("on_the_spot", "true")
	m.k.HandlerID = m.s.User
	m.reply()
	return nil
}

// settled tells whether the last feedback was given on the spot.
func (m *moving) settled() bool { return m.k.DepartmentID == "" && m.k.PersonID == "" }

func (m *moving) barSettled() error {
	if m.settled() {
		return alerts.Errorf(alerts.Conflict, "it was settled on the spot: nobody has it assigned")
	}
	return nil
}

func (m *moving) barHandled() error {
	if !m.settled() {
		return alerts.Errorf(alerts.Conflict, "it goes back to who handled it")
	}
	return nil
}

// barOwnWork: closing is confirmed by someone other than the handler.
func (m *moving) barOwnWork() error {
	if m.k.HandlerID == m.s.User {
		return alerts.Errorf(alerts.Forbidden, "who handled a case does not close it")
	}
	return nil
}

func (m *moving) close() error {
	m.end(m.in.Outcome)
	if v := m.in.Satisfied; v != nil {
		m.detail("satisfied", strconv.FormatBool(*v))
	}
	return m.earn()
}

func (m *moving) supervise() error {
	if due := *m.in.Due; !due.After(m.now) || due.After(m.now.Add(maxAnswerTime)) {
		return alerts.InvalidField("due", "must lie in the future, at most a year")
	}
	m.k.Supervised = m.in.Due.UTC().Truncate(time.Millisecond)
	m.detail("due", m.k.Supervised.Format(time.RFC3339))
	return nil
}

func (m *moving) barUnpressed() error {
	if m.k.Supervised.IsZero() {
		return alerts.Errorf(alerts.Conflict, "no supervision waits for an answer")
	}
	if last, ok := m.last(alerts.ActSupervise); ok && last.ActorID == m.s.User {
		return alerts.Errorf(alerts.Forbidden, "who presses a case does not answer for it")
	}
	return nil
}

func (m *moving) answer() error {
	m.detail("due", m.k.Supervised.UTC().Format(time.RFC3339))
	m.k.Supervised = time.Time{}
	return nil
}

func (m *moving) barMerged() error {
	if m.k.Outcome == alerts.Merged {
		return alerts.Errorf(alerts.Conflict, "its incidents lie in another case: take them out there (split)")
	}
	return nil
}

// reopen starts the case over at the step file, with a time of its own.
func (m *moving) reopen() error {
	k := m.k
	m.detail("outcome_before", string(k.Outcome))
	k.Outcome, k.ClosedAt, k.CaseDueAt = "", time.Time{}, time.Time{}
	k.Reopened++
	if err := m.unearn(); err != nil {
		return err
	}
	return m.unassign()
}

func (m *moving) barSettledLong() error {
	if m.now.After(m.k.ClosedAt.Add(disputeTime)) {
		return alerts.Errorf(alerts.Conflict, "a closed case can be disputed within %d days: report it anew", int(disputeTime.Hours()/24))
	}
	return nil
}

// dispute: the reporter does not agree, so it is looked at one level above the
// centre that closed the case.
func (m *moving) dispute() error {
	k := m.k
	closer := k.HolderID
	if last, ok := m.last(alerts.ActClose, alerts.ActRefuse); ok {
		if a, known := m.t.area(last.AreaID); known && strings.HasPrefix(k.HolderPath, a.Path) {
			closer = a.ID
		}
	}
	a, ok := m.t.parentOf(closer)
	if !ok {
		a, ok = m.t.area(closer)
	}
	if ok && a.ID != k.HolderID {
		m.detail("from_holder", k.HolderID)
		m.detail("to_holder", a.ID)
		k.HolderID, k.HolderPath = a.ID, a.Path
	}
	return m.reopen()
}
