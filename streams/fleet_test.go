package streams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pulls is a PullFunc that plays until its end and records what it was asked.
type pulls struct {
	t     *testing.T
	mu    sync.Mutex
	log   []string
	now   map[*Hub]int
	ended int
	late  time.Duration // between the end of ctx and the return; frames still come then
}

func (p *pulls) pull(ctx context.Context, spec Spec, hub *Hub) {
	p.mu.Lock()
	p.log = append(p.log, fmt.Sprint(spec.Camera, " ", spec.Profile, " ", spec.URL))
	if p.now == nil {
		p.now = map[*Hub]int{}
	}
	p.now[hub]++
	if p.now[hub] > 1 {
		p.t.Error("two pulls of one stream at a time")
	}
	p.mu.Unlock()
	hub.Restart()
	hub.Publish(made(Video, true, 100))
	<-ctx.Done()
	if p.late > 0 {
		time.Sleep(p.late)
		hub.Publish(made(Video, true, 100))
	}
	p.mu.Lock()
	p.now[hub]--
	p.ended++
	p.mu.Unlock()
}

func (p *pulls) want(log ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.log, log) {
		p.t.Errorf("pulled %q, want %q", p.log, log)
	}
}

func spec(camera string, p Profile, url string) Spec {
	return Spec{Camera: camera, Profile: p, URL: url}
}

func TestFleetPullsOnDemandOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulls{t: t}
		f := NewFleet(p.pull)
		defer f.Close()
		f.Set("a", spec("a", Main, "1"), spec("a", Sub, "2"))
		synctest.Wait()
		p.want()
		h, release, err := f.Acquire("a", Main)
		if err != nil {
			t.Fatal(err)
		}
		h2, release2, _ := f.Acquire("a", Main)
		synctest.Wait()
		p.want("a main 1")
		if h != h2 || h.Status().State != Live {
			t.Error("two viewers of one stream share no hub, or it does not play")
		}
		release()
		release() // once is enough
		time.Sleep(time.Hour)
		if s := h.Status(); s.State != Live {
			t.Errorf("ended under a viewer: %+v", s)
		}
		release2()
		time.Sleep(DefaultLinger - time.Second)
		if s := h.Status(); s.State != Live {
			t.Errorf("ended within the linger: %+v", s)
		}
		_, again, _ := f.Acquire("a", Main)
		time.Sleep(time.Minute)
		p.want("a main 1")
		again()
		time.Sleep(DefaultLinger)
		synctest.Wait()
		if s := h.Status(); s.State != Idle || s.Reason != NoViewers {
			t.Errorf("after the linger: %+v", s)
		}
		if st, ok := f.Status("a"); !ok || st.Profile != Main {
			t.Errorf("status %+v", st)
		}
	})
}

// TestFleetRestsOnlyAfterItsPull holds that frames which a pull publishes while
// it ends neither stay nor turn the stream live.
func TestFleetRestsOnlyAfterItsPull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulls{t: t, late: 700 * time.Millisecond}
		f := NewFleet(p.pull)
		defer f.Close()
		f.Set("a", spec("a", Main, "1"))
		h, release, _ := f.Acquire("a", Main)
		synctest.Wait()
		release()
		time.Sleep(DefaultLinger + time.Second)
		synctest.Wait()
		if s := h.Status(); s.State != Idle || len(h.frames) != 0 {
			t.Errorf("%d frames kept in state %+v", len(h.frames), s)
		}
		// A viewer that comes while the old pull ends gets a new one after it.
		_, release, _ = f.Acquire("a", Main)
		synctest.Wait()
		release()
		time.Sleep(DefaultLinger + 100*time.Millisecond)
		_, release, _ = f.Acquire("a", Main)
		time.Sleep(10 * time.Second)
		if s := h.Status(); s.State != Live {
			t.Errorf("%+v", s)
		}
		p.want("a main 1", "a main 1", "a main 1")
		release()
	})
}

func TestFleetFollowsItsCameras(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulls{t: t, late: time.Second}
		var told sync.Map
		f := NewFleet(p.pull)
		f.OnChange = func(s Status) { told.Store(s.Camera, s.State) }
		a := spec("a", Main, "1")
		a.Always = true
		f.Set("a", a)
		f.Set("a", a) // no change
		synctest.Wait()
		p.want("a main 1")
		h, release, _ := f.Acquire("a", Sub) // there is none: the main one
		defer release()
		if h.Status().Profile != Main {
			t.Error("sub stream of a camera without one")
		}
		a.URL = "2"
		f.Set("a", a)
		a.URL = "3"
		f.Set("a", a) // while the first still ends: the second never starts
		time.Sleep(time.Minute)
		p.want("a main 1", "a main 3")
		if h2, release, _ := f.Acquire("a", Main); h2 != h {
			t.Error("a changed camera has another hub")
		} else {
			release()
		}
		if s, _ := told.Load("a"); s != Live {
			t.Errorf("told %v", s)
		}
		var each []string
		f.Each(func(s Status) { each = append(each, s.Camera) })
		if !slices.Equal(each, []string{"a"}) {
			t.Errorf("each %q", each)
		}
		f.Set("a")
		<-h.Gone()
		if _, _, err := f.Acquire("a", Main); !errors.Is(err, ErrUnknown) {
			t.Errorf("a removed camera: %v", err)
		}
		if _, ok := f.Status("a"); ok {
			t.Error("status of a removed camera")
		}
		f.Close()
		if p.ended != 2 {
			t.Errorf("%d pulls have ended", p.ended)
		}
		f.Set("b", spec("b", Main, "1"))
		if _, _, err := f.Acquire("b", Main); !errors.Is(err, ErrUnknown) {
			t.Errorf("a closed fleet: %v", err)
		}
	})
}

func TestFleetBecomesOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulls{t: t}
		f := NewFleet(p.pull)
		defer f.Close()
		a := spec("a", Main, "1")
		a.Always = true
		f.Set("a", a)
		synctest.Wait()
		a.Always = false
		f.Set("a", a)
		synctest.Wait()
		if st, _ := f.Status("a"); st.State != Idle {
			t.Errorf("nobody watches, but %+v", st)
		}
	})
}

func TestFleetStatusOfTheSubStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulls{t: t}
		f := NewFleet(p.pull)
		defer f.Close()
		f.Set("a", spec("a", Main, "1"), spec("a", Sub, "2"))
		h, release, _ := f.Acquire("a", Sub)
		defer release()
		defer h.NewReader(func() {}).Close()
		synctest.Wait()
		if st, _ := f.Status("a"); st.Profile != Sub || st.State != Live || st.Readers != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// TestFleetFromManySides is for the race detector, deadlocks and leaks.
func TestFleetFromManySides(t *testing.T) {
	p := &pulls{t: t}
	f := NewFleet(p.pull)
	f.Linger = time.Millisecond
	f.OnChange = func(s Status) { f.Status(s.Camera) }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 300 {
				camera := string(rune('a' + rand.N(3)))
				switch rand.N(4) {
				case 0:
					s := spec(camera, Main, fmt.Sprint(i))
					s.Always = rand.N(2) == 0
					f.Set(camera, s)
				case 1:
					f.Set(camera)
				default:
					if h, release, err := f.Acquire(camera, Sub); err == nil {
						r := h.NewReader(func() {})
						r.Next()
						r.Close()
						release()
					}
				}
			}
		})
	}
	wg.Wait()
	f.Close()
	for h, n := range p.now {
		if n != 0 {
			t.Errorf("%d pulls of %p go on after Close", n, h)
		}
	}
}
