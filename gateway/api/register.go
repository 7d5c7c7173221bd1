package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"sharpeyes/alerts"

	"github.com/danielgtaylor/huma/v2"
)

// operation begins the description of a route; id, summary and tag are what the
// document shows. Who may call it is taken from the route table.
func (a *API) operation(method, path, id, tag, summary string) huma.Operation {
	op := huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{tag},
		// Bounds and pace of bodies are the gate's.
		MaxBodyBytes: -1, BodyReadTimeout: -1,
	}
	row, ok := a.mux.table[method+" "+path]
	if !ok {
		panic("api: no row in the route table for " + method + " " + path)
	}
	switch row.access {
	case public:
		op.Security = []map[string][]string{}
	case sourceToken:
		op.Security = []map[string][]string{{"source": {}}}
		op.Description = "Needs the token of a source."
	case sessionOnly:
		op.Security = []map[string][]string{{"session": {}}}
		op.Description = "Needs a session."
	case signedIn:
		op.Security = []map[string][]string{{"session": {}}, {"token": {}}}
		op.Description = "Needs a session, or a machine's token."
	case ownReports:
		op.Security = []map[string][]string{{"session": {}}, {"token": {}}}
		op.Description = "Needs a session or token with the right `read_incidents`; with `report` alone the own reports are there."
	default:
		op.Security = []map[string][]string{{"session": {}}}
		op.Description = "Needs a session with the right `" + string(row.access) + "`."
		if slices.Contains(alerts.MachineRights[:], alerts.Right(row.access)) {
			op.Security = append(op.Security, map[string][]string{"token": {}})
			op.Description = "Needs a session or token with the right `" + string(row.access) + "`."
		}
	}
	op.Extensions = map[string]any{"x-access": string(row.access)}
	return op
}

// handle registers a JSON operation; errors become problems.
func handle[I, O any](a *API, op huma.Operation, fn func(context.Context, *I) (*O, error)) {
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err != nil {
			return nil, problemOf(ctx, a.log, err)
		}
		return out, nil
	})
}

// handlePlain registers a handler of its own, and its description.
func (a *API) handlePlain(op huma.Operation, fn func(http.ResponseWriter, *http.Request) error) {
	a.describe(&op)
	a.mux.plain(op.Method+" "+op.Path, fn)
}

// describe adds an operation with problems as its default answer, as huma does
// for those it registers.
func (a *API) describe(op *huma.Operation) {
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	op.Responses["default"] = a.errorResponse()
	for part := range strings.SplitSeq(op.Path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			op.Parameters = append(op.Parameters, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path",
				Required: true, Description: "Identifier", Schema: &huma.Schema{Type: "string"}})
		}
	}
	a.huma.OpenAPI().AddOperation(op)
}

func (a *API) errorResponse() *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(typeOf[Problem](), true, "")
	return &huma.Response{Description: "Error", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
}

// Page is the query of every list.
type Page struct {
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Most items to return"`
	Cursor string `query:"cursor" maxLength:"512" doc:"next_cursor of the page before"`
}

func (p Page) page() alerts.Page { return alerts.Page{Limit: p.Limit, Cursor: p.Cursor} }

// List is the answer of every list.
type List[T any] struct {
	Items      []T    `json:"items" nullable:"false" doc:"The items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Where the next page begins; absent at the end"`
}

type listOut[T any] struct{ Body List[T] }

func listOf[T any](items []T, next string) *listOut[T] {
	if items == nil {
		items = []T{}
	}
	return &listOut[T]{Body: List[T]{Items: items, NextCursor: next}}
}

type none struct{}

// ByID is the path of one object.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"Identifier"`
}
