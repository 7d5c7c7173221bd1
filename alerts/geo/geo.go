// Package geo says where things are: coordinate systems, the grid (网格) at a
// point, the cameras that see a point.
//
// Invariants:
//   - Everything but ToWGS84 and FromWGS84 works in WGS-84 degrees; other
//     systems are converted once, at the edge.
//   - Index and Cameras never change after their making: any number of
//     goroutines may read them. A change of places means a new one.
//   - A point lies in a polygon by the half-open rule: of two polygons that
//     share an edge exactly one holds a point on it. West and south edges
//     belong to the polygon, east and north edges to the neighbour.
//   - Shapes do not cross the 180th meridian and do not hold a pole.
//
// Lookups allocate nothing; reading GeoJSON is bounded by Limits.
package geo

import (
	"math"

	"sharpeyes/alerts"
)

// EarthRadius is the mean radius of the earth in metres (IUGG R1).
const EarthRadius = 6371008.8

const radian = math.Pi / 180

// Distance returns the metres between two points on a sphere (haversine).
func Distance(a, b alerts.Point) float64 {
	sinLat := math.Sin((b.Lat - a.Lat) / 2 * radian)
	sinLon := math.Sin((b.Lon - a.Lon) / 2 * radian)
	h := sinLat*sinLat + math.Cos(a.Lat*radian)*math.Cos(b.Lat*radian)*sinLon*sinLon
	return 2 * EarthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

// Bearing returns the degrees from north, clockwise, 0 to below 360, in which b
// is seen from a; 0 where they are the same point.
func Bearing(a, b alerts.Point) float64 {
	sinA, cosA := math.Sincos(a.Lat * radian)
	sinB, cosB := math.Sincos(b.Lat * radian)
	sinD, cosD := math.Sincos((b.Lon - a.Lon) * radian)
	d := math.Atan2(sinD*cosB, cosA*sinB-sinA*cosB*cosD) / radian
	if d < 0 {
		d += 360
	}
	if d >= 360 { // -1e-17 + 360
		d = 0
	}
	return d
}

// angleBetween returns the degrees between two bearings, 0 to 180.
func angleBetween(a, b float64) float64 {
	d := math.Abs(math.Mod(a-b, 360))
	if d > 180 {
		d = 360 - d
	}
	return d
}

// Destination returns the point that lies metres away in a bearing.
func Destination(p alerts.Point, bearing, metres float64) alerts.Point {
	sinLat, cosLat := math.Sincos(p.Lat * radian)
	sinD, cosD := math.Sincos(metres / EarthRadius)
	sinB, cosB := math.Sincos(bearing * radian)
	lat := math.Asin(sinLat*cosD + cosLat*sinD*cosB)
	lon := p.Lon + math.Atan2(sinB*sinD*cosLat, cosD-sinLat*math.Sin(lat))/radian
	return alerts.Point{Lon: math.Mod(lon+540, 360) - 180, Lat: lat / radian}
}

// Valid tells whether a point is a position in degrees at all.
func Valid(p alerts.Point) bool {
	return p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90
}
