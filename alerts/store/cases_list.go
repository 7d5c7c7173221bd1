package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"sharpeyes/alerts"
)

var (
	byCommented   = order{tag: "m", column: "at", newest: true}
	casesUpdated  = caseOrder{order{tag: "ku", column: "updated_at", newest: true}, "updated"}
	casesOpened   = caseOrder{order{tag: "ko", column: "opened_at", newest: true}, "opened"}
	casesUrgency  = caseOrder{order{tag: "kd", column: "urgency", newest: true}, "urgency"}
	casesGravity  = caseOrder{order{tag: "kg", column: "gravity", newest: true}, "gravity"}
	caseSortTexts = "updated, opened, due or severity"
)

// caseOrder is an order with the end of its index's name.
type caseOrder struct {
	order
	name string
}

func orderOf(s alerts.CaseSort) (caseOrder, error) {
	switch s {
	case "", alerts.ByUpdated:
		return casesUpdated, nil
	case alerts.ByOpened:
		return casesOpened, nil
	case alerts.ByDue:
		return casesUrgency, nil
	case alerts.BySeverity:
		return casesGravity, nil
	}
	return caseOrder{}, alerts.InvalidField("sort", "must be %s", caseSortTexts)
}

// textOf is all text of a filter that is compared with what is stored.
func textOf(f alerts.CaseFilter) string {
	return f.AreaID + f.HolderID + f.GridID + f.Category + string(f.Severity) + string(f.Step) + string(f.Outcome) +
		f.DepartmentID + f.PersonID + f.Text
}

// Cases lists cases in one of the fixed orders.
//
// A page is read in two steps: the ids of its rows, and then the rows. The ids
// come from the columns that are held. Inside a transaction, before they are
// held and where there are too many, the ids come from the database in one of
// two ways. Where a condition leaves few cases, these are taken from its index
// and sorted. Where every condition leaves many, the index of the order is
// walked until the page is full, which is soon as a rule.
func (q queries) Cases(ctx context.Context, s alerts.Scope, f alerts.CaseFilter) ([]alerts.Case, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil {
		return nil, "", err
	}
	o, err := orderOf(f.Sort)
	if err != nil {
		return nil, "", err
	}
	switch v, err := q.held.now(ctx, false); {
	case err != nil:
		return nil, "", err
	case v != nil:
		return q.pageHeld(ctx, v, s, f, o, limit)
	}
	conditions, ok, err := q.conditions(ctx, s, f)
	if err != nil || !ok {
		return nil, "", err
	}
	many := few
	if len(conditions) > 1 {
		many = fewOfMany
	}
	from, err := q.narrowest(ctx, conditions, "cases_"+o.name, many)
	if err != nil {
		return nil, "", err
	}
	sel, err := o.after(from.Column("r.id").ColumnExpr("r."+o.column+" AS key"), f.Page)
	if err != nil {
		return nil, "", err
	}
	var page []struct {
		ID  string
		Key int64
	}
	if err := o.sort(sel, limit).Scan(q.ctx(ctx), &page); err != nil {
		return nil, "", fmt.Errorf("store: list cases: %w", classify(err))
	}
	next := ""
	if len(page) > limit {
		page = page[:limit]
		next = o.cursor(strconv.FormatInt(page[limit-1].Key, 10), page[limit-1].ID)
	}
	ids := make([]string, len(page))
	for i, p := range page {
		ids[i] = p.ID
	}
	out, err := q.casesByID(ctx, ids)
	return out, next, err
}

// casesByID reads cases in the order of their ids.
func (q queries) casesByID(ctx context.Context, ids []string) ([]alerts.Case, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []caseRow
	if err := q.selCases(&rows, alerts.System()).Where("r.id IN (?)", bun.List(ids)).Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list cases: %w", classify(err))
	}
	at := make(map[string]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(rows, func(a, b caseRow) int { return cmp.Compare(at[a.ID], at[b.ID]) })
	return values(rows, func(r caseRow) (alerts.Case, error) { return r.value(), nil })
}

const (
	// few is how many cases are rather sorted than an order is walked until a
	// page is full.
	few = 25_000
	// fewOfMany is that where there are several conditions: together they may
	// leave nothing, and the order would be walked to its end.
	fewOfMany = 60_000
	// fewInSpan is that for a span of time that ended: orders begin with what is
	// new.
	fewInSpan = 400_000
	// fewToCount is that for counts, which have to walk to the end.
	fewToCount = 400_000
)

// narrowest starts a query of the cases, r, that meet all conditions, by the
// index of the one that leaves the fewest, or by another index where each
// leaves many.
func (q queries) narrowest(ctx context.Context, all []condition, otherwise string, many int) (*bun.SelectQuery, error) {
	least, at := math.MaxInt, -1
	for i, c := range all {
		limit := min(max(many, c.few), least)
		if c.index == otherwise {
			limit = min(many, least) // walked from where the condition begins
		}
		n, err := q.size(ctx, c, limit)
		if err != nil {
			return nil, err
		}
		if n < limit {
			least, at = n, i
		}
	}
	sel := q.db.NewSelect()
	switch {
	case at < 0:
		sel = sel.TableExpr(q.cases(otherwise))
	case len(all[at].members) > 0 && q.postgres():
		sel = sel.TableExpr("(SELECT * FROM cases AS r WHERE r.id IN (?) OFFSET 0) AS r", q.union(all[at].members, 0))
	case len(all[at].members) > 0:
		sel = sel.TableExpr("cases AS r").Where("r.id IN (?)", q.union(all[at].members, 0))
	case q.postgres():
		// The fence keeps the planner from walking the order all the same.
		sel = sel.TableExpr("(SELECT * FROM cases AS r WHERE "+all[at].where+" OFFSET 0) AS r", all[at].args...)
	default:
		sel = sel.TableExpr(q.cases(all[at].index)).Where(all[at].where, all[at].args...)
	}
	for i, c := range all {
		if i != at {
			sel = sel.Where(c.where, c.args...)
		}
	}
	return sel, nil
}

// cases names the table as r, to be read by an index. SQLite keeps no figures
// to choose one by; PostgreSQL does, and takes no advice.
func (q queries) cases(index string) string {
	if q.postgres() {
		return "cases AS r"
	}
	return "cases AS r INDEXED BY " + index
}

func (q queries) postgres() bool { return q.db.Dialect().Name() == dialect.PG }

// size counts the cases that meet a condition, limit at most; limit where no
// index serves it.
func (q queries) size(ctx context.Context, c condition, limit int) (int, error) {
	var of *bun.SelectQuery
	switch {
	case len(c.members) > 0:
		of = q.db.NewSelect().TableExpr("(?) AS m", q.union(c.members, limit))
	case c.index != "":
		of = q.db.NewSelect().TableExpr(q.cases(c.index)).Where(c.where, c.args...)
	default:
		return limit, nil
	}
	var n int
	if err := q.db.NewSelect().ColumnExpr("COUNT(*)").TableExpr("(?) AS few", of.ColumnExpr("1").Limit(int64(limit))).
		Scan(q.ctx(ctx), &n); err != nil {
		return 0, fmt.Errorf("store: count cases: %w", classify(err))
	}
	return n, nil
}

// union is a query of the ids that any of the ways gives, limit at most of each.
func (q queries) union(of []membership, limit int) *bun.RawQuery {
	var parts []string
	var args []any
	for i, m := range of {
		part := m.query
		if limit > 0 {
			part = fmt.Sprintf("SELECT * FROM (%s LIMIT %d) AS m%d", m.query, limit, i)
		}
		parts, args = append(parts, part), append(args, m.args...)
	}
	return q.db.NewRaw(strings.Join(parts, " UNION ALL "), args...)
}
