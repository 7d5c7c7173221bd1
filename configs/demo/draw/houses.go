package main

import "math"

// facade is how a building's walls look.
type facade struct {
	wall, band, frame rgb
	floor, bay        float64    // metres
	window            [4]float64 // left, right, sill, head within a bay and floor
	base              float64    // height of a ground floor without windows
	glass             rgb
	wide              bool // ribbon windows, as offices have
}

func dwelling(wall uint32) facade {
	return facade{wall: hex(wall), band: hex(wall).mul(0.82), frame: hex(0xe4e4e0), floor: 3, bay: 3.3,
		window: [4]float64{0.75, 2.55, 0.95, 2.45}, base: 0, glass: hex(0x39444d)}
}

func office(wall uint32) facade {
	return facade{wall: hex(wall), band: hex(wall).mul(0.7), frame: hex(0xb9bec2), floor: 3.5, bay: 1.9,
		window: [4]float64{0.08, 1.82, 0.9, 2.9}, base: 0, glass: hex(0x2f4656), wide: true}
}

// wallMat is the wall between a and b, seen from outside.
func (w *world) wallMat(a, b vec, f facade, tall float64, seed int) *mat {
	along := b.sub(a).norm()
	length := b.sub(a).len()
	bays := math.Max(1, math.Round(length/f.bay))
	bay := length / bays
	inside := func(p vec) (i, j int, du, dv float64, in bool) {
		u, v := p.sub(a).dot(along), p.z-a.z-f.base
		if v < 0 || v > tall-f.base-0.7 {
			return 0, 0, 0, 0, false
		}
		i, j = int(u/bay), int(v/f.floor)
		du, dv = (u-float64(i)*bay)*f.bay/bay, v-float64(j)*f.floor
		return i, j, du, dv, du > f.window[0] && du < f.window[1] && dv > f.window[2] && dv < f.window[3]
	}
	tex := func(p vec) rgb {
		i, j, du, dv, in := inside(p)
		weather := 0.92 + 0.12*cloudy(p.sub(a).dot(along)*0.25, p.z*0.12, 3, seed)
		if !in {
			c := f.wall
			if dv := frac((p.z - a.z - f.base) / f.floor); dv > 0.96 {
				c = f.band
			}
			return c.mul(weather)
		}
		if du < f.window[0]+0.09 || du > f.window[1]-0.09 || dv < f.window[2]+0.09 || dv > f.window[3]-0.09 ||
			!f.wide && math.Abs(du-(f.window[0]+f.window[1])/2) < 0.045 {
			return f.frame
		}
		h := hash(i, j, seed)
		c := f.glass.mul(0.7 + 0.7*h)
		if h > 0.62 && !f.wide { // a curtain
			c = c.mix(hex(0xb8ad9c), 0.5)
		}
		return c.mul(0.75 + 0.35*(dv-f.window[2])/(f.window[3]-f.window[2]))
	}
	m := &mat{tex: tex}
	if w.mood.night {
		m.glow = func(p vec) rgb {
			i, j, du, _, in := inside(p)
			if !in || hash(i, j, seed+77) > w.mood.lit || du < f.window[0]+0.09 || du > f.window[1]-0.09 {
				return rgb{}
			}
			warm := hash(i, j, seed+78)
			return rgb{0.95, 0.72, 0.42}.mix(rgb{0.8, 0.88, 0.95}, smooth(0.55, 0.8, warm)).mul(0.25 + 0.4*hash(i, j, seed+79))
		}
	}
	return m
}

// house is a block with a flat roof, its middle at c.
func (w *world) house(c vec, wide, deep, tall, yaw float64, f facade) {
	seed := w.rnd.IntN(1 << 20)
	p := func(x, y float64) vec { return c.add(vec{x * wide / 2, y * deep / 2, 0}.spin(yaw)) }
	up := vec{0, 0, tall}
	corners := []vec{p(-1, -1), p(1, -1), p(1, 1), p(-1, 1)}
	for i, a := range corners {
		b := corners[(i+1)%4]
		g := f
		if i%2 == 1 && !f.wide { // gable ends have few windows
			g.bay, g.window = 5.5, [4]float64{2.2, 3.4, 0.95, 2.35}
		}
		w.still.quad(a, b, b.add(up), a.add(up), w.wallMat(a, b, g, tall, seed+i))
	}
	roof := stone(f.wall.mul(0.7), seed)
	w.still.box(c.add(vec{0, 0, tall}), vec{wide, deep, 0.12}, yaw, roof, roof)
	w.still.box(c.add(vec{0, 0, tall - 0.7}), vec{wide + 0.3, deep + 0.3, 0.95}, yaw, paint(f.band), roof)
	if wide > 12 {
		w.still.box(c.add(vec{wide * 0.2, 0, tall}.spin(yaw)), vec{4, 4, 3}, yaw, paint(f.wall.mul(0.95)), roof)
	}
}

// balconies hang on a wall from a to b, and with them the air conditioners.
func (w *world) balconies(a, b vec, f facade, tall float64) {
	along := b.sub(a).norm()
	out := along.cross(vec{0, 0, 1})
	yaw := math.Atan2(along.y, along.x)
	bays := math.Max(1, math.Round(b.sub(a).len()/f.bay))
	bay := b.sub(a).len() / bays
	slab, rail, unit := paint(f.wall.mul(0.93)), paint(f.wall.mul(1.04)), paintHex(0xcfd0cc)
	for z := f.base; z+f.floor <= tall+0.1; z += f.floor {
		for i := range int(bays) {
			mid := a.add(along.mul((float64(i) + 0.5) * bay))
			mid.z = z
			switch {
			case i%3 == 1 && z > 0.5:
				w.still.box(mid.add(out.mul(0.65)), vec{bay * 0.96, 1.3, 0.14}, yaw, slab, slab)
				w.still.box(mid.add(out.mul(1.25)).add(vec{0, 0, 0.1}), vec{bay * 0.96, 0.1, 0.95}, yaw, rail, rail)
			case w.rnd.Float64() < 0.45 && z > 0.5:
				w.still.box(mid.add(out.mul(0.2)).add(along.mul(-bay*0.1)).add(vec{0, 0, 0.25}), vec{0.85, 0.4, 0.6}, yaw, unit, unit)
			}
		}
	}
}

// board is a sign on a wall: its lower left corner, direction and size.
func (w *world) board(face *typeface, text string, at, along vec, wide, tall float64, fore, back uint32) error {
	s, err := face.sign(text, hex(fore), hex(back), wide/tall)
	if err != nil {
		return err
	}
	along = along.norm()
	tex := func(p vec) rgb {
		d := p.sub(at)
		return s.at(clamp(d.dot(along)/wide, 0, 0.999), clamp(1-d.z/tall, 0, 0.999))
	}
	m := &mat{tex: tex}
	if w.mood.night && !w.mood.infrared {
		m.glow = func(p vec) rgb { return tex(p).mul(0.9) }
	}
	out := along.cross(vec{0, 0, 1})
	up := vec{0, 0, tall}
	w.still.quad(at, at.add(along.mul(wide)), at.add(along.mul(wide)).add(up), at.add(up), m)
	rim := paint(hex(back).mul(0.6))
	mid := at.add(along.mul(wide / 2)).sub(out.mul(0.16))
	w.still.box(mid, vec{wide + 0.08, 0.3, tall + 0.05}, math.Atan2(along.y, along.x), rim, rim)
	return nil
}

// shops line a wall from a to b: fronts of glass or shutters, awnings, boards.
func (w *world) shops(face *typeface, a, b vec, names []string) error {
	along := b.sub(a).norm()
	out := along.cross(vec{0, 0, 1})
	yaw := math.Atan2(along.y, along.x)
	n := max(1, int(b.sub(a).len()/5.2))
	bay := b.sub(a).len() / float64(n)
	backs := []uint32{0xb3261e, 0x1f5fa8, 0x1d7a4a, 0xc77a12, 0x7c2a5e, 0xd8d4c8, 0x14696b}
	for i := range n {
		at := a.add(along.mul(float64(i) * bay)).add(out.mul(0.12))
		mid := at.add(along.mul(bay / 2))
		pillar := paintHex(0xa9a49a)
		w.still.box(at, vec{0.5, 0.5, 3.5}, yaw, pillar, pillar)
		inside := w.shopFront(at, along, bay)
		w.still.quad(at, at.add(along.mul(bay)), at.add(along.mul(bay)).add(vec{0, 0, 2.7}), at.add(vec{0, 0, 2.7}), inside)
		back := backs[w.rnd.IntN(len(backs))]
		fore := uint32(0xfaf6e8)
		if back == 0xd8d4c8 {
			fore = 0xa8201a
		}
		name := names[(i+w.seed)%len(names)]
		if err := w.board(face, name, at.add(out.mul(0.35)).add(vec{0, 0, 2.75}), along, bay-0.15, 0.95, fore, back); err != nil {
			return err
		}
		if w.mood.night && !w.mood.infrared && i%2 == 0 {
			w.lights = append(w.lights, light{pos: mid.add(out.mul(1.2)).add(vec{0, 0, 2.6}), color: rgb{0.6, 0.5, 0.36}, reach: 2.6})
		}
	}
	return nil
}

// shopFront is glass with goods behind, or a closed shutter.
func (w *world) shopFront(at, along vec, bay float64) *mat {
	seed := w.rnd.IntN(1 << 20)
	shut := w.rnd.Float64() < 0.25
	tex := func(p vec) rgb {
		u, v := p.sub(at).dot(along), p.z-at.z
		if shut {
			return hex(0x9a9c9d).mul(0.85 + 0.15*math.Sin(v*40))
		}
		if v < 0.35 || frac(u/1.3) < 0.05 || v > 2.55 {
			return hex(0xc9c7c0)
		}
		goods := hash(int(u*2.5), int(v*2), seed)
		return hex(0x2b2a28).mix(hex(0x8d7a5f).mix(hex(0x6d8392), hash(int(u*2.5), int(v*2), seed+1)), 0.55*goods)
	}
	m := &mat{tex: tex, shiny: 0.25}
	if w.mood.night && !w.mood.infrared && !shut {
		m.glow = func(p vec) rgb { return tex(p).mul(1.2).add(rgb{0.18, 0.15, 0.1}) }
	}
	return m
}

// cottage is a village house with a tiled gable roof.
func (w *world) cottage(c vec, wide, deep, tall, yaw float64, wall, tiles uint32) {
	f := dwelling(wall)
	f.bay, f.window = wide/3, [4]float64{wide/6 - 0.7, wide/6 + 0.7, 0.95, 2.4}
	f.glass = hex(0x2e3940)
	seed := w.rnd.IntN(1 << 20)
	p := func(x, y, z float64) vec { return c.add(vec{x * wide / 2, y * deep / 2, z}.spin(yaw)) }
	plaster := stone(hex(wall), seed)
	for i := range 4 {
		xs, ys := []float64{-1, 1, 1, -1}, []float64{-1, -1, 1, 1}
		a, b := p(xs[i], ys[i], 0), p(xs[(i+1)%4], ys[(i+1)%4], 0)
		m := plaster
		if i%2 == 0 {
			m = w.wallMat(a, b, f, tall+0.7, seed+i)
		}
		up := vec{0, 0, tall}
		w.still.quad(a, b, b.add(up), a.add(up), m)
	}
	rise := deep * 0.3
	along := vec{1, 0, 0}.spin(yaw)
	roof := textured(func(p vec) rgb {
		k := 0.8 + 0.22*math.Abs(math.Sin(p.dot(along)*9)) + 0.15*(cloudy(p.x*0.5, p.y*0.5, 2, seed)-0.5)
		return hex(tiles).mul(k)
	})
	const over = 1.12
	for _, s := range []float64{-1, 1} {
		lo := tall - (over-1)*rise
		w.still.quad(p(-over, s*over, lo), p(over, s*over, lo), p(over, 0, tall+rise), p(-over, 0, tall+rise), roof)
		w.still.tri(p(s, -1, tall), p(s, 1, tall), p(s, 0, tall+rise), plaster)
	}
	w.still.tube(p(-over, 0, tall+rise), p(over, 0, tall+rise), 0.14, 0.14, 6, paint(hex(tiles).mul(0.7)))
	door := paintHex(0x7a2f22)
	q := c.add(vec{0, -deep/2 - 0.04, 0}.spin(yaw))
	w.still.box(q, vec{1.5, 0.08, 2.3}, yaw, door, door)
}
