package record

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sharpeyes/streams"
)

func TestCameraClockIsKept(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	g := newRig(t, dir, noon)
	g.tape.hub = streams.NewHub("cam/1", streams.Main, func() time.Time { return g.now }, nil)
	if _, _, ok := g.rec.ClockOffset("cam/1", streams.Main, noon); ok {
		t.Error("a clock that was never told")
	}
	g.play(f, 50)
	for _, offset := range []time.Duration{3 * time.Second, 3*time.Second + 5*time.Millisecond, -2 * time.Hour} {
		g.tape.hub.SetClock(g.now.Add(offset))
		g.play(f, 250)
	}
	g.tape.end(Stopped)
	info, err := os.Stat(filepath.Join(filepath.Dir(g.segments()[0].Path), clockName))
	if err != nil || info.Size() != 2*clockSize { // 5 ms are no news
		t.Errorf("clock log: %v %v", info, err)
	}
	g.rec.Close()
	g.open(dir)
	for at, want := range map[time.Duration]time.Duration{0: 3 * time.Second, 10 * time.Second: 3 * time.Second, 30 * time.Second: -2 * time.Hour} {
		got, said, ok := g.rec.ClockOffset("cam/1", streams.Main, noon.Add(at))
		if !ok || got != want || said.Before(noon) || said.After(noon.Add(32*time.Second)) {
			t.Errorf("after %v: %v, said %v, %t, want %v", at, got, said, ok, want)
		}
	}
	if _, _, ok := g.rec.ClockOffset("cam/1", streams.Main, noon.AddDate(0, 0, 5)); ok {
		t.Error("a clock days later")
	}
	agrees(t, g.rec)
}
