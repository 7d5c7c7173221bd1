package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// StructureKind names a part of the structure that can leave as a file.
type StructureKind string

// The parts.
const (
	ExportAreas     StructureKind = "areas"
	ExportGrids     StructureKind = "grids"
	ExportCameras   StructureKind = "cameras"
	ExportRegisters StructureKind = "registers"
	ExportRosters   StructureKind = "rosters"
)

// maxGeometryCell is the longest text that a spreadsheet keeps whole. A longer
// geometry stays out of the sheet; read in again, an empty cell keeps the shape.
const maxGeometryCell = 32_000

// Export is a part of the structure with the columns that its import takes.
type Export struct {
	Kind    StructureKind
	Columns []string
	Rows    []ExportRow
}

// ExportRow is one object: its cells (string, int, float64 or nil) and where it
// is.
type ExportRow struct {
	ID    string
	Cells []any
	Shape alerts.MultiPolygon
	Point *alerts.Point
	Line  []alerts.Point
}

// geometry is what a sheet's geometry cell holds.
func (r ExportRow) geometry() any {
	switch {
	case len(r.Shape) > 0:
		if text := geo.Geometry(r.Shape); len(text) <= maxGeometryCell {
			return text
		}
	case len(r.Line) > 0:
		b, err := geo.FeatureCollection([]geo.OutFeature{{Line: r.Line}})
		if err == nil {
			_, text, _ := bytes.Cut(b, []byte(`"geometry":`))
			return string(bytes.TrimSuffix(text, []byte("}]}")))
		}
	}
	return nil
}

// Sheet returns the header and the rows of a table.
func (e Export) Sheet() (header []string, rows func(yield func([]any) bool)) {
	header = e.Columns
	shapes := e.Kind == ExportAreas || e.Kind == ExportGrids || e.Kind == ExportRegisters
	points := e.Kind == ExportCameras || e.Kind == ExportRegisters
	if points {
		header = append(slices.Clone(header), "lon", "lat")
	}
	if shapes {
		header = append(slices.Clone(header), geometryColumn)
	}
	return header, func(yield func([]any) bool) {
		for _, r := range e.Rows {
			cells := slices.Clone(r.Cells)
			if points {
				if r.Point != nil && len(r.Line) == 0 {
					cells = append(cells, r.Point.Lon, r.Point.Lat)
				} else {
					cells = append(cells, nil, nil)
				}
			}
			if shapes {
				cells = append(cells, r.geometry())
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// GeoJSON returns the rows as a FeatureCollection.
func (e Export) GeoJSON() ([]byte, error) {
	features := make([]geo.OutFeature, len(e.Rows))
	for i, r := range e.Rows {
		features[i] = geo.OutFeature{ID: r.ID, Properties: exportProperties{e.Columns, r.Cells}, Shape: r.Shape, Line: r.Line}
		if len(r.Line) == 0 {
			features[i].Point = r.Point
		}
	}
	return geo.FeatureCollection(features)
}

// exportProperties writes cells in the order of their columns, empty ones left
// out.
type exportProperties struct {
	columns []string
	cells   []any
}

// MarshalJSON writes an object.
func (p exportProperties) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, name := range p.columns {
		if p.cells[i] == nil || p.cells[i] == "" {
			continue
		}
		v, err := json.Marshal(p.cells[i])
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, name), ':')
		b = append(b, v...)
	}
	return append(b, '}'), nil
}

// day writes a moment as imports read it: as a day where it is one.
func day(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case t.Truncate(24 * time.Hour).Equal(t):
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// ExportStructure returns a part of the structure of the caller's areas; grids
// as they were at a moment, now where it is zero. That it left is in the audit.
func (d *Desk) ExportStructure(ctx context.Context, s alerts.Scope, kind StructureKind, format string, at time.Time) (Export, error) {
	if err := s.Need(alerts.ReadStructure); err != nil {
		return Export{}, err
	}
	e := Export{Kind: kind}
	var err error
	switch kind {
	case ExportAreas:
		err = d.exportAreas(ctx, s, at, &e)
	case ExportGrids:
		if at.IsZero() {
			at = d.now()
		}
		err = d.exportGrids(ctx, s, at, &e)
	case ExportCameras:
		err = d.exportCameras(ctx, s, &e)
	case ExportRegisters:
		err = d.exportSites(ctx, s, &e)
	case ExportRosters:
		err = d.exportRosters(ctx, s, &e)
	default:
		return e, alerts.InvalidField("kind", "must be areas, grids, cameras, registers or rosters")
	}
	if err != nil {
		return e, err
	}
	area := ""
	if h, err := d.Home(ctx, s, lastArea(s.Paths)); err == nil {
		area = h.Area.ID
	}
	return e, d.Audit(ctx, s, alerts.AuditExport, "structure/"+string(kind), area,
		map[string]string{"format": format, "rows": strconv.Itoa(len(e.Rows))})
}

// lastArea is the area that the first path ends in; empty for everything.
func lastArea(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	p := strings.Trim(paths[0], "/")
	return p[strings.LastIndexByte(p, '/')+1:]
}

func (d *Desk) exportAreas(ctx context.Context, s alerts.Scope, at time.Time, e *Export) error {
	e.Columns = areaProperties()
	areas := slices.Clone(d.known.places().areas)
	if !at.IsZero() {
		var err error
		if areas, err = d.store.AreasAt(ctx, s, at); err != nil {
			return err
		}
	}
	// Parents before what lies below them, so that the file can be read in.
	slices.SortFunc(areas, func(a, b alerts.Area) int { return strings.Compare(a.Path, b.Path) })
	for _, a := range areas {
		if s.Covers(a.Path) {
			e.Rows = append(e.Rows, ExportRow{ID: a.ID, Shape: a.Shape, Cells: pick(e.Columns, map[string]any{
				"id": a.ID, "parent_id": a.ParentID, "name": a.Name, "name_en": a.NameEn, "level": string(a.Level), "code": a.Code,
				"scheme": a.Scheme, "valid_from": day(a.ValidFrom), "valid_to": day(a.ValidTo)})})
		}
	}
	return nil
}

// pick puts values in the order of columns.
func pick(columns []string, values map[string]any) []any {
	out := make([]any, len(columns))
	for i, name := range columns {
		out[i] = values[name]
	}
	return out
}

func (d *Desk) exportGrids(ctx context.Context, s alerts.Scope, at time.Time, e *Export) error {
	e.Columns = gridProperties()
	grids, err := d.store.GridsAt(ctx, s, at)
	if err != nil {
		return err
	}
	for _, g := range grids {
		e.Rows = append(e.Rows, ExportRow{ID: g.ID, Shape: g.Shape, Cells: pick(e.Columns, map[string]any{
			"id": g.ID, "area_id": g.AreaID, "name": g.Name, "code": g.Code, "scheme": g.Scheme, "kind": string(g.Kind),
			"households": g.Households, "valid_from": day(g.ValidFrom), "valid_to": day(g.ValidTo)})})
	}
	return nil
}

// exportCameras leaves credentials out, and addresses for those who may not
// manage cameras.
func (d *Desk) exportCameras(ctx context.Context, s alerts.Scope, e *Export) error {
	for _, name := range columnNames() {
		manages := s.Can(alerts.ManageCameras)
		switch name {
		case "username", "password", "lon", "lat":
		case "main_url", "sub_url", "transport":
			if manages {
				e.Columns = append(e.Columns, name)
			}
		default:
			e.Columns = append(e.Columns, name)
		}
	}
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := d.store.Cameras(ctx, s, alerts.CameraFilter{Page: page})
		if err != nil {
			return err
		}
		for _, c := range list {
			p := c.Record
			defaultPlan(&p)
			e.Rows = append(e.Rows, ExportRow{ID: c.ID, Point: &c.Point, Cells: pick(e.Columns, map[string]any{
				"id": c.ID, "name": c.Name, "area_id": c.AreaID, "height_m": c.Height, "azimuth_deg": c.Azimuth, "fov_deg": c.FOV,
				"range_m": c.Range, "class": int(c.Class), "owner": c.Owner, "purpose": c.Purpose, "filing": c.Filing,
				"retention_days": c.Retention, "mode": string(c.Mode), "main_url": c.MainURL, "sub_url": c.SubURL, "transport": c.Transport,
				"record_mode": string(p.Mode), "record_profiles": strings.Join(p.Profiles, "+"), "record_schedule": scheduleText(p.Schedule),
				"record_before_s": p.Before, "record_after_s": p.After, "record_bytes": strconv.FormatInt(p.Bytes, 10)})})
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

func (d *Desk) exportSites(ctx context.Context, s alerts.Scope, e *Export) error {
	e.Columns = siteProperties()
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := d.store.Sites(ctx, s, alerts.SiteFilter{Ended: true, Page: page})
		if err != nil {
			return err
		}
		for _, v := range list {
			e.Rows = append(e.Rows, ExportRow{ID: v.ID, Point: &v.Point, Line: v.Stretch, Cells: pick(e.Columns, map[string]any{
				"id": v.ID, "register": string(v.Register), "kind": v.Kind, "name": v.Name, "contact": v.Contact, "address": v.Address,
				"area_id": v.AreaID, "remark": v.Remark, "checked_at": day(v.CheckedAt), "ended_at": day(v.EndedAt)})})
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

func (d *Desk) exportRosters(ctx context.Context, s alerts.Scope, e *Export) error {
	e.Columns = postProperties()
	names := make(map[string]string) // user names by id
	for _, g := range d.known.places().grids {
		if !s.Covers(g.AreaPath) {
			continue
		}
		posts, err := d.store.Posts(ctx, g.ID, "")
		if err != nil {
			return fmt.Errorf("desk: export rosters: %w", err)
		}
		var middle *alerts.Point
		if len(g.Shape) > 0 {
			p := geo.LabelPoint(g.Shape)
			middle = &p
		}
		for _, p := range posts {
			if _, known := names[p.UserID]; !known && p.UserID != "" {
				u, err := d.store.User(ctx, alerts.System(), p.UserID)
				if err != nil {
					return err
				}
				names[p.UserID] = u.Username
			}
			e.Rows = append(e.Rows, ExportRow{ID: p.ID, Point: middle, Cells: pick(e.Columns, map[string]any{
				"grid_id": p.GridID, "kind": string(p.Kind), "username": names[p.UserID], "name": p.Name, "employment": string(p.Employment),
				"tasks": strings.Join(p.Tasks, " "), "from": day(p.From), "to": day(p.To), "hand_note": p.HandNote})})
		}
	}
	return nil
}
