package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

type props map[string]any

func with(base props, more props) props {
	out := props{}
	for k, v := range base {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// outline is a feature of a polygon given as west, south, east, north.
func outline(p props, w, s, e, n float64) string {
	b, err := json.Marshal(map[string]any{"type": "Feature", "properties": p, "geometry": map[string]any{"type": "Polygon",
		"coordinates": [][][2]float64{{{w, s}, {e, s}, {e, n}, {w, n}, {w, s}}}}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",\n") + `]}`
}

func faultsOf(t *testing.T, err error) []alerts.Fault {
	t.Helper()
	var e *alerts.Error
	if err == nil {
		return nil
	}
	if !errors.As(err, &e) || e.Kind != alerts.Invalid {
		t.Fatalf("err = %v", err)
	}
	return e.Faults
}

func sameFaults(t *testing.T, what string, got, want []alerts.Fault) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, listed(got), listed(want))
	}
}

func listed(list []alerts.Fault) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "  %d %s: %s\n", f.Row, f.Field, f.Message)
	}
	return b.String()
}

// dump is all that an import may change.
func (o *office) dump(t *testing.T) string {
	t.Helper()
	ctx, all := context.Background(), alerts.System()
	areas, err := o.store.Areas(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	grids, err := o.store.Grids(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	cameras, _, err := o.store.Cameras(ctx, all, alerts.CameraFilter{Page: alerts.Page{Limit: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	_, seq, err := o.store.Seqs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v\n%+v\n%+v\n%d", areas, grids, cameras, seq)
}

func TestImportAreas(t *testing.T) {
	village := props{"id": "v5", "parent_id": "t1", "name": "五村", "level": "village", "valid_from": "2026-01-01"}
	tests := []struct {
		name     string
		scope    alerts.Scope
		text     string
		imported int
		warnings []alerts.Fault
		faults   []alerts.Fault
	}{
		{"a new village in a new township, child first", alerts.System(), collection(
			outline(with(village, props{"parent_id": "t9"}), 117.5, 31.0, 117.6, 31.1),
			outline(props{"id": "t9", "parent_id": "west", "name": "九镇", "level": "township", "code": "990102003000"}, 117.5, 31.0, 117.6, 31.1)), 2, nil, nil},
		{"a new root", alerts.System(), collection(outline(props{"id": "other", "parent_id": nil, "name": "他市", "level": "city"}, 110, 30, 111, 31)), 1, nil, nil},
		{"outside its parent and over its neighbour", as(alerts.Admin, "t1"), collection(outline(village, 117.15, 31.0, 117.25, 31.1)), 1, []alerts.Fault{
			{Row: 1, Field: "geometry", Message: `50.0% (52.96 km2) of area "v5" lies outside "t1"`},
			{Row: 1, Field: "geometry", Message: `areas "v5" and "v2" overlap by 52.96 km2 (50.0% of the smaller one)`}}, nil},
		{"a village that its grids no longer fill", as(alerts.Admin, "v1"), collection(
			outline(props{"id": "v1", "parent_id": "t1", "name": "一村", "level": "village"}, 117.0, 31.0, 117.1, 31.2)), 1, []alerts.Fault{
			{Row: 1, Field: "geometry", Message: `50.0% (105.87 km2) of area "v1" lies outside "t1"`},
			{Field: "geometry", Message: `50.0% (105.87 km2) of "v1" lies in no grid`}}, nil},
		{"code that does not fit", alerts.System(), collection(
			outline(props{"id": "c9", "parent_id": "city", "name": "九县", "level": "county", "code": "990109000000"}, 117.0, 31.0, 117.1, 31.1),
			outline(props{"id": "t9", "parent_id": "c9", "name": "九镇", "level": "township", "code": "990108001000"}, 117.0, 31.0, 117.1, 31.1)), 2, []alerts.Fault{
			{Row: 2, Field: "code", Message: `does not begin with 990109 as the code of its parent "c9" does`}}, nil},
		{"every field wrong", alerts.System(), collection(outline(props{"id": "no slash/", "name": " ", "name_ne": "x", "level": "hamlet",
			"code": "12", "valid_from": "2026-02-01", "valid_to": "1 March", "parent_id": true, "fid": 12}, 117.0, 31.0, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "name_ne", Message: `is not known; did you mean "name_en"?`},
			{Row: 1, Field: "id", Message: "must be 1 to 64 letters, digits, dots, dashes or underscores"},
			{Row: 1, Field: "parent_id", Message: "must be a text or a number"},
			{Row: 1, Field: "name", Message: "must not be empty"},
			{Row: 1, Field: "level", Message: "must be one of city, county, township, village"},
			{Row: 1, Field: "code", Message: "must be 12 digits: 2 province, 2 prefecture, 2 county, 3 township, 3 village"},
			{Row: 1, Field: "valid_to", Message: "must be a day such as 2026-01-31"}}},
		{"validity turned round", alerts.System(), collection(outline(with(village, props{"valid_to": "2025-01-01"}), 117.0, 31.0, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "valid_to", Message: "must be later than valid_from"}}},
		{"ids twice", alerts.System(), collection(outline(village, 117, 31, 117.1, 31.1), outline(village, 117, 31, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 2, Field: "id", Message: `"v5" is also the id of feature 1; ids must differ`}}},
		{"two ids", alerts.System(), collection(strings.Replace(outline(village, 117, 31, 117.1, 31.1), `"type":"Feature"`, `"type":"Feature","id":7`, 1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "id", Message: `is another one than the feature's own id "7"; give one of them`}}},
		{"unknown parent", alerts.System(), collection(outline(with(village, props{"parent_id": "nowhere"}), 117, 31, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "parent_id", Message: `there is no area "nowhere" in the file or in this account's areas`}}},
		{"a circle through file and store", alerts.System(), collection(
			outline(props{"id": "city", "parent_id": "x", "name": "柳河市", "level": "city"}, 117, 31, 117.4, 31.1),
			outline(props{"id": "x", "parent_id": "t1", "name": "x", "level": "county"}, 117, 31, 117.4, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "parent_id", Message: "leads in a circle: city > x > t1 > east > city"},
			{Row: 2, Field: "parent_id", Message: "leads in a circle: x > t1 > east > city > x"}}},
		{"its own parent", alerts.System(), collection(outline(with(village, props{"parent_id": "v5"}), 117, 31, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "parent_id", Message: "leads in a circle: v5 > v5"}}},
		{"below an area with grids", alerts.System(), collection(outline(with(village, props{"parent_id": "v1"}), 117, 31, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "parent_id", Message: `"v1" has grids, so no area may lie below it`}}},
		{"a village with grids becomes a township", alerts.System(), collection(outline(props{"id": "v1", "parent_id": "t1", "name": "一村", "level": "township"}, 117, 31, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "level", Message: "must stay village: the area has grids"}}},
		{"outside the account", as(alerts.Admin, "t1"), collection(
			outline(with(village, props{"parent_id": "t2"}), 117, 31, 117.1, 31.1),
			outline(props{"id": "v4", "parent_id": "t1", "name": "四村", "level": "village"}, 117, 31, 117.1, 31.1),
			outline(props{"id": "root", "name": "根", "level": "city"}, 117, 31, 117.1, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "parent_id", Message: `there is no area "t2" in the file or in this account's areas`},
			{Row: 2, Field: "id", Message: `"v4" is taken by an area outside this account's areas; choose another`},
			{Row: 3, Field: "parent_id", Message: "must name an area of this account; only an account over everything may add a root"}}},
		{"shapes", alerts.System(), collection(
			`{"type":"Feature","properties":{"id":"a","parent_id":"t1","name":"a","level":"village"},"geometry":{"type":"Polygon","coordinates":[[[117,31],[117.1,31.1],[117.1,31],[117,31.1],[117,31]]]}}`,
			`{"type":"Feature","properties":{"id":"b","parent_id":"t1","name":"b","level":"village"},"geometry":{"type":"MultiPolygon","coordinates":[[[[117,31],[117.1,31],[117.1,31.1],[117,31.1]]]]}}`,
			`{"type":"Feature","properties":{"id":"c","parent_id":"t1","name":"c","level":"village"},"geometry":{"type":"Polygon","coordinates":[[[31,117],[31,117.1],[31.1,117.1],[31,117]]]}}`,
			`{"type":"Feature","properties":{"id":"d","parent_id":"t1","name":"d","level":"village"},"geometry":{"type":"Point","coordinates":[117,31]}}`), 0, nil, []alerts.Fault{
			{Row: 1, Field: "geometry.coordinates[0]", Message: "crosses or touches itself near 117.050000, 31.050000; a ring must not"},
			{Row: 2, Field: "geometry.coordinates[0][0]", Message: "is not closed: it ends at 117.000000, 31.100000, it must end where it begins, at 117.000000, 31.000000"},
			{Row: 3, Field: "geometry.coordinates[0][0]", Message: "latitude 117 is not within -90 to 90; longitude and latitude seem to be swapped: longitude comes first"},
			{Row: 3, Field: "geometry.coordinates[0][1]", Message: "latitude 117.1 is not within -90 to 90; longitude and latitude seem to be swapped: longitude comes first"},
			{Row: 3, Field: "geometry.coordinates[0][2]", Message: "latitude 117.1 is not within -90 to 90; longitude and latitude seem to be swapped: longitude comes first"},
			{Row: 3, Field: "geometry.coordinates[0][3]", Message: "latitude 117 is not within -90 to 90; longitude and latitude seem to be swapped: longitude comes first"},
			{Row: 4, Field: "geometry.type", Message: `is "Point", it must be "Polygon" or "MultiPolygon"`}}},
		{"nothing", alerts.System(), collection(), 0, nil, []alerts.Fault{{Field: "features", Message: "has no area; nothing was imported"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOffice(t)
			before := o.dump(t)
			res, err := o.ImportAreas(context.Background(), test.scope, strings.NewReader(test.text), "geojson", alerts.WGS84)
			sameFaults(t, "faults", faultsOf(t, err), test.faults)
			sameFaults(t, "warnings", res.Warnings, test.warnings)
			if res.Imported != test.imported {
				t.Errorf("imported %d, want %d", res.Imported, test.imported)
			}
			if after := o.dump(t); (after == before) != (test.faults != nil) {
				t.Errorf("changed: %t", after != before)
			}
		})
	}
}

// Areas that change places in the tree, and their second import.
func TestImportAreasMoves(t *testing.T) {
	ctx := context.Background()
	o := newOffice(t)
	if err := o.store.Write(ctx, func(tx alerts.Tx) error {
		return tx.SaveUser(alerts.User{ID: "u", Username: "u", Role: alerts.Leader, AreaID: "t1"})
	}); err != nil {
		t.Fatal(err)
	}
	text := collection(
		outline(props{"id": "east", "parent_id": "t2", "name": "东县", "level": "county"}, 117.0, 31.0, 117.3, 31.1),
		outline(props{"id": "t2", "parent_id": "city", "name": "二镇", "level": "township"}, 117.0, 31.0, 117.3, 31.1))
	for i := range 2 {
		o.bus.forget()
		res, err := o.ImportAreas(ctx, as(alerts.Admin, "city"), strings.NewReader(text), "application/geo+json", "")
		if err != nil || res.Imported != 2 {
			t.Fatalf("%+v, %v", res, err)
		}
		want := []alerts.EventKind{alerts.UserChanged, alerts.PlacesChanged, alerts.PlacesChanged}
		if i == 1 {
			want = nil // nothing differs: nothing is told
		}
		if got := o.bus.kinds(); !reflect.DeepEqual(got, want) {
			t.Errorf("import %d: events %v, want %v", i+1, got, want)
		}
	}
	v1, err := o.store.Area(ctx, alerts.System(), "v1")
	if err != nil || v1.Path != "/city/t2/east/t1/v1/" {
		t.Errorf("v1 at %q, %v", v1.Path, err)
	}
	if at := o.known.places().index.Locate(alerts.Point{Lon: 117.01, Lat: 31.01}); at.GridID != "g1a" {
		t.Errorf("after it %+v", at)
	}
}

// Shapes in GCJ-02 become WGS-84, and neighbours still share their edges.
func TestImportConvertsShapes(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	a := props{"id": "va", "parent_id": "west", "name": "甲", "level": "village"}
	b := props{"id": "vb", "parent_id": "west", "name": "乙", "level": "village"}
	text := collection(outline(a, 118, 32, 118.1, 32.1), outline(b, 118.1, 32, 118.2, 32.1))
	if _, err := o.ImportAreas(ctx, alerts.System(), strings.NewReader(text), "geojson", alerts.GCJ02); err != nil {
		t.Fatal(err)
	}
	index := o.known.places().index
	edge := geo.ToWGS84(alerts.GCJ02, alerts.Point{Lon: 118.1, Lat: 32})
	east, _ := index.Area(alerts.Point{Lon: edge.Lon + 1e-7, Lat: edge.Lat + 1e-7})
	west, _ := index.Area(alerts.Point{Lon: edge.Lon - 1e-7, Lat: edge.Lat + 1e-5})
	if east.ID != "vb" || west.ID != "va" {
		t.Errorf("west of the edge %q, east of it %q", west.ID, east.ID)
	}
}

// What was checked against places that have changed since is not stored.
func TestImportMeetsAnother(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	_, seq, err := o.settled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other := collection(outline(props{"id": "v5", "parent_id": "t1", "name": "五村", "level": "village"}, 117.0, 31.1, 117.1, 31.2))
	if _, err := o.ImportAreas(ctx, alerts.System(), strings.NewReader(other), "geojson", alerts.WGS84); err != nil {
		t.Fatal(err)
	}
	err = o.write(ctx, func(c *change) error { return c.unmoved(ctx, seq) })
	if alerts.KindOf(err) != alerts.Conflict {
		t.Errorf("err = %v, want a conflict", err)
	}
	_, seq, err = o.settled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.write(ctx, func(c *change) error { return c.unmoved(ctx, seq) }); err != nil {
		t.Errorf("nothing has changed since: %v", err)
	}
	if err := o.store.Sweep(ctx, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := o.write(ctx, func(c *change) error { return c.unmoved(ctx, seq-1) }); alerts.KindOf(err) != alerts.Conflict {
		t.Errorf("events swept: %v, want a conflict", err)
	}
}
