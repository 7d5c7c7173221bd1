package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// reportTime bounds the commit of a report, which goes on when the caller has
// gone: otherwise nobody would know whether it was stored.
const reportTime = 30 * time.Second

// Photos keeps photos. Accept refuses what is no sound JPEG, PNG or WebP of at
// most 10 MB; Open opens the JPEG that is shown of one.
type Photos interface {
	Accept(ctx context.Context, r io.Reader) (alerts.Photo, error)
	Open(id string, thumb bool) (io.ReadSeekCloser, error)
	Remove(id string) error
}

// Reported is the answer to a report.
type Reported struct {
	Incident desk.IncidentView `json:"incident" doc:"The incident as it is kept"`
	Receipt  desk.Receipt      `json:"receipt" doc:"Proof of what was reported and when"`
}

// IncidentsQuery narrows the list of incidents.
type IncidentsQuery struct {
	Page
	IncidentsFilter
	Mine bool `query:"mine" doc:"Only what this account reported"`
}

// IncidentsFilter is what narrows incidents, in a list and in an export.
type IncidentsFilter struct {
	Area     string    `query:"area" maxLength:"64" doc:"Area, with everything below it"`
	Grid     string    `query:"grid" maxLength:"64" doc:"Grid"`
	Category string    `query:"category" maxLength:"64" doc:"Code of a category"`
	Severity string    `query:"severity" enum:"critical,high,medium,low" doc:"Severity"`
	Text     string    `query:"q" maxLength:"100" doc:"Part of the text, the address or the number. A page looks for it in 10,000 incidents and may hold fewer items than limit, or none, with next_cursor set: go on from there"`
	Since    time.Time `query:"since" doc:"Received at or after"`
	Until    time.Time `query:"until" doc:"Received before"`
}

func (f IncidentsFilter) filter(p alerts.Page) alerts.IncidentFilter {
	return alerts.IncidentFilter{AreaID: f.Area, GridID: f.Grid, Category: f.Category, Severity: alerts.Severity(f.Severity),
		Text: f.Text, Since: f.Since, Until: f.Until, Page: p}
}

type incidentOut struct{ Body desk.IncidentView }

func (a *API) registerIncidents() {
	const tag, path = "Incidents", "/api/v1/incidents"
	handle(a, a.operation("GET", "/api/v1/categories", "categories", tag, "Categories that can be reported"),
		func(context.Context, *none) (*listOut[alerts.Category], error) {
			return listOf(a.desk.OpenCategories(), ""), nil
		})
	handle(a, a.operation("GET", path, "incidents", tag, "Incidents, newest first"), a.listIncidents)
	handle(a, a.operation("GET", path+"/{id}", "incident", tag, "One incident"),
		func(ctx context.Context, in *ByID) (*incidentOut, error) {
			v, err := a.desk.Incident(ctx, scopeOf(ctx), in.ID)
			return &incidentOut{v}, err
		})
	a.handlePlain(a.reportOperation(), a.report)

	photo := a.operation("GET", "/api/v1/photos/{id}", "photo", tag, "A photo of an incident: the copy that is shown")
	photo.Parameters = []*huma.Param{{Name: "size", In: "query", Description: "thumb: the small copy",
		Schema: &huma.Schema{Type: "string", Enum: []any{"thumb", "shown"}}}}
	photo.Responses = map[string]*huma.Response{"200": {Description: "JPEG", Content: map[string]*huma.MediaType{"image/jpeg": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	a.handlePlain(photo, func(w http.ResponseWriter, r *http.Request) error {
		return a.servePhoto(w, r, a.desk.PhotoOf)
	})
}

func (a *API) listIncidents(ctx context.Context, in *IncidentsQuery) (*listOut[desk.IncidentView], error) {
	f := in.filter(in.page())
	if in.Mine {
		f.ReporterID = principalOf(ctx).User.ID
	}
	items, next, err := a.desk.Incidents(ctx, scopeOf(ctx), f)
	return listOf(items, next), err
}

func (a *API) reportOperation() huma.Operation {
	op := a.operation("POST", "/api/v1/incidents", "report", "Incidents",
		"Report an incident, with up to 6 photos as multipart/form-data")
	registry := a.huma.OpenAPI().Components.Schemas
	input := registry.Schema(typeOf[desk.ReportInput](), true, "")
	form := *registry.SchemaFromRef(input.Ref)
	fields := map[string]*huma.Schema{photosField: {Type: "array", MaxItems: new(int),
		Items: &huma.Schema{Type: "string", Format: "binary"}, Description: "JPEG, PNG or WebP, 10 MB each"}}
	*fields[photosField].MaxItems = maxPhotos
	for name, s := range form.Properties {
		fields[name] = s
	}
	op.Parameters = []*huma.Param{keyParam()}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json":    {Schema: input},
		"multipart/form-data": {Schema: &huma.Schema{Type: "object", Properties: fields, Required: form.Required}},
	}}
	answer := map[string]*huma.MediaType{"application/json": {Schema: registry.Schema(typeOf[Reported](), true, "")}}
	op.Responses = map[string]*huma.Response{
		"201": {Description: "Stored", Content: answer},
		"200": {Description: "Had been stored before, under the same key", Content: answer},
	}
	return op
}

func keyParam() *huma.Param {
	return &huma.Param{Name: "Idempotency-Key", In: "header",
		Description: "1 to 128 visible ASCII characters: sent again with the same key, the first answer comes again",
		Schema:      &huma.Schema{Type: "string"}}
}

// report takes a report in. Photos are on disk before the incident is
// committed; where it is not, they are taken back.
func (a *API) report(w http.ResponseWriter, r *http.Request) error {
	ctx, p := r.Context(), principalOf(r.Context())
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	in, err := a.readReport(r)
	in.Key = key
	if err != nil {
		a.takeBack(ctx, in.Photos)
		return err
	}
	commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
	defer cancel()
	v, receipt, replayed, err := a.desk.Report(commit, p.Scope, in)
	if err != nil {
		if surelyNotStored(err) {
			a.takeBack(ctx, in.Photos)
		}
		return err
	}
	status := http.StatusCreated
	if replayed {
		status = http.StatusOK
		a.takeBack(ctx, in.Photos)
	}
	return writeJSON(w, status, Reported{Incident: v, Receipt: receipt})
}

// surelyNotStored tells whether an error was given before the commit. After
// others the photos stay, and photos.Sweep finds out.
func surelyNotStored(err error) bool {
	switch alerts.KindOf(err) {
	case alerts.Internal, alerts.Unavailable:
		return false
	}
	return !errors.Is(err, context.DeadlineExceeded)
}

func (a *API) takeBack(ctx context.Context, kept []alerts.Photo) {
	for _, p := range kept {
		if err := a.photos.Remove(p.ID); err != nil {
			a.log.WarnContext(ctx, "photo not taken back", "err", err)
		}
	}
}

// idempotencyKey reads the header of that name: none, or 1 to 128 visible ASCII
// characters.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	ok := len(values) == 1 && len(key) >= 1 && len(key) <= 128
	for _, c := range []byte(key) {
		ok = ok && c > ' ' && c < 0x7f
	}
	if !ok {
		return "", alerts.InvalidField("Idempotency-Key", "must be one value of 1 to 128 visible ASCII characters")
	}
	return key, nil
}

// servePhoto serves the copy of a picture that the caller may see; of says
// whether.
func (a *API) servePhoto(w http.ResponseWriter, r *http.Request,
	of func(context.Context, alerts.Scope, string) (alerts.Photo, error)) error {
	size := r.URL.Query().Get("size")
	switch size {
	case "", "shown", "thumb":
	default:
		return alerts.InvalidField("size", "must be thumb or left out")
	}
	p, err := of(r.Context(), scopeOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	pic, err := a.photos.Open(p.ID, size == "thumb")
	if err != nil {
		return err
	}
	defer pic.Close()
	h := w.Header()
	// Kept by the browser, but asked for each time: the next account in it may
	// not see this.
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Cookie")
	h.Set("ETag", `"`+p.ID+"-"+size+`"`)
	h.Set("Content-Type", "image/jpeg")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	http.ServeContent(w, r, "", time.Time{}, pic)
	return nil
}
