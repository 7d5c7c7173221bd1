package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
)

// scaleEnv is how many cases the figures are taken of; few when empty, and
// then nothing is said of their speed.
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
	store.SeedCases(t, s, n)
	started := time.Now()
	lists, counts := measure(t, s, full)
	t.Logf("%d cases, %d questions in %v", n, len(lists)+len(counts), time.Since(started))
	for name, taken := range map[string][]timing{"lists": lists, "counts": counts} {
		p95 := report95(t, name, taken)
		if full && p95 > within {
			t.Errorf("%s: 95 in 100 take up to %v, %v at most is wanted", name, p95, within)
		}
	}
}

type timing struct {
	asked string
	took  time.Duration
}

func report95(t *testing.T, name string, all []timing) time.Duration {
	slices.SortFunc(all, func(a, b timing) int { return int(a.took - b.took) })
	at := func(percent int) time.Duration { return all[(len(all)-1)*percent/100].took }
	t.Logf("%s: %d, p50 %v, p95 %v, p99 %v", name, len(all), at(50), at(95), at(99))
	for i := len(all) - 1; i >= 0 && i >= len(all)-12 && all[i].took > within/2; i-- {
		t.Logf("    %v %s", all[i].took, all[i].asked)
	}
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

// measure asks every question by itself, and pairs and threes of them at random,
// in every order, of every caller; where it is not for the figures, less.
func measure(t *testing.T, s alerts.Store, full bool) (lists, counts []timing) {
	r := rand.New(rand.NewPCG(1, 2))
	one, of := questions(), callers()
	var all []asked
	all = append(all, one...)
	for n := range map[bool]int{true: 60, false: 6}[full] {
		a, b, c := one[r.IntN(len(one))], one[r.IntN(len(one))], asked{set: func(*alerts.CaseFilter) {}}
		if n%3 == 0 {
			c = one[r.IntN(len(one))]
		}
		all = append(all, asked{a.name + " + " + b.name + " + " + c.name, func(f *alerts.CaseFilter) { a.set(f); b.set(f); c.set(f) }})
	}
	sorts := []alerts.CaseSort{alerts.ByUpdated, alerts.ByOpened, alerts.ByDue, alerts.BySeverity}
	groups := []alerts.CaseGroup{alerts.GroupStep, alerts.GroupSeverity, alerts.GroupCategory, alerts.GroupArea, alerts.GroupGrid,
		alerts.GroupHolder, alerts.GroupDepartment, alerts.GroupDay}
	ctx, now := context.Background(), time.UnixMicro(store.SeedEnd)
	for name, scope := range of {
		for i, a := range all {
			var f alerts.CaseFilter
			a.set(&f)
			for _, f.Sort = range sorts {
				started := time.Now()
				_, next, err := s.Cases(ctx, scope, f)
				lists = append(lists, timing{fmt.Sprintf("%s: %s by %s", name, a.name, f.Sort), time.Since(started)})
				if err != nil {
					t.Fatalf("%s: %s by %s: %v", name, a.name, f.Sort, err)
				}
				if f.Page.Cursor = next; next != "" && i%5 == 0 {
					started = time.Now()
					if _, _, err = s.Cases(ctx, scope, f); err != nil {
						t.Fatalf("%s: %s by %s, page 2: %v", name, a.name, f.Sort, err)
					}
					lists = append(lists, timing{fmt.Sprintf("%s: %s by %s, page 2", name, a.name, f.Sort), time.Since(started)})
				}
				f.Page.Cursor = ""
			}
			for n, by := range groups {
				if (!full || i >= len(one)) && n != i%len(groups) { // one group of pairs and threes
					continue
				}
				started := time.Now()
				if _, err := s.CaseCounts(ctx, scope, f, by, now); err != nil {
					t.Fatalf("%s: %s by %s: %v", name, a.name, by, err)
				}
				counts = append(counts, timing{fmt.Sprintf("%s: %s counted by %s", name, a.name, by), time.Since(started)})
			}
		}
	}
	return lists, counts
}
