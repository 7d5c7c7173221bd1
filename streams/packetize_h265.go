package streams

import "slices"

// H.265 NAL unit types (H.265 table 7-1, RFC 7798 4.4).
const (
	h265LastSlice = 9  // RASL_R; 10 to 15 are reserved
	h265FirstIRAP = 16 // BLA_W_LP
	h265LastIRAP  = 21 // CRA
	h265VPS       = 32
	h265SPS       = 33
	h265PPS       = 34
	h265AUD       = 35
	h265Filler    = 38
	h265FirstRTP  = 41 // reserved, and from hevcAP on RTP's own packets
)

// maxAggregated bounds the NAL units of one aggregation packet: readers do
// (gortsplib takes 21).
const maxAggregated = 16

func typeH265(n []byte) byte { return n[0] >> 1 & 0x3f }

// PacketizeH265 cuts the NAL units of one H.265 access unit into RTP payloads by
// RFC 7798, without DONL fields (sprop-max-don-diff 0). What Packetize says of
// H.264 holds here too: delimiters, filler and reserved types are left out, units
// that fit share an aggregation packet, a larger one is cut into fragments of
// equal size, and the payloads share no memory with the units.
func PacketizeH265(nalus [][]byte) [][]byte {
	var out [][]byte
	var group [][]byte
	groupSize := 2 // payload header
	flush := func() {
		switch len(group) {
		case 0:
		case 1:
			out = append(out, append(newChunk(), group[0]...))
		default:
			out = append(out, aggregate(group))
		}
		group, groupSize = nil, 2
	}
	for _, n := range nalus {
		if len(n) < 2 {
			continue
		}
		if t := typeH265(n); t == h265AUD || t == h265Filler || t >= h265FirstRTP {
			continue
		}
		if len(n) > MaxPayload {
			flush()
			out = appendFU(out, n)
			continue
		}
		if groupSize+2+len(n) > MaxPayload || len(group) == maxAggregated {
			flush()
		}
		group = append(group, n)
		groupSize += 2 + len(n)
	}
	flush()
	return out
}

// aggregate joins NAL units (RFC 7798 4.4.2): F is set if set in any, LayerId
// and TID are the lowest.
func aggregate(nalus [][]byte) []byte {
	p := append(newChunk(), 0, 0)
	layer, tid := byte(63), byte(7)
	for _, n := range nalus {
		p[0] |= n[0] & 0x80
		layer, tid = min(layer, n[0]&1<<5|n[1]>>3), min(tid, n[1]&7)
		p = append(p, byte(len(n)>>8), byte(len(n)))
		p = append(p, n...)
	}
	p[0] |= hevcAP<<1 | layer>>5
	p[1] = layer<<3 | tid
	return p
}

// appendFU cuts a NAL unit into fragments of equal size (RFC 7798 4.4.3).
func appendFU(out [][]byte, n []byte) [][]byte {
	const room = MaxPayload - 3
	body := n[2:]
	parts := (len(body) + room - 1) / room
	each := (len(body) + parts - 1) / parts
	out = slices.Grow(out, parts)
	for i := 0; len(body) > 0; i++ {
		k := min(each, len(body))
		head := typeH265(n)
		if i == 0 {
			head |= 0x80 // start
		}
		if k == len(body) {
			head |= 0x40 // end
		}
		out = append(out, append(append(newChunk(), n[0]&0x81|hevcFU<<1, n[1], head), body[:k]...))
		body = body[k:]
	}
	return out
}
