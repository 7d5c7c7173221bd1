package main

import "math"

// inStar tells whether (x, y) lies in a five-pointed star of radius 1 around
// the middle, one point towards the angle.
func inStar(x, y, angle float64) bool {
	r := math.Hypot(x, y)
	a := math.Abs(math.Remainder(math.Atan2(y, x)-angle, 2*math.Pi/5))
	// the edge from a tip (angle 0, radius 1) to an inner corner (36 degrees, 0.382)
	const inner, corner = 0.382, math.Pi / 5
	ix, iy := inner*math.Cos(corner), inner*math.Sin(corner)
	return (r*math.Cos(a)-1)*iy-r*math.Sin(a)*(ix-1) < 0
}

// flagColor is the flag at u to the right and v down, 30 by 20.
func flagColor(u, v float64) rgb {
	red, gold := hex(0xc81d1d), hex(0xf6c72f)
	if inStar((u-5)/3, (v-5)/3, -math.Pi/2) {
		return gold
	}
	for _, s := range [][2]float64{{10, 2}, {12, 4}, {12, 7}, {10, 9}} {
		if inStar(u-s[0], v-s[1], math.Atan2(5-s[1], 5-s[0])) {
			return gold
		}
	}
	return red
}

// flag flies from a pole; it waves three times a loop.
func (w *world) flag(pos vec, tall float64) {
	w.still.tube(pos, pos.add(vec{0, 0, tall}), 0.1, 0.06, 8, paintHex(0xc9ccce))
	const cols, rows, long, high = 18, 6, 3.6, 2.4
	w.movers = append(w.movers, func(f int, s *shot) {
		t := 2 * math.Pi * float64(f) / frames
		drop := func(u float64) float64 { return 0.15 + 0.35*u*u - 0.06*u*math.Sin(3*t-6*u+1) }
		cloth := &mat{thin: true, tex: func(p vec) rgb {
			u := (p.x - pos.x - 0.1) / (long * 0.96)
			v := (pos.z + tall - p.z - drop(u)) / high
			return flagColor(30*u, 20*v)
		}}
		at := func(i, j int) vec {
			u, v := float64(i)/cols, float64(j)/rows
			return pos.add(vec{0.1 + u*long*0.96, 0.32*u*math.Sin(3*t-7*u) + 0.5*u, tall - drop(u) - v*high})
		}
		for i := range cols {
			for j := range rows {
				s.solid.quad(at(i, j+1), at(i+1, j+1), at(i+1, j), at(i, j), cloth)
			}
		}
	})
}

// gardenLamp is a low lamp on a post.
func (w *world) gardenLamp(pos vec) {
	w.still.tube(pos, pos.add(vec{0, 0, 3.2}), 0.06, 0.05, 8, paintHex(0x3a3f42))
	head := pos.add(vec{0, 0, 3.35})
	m := paintHex(0xdcdcd4)
	if w.mood.night && !w.mood.infrared {
		m = lamp(rgb{2.6, 2.2, 1.5})
		w.lights = append(w.lights, light{pos: head, color: rgb{0.95, 0.78, 0.5}.mul(0.5), reach: 4.2})
		w.halos = append(w.halos, halo{head, rgb{0.6, 0.48, 0.28}, 1.3})
	}
	w.still.ball(head, vec{0.2, 0.2, 0.22}, 6, m)
}

func (w *world) bench(pos vec, yaw float64) {
	wood, iron := paintHex(0x8a6242), paintHex(0x3b3d40)
	w.still.box(pos.add(vec{0, 0, 0.42}), vec{1.8, 0.5, 0.07}, yaw, wood, wood)
	w.still.box(pos.add(vec{0, 0.25, 0.55}.spin(yaw)), vec{1.8, 0.06, 0.4}, yaw, wood, wood)
	for _, x := range []float64{-0.7, 0.7} {
		w.still.box(pos.add(vec{x, 0, 0}.spin(yaw)), vec{0.08, 0.45, 0.43}, yaw, iron, iron)
	}
}

// planter is a stone bed with flowers or a clipped shrub.
func (w *world) planter(pos vec, wide, deep float64, flowers uint32) {
	w.still.box(pos, vec{wide, deep, 0.5}, 0, stone(hex(0xa8a399), w.seed), earth(hex(0x4d4032), w.seed))
	base := hex(flowers)
	bed := textured(func(p vec) rgb {
		v := cloudy(p.x*2.6, p.y*2.6, 2, w.seed)
		return hex(0x3f5e2d).mul(0.8+0.5*v).mix(base, smooth(0.5, 0.62, v))
	})
	w.still.box(pos.add(vec{0, 0, 0.4}), vec{wide - 0.4, deep - 0.4, 0.35}, 0, bed, bed)
}

// utility is a pole for wires; wires hang between the poles' tops.
func (w *world) utility(tall float64, poles ...vec) {
	concrete, wire := stone(hex(0x9a978f), w.seed), paintHex(0x26282a)
	for i, p := range poles {
		w.still.tube(p, p.add(vec{0, 0, tall}), 0.16, 0.1, 8, concrete)
		w.still.box(p.add(vec{0, 0, tall - 0.6}), vec{1.8, 0.1, 0.1}, 0, wire, wire)
		if i == 0 {
			continue
		}
		for _, x := range []float64{-0.8, 0, 0.8} {
			a := poles[i-1].add(vec{x, 0, tall - 0.4})
			b := p.add(vec{x, 0, tall - 0.4})
			for k := range 8 {
				sag := func(t float64) vec { return a.mix(b, t).sub(vec{0, 0, 3.2 * t * (1 - t)}) }
				w.still.tube(sag(float64(k)/8), sag(float64(k+1)/8), 0.018, 0.018, 3, wire)
			}
		}
	}
}

// hills are a ridge far away, from x0 to x1 at y, with trees as a rough skin.
func (w *world) hills(y, deep, tall float64, color uint32, seed int) {
	base := hex(color)
	skin := textured(func(p vec) rgb { return base.mul(0.72 + 0.5*cloudy(p.x*0.06, p.z*0.12+p.y*0.05, 3, seed)) })
	rise := func(x, v float64) vec {
		h := tall * (0.35 + 0.9*cloudy(x*0.011+float64(seed%13), 3, 3, seed))
		return vec{x, y + v*deep, h*math.Pow(v, 0.8) - 0.3 + 0.03*tall*noise(x*0.05, v*5, seed)}
	}
	for x := -420.0; x < 420; x += 15 {
		for k := range 6 {
			v0, v1 := float64(k)/6, float64(k+1)/6
			w.still.quad(rise(x, v0), rise(x+15, v0), rise(x+15, v1), rise(x, v1), skin)
		}
	}
}

// railing along a line: posts and two bars, stone or steel.
func (w *world) railing(a, b vec, gap, tall float64, m *mat) {
	n := max(1, int(b.sub(a).len()/gap))
	d := b.sub(a)
	yaw := math.Atan2(-d.x, d.y)
	for i := range n + 1 {
		w.still.box(a.mix(b, float64(i)/float64(n)), vec{0.14, 0.14, tall + 0.12}, yaw, m, m)
	}
	for _, z := range []float64{0.3, 0.65, 1} {
		c := a.mix(b, 0.5)
		c.z = (a.z+b.z)/2 + z*tall - 0.06
		w.still.tube(vec{a.x, a.y, a.z + z*tall}, vec{b.x, b.y, b.z + z*tall}, 0.035, 0.035, 5, m)
	}
}

// water lies between x0..x1, y0..y1 at a height, with ripples that come and go.
func (w *world) water(x0, y0, x1, y1, z float64, ripples int) {
	base := hex(0x3d5a52)
	m := &mat{color: base.mul(0.8), water: true}
	w.still.flat(x0, y0, x1, y1, z, m)
	bright := w.mood.rim.mul(0.10)
	for range ripples {
		t := w.rnd.Float64()
		y := y0 + (y1-y0)*t*t
		x := clamp((w.rnd.Float64()-0.5)*1.5*(y+8), x0+2, x1-2)
		pos := vec{x, y, z}
		phase, turns := w.rnd.Float64(), float64(1+w.rnd.IntN(2))
		rx, ry := 0.6+1.6*w.rnd.Float64()+y*0.02, 0.09+0.12*w.rnd.Float64()+y*0.006
		w.movers = append(w.movers, func(f int, s *shot) {
			u := frac(turns*float64(f)/frames + phase)
			k := math.Sin(math.Pi * u)
			s.blobs = append(s.blobs, blob{pos: pos.add(vec{1.2 * (u - 0.5), 0, 0}), rx: rx, ry: ry, hard: 0.2, keep: 1 - 0.25*k, add: bright.mul(k)})
		})
	}
}

// boat is a flat wooden or steel boat with a cabin, its bow along y.
func boat(long float64, hull uint32) *mesh {
	m := &mesh{}
	side, deck, roof := paintHex(hull), paintHex(0x8b7654), paintHex(0xd6d6d0)
	wide := long * 0.14
	section := func(y float64) float64 { // half width along the hull
		t := clamp((y/long+0.5-0.72)/0.28, 0, 1)
		return wide * (1 - t*t)
	}
	const cuts = 10
	for i := range cuts {
		y0, y1 := long*(float64(i)/cuts-0.5), long*(float64(i+1)/cuts-0.5)
		for _, s := range []float64{-1, 1} {
			m.quad(vec{s * section(y0) * 0.8, y0, -0.3}, vec{s * section(y1) * 0.8, y1, -0.3}, vec{s * section(y1), y1, 0.8}, vec{s * section(y0), y0, 0.8}, side)
		}
		m.quad(vec{-section(y0), y0, 0.7}, vec{section(y0), y0, 0.7}, vec{section(y1), y1, 0.7}, vec{-section(y1), y1, 0.7}, deck)
	}
	m.quad(vec{-wide, -long / 2, -0.3}, vec{wide, -long / 2, -0.3}, vec{wide, -long / 2, 0.8}, vec{-wide, -long / 2, 0.8}, side)
	m.box(vec{0, -long * 0.12, 0.7}, vec{wide * 1.5, long * 0.42, 1.7}, 0, paintHex(0xdfe3e4), roof)
	m.box(vec{0, -long * 0.12, 1.35}, vec{wide*1.5 + 0.05, long * 0.38, 0.6}, 0, &mat{color: hex(0x25323c), shiny: 0.6}, roof)
	m.box(vec{0, -long * 0.12, 2.4}, vec{wide * 1.8, long * 0.47, 0.12}, 0, roof, roof)
	return m
}

// moor leaves a boat on the water; it rolls a little.
func (w *world) moor(b *mesh, pos vec, yaw float64) {
	start := w.rnd.Float64() * 2 * math.Pi
	w.movers = append(w.movers, func(f int, s *shot) {
		t := 2*math.Pi*float64(f)/frames + start
		s.solid.put(b, pos.add(vec{0.08 * math.Sin(t), 0.05 * math.Cos(t), 0.05 * math.Sin(2*t)}), yaw+0.01*math.Sin(t))
	})
}
