package camsim

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

const (
	// maxLoopBytes bounds what LoadLoop reads.
	maxLoopBytes = 64 << 20
	// maxLoopFrames bounds the access units of a loop: over six minutes.
	maxLoopFrames = 10_000
)

// Loop is a short H.264 film that a camera repeats for ever. It is not changed
// once loaded, so any number of cameras may share one.
type Loop struct {
	Width, Height int
	SPS, PPS      []byte

	frames []frame
}

// Len is the number of frames.
func (l *Loop) Len() int { return len(l.frames) }

// frame is one access unit without what the server adds or takes away: access
// unit delimiters, SEI and filler.
type frame struct {
	key   bool
	nalus [][]byte // parameter sets first, then slices
	lead  int      // how many of nalus come before the first slice
}

// LoadLoop reads an H.264 elementary stream (ITU-T H.264 Annex B), 25 frames a
// second, no B-frames, beginning with a key frame.
func LoadLoop(r io.Reader) (*Loop, error) {
	buf, err := io.ReadAll(io.LimitReader(r, maxLoopBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read loop: %w", err)
	}
	if len(buf) > maxLoopBytes {
		return nil, fmt.Errorf("read loop: longer than %d MiB", maxLoopBytes>>20)
	}
	l := &Loop{}
	if err := l.parse(buf); err != nil {
		return nil, fmt.Errorf("read loop: %w", err)
	}
	return l, nil
}

func (l *Loop) parse(buf []byte) error {
	var cur frame
	slices := 0
	end := func() error {
		if slices == 0 {
			return nil // parameter sets wait for their slice
		}
		if len(l.frames) == maxLoopFrames {
			return fmt.Errorf("more than %d frames", maxLoopFrames)
		}
		l.frames = append(l.frames, cur)
		cur, slices = frame{}, 0
		return nil
	}
	for nalu := range annexB(buf) {
		switch h264.NALUType(nalu[0] & 0x1f) {
		case h264.NALUTypeSPS:
			if err := end(); err != nil {
				return err
			}
			if l.SPS == nil {
				l.SPS = nalu
			} else if !bytes.Equal(l.SPS, nalu) {
				return errors.New("the SPS changes within the loop")
			}
			cur.nalus = append(cur.nalus, nalu)
			cur.lead++
		case h264.NALUTypePPS:
			if err := end(); err != nil {
				return err
			}
			if l.PPS == nil {
				l.PPS = nalu
			}
			cur.nalus = append(cur.nalus, nalu)
			cur.lead++
		case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeSEI:
			if err := end(); err != nil {
				return err
			}
		case h264.NALUTypeIDR, h264.NALUTypeNonIDR:
			// first_mb_in_slice is ue(v): its first bit is set when it is 0,
			// which begins a picture (7.4.1.2.4).
			if len(nalu) < 2 {
				return errors.New("a slice without a header")
			}
			if nalu[1]&0x80 != 0 {
				if err := end(); err != nil {
					return err
				}
			}
			cur.nalus = append(cur.nalus, nalu)
			cur.key = cur.key || h264.NALUType(nalu[0]&0x1f) == h264.NALUTypeIDR
			slices++
		}
	}
	if err := end(); err != nil {
		return err
	}
	return l.check()
}

func (l *Loop) check() error {
	switch {
	case len(l.frames) == 0:
		return errors.New("no frame found: is it H.264 in Annex B format?")
	case l.SPS == nil || l.PPS == nil:
		return errors.New("no SPS or PPS: encode with repeat-headers=1")
	case !l.frames[0].key:
		return errors.New("the first frame must be a key frame")
	}
	var sps h264.SPS
	if err := sps.Unmarshal(l.SPS); err != nil {
		return fmt.Errorf("SPS: %w", err)
	}
	l.Width, l.Height = sps.Width(), sps.Height()
	if l.Width <= 0 || l.Height <= 0 {
		return errors.New("SPS: no picture size")
	}
	return nil
}

// annexB yields the NAL units between start codes (B.1), none of them empty.
func annexB(buf []byte) func(yield func([]byte) bool) {
	start := []byte{0, 0, 1}
	return func(yield func([]byte) bool) {
		i := bytes.Index(buf, start)
		for i >= 0 {
			buf = buf[i+3:]
			i = bytes.Index(buf, start)
			nalu := buf
			if i >= 0 {
				nalu = buf[:i]
			}
			nalu = bytes.TrimRight(nalu, "\x00") // trailing_zero_8bits
			if len(nalu) > 0 && !yield(nalu) {
				return
			}
		}
	}
}
