// Package clip cuts an exact time out of the ring.
//
// Invariants:
//   - No picture and no sound is encoded anew: the samples and their sample
//     entries are the ring's, byte for byte. The GOP that holds the first picture is
//     there from its key frame on; an edit list (ISO/IEC 14496-12 8.6.6) shows the
//     pictures whose server's time is in [from, to) and no other.
//   - After the last picture shown nothing follows but what it is decoded with:
//     Chromium counts the pictures behind an edit's end into the length, and would
//     stand there.
//   - A clip is one progressive MP4, the moov before the data. Its time is the
//     server's: a moment t of what is shown is from + t.
//   - Across a gap the picture before it stands: its length reaches to the next
//     one. Empty edits that do not lead are skipped by ffmpeg and by the browsers
//     built on it, which then show everything after the gap too early.
//   - What cannot stand in one file is cut into several: another codec, sound of
//     another form, and times that are there twice because the clock was set back.
//   - The same range of the same footage gives the same bytes.
//
// Two passes: the first reads the boxes, the second copies the data. Memory is the
// sample tables alone, 24 bytes a sample, of which there are at most MaxSamples.
// Whoever cuts pins the range first: a segment that is deleted between the passes
// fails the cut.
package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

// Bounds.
const (
	MaxSpan    = 4 * time.Hour
	MaxSamples = 4_000_000
	maxMoov    = 1 << 20
	maxMoof    = 4 << 20
	maxEntries = 256 // sample entries of a track
	maxLosses  = 100 // told; the others are counted
	// reorder is the most by which pictures are shown after they are decoded: by so
	// much the times of segments may be off those of their pictures.
	reorder = time.Second
)

// videoRate is the clock of the picture in every segment, and of the movie.
const videoRate = 90000

// Errors of a cut.
var (
	ErrNothing = errors.New("nothing was recorded in this time")
	ErrGone    = errors.New("footage was deleted while it was cut: pin the range first")
	ErrTooMany = fmt.Errorf("more than %d samples: cut a shorter time", MaxSamples)
	ErrDamaged = errors.New("a segment of the record is damaged")
)

// Ring is the part of record.Recorder that is needed.
type Ring interface {
	Segments(camera string, profile streams.Profile, from, to time.Time) []record.Segment
	Find(camera string, profile streams.Profile, from, to time.Time) ([]record.Range, []record.Gap)
}

// Loss is a time within the footage in which pictures are missing.
type Loss struct {
	At  time.Time
	For time.Duration
}

// Info says what a clip holds.
type Info struct {
	From, To      time.Time // of what is shown
	Frames        int       // shown
	Video, Audio  string    // "h264", "h265"; "aac", "opus", "pcm" or none
	Width, Height int       // of the first picture
	Changes       int       // of the picture's parameters
	Gaps          []record.Gap
	Losses        []Loss // at most 100
	Lost          int    // all of them
	Bytes         int64  // of the file
}

// Plan reads what a camera's profile holds of [from, to) and returns the clips
// that it makes, mostly one. It is ErrNothing where there is no picture.
func Plan(ctx context.Context, ring Ring, camera string, profile streams.Profile, from, to time.Time) ([]*Cut, error) {
	if d := to.Sub(from); d <= 0 || d > MaxSpan {
		return nil, fmt.Errorf("clip: from must be before to, by at most %v", MaxSpan)
	}
	p := plan{from: from, span: ticks(to.Sub(from), videoRate)}
	for _, s := range ring.Segments(camera, profile, from.Add(-reorder), to.Add(reorder)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := p.add(s); err != nil {
			return nil, fmt.Errorf("clip: %w", err)
		}
	}
	_, gaps := ring.Find(camera, profile, from, to)
	var out []*Cut
	for _, c := range p.cuts {
		if c.trim(from, p.span) {
			c.layOut()
			c.Gaps = gaps
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, ErrNothing
	}
	return out, nil
}

// plan gathers segments into cuts.
type plan struct {
	from    time.Time
	span    int64
	cuts    []*Cut
	samples int
}

// add reads a segment and puts it at the end of the first cut that it fits.
func (p *plan) add(s record.Segment) error {
	f, err := s.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return ErrGone
	}
	if err != nil {
		return err
	}
	defer f.Close()
	seg, err := readSegment(f, s.Size)
	if err != nil {
		return err
	}
	if len(seg.parts) == 0 {
		return nil
	}
	p.samples += seg.samples
	if p.samples > MaxSamples {
		return ErrTooMany
	}
	at := roundTicks(seg.start.Sub(p.from), videoRate)
	var c *Cut
	for _, have := range p.cuts {
		if have.takes(seg, at) {
			c = have
			break
		}
	}
	if c == nil {
		c = &Cut{video: track{rate: videoRate}, audio: track{rate: seg.audioRate, entries: entriesOf(seg.audio)}}
		p.cuts = append(p.cuts, c)
	}
	c.append(s, seg, at, p.from)
	return nil
}

func entriesOf(entry []byte) [][]byte {
	if entry == nil {
		return nil
	}
	return [][]byte{entry}
}

func ticks(d time.Duration, rate int64) int64 {
	return int64(d/time.Second)*rate + int64(d%time.Second)*rate/int64(time.Second)
}

// roundTicks is ticks to the nearest: the server's time is kept in parts of a
// second that are no multiples of a nanosecond.
func roundTicks(d time.Duration, rate int64) int64 {
	if d < 0 {
		return -roundTicks(-d, rate)
	}
	return int64(d/time.Second)*rate + (int64(d%time.Second)*rate+int64(time.Second)/2)/int64(time.Second)
}

func duration(n, rate int64) time.Duration {
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate)
}

// Write copies the clip to w. progress, which may be nil, is told how many of all
// bytes have been written. It ends with the context.
func (c *Cut) Write(ctx context.Context, w io.Writer, progress func(done, total int64)) error {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	if _, err := w.Write(c.head); err != nil {
		return fmt.Errorf("clip: %w", err)
	}
	done := int64(len(c.head))
	progress(done, c.Bytes)
	in := source{c: c, at: -1}
	defer in.close()
	buf := make([]byte, 256<<10)
	for i := 0; i < len(c.copies); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := in.copy(w, c.copies[i], buf)
		done += n
		if err != nil {
			return fmt.Errorf("clip: %w", err)
		}
		progress(done, c.Bytes)
	}
	return nil
}
