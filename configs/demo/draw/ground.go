package main

import "math"

// asphalt is worn by wheels, mended in places.
func asphalt(base rgb, seed int) *mat {
	return textured(func(p vec) rgb {
		k := 0.86 + 0.2*cloudy(p.x*0.35, p.y*0.12, 3, seed)
		worn := smooth(0.6, 0.85, noise(p.x*0.18+9, p.y*0.09, seed+5))
		return base.mul(k * (1 - 0.07*worn))
	})
}

// pavers are square stones with joints; a yellow tactile line may run along x=at.
func pavers(base rgb, size float64, seed int) *mat {
	return textured(func(p vec) rgb {
		i, j := math.Floor(p.x/size), math.Floor(p.y/size)
		k := 0.93 + 0.1*hash(int(i), int(j), seed) + 0.06*(cloudy(p.x*0.3, p.y*0.3, 2, seed)-0.5)
		u, v := frac(p.x/size), frac(p.y/size)
		d := math.Hypot(p.x, p.y)
		joint := 0.12 * (1 - smooth(12, 30, d))
		if u < 0.05 || v < 0.05 {
			k -= joint
		}
		return base.mul(k)
	})
}

// slabs are large plates in two tones, as on a square.
func slabs(a, b rgb, size float64, seed int) *mat {
	return textured(func(p vec) rgb {
		i, j := int(math.Floor(p.x/size)), int(math.Floor(p.y/size))
		c := a
		if (i+j)&1 == 0 {
			c = a.mix(b, 0.5)
		}
		u, v := frac(p.x/size), frac(p.y/size)
		if i%4 == 0 && u < 0.14 || j%4 == 0 && v < 0.14 {
			c = b
		}
		return c.mul(0.95 + 0.08*hash(i, j, seed) + 0.06*(cloudy(p.x*0.2, p.y*0.2, 2, seed)-0.5))
	})
}

func grass(base rgb, seed int) *mat {
	return textured(func(p vec) rgb {
		v := cloudy(p.x*0.5, p.y*0.5, 3, seed)
		return base.mul(0.75+0.5*v).mix(hex(0x8a8250), 0.25*smooth(0.5, 0.8, noise(p.x*0.13, p.y*0.13, seed+3)))
	})
}

func earth(base rgb, seed int) *mat {
	return textured(func(p vec) rgb { return base.mul(0.8 + 0.36*cloudy(p.x*0.4, p.y*0.25, 3, seed)) })
}

func stone(base rgb, seed int) *mat {
	return textured(func(p vec) rgb {
		return base.mul(0.86 + 0.25*cloudy((p.x+p.y)*0.7, p.z*0.9, 3, seed) - 0.08*clamp(1-p.z, 0, 1))
	})
}

// bricks on an upright wall, in courses.
func bricks(base, joint rgb, w, h float64, seed int) *mat {
	return textured(func(p vec) rgb {
		row := math.Floor(p.z / h)
		u := (p.x+p.y)/w + 0.5*math.Mod(row, 2)
		c := base.mul(0.85 + 0.28*hash(int(math.Floor(u)), int(row), seed))
		if frac(p.z/h) < 0.12 || frac(u) < 0.05 {
			c = c.mix(joint, 0.6)
		}
		return c
	})
}

// paintMark is worn road paint.
func paintMark(c rgb, seed int) *mat {
	return textured(func(p vec) rgb {
		return c.mix(hex(0x55565a), 0.12+0.3*smooth(0.5, 0.8, cloudy(p.x*0.9, p.y*0.5, 2, seed)))
	})
}

const markZ = 0.02

// road along y: lanes each way, from x0 to x1, between y0 and y1.
func (w *world) road(x0, x1, y0, y1 float64, lanes int) {
	m := &w.still
	m.flat(x0, y0, x1, y1, 0, asphalt(hex(0x5a5c5f).mul(0.9+0.2*w.rnd.Float64()), w.seed))
	white, yellow := paintMark(hex(0xe2e2dc), w.seed+1), paintMark(hex(0xd9a531), w.seed+2)
	mid := (x0 + x1) / 2
	for _, dx := range []float64{-0.13, 0.13} {
		m.flat(mid+dx-0.06, y0, mid+dx+0.06, y1, markZ, yellow)
	}
	side := (x1 - mid - 0.4) / float64(lanes)
	for i := 1; i <= lanes; i++ {
		for _, s := range []float64{-1, 1} {
			x := mid + s*(0.2+side*float64(i))
			if i == lanes {
				x -= s * 0.35
				m.flat(x-0.06, y0, x+0.06, y1, markZ, white)
				continue
			}
			for y := y0 + 2; y < y1-3; y += 6 {
				m.flat(x-0.06, y, x+0.06, y+3, markZ, white)
			}
		}
	}
}

// zebra stripes across a road that runs along y, at y.
func (w *world) zebra(x0, x1, y, depth float64) {
	white := paintMark(hex(0xeae9e2), w.seed+4)
	w.still.flat(x0, y-0.2, x1, y+depth+0.2, markZ+0.005, asphalt(hex(0x57595c), w.seed))
	for x := x0 + 0.4; x < x1-0.5; x += 0.95 {
		w.still.flat(x, y, x+0.48, y+depth, markZ+0.012, white)
	}
}

// crossZebra is the same over a road along x.
func (w *world) crossZebra(x, y0, y1, depth float64) {
	white := paintMark(hex(0xeae9e2), w.seed+4)
	for y := y0 + 0.4; y < y1-0.5; y += 0.95 {
		w.still.flat(x, y, x+depth, y+0.48, markZ+0.012, white)
	}
}

// pavement is a raised walk with a kerb.
func (w *world) pavement(x0, y0, x1, y1 float64, top *mat) {
	kerb := stone(hex(0xa09d96), w.seed)
	w.still.box(vec{(x0 + x1) / 2, (y0 + y1) / 2, 0}, vec{x1 - x0, y1 - y0, kerbZ}, 0, kerb, top)
}

const kerbZ = 0.14

// arrow is a straight-ahead arrow on a lane; dir is 1 away from the camera.
func (w *world) arrow(x, y, dir float64) {
	white := paintMark(hex(0xe2e2dc), w.seed+6)
	m := &w.still
	m.quad(vec{x - 0.09, y, markZ}, vec{x + 0.09, y, markZ}, vec{x + 0.09, y + dir*2.2, markZ}, vec{x - 0.09, y + dir*2.2, markZ}, white)
	m.tri(vec{x - 0.4, y + dir*2.1, markZ}, vec{x + 0.4, y + dir*2.1, markZ}, vec{x, y + dir*4, markZ}, white)
}
