package geo

import (
	"math"

	"sharpeyes/alerts"
)

// edge is a side of a ring with its southern end first, so that the polygons on
// both sides of a shared edge compute with the very same numbers.
type edge struct {
	south, north alerts.Point
}

// eastOf tells whether the edge passes east of a point whose latitude it spans.
// A point on the edge counts as east of it: the western half of the half-open
// rule.
func (e edge) eastOf(p alerts.Point) bool {
	return (e.north.Lon-e.south.Lon)*(p.Lat-e.south.Lat) > (p.Lon-e.south.Lon)*(e.north.Lat-e.south.Lat)
}

// edgesPerBand is how many edges a band of a prepared shape holds on average.
const (
	edgesPerBand = 4
	maxBands     = 4096
)

// Prepared is a shape made ready for fast Contains: its edges, holes included,
// sorted into bands of latitude. It does not change.
type Prepared struct {
	// A lookup reads these four, one cache line.
	south float64
	scale float64 // bands per degree
	first []int32 // first[i]:first[i+1] are the edges of band i
	edges []edge

	box Box
}

// Prepare makes a shape ready. Rings need not be closed or wound either way:
// inside is what an odd number of edges encloses.
func Prepare(shape alerts.MultiPolygon) *Prepared {
	var all []edge
	box := EmptyBox()
	for _, polygon := range shape {
		for _, ring := range polygon {
			for i, p := range ring {
				box.add(p)
				q := ring[(i+1)%len(ring)]
				switch {
				case p.Lat < q.Lat:
					all = append(all, edge{p, q})
				case p.Lat > q.Lat:
					all = append(all, edge{q, p})
				} // level edges never decide
			}
		}
	}
	s := &Prepared{box: box, south: box.South}
	height := box.North - box.South
	if len(all) == 0 || !(height > 0) {
		return s
	}
	bands := min(max(len(all)/edgesPerBand, 1), maxBands)
	s.scale = float64(bands) / height
	count := make([]int32, bands+1)
	for _, e := range all {
		for b := s.band(e.south.Lat, bands); b <= s.band(e.north.Lat, bands); b++ {
			count[b+1]++
		}
	}
	for b := range bands {
		count[b+1] += count[b]
	}
	s.first = count
	s.edges = make([]edge, count[bands])
	next := append([]int32(nil), count[:bands]...)
	for _, e := range all {
		for b := s.band(e.south.Lat, bands); b <= s.band(e.north.Lat, bands); b++ {
			s.edges[next[b]] = e
			next[b]++
		}
	}
	return s
}

func (s *Prepared) band(lat float64, bands int) int {
	return min(max(int((lat-s.south)*s.scale), 0), bands-1)
}

// Box returns the bounding box.
func (s *Prepared) Box() Box { return s.box }

// Contains tells whether a point lies in the shape by the half-open rule.
func (s *Prepared) Contains(p alerts.Point) bool {
	return s.box.Contains(p) && s.holds(p)
}

// holds is Contains for a point in the box.
func (s *Prepared) holds(p alerts.Point) bool {
	if len(s.first) == 0 {
		return false
	}
	b := s.band(p.Lat, len(s.first)-1)
	in := false
	for _, e := range s.edges[s.first[b]:s.first[b+1]] {
		if e.south.Lat <= p.Lat && p.Lat < e.north.Lat && e.eastOf(p) {
			in = !in
		}
	}
	return in
}

// Contains tells whether a point lies in a shape. For many points, Prepare.
func Contains(shape alerts.MultiPolygon, p alerts.Point) bool {
	in := false
	for _, polygon := range shape {
		for _, ring := range polygon {
			if ringContains(ring, p) {
				in = !in
			}
		}
	}
	return in
}

func ringContains(ring alerts.Ring, p alerts.Point) bool {
	in := false
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if a.Lat > b.Lat {
			a, b = b, a
		}
		if a.Lat <= p.Lat && p.Lat < b.Lat && (edge{a, b}).eastOf(p) {
			in = !in
		}
	}
	return in
}

// Box is a bounding box in degrees.
type Box struct {
	West, South, East, North float64
}

// EmptyBox returns the box that holds nothing.
func EmptyBox() Box {
	return Box{West: math.Inf(1), South: math.Inf(1), East: math.Inf(-1), North: math.Inf(-1)}
}

// BoxOf returns the bounding box of a shape.
func BoxOf(shape alerts.MultiPolygon) Box {
	b := EmptyBox()
	for _, polygon := range shape {
		for _, ring := range polygon {
			for _, p := range ring {
				b.add(p)
			}
		}
	}
	return b
}

func (b *Box) add(p alerts.Point) {
	b.West, b.East = min(b.West, p.Lon), max(b.East, p.Lon)
	b.South, b.North = min(b.South, p.Lat), max(b.North, p.Lat)
}

// Empty tells whether the box holds nothing.
func (b Box) Empty() bool { return !(b.West <= b.East && b.South <= b.North) }

// Contains tells whether the box holds a point; its edges belong to it.
func (b Box) Contains(p alerts.Point) bool {
	return p.Lon >= b.West && p.Lon <= b.East && p.Lat >= b.South && p.Lat <= b.North
}

// Touches tells whether two boxes have a point in common.
func (b Box) Touches(c Box) bool {
	return b.West <= c.East && c.West <= b.East && b.South <= c.North && c.South <= b.North
}

// Grow returns the box with a margin of metres on every side.
func (b Box) Grow(metres float64) Box {
	lat := metres / (EarthRadius * radian)
	widest := min(max(math.Abs(b.South), math.Abs(b.North))+lat, 89)
	lon := lat / math.Cos(widest*radian)
	return Box{West: b.West - lon, South: b.South - lat, East: b.East + lon, North: b.North + lat}
}
