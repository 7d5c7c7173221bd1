package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

const maxShifts = 1000

type shiftRow struct {
	bun.BaseModel `bun:"table:shifts,alias:r"`

	ID       string `bun:"id,pk"`
	AreaID   string `bun:"area_id"`
	AreaPath string `bun:"area_path,scanonly"`
	UserID   string `bun:"user_id"`
	Starts   int64  `bun:"starts"`
	Ends     int64  `bun:"ends"`
	Lead     bool   `bun:"lead"`
	Note     string `bun:"note"`
	Version  int64  `bun:"version"`
}

func (r shiftRow) value() alerts.Shift {
	return alerts.Shift{ID: r.ID, AreaID: r.AreaID, AreaPath: r.AreaPath, UserID: r.UserID, From: fromMicros(r.Starts), To: fromMicros(r.Ends),
		Lead: r.Lead, Note: r.Note, Version: r.Version}
}

// Shifts lists the shifts of a centre that overlap a span.
func (q queries) Shifts(ctx context.Context, s alerts.Scope, areaID string, from, to time.Time) ([]alerts.Shift, error) {
	if nowhere(s) || !storable(areaID) {
		return nil, nil
	}
	var rows []shiftRow
	err := within(q.sel(&rows, alerts.System()), s).Where("r.area_id = ? AND r.ends > ? AND r.starts < ?", areaID, micros(from), micros(to)).
		OrderExpr("r.starts, r.id").Limit(maxShifts).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list shifts: %w", classify(err))
	}
	out := make([]alerts.Shift, len(rows))
	for i, r := range rows {
		out[i] = r.value()
	}
	return out, nil
}

// Shift returns one shift.
func (q queries) Shift(ctx context.Context, s alerts.Scope, id string) (alerts.Shift, error) {
	var r shiftRow
	if err := q.one(ctx, s, &r, "shift", "id", id); err != nil {
		return alerts.Shift{}, err
	}
	return r.value(), nil
}

// SaveShift inserts a shift or changes it.
func (t *tx) SaveShift(v alerts.Shift) error {
	row := shiftRow{ID: v.ID, AreaID: v.AreaID, UserID: v.UserID, Starts: micros(v.From), Ends: micros(v.To), Lead: v.Lead, Note: v.Note,
		Version: v.Version + 1}
	return refused(t.replace(&row, row.Version, "shift", v.ID), "shift", v.ID)
}

// RemoveShift removes a shift.
func (t *tx) RemoveShift(id string) error {
	return t.exec("DELETE FROM shifts WHERE id = ?", id)
}
