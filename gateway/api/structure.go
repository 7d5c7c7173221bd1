package api

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/sheets"

	"github.com/danielgtaylor/huma/v2"
)

// geoJSON is a format of exports beside those of sheets.
const (
	geoJSON     = "geojson"
	geoJSONType = "application/geo+json"
)

// AtQuery asks for places as they were.
type AtQuery struct {
	At string `query:"at" maxLength:"40" doc:"As they were at this moment, or at the end of this day; now when absent" example:"2026-11-24"`
}

// moment reads a moment or a day; the zero time where there is none.
func (a *API) moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, a.desk.Zone); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Millisecond), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 1900 || at.Year() > 2200 {
		return time.Time{}, alerts.InvalidField("at", "must be a day such as 2026-11-24 or a moment such as 2026-11-24T00:00:00Z")
	}
	return at, nil
}

// ReportQuery narrows the report.
type ReportQuery struct {
	Area string `query:"area" maxLength:"64" doc:"Area, with everything below it; all of the account's when absent"`
}

// StructureExport says what is exported, and how.
type StructureExport struct {
	Kind   desk.StructureKind `query:"kind" required:"true" enum:"areas,grids,cameras,registers,rosters" doc:"What"`
	Format string             `query:"format" enum:"csv,xlsx,geojson" default:"csv" doc:"CSV, an Excel workbook, or GeoJSON"`
	At     string             `query:"at" maxLength:"40" doc:"Areas or grids as they were at this moment, or at the end of this day; now when absent"`
}

type structureOut struct{ Body desk.StructureReport }

func (a *API) registerStructure() {
	const tag = "Structure"
	handle(a, a.operation("GET", "/api/v1/structure/report", "structure-report", tag,
		"What is wrong or out of balance: overlaps, gaps, households, cameras outside their area, workload"),
		func(ctx context.Context, in *ReportQuery) (*structureOut, error) {
			v, err := a.desk.StructureReport(ctx, scopeOf(ctx), in.Area)
			return &structureOut{v}, err
		})
	op := a.operation("GET", "/api/v1/structure/export", "structure-export", tag,
		"Areas, grids, cameras, registers or rosters as a file that the import takes")
	op.Description += " Texts that a spreadsheet would calculate begin with an apostrophe, which the import takes off; " +
		"a geometry too long for a cell is left empty, which keeps the shape on import. No credentials. Each export is in the audit."
	content := map[string]*huma.MediaType{geoJSONType: {Schema: &huma.Schema{Type: "object", AdditionalProperties: true}}}
	for _, f := range []sheets.Format{sheets.CSV, sheets.XLSX} {
		content[f.ContentType()] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: content}, "default": a.errorResponse()}
	handle(a, op, a.exportStructure)
	handle(a, a.operation("GET", "/api/v1/areas/{id}/versions", "area-versions", "Places", "What an area was and will be, oldest first"),
		func(ctx context.Context, in *ByID) (*listOut[desk.AreaVersionView], error) {
			items, err := a.desk.AreaVersions(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	handle(a, a.operation("GET", "/api/v1/grids/{id}/versions", "grid-versions", "Places", "What a grid was, oldest first"),
		func(ctx context.Context, in *ByID) (*listOut[desk.GridVersionView], error) {
			items, err := a.desk.GridVersions(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
}

func (a *API) exportStructure(ctx context.Context, in *StructureExport) (*huma.StreamResponse, error) {
	at, err := a.moment(in.At)
	if err != nil {
		return nil, err
	}
	end, err := a.exports.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	e, err := a.desk.ExportStructure(ctx, scopeOf(ctx), in.Kind, in.Format, at)
	if err != nil {
		return nil, err
	}
	if len(e.Rows) > a.exports.rows {
		return nil, alerts.Errorf(alerts.TooLarge, "there are more than %d rows: export them area by area, from an account of each", a.exports.rows)
	}
	name := fmt.Sprintf("%s-%s.%s", in.Kind, a.now().In(a.desk.Zone).Format("20060102-150405"), in.Format)
	if in.Format == geoJSON {
		b, err := e.GeoJSON()
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", geoJSONType)
			c.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
			_, _ = c.BodyWriter().Write(b) // the caller has gone; nothing to be done
		}}, nil
	}
	f, err := os.CreateTemp("", "export-")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	_ = os.Remove(f.Name()) // it lives as long as it is open
	if err := writeSheet(f, sheets.Format(in.Format), e, a.desk.Zone); err != nil {
		_ = f.Close()
		return nil, err
	}
	return handOut(f, sheets.Format(in.Format), name)
}

func writeSheet(f *os.File, format sheets.Format, e desk.Export, zone *time.Location) (err error) {
	header, rows := e.Sheet()
	buffer := bufio.NewWriterSize(f, 64<<10)
	w, err := sheets.New(buffer, format, sheets.Table{Title: string(e.Kind), Header: header, Zone: zone})
	if err != nil {
		return err
	}
	for cells := range rows {
		if err = w.Row(cells...); err != nil {
			break
		}
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = buffer.Flush()
	}
	return err
}
