package main

import "math"

// A yard between houses: parked cars, a shed for bicycles, people who pass.
func yard(w *world, face *typeface, plan shotPlan) error {
	w.still.flat(-160, -20, 160, 240, 0, pavers(hex(0x9b968c), 0.7, w.seed))
	w.still.flat(-60, 25, 60, 31.5, 0.01, asphalt(hex(0x66676a), w.seed+1))
	w.still.flat(-3.2, -20, 3.2, 25, 0.012, asphalt(hex(0x66676a), w.seed+2))
	white := paintMark(hex(0xe0e0da), w.seed)
	kinds := []string{"sedan", "suv", "sedan", "van", "sedan"}
	for _, s := range []float64{-1, 1} {
		for i := range 6 {
			x := s * (6.4 + 2.75*float64(i))
			w.still.flat(x-0.05, 18.6, x+0.05, 24.2, markZ, white)
			mid := x + s*1.37
			if (i*7+w.seed)%5 == 0 || s > 0 && i > 3 {
				continue
			}
			w.park(kinds[w.rnd.IntN(len(kinds))], vec{mid, 21.4, 0}, math.Pi*float64(w.rnd.IntN(2)))
		}
	}
	if err := w.yardHouses(face, plan); err != nil {
		return err
	}
	for i := range 7 {
		x := -24 + 8*float64(i)
		if math.Abs(x) > 2 {
			w.tree(vec{x, 34 + w.rnd.Float64(), 0}, broadleaf(5.5+2*w.rnd.Float64(), []uint32{0x4f6c37, 0x5d7a3f}[i%2]))
		}
	}
	w.hedge(vec{-30, 32.6, 0}, vec{-4, 32.6, 0}, 0.9, 0.7, 0x56733a)
	w.hedge(vec{4, 32.6, 0}, vec{30, 32.6, 0}, 0.9, 0.7, 0x56733a)
	for _, x := range []float64{-4.4, 4.4, -20, 20} {
		w.gardenLamp(vec{x, 17.2, 0})
	}
	w.bikeShed(vec{-13, 13.5, 0})
	w.bench(vec{8.5, 13.6, 0}, 0.2)
	w.linger(vec{9.6, 13, 0}, 1.2, 0.4, w.coat(), w.trousers(), 1.62)
	w.pace(vec{4.8, 11.2, 0}, vec{9.2, 10.4, 0}, 0.2, hex(0xd0622a), hex(0x2b3a55), 1.65)
	w.walk(newPath(1, vec{-36, 16.2, 0}, vec{-4.5, 16.4, 0}, vec{-4, 25, 0}, vec{-2.2, 40, 0}), 0.3, w.coat(), w.trousers(), w.height())
	w.walk(newPath(1, vec{2.4, 41, 0}, vec{2.6, 12, 0}, vec{2.2, -10, 0}), 0.65, w.coat(), w.trousers(), w.height())
	w.drive(newPath(6, vec{58, 28.2, 0}, vec{-58, 28.2, 0}), 0.1, "sedan", w.carColor())
	w.ride(newPath(4, vec{-1, -14, 0}, vec{-0.8, 26.6, 0}, vec{44, 26.6, 0}), 0.55, hex(0x2b6a4a), w.coat())
	return nil
}

func (w *world) yardHouses(face *typeface, plan shotPlan) error {
	if plan.feature == "office" {
		w.flag(vec{-14, 38, 0}, 12)
		w.house(vec{0, 52, 0}, 46, 13, 14, 0, office(0xcfc8ba))
		w.still.box(vec{0, 44.5, 3.4}, vec{9, 4, 0.4}, 0, stone(hex(0xb9b4a8), w.seed), stone(hex(0xb9b4a8), w.seed))
		for _, x := range []float64{-4, 4} {
			w.still.tube(vec{x, 43, 0}, vec{x, 43, 3.4}, 0.22, 0.22, 10, stone(hex(0xc9c4b8), w.seed))
		}
		for _, s := range []float64{-1, 1} {
			w.house(vec{s * 34, 38, 0}, 12, 34, 10, 0, dwelling(0xcabfae))
		}
		w.hills(120, 120, 48, 0x5b6e52, w.seed)
		return w.board(face, "为人民服务", vec{-4.5, 45.2, 9.6}, vec{1, 0, 0}, 9, 1.4, 0xf3d27a, 0xa8201a)
	}
	for i, x := range []float64{-38, -12, 14, 40} {
		f := dwelling([]uint32{0xcbb89e, 0xbfb3a2, 0xc9ad93}[(i+w.seed)%3])
		w.house(vec{x, 48, 0}, 23, 12, 18, 0, f)
		w.balconies(vec{x - 11.5, 42, 0}, vec{x + 11.5, 42, 0}, f, 18)
		door := paintHex(0x4b5a52)
		for _, d := range []float64{-6, 5} {
			w.still.box(vec{x + d, 41.9, 0}, vec{1.6, 0.2, 2.3}, 0, door, door)
			w.still.box(vec{x + d, 41.2, 2.4}, vec{2.6, 1.6, 0.15}, 0, paint(f.band), paint(f.band))
		}
		w.house(vec{x + 6, 86, 0}, 23, 12, 24, 0, dwelling(0xb9b2a6))
	}
	for _, s := range []float64{-1, 1} {
		f := dwelling(0xc2b5a1)
		w.house(vec{s * 38, 14, 0}, 12, 30, 18, 0, f)
	}
	// washing on lines
	colors := []uint32{0xd8d4c8, 0x9ab3c9, 0xc98f8f, 0xe3d9a8, 0x7f9a86}
	line := paintHex(0x555555)
	w.still.tube(vec{14, 36.5, 0}, vec{14, 36.5, 2.2}, 0.04, 0.04, 6, line)
	w.still.tube(vec{22, 36.5, 0}, vec{22, 36.5, 2.2}, 0.04, 0.04, 6, line)
	w.still.tube(vec{14, 36.5, 2.1}, vec{22, 36.5, 2.1}, 0.015, 0.015, 4, line)
	for i := range 5 {
		m := &mat{color: hex(colors[i]), thin: true}
		x, start := 14.6+1.5*float64(i), w.rnd.Float64()*6
		w.movers = append(w.movers, func(f int, s *shot) {
			d := 0.1 * math.Sin(2*2*math.Pi*float64(f)/frames+start)
			s.solid.quad(vec{x, 36.5 + d, 1}, vec{x + 1.1, 36.5 + d*1.3, 1}, vec{x + 1.1, 36.5, 2.1}, vec{x, 36.5, 2.1}, m)
		})
	}
	return nil
}

// bikeShed is a bent roof over a row of electric bicycles.
func (w *world) bikeShed(pos vec) {
	steel := paintHex(0x3f6f98)
	roof := &mat{color: hex(0x5c87a8), thin: true}
	for i := range 4 {
		x := -6 + 4*float64(i)
		w.still.tube(pos.add(vec{x, 1.4, 0}), pos.add(vec{x, 1.4, 2.3}), 0.05, 0.05, 6, steel)
		w.still.tube(pos.add(vec{x, 1.4, 2.3}), pos.add(vec{x, -0.9, 2.6}), 0.04, 0.04, 6, steel)
	}
	w.still.quad(pos.add(vec{-6.4, -1, 2.65}), pos.add(vec{6.4, -1, 2.65}), pos.add(vec{6.4, 1.7, 2.32}), pos.add(vec{-6.4, 1.7, 2.32}), roof)
	for i := range 13 {
		if (i*5+w.seed)%7 == 0 {
			continue
		}
		w.still.put(ebike(w.coat(), rgb{}, false), pos.add(vec{-5.6 + 0.92*float64(i), 0.3, 0}), math.Pi+0.12*(w.rnd.Float64()-0.5))
	}
}
