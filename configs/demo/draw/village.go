package main

import "math"

// A village road: it winds between fields towards houses and hills.
func village(w *world, face *typeface, plan shotPlan) error {
	w.still.flat(-300, -20, 300, 400, -0.06, grass(hex(0x6b7c42), w.seed))
	line := newPath(26, vec{1, -24, 0}, vec{2, 24, 0}, vec{-7, 52, 0}, vec{2, 84, 0}, vec{44, 96, 0})
	w.lane(line, 4.6)
	w.fields(plan)
	for i := range 6 {
		x := -46 + 15*float64(i) + 3*w.rnd.Float64()
		y := 74 + 12*w.rnd.Float64()
		if x > -12 && x < 8 {
			y = 104
		}
		wall, tiles := uint32(0xe2ddd1), uint32(0x54565a)
		if plan.feature == "terraces" {
			wall, tiles = 0xcdb58e, 0x6b5a4e
		}
		w.cottage(vec{x, y, 0}, 11+2*w.rnd.Float64(), 7.5, 3.4+3*float64(i%2), 0.5*(w.rnd.Float64()-0.5), wall, tiles)
	}
	w.cottage(vec{16, 47, 0}, 12, 8, 6.4, -0.35, 0xe0dacd, 0x5a5c60)
	w.cottage(vec{46, 92, 0}, 13, 8, 6.4, 0.2, 0xdcd6c9, 0x5a5c60)
	w.cottage(vec{30, 84, 0}, 12, 8, 3.6, -0.2, 0xdcd6c9, 0x63544b)
	for i := range 16 {
		x := -70 + 9.4*float64(i)
		w.tree(vec{x, 66 + 5*w.rnd.Float64() + 24*hash(i, 1, w.seed), 0}, broadleaf(5+3*w.rnd.Float64(), []uint32{0x4b6933, 0x56743a, 0x43602f}[i%3]))
	}
	w.tree(vec{8.5, 31, 0}, broadleaf(9, 0x4c6a34)) // the old tree at the entrance
	w.utility(8, vec{7.8, 2, 0}, vec{6.4, 34, 0}, vec{-0.5, 62, 0}, vec{9, 90, 0})
	w.hills(150, 190, 78, 0x57704c, w.seed+1)
	w.hills(250, 160, 120, 0x5d7565, w.seed+2)
	if err := w.villageSign(face); err != nil {
		return err
	}
	if plan.feature == "stonebridge" {
		w.brook()
	} else {
		w.terraces()
	}
	w.drive(line, 0.2, "truck", hex(0x2d62a3))
	w.ride(newPath(26, vec{44, 97.4, 0}, vec{2, 85.4, 0}, vec{-8.2, 52, 0}, vec{0.6, 24, 0}, vec{-0.4, -24, 0}), 0.62, hex(0xa32a2a), w.coat())
	w.walk(newPath(1, vec{3.8, -12, 0}, vec{4.2, 26, 0}, vec{6.4, 33, 0}, vec{15, 41, 0}), 0.4, w.coat(), w.trousers(), 1.6)
	w.linger(vec{7.2, 28.4, 0}, 2.2, 0.1, w.coat(), w.trousers(), 1.6)
	w.linger(vec{8.3, 28.1, 0}, 1.2, 0.6, w.coat(), w.trousers(), 1.66)
	w.pace(vec{-9.5, 23, 0}, vec{-13, 24.5, 0}, 0.4, hex(0x5b6b7d), w.trousers(), 1.6)
	w.hens()
	return nil
}

// lane is a concrete road along a path.
func (w *world) lane(p *path, wide float64) {
	slab := textured(func(q vec) rgb { return hex(0xa6a198).mul(0.72 + 0.22*cloudy(q.x*0.4, q.y*0.3, 3, w.seed)) })
	verge := earth(hex(0x8f8262), w.seed+1)
	step := 2.0
	for s := 0.0; s < p.length()-step; s += step {
		a, ya := p.at(s, 1)
		b, yb := p.at(s+step, 1)
		for _, k := range []struct {
			half, z float64
			m       *mat
		}{{wide/2 + 0.9, 0, verge}, {wide / 2, 0.03, slab}} {
			l, r := vec{-k.half, 0, k.z}, vec{k.half, 0, k.z}
			w.still.quad(a.add(l.spin(ya)), a.add(r.spin(ya)), b.add(r.spin(yb)), b.add(l.spin(yb)), k.m)
		}
	}
}

// fields: paddies with water between the rows, rape in flower, vegetables.
func (w *world) fields(plan shotPlan) {
	crop := func(x0, y0, x1, y1 float64, a, b uint32, row float64) {
		ca, cb := hex(a), hex(b)
		seed := w.rnd.IntN(1000)
		w.still.flat(x0, y0, x1, y1, 0.0, textured(func(p vec) rgb {
			d := math.Hypot(p.x, p.y)
			stripe := smooth(0.3, 0.5, math.Abs(frac(p.x/row)-0.5)*2) * (1 - smooth(30, 60, d))
			stripe += 0.5 * smooth(30, 60, d)
			return cb.mix(ca, stripe).mul(0.85 + 0.3*cloudy(p.x*0.3, p.y*0.3, 3, seed))
		}))
		ridge := grass(hex(0x7b7d4a), seed)
		w.still.box(vec{(x0 + x1) / 2, y0, 0}, vec{x1 - x0, 0.5, 0.25}, 0, ridge, ridge)
		w.still.box(vec{x0, (y0 + y1) / 2, 0}, vec{0.5, y1 - y0, 0.25}, 0, ridge, ridge)
	}
	green, water := uint32(0x6f9440), uint32(0x6d7a72)
	for i := range 4 {
		y := 4 + 15*float64(i)
		crop(-24, y, -6.5, y+15, green, water, 0.8)
		crop(-46, y, -24, y+15, []uint32{0xc9b23a, 0x7c9a45}[i%2], 0x6b7d3a, 1.1)
		crop(-80, y, -46, y+15, []uint32{0x86a04e, 0xb9aa48}[i%2], 0x6b7d3a, 1.3)
		if i < 3 && plan.feature != "terraces" {
			crop(14, y-2, 34, y+13, []uint32{0x5f8a3c, 0x88a548}[i%2], 0x7a6a4a, 1)
			crop(34, y-2, 70, y+13, []uint32{0xc2ad3c, 0x7c9a45}[i%2], 0x6b7d3a, 1.3)
		}
	}
}

// villageSign is a stone with the village's name, beside the road.
func (w *world) villageSign(face *typeface) error {
	rock := stone(hex(0xb1a999), w.seed)
	w.still.box(vec{-4.6, 21, 0}, vec{5, 1.3, 0.4}, 0.12, rock, rock)
	w.still.box(vec{-4.6, 21, 0.4}, vec{4.4, 0.7, 1.6}, 0.12, rock, rock)
	name := []rune(w.name)
	title := string(name[:max(1, len(name)-1)])
	along := vec{1, 0, 0}.spin(0.12)
	at := vec{-4.6, 21, 0.55}.add(vec{-1.9, -0.36, 0}.spin(0.12))
	s, err := face.sign(title, hex(0xa31f17), hex(0xb1a999), 3.8/1.25)
	if err != nil {
		return err
	}
	m := textured(func(p vec) rgb {
		d := p.sub(at)
		return s.at(clamp(d.dot(along)/3.8, 0, 0.999), clamp(1-d.z/1.25, 0, 0.999))
	})
	up := vec{0, 0, 1.25}
	w.still.quad(at, at.add(along.mul(3.8)), at.add(along.mul(3.8)).add(up), at.add(up), m)
	return nil
}

// brook passes below the road, which has stone railings there.
func (w *world) brook() {
	w.still.flat(-90, 33.4, 90, 38.6, 0.012, &mat{color: hex(0x4a6258), water: true})
	bank := stone(hex(0x9a9384), w.seed)
	for _, y := range []float64{33.2, 38.8} {
		w.still.box(vec{-49, y, 0}, vec{90, 0.5, 0.35}, 0, bank, bank)
		w.still.box(vec{53, y, 0}, vec{94, 0.5, 0.35}, 0, bank, bank)
	}
	for _, s := range []float64{-1, 1} {
		x := -1.2 + s*3
		for i := range 4 {
			w.still.box(vec{x, 32.6 + 2.3*float64(i), 0}, vec{0.3, 0.3, 1.1}, 0, bank, bank)
		}
		w.still.box(vec{x, 36, 0.35}, vec{0.16, 7, 0.5}, 0, bank, bank)
		w.tree(vec{-14 - 5*s, 41, 0}, willow(7, 0x71893f))
	}
	bright := w.mood.rim.mul(0.1)
	for range 14 {
		pos := vec{-4 - 18*w.rnd.Float64(), 34 + 4*w.rnd.Float64(), 0.012}
		phase := w.rnd.Float64()
		w.movers = append(w.movers, func(f int, s *shot) {
			u := frac(float64(f)/frames + phase)
			k := math.Sin(math.Pi * u)
			s.blobs = append(s.blobs, blob{pos: pos.add(vec{2.4 * (u - 0.5), 0, 0}), rx: 0.9, ry: 0.12, hard: 0.2, keep: 1, add: bright.mul(k)})
		})
	}
}

// terraces of tea step up the slope on the right.
func (w *world) terraces() {
	for i := range 7 {
		y0, x0 := 26+9*float64(i), 20+2.5*float64(i)
		z := 1.5 * float64(i)
		earthy := earth(hex(0x927a52), w.seed+i)
		w.still.box(vec{x0 + 45, y0 + 35, 0}, vec{90, 70, z + 1.2}, -0.18, earthy, grass(hex(0x6c7a42), w.seed))
		for k := range 5 {
			a := vec{-42, -33.5 + 1.75*float64(k), z + 1.2}.spin(-0.18).add(vec{x0 + 45, y0 + 35, 0})
			b := vec{20, -33.5 + 1.75*float64(k), z + 1.2}.spin(-0.18).add(vec{x0 + 45, y0 + 35, 0})
			w.hedge(a, b, 1.15, 0.7, 0x4f7336)
		}
	}
}

// hens walk about near the camera.
func (w *world) hens() {
	for i := range 5 {
		m := &mesh{}
		feather := paintHex([]uint32{0x8a4a26, 0xe2ddd0, 0x5a3a2a, 0xa8622e, 0xd9cfb8}[i])
		m.ball(vec{0, 0, 0.26}, vec{0.12, 0.2, 0.13}, 6, feather)
		m.ball(vec{0, 0.2, 0.43}, vec{0.055, 0.07, 0.07}, 5, feather)
		m.tube(vec{0, 0.14, 0.3}, vec{0, 0.2, 0.42}, 0.06, 0.045, 6, feather)
		m.box(vec{0, 0.2, 0.48}, vec{0.02, 0.08, 0.06}, 0, paintHex(0xb8231c), paintHex(0xb8231c))
		m.box(vec{0, -0.22, 0.32}, vec{0.06, 0.14, 0.14}, 0, feather, feather)
		for _, x := range []float64{-0.05, 0.05} {
			m.tube(vec{x, 0, 0}, vec{x, 0, 0.17}, 0.015, 0.015, 4, paintHex(0xc98a2a))
		}
		home := vec{-4.6 + 0.9*float64(i), 12.5 + 2.5*w.rnd.Float64(), 0.02}
		if home.x > -2 {
			home = vec{4.6 + 0.5*float64(i), 13 + w.rnd.Float64(), 0.02}
		}
		start, r := w.rnd.Float64()*2*math.Pi, 0.35+0.4*w.rnd.Float64()
		w.movers = append(w.movers, func(f int, s *shot) {
			t := 2*math.Pi*float64(f)/frames + start
			w.place(s, m, home.add(vec{r * math.Cos(t), r * math.Sin(t), 0}), t+0.3*math.Sin(5*t), 0.14, 0.22)
		})
	}
}
