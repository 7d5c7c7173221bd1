package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// areasAbove lists the areas on the paths of a scope, those that the scope itself
// covers left out.
func areasAbove(s alerts.Scope) []string {
	var ids []string
	for _, p := range s.Paths {
		parts := strings.Split(strings.Trim(p, "/"), "/")
		ids = append(ids, parts[:len(parts)-1]...)
	}
	return ids
}

// serving starts a query of the departments of a scope's areas and of those
// above them.
func (q queries) serving(model any, s alerts.Scope) *bun.SelectQuery {
	sel := q.sel(model, alerts.System())
	if s.Everything() {
		return sel
	}
	where, args := pathRanges("a.path", s.Paths)
	if up := areasAbove(s); len(up) > 0 {
		where, args = "("+where+" OR r.area_id IN (?))", append(args, bun.List(up))
	}
	return sel.Where(where, args...)
}

// Departments lists the departments that serve the areas of a scope, by name.
func (q queries) Departments(ctx context.Context, s alerts.Scope) ([]alerts.Department, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []departmentRow
	if err := q.serving(&rows, s).OrderExpr("r.name, r.id").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list departments: %w", classify(err))
	}
	return values(rows, func(r departmentRow) (alerts.Department, error) { return r.value(), nil })
}

// Department returns one of them.
func (q queries) Department(ctx context.Context, s alerts.Scope, id string) (alerts.Department, error) {
	if nowhere(s) || id == "" || !storable(id) {
		return alerts.Department{}, alerts.Errorf(alerts.NotFound, "there is no such department")
	}
	var r departmentRow
	err := q.serving(&r, s).Where("r.id = ?", id).Limit(1).Scan(q.ctx(ctx))
	return r.value(), notFound(err, "department")
}

// Offices lists the offices of a department, or all, by name.
func (q queries) Offices(ctx context.Context, departmentID string) ([]alerts.Office, error) {
	var rows []officeRow
	if err := q.rowsOf(ctx, &rows, "department_id", departmentID, "r.name, r.id"); err != nil {
		return nil, fmt.Errorf("store: list offices: %w", err)
	}
	return values(rows, func(r officeRow) (alerts.Office, error) { return r.value(), nil })
}

// Duties lists the duties of a department, or all.
func (q queries) Duties(ctx context.Context, departmentID string) ([]alerts.Duty, error) {
	var rows []dutyRow
	if err := q.rowsOf(ctx, &rows, "department_id", departmentID, "r.department_id, r.category, r.id"); err != nil {
		return nil, fmt.Errorf("store: list duties: %w", err)
	}
	return values(rows, func(r dutyRow) (alerts.Duty, error) { return r.value(), nil })
}

// rowsOf reads the rows in which column is value, or all for "".
func (q queries) rowsOf(ctx context.Context, rows any, column, value, order string) error {
	if !storable(value) {
		return nil
	}
	return classify(equal(q.db.NewSelect().Model(rows), column, value).OrderExpr(order).Scan(q.ctx(ctx)))
}

// Post returns one line of a roster.
func (q queries) Post(ctx context.Context, id string) (alerts.Post, error) {
	if id == "" || !storable(id) {
		return alerts.Post{}, alerts.Errorf(alerts.NotFound, "there is no such post")
	}
	var r postRow
	err := q.db.NewSelect().Model(&r).Where("r.id = ?", id).Scan(q.ctx(ctx))
	return r.value(), notFound(err, "post")
}

// Posts lists the posts of a grid or of a user, newest first.
func (q queries) Posts(ctx context.Context, gridID, userID string) ([]alerts.Post, error) {
	if gridID == "" && userID == "" || !storable(gridID+userID) {
		return nil, nil
	}
	var rows []postRow
	sel := equal(equal(q.db.NewSelect().Model(&rows), "grid_id", gridID), "user_id", userID)
	if err := sel.OrderExpr("r.valid_from DESC, r.id DESC").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list posts: %w", classify(err))
	}
	return values(rows, func(r postRow) (alerts.Post, error) { return r.value(), nil })
}

// GridsAt lists the versions of grids that were valid at a moment, by name.
func (q queries) GridsAt(ctx context.Context, s alerts.Scope, at time.Time) ([]alerts.Grid, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []gridVersionRow
	err := q.sel(&rows, s).Where("r.valid_from <= ? AND (r.valid_to = 0 OR r.valid_to > ?)", micros(at), micros(at)).
		OrderExpr("r.name, r.id").Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list grids: %w", classify(err))
	}
	return values(rows, gridVersionRow.value)
}

// GridVersions lists the versions of a grid, oldest first.
func (q queries) GridVersions(ctx context.Context, s alerts.Scope, id string) ([]alerts.Grid, error) {
	if nowhere(s) || !storable(id) {
		return nil, nil
	}
	var rows []gridVersionRow
	if err := q.sel(&rows, s).Where("r.id = ?", id).OrderExpr("r.valid_from").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list versions of a grid: %w", classify(err))
	}
	return values(rows, gridVersionRow.value)
}

// NextPlaceChange returns when the next version begins or ends.
func (q queries) NextPlaceChange(ctx context.Context, after time.Time) (time.Time, error) {
	var next sql.NullInt64
	at := micros(after)
	err := q.db.QueryRowContext(q.ctx(ctx), `SELECT MIN(at) FROM (
		SELECT MIN(valid_from) AS at FROM grid_versions WHERE valid_from > ? UNION ALL
		SELECT MIN(valid_to) AS at FROM grid_versions WHERE valid_to > ? UNION ALL
		SELECT MIN(valid_from) AS at FROM area_versions WHERE valid_from > ? UNION ALL
		SELECT MIN(valid_to) AS at FROM area_versions WHERE valid_to > ?) AS t`, at, at, at, at).Scan(&next)
	if err != nil {
		return time.Time{}, fmt.Errorf("store: read versions of places: %w", classify(err))
	}
	return fromMicros(next.Int64), nil
}

// Site returns one entry of a register.
func (q queries) Site(ctx context.Context, s alerts.Scope, id string) (alerts.Site, error) {
	var r siteRow
	if err := q.one(ctx, s, &r, "register entry", "id", id); err != nil {
		return alerts.Site{}, err
	}
	return r.value()
}

// Sites lists entries of registers by name.
func (q queries) Sites(ctx context.Context, s alerts.Scope, f alerts.SiteFilter) ([]alerts.Site, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil || nowhere(s) || !storable(f.Text+f.GridID+f.Kind+string(f.Register)) {
		return nil, "", err
	}
	var rows []siteRow
	err = q.page(ctx, &rows, s, f.AreaID, bySite, f.Page, limit, func(sel *bun.SelectQuery) *bun.SelectQuery {
		sel = equal(equal(equal(sel, "grid_id", f.GridID), "register", string(f.Register)), "kind", f.Kind)
		if !f.Ended {
			sel = sel.Where("r.ended_at = 0")
		}
		if !f.Stale.IsZero() {
			sel = sel.Where("r.checked_at < ?", micros(f.Stale))
		}
		return matching(sel, f.Text, "name", "address", "id")
	})
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = bySite.cursor(rows[limit-1].Name, rows[limit-1].ID)
	}
	out, err := values(rows, siteRow.value)
	return out, next, err
}

// missing says which reference of an object does not exist.
func missing(err error, what, id, message string) error {
	if errors.Is(err, errMissing) {
		return &alerts.Error{Kind: alerts.Invalid, Message: message, Err: err}
	}
	return refused(err, what, id)
}

// SaveDepartment stores a department under its next version.
func (t *tx) SaveDepartment(d alerts.Department) error {
	row := departmentToRow(d)
	return refused(t.replace(&row, row.Version, "department", d.ID), "department", d.ID)
}

// SaveOffice inserts or replaces an office.
func (t *tx) SaveOffice(o alerts.Office) error {
	row := officeRow{ID: o.ID, DepartmentID: o.DepartmentID, Name: o.Name, Disabled: o.Disabled}
	return missing(t.upsert(&row, "id", "department_id", "name", "disabled"), "office", o.ID, "there is no such department")
}

// SaveDuty inserts or replaces a duty.
func (t *tx) SaveDuty(d alerts.Duty) error {
	row := dutyRow{ID: d.ID, DepartmentID: d.DepartmentID, OfficeID: d.OfficeID, PersonID: d.PersonID, Category: d.Category, AreaID: d.AreaID}
	return missing(t.upsert(&row, "id", "department_id", "office_id", "person_id", "category", "area_id"), "duty", d.ID,
		"there is no such department, office, person or area")
}

// RemoveDuty removes a duty.
func (t *tx) RemoveDuty(id string) error {
	return t.exec("DELETE FROM duties WHERE id = ?", id)
}

// SavePost inserts or replaces a line of a grid's roster.
func (t *tx) SavePost(p alerts.Post) error {
	row := postToRow(p)
	return missing(t.upsert(&row, "id", "grid_id", "kind", "user_id", "name", "employment", "tasks", "valid_from", "valid_to",
		"handed_to", "hand_note"), "post", p.ID, "there is no such grid or account")
}

// SaveSite stores an entry of a register under its next version.
func (t *tx) SaveSite(s alerts.Site) error {
	row, err := siteToRow(s, t.now())
	if err != nil {
		return err
	}
	return refused(t.replace(&row, row.Version, "register entry", s.ID), "register entry", s.ID)
}

// saveGridVersion keeps a grid as it is from its ValidFrom on, and ends the
// version that was valid then.
func (t *tx) saveGridVersion(g gridRow) error {
	err := t.exec("UPDATE grid_versions SET valid_to = ? WHERE id = ? AND valid_from < ? AND (valid_to = 0 OR valid_to > ?)",
		g.ValidFrom, g.ID, g.ValidFrom, g.ValidFrom)
	if err != nil {
		return err
	}
	row := gridToVersion(g)
	var next sql.NullInt64 // a later version that is known already: this one ends there
	err = t.db.QueryRowContext(context.Background(), "SELECT MIN(valid_from) FROM grid_versions WHERE id = ? AND valid_from > ?",
		g.ID, g.ValidFrom).Scan(&next)
	if err != nil {
		return classify(err)
	}
	if next.Valid && (row.ValidTo == 0 || row.ValidTo > next.Int64) {
		row.ValidTo = next.Int64
	}
	return t.upsert(&row, "id, valid_from", "valid_to", "area_id", "name", "code", "scheme", "kind", "households", "shape")
}
