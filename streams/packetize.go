package streams

import "slices"

// MaxPayload is the largest RTP payload: with the RTP header, the SRTP tag and
// IPv6 and UDP headers a packet stays under 1,280 bytes, which every path takes.
const MaxPayload = 1188

// MaxAccessUnit bounds one access unit; a larger one is discarded.
const MaxAccessUnit = 4 << 20

// H.264 NAL unit types (H.264 table 7-1, RFC 6184 5.2).
const (
	nalIDR    = 5
	nalSEI    = 6
	nalSPS    = 7
	nalPPS    = 8
	nalAUD    = 9
	nalFiller = 12
	nalSTAPA  = 24
	nalFUA    = 28
)

// Packetize cuts the NAL units of one H.264 access unit into RTP payloads by
// RFC 6184, packetization-mode 1. Delimiters and filler are left out, as are the
// types that RTP uses for its own packets (0 and 24 to 31, RFC 6184 5.2). Units
// that fit together share a STAP-A; a larger one is cut into FU-A fragments of
// equal size, so that a whole frame can leave in one UDP GSO call. The payloads
// share no memory with the units.
func Packetize(nalus [][]byte) [][]byte {
	var out [][]byte
	var group [][]byte // waits to be sent together
	groupSize := 1     // STAP-A header
	flush := func() {
		switch len(group) {
		case 0:
		case 1:
			out = append(out, append(newChunk(), group[0]...))
		default:
			out = append(out, stapA(group))
		}
		group, groupSize = nil, 1
	}
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		if t := n[0] & 0x1f; t == 0 || t == nalAUD || t == nalFiller || t >= nalSTAPA {
			continue
		}
		if len(n) > MaxPayload {
			flush()
			out = appendFUA(out, n)
			continue
		}
		if groupSize+2+len(n) > MaxPayload {
			flush()
		}
		group = append(group, n)
		groupSize += 2 + len(n)
	}
	flush()
	return out
}

// stapA joins NAL units (RFC 6184 5.7.1).
func stapA(nalus [][]byte) []byte {
	p := append(newChunk(), 0)
	for _, n := range nalus {
		p[0] |= n[0] & 0x80 // F: set if set in any
		if nri := n[0] & 0x60; nri > p[0]&0x60 {
			p[0] = p[0]&^0x60 | nri
		}
		p = append(p, byte(len(n)>>8), byte(len(n)))
		p = append(p, n...)
	}
	p[0] |= nalSTAPA
	return p
}

// appendFUA cuts a NAL unit into fragments of equal size (RFC 6184 5.8).
func appendFUA(out [][]byte, n []byte) [][]byte {
	const room = MaxPayload - 2
	body := n[1:]
	parts := (len(body) + room - 1) / room
	each := (len(body) + parts - 1) / parts
	out = slices.Grow(out, parts)
	for i := 0; len(body) > 0; i++ {
		k := min(each, len(body))
		head := n[0] & 0x1f
		if i == 0 {
			head |= 0x80 // start
		}
		if k == len(body) {
			head |= 0x40 // end
		}
		out = append(out, append(append(newChunk(), n[0]&0xe0|nalFUA, head), body[:k]...))
		body = body[k:]
	}
	return out
}
