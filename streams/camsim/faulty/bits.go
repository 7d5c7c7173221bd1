package faulty

// bits writes the syntax elements of H.264 (7.2, 9.1).
type bits struct {
	b    []byte
	free int // bits not yet used of the last byte
}

func (w *bits) u(n int, v uint32) {
	for i := n - 1; i >= 0; i-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>i&1) << w.free
	}
}

// ue writes an unsigned Exp-Golomb number.
func (w *bits) ue(v uint32) {
	n := 0
	for (v+1)>>(n+1) != 0 {
		n++
	}
	w.u(n, 0)
	w.u(n+1, v+1)
}

// align fills up to a whole byte with zeros.
func (w *bits) align() { w.free = 0 }

// unit ends the payload and makes it a NAL unit: trailing bits, emulation
// prevention (7.3.1).
func (w *bits) unit(head ...byte) []byte {
	w.u(1, 1)
	w.align()
	out := append(make([]byte, 0, len(head)+len(w.b)+len(w.b)/64+8), head...)
	zeros := 0
	for _, c := range w.b {
		if zeros >= 2 && c <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, c)
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}
