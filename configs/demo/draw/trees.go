package main

import "math"

// leafage is the shape and colour of a tree.
type leafage struct {
	tall, trunk float64 // height, height of the lowest leaves
	spread      float64 // radius of the crown
	color       rgb
	clumps      int
	leaf        float64
	droop       float64 // willows
	narrow      float64 // poplars: how much higher than wide a clump is
}

func broadleaf(tall float64, color uint32) leafage {
	return leafage{tall: tall, trunk: tall * 0.3, spread: tall * 0.34, color: hex(color), clumps: 9, leaf: 0.5, narrow: 0.8}
}

func poplar(tall float64, color uint32) leafage {
	return leafage{tall: tall, trunk: tall * 0.16, spread: tall * 0.12, color: hex(color), clumps: 9, leaf: 0.42, narrow: 1.6}
}

func willow(tall float64, color uint32) leafage {
	return leafage{tall: tall, trunk: tall * 0.4, spread: tall * 0.42, color: hex(color), clumps: 8, leaf: 0.52, droop: 2.2, narrow: 0.75}
}

// tree grows one; those near the camera move a little in the wind.
func (w *world) tree(pos vec, l leafage) {
	bark := earth(hex(0x6b5d4c), w.seed)
	dist := pos.sub(w.lens.pos).len()
	if l.trunk > 0 {
		lean := vec{w.rnd.Float64() - 0.5, w.rnd.Float64() - 0.5, 0}.mul(0.5)
		fork := pos.add(vec{0, 0, l.trunk + l.tall*0.12}).add(lean)
		w.still.tube(pos, fork, 0.035*l.tall*0.5+0.06, 0.02*l.tall*0.5+0.04, 8, bark)
		for range 4 {
			a := w.rnd.Float64() * 2 * math.Pi
			w.still.tube(fork, fork.add(vec{math.Cos(a) * l.spread * 0.5, math.Sin(a) * l.spread * 0.5, l.tall * 0.25}), 0.07, 0.03, 5, bark)
		}
	}
	middle := vec{0, 0, (l.trunk + l.tall) / 2}
	high := (l.tall - l.trunk) / 2
	var moving mesh
	for c := range l.clumps {
		// clumps sit on a spiral around the crown's middle, one on top
		t := (float64(c) + 0.5) / float64(l.clumps)
		z := 1 - 2*t
		r := math.Sqrt(1-z*z) * 0.72
		a := float64(c)*2.4 + w.rnd.Float64()
		size := l.spread * (0.5 + 0.16*w.rnd.Float64())
		at := pos.add(middle).add(vec{math.Cos(a) * r * l.spread, math.Sin(a) * r * l.spread, z * high * 0.78})
		tone := l.color.mul(0.9 + 0.2*w.rnd.Float64())
		w.clump(&w.still, at, size, size*l.narrow, tone, l, 1)
		if dist < 30 && c%4 == 1 {
			w.clump(&moving, at.add(vec{0, -size * 0.25, size * 0.1}), size*0.95, size*l.narrow, tone.mul(1.04), l, 0.10)
		}
	}
	if len(moving.tris) > 0 {
		start := w.rnd.Float64() * 2 * math.Pi
		w.movers = append(w.movers, func(f int, s *shot) {
			t := 2 * math.Pi * float64(f) / frames
			sway := vec{math.Sin(2*t+start) + 0.4*math.Sin(5*t+start), 0.5 * math.Sin(3*t), 0}.mul(0.035)
			s.solid.put(&moving, sway, 0)
		})
	}
}

// clump fills an ellipsoid's skin with leaves, share 0..1 of them.
func (w *world) clump(m *mesh, at vec, r, rz float64, tone rgb, l leafage, share float64) {
	d0 := at.sub(w.lens.pos).len()
	leaf := l.leaf * clamp(d0/32, 0.55, 1.5) // far leaves are not told apart
	n := int(share * 6.2 * r * (r + rz) / (leaf * leaf))
	shades := [4]*mat{}
	for i := range shades {
		shades[i] = &mat{color: tone.mul(0.84 + 0.1*float64(i)), thin: true}
	}
	for range n {
		z := 2*w.rnd.Float64() - 1
		a := 2 * math.Pi * w.rnd.Float64()
		q := math.Sqrt(1 - z*z)
		d := vec{q * math.Cos(a), q * math.Sin(a), z}
		k := 0.72 + 0.34*w.rnd.Float64()
		p := at.add(vec{d.x * r * k, d.y * r * k, d.z * rz * k})
		if l.droop > 0 {
			p.z -= l.droop * w.rnd.Float64() * q
		}
		b := 2 * math.Pi * w.rnd.Float64()
		u := vec{math.Cos(b), math.Sin(b), 0.7*w.rnd.Float64() - 0.35}.mul(leaf * (0.7 + 0.6*w.rnd.Float64()))
		v := d.cross(u).norm().mul(leaf * 0.75)
		if l.droop > 0 {
			v = vec{0, 0, -leaf * 1.5}
			u = u.mul(0.5)
		}
		i := clamp(float64(int((0.5+0.5*z*0.8+0.5*(w.rnd.Float64()-0.5))*4)), 0, 3)
		first := len(m.tris)
		m.tri(p.sub(u.mul(0.5)), p.add(v), p.add(u.mul(0.5)), shades[int(i)])
		m.tri(p.sub(u.mul(0.5)), p.add(u.mul(0.5)), p.sub(v.mul(0.6)), shades[int(i)])
		for ; first < len(m.tris); first++ {
			m.tris[first].n = d.add(vec{0, 0, 0.25}).norm()
		}
	}
}

// hedge is a clipped row along a line.
func (w *world) hedge(a, b vec, wide, tall float64, color uint32) {
	d := b.sub(a)
	yaw := math.Atan2(-d.x, d.y)
	base := hex(color)
	leaves := textured(func(p vec) rgb {
		return base.mul(0.62 + 0.7*cloudy((p.x+p.z)*2.2, (p.y+p.z*0.6)*2.2, 2, w.seed))
	})
	w.still.box(a.mix(b, 0.5), vec{wide, d.len(), tall}, yaw, leaves, leaves)
}
