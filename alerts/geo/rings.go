package geo

import (
	"cmp"
	"fmt"
	"slices"

	"sharpeyes/alerts"
)

// MaxShapePoints bounds the points of one shape that Check accepts.
const MaxShapePoints = 20_000

// minArea in square metres: less is no place but a slip of the pen.
const minArea = 1.0

// Problem is something wrong with a shape. Path is in the manner of GeoJSON,
// "[0][1]" for the first polygon's first hole; empty for the shape itself.
type Problem struct {
	Path    string
	Message string
}

// maxProblems bounds what Check tells of one shape.
const maxProblems = 10

// Check returns what keeps a shape from being a valid multipolygon (OGC Simple
// Features 6.1.11, 6.1.14): rings closed, of four points at least and simple,
// holes inside, parts apart. Rings of a polygon may touch in points. The way
// rings are wound does not matter, see Wind.
func Check(shape alerts.MultiPolygon) []Problem {
	var out []Problem
	add := func(path, format string, args ...any) {
		if len(out) < maxProblems {
			out = append(out, Problem{path, fmt.Sprintf(format, args...)})
		}
	}
	points := 0
	for i, polygon := range shape {
		if len(polygon) == 0 {
			add(partPath(i), "has no ring; a polygon needs its outside")
		}
		for j, ring := range polygon {
			points += len(ring)
			checkRing(ringPath(i, j), ring, add)
		}
	}
	if len(shape) == 0 {
		add("", "has no polygon")
	}
	if points > MaxShapePoints {
		add("", "has %d points, at most %d are taken; simplify it", points, MaxShapePoints)
	}
	if len(out) > 0 {
		return out
	}
	for _, check := range [...]func(alerts.MultiPolygon, func(string, string, ...any)){checkCrossings, checkAreas, checkNesting} {
		if check(shape, add); len(out) > 0 {
			break
		}
	}
	return out
}

func partPath(i int) string    { return fmt.Sprintf("[%d]", i) }
func ringPath(i, j int) string { return fmt.Sprintf("[%d][%d]", i, j) }

func checkRing(path string, ring alerts.Ring, add func(string, string, ...any)) {
	if len(ring) < 4 {
		add(path, "has %d points; a closed ring needs four at least, the first repeated at the end", len(ring))
		return
	}
	if first, last := ring[0], ring[len(ring)-1]; first != last {
		add(path, "is not closed: it ends at %s, it must end where it begins, at %s", show(last), show(first))
		return
	}
	for i, p := range ring {
		if problem := PositionProblem(p); problem != "" {
			add(fmt.Sprintf("%s[%d]", path, i), "%s", problem)
			return
		}
	}
}

// checkAreas assumes that no ring crosses itself: then its area is what it
// encloses.
func checkAreas(shape alerts.MultiPolygon, add func(string, string, ...any)) {
	for i, polygon := range shape {
		for j := range polygon {
			if a := Area(alerts.MultiPolygon{polygon[j : j+1]}); a < minArea {
				add(ringPath(i, j), "encloses %.2g square metres; at least %g are wanted", a, minArea)
			}
		}
	}
}

func show(p alerts.Point) string { return fmt.Sprintf("%.6f, %.6f", p.Lon, p.Lat) }

// side is an edge of a ring as Check needs it; a is the earlier point.
type side struct {
	a, b                     alerts.Point
	west, east, south, north float64
	part, ring               int
	next                     int // in the same ring: index of the side that begins at b
	index                    int
}

func sidesOf(shape alerts.MultiPolygon) []side {
	var out []side
	for i, polygon := range shape {
		for j, ring := range polygon {
			first := len(out)
			for k := 0; k+1 < len(ring); k++ {
				a, b := ring[k], ring[k+1]
				if a == b {
					continue // a repeated point does no harm
				}
				n := len(out)
				out = append(out, side{a: a, b: b, west: min(a.Lon, b.Lon), east: max(a.Lon, b.Lon),
					south: min(a.Lat, b.Lat), north: max(a.Lat, b.Lat), part: i, ring: j, index: n, next: n + 1})
			}
			if len(out) > first {
				out[len(out)-1].next = first
			}
		}
	}
	return out
}

// span is what the sweep reads of a side that it has begun; it is small, as all
// that are open are read for each side.
type span struct {
	east, south, north float64
	side               int32
}

// checkCrossings finds where rings cross or touch themselves, or cross others:
// a sweep from west to east over the sides that span the same longitude.
func checkCrossings(shape alerts.MultiPolygon, add func(string, string, ...any)) {
	sides := sidesOf(shape)
	slices.SortFunc(sides, func(a, b side) int { return cmp.Compare(a.west, b.west) })
	var open []span
	told := map[[4]int]bool{}
	for i := range sides {
		s := &sides[i]
		kept := open[:0]
		for _, o := range open {
			if o.east < s.west {
				continue
			}
			kept = append(kept, o)
			if o.north < s.south || o.south > s.north {
				continue
			}
			if at, bad := conflict(&sides[o.side], s); bad {
				tellCrossing(&sides[o.side], s, at, told, add)
			}
			if len(told) >= maxProblems {
				return
			}
		}
		open = append(kept, span{s.east, s.south, s.north, int32(i)})
	}
}

// tellCrossing tells of two rings once, however often they cross.
func tellCrossing(x, y *side, at alerts.Point, told map[[4]int]bool, add func(string, string, ...any)) {
	if x.part > y.part || x.part == y.part && x.ring > y.ring {
		x, y = y, x
	}
	key := [4]int{x.part, x.ring, y.part, y.ring}
	if told[key] {
		return
	}
	told[key] = true
	path := ringPath(y.part, y.ring)
	switch {
	case x.part == y.part && x.ring == y.ring:
		add(path, "crosses or touches itself near %s; a ring must not", show(at))
	case x.part == y.part:
		add(path, "crosses ring %s near %s; a hole must lie inside the outside and apart from other holes", ringPath(x.part, x.ring), show(at))
	default:
		add(path, "crosses polygon %s near %s; the polygons of a shape must lie apart", partPath(x.part), show(at))
	}
}

// conflict tells whether two sides meet in a way that a valid shape's do not.
func conflict(s, o *side) (at alerts.Point, bad bool) {
	sameRing := s.part == o.part && s.ring == o.ring
	if sameRing && s.index == o.next {
		s, o = o, s
	}
	if sameRing && s.next == o.index {
		// Neighbours share a point; they must not run back over each other.
		back := turn(s.a, s.b, o.b) == 0 && (s.a.Lon-s.b.Lon)*(o.b.Lon-o.a.Lon)+(s.a.Lat-s.b.Lat)*(o.b.Lat-o.a.Lat) > 0
		return s.b, back
	}
	d1, d2 := turn(o.a, o.b, s.a), turn(o.a, o.b, s.b)
	if d1*d2 > 0 {
		return at, false
	}
	d3, d4 := turn(s.a, s.b, o.a), turn(s.a, s.b, o.b)
	if d1*d2 < 0 && d3*d4 < 0 {
		return crossing(s, o), true
	}
	if d1 == 0 && d2 == 0 {
		from, to, any := shared(s, o)
		return from, any && (sameRing || from != to)
	}
	if !sameRing {
		return at, false // they touch in a point at the most
	}
	switch {
	case d1 == 0 && within(o, s.a):
		return s.a, true
	case d2 == 0 && within(o, s.b):
		return s.b, true
	case d3 == 0 && within(s, o.a):
		return o.a, true
	case d4 == 0 && within(s, o.b):
		return o.b, true
	}
	return at, false
}

// turn is above 0 where c lies left of the way from a to b, 0 where on it.
func turn(a, b, c alerts.Point) int {
	l, r := (b.Lon-a.Lon)*(c.Lat-a.Lat), (b.Lat-a.Lat)*(c.Lon-a.Lon)
	return cmp.Compare(l, r)
}

func within(s *side, p alerts.Point) bool {
	return p.Lon >= s.west && p.Lon <= s.east && p.Lat >= s.south && p.Lat <= s.north
}

// shared returns the stretch that two sides on one line have in common.
func shared(s, o *side) (from, to alerts.Point, any bool) {
	var ends []alerts.Point
	for _, p := range [...]alerts.Point{s.a, s.b} {
		if within(o, p) {
			ends = append(ends, p)
		}
	}
	for _, p := range [...]alerts.Point{o.a, o.b} {
		if within(s, p) && !slices.Contains(ends, p) {
			ends = append(ends, p)
		}
	}
	if len(ends) == 0 {
		return from, to, false
	}
	return ends[0], ends[len(ends)-1], true
}

func crossing(s, o *side) alerts.Point {
	rx, ry := s.b.Lon-s.a.Lon, s.b.Lat-s.a.Lat
	qx, qy := o.b.Lon-o.a.Lon, o.b.Lat-o.a.Lat
	t := ((o.a.Lon-s.a.Lon)*qy - (o.a.Lat-s.a.Lat)*qx) / (rx*qy - ry*qx)
	return alerts.Point{Lon: s.a.Lon + t*rx, Lat: s.a.Lat + t*ry}
}

// checkNesting assumes that no rings cross: then one inner point of a ring
// tells where all of it lies.
func checkNesting(shape alerts.MultiPolygon, add func(string, string, ...any)) {
	for i, polygon := range shape {
		outside := Prepare(alerts.MultiPolygon{polygon[:1]})
		holes := make([]*Prepared, len(polygon))
		for j := 1; j < len(polygon); j++ {
			holes[j] = Prepare(alerts.MultiPolygon{polygon[j : j+1]})
		}
		for j := 1; j < len(polygon); j++ {
			p := LabelPoint(alerts.MultiPolygon{polygon[j : j+1]})
			if !outside.Contains(p) {
				add(ringPath(i, j), "lies outside its polygon; a hole must lie inside")
			}
			for k := 1; k < len(polygon); k++ {
				if k != j && holes[k].Contains(p) {
					add(ringPath(i, j), "lies inside the hole %s; holes must lie apart", ringPath(i, k))
				}
			}
		}
	}
	if len(shape) < 2 {
		return
	}
	parts := make([]*Prepared, len(shape))
	for i := range shape {
		parts[i] = Prepare(shape[i : i+1])
	}
	for i := range shape {
		p := LabelPoint(shape[i : i+1])
		for k := range shape {
			if k != i && parts[k].Contains(p) {
				add(partPath(i), "lies inside the polygon %s; the polygons of a shape must lie apart", partPath(k))
			}
		}
	}
}
