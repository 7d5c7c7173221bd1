package still

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sharpeyes/streams"
)

const patience = 20 * time.Second

// The picture is that of the key frame, by the real ffmpeg and another decoder.
func TestSnapshot(t *testing.T) {
	s := NewSnapshots()
	defer s.Close()
	if err := s.Ready(); err != nil {
		t.Fatalf("%v: install ffmpeg (make deps)", err)
	}
	for _, c := range sources {
		if strings.Contains(c.name, "1080p") {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			f := frame(t, c.codec, encode(t, c.codec, c.args...))
			shot, err := s.Of(t.Context(), c.name, f)
			if err != nil {
				t.Fatal(err)
			}
			pic, err := jpeg.Decode(bytes.NewReader(shot.JPEG))
			if err != nil || shot.Of != f {
				t.Fatal(err)
			}
			width := c.width
			if c.aspect != "" {
				width = 1024 // 720x576 at 16:9, with square pixels
			}
			if b := pic.Bounds(); b.Dx() != width || b.Dy() != c.height {
				t.Errorf("%v, want %dx%d", b, width, c.height)
			}
			if lights, colours := variety(pic); lights < 100 || colours < 50 {
				t.Errorf("brightness spreads over %d, colour over %d: that is no test picture", lights, colours)
			}
		})
	}
}

// variety tells how far brightness and one of the colours spread.
func variety(pic image.Image) (lights, colours int) {
	y := pic.(*image.YCbCr)
	spread := func(p []byte) int {
		low, high := 255, 0
		for _, v := range p {
			low, high = min(low, int(v)), max(high, int(v))
		}
		return high - low
	}
	return spread(y.Y), spread(y.Cr)
}

// stand is a program that stands in for ffmpeg: it takes its input, notes that
// it began, and answers when it is let go.
type stand struct {
	t       *testing.T
	dir     string
	program string
}

func newStand(t *testing.T, answer string) *stand {
	t.Helper()
	st := &stand{t: t, dir: t.TempDir()}
	st.program = filepath.Join(st.dir, "ffmpeg")
	if err := syscall.Mkfifo(filepath.Join(st.dir, "go"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\ncat >/dev/null\necho \"$@\" >> %[1]s/args\nenv >> %[1]s/env\necho begun >> %[1]s/begun\nread _ < %[1]s/go\n%s\n", st.dir, answer)
	if err := os.WriteFile(st.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return st
}

const goodAnswer = `printf '\377\330jpeg'`

func (st *stand) begun() int {
	b, _ := os.ReadFile(filepath.Join(st.dir, "begun"))
	return strings.Count(string(b), "begun")
}

func (st *stand) waitBegun(n int) {
	st.t.Helper()
	for end := time.Now().Add(patience); st.begun() < n; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			st.t.Fatalf("%d programs have begun, want %d", st.begun(), n)
		}
	}
}

// let lets as many programs go, one after the other.
func (st *stand) let(n int) {
	st.t.Helper()
	for range n {
		w, err := os.OpenFile(filepath.Join(st.dir, "go"), os.O_WRONLY, 0)
		if err != nil {
			st.t.Fatal(err)
		}
		_, _ = w.WriteString("go\n") // another one may have read it
		_ = w.Close()
	}
}

// still is a frame that passes for one.
func still(t *testing.T) *streams.Frame {
	t.Helper()
	sps := []byte{0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x18, 0x31, 0x96}
	f := streams.NewVideoFrame(&streams.Desc{Video: streams.H264}, [][]byte{sps, {0x68, 0xcb, 0x83, 0xcb, 0x20}, {0x65, 0x88, 0x84}}, 0)
	if _, err := AnnexB(f); err != nil {
		t.Fatal(err)
	}
	return f
}

func (st *stand) snapshots() *Snapshots {
	s := NewSnapshots()
	s.FFmpeg, s.Timeout, s.KeepFor = st.program, patience, time.Hour
	return s
}

// All who ask for a stream at a time wait for one program, and those after them
// get what it made, whatever the newest key frame.
func TestOneProgramForAStream(t *testing.T) {
	st := newStand(t, goodAnswer)
	s := st.snapshots()
	defer s.Close()
	t.Setenv("SHARPEYES_ADMIN_PASSWORD", "not for others")
	first := still(t)
	got := make(chan error, 20)
	for range 20 {
		go func() {
			shot, err := s.Of(context.Background(), "cam/main", first)
			if err == nil && (string(shot.JPEG) != "\xff\xd8jpeg" || shot.Of != first) {
				err = errors.New("another picture")
			}
			got <- err
		}()
	}
	st.waitBegun(1)
	st.let(1)
	for range 20 {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
	if shot, err := s.Of(t.Context(), "cam/main", still(t)); err != nil || shot.Of != first || st.begun() != 1 {
		t.Errorf("%v, %d programs", err, st.begun())
	}
	for _, file := range []string{"args", "env"} {
		b, err := os.ReadFile(filepath.Join(st.dir, file))
		if err != nil || bytes.Contains(b, []byte("cam")) || bytes.Contains(b, []byte("not for others")) {
			t.Errorf("the program learns too much: %s (%v)", b, err)
		}
	}
}

func TestProgramsAtOnce(t *testing.T) {
	st := newStand(t, goodAnswer)
	s := st.snapshots()
	s.MaxWaiting = 5
	got := make(chan error, 5)
	for i := range 5 {
		go func() {
			_, err := s.Of(context.Background(), fmt.Sprint(i), still(t))
			got <- err
		}()
	}
	st.waitBegun(AtOnce)
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n := len(s.flights)
		s.mu.Unlock()
		if n == 5 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d wait", n)
		}
	}
	if _, err := s.Of(t.Context(), "one more", still(t)); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	if n := st.begun(); n != AtOnce {
		t.Errorf("%d programs at once", n)
	}
	s.Close()
	for range 5 {
		if err := <-got; err == nil {
			t.Error("a picture after the end")
		}
	}
	if _, err := s.Of(t.Context(), "late", still(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// A program ends with the last who waits for it, and its place is free.
func TestProgramEndsWithItsCallers(t *testing.T) {
	st := newStand(t, goodAnswer)
	s := st.snapshots()
	s.AtOnce = 1
	defer s.Close()
	ctx, leave := context.WithCancel(t.Context())
	got := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := s.Of(ctx, "cam", still(t))
			got <- err
		}()
	}
	st.waitBegun(1)
	leave()
	for range 2 {
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	go func() {
		_, err := s.Of(context.Background(), "cam", still(t))
		got <- err
	}()
	st.waitBegun(2) // the one place is free again
	st.let(1)
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestSnapshotFaults(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   error
	}{
		"it fails":        {"echo broken >&2; exit 1", ErrNoPicture},
		"it says nothing": {"exit 0", ErrNoPicture},
		"no JPEG":         {"echo hello", ErrNoPicture},
		"too much":        {"printf '\\377\\330'; head -c 17000000 /dev/zero", ErrNoPicture},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStand(t, c.answer)
			s := st.snapshots()
			defer s.Close()
			got := make(chan error, 1)
			go func() {
				_, err := s.Of(context.Background(), "cam", still(t))
				got <- err
			}()
			st.waitBegun(1)
			st.let(1)
			if err := <-got; !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.kept) != 0 || len(s.flights) != 0 {
				t.Errorf("%d kept, %d being made", len(s.kept), len(s.flights))
			}
		})
	}
	s := NewSnapshots()
	defer s.Close()
	s.FFmpeg = filepath.Join(t.TempDir(), "none")
	if _, err := s.Of(t.Context(), "cam", still(t)); !errors.Is(err, ErrNoFFmpeg) || !errors.Is(s.Ready(), ErrNoFFmpeg) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Of(t.Context(), "cam", &streams.Frame{}); !errors.Is(err, ErrNoPicture) {
		t.Errorf("got %v", err)
	}
	slow := newStand(t, goodAnswer).snapshots()
	defer slow.Close()
	slow.Timeout = 50 * time.Millisecond
	if _, err := slow.Of(t.Context(), "cam", still(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// What is kept stays within its bound, and for its time alone.
func TestWhatIsKept(t *testing.T) {
	s := NewSnapshots()
	s.KeepBytes, s.KeepFor = 100, time.Hour
	put := func(name string, size int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.keep(name, Snapshot{JPEG: make([]byte, size)})
		sum := 0
		for _, k := range s.kept {
			sum += len(k.shot.JPEG)
		}
		if sum != s.bytes || sum > s.KeepBytes {
			t.Errorf("after %s: %d bytes, counted as %d", name, sum, s.bytes)
		}
	}
	for _, name := range []string{"a", "b", "c", "a", "d"} {
		put(name, 40)
	}
	put("large", 101)
	s.mu.Lock()
	_, a := s.kept["a"]
	_, d := s.kept["d"]
	if len(s.kept) != 2 || !a || !d {
		t.Errorf("%v is kept, want the two newest", s.kept)
	}
	s.KeepFor = time.Millisecond
	s.mu.Unlock()
	put("a", 10)
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		left := len(s.kept)
		s.mu.Unlock()
		if left == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d are kept still", left)
		}
	}
	s.Close()
	if len(s.kept) != 0 || s.bytes != 0 {
		t.Error("something is kept after the end")
	}
}
