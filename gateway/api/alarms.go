package api

import (
	"context"
	"net/http"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// AlarmAnswer tells a source what became of its alarm.
type AlarmAnswer struct {
	ID       string `json:"id" doc:"Identifier of the alert"`
	Count    int    `json:"count" doc:"How often it has come within the window"`
	Repeated bool   `json:"repeated" doc:"It was counted, not made anew"`
}

type alarmOut struct {
	Status int
	Body   AlarmAnswer
}

// AlertsQuery narrows the list of alerts.
type AlertsQuery struct {
	Page
	AlertsFilter
}

// AlertsFilter is what narrows alerts, in a list and in an export.
type AlertsFilter struct {
	Area     string    `query:"area" maxLength:"64" doc:"Area, with everything below it"`
	Grid     string    `query:"grid" maxLength:"64" doc:"Grid"`
	Camera   string    `query:"camera" maxLength:"64" doc:"Camera"`
	Kind     string    `query:"kind" maxLength:"64" doc:"Kind"`
	Severity string    `query:"severity" enum:"critical,high,medium,low" doc:"Severity"`
	Since    time.Time `query:"since" doc:"Last time at or after"`
	Until    time.Time `query:"until" doc:"Last time before"`
}

func (f AlertsFilter) filter(p alerts.Page) alerts.AlertFilter {
	return alerts.AlertFilter{AreaID: f.Area, GridID: f.Grid, CameraID: f.Camera, Kind: f.Kind,
		Severity: alerts.Severity(f.Severity), Since: f.Since, Until: f.Until, Page: p}
}

// Source is a new source with its token, which is shown this once.
type Source struct {
	desk.SourceView
	Token string `json:"token" doc:"Bearer token; it cannot be shown again"`
}

func (a *API) registerAlerts() {
	const tag = "Alarms"
	hook := a.operation("POST", "/api/v1/hooks/alarms", "alarm", tag, "Post an alarm: 201 where it is new, 200 where it was counted")
	hook.DefaultStatus = http.StatusCreated
	hook.Responses = map[string]*huma.Response{"default": a.errorResponse(), "200": {Description: "Counted: the same alarm had come before",
		Content: map[string]*huma.MediaType{"application/json": {
			Schema: a.huma.OpenAPI().Components.Schemas.Schema(typeOf[AlarmAnswer](), true, "")}}}}
	handle(a, hook, func(ctx context.Context, in *struct{ Body desk.Alarm }) (*alarmOut, error) {
		v, repeated, err := a.desk.Raise(ctx, sourceOf(ctx), in.Body)
		if err != nil {
			return nil, err
		}
		status := http.StatusCreated
		if repeated {
			status = http.StatusOK
		}
		return &alarmOut{Status: status, Body: AlarmAnswer{ID: v.ID, Count: v.Count, Repeated: repeated}}, nil
	})
	handle(a, a.operation("GET", "/api/v1/alerts", "alerts", tag, "Alerts, newest first"),
		func(ctx context.Context, in *AlertsQuery) (*listOut[desk.AlertView], error) {
			items, next, err := a.desk.Alerts(ctx, scopeOf(ctx), in.filter(in.page()))
			return listOf(items, next), err
		})
	handle(a, a.operation("GET", "/api/v1/sources", "sources", tag, "Sources of alarms"),
		func(ctx context.Context, _ *none) (*listOut[desk.SourceView], error) {
			items, err := a.desk.Sources(ctx, scopeOf(ctx))
			return listOf(items, ""), err
		})
	create := a.operation("POST", "/api/v1/sources", "create-source", tag, "Make a source; the answer shows its token once")
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body desk.SourceInput }) (*struct{ Body Source }, error) {
		v, token, err := a.desk.CreateSource(ctx, scopeOf(ctx), in.Body)
		return &struct{ Body Source }{Source{SourceView: v, Token: token}}, err
	})
	remove := a.operation("DELETE", "/api/v1/sources/{id}", "remove-source", tag, "Remove a source: its token is refused")
	remove.DefaultStatus = http.StatusNoContent
	handle(a, remove, func(ctx context.Context, in *ByID) (*none, error) {
		return nil, a.desk.RemoveSource(ctx, scopeOf(ctx), in.ID)
	})
}
