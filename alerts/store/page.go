package store

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
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

// page sorts a query and begins it after the cursor; it asks for one row more
// than the limit, which tells whether there is another page.
func (o order) page(q *bun.SelectQuery, p alerts.Page, limit int) (*bun.SelectQuery, error) {
	direction, compare := "ASC", ">"
	if o.newest {
		direction, compare = "DESC", "<"
	}
	if p.Cursor != "" {
		key, id, err := o.parse(p.Cursor)
		if err != nil {
			return nil, err
		}
		q = q.Where("(r."+o.column+", r.id) "+compare+" (?, ?)", key, id)
	}
	return q.OrderExpr("r." + o.column + " " + direction + ", r.id " + direction).Limit(int64(limit) + 1), nil
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
// of ours takes a NUL.
func storable(s string) bool { return strings.IndexByte(s, 0) < 0 }

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
func matching(q *bun.SelectQuery, text string, columns ...string) *bun.SelectQuery {
	if text == "" {
		return q
	}
	pattern := containing(text)
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, c := range columns {
			q = q.WhereOr("lower(r."+c+") LIKE lower(?) ESCAPE '\\'", pattern)
		}
		return q
	})
}
