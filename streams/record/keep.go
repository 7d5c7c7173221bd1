package record

import (
	"cmp"
	"container/heap"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sharpeyes/streams"
)

const (
	pinsName    = "pins.json"
	deletedName = "deleted.log"
	maxPins     = 100_000
	maxPinsFile = 64 << 20
	maxWhy      = 500 // bytes
)

// Pin keeps a camera's footage of a time from deletion until it runs out.
type Pin struct {
	ID       string
	Camera   string
	From, To time.Time
	Until    time.Time
	Why      string
}

// Pin keeps [from, to) of a camera, all profiles, until a time; it is on the
// disk when it returns.
func (r *Recorder) Pin(camera string, from, to, until time.Time, why string) (string, error) {
	switch {
	case !from.Before(to):
		return "", errors.New("pin: from must be before to")
	case len(why) > maxWhy || why == "":
		return "", fmt.Errorf("pin: why has %d bytes: 1 to %d are taken", len(why), maxWhy)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pins) >= maxPins {
		return "", fmt.Errorf("pin: there are %d pins already: release some first", maxPins)
	}
	p := Pin{ID: rand.Text(), Camera: camera, From: from, To: to, Until: until, Why: why}
	if err := r.savePins(append(slices.Clone(r.pins), p)); err != nil {
		return "", err
	}
	return p.ID, nil
}

// Unpin releases a pin; one that is not there is no error.
func (r *Recorder) Unpin(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.savePins(slices.DeleteFunc(slices.Clone(r.pins), func(p Pin) bool { return p.ID == id }))
}

// Pins returns the pins that hold.
func (r *Recorder) Pins() []Pin {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.pins)
}

// savePins replaces the file; the lock is held, so that no deletion comes
// between a pin and its being known.
func (r *Recorder) savePins(pins []Pin) error {
	b, err := json.Marshal(pins)
	if err != nil {
		return fmt.Errorf("save pins: %w", err)
	}
	if err := replace(filepath.Join(r.Disks[0], pinsName), b); err != nil {
		return fmt.Errorf("save pins: %w", err)
	}
	r.pins = pins
	return nil
}

func (r *Recorder) loadPins() error {
	b, err := readAtMost(filepath.Join(r.Disks[0], pinsName), maxPinsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r.pins)
	}
	if err != nil {
		return fmt.Errorf("load pins: %w", err)
	}
	return nil
}

// pinned reports whether a pin holds any of a time; the lock is held.
func (r *Recorder) pinned(camera string, from, to int64, now time.Time) bool {
	return slices.ContainsFunc(r.pins, func(p Pin) bool {
		return p.Camera == camera && p.From.UnixMilli() < to && from < p.To.UnixMilli() && now.Before(p.Until)
	})
}

func (r *Recorder) tidyLoop() {
	t := time.NewTicker(r.Tidy)
	defer t.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-t.C:
			r.makeRoom()
		}
	}
}

// ageNow is the clock that deletion goes by: it goes on no faster than the
// monotonic one, whatever the server's clock is set to.
func (r *Recorder) ageNow() time.Time { return r.base.Add(r.Since() - r.zero) }

// victim is a segment that may go.
type victim struct {
	s    *stream
	d    *day
	e    entry
	from int64
}

// makeRoom deletes what is over age, over a camera's bytes, over the bytes of
// all, and then while a disk has less than Spare left: the oldest first.
func (r *Recorder) makeRoom() {
	r.readAll()
	r.tidying.Lock()
	defer r.tidying.Unlock()
	now := r.ageNow()
	r.mu.Lock()
	policies, told := maps.Clone(r.policies), r.told
	r.mu.Unlock()
	oldest := func(s *stream) int64 {
		days := cmp.Or(policies[s.camera].Days, DefaultDays)
		if r.Days > 0 {
			days = min(days, r.Days)
		}
		return now.AddDate(0, 0, -days).UnixMilli()
	}
	r.purge("age", func(s *stream, d *day) bool { return (told || s.seen) && d.from < oldest(s) }, never,
		func(v victim) bool { return v.from+v.e.millis() < oldest(v.s) })
	used, all := r.used()
	r.purge("bytes of the camera", func(s *stream, _ *day) bool {
		most := policies[s.camera].Bytes
		return most > 0 && used[s.camera] > most
	}, never,
		func(v victim) bool {
			if used[v.s.camera] <= policies[v.s.camera].Bytes {
				return false
			}
			used[v.s.camera] -= int64(v.e.size)
			all -= int64(v.e.size)
			return true
		})
	r.purge("bytes of all", func(*stream, *day) bool { return r.Bytes > 0 && all > r.Bytes }, func() bool { return all <= r.Bytes },
		func(v victim) bool {
			if all <= r.Bytes {
				return false
			}
			all -= int64(v.e.size)
			return true
		})
	for _, disk := range r.Disks {
		st := diskState(disk)
		st.Low = st.Total > 0 && st.Free < 2*r.Spare
		if r.OnDisk != nil {
			r.OnDisk(st)
		}
		if r.Spare <= 0 || st.Total == 0 || st.Free >= r.Spare {
			continue
		}
		free := st.Free
		r.purge("disk full", func(_ *stream, d *day) bool { return within(d.dir, disk) }, func() bool { return free >= r.Spare }, func(v victim) bool {
			if free >= r.Spare {
				return false
			}
			free += int64(v.e.size)
			return true
		})
	}
}

func never() bool { return false }

func within(dir, disk string) bool {
	rel, err := filepath.Rel(disk, dir)
	return err == nil && filepath.IsLocal(rel)
}

// used adds up what each camera and all of them hold.
func (r *Recorder) used() (map[string]int64, int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, all := map[string]int64{}, int64(0)
	for _, s := range r.streams {
		for _, d := range s.days {
			out[s.camera] += d.bytes
			all += d.bytes
		}
	}
	return out, all
}

// purge deletes what over picks, which is asked from the oldest on over all
// streams, until enough is true. Days that in leaves out are not looked at.
func (r *Recorder) purge(why string, in func(*stream, *day) bool, enough func() bool, over func(victim) bool) {
	r.mu.Lock()
	var found []victim
	var next cursors
	for _, s := range r.streams {
		for _, d := range s.days {
			if len(d.entries) > 0 && in(s, d) {
				next = append(next, &cursor{s: s, d: d})
			}
		}
	}
	wall := r.Now()
	heap.Init(&next)
	for len(next) > 0 && !enough() {
		c := next[0]
		v := victim{c.s, c.d, c.d.entries[c.i], c.start()}
		if c.i++; c.i < len(c.d.entries) {
			heap.Fix(&next, 0)
		} else {
			heap.Pop(&next)
		}
		live := v.s.live == v.d && v.s.liveAt == v.e.at
		// What goes must not come into the index after.
		if !live && !r.pinned(v.s.camera, v.from, v.from+v.e.millis(), wall) && !r.beingFiled(v.d.path(v.e)) && over(v) {
			found = append(found, v)
		}
	}
	r.mu.Unlock()
	for _, v := range found {
		if err := r.remove(v, why); err != nil {
			r.Log.Error("record: delete", "camera", v.s.camera, "err", err)
		}
	}
}

// cursor is the next entry of a day, cursors a heap of them by start.
type cursor struct {
	s *stream
	d *day
	i int
}

func (c *cursor) start() int64 { return c.d.start(c.d.entries[c.i]) }

type cursors []*cursor

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (cs cursors) Len() int           { return len(cs) }
func (cs cursors) Less(i, j int) bool { return cs[i].start() < cs[j].start() }
func (cs cursors) Swap(i, j int)      { cs[i], cs[j] = cs[j], cs[i] }
func (cs *cursors) Push(c any)        { *cs = append(*cs, c.(*cursor)) }
func (cs *cursors) Pop() any {
	n := len(*cs) - 1
	c := (*cs)[n]
	*cs = (*cs)[:n]
	return c
}

// deletion is a line of the deletion log.
type deletion struct {
	At       time.Time       `json:"at"`
	Camera   string          `json:"camera"`
	Profile  streams.Profile `json:"profile"`
	From     time.Time       `json:"from"`
	To       time.Time       `json:"to"`
	Bytes    int64           `json:"bytes"`
	Why      string          `json:"why"`
	FileName string          `json:"file"`
}

// remove deletes one segment: first the log, then the file, then the index. The
// pins are looked at once more: one may have come since it was chosen.
func (r *Recorder) remove(v victim, why string) error {
	r.mu.Lock()
	i, ok := v.d.find(v.e.at)
	if !ok || r.pinned(v.s.camera, v.from, v.from+v.e.millis(), r.Now()) {
		r.mu.Unlock()
		return nil
	}
	v.s.drop(v.d, i)
	r.mu.Unlock()
	line, err := json.Marshal(deletion{r.Now().UTC(), v.s.camera, v.s.profile, time.UnixMilli(v.from).UTC(),
		time.UnixMilli(v.from + v.e.millis()).UTC(), int64(v.e.size), why, v.e.name()})
	if err == nil {
		err = appendSynced(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(v.d.dir))), deletedName), append(line, '\n'))
	}
	// On a full disk the log cannot grow before something went.
	full := err != nil
	if rerr := os.Remove(v.d.path(v.e)); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return errors.Join(err, rerr)
	}
	if full && line != nil {
		err = appendSynced(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(v.d.dir))), deletedName), append(line, '\n'))
	}
	return errors.Join(err, v.d.log(removed, v.e), r.clear(v.s, v.d))
}

// clear removes the folder of a day that is over and holds nothing any more.
func (r *Recorder) clear(s *stream, d *day) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(d.entries) > 0 || time.UnixMilli(d.from+2*dayMillis).After(r.ageNow()) {
		return nil
	}
	s.days = slices.DeleteFunc(s.days, func(o *day) bool { return o == d })
	if err := os.Remove(filepath.Join(d.dir, clockName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Remove(filepath.Join(d.dir, indexName)), os.Remove(d.dir))
}

func appendSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// insert adds a segment; the lock is held.
func (s *stream) insert(d *day, e entry) {
	if !slices.Contains(s.days, d) {
		s.add(d)
	}
	d.insert(e)
}

// drop forgets a segment; the lock is held.
func (s *stream) drop(d *day, i int) { d.cut(i) }

// pick returns the disk for a stream's next file: the one it wrote to last, so
// that a day lies on one disk, while that has room and takes files. Else the one
// with the most room for each stream that writes to it.
func (r *Recorder) pick(s *stream, day int64) string {
	states := make([]DiskState, len(r.Disks))
	for i, disk := range r.Disks {
		states[i] = diskState(disk)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	streams := map[string]int64{}
	for _, o := range r.streams {
		if o.live != nil && o != s {
			streams[o.disk]++
		}
	}
	best, most := r.Disks[0], int64(-1)
	for i, disk := range r.Disks {
		if at, bad := r.bad[disk]; bad && r.Since()-at < time.Minute {
			continue
		}
		free := states[i].Free
		if s.disk == disk && s.diskDay == day && free > r.Spare/2 {
			return disk
		}
		if share := free / (1 + streams[disk]); share > most {
			best, most = disk, share
		}
	}
	s.disk, s.diskDay = best, day
	return best
}

// Room returns the bytes of all footage that is known, and what is free on each
// disk, in the order of Disks.
func (r *Recorder) Room() (bytes int64, free []int64) {
	_, bytes = r.used()
	for _, disk := range r.Disks {
		free = append(free, diskState(disk).Free)
	}
	return bytes, free
}
