package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type areaRow struct {
	bun.BaseModel `bun:"table:areas,alias:r"`

	ID        string `bun:"id,pk"`
	ParentID  string `bun:"parent_id,nullzero"`
	Path      string `bun:"path"`
	Name      string `bun:"name"`
	NameEn    string `bun:"name_en"`
	Level     string `bun:"level"`
	Code      string `bun:"code"`
	Scheme    string `bun:"scheme"`
	ValidFrom int64  `bun:"valid_from"`
	ValidTo   int64  `bun:"valid_to"`
	Shape     string `bun:"shape"`
}

var areaColumns = []string{"parent_id", "path", "name", "name_en", "level", "code", "scheme", "valid_from", "valid_to", "shape"}

func areaToRow(a alerts.Area) (areaRow, error) {
	shape, err := shapeToText(a.Shape)
	return areaRow{ID: a.ID, ParentID: a.ParentID, Path: a.Path, Name: a.Name, NameEn: a.NameEn, Level: string(a.Level),
		Code: a.Code, Scheme: a.Scheme, ValidFrom: micros(a.ValidFrom), ValidTo: micros(a.ValidTo), Shape: shape}, err
}

func (r areaRow) value() (alerts.Area, error) {
	shape, err := shapeFromText(r.Shape)
	return alerts.Area{ID: r.ID, ParentID: r.ParentID, Path: r.Path, Name: r.Name, NameEn: r.NameEn, Level: alerts.Level(r.Level),
		Code: r.Code, Scheme: r.Scheme, ValidFrom: fromMicros(r.ValidFrom), ValidTo: fromMicros(r.ValidTo), Shape: shape}, err
}

type gridRow struct {
	bun.BaseModel `bun:"table:grids,alias:r"`

	ID         string `bun:"id,pk"`
	AreaID     string `bun:"area_id"`
	AreaPath   string `bun:"area_path,scanonly"`
	Name       string `bun:"name"`
	Code       string `bun:"code"`
	Scheme     string `bun:"scheme"`
	Kind       string `bun:"kind"`
	Households int    `bun:"households"`
	ValidFrom  int64  `bun:"valid_from"`
	ValidTo    int64  `bun:"valid_to"`
	Shape      string `bun:"shape"`
}

var gridColumns = []string{"area_id", "name", "code", "scheme", "kind", "households", "valid_from", "valid_to", "shape"}

func gridToRow(g alerts.Grid) (gridRow, error) {
	shape, err := shapeToText(g.Shape)
	return gridRow{ID: g.ID, AreaID: g.AreaID, Name: g.Name, Code: g.Code, Scheme: g.Scheme, Kind: string(g.Kind),
		Households: g.Households, ValidFrom: micros(g.ValidFrom), ValidTo: micros(g.ValidTo), Shape: shape}, err
}

func (r gridRow) value() (alerts.Grid, error) {
	shape, err := shapeFromText(r.Shape)
	return alerts.Grid{ID: r.ID, AreaID: r.AreaID, AreaPath: r.AreaPath, Name: r.Name, Code: r.Code, Scheme: r.Scheme,
		Kind: alerts.GridKind(r.Kind), Households: r.Households, ValidFrom: fromMicros(r.ValidFrom),
		ValidTo: fromMicros(r.ValidTo), Shape: shape}, err
}

type cameraRow struct {
	bun.BaseModel `bun:"table:cameras,alias:r"`

	ID        string            `bun:"id,pk"`
	AreaID    string            `bun:"area_id"`
	AreaPath  string            `bun:"area_path,scanonly"`
	GridID    string            `bun:"grid_id,nullzero"`
	Name      string            `bun:"name"`
	Lon       float64           `bun:"lon"`
	Lat       float64           `bun:"lat"`
	GivenLon  float64           `bun:"given_lon"`
	GivenLat  float64           `bun:"given_lat"`
	Coords    string            `bun:"coords"`
	Height    float64           `bun:"height"`
	Azimuth   float64           `bun:"azimuth"`
	FOV       float64           `bun:"fov"`
	Reach     float64           `bun:"reach"`
	Class     int               `bun:"class"`
	Owner     string            `bun:"owner"`
	Purpose   string            `bun:"purpose"`
	Filing    string            `bun:"filing"`
	Retention int               `bun:"retention"`
	MainURL   string            `bun:"main_url"`
	SubURL    string            `bun:"sub_url"`
	Transport string            `bun:"transport"`
	Mode      string            `bun:"mode"`
	Record    alerts.RecordPlan `bun:"record,type:json"`
	Sealed    []byte            `bun:"sealed"`
	Enabled   bool              `bun:"enabled"`
	Version   int64             `bun:"version"`
	UpdatedAt int64             `bun:"updated_at"`
}

func cameraToRow(c alerts.Camera, now time.Time) cameraRow {
	if !c.UpdatedAt.IsZero() {
		now = c.UpdatedAt
	}
	return cameraRow{ID: c.ID, AreaID: c.AreaID, GridID: c.GridID, Name: c.Name, Lon: c.Point.Lon, Lat: c.Point.Lat,
		GivenLon: c.Given.Lon, GivenLat: c.Given.Lat, Coords: string(c.System), Height: c.Height, Azimuth: c.Azimuth,
		FOV: c.FOV, Reach: c.Range, Class: int(c.Class), Owner: c.Owner, Purpose: c.Purpose, Filing: c.Filing,
		Retention: c.Retention, MainURL: c.MainURL, SubURL: c.SubURL, Transport: c.Transport, Mode: string(c.Mode), Record: c.Record,
		Sealed: c.Sealed, Enabled: c.Enabled, Version: c.Version + 1, UpdatedAt: micros(now)}
}

func (r cameraRow) value() alerts.Camera {
	return alerts.Camera{ID: r.ID, AreaID: r.AreaID, AreaPath: r.AreaPath, GridID: r.GridID, Name: r.Name,
		Point: alerts.Point{Lon: r.Lon, Lat: r.Lat}, Given: alerts.Point{Lon: r.GivenLon, Lat: r.GivenLat},
		System: alerts.CoordSystem(r.Coords), Height: r.Height, Azimuth: r.Azimuth, FOV: r.FOV, Range: r.Reach,
		Class: alerts.CameraClass(r.Class), Owner: r.Owner, Purpose: r.Purpose, Filing: r.Filing, Retention: r.Retention,
		MainURL: r.MainURL, SubURL: r.SubURL, Transport: r.Transport, Mode: alerts.PullMode(r.Mode), Record: r.Record,
		Sealed: r.Sealed, Enabled: r.Enabled, Version: r.Version, UpdatedAt: fromMicros(r.UpdatedAt)}
}

// shapeToText writes the coordinates of a GeoJSON MultiPolygon.
func shapeToText(m alerts.MultiPolygon) (string, error) {
	out := make([][][][2]float64, len(m))
	for i, polygon := range m {
		out[i] = make([][][2]float64, len(polygon))
		for j, ring := range polygon {
			out[i][j] = make([][2]float64, len(ring))
			for k, p := range ring {
				out[i][j][k] = [2]float64{p.Lon, p.Lat}
			}
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return "", alerts.InvalidField("shape", "every number must be finite")
	}
	return string(b), nil
}

func shapeFromText(s string) (alerts.MultiPolygon, error) {
	var in [][][][2]float64
	if err := json.Unmarshal([]byte(s), &in); err != nil {
		return nil, fmt.Errorf("store: a stored shape is damaged: %w", err)
	}
	if len(in) == 0 {
		return nil, nil
	}
	out := make(alerts.MultiPolygon, len(in))
	for i, polygon := range in {
		out[i] = make([]alerts.Ring, len(polygon))
		for j, ring := range polygon {
			out[i][j] = make(alerts.Ring, len(ring))
			for k, p := range ring {
				out[i][j][k] = alerts.Point{Lon: p[0], Lat: p[1]}
			}
		}
	}
	return out, nil
}
