package desk

import (
	"slices"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// earned sums up what somebody has this month, and the lines it comes from.
func (b *bureau) earned(t *testing.T, who string) (points int, kinds []alerts.PointKind) {
	t.Helper()
	lines, _, err := b.Points(t.Context(), b.who[who], alerts.PointFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := len(lines) - 1; i >= 0; i-- {
		points += lines[i].Points
		kinds = append(kinds, lines[i].Kind)
	}
	return points, kinds
}

func (b *bureau) wantPoints(t *testing.T, doing, who string, points int, kinds ...alerts.PointKind) {
	t.Helper()
	got, have := b.earned(t, who)
	slices.Sort(have) // those of one moment have no order
	slices.Sort(kinds)
	if got != points || !slices.Equal(have, kinds) {
		t.Errorf("%s: %s has %d points by %v, want %d by %v", doing, who, got, have, points, kinds)
	}
}

// closing brings a filed case of dd's to its end.
func (b *bureau) closing(t *testing.T, id string, outcome alerts.Outcome) {
	t.Helper()
	b.do(t, "hv", id, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	b.do(t, "hd", id, mv(alerts.ActReceive))
	b.do(t, "hd", id, MoveInput{Action: alerts.ActFeedBack, Text: "done"})
	b.do(t, "hv", id, MoveInput{Action: alerts.ActClose, Outcome: outcome, Text: "seen"})
}

// TestPoints holds the ledger to what was confirmed by somebody else.
func TestPoints(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", nil)
	b.wantPoints(t, "a mere report", "gr", 0)
	b.closing(t, k.ID, alerts.Solved)
	low := pointsFor(k.Severity)
	b.wantPoints(t, "a solved one", "gr", low, alerts.PointReport)

	_, twin := b.reported(t, "gg", "v1", nil)
	_, first := b.reported(t, "gr", "v1", nil)
	b.do(t, "hv", twin.ID, MoveInput{Action: alerts.ActMerge, Into: first.ID})
	b.closing(t, first.ID, alerts.Solved)
	b.wantPoints(t, "a duplicate", "gg", 0)
	b.wantPoints(t, "the first of two", "gr", 2*low, alerts.PointReport, alerts.PointReport)

	_, trifle := b.reported(t, "gb", "v1", nil)
	b.closing(t, trifle.ID, alerts.NotSolved)
	b.wantPoints(t, "a trifle that was not solved", "gb", 0)
	_, grave := b.reported(t, "gb", "v1", nil)
	b.do(t, "hv", grave.ID, MoveInput{Action: alerts.ActReclass, Severity: alerts.High, Reason: "worse"})
	b.closing(t, grave.ID, alerts.NotSolved)
	b.wantPoints(t, "a grave one that was not solved", "gb", pointsFor(alerts.High), alerts.PointHard)

	_, refused := b.reported(t, "gg", "v1", nil)
	b.do(t, "hv", refused.ID, why(alerts.ActRefuse))
	b.wantPoints(t, "a refused one", "gg", 0)

	// What is opened again is taken back, and may be earned anew.
	b.do(t, "gr", first.ID, why(alerts.ActDispute))
	b.wantPoints(t, "a disputed one", "gr", low, alerts.PointReport, alerts.PointReport, alerts.PointUndone)
	b.do(t, "ce", first.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	b.do(t, "hd", first.ID, mv(alerts.ActReceive))
	b.do(t, "hd", first.ID, MoveInput{Action: alerts.ActFeedBack, Text: "done"})
	b.do(t, "ce", first.ID, MoveInput{Action: alerts.ActClose, Outcome: alerts.Solved, Text: "seen"})
	b.wantPoints(t, "closed again", "gr", 2*low, alerts.PointReport, alerts.PointReport, alerts.PointUndone, alerts.PointReport)
}

// TestPointsOfWork: settling on the spot and handling count when confirmed.
func TestPointsOfWork(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", nil)
	b.do(t, "gr", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "settled"})
	b.wantPoints(t, "not confirmed", "gr", 0)
	b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActClose, Outcome: alerts.Solved, Text: "seen"})
	b.wantPoints(t, "settled", "gr", pointsFor(k.Severity)+settledPoints, alerts.PointReport, alerts.PointSettled)

	_, k = b.reported(t, "gr", "v1", nil)
	b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActAssign, Person: "gg"})
	b.do(t, "gg", k.ID, mv(alerts.ActReceive))
	b.do(t, "gg", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "done"})
	b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActClose, Outcome: alerts.Solved, Text: "seen"})
	b.wantPoints(t, "handled", "gg", handledPoints, alerts.PointHandled)

	// An officer's own report earns nothing.
	_, k = b.reported(t, "hv", "v1", nil)
	b.closing(t, k.ID, alerts.Solved)
	if sums := ok[[]PointSumView](t)(b.PointSums(t.Context(), b.who["at"], month(b))); len(sums) != 2 {
		t.Errorf("who has points: %+v", sums)
	}
}

func month(b *bureau) string { return b.Desk.now().In(b.Zone).Format("2006-01") }

// TestLedgerSight: the own points, or those of the areas from the township on;
// and not whose complaint a case about a department was.
func TestLedgerSight(t *testing.T) {
	b := newBureau(t)
	_, plain := b.reported(t, "gr", "v1", nil)
	b.closing(t, plain.ID, alerts.Solved)
	_, secret := b.reported(t, "gr", "v1", func(in *ReportInput) { in.Against = "xx" })
	b.closing(t, secret.ID, alerts.Solved)
	ctx := t.Context()
	for _, who := range []string{"hv", "hd", "ad"} {
		_, _, err := b.Points(ctx, b.who[who], alerts.PointFilter{})
		wantKind(t, err, alerts.Forbidden, "points for "+who)
		_, err = b.PointSums(ctx, b.who[who], month(b))
		wantKind(t, err, alerts.Forbidden, "sums for "+who)
		_, _, err = b.Appeals(ctx, b.who[who], alerts.PointFilter{})
		wantKind(t, err, alerts.Forbidden, "appeals for "+who)
	}
	_, _, err := b.Points(ctx, b.who["gg"], alerts.PointFilter{UserID: "gr"})
	wantKind(t, err, alerts.Forbidden, "somebody else's points")
	for who, cases := range map[string]int{"gr": 2, "at": 1, "ce": 1, "ci": 1, "au": 1, "gg": 0} {
		lines, _, err := b.Points(ctx, b.who[who], alerts.PointFilter{Month: month(b)})
		if err != nil {
			t.Fatal(err)
		}
		named := 0
		for _, l := range lines {
			if l.CaseID != "" {
				named++
			}
			if who != "gr" && l.CaseID == secret.ID {
				t.Errorf("%s is shown who complained about a department", who)
			}
			if l.UserName != "名 gr" || l.AreaName != "一村" {
				t.Errorf("line %+v", l)
			}
		}
		if named != cases {
			t.Errorf("%s sees the cases of %d lines, want %d", who, named, cases)
		}
	}
	west := b.who["at"]
	west.Home, west.Paths = paths["west"], []string{paths["west"]}
	if lines, _, err := b.Points(ctx, west, alerts.PointFilter{}); err != nil || len(lines) != 0 {
		t.Errorf("the west sees %v, %v", lines, err)
	}
	_, err = b.PointSums(ctx, b.who["at"], "2026-13")
	wantFault(t, err, "a 13th month", "month")
}

// TestAppeals: once, by the grid leader; decided once, at the township or above.
func TestAppeals(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	in := AppealInput{Month: month(b), Text: "忘记了一件 one was forgotten"}
	for _, who := range []string{"hv", "at", "hd", "ci"} {
		_, err := b.Appeal(ctx, b.who[who], in)
		wantKind(t, err, alerts.Forbidden, "an appeal of "+who)
	}
	old := b.Desk.now().In(b.Zone).AddDate(0, -6, 0).Format("2006-01")
	for name, c := range map[string]struct {
		in    AppealInput
		field string
	}{
		"no text":   {AppealInput{Month: in.Month}, "text"},
		"no month":  {AppealInput{Text: "x"}, "month"},
		"long ago":  {AppealInput{Month: old, Text: "x"}, "month"},
		"to come":   {AppealInput{Month: b.Desk.now().In(b.Zone).AddDate(0, 2, 0).Format("2006-01"), Text: "x"}, "month"},
		"elsewhere": {AppealInput{Month: in.Month, Text: "x", CaseID: "none"}, "case_id"},
	} {
		_, err := b.Appeal(ctx, b.who["gr"], c.in)
		wantFault(t, err, name, c.field)
	}
	a := ok[AppealView](t)(b.Appeal(ctx, b.who["gr"], in))
	for _, who := range []string{"gr", "gg", "hv", "hd"} {
		_, err := b.DecideAppeal(ctx, b.who[who], a.ID, DecisionInput{Points: 2, Answer: "x"})
		wantKind(t, err, alerts.Forbidden, "a decision of "+who)
	}
	_, err := b.DecideAppeal(ctx, b.who["at"], a.ID, DecisionInput{Points: 21})
	wantFault(t, err, "too much, and no answer", "answer", "points")
	b.clock.add(time.Hour)
	v := ok[AppealView](t)(b.DecideAppeal(ctx, b.who["at"], a.ID, DecisionInput{Points: 2, Answer: "补记 added"}))
	if v.Granted != 2 || v.AnsweredAt == nil || v.UserName != "名 gr" {
		t.Errorf("decided: %+v", v)
	}
	b.wantPoints(t, "granted", "gr", 2, alerts.PointAppeal)
	_, err = b.DecideAppeal(ctx, b.who["ce"], a.ID, DecisionInput{Points: 2, Answer: "x"})
	wantKind(t, err, alerts.Conflict, "a second decision")
	if list, _, err := b.Appeals(ctx, b.who["gr"], alerts.PointFilter{}); err != nil || len(list) != 1 || list[0].Answer != "补记 added" {
		t.Errorf("own appeals: %+v, %v", list, err)
	}
	if list, _, err := b.Appeals(ctx, b.who["gg"], alerts.PointFilter{}); err != nil || len(list) != 0 {
		t.Errorf("appeals of others: %+v, %v", list, err)
	}
}
