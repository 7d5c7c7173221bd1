package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// PointsQuery narrows the ledger of points.
type PointsQuery struct {
	Page
	Area  string `query:"area" maxLength:"64" doc:"Area, with everything below it"`
	User  string `query:"user" maxLength:"64" doc:"Account of a grid leader"`
	Month string `query:"month" maxLength:"7" doc:"Month, such as 2026-11"`
}

func (q PointsQuery) filter() alerts.PointFilter {
	return alerts.PointFilter{AreaID: q.Area, UserID: q.User, Month: q.Month, Page: q.page()}
}

type appealOut struct{ Body desk.AppealView }

// registerPoints puts up the ledger of points (积分考评).
func (a *API) registerPoints() {
	const tag, path = "Points", "/api/v1/points"
	const who = " A grid leader sees the own ones; officers and leaders of the township or above, and auditors, those of their areas."
	list := a.operation("GET", path, "points", tag, "Points that grid leaders have earned, newest line first")
	list.Description += who
	handle(a, list, func(ctx context.Context, in *PointsQuery) (*listOut[desk.PointView], error) {
		items, next, err := a.desk.Points(ctx, scopeOf(ctx), in.filter())
		return listOf(items, next), err
	})
	months := a.operation("GET", path+"/months/{month}", "points-of-month", tag, "What each grid leader has earned in a month, by name")
	months.Description += who
	handle(a, months, func(ctx context.Context, in *struct {
		Month string `path:"month" maxLength:"7" doc:"Month" example:"2026-11"`
	}) (*listOut[desk.PointSumView], error) {
		items, err := a.desk.PointSums(ctx, scopeOf(ctx), in.Month)
		return listOf(items, ""), err
	})
	appeals := a.operation("GET", path+"/appeals", "appeals", tag, "Appeals against points, newest first")
	appeals.Description += who
	handle(a, appeals, func(ctx context.Context, in *PointsQuery) (*listOut[desk.AppealView], error) {
		items, next, err := a.desk.Appeals(ctx, scopeOf(ctx), in.filter())
		return listOf(items, next), err
	})
	appeal := a.operation("POST", path+"/appeals", "appeal", tag, "Appeal against the own points of a month")
	appeal.DefaultStatus = http.StatusCreated
	handle(a, appeal, func(ctx context.Context, in *struct{ Body desk.AppealInput }) (*appealOut, error) {
		v, err := a.desk.Appeal(ctx, scopeOf(ctx), in.Body)
		return &appealOut{v}, err
	})
	handle(a, a.operation("POST", path+"/appeals/{id}/decision", "decide-appeal", tag, "Decide on an appeal, once, at the township or above"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.DecisionInput
		}) (*appealOut, error) {
			v, err := a.desk.DecideAppeal(ctx, scopeOf(ctx), in.ID, in.Body)
			return &appealOut{v}, err
		})
}
