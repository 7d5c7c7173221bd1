package storetest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// Emergency access is seen from its area and above, and by who took it; what of
// it runs is a matter of time, and nothing is forgotten.
func testEmergencies(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	minute := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Minute) }
	taken := func(id, user, area string, from, to int) alerts.Emergency {
		return alerts.Emergency{ID: id, UserID: user, UserName: "孙", Role: alerts.DutyOfficer, HomeID: "t3", AreaID: area, Reason: "走失儿童",
			At: minute(from), Until: minute(to)}
	}
	save := func(e alerts.Emergency) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveEmergency(e) })
	}
	Write(t, s, func(tx alerts.Tx) error {
		for _, id := range []string{"u1", "u2"} {
			if err := tx.SaveUser(alerts.User{ID: id, Username: id, Role: alerts.DutyOfficer, AreaID: "t3"}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, e := range []alerts.Emergency{taken("a", "u1", "v1", 0, 30), taken("b", "u1", "t2", 10, 20), taken("c", "u2", "t1", 20, 50)} {
		if err := save(e); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, save(taken("x", "none", "v1", 0, 1)), alerts.Invalid, "of nobody")
	wantKind(t, save(taken("x", "u1", "none", 0, 1)), alerts.Invalid, "in no area")
	id := func(e alerts.Emergency) string { return e.ID }
	of := func(s alerts.Scope, user string) alerts.Scope { s.User = user; return s }
	for _, c := range []struct {
		scope  alerts.Scope
		filter alerts.EmergencyFilter
		want   []string
	}{
		{At(CityPath), alerts.EmergencyFilter{}, []string{"c", "b", "a"}}, {At(T1Path), alerts.EmergencyFilter{}, []string{"c", "a"}},
		{At(T3Path), alerts.EmergencyFilter{}, nil}, {of(At(T3Path), "u1"), alerts.EmergencyFilter{}, []string{"b", "a"}},
		{alerts.Scope{User: "u1"}, alerts.EmergencyFilter{}, nil},
		{At(CityPath), alerts.EmergencyFilter{RunningAt: minute(20)}, []string{"c", "a"}},
		{At(CityPath), alerts.EmergencyFilter{RunningAt: minute(50)}, nil},
		{At(CityPath), alerts.EmergencyFilter{UserID: "u2"}, []string{"c"}},
		{At(CityPath), alerts.EmergencyFilter{AreaID: "t1"}, []string{"c", "a"}}, {At(CityPath), alerts.EmergencyFilter{AreaID: "none"}, nil},
	} {
		got, _, err := s.Emergencies(ctx, c.scope, c.filter)
		if err != nil {
			t.Fatal(err)
		}
		wantIDs(t, ids(got, id), append([]string{}, c.want...), "emergencies")
	}
	first, next, err := s.Emergencies(ctx, At(CityPath), alerts.EmergencyFilter{Page: alerts.Page{Limit: 2}})
	if err != nil || len(first) != 2 || next == "" {
		t.Fatalf("%d, %q, %v", len(first), next, err)
	}
	rest, _, err := s.Emergencies(ctx, At(CityPath), alerts.EmergencyFilter{Page: alerts.Page{Limit: 2, Cursor: next}})
	if err != nil || len(rest) != 1 || rest[0].ID != "a" {
		t.Errorf("the next page: %v, %v", rest, err)
	}
	for at, want := range map[int][]string{0: {"b", "a"}, 25: {"a"}, 30: {}} {
		wantIDs(t, ids(must[[]alerts.Emergency](t)(s.EmergenciesOf(ctx, "u1", minute(at))), id), want, "of a user")
	}
	e := must[alerts.Emergency](t)(s.Emergency(ctx, At(T1Path), "a"))
	want := taken("a", "u1", "v1", 0, 30)
	if want.Version, want.AreaPath = 1, T1Path+"v1/"; !reflect.DeepEqual(e, want) {
		t.Errorf("%+v, want %+v", e, want)
	}
	_, err = s.Emergency(ctx, At(T3Path), "a")
	wantKind(t, err, alerts.NotFound, "one of another area")
	if v := must[alerts.Emergency](t)(s.Emergency(ctx, of(At(T3Path), "u1"), "a")); v.ID != "a" {
		t.Errorf("the own one: %+v", v)
	}
	e.EndedAt, e.EndedBy = minute(5), "u1"
	e.Verdict, e.Review, e.ReviewedBy, e.ReviewerName, e.ReviewedAt = alerts.Objected, "不必要", "u2", "郑", minute(60)
	if err := save(e); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(e), alerts.Conflict, "an old version")
	if v := must[alerts.Emergency](t)(s.Emergency(ctx, At(CityPath), "a")); v.Review != "不必要" || !v.EndedAt.Equal(minute(5)) || v.Runs(minute(6)) || !v.Runs(minute(4)) {
		t.Errorf("%+v", v)
	}
	open, _, err := s.Emergencies(ctx, At(CityPath), alerts.EmergencyFilter{Unreviewed: true})
	if err != nil {
		t.Fatal(err)
	}
	wantIDs(t, ids(open, id), []string{"c", "b"}, "not reviewed")
	wantIDs(t, ids(must[[]alerts.Emergency](t)(s.EmergenciesOf(ctx, "u1", minute(6))), id), []string{"b"}, "after an early end")
}
