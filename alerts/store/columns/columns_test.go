package columns_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store/columns"
)

const (
	day   = 24 * 60 * 60 * 1_000_000
	start = int64(1_699_977_600_000_000) // a midnight in UTC+8
	days  = 1000
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// random makes the n-th of total cases, of few different values, so that
// conditions meet.
func random(r *rand.Rand, n, total int) columns.Row {
	at := start + int64(n)*(days*day/int64(total))
	if r.IntN(50) == 0 { // not all come in order
		at = start + r.Int64N(days*day)
	}
	at -= at % (day / 4) // many at one time
	c := columns.Row{ID: fmt.Sprintf("case%07d", n*7919%total), Code: fmt.Sprintf("20250101-%07d", n),
		Title:   pick(r, "楼道里有燃气味", "路灯不亮已经三天", "Rubbish at the GATE", "50%_of", "") + strconv.Itoa(r.IntN(50)),
		Address: pick(r, "河边路 3 号", "河东路", ""), Area: "area" + strconv.Itoa(r.IntN(30)), Grid: pick(r, "", "g1", "g2", "g3"),
		Holder: pick(r, "h1", "h2"), Opened: at, Direct: r.IntN(4) == 0}
	change(r, &c)
	return c
}

// change gives a case other values of what moves change.
func change(r *rand.Rand, c *columns.Row) {
	c.Step = pick(r, "report", "file", "closed", "closed", "closed")
	c.Open = c.Step != "closed"
	c.Outcome, c.Urgency, c.Late = "", 0, false
	switch due := c.Opened + r.Int64N(20*day); {
	case !c.Open:
		c.Outcome, c.Late = pick(r, "solved", "refused"), r.IntN(2) == 0
	case r.IntN(3) > 0:
		c.Urgency = math.MaxInt64 - due
	}
	grave := r.IntN(4)
	c.Severity, c.Gravity = []string{"low", "medium", "high", "critical"}[grave], int64(grave)<<56|c.Opened
	c.Category = pick(r, "hazard", "hazard.gas", "hazards", "dispute.noise")
	c.Department, c.First, c.Person = pick(r, "", "d1", "d2"), pick(r, "", "d1", "d2", "d3"), pick(r, "", "", "u1", "u2")
	c.Updated = c.Opened + r.Int64N(10)*day
	c.Returned, c.Reopened, c.Edited = r.IntN(2) == 0, r.IntN(9) == 0, r.IntN(9) == 0
	c.Paused, c.Supervised, c.Held = r.IntN(5) == 0, r.IntN(5) == 0, r.IntN(2) == 0
	if c.Hold = 0; c.Held {
		c.Hold = r.Int64N(3 * day)
	}
}

// model holds the same, in the plainest form.
type model map[string]columns.Row

func late(c *columns.Row, at time.Time) bool {
	return c.Urgency > 0 && math.MaxInt64-c.Urgency < at.UnixMicro() && !c.Paused
}

func same[T comparable](want, is T) bool {
	var none T
	return want == none || want == is
}

func fits(q *columns.Query, c *columns.Row) bool {
	f, v := q.Filter, q.Sight
	text := columns.Lower(f.Text)
	has := func(s string) bool { return strings.Contains(columns.Lower(s), text) }
	concerns := func(department string) bool {
		return department != "" && (c.Department == department || c.First == department || slices.Contains(q.Joint[department], c.ID))
	}
	sees := v.All || v.UserID != "" && c.Person == v.UserID || slices.Contains(q.Reported, c.ID) || concerns(v.DepartmentID) ||
		c.Grid != "" && slices.Contains(v.GridIDs, c.Grid)
	return sees && (q.Everywhere || slices.Contains(q.Areas, c.Area)) && same(f.HolderID, c.Holder) && same(f.GridID, c.Grid) &&
		(same(f.Category, c.Category) || strings.HasPrefix(c.Category, f.Category+".")) &&
		same(string(f.Severity), c.Severity) && same(string(f.Step), c.Step) && same(string(f.Outcome), c.Outcome) &&
		(f.Open == nil || *f.Open == c.Open) && (f.Direct == nil || *f.Direct == c.Direct) &&
		(f.DepartmentID == "" || concerns(f.DepartmentID)) && same(f.PersonID, c.Person) &&
		(f.OverdueAt.IsZero() || late(c, f.OverdueAt)) && (!f.Supervised || c.Supervised) &&
		(f.Since.IsZero() || c.Opened >= f.Since.UnixMicro()) && (f.Until.IsZero() || c.Opened < f.Until.UnixMicro()) &&
		(has(c.Title) || has(c.Address) || has(c.Code))
}

func (m model) list(q *columns.Query, by alerts.CaseSort) []columns.Place {
	out := []columns.Place{}
	for _, c := range m {
		if fits(q, &c) {
			key := map[alerts.CaseSort]int64{"": c.Updated, alerts.ByUpdated: c.Updated, alerts.ByOpened: c.Opened, alerts.ByDue: c.Urgency,
				alerts.BySeverity: c.Gravity}[by]
			out = append(out, columns.Place{Key: key, ID: c.ID})
		}
	}
	slices.SortFunc(out, func(a, b columns.Place) int { return cmp.Or(cmp.Compare(b.Key, a.Key), strings.Compare(b.ID, a.ID)) })
	return out
}

func (m model) count(q *columns.Query, by alerts.CaseGroup, now time.Time, limit int) []columns.Group {
	groups := make(map[string]*columns.Group)
	number := func(is bool) int64 { return map[bool]int64{true: 1}[is] }
	for _, c := range m {
		if !fits(q, &c) {
			continue
		}
		k := map[alerts.CaseGroup]string{alerts.GroupStep: c.Step, alerts.GroupSeverity: c.Severity, alerts.GroupCategory: c.Category,
			alerts.GroupArea: c.Area, alerts.GroupGrid: c.Grid, alerts.GroupHolder: c.Holder, alerts.GroupDepartment: c.Department,
			alerts.GroupDay: strconv.FormatInt((c.Opened+8*day/24)/day, 10)}[by]
		g := groups[k]
		if g == nil {
			g = &columns.Group{Key: k}
			groups[k] = g
		}
		g.Total++
		g.Open += number(c.Open)
		g.Closed += number(!c.Open)
		g.Late += number(c.Late || late(&c, now))
		g.Solved += number(c.Outcome == "solved")
		g.Direct += number(c.Direct)
		g.Returned += number(c.Returned)
		g.Reopened += number(c.Reopened)
		g.Edited += number(c.Edited)
		g.Held += number(c.Held)
		g.Hold += c.Hold
	}
	out := []columns.Group{}
	for _, g := range groups {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b columns.Group) int {
		if by == alerts.GroupDay {
			return strings.Compare(b.Key, a.Key)
		}
		return cmp.Or(cmp.Compare(b.Total, a.Total), strings.Compare(a.Key, b.Key))
	})
	return out[:min(limit, len(out))]
}

// ask makes a random question about cases with these ids.
func ask(r *rand.Rand, ids []string) *columns.Query {
	some := func() (out []string) {
		for range r.IntN(40) {
			out = append(out, pick(r, append(ids[:50:50], "unknown")...))
		}
		return out
	}
	q := &columns.Query{Everywhere: r.IntN(2) == 0, Sight: alerts.Sight{All: true}, Joint: map[string][]string{"d1": some(), "d3": some()}}
	for range r.IntN(31) {
		q.Areas = append(q.Areas, "area"+strconv.Itoa(r.IntN(32)))
	}
	if r.IntN(3) == 0 {
		q.Sight = alerts.Sight{UserID: pick(r, "", "u1", "u9"), DepartmentID: pick(r, "", "d1", "d9"), GridIDs: pick(r, nil, []string{"g1", "g9"}, []string{""})}
		if q.Sight.UserID != "" {
			q.Reported = some()
		}
	}
	f := &q.Filter
	yes, no := true, false
	moment := func() time.Time { return time.UnixMicro(start + r.Int64N(days*day)) }
	for range r.IntN(4) {
		switch r.IntN(14) {
		case 0:
			f.HolderID = pick(r, "h1", "h9")
		case 1:
			f.GridID = pick(r, "g1", "g9")
		case 2:
			f.Category = pick(r, "hazard", "hazard.gas", "haz", "dispute")
		case 3:
			f.Severity = pick(r, alerts.Critical, alerts.Low, "none")
		case 4:
			f.Step = pick(r, alerts.StepFile, alerts.StepClosed, alerts.StepAssign)
		case 5:
			f.Outcome = pick(r, alerts.Solved, alerts.Merged)
		case 6:
			f.Open = pick(r, &yes, &no)
		case 7:
			f.Direct = pick(r, &yes, &no)
		case 8:
			f.DepartmentID = pick(r, "d1", "d3", "d9")
		case 9:
			f.PersonID = pick(r, "u1", "u9")
		case 10:
			f.OverdueAt = moment()
		case 11:
			f.Supervised = true
		case 12:
			f.Text = pick(r, "燃气", "燃气味1", "路", "亮已", "gate", "GATE4", "%", "50%_of", "号", "没有", "20250101-00001", "a", "\xaf")
		case 13:
			f.Since, f.Until = pick(r, time.Time{}, moment()), pick(r, time.Time{}, moment())
		}
	}
	return q
}

// TestTable compares every list, page by page, and every count with a plain
// model, while cases come in and change.
func TestTable(t *testing.T) {
	const total = 10_000 // several blocks
	r := rand.New(rand.NewPCG(9, 3))
	var table columns.Table
	m := make(model)
	var ids []string
	check := func(questions int) {
		for range questions {
			q, by, now := ask(r, ids), pick(r, alerts.ByUpdated, alerts.ByOpened, alerts.ByDue, alerts.BySeverity, ""), time.UnixMicro(start+r.Int64N(days*day))
			want, got := m.list(q, by), []columns.Place{}
			limit := pick(r, 1, 7, 100, 1000)
			var after *columns.Place
			for pages := 0; ; pages++ {
				page := table.Page(q, by, after, limit)
				got = append(got, page...)
				if len(page) < limit || pages == 5 {
					break
				}
				after = &page[limit-1]
			}
			if want = want[:min(len(want), max(len(got), limit))]; !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v by %q: got %d, want %d\n%v\n%v", q, by, len(got), len(want), got, want)
			}
			group := pick(r, alerts.GroupStep, alerts.GroupSeverity, alerts.GroupCategory, alerts.GroupArea, alerts.GroupGrid, alerts.GroupHolder,
				alerts.GroupDepartment, alerts.GroupDay)
			most := pick(r, 3, 2000)
			if got, want := table.Count(q, group, now, most), m.count(q, group, now, most); !equal(got, want) {
				t.Fatalf("%+v by %s:\ngot  %+v\nwant %+v", q, group, got, want)
			}
		}
	}
	if table.Len() != 0 || len(table.Page(&columns.Query{Everywhere: true, Sight: alerts.Sight{All: true}}, "", nil, 10)) != 0 {
		t.Fatal("an empty table holds something")
	}
	for n := 0; n < total; n += 2000 {
		var rows []columns.Row
		for i := range 2000 {
			c := random(r, n+i, total)
			ids, rows = append(ids, c.ID), append(rows, c)
		}
		for range 500 {
			c := m[ids[r.IntN(len(ids))]]
			if c.ID == "" { // of this round
				continue
			}
			if change(r, &c); r.IntN(10) == 0 {
				c.Title += "改"
			}
			rows = append(rows, c)
		}
		for _, c := range rows {
			m[c.ID] = c
		}
		if err := table.Put(rows); err != nil {
			t.Fatal(err)
		}
		if table.Len() != len(m) {
			t.Fatalf("it holds %d cases, %d were put in", table.Len(), len(m))
		}
		check(30)
	}
	check(100)
}

func equal(got, want []columns.Group) bool {
	return slices.EqualFunc(got, want, func(a, b columns.Group) bool {
		return fmt.Sprintf("%q %d %d %d %d %d %d %d %d %d %d %d", a.Key, a.Total, a.Open, a.Late, a.Closed, a.Solved, a.Direct, a.Returned, a.Reopened, a.Edited, a.Held, a.Hold) ==
			fmt.Sprintf("%q %d %d %d %d %d %d %d %d %d %d %d", b.Key, b.Total, b.Open, b.Late, b.Closed, b.Solved, b.Direct, b.Returned, b.Reopened, b.Edited, b.Held, b.Hold)
	})
}

// More kinds of step than there is room for are refused, not mistaken.
func TestTooManyKinds(t *testing.T) {
	var table columns.Table
	var err error
	for n := 0; n < 300 && err == nil; n++ {
		err = table.Put([]columns.Row{{ID: strconv.Itoa(n), Step: strconv.Itoa(n)}})
	}
	if err == nil {
		t.Error("300 steps were taken")
	}
}

// Questions run beside each other and beside changes; each sees all or nothing
// of a Put.
func TestTogether(t *testing.T) {
	var table columns.Table
	q := &columns.Query{Everywhere: true, Sight: alerts.Sight{All: true}}
	var all sync.WaitGroup
	all.Go(func() {
		for round := range 50 {
			var rows []columns.Row
			for n := range 300 {
				rows = append(rows, columns.Row{ID: strconv.Itoa(n), Title: fmt.Sprint("round ", round%3), Step: strconv.Itoa(round)})
			}
			if err := table.Put(rows); err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		all.Go(func() {
			for range 50 {
				groups := table.Count(q, alerts.GroupStep, time.Now(), 10)
				if len(groups) > 1 || len(groups) == 1 && groups[0].Total != 300 {
					t.Errorf("seen in the midst of a change: %+v", groups)
				}
				if n := len(table.Page(q, "", nil, 1000)); n != 0 && n != 300 {
					t.Errorf("%d cases seen", n)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkMillion asks a million cases what costs most.
func BenchmarkMillion(b *testing.B) {
	const total = 1_000_000
	r := rand.New(rand.NewPCG(1, 1))
	var table columns.Table
	for n := 0; n < total; n += 10_000 {
		var rows []columns.Row
		for i := range 10_000 {
			rows = append(rows, random(r, n+i, total))
		}
		if err := table.Put(rows); err != nil {
			b.Fatal(err)
		}
	}
	all := columns.Query{Everywhere: true, Sight: alerts.Sight{All: true}}
	yes := true
	for name, f := range map[string]alerts.CaseFilter{"all": {}, "open": {Open: &yes}, "common": {Text: "燃气"}, "rare": {Text: "没有这样的事"},
		"ascii": {Text: "gate at"}, "letter": {Text: "a"}, "five": {Category: "hazard", Outcome: alerts.Solved, Direct: &yes, DepartmentID: "d1", HolderID: "h1"},
		"month": {Since: time.UnixMicro(start + 500*day), Until: time.UnixMicro(start + 530*day)}} {
		q := all
		q.Filter = f
		for _, by := range []alerts.CaseSort{alerts.ByUpdated, alerts.ByDue} {
			b.Run("list/"+name+"/"+string(by), func(b *testing.B) {
				for b.Loop() {
					table.Page(&q, by, nil, 101)
				}
			})
		}
		for _, by := range []alerts.CaseGroup{alerts.GroupGrid, alerts.GroupDay} {
			b.Run("count/"+name+"/"+string(by), func(b *testing.B) {
				for b.Loop() {
					table.Count(&q, by, time.UnixMicro(start), 1000)
				}
			})
		}
	}
}
