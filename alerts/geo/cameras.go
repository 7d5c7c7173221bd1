package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/tidwall/rtree"

	"sharpeyes/alerts"
)

const (
	// Nearby is how far, in metres, a camera that does not see a point is
	// still listed for it.
	Nearby = 1000.0
	// DefaultRange, in metres, stands for a longest useful distance that is
	// not known.
	DefaultRange = 100.0
	// footRadius, in metres: a camera this close to a point stands at it, and
	// a bearing means nothing.
	footRadius = 1.0
	// maxNear bounds the list that Near returns.
	maxNear = 1000
)

// Cameras finds the cameras that see a point. It does not change; make a new
// one when cameras change.
type Cameras struct {
	list []alerts.Camera
	tree rtree.RTreeG[int32]
}

// NewCameras makes an index of cameras.
func NewCameras(cameras []alerts.Camera) *Cameras {
	c := &Cameras{list: slices.Clone(cameras)}
	for i := range c.list {
		at := c.list[i].Point
		box := Box{at.Lon, at.Lat, at.Lon, at.Lat}.Grow(max(viewRange(&c.list[i]), Nearby))
		insert(&c.tree, box, int32(i))
	}
	return c
}

// Len returns the number of cameras.
func (c *Cameras) Len() int { return len(c.list) }

func viewRange(c *alerts.Camera) float64 {
	if c.Range > 0 {
		return c.Range
	}
	return DefaultRange
}

// Near ranks the cameras for a point, best first, at most limit: those that see
// it, then those within Nearby metres that do not.
//
// keep leaves cameras out (other areas, disabled); nil keeps all. health is 1
// for a sound picture and 0 for none; nil counts all as sound.
//
// A camera sees a point that is inside its view cone: not farther than Range
// (DefaultRange where unknown) and within FOV/2 of Azimuth. A camera whose FOV
// is not known sees nothing for certain.
//
// Score is health * (0.6*near + 0.4*centred), near falling from 1 at the camera
// to 0 at the end of its range, centred from 1 on the axis to 0 at the edge of
// the cone. What sees the point scores from 0.5 to 1 (0.5 + half of that), what
// does not from 0 to 0.5 (half of health * near, over Nearby metres).
func (c *Cameras) Near(p alerts.Point, limit int, keep func(*alerts.Camera) bool, health func(id string) float64) []alerts.SeenCamera {
	limit = min(limit, maxNear)
	if limit <= 0 {
		return nil
	}
	best := make([]ranked, 0, limit)
	at := [2]float64{p.Lon, p.Lat}
	c.tree.Search(at, at, func(_, _ [2]float64, i int32) bool {
		camera := &c.list[i]
		if keep != nil && !keep(camera) {
			return true
		}
		r := look(camera, p)
		if !r.inView && r.distance > Nearby {
			return true
		}
		r.camera = i
		r.score = r.rate(camera, healthOf(camera.ID, health))
		best = c.place(best, r)
		return true
	})
	out := make([]alerts.SeenCamera, len(best))
	for i, r := range best {
		out[i] = alerts.SeenCamera{Camera: c.list[r.camera], Distance: r.distance, Bearing: r.bearing,
			Off: r.off, InView: r.inView, Score: r.score}
	}
	return out
}

func healthOf(id string, health func(string) float64) float64 {
	if health == nil {
		return 1
	}
	h := health(id)
	if !(h > 0) { // NaN too
		return 0
	}
	return min(h, 1)
}

type ranked struct {
	camera   int32
	inView   bool
	distance float64
	bearing  float64
	off      float64
	score    float64
}

// Look returns how a camera stands to a point; Score is that of full health.
func Look(camera alerts.Camera, p alerts.Point) alerts.SeenCamera {
	r := look(&camera, p)
	return alerts.SeenCamera{Camera: camera, Distance: r.distance, Bearing: r.bearing, Off: r.off,
		InView: r.inView, Score: r.rate(&camera, 1)}
}

func look(c *alerts.Camera, p alerts.Point) ranked {
	r := ranked{distance: Distance(c.Point, p), bearing: Bearing(c.Point, p)}
	if c.FOV < 360 && r.distance > footRadius {
		r.off = angleBetween(r.bearing, c.Azimuth)
	}
	r.inView = c.FOV > 0 && r.distance <= viewRange(c) && r.off <= c.FOV/2
	return r
}

func (r ranked) rate(c *alerts.Camera, health float64) float64 {
	if !r.inView {
		return 0.5 * health * max(1-r.distance/Nearby, 0)
	}
	near := 1 - r.distance/viewRange(c)
	centred := 1.0
	if c.FOV < 360 {
		centred = 1 - r.off/(c.FOV/2)
	}
	return 0.5 + 0.5*health*(0.6*near+0.4*centred)
}

// place keeps the best in order: one pass, and no more memory than is asked for.
func (c *Cameras) place(best []ranked, r ranked) []ranked {
	at, _ := slices.BinarySearchFunc(best, r, c.compare)
	if at == cap(best) {
		return best
	}
	if len(best) == cap(best) {
		best = best[:len(best)-1]
	}
	return slices.Insert(best, at, r)
}

func (c *Cameras) compare(a, b ranked) int {
	if a.inView != b.inView {
		if a.inView {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.distance, b.distance),
		cmp.Compare(c.list[a.camera].ID, c.list[b.camera].ID))
}

// SeesGrid tells whether a camera's view cone reaches into a shape: whether one
// of the points that stand for the cone lies in it.
func SeesGrid(camera alerts.Camera, shape *Prepared) bool {
	if !(camera.FOV > 0) {
		return false
	}
	reach := viewRange(&camera)
	at := camera.Point
	if !shape.box.Touches(Box{at.Lon, at.Lat, at.Lon, at.Lat}.Grow(reach)) {
		return false
	}
	const rings, step = 8, 5.0 // degrees
	rays := int(math.Ceil(camera.FOV / step))
	for i := 0; i <= rays; i++ {
		bearing := camera.Azimuth - camera.FOV/2 + camera.FOV*float64(i)/float64(rays)
		for k := 1; k <= rings; k++ {
			if shape.Contains(Destination(at, bearing, reach*float64(k)/rings)) {
				return true
			}
		}
	}
	return shape.Contains(at)
}
