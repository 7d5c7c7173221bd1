package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// EmergenciesQuery narrows the list of emergency accesses.
type EmergenciesQuery struct {
	Page
	Area       string `query:"area" maxLength:"64" doc:"Area, with everything below it"`
	Running    bool   `query:"running" doc:"Only those that open their area now"`
	Unreviewed bool   `query:"unreviewed" doc:"Only those that nobody has reviewed yet"`
	Mine       bool   `query:"mine" doc:"Only those that the caller has taken"`
}

type emergencyOut struct{ Body desk.EmergencyView }

// registerEmergencies puts up emergency access (紧急调阅).
func (a *API) registerEmergencies() {
	const tag, path = "Emergency access", "/api/v1/emergencies"
	list := a.operation("GET", path, "emergencies", tag, "Emergency access to the caller's areas, and what the caller has taken, newest first")
	handle(a, list, func(ctx context.Context, in *EmergenciesQuery) (*listOut[desk.EmergencyView], error) {
		f := alerts.EmergencyFilter{AreaID: in.Area, Unreviewed: in.Unreviewed, Page: in.page()}
		if in.Mine {
			f.UserID = scopeOf(ctx).User
		}
		items, next, err := a.desk.Emergencies(ctx, scopeOf(ctx), f, in.Running)
		return listOf(items, next), err
	})
	handle(a, a.operation("GET", path+"/areas", "emergency-areas", tag, "Areas that the caller can take emergency access to"),
		func(ctx context.Context, _ *none) (*listOut[desk.AreaView], error) {
			items, err := a.desk.EmergencyAreas(ctx, scopeOf(ctx))
			return listOf(items, ""), err
		})
	take := a.operation("POST", path, "take-emergency", tag, "Take emergency access to an area of the own city")
	take.Description += " It is granted at once and opens reading alone: map, cameras and their pictures, incidents, cases, alarms. It is told to " +
		"the officers of the area and above, ends by itself, what ran under it within 5 s as well, and is reviewed by a centre above the area."
	take.DefaultStatus = http.StatusCreated
	handle(a, take, func(ctx context.Context, in *struct{ Body desk.EmergencyInput }) (*emergencyOut, error) {
		v, err := a.desk.TakeEmergency(ctx, scopeOf(ctx), in.Body)
		return &emergencyOut{v}, err
	})
	handle(a, a.operation("GET", path+"/{id}", "emergency", tag, "One emergency access, with what was seen under it"),
		func(ctx context.Context, in *ByID) (*emergencyOut, error) {
			v, err := a.desk.Emergency(ctx, scopeOf(ctx), in.ID)
			return &emergencyOut{v}, err
		})
	end := a.operation("DELETE", path+"/{id}", "end-emergency", tag, "End an emergency access before its time; it is kept")
	end.DefaultStatus = http.StatusNoContent
	handle(a, end, func(ctx context.Context, in *ByID) (*none, error) {
		return &none{}, a.desk.EndEmergency(ctx, scopeOf(ctx), in.ID)
	})
	handle(a, a.operation("POST", path+"/{id}/review", "review-emergency", tag, "Review an emergency access that has ended, once, from a centre above the area"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.ReviewInput
		}) (*emergencyOut, error) {
			v, err := a.desk.ReviewEmergency(ctx, scopeOf(ctx), in.ID, in.Body)
			return &emergencyOut{v}, err
		})
}
