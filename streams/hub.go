package streams

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what a hub keeps for a fast start.
const (
	MaxKeep      = 10 * time.Second
	MaxKeepBytes = 8 << 20 // of memory: small payloads take whole chunks
	// keepBehind is how long frames before the newest key frame stay, so that
	// a reader a few frames behind does not lose the end of its GOP.
	keepBehind = 500 * time.Millisecond
	// keepPatient is the same for a patient reader, where there is one so far
	// behind.
	keepPatient = 3 * time.Second
	// degradedFor is how long a loss is told; the wall says "in the last 10 s".
	degradedFor = 10 * time.Second
)

// Hub holds the current GOP of one stream and hands it to readers.
type Hub struct {
	camera  string
	profile Profile
	now     func() time.Time
	gone    chan struct{}
	derived bool          // frames have another hub's time stamps already
	joined  chan struct{} // holds one: a reader came
	wanted  chan struct{} // holds one: a key frame is missed
	watched atomic.Int32  // readers that are not patient, to be asked without the lock

	mu      sync.Mutex
	frames  []*Frame // frames[0] has index base
	base    uint64
	key     uint64 // index of the newest key frame still kept
	hasKey  bool
	last    *Frame // the newest key frame, kept beyond the bounds
	bytes   int    // of memory
	waitKey bool   // what comes before the next key frame cannot be decoded
	readers map[*Reader]struct{}
	wakes   []*Reader // told of each frame
	after   []*func() // of OnFrame; replaced, never changed
	clock   [2]rebase // by Kind
	status  Status
	lostAt  time.Time // of the last packet that was lost on the way
	meter   meter
	desc    *Desc         // the newest; nil: none is known yet
	news    chan struct{} // closed at the next change of desc or state; nil: nobody waits
	changed func(Status)  // called without the lock; nil: nobody asks
}

// NewHub returns an idle hub.
func NewHub(camera string, profile Profile, now func() time.Time, changed func(Status)) *Hub {
	h := &Hub{camera: camera, profile: profile, now: now, gone: make(chan struct{}), changed: changed,
		joined: make(chan struct{}, 1), wanted: make(chan struct{}, 1),
		waitKey: true, readers: map[*Reader]struct{}{}}
	h.status = Status{Camera: camera, Profile: profile, State: Idle, Reason: NoViewers, Since: now()}
	return h
}

// Gone is closed when the camera was removed or disabled for good.
func (h *Hub) Gone() <-chan struct{} { return h.gone }

// Watched reports whether anybody reads. While nobody does, frames may come in
// bunches.
func (h *Hub) Watched() bool { return h.watched.Load() > 0 }

// Joined gets a value when a reader came since it was last looked at. It is for
// the one that pulls.
func (h *Hub) Joined() <-chan struct{} { return h.joined }

// Wanted gets a value when a key frame is missed: after a loss, and when a
// reader came that there is none for. It is for the one that pulls.
func (h *Hub) Wanted() <-chan struct{} { return h.wanted }

// Blind reports whether a reader that came now would have to wait for a key
// frame.
func (h *Hub) Blind() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waitKey || !h.hasKey
}

// tell leaves a value where none waits.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Publish hands a frame to every reader. The hub owns the frame from then on.
func (h *Hub) Publish(f *Frame) {
	now := h.now()
	h.mu.Lock()
	if f.Kind == Video {
		if h.waitKey && !f.Key {
			h.status.Discarded++
			h.mu.Unlock()
			f.Release()
			tell(h.wanted)
			return
		}
		h.waitKey = false
	} else if h.waitKey {
		h.mu.Unlock()
		return
	}
	f.At = now
	if !h.derived {
		f.PTS = h.clock[f.Kind].apply(f.PTS, f.Desc.ClockRate(f.Kind), f.Kind == Video && f.Desc.BFrames, now)
	}
	h.frames = append(h.frames, f)
	h.bytes += f.memory()
	if f.Key {
		h.key, h.hasKey = h.base+uint64(len(h.frames))-1, true
		h.keepLast(f)
	}
	h.trim(now)
	if f.Kind == Video {
		h.meter.frame(f, now)
		h.status.LastFrame = now
		if f.Key {
			h.status.LastKey, h.status.KeyInterval = now, h.meter.keyInterval
		}
		if d := f.Desc; d != nil {
			h.describe(d)
		}
	}
	var live Status
	turned := f.Kind == Video && h.status.State != Live
	if turned {
		h.setState(Live, NoReason, "", now)
		live = h.snapshot()
	}
	for _, r := range h.wakes {
		r.wake()
	}
	after := h.after
	h.mu.Unlock()
	if turned && h.changed != nil {
		h.changed(live)
	}
	for _, fn := range after {
		(*fn)()
	}
}

// trim forgets what no fast start needs: everything before the newest key
// frame but for the last moment, and what is over the bounds.
func (h *Hub) trim(now time.Time) {
	n, unread := 0, ^uint64(0)
	for _, r := range h.wakes {
		if r.patient {
			unread = min(unread, r.next)
		}
	}
	for n < len(h.frames)-1 {
		f, age, at := h.frames[n], now.Sub(h.frames[n].At), h.base+uint64(n)
		before := h.hasKey && at < h.key
		over := h.bytes > MaxKeepBytes || age > MaxKeep
		old := age > keepBehind && (at < unread || age > keepPatient)
		if !over && !(before && old) {
			break
		}
		h.bytes -= f.memory()
		f.Release()
		h.frames[n] = nil
		n++
	}
	h.frames = h.frames[n:]
	h.base += uint64(n)
	if h.hasKey && h.key < h.base {
		h.hasKey = false // the GOP is too long to keep whole
	}
}

// keepLast puts by the newest key frame; nil: there is none.
func (h *Hub) keepLast(f *Frame) {
	if h.last != nil {
		h.last.Release()
	}
	if h.last = f; f != nil {
		f.hold()
	}
}

// KeyFrame returns the newest key frame, also where its GOP became too long to
// be kept whole; nil: there is none since the stream rested. Who asks holds it.
func (h *Hub) KeyFrame() *Frame {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last != nil {
		h.last.hold()
	}
	return h.last
}

// Interrupt says that frames were lost: nothing can be decoded until the next
// key frame. Readers keep the picture they have.
func (h *Hub) Interrupt() {
	h.mu.Lock()
	h.waitKey = true
	h.mu.Unlock()
	tell(h.wanted)
}

// Restart says that a new connection begins: time stamps start anew.
func (h *Hub) Restart() {
	h.mu.Lock()
	h.waitKey = true
	for k := range h.clock {
		h.clock[k].again()
	}
	h.mu.Unlock()
}

// Drop forgets the kept frames; a hub that nobody reads holds no memory.
func (h *Hub) Drop() {
	h.mu.Lock()
	h.base += uint64(len(h.frames))
	for _, f := range h.frames {
		f.Release()
	}
	h.keepLast(nil)
	h.frames, h.bytes, h.hasKey, h.waitKey = nil, 0, false, true
	h.mu.Unlock()
}

// SetState records what the pull is doing. Live is set by Publish alone.
func (h *Hub) SetState(s State, why Reason, detail string, retryAt time.Time) {
	h.mu.Lock()
	same := h.status.State == s && h.status.Reason == why && h.status.RetryAt.Equal(retryAt)
	h.setState(s, why, detail, h.now())
	h.status.RetryAt = retryAt
	st := h.snapshot()
	h.mu.Unlock()
	if !same && h.changed != nil {
		h.changed(st)
	}
}

func (h *Hub) setState(s State, why Reason, detail string, now time.Time) {
	if h.status.State != s || h.status.Reason != why {
		h.status.Since = now
	}
	h.status.State, h.status.Reason, h.status.Detail, h.status.RetryAt = s, why, detail, time.Time{}
	h.spread()
}

// Count adds to what was lost on the way, discarded, and reconnected.
func (h *Hub) Count(lost, discarded, reconnects int64) {
	h.mu.Lock()
	h.status.Lost += lost
	if lost > 0 {
		h.lostAt = h.now()
	}
	h.status.Discarded += discarded
	h.status.Reconnects += reconnects
	h.mu.Unlock()
}

// SetClock records that the camera says that it is at, now.
func (h *Hub) SetClock(at time.Time) {
	now := h.now()
	h.mu.Lock()
	h.status.ClockOffset, h.status.ClockAt = at.Sub(now.Round(0)), now
	h.mu.Unlock()
}

// Clock returns by how much the camera's clock is ahead of ours, and when it said
// so; zero: it has never said.
func (h *Hub) Clock() (offset time.Duration, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status.ClockOffset, h.status.ClockAt
}

// Status returns what is known now.
func (h *Hub) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.snapshot()
}

func (h *Hub) snapshot() Status {
	s := h.status
	s.Readers = int(h.watched.Load())
	s.Degraded = !h.lostAt.IsZero() && h.now().Sub(h.lostAt) < degradedFor
	s.FPS, s.Kbps = h.meter.rates(h.now())
	return s
}
