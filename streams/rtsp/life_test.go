package rtsp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// TestFlapping lets a camera come and go 200 times. It runs alone, so that what
// is left over can be counted.
func TestFlapping(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	f := newFake(t)
	var played atomic.Int64
	f.play = func(c *fakeConn) {
		if played.Add(1)%3 != 0 { // else it closes right after PLAY
			c.gop(uint32(played.Load())*1_000_000, 3)
		}
	}
	f.serve()
	p := quick()
	p.MinBackoff, p.MaxBackoff = 2*time.Millisecond, 8*time.Millisecond
	pl := start(t, p, spec(f))
	for played.Load() < 200 {
		pl.state(streams.Silent, streams.ClosedByCamera)
	}
	steady(t, pl.collect(100))
	st := pl.hub.Status()
	// One that closes before we have seen its answer to PLAY never was connected.
	if n := pl.dials.count(); st.Reconnects < int64(n)/2 || st.Reconnects >= int64(n) {
		t.Errorf("%d reconnects counted of %d dials", st.Reconnects, n)
	}
	pl.stop()
	for i := 1; i < len(pl.dials.at); i++ {
		if gap := pl.dials.at[i].Sub(pl.dials.at[i-1]); gap < p.MinBackoff {
			t.Fatalf("two dials within %v", gap)
		}
	}
	f.close()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > goroutines || openFiles(t) > files; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, were %d; %d files, were %d", runtime.NumGoroutine(), goroutines, openFiles(t), files)
		}
		runtime.Gosched()
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestBackoffGrowsUntilStable checks that a picture that does not last does not
// bring the quick tries back, and one that lasts does.
func TestBackoffGrowsUntilStable(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	cam := f.driven()
	p := quick()
	p.MinBackoff, p.MaxBackoff, p.StableAfter = 10*time.Millisecond, 20*time.Second, 300*time.Millisecond
	pl := start(t, p, spec(f.serve()))
	lost := func(c *fakeConn, failures int) {
		t.Helper()
		_ = c.Close()
		st := pl.state(streams.Silent, streams.ClosedByCamera)
		for st.RetryAt.IsZero() {
			st = pl.state(streams.Silent, streams.ClosedByCamera)
		}
		if wait, top := st.RetryAt.Sub(st.Since), p.MinBackoff<<(failures+1); wait > top+50*time.Millisecond {
			t.Errorf("after %d failures: next try in %v, want at most %v", failures, wait, top)
		}
	}
	longest := time.Duration(0)
	for i := range 6 {
		c := <-cam
		c.send(slice, 3600*17, true) // goes with pictures of the connection before
		c.gop(3600*18, 3)
		if frames := pl.collect(4); !frames[0].Key {
			t.Error("a new connection begins without a key frame")
		}
		lost(c, i)
		longest = max(longest, time.Until(pl.hub.Status().RetryAt))
	}
	if longest < 5*p.MinBackoff {
		t.Errorf("six failures, and never waited more than %v", longest)
	}
	c := <-cam
	stamp := c.gop(1, 3)
	for at := time.Now(); time.Since(at) < 2*p.StableAfter; {
		stamp = c.gop(stamp, 3)
		pl.collect(4)
	}
	lost(c, 0)
}

// TestEnd ends a pull at every moment: it returns at once, says goodbye where
// it can, and leaves the hub alone.
func TestEnd(t *testing.T) {
	silent := func(c *fakeConn, _ string) bool { return true }
	for name, c := range map[string]struct {
		at     string // the request after which it is ended
		answer func(c *fakeConn, method string) bool
		play   func(c *fakeConn)
		bye    int
	}{
		"connecting": {"OPTIONS", silent, nil, 0},
		"describing": {"DESCRIBE", func(_ *fakeConn, m string) bool { return m == "DESCRIBE" }, nil, 0},
		"setting up": {"SETUP", func(_ *fakeConn, m string) bool { return m == "SETUP" }, nil, 0},
		"starting":   {"PLAY", func(_ *fakeConn, m string) bool { return m == "PLAY" }, nil, 1},
		"playing":    {"PLAY", nil, func(c *fakeConn) { c.gop(1, 3); <-c.gone }, 1},
		"under a stream": {"PLAY", nil, func(c *fakeConn) {
			for stamp := uint32(1); c.raw(""); {
				stamp = c.gop(stamp, 100)
			}
		}, 0},
		"while waiting": {"OPTIONS", status("OPTIONS", "500 No"), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			reached := make(chan struct{}, 100)
			f.answer = func(fc *fakeConn, m string) bool {
				if m == c.at {
					reached <- struct{}{}
				}
				return c.answer != nil && c.answer(fc, m)
			}
			f.play = c.play
			pl := start(t, quick(), spec(f.serve()))
			pl.prompt = time.Second
			<-reached
			if c.play != nil {
				pl.collect(2)
			}
			pl.stop()
			before := pl.hub.Status()
			if err := f.drain(); err != nil {
				t.Error(err)
			}
			if got := f.asked("TEARDOWN"); got < c.bye {
				t.Errorf("%d goodbyes, want %d", got, c.bye)
			}
			if after := pl.hub.Status(); after.LastFrame != before.LastFrame || after.State != before.State {
				t.Errorf("%+v became %+v", before, after)
			}
		})
	}
}

// drain waits until every connection has been seen to end.
func (f *fake) drain() error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		n := len(f.conns)
		f.mu.Unlock()
		if n == 0 {
			return nil
		}
	}
	return errors.New("a connection was never closed")
}

func TestEndWhileDialling(t *testing.T) {
	t.Parallel()
	p := quick()
	dialling := make(chan struct{})
	p.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	pl := start(t, p, streams.Spec{URL: "rtsp://192.0.2.1/cam"})
	<-dialling
	pl.stop()
}

func TestKeepAlive(t *testing.T) {
	for name, c := range map[string]struct{ public, extra, method string }{
		"GET_PARAMETER":  {"OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER", ";timeout=1", "GET_PARAMETER"},
		"OPTIONS":        {"OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", ";timeout=1", "OPTIONS"},
		"absurd timeout": {"OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER", ";timeout=4294967295", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.public, f.extra = c.public, c.extra
			kept := make(chan struct{})
			f.answer = func(fc *fakeConn, m string) bool {
				if m == c.method && fc.fake.asked("PLAY") > 0 {
					close(kept)
					fc.ok("", "")
					return true
				}
				return false
			}
			f.play = func(fc *fakeConn) {
				for stamp := uint32(1); fc.pause(20 * time.Millisecond); {
					stamp = fc.gop(stamp, 1)
				}
			}
			pl := start(t, quick(), spec(f.serve()))
			if c.method == "" {
				pl.collect(60)
				if n := f.asked("GET_PARAMETER"); n > 0 {
					t.Errorf("%d keep-alives in a second", n)
				}
				return
			}
			select {
			case <-kept:
			case <-time.After(patience):
				t.Fatal("no keep-alive")
			}
			pl.stop()
		})
	}
}

func TestParameterSetsChange(t *testing.T) {
	t.Parallel()
	// 1280x720, as libx264 writes it.
	hd := []byte("\x67\x64\x00\x1f\xac\xd9\x40\x50\x05\xbb\x01\x10\x00\x00\x03\x00\x10\x00\x00\x03\x03\x20\xf1\x83\x19\x60")
	f := newFake(t)
	f.sdp = strings.Replace(f.sdp, ";sprop-parameter-sets="+sprop(), "", 1)
	cam := f.driven()
	pl := start(t, quick(), spec(f.serve()))
	c := <-cam
	var frames []*streams.Frame
	take := func() { frames = append(frames, pl.collect(1)...) }
	c.send(idr, 1, true) // nothing is known of it yet
	c.send(sps, 2, false)
	c.send(pps, 2, false)
	c.send(idr, 2, true)
	take()
	c.send(slice, 3, true)
	take()
	c.send(hd, 4, true) // alone, with a stamp of its own
	c.send(idr, 5, true)
	take()
	c.send(append([]byte{0x67}, bytes.Repeat([]byte{0xff}, 8000)...), 6, false)
	c.send(slice, 6, true)
	take()
	for i, want := range []int{320, 320, 1280, 1280} {
		if got := frames[i].Desc.Width; got != want {
			t.Errorf("picture %d is %d wide, want %d", i, got, want)
		}
	}
	if frames[0].Desc != frames[1].Desc || frames[1].Desc == frames[2].Desc || !bytes.Equal(frames[2].Desc.SPS, hd) {
		t.Error("descriptions are not shared, or written to")
	}
	if !frames[2].Key || !bytes.Contains(annexB(t, frames[2:3]), hd) {
		t.Error("a key frame without its parameter sets")
	}
	if st := pl.hub.Status(); st.Discarded != 1 || st.Height != 720 {
		t.Errorf("%+v", st)
	}
}

// TestSound cuts long packets of sound, and counts lost ones.
func TestSound(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.sdp += "m=audio 0 RTP/AVP 8\r\na=control:track2\r\n"
	cam := f.driven()
	pl := start(t, quick(), spec(f.serve()))
	c := <-cam
	c.send(idr, 1, true)
	for i, seq := range []uint16{65535, 0, 0, 3} { // 1 and 2 never come
		c.packet(2, &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: seq, Timestamp: 1500 * uint32(seq+1), SSRC: 9},
			Payload: bytes.Repeat([]byte{byte(i + 1)}, 1500)})
	}
	c.send(slice, 3601, true)
	frames := pl.collect(2)
	var heard []string
	for _, fr := range frames {
		if fr.Kind == streams.Audio {
			heard = append(heard, fmt.Sprint(fr.PTS, " ", fr.Size, " ", fr.Payloads[0][0]))
		}
	}
	want := []string{"0 960 1", "960 540 1", "1500 960 2", "2460 540 2", "6000 960 4", "6960 540 4"}
	if !slices.Equal(heard, want) || frames[0].Desc.Audio != streams.PCMA {
		t.Errorf("heard %q, want %q", heard, want)
	}
	if st := pl.hub.Status(); st.Lost != 2 {
		t.Errorf("%+v", st)
	}
}

// TestSoundRefused goes on without sound where the camera does not give it.
func TestSoundRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.sdp += "m=audio 0 RTP/AVP 8\r\na=control:track2\r\n"
	f.answer = func(c *fakeConn, m string) bool {
		if m == "SETUP" && c.fake.asked("SETUP") == 2 {
			c.reply("403 Forbidden", "", "")
			return true
		}
		return false
	}
	f.play = func(c *fakeConn) { c.gop(1, 10); <-c.gone }
	pl := start(t, quick(), spec(f.serve()))
	frames := pl.collect(1)
	if d := frames[0].Desc; d.Audio != "" || d.AudioChannels != 0 {
		t.Errorf("%+v", d)
	}
}

func TestUnreachable(t *testing.T) {
	opErr := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	for name, c := range map[string]struct {
		err   error
		state streams.State
		why   streams.Reason
		slow  bool
	}{
		"refused":     {opErr(syscall.ECONNREFUSED), streams.Unreachable, streams.ConnRefused, false},
		"no host":     {opErr(syscall.EHOSTUNREACH), streams.Unreachable, streams.NoRoute, false},
		"no network":  {opErr(syscall.ENETUNREACH), streams.Unreachable, streams.NoRoute, false},
		"no name":     {&net.DNSError{Err: "no such host", Name: "cam", IsNotFound: true}, streams.Unreachable, streams.NoRoute, false},
		"timeout":     {opErr(syscall.ETIMEDOUT), streams.Unreachable, streams.Timeout, false},
		"not allowed": {fmt.Errorf("10.0.0.1: %w", ErrNotAllowed), streams.Refused, streams.NotAllowed, true},
		"anything":    {errors.New("x"), streams.Unreachable, streams.NoRoute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := quick()
			var lines syncBuffer
			p.Log = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
			p.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, c.err }
			pl := start(t, p, streams.Spec{URL: "rtsp://cam.example/x?key=k3y", Username: "admin", Password: "hunter2"})
			st := pl.state(c.state, c.why)
			if slow := st.RetryAt.Sub(st.Since) >= 60*time.Second; slow != c.slow || st.Detail == "" {
				t.Errorf("%+v", st)
			}
			pl.stop()
			for _, secret := range []string{"hunter2", "admin", "k3y", "cam.example"} {
				if strings.Contains(st.Detail+lines.String(), secret) {
					t.Errorf("%q told: %q, %s", secret, st.Detail, lines.String())
				}
			}
		})
	}
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		p := impatient()
		p.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		start(t, p, streams.Spec{URL: "rtsp://192.0.2.1/x"}).state(streams.Unreachable, streams.Timeout)
	})
	t.Run("certificate", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewUnstartedServer(nil)
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		t.Cleanup(srv.Close)
		st := start(t, quick(), streams.Spec{URL: "rtsps://" + srv.Listener.Addr().String() + "/x"}).state(streams.Refused, streams.NotAllowed)
		if !strings.Contains(st.Detail, "certificate") {
			t.Errorf("%+v", st)
		}
	})
	t.Run("silent under TLS", func(t *testing.T) {
		t.Parallel()
		f := newFake(t)
		f.answer = func(*fakeConn, string) bool { return true }
		start(t, impatient(), streams.Spec{URL: "rtsps://" + f.serve().addr() + "/x"}).state(streams.Silent, streams.Timeout)
	})
	for _, bad := range []string{"", "http://cam/x", "rtsp:///x", "rtsp://:554/x", "rtsp://[::1", "file:///etc/passwd", "exec:ls", "rtsp://cam/#x", "rtsp://cam:port/"} {
		t.Run("address "+bad, func(t *testing.T) {
			t.Parallel()
			pl := start(t, quick(), streams.Spec{URL: bad})
			pl.state(streams.Refused, streams.NotAllowed)
			if pl.dials.count() != 0 {
				t.Errorf("dialled %q", pl.dials.addrs)
			}
		})
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestStartsAreStaggered dials 60 cameras that do not answer: few at a time,
// but they do not hold up the others for their whole time.
func TestStartsAreStaggered(t *testing.T) {
	t.Parallel()
	p := quick()
	p.Starts = 20
	var mu sync.Mutex
	var at []time.Time
	all := make(chan struct{})
	p.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		mu.Lock()
		at = append(at, time.Now())
		if len(at) == 60 {
			close(all)
		}
		mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for i := range 60 {
		start(t, p, streams.Spec{URL: fmt.Sprintf("rtsp://192.0.2.%d/x", i)})
	}
	select {
	case <-all:
	case <-time.After(patience):
		t.Fatal("not all were dialled")
	}
	if took := at[59].Sub(at[0]); took < 450*time.Millisecond || took > 5*time.Second {
		t.Errorf("60 starts, 20 at a time, within %v", took)
	}
	if early := at[20].Sub(at[0]); early < 200*time.Millisecond {
		t.Errorf("the 21st start after %v", early)
	}
}
