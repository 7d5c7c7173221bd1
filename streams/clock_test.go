package streams

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRebaseNeverJumps feeds time stamps that wrap, jump, stand still and run
// back, with restarts between them.
func TestRebaseNeverJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c rebase
		kind := rapid.SampledFrom([]Kind{Video, Audio}).Draw(t, "kind")
		rate := (*Desc)(nil).ClockRate(kind)
		now := time.Unix(1_700_000_000, 0)
		pts := rapid.Int64Range(-1<<33, 1<<33).Draw(t, "first")
		last := c.apply(pts, rate, now)
		if last != 0 {
			t.Fatalf("starts at %d", last)
		}
		for range rapid.IntRange(1, 100).Draw(t, "frames") {
			gone := time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "gone"))
			now = now.Add(gone)
			again := rapid.IntRange(0, 9).Draw(t, "again") == 0
			step := rapid.OneOf(rapid.Int64Range(-2*rate, 12*rate), rapid.Int64Range(-1<<31, 1<<31), rapid.Just(int64(0))).Draw(t, "step")
			if again {
				c.again()
			}
			pts += step
			out := c.apply(pts, rate, now)
			moved := out - last
			taken := !again && step >= -rate && step <= 10*rate
			switch {
			case taken && moved != step:
				t.Fatalf("a step of %d became %d", step, moved)
			case !taken && moved < 1:
				t.Fatalf("a jump of %d steps back by %d", step, moved)
			case !taken && math.Abs(float64(moved)-gone.Seconds()*float64(rate)) > 1:
				t.Fatalf("a jump of %d moves %d ticks in %v", step, moved, gone)
			}
			last = out
		}
	})
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
