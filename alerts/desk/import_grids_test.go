package desk

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

func TestImportGrids(t *testing.T) {
	grid := props{"id": "g9", "area_id": "v2", "name": "九格", "kind": "rural", "households": 200}
	g2 := props{"id": "g2", "area_id": "v2", "name": "2", "kind": "rural", "households": 200}
	tests := []struct {
		name     string
		scope    alerts.Scope
		text     string
		imported int
		warnings []alerts.Fault
		faults   []alerts.Fault
	}{
		{"a village cut in two", as(alerts.Admin, "v1"), collection(
			outline(props{"id": "g1a", "area_id": "v1", "name": "甲", "kind": "street", "households": 200}, 117.0, 31.0, 117.03, 31.1),
			outline(props{"id": "g1b", "area_id": "v1", "name": "乙", "kind": "yard", "households": "500"}, 117.03, 31.0, 117.1, 31.1)), 2, nil, nil},
		{"households", alerts.System(), collection(outline(with(g2, props{"households": 99}), 117.1, 31.0, 117.2, 31.1)), 1, []alerts.Fault{
			{Row: 1, Field: "households", Message: "99 households; a rural grid should have 100 to 300"}}, nil},
		{"a unit has no bounds", alerts.System(), collection(outline(with(g2, props{"kind": "unit", "households": nil}), 117.1, 31.0, 117.2, 31.1)), 1, nil, nil},
		{"gap", alerts.System(), collection(outline(g2, 117.1, 31.0, 117.19, 31.1)), 1, []alerts.Fault{
			{Field: "geometry", Message: `10.0% (10.59 km2) of "v2" lies in no grid`}}, nil},
		{"overlap with a stored one", alerts.System(), collection(outline(grid, 117.1, 31.0, 117.11, 31.01)), 1, []alerts.Fault{
			{Row: 1, Field: "geometry", Message: `grids "g9" and "g2" overlap by 1.06 km2 (100.0% of the smaller one)`}}, nil},
		{"no longer valid, so no overlap", alerts.System(), collection(outline(with(grid, props{"valid_from": "2020-01-01", "valid_to": "2026-01-01"}), 117.1, 31.0, 117.11, 31.01)), 1, nil, nil},
		{"leaves the village", alerts.System(), collection(outline(g2, 117.1, 31.0, 117.3, 31.1)), 1, []alerts.Fault{
			{Row: 1, Field: "geometry", Message: `50.0% (105.93 km2) of grid "g2" lies outside "v2"`}}, nil},
		{"area wrong", as(alerts.Admin, "east"), collection(
			outline(with(grid, props{"id": "a", "area_id": "t1"}), 117.1, 31.0, 117.2, 31.1),
			outline(with(grid, props{"id": "b", "area_id": "v4"}), 117.1, 31.0, 117.2, 31.1),
			outline(with(grid, props{"id": "c", "area_id": nil}), 117.1, 31.0, 117.2, 31.1),
			outline(with(grid, props{"id": "g4"}), 117.1, 31.0, 117.2, 31.1),
			outline(with(grid, props{"id": "g9"}), 117.1, 31.0, 117.2, 31.1),
			outline(with(grid, props{"id": "g9"}), 117.1, 31.0, 117.2, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "area_id", Message: `"t1" is a township; a grid is a part of a village or community`},
			{Row: 2, Field: "area_id", Message: `there is no area "v4" in this account's areas; import areas first`},
			{Row: 3, Field: "area_id", Message: "must name the village or community that the grid is a part of"},
			{Row: 4, Field: "id", Message: `"g4" is taken by a grid outside this account's areas; choose another`},
			{Row: 6, Field: "id", Message: `"g9" is also the id of feature 5; ids must differ`}}},
		{"fields wrong", alerts.System(), collection(outline(props{"id": "", "area_id": "v2", "nam": "x", "kind": "rurall", "households": 12.5}, 117.1, 31.0, 117.2, 31.1)), 0, nil, []alerts.Fault{
			{Row: 1, Field: "nam", Message: `is not known; did you mean "name"?`},
			{Row: 1, Field: "id", Message: "must be 1 to 64 letters, digits, dots, dashes or underscores"},
			{Row: 1, Field: "name", Message: "must not be empty"},
			{Row: 1, Field: "kind", Message: "must be one of street, yard, unit, rural"},
			{Row: 1, Field: "households", Message: "must be a whole number, 0 to 100000"}}},
		{"nothing", alerts.System(), collection(), 0, nil, []alerts.Fault{{Field: "features", Message: "has no grid; nothing was imported"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOffice(t)
			before := o.dump(t)
			res, err := o.ImportGrids(context.Background(), test.scope, strings.NewReader(test.text), "geojson", alerts.WGS84)
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

// A grid that moves to another village: both are told of, cameras get the grid
// they now stand in, and the same file again changes nothing.
func TestImportGridsMovesCameras(t *testing.T) {
	ctx := context.Background()
	o := newOffice(t)
	if _, err := o.CreateCamera(ctx, alerts.System(), camera("cam", "v2")); err != nil {
		t.Fatal(err)
	}
	text := collection(
		outline(props{"id": "g1b", "area_id": "v2", "name": "1b", "kind": "street", "households": 300}, 117.1, 31.0, 117.16, 31.1),
		outline(props{"id": "g2", "area_id": "v2", "name": "2", "kind": "rural", "households": 200}, 117.16, 31.0, 117.2, 31.1))
	want := []alerts.EventKind{alerts.CameraSaved, alerts.PlacesChanged, alerts.PlacesChanged}
	for i := range 2 {
		o.bus.forget()
		if _, err := o.ImportGrids(ctx, as(alerts.Admin, "t1"), strings.NewReader(text), "geojson", alerts.WGS84); err != nil {
			t.Fatal(err)
		}
		if got := o.bus.kinds(); !reflect.DeepEqual(got, want) {
			t.Errorf("import %d: events %v, want %v", i+1, got, want)
		}
		want = nil
	}
	c, err := o.Camera(ctx, alerts.System(), "cam")
	if err != nil || c.GridID != "g1b" {
		t.Errorf("the camera stands in %q, %v", c.GridID, err)
	}
}
