package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// importsAtOnce bounds imports; each holds its whole document in memory.
const importsAtOnce = 1

type importFunc func(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (desk.ImportResult, error)

func (a *API) registerImports() {
	table := map[string]string{"application/geo+json": "geojson", "application/json": "geojson", "text/csv": "csv"}
	for _, im := range []struct {
		path, id, tag, summary string
		formats                map[string]string
		fn                     importFunc
	}{
		{"/api/v1/areas/import", "import-areas", "Places", "Import areas from CSV or GeoJSON, all or none; an empty geometry cell keeps the shape", table, a.desk.ImportAreas},
		{"/api/v1/grids/import", "import-grids", "Places", "Import grids from CSV or GeoJSON, all or none; a grid with another shape or village gets a new version, from valid_from or from now on", table, a.desk.ImportGrids},
		{"/api/v1/cameras/import", "import-cameras", "Cameras", "Import cameras from CSV or GeoJSON, all or none", table, a.desk.ImportCameras},
		{"/api/v1/registers/import", "import-registers", "Registers", "Import register entries from CSV or GeoJSON, all or none", table, a.desk.ImportSites},
		{"/api/v1/posts/import", "import-posts", "Places", "Import rosters from CSV or GeoJSON, all or none", table, a.desk.ImportPosts},
	} {
		op := a.operation("POST", im.path, im.id, im.tag, im.summary)
		op.Parameters = []*huma.Param{{Name: "system", In: "query", Description: "Coordinate system of the document; wgs84 when absent",
			Schema: &huma.Schema{Type: "string", Enum: []any{"wgs84", "gcj02", "bd09"}}}}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for ct := range im.formats {
			op.RequestBody.Content[ct] = &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
		}
		op.Responses = map[string]*huma.Response{"200": {Description: "Stored", Content: map[string]*huma.MediaType{
			"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(typeOf[desk.ImportResult](), true, "")}}}}
		a.handlePlain(op, func(w http.ResponseWriter, r *http.Request) error {
			return a.importFrom(w, r, im.formats, im.fn)
		})
	}
}

func (a *API) importFrom(w http.ResponseWriter, r *http.Request, formats map[string]string, fn importFunc) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	format, ok := formats[mediaType]
	if err != nil || !ok {
		return alerts.Errorf(alerts.Unsupported, "send Content-Type %s", orList(formats))
	}
	system, err := coordSystem(r.URL.Query().Get("system"))
	if err != nil {
		return err
	}
	select {
	case a.imports <- struct{}{}:
		defer func() { <-a.imports }()
	default:
		return alerts.Errorf(alerts.TooMany, "another import is running, try again when it has ended")
	}
	result, err := fn(r.Context(), scopeOf(r.Context()), r.Body, format, system)
	if err != nil {
		return err
	}
	if result.Warnings == nil {
		result.Warnings = []alerts.Fault{}
	}
	return writeJSON(w, http.StatusOK, result)
}

func coordSystem(s string) (alerts.CoordSystem, error) {
	switch c := alerts.CoordSystem(s); c {
	case "":
		return alerts.WGS84, nil
	case alerts.WGS84, alerts.GCJ02, alerts.BD09:
		return c, nil
	}
	return "", alerts.InvalidField("system", "must be wgs84, gcj02 or bd09")
}

func orList(formats map[string]string) string {
	if _, ok := formats["text/csv"]; ok {
		return "text/csv or application/geo+json"
	}
	return "application/geo+json"
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the caller has gone; nothing to be done
	return nil
}
