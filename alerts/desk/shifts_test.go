package desk

import (
	"testing"
	"time"

	"sharpeyes/alerts"
)

// TestShifts keeps a duty roster: by the centre or one above, of people who act
// for it, and never of the past.
func TestShifts(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	now := b.Desk.now()
	in := ShiftInput{UserID: "at", From: now.Add(-time.Hour), To: now.Add(7 * time.Hour), Lead: true, Note: "钥匙 keys"}
	for _, who := range []string{"hv", "hd", "gr", "au", "ad"} {
		_, err := b.CreateShift(ctx, b.who[who], "t1", in)
		if err == nil {
			t.Errorf("%s keeps the roster of the township", who)
		}
	}
	v := ok[ShiftView](t)(b.CreateShift(ctx, b.who["at"], "t1", in))
	if !v.Now || !v.Lead || v.UserName != "名 at" || v.Version != 1 {
		t.Errorf("shift: %+v", v)
	}
	next := ok[ShiftView](t)(b.CreateShift(ctx, b.who["ce"], "t1", ShiftInput{UserID: "ce", From: now.Add(7 * time.Hour), To: now.Add(15 * time.Hour)}))
	for name, c := range map[string]struct {
		change func(*ShiftInput)
		field  string
	}{
		"backwards":       {func(in *ShiftInput) { in.To = in.From }, "to"},
		"three days":      {func(in *ShiftInput) { in.To = in.From.Add(72 * time.Hour) }, "to"},
		"no start":        {func(in *ShiftInput) { in.From = time.Time{} }, "from"},
		"nobody":          {func(in *ShiftInput) { in.UserID = "none" }, "user_id"},
		"a grid leader":   {func(in *ShiftInput) { in.UserID = "gr" }, "user_id"},
		"from below":      {func(in *ShiftInput) { in.UserID = "hv" }, "user_id"},
		"control letters": {func(in *ShiftInput) { in.Note = "a\x00b" }, "note"},
	} {
		bad := in
		c.change(&bad)
		_, err := b.CreateShift(ctx, b.who["at"], "t1", bad)
		if err == nil {
			t.Errorf("%s is taken", name)
			continue
		}
		if f := err.(*alerts.Error).Faults; len(f) == 0 || f[0].Field != c.field {
			t.Errorf("%s: %v, want a fault of %s", name, err, c.field)
		}
	}
	for who, want := range map[string]int{"at": 2, "ce": 2, "au": 2, "ad": 2} {
		if list := ok[[]ShiftView](t)(b.Shifts(ctx, b.who[who], "t1", time.Time{}, time.Time{})); len(list) != want {
			t.Errorf("%s sees %d shifts, want %d", who, len(list), want)
		}
	}
	for who, kind := range map[string]alerts.Kind{"hv": alerts.NotFound, "gr": alerts.Forbidden, "hd": alerts.Forbidden} {
		_, err := b.Shifts(ctx, b.who[who], "t1", time.Time{}, time.Time{})
		wantKind(t, err, kind, "the roster for "+who)
	}
	_, err := b.Shifts(ctx, b.who["at"], "t1", now, now.AddDate(1, 0, 0))
	wantFault(t, err, "a year", "to")

	later := ok[ShiftView](t)(b.ChangeShift(ctx, b.who["at"], next.ID, ShiftPatch{UserID: ptr("at")}))
	if later.UserName != "名 at" || later.Version != 2 {
		t.Errorf("changed: %+v", later)
	}
	wantKind(t, b.RemoveShift(ctx, b.who["at"], v.ID), alerts.Conflict, "removing a shift that runs")
	wantKind(t, b.RemoveShift(ctx, b.who["nv"], next.ID), alerts.NotFound, "removing from below")
	if err := b.RemoveShift(ctx, b.who["ce"], next.ID); err != nil {
		t.Fatal(err)
	}
	if list := ok[[]ShiftView](t)(b.Shifts(ctx, b.who["at"], "t1", time.Time{}, time.Time{})); len(list) != 1 {
		t.Errorf("left: %+v", list)
	}
}
