package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// Lines of points are listed by time, seen by area, and summed up by person.
func testPoints(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	line := func(n int, user, month, area, caseID string, points int) alerts.PointLine {
		return alerts.PointLine{ID: fmt.Sprintf("p%02d", n), UserID: user, Month: month, Kind: alerts.PointReport, Points: points, CaseID: caseID,
			IncidentID: "i", AreaID: area, Hidden: n == 2, At: Base.Add(time.Duration(n) * time.Minute), ByID: "by"}
	}
	lines := []alerts.PointLine{line(1, "a", "2026-10", "v1", "k1", 3), line(2, "a", "2026-11", "v1", "k2", 2), line(3, "b", "2026-11", "v3", "k3", 5),
		line(4, "a", "2026-11", "v1", "k2", -2), line(5, "a", "2026-11", "v4", "k4", 1)}
	Write(t, s, func(tx alerts.Tx) error {
		for _, l := range lines {
			if err := tx.AddPoint(l); err != nil {
				return err
			}
		}
		return nil
	})
	name := func(p alerts.PointLine) string { return p.ID }
	for _, c := range []struct {
		path string
		f    alerts.PointFilter
		want []string
	}{
		{CityPath, alerts.PointFilter{}, []string{"p05", "p04", "p03", "p02", "p01"}},
		{EastPath, alerts.PointFilter{}, []string{"p04", "p03", "p02", "p01"}},
		{T1Path, alerts.PointFilter{Month: "2026-11"}, []string{"p04", "p02"}},
		{CityPath, alerts.PointFilter{UserID: "a", AreaID: "west"}, []string{"p05"}},
		{CityPath, alerts.PointFilter{UserID: "\x00"}, nil},
		{"", alerts.PointFilter{}, nil},
	} {
		var got []string
		for f := c.f; ; {
			f.Page.Limit = 2
			page, next, err := s.Points(ctx, At(c.path), f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ids(page, name)...)
			if f.Page.Cursor = next; next == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("points of %q by %+v: %v, want %v", c.path, c.f, got, c.want)
		}
	}
	if got := must[[]alerts.PointLine](t)(s.PointsOfCase(ctx, "k2")); len(got) != 2 || got[0].ID != "p02" || !got[0].Hidden || got[1].Points != -2 || got[0].AreaPath == "" {
		t.Errorf("points of a case: %+v", got)
	}
	for path, want := range map[string]string{CityPath: "[{a 1 2} {b 5 1}]", EastPath: "[{a 0 1} {b 5 1}]", T3Path: "[{a 1 1}]", "": "[]"} {
		if got := must[[]alerts.PointSum](t)(s.PointSums(ctx, At(path), "2026-11")); fmt.Sprint(got) != want {
			t.Errorf("sums of %q: %v, want %s", path, got, want)
		}
	}
	err := s.Write(ctx, func(tx alerts.Tx) error { return tx.AddPoint(lines[0]) })
	wantKind(t, err, alerts.Conflict, "a line twice")
}

// Appeals are answered on the version that was read.
func testAppeals(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	a := alerts.Appeal{ID: "a1", UserID: "u", AreaID: "v1", Month: "2026-11", CaseID: "k", Text: "why", At: Base}
	save := func(a alerts.Appeal) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveAppeal(a) })
	}
	if err := save(a); err != nil {
		t.Fatal(err)
	}
	got := must[alerts.Appeal](t)(s.Appeal(ctx, At(T1Path), "a1"))
	if a.Version, a.AreaPath = 1, got.AreaPath; got != a || got.AreaPath == "" {
		t.Errorf("appeal %+v, want %+v", got, a)
	}
	_, err := s.Appeal(ctx, At(T3Path), "a1")
	wantKind(t, err, alerts.NotFound, "an appeal from elsewhere")
	a.Granted, a.Answer, a.AnsweredBy, a.AnsweredAt = 2, "so", "by", Base.Add(time.Hour)
	if err := save(a); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(a), alerts.Conflict, "an answer on an old version")
	list, _, err := s.Appeals(ctx, At(CityPath), alerts.PointFilter{UserID: "u", Month: "2026-11"})
	if err != nil || len(list) != 1 || list[0].Granted != 2 || !list[0].AnsweredAt.Equal(a.AnsweredAt) {
		t.Errorf("appeals: %+v, %v", list, err)
	}
}
