package record

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sharpeyes/streams"
)

func (g *rig) around(before time.Duration) {
	g.t.Helper()
	if err := g.rec.SetPolicies(map[string]Policy{"cam/1": {Events: true, Before: before, Days: 30}}); err != nil {
		g.t.Fatal(err)
	}
}

func files(t *testing.T, dir string) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "c-*", "*", "*", "*.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Of a camera that is recorded around events alone, what was before one and what
// comes after it stays; all else goes, and soon.
func TestAroundEvents(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	g := newRig(t, dir, noon)
	g.around(6 * time.Second)
	g.play(f, 25*60) // segments are 2 s in this rig
	if n := files(t, dir); n < 3 || n > 6 {
		t.Fatalf("%d files wait for an event within 6 s", n)
	}
	if _, err := os.Stat(filepath.Join(dir, deletedName)); !os.IsNotExist(err) {
		t.Errorf("what was never kept is in the deletion log: %v", err)
	}
	at := g.now
	if err := g.rec.Keep("cam/1", at.Add(-5*time.Second), at.Add(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	g.play(f, 25*60)
	g.tape.end(Stopped)
	if err := g.rec.dropLoose(g.tape.s, true); err != nil {
		t.Fatal(err)
	}
	ranges, gaps := g.rec.Find("cam/1", streams.Main, noon, g.now)
	if len(ranges) != 1 || ranges[0].From.After(at.Add(-5*time.Second)) || ranges[0].From.Before(at.Add(-10*time.Second)) ||
		ranges[0].To.Before(at.Add(10*time.Second)) || ranges[0].To.After(at.Add(15*time.Second)) {
		t.Errorf("kept %v of an event at %v", ranges, at)
	}
	for _, gap := range gaps {
		if gap.Cause != Stopped {
			t.Errorf("gap %+v", gap)
		}
	}
	n := 0
	for name := range agrees(t, g.rec) {
		n += plays(t, name)
	}
	if n < 15*25 || n > 25*25 {
		t.Errorf("%d pictures are kept", n)
	}
}

// A pin keeps what waits, and so does a kill: nobody knows what was about to come.
func TestWhatWaitsIsKept(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	g := newRig(t, dir, noon)
	g.around(10 * time.Second)
	g.play(f, 25*20)
	if _, err := g.rec.Pin("cam/1", g.now.Add(-4*time.Second), g.now, g.now.Add(time.Hour), "case 7"); err != nil {
		t.Fatal(err)
	}
	g.play(f, 25*30)
	ranges, _ := g.rec.Find("cam/1", streams.Main, noon.Add(16*time.Second), noon.Add(20*time.Second))
	if len(ranges) != 1 || ranges[0].To.Sub(ranges[0].From) < 3900*time.Millisecond {
		t.Errorf("pinned: %v", ranges)
	}
	before := files(t, dir)
	g.rec.mu.Lock()
	g.rec.closed = true // as if it were killed: nothing is tidied up
	g.rec.mu.Unlock()
	g.open(dir)
	if after := files(t, dir); after < before-1 { // one may not have had a whole part
		t.Errorf("%d files after a kill, %d before", after, before)
	}
	agrees(t, g.rec)
}

func TestKeepIsRefused(t *testing.T) {
	g := newRig(t, t.TempDir(), noon)
	if g.rec.Keep("cam/1", noon, noon) == nil {
		t.Error("nothing at all is kept")
	}
	if g.rec.SetPolicies(map[string]Policy{"a": {Events: true, Before: time.Hour}}) == nil {
		t.Error("an hour before an event is taken")
	}
	for i := range 3 * maxWindows {
		at := noon.Add(time.Duration(i) * time.Hour)
		if err := g.rec.Keep("cam/1", at, at.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(g.rec.windows["cam/1"]); n > maxWindows+1 {
		t.Errorf("%d windows are remembered", n)
	}
}
