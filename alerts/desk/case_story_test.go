package desk

import (
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// TestDirectReport (直报): the county has it in one press; those below see a copy
// and veto nothing.
func TestDirectReport(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	i, k := b.reported(t, "gr", "v1", direct)
	if k.Step != alerts.StepFile || k.HolderID != "east" || k.Severity != alerts.Critical || !k.Direct || k.Code != i.Number {
		t.Errorf("case of a direct report: %+v", k)
	}
	moves := wantMoves(t, b, k.ID, alerts.ActReport, alerts.ActFile)
	if moves[0].ActorID != "" || moves[1].ActorID != "" {
		t.Error("the moves of a report name somebody")
	}
	for _, who := range []string{"hv", "at"} {
		if v := ok[CaseView](t)(b.Case(ctx, b.who[who], k.ID)); len(v.Open) != 0 || !v.Direct {
			t.Errorf("%s sees %+v", who, v)
		}
		for _, in := range []MoveInput{why(alerts.ActRefuse), why(alerts.ActEscalate), {Action: alerts.ActAssign, Department: "dd"},
			{Action: alerts.ActReclass, Severity: alerts.Low, Reason: "r"}} {
			b.refusedMove(t, who, k.ID, in, alerts.Forbidden)
		}
	}
	_, plain := b.reported(t, "gg", "v1", nil)
	for _, in := range []MoveInput{why(alerts.ActRefuse), why(alerts.ActReturn), {Action: alerts.ActMerge, Into: plain.ID}} {
		b.refusedMove(t, "ce", k.ID, in, alerts.Conflict)
	}
	b.refusedMove(t, "gr", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "settled"}, alerts.Conflict)
	if v := b.do(t, "ce", k.ID, MoveInput{Action: alerts.ActReclass, Severity: alerts.High, Reason: "small"}); v.Edited != 1 || v.FirstSeverity != alerts.Critical {
		t.Errorf("reclassed: %+v", v)
	}
	// Two direct reports of one matter may be one case.
	_, twin := b.reported(t, "gg", "v1", direct)
	if v := b.do(t, "ce", twin.ID, MoveInput{Action: alerts.ActMerge, Into: k.ID}); v.Outcome != alerts.Merged || v.MergedInto != k.ID {
		t.Errorf("merged: %+v", v)
	}
	if v := b.do(t, "ce", k.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"}); v.RepliedAt == nil || v.Incidents != 2 {
		t.Errorf("dispatched: %+v", v)
	}
}

// TestTiers (分级处理): up level by level, and down again with a reason.
func TestTiers(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", nil)
	if k.Step != alerts.StepReport || k.HolderID != "v1" {
		t.Errorf("a report lies with %s in step %s", k.HolderID, k.Step)
	}
	for _, up := range []string{"t1", "east", "city"} {
		if v := b.do(t, "ci", k.ID, why(alerts.ActEscalate)); v.HolderID != up || v.Step != alerts.StepReport {
			t.Errorf("escalated to %s, want %s", v.HolderID, up)
		}
		b.refusedMove(t, "hv", k.ID, why(alerts.ActEscalate), alerts.Forbidden)
	}
	b.refusedMove(t, "ci", k.ID, why(alerts.ActEscalate), alerts.Conflict)
	b.do(t, "ci", k.ID, mv(alerts.ActFile))
	v := b.do(t, "ci", k.ID, why(alerts.ActReturn))
	if v.HolderID != "east" || v.Step != alerts.StepReport || v.Returns != 1 || v.Escalated != 3 {
		t.Errorf("returned: %+v", v)
	}
	b.do(t, "ce", k.ID, mv(alerts.ActFile))
	if v = b.do(t, "ce", k.ID, why(alerts.ActReturn)); v.HolderID != "t1" {
		t.Errorf("returned to %s", v.HolderID)
	}
	moves := wantMoves(t, b, k.ID, "report", "escalate", "escalate", "escalate", "file", "return", "file", "return")
	if d := moves[7].Details; d["from_holder"] != "east" || d["to_holder"] != "t1" || d["shown_to"] != "city" {
		t.Errorf("details of a return: %v", d)
	}
	// At the root its leader stands above, its duty officer does not.
	_, k = b.reported(t, "gr", "v1", nil)
	for range 3 {
		b.do(t, "ci", k.ID, why(alerts.ActEscalate))
	}
	due := base.Add(time.Hour)
	b.refusedMove(t, "cd", k.ID, MoveInput{Action: alerts.ActSupervise, Text: "x", Due: &due}, alerts.Forbidden)
	b.do(t, "ci", k.ID, MoveInput{Action: alerts.ActSupervise, Text: "x", Due: &due})
}

// TestDispatch (分流指派): office and person by duty, and who gets no case.
func TestDispatch(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", func(in *ReportInput) { in.Category, in.Against = "hazard.gas", "xx" })
	for field, in := range map[string][]MoveInput{
		"department": {{Department: "none"}, {Department: "ww"}, {Department: "zz"}, {Department: "xx"}},
		"office":     {{Department: "dd", Office: "jj.1"}},
		"person":     {{Department: "dd", Person: "hj"}, {Person: "gb"}, {Person: "hd"}, {Person: "nobody"}},
	} {
		for _, in := range in {
			in.Action = alerts.ActAssign
			_, err := b.try(t, "hv", k.ID, in)
			wantFault(t, err, "assign "+in.Department+in.Office+in.Person, field)
		}
	}
	v := b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	if v.OfficeID != "dd.1" || v.PersonID != "hd" || v.PersonName != "名 hd" || v.OfficeName != "一科" || v.DepartmentName != "燃气办" {
		t.Errorf("by duty: %+v", v)
	}
	in := why(alerts.ActAssign)
	in.Department = "dd"
	_, err := b.try(t, "hv", k.ID, in)
	wantFault(t, err, "assign where it is", "department")
	in.Office, in.Person = "dd.2", "hd2"
	if v = b.do(t, "hv", k.ID, in); v.OfficeID != "dd.2" || v.PersonID != "hd2" || v.Step != alerts.StepAssign {
		t.Errorf("by name: %+v", v)
	}
	if v = b.do(t, "hd2", k.ID, mv(alerts.ActReceive)); v.FirstID != "dd" {
		t.Errorf("first receiver: %+v", v)
	}
	in = why(alerts.ActTransfer)
	for _, dep := range []string{"xx", "dd", "zz"} {
		in.Department = dep
		_, err := b.try(t, "hd", k.ID, in)
		wantFault(t, err, "transfer to "+dep, "department")
	}
	in.Department = "jj"
	v = b.do(t, "hd", k.ID, in)
	if v.DepartmentID != "jj" || v.FirstID != "dd" || v.Transfers != 1 || v.Step != alerts.StepAssign || v.PersonID != "" {
		t.Errorf("transferred: %+v", v)
	}
	b.refusedMove(t, "hd", k.ID, mv(alerts.ActReceive), alerts.Forbidden) // it still sees the case
	if v = b.do(t, "hj", k.ID, mv(alerts.ActReceive)); v.PersonID != "hj" || v.FirstID != "dd" {
		t.Errorf("received: %+v", v)
	}
	if v = b.do(t, "hj", k.ID, why(alerts.ActReturn)); v.Returns != 1 || v.DepartmentID != "" || v.FirstID != "dd" || v.Step != alerts.StepFile {
		t.Errorf("returned: %+v", v)
	}
	// A leader of the grid can have it, too.
	if v = b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActAssign, Person: "gg"}); v.PersonID != "gg" || v.DepartmentID != "" {
		t.Errorf("to a grid leader: %+v", v)
	}
	b.do(t, "gg", k.ID, mv(alerts.ActReceive))
	if v = b.do(t, "gg", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "done"}); v.Step != alerts.StepFeedback {
		t.Errorf("fed back: %+v", v)
	}
	if v = b.do(t, "hv", k.ID, why(alerts.ActReject)); v.Step != alerts.StepHandle || v.PersonID != "gg" {
		t.Errorf("rejected: %+v", v)
	}
}

// TestJoint (联合处置): the feedback waits for the others, or says why not.
func TestJoint(t *testing.T) {
	b := newBureau(t)
	k := b.toStep(t, alerts.StepHandle)
	for _, dep := range []string{"dd", "jj"} {
		_, err := b.try(t, "hv", k.ID, MoveInput{Action: alerts.ActJoin, Department: dep})
		wantFault(t, err, "join again", "department")
	}
	_, err := b.try(t, "hd", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "done"})
	wantFault(t, err, "feedback before the others", "reason")
	v := b.do(t, "hj", k.ID, mv(alerts.ActReceive))
	if len(v.Parts) != 1 || v.Parts[0].ReceivedAt == nil || v.Parts[0].DepartmentName != "消防队" || v.Step != alerts.StepHandle {
		t.Errorf("parts: %+v", v.Parts)
	}
	b.refusedMove(t, "hj", k.ID, mv(alerts.ActReceive), alerts.Conflict)
	b.do(t, "hj", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "our part"})
	b.refusedMove(t, "hj", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "again"}, alerts.Conflict)
	if v = b.do(t, "hd", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "all"}); v.Step != alerts.StepFeedback || v.Parts[0].DoneAt == nil {
		t.Errorf("fed back: %+v", v)
	}
	// A joint department that takes the case over is joint no more.
	k = b.toStep(t, alerts.StepHandle)
	if v = b.do(t, "hd", k.ID, MoveInput{Action: alerts.ActTransfer, Department: "jj", Reason: "theirs"}); len(v.Parts) != 0 {
		t.Errorf("parts after the transfer: %+v", v.Parts)
	}
}

// TestProof: where the category wants a picture, feedback has one of the case.
func TestProof(t *testing.T) {
	b := newBureau(t)
	d := b.Desk
	_, k := b.reported(t, "gr", "v1", func(in *ReportInput) { in.Category = "rubbish" })
	b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	b.do(t, "hd", k.ID, mv(alerts.ActReceive))
	done := MoveInput{Action: alerts.ActFeedBack, Text: "done"}
	_, err := b.try(t, "hd", k.ID, done)
	wantFault(t, err, "feedback without proof", "files")
	_, other := b.reported(t, "gg", "v1", func(in *ReportInput) { in.Category = "rubbish" })
	if _, err := d.Attach(t.Context(), b.who["hv"], other.ID, alerts.Photo{ID: "foreign", SHA256: "aa", Type: "image/jpeg", Size: 1}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"none", "foreign"} {
		done.Files = []string{id}
		_, err := b.try(t, "hd", k.ID, done)
		wantFault(t, err, "feedback with "+id, "files")
	}
	a := ok[AttachmentView](t)(d.Attach(t.Context(), b.who["hd"], k.ID, alerts.Photo{ID: "proof", SHA256: "bb", Type: "image/jpeg", Size: 1}))
	done.Files = []string{a.ID}
	done.Lon, done.Lat = ptr(117.02), ptr(31.05)
	b.do(t, "hd", k.ID, done)
	moves := ok[[]MoveView](t)(d.CaseMoves(t.Context(), b.who["hv"], k.ID))
	if m := moves[len(moves)-1]; len(m.Files) != 1 || m.Place == nil || m.Place.Lon != 117.02 || m.Details["text"] != "done" || m.Actor != "名 hd" {
		t.Errorf("feedback: %+v", m)
	}
	if p := ok[alerts.Photo](t)(d.AttachmentOf(t.Context(), b.who["gr"], "proof")); p.SHA256 != "bb" {
		t.Errorf("attachment: %+v", p)
	}
	_, err = d.AttachmentOf(t.Context(), b.who["hx"], "proof")
	wantKind(t, err, alerts.NotFound, "attachment of a case out of sight")
}

// TestHandlingTime: pauses with a reason, extensions with approval.
func TestHandlingTime(t *testing.T) {
	b := newBureau(t)
	k := b.toStep(t, alerts.StepHandle)
	if v := b.do(t, "hd", k.ID, why(alerts.ActPause)); v.PausedAt == nil {
		t.Error("not paused")
	}
	b.refusedMove(t, "hd", k.ID, why(alerts.ActPause), alerts.Conflict)
	b.clock.add(time.Hour)
	if v := b.do(t, "hv", k.ID, mv(alerts.ActResume)); v.PausedAt != nil {
		t.Error("not resumed")
	}
	ask := MoveInput{Action: alerts.ActAskTime, Days: 3, Reason: "rain"}
	b.do(t, "hd", k.ID, ask)
	b.refusedMove(t, "hd", k.ID, ask, alerts.Conflict)
	b.refusedMove(t, "hd", k.ID, mv(alerts.ActGrantTime), alerts.Forbidden)
	b.do(t, "hv", k.ID, mv(alerts.ActDenyTime))
	b.refusedMove(t, "hv", k.ID, mv(alerts.ActGrantTime), alerts.Conflict)
	b.do(t, "hd", k.ID, ask)
	v := b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActGrantTime, Days: 2})
	if v.ExtendMin == 0 {
		t.Error("no time granted")
	}
	moves := ok[[]alerts.Move](t)(b.store.Moves(t.Context(), k.ID))
	if got := moves[len(moves)-1].Details["days"]; got != "2" {
		t.Errorf("granted %q days", got)
	}
	ask.Days = 61
	_, err := b.try(t, "hd", k.ID, ask)
	wantFault(t, err, "61 days", "days")
	// What was asked for in another round is not pending in this one.
	ask.Days = 3
	b.do(t, "hd", k.ID, ask)
	b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActAssign, Department: "xx", Reason: "r"})
	b.do(t, "hx", k.ID, mv(alerts.ActReceive))
	b.refusedMove(t, "hv", k.ID, mv(alerts.ActGrantTime), alerts.Conflict)
}

// TestSettle: the grid leader who reported settles it on the spot; somebody else
// confirms it.
func TestSettle(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", nil)
	done := MoveInput{Action: alerts.ActFeedBack, Text: "swept"}
	b.refusedMove(t, "gg", k.ID, done, alerts.Forbidden)
	if v := b.do(t, "gr", k.ID, done); v.Step != alerts.StepFeedback {
		t.Errorf("settled: %+v", v)
	}
	if v := b.do(t, "hv", k.ID, why(alerts.ActReject)); v.Step != alerts.StepFile {
		t.Errorf("rejected: %+v", v)
	}
	b.do(t, "gr", k.ID, done)
	closing := MoveInput{Action: alerts.ActClose, Text: "seen", Outcome: alerts.Solved, Satisfied: ptr(true)}
	officer := b.who["hv"]
	officer.User = "gr" // has become an officer since
	b.who["gr2"] = officer
	b.refusedMove(t, "gr2", k.ID, closing, alerts.Forbidden)
	delete(b.who, "gr2")
	v := b.do(t, "hv", k.ID, closing)
	if v.Outcome != alerts.Solved || v.ClosedAt == nil || v.Step != alerts.StepClosed {
		t.Errorf("closed: %+v", v)
	}
	moves := ok[[]MoveView](t)(b.CaseMoves(t.Context(), b.who["hv"], k.ID))
	if m := moves[1]; !m.ByReporter || m.Actor != "" || m.ActorID != "" {
		t.Errorf("who settled it: %+v", m)
	}
	if m := moves[len(moves)-1]; m.Details["satisfied"] != "true" || m.Details["outcome"] != "solved" {
		t.Errorf("closing: %+v", m)
	}
}

// TestSupervise (督办): pressed from above, answered by those below.
func TestSupervise(t *testing.T) {
	b := newBureau(t)
	k := b.toStep(t, alerts.StepHandle)
	for _, due := range []time.Time{base.Truncate(time.Millisecond), base.Add(-time.Hour), base.Add(400 * 24 * time.Hour)} {
		_, err := b.try(t, "at", k.ID, MoveInput{Action: alerts.ActSupervise, Text: "when?", Due: &due})
		wantFault(t, err, "supervise until "+due.String(), "due")
	}
	due := base.Add(24 * time.Hour)
	v := b.do(t, "at", k.ID, MoveInput{Action: alerts.ActSupervise, Text: "when?", Due: &due})
	if v.SuperviseDue == nil {
		t.Error("not supervised")
	}
	b.refusedMove(t, "at", k.ID, MoveInput{Action: alerts.ActAnswer, Text: "soon"}, alerts.Forbidden)
	if v = b.do(t, "hd", k.ID, MoveInput{Action: alerts.ActAnswer, Text: "tomorrow"}); v.SuperviseDue != nil {
		t.Error("still supervised")
	}
	b.refusedMove(t, "hd", k.ID, MoveInput{Action: alerts.ActAnswer, Text: "again"}, alerts.Conflict)
}

// TestReopenAndDispute: closed is not the end.
func TestReopenAndDispute(t *testing.T) {
	b := newBureau(t)
	k := b.toStep(t, alerts.StepClosed)
	v := b.do(t, "hv", k.ID, why(alerts.ActReopen))
	if v.Step != alerts.StepFile || v.Reopened != 1 || v.Outcome != "" || v.ClosedAt != nil || v.DepartmentID != "" || v.FirstID != "dd" || len(v.Parts) != 0 {
		t.Errorf("reopened: %+v", v)
	}
	b.do(t, "hv", k.ID, why(alerts.ActRefuse))
	v = b.do(t, "gr", k.ID, why(alerts.ActDispute))
	if v.HolderID != "t1" || v.Step != alerts.StepFile || v.Reopened != 2 {
		t.Errorf("disputed: %+v", v)
	}
	// Closed by an officer of the township, it is looked at in the county.
	b.do(t, "at", k.ID, why(alerts.ActRefuse))
	if v = b.do(t, "gr", k.ID, why(alerts.ActDispute)); v.HolderID != "east" {
		t.Errorf("disputed for the second time: held by %s", v.HolderID)
	}
	moves := ok[[]MoveView](t)(b.CaseMoves(t.Context(), b.who["ce"], k.ID))
	if m := moves[len(moves)-1]; !m.ByReporter || m.ActorID != "" || m.Actor != "" || m.ActorRole != "" {
		t.Errorf("dispute: %+v", m)
	}
	b.do(t, "ce", k.ID, why(alerts.ActRefuse))
	b.clock.add(30*24*time.Hour + time.Minute)
	b.refusedMove(t, "gr", k.ID, why(alerts.ActDispute), alerts.Conflict)
	// The village's officer has closed a case that an officer above held back for
	// it; what counts is who closed.
	k = b.toStep(t, alerts.StepFeedback)
	b.do(t, "ce", k.ID, MoveInput{Action: alerts.ActClose, Text: "x", Outcome: alerts.NotSolved})
	if v = b.do(t, "gr", k.ID, why(alerts.ActDispute)); v.HolderID != "city" {
		t.Errorf("closed by the county, disputed to %s", v.HolderID)
	}
}

// TestMergeAndSplit: several incidents in one case, and apart again.
func TestMergeAndSplit(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	ia, a := b.reported(t, "gr", "v1", func(in *ReportInput) { in.Against = "xx" })
	ib, second := b.reported(t, "gg", "v1", nil)
	_, c := b.reported(t, "gb", "v1", nil)
	_, err := b.try(t, "hv", a.ID, MoveInput{Action: alerts.ActMerge, Into: a.ID})
	wantFault(t, err, "merge into itself", "into")
	_, err = b.try(t, "hv", a.ID, MoveInput{Action: alerts.ActMerge, Into: "none"})
	wantFault(t, err, "merge into nothing", "into")
	// A complaint does not get into a case of the department that it is about.
	b.do(t, "hv", c.ID, MoveInput{Action: alerts.ActAssign, Department: "xx"})
	b.refusedMove(t, "hv", a.ID, MoveInput{Action: alerts.ActMerge, Into: c.ID}, alerts.Conflict)
	b.do(t, "hv", c.ID, MoveInput{Action: alerts.ActAssign, Department: "jj", Reason: "r"})

	b.do(t, "hv", a.ID, MoveInput{Action: alerts.ActMerge, Into: second.ID})
	b.do(t, "hv", second.ID, MoveInput{Action: alerts.ActMerge, Into: c.ID})
	v := ok[CaseView](t)(b.Case(ctx, b.who["hv"], c.ID))
	if v.Incidents != 3 || b.stored(t, c.ID).Against != "xx" || v.Step != alerts.StepAssign {
		t.Errorf("the case of three: %+v", v)
	}
	if list := ok[[]IncidentView](t)(b.CaseIncidents(ctx, b.who["hj"], c.ID)); len(list) != 3 {
		t.Errorf("%d incidents", len(list))
	}
	if _, err := b.Case(ctx, b.who["gr"], c.ID); err != nil {
		t.Errorf("the reporter of a merged case: %v", err)
	}
	b.refusedMove(t, "hv", a.ID, why(alerts.ActReopen), alerts.Conflict)
	b.refusedMove(t, "gr", a.ID, why(alerts.ActDispute), alerts.Forbidden) // what gr reported lies elsewhere
	split := MoveInput{Action: alerts.ActSplit, Reason: "another pipe"}
	for _, id := range []string{"none", ok[[]alerts.Filing](t)(b.store.Filings(ctx, c.ID))[0].IncidentID} {
		split.Incident = id
		if l, err := b.store.FilingOf(ctx, id); err == nil && l.FirstID != c.ID {
			continue
		}
		_, err := b.try(t, "hv", c.ID, split)
		wantFault(t, err, "split "+id, "incident")
	}
	split.Incident = ia.ID
	if v = b.do(t, "hv", c.ID, split); v.Incidents != 2 || b.stored(t, c.ID).Against != "" {
		t.Errorf("after the split: %+v", v)
	}
	back := b.stored(t, a.ID)
	if back.Step != alerts.StepFile || back.Outcome != "" || back.MergedInto != "" || back.Incidents != 1 || back.Against != "xx" || !back.ClosedAt.IsZero() {
		t.Errorf("taken apart: %+v", back)
	}
	wantMoves(t, b, a.ID, "report", "merge", "split")
	split.Incident = ib.ID
	b.do(t, "hv", c.ID, split)
	b.refusedMove(t, "hv", c.ID, split, alerts.Conflict)
	wantMoves(t, b, c.ID, "report", "assign", "assign", "merge", "split", "split")
}

// TestFileEdits: taking it on under another category counts as an edit.
func TestFileEdits(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", nil)
	_, err := b.try(t, "hv", k.ID, MoveInput{Action: alerts.ActFile, Category: "gossip"})
	wantFault(t, err, "file under no category", "category")
	v := b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActFile, Category: "hazard.gas", Severity: alerts.High})
	if v.Category != "hazard.gas" || v.Edited != 1 || v.FirstSeverity != alerts.Low || v.Severity != alerts.High {
		t.Errorf("filed: %+v", v)
	}
	_, err = b.try(t, "hv", k.ID, MoveInput{Action: alerts.ActReclass, Severity: alerts.High, Reason: "r"})
	wantFault(t, err, "reclass to the same", "category")
	for field, in := range map[string]MoveInput{"severity": {Severity: "worst"}, "outcome": {Outcome: "merged"}, "reason": {Reason: strings.Repeat("x", 1001)},
		"text": {Text: strings.Repeat("x", 2001)}, "lon": {Lon: ptr(1.0)}, "lat": {Lon: ptr(1.0), Lat: ptr(91.0)}, "files": {Files: make([]string, 13)},
		"Idempotency-Key": {Key: "a b"}, "days": {Days: -1}} {
		in.Action = alerts.ActReclass
		_, err := b.try(t, "hv", k.ID, in)
		wantFault(t, err, "bad "+field, field)
	}
}
