package photos

import "encoding/binary"

const tagOrientation = 0x0112

// orientation reads the orientation, 1 to 8, out of a TIFF block (EXIF 2.32,
// 4.6.4); 1, upright, where there is none or it cannot be read. Nothing else of
// EXIF is looked at.
func orientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(b[4:8]))
	if at+2 > int64(len(b)) {
		return 1
	}
	entries := int(order.Uint16(b[at:]))
	for i := range entries {
		e := at + 2 + int64(i)*12
		if e+12 > int64(len(b)) {
			return 1
		}
		if order.Uint16(b[e:]) != tagOrientation {
			continue
		}
		// One SHORT, in the first two of the four value bytes.
		o := int(order.Uint16(b[e+8:]))
		if order.Uint16(b[e+2:]) != 3 || o < 1 || o > 8 {
			return 1
		}
		return o
	}
	return 1
}
