package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// areaVersionRow has the columns of areaRow and another key. Where it lies in
// the tree is told by its area as it is now.
type areaVersionRow struct {
	bun.BaseModel `bun:"table:area_versions,alias:r"`

	ID        string `bun:"id,pk"`
	ValidFrom int64  `bun:"valid_from,pk"`
	ValidTo   int64  `bun:"valid_to"`
	ParentID  string `bun:"parent_id,nullzero"`
	AreaPath  string `bun:"area_path,scanonly"`
	Name      string `bun:"name"`
	NameEn    string `bun:"name_en"`
	Level     string `bun:"level"`
	Code      string `bun:"code"`
	Scheme    string `bun:"scheme"`
	Shape     string `bun:"shape"`
}

func (r areaVersionRow) value() (alerts.Area, error) {
	return areaRow{ID: r.ID, ParentID: r.ParentID, Path: r.AreaPath, Name: r.Name, NameEn: r.NameEn, Level: r.Level, Code: r.Code,
		Scheme: r.Scheme, ValidFrom: r.ValidFrom, ValidTo: r.ValidTo, Shape: r.Shape}.value()
}

// areaVersions starts a query of the versions of a scope's areas.
func (q queries) areaVersions(rows *[]areaVersionRow, s alerts.Scope) *bun.SelectQuery {
	sel := q.db.NewSelect().Model(rows).ColumnExpr("r.*").ColumnExpr("a.path AS area_path").Join("JOIN areas AS a ON a.id = r.id")
	if s.Everything() {
		return sel
	}
	where, args := pathRanges("a.path", s.Paths)
	return sel.Where(where, args...)
}

// AreasAt lists the versions of areas that were valid at a moment, by name.
func (q queries) AreasAt(ctx context.Context, s alerts.Scope, at time.Time) ([]alerts.Area, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []areaVersionRow
	err := q.areaVersions(&rows, s).Where("r.valid_from <= ? AND (r.valid_to = 0 OR r.valid_to > ?)", micros(at), micros(at)).
		OrderExpr("r.name, r.id").Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list areas: %w", classify(err))
	}
	return values(rows, areaVersionRow.value)
}

// AreaVersions lists the versions of an area, oldest first.
func (q queries) AreaVersions(ctx context.Context, s alerts.Scope, id string) ([]alerts.Area, error) {
	if nowhere(s) || !storable(id) {
		return nil, nil
	}
	var rows []areaVersionRow
	if err := q.areaVersions(&rows, s).Where("r.id = ?", id).OrderExpr("r.valid_from").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list versions of an area: %w", classify(err))
	}
	return values(rows, areaVersionRow.value)
}

// AreasDue lists the newest versions that have begun by a moment and do not hold
// yet, by id.
func (q queries) AreasDue(ctx context.Context, now time.Time) ([]alerts.Area, error) {
	var rows []areaVersionRow
	err := q.areaVersions(&rows, alerts.System()).Where("r.valid_from <= ? AND r.valid_from > a.valid_from", micros(now)).
		Where("NOT EXISTS (SELECT 1 FROM area_versions AS n WHERE n.id = r.id AND n.valid_from > r.valid_from AND n.valid_from <= ?)", micros(now)).
		OrderExpr("r.id").Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list areas that change: %w", classify(err))
	}
	return values(rows, areaVersionRow.value)
}

// PastPlaces lists what areas and grids with several versions were called.
func (q queries) PastPlaces(ctx context.Context) ([]alerts.PastPlace, error) {
	var rows []struct {
		ID        string
		ParentID  string
		Name      string
		NameEn    string
		ValidFrom int64
		Grid      bool
	}
	err := q.db.NewRaw(`SELECT id, COALESCE(parent_id, '') AS parent_id, name, name_en, valid_from, FALSE AS grid FROM area_versions
			WHERE id IN (SELECT id FROM area_versions GROUP BY id HAVING COUNT(*) > 1)
		UNION ALL SELECT id, area_id, name, '', valid_from, TRUE FROM grid_versions
			WHERE id IN (SELECT id FROM grid_versions GROUP BY id HAVING COUNT(*) > 1)
		ORDER BY grid, id, valid_from`).Scan(q.ctx(ctx), &rows)
	if err != nil {
		return nil, fmt.Errorf("store: list past places: %w", classify(err))
	}
	out := make([]alerts.PastPlace, len(rows))
	for i, r := range rows {
		out[i] = alerts.PastPlace{ID: r.ID, ParentID: r.ParentID, Name: r.Name, NameEn: r.NameEn, From: fromMicros(r.ValidFrom), Grid: r.Grid}
	}
	return out, nil
}

// PlanArea keeps a version of an area that begins later; see alerts.Tx.
func (t *tx) PlanArea(a alerts.Area) error {
	row, err := areaToRow(a)
	if err != nil {
		return err
	}
	return refused(t.saveAreaVersion(row), "area", a.ID)
}

// saveAreaVersion keeps an area as it is from its ValidFrom on, and ends the
// version that was valid then.
func (t *tx) saveAreaVersion(a areaRow) error {
	err := t.exec("UPDATE area_versions SET valid_to = ? WHERE id = ? AND valid_from < ? AND (valid_to = 0 OR valid_to > ?)",
		a.ValidFrom, a.ID, a.ValidFrom, a.ValidFrom)
	if err != nil {
		return err
	}
	row := areaVersionRow{ID: a.ID, ValidFrom: a.ValidFrom, ValidTo: a.ValidTo, ParentID: a.ParentID, Name: a.Name, NameEn: a.NameEn,
		Level: a.Level, Code: a.Code, Scheme: a.Scheme, Shape: a.Shape}
	var next sql.NullInt64 // a later version that is known already: this one ends there
	err = t.db.QueryRowContext(context.Background(), "SELECT MIN(valid_from) FROM area_versions WHERE id = ? AND valid_from > ?",
		a.ID, a.ValidFrom).Scan(&next)
	if err != nil {
		return classify(err)
	}
	if next.Valid && (row.ValidTo == 0 || row.ValidTo > next.Int64) {
		row.ValidTo = next.Int64
	}
	return t.upsert(&row, "id, valid_from", "valid_to", "parent_id", "name", "name_en", "level", "code", "scheme", "shape")
}
