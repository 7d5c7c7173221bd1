package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// Shifts are those of one centre that overlap a span, seen by area.
func testShifts(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	hour := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Hour) }
	shift := func(id, area string, from, to int) alerts.Shift {
		return alerts.Shift{ID: id, AreaID: area, UserID: "u", From: hour(from), To: hour(to), Lead: id == "b", Note: "n"}
	}
	save := func(v alerts.Shift) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveShift(v) })
	}
	Write(t, s, func(tx alerts.Tx) error {
		return tx.SaveUser(alerts.User{ID: "u", Username: "u", Role: alerts.DutyOfficer, AreaID: "east"})
	})
	for _, v := range []alerts.Shift{shift("c", "east", 16, 24), shift("a", "east", 0, 8), shift("b", "east", 8, 16), shift("d", "t1", 0, 24)} {
		if err := save(v); err != nil {
			t.Fatal(err)
		}
	}
	name := func(v alerts.Shift) string { return v.ID }
	for _, c := range []struct {
		path, area string
		from, to   int
		want       string
	}{
		{CityPath, "east", 0, 24, "a b c"}, {EastPath, "east", 8, 9, "b"}, {EastPath, "east", 7, 9, "a b"}, {EastPath, "east", 24, 30, ""},
		{T1Path, "east", 0, 24, ""}, {T1Path, "t1", 5, 6, "d"}, {T3Path, "t1", 0, 24, ""}, {"", "east", 0, 24, ""}, {CityPath, "\x00", 0, 24, ""},
	} {
		got := ids(must[[]alerts.Shift](t)(s.Shifts(ctx, At(c.path), c.area, hour(c.from), hour(c.to))), name)
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("shifts of %s by %q, %d to %d: %q, want %q", c.area, c.path, c.from, c.to, text, c.want)
		}
	}
	v := must[alerts.Shift](t)(s.Shift(ctx, At(EastPath), "b"))
	want := shift("b", "east", 8, 16)
	if want.Version, want.AreaPath = 1, EastPath; v != want {
		t.Errorf("shift %+v, want %+v", v, want)
	}
	_, err := s.Shift(ctx, At(T1Path), "b")
	wantKind(t, err, alerts.NotFound, "a shift of the centre above")
	wantKind(t, save(shift("b", "east", 8, 12)), alerts.Conflict, "a change on an old version")
	if err := save(v); err != nil {
		t.Fatal(err)
	}
	Write(t, s, func(tx alerts.Tx) error { return tx.RemoveShift("b") })
	_, err = s.Shift(ctx, At(EastPath), "b")
	wantKind(t, err, alerts.NotFound, "a removed shift")
}
