package main

import "math"

// person is a figure without a face, mid-step: phase 0..1 is one pair of steps.
func person(coat, trousers rgb, tall, phase, stride float64) *mesh {
	m := &mesh{}
	top, legs := paint(coat), paint(trousers)
	skin, hair, shoe := paintHex(0xb98a68), paintHex(0x1b1817), paintHex(0x2a2a2c)
	s := math.Sin(2*math.Pi*phase) * stride
	bob := 0.02 * math.Cos(4*math.Pi*phase) * stride
	hip, chest, head := 0.86+bob, 1.40+bob, 1.58+bob
	for _, side := range []float64{-1, 1} {
		swing := s * side
		knee := vec{side * 0.09, swing * 0.16, hip * 0.52}
		lift := math.Max(0, math.Cos(2*math.Pi*phase)*side) * 0.07 * stride
		foot := vec{side * 0.09, swing*0.36 - lift, 0.06 + lift}
		m.tube(vec{side * 0.08, 0, hip}, knee, 0.085, 0.068, 6, legs)
		m.tube(knee, foot, 0.066, 0.05, 6, legs)
		m.box(foot.add(vec{0, 0.06, -0.06}), vec{0.09, 0.24, 0.08}, 0, shoe, shoe)
		shoulder := vec{side * 0.2, 0, chest - 0.03}
		elbow := vec{side * 0.245, -swing * 0.12, chest - 0.3}
		hand := vec{side * 0.24, -swing*0.3 + 0.05, chest - 0.54}
		m.tube(shoulder, elbow, 0.06, 0.05, 6, top)
		m.tube(elbow, hand, 0.05, 0.038, 6, top)
		m.ball(hand, vec{0.045, 0.045, 0.06}, 4, skin)
	}
	m.ball(vec{0, 0, hip + 0.02}, vec{0.165, 0.12, 0.14}, 6, legs)
	m.tube(vec{0, 0, hip}, vec{0, 0, hip + 0.3}, 0.15, 0.165, 8, top)
	m.tube(vec{0, 0, hip + 0.3}, vec{0, 0, chest}, 0.165, 0.17, 8, top)
	m.ball(vec{0, 0, chest}, vec{0.2, 0.12, 0.1}, 6, top)
	m.tube(vec{0, 0, chest + 0.05}, vec{0, 0, head}, 0.05, 0.05, 6, skin)
	m.ball(vec{0, 0.01, head + 0.05}, vec{0.085, 0.1, 0.115}, 6, skin)
	m.ball(vec{0, -0.018, head + 0.075}, vec{0.094, 0.104, 0.11}, 6, hair)
	out := &mesh{}
	out.putScaled(m, vec{}, 0, tall/1.72)
	return out
}

// rider sits on an electric bicycle.
func ebike(frame, coat rgb, withRider bool) *mesh {
	m := &mesh{}
	body, dark, metal := lacquer(frame), paintHex(0x17181a), paintHex(0x8a8d90)
	for _, y := range []float64{-0.6, 0.6} {
		m.tube(vec{-0.05, y, 0.25}, vec{0.05, y, 0.25}, 0.25, 0.25, 12, dark)
		m.tube(vec{-0.06, y, 0.25}, vec{0.06, y, 0.25}, 0.13, 0.13, 10, metal)
	}
	m.box(vec{0, -0.05, 0.22}, vec{0.26, 0.55, 0.1}, 0, body, dark)
	m.tube(vec{0, 0.28, 0.25}, vec{0, 0.48, 0.95}, 0.09, 0.05, 6, body)
	m.tube(vec{0, 0.6, 0.25}, vec{0, 0.46, 1.0}, 0.03, 0.03, 6, metal)
	m.tube(vec{-0.3, 0.36, 1.02}, vec{0.3, 0.36, 1.02}, 0.025, 0.025, 6, dark)
	m.box(vec{0, -0.38, 0.4}, vec{0.28, 0.5, 0.26}, 0, body, body)
	m.box(vec{0, -0.32, 0.68}, vec{0.26, 0.62, 0.08}, 0, dark, dark)
	m.box(vec{0, 0.52, 0.78}, vec{0.14, 0.06, 0.12}, 0, lamp(rgb{0.5, 0.5, 0.45}), body)
	m.box(vec{0, -0.68, 0.55}, vec{0.12, 0.03, 0.07}, 0, lamp(rgb{0.5, 0.03, 0.03}), body)
	if !withRider {
		return m
	}
	top, legs := paint(coat), paintHex(0x2c3038)
	skin, helmet := paintHex(0xb98a68), lacquer(coat.mix(hex(0xd8d8d8), 0.7))
	for _, s := range []float64{-1, 1} {
		m.tube(vec{s * 0.1, -0.25, 0.78}, vec{s * 0.15, 0.15, 0.72}, 0.09, 0.075, 6, legs)
		m.tube(vec{s * 0.15, 0.15, 0.72}, vec{s * 0.12, 0.12, 0.34}, 0.07, 0.05, 6, legs)
		m.tube(vec{s * 0.19, -0.18, 1.28}, vec{s * 0.3, 0.04, 1.06}, 0.06, 0.05, 6, top)
		m.tube(vec{s * 0.3, 0.04, 1.06}, vec{s * 0.27, 0.34, 1.04}, 0.05, 0.04, 6, top)
	}
	m.tube(vec{0, -0.28, 0.74}, vec{0, -0.18, 1.3}, 0.16, 0.18, 8, top)
	m.ball(vec{0, -0.18, 1.3}, vec{0.2, 0.13, 0.1}, 6, top)
	m.tube(vec{0, -0.16, 1.34}, vec{0, -0.13, 1.5}, 0.05, 0.05, 6, skin)
	m.ball(vec{0, -0.11, 1.55}, vec{0.09, 0.1, 0.11}, 6, skin)
	m.ball(vec{0, -0.13, 1.59}, vec{0.125, 0.14, 0.12}, 6, helmet)
	return m
}
