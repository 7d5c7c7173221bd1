package desk

import (
	"context"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

func TestImportRights(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	type load func(alerts.Scope, string, alerts.CoordSystem) error
	imports := map[string]load{
		"areas": func(s alerts.Scope, format string, system alerts.CoordSystem) error {
			_, err := o.ImportAreas(ctx, s, strings.NewReader(""), format, system)
			return err
		},
		"grids": func(s alerts.Scope, format string, system alerts.CoordSystem) error {
			_, err := o.ImportGrids(ctx, s, strings.NewReader(""), format, system)
			return err
		},
		"cameras": func(s alerts.Scope, format string, system alerts.CoordSystem) error {
			_, err := o.ImportCameras(ctx, s, strings.NewReader(""), format, system)
			return err
		},
	}
	for name, load := range imports {
		for _, role := range alerts.Roles {
			want := alerts.Forbidden
			if role == alerts.Admin {
				want = alerts.Invalid // an empty file
			}
			if err := load(as(role, "city"), "geojson", alerts.WGS84); alerts.KindOf(err) != want {
				t.Errorf("%s by %s: %v", name, role, err)
			}
		}
		if err := load(alerts.Scope{}, "geojson", alerts.WGS84); alerts.KindOf(err) != alerts.Forbidden {
			t.Errorf("%s by nobody: %v", name, err)
		}
		if err := load(alerts.System(), "shapefile", alerts.WGS84); alerts.KindOf(err) != alerts.Unsupported {
			t.Errorf("%s of a shapefile: %v", name, err)
		}
		if err := load(alerts.System(), "geojson", "utm"); alerts.KindOf(err) != alerts.Invalid {
			t.Errorf("%s in utm: %v", name, err)
		}
	}
	if err := imports["areas"](alerts.System(), "text/csv; charset=utf-8", ""); alerts.KindOf(err) != alerts.Invalid {
		t.Errorf("areas in an empty sheet: %v", err)
	}
}
