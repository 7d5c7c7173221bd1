package main

import "math"

// vec is a point or direction in metres: x right, y ahead, z up. The camera
// stands above the origin and looks along y.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec            { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec            { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) mul(k float64) vec        { return vec{a.x * k, a.y * k, a.z * k} }
func (a vec) dot(b vec) float64        { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) len() float64             { return math.Sqrt(a.dot(a)) }
func (a vec) mix(b vec, t float64) vec { return a.mul(1 - t).add(b.mul(t)) }

func (a vec) cross(b vec) vec {
	return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

func (a vec) norm() vec {
	l := a.len()
	if l == 0 {
		return vec{0, 0, 1}
	}
	return a.mul(1 / l)
}

// spin turns a around the vertical; 0 faces along y, positive to the left.
func (a vec) spin(yaw float64) vec {
	s, c := math.Sincos(yaw)
	return vec{a.x*c - a.y*s, a.x*s + a.y*c, a.z}
}

// rgb is linear light.
type rgb struct{ r, g, b float64 }

func (a rgb) add(b rgb) rgb            { return rgb{a.r + b.r, a.g + b.g, a.b + b.b} }
func (a rgb) mul(k float64) rgb        { return rgb{a.r * k, a.g * k, a.b * k} }
func (a rgb) tint(b rgb) rgb           { return rgb{a.r * b.r, a.g * b.g, a.b * b.b} }
func (a rgb) mix(b rgb, t float64) rgb { return a.mul(1 - t).add(b.mul(t)) }
func (a rgb) grey() float64            { return 0.2126*a.r + 0.7152*a.g + 0.0722*a.b }

// hex is a colour as a designer writes it, 0xRRGGBB in sRGB.
func hex(v uint32) rgb {
	lin := func(b uint32) float64 { return math.Pow(float64(b&0xff)/255, 2.2) }
	return rgb{lin(v >> 16), lin(v >> 8), lin(v)}
}

func clamp(v, lo, hi float64) float64 { return math.Max(lo, math.Min(hi, v)) }

func smooth(lo, hi, v float64) float64 {
	t := clamp((v-lo)/(hi-lo), 0, 1)
	return t * t * (3 - 2*t)
}

func frac(v float64) float64 { return v - math.Floor(v) }

// hash gives 0..1 for a lattice point.
func hash(x, y, seed int) float64 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ uint32(seed)*0xcb1ab31f
	h = (h ^ h>>15) * 0x2c1b3c6d
	h = (h ^ h>>12) * 0x297a2d39
	return float64(h^h>>15) / (1 << 32)
}

// noise is smooth value noise, 0..1, about one bump a unit.
func noise(x, y float64, seed int) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	u, v := x-fx, y-fy
	u, v = u*u*(3-2*u), v*v*(3-2*v)
	a := hash(ix, iy, seed)*(1-u) + hash(ix+1, iy, seed)*u
	b := hash(ix, iy+1, seed)*(1-u) + hash(ix+1, iy+1, seed)*u
	return a*(1-v) + b*v
}

// cloudy is noise of several sizes, 0..1.
func cloudy(x, y float64, octaves, seed int) float64 {
	sum, amp, total := 0.0, 1.0, 0.0
	for i := range octaves {
		sum += amp * noise(x, y, seed+i)
		total += amp
		x, y, amp = x*2.03+17, y*2.03+31, amp*0.5
	}
	return sum / total
}
