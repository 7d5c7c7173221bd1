package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

func TestDistanceAndBearing(t *testing.T) {
	// The two ends of the example of Geoscience Australia and Movable Type:
	// 50 03 59 N 5 42 53 W to 58 38 38 N 3 04 12 W, 968.9 km, 009 07 11.
	a := alerts.Point{Lon: -(5 + 42.0/60 + 53.0/3600), Lat: 50 + 3.0/60 + 59.0/3600}
	b := alerts.Point{Lon: -(3 + 4.0/60 + 12.0/3600), Lat: 58 + 38.0/60 + 38.0/3600}
	if d := Distance(a, b); !about(d, 968853, 10) {
		t.Errorf("distance %.0f", d)
	}
	if d := Bearing(a, b); !about(d, 9.1198, 0.001) {
		t.Errorf("bearing %.4f", d)
	}
	if d := Bearing(a, a); d != 0 {
		t.Errorf("bearing to itself %g", d)
	}
	for _, test := range []struct{ a, b, want float64 }{{0, 0, 0}, {350, 10, 20}, {10, 350, 20}, {0, 180, 180}, {360, 0, 0}, {725, 0, 5}} {
		if got := angleBetween(test.a, test.b); !about(got, test.want, 1e-9) {
			t.Errorf("angleBetween(%g, %g) = %g", test.a, test.b, got)
		}
	}
}

func TestDestinationIsWhereItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := alerts.Point{Lon: rapid.Float64Range(70, 140).Draw(t, "lon"), Lat: rapid.Float64Range(-60, 60).Draw(t, "lat")}
		bearing := rapid.Float64Range(0, 359.9).Draw(t, "bearing")
		metres := rapid.Float64Range(5, 20000).Draw(t, "metres")
		q := Destination(p, bearing, metres)
		if d := Distance(p, q); !about(d, metres, 1e-3+metres*1e-6) {
			t.Errorf("%g m became %g", metres, d)
		}
		if off := angleBetween(Bearing(p, q), bearing); off > 0.01 {
			t.Errorf("%g degrees off", off)
		}
	})
}

var corner = alerts.Point{Lon: 118.9, Lat: 31.9}

// standing is a camera so many metres from the corner, in a bearing.
func standing(id string, bearing, metres, azimuth, fov, reach float64) alerts.Camera {
	return alerts.Camera{ID: id, Point: Destination(corner, bearing, metres), Azimuth: azimuth, FOV: fov, Range: reach}
}

func TestNearRanks(t *testing.T) {
	cameras := NewCameras([]alerts.Camera{
		standing("looks here", 180, 50, 0, 60, 150), // south of the corner, looks north
		standing("looks here from afar", 180, 140, 0, 60, 150),
		standing("looks aside", 180, 50, 25, 60, 150),  // within the cone, off the axis
		standing("looks away", 180, 20, 180, 60, 150),  // nearest, but turned round
		standing("dome", 90, 100, 77, 360, 150),        // sees all around
		standing("out of reach", 180, 200, 0, 60, 150), // on the axis, too far
		standing("range unknown", 0, 90, 180, 60, 0),   // DefaultRange
		standing("range unknown, far", 0, 110, 180, 60, 0),
		standing("view unknown", 0, 10, 180, 0, 150),     // never for certain
		standing("sees far", 270, 3000, 90, 10, 5000),    // a high point
		standing("too far away", 270, 1500, 90, 10, 500), // not listed at all
		standing("broken", 180, 30, 0, 60, 150),
		standing("left out", 180, 10, 0, 60, 150),
	})
	health := func(id string) float64 {
		if id == "broken" {
			return math.NaN()
		}
		return 7 // more than sound is sound
	}
	keep := func(c *alerts.Camera) bool { return c.ID != "left out" }
	want := []struct {
		id     string
		inView bool
		score  float64
	}{
		{"looks here", true, 0.5 + 0.5*(0.6*(1-50.0/150)+0.4)},
		{"sees far", true, 0.5 + 0.5*(0.6*(1-3000.0/5000)+0.4)},
		{"dome", true, 0.5 + 0.5*(0.6*(1-100.0/150)+0.4)},
		{"looks aside", true, 0.5 + 0.5*(0.6*(1-50.0/150)+0.4*(1-25.0/30))},
		{"range unknown", true, 0.5 + 0.5*(0.6*(1-90.0/100)+0.4)},
		{"looks here from afar", true, 0.5 + 0.5*(0.6*(1-140.0/150)+0.4)},
		{"broken", true, 0.5},
		{"view unknown", false, 0.5 * 0.99},
		{"looks away", false, 0.5 * 0.98},
		{"range unknown, far", false, 0.5 * 0.89},
		{"out of reach", false, 0.5 * 0.8},
	}
	got := cameras.Near(corner, 100, keep, health)
	for i, s := range got {
		if i >= len(want) {
			t.Errorf("also %s", s.ID)
			continue
		}
		w := want[i]
		if s.ID != w.id || s.InView != w.inView || !about(s.Score, w.score, 1e-3) {
			t.Errorf("%d: %s in view %t %.4f, want %s %t %.4f", i, s.ID, s.InView, s.Score, w.id, w.inView, w.score)
		}
		if s.Score < 0 || s.Score > 1 {
			t.Errorf("%s scores %g", s.ID, s.Score)
		}
	}
	if len(got) < len(want) {
		t.Errorf("%d cameras, want %d", len(got), len(want))
	}
	for limit := range len(want) {
		short := cameras.Near(corner, limit, keep, health)
		if len(short) != limit || limit > 0 && short[limit-1].ID != want[limit-1].id {
			t.Errorf("limit %d: %d cameras", limit, len(short))
		}
	}
	if list := cameras.Near(corner, -1, nil, nil); list != nil {
		t.Errorf("limit -1: %v", list)
	}
}

func TestCameraAtThePoint(t *testing.T) {
	c := alerts.Camera{ID: "a", Point: corner, Azimuth: 200, FOV: 40, Range: 50}
	if s := Look(c, corner); !s.InView || s.Off != 0 || !about(s.Score, 1, 1e-9) {
		t.Errorf("%+v", s)
	}
	if s := Look(c, Destination(corner, 200, 49)); !s.InView {
		t.Error("the end of the axis is not in view")
	}
	if s := Look(c, Destination(corner, 225, 49)); s.InView || !about(s.Off, 25, 0.01) {
		t.Errorf("off by %g, in view %t", s.Off, s.InView)
	}
}

// The ranking by index is the ranking by looking at every camera.
func TestNearAgreesWithLooking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cameras := make([]alerts.Camera, rapid.IntRange(0, 60).Draw(t, "n"))
		for i := range cameras {
			cameras[i] = standing(fmt.Sprintf("c%02d", i), rapid.Float64Range(0, 360).Draw(t, "bearing"),
				rapid.Float64Range(0, 3000).Draw(t, "metres"), rapid.Float64Range(0, 360).Draw(t, "azimuth"),
				rapid.SampledFrom([]float64{0, 30, 90, 360}).Draw(t, "fov"), rapid.SampledFrom([]float64{0, 50, 800, 4000}).Draw(t, "range"))
		}
		limit := rapid.IntRange(1, 70).Draw(t, "limit")
		var want []string
		all := make([]alerts.SeenCamera, 0, len(cameras))
		for _, c := range cameras {
			if s := Look(c, corner); s.InView || s.Distance <= Nearby {
				all = append(all, s)
			}
		}
		slices.SortFunc(all, func(a, b alerts.SeenCamera) int {
			switch {
			case a.InView != b.InView && a.InView, a.InView == b.InView && a.Score > b.Score:
				return -1
			case a.InView == b.InView && a.Score == b.Score && (a.Distance < b.Distance || a.Distance == b.Distance && a.ID < b.ID):
				return -1
			}
			return 1
		})
		for _, s := range all[:min(limit, len(all))] {
			want = append(want, s.ID)
		}
		var got []string
		for _, s := range NewCameras(cameras).Near(corner, limit, nil, nil) {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestSeesGrid(t *testing.T) {
	c := alerts.Camera{Point: corner, Azimuth: 90, FOV: 60, Range: 200}
	at := func(bearing, metres float64) *Prepared {
		p := Destination(corner, bearing, metres)
		return Prepare(box(p.Lon-2e-4, p.Lat-2e-4, p.Lon+2e-4, p.Lat+2e-4))
	}
	for _, test := range []struct {
		name    string
		bearing float64
		metres  float64
		want    bool
	}{{"under it", 0, 0, true}, {"before it", 90, 150, true}, {"behind it", 270, 100, false}, {"too far", 90, 300, false}} {
		if got := SeesGrid(c, at(test.bearing, test.metres)); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
	c.FOV = 0
	if SeesGrid(c, at(90, 100)) {
		t.Error("a camera whose view is not known sees a grid")
	}
}

func BenchmarkNear(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	list := make([]alerts.Camera, 20000) // in 20 by 20 km
	for i := range list {
		list[i] = alerts.Camera{ID: fmt.Sprintf("c%05d", i), Point: alerts.Point{Lon: 113 + r.Float64()*0.21, Lat: 30 + r.Float64()*0.18},
			Azimuth: r.Float64() * 360, FOV: 90, Range: 50 + r.Float64()*200}
	}
	cameras := NewCameras(list)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		p := alerts.Point{Lon: 113 + float64(i%200)*0.001, Lat: 30 + float64(i%170)*0.001}
		if len(cameras.Near(p, 8, nil, nil)) == 0 {
			b.Fatal("nothing near")
		}
	}
}
