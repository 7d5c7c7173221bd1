package main

import "math"

// A square: slabs, planters, lamps, people, something grand at the back.
func square(w *world, face *typeface, plan shotPlan) error {
	w.still.flat(-160, -20, 160, 260, 0, slabs(hex(0xb4ada2), hex(0x97826f), 1.6, w.seed))
	w.still.flat(-160, 62, 160, 78, 0.02, asphalt(hex(0x58595c), w.seed))
	for _, x := range []float64{-27, 27} {
		for y := 12.0; y < 60; y += 9 {
			w.tree(vec{x + math.Copysign(3, x) + w.rnd.Float64(), y + w.rnd.Float64(), 0}, broadleaf(6+2*w.rnd.Float64(), 0x4f6d37))
		}
		w.hedge(vec{x, 10, 0}, vec{x, 58, 0}, 1.2, 0.8, 0x56743a)
	}
	for i, p := range []vec{{-13, 22, 0}, {13, 22, 0}, {-13, 40, 0}, {13, 40, 0}} {
		w.planter(p, 5, 5, []uint32{0xc03a55, 0xd9a23a, 0xb8476f, 0xd6613a}[i])
		w.gardenLamp(p.add(vec{3.6, 0, 0}))
		w.bench(p.add(vec{0, -3.4, 0}), math.Pi)
	}
	var err error
	switch plan.feature {
	case "station":
		err = w.station(face)
	case "community":
		w.community()
	default:
		err = w.cityHall(face)
	}
	if err != nil {
		return err
	}
	w.crowd(plan)
	for _, y := range []float64{67, 73} {
		p := newPath(0, vec{-84, y, 0}, vec{84, y, 0})
		if y > 70 {
			p = newPath(0, vec{84, y, 0}, vec{-84, y, 0})
		}
		w.drive(p, w.rnd.Float64(), "sedan", w.carColor())
		w.drive(p, w.rnd.Float64(), "suv", w.carColor())
	}
	return nil
}

func (w *world) crowd(plan shotPlan) {
	paths := []*path{
		newPath(3, vec{-40, 30, 0}, vec{40, 31, 0}),
		newPath(3, vec{34, 48, 0}, vec{-36, 46, 0}),
		newPath(3, vec{-3, -12, 0}, vec{-2, 30, 0}, vec{-38, 54, 0}),
		newPath(3, vec{34, 15, 0}, vec{5, 18, 0}, vec{4, -12, 0}),
		newPath(3, vec{-30, 17, 0}, vec{-8, 15, 0}, vec{-9, -12, 0}),
	}
	for _, p := range paths {
		w.walk(p, w.rnd.Float64(), w.coat(), w.trousers(), w.height())
	}
	w.ride(newPath(0, vec{-46, 58, 0}, vec{46, 58, 0}), 0.3, hex(0x8a2b2b), w.coat())
	w.pace(vec{6, 27, 0}, vec{10.5, 28.5, 0}, 0.1, hex(0xc23a3a), w.trousers(), 1.2)
	w.linger(vec{9, 25.6, 0}, 2.4, 0.4, w.coat(), w.trousers(), w.height())
	w.linger(vec{-6, 26, 0}, 0.6, 0.7, w.coat(), w.trousers(), w.height())
	w.linger(vec{-5.1, 26.8, 0}, 3.3, 0.1, w.coat(), w.trousers(), w.height())
}

// cityHall: a flag, a stele on steps, the hall behind the street.
func (w *world) cityHall(face *typeface) error {
	light := stone(hex(0xd0cbc0), w.seed)
	for i := range 4 {
		s := 9 - 1.6*float64(i)
		w.still.box(vec{0, 42, 0.22 * float64(i)}, vec{s, s, 0.22}, 0, light, light)
	}
	w.still.box(vec{0, 42, 0.88}, vec{2.6, 2.6, 1.8}, 0, light, light)
	w.still.box(vec{0, 42, 2.6}, vec{1.5, 1.5, 8.4}, 0, light, light)
	w.flag(vec{-8.5, 52, 0}, 13)
	f := office(0xc9c3b5)
	w.house(vec{0, 96, 0}, 58, 16, 22, 0, f)
	w.house(vec{0, 93, 0}, 22, 18, 28, 0, f)
	for x := -9.0; x <= 9; x += 3 {
		w.still.tube(vec{x, 82.5, 0}, vec{x, 82.5, 9}, 0.6, 0.55, 12, light)
	}
	w.still.box(vec{0, 83, 9}, vec{24, 4, 1.6}, 0, light, light)
	for _, x := range []float64{-52, 54} {
		w.house(vec{x, 92, 0}, 26, 14, 30, 0, dwelling(0xbdb2a2))
	}
	return w.board(face, "人民广场", vec{-6, 83.4, 24.6}, vec{1, 0, 0}, 12, 2.2, 0xa3241c, 0xd8d3c6)
}

// station: the station's front, taxis, travellers.
func (w *world) station(face *typeface) error {
	f := office(0xd4d2cb)
	f.glass, f.window = hex(0x46657c), [4]float64{0.06, 1.84, 0.15, 3.2}
	w.house(vec{0, 94, 0}, 74, 18, 14, 0, f)
	w.house(vec{0, 91, 0}, 26, 20, 19, 0, f)
	canopy := paintHex(0xe2e2de)
	w.still.box(vec{0, 80, 5.2}, vec{52, 6, 0.5}, 0, canopy, canopy)
	for x := -24.0; x <= 24; x += 8 {
		w.still.tube(vec{x, 78, 0}, vec{x, 78, 5.2}, 0.25, 0.25, 10, canopy)
	}
	clock := paintHex(0xf2f0e8)
	w.still.tube(vec{0, 80.9, 16.8}, vec{0, 80.6, 16.8}, 1.5, 1.5, 24, clock)
	dark := paintHex(0x222222)
	w.still.box(vec{0, 80.5, 16.75}, vec{0.14, 0.06, 1.1}, 0, dark, dark)
	w.still.box(vec{0.4, 80.5, 16.7}, vec{0.85, 0.06, 0.14}, 0, dark, dark)
	for i := range 6 {
		w.still.put(car("sedan", hex(0x2f8f6b), false), vec{-22 + 5.6*float64(i), 64.5, 0.02}, -math.Pi/2)
	}
	w.house(vec{-58, 98, 0}, 30, 16, 34, 0, dwelling(0xb7ac9c))
	w.house(vec{60, 98, 0}, 30, 16, 27, 0, office(0xa5a9ab))
	return w.board(face, "东 港 站", vec{-6.5, 80.7, 12}, vec{1, 0, 0}, 13, 2.6, 0xc01f18, 0xd9d7d0)
}

// community: a dancing group in the evening between the houses.
func (w *world) community() {
	for i, x := range []float64{-62, -31, 0, 31, 62} {
		f := dwelling([]uint32{0xcbb89e, 0xbcae9c, 0xd0c2ac}[i%3])
		w.house(vec{x, 92 + 3*float64(i%2), 0}, 27, 12, 18+3*float64(i%3), 0, f)
		w.balconies(vec{x - 13.5, 86 + 3*float64(i%2), 0}, vec{x + 13.5, 86 + 3*float64(i%2), 0}, f, 18)
	}
	for i := range 12 {
		pos := vec{-5.2 + 2.6*float64(i%4) + 0.3*w.rnd.Float64(), 27 + 2.6*float64(i/4), 0}
		coat, legs, tall := w.coat(), w.trousers(), 1.52+0.14*w.rnd.Float64()
		if i%2 == 0 {
			coat = hex(0xb3324a)
		}
		lag := 0.02 * w.rnd.Float64()
		w.movers = append(w.movers, func(f int, s *shot) {
			t := frac(float64(f)/frames + lag)
			beat := math.Sin(2 * math.Pi * 4 * t)
			turn := 2 * math.Pi * smooth(0.42, 0.58, t)
			w.place(s, person(coat, legs, tall, 4*t, 0.75), pos.add(vec{0.45 * math.Sin(4*math.Pi*t), 0.1 * beat, 0}), math.Pi+turn, 0.3, 0.3)
		})
	}
	box := paintHex(0x26282c)
	w.still.box(vec{7.5, 26, 0}, vec{0.5, 0.4, 0.9}, 0, box, box)
	steel := paintHex(0x2f7fb5)
	for i := range 3 { // the bars for exercise
		x := -19.0 + 2.4*float64(i)
		w.still.tube(vec{x, 33, 0}, vec{x, 33, 2.2}, 0.06, 0.06, 8, steel)
		w.still.tube(vec{x, 33, 2.1}, vec{x + 2.4, 33, 2.1}, 0.04, 0.04, 6, paintHex(0xd9b02e))
	}
	w.still.tube(vec{-11.8, 33, 0}, vec{-11.8, 33, 2.2}, 0.06, 0.06, 8, steel)
}
