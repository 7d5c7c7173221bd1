package main

import "math"

// A street seen from its right-hand pavement: the carriageway, a crossing, and
// far away a junction where the cars turn off behind the houses.
const (
	farJunction = 108.0
	crossY      = 33.0 // the near cross street
)

func shopNames() []string {
	return []string{"便民超市", "老街面馆", "宏达五金", "惠民药房", "兰州拉面", "明亮眼镜", "阿珍理发", "福满楼", "通讯营业厅",
		"新华书店", "蜜雪茶饮", "包子铺", "水果店", "快递驿站", "家电维修", "佳佳服饰", "早点", "烟酒副食"}
}

type streetSize struct{ left, right, mid float64 }

func street(w *world, face *typeface, plan shotPlan) error {
	z := streetSize{left: -13, right: 3.5}
	z.mid = (z.left + z.right) / 2
	w.still.flat(-160, -20, 160, 260, -0.03, asphalt(hex(0x5c5d5e), w.seed+9))
	w.road(z.left, z.right, -14, farJunction-8, 2)
	w.crossStreet(z)
	if err := w.blocks(face, z, plan); err != nil {
		return err
	}
	w.furniture(z, plan)
	w.traffic(z, plan)
	switch plan.feature {
	case "tower":
		w.bellTower(vec{z.mid, farJunction + 16, 0})
	case "fuel":
		return w.fuelStation(face)
	}
	return nil
}

// crossStreet runs along x at crossY, with zebras around it.
func (w *world) crossStreet(z streetSize) {
	m := &w.still
	y0, y1 := crossY-6, crossY+6
	m.flat(-90, y0, 90, y1, 0.008, asphalt(hex(0x58595c), w.seed+3))
	yellow := paintMark(hex(0xd9a531), w.seed+2)
	m.flat(-90, crossY-0.07, z.left-5, crossY+0.07, markZ, yellow)
	m.flat(z.right+5, crossY-0.07, 90, crossY+0.07, markZ, yellow)
	w.zebra(z.left, z.right, y0-5.2, 4)
	w.zebra(z.left, z.right, y1+1.2, 4)
	w.crossZebra(z.left-4.6, y0, y1, 3.6)
	w.crossZebra(z.right+1, y0, y1, 3.6)
	white := paintMark(hex(0xe2e2dc), w.seed+8)
	m.flat(z.mid+0.3, y0-6.4, z.right-0.2, y0-6.05, markZ+0.004, white)
	m.flat(z.left+0.2, y1+6, z.mid-0.3, y1+6.35, markZ+0.004, white)
	lane := (z.right - z.mid - 0.4) / 2
	for i := range 2 {
		w.arrow(z.mid+0.2+lane*(float64(i)+0.5), y0-14, 1)
		w.arrow(z.mid-0.2-lane*(float64(i)+0.5), y1+20, -1)
	}
}

// blocks are the pavements and the houses behind them.
func (w *world) blocks(face *typeface, z streetSize, plan shotPlan) error {
	walk := pavers(hex(0x9a958c), 0.6, w.seed)
	far := pavers(hex(0x9c978f), 0.8, w.seed)
	for _, s := range []float64{-1, 1} {
		edge, back := z.right, z.right+6.5
		if s < 0 {
			edge, back = z.left-6.5, z.left
		}
		w.pavement(edge, -14, back, crossY-6, walk)
		w.pavement(edge, crossY+6, back, farJunction-8, far)
		tact := paintHex(0xb8963f)
		tx := (edge + back) / 2
		w.still.flat(tx-0.3, -14, tx+0.3, crossY-8, kerbZ+0.01, tact)
	}
	walls := []uint32{0xcabfa8, 0xb9b3a6, 0xd2c6b4, 0xa79b8b, 0xc2ab95, 0xbfc3bd, 0xb08f7c}
	side := func(s, x float64, y0, y1 float64) error {
		for y := y0; y < y1-8; {
			wide := math.Min(16+14*w.rnd.Float64(), y1-y)
			floors := 4 + w.rnd.IntN(4)
			tall := 3.9 + 3*float64(floors)
			f := dwelling(walls[w.rnd.IntN(len(walls))])
			if w.rnd.Float64() < 0.25 {
				f = office(walls[w.rnd.IntN(len(walls))])
			}
			f.base = 3.9
			deep := 13.0
			c := vec{x + s*deep/2, y + wide/2, 0}
			w.house(c, deep, wide-0.4, tall, 0, f)
			a, b := vec{x, y + wide - 0.4, 0}, vec{x, y + 0.2, 0}
			if s < 0 {
				a, b = b, a
			}
			if !f.wide {
				w.balconies(a, b, f, tall)
			}
			if err := w.shops(face, a, b, shopNames()); err != nil {
				return err
			}
			y += wide
		}
		return nil
	}
	if plan.feature != "fuel" {
		if err := side(1, z.right+6.5, -2, crossY-6.5); err != nil {
			return err
		}
	}
	if err := side(-1, z.left-6.5, -6, crossY-6.5); err != nil {
		return err
	}
	if err := side(1, z.right+6.5, crossY+6.5, farJunction-8); err != nil {
		return err
	}
	if err := side(-1, z.left-6.5, crossY+6.5, farJunction-8); err != nil {
		return err
	}
	w.backdrop(farJunction+8, plan)
	return nil
}

// backdrop closes the view: houses beyond the far junction, towers in the haze.
func (w *world) backdrop(y float64, plan shotPlan) {
	for x := -75.0; x < 80; x += 21 {
		if plan.feature == "tower" && x > -22 && x < 12 {
			continue
		}
		tall := 15 + 3*float64(w.rnd.IntN(5))
		f := dwelling([]uint32{0xb8aea0, 0xa9a69d, 0xc0b4a4}[w.rnd.IntN(3)])
		w.house(vec{x + 9, y + 8, 0}, 19, 12, tall, 0, f)
	}
	for i := range 9 {
		x := -150 + 36*float64(i) + 16*w.rnd.Float64()
		f := dwelling(0xa5aab0)
		f.floor, f.bay = 3.2, 4
		w.house(vec{x, y + 110 + 60*w.rnd.Float64(), 0}, 22, 18, 42+40*w.rnd.Float64(), 0.3*w.rnd.Float64(), f)
	}
}

// furniture: trees, lamps, the rail in the middle, signs, parked bicycles.
func (w *world) furniture(z streetSize, plan shotPlan) {
	for _, s := range []float64{-1, 1} {
		x := z.right + 1.3
		if s < 0 {
			x = z.left - 1.3
		}
		for _, y := range []float64{3, 23.5, 46, 68, 90} {
			if y < 8 && math.Abs(x-w.lens.pos.x) < 4 {
				continue // its pole would stand before the lens
			}
			w.streetLamp(vec{x, y, kerbZ}, -s)
		}
		for y := 10.5; y < farJunction-14; y += 7.5 {
			before := y < 16 && math.Abs(x-w.lens.pos.x) < 9 // nothing before the lens
			if math.Abs(y-crossY) < 11 || before || s > 0 && plan.feature == "fuel" && y < 30 {
				continue
			}
			w.tree(vec{x, y + w.rnd.Float64(), kerbZ}, broadleaf(6.6+1.8*w.rnd.Float64(), []uint32{0x4c6b34, 0x55703a, 0x446234}[w.rnd.IntN(3)]))
		}
	}
	w.rail(vec{z.mid, 6, 0}, vec{z.mid, crossY - 12.5, 0})
	w.rail(vec{z.mid, crossY + 13, 0}, vec{z.mid, farJunction - 12, 0})
	for i := range 7 {
		pos := vec{z.left - 5.4, 15.5 + 0.75*float64(i), kerbZ}
		w.still.put(ebike(w.coat(), rgb{}, false), pos, math.Pi/2+0.15*w.rnd.Float64())
	}
	w.trafficLight(vec{z.right + 0.8, crossY + 6.8, 0}, -1)
	w.trafficLight(vec{z.left - 0.8, crossY - 6.8, 0}, 1)
}

// streetLamp has an arm over the road; s is the way it points along x.
func (w *world) streetLamp(pos vec, s float64) {
	metal := paintHex(0x7f8589)
	top := pos.add(vec{0, 0, 8})
	head := top.add(vec{s * 2.2, 0, 0.5})
	w.still.tube(pos, top, 0.11, 0.07, 8, metal)
	w.still.tube(top, head, 0.05, 0.05, 6, metal)
	shell := paintHex(0x9aa0a4)
	glow := shell
	if w.mood.night && !w.mood.infrared {
		glow = lamp(rgb{5, 4.2, 2.8})
		w.lights = append(w.lights, light{pos: head.add(vec{s * 0.3, 0, -0.2}), color: rgb{1.0, 0.80, 0.50}.mul(0.62), reach: 7.5, hangs: true})
		w.halos = append(w.halos, halo{head.add(vec{s * 0.3, 0, -0.1}), rgb{0.9, 0.72, 0.42}, 2.4})
	}
	w.still.box(head.add(vec{s * 0.3, 0, -0.06}), vec{0.9, 0.3, 0.14}, 0, shell, shell)
	w.still.flat(head.x+s*0.3-0.4, head.y-0.14, head.x+s*0.3+0.4, head.y+0.14, head.z-0.07, glow)
}

// rail is the white railing between the directions.
func (w *world) rail(a, b vec) {
	white, blue := paintHex(0xdfe2e4), paintHex(0x3f6fa8)
	n := int(b.sub(a).len() / 3)
	for i := range n + 1 {
		p := a.mix(b, float64(i)/float64(n))
		w.still.box(p, vec{0.1, 0.1, 0.95}, 0, white, blue)
		w.still.box(p, vec{0.34, 0.4, 0.08}, 0, white, white)
	}
	for _, z := range []float64{0.28, 0.84} {
		w.still.box(a.mix(b, 0.5).add(vec{0, 0, z}), vec{0.05, b.sub(a).len(), 0.07}, 0, white, white)
	}
	for i := range n * 5 {
		p := a.mix(b, (float64(i)+0.5)/float64(n*5))
		if p.y < 26 {
			w.still.box(p.add(vec{0, 0, 0.3}), vec{0.03, 0.03, 0.54}, 0, white, white)
		}
	}
}

// trafficLight on an arm; it shows green along y. s is where the arm points.
func (w *world) trafficLight(pos vec, s float64) {
	metal, dark := paintHex(0x70767b), paintHex(0x1d1f21)
	w.still.tube(pos, pos.add(vec{0, 0, 6.3}), 0.11, 0.09, 8, metal)
	w.still.tube(pos.add(vec{0, 0, 6.1}), pos.add(vec{s * 5, 0, 6.4}), 0.07, 0.05, 8, metal)
	for _, d := range []float64{2.8, 4.6} {
		c := pos.add(vec{s * d, 0, 5.75})
		w.still.box(c, vec{1.15, 0.25, 0.42}, 0, dark, dark)
		for i, on := range []rgb{{0.10, 0.02, 0.02}, {0.1, 0.08, 0.02}, {0.05, 2.2, 1.1}} {
			x := c.x + s*(0.36-0.36*float64(i))
			w.still.box(vec{x, c.y - 0.14, c.z + 0.08}, vec{0.26, 0.03, 0.26}, 0, lamp(on), lamp(on))
		}
		if w.mood.night {
			w.halos = append(w.halos, halo{c.add(vec{-s * 0.36, -0.2, 0.2}), rgb{0.02, 0.35, 0.2}, 0.9})
		}
	}
}

// traffic drives, rides and walks.
func (w *world) traffic(z streetSize, plan shotPlan) {
	lane := (z.right - z.mid - 0.6) / 2
	out, in := z.mid+0.3+lane*0.5, z.mid-0.3-lane*0.5
	slow, slowIn := z.mid+0.3+lane*1.5, z.mid-0.3-lane*1.5
	away := func(x, turn float64) *path {
		return newPath(9, vec{x, -24, 0}, vec{x, farJunction - 2, 0}, vec{x + turn, farJunction - 2, 0})
	}
	near := func(x, turn float64) *path {
		return newPath(9, vec{x + turn, farJunction + 3, 0}, vec{x, farJunction + 3, 0}, vec{x, -24, 0})
	}
	o := float64(w.seed%97) / 97 // each street at another moment
	w.drive(away(out, 34), o+0.12, "sedan", w.carColor())
	w.drive(away(out, -48), o+0.46, "suv", w.carColor())
	w.drive(away(slow, 30), o+0.81, "van", w.carColor())
	w.drive(near(in, -40), o+0.30, "sedan", hex(0xe0e0dc))
	w.drive(near(in, 48), o+0.66, "sedan", w.carColor())
	w.drive(near(slowIn, -40), o+0.02, "bus", hex([]uint32{0x2f7d5b, 0x2c62a8, 0xb8472f, 0xd8a63a}[w.seed%4]))
	w.ride(away(z.right-1.2, 26), 0.35, hex(0x2a3f73), w.coat())
	w.ride(near(z.left+1.2, -36), 0.55, hex(0x7d1d22), w.coat())
	walkY := vec{z.right + 4.6, -12, kerbZ}
	w.walk(newPath(2, walkY, vec{z.right + 4.6, 24.5, kerbZ}, vec{z.right + 7.5, 24.5, kerbZ}), 0.3, w.coat(), w.trousers(), w.height())
	w.walk(newPath(2, vec{z.left - 9, 22.6, kerbZ}, vec{z.left - 3.4, 22.6, kerbZ}, vec{z.left - 3.4, -10, kerbZ}), 0.6, w.coat(), w.trousers(), w.height())
	w.linger(vec{z.left - 4.2, 19, kerbZ}, -1.9, 0.2, w.coat(), w.trousers(), w.height())
	w.linger(vec{z.left - 4.9, 19.6, kerbZ}, 1.1, 0.7, w.coat(), w.trousers(), w.height())
	w.linger(vec{z.right + 3.2, 23.5, kerbZ}, 2.0, 0.45, w.coat(), w.trousers(), w.height())
	if plan.feature == "crossing" || plan.feature == "bridgehead" {
		w.park("sedan", vec{38, crossY - 2.6, 0}, -math.Pi/2)
	}
}
