package geo

import (
	"math"

	"sharpeyes/alerts"
)

// GCJ-02 and BD-09 were never published by those who made them. The formulae
// are the ones that leaked in 2010 ("emq", WGS-84 to GCJ-02 for China) and
// those worked out for BD-09; they are described in Wikipedia, "Restrictions on
// geographic data in China", and used by wandergis/coordtransform and
// hujiulong/gcoord (GCJ-02 also by googollee/eviltransform), whose published
// pairs are the fixtures of the tests.
const (
	krasovskyAxis = 6378245.0             // metres, semi-major axis, SK-42
	krasovskyEcc2 = 0.0066934216229659432 // first eccentricity squared
	baiduTurn     = math.Pi * 3000 / 180
	baiduLon      = 0.0065 // degrees
	baiduLat      = 0.006
)

// inverseTolerance in degrees is a hundredth of a millimetre; each turn of the
// inverse shrinks the error by 50 at the least, so inverseTurns is never met.
const (
	inverseTolerance = 1e-10
	inverseTurns     = 16
)

// KnownSystem tells whether ToWGS84 takes a system; the empty one is WGS-84.
func KnownSystem(s alerts.CoordSystem) bool {
	return s == "" || s == alerts.WGS84 || s == alerts.GCJ02 || s == alerts.BD09
}

// ToWGS84 converts a point of a system to WGS-84, iteratively: going back with
// FromWGS84 errs by less than 1e-7 degrees (the one-pass inverse that is in use
// elsewhere is off by up to 2.5 m). Outside China GCJ-02 is WGS-84. A system
// that is not known leaves the point as it is; ask KnownSystem first.
func ToWGS84(system alerts.CoordSystem, p alerts.Point) alerts.Point {
	switch system {
	case alerts.GCJ02:
		return fromGCJ02(p)
	case alerts.BD09:
		return fromGCJ02(fromBD09(p))
	}
	return p
}

// FromWGS84 converts a WGS-84 point to a system.
func FromWGS84(system alerts.CoordSystem, p alerts.Point) alerts.Point {
	switch system {
	case alerts.GCJ02:
		return toGCJ02(p)
	case alerts.BD09:
		return toBD09(toGCJ02(p))
	}
	return p
}

// inChina is the rectangle inside which the formula shifts positions.
func inChina(p alerts.Point) bool {
	return p.Lon >= 72.004 && p.Lon <= 137.8347 && p.Lat >= 0.8293 && p.Lat <= 55.8271
}

func toGCJ02(p alerts.Point) alerts.Point {
	if !inChina(p) {
		return p
	}
	d := gcjShift(p)
	return alerts.Point{Lon: p.Lon + d.Lon, Lat: p.Lat + d.Lat}
}

// fromGCJ02 solves toGCJ02(w) = p. Within a kilometre of the rectangle's edge,
// far from any town of China, w may be on the other side of it; then p stays.
func fromGCJ02(p alerts.Point) alerts.Point {
	if !inChina(p) {
		return p
	}
	w := invert(p, p, func(q alerts.Point) alerts.Point {
		d := gcjShift(q)
		return alerts.Point{Lon: q.Lon + d.Lon, Lat: q.Lat + d.Lat}
	})
	if !inChina(w) {
		return p
	}
	return w
}

// gcjShift is the shift of GCJ-02 in degrees.
func gcjShift(p alerts.Point) alerts.Point {
	x, y := p.Lon-105, p.Lat-35
	root := math.Sqrt(math.Abs(x))
	wave := 20*math.Sin(6*math.Pi*x) + 20*math.Sin(2*math.Pi*x)
	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*root +
		2.0/3*(wave+20*math.Sin(math.Pi*y)+40*math.Sin(math.Pi*y/3)+
			160*math.Sin(math.Pi*y/12)+320*math.Sin(math.Pi*y/30))
	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*root +
		2.0/3*(wave+20*math.Sin(math.Pi*x)+40*math.Sin(math.Pi*x/3)+
			150*math.Sin(math.Pi*x/12)+300*math.Sin(math.Pi*x/30))

	sin, cos := math.Sincos(p.Lat * radian)
	w2 := 1 - krasovskyEcc2*sin*sin
	meridian := krasovskyAxis * (1 - krasovskyEcc2) / (w2 * math.Sqrt(w2))
	parallel := krasovskyAxis / math.Sqrt(w2) * cos
	return alerts.Point{Lon: east / (parallel * radian), Lat: north / (meridian * radian)}
}

// toBD09 converts GCJ-02 to BD-09.
func toBD09(p alerts.Point) alerts.Point {
	r := math.Hypot(p.Lon, p.Lat) + 0.00002*math.Sin(p.Lat*baiduTurn)
	sin, cos := math.Sincos(math.Atan2(p.Lat, p.Lon) + 0.000003*math.Cos(p.Lon*baiduTurn))
	return alerts.Point{Lon: r*cos + baiduLon, Lat: r*sin + baiduLat}
}

// fromBD09 converts BD-09 to GCJ-02. The closed form that is published beside
// toBD09 is its inverse to within half a metre, and the first guess here.
func fromBD09(p alerts.Point) alerts.Point {
	return invert(p, bd09Guess(p), toBD09)
}

func bd09Guess(p alerts.Point) alerts.Point {
	x, y := p.Lon-baiduLon, p.Lat-baiduLat
	r := math.Hypot(x, y) - 0.00002*math.Sin(y*baiduTurn)
	sin, cos := math.Sincos(math.Atan2(y, x) - 0.000003*math.Cos(x*baiduTurn))
	return alerts.Point{Lon: r * cos, Lat: r * sin}
}

// invert finds w with f(w) = p by fixed-point steps; f is the identity plus a
// shift that hardly changes from place to place.
func invert(p, guess alerts.Point, f func(alerts.Point) alerts.Point) alerts.Point {
	w := guess
	for range inverseTurns {
		q := f(w)
		dLon, dLat := p.Lon-q.Lon, p.Lat-q.Lat
		w.Lon, w.Lat = w.Lon+dLon, w.Lat+dLat
		if math.Abs(dLon) < inverseTolerance && math.Abs(dLat) < inverseTolerance {
			break
		}
	}
	return w
}

// Undo is what a position would be had it been given in another system: for one
// tagged WGS-84, what undoing GCJ-02 or BD-09 would give.
type Undo struct {
	System alerts.CoordSystem // the system the position may really be in
	Point  alerts.Point       // WGS-84, were it so
	Moved  float64            // metres from the position as it is tagged
	Inside bool               // the area holds Point
}

// Retag tells, of a position that lies outside its area, what it would be had it
// been given in one of the other systems; a person decides. Empty outside China,
// where nobody shifts.
func Retag(given alerts.Point, system alerts.CoordSystem, inside func(alerts.Point) bool) []Undo {
	now := ToWGS84(system, given)
	if !inChina(now) {
		return nil
	}
	if system == "" {
		system = alerts.WGS84
	}
	out := make([]Undo, 0, 2)
	for _, other := range [...]alerts.CoordSystem{alerts.WGS84, alerts.GCJ02, alerts.BD09} {
		if other == system {
			continue
		}
		q := ToWGS84(other, given)
		out = append(out, Undo{System: other, Point: q, Moved: Distance(now, q), Inside: inside(q)})
	}
	return out
}
