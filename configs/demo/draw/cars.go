package main

import "math"

// carShape is a vehicle's side view in metres, the front at positive y.
type carShape struct {
	length, wide float64
	body, cabin  [][2]float64 // (y, z) around
	window       [][2]float64 // glass on both sides
	inset        float64
	wheel        float64
	wheels       []float64
}

func shapeOf(kind string) carShape {
	switch kind {
	case "van":
		return carShape{length: 4.3, wide: 1.68, wheel: 0.3, wheels: []float64{-1.35, 1.45}, inset: 0.07,
			body:   [][2]float64{{-2.15, 0.3}, {2.1, 0.28}, {2.15, 0.85}, {1.75, 1.02}, {-2.15, 1.02}},
			cabin:  [][2]float64{{-2.12, 1.02}, {1.75, 1.02}, {1.1, 1.82}, {-2.0, 1.86}},
			window: [][2]float64{{-1.85, 1.12}, {1.45, 1.12}, {1.0, 1.66}, {-1.8, 1.68}}}
	case "suv":
		return carShape{length: 4.6, wide: 1.88, wheel: 0.36, wheels: []float64{-1.38, 1.42}, inset: 0.13,
			body:   [][2]float64{{-2.25, 0.36}, {2.25, 0.34}, {2.3, 0.72}, {2.15, 0.93}, {1.0, 1.06}, {-2.25, 1.08}, {-2.3, 0.7}},
			cabin:  [][2]float64{{-2.2, 1.07}, {1.05, 1.05}, {0.2, 1.66}, {-1.75, 1.7}},
			window: [][2]float64{{-1.95, 1.14}, {0.8, 1.12}, {0.1, 1.57}, {-1.65, 1.6}}}
	case "bus":
		return carShape{length: 10.4, wide: 2.5, wheel: 0.48, wheels: []float64{-2.8, 3.4}, inset: 0.04,
			body:   [][2]float64{{-5.2, 0.35}, {5.1, 0.35}, {5.2, 1.3}, {-5.2, 1.3}},
			cabin:  [][2]float64{{-5.2, 1.3}, {5.2, 1.3}, {5.05, 2.95}, {4.7, 3.05}, {-5.1, 3.05}},
			window: [][2]float64{{-4.9, 1.4}, {4.8, 1.4}, {4.75, 2.45}, {-4.9, 2.45}}}
	case "truck":
		return carShape{length: 5.9, wide: 2.0, wheel: 0.4, wheels: []float64{-1.9, 2.0}, inset: 0.06,
			body:   [][2]float64{{1.3, 0.4}, {2.95, 0.4}, {2.95, 1.25}, {1.3, 1.25}},
			cabin:  [][2]float64{{1.3, 1.25}, {2.93, 1.25}, {2.6, 2.15}, {1.4, 2.2}},
			window: [][2]float64{{1.6, 1.32}, {2.75, 1.32}, {2.5, 2.0}, {1.6, 2.0}}}
	}
	return carShape{length: 4.6, wide: 1.8, wheel: 0.31, wheels: []float64{-1.35, 1.4}, inset: 0.15,
		body:   [][2]float64{{-2.25, 0.28}, {2.2, 0.26}, {2.3, 0.55}, {2.15, 0.76}, {1.0, 0.93}, {-1.55, 0.98}, {-2.2, 0.94}, {-2.3, 0.6}},
		cabin:  [][2]float64{{-1.75, 0.96}, {1.15, 0.91}, {0.3, 1.4}, {-0.95, 1.43}},
		window: [][2]float64{{-1.4, 1.0}, {0.85, 0.97}, {0.2, 1.33}, {-0.85, 1.36}}}
}

// car is a vehicle standing on the origin, facing y.
func car(kind string, color rgb, lights bool) *mesh {
	s := shapeOf(kind)
	m := &mesh{}
	body, glass, dark := lacquer(color), &mat{color: hex(0x14181c), shiny: 0.9}, paintHex(0x141516)
	m.extrude(s.body, s.wide, 0.03, s.body[0][1]+0.2, body, body)
	belt := s.cabin[0][1] + 0.12
	// rim of the cabin: glass in front and behind, the roof painted
	top := &mesh{}
	top.extrude(s.cabin, s.wide-0.06, s.inset, belt, body, glass)
	for i := range top.tris {
		if math.Abs(top.tris[i].n.z) > 0.93 {
			top.tris[i].m = body
		}
	}
	m.put(top, vec{}, 0)
	for _, side := range []float64{-1, 1} {
		at := func(q [2]float64) vec {
			k := clamp((q[1]-s.cabin[0][1])/(s.cabin[2][1]-s.cabin[0][1]), 0, 1)
			return vec{side * (s.wide/2 - 0.03 - s.inset*k + 0.03), q[0], q[1]}
		}
		m.quad(at(s.window[0]), at(s.window[1]), at(s.window[2]), at(s.window[3]), glass)
		for _, y := range s.wheels {
			c := vec{side * (s.wide/2 - 0.1), y, s.wheel}
			m.tube(c.sub(vec{0.11, 0, 0}), c.add(vec{0.11, 0, 0}), s.wheel, s.wheel, 14, dark)
			m.tube(c.sub(vec{0.125, 0, 0}), c.add(vec{0.125, 0, 0}), s.wheel*0.6, s.wheel*0.6, 10, paintHex(0x85888c))
		}
	}
	if kind == "truck" {
		m.box(vec{0, -0.85, 0.75}, vec{2.05, 4.1, 0.1}, 0, dark, paintHex(0x6b6558))
		for _, x := range []float64{-1, 1} {
			m.box(vec{x * 1.0, -0.85, 0.85}, vec{0.06, 4.1, 0.55}, 0, body, body)
		}
		m.box(vec{0, -2.88, 0.85}, vec{2.05, 0.06, 0.55}, 0, body, body)
		m.box(vec{0, -0.7, 0.85}, vec{1.8, 3.2, 0.75}, 0, paintHex(0x9b8457), paintHex(0x8b764c))
	}
	m.carLights(s, lights)
	return m
}

func (m *mesh) carLights(s carShape, lights bool) {
	front, back := s.body[0][1]+0.32, s.body[0][1]+0.42
	white, red := rgb{0.32, 0.32, 0.3}, rgb{0.25, 0.02, 0.02}
	if lights {
		white, red = rgb{4.5, 4.2, 3.4}, rgb{1.6, 0.05, 0.04}
	}
	tail := -s.length/2 - 0.005
	if s.body[0][0] > 0 {
		tail = -2.92
	}
	for _, x := range []float64{-1, 1} {
		m.box(vec{x * (s.wide/2 - 0.28), s.length/2 - 0.06, front}, vec{0.36, 0.1, 0.14}, 0, lamp(white), lamp(white))
		m.box(vec{x * (s.wide/2 - 0.22), tail, back}, vec{0.3, 0.06, 0.16}, 0, lamp(red), lamp(red))
	}
	plate := paintHex(0x1f4fa8)
	m.box(vec{0, s.length/2 - 0.0, s.body[0][1] + 0.12}, vec{0.44, 0.04, 0.14}, 0, plate, plate)
	m.box(vec{0, tail, s.body[0][1] + 0.25}, vec{0.44, 0.04, 0.14}, 0, plate, plate)
}

// path is a line on the ground that things follow.
type path struct {
	points []vec
	sums   []float64
}

// newPath joins points; corners are rounded with a radius.
func newPath(radius float64, pts ...vec) *path {
	p := &path{}
	for i, q := range pts {
		if i == 0 || i == len(pts)-1 || radius == 0 {
			p.points = append(p.points, q)
			continue
		}
		a, b := pts[i-1].sub(q), pts[i+1].sub(q)
		ra, rb := math.Min(radius, a.len()/2), math.Min(radius, b.len()/2)
		from, to := q.add(a.norm().mul(ra)), q.add(b.norm().mul(rb))
		for k := range 13 {
			t := float64(k) / 12
			p.points = append(p.points, from.mul((1-t)*(1-t)).add(q.mul(2*t*(1-t))).add(to.mul(t*t)))
		}
	}
	total := 0.0
	for i := range p.points {
		if i > 0 {
			total += p.points[i].sub(p.points[i-1]).len()
		}
		p.sums = append(p.sums, total)
	}
	return p
}

func (p *path) length() float64 { return p.sums[len(p.sums)-1] }

func (p *path) point(s float64) vec {
	for i := 1; i < len(p.points); i++ {
		if s <= p.sums[i] || i == len(p.points)-1 {
			t := (s - p.sums[i-1]) / math.Max(1e-9, p.sums[i]-p.sums[i-1])
			return p.points[i-1].mix(p.points[i], t)
		}
	}
	return p.points[0]
}

// at gives place and heading; the heading is taken between two axles.
func (p *path) at(s, wheelbase float64) (vec, float64) {
	a, b := p.point(s-wheelbase/2), p.point(s+wheelbase/2)
	d := b.sub(a)
	return p.point(s), math.Atan2(-d.x, d.y)
}

// drive sends a vehicle along a path once in a loop; it must begin and end out
// of sight. start is 0..1, where it is at frame 0.
func (w *world) drive(p *path, start float64, kind string, color rgb) {
	body := car(kind, color, w.mood.night)
	shape := shapeOf(kind)
	w.movers = append(w.movers, func(f int, s *shot) {
		d := frac(start+float64(f)/frames) * p.length()
		pos, yaw := p.at(d, shape.length*0.6)
		w.place(s, body, pos, yaw, shape.wide/2+0.15, shape.length/2+0.2)
		if w.mood.night {
			w.beams(s, shape, pos, yaw)
		}
	})
}

// place puts a moving mesh with its soft shadow.
func (w *world) place(s *shot, body *mesh, pos vec, yaw, rx, ry float64) {
	s.solid.put(body, pos, yaw)
	ground := pos
	ground.z += 0.02
	s.blobs = append(s.blobs, blob{pos: ground, yaw: yaw, rx: rx * 1.3, ry: ry * 1.15, hard: 0.35, keep: 1 - w.mood.contact})
}

// beams are a car's lights at night, on the road and in the lens.
func (w *world) beams(s *shot, shape carShape, pos vec, yaw float64) {
	for i, k := range []float64{1, 0.5} {
		ahead := vec{0, shape.length/2 + 5.5 + 3*float64(i), 0.02}.spin(yaw)
		s.blobs = append(s.blobs, blob{pos: pos.add(ahead), yaw: yaw, rx: 2.1 + 0.8*float64(i), ry: 5.2 + 4*float64(i), keep: 1,
			add: rgb{0.20, 0.185, 0.14}.mul(k * 0.7)})
	}
	for _, x := range []float64{-1, 1} {
		front := vec{x * (shape.wide/2 - 0.28), shape.length/2 + 0.1, 0.66}.spin(yaw)
		back := vec{x * (shape.wide/2 - 0.22), -shape.length/2 - 0.1, 0.76}.spin(yaw)
		facing := vec{0, 1, 0}.spin(yaw).dot(w.lens.pos.sub(pos).norm())
		if facing > 0.1 {
			s.halos = append(s.halos, halo{pos.add(front), rgb{1.5, 1.4, 1.15}.mul(facing), 1.1})
		}
		if facing < -0.1 {
			s.halos = append(s.halos, halo{pos.add(back), rgb{0.5, 0.02, 0.015}.mul(-facing), 0.55})
		}
	}
}

// ride sends an electric bicycle along a path once in a loop.
func (w *world) ride(p *path, start float64, frame, coat rgb) {
	body := ebike(frame, coat, true)
	w.movers = append(w.movers, func(f int, s *shot) {
		pos, yaw := p.at(frac(start+float64(f)/frames)*p.length(), 1.1)
		w.place(s, body, pos, yaw, 0.3, 0.9)
		if w.mood.night {
			s.blobs = append(s.blobs, blob{pos: pos.add(vec{0, 3.6, 0.02}.spin(yaw)), yaw: yaw, rx: 0.9, ry: 2.6, keep: 1, add: rgb{0.07, 0.065, 0.05}})
		}
	})
}

// stride is how far a pair of steps carries.
const stride = 1.3

// walk sends walkers along a path, alike and evenly apart, so that after a loop
// each stands where the next one stood. Both ends must be out of sight.
func (w *world) walk(p *path, start float64, coat, trousers rgb, tall float64) {
	step := 8 * stride // in one loop: 1.3 m a second
	n := max(1, int(math.Round(p.length()/step)))
	scale := p.length() / (float64(n) * step)
	w.movers = append(w.movers, func(f int, s *shot) {
		for i := range n {
			d := frac((float64(i)+start+float64(f)/frames)/float64(n)) * p.length()
			pos, yaw := p.at(d, 0.8)
			w.place(s, person(coat, trousers, tall, frac(d/scale/stride), 1), pos, yaw, 0.28, 0.28)
		}
	})
}

// linger has someone stand and shift a little.
func (w *world) linger(pos vec, yaw, start float64, coat, trousers rgb, tall float64) {
	w.movers = append(w.movers, func(f int, s *shot) {
		t := 2 * math.Pi * (start + float64(f)/frames)
		turn := yaw + 0.16*math.Sin(t) + 0.07*math.Sin(2*t)
		w.place(s, person(coat, trousers, tall, 0.03*math.Sin(t), 0.55), pos, turn, 0.28, 0.28)
	})
}

// pace has someone walk a few metres to and fro, turning at the ends.
func (w *world) pace(a, b vec, start float64, coat, trousers rgb, tall float64) {
	dist := b.sub(a).len()
	half := frames / 2
	d := b.sub(a)
	there := math.Atan2(-d.x, d.y)
	w.movers = append(w.movers, func(f int, s *shot) {
		n := (f + int(start*frames)) % frames
		leg, t := n/half, float64(n%half)/float64(half)
		k := clamp((t-0.14)/0.86, 0, 1) // turn, then walk
		yaw := there + math.Pi*smooth(0, 0.14, t) - math.Pi
		pos := a.mix(b, k)
		if leg == 1 {
			yaw, pos = yaw+math.Pi, b.mix(a, k)
		}
		moving := smooth(0.12, 0.2, t) * (1 - smooth(0.94, 1, t))
		w.place(s, person(coat, trousers, tall, frac(k*dist/stride), 0.1+0.9*moving), pos, yaw, 0.28, 0.28)
	})
}
