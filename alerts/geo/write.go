package geo

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"sharpeyes/alerts"
)

// OutFeature is a feature to be written. Properties is anything that makes a
// JSON object; a shape without polygons becomes a null geometry.
type OutFeature struct {
	ID         string
	Properties any
	Shape      alerts.MultiPolygon
	Point      *alerts.Point  // where there is no shape
	Line       []alerts.Point // where there is neither
}

// FeatureCollection writes features as GeoJSON (RFC 7946): a Polygon where
// there is one, else a MultiPolygon. Positions have 7 decimals, a centimetre.
func FeatureCollection(features []OutFeature) ([]byte, error) {
	size := 64
	for _, f := range features {
		size += 256
		for _, polygon := range f.Shape {
			for _, ring := range polygon {
				size += 26 * len(ring)
			}
		}
	}
	b := make([]byte, 0, size)
	b = append(b, `{"type":"FeatureCollection","features":[`...)
	for i, f := range features {
		if i > 0 {
			b = append(b, ',')
		}
		id, err := json.Marshal(f.ID)
		if err != nil {
			return nil, fmt.Errorf("geo: feature id: %w", err)
		}
		properties, err := json.Marshal(f.Properties)
		if err != nil {
			return nil, fmt.Errorf("geo: properties of feature %q: %w", f.ID, err)
		}
		b = append(b, `{"type":"Feature","id":`...)
		b = append(b, id...)
		b = append(b, `,"properties":`...)
		b = append(b, properties...)
		b = append(b, `,"geometry":`...)
		b = appendGeometry(b, f)
		b = append(b, '}')
	}
	return append(b, "]}"...), nil
}

func appendGeometry(b []byte, f OutFeature) []byte {
	switch {
	case len(f.Shape) > 0 || f.Point == nil && len(f.Line) == 0:
		return appendShape(b, f.Shape)
	case f.Point != nil:
		b = append(b, `{"type":"Point","coordinates":`...)
		return append(appendPosition(b, *f.Point), '}')
	}
	b = append(b, `{"type":"LineString","coordinates":`...)
	return append(appendLine(b, f.Line), '}')
}

// Geometry writes the geometry of a shape as GeoJSON; "null" for none.
func Geometry(shape alerts.MultiPolygon) string { return string(appendShape(nil, shape)) }

func appendShape(b []byte, shape alerts.MultiPolygon) []byte {
	switch len(shape) {
	case 0:
		return append(b, "null"...)
	case 1:
		b = append(b, `{"type":"Polygon","coordinates":`...)
		b = appendPolygon(b, shape[0])
	default:
		b = append(b, `{"type":"MultiPolygon","coordinates":[`...)
		for i, polygon := range shape {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendPolygon(b, polygon)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendPolygon(b []byte, polygon []alerts.Ring) []byte {
	b = append(b, '[')
	for i, ring := range polygon {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendLine(b, ring)
	}
	return append(b, ']')
}

func appendLine(b []byte, line []alerts.Point) []byte {
	b = append(b, '[')
	for i, p := range line {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPosition(b, p)
	}
	return append(b, ']')
}

func appendPosition(b []byte, p alerts.Point) []byte {
	b = append(b, '[')
	b = appendDegrees(b, p.Lon)
	b = append(b, ',')
	b = appendDegrees(b, p.Lat)
	return append(b, ']')
}

func appendDegrees(b []byte, v float64) []byte {
	v = math.Round(v*1e7) / 1e7
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) { // also -0; JSON has no others
		return append(b, '0')
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}
