package clip

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzSegment reads whatever bytes as a segment: it must end, keep no more than the
// bytes hold, and name no data outside of them.
func FuzzSegment(f *testing.F) {
	names, err := filepath.Glob("testdata/ring/c-*/*/*/*.mp4")
	if err != nil || len(names) == 0 {
		f.Fatalf("no segments in testdata: %v", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readSegment(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		n := 0
		for _, p := range s.parts {
			if !p.within(0, int64(len(b))) {
				t.Fatal("data outside of the file")
			}
			n += len(p.video.samples) + len(p.audio.samples)
		}
		if n != s.samples || n > len(b)/16 {
			t.Fatalf("%d samples of %d bytes, %d told", n, len(b), s.samples)
		}
		if len(s.parts) > 0 && s.start.IsZero() {
			t.Fatal("parts without a time")
		}
	})
}
