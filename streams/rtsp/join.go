package rtsp

import "sync"

// maxJoined is the largest buffer that is kept for the next access unit. Key
// frames come seldom and may share a few.
const maxJoined = 32 << 10

// join copies a packet's payload into the buffer of its access unit, so that the
// packet's own memory is free again, and joins the fragments of a NAL unit there
// (RFC 6184 5.8, RFC 7798 4.4.3): the library would make new memory for each
// unit. Nothing comes back while a NAL unit is open; ok is false for a fragment
// that is broken or follows none. It is not asked for anything but a further
// fragment while one is open.
func (a *assembler) join(p []byte) (payload []byte, ok bool) {
	a.makeRoom(len(p))
	from := len(a.joined)
	head, kind := 1, p[0]&0x1f // length of the NAL unit's header, and its type
	fragment, ends := kind == typeFUA, byte(typeSTAPA)
	if a.h265 {
		head, kind = 2, p[0]>>1&0x3f
		fragment, ends = kind == hevcFU, hevcAP
	}
	if !fragment {
		a.joined = append(a.joined, p...)
		return a.joined[from:len(a.joined):len(a.joined)], true
	}
	if len(p) < head+1 {
		return nil, false
	}
	fu, body := p[head], p[head+1:]
	switch start := fu&0x80 != 0; {
	case !start && !a.open:
		return nil, false
	case start && a.h265:
		kind = fu & 0x3f
		a.joined = append(a.joined, p[0]&0x81|kind<<1, p[1])
	case start:
		kind = fu & 0x1f
		a.joined = append(a.joined, p[0]&0xe0|kind)
	}
	if fu&0x80 != 0 {
		a.from = from
		if kind >= ends || kind == 0 && !a.h265 {
			return nil, false // a packet within a packet
		}
	}
	a.joined = append(a.joined, body...)
	if a.open = fu&0x40 == 0; a.open {
		return nil, true
	}
	return a.joined[a.from:len(a.joined):len(a.joined)], true
}

// largeRooms are the buffers over maxJoined that lie idle, of all cameras.
var largeRooms sync.Pool // of *[]byte

// makeRoom makes room for n bytes and a NAL unit's header. A buffer that grows
// large becomes at once what the last large access unit needed.
func (a *assembler) makeRoom(n int) {
	need := len(a.joined) + n + 2
	if need <= cap(a.joined) {
		return
	}
	size := max(need, 2*cap(a.joined))
	if size > maxJoined {
		size = max(need+need/2, a.large)
	}
	a.joined = append(newRoom(size), a.joined...)
}

func newRoom(size int) []byte {
	if size > maxJoined {
		if idle, _ := largeRooms.Get().(*[]byte); idle != nil && cap(*idle) >= size {
			return (*idle)[:0]
		}
	}
	return make([]byte, 0, size)
}

// emptied is the buffer for the next access unit.
func emptied(joined []byte) []byte {
	if cap(joined) > maxJoined {
		largeRooms.Put(&joined)
		return nil
	}
	return joined[:0]
}
