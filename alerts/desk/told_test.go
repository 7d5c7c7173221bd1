package desk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// told runs a change and returns the events that were committed with it, as
// "kind path id", parties behind it.
func (b *bureau) told(t *testing.T, change func()) []string {
	t.Helper()
	_, since, err := b.store.Seqs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.bus.forget()
	change()
	events, _, err := b.store.Events(t.Context(), alerts.System(), since, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if e.Kind == alerts.UserChanged || e.Kind == alerts.CaseChanged || e.Kind == alerts.IncidentCreated {
			continue
		}
		out = append(out, strings.TrimSpace(fmt.Sprint(e.Kind, " ", e.AreaPath, " ", e.ID, " ", strings.Join(e.Parties, ","))))
	}
	if sent := b.bus.kinds(); len(sent) != len(events) {
		t.Errorf("%d events are stored, %v are published", len(events), sent)
	}
	return out
}

func (b *bureau) wantTold(t *testing.T, doing string, change func(), want ...string) {
	t.Helper()
	got := b.told(t, change)
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%s: told\n%s\nwant\n%s", doing, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestRegistersAndRostersAreTold: what changes a register or a roster is told to
// its area, and to the one that it leaves.
func TestRegistersAndRostersAreTold(t *testing.T) {
	b := newBureau(t)
	ctx, city := t.Context(), as(alerts.DutyOfficer, "city")
	point := SiteInput{ID: "f1", Register: alerts.FacilityRegister, Kind: "fire_point", Name: "消防点", Lon: 117.025, Lat: 31.05}
	b.wantTold(t, "a new entry", func() { ok[SiteView](t)(b.CreateSite(ctx, city, point)) }, "register.changed /city/east/t1/v1/ f1")
	b.wantTold(t, "a change", func() { ok[SiteView](t)(b.ChangeSite(ctx, city, "f1", SitePatch{Remark: ptr("seen")})) },
		"register.changed /city/east/t1/v1/ f1")
	b.wantTold(t, "a change of area", func() { ok[SiteView](t)(b.ChangeSite(ctx, city, "f1", SitePatch{AreaID: ptr("v4")})) },
		"register.changed /city/east/t1/v1/ f1", "register.changed /city/west/t3/v4/ f1")
	b.wantTold(t, "a refused change", func() {
		wantKind(t, second(b.ChangeSite(ctx, city, "f1", SitePatch{Version: ptr(int64(9))})), alerts.Conflict, "an old version")
	})
	sheet := "编号,台账,类型,名称,经度,纬度\nf1,facility,fire_point,点,117.15,31.05\nh1,facility,hydrant,栓,117.15,31.05\nh2,facility,hydrant,栓,117.15,31.05\n"
	b.wantTold(t, "an import", func() { ok[ImportResult](t)(b.ImportSites(ctx, city, strings.NewReader(sheet), "csv", alerts.WGS84)) },
		"register.changed /city/east/t1/v2/", "register.changed /city/west/t3/v4/")

	now, s := b.Desk.now(), b.who["at"]
	var v ShiftView
	made := b.told(t, func() {
		v = ok[ShiftView](t)(b.CreateShift(ctx, s, "t1", ShiftInput{UserID: "at", From: now.Add(time.Hour), To: now.Add(9 * time.Hour)}))
	})
	shift := "shifts.changed /city/east/t1/ " + v.ID
	if !slices.Equal(made, []string{shift}) {
		t.Errorf("a shift: %v", made)
	}
	b.wantTold(t, "another shift", func() { ok[ShiftView](t)(b.ChangeShift(ctx, s, v.ID, ShiftPatch{Note: ptr("keys")})) }, shift)
	b.wantTold(t, "no shift", func() {
		if err := b.RemoveShift(ctx, s, v.ID); err != nil {
			t.Error(err)
		}
	}, shift)
	b.wantTold(t, "a roster", func() {
		ok[PostView](t)(b.AddPost(ctx, as(alerts.Admin, "city"), "g2", PostInput{Kind: alerts.TeamPost, Name: "王"}))
	}, "roster.changed /city/east/t1/v2/ g2")
}

// TestPointsAreTold: points to whose they are and to nobody else; an appeal to
// the township as well, past the village that it may be about.
func TestPointsAreTold(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	_, k := b.reported(t, "gr", "v1", nil)
	b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	b.do(t, "hd", k.ID, mv(alerts.ActReceive))
	b.do(t, "hd", k.ID, MoveInput{Action: alerts.ActFeedBack, Text: "done"})
	own := "points.changed " + b.who["gr"].Paths[0] + "  gr"
	b.wantTold(t, "earned", func() { b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActClose, Outcome: alerts.Solved, Text: "seen"}) }, own)
	b.wantTold(t, "taken back", func() { b.do(t, "gr", k.ID, why(alerts.ActDispute)) }, own)
	var a AppealView
	made := b.told(t, func() { a = ok[AppealView](t)(b.Appeal(ctx, b.who["gr"], AppealInput{Month: month(b), Text: "x"})) })
	if want := []string{own, "appeal.changed /city/east/t1/ " + a.ID}; !slices.Equal(made, want) {
		t.Errorf("an appeal: %v, want %v", made, want)
	}
	b.wantTold(t, "a decision", func() {
		ok[AppealView](t)(b.DecideAppeal(ctx, b.who["at"], a.ID, DecisionInput{Points: 1, Answer: "x"}))
	},
		own, "appeal.changed /city/east/t1/ "+a.ID)
}
