package camsim

import (
	"bytes"
	"os"
	"testing"
)

func testLoop(t testing.TB, name string) *Loop {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".h264")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := LoadLoop(f)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLoadLoop(t *testing.T) {
	l := testLoop(t, "main")
	if l.Len() != 50 || l.Width != 320 || l.Height != 180 {
		t.Fatalf("got %d frames of %dx%d", l.Len(), l.Width, l.Height)
	}
	for i, f := range l.frames {
		if f.key != (i%25 == 0) {
			t.Errorf("frame %d: key %v", i, f.key)
		}
		if want := 0; f.key {
			want = 2
			if f.lead != want {
				t.Errorf("frame %d: %d parameter sets, want %d", i, f.lead, want)
			}
		}
		if got := len(f.nalus) - f.lead; got != 1 {
			t.Errorf("frame %d: %d slices", i, got)
		}
	}
}

func TestLoadLoopRefuses(t *testing.T) {
	whole, err := os.ReadFile("testdata/main.h264")
	if err != nil {
		t.Fatal(err)
	}
	slice := []byte{0, 0, 1, 0x65, 0x88, 0x80}
	for name, buf := range map[string][]byte{
		"nothing":             nil,
		"no start code":       []byte("this is not a film"),
		"no parameter sets":   slice,
		"a slice cut short":   append(bytes.Clone(whole), 0, 0, 1, 0x41),
		"P frame first":       append([]byte{0, 0, 1, 0x41, 0x9a, 1}, whole...),
		"a broken SPS":        append([]byte{0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x68, 0xce}, slice...),
		"only parameter sets": whole[:20],
	} {
		if l, err := LoadLoop(bytes.NewReader(buf)); err == nil {
			t.Errorf("%s: taken, %d frames", name, l.Len())
		}
	}
}

func FuzzLoadLoop(f *testing.F) {
	whole, err := os.ReadFile("testdata/sub.h264")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:400])
	f.Add([]byte{0, 0, 1, 0x67, 0, 0, 1, 0x68, 0, 0, 1, 0x65, 0x80})
	f.Fuzz(func(t *testing.T, buf []byte) {
		l, err := LoadLoop(bytes.NewReader(buf))
		if err != nil {
			return
		}
		if l.Len() == 0 || l.Width <= 0 || !l.frames[0].key {
			t.Fatalf("taken without frames, size or key frame: %+v", l)
		}
		for _, c := range cutLoop(l, 64_000) {
			for _, p := range append(c.lead, c.rest...) {
				if len(p) == 0 || len(p) > maxPayload {
					t.Fatalf("payload of %d bytes", len(p))
				}
			}
		}
	})
}

func TestCutsReachTheBitrate(t *testing.T) {
	l := testLoop(t, "main")
	for _, rate := range []int{100_000, 2_000_000, 8_000_000} {
		total := 0
		for _, c := range cutLoop(l, rate) {
			for _, p := range append(c.lead, c.rest...) {
				if len(p) > maxPayload {
					t.Fatalf("payload of %d bytes", len(p))
				}
				total += len(p)
			}
			total += seiSize
		}
		got := total * 8 * FrameRate / l.Len()
		if got < rate*99/100 || got > rate*102/100 {
			t.Errorf("%d bit/s instead of %d", got, rate)
		}
	}
}

func TestFragmentsJoinAgain(t *testing.T) {
	for _, n := range []int{1, maxPayload - 1, maxPayload, maxPayload + 1, 2 * maxPayload, 100_001} {
		nalu := bytes.Repeat([]byte{0x5a}, n)
		nalu[0] = 0x65
		for i := 1; i < n; i++ {
			nalu[i] = byte(i * 7)
		}
		parts := fragment(nalu)
		if len(parts) == 1 {
			if !bytes.Equal(parts[0], nalu) {
				t.Errorf("%d bytes: changed", n)
			}
			continue
		}
		joined := []byte{parts[0][0]&0xe0 | parts[0][1]&0x1f}
		for i, p := range parts {
			if start, end := p[1]&0x80 != 0, p[1]&0x40 != 0; start != (i == 0) || end != (i == len(parts)-1) {
				t.Errorf("%d bytes, part %d: start %v end %v", n, i, start, end)
			}
			joined = append(joined, p[2:]...)
		}
		if !bytes.Equal(joined, nalu) {
			t.Errorf("%d bytes: not the same after joining", n)
		}
	}
}
