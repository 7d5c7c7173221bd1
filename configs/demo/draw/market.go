package main

import "math"

// A market lane: stalls with awnings on both sides, goods in crates, people.
func market(w *world, face *typeface, plan shotPlan) error {
	w.still.flat(-160, -20, 160, 240, -0.01, pavers(hex(0x938d83), 0.8, w.seed))
	w.still.flat(-3, -10, 3, 92, 0.005, earth(hex(0x8b857b), w.seed+1))
	stripes := [][2]uint32{{0xc33a32, 0xeee6d6}, {0x2f7fb0, 0xeee9dc}, {0x3c8a55, 0xefe8d8}, {0xd08a2c, 0xefe6d0}, {0x7d4a93, 0xece4dc}}
	for _, s := range []float64{-1, 1} {
		for i := range 12 {
			y := 7 + 5.1*float64(i)
			if s > 0 && i == 0 { // too close to the lens
				continue
			}
			w.stall(vec{s * 6, y, 0}, s, stripes[w.rnd.IntN(len(stripes))], plan)
		}
	}
	if err := w.marketHouses(face, plan); err != nil {
		return err
	}
	switch plan.feature {
	case "timber":
		w.timber()
	default:
		w.strings(plan)
	}
	w.walk(newPath(0, vec{-1.3, -12, 0}, vec{-0.9, 84, 0}), w.rnd.Float64(), w.coat(), w.trousers(), w.height())
	w.walk(newPath(0, vec{1.2, 84, 0}, vec{1.5, -12, 0}), w.rnd.Float64(), w.coat(), w.trousers(), w.height())
	for i := range 8 { // across the lane, from one gap between stalls to another
		s := float64(i%2*2 - 1)
		y, to := 9.55+5.1*float64(i), 9.55+5.1*float64(i+1-i%2*2+w.rnd.IntN(2))
		if y < 12 || to < 12 {
			y, to = 14.65, 19.75
		}
		p := newPath(2, vec{s * 7.6, y, 0}, vec{s * 1.8, y, 0}, vec{-s * 1.8, to, 0}, vec{-s * 7.6, to, 0})
		w.walk(p, w.rnd.Float64(), w.coat(), w.trousers(), w.height())
	}
	for i := range 9 {
		s := float64(i%2*2 - 1)
		w.linger(vec{s * (3.3 + 0.4*w.rnd.Float64()), 10 + 5.1*float64(i) + w.rnd.Float64(), 0}, -s*math.Pi/2, w.rnd.Float64(), w.coat(), w.trousers(), w.height())
		w.linger(vec{s * 7.5, 12.2 + 5.1*float64(i), 0}, s*math.Pi/2, w.rnd.Float64(), w.coat(), w.trousers(), w.height())
	}
	w.ride(newPath(0, vec{-0.5, 86, 0}, vec{0.6, -14, 0}), 0.35, hex(0x2f5f9e), w.coat())
	return nil
}

// stall stands along the lane; s is its side.
func (w *world) stall(pos vec, s float64, colors [2]uint32, plan shotPlan) {
	m := &w.still
	wood, pole := paintHex(0x8a6a48), paintHex(0x9a9c9e)
	m.box(pos.add(vec{-s * 0.9, 0, 0}), vec{1.7, 4.3, 0.75}, 0, wood, wood)
	for _, dy := range []float64{-2.2, 2.2} {
		m.tube(pos.add(vec{-s * 1.9, dy, 0}), pos.add(vec{-s * 1.9, dy, 2.5}), 0.04, 0.04, 6, pole)
		m.tube(pos.add(vec{s * 1.6, dy, 0}), pos.add(vec{s * 1.6, dy, 3.1}), 0.04, 0.04, 6, pole)
	}
	a, b := hex(colors[0]), hex(colors[1])
	cloth := &mat{thin: true, tex: func(p vec) rgb {
		if frac((p.y-pos.y)/0.86) < 0.5 {
			return a
		}
		return b
	}}
	lo, hi := pos.add(vec{-s * 2.5, 0, 2.35}), pos.add(vec{s * 1.8, 0, 3.2})
	y := vec{0, 2.35, 0}
	m.quad(lo.sub(y.mul(-s)), lo.add(y.mul(-s)), hi.add(y.mul(-s)), hi.sub(y.mul(-s)), cloth) // its face up
	down := vec{0, 0, -0.28}
	m.quad(lo.sub(y).add(down), lo.add(y).add(down), lo.add(y), lo.sub(y), cloth)
	w.goods(pos.add(vec{-s * 0.9, 0, 0.75}), plan)
	if w.mood.night {
		bulb := pos.add(vec{-s * 1.2, 0, 2.25})
		m.ball(bulb, vec{0.09, 0.09, 0.12}, 5, lamp(rgb{6, 5, 3.2}))
		w.lights = append(w.lights, light{pos: bulb, color: rgb{1.0, 0.78, 0.46}.mul(0.75), reach: 2.6})
		w.halos = append(w.halos, halo{bulb, rgb{0.5, 0.38, 0.2}, 0.8})
	}
}

// goods are crates of fruit and greens, or tiles and tins.
func (w *world) goods(top vec, plan shotPlan) {
	fruit := []uint32{0xc8372b, 0xd98a2a, 0x6f9a3a, 0xd9c13a, 0x8a3560, 0x4d7a33, 0xe0d9c2, 0xb6602c}
	if plan.feature == "timber" {
		fruit = []uint32{0xb9b4aa, 0x8c6a48, 0x9aa3a8, 0xa89478, 0x6d7880, 0xc4b08c}
	}
	crate := paintHex(0x6f8fa8)
	for i := range 2 {
		for j := range 4 {
			c := top.add(vec{-0.42 + 0.84*float64(i), -1.6 + 1.07*float64(j), 0})
			w.still.box(c, vec{0.76, 0.98, 0.16}, 0, crate, crate)
			color := hex(fruit[w.rnd.IntN(len(fruit))])
			heap := textured(func(p vec) rgb { return color.mul(0.65 + 0.6*noise(p.x*9, p.y*9, w.seed)) })
			w.still.ball(c.add(vec{0, 0, 0.14}), vec{0.36, 0.46, 0.16 + 0.1*w.rnd.Float64()}, 6, heap)
		}
	}
}

// marketHouses close the lane on three sides.
func (w *world) marketHouses(face *typeface, plan shotPlan) error {
	for _, s := range []float64{-1, 1} {
		for i := range 4 {
			y := 4 + 21*float64(i)
			f := dwelling([]uint32{0xbfb09a, 0xc9bda8, 0xaf9f8d}[w.rnd.IntN(3)])
			f.base = 3.9
			tall := 3.9 + 3*float64(2+w.rnd.IntN(3))
			if s > 0 && i == 0 {
				continue
			}
			w.house(vec{s * 18, y + 10, 0}, 12, 20, tall, 0, f)
			a, b := vec{s * 12, y + 20, 0}, vec{s * 12, y, 0}
			if s < 0 {
				a, b = b, a
			}
			w.balconies(a, b, f, tall)
			if err := w.shops(face, a, b, shopNames()); err != nil {
				return err
			}
		}
	}
	f := dwelling(0xc3b49d)
	w.house(vec{-10, 98, 0}, 26, 12, 19, 0, f)
	w.house(vec{18, 100, 0}, 26, 12, 25, 0, f)
	steel := paintHex(0x6b7276)
	for _, x := range []float64{-8.6, 8.6} {
		w.still.box(vec{x, 68, 0}, vec{0.8, 0.8, 6}, 0, steel, steel)
	}
	title := map[string]string{"timber": "建材市场", "nightmarket": "河西菜市场"}[plan.feature]
	if title == "" {
		title = "农贸市场"
	}
	w.still.box(vec{0, 68, 5.2}, vec{18, 0.7, 1.6}, 0, steel, steel)
	return w.board(face, title, vec{-6, 67.3, 5.1}, vec{1, 0, 0}, 12, 1.9, 0xf7e7b8, 0xa8201a)
}

// strings of lanterns or bulbs hang across the lane and swing.
func (w *world) strings(plan shotPlan) {
	wire := paintHex(0x2a2a2a)
	red := paintHex(0xc0261d)
	if w.mood.night {
		red = &mat{color: hex(0xc0261d), glow: func(vec) rgb { return rgb{0.5, 0.05, 0.025} }}
	}
	gold := paintHex(0xd9a93a)
	lantern := &mesh{}
	lantern.ball(vec{0, 0, -0.3}, vec{0.3, 0.3, 0.25}, 7, red)
	lantern.box(vec{0, 0, -0.07}, vec{0.16, 0.16, 0.06}, 0, gold, gold)
	lantern.box(vec{0, 0, -0.62}, vec{0.16, 0.16, 0.08}, 0, gold, gold)
	lantern.box(vec{0, 0, -0.95}, vec{0.05, 0.05, 0.33}, 0, gold, gold)
	for k := range 6 {
		y := 13 + 9*float64(k)
		a, b := vec{-12, y, 6.4}, vec{12, y, 6.4}
		at := func(t float64) vec { return a.mix(b, t).sub(vec{0, 0, 4 * t * (1 - t) * 1.3}) }
		for i := range 12 {
			w.still.tube(at(float64(i)/12), at(float64(i+1)/12), 0.015, 0.015, 3, wire)
		}
		for i := 1; i < 8; i++ {
			pos := at(float64(i) / 8)
			if k > 2 { // far ones hang still
				w.still.put(lantern, pos, 0)
				continue
			}
			start := w.rnd.Float64() * 2 * math.Pi
			w.movers = append(w.movers, func(f int, s *shot) {
				t := 2*math.Pi*float64(f)/frames + start
				s.solid.put(lantern, pos.add(vec{0.05 * math.Sin(2*t), 0.03 * math.Sin(3*t), 0}), 0.2*math.Sin(t))
			})
		}
	}
}

// timber is what a builders' market sells, and a truck being loaded.
func (w *world) timber() {
	for i := range 5 {
		plank := paintHex([]uint32{0xb98d57, 0xc79d66, 0xa97d4b}[i%3])
		for k := range 5 {
			w.still.box(vec{-9.6 + 0.1*float64(k%2), 9 + 6.2*float64(i), 0.16 * float64(k)}, vec{1.1, 4.4, 0.13}, 0.02*float64(k), plank, plank)
		}
		pipe := paintHex(0xc9cdd0)
		for k := range 7 {
			z := 0.12 + 0.2*float64(k/4)
			x := 8.9 + 0.24*float64(k%4)
			w.still.tube(vec{x, 10 + 6.2*float64(i), z}, vec{x, 14 + 6.2*float64(i), z}, 0.11, 0.11, 8, pipe)
		}
	}
	w.still.put(car("truck", hex(0x2c5ea0), false), vec{1.6, 33, 0}, 0.06)
	w.pace(vec{2.2, 26.5, 0}, vec{4.2, 22.5, 0}, 0.3, hex(0x5f6a3a), w.trousers(), 1.7)
}
