package record

import (
	"os"
	"slices"
	"time"

	"sharpeyes/streams"
)

// joined is the most between two segments that is not a gap: the end of a
// camera's frame interval, and what its clock drifts within a segment.
const joined = 600 * time.Millisecond

// Range is a time that is on the disk without a gap.
type Range struct{ From, To time.Time }

// Gap is a time that is not, and why.
type Gap struct {
	From, To time.Time
	Cause    Cause
}

// Segment is one file of the record. Its first Size bytes are whole parts.
type Segment struct {
	Path       string
	Start, End time.Time
	Size       int64
	Cause      Cause // of a gap before it
}

// Open opens the file; a segment that is deleted later can be read to its end.
func (s Segment) Open() (*os.File, error) { return os.Open(s.Path) }

// Segments returns what touches [from, to), by start.
func (r *Recorder) Segments(camera string, profile streams.Profile, from, to time.Time) []Segment {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, _ := r.segments(camera, profile, from, to)
	return out
}

// segments also returns the stream; the lock is held.
func (r *Recorder) segments(camera string, profile streams.Profile, from, to time.Time) ([]Segment, *stream) {
	s := r.streams[key{camera, profile}]
	if s == nil {
		return nil, nil
	}
	var out []Segment
	a, b := from.UnixMilli(), to.UnixMilli()
	for _, d := range s.days {
		// A segment may reach into the next day: its stream gave no key frame.
		if d.from+2*dayMillis <= a || d.from >= b {
			continue
		}
		for _, e := range d.entries {
			start := d.start(e)
			if start >= b {
				break
			}
			if e.millis() == 0 || start+e.millis() <= a {
				continue
			}
			out = append(out, Segment{Path: d.path(e), Start: time.UnixMilli(start), End: time.UnixMilli(start + e.millis()),
				Size: int64(e.size), Cause: e.why()})
		}
	}
	slices.SortFunc(out, func(a, b Segment) int { return a.Start.Compare(b.Start) })
	return out, s
}

// Find says what there is of [from, to), and what is missing between and after
// it. Before the first footage no gap is told: nothing was to be there.
func (r *Recorder) Find(camera string, profile streams.Profile, from, to time.Time) ([]Range, []Gap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// The gap at the beginning is told by the segments around it.
	segs, s := r.segments(camera, profile, from, to)
	if s == nil {
		return nil, nil
	}
	var ranges []Range
	var gaps []Gap
	for _, g := range segs {
		if n := len(ranges); n > 0 && g.Start.Sub(ranges[n-1].To) <= joined {
			if g.End.After(ranges[n-1].To) {
				ranges[n-1].To = g.End
			}
			continue
		}
		prev := from
		if n := len(ranges); n > 0 {
			prev = ranges[n-1].To
		}
		if g.Start.Sub(prev) > joined && (len(ranges) > 0 || s.before(g.Start.UnixMilli())) {
			why := g.Cause
			if why == None {
				why = Deleted
			}
			gaps = append(gaps, Gap{prev, g.Start, why})
		}
		ranges = append(ranges, Range{g.Start, g.End})
	}
	for i := range ranges {
		if ranges[i].From.Before(from) {
			ranges[i].From = from
		}
		if ranges[i].To.After(to) {
			ranges[i].To = to
		}
	}
	if g, ok := r.tail(s, ranges, from, to); ok {
		gaps = append(gaps, g)
	}
	return ranges, gaps
}

// before reports whether anything began before a time.
func (s *stream) before(at int64) bool {
	for _, d := range s.days {
		if len(d.entries) > 0 {
			return d.start(d.entries[0]) < at
		}
	}
	return false
}

// tail is the gap after the last range: up to the next footage, or to now.
func (r *Recorder) tail(s *stream, ranges []Range, from, to time.Time) (Gap, bool) {
	at := from
	if n := len(ranges); n > 0 {
		at = ranges[n-1].To
	} else if !s.before(from.UnixMilli()) {
		return Gap{}, false
	}
	why, end := s.state, r.Now()
	for _, d := range s.days {
		i := slices.IndexFunc(d.entries, func(e entry) bool { return d.start(e) >= to.UnixMilli() })
		if i >= 0 {
			why, end = d.entries[i].why(), to
			if why == None {
				why = Deleted
			}
			break
		}
	}
	if why == None {
		why = Offline
	}
	if to.Before(end) {
		end = to
	}
	// What is being taken in has not come to the disk yet.
	return Gap{at, end, why}, end.Sub(at) > silence
}
