package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// grow makes cases, changes some, files them together and joins departments,
// in the store and in the model alike.
func (m *caseModel) grow(t testing.TB, s alerts.Store, r *rand.Rand, from, to int) {
	t.Helper()
	Write(t, s, func(tx alerts.Tx) error {
		for n := from; n < to; n++ {
			if err := m.open(tx, r, n); err != nil {
				return err
			}
		}
		for range to - from {
			if err := m.alter(tx, r, fmt.Sprintf("case%06d", r.IntN(to))); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *caseModel) open(tx alerts.Tx, r *rand.Rand, n int) error {
	c := randomCase(r, n)
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	m.saved(c)
	i := Incident(n, c.AreaID, c.GridID)
	i.ReporterID = pick(r, "u1", "u2", "u3", "u4")
	m.reporter[i.ID] = i.ReporterID
	if err := tx.AddIncident(i); err != nil {
		return err
	}
	return m.file(tx, i.ID, c.ID)
}

func (m *caseModel) file(tx alerts.Tx, incident, into string) error {
	for _, c := range m.cases {
		for n, i := range c.incidents {
			if i == incident {
				c.incidents = append(c.incidents[:n:n], c.incidents[n+1:]...)
			}
		}
	}
	m.cases[into].incidents = append(m.cases[into].incidents, incident)
	return tx.SaveFiling(alerts.Filing{IncidentID: incident, CaseID: into, FirstID: into, At: Base, ByID: "u1"})
}

func (m *caseModel) alter(tx alerts.Tx, r *rand.Rand, id string) error {
	c := m.cases[id]
	switch r.IntN(5) {
	case 0:
		department := pick(r, "dep1", "dep2", "dep3")
		c.parts[department] = true
		return tx.SavePart(alerts.Part{CaseID: id, DepartmentID: department, At: Base})
	case 1:
		department := pick(r, "dep1", "dep2", "dep3")
		delete(c.parts, department)
		return tx.RemovePart(id, department)
	case 2:
		return m.file(tx, fmt.Sprintf("inc%06d", r.IntN(len(m.cases))), id)
	}
	next := c.Case
	change(r, &next)
	if err := tx.SaveCase(next); err != nil {
		return err
	}
	m.saved(next)
	return nil
}

// check asks the store and the model the same random questions.
func (m *caseModel) check(t *testing.T, s alerts.Store, r *rand.Rand, questions int) {
	t.Helper()
	for range questions {
		m.ask(t, s, r, randomScope(r), randomFilter(r))
	}
}

// ask asks one question for a list and for a count.
func (m *caseModel) ask(t *testing.T, s alerts.Store, r *rand.Rand, scope alerts.Scope, f alerts.CaseFilter) {
	t.Helper()
	ctx := context.Background()
	asked := fmt.Sprintf("%+v of %s %s at %v", f, scope.Role, scope.User, scope.Paths)
	want := make([]alerts.Case, 0)
	for _, c := range m.list(scope, f) {
		want = append(want, c.Case)
	}
	got := make([]alerts.Case, 0)
	f.Page.Limit = 1 + r.IntN(30)
	for {
		part, next, err := s.Cases(ctx, scope, f)
		if err != nil {
			t.Fatalf("%s: %v", asked, err)
		}
		if got = append(got, part...); next == "" {
			break
		}
		if len(part) != f.Page.Limit {
			t.Fatalf("%s: a page of %d has %d rows, and a cursor", asked, f.Page.Limit, len(part))
		}
		f.Page.Cursor = next
	}
	wantIDs(t, ids(got, caseID), ids(want, caseID), asked)
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%s:\ngot  %+v\nwant %+v", asked, got[i], want[i])
		}
	}
	m.checkCounts(t, s, r, scope, f, asked)
}

func (m *caseModel) checkCounts(t *testing.T, s alerts.Store, r *rand.Rand, scope alerts.Scope, f alerts.CaseFilter, asked string) {
	t.Helper()
	by := pick(r, alerts.GroupStep, alerts.GroupSeverity, alerts.GroupCategory, alerts.GroupArea, alerts.GroupGrid,
		alerts.GroupHolder, alerts.GroupDepartment, alerts.GroupDay)
	now := someday(r)
	got, err := s.CaseCounts(context.Background(), scope, f, by, now)
	if err != nil {
		t.Fatalf("counts by %s, %s: %v", by, asked, err)
	}
	want := m.counts(scope, f, by, now)
	if len(got) != len(want) {
		t.Fatalf("counts by %s, %s:\ngot  %+v\nwant %+v", by, asked, got, want)
	}
	for i := range want {
		g, w := got[i], want[i]
		if off := g.HoldTime - w.HoldTime; off.Abs() > time.Microsecond {
			t.Fatalf("counts by %s, %s: %s is held for %v, want %v", by, asked, w.Key, g.HoldTime, w.HoldTime)
		}
		if g.HoldTime = w.HoldTime; g != w {
			t.Fatalf("counts by %s, %s:\ngot  %+v\nwant %+v", by, asked, g, w)
		}
	}
}

// testCasesRandom compares every list and count with a model.
func testCasesRandom(t *testing.T, s alerts.Store) {
	Town(t, s)
	r := rand.New(rand.NewPCG(4, 2))
	m := newCaseModel()
	for step := range 4 {
		m.grow(t, s, r, step*60, step*60+60)
		m.check(t, s, r, 60)
	}
	// The counts follow when areas change their places, and their level.
	Write(t, s, func(tx alerts.Tx) error {
		if err := tx.SaveArea(alerts.Area{ID: "t1", ParentID: "west", Name: "Area t1", Level: alerts.Township}); err != nil {
			return err
		}
		return tx.SaveArea(alerts.Area{ID: "v3", ParentID: "t2", Name: "Area v3", Level: alerts.Township})
	})
	for id, path := range map[string]string{"t1": "/city/west/t1/", "v1": "/city/west/t1/v1/", "v2": "/city/west/t1/v2/"} {
		m.paths[id] = path
	}
	for _, c := range m.cases {
		c.AreaPath, c.HolderPath = m.paths[c.AreaID], m.paths[c.HolderID]
	}
	m.check(t, s, r, 60)
	m.grow(t, s, r, 240, 280)
	m.check(t, s, r, 60)
}

// CaseNodes writes cases through some stores over one database, and asks all of
// them after every write: each answers with what the others have committed.
func CaseNodes(t *testing.T, nodes ...alerts.Store) {
	Town(t, nodes[0])
	r := rand.New(rand.NewPCG(11, 6))
	m := newCaseModel()
	for step := range 6 {
		m.grow(t, nodes[step%len(nodes)], r, step*12, step*12+12)
		for _, s := range nodes {
			m.check(t, s, r, 4)
		}
	}
}

// testCasesSeen: who has saved a case finds it in lists and counts at once,
// however many others save and ask.
func testCasesSeen(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	var officers sync.WaitGroup
	for n := range 6 {
		officers.Go(func() {
			c := NewCase(n, "v1", "g1")
			c.PersonID = fmt.Sprint("officer ", n)
			mine := alerts.CaseFilter{PersonID: c.PersonID}
			for round := range 12 {
				c.Category, c.Title = fmt.Sprint("round", round), fmt.Sprint("round ", round, " of ", n)
				if err := s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveCase(c) }); err != nil {
					t.Error(err)
					return
				}
				c.Version++
				list, _, err := s.Cases(ctx, alerts.System(), mine)
				if err != nil || len(list) != 1 || list[0].Version != c.Version {
					t.Errorf("version %d is listed as %+v, %v", c.Version, list, err)
				}
				counts, err := s.CaseCounts(ctx, alerts.System(), alerts.CaseFilter{Text: c.Title}, alerts.GroupCategory, Base)
				if err != nil || len(counts) != 1 || counts[0].Key != c.Category || counts[0].Total != 1 {
					t.Errorf("%q is counted as %+v, %v", c.Title, counts, err)
				}
			}
		})
	}
	officers.Wait()
}

// testCaseTexts looks for parts of what cases are found by, of one sign and
// more, and for what stands in none or across two of their texts; texts change.
func testCaseTexts(t *testing.T, s alerts.Store) {
	Town(t, s)
	r := rand.New(rand.NewPCG(5, 8))
	m := newCaseModel()
	words := []string{"燃气", "味", "路灯", "不亮", "河边路", "垃圾", "Gate ", "GAS", "50%_", `\`, "Äö", "𠮷", "3 号", ""}
	text := func() (out string) {
		for range r.IntN(5) {
			out += pick(r, words...)
		}
		return out
	}
	for round := range 4 {
		Write(t, s, func(tx alerts.Tx) error {
			for n := range 80 {
				c := randomCase(r, n)
				if old := m.cases[c.ID]; old != nil {
					c = old.Case
				}
				c.Title, c.Address = text(), text()
				if round > 0 && r.IntN(2) == 0 {
					continue
				}
				if err := tx.SaveCase(c); err != nil {
					return err
				}
				m.saved(c)
			}
			return nil
		})
		for range 100 {
			var about *modelCase
			for about == nil || about.Title+about.Address == "" {
				about = m.cases[fmt.Sprintf("case%06d", r.IntN(80))]
			}
			all := []rune(pick(r, about.Title, about.Address, about.Code, about.Title+about.Address, text()))
			from := r.IntN(len(all) + 1)
			f := alerts.CaseFilter{Text: string(all[from : from+r.IntN(len(all)-from+1)])}
			f.Text = pick(r, f.Text, strings.ToUpper(f.Text), strings.ToLower(f.Text))
			m.ask(t, s, r, alerts.System(), f)
		}
	}
}

// testCaseCursors turns pages while cases come in and others change: nothing is
// skipped and nothing comes twice of what stays as it is.
func testCaseCursors(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(7, 1))
	for _, sort := range []alerts.CaseSort{alerts.ByUpdated, alerts.ByOpened, alerts.ByDue, alerts.BySeverity} {
		m := newCaseModel()
		first := map[alerts.CaseSort]int{alerts.ByUpdated: 0, alerts.ByOpened: 1000, alerts.ByDue: 2000, alerts.BySeverity: 3000}[sort]
		category := "cat." + string(sort)
		save := func(n int) {
			Write(t, s, func(tx alerts.Tx) error {
				c := randomCase(r, first+n)
				c.Category = category
				m.saved(c)
				return tx.SaveCase(c)
			})
		}
		for n := range 40 {
			save(n)
		}
		f := alerts.CaseFilter{Category: category, Sort: sort, Page: alerts.Page{Limit: 7}}
		var want []string
		for _, c := range m.list(alerts.System(), f) {
			want = append(want, c.ID)
		}
		seen := make(map[string]int)
		for n := 40; ; n++ {
			part, next, err := s.Cases(ctx, alerts.System(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range part {
				seen[c.ID]++
			}
			if next == "" {
				break
			}
			f.Page.Cursor = next
			save(n)
		}
		for _, id := range want {
			if seen[id] != 1 {
				t.Errorf("by %s: %s came %d times", sort, id, seen[id])
			}
		}
		if sort != alerts.ByOpened {
			f.Sort = alerts.ByOpened
			_, _, err := s.Cases(ctx, alerts.System(), f)
			wantKind(t, err, alerts.Invalid, "a cursor of another order")
		}
	}
}
