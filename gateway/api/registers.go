package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

type siteOut struct{ Body desk.SiteView }

// RegistersQuery narrows the list of register entries.
type RegistersQuery struct {
	Page
	Text     string          `query:"q" maxLength:"100" doc:"Part of the name, the address or the identifier"`
	Area     string          `query:"area" maxLength:"64" doc:"Area, with everything below it"`
	Grid     string          `query:"grid" maxLength:"64" doc:"Grid"`
	Register alerts.Register `query:"register" enum:"place,facility,organisation" doc:"Register"`
	Kind     string          `query:"kind" maxLength:"40" doc:"Kind" example:"fire_point"`
	Stale    bool            `query:"stale" doc:"Only those that nobody has checked for 180 days"`
	Ended    bool            `query:"ended" doc:"Closed ones, too"`
}

func (a *API) registerRegisters() {
	const tag, path = "Registers", "/api/v1/registers"
	handle(a, a.operation("GET", path, "registers", tag, "Key sites, facilities and organisations, by name; there is no register of persons"),
		func(ctx context.Context, in *RegistersQuery) (*listOut[desk.SiteView], error) {
			items, next, err := a.desk.Sites(ctx, scopeOf(ctx), alerts.SiteFilter{Text: in.Text, AreaID: in.Area, GridID: in.Grid,
				Register: in.Register, Kind: in.Kind, Ended: in.Ended, Page: in.page()}, in.Stale)
			return listOf(items, next), err
		})
	create := a.operation("POST", path, "create-register-entry", tag, "Make an entry of a register")
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body desk.SiteInput }) (*siteOut, error) {
		v, err := a.desk.CreateSite(ctx, scopeOf(ctx), in.Body)
		return &siteOut{v}, err
	})
	handle(a, a.operation("GET", path+"/{id}", "register-entry", tag, "One entry of a register"),
		func(ctx context.Context, in *ByID) (*siteOut, error) {
			v, err := a.desk.Site(ctx, scopeOf(ctx), in.ID)
			return &siteOut{v}, err
		})
	handle(a, a.operation("PATCH", path+"/{id}", "change-register-entry", tag, "Change an entry, or say that it still holds; any change counts as a check"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.SitePatch
		}) (*siteOut, error) {
			v, err := a.desk.ChangeSite(ctx, scopeOf(ctx), in.ID, in.Body)
			return &siteOut{v}, err
		})
}
