package storetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func caseID(c alerts.Case) string { return c.ID }

// testCases: a case comes back as it was saved, under its next version; two who
// change the same version do not both succeed.
func testCases(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	c := randomCase(rand.New(rand.NewPCG(1, 1)), 1)
	c.AreaID, c.GridID, c.HolderID = "v1", "g1", "east"
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveCase(c) })
	c.Version, c.AreaPath, c.HolderPath = 1, "/city/east/t1/v1/", EastPath
	if got := must[alerts.Case](t)(s.Case(ctx, alerts.System(), c.ID)); !reflect.DeepEqual(got, c) {
		t.Fatalf("got  %+v\nwant %+v", got, c)
	}
	if got := must[alerts.Case](t)(s.CaseByCode(ctx, alerts.System(), c.Code)); got.ID != c.ID {
		t.Fatalf("by code: got %s", got.ID)
	}
	for _, id := range []string{"", "no", "a\x00b"} {
		_, err := s.Case(ctx, alerts.System(), id)
		wantKind(t, err, alerts.NotFound, "unknown id")
		_, err = s.CaseByCode(ctx, alerts.System(), id)
		wantKind(t, err, alerts.NotFound, "unknown code")
	}
	var won, lost int
	var mu sync.Mutex
	var officers sync.WaitGroup
	for n := range 8 {
		officers.Go(func() {
			mine := c
			mine.Title = fmt.Sprint("officer ", n)
			err := s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveCase(mine) })
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case alerts.KindOf(err) == alerts.Conflict:
				lost++
			}
		})
	}
	officers.Wait()
	if won != 1 || lost != 7 {
		t.Fatalf("%d won and %d lost, of 8 who took one case", won, lost)
	}
	save := func(change func(*alerts.Case)) error {
		next := must[alerts.Case](t)(s.Case(ctx, alerts.System(), c.ID))
		change(&next)
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveCase(next) })
	}
	wantKind(t, save(func(c *alerts.Case) { c.Version = 0 }), alerts.Conflict, "made twice")
	wantKind(t, save(func(c *alerts.Case) { c.Version, c.ID = 0, "other" }), alerts.Conflict, "the same code twice")
	wantKind(t, save(func(c *alerts.Case) { c.Version += 5 }), alerts.Conflict, "a version that is not")
	wantKind(t, save(func(c *alerts.Case) { c.ID = "gone" }), alerts.Conflict, "a case that is not there")
	wantKind(t, save(func(c *alerts.Case) { c.AreaID = "nowhere" }), alerts.Invalid, "an area that is not there")
	wantKind(t, save(func(c *alerts.Case) { c.HolderID = "nowhere" }), alerts.Invalid, "a holder that is not there")
	for _, f := range []alerts.CaseFilter{{Sort: "title"}, {Page: alerts.Page{Cursor: "x"}}, {Page: alerts.Page{Limit: 1001}}} {
		_, _, err := s.Cases(ctx, alerts.System(), f)
		wantKind(t, err, alerts.Invalid, fmt.Sprintf("%+v", f))
	}
	_, err := s.CaseCounts(ctx, alerts.System(), alerts.CaseFilter{}, "title", Base)
	wantKind(t, err, alerts.Invalid, "counts by title")
}

// testCaseSight: who sees which of four cases.
func testCaseSight(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	at := func(area, grid string, n int, change func(*alerts.Case)) alerts.Case {
		c := NewCase(n, area, grid)
		change(&c)
		return c
	}
	all := []alerts.Case{
		at("v1", "g1", 1, func(c *alerts.Case) { c.DepartmentID = "dep1" }),
		at("v2", "", 2, func(c *alerts.Case) { c.FirstID, c.DepartmentID = "dep1", "dep2" }),
		at("v3", "g3", 3, func(c *alerts.Case) { c.PersonID = "leader2" }),
		at("v4", "", 4, func(*alerts.Case) {}),
	}
	Write(t, s, func(tx alerts.Tx) error {
		for n, c := range all {
			if err := tx.SaveCase(c); err != nil {
				return err
			}
			i := Incident(n+1, c.AreaID, c.GridID)
			i.ReporterID = fmt.Sprint("reporter", n+1)
			if err := tx.AddIncident(i); err != nil {
				return err
			}
			if err := tx.SaveFiling(alerts.Filing{IncidentID: i.ID, CaseID: c.ID, FirstID: c.ID, At: Base}); err != nil {
				return err
			}
		}
		return tx.SavePart(alerts.Part{CaseID: all[3].ID, DepartmentID: "dep2", At: Base})
	})
	city := []string{CityPath}
	for name, c := range map[string]struct {
		scope alerts.Scope
		sees  string
	}{
		"nobody":                      {alerts.Scope{}, ""},
		"system":                      {alerts.System(), "1 2 3 4"},
		"county officer":              {alerts.Scope{Role: alerts.DutyOfficer, Paths: []string{EastPath}}, "1 2 3"},
		"village officer":             {alerts.Scope{Role: alerts.DutyOfficer, Paths: []string{"/city/east/t1/v2/"}}, "2"},
		"leader":                      {alerts.Scope{Role: alerts.Leader, Paths: city}, "1 2 3 4"},
		"auditor":                     {alerts.Scope{Role: alerts.Auditor, Paths: city}, "1 2 3 4"},
		"administrator":               {alerts.Scope{Role: alerts.Admin, Paths: []string{"/"}}, ""},
		"handler":                     {alerts.Scope{Role: alerts.Handler, User: "h", Department: "dep1", Paths: city}, "1 2"},
		"joint handler":               {alerts.Scope{Role: alerts.Handler, User: "h", Department: "dep2", Paths: city}, "2 4"},
		"handler of one county":       {alerts.Scope{Role: alerts.Handler, User: "h", Department: "dep2", Paths: []string{EastPath}}, "2"},
		"handler without department":  {alerts.Scope{Role: alerts.Handler, User: "h", Paths: city}, ""},
		"handler who reported":        {alerts.Scope{Role: alerts.Handler, User: "reporter4", Department: "dep1", Paths: city}, "1 2 4"},
		"grid leader":                 {alerts.Scope{Role: alerts.GridLeader, User: "l", Grids: []string{"g1"}, Paths: city}, "1"},
		"grid leader who is assigned": {alerts.Scope{Role: alerts.GridLeader, User: "leader2", Grids: []string{"g1"}, Paths: city}, "1 3"},
		"grid leader who reported":    {alerts.Scope{Role: alerts.GridLeader, User: "reporter2", Paths: city}, "2"},
		"machine":                     {alerts.Scope{Paths: []string{"/"}, Extra: []alerts.Right{alerts.ReadCases}}, "1 2 3 4"},
		"machine without the right":   {alerts.Scope{Paths: []string{"/"}, Extra: []alerts.Right{alerts.ReadAlerts}}, ""},
	} {
		var listed, found, coded []string
		list, _, err := s.Cases(ctx, c.scope, alerts.CaseFilter{Sort: alerts.ByOpened})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			listed = append([]string{strings.TrimLeft(x.ID, "case0")}, listed...)
		}
		for n, x := range all {
			if _, err := s.Case(ctx, c.scope, x.ID); err == nil {
				found = append(found, fmt.Sprint(n+1))
			} else {
				wantKind(t, err, alerts.NotFound, name)
			}
			if _, err := s.CaseByCode(ctx, c.scope, x.Code); err == nil {
				coded = append(coded, fmt.Sprint(n+1))
			}
		}
		var counted int64
		for _, g := range must[[]alerts.CaseCount](t)(s.CaseCounts(ctx, c.scope, alerts.CaseFilter{}, alerts.GroupStep, Base)) {
			counted += g.Total
		}
		near := must[[]alerts.Case](t)(s.CasesNear(ctx, c.scope, all[0].Point, 10, "", time.Time{}, 10))
		for way, got := range map[string]string{"list": strings.Join(listed, " "), "id": strings.Join(found, " "), "code": strings.Join(coded, " ")} {
			if got != c.sees {
				t.Errorf("%s, by %s: sees %q, want %q", name, way, got, c.sees)
			}
		}
		if n := len(strings.Fields(c.sees)); int(counted) != n || len(near) != n {
			t.Errorf("%s: %d counted, %d near, want %d", name, counted, len(near), n)
		}
	}
}

// testMoves: moves are numbered without gaps and chained, each case by itself.
func testMoves(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	a, b := NewCase(1, "v1", "g1"), NewCase(2, "v2", "")
	moves := []alerts.Move{
		{Action: alerts.ActReport, To: alerts.StepReport, At: Base.Add(1234567 * time.Nanosecond), AreaID: "v1"},
		{Action: alerts.ActFile, From: alerts.StepReport, To: alerts.StepFile, At: Base, ActorID: "u1", ActorName: "王 五",
			ActorRole: alerts.DutyOfficer, AreaID: "v1", Reason: "原因\n\"quoted\" <b>"},
		{Action: alerts.ActAssign, From: alerts.StepFile, To: alerts.StepAssign, At: Base, DepartmentID: "dep1",
			Details: map[string]string{"department": "dep1", "a": "", "": "b"}, Files: []string{"f1", "f2"},
			Place: &alerts.Point{Lon: 117.123456789012345, Lat: -31.1}},
	}
	var kept []alerts.Move
	Write(t, s, func(tx alerts.Tx) error {
		kept = nil
		for _, c := range []alerts.Case{a, b} {
			if err := tx.SaveCase(c); err != nil {
				return err
			}
			for _, m := range moves {
				m.CaseID = c.ID
				if err := tx.AddMove(&m); err != nil {
					return err
				}
				kept = append(kept, m)
			}
		}
		return nil
	})
	before := ""
	got := must[[]alerts.Move](t)(s.Moves(ctx, a.ID))
	for i, m := range got {
		if m.N != i+1 || m.Hash != alerts.MoveHash(before, m) {
			t.Errorf("move %d: number %d, hash %s", i+1, m.N, m.Hash)
		}
		before = m.Hash
	}
	if !reflect.DeepEqual(got, kept[:3]) {
		t.Fatalf("got  %+v\nwant %+v", got, kept[:3])
	}
	other := must[[]alerts.Move](t)(s.Moves(ctx, b.ID))
	if err := alerts.CheckMoves(other); err != nil || other[0].Hash == got[0].Hash {
		t.Errorf("the other case's chain: %v", err)
	}
	if none := must[[]alerts.Move](t)(s.Moves(ctx, "no")); len(none) != 0 {
		t.Errorf("moves of no case: %v", none)
	}
	for name, m := range map[string]alerts.Move{"no case": {CaseID: "no"}, "NUL": {CaseID: a.ID, Reason: "a\x00"},
		"not UTF-8": {CaseID: a.ID, Details: map[string]string{"k": "\xff"}},
		"no number": {CaseID: a.ID, Place: &alerts.Point{Lon: math.NaN()}}} {
		err := s.Write(ctx, func(tx alerts.Tx) error { return tx.AddMove(&m) })
		wantKind(t, err, map[bool]alerts.Kind{true: alerts.NotFound, false: alerts.Invalid}[name == "no case"], name)
	}
	// Moves of one case by many at once stay a chain.
	var writers sync.WaitGroup
	for n := range 16 {
		writers.Go(func() {
			if err := s.Write(ctx, func(tx alerts.Tx) error {
				return tx.AddMove(&alerts.Move{CaseID: a.ID, Action: alerts.ActRemind, At: Base, Reason: fmt.Sprint(n)})
			}); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	got = must[[]alerts.Move](t)(s.Moves(ctx, a.ID))
	if err := alerts.CheckMoves(got); err != nil || len(got) != 19 {
		t.Errorf("%d moves, %v", len(got), err)
	}
}

// testCasesNear compares with every case's distance.
func testCasesNear(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(3, 3))
	m := newCaseModel()
	m.grow(t, s, r, 0, 300)
	// Cases at the edges of the map are found, too.
	Write(t, s, func(tx alerts.Tx) error {
		for n, p := range []alerts.Point{{Lon: 179.9999, Lat: 10}, {Lon: -179.998, Lat: 10}, {Lon: 20, Lat: 89.999}, {Lon: -160, Lat: 89.998}} {
			c := NewCase(1000+n, "v1", "")
			c.Point = p
			m.saved(c)
			if err := tx.SaveCase(c); err != nil {
				return err
			}
		}
		return nil
	})
	for n := range 200 {
		scope, since := randomScope(r), maybe(r)
		category := pick(r, "", "hazard", "hazard.gas", "none")
		metres, limit := pick(r, 0, 50, 250, 1000, 5000), 1+r.IntN(20)
		p := alerts.Point{Lon: 117.25 + r.Float64()/50, Lat: 31.5 + r.Float64()/50}
		if n%4 == 0 {
			p, scope = pick(r, alerts.Point{Lon: 180, Lat: 10}, alerts.Point{Lon: 90, Lat: 90}), alerts.System()
		}
		var want []*modelCase
		for _, c := range m.list(scope, alerts.CaseFilter{Category: category, Since: since}) {
			if c.Open() && metresBetween(p, c.Point) <= float64(metres) {
				want = append(want, c)
			}
		}
		slices.SortFunc(want, func(a, b *modelCase) int {
			return cmp.Or(cmp.Compare(metresBetween(p, a.Point), metresBetween(p, b.Point)), cmp.Compare(a.ID, b.ID))
		})
		got := must[[]alerts.Case](t)(s.CasesNear(ctx, scope, p, float64(metres), category, since, limit))
		wantIDs(t, ids(got, caseID), ids(want[:min(limit, len(want))], func(c *modelCase) string { return c.ID }),
			fmt.Sprintf("within %d m of %v, %q since %v", metres, p, category, since))
	}
}

// metresBetween is the angle between two vectors times the Earth's radius.
func metresBetween(a, b alerts.Point) float64 {
	vector := func(p alerts.Point) [3]float64 {
		lon, lat := p.Lon*math.Pi/180, p.Lat*math.Pi/180
		return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	u, v := vector(a), vector(b)
	cross := math.Hypot(math.Hypot(u[1]*v[2]-u[2]*v[1], u[2]*v[0]-u[0]*v[2]), u[0]*v[1]-u[1]*v[0])
	return 6371008.8 * math.Atan2(cross, u[0]*v[0]+u[1]*v[1]+u[2]*v[2])
}
