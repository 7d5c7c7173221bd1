package desk

import (
	"fmt"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// TestBrief counts a week and the one before, in the town's own time.
func TestBrief(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	monday := mondayOf(b.Desk.now().In(b.Zone)).AddDate(0, 0, 7)
	b.clock.add(monday.Add(-time.Minute).Sub(b.Desk.now())) // Sunday, 23:59
	_, early := b.reported(t, "gr", "v1", nil)
	b.clock.add(2 * time.Minute)
	_, late := b.reported(t, "gr", "v1", direct)
	_, refused := b.reported(t, "gr", "v1", nil)
	b.do(t, "hv", refused.ID, why(alerts.ActRefuse))
	b.do(t, "ce", late.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	year, number := monday.ISOWeek()
	b.clock.add(8 * 24 * time.Hour)

	for who, area := range map[string]string{"hv": "v1", "ce": "east", "ci": "city"} {
		v := ok[BriefView](t)(b.Brief(ctx, b.who[who], "", ""))
		if y, n := v.From.In(b.Zone).ISOWeek(); y != year || n != number || v.AreaID != area {
			t.Errorf("%s: %s %s", who, v.AreaID, v.Week)
		}
		if v.This.Total != 2 || v.This.Direct != 1 || v.Before.Total != 1 || v.Refused != 1 || v.This.Closed != 1 {
			t.Errorf("%s: this %+v, before %+v, refused %d", who, v.This, v.Before, v.Refused)
		}
		if len(v.Categories) != 1 || v.Categories[0].This != 2 || v.Categories[0].Before != 1 || v.Categories[0].Key != early.Category {
			t.Errorf("%s: categories %+v", who, v.Categories)
		}
		if len(v.Grids) != 1 || v.Grids[0].Key != "g1a" || v.Grids[0].Name != "1a" || len(v.Days) != 2 || v.Days[0].Total != 1 {
			t.Errorf("%s: grids %+v, days %+v", who, v.Grids, v.Days)
		}
		if len(v.Departments) != 1 || v.Departments[0].Name != "燃气办" {
			t.Errorf("%s: departments %+v", who, v.Departments)
		}
	}
	// Closed is not solved: call-backs count, and what is open past its time is
	// late in every rate.
	happy, unhappy := true, false
	for _, said := range []*bool{&happy, &unhappy, nil} {
		b.do(t, "hv", early.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
		b.do(t, "hd", early.ID, mv(alerts.ActReceive))
		b.do(t, "hd", early.ID, MoveInput{Action: alerts.ActFeedBack, Text: "done"})
		b.do(t, "hv", early.ID, MoveInput{Action: alerts.ActClose, Outcome: alerts.Solved, Text: `seen, "satisfied":"true"`, Satisfied: said})
		b.do(t, "hv", early.ID, why(alerts.ActReopen))
	}
	before := monday.AddDate(0, 0, -7)
	y, n := before.ISOWeek()
	v := ok[BriefView](t)(b.Brief(ctx, b.who["ce"], "", fmt.Sprintf("%d-W%02d", y, n)))
	if v.Called != 2 || v.Satisfied != 1 || v.This.Reopen != 1 || v.This.OnTime != 1-float64(v.This.Late) {
		t.Errorf("called back %d, satisfied %d, %+v", v.Called, v.Satisfied, v.This)
	}
	if v := ok[BriefView](t)(b.Brief(ctx, b.who["ce"], "t2", "")); v.This.Total != 0 || v.Before.Total != 0 || len(v.Categories) != 0 {
		t.Errorf("elsewhere: %+v", v)
	}
	for _, who := range []string{"hd", "gr", "ad"} {
		_, err := b.Brief(ctx, b.who[who], "east", "")
		wantKind(t, err, alerts.Forbidden, "a brief for "+who)
	}
	_, err := b.Brief(ctx, b.who["ce"], "west", "")
	wantFault(t, err, "another county", "area")
	for week, good := range map[string]bool{"2026-W53": true, "2025-W53": false, "2026-W00": false, "2026-W54": false, "2026-48": false, "2027-W01": true} {
		v, err := b.Brief(ctx, b.who["ce"], "", week)
		if good && (err != nil || v.Week != week || v.From.In(b.Zone).Weekday() != time.Monday) {
			t.Errorf("%s: %s from %v, %v", week, v.Week, v.From, err)
		}
		if !good {
			wantFault(t, err, week, "week")
		}
	}
}
