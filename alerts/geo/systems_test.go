package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

func near(a, b alerts.Point, degrees float64) bool {
	return math.Abs(a.Lon-b.Lon) <= degrees && math.Abs(a.Lat-b.Lat) <= degrees
}

// The pairs are published with googollee/eviltransform and
// wandergis/coordtransform. The BD-09 pairs of the former are left out: that
// library turns by pi where the others turn by pi*3000/180, up to 40 m away.
func TestPublishedPairs(t *testing.T) {
	tests := []struct {
		name         string
		from, to     alerts.CoordSystem
		in, want     alerts.Point
		degreesApart float64
	}{
		{"eviltransform Shanghai", alerts.WGS84, alerts.GCJ02, alerts.Point{Lon: 121.5272106, Lat: 31.1774276}, alerts.Point{Lon: 121.531541859215, Lat: 31.17530398364597}, 2e-6},
		{"eviltransform Shenzhen", alerts.WGS84, alerts.GCJ02, alerts.Point{Lon: 113.912316, Lat: 22.543847}, alerts.Point{Lon: 113.9171764808363, Lat: 22.540796131694766}, 2e-6},
		{"eviltransform Beijing", alerts.WGS84, alerts.GCJ02, alerts.Point{Lon: 116.377817, Lat: 39.911954}, alerts.Point{Lon: 116.38404722455657, Lat: 39.91334545536069}, 2e-6},
		{"coordtransform to GCJ-02", alerts.WGS84, alerts.GCJ02, alerts.Point{Lon: 116.404, Lat: 39.915}, alerts.Point{Lon: 116.41024449916938, Lat: 39.91640428150164}, 1e-9},
		{"coordtransform to BD-09", alerts.WGS84, alerts.BD09, alerts.Point{Lon: 116.404, Lat: 39.915}, alerts.Point{Lon: 116.41662724378733, Lat: 39.922699552216216}, 1e-9},
		// One-pass inverses: off by up to 2.5 m, so not nearer than 3e-5.
		{"coordtransform from GCJ-02", alerts.GCJ02, alerts.WGS84, alerts.Point{Lon: 116.404, Lat: 39.915}, alerts.Point{Lon: 116.39775550083061, Lat: 39.91359571849836}, 3e-5},
		{"coordtransform from BD-09", alerts.BD09, alerts.WGS84, alerts.Point{Lon: 116.404, Lat: 39.915}, alerts.Point{Lon: 116.3913836995125, Lat: 39.907253214522164}, 3e-5},
		{"exact inverse of GCJ-02", alerts.GCJ02, alerts.WGS84, alerts.Point{Lon: 116.404, Lat: 39.915}, alerts.Point{Lon: 116.39775549316407, Lat: 39.913596801757805}, 1e-6},
		{"Paris is not shifted", alerts.WGS84, alerts.GCJ02, alerts.Point{Lon: 2.35, Lat: 48.85}, alerts.Point{Lon: 2.35, Lat: 48.85}, 0},
		{"nor undone", alerts.GCJ02, alerts.WGS84, alerts.Point{Lon: -73.98, Lat: 40.75}, alerts.Point{Lon: -73.98, Lat: 40.75}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := FromWGS84(test.to, ToWGS84(test.from, test.in))
			if !near(got, test.want, test.degreesApart) {
				t.Errorf("got %.9f, %.9f, want %.9f, %.9f", got.Lon, got.Lat, test.want.Lon, test.want.Lat)
			}
		})
	}
}

// The pieces of BD-09 by themselves, as coordtransform publishes them.
func TestPublishedBD09Pieces(t *testing.T) {
	p := alerts.Point{Lon: 116.404, Lat: 39.915}
	if got, want := toBD09(p), (alerts.Point{Lon: 116.41036949371029, Lat: 39.92133699351021}); !near(got, want, 1e-9) {
		t.Errorf("toBD09 = %v, want %v", got, want)
	}
	if got, want := bd09Guess(p), (alerts.Point{Lon: 116.39762729119315, Lat: 39.90865673957631}); !near(got, want, 1e-9) {
		t.Errorf("bd09Guess = %v, want %v", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		system := rapid.SampledFrom([]alerts.CoordSystem{alerts.WGS84, alerts.GCJ02, alerts.BD09}).Draw(t, "system")
		// Within 0.02 degrees of the rectangle's edge the shift is not invertible.
		p := alerts.Point{Lon: rapid.Float64Range(72.05, 137.8).Draw(t, "lon"), Lat: rapid.Float64Range(0.86, 55.8).Draw(t, "lat")}
		there := FromWGS84(system, p)
		if back := ToWGS84(system, there); !near(back, p, 1e-9) {
			t.Errorf("%v by %s: back at %v", p, system, back)
		}
		if again := FromWGS84(system, ToWGS84(system, p)); !near(again, p, 1e-7) {
			t.Errorf("%v from %s and back: %v", p, system, again)
		}
		if moved := Distance(p, there); system != alerts.WGS84 && (moved < 1 || moved > 2500) {
			t.Errorf("%v moved by %.0f m", p, moved)
		}
	})
}

func TestOutsideChinaGCJ02IsIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := alerts.Point{Lon: rapid.Float64Range(-180, 71.9).Draw(t, "lon"), Lat: rapid.Float64Range(-90, 90).Draw(t, "lat")}
		if got := ToWGS84(alerts.GCJ02, p); got != p {
			t.Errorf("ToWGS84(%v) = %v", p, got)
		}
		if got := FromWGS84(alerts.GCJ02, p); got != p {
			t.Errorf("FromWGS84(%v) = %v", p, got)
		}
	})
}

func TestRetag(t *testing.T) {
	truth := alerts.Point{Lon: 116.404, Lat: 39.915}
	inside := func(p alerts.Point) bool { return Distance(p, truth) < 50 }
	for _, system := range []alerts.CoordSystem{alerts.GCJ02, alerts.BD09} {
		undo := Retag(FromWGS84(system, truth), alerts.WGS84, inside)
		if len(undo) != 2 {
			t.Fatalf("%d suggestions, want 2", len(undo))
		}
		for _, u := range undo {
			if u.Inside != (u.System == system) {
				t.Errorf("given in %s, undoing %s: inside = %t", system, u.System, u.Inside)
			}
			if u.Inside && (u.Moved < 270 || u.Moved > 1500) {
				t.Errorf("undoing %s moves by %.0f m", u.System, u.Moved)
			}
		}
	}
	if undo := Retag(truth, alerts.BD09, inside); len(undo) != 2 || undo[0].System != alerts.WGS84 || !undo[0].Inside || undo[1].System != alerts.GCJ02 {
		t.Errorf("tagged BD-09 by mistake: %+v", undo)
	}
	if undo := Retag(alerts.Point{Lon: 2, Lat: 48}, "", inside); undo != nil {
		t.Errorf("outside China: %v", undo)
	}
}

func TestKnownSystem(t *testing.T) {
	for s, want := range map[alerts.CoordSystem]bool{"": true, alerts.WGS84: true, alerts.GCJ02: true, alerts.BD09: true, "WGS84": false, "utm": false} {
		if KnownSystem(s) != want {
			t.Errorf("KnownSystem(%q) = %t", s, !want)
		}
	}
}
