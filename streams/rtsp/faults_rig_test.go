package rtsp

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"sharpeyes/streams"
	"sharpeyes/streams/camsim/faulty"
)

// stale is when the wall says that a picture is old: a healthy camera beside a
// faulty one is never let wait that long.
const stale = 2 * time.Second

// scene is one fleet with one puller, a healthy camera, and the faulty ones. It
// runs alone, so that what it leaves behind can be counted.
type scene struct {
	*testing.T
	puller  *Puller
	fleet   *streams.Fleet
	healthy *viewer

	goroutines, files int

	mu      sync.Mutex
	viewers map[string]*viewer // by camera
	dials   map[string][]time.Time
	cameras []*faulty.Camera
}

// newScene starts with the healthy camera. Times are a fifth of the real ones.
func newScene(t *testing.T, tune func(*Puller)) *scene {
	t.Helper()
	s := &scene{T: t, goroutines: runtime.NumGoroutine(), files: openFiles(t), puller: New(),
		viewers: map[string]*viewer{}, dials: map[string][]time.Time{}}
	p := s.puller
	p.ReadTimeout, p.KeyWait, p.StableAfter = 2*time.Second, 12*time.Second, 2*time.Second
	p.MinBackoff, p.MaxBackoff, p.RefusedWait, p.HostGap = 20*time.Millisecond, 200*time.Millisecond, 12*time.Second, time.Millisecond
	if tune != nil {
		tune(p)
	}
	p.Dial = s.dial
	s.fleet = streams.NewFleet(p.Pull)
	s.fleet.Linger = time.Millisecond
	s.fleet.OnChange = s.changed
	t.Cleanup(s.end)
	s.healthy = s.watch(t, "healthy", faulty.New(), false)
	s.healthy.pictures(5)
	return s
}

func (s *scene) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	s.dials[address] = append(s.dials[address], time.Now())
	for _, v := range s.viewers {
		v.stir()
	}
	s.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// dialled is when a camera was dialled, once it was.
func (v *viewer) dialled() []time.Time {
	v.Helper()
	var at []time.Time
	v.until("dialled", func() bool {
		v.scene.mu.Lock()
		defer v.scene.mu.Unlock()
		at = slices.Clone(v.scene.dials[v.cam.Addr()])
		return len(at) > 0
	})
	return at
}

func (s *scene) changed(st streams.Status) {
	s.mu.Lock()
	v := s.viewers[st.Camera]
	s.mu.Unlock()
	if v != nil {
		v.mu.Lock()
		v.states = append(v.states, news{st, time.Now()})
		v.mu.Unlock()
		v.stir()
	}
}

// watch opens a camera and somebody who looks at it.
func (s *scene) watch(t testing.TB, name string, cam *faulty.Camera, udp bool) *viewer {
	t.Helper()
	v := s.place(t, name, cam, udp)
	v.look()
	return v
}

// place opens a camera and lets the fleet know it; nobody looks yet.
func (s *scene) place(t testing.TB, name string, cam *faulty.Camera, udp bool) *viewer {
	t.Helper()
	cam.Failed = t.Errorf
	if err := cam.Open(); err != nil {
		t.Fatal(err)
	}
	v := &viewer{TB: t, scene: s, cam: cam, ended: make(chan struct{}), stirred: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	v.spec = streams.Spec{Camera: name, Profile: streams.Main, URL: cam.URL(), Username: "admin", Password: cmp.Or(cam.Password, "hunter2"), UDP: udp}
	s.mu.Lock()
	s.cameras = append(s.cameras, cam)
	s.viewers[name] = v
	s.mu.Unlock()
	s.fleet.Set(name, v.spec)
	return v
}

// end closes everything and counts what is left. The healthy camera was not
// touched by what happened beside it.
func (s *scene) end() {
	if h := s.healthy; h != nil && !s.Failed() {
		h.pictures(3)
		h.whole()
		if st := h.hub.Status(); st.State != streams.Live || st.Lost+st.Discarded+st.Reconnects != 0 || st.Degraded {
			s.Errorf("the healthy camera: %+v", st)
		}
		if held := h.heldUp(); held > stale+3*time.Second { // a loaded machine holds up everybody
			s.Errorf("the healthy camera was held up for %v", held)
		}
	}
	for _, v := range s.viewers {
		v.leave()
	}
	s.fleet.Close()
	for _, c := range s.cameras {
		c.Close()
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > s.goroutines || openFiles(s.T) > s.files; runtime.Gosched() {
		if time.Now().After(deadline) {
			b := make([]byte, 1<<20)
			s.Errorf("%d goroutines, were %d; %d files, were %d\n%s", runtime.NumGoroutine(), s.goroutines, openFiles(s.T), s.files, b[:runtime.Stack(b, true)])
			return
		}
	}
}

// seen is one picture as it came out of the hub.
type seen struct {
	number   uint64
	numbered bool
	key      bool
	pts      int64
	at       time.Time
	desc     *streams.Desc
	size     int
	degraded bool // is what the interface showed then
}

// viewer is somebody who looks at one camera all the time.
type viewer struct {
	testing.TB
	scene   *scene
	cam     *faulty.Camera
	spec    streams.Spec
	hub     *streams.Hub
	release func()
	wake    chan struct{}
	ended   chan struct{}
	left    sync.Once
	wg      sync.WaitGroup

	mu      sync.Mutex
	seen    []seen
	frames  []*streams.Frame // the first ones, as many as there is room for
	states  []news
	read    int // states that were waited for
	longest time.Duration
	stirred chan struct{}
}

// news is what was told, and when.
type news struct {
	streams.Status
	at time.Time
}

// want has the camera pulled, though nobody looks: as a recorder's packets do,
// its own may then come in bunches.
func (v *viewer) want() {
	v.Helper()
	hub, release, err := v.scene.fleet.Acquire(v.spec.Camera, streams.Main)
	if err != nil {
		v.Fatal(err)
	}
	v.hub, v.release = hub, release
}

func (v *viewer) look() {
	v.Helper()
	if v.hub == nil {
		v.want()
	}
	r := v.hub.NewReader(func() {
		select {
		case v.wake <- struct{}{}:
		default:
		}
	})
	v.wg.Go(func() {
		defer r.Close()
		for {
			f, _ := r.Next()
			if f == nil {
				select {
				case <-v.wake:
					continue
				case <-v.ended:
					return
				}
			}
			if f.Kind == streams.Video {
				v.take(f)
			}
		}
	})
}

func (v *viewer) take(f *streams.Frame) {
	n, ok := faulty.Number(f.Payloads)
	now := time.Now()
	v.mu.Lock()
	if len(v.seen) > 0 {
		v.longest = max(v.longest, now.Sub(v.seen[len(v.seen)-1].at))
	}
	v.seen = append(v.seen, seen{n, ok, f.Key, f.PTS, now, f.Desc, f.Size, v.hub.Status().Degraded})
	if len(v.frames) < cap(v.frames) {
		v.frames = append(v.frames, f)
	}
	v.mu.Unlock()
	v.stir()
}

// heldUp is the longest time between two pictures so far.
func (v *viewer) heldUp() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.longest
}

func (v *viewer) stir() {
	select {
	case v.stirred <- struct{}{}:
	default:
	}
}

// leave stops looking. It may be called more than once.
func (v *viewer) leave() {
	v.left.Do(func() {
		close(v.ended)
		v.wg.Wait()
		v.release()
	})
}

// until waits for something to become true of what was seen and told.
func (v *viewer) until(what string, done func() bool) {
	v.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		v.mu.Lock()
		ok := done()
		v.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-v.stirred:
		case <-timeout.C:
			v.mu.Lock()
			pictures := len(v.seen)
			v.mu.Unlock()
			v.Fatalf("%s: not %s; %d pictures, %+v", v.spec.Camera, what, pictures, v.hub.Status())
		}
	}
}

// pictures waits for n more and returns all that came so far.
func (v *viewer) pictures(n int) []seen {
	v.Helper()
	v.mu.Lock()
	want := len(v.seen) + n
	v.mu.Unlock()
	return v.first(want)
}

// first waits until n pictures were seen since the beginning.
func (v *viewer) first(n int) []seen {
	v.Helper()
	var out []seen
	v.until(fmt.Sprintf("%d pictures", n), func() bool {
		out = slices.Clone(v.seen)
		return len(out) >= n
	})
	return out
}

// passed waits for a picture at or after a number.
func (v *viewer) passed(number uint64) []seen {
	v.Helper()
	var out []seen
	v.until(fmt.Sprintf("picture %d", number), func() bool {
		out = slices.Clone(v.seen)
		return len(out) > 0 && out[len(out)-1].numbered && out[len(out)-1].number >= number
	})
	return out
}

// told waits until the interface was told a state that it was not told before,
// and that is right.
func (v *viewer) told(want streams.State, right func(news) bool) news {
	v.Helper()
	var st news
	v.until("told "+string(want), func() bool {
		for v.read < len(v.states) {
			st = v.states[v.read]
			v.read++
			if st.State == want && right(st) {
				return true
			}
		}
		return false
	})
	return st
}

// state waits for a state with its reason.
func (v *viewer) state(want streams.State, why streams.Reason) news {
	v.Helper()
	return v.told(want, func(n news) bool { return n.Reason == why })
}

// whole checks that no picture is missing.
func (v *viewer) whole() {
	v.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	whole(v, v.seen)
}

func whole(t testing.TB, all []seen) {
	t.Helper()
	for i, s := range all {
		if !s.numbered || i > 0 && s.number != all[i-1].number+1 {
			t.Errorf("picture %d is number %d %v after %d", i, s.number, s.numbered, all[max(0, i-1)].number)
			return
		}
	}
}

// sound checks what holds of every stream, whatever the camera does: it begins
// with a key frame, goes on with one after a hole, never goes back to a picture
// that was there, and its time goes on without a jump.
func sound(t testing.TB, all []seen) {
	t.Helper()
	for i, s := range all {
		if i == 0 {
			if !s.key {
				t.Error("it does not begin with a key frame")
			}
			continue
		}
		before := all[i-1]
		if s.numbered && before.numbered && s.number != before.number {
			if s.number < before.number {
				t.Errorf("picture %d after %d", s.number, before.number)
			}
			if s.number != before.number+1 && !s.key {
				t.Errorf("picture %d after %d without a key frame", s.number, before.number)
			}
		}
		step := time.Duration(s.pts-before.pts) * time.Second / 90000
		if limit := s.at.Sub(before.at) + stale; step <= 0 || step > limit {
			t.Errorf("picture %d: the time goes %v on, %v after the one before", i, step, s.at.Sub(before.at))
		}
	}
}

// fault is one camera that goes wrong, and what is to be seen of it.
type fault struct {
	name   string
	tune   func(*faulty.Camera)
	udp    bool
	unseen bool // nobody looks
	check  func(v *viewer)
}

// faults runs all at the same time, each beside the others.
func (s *scene) faults(t *testing.T, all []fault) {
	t.Run("faults", func(t *testing.T) {
		for _, f := range all {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				cam := faulty.New()
				if f.tune != nil {
					f.tune(cam)
				}
				v := s.place(t, f.name, cam, f.udp)
				if v.frames = make([]*streams.Frame, 0, 400); f.unseen {
					v.want()
				} else {
					v.look()
				}
				f.check(v)
				v.leave()
			})
		}
	})
}
