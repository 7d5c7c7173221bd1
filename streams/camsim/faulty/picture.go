package faulty

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Kinds of pictures (H.264 table 7-6).
const (
	pictureP = 5
	pictureB = 6
	pictureI = 7
)

// marker is the UUID of the message that carries the number of a picture
// (user_data_unregistered, H.264 D.1.7). It holds no zero byte.
var marker = []byte("sharpeyes-faulty")

// Number reads the number of a picture from its RTP payloads or NAL units; ok
// is false where there is none.
func Number(parts [][]byte) (n uint64, ok bool) {
	for _, p := range parts {
		i := bytes.Index(p, marker)
		if i < 0 || len(p) < i+len(marker)+16 {
			continue
		}
		b, err := hex.DecodeString(string(p[i+len(marker):][:16]))
		if err != nil {
			return 0, false
		}
		return binary.BigEndian.Uint64(b), true
	}
	return 0, false
}

func message(number uint64) []byte {
	return append(append([]byte{5, 32}, marker...), fmt.Sprintf("%016x", number)...)
}

// picture is one access unit in the order of sending.
type picture struct {
	nalus [][]byte
	shown int // its place in the order of showing
}

// coder makes a stream of small, valid pictures: key frames of raw macroblocks,
// others that repeat what was before but for the first macroblocks.
type coder struct {
	hevc    bool
	width   int // macroblocks
	height  int
	gop     int // pictures from one key frame to the next
	between int // B-pictures before each P-picture
	busy    int // macroblocks of a P-picture that are sent anew
	inBand  bool
	buf     []byte // of the slice being written

	queue    []int // kinds of what comes next
	last     int   // place of the last I- or P-picture
	since    int   // pictures since the key frame
	key      int   // its place
	frameNum uint32
	keys     uint32
	started  bool
}

// next returns the next picture. Without keys no key frame comes, unless it is
// the first.
func (c *coder) next(number uint64, keys bool) picture {
	if c.hevc {
		return c.nextHEVC(number, keys)
	}
	if len(c.queue) == 0 {
		if !c.started || keys && c.since >= c.gop {
			c.queue = []int{pictureI}
		} else {
			c.queue = []int{pictureP}
			for range c.between {
				c.queue = append(c.queue, pictureB)
			}
		}
	}
	kind := c.queue[0]
	c.queue = c.queue[1:]
	c.since++
	p := picture{}
	switch kind {
	case pictureI:
		c.last++
		c.key, c.since, c.frameNum, c.started = c.last, 1, 0, true
		c.keys++
		p.shown = c.last
		if c.inBand {
			p.nalus = append(p.nalus, c.sps(), c.pps())
		}
	case pictureP:
		c.frameNum++
		c.last += c.between + 1
		p.shown = c.last
	case pictureB:
		p.shown = c.last - len(c.queue) - 1
	}
	sei := bits{b: message(number)}
	p.nalus = append(p.nalus, sei.unit(6), c.slice(kind, uint32(p.shown-c.key)))
	return p
}

// renew makes the next picture a key frame.
func (c *coder) renew() { c.queue, c.started = nil, false }

func (c *coder) sps() []byte {
	w := bits{}
	w.u(8, 77) // Main
	w.u(8, 0)
	w.u(8, 40)
	w.ue(0)
	w.ue(4) // frame_num of 8 bits
	w.ue(0)
	w.ue(12) // pic_order_cnt_lsb of 16 bits
	w.ue(4)
	w.u(1, 0)
	w.ue(uint32(c.width - 1))
	w.ue(uint32(c.height - 1))
	w.u(1, 1) // frames
	w.u(1, 1) // direct_8x8_inference
	w.u(2, 0) // no cropping, no VUI
	return w.unit(0x67)
}

func (c *coder) pps() []byte {
	w := bits{}
	w.ue(0)
	w.ue(0)
	w.u(2, 0) // CAVLC
	w.ue(0)
	w.ue(0)
	w.ue(0)
	w.u(3, 0)
	w.ue(0)
	w.ue(0)
	w.ue(0)
	w.u(3, 4) // the slices control deblocking
	return w.unit(0x68)
}

// slice is a whole picture (H.264 7.3.3, 7.3.4).
func (c *coder) slice(kind int, order uint32) []byte {
	w := bits{b: c.buf[:0]}
	defer func() { c.buf = w.b }()
	w.ue(0)
	w.ue(uint32(kind))
	w.ue(0)
	num, head := c.frameNum, byte(0x41)
	switch kind {
	case pictureI:
		head = 0x65
	case pictureB:
		num, head = num+1, 0x01
	}
	w.u(8, num&0xff)
	if kind == pictureI {
		w.ue(c.keys & 1) // idr_pic_id
	}
	w.u(16, order*2&0xffff)
	switch kind {
	case pictureI:
		w.u(2, 0)
	case pictureP:
		w.u(3, 0) // as many references as usual, in their order, kept as usual
	case pictureB:
		w.u(4, 8) // spatial direct prediction
	}
	w.ue(0) // slice_qp_delta
	w.ue(1) // no deblocking
	all := uint32(c.width * c.height)
	switch kind {
	case pictureI:
		for range all {
			c.raw(&w, 25, order)
		}
	case pictureP:
		busy := min(uint32(c.busy), all)
		for range busy {
			w.ue(0)
			c.raw(&w, 30, order)
		}
		if busy < all {
			w.ue(all - busy)
		}
	case pictureB:
		w.ue(all)
	}
	return w.unit(head)
}

// raw writes a macroblock without any coding, I_PCM (H.264 7.3.5).
func (c *coder) raw(w *bits, kind, shade uint32) {
	w.ue(kind)
	w.align()
	for range 256 {
		w.b = append(w.b, byte(16+shade%200))
	}
	for range 128 {
		w.b = append(w.b, 128)
	}
}
