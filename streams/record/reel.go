package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
)

// headBytes is what is read of a part at once: prft and moof of a second, and
// of most longer ones.
const headBytes = 4 << 10

// reel reads a segment's parts, one after another, by their headers alone.
type reel struct {
	f    *os.File
	seg  Segment
	size int64 // of whole parts
	next int64 // where the next part begins
	init []byte
	zero time.Time // server's clock at time 0 of the pictures; known after the first part
	buf  []byte
	rate int64 // of the sound; 0: not looked up yet
}

// shot is a part of a segment without its pictures.
type shot struct {
	video, audio []take
}

// take is where an access unit or packet of sound lies in the file.
type take struct {
	sample
	at int64
}

// openReel opens a segment and reads its init.
func openReel(s Segment) (*reel, error) {
	f, err := s.Open()
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	r := &reel{f: f, seg: s, size: s.Size, buf: make([]byte, headBytes)}
	for _, kind := range [...]string{"ftyp", "moov"} {
		n, got, err := r.head(r.next)
		if err != nil || got != kind || n > maxMoov {
			_ = f.Close()
			return nil, fmt.Errorf("open segment: %w", errors.Join(err, errBox))
		}
		r.next += n
	}
	r.init = make([]byte, r.next)
	if _, err := f.ReadAt(r.init, 0); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open segment: %w", err)
	}
	return r, nil
}

// audioRate is the clock of the sound, Hz.
func (r *reel) audioRate() int64 {
	if r.rate == 0 {
		r.rate = videoRate
		in := fmp4.Init{}
		if in.Unmarshal(bytes.NewReader(r.init)) == nil {
			for _, t := range in.Tracks {
				if t.ID == audioTrack && t.TimeScale > 0 {
					r.rate = int64(t.TimeScale)
				}
			}
		}
	}
	return r.rate
}

func (r *reel) close() { _ = r.f.Close() }

// head returns the size and kind of the box at an offset.
func (r *reel) head(at int64) (n int64, kind string, err error) {
	var b [8]byte
	if at+8 > r.size {
		return 0, "", io.EOF
	}
	if _, err := r.f.ReadAt(b[:], at); err != nil {
		return 0, "", err
	}
	n = int64(binary.BigEndian.Uint32(b[:]))
	if n < 8 || at+n > r.size {
		return 0, "", io.EOF
	}
	return n, string(b[4:]), nil
}

// part returns the next part; io.EOF after the last whole one.
func (r *reel) part() (*shot, error) {
	at := r.next
	n := min(int64(len(r.buf)), r.size-at)
	if n < 40 {
		return nil, io.EOF
	}
	b := r.buf[:n]
	if _, err := r.f.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	if string(b[4:8]) != "prft" || binary.BigEndian.Uint32(b) != 32 {
		return nil, errBox
	}
	wall, first := fromNTP(binary.BigEndian.Uint64(b[16:])), int64(binary.BigEndian.Uint64(b[24:]))
	size, kind, err := r.head(at + 32)
	if err != nil {
		return nil, err
	}
	if kind != "moof" || size > maxMoof {
		return nil, errBox
	}
	var moof []byte
	if 32+size > n {
		moof = make([]byte, size-8)
		if _, err := r.f.ReadAt(moof, at+40); err != nil {
			return nil, fmt.Errorf("read part: %w", err)
		}
	} else {
		moof = b[40 : 32+size]
	}
	long, kind, err := r.head(at + 32 + size)
	if err != nil {
		return nil, err
	}
	if kind != "mdat" {
		return nil, errBox
	}
	s := &shot{}
	if err := s.parse(moof, at+32, at+32+size+long); err != nil {
		return nil, err
	}
	if r.zero.IsZero() {
		r.zero = wall.Add(-time.Duration(first) * time.Second / videoRate)
	}
	r.next = at + 32 + size + long
	return s, nil
}

// parse reads the runs of a moof that lies at an offset of a file; no take ends
// beyond end.
func (s *shot) parse(moof []byte, at, end int64) error {
	return children(moof, func(kind string, traf []byte) error {
		if kind != "traf" {
			return nil
		}
		var track uint32
		var dts int64
		return children(traf, func(kind string, b []byte) error {
			switch {
			case kind == "tfhd" && len(b) >= 8:
				track = binary.BigEndian.Uint32(b[4:])
			case kind == "tfdt" && len(b) >= 12:
				dts = int64(binary.BigEndian.Uint64(b[4:]) & (1<<48 - 1))
			case kind == "trun" && len(b) >= 12:
				list, err := takes(b, dts, at, end)
				if err != nil {
					return err
				}
				if track == videoTrack {
					s.video = list
				} else {
					s.audio = list
				}
			default:
				return errBox
			}
			return nil
		})
	})
}

func takes(trun []byte, dts, moof, end int64) ([]take, error) {
	n := int(binary.BigEndian.Uint32(trun[4:]))
	if n > (len(trun)-12)/16 {
		return nil, errBox
	}
	at := moof + int64(binary.BigEndian.Uint32(trun[8:]))
	out := make([]take, n)
	for i := range out {
		e := trun[12+16*i:]
		t := &out[i]
		t.duration, t.size = binary.BigEndian.Uint32(e), int(binary.BigEndian.Uint32(e[4:]))
		t.key = binary.BigEndian.Uint32(e[8:])&0x10000 == 0
		t.offset = int32(binary.BigEndian.Uint32(e[12:]))
		t.dts, t.at = dts, at
		dts += int64(t.duration)
		at += int64(t.size)
		if at > end {
			return nil, errBox
		}
	}
	return out, nil
}

// wall is the server's clock when a picture was taken.
func (r *reel) wall(t take) time.Time { return r.clock(t.dts + int64(t.offset)) }

func (r *reel) clock(at int64) time.Time {
	return r.zero.Add(time.Duration(at/videoRate)*time.Second + time.Duration(at%videoRate)*time.Second/videoRate)
}

// end is the server's clock when the last of some pictures ends.
func (r *reel) end(video []take) time.Time {
	var end int64
	for _, t := range video {
		end = max(end, t.dts+int64(t.offset)+int64(t.duration))
	}
	return r.clock(end)
}
