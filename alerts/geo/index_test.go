package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

func box(w, s, e, n float64) alerts.MultiPolygon {
	return alerts.MultiPolygon{{rect(w, s, e, n)}}
}

func rect(w, s, e, n float64) alerts.Ring {
	return alerts.Ring{{Lon: w, Lat: s}, {Lon: e, Lat: s}, {Lon: e, Lat: n}, {Lon: w, Lat: n}, {Lon: w, Lat: s}}
}

// crookedGrids cuts a rectangle into n by n cells whose inner corners are moved
// at random: quadrilaterals with points along each side, no overlaps, no gaps.
func crookedGrids(n, perSide int, r *rand.Rand) []alerts.Grid {
	const west, south, cell = 113.0, 30.0, 0.004
	corner := make([][]alerts.Point, n+1)
	for i := range corner {
		corner[i] = make([]alerts.Point, n+1)
		for j := range corner[i] {
			p := alerts.Point{Lon: west + cell*float64(i), Lat: south + cell*float64(j)}
			if i > 0 && i < n && j > 0 && j < n {
				p.Lon += (r.Float64() - 0.5) * cell * 0.6
				p.Lat += (r.Float64() - 0.5) * cell * 0.6
			}
			corner[i][j] = p
		}
	}
	side := func(ring alerts.Ring, a, b alerts.Point) alerts.Ring {
		// The same numbers whichever way the side is walked.
		from, to, turned := a, b, false
		if a.Lon > b.Lon || a.Lon == b.Lon && a.Lat > b.Lat {
			from, to, turned = b, a, true
		}
		for k := range perSide {
			m := k
			if turned {
				m = perSide - k
			}
			f := float64(m) / float64(perSide)
			p := alerts.Point{Lon: from.Lon + (to.Lon-from.Lon)*f, Lat: from.Lat + (to.Lat-from.Lat)*f}
			if m == 0 {
				p = from
			} else if m == perSide {
				p = to
			}
			ring = append(ring, p)
		}
		return ring
	}
	grids := make([]alerts.Grid, 0, n*n)
	for i := range n {
		for j := range n {
			a, b, c, d := corner[i][j], corner[i+1][j], corner[i+1][j+1], corner[i][j+1]
			var ring alerts.Ring
			ring = side(ring, a, b)
			ring = side(ring, b, c)
			ring = side(ring, c, d)
			ring = side(ring, d, a)
			ring = append(ring, ring[0])
			grids = append(grids, alerts.Grid{ID: fmt.Sprintf("g%05d", len(grids)), AreaID: "v", Shape: alerts.MultiPolygon{{ring}}})
		}
	}
	return grids
}

// Every point of the rectangle, those on corners and sides included, belongs to
// exactly one grid; on the outer east and north edges to none.
func TestSharedEdgeBelongsToOneGrid(t *testing.T) {
	grids := crookedGrids(6, 3, rand.New(rand.NewPCG(1, 2)))
	index := NewIndex(nil, grids)
	outside := BoxOf(alerts.MultiPolygon{{grids[0].Shape[0][0], grids[len(grids)-1].Shape[0][0]}})
	check := func(t interface{ Errorf(string, ...any) }, p alerts.Point) {
		holders := 0
		for _, g := range grids {
			if Contains(g.Shape, p) != Prepare(g.Shape).Contains(p) {
				t.Errorf("Contains and Prepare differ at %v for %s", p, g.ID)
			}
			if Contains(g.Shape, p) {
				holders++
			}
		}
		want := 1
		if p.Lon >= outside.East || p.Lat >= outside.North {
			want = 0
		}
		if holders != want {
			t.Errorf("%v is in %d grids, want %d", p, holders, want)
		}
		if _, ok := index.Grid(p); ok != (want == 1) {
			t.Errorf("Grid(%v) found = %t", p, ok)
		}
	}
	for _, g := range grids {
		ring := g.Shape[0][0]
		for i, p := range ring[:len(ring)-1] {
			q := ring[i+1]
			check(t, p)
			check(t, alerts.Point{Lon: (p.Lon + q.Lon) / 2, Lat: (p.Lat + q.Lat) / 2})
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, alerts.Point{Lon: rapid.Float64Range(outside.West, outside.East).Draw(t, "lon"),
			Lat: rapid.Float64Range(outside.South, outside.North).Draw(t, "lat")})
	})
}

func TestContainsHolesAndParts(t *testing.T) {
	shape := alerts.MultiPolygon{
		{rect(0, 0, 10, 10), rect(4, 4, 6, 6)},
		{rect(20, 0, 21, 1)},
	}
	tests := []struct {
		name string
		p    alerts.Point
		want bool
	}{
		{"inside", alerts.Point{Lon: 1, Lat: 1}, true},
		{"in the hole", alerts.Point{Lon: 5, Lat: 5}, false},
		{"second part", alerts.Point{Lon: 20.5, Lat: 0.5}, true},
		{"between the parts", alerts.Point{Lon: 15, Lat: 0.5}, false},
		{"south-west corner", alerts.Point{Lon: 0, Lat: 0}, true},
		{"north-east corner", alerts.Point{Lon: 10, Lat: 10}, false},
		{"west edge of the hole", alerts.Point{Lon: 4, Lat: 5}, false},
		{"east edge of the hole", alerts.Point{Lon: 6, Lat: 5}, true},
		{"not a number", alerts.Point{Lon: math.NaN(), Lat: 1}, false},
		{"infinite", alerts.Point{Lon: math.Inf(1), Lat: 1}, false},
	}
	prepared := Prepare(shape)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := prepared.Contains(test.p); got != test.want {
				t.Errorf("Prepared.Contains = %t", got)
			}
			if got := Contains(shape, test.p); got != test.want {
				t.Errorf("Contains = %t", got)
			}
		})
	}
	if Prepare(nil).Contains(alerts.Point{}) {
		t.Error("the empty shape holds a point")
	}
}

func TestIndexTree(t *testing.T) {
	areas := []alerts.Area{
		{ID: "city", Shape: box(0, 0, 10, 10)},
		{ID: "county", ParentID: "city", Shape: box(0, 0, 5, 10)},
		{ID: "town", ParentID: "county", Shape: box(0, 0, 5, 5)},
		{ID: "village", ParentID: "town", Shape: box(0, 0, 2, 2)},
		{ID: "rival", ParentID: "town", Shape: box(1, 1, 2, 2)},
		{ID: "shapeless", ParentID: "city"},
	}
	grids := []alerts.Grid{
		{ID: "g1", AreaID: "village", Shape: box(0, 0, 1, 1)},
		{ID: "big", AreaID: "village", Shape: box(0, 0, 1.5, 1.5)},
		{ID: "twin-b", AreaID: "village", Shape: box(7, 7, 8, 8)},
		{ID: "twin-a", AreaID: "village", Shape: box(7, 7, 8, 8)},
	}
	index := NewIndex(areas, grids)
	tests := []struct {
		name       string
		p          alerts.Point
		area, grid string
		place      Place
	}{
		{"grid decides", alerts.Point{Lon: 0.5, Lat: 0.5}, "village", "g1", Place{"village", "g1"}},
		{"smallest of two grids", alerts.Point{Lon: 1.2, Lat: 0.5}, "village", "big", Place{"village", "big"}},
		{"smallest of one depth", alerts.Point{Lon: 1.7, Lat: 1.7}, "rival", "", Place{"rival", ""}},
		{"township", alerts.Point{Lon: 4, Lat: 4}, "town", "", Place{"town", ""}},
		{"city", alerts.Point{Lon: 9, Lat: 9}, "city", "", Place{"city", ""}},
		{"lowest id of equals", alerts.Point{Lon: 7.5, Lat: 7.5}, "city", "twin-a", Place{"village", "twin-a"}},
		{"nowhere", alerts.Point{Lon: 50, Lat: 50}, "", "", Place{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if a, ok := index.Area(test.p); a.ID != test.area || ok != (test.area != "") {
				t.Errorf("Area = %q, %t", a.ID, ok)
			}
			if g, ok := index.Grid(test.p); g.ID != test.grid || ok != (test.grid != "") {
				t.Errorf("Grid = %q, %t", g.ID, ok)
			}
			if got := index.Locate(test.p); got != test.place {
				t.Errorf("Locate = %+v", got)
			}
		})
	}
	if holds, known := index.AreaHolds("town", alerts.Point{Lon: 4, Lat: 4}); !holds || !known {
		t.Errorf("AreaHolds(town) = %t, %t", holds, known)
	}
	if _, known := index.AreaHolds("shapeless", alerts.Point{}); known {
		t.Error("an area without a shape is known")
	}
	if a, ok := index.AreaByID("town"); !ok || a.ID != "town" {
		t.Error("AreaByID(town) is not there")
	}
	if _, ok := index.GridByID("none"); ok {
		t.Error("GridByID(none) is there")
	}
}

// A cycle of parents, which the import refuses, must not hang the index.
func TestIndexSurvivesCycle(t *testing.T) {
	index := NewIndex([]alerts.Area{{ID: "a", ParentID: "b", Shape: box(0, 0, 1, 1)}, {ID: "b", ParentID: "a"}}, nil)
	if a, ok := index.Area(alerts.Point{Lon: 0.5, Lat: 0.5}); !ok || a.ID != "a" {
		t.Errorf("Area = %q, %t", a.ID, ok)
	}
}

func TestLookupsDoNotAllocate(t *testing.T) {
	index := NewIndex([]alerts.Area{{ID: "a", Shape: box(112, 29, 115, 32)}}, crookedGrids(10, 4, rand.New(rand.NewPCG(3, 4))))
	p := alerts.Point{Lon: 113.0123, Lat: 30.0171}
	if n := testing.AllocsPerRun(100, func() {
		index.Grid(p)
		index.Area(p)
		index.Locate(p)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGridAt(b *testing.B) {
	const n = 142 // 20,164 grids of 40 points
	r := rand.New(rand.NewPCG(5, 6))
	grids := crookedGrids(n, 10, r)
	index := NewIndex(nil, grids)
	points := make([]alerts.Point, 4096)
	for i := range points {
		points[i] = alerts.Point{Lon: 113 + r.Float64()*0.004*n, Lat: 30 + r.Float64()*0.004*n}
	}
	b.ReportAllocs()
	b.ResetTimer()
	found := 0
	for i := 0; i < b.N; i++ {
		if _, ok := index.Grid(points[i%len(points)]); ok {
			found++
		}
	}
	if found == 0 {
		b.Fatal("nothing found")
	}
}
