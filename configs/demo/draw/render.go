package main

import (
	"math"
	"runtime"
	"sync"
)

const (
	fine  = 3 // samples a pixel, each way, of the still picture
	quick = 2 // the same for what moves
	bandH = 12
)

// plate is the still picture, in linear light, with what the moving things
// need to know of it.
type plate struct {
	lin   []rgb
	sunny []float32 // share of the light that is sun
	depth []float32 // inverse depth of the nearest still thing, quick samples
	eight []byte    // ready for the screen, RGB
}

// develop renders all that does not move.
func (w *world) develop() *plate {
	w.heights = newHeightMap(&w.still)
	if w.mood.sun.grey() > 0 {
		w.sunMap = newSunMap(w.mood.sunDir, &w.still)
	}
	p := &plate{lin: make([]rgb, width*height), sunny: make([]float32, width*height),
		depth: make([]float32, width*height*quick*quick), eight: make([]byte, width*height*3)}
	var all []screenTri
	for i := range w.still.tris {
		t := &w.still.tris[i]
		all = w.lens.project(t.a, t.b, t.c, int32(i), all)
	}
	bands := make([][]int32, height/bandH)
	for i := range all {
		lo, hi := int(all[i].y0)/bandH, int(all[i].y1)/bandH
		for b := max(0, lo); b <= min(len(bands)-1, hi); b++ {
			bands[b] = append(bands[b], int32(i))
		}
	}
	var wg sync.WaitGroup
	work := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			z := make([]float32, width*fine*bandH*fine)
			ids := make([]int32, len(z))
			for b := range work {
				w.band(p, b, all, bands[b], z, ids)
			}
		})
	}
	for b := range bands {
		work <- b
	}
	close(work)
	wg.Wait()
	w.shine(p.lin, p, w.halos)
	for i, c := range p.lin {
		w.screen(p.eight[3*i:], c, i%width, i/width)
	}
	return p
}

// band renders bandH rows.
func (w *world) band(p *plate, b int, all []screenTri, list []int32, z []float32, ids []int32) {
	clear(z)
	for i := range ids {
		ids[i] = -1
	}
	base := b * bandH * fine
	for _, k := range list {
		s := &all[k]
		s.fill(fine, base, base+bandH*fine, func(x, y int, iw float64) {
			i := (y-base)*width*fine + x
			if float32(iw) > z[i] {
				z[i], ids[i] = float32(iw), s.id
			}
		})
		quickBase := b * bandH * quick
		s.fill(quick, quickBase, quickBase+bandH*quick, func(x, y int, iw float64) {
			i := y*width*quick + x
			p.depth[i] = max(p.depth[i], float32(iw))
		})
	}
	for y := range bandH {
		for x := range width {
			w.pixel(p, x, b*bandH+y, z[y*fine*width*fine:], ids[y*fine*width*fine:])
		}
	}
}

// pixel shades each surface in a pixel once, its colour at every sample.
func (w *world) pixel(p *plate, px, py int, z []float32, ids []int32) {
	var seen [fine * fine]int32
	var albedo, glow [fine * fine]rgb
	var count [fine * fine]float64
	var mid [fine * fine]vec
	kinds := 0
	for j := range fine {
		for i := range fine {
			k := j*width*fine + px*fine + i
			id := ids[k]
			slot := 0
			for slot < kinds && seen[slot] != id {
				slot++
			}
			if slot == kinds {
				seen[slot] = id
				kinds++
			}
			count[slot]++
			ray := w.lens.ray(float64(px)+(float64(i)+0.5)/fine, float64(py)+(float64(j)+0.5)/fine)
			if id < 0 {
				mid[slot] = mid[slot].add(ray)
				continue
			}
			pos := w.lens.pos.add(ray.mul(1 / float64(z[k])))
			m := w.still.tris[id].m
			albedo[slot] = albedo[slot].add(m.at(pos))
			if m.glow != nil {
				glow[slot] = glow[slot].add(m.glow(pos))
			}
			mid[slot] = mid[slot].add(pos)
		}
	}
	var sum rgb
	sunny := 0.0
	for s := range kinds {
		k := 1 / count[s]
		if seen[s] < 0 {
			sum = sum.add(w.mood.skyAt(mid[s], w.seed).mul(count[s]))
			continue
		}
		t, at := &w.still.tris[seen[s]], mid[s].mul(k)
		c, sun := w.shade(t, at, albedo[s].mul(k), glow[s].mul(k), w.heights.open(at, t.facing(w.lens.pos.sub(at))))
		sum = sum.add(c.mul(count[s]))
		sunny += sun * count[s]
	}
	i := py*width + px
	p.lin[i] = sum.mul(1.0 / (fine * fine))
	p.sunny[i] = float32(sunny / (fine * fine))
}

// shade gives a surface's light as the camera sees it, and the sun's share.
func (w *world) shade(t *tri, p vec, albedo, glow rgb, open float64) (rgb, float64) {
	to := w.lens.pos.sub(p)
	dist := to.len()
	to = to.mul(1 / dist)
	n := t.facing(to)
	l, sunny := w.lightAt(p, n, t.m.thin, open)
	c := albedo.tint(l)
	if t.m.water {
		c, sunny = w.mirror(c, p, to, dist), 0
	} else if t.m.shiny > 0 {
		r := n.mul(2 * n.dot(to)).sub(to)
		fresnel := 0.08 + 0.92*math.Pow(1-math.Abs(n.dot(to)), 4)
		mirror := w.mood.rim.mix(w.mood.zenith, clamp(r.z, 0, 1))
		if r.z < 0 {
			mirror = w.mood.ground.mul(0.6)
		}
		c = c.mix(mirror, t.m.shiny*fresnel)
	}
	c = c.add(glow)
	keep := w.mood.haze(dist)
	return w.mood.rim.mul(0.92).mix(c, keep), sunny * keep
}

// mirror is water: small waves that lie flatter the farther they are.
func (w *world) mirror(c rgb, p, to vec, dist float64) rgb {
	wave := 0.10 / (1 + dist/40)
	n := vec{wave * (noise(p.x*0.55, p.y*1.5, w.seed) - 0.5), wave * (noise(p.x*0.5+40, p.y*1.7, w.seed+1) - 0.5) * 2, 1}.norm()
	r := n.mul(2 * n.dot(to)).sub(to)
	fresnel := 0.04 + 0.96*math.Pow(1-clamp(n.dot(to), 0, 1), 3.2)
	bank := w.mood.ground.mix(hex(0x2c3a2a).mul(w.mood.zenith.grey()), 0.6)
	m := bank.mix(w.mood.skyAt(vec{r.x, r.y, math.Max(0.02, r.z)}, w.seed), smooth(0.05, 0.2, r.z))
	if g := w.mood.sun.grey(); g > 0 {
		m = m.add(w.mood.sun.mul(0.9 * math.Pow(math.Max(0, r.norm().dot(w.mood.sunDir)), 60)))
	}
	for i := range w.lights { // columns of lamplight
		d := w.lights[i].pos.sub(p)
		if k := r.norm().dot(d.norm()); k > 0.9 {
			m = m.add(w.lights[i].color.mul(0.8 * math.Pow(k, 90)))
		}
	}
	return c.mul(1 - fresnel).add(m.mul(fresnel))
}

// screen writes a pixel as the screen wants it, darker in the corners.
func (w *world) screen(out []byte, c rgb, x, y int) {
	dx, dy := float64(x)/width-0.5, float64(y)/height-0.5
	c = w.mood.tone(c.mul(1 - 0.42*(dx*dx+dy*dy)))
	out[0], out[1], out[2] = byte(c.r*255+0.5), byte(c.g*255+0.5), byte(c.b*255+0.5)
}

// shine adds the halos of lamps that nothing hides.
func (w *world) shine(lin []rgb, p *plate, halos []halo) {
	for _, h := range halos {
		w.eachInHalo(p, h, func(i int, k float64) { lin[i] = lin[i].add(h.color.mul(k)) })
	}
}

func (w *world) eachInHalo(p *plate, h halo, visit func(i int, k float64)) {
	x, y, depth, ok := w.lens.pixel(h.pos)
	if !ok || x < -200 || y < -200 || x > width+200 || y > height+200 {
		return
	}
	if x >= 0 && y >= 0 && x < width && y < height {
		if float64(p.depth[int(y*quick)*width*quick+int(x*quick)]) > 1/(depth-0.6) {
			return
		}
	}
	r := math.Max(3, h.radius/depth*w.lens.focal)
	for j := max(0, int(y-r)); j <= min(height-1, int(y+r)); j++ {
		for i := max(0, int(x-r)); i <= min(width-1, int(x+r)); i++ {
			d := math.Hypot(float64(i)+0.5-x, float64(j)+0.5-y) / r
			if d < 1 {
				visit(j*width+i, (1-d)*(1-d)*(1-d))
			}
		}
	}
}
