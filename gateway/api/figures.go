package api

import (
	"context"
	"time"

	"sharpeyes/alerts/desk"
)

// UnitsQuery narrows the figures of units.
type UnitsQuery struct {
	Since time.Time `query:"since" doc:"Cases reported at or after"`
	Until time.Time `query:"until" doc:"Cases reported before"`
}

// registerFigures puts up what shows a unit that holds reports back.
func (a *API) registerFigures() {
	op := a.operation("GET", "/api/v1/units/figures", "unit-figures", "Cases",
		"How each unit below the caller's centre treats reports: returns, holding, edited severity, direct reports left alone")
	op.Description += " For officers and leaders of the centres above."
	handle(a, op, func(ctx context.Context, in *UnitsQuery) (*listOut[desk.UnitFigures], error) {
		items, err := a.desk.UnitFigures(ctx, scopeOf(ctx), desk.FiguresQuery{Since: in.Since, Until: in.Until})
		return listOf(items, ""), err
	})
}
