package store

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// queries is the reading half, over the readers or inside a transaction.
type queries struct {
	db bun.IDB
	// uncancelled: in the writer's transaction an interrupted statement would
	// undo what others have written, so contexts are not passed on.
	uncancelled bool
	held        *held // nil in a transaction, which sees what it has written itself
}

func (q queries) ctx(ctx context.Context) context.Context {
	if q.uncancelled {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// sel starts a query of rows that lie in areas, with their areas' paths.
func (q queries) sel(model any, s alerts.Scope) *bun.SelectQuery {
	sel := q.db.NewSelect().Model(model).ColumnExpr("r.*").ColumnExpr("COALESCE(a.path, '') AS area_path").
		Join("LEFT JOIN areas AS a ON a.id = r.area_id")
	return within(sel, s)
}

// one reads the row in which column is value. Its second result is NotFound.
func (q queries) one(ctx context.Context, s alerts.Scope, model any, what, column, value string) error {
	if nowhere(s) || value == "" || !storable(value) {
		return alerts.Errorf(alerts.NotFound, "there is no such %s", what)
	}
	err := q.sel(model, s).Where("r."+column+" = ?", value).Limit(1).Scan(q.ctx(ctx))
	return notFound(err, what)
}

// equal narrows a query to a column's value; the empty value does not.
func equal(q *bun.SelectQuery, column, value string) *bun.SelectQuery {
	if value == "" {
		return q
	}
	return q.Where("r."+column+" = ?", value)
}

// list is one page of rows as values, with the next page's cursor.
func list[R, V any](rows []R, limit int, o order, key func(R) (key, id string), value func(R) V) ([]V, string) {
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = o.cursor(key(rows[limit-1]))
	}
	out := make([]V, len(rows))
	for i, r := range rows {
		out[i] = value(r)
	}
	return out, next
}

// Areas lists the areas of the scope by name.
func (q queries) Areas(ctx context.Context, s alerts.Scope) ([]alerts.Area, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []areaRow
	sel := q.db.NewSelect().Model(&rows).OrderExpr("r.name, r.id")
	if !s.Everything() {
		where, args := pathRanges("r.path", s.Paths)
		sel = sel.Where(where, args...)
	}
	if err := sel.Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list areas: %w", classify(err))
	}
	return values(rows, areaRow.value)
}

// Area returns one area.
func (q queries) Area(ctx context.Context, s alerts.Scope, id string) (alerts.Area, error) {
	var r areaRow
	if nowhere(s) || !storable(id) {
		return alerts.Area{}, alerts.Errorf(alerts.NotFound, "there is no such area")
	}
	sel := q.db.NewSelect().Model(&r).Where("r.id = ?", id)
	if !s.Everything() {
		where, args := pathRanges("r.path", s.Paths)
		sel = sel.Where(where, args...)
	}
	if err := notFound(sel.Scan(q.ctx(ctx)), "area"); err != nil {
		return alerts.Area{}, err
	}
	return r.value()
}

// Grids lists the grids of the scope by name.
func (q queries) Grids(ctx context.Context, s alerts.Scope) ([]alerts.Grid, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []gridRow
	if err := q.sel(&rows, s).OrderExpr("r.name, r.id").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list grids: %w", classify(err))
	}
	return values(rows, gridRow.value)
}

func values[R, V any](rows []R, value func(R) (V, error)) ([]V, error) {
	out := make([]V, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = value(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Cameras lists cameras by name.
func (q queries) Cameras(ctx context.Context, s alerts.Scope, f alerts.CameraFilter) ([]alerts.Camera, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil || nowhere(s) || !storable(f.Text+f.GridID) {
		return nil, "", err
	}
	var rows []cameraRow
	err = q.page(ctx, &rows, s, f.AreaID, byName, f.Page, limit, func(sel *bun.SelectQuery) *bun.SelectQuery {
		return matching(equal(sel, "grid_id", f.GridID), f.Text, "name", "id")
	})
	if err != nil {
		return nil, "", err
	}
	out, next := list(rows, limit, byName, func(r cameraRow) (string, string) { return r.Name, r.ID }, cameraRow.value)
	return out, next, nil
}

// Camera returns one camera.
func (q queries) Camera(ctx context.Context, s alerts.Scope, id string) (alerts.Camera, error) {
	var r cameraRow
	if err := q.one(ctx, s, &r, "camera", "id", id); err != nil {
		return alerts.Camera{}, err
	}
	return r.value(), nil
}

// Users lists accounts by user name.
func (q queries) Users(ctx context.Context, s alerts.Scope, p alerts.Page) ([]alerts.User, string, error) {
	limit, err := limitOf(p)
	if err != nil || nowhere(s) {
		return nil, "", err
	}
	var rows []userRow
	sel, err := byUsername.after(q.sel(&rows, s), p)
	if err != nil {
		return nil, "", err
	}
	if err := byUsername.sort(sel, limit).Scan(q.ctx(ctx)); err != nil {
		return nil, "", fmt.Errorf("store: list users: %w", classify(err))
	}
	out, next := list(rows, limit, byUsername, func(r userRow) (string, string) { return r.Username, r.ID }, userRow.value)
	return out, next, nil
}

// User returns one account.
func (q queries) User(ctx context.Context, s alerts.Scope, id string) (alerts.User, error) {
	return q.user(ctx, s, "id", id)
}

// UserByName returns the account with a user name.
func (q queries) UserByName(ctx context.Context, s alerts.Scope, username string) (alerts.User, error) {
	return q.user(ctx, s, "username", username)
}

func (q queries) user(ctx context.Context, s alerts.Scope, column, value string) (alerts.User, error) {
	var r userRow
	if err := q.one(ctx, s, &r, "user", column, value); err != nil {
		return alerts.User{}, err
	}
	return r.value(), nil
}

// Sources lists the sources that are not disabled, by name.
func (q queries) Sources(ctx context.Context, s alerts.Scope) ([]alerts.Source, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []sourceRow
	if err := q.sel(&rows, s).Where("r.disabled = ?", false).OrderExpr("r.name, r.id").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list sources: %w", classify(err))
	}
	return values(rows, func(r sourceRow) (alerts.Source, error) { return r.value(), nil })
}

// SourceByToken returns the source with a token's hash, unless it is disabled.
func (q queries) SourceByToken(ctx context.Context, s alerts.Scope, hash []byte) (alerts.Source, error) {
	var r sourceRow
	if err := q.one(ctx, s, &r, "source", "token_hash", hex.EncodeToString(hash)); err != nil {
		return alerts.Source{}, err
	}
	if r.Disabled {
		return alerts.Source{}, alerts.Errorf(alerts.NotFound, "there is no such source")
	}
	return r.value(), nil
}

// Session returns a session, NotFound where there is none; whether it has
// expired is the caller's to judge.
func (q queries) Session(ctx context.Context, tokenHash string) (alerts.Session, error) {
	var r sessionRow
	if !storable(tokenHash) {
		return alerts.Session{}, alerts.Errorf(alerts.NotFound, "there is no such session")
	}
	err := q.db.NewSelect().Model(&r).Where("r.token_hash = ?", tokenHash).Scan(q.ctx(ctx))
	if err := notFound(err, "session"); err != nil {
		return alerts.Session{}, err
	}
	return alerts.Session{TokenHash: r.TokenHash, UserID: r.UserID, Data: r.Data, Expires: fromMicros(r.Expires)}, nil
}
