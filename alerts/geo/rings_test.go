package geo

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

func ring(coords ...float64) alerts.Ring {
	var r alerts.Ring
	for i := 0; i+1 < len(coords); i += 2 {
		r = append(r, alerts.Point{Lon: coords[i], Lat: coords[i+1]})
	}
	return r
}

func TestCheck(t *testing.T) {
	outside := rect(0, 0, 10, 10)
	tests := []struct {
		name  string
		shape alerts.MultiPolygon
		want  []Problem
	}{
		{"square", box(0, 0, 1, 1), nil},
		{"clockwise", alerts.MultiPolygon{{ring(0, 0, 0, 1, 1, 1, 1, 0, 0, 0)}}, nil},
		{"a point twice in a row", alerts.MultiPolygon{{ring(0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0)}}, nil},
		{"a point along a side", alerts.MultiPolygon{{ring(0, 0, 0.5, 0, 1, 0, 1, 1, 0, 1, 0, 0)}}, nil},
		{"hole", alerts.MultiPolygon{{outside, rect(2, 2, 3, 3)}}, nil},
		{"hole that touches in a point", alerts.MultiPolygon{{outside, ring(0, 5, 3, 4, 3, 6, 0, 5)}}, nil},
		{"parts that touch in a point", alerts.MultiPolygon{{rect(0, 0, 1, 1)}, {rect(1, 1, 2, 2)}}, nil},
		{"an island in a lake", alerts.MultiPolygon{{outside, rect(2, 2, 8, 8)}, {rect(4, 4, 5, 5)}}, nil},

		{"nothing", nil, []Problem{{"", "has no polygon"}}},
		{"no ring", alerts.MultiPolygon{{}}, []Problem{{"[0]", "has no ring; a polygon needs its outside"}}},
		{"three points", alerts.MultiPolygon{{ring(0, 0, 1, 1, 0, 0)}}, []Problem{{"[0][0]", "has 3 points; a closed ring needs four at least, the first repeated at the end"}}},
		{"open", alerts.MultiPolygon{{ring(0, 0, 1, 0, 1, 1, 0, 1)}}, []Problem{{"[0][0]", "is not closed: it ends at 0.000000, 1.000000, it must end where it begins, at 0.000000, 0.000000"}}},
		{"not degrees", alerts.MultiPolygon{{ring(0, 0, 5e6, 0, 1, 1, 0, 0)}}, []Problem{{"[0][0][1]", "5e+06, 0 are not degrees; projected coordinates in metres must be converted to longitude and latitude first"}}},
		{"no number", alerts.MultiPolygon{{ring(0, 0, 1, math.NaN(), 1, 1, 0, 0)}}, []Problem{{"[0][0][1]", "latitude NaN is not within -90 to 90"}}},
		{"bow tie", alerts.MultiPolygon{{ring(0, 0, 1, 1, 1, 0, 0, 1, 0, 0)}}, []Problem{{"[0][0]", "crosses or touches itself near 0.500000, 0.500000; a ring must not"}}},
		{"eight", alerts.MultiPolygon{{ring(0, 0, 1, 0, 1, 1, 2, 2, 1, 2, 1, 1, 0, 1, 0, 0)}}, []Problem{{"[0][0]", "crosses or touches itself near 1.000000, 1.000000; a ring must not"}}},
		{"spike", alerts.MultiPolygon{{ring(0, 0, 2, 0, 1, 0, 1, 1, 0, 0)}}, []Problem{{"[0][0]", "crosses or touches itself near 1.000000, 0.000000; a ring must not"}}},
		{"flat", alerts.MultiPolygon{{ring(0, 0, 1, 0, 2, 0, 0, 0)}}, []Problem{{"[0][0]", "crosses or touches itself near 0.000000, 0.000000; a ring must not"}}},
		{"tiny", alerts.MultiPolygon{{ring(0, 0, 1e-6, 0, 1e-6, 1e-6, 0, 0)}}, []Problem{{"[0][0]", "encloses 0.0062 square metres; at least 1 are wanted"}}},
		{"hole crosses", alerts.MultiPolygon{{outside, rect(8, 8, 12, 9)}}, []Problem{{"[0][1]", "crosses ring [0][0] near 10.000000, 8.000000; a hole must lie inside the outside and apart from other holes"}}},
		{"hole along a side", alerts.MultiPolygon{{outside, rect(8, 4, 10, 5)}}, []Problem{{"[0][1]", "crosses ring [0][0] near 10.000000, 4.000000; a hole must lie inside the outside and apart from other holes"}}},
		{"hole outside", alerts.MultiPolygon{{outside, rect(20, 20, 21, 21)}}, []Problem{{"[0][1]", "lies outside its polygon; a hole must lie inside"}}},
		{"hole in a hole", alerts.MultiPolygon{{outside, rect(2, 2, 8, 8), rect(3, 3, 4, 4)}}, []Problem{{"[0][2]", "lies inside the hole [0][1]; holes must lie apart"}}},
		{"parts cross", alerts.MultiPolygon{{rect(0, 0, 2, 2)}, {rect(1, 1, 3, 3)}}, []Problem{{"[1][0]", "crosses polygon [0] near 2.000000, 1.000000; the polygons of a shape must lie apart"}}},
		{"part in a part", alerts.MultiPolygon{{rect(0, 0, 9, 9)}, {rect(1, 1, 3, 3)}}, []Problem{{"[1]", "lies inside the polygon [0]; the polygons of a shape must lie apart"}}},
		{"too many points", alerts.MultiPolygon{{star(MaxShapePoints+1, 1, 1)}}, []Problem{{"", "has 20002 points, at most 20000 are taken; simplify it"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Check(test.shape)
			// Where two rings cross twice, either place may be told.
			if len(got) == 1 && len(test.want) == 1 && got[0].Path == test.want[0].Path && sameButPlace(got[0].Message, test.want[0].Message) {
				return
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// sameButPlace compares messages up to their " near lon, lat;".
func sameButPlace(a, b string) bool {
	strip := func(s string) string {
		from, to := -1, -1
		for i := 0; i+6 < len(s); i++ {
			if s[i:i+6] == " near " {
				from = i
			}
			if from >= 0 && to < 0 && s[i] == ';' {
				to = i
			}
		}
		if from < 0 || to < 0 {
			return s
		}
		return s[:from] + s[to:]
	}
	return strip(a) == strip(b)
}

// star is a simple ring of n points around 100, 30, closed.
func star(n int, seed uint64, size float64) alerts.Ring {
	r := rand.New(rand.NewPCG(seed, seed))
	out := make(alerts.Ring, 0, n+1)
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		d := size * (0.2 + 0.8*r.Float64())
		out = append(out, alerts.Point{Lon: 100 + d*cos, Lat: 30 + d*sin})
	}
	return append(out, out[0])
}

// A star is simple; with a point on the other side of its middle it is not.
func TestCheckStars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(8, 60).Draw(t, "n")
		r := star(n, rapid.Uint64().Draw(t, "seed"), 0.1)
		if p := Check(alerts.MultiPolygon{{r}}); p != nil {
			t.Errorf("a star: %v", p)
		}
		i := rapid.IntRange(1, n-1).Draw(t, "i")
		sin, cos := math.Sincos(2*math.Pi*float64(i)/float64(n) + math.Pi + 0.001)
		r = slices.Insert(r, i+1, alerts.Point{Lon: 100 + 0.3*cos, Lat: 30 + 0.3*sin})
		if p := Check(alerts.MultiPolygon{{r}}); len(p) == 0 {
			t.Error("a line through the star: no problem found")
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	shape := alerts.MultiPolygon{{star(MaxShapePoints-1, 5, 0.5)}}
	for i := 0; i < b.N; i++ {
		if p := Check(shape); p != nil {
			b.Fatal(p)
		}
	}
}

func TestMeasures(t *testing.T) {
	degree := EarthRadius * radian
	if got, want := Area(box(0, -0.5, 1, 0.5)), degree*degree; !about(got, want, want*1e-4) {
		t.Errorf("a degree squared at the equator has %g m2, want %g", got, want)
	}
	holed := alerts.MultiPolygon{{rect(0, 0, 0.03, 0.03), rect(0.01, 0.01, 0.02, 0.02)}}
	if got, want := Area(holed), 8e-4*degree*degree; !about(got, want, want*1e-4) {
		t.Errorf("with a hole %g m2, want %g", got, want)
	}
	if a := Area(nil); a != 0 {
		t.Errorf("nothing has %g m2", a)
	}
	wound := alerts.MultiPolygon{{slices.Clone(holed[0][0]), slices.Clone(holed[0][1])}}
	slices.Reverse(wound[0][0])
	Wind(wound)
	if ringArea(wound[0][0]) <= 0 || ringArea(wound[0][1]) >= 0 {
		t.Error("Wind did not turn the rings")
	}
	if c, ok := Centroid(box(10, 20, 11, 22)); !ok || !near(c, alerts.Point{Lon: 10.5, Lat: 21}, 1e-9) {
		t.Errorf("centroid %v, %t", c, ok)
	}
	if _, ok := Centroid(alerts.MultiPolygon{{ring(0, 0, 1, 1, 0, 0)}}); ok {
		t.Error("a line has a centroid")
	}
	if b := BoxOf(holed); b != (Box{0, 0, 0.03, 0.03}) {
		t.Errorf("box %+v", b)
	}
	if !BoxOf(nil).Empty() || EmptyBox().Contains(alerts.Point{}) {
		t.Error("the empty box is not empty")
	}
}

func TestLabelPointIsInside(t *testing.T) {
	horseshoe := alerts.MultiPolygon{{ring(0, 0, 10, 0, 10, 10, 9, 10, 9, 1, 1, 1, 1, 10, 0, 10, 0, 0)}}
	frame := alerts.MultiPolygon{{rect(0, 0, 10, 10), rect(1, 1, 9, 9)}}
	for name, shape := range map[string]alerts.MultiPolygon{"horseshoe": horseshoe, "frame": frame, "square": box(0, 0, 1, 1)} {
		if p := LabelPoint(shape); !Contains(shape, p) {
			t.Errorf("%s: %v is not inside", name, p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		shape := alerts.MultiPolygon{{star(rapid.IntRange(5, 40).Draw(t, "n"), rapid.Uint64().Draw(t, "seed"), 0.1)}}
		if p := LabelPoint(shape); !Contains(shape, p) {
			t.Errorf("%v is not inside", p)
		}
	})
	if p := LabelPoint(nil); p != (alerts.Point{}) {
		t.Errorf("of nothing: %v", p)
	}
}
