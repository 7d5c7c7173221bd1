package streams

import "slices"

// Reader is one place that frames go to. Its methods belong to one goroutine.
type Reader struct {
	hub     *Hub
	wake    func()
	next    uint64
	synced  bool // the picture up to next can be decoded
	dropped int64
	patient bool
}

// NewReader adds a reader that starts at the newest key frame, or at the next
// one where the hub keeps none. wake is called for each new frame, under the
// hub's lock: it must not block or call the hub. It may be nil: many readers
// are served by one OnFrame.
func (h *Hub) NewReader(wake func()) *Reader { return h.newReader(wake, false) }

// NewPatientReader is NewReader for one that is no viewer: frames may come to it
// in bunches, and it is not counted.
func (h *Hub) NewPatientReader(wake func()) *Reader { return h.newReader(wake, true) }

func (h *Hub) newReader(wake func(), patient bool) *Reader {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &Reader{hub: h, wake: wake, next: h.base + uint64(len(h.frames)), patient: patient}
	if h.hasKey && !h.waitKey {
		r.next, r.synced = h.key, true
	} else {
		tell(h.wanted)
	}
	h.readers[r] = struct{}{}
	if wake != nil {
		h.wakes = append(h.wakes, r)
	}
	if !patient {
		h.watched.Add(1)
		tell(h.joined)
	}
	return r
}

// OnFrame has fn called after each new frame by the one who published it, who
// waits for it: fn must not block. Who came first is called last: it may do some
// work, while others only wake somebody up. A call may still come after stop.
func (h *Hub) OnFrame(fn func()) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.after = append([]*func(){&fn}, h.after...)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.after = slices.DeleteFunc(slices.Clone(h.after), func(f *func()) bool { return f == &fn })
	}
}

// Close removes the reader.
func (r *Reader) Close() {
	r.hub.mu.Lock()
	if _, open := r.hub.readers[r]; open && !r.patient {
		r.hub.watched.Add(-1)
	}
	delete(r.hub.readers, r)
	r.hub.wakes = slices.DeleteFunc(r.hub.wakes, func(o *Reader) bool { return o == r })
	r.hub.mu.Unlock()
}

// Next returns the next frame and the number of frames that wait behind it, or
// nil when there is none yet. A reader that was overtaken goes on at the newest
// key frame. Who has done with a frame may release it.
func (r *Reader) Next() (f *Frame, behind int) {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if r.next < h.base {
			r.dropped += int64(h.base - r.next)
			r.next, r.synced = h.base, false
		}
		if !r.synced && h.hasKey && r.next < h.key {
			r.dropped += int64(h.key - r.next)
			r.next = h.key
		}
		end := h.base + uint64(len(h.frames))
		if r.next >= end {
			return nil, 0
		}
		f = h.frames[r.next-h.base]
		r.next++
		if !r.synced && !f.Key {
			r.dropped++
			continue
		}
		r.synced = true
		f.hold()
		return f, int(end - r.next)
	}
}

// Skip makes the reader go on at the next key frame, the newest kept one
// included when again is set: a viewer that lost packets asks for that.
func (r *Reader) Skip(again bool) {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	r.synced = false
	if again && h.hasKey && !h.waitKey && h.key < r.next {
		r.next, r.synced = h.key, true
	}
}

// Dropped is the number of frames that this reader lost.
func (r *Reader) Dropped() int64 {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.dropped
}
