package record

import (
	"context"
	"time"
)

// Days are read in two steps, so that a large record does not hold up the start:
// what a crash can have touched, the newest days of each stream, before Open
// returns; all else in the background, or when it is asked for. The index of
// those is believed at first, and compared with the folder after.
const (
	newestDays = 2
	// checkPause is between the folders that are compared.
	checkPause = 20 * time.Millisecond
)

// readNewest sweeps the newest days of each stream.
func (r *Recorder) readNewest(ctx context.Context) error {
	for _, s := range r.streams {
		var last int64
		n := 0
		for i := len(s.days) - 1; i >= 0; i-- {
			d := s.days[i]
			if d.from != last || i == len(s.days)-1 {
				last = d.from
				if n++; n > newestDays {
					break
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			list, err := d.sweep()
			if err != nil {
				return err
			}
			d.set(list)
			d.unread = false
		}
	}
	return nil
}

// readOn reads the other days, then compares them with their folders.
func (r *Recorder) readOn() {
	r.readAll()
	for d := range r.quick() {
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(checkPause):
		}
		r.compare(d)
	}
}

// readAll reads what is unread, but for what cannot be read.
func (r *Recorder) readAll() {
	r.mu.Lock()
	var list []*day
	for _, s := range r.streams {
		list = append(list, s.unread(0, 1<<62)...)
	}
	r.mu.Unlock()
	for _, d := range list {
		if r.ctx.Err() != nil {
			return
		}
		r.read(d)
	}
}

// unread returns the days that are to be read for a time; the lock is held.
func (s *stream) unread(from, to int64) (list []*day) {
	for _, d := range s.days {
		if d.unread && d.from+2*dayMillis > from && d.from < to {
			list = append(list, d)
		}
	}
	return list
}

// need sees to it that what touches a time is read.
func (r *Recorder) need(k key, from, to time.Time) {
	r.mu.Lock()
	var list []*day
	if s := r.streams[k]; s != nil {
		list = s.unread(from.UnixMilli(), to.UnixMilli())
	}
	r.mu.Unlock()
	for _, d := range list {
		r.read(d)
	}
}

// read believes a day's index where it is good, and else sweeps the day. Nobody
// writes into a day that is unread.
func (r *Recorder) read(d *day) {
	r.reading.Lock()
	defer r.reading.Unlock()
	r.mu.Lock()
	unread := d.unread
	r.mu.Unlock()
	if !unread {
		return
	}
	list, good, err := d.read()
	if err == nil && !good {
		list, err = d.sweep()
	}
	if err != nil {
		r.Log.Error("record: a day's record cannot be read", "folder", d.dir, "err", err)
		return
	}
	r.mu.Lock()
	d.set(list)
	d.unread, d.quick = false, good
	r.mu.Unlock()
}

// quick yields the days whose index was believed.
func (r *Recorder) quick() func(func(*day) bool) {
	r.mu.Lock()
	var list []*day
	for _, s := range r.streams {
		for _, d := range s.days {
			if d.quick {
				list = append(list, d)
			}
		}
	}
	r.mu.Unlock()
	return func(yield func(*day) bool) {
		for _, d := range list {
			if !yield(d) {
				return
			}
		}
	}
}

// compare sweeps a day whose folder is not as its index says. Nothing is deleted
// meanwhile.
func (r *Recorder) compare(d *day) {
	r.tidying.Lock()
	defer r.tidying.Unlock()
	r.mu.Lock()
	list := append([]entry(nil), d.entries...)
	r.mu.Unlock()
	if ok, err := d.agrees(list); ok || err != nil {
		return // gone meanwhile, or looked at when it is used
	}
	list, err := d.sweep()
	if err != nil {
		r.Log.Error("record: a day's record cannot be read", "folder", d.dir, "err", err)
		return
	}
	r.mu.Lock()
	d.set(list)
	r.mu.Unlock()
}
