package streams

// H.265 payload types of RTP (RFC 7798 4.4).
const (
	hevcAP = 48 // aggregation packet
	hevcFU = 49 // fragmentation unit
)

// Units returns the NAL units of a frame of the picture, the inverse of
// Packetize: single units, STAP-A and FU-A of H.264 (RFC 6184 5.6 to 5.8), single
// units, aggregation packets and fragmentation units of H.265 without DONL
// (RFC 7798 4.4). What is no such payload, and fragments without their beginning
// or end, are left out. Units that were not cut share the memory of the payloads:
// they must not be written to.
func Units(f *Frame) [][]byte {
	if f == nil || f.Kind != Video {
		return nil
	}
	u := units{}
	for _, p := range f.Payloads {
		if f.Desc != nil && f.Desc.Video == H265 {
			u.h265(p)
		} else {
			u.h264(p)
		}
	}
	return u.out
}

// units puts NAL units together.
type units struct {
	out  [][]byte
	part []byte // of the unit whose fragments are coming; nil: none is
}

func (u *units) h264(p []byte) {
	if len(p) == 0 {
		return
	}
	if p[0]&0x1f != nalFUA {
		u.part = nil
	}
	switch p[0] & 0x1f {
	case nalFUA:
		if len(p) < 3 {
			u.part = nil
			return
		}
		u.fragment(p[1], p[2:], p[0]&0xe0|p[1]&0x1f)
	case nalSTAPA:
		u.aggregate(p[1:], 1)
	default:
		if p[0]&0x1f >= 1 && p[0]&0x1f < nalSTAPA {
			u.out = append(u.out, p[:len(p):len(p)])
		}
	}
}

func (u *units) h265(p []byte) {
	if len(p) < 2 {
		return
	}
	kind := p[0] >> 1 & 0x3f
	if kind != hevcFU {
		u.part = nil
	}
	switch {
	case kind == hevcFU:
		if len(p) < 4 {
			u.part = nil
			return
		}
		u.fragment(p[2], p[3:], p[0]&0x81|p[2]&0x3f<<1, p[1])
	case kind == hevcAP:
		u.aggregate(p[2:], 2)
	case kind < hevcAP:
		u.out = append(u.out, p[:len(p):len(p)])
	}
}

// fragment adds a fragment; head is the FU header, of which both codecs have the
// start and the end bit in one place, and header the NAL unit's own.
func (u *units) fragment(head byte, body []byte, header ...byte) {
	start, end := head&0x80 != 0, head&0x40 != 0
	switch {
	case start:
		u.part = append(make([]byte, 0, 4*MaxPayload), header...)
	case u.part == nil:
		return
	}
	u.part = append(u.part, body...)
	if end {
		u.out, u.part = append(u.out, u.part), nil
	}
}

// aggregate adds the units of an aggregation packet, up to the first that is cut
// short; least is the size of a NAL unit's header.
func (u *units) aggregate(p []byte, least int) {
	for len(p) >= 2 {
		n := int(p[0])<<8 | int(p[1])
		if p = p[2:]; n < least || n > len(p) {
			return
		}
		u.out, p = append(u.out, p[:n:n]), p[n:]
	}
}
