package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"sharpeyes/alerts"
)

// maxGroups bounds an answer of CaseCounts.
const maxGroups = 1000

// groupColumn returns the column that cases are grouped by.
func groupColumn(by alerts.CaseGroup) (string, error) {
	switch by {
	case alerts.GroupStep:
		return "r.step", nil
	case alerts.GroupSeverity:
		return "r.severity", nil
	case alerts.GroupCategory:
		return "r.category", nil
	case alerts.GroupArea:
		return "r.area_id", nil
	case alerts.GroupGrid:
		return "COALESCE(r.grid_id, '')", nil
	case alerts.GroupHolder:
		return "r.holder_id", nil
	case alerts.GroupDepartment:
		return "r.department_id", nil
	case alerts.GroupDay: // its number from 1970 on: text of five digits until the year 2243
		return fmt.Sprintf("CAST((r.opened_at + %d) / %d AS TEXT)", zoneMicros, dayMicros), nil
	}
	return "", alerts.InvalidField("by", "must be step, severity, category, area, grid, holder, department or day")
}

const (
	dayMicros  = int64(24 * time.Hour / time.Microsecond)
	zoneMicros = int64(8 * time.Hour / time.Microsecond) // the product's zone is UTC+8 and knows no summer time
)

type countRow struct {
	Key      string
	Total    int64
	Open     int64
	Late     int64
	Closed   int64
	Solved   int64
	Direct   int64
	Returned int64
	Reopened int64
	Edited   int64
	Held     int64 // cases that were assigned or closed
	HoldTime int64 // sum of their times, microseconds
}

func (r countRow) value() alerts.CaseCount {
	c := alerts.CaseCount{Key: r.Key, Total: r.Total, Open: r.Open, Late: r.Late, Closed: r.Closed, Solved: r.Solved,
		Direct: r.Direct, Returned: r.Returned, Reopened: r.Reopened, Edited: r.Edited, Held: r.Held}
	if r.Held > 0 {
		c.HoldTime = time.Duration(math.Round(float64(r.HoldTime)/float64(r.Held))) * time.Microsecond
	}
	return c
}

// CaseCounts counts cases by a group: from the columns that are held, which are
// waited for, or else from the database.
func (q queries) CaseCounts(ctx context.Context, s alerts.Scope, f alerts.CaseFilter, by alerts.CaseGroup, now time.Time) ([]alerts.CaseCount, error) {
	column, err := groupColumn(by)
	if err != nil {
		return nil, err
	}
	v, err := q.held.now(ctx, true)
	if err != nil {
		return nil, err
	}
	var rows []countRow
	if v != nil {
		rows, err = q.countHeld(ctx, v, s, f, by, now)
	} else {
		rows, err = q.counted(ctx, s, f, column, by, now)
	}
	if err == nil && by == alerts.GroupDay {
		rows, err = inDayOrder(rows)
	}
	if err != nil {
		return nil, err
	}
	return values(rows, func(r countRow) (alerts.CaseCount, error) { return r.value(), nil })
}

// counted counts by looking at each case, of those that the narrowest condition
// leaves.
func (q queries) counted(ctx context.Context, s alerts.Scope, f alerts.CaseFilter, column string, by alerts.CaseGroup, now time.Time) ([]countRow, error) {
	conditions, ok, err := q.conditions(ctx, s, f)
	if err != nil || !ok {
		return nil, err
	}
	sel, err := q.narrowest(ctx, conditions, "cases_opened", fewToCount)
	if err != nil {
		return nil, err
	}
	count := func(name, where string, args ...any) {
		sel = sel.ColumnExpr("COUNT(*) FILTER (WHERE "+where+") AS "+name, args...)
	}
	sel = sel.ColumnExpr(column + " AS key").ColumnExpr("COUNT(*) AS total")
	count("open", "r.is_open")
	count("late", "r.is_open AND r.paused_at = 0 AND r.due_at > 0 AND r.due_at < ? OR "+closedLate, micros(now))
	count("closed", "NOT r.is_open")
	count("solved", "r.outcome = ?", string(alerts.Solved))
	count("direct", "r.direct")
	count("returned", "r.returns > 0")
	count("reopened", "r.reopened > 0")
	count("edited", "r.edited > 0")
	count("held", "r.held_at > 0")
	sel = sel.ColumnExpr("CAST(SUM(CASE WHEN r.held_at > 0 THEN r.held_at - r.opened_at ELSE 0 END) AS BIGINT) AS hold_time").
		GroupExpr("key")
	order := "total DESC, key"
	if by == alerts.GroupDay {
		order = "key DESC"
	}
	var rows []countRow
	if err := sel.OrderExpr(order).Limit(maxGroups).Scan(q.ctx(ctx), &rows); err != nil {
		return nil, fmt.Errorf("store: count cases: %w", classify(err))
	}
	return rows, nil
}

// closedLate is the condition that a case was closed after its time.
const closedLate = "NOT r.is_open AND r.case_due_at > 0 AND r.closed_at > r.case_due_at"

// inDayOrder turns the newest days' numbers, newest first, into dates in order.
func inDayOrder(rows []countRow) ([]countRow, error) {
	for i, r := range rows {
		n, err := strconv.ParseInt(r.Key, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("store: count cases: day %q: %w", r.Key, err)
		}
		rows[i].Key = time.Unix(n*24*60*60, 0).UTC().Format(time.DateOnly)
	}
	slices.Reverse(rows)
	return rows, nil
}
