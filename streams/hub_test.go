package streams

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// made is a frame whose PTS, before the hub re-bases it, is its number.
func made(kind Kind, key bool, size int) *Frame {
	return &Frame{Kind: kind, Key: key, Size: size, Desc: &Desc{Video: H264, Width: 320, Height: 180}}
}

// model is what a hub did, as its readers must see it.
type model struct {
	hub   *Hub
	now   time.Time
	pts   [2]int64
	order map[*Frame]int // of the accepted frames
	video map[*Frame]int // number of the picture, with a hole for each interruption
	count int
	shows int
	blind bool
}

func newModel() *model {
	m := &model{now: time.Unix(1_700_000_000, 0), order: map[*Frame]int{}, video: map[*Frame]int{}, blind: true}
	m.hub = NewHub("cam", Main, func() time.Time { return m.now }, nil)
	return m
}

func (m *model) publish(kind Kind, key bool, size int) *Frame {
	f := made(kind, key, size)
	m.pts[kind] += (*Desc)(nil).ClockRate(kind) / 25
	f.PTS = m.pts[kind]
	m.hub.Publish(f)
	if key {
		m.blind = false
	}
	if m.blind {
		return f
	}
	m.count++
	m.order[f] = m.count
	if kind == Video {
		m.shows++
		m.video[f] = m.shows
	}
	return f
}

func (m *model) interrupt() { m.blind = true; m.shows++ }

// view is one reader and what it last showed.
type view struct {
	*Reader
	from, got int
	picture   *Frame
	jumped    bool // asked to go back: numbers do not add up any more
}

func (v *view) check(t *rapid.T, m *model) {
	f, behind := v.Next()
	if f == nil {
		return
	}
	if m.order[f] == 0 {
		t.Fatalf("a frame before a key frame was handed out")
	}
	v.got++
	if f.Kind == Video {
		if !f.Key && (v.picture == nil || m.video[f] != m.video[v.picture]+1) {
			t.Fatalf("picture %d after %d, without a key frame", m.video[f], m.video[v.picture])
		}
		v.picture = f
	} else if v.picture == nil {
		t.Fatal("sound before the first picture")
	}
	if total := v.got + int(v.Dropped()) + behind; !v.jumped && total != m.count-v.from {
		t.Fatalf("%d read + %d dropped + %d behind, of %d", v.got, v.Dropped(), behind, m.count-v.from)
	}
}

// TestHub drives a hub with everything that can happen to it. Whatever comes,
// a reader gets pictures that can be decoded one after the other.
func TestHub(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel()
		var views []*view
		pick := func() *view {
			if len(views) == 0 {
				return nil
			}
			return views[rapid.IntRange(0, len(views)-1).Draw(t, "reader")]
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { checkHub(t, m, len(views)) },
			"key": func(t *rapid.T) {
				for range rapid.IntRange(1, 4).Draw(t, "keys") {
					m.publish(Video, true, rapid.SampledFrom([]int{1, 50_000, 3 << 20}).Draw(t, "size"))
				}
			},
			"picture": func(t *rapid.T) {
				for range rapid.IntRange(1, 150).Draw(t, "pictures") {
					m.publish(Video, false, 5000)
					m.now = m.now.Add(40 * time.Millisecond)
				}
			},
			"sound": func(*rapid.T) { m.publish(Audio, false, 320) },
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			},
			"interrupt": func(*rapid.T) { m.hub.Interrupt(); m.interrupt() },
			"restart":   func(*rapid.T) { m.hub.Restart(); m.interrupt(); m.pts = [2]int64{} },
			"drop":      func(*rapid.T) { m.hub.Drop(); m.interrupt() },
			"join": func(*rapid.T) {
				v := &view{Reader: m.hub.NewReader(func() {})}
				v.from = int(v.next)
				if m.blind && v.from != m.count {
					t.Fatal("a reader starts with what came before an interruption")
				}
				views = append(views, v)
			},
			"leave": func(*rapid.T) {
				if v := pick(); v != nil {
					v.Close()
					views = slices.DeleteFunc(views, func(o *view) bool { return o == v })
				}
			},
			"skip": func(t *rapid.T) {
				if v := pick(); v != nil {
					again := rapid.Bool().Draw(t, "again")
					before := v.next
					v.Skip(again)
					if m.blind && v.next != before {
						t.Fatal("a reader goes back to before an interruption")
					}
					if v.next == before {
						v.picture = nil // the next is to be a key frame
					}
					v.jumped = v.jumped || again
				}
			},
			"read": func(t *rapid.T) {
				if v := pick(); v != nil {
					for range rapid.IntRange(1, 50).Draw(t, "frames") {
						v.check(t, m)
					}
				}
			},
		})
	})
}

// checkHub checks the bounds of what is kept.
func checkHub(t *rapid.T, m *model, readers int) {
	h := m.hub
	size := 0
	for _, f := range h.frames {
		size += f.memory()
		// When nothing comes, nothing is forgotten.
		if newest := h.frames[len(h.frames)-1]; newest.At.Sub(f.At) > MaxKeep {
			t.Fatalf("frame of %v before the newest kept", newest.At.Sub(f.At))
		}
	}
	if size != h.bytes || size > MaxKeepBytes && len(h.frames) > 1 {
		t.Fatalf("%d bytes kept, %d counted", size, h.bytes)
	}
	if h.hasKey && !h.frames[h.key-h.base].Key {
		t.Fatal("the newest key frame is none")
	}
	if got := h.Status().Readers; got != readers {
		t.Fatalf("%d readers, want %d", got, readers)
	}
	if int(h.base)+len(h.frames) != m.count {
		t.Fatalf("%d frames taken, want %d", int(h.base)+len(h.frames), m.count)
	}
}

func TestReaderStartsAtTheKeyFrame(t *testing.T) {
	m := newModel()
	m.publish(Video, false, 10) // before any key frame: discarded
	m.publish(Video, true, 10)
	m.publish(Video, false, 10)
	key := m.publish(Video, true, 10)
	m.publish(Audio, false, 10)
	last := m.publish(Video, false, 10)
	r := m.hub.NewReader(func() {})
	if f, behind := r.Next(); f != key || behind != 2 {
		t.Errorf("first frame %+v with %d behind", f, behind)
	}
	r.Next()
	if f, behind := r.Next(); f != last || behind != 0 {
		t.Errorf("last frame %+v with %d behind", f, behind)
	}
	if f, _ := r.Next(); f != nil {
		t.Errorf("a frame too many: %+v", f)
	}
	if s := m.hub.Status(); s.Discarded != 1 || s.State != Live || s.Width != 320 || s.Codec != H264 {
		t.Errorf("%+v", s)
	}
}

func TestSlowReaderGoesOnAtAKeyFrame(t *testing.T) {
	m := newModel()
	m.publish(Video, true, 10)
	slow := m.hub.NewReader(func() {})
	for range 20 * 25 {
		m.now = m.now.Add(40 * time.Millisecond)
		m.publish(Video, m.shows%50 == 0, 10)
	}
	f, _ := slow.Next()
	if f == nil || !f.Key || m.now.Sub(f.At) > 2*time.Second {
		t.Fatalf("goes on at %+v", f)
	}
	if slow.Dropped() == 0 {
		t.Error("nothing counted as dropped")
	}
}

func TestStateChangesAreTold(t *testing.T) {
	var told []string
	now := time.Unix(1_700_000_000, 0)
	var h *Hub
	h = NewHub("cam", Sub, func() time.Time { return now }, func(s Status) {
		if h.Status().State != s.State { // must not hold the hub's lock
			t.Error("told another state than there is")
		}
		told = append(told, fmt.Sprint(s.State, " ", s.Reason))
	})
	since := now
	h.SetState(Unreachable, NoRoute, "", now.Add(time.Second))
	now = now.Add(time.Second)
	h.SetState(Unreachable, NoRoute, "", time.Time{})
	if got := h.Status().Since; !got.Equal(since) {
		t.Errorf("the same failure since %v, want %v", got, since)
	}
	h.Publish(made(Video, true, 10))
	h.Publish(made(Video, false, 10))
	h.SetState(Live, NoReason, "", time.Time{})
	want := []string{"unreachable no_route", "unreachable no_route", "live "}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	h.Count(1, 2, 3)
	if s := h.Status(); s.Lost != 1 || s.Discarded != 2 || s.Reconnects != 3 || s.Profile != Sub {
		t.Errorf("%+v", s)
	}
}

// TestHubFromManySides is for the race detector.
func TestHubFromManySides(t *testing.T) {
	h := NewHub("cam", Main, time.Now, func(Status) {})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			wake := make(chan struct{}, 1)
			r := h.NewReader(func() {
				select {
				case wake <- struct{}{}:
				default:
				}
			})
			defer r.Close()
			for n := 0; n < 100; {
				<-wake
				for {
					f, _ := r.Next()
					if f == nil {
						break
					}
					n++
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		h.Publish(made(Video, i%10 == 0, 100))
		if i%35 == 0 {
			h.Interrupt()
			h.SetState(Silent, NoData, "", time.Time{})
		}
		h.Status()
	}
}

// BenchmarkPublish hands one frame to 100 readers that read it at once.
func BenchmarkPublish(b *testing.B) {
	h := NewHub("cam", Main, time.Now, nil)
	readers := make([]*Reader, 100)
	for i := range readers {
		readers[i] = h.NewReader(func() {})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Publish(made(Video, i%100 == 0, 1000))
		for _, r := range readers {
			if f, _ := r.Next(); f == nil {
				b.Fatal("no frame")
			}
		}
	}
}

// TestDegraded tells a loss for a while.
func TestDegraded(t *testing.T) {
	m := newModel()
	m.hub.Count(0, 5, 1)
	if m.hub.Status().Degraded {
		t.Error("degraded without a loss")
	}
	m.hub.Count(1, 0, 0)
	m.now = m.now.Add(degradedFor - 1)
	if !m.hub.Status().Degraded {
		t.Error("a loss is forgotten too soon")
	}
	m.now = m.now.Add(1)
	if m.hub.Status().Degraded {
		t.Error("degraded for ever")
	}
}

// TestWanted tells the one that pulls when a key frame is missed, and when
// somebody watches.
func TestWanted(t *testing.T) {
	m := newModel()
	told := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	check := func(what string, wanted, joined, watched bool) {
		t.Helper()
		if w, j, n := told(m.hub.Wanted()), told(m.hub.Joined()), m.hub.Watched(); w != wanted || j != joined || n != watched {
			t.Errorf("%s: wanted %v, joined %v, watched %v", what, w, j, n)
		}
	}
	check("at first", false, false, false)
	m.publish(Video, false, 10)
	check("a picture that cannot be shown", true, false, false)
	a := m.hub.NewReader(func() {})
	check("a reader without a picture", true, true, true)
	m.publish(Video, true, 10)
	b := m.hub.NewReader(func() {})
	check("a reader with one", false, true, true)
	m.hub.Interrupt()
	check("a loss", true, false, true)
	m.publish(Video, true, 10)
	for range 300 { // beyond what is kept
		m.now = m.now.Add(MaxKeep / 250)
		m.publish(Video, false, 10)
	}
	c := m.hub.NewReader(func() {})
	check("a reader, and the key frame is no longer kept", true, true, true)
	for _, r := range []*Reader{a, b, c} {
		r.Close()
	}
	check("all are gone", false, false, false)
}
