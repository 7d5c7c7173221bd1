package record

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"sharpeyes/streams"
)

// stock gives a recorder cameras with days of segments a minute long, in memory
// alone; each day has a gap.
func stock(r *Recorder, cameras, days int, until time.Time) {
	first := until.UnixMilli()/dayMillis*dayMillis - int64(days)*dayMillis
	for c := range cameras {
		s := r.stream(key{fmt.Sprintf("cam%03d", c), streams.Main})
		for n := range days {
			d := &day{dir: "nowhere", from: first + int64(n)*dayMillis}
			list := make([]entry, 0, 1440)
			for m := range 1440 {
				if m == 600 {
					continue
				}
				why := None
				if m == 601 {
					why = Offline
				}
				list = append(list, newEntry(uint32(m)*60_000, time.Minute, 15<<20, why))
			}
			d.set(list)
			s.days = append(s.days, d)
		}
	}
}

// BenchmarkFind asks what there is of 500 cameras within 30 days, 21.6 million
// segments; the first time has to look at each of them.
func BenchmarkFind(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := New(Options{Disks: []string{b.TempDir()}, Now: func() time.Time { return noon }})
	stock(r, 500, 30, noon)
	runtime.GC()
	runtime.ReadMemStats(&after)
	from := noon.AddDate(0, 0, -31)
	all := func() {
		for c := range 500 {
			ranges, gaps := r.Find(fmt.Sprintf("cam%03d", c), streams.Main, from, noon)
			if len(ranges) != 31 || len(gaps) != 31 {
				b.Fatalf("%d ranges, %d gaps", len(ranges), len(gaps))
			}
		}
	}
	at := time.Now()
	all()
	first := time.Since(at)
	for b.Loop() {
		all()
	}
	b.ReportMetric(float64(first.Microseconds())/1000, "ms-first")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
}

// BenchmarkMakeRoom takes one over the bytes of all, out of 21.6 million
// segments.
func BenchmarkMakeRoom(b *testing.B) {
	r := New(Options{Disks: []string{b.TempDir()}, Now: func() time.Time { return noon }})
	if err := r.Open(context.Background()); err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	stock(r, 500, 30, noon)
	_, all := r.used()
	for b.Loop() {
		r.Bytes = all - 1
		found := 0
		r.purge("bytes of all", func(*stream, *day) bool { return true }, func() bool { return found > 0 }, func(victim) bool {
			found++
			return false
		})
	}
}

// BenchmarkOpen reads the indexes of 50 cameras and 30 days, 2.2 million
// segments.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	r := New(Options{Disks: []string{dir}, Now: func() time.Time { return noon }})
	stock(r, 50, 30, noon)
	for k, s := range r.streams {
		for i, d := range s.days {
			d.dir = filepath.Join(dir, "c-"+k.camera, string(k.profile), time.UnixMilli(d.from).UTC().Format(dayName))
			if err := os.MkdirAll(d.dir, 0o750); err != nil {
				b.Fatal(err)
			}
			if i >= len(s.days)-newestDays {
				d.set(nil) // the files of these are looked at
			}
			if err := d.rewrite(d.entries); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		r := New(Options{Disks: []string{dir}, Now: func() time.Time { return noon }})
		at := time.Now()
		if err := r.Open(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(at).Microseconds())/1000, "ms-ready")
		r.readAll()
		b.ReportMetric(float64(time.Since(at).Microseconds())/1000, "ms-all")
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// Days that were read by their index alone are put right when their folder is
// not as it says.
func TestOldDaysAreReadLater(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	g := newRig(t, dir, noon)
	for range 5 {
		g.play(f, 100)
		g.tape.end(Offline)
		g.pass(24 * time.Hour)
		g.zero += 24 * 3600 * videoRate
	}
	want := g.segments()
	if len(want) != 10 {
		t.Fatalf("%d segments", len(want))
	}
	g.rec.Close()
	// One file of an old day is gone, and the index of another day.
	if err := os.Remove(want[0].Path); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(want[2].Path), indexName)); err != nil {
		t.Fatal(err)
	}
	g.open(dir)
	ranges, _ := g.rec.Find("cam/1", streams.Main, noon, g.now)
	if len(ranges) != 5 {
		t.Errorf("ranges %v", ranges)
	}
	for deadline := time.Now().Add(30 * time.Second); len(g.segments()) != 9; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d segments are known, 9 are there", len(g.segments()))
		}
	}
	agrees(t, g.rec)
}
