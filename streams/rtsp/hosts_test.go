package rtsp

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sharpeyes/streams"
)

func TestAddressOf(t *testing.T) {
	for raw, want := range map[string]string{
		"rtsp://nvr/ch1":             "nvr:554",
		"rtsp://NVR:554/ch2":         "nvr:554",
		"rtsp://nvr:8554/ch2":        "nvr:8554",
		"rtsps://nvr/ch1":            "nvr:322",
		"rtsp://[2001:DB8::1]/x":     "2001:db8::1:554",
		"rtsp://[2001:db8::1]:554/x": "2001:db8::1:554",
	} {
		if got := addressOf(raw); got != want {
			t.Errorf("%s is at %s, want %s", raw, got, want)
		}
	}
}

// recorder is a fake with many cameras behind it.
type recorder struct {
	*fake
	fleet *streams.Fleet
	told  chan streams.Status
}

func newRecorder(t *testing.T, f *fake, p *Puller) *recorder {
	r := &recorder{fake: f, told: make(chan streams.Status, 10_000)}
	r.fleet = streams.NewFleet(p.Pull)
	r.fleet.OnChange = func(s streams.Status) { r.told <- s }
	t.Cleanup(r.fleet.Close)
	return r
}

func (r *recorder) add(n int, password string) {
	for i := range n {
		id := fmt.Sprint("ch", i)
		r.fleet.Set(id, streams.Spec{Camera: id, Profile: streams.Main, URL: rtspURL(r.addr(), id), Username: "admin", Password: password, Always: true})
	}
}

// wait takes news until n cameras are as they should be.
func (r *recorder) wait(n int, good func(streams.Status) bool) {
	r.t.Helper()
	for timeout := time.After(patience); ; {
		have := 0
		var all []streams.Status
		r.fleet.Each(func(s streams.Status) {
			if good(s) {
				have++
			}
			all = append(all, s)
		})
		if have == n {
			return
		}
		select {
		case <-r.told:
		case <-timeout:
			r.t.Fatalf("%d of %d cameras; some of them: %+v", have, n, all[:min(3, len(all))])
		}
	}
}

func isLive(s streams.Status) bool { return s.State == streams.Live }

// TestPerHost holds no more connections to a recorder than are allowed. What
// waits says so, and comes in when a place is free.
func TestPerHost(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var open, most atomic.Int64
	f.play = func(c *fakeConn) {
		most.Store(max(most.Load(), open.Add(1)))
		defer open.Add(-1)
		for stamp := uint32(1); c.pause(10 * time.Millisecond); {
			stamp = c.gop(stamp, 1)
		}
	}
	f.serve()
	p := quick()
	p.PerHost = 3
	r := newRecorder(t, f, p)
	r.add(5, "")
	r.wait(3, isLive)
	waits := func(s streams.Status) bool {
		return s.State == streams.Connecting && strings.Contains(s.Detail, "3 connections") && s.RetryAt.IsZero()
	}
	r.wait(2, waits)
	var gone string
	r.fleet.Each(func(s streams.Status) {
		if isLive(s) {
			gone = s.Camera
		}
	})
	r.fleet.Set(gone)
	r.wait(1, waits)
	r.wait(3, isLive)
	if most.Load() > 3 {
		t.Errorf("%d connections at once", most.Load())
	}
}

// TestHostDials dials a recorder that does not answer: few at once, and spread.
func TestHostDials(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer = func(*fakeConn, string) bool { return true }
	f.serve()
	p := impatient()
	p.HostGap = 50 * time.Millisecond
	log := &dialLog{}
	var open, most atomic.Int64
	p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := log.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		most.Store(max(most.Load(), open.Add(1)))
		return &closing{c, sync.OnceFunc(func() { open.Add(-1) })}, nil
	}
	r := newRecorder(t, f, p)
	r.add(12, "")
	r.wait(12, func(s streams.Status) bool { return s.Reason == streams.Timeout })
	if most.Load() > hostDials {
		t.Errorf("%d dials under way at once", most.Load())
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	for i := 1; i < len(log.at); i++ {
		if gap := log.at[i].Sub(log.at[i-1]); gap < p.HostGap*8/10 {
			t.Errorf("two dials within %v", gap)
		}
	}
}

type closing struct {
	net.Conn
	closed func()
}

func (c *closing) Close() error {
	c.closed()
	return c.Conn.Close()
}

// TestRecorderIsNotLocked gives a recorder a wrong password for many cameras: it
// sees one try in a while, and all come up when it takes the password.
func TestRecorderIsNotLocked(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var tries atomic.Int64
	var right atomic.Bool
	f.answer = func(c *fakeConn, m string) bool {
		if m != "DESCRIBE" || c.header["authorization"] != "" && right.Load() {
			return false
		}
		if c.header["authorization"] != "" {
			tries.Add(1)
		}
		c.reply("401 Unauthorized", "WWW-Authenticate: Basic realm=\"nvr\"\r\n", "")
		return true
	}
	f.play = func(c *fakeConn) {
		for stamp := uint32(1); c.pause(10 * time.Millisecond); {
			stamp = c.gop(stamp, 1)
		}
	}
	f.serve()
	p := quick()
	p.RefusedWait = time.Second
	r := newRecorder(t, f, p)
	at := time.Now()
	r.add(8, "wrong")
	refused := func(s streams.Status) bool {
		return s.State == streams.Refused && s.Reason == streams.SignInRefused && !s.RetryAt.IsZero() && strings.Contains(s.Detail, "password")
	}
	r.wait(8, refused)
	if n, limit := tries.Load(), int64(time.Since(at)/p.RefusedWait)+1; n > limit {
		t.Errorf("%d tries, want at most %d", n, limit)
	}
	for tries.Load() < 2 {
		<-r.told
	}
	if n, limit := tries.Load(), int64(time.Since(at)/p.RefusedWait)+1; n > limit {
		t.Errorf("%d tries, want at most %d", n, limit)
	}
	right.Store(true)
	r.wait(8, isLive)
	// One camera's refusal is its own where the others are in.
	r.fleet.Set("ch8", streams.Spec{Camera: "ch8", Profile: streams.Main, URL: rtspURL(f.addr(), "ch8"), Username: "admin", Password: "other", Always: true})
	r.wait(9, isLive)
}

// TestPowerCut has 100 cameras vanish and come back at once: they are dialled
// spread out, none twice within a second, and all are back.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	const n = 100
	f := newFake(t)
	f.play = func(c *fakeConn) {
		for stamp := uint32(1); c.pause(500 * time.Millisecond); {
			stamp = c.gop(stamp, 1)
		}
	}
	f.serve()
	p := New()
	log := &dialLog{}
	var off atomic.Bool
	p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		log.mu.Lock()
		log.at, log.addrs = append(log.at, time.Now()), append(log.addrs, address)
		log.mu.Unlock()
		if off.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		return (&net.Dialer{}).DialContext(ctx, network, f.addr()) // one listener serves them all
	}
	r := newRecorder(t, f, p)
	for i := range n {
		id := fmt.Sprint("cam", i)
		r.fleet.Set(id, streams.Spec{Camera: id, Profile: streams.Main, URL: fmt.Sprintf("rtsp://10.0.%d.%d/x", i/100, i%100), Always: true})
	}
	r.wait(n, isLive)
	off.Store(true)
	log.mu.Lock()
	log.at, log.addrs = nil, nil
	log.mu.Unlock()
	f.mu.Lock()
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	r.wait(n, func(s streams.Status) bool { return s.State == streams.Unreachable })
	off.Store(false)
	r.wait(n, isLive)
	log.mu.Lock()
	defer log.mu.Unlock()
	last := map[string]time.Time{}
	for i, when := range log.at {
		if before, ok := last[log.addrs[i]]; ok && when.Sub(before) < p.MinBackoff {
			t.Errorf("%s was dialled twice within %v", log.addrs[i], when.Sub(before))
		}
		last[log.addrs[i]] = when
		if i >= n/4 && when.Sub(log.at[i-n/4]) < 50*time.Millisecond {
			t.Fatalf("%d dials within %v", n/4, when.Sub(log.at[i-n/4]))
		}
	}
}
