package desk

import (
	"slices"
	"strings"

	"sharpeyes/alerts"
)

// party is what somebody is in a case; a set, for one may be several things.
type party uint16

// The parties.
const (
	byHolder     party = 1 << iota // officer or leader of the centre that holds it, or of one above
	byAbove                        // of one above; at the top its leader
	byAssigned                     // the department or the grid leader it is assigned to
	byDepartment                   // the department it is assigned to
	byJoint                        // a department that handles it jointly
	byReporter                     // who reported one of its incidents
	bySettler                      // the grid leader who did, and may settle it on the spot
	bySystem                       // the clock
)

// moveRow is a line of the table of moves: in these steps, these parties may do
// this, and the case is in that step afterwards.
type moveRow struct {
	action alerts.Action
	from   []alerts.Step
	who    party
	to     alerts.Step // empty: the step stays
	needs  []string    // fields that must be given; a|b: one of them
	may    []string    // fields that may be given, beside reason, files, lon and lat
	bar    func(*moving) error
	effect func(*moving) error
}

var (
	early = []alerts.Step{alerts.StepReport, alerts.StepFile}
	busy  = []alerts.Step{alerts.StepAssign, alerts.StepHandle}
	going = []alerts.Step{alerts.StepReport, alerts.StepFile, alerts.StepAssign, alerts.StepHandle, alerts.StepFeedback}
)

func only(s alerts.Step) []alerts.Step { return []alerts.Step{s} }

// moveTable is the state machine of a case: what is not in it cannot be done.
func moveTable() []moveRow {
	const (
		report, file, assign    = alerts.StepReport, alerts.StepFile, alerts.StepAssign
		handle, feedback, ended = alerts.StepHandle, alerts.StepFeedback, alerts.StepClosed
	)
	return []moveRow{
		// Filing (案卷建立).
		{action: alerts.ActFile, from: only(report), who: byHolder, to: file, may: words("category severity"), effect: (*moving).file},
		{action: alerts.ActMerge, from: early, who: byHolder, to: ended, needs: words("into"), effect: (*moving).merge},
		{action: alerts.ActSplit, from: going, who: byHolder, needs: words("incident reason"), bar: (*moving).barNoGuest, effect: (*moving).split},
		{action: alerts.ActRefuse, from: early, who: byHolder, to: ended, needs: words("reason"), bar: (*moving).barDirect, effect: (*moving).refuse},
		{action: alerts.ActEscalate, from: early, who: byHolder | bySystem, needs: words("reason"), bar: (*moving).barTop, effect: (*moving).escalate},
		{action: alerts.ActReturn, from: only(file), who: byHolder, to: report, needs: words("reason"), bar: (*moving).barLowest, effect: (*moving).giveBackDown},

		// Dispatch (分流指派).
		{action: alerts.ActAssign, from: early, who: byHolder, to: assign, needs: words("department|person"), may: words("office person"), effect: (*moving).assign},
		{action: alerts.ActAssign, from: busy, who: byHolder, to: assign, needs: words("department|person reason"), may: words("office person"), effect: (*moving).assign},
		{action: alerts.ActReceive, from: only(assign), who: byAssigned, to: handle, effect: (*moving).receive},
		{action: alerts.ActReceive, from: busy, who: byJoint, bar: (*moving).barReceived, effect: (*moving).receivePart},
		{action: alerts.ActTransfer, from: busy, who: byDepartment, to: assign, needs: words("department reason"), may: words("office person"), effect: (*moving).transfer},
		{action: alerts.ActReturn, from: busy, who: byAssigned, to: file, needs: words("reason"), effect: (*moving).giveBack},
		{action: alerts.ActJoin, from: busy, who: byHolder | byAssigned, needs: words("department"), may: words("office person"), bar: (*moving).barCrowded, effect: (*moving).join},

		// Handling (调查落实) and its time.
		{action: alerts.ActPause, from: only(handle), who: byAssigned, needs: words("reason"), bar: (*moving).barPaused, effect: (*moving).pause},
		{action: alerts.ActResume, from: only(handle), who: byAssigned | byHolder | bySystem, bar: (*moving).barRunning, effect: (*moving).resume},
		{action: alerts.ActAskTime, from: only(handle), who: byAssigned, needs: words("days reason"), bar: (*moving).barAsked, effect: (*moving).askTime},
		{action: alerts.ActGrantTime, from: only(handle), who: byHolder, may: words("days"), bar: (*moving).barNotAsked, effect: (*moving).grantTime},
		{action: alerts.ActDenyTime, from: only(handle), who: byHolder, bar: (*moving).barNotAsked, effect: (*moving).denyTime},

		// Feedback (处理反馈), confirmed by somebody else.
		{action: alerts.ActFeedBack, from: only(handle), who: byAssigned, to: feedback, needs: words("text"), effect: (*moving).feedBack},
		{action: alerts.ActFeedBack, from: busy, who: byJoint, needs: words("text"), bar: (*moving).barPartDone, effect: (*moving).feedBackPart},
		{action: alerts.ActFeedBack, from: early, who: bySettler, to: feedback, needs: words("text"), bar: (*moving).barDirect, effect: (*moving).settle},
		{action: alerts.ActReject, from: only(feedback), who: byHolder, to: handle, needs: words("reason"), bar: (*moving).barSettled},
		{action: alerts.ActReject, from: only(feedback), who: byHolder, to: file, needs: words("reason"), bar: (*moving).barHandled},
		{action: alerts.ActClose, from: only(feedback), who: byHolder, to: ended, needs: words("outcome text"), may: words("satisfied"), bar: (*moving).barOwnWork, effect: (*moving).close},

		// Supervision (督办), corrections, and what comes after the end.
		{action: alerts.ActSupervise, from: going, who: byAbove, needs: words("text due"), effect: (*moving).supervise},
		{action: alerts.ActAnswer, from: going, who: byAssigned | byHolder, needs: words("text"), bar: (*moving).barUnpressed, effect: (*moving).answer},
		{action: alerts.ActReclass, from: going, who: byHolder, needs: words("category|severity reason"), may: words("category severity"), effect: (*moving).reclass},
		{action: alerts.ActReopen, from: only(ended), who: byHolder | byAbove, to: file, needs: words("reason"), bar: (*moving).barMerged, effect: (*moving).reopen},
		{action: alerts.ActDispute, from: only(ended), who: byReporter, to: file, needs: words("reason"), bar: (*moving).barSettledLong, effect: (*moving).dispute},
		{action: alerts.ActRemind, from: going, who: bySystem},
		{action: alerts.ActOverdue, from: going, who: bySystem},
	}
}

func words(s string) []string { return strings.Fields(s) }

// partiesOf returns what a caller is in a case.
func (f *caseFacts) partiesOf(s alerts.Scope, k *alerts.Case) party {
	var p party
	if !s.Can(alerts.WorkCases) {
		return 0
	}
	switch s.Role {
	case alerts.DutyOfficer, alerts.Leader:
		if s.Home == "" || !strings.HasPrefix(k.HolderPath, s.Home) {
			break
		}
		p |= byHolder
		if s.Home != k.HolderPath || s.Role == alerts.Leader && strings.Count(k.HolderPath, "/") == 2 {
			p |= byAbove
		}
	case alerts.Handler:
		if s.Department == "" || s.Department == k.Against {
			break
		}
		if s.Department == k.DepartmentID {
			p |= byAssigned | byDepartment
		}
		if _, ok := f.part(s.Department); ok {
			p |= byJoint
		}
	case alerts.GridLeader:
		if s.User != "" && k.DepartmentID == "" && k.PersonID == s.User {
			p |= byAssigned
		}
	}
	if s.User != "" && slices.Contains(f.reporters, s.User) {
		p |= byReporter
		if s.Role == alerts.GridLeader {
			p |= bySettler
		}
	}
	return p
}

// choose returns the row of an action that is open, or the error that says why
// none is.
func (m *moving) choose(action alerts.Action) (moveRow, error) {
	var barred error
	inStep, mine := false, false
	for _, r := range moveTable() {
		if r.action != action || !slices.Contains(r.from, m.k.Step) {
			continue
		}
		inStep = true
		if r.who&m.as == 0 {
			continue
		}
		mine = true
		if r.bar != nil {
			if err := r.bar(m); err != nil {
				if barred == nil {
					barred = err
				}
				continue
			}
		}
		return r, nil
	}
	switch {
	case !inStep:
		return moveRow{}, alerts.Errorf(alerts.Conflict, "the case is in step %q, in which there is no move %q. %s", m.k.Step, action, m.openNow())
	case !mine:
		return moveRow{}, alerts.Errorf(alerts.Forbidden, "the move %q in step %q is not open to this account. %s", action, m.k.Step, m.openNow())
	}
	return moveRow{}, alerts.Errorf(alerts.KindOf(barred), "%s. The case is in step %q. %s", barred, m.k.Step, m.openNow())
}

// openNow is the sentence that lists the moves open to the caller.
func (m *moving) openNow() string {
	var names []string
	for _, o := range m.options() {
		if !slices.Contains(names, string(o.Action)) {
			names = append(names, string(o.Action))
		}
	}
	if len(names) == 0 {
		return "No move is open to this account now"
	}
	return "Open to this account now: " + strings.Join(names, ", ")
}

// options lists the moves open to the caller, in the order of the table.
func (m *moving) options() []MoveOption {
	out := []MoveOption{}
	for _, r := range moveTable() {
		if r.who&m.as == 0 || !slices.Contains(r.from, m.k.Step) || r.bar != nil && r.bar(m) != nil {
			continue
		}
		o := MoveOption{Action: r.action, To: r.to, Needs: slices.Clone(r.needs), May: slices.Clone(r.may)}
		if o.To == "" {
			o.To = m.k.Step
		}
		if o.Needs == nil {
			o.Needs = []string{}
		}
		if o.May == nil {
			o.May = []string{}
		}
		out = append(out, o)
	}
	return out
}

// given lists the fields of an input that are set, those apart that every move
// takes.
func (in *MoveInput) given() []string {
	var out []string
	for _, f := range []struct {
		name string
		set  bool
	}{{"department", in.Department != ""}, {"office", in.Office != ""}, {"person", in.Person != ""}, {"into", in.Into != ""},
		{"incident", in.Incident != ""}, {"days", in.Days != 0}, {"category", in.Category != ""}, {"severity", in.Severity != ""},
		{"outcome", in.Outcome != ""}, {"text", in.Text != ""}, {"due", in.Due != nil}, {"satisfied", in.Satisfied != nil}} {
		if f.set {
			out = append(out, f.name)
		}
	}
	return out
}

// check tells which fields a row needs and the input lacks, and which it has
// that the row does not take.
func (r moveRow) check(in *MoveInput) error {
	var f faults
	given := in.given()
	if in.Reason != "" {
		given = append(given, "reason")
	}
	takes := append([]string{"reason"}, r.may...)
	for _, need := range r.needs {
		names := strings.Split(need, "|")
		takes = append(takes, names...)
		if !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(given, n) }) {
			f.add(names[0], "the move %q needs %s", r.action, strings.Join(names, " or "))
		}
	}
	for _, name := range given {
		if !slices.Contains(takes, name) {
			f.add(name, "is not taken by the move %q", r.action)
		}
	}
	return f.err()
}
