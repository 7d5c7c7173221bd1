package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"sharpeyes/alerts"
)

// Limits bound what ReadFeatures takes in. Its memory stays below the document
// plus 48 bytes for each point of one feature.
type Limits struct {
	Bytes    int64 // of the document
	Features int
	Points   int // of all features
	Members  int // of one object
	Depth    int // of arrays and objects in each other

	Bare bool // features without a geometry are taken, too
}

// DefaultLimits are the limits of imports.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, Features: 100_000, Points: 5_000_000, Members: 256, Depth: 32}
}

// Feature is one feature of a GeoJSON document. Only what was read without a
// fault is passed on.
type Feature struct {
	Row        int // from 1
	ID         string
	Properties map[string]json.RawMessage // each one valid JSON
	Shape      alerts.MultiPolygon        // of a Polygon or MultiPolygon
	Multi      bool                       // it was a MultiPolygon
	Point      *alerts.Point              // of a Point
	Line       []alerts.Point             // of a LineString
}

// ReadFeatures reads a FeatureCollection (RFC 7946) and calls fn for each sound
// feature, in order, report for each fault of a feature. The error is for a
// document that cannot be read at all: Invalid or TooLarge, or what r or fn
// returned. Positions are passed on in the system they were given in. Members
// that are not used are ignored; a member that is given twice is a fault.
func ReadFeatures(r io.Reader, limits Limits, report func(alerts.Fault), fn func(Feature) error) error {
	data, err := ReadBounded(r, limits.Bytes)
	if err != nil {
		return err
	}
	f := &featureReader{data: data, limits: limits, report: report, fn: fn, points: limits.Points}
	f.dec = json.NewDecoder(bytes.NewReader(data))
	if err := f.collection(); err != nil {
		return err
	}
	return nil
}

// ReadBounded reads a UTF-8 text of at most limit bytes and takes a byte order
// mark off.
func ReadBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, alerts.Errorf(alerts.TooLarge, "the file is larger than %d MiB; split it", limit>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, alerts.Errorf(alerts.Invalid, "the file is UTF-16; save it as UTF-8")
	}
	if !utf8.Valid(data) {
		line := 1
		for rest := data; len(rest) > 0; {
			c, n := utf8.DecodeRune(rest)
			if c == utf8.RuneError && n == 1 {
				break
			}
			if c == '\n' {
				line++
			}
			rest = rest[n:]
		}
		return nil, alerts.Errorf(alerts.Invalid, "line %d is not UTF-8; the file seems to be GBK or GB 18030 (the default of Excel in Chinese): save it as \"CSV UTF-8\" or UTF-8", line)
	}
	return data, nil
}

// Path returns where a problem that Check found stands in the document.
func (f Feature) Path(p Problem) string {
	if f.Multi {
		return coordinates + p.Path
	}
	return coordinates + strings.TrimPrefix(p.Path, "[0]")
}

const coordinates = "geometry.coordinates"

type featureReader struct {
	data   []byte
	dec    *json.Decoder
	limits Limits
	report func(alerts.Fault)
	fn     func(Feature) error
	points int // left
	row    int
}

func (f *featureReader) malformed(err error) error {
	at := f.dec.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = syntax.Offset
	}
	at = min(max(at, 0), int64(len(f.data)))
	line := 1 + bytes.Count(f.data[:at], []byte{'\n'})
	what := "is cut off"
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		what = "is not valid JSON: " + err.Error()
	}
	return alerts.Errorf(alerts.Invalid, "the file %s, at line %d", what, line)
}

func (f *featureReader) collection() error {
	open, err := f.dec.Token()
	if err != nil {
		return f.malformed(err)
	}
	if open != json.Delim('{') {
		return alerts.Errorf(alerts.Invalid, "the file is not a GeoJSON FeatureCollection: it must be an object with \"type\" and \"features\"")
	}
	seen := make(map[string]bool, 8)
	for f.dec.More() {
		token, err := f.dec.Token()
		if err != nil {
			return f.malformed(err)
		}
		name := token.(string) // a member's name is a string, the decoder sees to it
		if seen[name] || len(seen) >= f.limits.Members {
			return alerts.InvalidField(cut(name), "is given twice, or there are more than %d members", f.limits.Members)
		}
		seen[name] = true
		if name == "features" {
			if err := f.features(); err != nil {
				return err
			}
			continue
		}
		var value json.RawMessage
		if err := f.dec.Decode(&value); err != nil {
			return f.malformed(err)
		}
		if err := checkHead(name, value); err != nil {
			return err
		}
	}
	if _, err := f.dec.Token(); err != nil {
		return f.malformed(err)
	}
	if _, err := f.dec.Token(); !errors.Is(err, io.EOF) {
		return alerts.Errorf(alerts.Invalid, "something follows the end of the FeatureCollection")
	}
	for _, name := range [...]string{"type", "features"} {
		if !seen[name] {
			return alerts.InvalidField(name, "is missing; a GeoJSON FeatureCollection is wanted")
		}
	}
	return nil
}

// checkHead judges the members of the collection itself.
func checkHead(name string, value json.RawMessage) error {
	switch name {
	case "type":
		if s, ok := asString(value); !ok || s != "FeatureCollection" {
			return alerts.InvalidField("type", "is %s, it must be \"FeatureCollection\"", shorten(string(value)))
		}
	case "crs": // of the GeoJSON of 2008, still written by GIS tools
		known := string(value) == "null"
		for _, s := range [...]string{"CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490"} {
			known = known || strings.Contains(string(value), s)
		}
		if !known {
			return alerts.InvalidField("crs", "is %s; positions must be degrees of WGS-84 or CGCS2000 (EPSG 4326, 4490), or of GCJ-02 or BD-09 with the system named in the import", shorten(string(value)))
		}
	}
	return nil
}

func (f *featureReader) features() error {
	open, err := f.dec.Token()
	if err != nil {
		return f.malformed(err)
	}
	if open != json.Delim('[') {
		return alerts.InvalidField("features", "must be an array")
	}
	for f.dec.More() {
		if f.row++; f.row > f.limits.Features {
			return alerts.Errorf(alerts.TooLarge, "the file has more than %d features; split it", f.limits.Features)
		}
		var raw json.RawMessage
		if err := f.dec.Decode(&raw); err != nil {
			return f.malformed(err)
		}
		if err := f.feature(raw); err != nil {
			return err
		}
	}
	if _, err := f.dec.Token(); err != nil {
		return f.malformed(err)
	}
	return nil
}

func (f *featureReader) feature(raw json.RawMessage) error {
	sound := true
	fault := func(field, format string, args ...any) {
		sound = false
		f.report(alerts.Fault{Row: f.row, Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if depth(raw) > f.limits.Depth {
		fault("", "is nested more than %d deep", f.limits.Depth)
		return nil
	}
	top := members(raw, f.limits.Members, "", fault)
	if !sound {
		return nil
	}
	out := Feature{Row: f.row}
	if s, ok := asString(top["type"]); !ok || s != "Feature" {
		fault("type", "is %s, it must be \"Feature\"", orMissing(top["type"]))
	}
	if id, ok := top["id"]; ok && string(id) != "null" {
		if out.ID, ok = asID(id); !ok {
			fault("id", "is %s, it must be a string or a number", shorten(string(id)))
		}
	}
	if p, ok := top["properties"]; ok && string(p) != "null" {
		out.Properties = members(p, f.limits.Members, "properties", fault)
	}
	f.geometry(&out, top["geometry"], fault)
	if f.points < 0 {
		return alerts.Errorf(alerts.TooLarge, "the file has more than %d points; split it", f.limits.Points)
	}
	if !sound {
		return nil
	}
	return f.fn(out)
}

func (f *featureReader) geometry(out *Feature, raw json.RawMessage, fault func(string, string, ...any)) {
	if (raw == nil || string(raw) == "null") && f.limits.Bare {
		return
	}
	if raw == nil || string(raw) == "null" {
		fault("geometry", "is missing; a Polygon, MultiPolygon or Point is wanted")
		return
	}
	named := false
	g := members(raw, f.limits.Members, "geometry", func(field, format string, args ...any) {
		named = true
		fault(field, format, args...)
	})
	if named {
		return
	}
	c := &coordReader{data: g["coordinates"], points: &f.points,
		report: func(path, message string) { fault(path, "%s", message) }}
	const path = coordinates
	kind, _ := asString(g["type"])
	switch kind {
	case "Polygon":
		polygon, _ := c.polygon(path)
		out.Shape = alerts.MultiPolygon{polygon}
	case "MultiPolygon":
		out.Shape, out.Multi = c.multiPolygon(path), true
		if len(out.Shape) == 0 && c.faults == 0 {
			c.fault(path, "has no polygon")
		}
	case "Point":
		p, problem := c.position()
		if problem == "" {
			problem = PositionProblem(p)
		}
		if problem != "" {
			c.fault(path, "%s", problem)
		}
		f.points--
		out.Point = &p
	case "LineString":
		line, ok := c.ring(path)
		if ok && len(line) < 2 {
			c.fault(path, "has %d positions, a line has 2 at least", len(line))
		}
		out.Line = line
	default:
		fault("geometry.type", "is %s, it must be \"Polygon\", \"MultiPolygon\" or \"Point\"", orMissing(g["type"]))
	}
}
