package geo

import (
	"fmt"
	"math"
	"strconv"

	"sharpeyes/alerts"
)

// coordReader reads the coordinates of one geometry. encoding/json has checked
// the syntax; what is checked here is the shape, the numbers and the bounds.
// A number and two brackets cost 40 bytes here, not the 200 of [][]float64.
type coordReader struct {
	data   []byte
	at     int
	points *int // left of the file's points; below 0: too many
	faults int
	report func(path, message string)
}

// maxCoordFaults bounds the faults that one geometry reports.
const maxCoordFaults = 10

func (c *coordReader) fault(path, format string, args ...any) {
	if c.faults++; c.faults <= maxCoordFaults {
		c.report(path, fmt.Sprintf(format, args...))
	}
}

func (c *coordReader) space() {
	for c.at < len(c.data) {
		switch c.data[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return
		}
	}
}

func (c *coordReader) take(b byte) bool {
	c.space()
	if c.at < len(c.data) && c.data[c.at] == b {
		c.at++
		return true
	}
	return false
}

// array calls item for each element of an array; false where there is none.
func (c *coordReader) array(path, want string, item func(path string) bool) bool {
	if !c.take('[') {
		c.fault(path, "must be %s", want)
		return false
	}
	if c.take(']') {
		return true
	}
	for i := 0; ; i++ {
		if *c.points < 0 || !item(path+"["+strconv.Itoa(i)+"]") {
			return false
		}
		if c.take(']') {
			return true
		}
		if !c.take(',') {
			c.fault(path, "must be %s", want)
			return false
		}
	}
}

func (c *coordReader) multiPolygon(path string) alerts.MultiPolygon {
	var shape alerts.MultiPolygon
	c.array(path, "an array of polygons", func(path string) bool {
		polygon, ok := c.polygon(path)
		shape = append(shape, polygon)
		return ok
	})
	return shape
}

func (c *coordReader) polygon(path string) ([]alerts.Ring, bool) {
	var polygon []alerts.Ring
	ok := c.array(path, "an array of rings", func(path string) bool {
		ring, ok := c.ring(path)
		polygon = append(polygon, ring)
		return ok
	})
	if ok && len(polygon) == 0 {
		c.fault(path, "has no ring; a polygon needs its outside")
	}
	return polygon, ok
}

func (c *coordReader) ring(path string) (alerts.Ring, bool) {
	var ring alerts.Ring
	// Paths of points are made for faults alone: there are millions of points.
	if !c.take('[') {
		c.fault(path, "must be an array of positions")
		return nil, false
	}
	if c.take(']') {
		return ring, true
	}
	for i := 0; ; i++ {
		p, problem := c.position()
		if problem != "" {
			c.fault(path+"["+strconv.Itoa(i)+"]", "%s", problem)
			return ring, false
		}
		if problem = PositionProblem(p); problem != "" {
			c.fault(path+"["+strconv.Itoa(i)+"]", "%s", problem)
		}
		if *c.points--; *c.points < 0 {
			return ring, false
		}
		ring = append(ring, p)
		if c.take(']') {
			return ring, true
		}
		if !c.take(',') {
			c.fault(path, "must be an array of positions")
			return ring, false
		}
	}
}

const wantPosition = "must be a position [longitude, latitude] of two numbers"

// position reads [lon, lat] with at most two more numbers, such as a height,
// which are dropped.
func (c *coordReader) position() (p alerts.Point, problem string) {
	if !c.take('[') {
		return p, wantPosition
	}
	for i := 0; ; i++ {
		v, ok := c.number()
		if !ok || i > 3 {
			return p, wantPosition
		}
		switch i {
		case 0:
			p.Lon = v
		case 1:
			p.Lat = v
		}
		if c.take(']') {
			if i < 1 {
				return p, wantPosition
			}
			return p, ""
		}
		if !c.take(',') {
			return p, wantPosition
		}
	}
}

func (c *coordReader) number() (float64, bool) {
	c.space()
	start := c.at
	for c.at < len(c.data) {
		b := c.data[c.at]
		if b >= '0' && b <= '9' || b == '-' || b == '+' || b == '.' || b == 'e' || b == 'E' {
			c.at++
			continue
		}
		break
	}
	if start == c.at {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(c.data[start:c.at]), 64)
	return v, err == nil
}

// PositionProblem tells what is wrong with a position, in words for the person
// who made the file; empty where nothing is.
func PositionProblem(p alerts.Point) string {
	if Valid(p) {
		return ""
	}
	switch {
	case math.Abs(p.Lon) > 1000 || math.Abs(p.Lat) > 1000:
		return fmt.Sprintf("%g, %g are not degrees; projected coordinates in metres must be converted to longitude and latitude first", p.Lon, p.Lat)
	case Valid(alerts.Point{Lon: p.Lat, Lat: p.Lon}):
		return fmt.Sprintf("latitude %g is not within -90 to 90; longitude and latitude seem to be swapped: longitude comes first", p.Lat)
	case !(p.Lon >= -180 && p.Lon <= 180):
		return fmt.Sprintf("longitude %g is not within -180 to 180", p.Lon)
	}
	return fmt.Sprintf("latitude %g is not within -90 to 90", p.Lat)
}
