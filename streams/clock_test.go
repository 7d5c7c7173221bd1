package streams

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRebaseNeverJumps feeds time stamps that wrap, jump, stand still and run
// back, with restarts between them: ours go on, with our own clock.
func TestRebaseNeverJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c rebase
		kind := rapid.SampledFrom([]Kind{Video, Audio}).Draw(t, "kind")
		rate := (*Desc)(nil).ClockRate(kind)
		now := time.Unix(1_700_000_000, 0)
		from := now
		pts := rapid.Int64Range(-1<<33, 1<<33).Draw(t, "first")
		last := c.apply(pts, rate, false, now)
		if last != 0 {
			t.Fatalf("starts at %d", last)
		}
		lead := int64(0)
		for range rapid.IntRange(1, 100).Draw(t, "frames") {
			gone := time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "gone"))
			now = now.Add(gone)
			again := rapid.IntRange(0, 9).Draw(t, "again") == 0
			step := rapid.OneOf(rapid.Int64Range(-2*rate, 12*rate), rapid.Int64Range(-1<<31, 1<<31), rapid.Just(int64(0))).Draw(t, "step")
			if again {
				c.again()
			}
			pts += step
			out := c.apply(pts, rate, false, now)
			wall := int64(now.Sub(from).Seconds() * float64(rate))
			moved, after := out-last, out-wall
			taken := !again && step > 0 && last+step-wall <= rate && after > -10*rate
			switch {
			case moved < 1:
				t.Fatalf("a step of %d goes back by %d", step, moved)
			case taken && moved != step:
				t.Fatalf("a step of %d in %v, %d ahead, became %d", step, gone, lead, moved)
			case after > rate+100 || after < -10*rate: // each frame moves on by a tick at the least
				t.Fatalf("a step of %d in %v, %d ahead, led to %d ahead", step, gone, lead, after)
			}
			last, lead = out, after
		}
	})
}

// TestRebaseKeepsTheCamerasTime has a camera whose packets come with jitter for
// a day: its own time stamps stay, to the tick.
func TestRebaseKeepsTheCamerasTime(t *testing.T) {
	const rate, step = 8000, 160
	var c rebase
	now := time.Unix(1_700_000_000, 0)
	for i := range int64(24 * 3600 * rate / step) {
		jitter := time.Duration(i*7919%17) * 333_333 * time.Nanosecond
		if got := c.apply(i*step+77, rate, false, now.Add(time.Duration(i)*20*time.Millisecond+jitter)); got != i*step {
			t.Fatalf("frame %d at %d, want %d", i, got, i*step)
		}
	}
}

// TestRebaseBFrames lets B-frames step back, and a held up network catch up.
func TestRebaseBFrames(t *testing.T) {
	var c rebase
	now := time.Unix(1_700_000_000, 0)
	for i, pts := range []int64{0, 10800, 3600, 7200, 21600, 14400, 18000} {
		if got := c.apply(pts+5, 90000, true, now); got != pts {
			t.Errorf("frame %d at %d, want %d", i, got, pts)
		}
		now = now.Add(40 * time.Millisecond)
	}
	now = now.Add(8 * time.Second)
	for pts := int64(25200); pts < 25200+8*90000; pts += 3600 {
		if got := c.apply(pts+5, 90000, true, now); got != pts {
			t.Errorf("after a stall at %d, want %d", got, pts)
		}
	}
	top := c.out
	for pts := int64(8 * 90000); pts > -90000; pts -= 3600 { // these are none
		now = now.Add(40 * time.Millisecond)
		if got := c.apply(pts, 90000, true, now); got < top-90000 {
			t.Fatalf("runs back to %d from %d", got, top)
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	now := time.Unix(1_700_000_000, 0)
	for i := range 101 {
		m.frame(&Frame{Kind: Video, Key: i%50 == 0, Size: 10_000}, now)
		now = now.Add(40 * time.Millisecond)
	}
	fps, kbps := m.rates(now)
	if math.Abs(fps-25) > 0.01 || math.Abs(kbps-2000) > 1 {
		t.Errorf("%v frames/s, %v kbit/s", fps, kbps)
	}
	if m.keyInterval != 2*time.Second {
		t.Errorf("key interval %v", m.keyInterval)
	}
	if fps, kbps = m.rates(now.Add(3 * time.Second)); fps != 0 || kbps != 0 {
		t.Errorf("after silence %v frames/s, %v kbit/s", fps, kbps)
	}
}
