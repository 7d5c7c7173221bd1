package rtsp

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
	"sharpeyes/streams/camsim/faulty"
)

// cycles is how often a camera flaps: SHARPEYES_SOAK is for the long campaign.
func cycles(t *testing.T) int {
	t.Helper()
	v := os.Getenv("SHARPEYES_SOAK")
	if v == "" {
		return 16
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("SHARPEYES_SOAK: %v", err)
	}
	return n
}

// TestFaultFlapping lets a camera come and go: its port refuses, it hangs up at
// the door, right after PLAY, or with a reset after a few pictures. Times are a
// hundredth of the real ones.
func TestFaultFlapping(t *testing.T) {
	const handshake = 5 * time.Second // of the 35; the other 30 are MaxBackoff
	s := newScene(t, func(p *Puller) {
		p.MinBackoff, p.MaxBackoff, p.StableAfter = 10*time.Millisecond, 300*time.Millisecond, time.Hour
	})
	cam := faulty.New()
	cam.Script = func(n int) []faulty.Step {
		return [][]faulty.Step{
			{faulty.Play(faulty.Forever)}, {}, {faulty.Play(faulty.Forever)}, {faulty.Play(3), faulty.Hang()},
		}[n%4]
	}
	v := s.watch(t, "flapping", cam, false)
	n := cycles(t)
	for range n {
		back, from := time.Now(), cam.Sent()
		all := v.passed(from)
		if took := all[len(all)-1].at.Sub(back); took > s.puller.MaxBackoff+handshake {
			t.Errorf("online %v after its return", took)
		}
		if slam := rand.N(2) == 0; slam {
			cam.Slam(true)
			v.state(streams.Silent, streams.ClosedByCamera)
			cam.Slam(false)
			continue
		}
		cam.Down()
		for range 1 + rand.N(3) {
			v.told(streams.Unreachable, func(n news) bool { return n.Reason == streams.ConnRefused && !n.RetryAt.IsZero() })
		}
		if err := cam.Up(); err != nil {
			t.Fatal(err)
		}
	}
	sound(t, v.pictures(1))
	v.leave()
	waits(t, v)
	if st := v.hub.Status(); st.Reconnects < int64(n)/2 || st.Reconnects > int64(cam.Plays()) {
		t.Errorf("%d reconnects shown of %d connections", st.Reconnects, cam.Plays())
	}
	dials := v.dialled()
	for i := 1; i < len(dials); i++ {
		if gap := dials[i].Sub(dials[i-1]); gap < s.puller.MinBackoff {
			t.Errorf("two dials within %v", gap)
		}
	}
}

// waits checks the times between tries that were told: within the bounds, longer
// after the first, and no two alike.
func waits(t *testing.T, v *viewer) {
	t.Helper()
	p, longest := v.scene.puller, time.Duration(0)
	had := map[time.Duration]bool{}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.states {
		if n.RetryAt.IsZero() {
			continue
		}
		wait := n.RetryAt.Sub(n.at)
		if wait > p.MaxBackoff {
			t.Errorf("the next try was in %v", wait)
		}
		longest = max(longest, wait)
		had[wait.Round(time.Millisecond)] = true
	}
	if longest < p.MaxBackoff/3 || len(had) < 5 {
		t.Errorf("the waits were %v", had)
	}
}

// TestFaultWrongPassword has a camera that locks everybody out after five wrong
// sign-ins within ten minutes, as they do. It is never brought to that, and is up
// at once when the password is put right. A minute takes 250 ms.
func TestFaultWrongPassword(t *testing.T) {
	const wait = time.Minute / 240
	s := newScene(t, func(p *Puller) { p.RefusedWait = wait })
	cam := faulty.New()
	cam.Username, cam.Password, cam.LockAfter, cam.LockFor = "admin", "right", 5, 10*wait
	v := s.watch(t, "locked", cam, false)
	wrong := v.spec
	wrong.Password = "hunter2"
	v.pictures(3)
	s.fleet.Set("locked", wrong)
	for len(cam.Refused()) < 5 {
		st := v.told(streams.Refused, func(n news) bool { return n.Reason == streams.SignInRefused && !n.RetryAt.IsZero() })
		if strings.Contains(st.Detail, "hunter2") || !strings.Contains(st.Detail, "password") {
			t.Errorf("detail %q", st.Detail)
		}
		// Somebody comes to look, and goes: that is no reason to try.
		if _, release, err := s.fleet.Acquire("locked", streams.Main); err != nil {
			t.Error(err)
		} else {
			release()
		}
	}
	for i, tries := 1, cam.Refused(); i < len(tries); i++ {
		if gap := tries[i].Sub(tries[i-1]); gap < wait {
			t.Errorf("tried again after %v", gap)
		}
	}
	if cam.Locked() {
		t.Error("the camera locks us out")
	}
	at := time.Now()
	s.fleet.Set("locked", v.spec)
	if all := v.pictures(1); all[len(all)-1].at.Sub(at) > 4*wait+4*time.Second {
		t.Errorf("back %v after the password was put right", all[len(all)-1].at.Sub(at))
	}
}

// silence is a way in which a camera holds a connection and says nothing.
type silence struct {
	at   string // the method after which it comes
	tune func(*faulty.Camera)
}

func silences() map[string]silence {
	const slow = 100 * time.Millisecond // for a second
	script := func(steps ...faulty.Step) silence {
		return silence{"PLAY", func(c *faulty.Camera) { c.Script = faulty.Steps(steps...) }}
	}
	answer := func(at string, a func(*faulty.Conn, string) bool) silence {
		return silence{at, func(c *faulty.Camera) { c.Answer = a }}
	}
	return map[string]silence{
		"from the start":              answer("OPTIONS", faulty.Mute("")),
		"before DESCRIBE":             answer("DESCRIBE", faulty.Mute("DESCRIBE")),
		"before PLAY":                 answer("PLAY", faulty.Mute("PLAY")),
		"a byte at a time":            answer("OPTIONS", faulty.Slowly(slow)),
		"after PLAY":                  script(faulty.Silence(time.Hour)),
		"after PLAY a byte at a time": script(faulty.Drip(slow)),
		"after pictures":              script(faulty.Play(20), faulty.Silence(time.Hour)),
		"a byte after pictures":       script(faulty.Play(20), faulty.Drip(slow)),
	}
}

// TestFaultSilent gives a camera up that holds the connection and says nothing,
// or a byte at a time.
func TestFaultSilent(t *testing.T) {
	s := newScene(t, nil)
	var all []fault
	for name, how := range silences() {
		all = append(all, fault{name: name, tune: how.tune, check: func(v *viewer) {
			st := v.told(streams.Silent, func(n news) bool {
				return (n.Reason == streams.Timeout || n.Reason == streams.NoData) && !n.RetryAt.IsZero()
			})
			from := v.dialled()[0]
			if took := st.at.Sub(from); took < s.puller.ReadTimeout*9/10 || took > 2*s.puller.ReadTimeout {
				v.Errorf("given up after %v", took)
			}
		}})
		if !strings.Contains(name, "after") {
			continue
		}
		unseen, udp := all[len(all)-1], all[len(all)-1]
		unseen.name, unseen.unseen = name+" unseen", true
		all = append(all, unseen)
		if udp.name, udp.udp = name+" over UDP", true; !strings.Contains(name, "byte") {
			all = append(all, udp)
		}
	}
	s.faults(t, all)
}

// TestFaultUnseen has cameras that nobody looks at go wrong: it is noticed as
// soon as if somebody did, and they are back by themselves.
func TestFaultUnseen(t *testing.T) {
	s := newScene(t, func(p *Puller) { p.ReadTimeout = DefaultReadTimeout })
	var all []fault
	for name, c := range map[string]struct {
		step faulty.Step
		lost bool // the connection
	}{
		"hangs up":        {faulty.Hang(), true},
		"10 MB":           {faulty.Large(10 << 20), false},
		"100000 pieces":   {faulty.Fragments(100_000, 1), false},
		"loses a picture": {faulty.Skip(1), false},
		"another size":    {faulty.Resize(128, 96), false},
	} {
		all = append(all, fault{name: name, unseen: true, tune: func(cam *faulty.Camera) {
			cam.Script = faulty.Once(faulty.Play(50), c.step, faulty.Play(faulty.Forever))
		}, check: func(v *viewer) {
			v.state(streams.Live, streams.NoReason)
			if c.lost {
				v.state(streams.Silent, streams.ClosedByCamera)
				v.state(streams.Live, streams.NoReason)
			}
			v.sentOn(100)
			v.look() // and now somebody does
			sound(v, v.pictures(20))
			if st := v.hub.Status(); st.State != streams.Live || c.lost != (st.Reconnects > 0) {
				v.Errorf("%+v", st)
			}
		}})
	}
	s.faults(t, all)
}

// sentOn waits until the camera has sent so many pictures.
func (v *viewer) sentOn(n uint64) {
	v.Helper()
	for deadline := time.Now().Add(patience); v.cam.Sent() < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			v.Fatalf("the camera sent %d pictures", v.cam.Sent())
		}
	}
}

// TestFaultSilentHolds weighs what silent cameras hold of us in the heap: at
// most 64 KiB each, what the camera's side of the test takes included.
func TestFaultSilentHolds(t *testing.T) {
	const each = 30
	s := newScene(t, func(p *Puller) { p.ReadTimeout, p.Starts = time.Minute, 1000 })
	for name, how := range silences() {
		if strings.Contains(name, "pictures") {
			continue // the hub keeps those
		}
		before := weigh()
		for i := range each {
			cam := faulty.New()
			how.tune(cam)
			s.watch(t, name+strconv.Itoa(i), cam, false)
			for deadline := time.Now().Add(patience); cam.Asked(how.at) == 0; runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Fatalf("%s: no %s", name, how.at)
				}
			}
		}
		held := (weigh() - before) / each
		t.Logf("silent %s: %d bytes", name, held)
		if held > 64<<10 {
			t.Errorf("silent %s: %d bytes held for each camera", name, held)
		}
	}
}
