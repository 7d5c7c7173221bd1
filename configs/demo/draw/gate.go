package main

import "math"

// A compound's gate across the picture: walls, pillars, a guard's booth, a
// barrier that opens for a car, the grounds behind.
const gateY = 23.0

func gate(w *world, face *typeface, plan shotPlan) error {
	w.still.flat(-160, -20, 160, 240, -0.02, asphalt(hex(0x626365), w.seed))
	w.pavement(-60, 15.5, -4.6, gateY, pavers(hex(0xa09a90), 0.6, w.seed))
	w.pavement(4.6, 15.5, 60, gateY, pavers(hex(0xa09a90), 0.6, w.seed))
	white := paintMark(hex(0xe2e2dc), w.seed)
	w.still.flat(-60, 8.9, -6, 9.05, markZ, white)
	w.still.flat(6, 8.9, 60, 9.05, markZ, white)
	w.still.flat(-4.4, 15.2, 4.4, 15.5, markZ, paintMark(hex(0xd9a531), w.seed+1))
	title, color := w.name, uint32(0xb48a5a)
	switch plan.feature {
	case "government":
		title, color = "县人民政府", 0xa8a49b
	case "school":
		title, color = "第一小学", 0xb06a4c
	case "estate":
		title, color = "渡口小区", 0xb7a58c
	}
	w.wallAndPillars(color)
	if err := w.archway(face, title, color); err != nil {
		return err
	}
	w.booth(vec{7, gateY + 1, kerbZ})
	w.barrier(4.2, gateY+0.6)
	w.grounds(plan)
	if plan.feature == "school" {
		w.zebra(-4, 4, 10.5, 3.6)
		return w.pupils(face)
	}
	w.linger(vec{5.6, gateY - 1.2, kerbZ}, 2.6, 0.2, hex(0x27344d), hex(0x1f2530), 1.75)
	y := 17.6
	w.walk(newPath(0, vec{-36, y, kerbZ}, vec{36, y, kerbZ}), 0.53, w.coat(), w.trousers(), w.height())
	w.walk(newPath(0, vec{36, y + 1.6, kerbZ}, vec{-36, y + 1.6, kerbZ}), 0.715, w.coat(), w.trousers(), w.height())
	w.ride(newPath(0, vec{-32, 12.6, 0}, vec{32, 12.6, 0}), 0.7, hex(0x884422), w.coat())
	w.ride(newPath(0, vec{32, 14.2, 0}, vec{-32, 14.2, 0}), 0.569, hex(0x2d5a88), w.coat())
	return nil
}

func (w *world) wallAndPillars(color uint32) {
	wall := bricks(hex(color), hex(color).mul(0.7), 0.5, 0.14, w.seed)
	cap0 := stone(hex(0xb9b4a8), w.seed)
	for _, s := range []float64{-1, 1} {
		for x := 11.0; x < 60; x += 6 {
			w.still.box(vec{s * (x + 3), gateY + 0.5, 0}, vec{5.7, 0.3, 0.9}, 0, wall, cap0)
			w.still.box(vec{s * x, gateY + 0.5, 0}, vec{0.6, 0.6, 2.5}, 0, wall, cap0)
			iron := paintHex(0x2c3034)
			for _, z := range []float64{1.15, 2.1} {
				w.still.box(vec{s * (x + 3), gateY + 0.5, z}, vec{5.5, 0.05, 0.06}, 0, iron, iron)
			}
			for i := range 14 {
				w.still.box(vec{s * (x + 0.55 + 0.38*float64(i)), gateY + 0.5, 0.9}, vec{0.035, 0.035, 1.4}, 0, iron, iron)
			}
		}
	}
}

// archway has the name over the drive.
func (w *world) archway(face *typeface, title string, color uint32) error {
	m := stone(hex(color), w.seed+1)
	for _, x := range []float64{-10.2, -5, 5, 10.2} {
		w.still.box(vec{x, gateY + 0.5, 0}, vec{1, 1.2, 5.4}, 0, m, m)
	}
	w.still.box(vec{0, gateY + 0.5, 5.3}, vec{22.4, 1.5, 1.5}, 0, m, m)
	w.still.box(vec{0, gateY + 0.5, 6.8}, vec{23.2, 2.1, 0.25}, 0, stone(hex(0x9b968c), w.seed), m)
	wide := 1.15*float64(len([]rune(title))) + 1
	return w.board(face, title, vec{-wide / 2, gateY - 0.4, 5.42}, vec{1, 0, 0}, wide, 1.25, 0xf3d27a, color/2&0x7f7f7f)
}

// booth is the guard's.
func (w *world) booth(pos vec) {
	shell := paintHex(0xdfe2e3)
	glass := &mat{color: hex(0x33424c), shiny: 0.6}
	if w.mood.night && !w.mood.infrared {
		glass = lamp(rgb{0.75, 0.72, 0.6})
		w.lights = append(w.lights, light{pos: pos.add(vec{0, -1.6, 2.6}), color: rgb{0.6, 0.55, 0.42}, reach: 3})
	}
	w.still.box(pos, vec{2.2, 2.2, 1.1}, 0, shell, shell)
	w.still.box(pos.add(vec{0, 0, 1.1}), vec{2.1, 2.1, 1.1}, 0, glass, glass)
	w.still.box(pos.add(vec{0, 0, 2.2}), vec{2.2, 2.2, 0.4}, 0, shell, shell)
	w.still.box(pos.add(vec{0, 0, 2.6}), vec{2.8, 2.8, 0.15}, 0, paintHex(0x2d5f94), paintHex(0x2d5f94))
}

// barrier's arms open once a loop, while a car goes in.
func (w *world) barrier(half, y float64) {
	white, red, orange := paintHex(0xe9e9e6), paintHex(0xc3241e), paintHex(0xd8892b)
	long := half - 0.15
	arm := &mesh{}
	for i := range 6 {
		m := white
		if i%2 == 1 {
			m = red
		}
		arm.box(vec{-long * (float64(i) + 0.5) / 6, 0, -0.06}, vec{long / 6, 0.08, 0.12}, 0, m, m)
	}
	for _, s := range []float64{-1, 1} {
		w.still.box(vec{s * half, y, 0}, vec{0.4, 0.4, 1.15}, 0, orange, orange)
		hinge := vec{s * half, y - 0.3, 1.0}
		w.movers = append(w.movers, func(f int, sh *shot) {
			up := smooth(52, 76, float64(f)) * (1 - smooth(146, 172, float64(f)))
			sn, cs := math.Sincos(up * 1.4)
			turn := func(p vec) vec {
				return vec{s * (p.x*cs + p.z*sn), p.y, p.z*cs - p.x*sn}.add(hinge)
			}
			for _, t := range arm.tris {
				sh.solid.tri(turn(t.a), turn(t.b), turn(t.c), t.m)
			}
		})
	}
	w.enter()
}

// enter has a car come from the left, wait for the barrier, and go in.
func (w *world) enter() {
	p := newPath(7, vec{-34, 11.5, 0}, vec{-1.2, 11.5, 0}, vec{-1.2, 48, 0}, vec{-56, 48, 0})
	color := w.carColor()
	body := car("sedan", color, w.mood.night)
	shape := shapeOf("sedan")
	stop := 34.5 // before the arm
	w.movers = append(w.movers, func(f int, s *shot) {
		t := float64(f)
		d := stop * math.Sin(math.Pi/2*clamp(t/58, 0, 1))
		if t > 74 {
			k := clamp((t-74)/124, 0, 1)
			d = stop + (p.length()-stop)*(0.45*k*k+0.55*k*k*k)
		}
		pos, yaw := p.at(d, 2.7)
		w.place(s, body, pos, yaw, shape.wide/2+0.15, shape.length/2+0.2)
		if w.mood.night {
			w.beams(s, shape, pos, yaw)
		}
	})
}

// grounds are what lies behind the gate.
func (w *world) grounds(plan shotPlan) {
	w.still.flat(-60, gateY, 60, 120, 0.01, pavers(hex(0xa6a198), 1, w.seed+2))
	w.still.flat(-5.5, gateY, 5.5, 62, 0.02, asphalt(hex(0x66676a), w.seed+3))
	for _, s := range []float64{-1, 1} {
		for y := gateY + 5; y < 60; y += 7.5 {
			w.tree(vec{s * (8.5 + w.rnd.Float64()), y, 0}, broadleaf(5.5+2*w.rnd.Float64(), 0x4d6b36))
		}
		w.hedge(vec{s * 6.3, gateY + 3, 0}, vec{s * 6.3, 42, 0}, 0.8, 0.7, 0x557238)
		w.streetLamp(vec{s * 5.6, gateY - 5, 0}, -s)
		w.gardenLamp(vec{s * 6.3, gateY + 12, 0})
	}
	for _, s := range []float64{-1, 1} { // the neighbours
		w.house(vec{s * 62, 88, 0}, 30, 14, 24, 0, dwelling(0xbdb3a3))
		w.house(vec{s * 100, 96, 0}, 34, 14, 33, 0, dwelling(0xb3aca0))
		for x := 26.0; x < 70; x += 7 {
			w.tree(vec{s * x, gateY + 9 + 3*w.rnd.Float64(), 0}, broadleaf(5+2*w.rnd.Float64(), 0x54703b))
		}
	}
	switch plan.feature {
	case "government":
		w.flag(vec{0, 54, 0}, 12)
		w.planter(vec{0, 55, 0}, 9, 6, 0xc23f58)
		w.house(vec{0, 76, 0}, 54, 15, 22, 0, office(0xc6c0b2))
		w.house(vec{0, 72, 0}, 18, 14, 26, 0, office(0xcfc9bb))
	case "school":
		w.flag(vec{-6, 50, 0}, 11)
		f := dwelling(0xd9b48a)
		f.wide, f.bay = true, 3
		f.window = [4]float64{0.3, 2.7, 0.9, 2.4}
		w.house(vec{0, 74, 0}, 60, 12, 16, 0, f)
		w.house(vec{-34, 56, 0}, 12, 34, 13, 0, f)
	default:
		for i, x := range []float64{-40, -14, 14, 40} {
			f := dwelling([]uint32{0xc7b299, 0xd0bfa6}[i%2])
			w.house(vec{x, 70, 0}, 22, 12, 21, 0, f)
			w.balconies(vec{x - 11, 64, 0}, vec{x + 11, 64, 0}, f, 21)
			w.house(vec{x, 104, 0}, 22, 12, 30, 0, f)
		}
		for i := range 4 {
			w.park("sedan", vec{-14 - 3*float64(i), gateY + 7, 0}, 0)
			w.park("suv", vec{14 + 3*float64(i), gateY + 7, 0}, math.Pi)
		}
	}
}

// pupils come along with grown-ups.
func (w *world) pupils(face *typeface) error {
	cap0 := []uint32{0xd8b22e, 0x2e62a8, 0xc93a35}
	y := 17.4
	for i, dir := range []float64{1, -1} {
		start := []float64{0.53, 0.715}[i] // so that the car finds its way free
		line := y + 1.9*float64(i)
		a, b := vec{-36 * dir, line, kerbZ}, vec{36 * dir, line, kerbZ}
		shift := vec{-0.1 * dir, 0.7, 0}
		w.walk(newPath(0, a, b), start, w.coat(), w.trousers(), w.height())
		w.walk(newPath(0, a.add(shift), b.add(shift)), start, hex(cap0[i]), w.trousers(), 1.22)
	}
	w.walk(newPath(2, vec{-3.3, -10, 0}, vec{-3.3, 14, 0}, vec{-3.4, gateY + 3, 0}, vec{-12, gateY + 9, 0}), 0.5, hex(cap0[2]), hex(0x2f3d55), 1.25)
	w.linger(vec{7.2, 18, kerbZ}, 1.4, 0.4, w.coat(), w.trousers(), w.height())
	w.linger(vec{6.4, 17.6, kerbZ}, -1.2, 0.8, w.coat(), w.trousers(), w.height())
	w.linger(vec{5.6, gateY - 1.3, kerbZ}, 2.6, 0.2, hex(0x27344d), hex(0x1f2530), 1.76)
	for i := range 6 {
		w.still.put(ebike(w.coat(), rgb{}, false), vec{-16 + 0.8*float64(i), 21.6, kerbZ}, 0.2)
	}
	return w.board(face, "家长等候区", vec{7.5, 21.9, 0.9}, vec{1, 0, 0}, 3.4, 0.7, 0xf6f2e4, 0x2d7a4c)
}
