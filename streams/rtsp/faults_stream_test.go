package rtsp

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
	"sharpeyes/streams/camsim/faulty"
)

// TestFaultNoKeyFrame has cameras that send pictures, but for long no key frame:
// the viewers are told, the camera is asked anew in the end, and the picture is
// back with the first key frame.
func TestFaultNoKeyFrame(t *testing.T) {
	s := newScene(t, func(p *Puller) { p.ReadTimeout, p.KeyWait = time.Second, 3*time.Second })
	noKey := func(n news) bool { return strings.Contains(n.Detail, "no key frame") }
	s.faults(t, []fault{
		{name: "from the start", tune: func(c *faulty.Camera) {
			c.Script = faulty.Once(faulty.Midway(), faulty.Keyless(faulty.Forever))
		}, check: func(v *viewer) {
			from := v.dialled()[0]
			if took := v.told(streams.Silent, noKey).at.Sub(from); took > 2*s.puller.ReadTimeout {
				v.Errorf("told after %v", took)
			}
			asked := v.told(streams.Silent, func(n news) bool { return noKey(n) && !n.RetryAt.IsZero() })
			if took := asked.at.Sub(from); took < s.puller.KeyWait || took > 2*s.puller.KeyWait {
				v.Errorf("asked anew after %v", took)
			}
			v.state(streams.Live, streams.NoReason)
			sound(v, v.pictures(20))
			if st := v.hub.Status(); st.Reconnects != 1 || st.Discarded == 0 {
				v.Errorf("%+v", st)
			}
		}},
		{name: "after a loss", tune: func(c *faulty.Camera) {
			c.Script = faulty.Steps(faulty.Play(20), faulty.Skip(1), faulty.Keyless(100), faulty.Play(faulty.Forever))
		}, check: func(v *viewer) {
			v.state(streams.Live, streams.NoReason)
			told := v.told(streams.Silent, noKey)
			all := v.first(20)
			if took := told.at.Sub(all[19].at); took > 2*s.puller.ReadTimeout || !told.RetryAt.IsZero() {
				v.Errorf("told after %v: %+v", took, told)
			}
			v.state(streams.Live, streams.NoReason)
			sound(v, v.pictures(20))
			if st := v.hub.Status(); st.Reconnects != 0 || st.Lost == 0 {
				v.Errorf("%+v", st)
			}
		}},
		{name: "long after the first", tune: func(c *faulty.Camera) {
			c.Script = faulty.Steps(faulty.Play(1), faulty.Keyless(180), faulty.Play(faulty.Forever))
		}, check: func(v *viewer) {
			all := v.first(200)
			whole(v, all)
			sound(v, all)
			if st := v.hub.Status(); st.State != streams.Live || st.Reconnects != 0 {
				v.Errorf("%+v", st)
			}
		}},
	})
}

// weigh is the heap without garbage.
func weigh() int64 {
	var m runtime.MemStats
	runtime.GC() // once for the pools, once for what was in them
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peak is the most that the heap had grown by, as far as it was not garbage,
// while run ran.
func peak(run func()) int64 {
	before, most := weigh(), int64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			most = max(most, weigh()-before)
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	run()
	close(stop)
	<-stopped
	return most
}

// TestFaultEndlessGOP sends 20 MB of pictures after one key frame: the hub keeps
// its 8, those who look go on, and who comes later sees the next key frame.
func TestFaultEndlessGOP(t *testing.T) {
	s := newScene(t, nil)
	cam := faulty.New()
	cam.Width, cam.Height, cam.Busy, cam.Rate = 320, 240, 300, 100
	later := make(chan struct{})
	cam.Script = faulty.Steps(faulty.Play(1), faulty.Keyless(180), faulty.Until(later), faulty.Play(faulty.Forever))
	v := s.watch(t, "endless", cam, false)
	before := weigh()
	v.first(181)
	held := weigh() - before
	if limit := int64(streams.MaxKeepBytes + streams.MaxKeepBytes/4); held > limit {
		t.Errorf("%d bytes held of %d sent", held, 181*cam.Busy*384)
	}
	second := &viewer{TB: t, scene: s, cam: cam, spec: v.spec, ended: make(chan struct{}), stirred: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	second.look()
	defer second.leave()
	close(later)
	sound(t, second.pictures(5))
	v.pictures(5)
	v.whole()
}

// TestFaultTimeStamps has cameras whose time goes wrong: ours goes on with the
// pictures, never back, and never ahead of the clock on the wall.
func TestFaultTimeStamps(t *testing.T) {
	s := newScene(t, nil)
	var all []fault
	for name, steps := range map[string][]faulty.Step{
		"jump ahead 3 hours":   {faulty.Jump(1e9)},
		"jump ahead 5 seconds": {faulty.Jump(5 * 90000)},
		"jump back 3 hours":    {faulty.Jump(-1e9)},
		"jump back 5 seconds":  {faulty.Jump(-5 * 90000)},
		"jump back half one":   {faulty.Jump(-45000)},
		"wrap":                 {faulty.StampAt(1<<32 - 5*1800)},
		"wrap with a jump":     {faulty.StampAt(1<<32 - 5*1800), faulty.Play(10), faulty.Jump(1 << 31)},
		"stand still":          {faulty.Pace(0)},
		"run back":             {faulty.Pace(-1800)},
		"twice as fast":        {faulty.Pace(3600)},
		"half as fast":         {faulty.Pace(900)},
		"one tick a picture":   {faulty.Pace(1)},
		"all over the place":   {faulty.Pace(200_000_000)},
		"back and right again": {faulty.Pace(-1800), faulty.Play(75), faulty.Pace(1800)},
	} {
		all = append(all, fault{name: name, tune: func(c *faulty.Camera) {
			c.Script = faulty.Steps(append(append([]faulty.Step{faulty.Play(25)}, steps...), faulty.Play(faulty.Forever))...)
		}, check: func(v *viewer) {
			all := v.first(160)
			whole(v, all)
			sound(v, all)
			first, last := all[0], all[len(all)-1]
			ours, wall := time.Duration(last.pts-first.pts)*time.Second/90000, last.at.Sub(first.at)
			if ahead := ours - wall; ahead > stale || ahead < -10*time.Second {
				v.Errorf("the time went on by %v in %v", ours, wall)
			}
			if st := v.hub.Status(); st.Discarded+st.Lost+st.Reconnects != 0 {
				v.Errorf("%+v", st)
			}
		}})
	}
	s.faults(t, all)
}

// TestFaultHugeUnits sends NAL units that are no picture any more: what is over
// the bound is dropped and counted, little is held, and the next key frame is
// shown. Each runs alone, to be weighed.
func TestFaultHugeUnits(t *testing.T) {
	for name, c := range map[string]struct {
		step faulty.Step
		good bool // within the bound
		udp  bool
	}{
		"1 MB":                      {faulty.Large(1 << 20), true, false},
		"10 MB":                     {faulty.Large(10 << 20), false, false},
		"64 MB":                     {faulty.Large(64 << 20), false, false},
		"100000 fragments":          {faulty.Fragments(100_000, 1), false, false},
		"100000 empty fragments":    {faulty.Fragments(100_000, 0), false, false},
		"10 MB over UDP":            {faulty.Large(10 << 20), false, true},
		"100000 fragments over UDP": {faulty.Fragments(100_000, 1), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, func(p *Puller) { p.ReadTimeout = DefaultReadTimeout })
			cam := faulty.New()
			sent := make(chan struct{})
			cam.Script = faulty.Steps(faulty.Play(20), c.step, faulty.Reached(sent), faulty.Play(faulty.Forever))
			v := s.watch(t, "huge", cam, c.udp)
			var all []seen
			held := peak(func() {
				v.first(20)
				<-sent
				all = v.passed(cam.Sent() + 10)
			})
			if limit := int64(2*streams.MaxAccessUnit + 4<<20); held > limit {
				t.Errorf("%d bytes held, at most %d are right", held, limit)
			}
			sound(t, all)
			largest := 0
			for _, p := range all {
				largest = max(largest, p.size)
			}
			if c.good != (largest >= 1<<20) || largest > streams.MaxAccessUnit+1<<20 {
				t.Errorf("a picture of %d bytes", largest)
			}
			st := v.hub.Status()
			if c.good != (st.Discarded == 0) || st.Reconnects != 0 || st.State != streams.Live {
				t.Errorf("%+v", st)
			}
		})
	}
}
