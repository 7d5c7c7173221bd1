package api

import (
	"context"
	"net/http"
	"reflect"

	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// NoteRequest annotates an incident.
type NoteRequest struct {
	ByID
	Keyed
	Body desk.NoteInput
}

type noteOut struct {
	Status int
	Body   desk.NoteView
}

// DisclosureRequest asks who reported an incident.
type DisclosureRequest struct {
	ByID
	Body desk.DisclosureInput
}

// registerNotes puts up what can be added to an incident, which itself is never
// changed.
func (a *API) registerNotes() {
	const tag, path = "Incidents", "/api/v1/incidents/{id}"
	handle(a, a.operation("GET", path+"/duplicates", "duplicates", tag, "Open cases that an incident may belong to, likeliest first: near, recent, of its category"),
		func(ctx context.Context, in *ByID) (*listOut[desk.DuplicateView], error) {
			items, err := a.desk.Duplicates(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	handle(a, a.operation("GET", path+"/notes", "notes", tag, "Annotations of an incident, which itself is never changed"),
		func(ctx context.Context, in *ByID) (*listOut[desk.NoteView], error) {
			items, err := a.desk.Notes(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	note := a.operation("POST", path+"/notes", "add-note", tag, "Annotate an incident")
	note.DefaultStatus = http.StatusCreated
	note.Responses = a.madeBefore(typeOf[desk.NoteView]())
	handle(a, note, func(ctx context.Context, in *NoteRequest) (*noteOut, error) {
		in.Body.Key = in.Key
		v, replayed, err := a.desk.AddNote(ctx, scopeOf(ctx), in.ID, in.Body)
		return &noteOut{Status: created(replayed), Body: v}, err
	})
	disclose := a.operation("POST", path+"/disclosure", "disclose", tag, "See who reported an incident; with the reason it goes into the audit and the incident's notes")
	handle(a, disclose, func(ctx context.Context, in *DisclosureRequest) (*struct{ Body desk.DisclosureView }, error) {
		v, err := a.desk.Disclose(ctx, scopeOf(ctx), in.ID, in.Body.Reason)
		return &struct{ Body desk.DisclosureView }{v}, err
	})
}

// madeBefore describes the answer to a request that was sent again under its
// key.
func (a *API) madeBefore(t reflect.Type) map[string]*huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(t, true, "")
	return map[string]*huma.Response{"default": a.errorResponse(), "200": {Description: "Had been made before, under the same key",
		Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}}
}
