package main

import "math"

// Size of the picture in pixels.
const (
	width  = 1920
	height = 1080
)

// lens is where the camera is and what it sees.
type lens struct {
	pos                vec
	right, up, forward vec
	focal              float64 // pixels
}

// newLens looks from a height, turned by yaw (degrees, positive to the left)
// and bent down by pitch, with a horizontal field of view.
func newLens(height0, yaw, pitch, fov float64) *lens {
	rad := math.Pi / 180
	sp, cp := math.Sincos(pitch * rad)
	l := &lens{pos: vec{0, 0, height0}, focal: width / 2 / math.Tan(fov/2*rad)}
	l.forward = vec{0, cp, -sp}.spin(yaw * rad)
	l.right = vec{1, 0, 0}.spin(yaw * rad)
	l.up = l.right.cross(l.forward)
	return l
}

// view gives a point in camera space: right, up, depth.
func (l *lens) view(p vec) vec {
	d := p.sub(l.pos)
	return vec{d.dot(l.right), d.dot(l.up), d.dot(l.forward)}
}

// pixel of a point, with its depth; ok is false behind the camera.
func (l *lens) pixel(p vec) (x, y, depth float64, ok bool) {
	v := l.view(p)
	if v.z < near {
		return 0, 0, 0, false
	}
	return width/2 + v.x/v.z*l.focal, height/2 - v.y/v.z*l.focal, v.z, true
}

// ray through a pixel; its forward part is 1, so that it scales with depth.
func (l *lens) ray(x, y float64) vec {
	return l.forward.add(l.right.mul((x - width/2) / l.focal)).add(l.up.mul((height/2 - y) / l.focal))
}

// near is the distance of the clipping plane.
const near = 0.3

// clip cuts a triangle at the near plane, in camera space: 0 to 2 triangles.
func clip(v [3]vec) [][3]vec {
	var in []vec
	for i := range 3 {
		a, b := v[i], v[(i+1)%3]
		if a.z >= near {
			in = append(in, a)
		}
		if (a.z >= near) != (b.z >= near) {
			in = append(in, a.mix(b, (near-a.z)/(b.z-a.z)))
		}
	}
	switch len(in) {
	case 3:
		return [][3]vec{{in[0], in[1], in[2]}}
	case 4:
		return [][3]vec{{in[0], in[1], in[2]}, {in[0], in[2], in[3]}}
	}
	return nil
}

// screenTri is a projected triangle: pixels, and the inverse depth, which is
// linear on the screen.
type screenTri struct {
	x, y, w        [3]float64
	x0, y0, x1, y1 float64 // bounds
	id             int32
}

// project gives the visible parts of a triangle.
func (l *lens) project(a, b, c vec, id int32, out []screenTri) []screenTri {
	v := [3]vec{l.view(a), l.view(b), l.view(c)}
	if v[0].z < near && v[1].z < near && v[2].z < near {
		return out
	}
	parts := [][3]vec{v}
	if v[0].z < near || v[1].z < near || v[2].z < near {
		parts = clip(v)
	}
	for _, p := range parts {
		s := screenTri{id: id, x0: math.Inf(1), y0: math.Inf(1), x1: math.Inf(-1), y1: math.Inf(-1)}
		for i, q := range p {
			s.x[i], s.y[i], s.w[i] = width/2+q.x/q.z*l.focal, height/2-q.y/q.z*l.focal, 1/q.z
			s.x0, s.x1 = math.Min(s.x0, s.x[i]), math.Max(s.x1, s.x[i])
			s.y0, s.y1 = math.Min(s.y0, s.y[i]), math.Max(s.y1, s.y[i])
		}
		if s.x1 >= 0 && s.y1 >= 0 && s.x0 < width && s.y0 < height {
			out = append(out, s)
		}
	}
	return out
}

// fill visits the samples of a triangle in a grid with ss samples a pixel each
// way, rows y0 to y1 of the grid, with the inverse depth.
func (s *screenTri) fill(ss int, y0, y1 int, visit func(x, y int, w float64)) {
	k := float64(ss)
	ax, ay, bx, by, cx, cy := s.x[0]*k, s.y[0]*k, s.x[1]*k, s.y[1]*k, s.x[2]*k, s.y[2]*k
	area := (bx-ax)*(cy-ay) - (by-ay)*(cx-ax)
	if math.Abs(area) < 1e-9 {
		return
	}
	top, bottom := max(y0, int(math.Floor(s.y0*k-0.5))), min(y1, int(math.Ceil(s.y1*k))+1)
	for y := top; y < bottom; y++ {
		py := float64(y) + 0.5
		lo, hi := math.Inf(1), math.Inf(-1)
		edge := func(x0, y0, x1, y1 float64) {
			if (y0 <= py) == (y1 <= py) {
				return
			}
			x := x0 + (py-y0)/(y1-y0)*(x1-x0)
			lo, hi = math.Min(lo, x), math.Max(hi, x)
		}
		edge(ax, ay, bx, by)
		edge(bx, by, cx, cy)
		edge(cx, cy, ax, ay)
		if lo > hi {
			continue
		}
		x0, x1 := max(0, int(math.Ceil(lo-0.5))), min(width*ss-1, int(math.Ceil(hi-0.5))-1)
		if x0 > x1 {
			continue
		}
		at := func(x float64) float64 {
			u := ((x-ax)*(cy-ay) - (py-ay)*(cx-ax)) / area
			v := ((bx-ax)*(py-ay) - (by-ay)*(x-ax)) / area
			return s.w[0] + u*(s.w[1]-s.w[0]) + v*(s.w[2]-s.w[0])
		}
		w := at(float64(x0) + 0.5)
		dw := at(float64(x0)+1.5) - w
		for x := x0; x <= x1; x++ {
			visit(x, y, w)
			w += dw
		}
	}
}
