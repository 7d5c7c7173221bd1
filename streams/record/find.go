package record

import (
	"cmp"
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
	k := key{camera, profile}
	r.need(k, from, to)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[k]
	if s == nil {
		return nil
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
	return out
}

// Find says what there is of [from, to), and what is missing between and after
// it. Before the first footage no gap is told: nothing was to be there.
func (r *Recorder) Find(camera string, profile streams.Profile, from, to time.Time) ([]Range, []Gap) {
	k := key{camera, profile}
	r.need(k, from, to)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[k]
	if s == nil {
		return nil, nil
	}
	unsaid := Deleted
	if r.policies[camera].Events {
		unsaid = Stopped
	}
	a, b := from.UnixMilli(), to.UnixMilli()
	spans := s.within(a, b)
	var ranges []Range
	var gaps []Gap
	at := a // up to here all is said
	for i, v := range spans {
		start, end := max(v.from, a), min(v.to, b)
		if start-at > joined.Milliseconds() && (i > 0 || s.before(v.from)) {
			gaps = append(gaps, Gap{time.UnixMilli(at), time.UnixMilli(start), cmp.Or(v.why, unsaid)})
		}
		ranges = append(ranges, Range{time.UnixMilli(start), time.UnixMilli(end)})
		at = end
	}
	if len(ranges) == 0 && !s.before(a) {
		return nil, nil
	}
	if g, ok := r.tail(s, at, b, unsaid); ok {
		gaps = append(gaps, g)
	}
	return ranges, gaps
}

// within returns the spans that touch [a, b), by start, those that go on from
// another joined to it; the lock is held.
func (s *stream) within(a, b int64) []span {
	var out []span
	for _, d := range s.days {
		if d.from+2*dayMillis <= a || d.from >= b {
			continue
		}
		for _, v := range d.continuous() {
			if v.to > a && v.from < b {
				out = append(out, v)
			}
		}
	}
	// Days on several disks lie one in the other.
	slices.SortStableFunc(out, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	n := 0
	for _, v := range out {
		if n > 0 && v.from-out[n-1].to <= joined.Milliseconds() {
			out[n-1].to = max(out[n-1].to, v.to)
			continue
		}
		out[n] = v
		n++
	}
	return out[:n]
}

// before reports whether anything began before a time; the lock is held.
func (s *stream) before(at int64) bool {
	for _, d := range s.days {
		switch {
		case d.unread:
			return d.from < at
		case len(d.entries) > 0:
			return d.start(d.entries[0]) < at
		}
	}
	return false
}

// next returns the first entry that begins at a time or after it; the lock is
// held.
func (s *stream) next(at int64) (from int64, why Cause, ok bool) {
	for _, d := range s.days {
		if d.from+dayMillis <= at {
			continue
		}
		i, _ := d.find(uint32(max(0, at-d.from)))
		for ; i < len(d.entries); i++ {
			if e := d.entries[i]; e.millis() > 0 && (!ok || d.start(e) < from) {
				from, why, ok = d.start(e), e.why(), true
				break
			}
		}
		if ok && d.from > from {
			break
		}
	}
	return from, why, ok
}

// tail is the gap after all that was found: up to the next footage, or to now.
func (r *Recorder) tail(s *stream, at, to int64, unsaid Cause) (Gap, bool) {
	why, end := s.state, min(to, r.Now().UnixMilli())
	if _, next, ok := s.next(to); ok {
		why, end = cmp.Or(next, unsaid), to
	}
	// What is being taken in has not come to the disk yet.
	return Gap{time.UnixMilli(at), time.UnixMilli(end), cmp.Or(why, Offline)}, end-at > silence.Milliseconds()
}
