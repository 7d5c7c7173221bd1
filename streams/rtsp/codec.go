package rtsp

import (
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
)

// NAL unit and packet types of H.265 (H.265 table 7-1, RFC 7798 4.4).
const (
	hevcLastSlice = 31
	hevcVPS       = 32
	hevcSPS       = 33
	hevcPPS       = 34
	hevcDelimiter = 35
	hevcPrefixSEI = 39
	hevcAP        = 48
	hevcFU        = 49
)

func (a *assembler) newDecoder() decoder {
	if a.h265 {
		if d := (&rtph265.Decoder{}); d.Init() == nil {
			return d
		}
	} else if d := (&rtph264.Decoder{PacketizationMode: a.mode}); d.Init() == nil {
		return d
	}
	return nil
}

// goesOn reports whether a packet is a further fragment of a NAL unit.
func (a *assembler) goesOn(payload []byte) bool {
	if a.h265 {
		return len(payload) > 2 && payload[0]>>1&0x3f == hevcFU && payload[2]&0x80 == 0
	}
	return payload[0]&0x1f == typeFUA && (len(payload) < 2 || payload[1]&0x80 == 0)
}

// startsUnit reports whether no slice of its access unit can have come before a
// packet.
func (a *assembler) startsUnit(payload []byte) bool {
	if a.h265 {
		return startsUnitH265(payload)
	}
	return startsUnitH264(payload)
}

// startsUnitH264 looks for what precedes the first slice (H.264 7.4.1.2.3), or a
// slice whose first_mb_in_slice is 0.
func startsUnitH264(payload []byte) bool {
	if len(payload) < 2 {
		return false
	}
	head, rest := payload[0], payload[1:]
	switch head & 0x1f {
	case typeSTAPA:
		if len(rest) < 4 {
			return false
		}
		head, rest = rest[2], rest[3:]
	case typeFUA:
		if rest[0]&0x80 == 0 || len(rest) < 2 {
			return false
		}
		head, rest = rest[0], rest[1:]
	}
	switch head & 0x1f {
	case typeSEI, typeSPS, typePPS, typeDelimiter:
		return true
	case typeSlice, typePartitionA, typeIDR:
		return rest[0]&0x80 != 0 // Exp-Golomb 0
	}
	return false
}

// startsUnitH265 is the same for H.265 (7.4.2.4.4); there a bit tells the first
// slice segment.
func startsUnitH265(payload []byte) bool {
	if len(payload) < 3 {
		return false
	}
	kind, rest := payload[0]>>1&0x3f, payload[2:]
	switch kind {
	case hevcAP:
		if len(rest) < 5 {
			return false
		}
		kind, rest = rest[2]>>1&0x3f, rest[4:]
	case hevcFU:
		if rest[0]&0x80 == 0 || len(rest) < 2 {
			return false
		}
		kind, rest = rest[0]&0x3f, rest[1:]
	}
	switch {
	case kind <= hevcLastSlice:
		return rest[0]&0x80 != 0 // first_slice_segment_in_pic_flag
	case kind >= hevcVPS && kind <= hevcDelimiter, kind == hevcPrefixSEI:
		return true
	}
	return false
}
