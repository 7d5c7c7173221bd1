package main

import "math"

// mat is what a surface is made of. tex, where given, gives its colour at a
// point of the world; glow is light of its own.
type mat struct {
	color rgb
	tex   func(p vec) rgb
	glow  func(p vec) rgb
	shiny float64 // 0..1, how much of the sky it mirrors
	thin  bool    // leaves, cloth: lit from both sides
	water bool    // mirrors the far bank and the sky in small waves
}

func paint(c rgb) *mat              { return &mat{color: c} }
func paintHex(v uint32) *mat        { return &mat{color: hex(v)} }
func lacquer(c rgb) *mat            { return &mat{color: c, shiny: 0.35} }
func lamp(c rgb) *mat               { return &mat{glow: func(vec) rgb { return c }} }
func textured(f func(vec) rgb) *mat { return &mat{tex: f} }

func (m *mat) at(p vec) rgb {
	if m.tex != nil {
		return m.tex(p)
	}
	return m.color
}

type tri struct {
	a, b, c vec
	n       vec
	m       *mat
}

// facing is the normal on the side that one looks at.
func (t *tri) facing(to vec) vec {
	if !t.m.thin && t.n.dot(to) < 0 {
		return t.n.mul(-1)
	}
	return t.n
}

// mesh is a heap of triangles.
type mesh struct{ tris []tri }

func (m *mesh) tri(a, b, c vec, mt *mat) {
	n := b.sub(a).cross(c.sub(a))
	if n.len() < 1e-12 {
		return
	}
	m.tris = append(m.tris, tri{a, b, c, n.norm(), mt})
}

func (m *mesh) quad(a, b, c, d vec, mt *mat) {
	m.tri(a, b, c, mt)
	m.tri(a, c, d, mt)
}

// flat is a horizontal rectangle.
func (m *mesh) flat(x0, y0, x1, y1, z float64, mt *mat) {
	m.quad(vec{x0, y0, z}, vec{x1, y0, z}, vec{x1, y1, z}, vec{x0, y1, z}, mt)
}

// box stands on c, its middle below; size is width (x), depth (y), height.
func (m *mesh) box(c, size vec, yaw float64, sides, top *mat) {
	p := func(x, y, z float64) vec {
		return c.add(vec{x * size.x / 2, y * size.y / 2, z * size.z}.spin(yaw))
	}
	m.quad(p(-1, -1, 0), p(1, -1, 0), p(1, -1, 1), p(-1, -1, 1), sides)
	m.quad(p(1, -1, 0), p(1, 1, 0), p(1, 1, 1), p(1, -1, 1), sides)
	m.quad(p(1, 1, 0), p(-1, 1, 0), p(-1, 1, 1), p(1, 1, 1), sides)
	m.quad(p(-1, 1, 0), p(-1, -1, 0), p(-1, -1, 1), p(-1, 1, 1), sides)
	m.quad(p(-1, -1, 1), p(1, -1, 1), p(1, 1, 1), p(-1, 1, 1), top)
	m.quad(p(-1, -1, 0), p(-1, 1, 0), p(1, 1, 0), p(1, -1, 0), sides)
}

// tube joins two points; r0 and r1 are the radii at its ends.
func (m *mesh) tube(a, b vec, r0, r1 float64, sides int, mt *mat) {
	axis := b.sub(a).norm()
	u := axis.cross(vec{0, 0, 1})
	if u.len() < 0.01 {
		u = vec{1, 0, 0}
	}
	u = u.norm()
	v := axis.cross(u)
	ring := func(i int) vec {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(sides))
		return u.mul(c).add(v.mul(s))
	}
	for i := range sides {
		d, e := ring(i), ring(i+1)
		m.quad(a.add(d.mul(r0)), a.add(e.mul(r0)), b.add(e.mul(r1)), b.add(d.mul(r1)), mt)
		m.tri(b, b.add(d.mul(r1)), b.add(e.mul(r1)), mt)
		m.tri(a, a.add(e.mul(r0)), a.add(d.mul(r0)), mt)
	}
}

// ball is an ellipsoid with smooth shading.
func (m *mesh) ball(c, r vec, steps int, mt *mat) {
	at := func(i, j int) (vec, vec) {
		sa, ca := math.Sincos(math.Pi * (float64(i)/float64(steps) - 0.5))
		sb, cb := math.Sincos(2 * math.Pi * float64(j) / float64(2*steps))
		d := vec{ca * cb, ca * sb, sa}
		return c.add(vec{d.x * r.x, d.y * r.y, d.z * r.z}), vec{d.x / r.x, d.y / r.y, d.z / r.z}.norm()
	}
	for i := range steps {
		for j := range 2 * steps {
			a, na := at(i, j)
			b, _ := at(i, j+1)
			d, nd := at(i+1, j+1)
			e, _ := at(i+1, j)
			k := len(m.tris)
			m.quad(a, b, d, e, mt)
			for ; k < len(m.tris); k++ {
				m.tris[k].n = na.add(nd).norm()
			}
		}
	}
}

// extrude gives a side profile (points in y, z, around) a width across x.
// inset narrows what lies above the height from, as a car's cabin is.
func (m *mesh) extrude(profile [][2]float64, width, inset, from float64, side, rim *mat) {
	w := func(z float64) float64 {
		if z > from {
			return width/2 - inset
		}
		return width / 2
	}
	p := func(i int, s float64) vec {
		q := profile[i%len(profile)]
		return vec{s * w(q[1]), q[0], q[1]}
	}
	n := len(profile)
	for i := range n {
		m.quad(p(i, -1), p(i, 1), p(i+1, 1), p(i+1, -1), rim)
	}
	for _, s := range []float64{-1, 1} {
		for i := 1; i < n-1; i++ {
			m.tri(p(0, s), p(i, s), p(i+1, s), side)
		}
	}
}

// put adds a copy of o, turned and moved.
func (m *mesh) put(o *mesh, pos vec, yaw float64) { m.putScaled(o, pos, yaw, 1) }

func (m *mesh) putScaled(o *mesh, pos vec, yaw, scale float64) {
	for _, t := range o.tris {
		m.tris = append(m.tris, tri{
			t.a.mul(scale).spin(yaw).add(pos), t.b.mul(scale).spin(yaw).add(pos),
			t.c.mul(scale).spin(yaw).add(pos), t.n.spin(yaw), t.m})
	}
}
