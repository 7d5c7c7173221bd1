package streams

import (
	"context"
	"errors"
	"sync"
	"time"
)

// DefaultLinger is how long an on-demand pull outlives its last reader.
const DefaultLinger = 30 * time.Second

// Spec says how one stream is pulled.
type Spec struct {
	Camera   string
	Profile  Profile
	URL      string // without credentials
	Username string
	Password string
	UDP      bool // RTP over UDP instead of TCP interleaved
	Always   bool // pulled whether somebody watches or not
}

// PullFunc pulls one stream into a hub until ctx ends, reconnecting for ever,
// and tells the hub its state. Adapters provide it (streams/rtsp).
type PullFunc func(ctx context.Context, spec Spec, hub *Hub)

// ErrUnknown is returned for a camera or profile the fleet does not have.
var ErrUnknown = errors.New("no such stream")

// Fleet keeps one pull per camera and profile.
type Fleet struct {
	// Pull is required; Linger, Now and OnChange have defaults. Set before use.
	Pull     PullFunc
	Linger   time.Duration
	Now      func() time.Time
	OnChange func(Status) // called from the pulls' goroutines; must not block

	mu      sync.Mutex
	streams map[streamKey]*stream
	closed  bool
	wg      sync.WaitGroup
}

type streamKey struct {
	camera  string
	profile Profile
}

// stream is one camera's profile: its hub and the pull, when one runs.
type stream struct {
	spec   Spec
	hub    *Hub
	users  int
	looks  int                // of Glance
	cancel context.CancelFunc // nil: no pull runs
	ended  chan struct{}      // closed when the last pull has returned; nil: none ever ran
	linger *time.Timer
}

// NewFleet returns an empty fleet.
func NewFleet(pull PullFunc) *Fleet {
	return &Fleet{Pull: pull, Linger: DefaultLinger, Now: time.Now, streams: map[streamKey]*stream{}}
}

// Set replaces the specs of one camera: a changed one is pulled anew into the
// same hub, so that its readers go on; one that is gone is ended. No spec at
// all removes the camera.
func (f *Fleet) Set(camera string, specs ...Spec) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	for _, p := range []Profile{Main, Sub} {
		k := streamKey{camera, p}
		var want *Spec
		for i := range specs {
			if specs[i].Profile == p {
				want = &specs[i]
			}
		}
		s := f.streams[k]
		switch {
		case want == nil && s != nil:
			f.stop(s)
			close(s.hub.gone)
			delete(f.streams, k)
		case want != nil && s == nil:
			s = &stream{spec: *want, hub: NewHub(camera, p, f.Now, f.OnChange)}
			f.streams[k] = s
			f.settle(s)
		case want != nil && s.spec != *want:
			f.stop(s)
			s.spec = *want
			f.settle(s)
		}
	}
}

// settle starts the pull where one is wanted. f.mu is held.
func (f *Fleet) settle(s *stream) {
	if s.cancel != nil || !s.spec.Always && s.users == 0 && s.looks == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	before, ended := s.ended, make(chan struct{})
	s.cancel, s.ended = cancel, ended
	spec, hub := s.spec, s.hub
	f.wg.Go(func() {
		defer close(ended)
		if before != nil {
			<-before // never two pulls of one stream at a time
		}
		if ctx.Err() == nil {
			hub.SetState(Connecting, NoReason, "", time.Time{})
			f.Pull(ctx, spec, hub)
		}
		if f.rests(s, ended) {
			hub.Drop()
			hub.SetState(Idle, NoViewers, "", time.Time{})
		}
	})
}

// rests reports whether a stream whose pull has just returned is left without
// one. Only then may its frames go: a pull that is still ending could put new
// ones there.
func (f *Fleet) rests(s *stream, ended chan struct{}) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-s.hub.gone:
		return false
	default:
		return !f.closed && s.ended == ended && s.cancel == nil
	}
}

// stop ends the pull without waiting for it. f.mu is held.
func (f *Fleet) stop(s *stream) {
	if s.linger != nil {
		s.linger.Stop()
		s.linger = nil
	}
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
}

// Acquire returns the hub of a stream and starts its pull where none runs. A
// camera without a sub stream answers with its main one; the hub's Status tells
// which. Call release when done.
func (f *Fleet) Acquire(camera string, p Profile) (h *Hub, release func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.streams[streamKey{camera, p}]
	if s == nil && p == Sub {
		s = f.streams[streamKey{camera, Main}]
	}
	if s == nil || f.closed {
		return nil, nil, ErrUnknown
	}
	s.users++
	if s.linger != nil {
		s.linger.Stop()
		s.linger = nil
	}
	f.settle(s)
	return s.hub, sync.OnceFunc(func() { f.release(s) }), nil
}

func (f *Fleet) release(s *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.users--
	if s.users > 0 || s.spec.Always || s.cancel == nil || f.closed {
		return
	}
	s.linger = time.AfterFunc(f.Linger, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if s.users > 0 || s.cancel == nil || s.spec.Always {
			return
		}
		if s.linger = nil; s.looks == 0 {
			f.stop(s)
		}
	})
}

// Status returns a camera's status: that of its main stream, or of the sub
// stream where only that is pulled.
func (f *Fleet) Status(camera string) (Status, bool) {
	profiles := f.Profiles(camera)
	return Whole(profiles), len(profiles) > 0
}

// Each calls fn with the status of every stream.
func (f *Fleet) Each(fn func(Status)) {
	f.mu.Lock()
	hubs := make([]*Hub, 0, len(f.streams))
	for _, s := range f.streams {
		hubs = append(hubs, s.hub)
	}
	f.mu.Unlock()
	for _, h := range hubs {
		fn(h.Status())
	}
}

// Close ends every pull and waits for them.
func (f *Fleet) Close() {
	f.mu.Lock()
	f.closed = true
	for _, s := range f.streams {
		f.stop(s)
	}
	f.mu.Unlock()
	f.wg.Wait()
}
