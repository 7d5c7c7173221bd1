package geo

import (
	"cmp"
	"math"
	"slices"

	"sharpeyes/alerts"
)

// Overlap is how much of two shapes is the same ground.
type Overlap struct {
	A, B int     // indexes of the shapes, A below B
	Area float64 // square metres
}

// Coverage tells how shapes, such as the grids of a village, fill an area.
// Areas are in square metres, true to 1% up to the size of a prefecture, and
// shares of each other are true to far less.
type Coverage struct {
	Whole    float64   // of the area
	Parts    []float64 // of each shape
	Gaps     float64   // of the area that no shape covers
	Outside  []float64 // of each shape that lies outside the area
	Overlaps []Overlap // pairs with something in common, in the order of A, B
}

// GapShare is the share of the area that nothing covers, 0 to 1.
func (c Coverage) GapShare() float64 { return share(c.Gaps, c.Whole) }

// OutsideShare is the share of a shape that lies outside the area, 0 to 1.
func (c Coverage) OutsideShare(i int) float64 { return share(c.Outside[i], c.Parts[i]) }

// OverlapShare is the share of the smaller of the two shapes, 0 to 1.
func (c Coverage) OverlapShare(o Overlap) float64 {
	return share(o.Area, min(c.Parts[o.A], c.Parts[o.B]))
}

func share(part, whole float64) float64 {
	if !(whole > 0) {
		return 0
	}
	return min(max(part/whole, 0), 1)
}

const (
	// coverBudget bounds the work of one Cover: about a second.
	coverBudget = 30_000_000
	// nearlyNothing, in metres: sides that cross by less lie on each other.
	nearlyNothing = 1e-6
)

// Cover compares shapes with the area they should fill. ok is false where that
// would take too long: far more sides than places have.
//
// It cuts everything into slabs between the latitudes of all points and
// crossings; inside a slab no sides cross, so that what lies between two
// neighbouring sides is a trapezoid, and either all in a shape or all outside.
// No new polygon is made, so nothing can go wrong with sides that nearly
// coincide, as those of neighbours do.
func Cover(area alerts.MultiPolygon, shapes []alerts.MultiPolygon) (c Coverage, ok bool) {
	return cover(area, shapes, coverBudget)
}

func cover(area alerts.MultiPolygon, shapes []alerts.MultiPolygon, budget int) (c Coverage, ok bool) {
	s := &coverSweep{
		budget:   budget,
		inside:   make([]bool, len(shapes)+1),
		overlaps: make(map[[2]int]float64),
	}
	s.out.Parts = make([]float64, len(shapes))
	s.out.Outside = make([]float64, len(shapes))
	s.load(area, shapes)
	s.run()
	if s.budget < 0 {
		return Coverage{}, false
	}
	for pair, area := range s.overlaps {
		s.out.Overlaps = append(s.out.Overlaps, Overlap{A: pair[0], B: pair[1], Area: area})
	}
	slices.SortFunc(s.out.Overlaps, func(a, b Overlap) int {
		return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	return s.out, true
}

// wall is a side of a shape on a plane in metres, its southern end first. Shape
// 0 is the area, shape i+1 is shapes[i].
type wall struct {
	x0, y0, x1, y1 float64
	shape          int
}

func (w *wall) at(y float64) float64 {
	switch y { // ends exactly: neighbours share them
	case w.y0:
		return w.x0
	case w.y1:
		return w.x1
	}
	return w.x0 + (w.x1-w.x0)*((y-w.y0)/(w.y1-w.y0))
}

// cutWall is a wall where a slab cuts it: x on its southern and northern side.
type cutWall struct {
	south, north float64
	wall         int32
}

type coverSweep struct {
	walls    []wall
	levels   []float64
	budget   int
	inside   []bool // by shape
	within   []int  // shapes that are inside now, without the area
	overlaps map[[2]int]float64
	out      Coverage
}

func (s *coverSweep) load(area alerts.MultiPolygon, shapes []alerts.MultiPolygon) {
	box := BoxOf(area)
	for _, shape := range shapes {
		if b := BoxOf(shape); !b.Empty() {
			box.add(alerts.Point{Lon: b.West, Lat: b.South})
			box.add(alerts.Point{Lon: b.East, Lat: b.North})
		}
	}
	if box.Empty() {
		return
	}
	// Straight lines must stay straight, or neighbours with points of their
	// own along a common side would seem to overlap.
	metre := EarthRadius * radian
	squeeze := metre * math.Cos((box.South+box.North)/2*radian)
	add := func(n int, shape alerts.MultiPolygon) {
		for _, polygon := range shape {
			for _, ring := range polygon {
				for i, a := range ring {
					b := ring[(i+1)%len(ring)]
					if a.Lat > b.Lat {
						a, b = b, a
					}
					w := wall{(a.Lon - box.West) * squeeze, (a.Lat - box.South) * metre,
						(b.Lon - box.West) * squeeze, (b.Lat - box.South) * metre, n}
					if w.y0 < w.y1 {
						s.walls = append(s.walls, w)
						s.levels = append(s.levels, w.y0, w.y1)
					}
				}
			}
		}
	}
	add(0, area)
	for i, shape := range shapes {
		add(i+1, shape)
	}
	slices.SortFunc(s.walls, func(a, b wall) int { return cmp.Compare(a.y0, b.y0) })
	slices.Sort(s.levels)
	s.levels = slices.Compact(s.levels)
}

func (s *coverSweep) run() {
	var open []int32
	next := 0
	var cuts []cutWall
	for i := 0; i+1 < len(s.levels) && s.budget >= 0; i++ {
		south, north := s.levels[i], s.levels[i+1]
		open = slices.DeleteFunc(open, func(w int32) bool { return s.walls[w].y1 <= south })
		for next < len(s.walls) && s.walls[next].y0 <= south {
			open = append(open, int32(next))
			next++
		}
		cuts = s.slab(south, north, open, cuts[:0])
	}
}

// slab measures what lies between two latitudes. Where walls cross in between
// it measures the pieces between the crossings.
func (s *coverSweep) slab(south, north float64, open []int32, cuts []cutWall) []cutWall {
	type piece struct{ south, north float64 }
	pieces := []piece{{south, north}}
	for len(pieces) > 0 && s.budget >= 0 {
		p := pieces[len(pieces)-1]
		pieces = pieces[:len(pieces)-1]
		s.budget -= len(open) + 1
		cuts = cuts[:0]
		for _, w := range open {
			cuts = append(cuts, cutWall{s.walls[w].at(p.south), s.walls[w].at(p.north), w})
		}
		slices.SortFunc(cuts, func(a, b cutWall) int {
			return cmp.Or(cmp.Compare(a.south, b.south), cmp.Compare(a.north, b.north), cmp.Compare(a.wall, b.wall))
		})
		untwist(cuts)
		if y, crosses := firstCrossing(p.south, p.north, cuts); crosses {
			pieces = append(pieces, piece{y, p.north}, piece{p.south, y})
			continue
		}
		// Walls that meet at an end of the slab are in order in its middle.
		slices.SortFunc(cuts, func(a, b cutWall) int {
			return cmp.Or(cmp.Compare(a.south+a.north, b.south+b.north), cmp.Compare(a.wall, b.wall))
		})
		s.measure(p.north-p.south, cuts)
	}
	return cuts
}

// untwist puts walls that start in one point, but for rounding, in the order
// they leave it: a pair the wrong way round would hide the walls that one of
// them crosses from its neighbours.
func untwist(cuts []cutWall) {
	for i := 1; i < len(cuts); i++ {
		for j := i; j > 0 && cuts[j].south-cuts[j-1].south < nearlyNothing && cuts[j].north < cuts[j-1].north; j-- {
			cuts[j], cuts[j-1] = cuts[j-1], cuts[j]
		}
	}
}

// firstCrossing returns a latitude between two where walls cross that are
// neighbours on the southern side; if any cross, some neighbours do.
func firstCrossing(south, north float64, cuts []cutWall) (y float64, ok bool) {
	for i := 0; i+1 < len(cuts); i++ {
		a, b := &cuts[i], &cuts[i+1]
		before, after := b.south-a.south, a.north-b.north
		if before < nearlyNothing || after < nearlyNothing {
			continue
		}
		at := south + (north-south)*(before/(before+after))
		if at > south && at < north && (!ok || at < y) {
			y, ok = at, true
		}
	}
	return y, ok
}

// measure adds the trapezoids between the walls of a slab, from west to east.
func (s *coverSweep) measure(height float64, cuts []cutWall) {
	clear(s.inside)
	s.within = s.within[:0]
	for i := range cuts {
		shape := s.walls[cuts[i].wall].shape
		s.inside[shape] = !s.inside[shape]
		if shape > 0 {
			if s.inside[shape] {
				s.within = append(s.within, shape-1)
			} else {
				s.within = slices.DeleteFunc(s.within, func(n int) bool { return n == shape-1 })
			}
		}
		if i+1 == len(cuts) {
			return
		}
		width := (cuts[i+1].south - cuts[i].south + cuts[i+1].north - cuts[i].north) / 2
		if size := width * height; size != 0 {
			s.add(size)
		}
	}
}

func (s *coverSweep) add(size float64) {
	if s.inside[0] {
		s.out.Whole += size
		if len(s.within) == 0 {
			s.out.Gaps += size
		}
	}
	s.budget -= len(s.within) * len(s.within)
	for i, a := range s.within {
		s.out.Parts[a] += size
		if !s.inside[0] {
			s.out.Outside[a] += size
		}
		for _, b := range s.within[:i] {
			s.overlaps[[2]int{min(a, b), max(a, b)}] += size
		}
	}
}
