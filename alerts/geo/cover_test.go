package geo

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

// square is a square of metres near the equator, where a degree is the same
// both ways.
func square(x, y, size float64) alerts.MultiPolygon {
	const d = 1 / (EarthRadius * radian)
	return box(x*d, y*d, (x+size)*d, (y+size)*d)
}

func about(got, want, within float64) bool { return math.Abs(got-want) <= within }

func TestCover(t *testing.T) {
	area := square(0, 0, 1000)
	t.Run("nothing in it", func(t *testing.T) {
		c, ok := Cover(area, nil)
		if !ok || !about(c.Whole, 1e6, 1) || !about(c.GapShare(), 1, 1e-9) {
			t.Errorf("%+v, %t", c, ok)
		}
	})
	t.Run("exactly filled", func(t *testing.T) {
		c, ok := Cover(area, []alerts.MultiPolygon{
			square(0, 0, 500), square(500, 0, 500), square(0, 500, 500), square(500, 500, 500)})
		if !ok || c.Gaps > 1e-3 || len(c.Overlaps) > 0 || c.Outside[3] > 1e-3 {
			t.Errorf("%+v, %t", c, ok)
		}
	})
	t.Run("overlap, gap and outside", func(t *testing.T) {
		c, ok := Cover(area, []alerts.MultiPolygon{square(0, 0, 600), square(500, 500, 600)})
		if !ok || !about(c.Gaps, 1e6-360000-250000+10000, 1) {
			t.Errorf("gaps %g", c.Gaps)
		}
		if len(c.Overlaps) != 1 || !about(c.Overlaps[0].Area, 10000, 1) || !about(c.OverlapShare(c.Overlaps[0]), 1.0/36, 1e-6) {
			t.Errorf("overlaps %+v", c.Overlaps)
		}
		if c.Outside[0] > 1e-3 || !about(c.OutsideShare(1), 11.0/36, 1e-6) {
			t.Errorf("outside %v", c.Outside)
		}
	})
	t.Run("hole and crossing diagonals", func(t *testing.T) {
		const d = 1 / (EarthRadius * radian)
		holed := append(alerts.MultiPolygon{}, area...)
		holed[0] = append([]alerts.Ring{holed[0][0]}, square(400, 400, 200)[0][0])
		diamond := alerts.MultiPolygon{{{{Lon: 500 * d, Lat: 300 * d}, {Lon: 700 * d, Lat: 500 * d}, {Lon: 500 * d, Lat: 700 * d}, {Lon: 300 * d, Lat: 500 * d}, {Lon: 500 * d, Lat: 300 * d}}}}
		c, ok := Cover(holed, []alerts.MultiPolygon{diamond})
		// The diamond is 80,000; the hole, 40,000, lies in it wholly.
		if !ok || !about(c.Whole, 960000, 1) || !about(c.Parts[0], 80000, 1) || !about(c.Outside[0], 40000, 1) {
			t.Errorf("%+v, %t", c, ok)
		}
	})
	t.Run("a point of a neighbour along a side", func(t *testing.T) {
		const d = 1 / (EarthRadius * radian)
		a := alerts.MultiPolygon{{{{Lon: 0, Lat: 0}, {Lon: 700 * d, Lat: 0}, {Lon: 300 * d, Lat: 1000 * d}, {Lon: 0, Lat: 1000 * d}, {Lon: 0, Lat: 0}}}}
		third := alerts.Point{Lon: 700*d - 400*d/3, Lat: 1000 * d / 3}
		b := alerts.MultiPolygon{{{{Lon: 700 * d, Lat: 0}, {Lon: 1000 * d, Lat: 0}, {Lon: 1000 * d, Lat: 1000 * d}, {Lon: 300 * d, Lat: 1000 * d}, third, {Lon: 700 * d, Lat: 0}}}}
		c, ok := Cover(area, []alerts.MultiPolygon{a, b})
		if !ok || c.Gaps > 1e-3 {
			t.Errorf("gaps %g", c.Gaps)
		}
		for _, o := range c.Overlaps {
			if o.Area > 1e-3 {
				t.Errorf("overlap %+v", o)
			}
		}
	})
}

func TestCoverOfCrookedGrids(t *testing.T) {
	grids := crookedGrids(12, 5, rand.New(rand.NewPCG(7, 8)))
	shapes := make([]alerts.MultiPolygon, len(grids))
	whole := EmptyBox()
	for i, g := range grids {
		shapes[i] = g.Shape
		b := BoxOf(g.Shape)
		whole.add(alerts.Point{Lon: b.West, Lat: b.South})
		whole.add(alerts.Point{Lon: b.East, Lat: b.North})
	}
	c, ok := Cover(box(whole.West, whole.South, whole.East, whole.North), shapes)
	if !ok || c.GapShare() > 1e-6 {
		t.Errorf("gap share %g, %t", c.GapShare(), ok)
	}
	for _, o := range c.Overlaps {
		if c.OverlapShare(o) > 1e-6 {
			t.Errorf("%+v", o)
		}
	}
	for i := range shapes {
		if c.OutsideShare(i) > 1e-6 {
			t.Errorf("grid %d: %g outside", i, c.OutsideShare(i))
		}
		if !about(c.Parts[i]/Area(shapes[i]), 1, 0.01) {
			t.Errorf("grid %d: %g m2 by Cover, %g by Area", i, c.Parts[i], Area(shapes[i]))
		}
	}
}

// Any two triangles: what they share is what a count of points says, and
// Overlap, Outside and Gaps agree with each other.
func TestCoverAgreesWithCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const d = 1 / (EarthRadius * radian)
		at := rapid.Float64Range(0, 1000*d)
		triangle := func(name string) alerts.MultiPolygon {
			var r alerts.Ring
			for range 3 {
				r = append(r, alerts.Point{Lon: at.Draw(t, name), Lat: at.Draw(t, name)})
			}
			return alerts.MultiPolygon{{append(r, r[0])}}
		}
		a, b := triangle("a"), triangle("b")
		c, ok := Cover(a, []alerts.MultiPolygon{b})
		if !ok {
			t.Fatal("too much work")
		}
		both := 0
		const n = 60
		for i := range n {
			for j := range n {
				p := alerts.Point{Lon: (float64(i) + 0.5) * 1000 * d / n, Lat: (float64(j) + 0.5) * 1000 * d / n}
				if Contains(a, p) && Contains(b, p) {
					both++
				}
			}
		}
		common := float64(both) * 1e6 / (n * n)
		if got := c.Whole - c.Gaps; !about(got, common, 40000) {
			t.Errorf("common by gaps %g, by counting %g", got, common)
		}
		if got := c.Parts[0] - c.Outside[0]; !about(got, c.Whole-c.Gaps, 1e-3) {
			t.Errorf("common by outside %g, by gaps %g", got, c.Whole-c.Gaps)
		}
		if !about(c.Parts[0], Area(b), 1e-3*Area(b)+1) {
			t.Errorf("part %g, area %g", c.Parts[0], Area(b))
		}
	})
}

// Two walls that leave one corner in the wrong order hid a third behind them.
func TestCoverWhereWallsLeaveOneCorner(t *testing.T) {
	const top = 0.00899320363724538
	ring := func(p ...alerts.Point) alerts.MultiPolygon { return alerts.MultiPolygon{{append(p, p[0])}} }
	a := ring(alerts.Point{Lon: 0.001953125, Lat: top}, alerts.Point{Lon: top, Lat: 0.00390625}, alerts.Point{Lon: 0.00390625, Lat: 0.00390625})
	b := ring(alerts.Point{Lon: top, Lat: top}, alerts.Point{Lon: top, Lat: 0.00390625}, alerts.Point{Lon: 0.0009765625, Lat: 0.001953125})
	c, ok := Cover(a, []alerts.MultiPolygon{b})
	if got := c.Whole - c.Gaps; !ok || !about(got, 80278, 2000) {
		t.Errorf("%g m2 in common, %t", got, ok)
	}
}

func TestCoverGivesUp(t *testing.T) {
	// The teeth of one comb across those of another: a million crossings.
	var comb, across alerts.Ring
	const d = 1e-5
	for i := range 1000 {
		x := float64(i) * d
		comb = append(comb, alerts.Point{Lon: x, Lat: float64(i%2) * 1000 * d})
		across = append(across, alerts.Point{Lon: float64(i%2) * 1000 * d, Lat: x})
	}
	comb = append(comb, comb[0])
	across = append(across, across[0])
	if _, ok := cover(alerts.MultiPolygon{{comb}}, []alerts.MultiPolygon{{{across}}}, coverBudget/100); ok {
		t.Error("Cover did not give up")
	}
}

func BenchmarkCover(b *testing.B) {
	grids := crookedGrids(20, 10, rand.New(rand.NewPCG(7, 8)))
	shapes := make([]alerts.MultiPolygon, len(grids))
	for i, g := range grids {
		shapes[i] = g.Shape
	}
	for i := 0; i < b.N; i++ {
		if _, ok := Cover(box(113, 30, 113.08, 30.08), shapes); !ok {
			b.Fatal("gave up")
		}
	}
}
