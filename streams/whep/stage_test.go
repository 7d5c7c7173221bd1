package whep

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
)

// stage is a server with a camera and a healthy viewer, who must notice nothing
// of what happens to others.
type stage struct {
	t       *testing.T
	s       *Server
	cam     *source
	healthy *watcher
}

// newStage opens a stage whose camera has a key frame every gop pictures. At the
// test's end the healthy viewer is asked what it saw.
func newStage(t *testing.T, gop int, set func(*Server)) *stage {
	t.Helper()
	st := &stage{t: t, s: openServer(t, set), cam: newSource(t, gop, min(gop/2, 100))}
	st.healthy = st.join()
	t.Cleanup(st.check)
	return st
}

func (st *stage) check() {
	st.t.Helper()
	if st.t.Failed() {
		return
	}
	w := st.healthy
	st.upToDate(w, 2*time.Second)
	w.mustBeWhole()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.plis > 0 {
		st.t.Errorf("the healthy viewer asked for %d pictures anew", w.plis)
	}
	if w.sound == 0 {
		st.t.Error("the healthy viewer hears nothing")
	}
	if st.t.Failed() {
		st.t.Logf("%d packets asked for, %d came twice; %+v", w.nacks, w.twice, st.s.Stats())
	}
}

// upToDate waits until a viewer sees what the camera sends now.
func (st *stage) upToDate(w *watcher, d time.Duration) {
	st.t.Helper()
	now := int(st.cam.now())
	within(st.t, d, func() bool { return w.newest() >= now }, "picture %d is not seen: %v", now, w)
}

// play lets the camera send some pictures.
func (st *stage) play(pictures int) {
	st.t.Helper()
	to := st.cam.now() + uint32(pictures)
	within(st.t, 2*time.Duration(pictures)*pictureTime+10*time.Second, func() bool { return st.cam.now() >= to }, "the camera stands still")
}

// comesBack asks for a picture within 5 s of a moment, and that it is of the
// present: not older than the key frame that was kept then.
func (st *stage) comesBack(w *watcher, since time.Time, kept uint32) {
	st.t.Helper()
	now := int(st.cam.now())
	within(st.t, time.Until(since.Add(5*time.Second)), func() bool { return w.newest() >= now }, "no picture after 5 s: %v", w)
	for _, p := range w.pictures(since) {
		if p.n < kept {
			st.t.Errorf("picture %d is of the past: the key frame was %d", p.n, kept)
		}
	}
	st.play(25)
	st.upToDate(w, 2*time.Second)
	w.mustRunForward()
}

// join opens a viewer and waits until it is up to date.
func (st *stage) join(opts ...watching) *watcher {
	st.t.Helper()
	w := newWatcher(st.t, opts...)
	w.open(st.s, st.cam.hub)
	within(st.t, 10*time.Second, func() bool { return w.newest() >= int(st.cam.now())-1 }, "no picture: %v", w)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live = len(w.shown)
	return w
}

// within waits for something.
func within(t *testing.T, d time.Duration, ok func() bool, format string, args ...any) {
	t.Helper()
	end := time.After(d)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf(format, args...)
		}
	}
}

// checkDescriptors registers first, so that it runs after all other cleanups.
func checkDescriptors(t *testing.T) {
	t.Helper()
	before := descriptors(t)
	t.Cleanup(func() {
		within(t, 5*time.Second, func() bool { return descriptors(t) <= before }, "more than the %d descriptors of before are open", before)
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// mustBeWhole asks that no picture is missing, broken or shown twice from when
// it was up to date: a busy machine may be late with the first.
func (w *watcher) mustBeWhole() {
	w.t.Helper()
	w.mustRunForward()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := max(1, w.live); i < len(w.shown); i++ {
		if w.shown[i].n != w.shown[i-1].n+1 {
			w.t.Errorf("picture %d after %d", w.shown[i].n, w.shown[i-1].n)
		}
	}
}

// mustRunForward asks that time stamps do not run back and nothing was broken.
func (w *watcher) mustRunForward() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := 1; i < len(w.stamps); i++ {
		if d := int32(w.stamps[i] - w.stamps[i-1]); d <= 0 || d > 90_000*60 {
			w.t.Errorf("time stamp of picture %d steps by %d", w.shown[i].n, d)
		}
	}
	if w.broken > 0 {
		w.t.Errorf("%d pictures were broken", w.broken)
	}
}

func (w *watcher) askedForPictures() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plis
}

// relay is a pull that takes another camera's stream.
func relay(c *source) func(context.Context, streams.Spec, *streams.Hub) {
	return func(ctx context.Context, _ streams.Spec, h *streams.Hub) {
		wake := make(chan struct{}, 1)
		r := c.hub.NewReader(func() {
			select {
			case wake <- struct{}{}:
			default:
			}
		})
		defer r.Close()
		for {
			for f, _ := r.Next(); f != nil; f, _ = r.Next() {
				h.Publish(f.Described(f.Desc)) // a hub owns what it is given
			}
			select {
			case <-wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

// nominated returns what makes a client's checks name their choice each time
// (USE-CANDIDATE), as Chromium's do; pion's name it once. The request is made
// anew, as it is signed (RFC 8489 14.5, 14.7).
func nominated(pwdLine string) func([]byte) []byte {
	pwd := strings.TrimSpace(strings.TrimPrefix(strings.SplitAfter(pwdLine, "\n")[0], "a=ice-pwd:"))
	return func(p []byte) []byte {
		if len(p) < 20 || p[0] != 0 || p[1] != 1 || binary.BigEndian.Uint32(p[4:]) != 0x2112a442 {
			return p
		}
		out := append([]byte(nil), p[:20]...)
		for at := 20; at+4 <= len(p); {
			typ, size := binary.BigEndian.Uint16(p[at:]), int(binary.BigEndian.Uint16(p[at+2:])+3)&^3
			if at+4+size > len(p) {
				return p
			}
			switch typ {
			case 0x0006, 0x0024, 0x802a: // USERNAME, PRIORITY, ICE-CONTROLLING
				out = append(out, p[at:at+4+size]...)
			}
			at += 4 + size
		}
		out = append(out, 0, 0x25, 0, 0) // USE-CANDIDATE
		length := func(more int) { binary.BigEndian.PutUint16(out[2:], uint16(len(out)-20+more)) }
		length(24)
		mac := hmac.New(sha1.New, []byte(pwd))
		mac.Write(out)
		out = append(out, 0, 8, 0, 20)
		out = mac.Sum(out)
		length(8)
		sum := crc32.ChecksumIEEE(out) ^ 0x5354554e
		out = append(out, 0x80, 0x28, 0, 4)
		return binary.BigEndian.AppendUint32(out, sum)
	}
}
