package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

var (
	byCommented   = order{tag: "m", column: "at", newest: true}
	casesUpdated  = order{tag: "ku", column: "updated_at", newest: true}
	casesOpened   = order{tag: "ko", column: "opened_at", newest: true}
	casesUrgency  = order{tag: "kd", column: "urgency", newest: true}
	casesGravity  = order{tag: "kg", column: "gravity", newest: true}
	caseSortTexts = "updated, opened, due or severity"
)

// orderOf returns a list's order, and the value of a row in it.
func orderOf(s alerts.CaseSort) (order, func(caseRow) int64, error) {
	switch s {
	case "", alerts.ByUpdated:
		return casesUpdated, func(r caseRow) int64 { return r.UpdatedAt }, nil
	case alerts.ByOpened:
		return casesOpened, func(r caseRow) int64 { return r.OpenedAt }, nil
	case alerts.ByDue:
		return casesUrgency, func(r caseRow) int64 { return r.Urgency }, nil
	case alerts.BySeverity:
		return casesGravity, func(r caseRow) int64 { return r.Gravity }, nil
	}
	return order{}, nil, alerts.InvalidField("sort", "must be %s", caseSortTexts)
}

// textOf is all text of a filter that is compared with what is stored.
func textOf(f alerts.CaseFilter) string {
	return f.AreaID + f.HolderID + f.GridID + f.Category + string(f.Severity) + string(f.Step) + string(f.Outcome) +
		f.DepartmentID + f.PersonID + f.Text
}

// Cases lists cases in one of the fixed orders.
func (q queries) Cases(ctx context.Context, s alerts.Scope, f alerts.CaseFilter) ([]alerts.Case, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil {
		return nil, "", err
	}
	o, key, err := orderOf(f.Sort)
	if err != nil || unseen(s) || !storable(textOf(f)) {
		return nil, "", err
	}
	var rows []caseRow
	sel, ok, err := q.filtered(ctx, q.selCases(&rows, s), f)
	if err != nil || !ok {
		return nil, "", err
	}
	if sel, err = o.after(sel, f.Page); err != nil {
		return nil, "", err
	}
	if err := o.sort(sel, limit).Scan(q.ctx(ctx)); err != nil {
		return nil, "", fmt.Errorf("store: list cases: %w", classify(err))
	}
	out, next := list(rows, limit, o, func(r caseRow) (string, string) { return strconv.FormatInt(key(r), 10), r.ID }, caseRow.value)
	return out, next, nil
}

// filtered narrows a query of cases by a filter; false: nothing can fit.
func (q queries) filtered(ctx context.Context, sel *bun.SelectQuery, f alerts.CaseFilter) (*bun.SelectQuery, bool, error) {
	if f.AreaID != "" {
		path, err := q.areaPath(ctx, f.AreaID)
		if err != nil || path == "" {
			return sel, false, err
		}
		where, args := pathRanges("path", []string{path})
		sel = sel.Where("r.area_id IN (SELECT id FROM areas WHERE "+where+")", args...)
	}
	sel = equal(sel, "holder_id", f.HolderID)
	sel = equal(sel, "grid_id", f.GridID)
	sel = below(sel, f.Category)
	sel = equal(sel, "severity", string(f.Severity))
	sel = equal(sel, "step", string(f.Step))
	sel = equal(sel, "outcome", string(f.Outcome))
	if f.Open != nil {
		sel = sel.Where(flag("is_open", *f.Open))
	}
	if f.Direct != nil {
		sel = sel.Where(flag("direct", *f.Direct))
	}
	if f.DepartmentID != "" {
		sel = sel.Where(ofDepartment, f.DepartmentID, f.DepartmentID, f.DepartmentID)
	}
	sel = equal(sel, "person_id", f.PersonID)
	if !f.OverdueAt.IsZero() {
		sel = sel.Where("r.is_open").Where("r.paused_at = 0").Where("r.due_at > 0").Where("r.due_at < ?", micros(f.OverdueAt))
	}
	if f.Supervised {
		sel = sel.Where("r.supervised > 0")
	}
	sel = between(sel, "opened_at", f.Since, f.Until)
	return matching(sel, f.Text, "title", "address", "code"), true, nil
}

// flag is a condition in the words of the partial indexes.
func flag(column string, is bool) string {
	if is {
		return "r." + column
	}
	return "NOT r." + column
}

// below narrows a query of cases to a category and everything below it.
func below(q *bun.SelectQuery, category string) *bun.SelectQuery {
	if category == "" {
		return q
	}
	// "/" follows ".", which parts the levels.
	return q.Where("(r.category = ? OR r.category >= ? AND r.category < ?)", category, category+".", category+"/")
}
