package clip

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Track numbers in the ring's segments.
const (
	videoTrack = 1
	audioTrack = 2
)

// ntpEpoch is the distance from 1900 to 1970, seconds (RFC 5905 6).
const ntpEpoch = 2208988800

// sample is one access unit or one packet of sound.
type sample struct {
	dts  int64
	size uint32
	dur  uint32
	off  int32 // composition time less decode time
	key  bool
}

// batch is samples that lie one after another in a file.
type batch struct {
	at      int64 // of the first byte in the file
	dts     int64
	samples []sample
}

// part is one moof with its mdat.
type part struct{ video, audio batch }

// segment is what a file of the ring holds.
type segment struct {
	video, audio []byte // sample entries; audio is nil where there is none
	audioRate    int64
	start        time.Time // server's time of what is shown at time 0
	parts        []part
	samples      int
}

// readSegment reads the boxes of a segment up to the first that is not whole: a
// segment may be growing. Whatever the bytes are, no more is kept than they hold.
func readSegment(r io.ReaderAt, size int64) (*segment, error) {
	s := &segment{}
	var wall time.Time
	var base int64
	var head [8]byte
	var p part
	var open bool
	var moof int64
	for at := int64(0); at+8 <= size; {
		if _, err := r.ReadAt(head[:], at); err != nil {
			return nil, fmt.Errorf("read segment: %w", err)
		}
		n, kind := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		if n < 8 || at+n > size {
			break
		}
		body, err := bodyOf(r, kind, at, n)
		if err != nil {
			return nil, err
		}
		switch kind {
		case "moov":
			if err := s.readMoov(body); err != nil {
				return nil, err
			}
		case "prft":
			if len(body) < 24 {
				return nil, ErrDamaged
			}
			wall = fromNTP(binary.BigEndian.Uint64(body[8:]))
			base = int64(binary.BigEndian.Uint64(body[16:]) & (1<<48 - 1))
		case "moof":
			if s.video == nil || wall.IsZero() {
				return nil, ErrDamaged
			}
			if p, err = readMoof(body, at); err != nil {
				return nil, err
			}
			open, moof = true, at
		case "mdat":
			if !open || !p.within(at+8, at+n) || moof >= at {
				return nil, ErrDamaged
			}
			s.take(p, wall, base)
			open = false
		}
		at += n
	}
	return s, nil
}

// bodyOf reads the boxes that matter whole, and of the others nothing.
func bodyOf(r io.ReaderAt, kind string, at, n int64) ([]byte, error) {
	most := map[string]int64{"moov": maxMoov, "prft": 64, "moof": maxMoof}[kind]
	if most == 0 {
		return nil, nil
	}
	if n > most {
		return nil, ErrDamaged
	}
	body := make([]byte, n-8)
	if _, err := r.ReadAt(body, at+8); err != nil && len(body) > 0 {
		return nil, fmt.Errorf("read segment: %w", err)
	}
	return body, nil
}

// within tells whether the data of a part lies in its mdat.
func (p *part) within(from, to int64) bool {
	for _, r := range []*batch{&p.video, &p.audio} {
		end := r.at
		for _, s := range r.samples {
			end += int64(s.size)
		}
		if len(r.samples) > 0 && (r.at < from || end > to) {
			return false
		}
	}
	return true
}

// take adds a part. The first that has a picture says what the server's time was.
func (s *segment) take(p part, wall time.Time, base int64) {
	if s.start.IsZero() {
		if len(p.video.samples) == 0 {
			return
		}
		s.start = wall.Add(-duration(base, videoRate))
	}
	s.parts = append(s.parts, p)
	s.samples += len(p.video.samples) + len(p.audio.samples)
}

func fromNTP(v uint64) time.Time {
	// Half a unit up: what was a nanosecond is one again.
	return time.Unix(int64(v>>32)-ntpEpoch, int64(((v&0xffffffff)*1e9+1<<31)>>32))
}

// children calls visit for each box within a body.
func children(b []byte, visit func(kind string, body []byte) error) error {
	for len(b) > 0 {
		if len(b) < 8 {
			return ErrDamaged
		}
		n := int64(binary.BigEndian.Uint32(b))
		if n < 8 || n > int64(len(b)) {
			return ErrDamaged
		}
		if err := visit(string(b[4:8]), b[8:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// readMoov keeps the sample entries of the two tracks (8.5.2).
func (s *segment) readMoov(b []byte) error {
	return children(b, func(kind string, trak []byte) error {
		if kind != "trak" {
			return nil
		}
		var id, rate uint32
		var entry []byte
		var walk func(kind string, b []byte) error
		walk = func(kind string, b []byte) error {
			switch {
			case kind == "mdia" || kind == "minf" || kind == "stbl":
				return children(b, walk)
			case kind == "tkhd" && len(b) >= 84 && b[0] == 0:
				id = binary.BigEndian.Uint32(b[12:])
			case kind == "mdhd" && len(b) >= 24 && b[0] == 0:
				rate = binary.BigEndian.Uint32(b[12:])
			case kind == "stsd" && len(b) >= 16 && binary.BigEndian.Uint32(b[4:]) == 1:
				n := binary.BigEndian.Uint32(b[8:])
				if n < 8+28 || int(n) != len(b)-8 {
					return ErrDamaged
				}
				entry = b[8:]
			}
			return nil
		}
		if err := children(trak, walk); err != nil {
			return err
		}
		switch {
		case id == videoTrack && entry != nil && rate == videoRate && len(entry) >= 8+78:
			s.video = entry
		case id == audioTrack && entry != nil && rate > 0 && rate <= 192000:
			s.audio, s.audioRate = entry, int64(rate)
		default:
			return ErrDamaged
		}
		return nil
	})
}

// readMoof reads the runs of a part (8.8.4 to 8.8.8) in the form that the
// recorder writes; offsets are from the moof at moofAt.
func readMoof(b []byte, moofAt int64) (p part, err error) {
	err = children(b, func(kind string, traf []byte) error {
		if kind != "traf" {
			return nil
		}
		var id uint32
		var r batch
		err := children(traf, func(kind string, b []byte) error {
			switch {
			case kind == "tfhd" && len(b) >= 8:
				id = binary.BigEndian.Uint32(b[4:])
			case kind == "tfdt" && len(b) >= 12 && b[0] == 1:
				r.dts = int64(binary.BigEndian.Uint64(b[4:]) & (1<<48 - 1))
			case kind == "trun" && len(b) >= 12 && binary.BigEndian.Uint32(b) == 1<<24|0xf01 && r.samples == nil:
				return r.read(b[4:], moofAt)
			case kind == "tfhd" || kind == "tfdt" || kind == "trun":
				return ErrDamaged
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case id == videoTrack && p.video.samples == nil:
			p.video = r
		case id == audioTrack && p.audio.samples == nil:
			p.audio = r
		default:
			return ErrDamaged
		}
		return nil
	})
	return p, err
}

// read takes the samples of a trun, from its sample_count on.
func (r *batch) read(b []byte, moofAt int64) error {
	n := int(binary.BigEndian.Uint32(b))
	r.at = moofAt + int64(int32(binary.BigEndian.Uint32(b[4:])))
	b = b[8:]
	if n > len(b)/16 {
		return ErrDamaged
	}
	dts := r.dts
	r.samples = make([]sample, n)
	for i := range r.samples {
		b := b[16*i:]
		s := sample{dts: dts, dur: binary.BigEndian.Uint32(b), size: binary.BigEndian.Uint32(b[4:]),
			key: binary.BigEndian.Uint32(b[8:])&0x10000 == 0, off: int32(binary.BigEndian.Uint32(b[12:]))}
		r.samples[i] = s
		dts += int64(s.dur)
	}
	return nil
}
