package record

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sharpeyes/streams"
)

// fullDir makes the test binary run TestDiskFull within a file system of 4 MB.
const fullDir = "RECORD_FULL"

// The disk is a real one that is really full: a small file system, mounted where
// nobody else sees it.
func TestDiskFull(t *testing.T) {
	if dir := os.Getenv(fullDir); dir != "" {
		diskFull(t, dir)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", "--map-root-user", "--mount", "sh", "-c",
		`mount -t tmpfs -o size=4m none "$RECORD_FULL" && exec "$0" -test.run '^TestDiskFull$' -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), fullDir+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func diskFull(t *testing.T, dir string) {
	f := shoot(t, "x264", "640x360", 4, 0)
	const spare = 768 << 10
	g := newRig(t, dir, noon)
	var told []DiskState
	g.rec.Spare, g.rec.OnDisk = spare, func(st DiskState) { told = append(told, st) }
	if _, err := g.rec.Pin("cam/1", noon, noon.Add(3*time.Second), noon.AddDate(1, 0, 0), "case 7"); err != nil {
		t.Fatal(err)
	}
	record := func(seconds int) {
		for range seconds {
			g.play(f, 25)
			g.rec.makeRoom()
		}
	}
	record(180)
	bad := slices.IndexFunc(told, func(st DiskState) bool { return st.Err != nil })
	low := slices.IndexFunc(told, func(st DiskState) bool { return st.Low })
	if bad >= 0 || low < 0 || told[low].Free < spare {
		t.Fatalf("told of low at %d, of a failure at %d, of %d", low, bad, len(told))
	}
	if free := diskState(dir).Free; free < spare/2 {
		t.Errorf("%d bytes are left free, %d were asked for", free, spare)
	}
	segs := g.segments()
	if !segs[0].Start.Equal(noon) || segs[len(segs)-1].Start.Before(noon.Add(170*time.Second)) || len(segs) > 70 {
		t.Errorf("%d segments from %v to %v", len(segs), segs[0].Start, segs[len(segs)-1].Start)
	}

	// Somebody else takes all the room there is.
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	record(20)
	if bad := slices.IndexFunc(told, func(st DiskState) bool { return st.Err != nil }); bad < 0 {
		t.Fatal("a write that failed is told to nobody")
	}
	if segs := g.segments(); !segs[0].Start.Equal(noon) {
		t.Errorf("what is pinned is gone: %v", segs)
	}
	// It goes on by itself once there is room.
	full := g.now
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	record(20)
	g.tape.end(Stopped)
	if segs = g.segments(); segs[len(segs)-1].End.Before(g.now.Add(-3 * time.Second)) {
		t.Errorf("it does not go on after %v: %v", full, segs)
	}
	_, gaps := g.rec.Find("cam/1", streams.Main, noon.Add(170*time.Second), g.now)
	if len(gaps) == 0 || !slices.ContainsFunc(gaps, func(gap Gap) bool { return gap.Cause == Disk }) {
		t.Errorf("gaps %v", gaps)
	}
	names := slices.Sorted(maps.Keys(agrees(t, g.rec)))
	for i := 0; i < len(names); i += 10 {
		plays(t, names[i])
	}
	plays(t, names[len(names)-1])
}

// fill writes until the disk takes no more.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 4<<10)
	for {
		if _, err := f.Write(b); err != nil {
			return
		}
	}
}
