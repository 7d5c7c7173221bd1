package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// sumsOf counts by the cells of the areas below some paths.
func (q queries) sumsOf(ctx context.Context, paths []string, kind alerts.CaseGroup, f alerts.CaseFilter, by alerts.CaseGroup) ([]countRow, bool, error) {
	column := "r.item"
	switch by {
	case alerts.GroupStep:
		column = "r.step"
	case alerts.GroupSeverity:
		column = "r.severity"
	}
	const open = "r.step <> 'closed'"
	sel := q.db.NewSelect().TableExpr("case_sums AS r").ColumnExpr(column + " AS key")
	sum := func(name, column, where string, args ...any) {
		sel = sel.ColumnExpr("CAST(SUM(CASE WHEN "+where+" THEN r."+column+" ELSE 0 END) AS BIGINT) AS "+name, args...)
	}
	all := "r.total <> 0"
	sum("total", "total", all)
	sum("open", "total", open)
	sum("late", "late", all)
	sum("closed", "total", "NOT "+open)
	sum("solved", "total", "r.outcome = ?", string(alerts.Solved))
	sum("direct", "total", "r.direct")
	sum("returned", "returned", all)
	sum("reopened", "reopened", all)
	sum("edited", "edited", all)
	sum("held", "held", all)
	sum("hold_time", "hold_time", all)
	where, args := pathRanges("path", paths)
	sel = sel.Where("r.node IN (SELECT id FROM areas WHERE "+where+" AND level <> 'village')", args...).Where("r.kind = ?", string(kind))
	sel = keyed(sel, f)
	sel = equal(sel, "severity", string(f.Severity))
	sel = equal(sel, "step", string(f.Step))
	sel = equal(sel, "outcome", string(f.Outcome))
	if f.Open != nil {
		sel = sel.Where(map[bool]string{true: open, false: "NOT " + open}[*f.Open])
	}
	if f.Direct != nil {
		sel = sel.Where(map[bool]string{true: "r.direct", false: "NOT r.direct"}[*f.Direct])
	}
	var rows []countRow
	err := ordered(sel.GroupExpr("key").Having("SUM(r.total) > 0"), by).Limit(maxGroups).Scan(q.ctx(ctx), &rows)
	if err != nil {
		return nil, false, fmt.Errorf("store: count cases: %w", classify(err))
	}
	return rows, true, nil
}

// keyed narrows a query of cells, all of one kind, to the items of a filter.
func keyed(sel *bun.SelectQuery, f alerts.CaseFilter) *bun.SelectQuery {
	sel = equal(equal(sel, "item", f.HolderID), "item", f.GridID)
	if f.Category != "" {
		sel = sel.Where("r.item >= ? AND r.item < ? AND (r.item = ? OR r.item >= ?)", f.Category, f.Category+"/", f.Category, f.Category+".")
	}
	if !f.Since.IsZero() {
		sel = sel.Where("r.item >= ?", dayText(micros(f.Since)))
	}
	if !f.Until.IsZero() {
		sel = sel.Where("r.item < ?", dayText(micros(f.Until)))
	}
	return sel
}

// addLate adds the open cases that are late now, counted by the index of their
// times alone.
func (q queries) addLate(ctx context.Context, rows []countRow, conditions []condition, column string, now time.Time) error {
	sel := q.db.NewSelect().TableExpr(q.cases("cases_late")).ColumnExpr(column+" AS key").ColumnExpr("COUNT(*) AS late").
		Where("r.urgency > 0").Where("r.urgency > ?", math.MaxInt64-micros(now)).Where("r.paused_at = 0").GroupExpr("key")
	for _, c := range conditions {
		sel = sel.Where(c.where, c.args...)
	}
	var late []struct {
		Key  string
		Late int64
	}
	if err := sel.Scan(q.ctx(ctx), &late); err != nil {
		return fmt.Errorf("store: count late cases: %w", classify(err))
	}
	by := make(map[string]int64, len(late))
	for _, l := range late {
		by[l.Key] = l.Late
	}
	for i := range rows {
		rows[i].Late += by[rows[i].Key]
	}
	return nil
}
