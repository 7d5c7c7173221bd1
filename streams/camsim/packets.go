package camsim

import (
	"bytes"
	"fmt"
	"time"
)

const (
	// maxPayload keeps a packet with its headers below an Ethernet frame.
	maxPayload = 1400
	// clockUUID stands in for the UUID of the SEI that carries the clock.
	clockUUID = "camsim-sei-clock"
	seiSize   = 36

	naluFiller = 12 // filler_data_rbsp, Table 7-1
	naluFUA    = 28 // RFC 6184, 5.8
)

// clockSEI is a user_data_unregistered message (D.1.7) with the sender's clock
// in nanoseconds as 16 hexadecimal digits: a viewer can tell a frame's age.
func clockSEI(now time.Time) []byte {
	return fmt.Appendf(make([]byte, 0, seiSize), "\x06\x05\x20%s%016x\x80", clockUUID, now.UnixNano())
}

// cut is one frame as RTP payloads, shared by all cameras that show it. The
// clock goes between lead and rest.
type cut struct {
	key        bool
	lead, rest [][]byte
	bytes      int
}

// cutLoop packetises a loop once (RFC 6184, non-interleaved mode). With a bit
// rate above zero filler makes up what the frames lack; a frame that is larger
// than its share is paid for by the ones after it, as an encoder's buffer does.
func cutLoop(l *Loop, bitrate int) []cut {
	cuts := make([]cut, len(l.frames))
	for i, f := range l.frames {
		c := &cuts[i]
		c.key = f.key
		for j, nalu := range f.nalus {
			if j < f.lead {
				c.lead = append(c.lead, fragment(nalu)...)
			} else {
				c.rest = append(c.rest, fragment(nalu)...)
			}
			c.bytes += len(nalu)
		}
		c.bytes += seiSize
	}
	if bitrate <= 0 {
		return cuts
	}
	share := bitrate / 8 / FrameRate
	debt := 0
	for range 2 { // the second pass begins with the debt that the loop ends with
		for i := range cuts {
			debt = max(0, debt+cuts[i].bytes-share)
		}
	}
	for i := range cuts {
		debt += cuts[i].bytes - share
		if debt < -1 {
			pad := fragment(filler(-debt))
			cuts[i].rest = append(cuts[i].rest, pad...)
			cuts[i].bytes += -debt
		}
		debt = max(0, debt)
	}
	return cuts
}

// filler is a NAL unit of n bytes, at least 2, that decoders skip (7.3.2.7). It
// must come after the picture's slices (7.4.1.2.3).
func filler(n int) []byte {
	nalu := bytes.Repeat([]byte{0xff}, n)
	nalu[0], nalu[n-1] = naluFiller, 0x80
	return nalu
}

// fragment cuts a NAL unit into payloads of equal size: the unit itself when it
// fits, else fragmentation units.
func fragment(nalu []byte) [][]byte {
	if len(nalu) <= maxPayload {
		return [][]byte{nalu}
	}
	indicator, typ := nalu[0]&0xe0|naluFUA, nalu[0]&0x1f
	body := nalu[1:]
	n := (len(body) + maxPayload - 3) / (maxPayload - 2)
	out := make([][]byte, 0, n)
	for i := range n {
		part := body[i*len(body)/n : (i+1)*len(body)/n]
		head := typ
		if i == 0 {
			head |= 0x80
		}
		if i == n-1 {
			head |= 0x40
		}
		out = append(out, append([]byte{indicator, head}, part...))
	}
	return out
}
