package main

import "math"

// stage renders moving things over a plate. Its buffers are used again for
// every frame; tiles that were touched are put back.
type stage struct {
	w     *world
	p     *plate
	z     []float32 // inverse depth, quick samples
	ids   []int32
	shade []uint8 // sun shadow, quick samples
	lin   []rgb   // of touched tiles
	dirty []bool
	rgb   []byte // the frame
}

const (
	tile = 24 // pixels; divides both sides of the picture
	// movingOpen is the share of open sky that moving things see.
	movingOpen = 0.8
)

func newStage(w *world, p *plate) *stage {
	n := width * height * quick * quick
	s := &stage{w: w, p: p, z: make([]float32, n), ids: make([]int32, n), shade: make([]uint8, n),
		lin: make([]rgb, width*height), dirty: make([]bool, width/tile*height/tile), rgb: make([]byte, width*height*3)}
	copy(s.lin, p.lin)
	copy(s.rgb, p.eight)
	return s
}

func (s *stage) touch(x0, y0, x1, y1 float64) {
	for j := max(0, int(y0)/tile); j <= min(height/tile-1, int(y1)/tile); j++ {
		for i := max(0, int(x0)/tile); i <= min(width/tile-1, int(x1)/tile); i++ {
			s.dirty[j*(width/tile)+i] = true
		}
	}
}

// eachDirty visits the pixels of touched tiles.
func (s *stage) eachDirty(visit func(x, y, i int)) {
	for t, d := range s.dirty {
		if !d {
			continue
		}
		x0, y0 := t%(width/tile)*tile, t/(width/tile)*tile
		for y := y0; y < y0+tile; y++ {
			for x := x0; x < x0+tile; x++ {
				visit(x, y, y*width+x)
			}
		}
	}
}

// frame renders frame f; what it returns is good until the next call.
func (s *stage) frame(f int) []byte {
	s.eachDirty(func(x, y, i int) {
		s.lin[i] = s.p.lin[i]
		copy(s.rgb[3*i:3*i+3], s.p.eight[3*i:3*i+3])
		for j := range quick {
			k := (y*quick+j)*width*quick + x*quick
			clear(s.z[k : k+quick])
			clear(s.shade[k : k+quick])
		}
	})
	clear(s.dirty)
	var sh shot
	for _, m := range s.w.movers {
		m(f, &sh)
	}
	s.sunShadows(&sh)
	for _, b := range sh.blobs {
		s.blob(b)
	}
	s.solids(&sh)
	for _, h := range sh.halos {
		s.w.eachInHalo(s.p, h, func(i int, k float64) {
			s.touch(float64(i%width), float64(i/width), float64(i%width), float64(i/width))
			s.lin[i] = s.lin[i].add(h.color.mul(k))
		})
	}
	s.eachDirty(func(x, y, i int) {
		if s.lin[i] != s.p.lin[i] {
			s.w.screen(s.rgb[3*i:], s.lin[i], x, y)
		}
	})
	return s.rgb
}

// sunShadows lays the shadow of moving things on the ground.
func (s *stage) sunShadows(sh *shot) {
	d := s.w.mood.sunDir
	if s.w.mood.sun.grey() == 0 {
		return
	}
	const ground = 0.03
	drop := func(p vec) vec {
		k := (p.z - ground) / d.z
		return vec{p.x - d.x*k, p.y - d.y*k, ground}
	}
	var list []screenTri
	for i := range sh.solid.tris {
		t := &sh.solid.tris[i]
		if t.a.z > 14 {
			continue // flags on high poles throw theirs elsewhere
		}
		list = s.w.lens.project(drop(t.a), drop(t.b), drop(t.c), 0, list)
	}
	for i := range list {
		q := &list[i]
		s.touch(q.x0, q.y0, q.x1, q.y1)
		q.fill(quick, 0, height*quick, func(x, y int, w float64) {
			k := y*width*quick + x
			if math.Abs(float64(s.p.depth[k])-w) < 0.035*w {
				s.shade[k] = 1
			}
		})
	}
	s.eachDirty(func(x, y, i int) {
		n := 0
		for j := range quick {
			k := (y*quick+j)*width*quick + x*quick
			for m := range quick {
				n += int(s.shade[k+m])
			}
		}
		if n > 0 {
			cover := float64(n) / (quick * quick)
			s.lin[i] = s.lin[i].mul(1 - cover*0.94*float64(s.p.sunny[i]))
		}
	})
}

// blob draws a soft ellipse on a plane, where that plane is what one sees.
func (s *stage) blob(b blob) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i := range 12 {
		sn, cs := math.Sincos(float64(i) * math.Pi / 6)
		x, y, _, ok := s.w.lens.pixel(b.pos.add(vec{cs * b.rx * 1.05, sn * b.ry * 1.05, 0}.spin(b.yaw)))
		if !ok {
			return
		}
		x0, x1, y0, y1 = math.Min(x0, x), math.Max(x1, x), math.Min(y0, y), math.Max(y1, y)
	}
	if x1 < 0 || y1 < 0 || x0 >= width || y0 >= height {
		return
	}
	s.touch(x0, y0, x1, y1)
	for y := max(0, int(y0)); y <= min(height-1, int(y1)); y++ {
		for x := max(0, int(x0)); x <= min(width-1, int(x1)); x++ {
			ray := s.w.lens.ray(float64(x)+0.5, float64(y)+0.5)
			if ray.z >= -1e-6 {
				continue
			}
			t := (b.pos.z - s.w.lens.pos.z) / ray.z
			still := float64(s.p.depth[(y*quick)*width*quick+x*quick])
			if t < near || math.Abs(still*t-1) > 0.03 {
				continue
			}
			q := s.w.lens.pos.add(ray.mul(t)).sub(b.pos).spin(-b.yaw)
			r := math.Hypot(q.x/b.rx, q.y/b.ry)
			if r >= 1 {
				continue
			}
			k := 1 - smooth(b.hard, 1, r)
			i := y*width + x
			s.lin[i] = s.lin[i].mul(1 - k*(1-b.keep)).add(b.add.mul(k))
		}
	}
}

// solids draws the moving meshes where nothing still hides them.
func (s *stage) solids(sh *shot) {
	var list []screenTri
	for i := range sh.solid.tris {
		t := &sh.solid.tris[i]
		list = s.w.lens.project(t.a, t.b, t.c, int32(i), list)
	}
	for i := range list {
		q := &list[i]
		s.touch(q.x0, q.y0, q.x1, q.y1)
		q.fill(quick, 0, height*quick, func(x, y int, w float64) {
			k := y*width*quick + x
			if iw := float32(w); iw > s.z[k] && iw > s.p.depth[k] {
				s.z[k], s.ids[k] = iw, q.id
			}
		})
	}
	s.eachDirty(func(x, y, i int) {
		var sum rgb
		n := 0.0
		last, lastColor := int32(-1), rgb{}
		for j := range quick {
			for m := range quick {
				k := (y*quick+j)*width*quick + x*quick + m
				if s.z[k] == 0 {
					continue
				}
				if s.ids[k] != last {
					last = s.ids[k]
					t := &sh.solid.tris[last]
					ray := s.w.lens.ray(float64(x)+(float64(m)+0.5)/quick, float64(y)+(float64(j)+0.5)/quick)
					p := s.w.lens.pos.add(ray.mul(1 / float64(s.z[k])))
					var glow rgb
					if t.m.glow != nil {
						glow = t.m.glow(p)
					}
					lastColor, _ = s.w.shade(t, p, t.m.at(p), glow, movingOpen)
				}
				sum = sum.add(lastColor)
				n++
			}
		}
		if n > 0 {
			n /= quick * quick
			s.lin[i] = s.lin[i].mul(1 - n).add(sum.mul(1.0 / (quick * quick)))
		}
	})
}
