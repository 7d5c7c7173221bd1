package main

import "math"

// A railway across the picture: ballast, two tracks, masts with wires, a fence
// or a crossing, and a train that passes once a loop.
const (
	trackY  = 25.0
	trackUp = 0.9 // height of the rails
)

func railway(w *world, face *typeface, plan shotPlan) error {
	w.still.flat(-200, -20, 200, 300, -0.05, grass(hex(0x66713f), w.seed))
	gravel := textured(func(p vec) rgb { return hex(0x857d73).mul(0.72 + 0.5*noise(p.x*4, p.y*4, w.seed)) })
	bank := func(y0, z0, y1, z1 float64) {
		w.still.quad(vec{-220, y0, z0}, vec{220, y0, z0}, vec{220, y1, z1}, vec{-220, y1, z1}, gravel)
	}
	bank(trackY-4.5, 0, trackY-2.6, trackUp-0.2)
	bank(trackY-2.6, trackUp-0.2, trackY+7.4, trackUp-0.2)
	bank(trackY+7.4, trackUp-0.2, trackY+9.4, 0)
	for _, y := range []float64{trackY, trackY + 4.8} {
		w.track(y)
	}
	w.catenary()
	w.countryside(plan)
	w.train(plan)
	if plan.feature == "crossing" {
		return w.levelCrossing(face)
	}
	w.fence()
	return w.board(face, "禁止翻越  当心火车", vec{-2.4, trackY - 9.3, 1.2}, vec{1, 0, 0}, 4.2, 0.8, 0xf6f2e4, 0xb3261e)
}

func (w *world) track(y float64) {
	steel, sleeper := &mat{color: hex(0x8b8d90), shiny: 0.5}, stone(hex(0x8f8b85), w.seed)
	for x := -75.0; x < 75; x += 0.75 {
		w.still.box(vec{x, y, trackUp - 0.2}, vec{0.26, 2.5, 0.08}, 0, sleeper, sleeper)
	}
	for _, d := range []float64{-0.72, 0.72} {
		w.still.box(vec{0, y + d, trackUp - 0.13}, vec{440, 0.08, 0.16}, 0, paintHex(0x6a5346), steel)
	}
}

func (w *world) catenary() {
	pole, wire := paintHex(0x8f959a), paintHex(0x2b2d30)
	y := trackY + 8
	for i := -3; i <= 3; i++ {
		x := 24*float64(i) + 8
		w.still.tube(vec{x, y, trackUp - 0.2}, vec{x, y, 8}, 0.16, 0.13, 8, pole)
		for _, t := range []float64{trackY, trackY + 4.8} {
			w.still.tube(vec{x, y, 7.2}, vec{x, t, 6.6}, 0.045, 0.045, 5, pole)
		}
		w.still.tube(vec{x, y, 6.2}, vec{x, trackY, 6.6}, 0.035, 0.035, 5, pole)
	}
	for _, t := range []float64{trackY, trackY + 4.8} {
		for i := -5; i < 5; i++ {
			a, b := vec{24*float64(i) + 8, t, 7.3}, vec{24*float64(i+1) + 8, t, 7.3}
			for k := range 6 {
				sag := func(u float64) vec { return a.mix(b, u).sub(vec{0, 0, 2.4 * u * (1 - u)}) }
				w.still.tube(sag(float64(k)/6), sag(float64(k+1)/6), 0.02, 0.02, 3, wire)
			}
		}
		w.still.tube(vec{-220, t, 6.3}, vec{220, t, 6.3}, 0.02, 0.02, 3, wire)
	}
}

// fence is wire mesh between concrete posts, with a path before it.
func (w *world) fence() {
	y := trackY - 9
	post, wire := stone(hex(0xa8a49b), w.seed), paintHex(0x5f6a63)
	w.still.flat(-100, y-4.6, 100, y-2.2, 0.01, earth(hex(0x8d7f66), w.seed+2))
	for x := -45.0; x <= 45; x += 3 {
		w.still.box(vec{x, y, 0}, vec{0.16, 0.16, 2.3}, 0, post, post)
		if math.Abs(x) > 33 {
			continue
		}
		for i := range 9 {
			w.still.box(vec{x + 0.3 + 0.3*float64(i), y, 0.15}, vec{0.022, 0.022, 1.85}, 0, wire, wire)
		}
	}
	for _, z := range []float64{0.15, 0.75, 1.4, 2.0} {
		w.still.box(vec{0, y, z}, vec{90, 0.03, 0.035}, 0, wire, wire)
	}
	w.walk(newPath(0, vec{-32, y - 3.4, 0}, vec{32, y - 3.4, 0}), 0.3, hex(0xc9752b), w.trousers(), 1.74) // a track walker
}

// countryside behind the line.
func (w *world) countryside(plan shotPlan) {
	for x := -90.0; x < 95; x += 5.5 {
		w.tree(vec{x + 2*w.rnd.Float64(), trackY + 18 + 3*w.rnd.Float64(), 0}, poplar(9+3*w.rnd.Float64(), 0x597440))
	}
	for i := range 7 {
		x := -84 + 26*float64(i) + 8*w.rnd.Float64()
		w.cottage(vec{x, trackY + 40 + 12*w.rnd.Float64(), 0}, 11, 7.5, 3.4+3*float64(i%2), 0.4*(w.rnd.Float64()-0.5), 0xd6cfc0, 0x6a5a52)
	}
	w.hills(190, 150, 55, 0x5d7053, w.seed)
}

// coach is one carriage, along x; cab shapes its end.
func (w *world) coach(cab float64) *mesh {
	const long, half = 24.6, 1.6
	m := &mesh{}
	white, stripe, dark := lacquer(hex(0xe6e8e9)), lacquer(hex(0x1f5fa6)), paintHex(0x2a2c2f)
	glass := &mat{color: hex(0x1d272f), shiny: 0.7}
	if w.mood.night {
		g := rgb{1.0, 0.92, 0.7}
		if w.mood.infrared {
			g = rgb{0.5, 0.5, 0.5}
		}
		glass = lamp(g)
	}
	w.coachBody(m, cab, white, stripe)
	for _, s := range []float64{-1, 1} {
		for i := range 11 {
			x := -9.9 + 1.98*float64(i)
			m.box(vec{x, s * (half + 0.005), 2.05}, vec{1.35, 0.03, 0.85}, 0, glass, glass)
		}
		for _, x := range []float64{-11.3, 11.3} {
			m.box(vec{x, s * (half + 0.005), 1.2}, vec{0.85, 0.03, 2}, 0, paintHex(0xb9bec2), white)
		}
	}
	for _, x := range []float64{-8.5, 8.5} {
		m.box(vec{x, 0, 0.15}, vec{3.6, 2.4, 0.7}, 0, dark, dark)
	}
	return m
}

// coachBody is a tube with a rounded roof; towards a cab it draws in.
func (w *world) coachBody(m *mesh, cab float64, white, stripe *mat) {
	section := [][2]float64{{-1.55, 0.9}, {-1.6, 1.2}, {-1.6, 1.75}, {-1.6, 3.1}, {-1.35, 3.7}, {-0.7, 4.05}, {0.7, 4.05}, {1.35, 3.7}, {1.6, 3.1}, {1.6, 1.75}, {1.6, 1.2}, {1.55, 0.9}}
	stations := []float64{-12.2, -11, 9, 12.2}
	squeeze := func(x float64) float64 {
		t := clamp((x*cab-7.5)/4.7, 0, 1)
		if cab == 0 {
			t = 0
		}
		return t * t
	}
	if cab != 0 {
		stations = []float64{-12.2, -7.5, 7.5, 9, 10.2, 11.2, 11.8, 12.2}
		if cab < 0 {
			for i := range stations {
				stations[i] = -stations[i]
			}
		}
	}
	at := func(x float64, q [2]float64) vec {
		k := squeeze(x)
		return vec{x, q[0] * (1 - 0.55*k), 0.9 + (q[1]-0.9)*(1-0.55*k)}
	}
	for i := 1; i < len(stations); i++ {
		for j := 1; j < len(section); j++ {
			mt := white
			if j == 2 || j == len(section)-2 {
				mt = stripe
			}
			if cab != 0 && squeeze(stations[i]) > 0.15 && j > 3 && j < len(section)-4 {
				mt = &mat{color: hex(0x10161b), shiny: 0.8}
			}
			a, b := stations[i-1], stations[i]
			m.quad(at(a, section[j-1]), at(a, section[j]), at(b, section[j]), at(b, section[j-1]), mt)
		}
	}
	for _, x := range []float64{stations[0], stations[len(stations)-1]} {
		for j := 2; j < len(section); j++ {
			m.tri(at(x, section[0]), at(x, section[j-1]), at(x, section[j]), white)
		}
	}
}

// train comes from the left, five coaches long, and is gone before the loop ends.
func (w *world) train(plan shotPlan) {
	const pitch, n = 25.0, 5
	head, tail, middle := w.coach(1), w.coach(-1), w.coach(0)
	from, to := -72.0, 72.0+pitch*n
	y := trackY + 4.8
	w.movers = append(w.movers, func(f int, s *shot) {
		t := (float64(f) - 22) / 150
		if t < 0 || t > 1 {
			return
		}
		x := from + (to-from)*t
		for i := range n {
			c := middle
			switch i {
			case 0:
				c = head
			case n - 1:
				c = tail
			}
			if at := x - pitch*float64(i); math.Abs(at) < 85 {
				s.solid.put(c, vec{at, y, trackUp}, 0)
			}
		}
		if w.mood.night {
			s.halos = append(s.halos, halo{vec{x + 12.4, y - 0.6, 2.6}, rgb{1.2, 1.15, 1}, 2.5})
		}
	})
}

// levelCrossing has barriers down, lights, and people who wait.
func (w *world) levelCrossing(face *typeface) error {
	deck := asphalt(hex(0x5d5e60), w.seed+4)
	w.still.flat(-4.6, -20, 4.6, trackY-4.4, 0.02, deck)
	w.still.quad(vec{-4.6, trackY - 4.5, 0.02}, vec{4.6, trackY - 4.5, 0.02}, vec{4.6, trackY - 2.4, trackUp - 0.04}, vec{-4.6, trackY - 2.4, trackUp - 0.04}, deck)
	w.still.flat(-4.6, trackY-2.4, 4.6, trackY+7.6, trackUp-0.04, deck)
	w.still.quad(vec{-4.6, trackY + 7.6, trackUp - 0.04}, vec{4.6, trackY + 7.6, trackUp - 0.04}, vec{4.6, trackY + 10, 0.02}, vec{-4.6, trackY + 10, 0.02}, deck)
	w.still.flat(-4.6, trackY+10, 4.6, trackY+70, 0.02, deck)
	yellow, white, red := paintMark(hex(0xd9a531), w.seed), paintHex(0xe9e9e6), paintHex(0xc3241e)
	w.still.flat(-0.08, -20, 0.08, trackY-8.5, markZ+0.02, yellow)
	w.still.flat(-4.4, trackY-8.2, 4.4, trackY-7.8, markZ+0.02, paintMark(hex(0xe5e5df), w.seed))
	post := paintHex(0xd8892b)
	for _, s := range []float64{-1, 1} {
		y := trackY + 2.4 + s*9
		x := 5.2 * -s
		w.still.box(vec{x, y, 0}, vec{0.45, 0.45, 1.2}, 0, post, post)
		for i := range 12 {
			m := white
			if i%2 == 1 {
				m = red
			}
			w.still.box(vec{x + s*0.85*(float64(i)+0.5), y - 0.25, 1.0}, vec{0.85, 0.08, 0.13}, 0, m, m)
		}
	}
	w.flashers(vec{6.3, trackY - 7, 0})
	w.still.put(car("van", hex(0xd9d9d5), false), vec{2.2, trackY - 11.2, 0.02}, 0)
	for i, x := range []float64{-1.2, -2.6, -3.6} {
		w.still.put(ebike(w.coat(), w.coat(), true), vec{x, trackY - 9.8 - 0.4*float64(i), 0.02}, 0.05*float64(i-1))
	}
	w.linger(vec{-5.6, trackY - 9.4, 0}, 0.2, 0.3, w.coat(), w.trousers(), w.height())
	w.linger(vec{5.5, trackY - 11, 0}, -0.4, 0.8, w.coat(), w.trousers(), w.height())
	w.still.box(vec{-9.5, trackY - 8, 0}, vec{3.2, 3, 2.8}, 0, paintHex(0xcfd3d4), paintHex(0x8a4a3a))
	w.still.box(vec{-9.5, trackY - 9.52, 1.1}, vec{1.6, 0.05, 1}, 0, &mat{color: hex(0x2b3a44), shiny: 0.5}, post)
	return w.board(face, "小心火车", vec{5.0, trackY - 7.3, 3.4}, vec{1, 0, 0}, 2.6, 0.8, 0x22201c, 0xe0b12e)
}

// flashers are two red lamps in turn.
func (w *world) flashers(pos vec) {
	dark := paintHex(0x202224)
	w.still.tube(pos, pos.add(vec{0, 0, 4.4}), 0.09, 0.09, 8, paintHex(0xd8d8d4))
	w.still.box(pos.add(vec{0, 0, 2.5}), vec{1.2, 0.15, 0.55}, 0, dark, dark)
	w.movers = append(w.movers, func(f int, s *shot) {
		for i, x := range []float64{-0.32, 0.32} {
			c := rgb{0.12, 0.01, 0.01}
			if f/20%2 == i {
				c = rgb{3, 0.1, 0.06}
				s.halos = append(s.halos, halo{pos.add(vec{x, -0.2, 2.78}), rgb{0.5, 0.03, 0.02}, 0.7})
			}
			m := lamp(c)
			s.solid.tube(pos.add(vec{x, -0.1, 2.78}), pos.add(vec{x, -0.13, 2.78}), 0.2, 0.2, 12, m)
		}
	})
}
