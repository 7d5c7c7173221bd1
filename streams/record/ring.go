package record

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

const (
	// looseSegment is the length of files of which most go soon.
	looseSegment = 10 * time.Second
	// windowStays is how long a window is remembered after its end: segments that
	// touch it are closed by then.
	windowStays = 2 * time.Minute
	maxWindows  = 1000 // of a camera; more are joined to one
)

// window is a time that is kept, Unix ms.
type window struct{ from, to int64 }

// Keep keeps [from, to) of a camera that is recorded around events alone, as long
// as its policy says. What has not come yet is kept when it comes.
func (r *Recorder) Keep(camera string, from, to time.Time) error {
	w := window{from.UnixMilli(), to.UnixMilli()}
	if w.from >= w.to {
		return errors.New("keep: from must be before to")
	}
	r.mu.Lock()
	over := r.Now().Add(-windowStays).UnixMilli()
	list := slices.DeleteFunc(r.windows[camera], func(o window) bool { return o.to < over })
	list = append(list, w)
	slices.SortFunc(list, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	n, many := 0, len(list) > maxWindows
	for _, v := range list {
		if n > 0 && (v.from <= list[n-1].to || many) {
			list[n-1].to = max(list[n-1].to, v.to)
			continue
		}
		list[n] = v
		n++
	}
	r.windows[camera] = list[:n]
	var kept []victim
	for k, s := range r.streams {
		if k.camera == camera {
			kept = append(kept, s.tighten(w)...)
		}
	}
	r.mu.Unlock()
	return settleAll(kept)
}

// tighten makes closed loose segments that touch a window stay, and returns them;
// the lock is held.
func (s *stream) tighten(w window) (kept []victim) {
	for _, d := range s.days {
		for i, e := range d.entries {
			from := d.start(e)
			if !e.loose() || from >= w.to || from+e.millis() <= w.from || s.live == d && s.liveAt == e.at {
				continue
			}
			e.span &^= loose
			d.put(i, e)
			kept = append(kept, victim{s, d, e, from})
		}
	}
	return kept
}

// settleAll brings what was loose to the disk and into the index.
func settleAll(list []victim) (err error) {
	for _, v := range list {
		f, oerr := os.Open(v.d.path(v.e))
		if oerr != nil {
			err = errors.Join(err, oerr)
			continue
		}
		err = errors.Join(err, f.Sync(), f.Close(), v.d.log(made, v.e))
	}
	return err
}

// wanted tells whether anybody asked to keep what a segment holds.
func (r *Recorder) wanted(s *stream, g *segment) bool {
	from := g.day.from + int64(g.at)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.holds(s.camera, from, from+g.entry().millis())
}

// holds is wanted for any time; the lock is held.
func (r *Recorder) holds(camera string, from, to int64) bool {
	return !r.policies[camera].Events || r.pinned(camera, from, to, r.Now()) ||
		slices.ContainsFunc(r.windows[camera], func(w window) bool { return w.from < to && from < w.to })
}

// dropLoose deletes a stream's loose segments that nothing came for within the
// time before its newest; all: each of them.
func (r *Recorder) dropLoose(s *stream, all bool) error {
	if all {
		r.tidying.Lock()
	} else if !r.tidying.TryLock() {
		return nil // with the next segment
	}
	defer r.tidying.Unlock()
	r.mu.Lock()
	var kept, gone []victim
	newest, before := s.end(), r.policies[s.camera].Before.Milliseconds()
	for _, d := range s.days[max(0, len(s.days)-4):] {
		for i := 0; i < len(d.entries); i++ {
			e := d.entries[i]
			from := d.start(e)
			to := from + e.millis()
			switch {
			case !e.loose() || s.live == d && s.liveAt == e.at:
			case r.holds(s.camera, from, to):
				kept = append(kept, s.tighten(window{from, to})...)
			case all || to < newest-before:
				gone = append(gone, victim{s, d, e, from})
				s.drop(d, i)
				i--
			}
		}
	}
	r.mu.Unlock()
	err := settleAll(kept)
	for _, v := range gone {
		if rerr := os.Remove(v.d.path(v.e)); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}
