package geo

import (
	"math"
	"slices"

	"sharpeyes/alerts"
)

// flat projects a point to a plane on which areas are true (Lambert's
// cylindrical equal-area projection, metres).
func flat(p alerts.Point) (x, y float64) {
	return EarthRadius * p.Lon * radian, EarthRadius * math.Sin(p.Lat*radian)
}

// ringArea is the signed area of a ring in square metres: above 0 where it runs
// against the clock. It is measured from the first point, so that nothing is
// lost to the size of the coordinates.
func ringArea(ring alerts.Ring) float64 {
	if len(ring) < 3 {
		return 0
	}
	ox, oy := flat(ring[0])
	sum := 0.0
	px, py := 0.0, 0.0
	for _, p := range ring[1:] {
		x, y := flat(p)
		x, y = x-ox, y-oy
		sum += px*y - x*py
		px, py = x, y
	}
	return sum / 2
}

// Area returns the square metres of a shape: outsides less holes.
func Area(shape alerts.MultiPolygon) float64 {
	sum := 0.0
	for _, polygon := range shape {
		for i, ring := range polygon {
			if i == 0 {
				sum += math.Abs(ringArea(ring))
			} else {
				sum -= math.Abs(ringArea(ring))
			}
		}
	}
	return max(sum, 0)
}

// Wind turns the rings of a shape, in place, as RFC 7946 section 3.1.6 wants
// them: outsides against the clock, holes with it.
func Wind(shape alerts.MultiPolygon) {
	for _, polygon := range shape {
		for i, ring := range polygon {
			if (ringArea(ring) < 0) == (i == 0) {
				slices.Reverse(ring)
			}
		}
	}
}

// Centroid returns the centre of gravity of a shape, which may lie outside it;
// ok is false for a shape without area.
func Centroid(shape alerts.MultiPolygon) (c alerts.Point, ok bool) {
	var origin alerts.Point
	var sum, lon, lat float64
	first := true
	for _, polygon := range shape {
		for i, ring := range polygon {
			if len(ring) == 0 {
				continue
			}
			if first {
				origin, first = ring[0], false
			}
			a, x, y := ringMoment(ring, origin)
			if (a < 0) == (i == 0) { // as if wound as Wind does
				a, x, y = -a, -x, -y
			}
			sum, lon, lat = sum+a, lon+x, lat+y
		}
	}
	if !(sum > 0) {
		return alerts.Point{}, false
	}
	return alerts.Point{Lon: origin.Lon + lon/(3*sum), Lat: origin.Lat + lat/(3*sum)}, true
}

// ringMoment returns twice the area and six times the first moments in degrees
// around an origin.
func ringMoment(ring alerts.Ring, origin alerts.Point) (area, lon, lat float64) {
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		ax, ay := a.Lon-origin.Lon, a.Lat-origin.Lat
		bx, by := b.Lon-origin.Lon, b.Lat-origin.Lat
		cross := ax*by - bx*ay
		area, lon, lat = area+cross, lon+(ax+bx)*cross, lat+(ay+by)*cross
	}
	return area, lon, lat
}

// labelLines is how many lines of latitude LabelPoint tries.
const labelLines = 15

// LabelPoint returns a point well inside a shape: the centroid where that is
// inside, else the middle of the widest stretch on some lines of latitude. For
// a shape without area it is the middle of the box.
func LabelPoint(shape alerts.MultiPolygon) alerts.Point {
	if c, ok := Centroid(shape); ok && Contains(shape, c) {
		return c
	}
	box := BoxOf(shape)
	if box.Empty() {
		return alerts.Point{}
	}
	best := alerts.Point{Lon: (box.West + box.East) / 2, Lat: (box.South + box.North) / 2}
	widest := 0.0
	var cuts []float64
	for i := range labelLines {
		lat := box.South + (box.North-box.South)*float64(i+1)/(labelLines+1)
		cuts = cutsAt(shape, lat, cuts[:0])
		for j := 0; j+1 < len(cuts); j += 2 {
			mid := alerts.Point{Lon: (cuts[j] + cuts[j+1]) / 2, Lat: lat}
			if w := cuts[j+1] - cuts[j]; w > widest && Contains(shape, mid) {
				widest, best = w, mid
			}
		}
	}
	return best
}

// cutsAt returns the sorted longitudes at which a shape's edges cross a
// latitude; inside and outside alternate between them.
func cutsAt(shape alerts.MultiPolygon, lat float64, cuts []float64) []float64 {
	for _, polygon := range shape {
		for _, ring := range polygon {
			for i, a := range ring {
				b := ring[(i+1)%len(ring)]
				if (a.Lat <= lat) != (b.Lat <= lat) {
					cuts = append(cuts, a.Lon+(b.Lon-a.Lon)*(lat-a.Lat)/(b.Lat-a.Lat))
				}
			}
		}
	}
	slices.Sort(cuts)
	return cuts
}
