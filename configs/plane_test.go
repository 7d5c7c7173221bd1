package configs

import "math"

// The shapes of the town lie on a lattice of a millionth of a degree, so
// everything about them is checked in whole numbers, without rounding.
type vertex struct{ x, y int64 }

type ring []vertex // closed: the first vertex is repeated at the end

type edge struct{ a, b vertex }

// onLattice returns a position's place on the lattice, and false beside it.
func onLattice(lon, lat float64) (vertex, bool) {
	x, y := math.Round(lon*1e6), math.Round(lat*1e6)
	return vertex{int64(x), int64(y)}, math.Abs(lon*1e6-x) < 1e-3 && math.Abs(lat*1e6-y) < 1e-3
}

// area2 is twice the area, positive for a ring that runs counter-clockwise.
func (r ring) area2() int64 {
	var s int64
	o := r[0] // near the ring, so that the products stay small
	for i := 1; i < len(r); i++ {
		s += (r[i-1].x-o.x)*(r[i].y-o.y) - (r[i].x-o.x)*(r[i-1].y-o.y)
	}
	return s
}

func side(a, b, p vertex) int {
	c := (b.x-a.x)*(p.y-a.y) - (b.y-a.y)*(p.x-a.x)
	switch {
	case c > 0:
		return 1
	case c < 0:
		return -1
	}
	return 0
}

func within(a, b, p vertex) bool {
	return min(a.x, b.x) <= p.x && p.x <= max(a.x, b.x) && min(a.y, b.y) <= p.y && p.y <= max(a.y, b.y)
}

// meet tells whether two segments have a point in common.
func meet(p, q edge) bool {
	a, b := side(p.a, p.b, q.a), side(p.a, p.b, q.b)
	c, d := side(q.a, q.b, p.a), side(q.a, q.b, p.b)
	if a*b < 0 && c*d < 0 {
		return true
	}
	return a == 0 && within(p.a, p.b, q.a) || b == 0 && within(p.a, p.b, q.b) ||
		c == 0 && within(q.a, q.b, p.a) || d == 0 && within(q.a, q.b, p.b)
}

// simple tells whether the ring nowhere touches itself.
func (r ring) simple() bool {
	n := len(r) - 1
	seen := map[vertex]bool{}
	for _, v := range r[:n] {
		if seen[v] {
			return false
		}
		seen[v] = true
	}
	for i := 0; i < n; i++ {
		for j := i + 2; j < n; j++ {
			if i == 0 && j == n-1 {
				continue // neighbours over the seam
			}
			if meet(edge{r[i], r[i+1]}, edge{r[j], r[j+1]}) {
				return false
			}
		}
	}
	return true
}

// holds tells whether a point lies inside; its coordinates are in lattice
// steps and need not be whole.
func (r ring) holds(x, y float64) bool {
	in := false
	for i := 1; i < len(r); i++ {
		ax, ay, bx, by := float64(r[i-1].x), float64(r[i-1].y), float64(r[i].x), float64(r[i].y)
		if (ay > y) != (by > y) && x < ax+(bx-ax)*(y-ay)/(by-ay) {
			in = !in
		}
	}
	return in
}

// outline returns the directed edges that remain when rings are joined: a
// border that two rings share runs once each way and vanishes. ok is false
// where two rings have the same edge in the same direction, so overlap.
func outline(rings []ring) (edges map[edge]bool, ok bool) {
	edges, ok = map[edge]bool{}, true
	for _, r := range rings {
		for i := 1; i < len(r); i++ {
			e := edge{r[i-1], r[i]}
			back := edge{e.b, e.a}
			switch {
			case edges[back]:
				delete(edges, back)
			case edges[e]:
				ok = false
			default:
				edges[e] = true
			}
		}
	}
	return edges, ok
}
