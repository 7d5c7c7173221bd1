package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store/columns"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// order is how a list is sorted: a column, then the id. A page begins after the
// place its cursor names, so rows that come in meanwhile shift nothing.
type order struct {
	tag    string // first part of the cursor: a cursor fits its own list alone
	column string
	newest bool // a time, descending; else a name, ascending
}

var (
	byReceived = order{tag: "i", column: "received_at", newest: true}
	byLastAt   = order{tag: "a", column: "last_at", newest: true}
	byName     = order{tag: "c", column: "name"}
	bySite     = order{tag: "r", column: "name"}
	byUsername = order{tag: "u", column: "username"}
)

func limitOf(p alerts.Page) (int, error) {
	switch {
	case p.Limit == 0:
		return defaultLimit, nil
	case p.Limit < 0 || p.Limit > maxLimit:
		return 0, alerts.InvalidField("limit", "must be 1 to %d", maxLimit)
	}
	return p.Limit, nil
}

// after begins a query after a page's cursor.
func (o order) after(q *bun.SelectQuery, p alerts.Page) (*bun.SelectQuery, error) {
	if p.Cursor == "" {
		return q, nil
	}
	key, id, err := o.parse(p.Cursor)
	if err != nil {
		return nil, err
	}
	compare := ">"
	if o.newest {
		compare = "<"
	}
	return q.Where("(r."+o.column+", r.id) "+compare+" (?, ?)", key, id), nil
}

// sort orders a query and asks for one row more than the limit, which tells
// whether there is another page.
func (o order) sort(q *bun.SelectQuery, limit int) *bun.SelectQuery {
	return q.OrderExpr(o.by("r.")).Limit(int64(limit) + 1)
}

func (o order) by(prefix string) string {
	direction := " ASC"
	if o.newest {
		direction = " DESC"
	}
	return prefix + o.column + direction + ", " + prefix + "id" + direction
}

func (o order) cursor(key, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(o.tag + "\n" + id + "\n" + key))
}

func (o order) parse(cursor string) (key any, id string, err error) {
	wrong := alerts.InvalidField("cursor", "is not one that this list gave out: start again without a cursor")
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !storable(string(b)) {
		return nil, "", wrong
	}
	tag, rest, _ := strings.Cut(string(b), "\n")
	id, name, ok := strings.Cut(rest, "\n")
	if tag != o.tag || !ok {
		return nil, "", wrong
	}
	if !o.newest {
		return name, id, nil
	}
	at, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return nil, "", wrong
	}
	return at, id, nil
}

// storable tells whether text can be stored and compared as it is: no database
// of ours takes a NUL, and not each what is no UTF-8.
func storable(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// nowhere tells that a scope covers no area at all.
func nowhere(s alerts.Scope) bool {
	for _, p := range s.Paths {
		if p != "" {
			return false
		}
	}
	return true
}

// within narrows a query to the areas of a scope.
func within(q *bun.SelectQuery, s alerts.Scope) *bun.SelectQuery {
	if s.Everything() {
		return q
	}
	where, args := pathRanges("path", s.Paths)
	return q.Where("r.area_id IN (SELECT id FROM areas WHERE "+where+")", args...)
}

// pathRanges is the condition that a path column lies below one of the paths.
func pathRanges(column string, paths []string) (where string, args []any) {
	var b strings.Builder
	for _, p := range paths {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(" OR ")
		}
		b.WriteString("(" + column + " >= ? AND " + column + " < ?)")
		args = append(args, p, pathEnd(p))
	}
	return "(" + b.String() + ")", args
}

// pathEnd is the smallest string after every path below p: p ends in "/", and
// "0" follows "/".
func pathEnd(p string) string { return strings.TrimSuffix(p, "/") + "0" }

// containing is a LIKE pattern for text anywhere in a column.
func containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// matching narrows a query to rows with text in one of the columns, whatever
// the case of ASCII letters.
func matching(q *bun.SelectQuery, text string, in ...string) *bun.SelectQuery {
	if text == "" {
		return q
	}
	pattern := containing(columns.Lower(text))
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, c := range in {
			q = q.WhereOr("lower(r."+c+") LIKE ? ESCAPE '\\'", pattern)
		}
		return q
	})
}

// maxLooked is how many rows a page looks for text in at most.
const maxLooked = 10_000

// place is where a row stands in a list of the newest first.
type place struct {
	key int64
	id  string
}

// reach is how far a page gets that may look at no more than maxLooked rows of a
// table, the newest first; false: to the end.
func (q queries) reach(ctx context.Context, table string, o order, f alerts.IncidentFilter) (place, bool, error) {
	sel := q.db.NewSelect().TableExpr(table + " AS r").ColumnExpr("r." + o.column + ", r.id").OrderExpr(o.by("r.")).Limit(1).Offset(maxLooked - 1)
	sel, err := o.after(between(sel, o.column, f.Since, f.Until), f.Page)
	if err != nil {
		return place{}, false, err
	}
	var to place
	switch err := sel.Scan(q.ctx(ctx), &to.key, &to.id); {
	case errors.Is(err, sql.ErrNoRows):
		return place{}, false, nil
	case err != nil:
		return place{}, false, fmt.Errorf("store: list: %w", classify(err))
	}
	return to, true, nil
}

// maxMerged is the number of areas up to which a page is merged from the areas'
// own pages.
const maxMerged = 24

// page reads one page, and one row more, of the rows that lie in a scope and
// below an area, narrowed further by narrow.
//
// How it reads depends on how many areas there are, since no index serves all:
// the rows of one area, or of all, are in order in an index. Those of a few are
// merged from each one's own page. With many areas the rows are walked in
// order and the others skipped: many areas hold a good part of all rows, and
// sorting that part for each page would cost more.
func (q queries) page(ctx context.Context, rows any, s alerts.Scope, areaID string, o order, p alerts.Page, limit int,
	narrow func(*bun.SelectQuery) *bun.SelectQuery) error {
	where, args := "", []any(nil)
	if !s.Everything() {
		where, args = pathRanges("path", s.Paths)
	}
	if areaID != "" {
		path, err := q.areaPath(ctx, areaID)
		if err != nil {
			return err
		}
		if path == "" {
			return nil
		}
		below, more := pathRanges("path", []string{path})
		if where != "" {
			where += " AND "
		}
		where, args = where+below, append(args, more...)
	}
	var areas []string
	if where != "" {
		err := q.db.NewRaw("SELECT id FROM areas WHERE "+where+" LIMIT ?", append(args, maxMerged+1)...).Scan(q.ctx(ctx), &areas)
		if err != nil {
			return fmt.Errorf("store: read areas: %w", classify(err))
		}
		if len(areas) == 0 {
			return nil
		}
	}
	// part is a query of what the page may hold, from its cursor on.
	part := func(sel *bun.SelectQuery) (*bun.SelectQuery, error) { return o.after(narrow(sel), p) }
	sel, err := part(q.sel(rows, alerts.System()))
	if err != nil {
		return err
	}
	switch {
	case where == "":
	case len(areas) == 1:
		sel = sel.Where("r.area_id = ?", areas[0])
	case len(areas) <= maxMerged:
		members := make([]string, len(areas))
		queries := make([]any, len(areas), len(areas)+1)
		for i, area := range areas {
			member, err := part(q.db.NewSelect().Model(rows).Column("r.id", "r."+o.column))
			if err != nil {
				return err
			}
			members[i] = fmt.Sprintf("SELECT * FROM (?) AS m%d", i)
			queries[i] = o.sort(member.Where("r.area_id = ?", area), limit)
		}
		sel = q.sel(rows, alerts.System()).Where("r.id IN (SELECT id FROM ("+strings.Join(members, " UNION ALL ")+") AS m ORDER BY "+
			o.by("")+" LIMIT ?)", append(queries, limit+1)...)
	default:
		// An expression, so that no index on area_id is taken for it.
		sel = sel.Where("r.area_id || '' IN (SELECT id FROM areas WHERE "+where+")", args...)
	}
	if err := o.sort(sel, limit).Scan(q.ctx(ctx)); err != nil {
		return fmt.Errorf("store: list: %w", classify(err))
	}
	return nil
}

// areaPath returns the path of an area, empty where there is none.
func (q queries) areaPath(ctx context.Context, id string) (string, error) {
	if !storable(id) {
		return "", nil
	}
	var paths []string
	if err := q.db.NewRaw("SELECT path FROM areas WHERE id = ?", id).Scan(q.ctx(ctx), &paths); err != nil {
		return "", fmt.Errorf("store: read area: %w", classify(err))
	}
	if len(paths) == 0 {
		return "", nil
	}
	return paths[0], nil
}
