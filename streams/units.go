package streams

import "encoding/binary"

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
	u.all(f)
	return u.out
}

// AppendUnits appends the NAL units of a frame, each behind its length in four
// bytes, as files of the MP4 family have them (ISO/IEC 14496-15 5.3.2). Nothing
// but the buffer is allocated.
func AppendUnits(b []byte, f *Frame) []byte {
	if f == nil || f.Kind != Video {
		return b
	}
	u := units{flat: b, joined: true}
	u.all(f)
	u.drop()
	return u.flat
}

// units puts NAL units together: into out, or one behind another into flat.
type units struct {
	out    [][]byte
	part   []byte // of the unit whose fragments are coming
	joined bool
	flat   []byte
	mark   int  // where the unit whose fragments are coming begins in flat
	open   bool // fragments are coming
}

func (u *units) all(f *Frame) {
	for _, p := range f.Payloads {
		if f.Desc != nil && f.Desc.Video == H265 {
			u.h265(p)
		} else {
			u.h264(p)
		}
	}
}

// add takes a whole unit.
func (u *units) add(n []byte) {
	if u.joined {
		u.flat = append(binary.BigEndian.AppendUint32(u.flat, uint32(len(n))), n...)
		return
	}
	u.out = append(u.out, n[:len(n):len(n)])
}

// drop forgets a unit whose end has not come.
func (u *units) drop() {
	if u.open && u.joined {
		u.flat = u.flat[:u.mark]
	}
	u.open, u.part = false, nil
}

func (u *units) h264(p []byte) {
	if len(p) == 0 {
		return
	}
	if p[0]&0x1f != nalFUA {
		u.drop()
	}
	switch p[0] & 0x1f {
	case nalFUA:
		if len(p) < 3 {
			u.drop()
			return
		}
		u.fragment(p[1], p[2:], p[0]&0xe0|p[1]&0x1f)
	case nalSTAPA:
		u.aggregate(p[1:], 1)
	default:
		if p[0]&0x1f >= 1 && p[0]&0x1f < nalSTAPA {
			u.add(p)
		}
	}
}

func (u *units) h265(p []byte) {
	if len(p) < 2 {
		return
	}
	kind := p[0] >> 1 & 0x3f
	if kind != hevcFU {
		u.drop()
	}
	switch {
	case kind == hevcFU:
		if len(p) < 4 {
			u.drop()
			return
		}
		u.fragment(p[2], p[3:], p[0]&0x81|p[2]&0x3f<<1, p[1])
	case kind == hevcAP:
		u.aggregate(p[2:], 2)
	case kind < hevcAP:
		u.add(p)
	}
}

// fragment adds a fragment; head is the FU header, of which both codecs have the
// start and the end bit in one place, and header the NAL unit's own.
func (u *units) fragment(head byte, body []byte, header ...byte) {
	start, end := head&0x80 != 0, head&0x40 != 0
	to := &u.part
	if u.joined {
		to = &u.flat
	}
	switch {
	case start:
		u.drop()
		u.open = true
		if u.joined {
			u.mark = len(u.flat)
			u.flat = append(u.flat, 0, 0, 0, 0)
		} else {
			u.part = make([]byte, 0, 4*MaxPayload)
		}
		*to = append(*to, header...)
	case !u.open:
		return
	}
	*to = append(*to, body...)
	if !end {
		return
	}
	if u.joined {
		binary.BigEndian.PutUint32(u.flat[u.mark:], uint32(len(u.flat)-u.mark-4))
	} else {
		u.out = append(u.out, u.part)
	}
	u.open, u.part = false, nil
}

// aggregate adds the units of an aggregation packet, up to the first that is cut
// short; least is the size of a NAL unit's header.
func (u *units) aggregate(p []byte, least int) {
	for len(p) >= 2 {
		n := int(p[0])<<8 | int(p[1])
		if p = p[2:]; n < least || n > len(p) {
			return
		}
		u.add(p[:n])
		p = p[n:]
	}
}
