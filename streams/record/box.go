package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Track numbers and the clock of the picture in every segment.
const (
	videoTrack = 1
	audioTrack = 2
	videoRate  = 90000
)

// Bounds of what is believed of a file.
const (
	maxMoov = 1 << 20
	maxMoof = 4 << 20
)

// ntpEpoch is the distance from 1900 to 1970, seconds (RFC 5905 6).
const ntpEpoch = 2208988800

// sample is one access unit or one packet of sound within a part.
type sample struct {
	size     int
	dts      int64
	duration uint32
	offset   int32 // composition time less decode time
	key      bool
}

// part is what one write puts on the disk.
type part struct {
	number uint32
	wall   time.Time // server's clock for what is shown at the first decode time
	video  []sample
	audio  []sample
	// The bytes of both, one behind the other; what is more is not of this part.
	pictures, sounds []byte
}

func sizeOf(run []sample) (n int) {
	for _, s := range run {
		n += s.size
	}
	return n
}

// boxes builds ISO/IEC 14496-12 boxes in one buffer.
type boxes struct{ b []byte }

func (w *boxes) u32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *boxes) u64(v uint64) { w.b = binary.BigEndian.AppendUint64(w.b, v) }

func (w *boxes) begin(kind string) int {
	at := len(w.b)
	w.u32(0)
	w.b = append(w.b, kind...)
	return at
}

func (w *boxes) end(at int) { binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at)) }

// append adds prft, moof and mdat (8.16.5, 8.8.4, 8.1.1). The prft keeps the
// server's clock in the file itself, so that the index can be made of the files
// alone.
func (p *part) append(to []byte) []byte {
	w := &boxes{b: to}
	first := int64(0)
	if len(p.video) > 0 {
		first = p.video[0].dts
	}
	at := w.begin("prft")
	w.u32(1 << 24) // version 1
	w.u32(videoTrack)
	w.u64(toNTP(p.wall))
	w.u64(uint64(first))
	w.end(at)
	return p.appendPlain(w.b)
}

// appendPlain is append without the prft.
func (p *part) appendPlain(to []byte) []byte {
	w := &boxes{b: to}
	moof := w.begin("moof")
	at := w.begin("mfhd")
	w.u32(0)
	w.u32(p.number)
	w.end(at)
	var fix [2]int
	fix[0] = w.traf(videoTrack, p.video)
	fix[1] = w.traf(audioTrack, p.audio)
	w.end(moof)

	mdat := w.begin("mdat")
	for i, data := range [][]byte{p.pictures[:sizeOf(p.video)], p.sounds[:sizeOf(p.audio)]} {
		if fix[i] > 0 {
			binary.BigEndian.PutUint32(w.b[fix[i]:], uint32(len(w.b)-moof))
		}
		w.b = append(w.b, data...)
	}
	w.end(mdat)
	return w.b
}

// traf adds a track's run and returns where its data offset stands (8.8.6 to
// 8.8.8); 0: the track has nothing in this part.
func (w *boxes) traf(track uint32, run []sample) (fix int) {
	if len(run) == 0 {
		return 0
	}
	traf := w.begin("traf")
	at := w.begin("tfhd")
	w.u32(0x020000) // default-base-is-moof
	w.u32(track)
	w.end(at)
	at = w.begin("tfdt")
	w.u32(1 << 24)
	w.u64(uint64(run[0].dts))
	w.end(at)
	at = w.begin("trun")
	w.u32(1<<24 | 0xf01) // data offset; each its duration, size, flags, composition offset
	w.u32(uint32(len(run)))
	fix = len(w.b)
	w.u32(0)
	for _, s := range run {
		flags := uint32(0x02000000) // depends on no other
		if !s.key {
			flags = 0x01010000
		}
		w.u32(s.duration)
		w.u32(uint32(s.size))
		w.u32(flags)
		w.u32(uint32(s.offset))
	}
	w.end(at)
	w.end(traf)
	return fix
}

func toNTP(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/1e9
}

func fromNTP(v uint64) time.Time {
	return time.Unix(int64(v>>32)-ntpEpoch, int64((v&0xffffffff)*1e9>>32))
}

// scanned is what a segment's file holds.
type scanned struct {
	size  int64 // up to the end of the last whole part
	start time.Time
	span  time.Duration // of the picture
	parts int
}

var errBox = errors.New("no box that this recorder writes")

// scan reads the boxes of a segment up to the first that is not whole. Bytes
// after scanned.size are to be cut off.
func scan(r io.ReaderAt, size int64) (s scanned, err error) {
	var head [8]byte
	var wall time.Time
	var base, span int64
	var begun, moov, fragment bool
	var first int64
	for at := int64(0); at+8 <= size; {
		if _, err := r.ReadAt(head[:], at); err != nil {
			return s, fmt.Errorf("read box: %w", err)
		}
		n, kind := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		if n < 8 || at+n > size {
			return s, nil
		}
		switch kind {
		case "ftyp", "moov":
			if n > maxMoov {
				return s, nil
			}
			moov = moov || kind == "moov"
		case "prft":
			body, err := read(r, at, n, 32)
			if errors.Is(err, errBox) || err == nil && len(body) < 24 {
				return s, nil
			} else if err != nil {
				return s, err
			}
			wall = fromNTP(binary.BigEndian.Uint64(body[8:]))
		case "moof":
			body, err := read(r, at, n, maxMoof)
			if errors.Is(err, errBox) {
				return s, nil
			} else if err != nil {
				return s, err
			}
			if base, span, err = runOf(body, videoTrack); err != nil || wall.IsZero() || !moov {
				return s, nil
			}
			fragment = true
		case "mdat":
			if !fragment {
				return s, nil
			}
			if !begun {
				begun, first, s.start = true, base, wall
			}
			s.parts++
			s.size = at + n
			if end := base + span - first; end > 0 {
				s.span = max(s.span, time.Duration(end)*time.Second/videoRate)
			}
			fragment = false
		default:
			return s, nil
		}
		at += n
	}
	return s, nil
}

// read returns the body of the box at an offset.
func read(r io.ReaderAt, at, n, most int64) ([]byte, error) {
	if n > most {
		return nil, errBox
	}
	body := make([]byte, n-8)
	if len(body) == 0 {
		return body, nil
	}
	if _, err := r.ReadAt(body, at+8); err != nil {
		return nil, fmt.Errorf("read box: %w", err)
	}
	return body, nil
}

// children calls visit for each box within a body.
func children(b []byte, visit func(kind string, body []byte) error) error {
	for len(b) > 0 {
		if len(b) < 8 {
			return errBox
		}
		n := int64(binary.BigEndian.Uint32(b))
		if n < 8 || n > int64(len(b)) {
			return errBox
		}
		if err := visit(string(b[4:8]), b[8:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// runOf returns the decode time and the length of a track's run in a moof.
func runOf(moof []byte, track uint32) (base, span int64, err error) {
	err = children(moof, func(kind string, traf []byte) error {
		if kind != "traf" {
			return nil
		}
		var id uint32
		var at, long int64
		err := children(traf, func(kind string, b []byte) error {
			switch {
			case kind == "tfhd" && len(b) >= 8:
				id = binary.BigEndian.Uint32(b[4:])
			case kind == "tfdt" && len(b) >= 12:
				at = int64(binary.BigEndian.Uint64(b[4:]) & (1<<48 - 1))
			case kind == "trun" && len(b) >= 12:
				n := int(binary.BigEndian.Uint32(b[4:]))
				if n > (len(b)-12)/16 {
					return errBox
				}
				for i := range n {
					long += int64(binary.BigEndian.Uint32(b[12+16*i:]))
				}
			default:
				return errBox
			}
			return nil
		})
		if err == nil && id == track {
			base, span = at, min(long, 1<<48)
		}
		return err
	})
	return base, span, err
}
