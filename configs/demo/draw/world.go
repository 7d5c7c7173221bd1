package main

import (
	"math"
	"math/rand/v2"
)

// world is one camera's scene.
type world struct {
	name   string
	seed   int
	rnd    *rand.Rand
	lens   *lens
	mood   mood
	still  mesh // what does not move
	lights []light
	halos  []halo  // around lamps that do not move
	movers []mover // what moves

	sunMap  *sunMap
	heights *heightMap
}

// mover draws its part of frame number f (0..frames-1). It must come back to
// where it was after the last frame.
type mover func(f int, s *shot)

// shot is what movers put into one frame.
type shot struct {
	solid mesh
	blobs []blob
	halos []halo
}

// halo is the shine around a light, in the picture.
type halo struct {
	pos    vec
	color  rgb
	radius float64 // metres
}

// blob is a soft ellipse on a horizontal plane: it darkens (keep below 1) or
// adds light.
type blob struct {
	pos    vec
	yaw    float64
	rx, ry float64 // half axes in metres
	hard   float64 // 0 soft .. 1 hard edge
	keep   float64 // what is left of the light in the middle
	add    rgb
}

// sunMap is the depth of the still scene seen from the sun.
type sunMap struct {
	size    int
	u, v, d vec // axes: across, up, towards the sun
	middle  vec
	scale   float64 // texels a metre
	depth   []float32
}

const (
	sunMapSize = 3072
	sunMapSpan = 190.0 // metres
)

func newSunMap(dir vec, still *mesh) *sunMap {
	s := &sunMap{size: sunMapSize, d: dir, middle: vec{0, 62, 0}, scale: sunMapSize / sunMapSpan}
	s.u = vec{0, 0, 1}.cross(dir).norm()
	s.v = dir.cross(s.u)
	s.depth = make([]float32, s.size*s.size)
	for i := range s.depth {
		s.depth[i] = -1e9
	}
	for i := range still.tris {
		t := &still.tris[i]
		a, b, c := s.texel(t.a), s.texel(t.b), s.texel(t.c)
		flatFill(s.size, s.size, a, b, c, func(k int, z float64) {
			if float32(z) > s.depth[k] {
				s.depth[k] = float32(z)
			}
		})
	}
	return s
}

func (s *sunMap) texel(p vec) vec {
	p = p.sub(s.middle)
	h := float64(s.size) / 2
	return vec{p.dot(s.u)*s.scale + h, p.dot(s.v)*s.scale + h, p.dot(s.d)}
}

// lit is the share of the sun that reaches p, with a soft edge.
func (s *sunMap) lit(p, n vec) float64 {
	t := s.texel(p.add(n.mul(0.05)))
	cos := clamp(n.dot(s.d), 0.08, 1)
	t.z += 0.06 + 2.8/s.scale*math.Sqrt(1-cos*cos)/cos // or a slope would shade itself
	x0, y0 := math.Floor(t.x-0.5), math.Floor(t.y-0.5)
	u, v := t.x-0.5-x0, t.y-0.5-y0
	weight := func(i int, u float64) float64 { // a box of four texels between the grid's lines
		switch i {
		case -2:
			return 1 - u
		case 2:
			return u
		}
		return 1
	}
	sum := 0.0
	for j := -2; j <= 2; j++ {
		for i := -2; i <= 2; i++ {
			x, y := int(x0)+i, int(y0)+j
			if x < 0 || y < 0 || x >= s.size || y >= s.size || float64(s.depth[y*s.size+x]) < t.z {
				sum += weight(i, u) * weight(j, v)
			}
		}
	}
	return sum / 16
}

// flatFill visits the cells of a triangle in a plain grid.
func flatFill(w, h int, a, b, c vec, visit func(k int, z float64)) {
	area := (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x)
	if math.Abs(area) < 1e-9 {
		return
	}
	y0 := max(0, int(math.Min(a.y, math.Min(b.y, c.y))))
	y1 := min(h-1, int(math.Max(a.y, math.Max(b.y, c.y))))
	x0 := max(0, int(math.Min(a.x, math.Min(b.x, c.x))))
	x1 := min(w-1, int(math.Max(a.x, math.Max(b.x, c.x))))
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			px, py := float64(x)+0.5, float64(y)+0.5
			u := ((px-a.x)*(c.y-a.y) - (py-a.y)*(c.x-a.x)) / area
			v := ((b.x-a.x)*(py-a.y) - (b.y-a.y)*(px-a.x)) / area
			if u < -1e-9 || v < -1e-9 || u+v > 1+1e-9 {
				continue
			}
			visit(y*w+x, a.z+u*(b.z-a.z)+v*(c.z-a.z))
		}
	}
}

// heightMap is the highest thing over each place, for the share of open sky.
type heightMap struct {
	w, h int
	top  []float32
}

const (
	heightCell  = 0.25
	heightWest  = -70.0
	heightSouth = -12.0
)

func newHeightMap(still *mesh) *heightMap {
	m := &heightMap{w: 560, h: 640}
	m.top = make([]float32, m.w*m.h)
	cell := func(p vec) vec {
		return vec{(p.x - heightWest) / heightCell, (p.y - heightSouth) / heightCell, p.z}
	}
	for i := range still.tris {
		t := &still.tris[i]
		flatFill(m.w, m.h, cell(t.a), cell(t.b), cell(t.c), func(k int, z float64) {
			m.top[k] = max(m.top[k], float32(z))
		})
	}
	return m
}

// at is the height over a place, between cells.
func (m *heightMap) at(x, y float64) float64 {
	x, y = (x-heightWest)/heightCell-0.5, (y-heightSouth)/heightCell-0.5
	if x < 0 || y < 0 || x >= float64(m.w-1) || y >= float64(m.h-1) {
		return 0
	}
	i, j := int(x), int(y)
	u, v := x-float64(i), y-float64(j)
	k := j*m.w + i
	a := float64(m.top[k])*(1-u) + float64(m.top[k+1])*u
	b := float64(m.top[k+m.w])*(1-u) + float64(m.top[k+m.w+1])*u
	return a*(1-v) + b*v
}

// open is the share of sky that p sees, roughly.
func (m *heightMap) open(p, n vec) float64 {
	p = p.add(n.mul(0.45))
	sum := 0.0
	for i := range 8 {
		s, c := math.Sincos(float64(i) * math.Pi / 4)
		steepest := 0.0
		for _, d := range [...]float64{0.5, 1.1, 2.4, 5, 10} {
			if rise := m.at(p.x+c*d, p.y+s*d) - p.z; rise > 0 {
				steepest = math.Max(steepest, rise/d)
			}
		}
		sum += 1 - steepest/math.Sqrt(1+steepest*steepest)
	}
	over := m.at(p.x, p.y) - p.z
	return clamp(sum/8, 0, 1) * (1 - 0.45*smooth(0.3, 2.5, over))
}

// lightAt is the light that falls on a surface, and how much of it is the sun.
// open is its share of open sky.
func (w *world) lightAt(p, n vec, thin bool, open float64) (rgb, float64) {
	sky := w.mood.zenith.mix(w.mood.rim, 0.45)
	amb := w.mood.ground.mix(sky, 0.5+0.5*n.z).mul((0.3 + 0.7*open) * 1.25)
	total, sunny := amb, 0.0
	if w.mood.sun.grey() > 0 {
		k := n.dot(w.mood.sunDir)
		if thin {
			k = 0.35*math.Abs(k) + 0.65*math.Max(0, k)
		}
		if k > 0 {
			k *= w.sunMap.lit(p, n)
			s := w.mood.sun.mul(k)
			total = total.add(s)
			sunny = s.grey() / total.grey()
		}
	}
	for i := range w.lights {
		total = total.add(w.lights[i].at(p, n))
	}
	if w.mood.infrared { // the camera's own lamps
		d := w.lens.pos.sub(p)
		q := d.dot(d)
		k := (0.3 + 0.7*math.Max(0, n.dot(d.mul(1/math.Sqrt(q))))) * 260 / (q + 90)
		total = total.add(rgb{k, k, k}.mul(0.42))
	}
	return total, sunny
}
