package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

func read(text string, limits Limits) (features []Feature, faults []alerts.Fault, err error) {
	err = ReadFeatures(strings.NewReader(text), limits, func(f alerts.Fault) { faults = append(faults, f) },
		func(f Feature) error { features = append(features, f); return nil })
	return features, faults, err
}

func wrap(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",\n") + `]}`
}

func feature(geometry string) string {
	return `{"type":"Feature","properties":{},"geometry":` + geometry + `}`
}

func TestReadFeatures(t *testing.T) {
	text := "\xef\xbb\xbf" + `{"name":"x","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}},"features":[
		{"type":"Feature","id":"a","properties":{"name":"\u4e1c","n":1.50},"geometry":{"type":"Polygon","coordinates":[[[1,2],[3, 2.5 ,7],[3,4,5,6],[1,2]],[]]}},
		{"geometry":{"coordinates":[[[[1,2],[3,2],[3,4],[1,2]]],[[[-1e1,2E0],[3,2],[3,4],[-10,2]]]],"type":"MultiPolygon"},"properties":null,"type":"Feature","id":12,"bbox":[1,2,3,4]},
		{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[118.9,31.9,20]}}
	],"type":"FeatureCollection"}`
	got, faults, err := read(text, DefaultLimits())
	if err != nil || faults != nil {
		t.Fatalf("%v, %v", faults, err)
	}
	want := []Feature{
		{Row: 1, ID: "a", Properties: map[string]json.RawMessage{"name": json.RawMessage(`"\u4e1c"`), "n": json.RawMessage("1.50")},
			Shape: alerts.MultiPolygon{{ring(1, 2, 3, 2.5, 3, 4, 1, 2), nil}}},
		{Row: 2, ID: "12", Multi: true, Shape: alerts.MultiPolygon{{ring(1, 2, 3, 2, 3, 4, 1, 2)}, {ring(-10, 2, 3, 2, 3, 4, -10, 2)}}},
		{Row: 3, Properties: map[string]json.RawMessage{}, Point: &alerts.Point{Lon: 118.9, Lat: 31.9}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, f := range []struct {
		multi bool
		want  string
	}{{false, "geometry.coordinates[1][2]"}, {true, "geometry.coordinates[0][1][2]"}} {
		if got := (Feature{Multi: f.multi}).Path(Problem{Path: "[0][1][2]"}); got != f.want {
			t.Errorf("path %s, want %s", got, f.want)
		}
	}
}

func TestReadFaults(t *testing.T) {
	const position = "must be a position [longitude, latitude] of two numbers"
	tests := []struct {
		name, feature string
		want          []alerts.Fault
	}{
		{"no object", `7`, []alerts.Fault{{Message: "is a number, it must be an object"}}},
		{"no type", `{"geometry":{"type":"Point","coordinates":[1,2]}}`, []alerts.Fault{{Field: "type", Message: `is missing, it must be "Feature"`}}},
		{"no geometry", `{"type":"Feature"}`, []alerts.Fault{{Field: "geometry", Message: "is missing; a Polygon, MultiPolygon or Point is wanted"}}},
		{"null geometry", feature("null"), []alerts.Fault{{Field: "geometry", Message: "is missing; a Polygon, MultiPolygon or Point is wanted"}}},
		{"short line", feature(`{"type":"LineString","coordinates":[[1,2]]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: "has 1 positions, a line has 2 at least"}}},
		{"line of nowhere", feature(`{"type":"LineString","coordinates":[[1,2],[200,1]]}`), []alerts.Fault{{Field: "geometry.coordinates[1]", Message: "longitude 200 is not within -180 to 180"}}},
		{"lines", feature(`{"type":"MultiLineString","coordinates":[[[1,2],[3,4]]]}`), []alerts.Fault{{Field: "geometry.type", Message: `is "MultiLineString", it must be "Polygon", "MultiPolygon" or "Point"`}}},
		{"bad id", `{"type":"Feature","id":{},"properties":3,"geometry":{"type":"Point","coordinates":[1,2]}}`, []alerts.Fault{
			{Field: "id", Message: "is {}, it must be a string or a number"}, {Field: "properties", Message: "is a number, it must be an object"}}},
		{"member twice", `{"type":"Feature","properties":{"a":1,"a":2},"geometry":{"type":"Point","coordinates":[1,2]}}`, []alerts.Fault{{Field: "properties.a", Message: "is given twice"}}},
		{"no coordinates", feature(`{"type":"Polygon"}`), []alerts.Fault{{Field: "geometry.coordinates", Message: "must be an array of rings"}}},
		{"no ring", feature(`{"type":"Polygon","coordinates":[]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: "has no ring; a polygon needs its outside"}}},
		{"no polygon", feature(`{"type":"MultiPolygon","coordinates":[]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: "has no polygon"}}},
		{"too flat", feature(`{"type":"Polygon","coordinates":[[1,2],[3,4]]}`), []alerts.Fault{{Field: "geometry.coordinates[0][0]", Message: position}}},
		{"too deep", feature(`{"type":"Polygon","coordinates":[[[[1,2]]]]}`), []alerts.Fault{{Field: "geometry.coordinates[0][0]", Message: position}}},
		{"one number", feature(`{"type":"Point","coordinates":[1]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: position}}},
		{"five numbers", feature(`{"type":"Point","coordinates":[1,2,3,4,5]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: position}}},
		{"null", feature(`{"type":"Polygon","coordinates":[[[1,2],[null,3]]]}`), []alerts.Fault{{Field: "geometry.coordinates[0][1]", Message: position}}},
		{"beyond all numbers", feature(`{"type":"Point","coordinates":[1e999,2]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: position}}},
		{"swapped", feature(`{"type":"Point","coordinates":[31.9,118.9]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: "latitude 118.9 is not within -90 to 90; longitude and latitude seem to be swapped: longitude comes first"}}},
		{"longitude", feature(`{"type":"Point","coordinates":[181,118.9]}`), []alerts.Fault{{Field: "geometry.coordinates", Message: "longitude 181 is not within -180 to 180"}}},
		{"many", feature(`{"type":"Polygon","coordinates":[[` + strings.TrimSuffix(strings.Repeat("[200,1],", 30), ",") + `]]}`), func() (out []alerts.Fault) {
			for i := range maxCoordFaults {
				out = append(out, alerts.Fault{Field: fmt.Sprintf("geometry.coordinates[0][%d]", i), Message: "longitude 200 is not within -180 to 180"})
			}
			return out
		}()},
		{"nested", strings.Repeat("[", 40) + strings.Repeat("]", 40), []alerts.Fault{{Message: "is nested more than 32 deep"}}},
		{"brackets in texts are not depth", `{"type":"Feature","properties":{"a":"\"` + strings.Repeat("[", 99) + `"}}`, []alerts.Fault{{Field: "geometry", Message: "is missing; a Polygon, MultiPolygon or Point is wanted"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			good := feature(`{"type":"Point","coordinates":[1,2]}`)
			got, faults, err := read(wrap(good, test.feature, good), DefaultLimits())
			if err != nil || len(got) != 2 || got[1].Row != 3 {
				t.Fatalf("%d sound features, %v", len(got), err)
			}
			for i := range test.want {
				test.want[i].Row = 2
			}
			if !reflect.DeepEqual(faults, test.want) {
				t.Errorf("got  %+v\nwant %+v", faults, test.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	small := Limits{Bytes: 500, Features: 3, Points: 10, Members: 5, Depth: 8}
	point := feature(`{"type":"Point","coordinates":[1,2]}`)
	tests := []struct {
		name, text string
		kind       alerts.Kind
		message    string
	}{
		{"empty", "", alerts.Invalid, "the file is cut off, at line 1"},
		{"cut off", "{\"type\":\"FeatureCollection\",\n\"features\":[" + point, alerts.Invalid, "the file is cut off, at line 2"},
		{"not JSON", "{\n\n,", alerts.Invalid, "the file is not valid JSON: invalid character ',', at line 3"},
		{"CSV", "id,name\n1,2\n", alerts.Invalid, "the file is not valid JSON: invalid character 'i' looking for beginning of value, at line 1"},
		{"an array", "[]", alerts.Invalid, `the file is not a GeoJSON FeatureCollection: it must be an object with "type" and "features"`},
		{"a feature alone", point, alerts.Invalid, `type: is "Feature", it must be "FeatureCollection"`},
		{"no type", `{"features":[]}`, alerts.Invalid, "type: is missing; a GeoJSON FeatureCollection is wanted"},
		{"no features", `{"type":"FeatureCollection"}`, alerts.Invalid, "features: is missing; a GeoJSON FeatureCollection is wanted"},
		{"features no array", `{"type":"FeatureCollection","features":{}}`, alerts.Invalid, "features: must be an array"},
		{"something after", wrap() + "{}", alerts.Invalid, "something follows the end of the FeatureCollection"},
		{"twice", `{"type":"FeatureCollection","features":[],"features":[]}`, alerts.Invalid, "features: is given twice, or there are more than 5 members"},
		{"projected", `{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:3857"}},"features":[]}`, alerts.Invalid, `crs: is {"properties":{"name":"EPSG:3857"}}; positions must be degrees of WGS-84 or CGCS2000 (EPSG 4326, 4490), or of GCJ-02 or BD-09 with the system named in the import`},
		{"GBK", "{\"type\":\"FeatureCollection\",\n\"name\":\"\xb6\xab\"}", alerts.Invalid, `line 2 is not UTF-8; the file seems to be GBK or GB 18030 (the default of Excel in Chinese): save it as "CSV UTF-8" or UTF-8`},
		{"too large", strings.Repeat(" ", 501), alerts.TooLarge, "the file is larger than 0 MiB; split it"},
		{"too many features", wrap("1", "2", "3", "4"), alerts.TooLarge, "the file has more than 3 features; split it"},
		{"too many points", wrap(feature(`{"type":"Polygon","coordinates":[[` + strings.Repeat("[1,2],", 10) + `[1,2]]]}`)), alerts.TooLarge, "the file has more than 10 points; split it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read(test.text, small)
			var e *alerts.Error
			if !errors.As(err, &e) || e.Kind != test.kind || e.Message != test.message {
				t.Errorf("got  %v\nwant %s", err, test.message)
			}
		})
	}
	stop := errors.New("stop")
	if err := ReadFeatures(strings.NewReader(wrap(point)), small, func(alerts.Fault) {}, func(Feature) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("fn's error became %v", err)
	}
	if err := ReadFeatures(io.MultiReader(strings.NewReader("{"), failing{}), small, nil, nil); alerts.KindOf(err) != alerts.Internal {
		t.Errorf("a reader's error became %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken pipe") }

// What is written is read again, by us and by encoding/json.
func TestWriteAndRead(t *testing.T) {
	grids := crookedGrids(3, 3, rand.New(rand.NewPCG(1, 1)))
	features := []OutFeature{
		{ID: "two \"parts\"", Properties: map[string]any{"name": "东<门>"}, Shape: alerts.MultiPolygon{{rect(0, 0, 9, 9), rect(1, 1, 2, 2)}, {rect(10, 10, 11, 11)}}},
	}
	for _, g := range grids {
		features = append(features, OutFeature{ID: g.ID, Properties: struct {
			Name string `json:"name"`
		}{g.Name}, Shape: g.Shape})
	}
	b, err := FeatureCollection(features)
	if err != nil {
		t.Fatal(err)
	}
	got, faults, err := read(string(b), DefaultLimits())
	if err != nil || faults != nil || len(got) != len(features) {
		t.Fatalf("%d features, %v, %v", len(got), faults, err)
	}
	var peer struct {
		Features []struct {
			ID       string
			Geometry struct{ Type string }
		}
	}
	if err := json.Unmarshal(b, &peer); err != nil || peer.Features[0].Geometry.Type != "MultiPolygon" || peer.Features[1].Geometry.Type != "Polygon" {
		t.Fatalf("encoding/json: %+v, %v", peer, err)
	}
	for i, f := range features {
		if got[i].ID != f.ID || peer.Features[i].ID != f.ID {
			t.Errorf("id %q, with encoding/json %q, want %q", got[i].ID, peer.Features[i].ID, f.ID)
		}
		for n, polygon := range f.Shape {
			for m, ring := range polygon {
				for k, p := range ring {
					if !near(got[i].Shape[n][m][k], p, 6e-8) {
						t.Errorf("%s: %v became %v", f.ID, p, got[i].Shape[n][m][k])
					}
				}
			}
		}
	}
	if b, err := FeatureCollection([]OutFeature{{ID: "nowhere", Properties: 1}}); err != nil ||
		string(b) != `{"type":"FeatureCollection","features":[{"type":"Feature","id":"nowhere","properties":1,"geometry":null}]}` {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := FeatureCollection([]OutFeature{{Properties: func() {}}}); err == nil {
		t.Error("properties that are no JSON were written")
	}
}

// No bytes make the reader fail, and what it passes on is within its bounds.
func FuzzReadFeatures(f *testing.F) {
	f.Add([]byte(wrap(feature(`{"type":"Polygon","coordinates":[[[1,2],[3,2,9],[3,4],[1,2]]]}`))))
	f.Add([]byte(wrap(feature(`{"type":"MultiPolygon","coordinates":[[[[1,2],[3,2],[3,4],[1,2]]],[]]}`), feature(`{"type":"Point","coordinates":[1e1,-2]}`))))
	f.Add([]byte("\xef\xbb\xbf{\"type\":\"FeatureCollection\",\"crs\":null,\"features\":[{\"id\":1}]}"))
	f.Add([]byte(`{"type":"FeatureCollection","features":[[],{"geometry":{"type":"Polygon","coordinates":[[[1,]]]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Bytes: 1 << 16, Features: 20, Points: 200, Members: 20, Depth: 12}
		points, last := 0, 0
		err := ReadFeatures(bytes.NewReader(data), limits, func(fault alerts.Fault) {
			if fault.Row < 1 || fault.Message == "" {
				t.Errorf("fault %+v", fault)
			}
		}, func(f Feature) error {
			if f.Row <= last || f.Row > limits.Features {
				t.Errorf("row %d after %d", f.Row, last)
			}
			last = f.Row
			for _, polygon := range f.Shape {
				for _, ring := range polygon {
					points += len(ring)
					for _, p := range ring {
						if !Valid(p) {
							t.Errorf("passed on %v", p)
						}
					}
				}
			}
			if p := f.Point; p != nil && !Valid(*p) {
				t.Errorf("passed on %v", *p)
			}
			if len(Check(f.Shape)) == 0 {
				Wind(f.Shape)
				if p := LabelPoint(f.Shape); !Prepare(f.Shape).Box().Contains(p) {
					t.Errorf("label %v outside the box", p)
				}
				Cover(f.Shape, []alerts.MultiPolygon{f.Shape})
			}
			return nil
		})
		if points > limits.Points {
			t.Errorf("%d points", points)
		}
		if err != nil && alerts.KindOf(err) == alerts.Internal {
			t.Errorf("err = %v", err)
		}
	})
}

// A line comes back as it was written.
func TestLineThereAndBack(t *testing.T) {
	line := []alerts.Point{{Lon: 118.9, Lat: 31.9}, {Lon: 118.91, Lat: 31.95}}
	b, err := FeatureCollection([]OutFeature{{ID: "r", Line: line}, {ID: "p", Point: &line[0]}})
	if err != nil {
		t.Fatal(err)
	}
	var got []Feature
	err = ReadFeatures(bytes.NewReader(b), DefaultLimits(), func(f alerts.Fault) { t.Error(f) }, func(f Feature) error {
		got = append(got, f)
		return nil
	})
	if err != nil || len(got) != 2 || !reflect.DeepEqual(got[0].Line, line) || got[1].Point == nil || *got[1].Point != line[0] {
		t.Errorf("%+v %v", got, err)
	}
}
