package api

import (
	"context"

	"sharpeyes/alerts/desk"
)

// BriefQuery asks for a weekly brief.
type BriefQuery struct {
	Area string `query:"area" maxLength:"64" doc:"Area, with everything below it; the caller's own when absent"`
	Week string `query:"week" maxLength:"8" doc:"ISO week such as 2026-W48; the last whole one when absent"`
}

// registerBrief puts up the weekly brief (研判).
func (a *API) registerBrief() {
	op := a.operation("GET", "/api/v1/analysis/brief", "brief", "Cases", "A week of an area beside the one before: totals, trend, categories, heat by grid, departments")
	op.Description += " For those who see all cases of their areas."
	handle(a, op, func(ctx context.Context, in *BriefQuery) (*struct{ Body desk.BriefView }, error) {
		v, err := a.desk.Brief(ctx, scopeOf(ctx), in.Area, in.Week)
		return &struct{ Body desk.BriefView }{v}, err
	})
}
