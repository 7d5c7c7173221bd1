package store

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store/columns"
)

// condition is one part of what a caller asks of cases, r.
type condition struct {
	where string
	args  []any
	// index serves the condition alone; empty: none does.
	index string
	// members is a query of the ids of all that meet it, for a condition that no
	// single index serves; empty where one does. It has its own arguments.
	members []membership
	// few is up to how many cases the index is better than walking an order, in
	// which they may come late; 0: the usual number.
	few int
}

// membership is one of several ways in which a case can meet a condition.
type membership struct {
	query string
	args  []any
}

func when(index, where string, args ...any) condition {
	return condition{where: where, args: args, index: index}
}

// conditions returns all that a scope, its sight and a filter ask; false:
// nothing can meet them.
func (q queries) conditions(ctx context.Context, s alerts.Scope, f alerts.CaseFilter) ([]condition, bool, error) {
	if unseen(s) || !storable(textOf(f)) {
		return nil, false, nil
	}
	where, args, ok, err := q.placed(ctx, s, f.AreaID)
	if err != nil || !ok {
		return nil, false, err
	}
	all := seen(s.Sight())
	if where != "" {
		all = append(all, when("cases_area", "r.area_id IN (SELECT id FROM areas WHERE "+where+")", args...))
	}
	add := func(is bool, c condition) {
		if is {
			all = append(all, c)
		}
	}
	add(f.HolderID != "", when("cases_holder", "r.holder_id = ?", f.HolderID))
	add(f.GridID != "", when("cases_grid", "r.grid_id = ?", f.GridID))
	// "/" follows ".", which parts the levels; what sorts between a code and its
	// levels is left out again.
	add(f.Category != "", when("cases_category", "r.category >= ? AND r.category < ? AND (r.category = ? OR r.category >= ?)",
		f.Category, f.Category+"/", f.Category, f.Category+"."))
	add(f.PersonID != "", when("cases_person", "r.person_id = ?", f.PersonID))
	add(f.Supervised, when("cases_supervised", "r.supervised > 0"))
	add(f.Step != "" && f.Step != alerts.StepClosed, when("cases_step", "r.is_open AND r.step = ?", string(f.Step)))
	add(f.Step == alerts.StepClosed, when("", "NOT r.is_open AND r.urgency = 0"))
	add(f.Outcome == alerts.Solved, when("", "r.outcome = ?", string(f.Outcome)))
	add(f.Outcome != "" && f.Outcome != alerts.Solved,
		when("cases_outcome", "r.outcome > '' AND r.outcome <> 'solved' AND r.outcome = ?", string(f.Outcome)))
	add(f.Open != nil && *f.Open, when("cases_step", "r.is_open"))
	add(f.Open != nil && !*f.Open, when("", "NOT r.is_open AND r.urgency = 0"))
	add(f.Direct != nil && *f.Direct, when("cases_direct", "r.direct"))
	add(f.Direct != nil && !*f.Direct, when("", "NOT r.direct"))
	if f.Severity != "" {
		all = append(all, grave(f.Severity))
	}
	if f.DepartmentID != "" {
		all = append(all, concerning("", f.DepartmentID, nil))
	}
	if !f.OverdueAt.IsZero() {
		all = append(all, when("cases_late", "r.urgency > 0 AND r.urgency > ? AND r.paused_at = 0", math.MaxInt64-micros(f.OverdueAt)))
	}
	if c, ok := opened(f.Since, f.Until); ok {
		all = append(all, c)
	}
	if f.Text != "" {
		all = append(all, holding(f.Text))
	}
	return all, true, nil
}

// placed is the condition that an area lies in a scope and below an area, empty
// where every one does; false: none does.
func (q queries) placed(ctx context.Context, s alerts.Scope, areaID string) (where string, args []any, ok bool, err error) {
	if !s.Everything() {
		where, args = pathRanges("path", s.Paths)
	}
	if areaID == "" {
		return where, args, true, nil
	}
	path, err := q.areaPath(ctx, areaID)
	if err != nil || path == "" {
		return "", nil, false, err
	}
	below, more := pathRanges("path", []string{path})
	if where != "" {
		where += " AND "
	}
	return where + below, append(args, more...), true, nil
}

// seen is the condition that the caller is a party to a case.
func seen(v alerts.Sight) []condition {
	if v.All {
		return nil
	}
	return []condition{concerning(v.UserID, v.DepartmentID, v.GridIDs)}
}

// Ids of the cases that a user reported, and that a department has a part in.
const (
	reportedBy = "SELECT f.case_id AS id FROM incidents AS i JOIN case_filings AS f ON f.incident_id = i.id WHERE i.reporter_id = ?"
	jointOf    = "SELECT case_id AS id FROM case_parts WHERE department_id = ?"
)

// concerning is the condition that a case was reported by a user or is assigned
// to him, that a department is assigned, was first or is joint, or that it
// happened in one of some grids.
func concerning(user, department string, grids []string) condition {
	var c condition
	var or []string
	add := func(where, members string, args ...any) {
		or = append(or, where)
		c.args = append(c.args, args...)
		c.members = append(c.members, membership{members, args})
	}
	if user != "" {
		add("r.person_id = ?", "SELECT id FROM cases WHERE person_id = ?", user)
		add("EXISTS (SELECT 1 FROM case_filings AS f JOIN incidents AS i ON i.id = f.incident_id WHERE f.case_id = r.id AND i.reporter_id = ?)",
			reportedBy, user)
	}
	if department != "" {
		add("r.department_id = ?", "SELECT id FROM cases WHERE department_id = ?", department)
		add("r.first_id = ?", "SELECT id FROM cases WHERE first_id = ?", department)
		add("EXISTS (SELECT 1 FROM case_parts AS p WHERE p.case_id = r.id AND p.department_id = ?)",
			jointOf, department)
	}
	for _, g := range slices.Compact(slices.Sorted(slices.Values(grids))) {
		add("r.grid_id = ?", "SELECT id FROM cases WHERE grid_id = ?", g)
	}
	c.where = "(" + strings.Join(or, " OR ") + ")"
	return c
}

// grave is the condition that a case has a severity, as a range of the order by
// severity.
func grave(s alerts.Severity) condition {
	if !slices.Contains(alerts.Severities[:], s) {
		return when("", "r.severity = ?", string(s))
	}
	return when("cases_gravity", "r.gravity >= ? AND r.gravity < ?", gravity(s, 0), gravity(s, 0)+1<<timeBits)
}

func opened(since, until time.Time) (condition, bool) {
	c := condition{index: "cases_opened"}
	if !until.IsZero() {
		c.few = fewInSpan
	}
	var where []string
	if !since.IsZero() {
		where, c.args = append(where, "r.opened_at >= ?"), append(c.args, micros(since))
	}
	if !until.IsZero() {
		where, c.args = append(where, "r.opened_at < ?"), append(c.args, micros(until))
	}
	c.where = strings.Join(where, " AND ")
	return c, len(where) > 0
}

// holding is the condition that a case's title, address or code holds a text.
func holding(text string) condition {
	pattern := containing(columns.Lower(text))
	like := func(column string) string { return "lower(r." + column + `) LIKE ? ESCAPE '\'` }
	return when("", "("+like("title")+" OR "+like("address")+" OR "+like("code")+")", pattern, pattern, pattern)
}
