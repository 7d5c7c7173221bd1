package main

import "math"

// waterZ is the level of a river below its bank.
const waterZ = -2.2

// A river seen from the promenade: railing and willows on the near bank, the
// water, the far bank with houses, and what crosses it.
func river(w *world, face *typeface, plan shotPlan) error {
	near, far := 16.0, 78.0
	switch plan.feature {
	case "footbridge":
		near, far = 13, 41
	case "dyke":
		near = 21
	}
	w.still.flat(-200, far, 200, 400, 0.05, grass(hex(0x5d7040), w.seed))
	w.water(-160, near, 160, far, waterZ, 26)
	w.nearBank(near, plan)
	w.farBank(far, plan)
	switch plan.feature {
	case "bridge":
		w.roadBridge(near, far)
	case "ferry":
		if err := w.ferry(face, near); err != nil {
			return err
		}
	case "footbridge":
		w.archBridge(vec{9, near - 0.5, 0}, vec{9, far + 0.5, 0})
	default:
		w.moor(boat(16, 0x4b5a63), vec{-6, 52, waterZ}, 1.5)
		w.moor(boat(9, 0x5a4632), vec{14, near + 5, waterZ}, 1.35)
	}
	return nil
}

// nearBank is the promenade or the grass dyke.
func (w *world) nearBank(near float64, plan shotPlan) {
	top := pavers(hex(0xa39d92), 0.9, w.seed)
	wall := bricks(hex(0x8f8b82), hex(0x6f6c66), 1.1, 0.5, w.seed)
	if plan.feature == "dyke" {
		turf := grass(hex(0x61773c), w.seed)
		w.still.quad(vec{-160, near - 6, 0}, vec{160, near - 6, 0}, vec{160, near + 1, waterZ}, vec{-160, near + 1, waterZ}, turf)
		w.still.flat(-160, -20, 160, near-6, 0, turf)
		w.still.flat(-160, 8.6, 160, 12.4, 0.03, asphalt(hex(0x77777a), w.seed))
	} else {
		w.still.flat(-160, -20, 160, near, 0, top)
		w.still.quad(vec{-160, near, waterZ - 0.5}, vec{160, near, waterZ - 0.5}, vec{160, near, 0}, vec{-160, near, 0}, wall)
		bars := stone(hex(0xb5b0a5), w.seed)
		gap := map[string][2]float64{"ferry": {1, 3.4}, "footbridge": {7.5, 10.5}}[plan.feature]
		w.railing(vec{-60, near - 0.4, 0}, vec{gap[0], near - 0.4, 0}, 2, 1.1, bars)
		w.railing(vec{gap[1], near - 0.4, 0}, vec{60, near - 0.4, 0}, 2, 1.1, bars)
	}
	for i, x := range []float64{-19, -10.5, 12.5, 21} {
		if plan.feature == "dyke" {
			w.tree(vec{x*1.3 + 3, near - 7, 0}, poplar(9+float64(i%2), 0x5d7a3d))
			continue
		}
		if plan.feature == "bridge" && x > 0 || plan.feature == "footbridge" && i == 2 {
			continue
		}
		w.tree(vec{x, near - 2.6, 0}, willow(7.5+float64(i%3), 0x6b8540))
	}
	if plan.feature != "dyke" {
		for _, x := range []float64{-14.5, -5.5, 6.5, 17} {
			w.gardenLamp(vec{x, near - 1.5, 0})
		}
		w.bench(vec{-7.5, near - 2.2, 0}, math.Pi)
		if near > 14 {
			w.planter(vec{-1.5, near - 6, 0}, 4, 1.4, 0xc2385a)
		}
	}
	y := near - 3.4
	if plan.feature == "dyke" {
		y = 11.6
	}
	w.walk(newPath(0, vec{-34, y, 0}, vec{34, y, 0}), 0.2, w.coat(), w.trousers(), w.height())
	w.walk(newPath(0, vec{34, y - 1.1, 0}, vec{-34, y - 1.1, 0}), 0.55, w.coat(), w.trousers(), w.height())
	if near > 14 {
		w.ride(newPath(0, vec{-30, y - 2.1, 0}, vec{30, y - 2.1, 0}), 0.4, hex(0x35568c), w.coat())
	}
	w.linger(vec{1.8, math.Min(near-1, 13.6), 0}, 0.2, 0.3, w.coat(), w.trousers(), w.height())
}

// farBank has trees, houses and haze behind.
func (w *world) farBank(far float64, plan shotPlan) {
	w.still.quad(vec{-200, far, waterZ - 0.4}, vec{200, far, waterZ - 0.4}, vec{200, far, 0.4}, vec{-200, far, 0.4}, bricks(hex(0x8d897f), hex(0x6c6963), 1.4, 0.6, w.seed+1))
	walls := []uint32{0xcfc7b8, 0xd8d2c6, 0xbfb6a6, 0xc6ad98}
	rural := plan.feature == "footbridge" || plan.feature == "dyke"
	for x := -95.0; x < 100; x += 13 + 9*w.rnd.Float64() {
		pos := vec{x, far + 14 + 6*w.rnd.Float64(), 0}
		switch {
		case rural:
			w.cottage(pos, 10+3*w.rnd.Float64(), 7, 3.4+3*float64(w.rnd.IntN(2)), 0.3*(w.rnd.Float64()-0.5), 0xded9cd, 0x55565a)
		default:
			w.house(pos, 12+6*w.rnd.Float64(), 12, 9+3*float64(w.rnd.IntN(7)), 0.15*(w.rnd.Float64()-0.5), dwelling(walls[w.rnd.IntN(4)]))
		}
	}
	for x := -90.0; x < 95; x += 7.5 {
		w.tree(vec{x + 3*w.rnd.Float64(), far + 4 + 2*w.rnd.Float64(), 0}, broadleaf(5+2.5*w.rnd.Float64(), []uint32{0x4e6a35, 0x5b7a3c, 0x476030}[w.rnd.IntN(3)]))
	}
	if w.mood.night {
		for x := -60.0; x < 64; x += 15 {
			w.streetLamp(vec{x, far + 1.5, 0}, 1)
		}
	}
	w.hills(far+130, 160, 46, 0x566a52, w.seed+3)
}

// roadBridge crosses the river to the right, with traffic on it.
func (w *world) roadBridge(near, far float64) {
	concrete := stone(hex(0xb4b0a8), w.seed)
	deck := asphalt(hex(0x5a5c5f), w.seed+1)
	const x0, x1, z = 14.0, 24.0, 1.6
	w.still.box(vec{(x0 + x1) / 2, (near+far)/2 + 10, z - 0.9}, vec{x1 - x0, far - near + 80, 0.9}, 0, concrete, deck)
	for y := near + 8; y < far; y += 16 {
		for _, x := range []float64{x0 + 2, x1 - 2} {
			w.still.tube(vec{x, y, waterZ - 1}, vec{x, y, z - 0.8}, 0.9, 0.9, 14, concrete)
		}
		w.still.box(vec{(x0 + x1) / 2, y, z - 1.7}, vec{x1 - x0, 1.8, 0.9}, 0, concrete, concrete)
	}
	for _, x := range []float64{x0 + 0.2, x1 - 0.2} {
		w.railing(vec{x, near - 20, z}, vec{x, far + 40, z}, 2.4, 1.1, paintHex(0xd8dadc))
	}
	for i := range 5 {
		w.streetLamp(vec{x1 - 0.4, near + 6 + 17*float64(i), z}, -1)
	}
	yellow := paintHex(0xcf9c32)
	w.still.flat((x0+x1)/2-0.08, near-20, (x0+x1)/2+0.08, far+40, z+0.015, yellow)
	lift := func(p vec) vec { p.z = z; return p }
	out := newPath(0, lift(vec{21.3, -12, 0}), lift(vec{21.3, far + 48, 0}))
	in := newPath(0, lift(vec{16.6, far + 48, 0}), lift(vec{16.6, -12, 0}))
	w.drive(out, 0.1, "sedan", w.carColor())
	w.drive(out, 0.55, "van", w.carColor())
	w.drive(in, 0.25, "suv", w.carColor())
	w.drive(in, 0.75, "truck", hex(0x28508a))
	w.house(vec{19, far + 62, 0}, 30, 14, 24, 0, dwelling(0xc4b7a4)) // where the road bends away
	w.moor(boat(14, 0x455865), vec{-8, 46, waterZ}, 1.45)
	w.moor(boat(8, 0x5a4632), vec{-18, 27, waterZ}, 1.7)
}

// ferry lies at a pontoon with a gangway.
func (w *world) ferry(face *typeface, near float64) error {
	steel, deck := paintHex(0x6a7378), paintHex(0x8d8f8c)
	w.still.box(vec{4, near + 7, waterZ - 0.3}, vec{16, 6, 0.9}, 0, steel, deck)
	w.still.quad(vec{1, near - 0.2, 0.02}, vec{3.4, near - 0.2, 0.02}, vec{3.4, near + 4.4, waterZ + 0.62}, vec{1, near + 4.4, waterZ + 0.62}, deck)
	w.railing(vec{1, near, 0}, vec{1, near + 4.4, waterZ + 0.6}, 1.5, 1, steel)
	w.railing(vec{3.4, near, 0}, vec{3.4, near + 4.4, waterZ + 0.6}, 1.5, 1, steel)
	for _, x := range []float64{-3.4, 11.4} {
		w.still.tube(vec{x, near + 9, waterZ - 1}, vec{x, near + 9, 2.2}, 0.22, 0.22, 10, paintHex(0xb2502c))
	}
	w.moor(boat(22, 0x2f5d86), vec{5, near + 15, waterZ}, 1.52)
	w.moor(boat(10, 0x6b4a30), vec{-19, near + 6, waterZ}, 1.3)
	w.still.box(vec{-3.6, near - 1.2, 0}, vec{0.14, 0.14, 3}, 0, steel, steel)
	w.still.box(vec{-0.4, near - 1.2, 0}, vec{0.14, 0.14, 3}, 0, steel, steel)
	return w.board(face, "渡口码头", vec{-3.9, near - 1.35, 2.1}, vec{1, 0, 0}, 3.8, 1.0, 0xf6f2e4, 0x1c4f86)
}

// archBridge is a stone bridge for walkers.
func (w *world) archBridge(a, b vec) {
	rock := bricks(hex(0xa19b8e), hex(0x807b70), 0.9, 0.35, w.seed)
	deck := pavers(hex(0xa8a297), 0.5, w.seed)
	const n, half = 24, 1.5
	rise := func(t float64) float64 { return 2.4 * math.Sin(math.Pi*t) }
	under := func(t float64) float64 { return waterZ - 0.4 + 3.6*math.Sqrt(math.Max(0, 1-math.Pow(2*t-1, 2)*1.5)) }
	at := func(t, z, s float64) vec { p := a.mix(b, t); return vec{p.x + s*half, p.y, z} }
	for i := range n {
		t0, t1 := float64(i)/n, float64(i+1)/n
		w.still.quad(at(t0, rise(t0), -1), at(t0, rise(t0), 1), at(t1, rise(t1), 1), at(t1, rise(t1), -1), deck)
		for _, s := range []float64{-1, 1} {
			w.still.quad(at(t0, under(t0), s), at(t1, under(t1), s), at(t1, rise(t1)+0.9, s), at(t0, rise(t0)+0.9, s), rock)
			w.still.quad(at(t0, rise(t0)+0.02, s*0.84), at(t1, rise(t1)+0.02, s*0.84), at(t1, rise(t1)+0.9, s*0.84), at(t0, rise(t0)+0.9, s*0.84), rock)
			w.still.quad(at(t0, rise(t0)+0.9, s), at(t1, rise(t1)+0.9, s), at(t1, rise(t1)+0.9, s*0.84), at(t0, rise(t0)+0.9, s*0.84), rock)
		}
	}
	line := []vec{a.add(vec{0, -26, 0})}
	for i := range n + 1 {
		t := float64(i) / n
		line = append(line, at(t, rise(t), 0))
	}
	line = append(line, b.add(vec{0, 13, 0}), b.add(vec{14, 13, 0}))
	w.walk(newPath(0, line...), 0.3, w.coat(), w.trousers(), w.height())
	w.moor(boat(7, 0x54422f), vec{-5, 24, waterZ}, 1.5)
}
