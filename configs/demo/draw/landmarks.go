package main

import "math"

// bellTower closes the view of the old street.
func (w *world) bellTower(c vec) {
	brick := bricks(hex(0x7d6f66), hex(0x5d544e), 1.2, 0.42, w.seed)
	red, tiles := paintHex(0x8c2f23), textured(func(p vec) rgb {
		return hex(0x48504c).mul(0.8 + 0.25*math.Abs(math.Sin(p.x*6+p.y*6)))
	})
	w.still.box(c, vec{24, 16, 9.5}, 0, brick, stone(hex(0x8e867c), w.seed))
	arch := paintHex(0x2a2320)
	w.still.box(c.add(vec{0, -8.05, 0}), vec{5.4, 0.1, 4.2}, 0, arch, arch)
	w.still.tube(c.add(vec{0, -8.1, 4.2}), c.add(vec{0, -8, 4.2}), 2.7, 2.7, 24, arch)
	for x := -12.0; x <= 12; x += 1.5 {
		w.still.box(c.add(vec{x, -7.8, 9.5}), vec{0.9, 0.5, 0.8}, 0, brick, brick)
	}
	windows := textured(func(p vec) rgb {
		if frac((p.x-c.x)/1.4) < 0.12 || frac(p.z/1.1) < 0.12 {
			return hex(0x6d241b)
		}
		return hex(0x8d6a3a)
	})
	if w.mood.night {
		inner := windows.tex
		windows.glow = func(p vec) rgb { return inner(p).tint(rgb{4, 2.6, 1.2}).mul(0.35) }
	}
	z := 9.5
	for i, s := range []vec{{17, 11, 4.6}, {13, 8.5, 3.8}} {
		w.still.box(c.add(vec{0, 0, z}), vec{s.x - 2, s.y - 2, s.z}, 0, windows, red)
		for x := -s.x/2 + 0.6; x <= s.x/2; x += (s.x - 1.2) / 5 {
			w.still.tube(c.add(vec{x, -s.y/2 + 0.5, z}), c.add(vec{x, -s.y/2 + 0.5, z + s.z}), 0.25, 0.25, 8, red)
		}
		z += s.z
		w.hipRoof(c.add(vec{0, 0, z - 0.3}), s.x+3.4, s.y+3.4, 3.4-0.2*float64(i), i == 1, tiles)
		z += 1.6
	}
	if w.mood.night && !w.mood.infrared {
		for _, x := range []float64{-9, 0, 9} {
			w.lights = append(w.lights, light{pos: c.add(vec{x, -12, 1}), color: rgb{1, 0.66, 0.3}.mul(0.9), reach: 9})
		}
	}
}

// hipRoof has turned-up corners.
func (w *world) hipRoof(c vec, wide, deep, rise float64, whole bool, m *mat) {
	k := 0.42
	if whole {
		k = 0.05
	}
	const n = 6
	at := func(i int, t float64) vec {
		xs, ys := []float64{-1, 1, 1, -1, -1}, []float64{-1, -1, 1, 1, -1}
		x := xs[i] + (xs[i+1]-xs[i])*t
		y := ys[i] + (ys[i+1]-ys[i])*t
		edge := math.Abs(2*t - 1)
		return vec{x * wide / 2, y * deep / 2, 0.9 * math.Pow(edge, 4)}
	}
	inner := func(p vec, v float64) vec {
		s := 1 - (1-k)*v
		ridge := 1 - (1-math.Max(k, 0.3))*v
		return vec{p.x * ridge, p.y * s, p.z*(1-v) + rise*(0.65*v*v+0.35*v)}
	}
	for i := range 4 {
		for j := range n {
			a, b := at(i, float64(j)/n), at(i, float64(j+1)/n)
			for r := range 4 {
				v0, v1 := float64(r)/4, float64(r+1)/4
				w.still.quad(c.add(inner(a, v0)), c.add(inner(b, v0)), c.add(inner(b, v1)), c.add(inner(a, v1)), m)
			}
		}
	}
	w.still.box(c.add(vec{0, 0, rise - 0.1}), vec{wide * math.Max(k, 0.3), deep*k + 0.3, 0.35}, 0, m, m)
}

// fuelStation stands at the right, before the cross street.
func (w *world) fuelStation(face *typeface) error {
	c := vec{19, 15.5, 0}
	w.still.flat(3.6, -16, 40, crossY-6.2, 0.02, pavers(hex(0xaeaaa2), 2, w.seed))
	white, red, blue := paintHex(0xe9eaea), paintHex(0xc3241e), paintHex(0x1f5fa6)
	for _, x := range []float64{-6, 6} {
		for _, y := range []float64{-4, 5} {
			w.still.box(c.add(vec{x, y, 0}), vec{0.6, 0.6, 5.4}, 0, white, white)
		}
	}
	w.still.box(c.add(vec{0, 0.5, 5.3}), vec{19, 15, 0.75}, 0, red, white)
	w.still.box(c.add(vec{0, 0.5, 5.2}), vec{18.8, 14.8, 0.12}, 0, white, white)
	for _, x := range []float64{-6, 6} {
		island := stone(hex(0xc9c5bb), w.seed)
		w.still.box(c.add(vec{x, 0.5, 0.02}), vec{1.2, 6.5, 0.18}, 0, island, island)
		for _, y := range []float64{-1.5, 2.5} {
			w.still.box(c.add(vec{x, y, 0.2}), vec{0.7, 1.1, 1.6}, 0, blue, white)
			w.still.box(c.add(vec{x, y, 1.8}), vec{0.75, 1.15, 0.5}, 0, white, white)
		}
	}
	w.park("sedan", c.add(vec{-3.6, 0, 0.02}), 0)
	w.park("suv", c.add(vec{3, 2.4, 0.02}), math.Pi)
	w.linger(c.add(vec{-5, 1.6, 0.02}), 1.8, 0.2, hex(0xc3241e), hex(0x24304a), 1.7)
	f := office(0xd9dad8)
	w.house(c.add(vec{4, 13.5, 0}), 16, 5, 4.6, 0, f)
	if err := w.board(face, "加油站", c.add(vec{-9.65, 4.2, 5.32}), vec{0, -1, 0}, 7, 0.7, 0xf8f8f4, 0xc3241e); err != nil {
		return err
	}
	w.still.box(vec{5.4, 22.5, 0}, vec{1.8, 0.5, 5.2}, 0, white, red)
	return w.board(face, "95# 92# 0#", vec{4.55, 22.2, 2.6}, vec{1, 0, 0}, 1.7, 0.6, 0xf8f8f4, 0x1f5fa6)
}
