package main

import "math"

// mood is the hour and the weather.
type mood struct {
	sunDir      vec     // towards the sun
	sun         rgb     // zero when it is overcast or night
	zenith, rim rgb     // sky above and at the horizon
	ground      rgb     // light thrown back by the ground
	fog         float64 // share of light lost in 100 m
	exposure    float64
	night       bool    // lamps and windows are lit, headlights on
	lit         float64 // share of windows with light
	infrared    bool    // black and white, lit by the camera itself
	cloud       float64
	gamma       []float64 // see gammaTable
	contact     float64   // strength of the soft shadow below what moves
}

func sunAt(azimuth, elevation float64) vec {
	se, ce := math.Sincos(elevation * math.Pi / 180)
	return vec{0, ce, se}.spin(azimuth * math.Pi / 180)
}

// moodOf gives one of the named moods. The azimuth of the sun is the caller's.
func moodOf(name string, azimuth float64) mood {
	switch name {
	case "morning":
		return mood{sunDir: sunAt(azimuth, 24), sun: rgb{3.1, 2.5, 1.8}, zenith: hex(0x7fa3cf).mul(1.15), rim: hex(0xe9dccb).mul(1.25),
			ground: hex(0x8a8378).mul(0.5), fog: 0.16, exposure: 0.62, cloud: 0.35, contact: 0.35}
	case "noon":
		return mood{sunDir: sunAt(azimuth, 56), sun: rgb{3.3, 3.1, 2.8}, zenith: hex(0x6d9bd6).mul(1.1), rim: hex(0xd5e2ee).mul(1.3),
			ground: hex(0x8b8b86).mul(0.55), fog: 0.08, exposure: 0.5, cloud: 0.5, contact: 0.35}
	case "overcast":
		return mood{sunDir: sunAt(azimuth, 60), zenith: hex(0xc3ccd4).mul(1.9), rim: hex(0xd6dade).mul(1.9),
			ground: hex(0x8d8f90).mul(0.8), fog: 0.25, exposure: 0.56, cloud: 0.9, contact: 0.55}
	case "afternoon":
		return mood{sunDir: sunAt(azimuth, 34), sun: rgb{3.4, 2.8, 2.0}, zenith: hex(0x6f9ac9).mul(1.1), rim: hex(0xe6dcc8).mul(1.25),
			ground: hex(0x8f8674).mul(0.5), fog: 0.12, exposure: 0.58, cloud: 0.3, contact: 0.35}
	case "dusk":
		return mood{sunDir: sunAt(azimuth, 9), sun: rgb{1.35, 0.72, 0.40}, zenith: hex(0x5f7cb4).mul(0.72), rim: hex(0xc99f8e).mul(0.66),
			ground: hex(0x6d6460).mul(0.24), fog: 0.16, exposure: 1.15, night: true, lit: 0.3, cloud: 0.45, contact: 0.4}
	case "night":
		return mood{sunDir: sunAt(azimuth, 50), zenith: hex(0x2b3650).mul(0.5), rim: hex(0x4f4f60).mul(0.5),
			ground: hex(0x4a4a4c).mul(0.25), fog: 0.14, exposure: 1.7, night: true, lit: 0.42, contact: 0.4}
	case "infrared":
		return mood{sunDir: sunAt(azimuth, 50), zenith: hex(0x30343a).mul(0.2), rim: hex(0x50545a).mul(0.2),
			ground: hex(0x404040).mul(0.1), fog: 0.3, exposure: 2.1, night: true, lit: 0.2, infrared: true, contact: 0.3}
	}
	panic("no mood " + name)
}

// skyAt is the sky in a direction.
func (m *mood) skyAt(d vec, seed int) rgb {
	d = d.norm()
	up := clamp(d.z, 0, 1)
	c := m.rim.mix(m.zenith, math.Pow(up, 0.45))
	if m.sun.grey() > 0 {
		glow := math.Max(0, d.dot(m.sunDir))
		c = c.add(m.sun.mul(0.10 * math.Pow(glow, 10)))
	}
	if up > 0.01 && m.cloud > 0 {
		// a flat layer of cloud, seen in perspective
		k := 1.1 / (up + 0.12)
		v := cloudy(d.x*k+float64(seed%97), d.y*k*1.3, 4, seed)
		cover := smooth(0.75-0.4*m.cloud, 1.0-0.3*m.cloud, v) * smooth(0.01, 0.12, up)
		white := m.rim.mix(rgb{1, 1, 1}.mul(m.rim.grey()), 0.5).mul(1.12)
		c = c.mix(white, cover*0.7)
	}
	return c
}

// haze is how much of a thing is left at a distance.
func (m *mood) haze(distance float64) float64 { return math.Pow(1-m.fog, distance/100) }

// light is a lamp: a point light, stronger downwards if it hangs.
type light struct {
	pos   vec
	color rgb
	reach float64 // metres at which it has fallen to a quarter
	hangs bool
}

func (l *light) at(p, n vec) rgb {
	d := l.pos.sub(p)
	q := d.dot(d)
	if q > 40*l.reach*l.reach {
		return rgb{}
	}
	dir := d.mul(1 / math.Sqrt(q))
	k := 0.15 + 0.85*math.Max(0, n.dot(dir))
	if l.hangs {
		k *= smooth(-0.1, 0.75, dir.z)
	}
	fall := l.reach * l.reach / (q + l.reach*l.reach)
	return l.color.mul(k * fall * fall * 4)
}

const gammaSteps = 4096

// gammaTable is the screen's curve over the square root of light, so that the
// dark end is fine enough.
func gammaTable() []float64 {
	t := make([]float64, gammaSteps+1)
	for i := range t {
		t[i] = math.Pow(float64(i)/gammaSteps, 2/2.2)
	}
	return t
}

// tone turns linear light into the 0..1 of a screen as a camera would.
func (m *mood) tone(c rgb) rgb {
	if m.infrared {
		g := c.grey()
		c = rgb{g, g, g}
	} else {
		g := c.grey()
		c = c.mix(rgb{g, g, g}, 0.12)
	}
	f := func(v float64) float64 {
		v *= m.exposure
		v = v * (2.51*v + 0.03) / (v*(2.43*v+0.59) + 0.14)
		return m.gamma[int(math.Sqrt(clamp(v, 0, 1))*gammaSteps)]
	}
	return rgb{f(c.r), f(c.g), f(c.b)}
}
