package store_test

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
)

// scaleEnv is how many cases the figures are taken of; few when empty, and then
// nothing is said of their speed.
const scaleEnv = "SHARPEYES_SCALE"

// within is what 95 in 100 lists and dashboards over a million cases stay below.
const within = 50 * time.Millisecond

func TestCaseFiguresSQLite(t *testing.T) {
	caseFigures(t, open(t, filepath.Join(t.TempDir(), "sharpeyes.db")))
}

// A million cases are seeded by one statement, which takes as long as it takes.
func TestCaseFiguresPostgres(t *testing.T) {
	caseFigures(t, open(t, postgres.URL(t)+"&statement_timeout=0"))
}

func caseFigures(t *testing.T, s *store.Store) {
	defer s.Close()
	n, full := 3000, os.Getenv(scaleEnv) != ""
	if full {
		var err error
		if n, err = strconv.Atoi(os.Getenv(scaleEnv)); err != nil {
			t.Fatalf("%s: %v", scaleEnv, err)
		}
	}
	store.SeedTown(t, s)
	started := time.Now()
	store.SeedCases(t, s, n)
	t.Logf("%d cases seeded in %v", n, time.Since(started))
	before, started := memory(), time.Now()
	if _, err := s.CaseCounts(context.Background(), alerts.System(), alerts.CaseFilter{}, alerts.GroupStep, started); err != nil {
		t.Fatal(err)
	}
	t.Logf("held in memory after %v, in %d MB", time.Since(started), (memory()-before)>>20)
	started = time.Now()
	taken := measure(t, s, full)
	t.Logf("asked in %v", time.Since(started))
	for _, kinds := range [][]string{{"list"}, {"count"}, {"list", "alone"}, {"list", "together"}, {"list", "text"}, {"list", "page 2"},
		{"count", "alone"}, {"count", "together"}, {"count", "text"}, {"brief"}} {
		p95 := report95(t, taken, kinds)
		if full && p95 > within {
			t.Errorf("%s: 95 in 100 take up to %v, %v at most is wanted", strings.Join(kinds, " "), p95, within)
		}
	}
}

// memory is how much is in use.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

type timing struct {
	kinds []string
	asked string
	took  time.Duration
}

// report95 tells how long the questions took that are of all of some kinds.
func report95(t *testing.T, taken []timing, kinds []string) time.Duration {
	all := slices.DeleteFunc(slices.Clone(taken), func(a timing) bool {
		return slices.ContainsFunc(kinds, func(k string) bool { return !slices.Contains(a.kinds, k) })
	})
	slices.SortFunc(all, func(a, b timing) int { return cmp.Compare(a.took, b.took) })
	at := func(percent int) time.Duration {
		return all[(len(all)-1)*percent/100].took.Round(10 * time.Microsecond)
	}
	t.Logf("%-15s %5d asked, p50 %8v, p95 %8v, p99 %8v, worst %8v: %s", strings.Join(kinds, " "), len(all), at(50), at(95), at(99), at(100),
		all[len(all)-1].asked)
	return at(95)
}

// asked is a filter with its name.
type asked struct {
	name string
	set  func(*alerts.CaseFilter)
}

func questions() []asked {
	yes, no := true, false
	day := func(n int) time.Time { return time.UnixMicro(store.SeedEnd).AddDate(0, 0, -n) }
	return []asked{
		{"all", func(*alerts.CaseFilter) {}},
		{"county", func(f *alerts.CaseFilter) { f.AreaID = "county1" }},
		{"township", func(f *alerts.CaseFilter) { f.AreaID = "town5" }},
		{"village", func(f *alerts.CaseFilter) { f.AreaID = "village29" }},
		{"grid", func(f *alerts.CaseFilter) { f.GridID = "grid29" }},
		{"held by village", func(f *alerts.CaseFilter) { f.HolderID = "village29" }},
		{"held by township", func(f *alerts.CaseFilter) { f.HolderID = "town5" }},
		{"held by county", func(f *alerts.CaseFilter) { f.HolderID = "county1" }},
		{"group", func(f *alerts.CaseFilter) { f.Category = "group3" }},
		{"category", func(f *alerts.CaseFilter) { f.Category = "group3.kind5" }},
		{"no such category", func(f *alerts.CaseFilter) { f.Category = "none" }},
		{"critical", func(f *alerts.CaseFilter) { f.Severity = alerts.Critical }},
		{"low", func(f *alerts.CaseFilter) { f.Severity = alerts.Low }},
		{"to assign", func(f *alerts.CaseFilter) { f.Step = alerts.StepFile }},
		{"closed step", func(f *alerts.CaseFilter) { f.Step = alerts.StepClosed }},
		{"solved", func(f *alerts.CaseFilter) { f.Outcome = alerts.Solved }},
		{"refused", func(f *alerts.CaseFilter) { f.Outcome = alerts.Refused }},
		{"open", func(f *alerts.CaseFilter) { f.Open = &yes }},
		{"closed", func(f *alerts.CaseFilter) { f.Open = &no }},
		{"direct", func(f *alerts.CaseFilter) { f.Direct = &yes }},
		{"department", func(f *alerts.CaseFilter) { f.DepartmentID = "dep7" }},
		{"person", func(f *alerts.CaseFilter) { f.PersonID = "user500" }},
		{"overdue", func(f *alerts.CaseFilter) { f.OverdueAt = day(0) }},
		{"supervised", func(f *alerts.CaseFilter) { f.Supervised = true }},
		{"today", func(f *alerts.CaseFilter) { f.Since = day(1) }},
		{"week", func(f *alerts.CaseFilter) { f.Since = day(7) }},
		{"month", func(f *alerts.CaseFilter) { f.Since = day(30) }},
		{"a month long ago", func(f *alerts.CaseFilter) { f.Since, f.Until = day(700), day(670) }},
		{"a year", func(f *alerts.CaseFilter) { f.Since, f.Until = day(730), day(365) }},
		{"common text", func(f *alerts.CaseFilter) { f.Text = "燃气" }},
		{"rare text", func(f *alerts.CaseFilter) { f.Text = "纠纷4711" }},
		{"one sign", func(f *alerts.CaseFilter) { f.Text = "灯" }},
		{"a word of an address", func(f *alerts.CaseFilter) { f.Text = "河边路 77" }},
		{"no such text", func(f *alerts.CaseFilter) { f.Text = "没有这样的事" }},
		{"code", func(f *alerts.CaseFilter) { f.Text = "20250101-1000002" }},
	}
}

func callers() map[string]alerts.Scope {
	return map[string]alerts.Scope{
		"system":      alerts.System(),
		"county":      {Role: alerts.DutyOfficer, Paths: []string{"/city/county1/"}},
		"township":    {Role: alerts.Leader, Paths: []string{"/city/county1/town5/"}},
		"village":     {Role: alerts.DutyOfficer, Paths: []string{"/city/county1/town5/village29/"}},
		"handler":     {Role: alerts.Handler, User: "user7", Department: "dep7", Paths: []string{"/city/county1/"}},
		"grid leader": {Role: alerts.GridLeader, User: "user500", Grids: []string{"grid29"}, Paths: []string{"/city/county1/town5/"}},
	}
}

// figures asks, and notes how long it takes.
type figures struct {
	t     *testing.T
	s     alerts.Store
	taken []timing
}

var (
	sorts  = []alerts.CaseSort{alerts.ByUpdated, alerts.ByOpened, alerts.ByDue, alerts.BySeverity}
	groups = []alerts.CaseGroup{alerts.GroupStep, alerts.GroupSeverity, alerts.GroupCategory, alerts.GroupArea, alerts.GroupGrid,
		alerts.GroupHolder, alerts.GroupDepartment, alerts.GroupDay}
)

func (g *figures) took(asked string, fn func() error, kinds ...string) {
	g.t.Helper()
	started := time.Now()
	err := fn()
	g.taken = append(g.taken, timing{kinds, asked, time.Since(started)})
	if err != nil {
		g.t.Fatalf("%s: %v", asked, err)
	}
}

// list asks for the first page of an order, and where it is wanted for the next.
func (g *figures) list(asked string, scope alerts.Scope, f alerts.CaseFilter, second bool, kind string) {
	g.t.Helper()
	next := ""
	fn := func() (err error) {
		_, next, err = g.s.Cases(context.Background(), scope, f)
		return err
	}
	asked += " by " + string(f.Sort)
	g.took(asked, fn, "list", kind)
	if f.Page.Cursor = next; next != "" && second {
		g.took(asked+", page 2", fn, "list", kind, "page 2")
	}
}

func (g *figures) count(asked string, scope alerts.Scope, f alerts.CaseFilter, by alerts.CaseGroup, kind string) {
	g.t.Helper()
	g.took(asked+" counted by "+string(by), func() error {
		_, err := g.s.CaseCounts(context.Background(), scope, f, by, time.UnixMicro(store.SeedEnd))
		return err
	}, "count", kind)
}

// brief asks all that a centre's weekly brief is made of.
func (g *figures) brief(name string, scope alerts.Scope, area string) {
	g.t.Helper()
	day := func(n int) time.Time { return time.UnixMicro(store.SeedEnd).AddDate(0, 0, -n) }
	week := func(from, until int) alerts.CaseFilter {
		return alerts.CaseFilter{AreaID: area, Since: day(from), Until: day(until)}
	}
	refused := week(7, 0)
	refused.Outcome = alerts.Refused
	g.took(name+": brief of "+area, func() error {
		for _, part := range []struct {
			f  alerts.CaseFilter
			by alerts.CaseGroup
		}{{week(7, 0), alerts.GroupCategory}, {week(14, 7), alerts.GroupCategory}, {refused, alerts.GroupStep}, {week(56, 0), alerts.GroupDay},
			{week(7, 0), alerts.GroupGrid}, {week(7, 0), alerts.GroupDepartment}} {
			if _, err := g.s.CaseCounts(context.Background(), scope, part.f, part.by, day(0)); err != nil {
				return err
			}
		}
		return nil
	}, "brief")
}

// measure asks every question by itself, and pairs and threes of them at random,
// in every order, of every caller; where it is not for the figures, less.
func measure(t *testing.T, s alerts.Store, full bool) []timing {
	r := rand.New(rand.NewPCG(1, 2))
	one, of, g := questions(), callers(), &figures{t: t, s: s}
	all := slices.Clone(one)
	for n := range map[bool]int{true: 60, false: 6}[full] {
		a, b, c := one[r.IntN(len(one))], one[r.IntN(len(one))], asked{set: func(*alerts.CaseFilter) {}}
		if n%3 == 0 {
			c = one[r.IntN(len(one))]
		}
		all = append(all, asked{a.name + " + " + b.name + " + " + c.name, func(f *alerts.CaseFilter) { a.set(f); b.set(f); c.set(f) }})
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		scope := of[name]
		for i, a := range all {
			var f alerts.CaseFilter
			a.set(&f)
			kind := "alone"
			switch {
			case f.Text != "":
				kind = "text"
			case i >= len(one):
				kind = "together"
			}
			for _, f.Sort = range sorts {
				g.list(name+": "+a.name, scope, f, i%5 == 0, kind)
			}
			for n, by := range groups {
				if full && i < len(one) || n == i%len(groups) { // one group of pairs and threes
					g.count(name+": "+a.name, scope, f, by, kind)
				}
			}
		}
		for _, area := range []string{"city", "county1", "town5", "village29"} {
			g.brief(name, scope, area)
		}
	}
	return g.taken
}
