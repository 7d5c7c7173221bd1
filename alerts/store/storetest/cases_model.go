package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// caseModel is what a store of cases should hold, in the plainest form: every
// question is answered by looking at all.
type caseModel struct {
	cases    map[string]*modelCase
	paths    map[string]string // of areas
	reporter map[string]string // of incidents
}

type modelCase struct {
	alerts.Case
	held      time.Time // first assignment or closing
	parts     map[string]bool
	incidents []string
}

// paths are those of Town.
func townPaths() map[string]string {
	return map[string]string{"city": "/city/", "east": "/city/east/", "west": "/city/west/", "t1": "/city/east/t1/",
		"t2": "/city/east/t2/", "t3": "/city/west/t3/", "v1": "/city/east/t1/v1/", "v2": "/city/east/t1/v2/",
		"v3": "/city/east/t2/v3/", "v4": "/city/west/t3/v4/"}
}

func newCaseModel() *caseModel {
	return &caseModel{cases: make(map[string]*modelCase), paths: townPaths(), reporter: make(map[string]string)}
}

// NewCase makes the n-th case of a test, opened n minutes after Base.
func NewCase(n int, area, grid string) alerts.Case {
	at := Base.Add(time.Duration(n) * time.Minute)
	return alerts.Case{
		ID: fmt.Sprintf("case%06d", n), Code: fmt.Sprintf("C-%06d", n), Step: alerts.StepReport, StepAt: at,
		Category: "hazard.gas", Severity: alerts.High, FirstSeverity: alerts.High, Title: fmt.Sprintf("Report %d", n),
		Point: alerts.Point{Lon: 117.25, Lat: 31.5}, Address: "河边路 3 号", AreaID: area, GridID: grid, HolderID: area,
		OpenedAt: at, UpdatedAt: at, Incidents: 1,
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func someday(r *rand.Rand) time.Time {
	return Base.Add(time.Duration(r.IntN(20*24*60))*time.Minute - 10*24*time.Hour)
}

func maybe(r *rand.Rand) time.Time {
	if r.IntN(2) == 0 {
		return time.Time{}
	}
	return someday(r)
}

// randomCase makes a case of few different values, so that filters meet.
func randomCase(r *rand.Rand, n int) alerts.Case {
	area := pick(r, "v1", "v1", "v2", "v3", "v4", "t1", "city")
	c := NewCase(n, area, map[string]string{"v1": pick(r, "g1", ""), "v3": "g3"}[area])
	c.OpenedAt = someday(r).Truncate(6 * time.Hour) // many at one time
	c.Code = fmt.Sprintf("%s-%06d", c.OpenedAt.Format("20060102"), n)
	c.FirstSeverity = pick(r, alerts.Severities[:]...)
	c.Title = pick(r, "燃气味", "Rubbish at the gate", "路灯不亮", "50% of_it", "Ä ö")
	c.Address = pick(r, "河边路 3 号", "河东路", "")
	c.Direct = r.IntN(4) == 0
	c.Point = alerts.Point{Lon: 117.25 + r.Float64()/50, Lat: 31.5 + r.Float64()/50}
	c.Against = pick(r, "", "dep3")
	change(r, &c)
	return c
}

// change gives a case other values of what may change.
func change(r *rand.Rand, c *alerts.Case) {
	c.Step = pick(r, alerts.Steps[:]...)
	c.StepAt = c.OpenedAt.Add(time.Duration(r.IntN(5000)) * time.Minute)
	c.UpdatedAt = c.StepAt.Truncate(24 * time.Hour)
	c.Outcome, c.ClosedAt = "", time.Time{}
	if c.Step == alerts.StepClosed {
		c.Outcome, c.ClosedAt = pick(r, alerts.Solved, alerts.NotSolved, alerts.Refused, alerts.Merged), c.StepAt
	}
	c.Category = pick(r, "hazard", "hazard.gas", "hazard.fire", "hazards", "dispute.noise", "dispute")
	c.Severity = pick(r, alerts.Severities[:]...)
	c.HolderID = pick(r, "v1", "t1", "east", "city")
	c.DepartmentID, c.FirstID = pick(r, "", "dep1", "dep2"), pick(r, "", "dep1", "dep2", "dep3")
	c.OfficeID, c.PersonID = pick(r, "", "office"), pick(r, "", "", "u1", "u2")
	c.HandlerID = pick(r, "", "u2")
	c.RepliedAt, c.ReplyDue, c.DueAt, c.CaseDueAt, c.NextAt = maybe(r), maybe(r), maybe(r), maybe(r), maybe(r)
	c.PausedAt, c.Supervised = pick(r, time.Time{}, time.Time{}, someday(r)), pick(r, time.Time{}, someday(r))
	c.PausedFor, c.Extended = time.Duration(r.IntN(1000))*time.Second, time.Duration(r.IntN(3))*time.Hour
	c.Reminded, c.Transfers, c.Escalated = r.IntN(3), r.IntN(3), r.IntN(2)
	c.Returns, c.Reopened, c.Edited = r.IntN(2), r.IntN(2), r.IntN(2)
}

// saved takes over what SaveCase was given.
func (m *caseModel) saved(c alerts.Case) {
	old := m.cases[c.ID]
	if old == nil {
		old = &modelCase{parts: make(map[string]bool)}
		m.cases[c.ID] = old
	}
	c.Version++
	c.AreaPath, c.HolderPath = m.paths[c.AreaID], m.paths[c.HolderID]
	old.Case = c
	if old.held.IsZero() && c.Step != alerts.StepReport && c.Step != alerts.StepFile {
		old.held = c.StepAt
	}
}

// sees tells whether a caller may see a case.
func (m *caseModel) sees(s alerts.Scope, c *modelCase) bool {
	if !s.Covers(m.paths[c.AreaID]) {
		return false
	}
	v := s.Sight()
	if v.All {
		return true
	}
	reported := slices.ContainsFunc(c.incidents, func(i string) bool { return m.reporter[i] == v.UserID })
	return v.UserID != "" && (reported || c.PersonID == v.UserID) || c.concerns(v.DepartmentID) ||
		c.GridID != "" && slices.Contains(v.GridIDs, c.GridID)
}

func (c *modelCase) concerns(department string) bool {
	return department != "" && (c.DepartmentID == department || c.FirstID == department || c.parts[department])
}

func (c *modelCase) late(at time.Time) bool {
	return c.Open() && c.PausedAt.IsZero() && !c.DueAt.IsZero() && c.DueAt.Before(at)
}

func same[T comparable](want, is T) bool {
	var none T
	return want == none || want == is
}

func (m *caseModel) fits(f alerts.CaseFilter, c *modelCase) bool {
	text := lowered(f.Text)
	has := func(s string) bool { return strings.Contains(lowered(s), text) }
	return (f.AreaID == "" || m.paths[f.AreaID] != "" && strings.HasPrefix(m.paths[c.AreaID], m.paths[f.AreaID])) &&
		same(f.HolderID, c.HolderID) && same(f.GridID, c.GridID) &&
		(same(f.Category, c.Category) || strings.HasPrefix(c.Category, f.Category+".")) &&
		same(f.Severity, c.Severity) && same(f.Step, c.Step) && same(f.Outcome, c.Outcome) &&
		(f.Open == nil || *f.Open == c.Open()) && (f.Direct == nil || *f.Direct == c.Direct) &&
		(f.DepartmentID == "" || c.concerns(f.DepartmentID)) && same(f.PersonID, c.PersonID) &&
		(f.OverdueAt.IsZero() || c.late(f.OverdueAt)) && (!f.Supervised || !c.Supervised.IsZero()) &&
		(f.Since.IsZero() || !c.OpenedAt.Before(f.Since)) && (f.Until.IsZero() || c.OpenedAt.Before(f.Until)) &&
		(text == "" || has(c.Title) || has(c.Address) || has(c.Code))
}

// lowered is text with small ASCII letters; the others stay.
func lowered(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// compareBy puts cases into an order.
func compareBy(s alerts.CaseSort) func(a, b *modelCase) int {
	severity := func(c *modelCase) int { return slices.Index(alerts.Severities[:], c.Severity) }
	due := func(c *modelCase) int64 {
		if !c.Open() || c.DueAt.IsZero() {
			return 1 << 62
		}
		return c.DueAt.UnixMicro()
	}
	return func(a, b *modelCase) int {
		first := 0
		switch s {
		case alerts.ByOpened:
			first = b.OpenedAt.Compare(a.OpenedAt)
		case alerts.ByDue:
			first = cmp.Compare(due(a), due(b))
		case alerts.BySeverity:
			first = cmp.Or(cmp.Compare(severity(a), severity(b)), b.OpenedAt.Compare(a.OpenedAt))
		default:
			first = b.UpdatedAt.Compare(a.UpdatedAt)
		}
		return cmp.Or(first, cmp.Compare(b.ID, a.ID))
	}
}

// list answers Cases, without pages.
func (m *caseModel) list(s alerts.Scope, f alerts.CaseFilter) []*modelCase {
	var out []*modelCase
	for _, c := range m.cases {
		if m.sees(s, c) && m.fits(f, c) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, compareBy(f.Sort))
	return out
}

var zone = time.FixedZone("product", 8*60*60)

func keyOf(c *modelCase, by alerts.CaseGroup) string {
	switch by {
	case alerts.GroupStep:
		return string(c.Step)
	case alerts.GroupSeverity:
		return string(c.Severity)
	case alerts.GroupCategory:
		return c.Category
	case alerts.GroupArea:
		return c.AreaID
	case alerts.GroupGrid:
		return c.GridID
	case alerts.GroupHolder:
		return c.HolderID
	case alerts.GroupDepartment:
		return c.DepartmentID
	}
	return c.OpenedAt.In(zone).Format(time.DateOnly)
}

// counts answers CaseCounts.
func (m *caseModel) counts(s alerts.Scope, f alerts.CaseFilter, by alerts.CaseGroup, now time.Time) []alerts.CaseCount {
	groups := make(map[string]*alerts.CaseCount)
	held := make(map[string][]time.Duration)
	add := func(n *int64, is bool) {
		if is {
			*n++
		}
	}
	for _, c := range m.list(s, f) {
		k := keyOf(c, by)
		g := groups[k]
		if g == nil {
			g = &alerts.CaseCount{Key: k}
			groups[k] = g
		}
		g.Total++
		add(&g.Open, c.Open())
		add(&g.Closed, !c.Open())
		add(&g.Late, c.late(now) || !c.Open() && !c.CaseDueAt.IsZero() && c.ClosedAt.After(c.CaseDueAt))
		add(&g.Solved, c.Outcome == alerts.Solved)
		add(&g.Direct, c.Direct)
		add(&g.Returned, c.Returns > 0)
		add(&g.Reopened, c.Reopened > 0)
		add(&g.Edited, c.Edited > 0)
		if !c.held.IsZero() {
			g.Held++
			held[k] = append(held[k], c.held.Sub(c.OpenedAt))
		}
	}
	var out []alerts.CaseCount
	for k, g := range groups {
		sum := time.Duration(0)
		for _, d := range held[k] {
			sum += d
		}
		if n := time.Duration(len(held[k])); n > 0 {
			g.HoldTime = (sum / n).Round(time.Microsecond)
		}
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b alerts.CaseCount) int {
		if by == alerts.GroupDay {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Key, b.Key))
	})
	return out
}

// randomFilter narrows by a few things at a time.
func randomFilter(r *rand.Rand) alerts.CaseFilter {
	f := alerts.CaseFilter{Sort: pick(r, "", alerts.ByUpdated, alerts.ByOpened, alerts.ByDue, alerts.BySeverity)}
	yes, no := true, false
	for range r.IntN(4) {
		switch r.IntN(15) {
		case 0:
			f.AreaID = pick(r, "v1", "t1", "east", "city", "west", "nowhere")
		case 1:
			f.HolderID = pick(r, "v1", "t1", "east", "city", "west")
		case 2:
			f.GridID = pick(r, "g1", "g3", "none")
		case 3:
			f.Category = pick(r, "hazard", "hazard.gas", "dispute", "hazards", "haz")
		case 4:
			f.Severity = pick(r, alerts.Severities[:]...)
		case 5:
			f.Step = pick(r, alerts.Steps[:]...)
		case 6:
			f.Outcome = pick(r, alerts.Solved, alerts.NotSolved, alerts.Refused, alerts.Merged)
		case 7:
			f.Open = pick(r, &yes, &no)
		case 8:
			f.Direct = pick(r, &yes, &no)
		case 9:
			f.DepartmentID = pick(r, "dep1", "dep2", "dep3", "dep4")
		case 10:
			f.PersonID = pick(r, "u1", "u2", "u9")
		case 11:
			f.OverdueAt = someday(r)
		case 12:
			f.Supervised = true
		case 13:
			f.Text = pick(r, "燃气", "路", "gate", "GATE", "50%", "_", "2026112", "nothing", "ä")
		case 14:
			f.Since, f.Until = maybe(r), maybe(r)
			if r.IntN(2) == 0 { // whole days
				f.Since, f.Until = midnight(f.Since), midnight(f.Until)
			}
		}
	}
	return f
}

func midnight(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// randomScope is a caller of some role, somewhere.
func randomScope(r *rand.Rand) alerts.Scope {
	s := alerts.Scope{Role: pick(r, alerts.DutyOfficer, alerts.Leader, alerts.Handler, alerts.GridLeader, alerts.Auditor, alerts.Admin),
		User: pick(r, "u1", "u2", "u3"), Paths: pick(r, []string{CityPath}, []string{EastPath}, []string{T1Path, T3Path},
			[]string{"/"}, []string{"/city/east/t1/v1/"}, []string{EastPath, T1Path}, nil)}
	switch s.Role {
	case alerts.Handler:
		s.Department = pick(r, "dep1", "dep2", "dep3", "")
	case alerts.GridLeader:
		s.Grids = pick(r, nil, []string{"g1"}, []string{"g1", "g3"})
	}
	if r.IntN(3) == 0 {
		return alerts.System()
	}
	return s
}
