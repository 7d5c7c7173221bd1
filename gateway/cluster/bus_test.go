package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sharpeyes/alerts"
)

// conform is what every bus must do. nodes returns buses that hear each other;
// a single-process bus returns the same one twice.
func conform(t *testing.T, nodes func(t *testing.T) (a, b alerts.Bus)) {
	t.Run("all subscribers hear in order", func(t *testing.T) {
		a, b := nodes(t)
		ha, hb := listen(a), listen(b)
		defer ha.cancel()
		defer hb.cancel()
		meet(t, a, hb)
		for i := range 200 {
			publish(t, a, int64(i+1))
		}
		for _, h := range []*hearer{ha, hb} {
			h.wait(t, 200)
			last := int64(0)
			for _, e := range h.seen() {
				if e.Seq < last {
					t.Fatalf("event %d after %d", e.Seq, last)
				}
				last = e.Seq
			}
		}
	})
	t.Run("an event arrives unaltered", func(t *testing.T) {
		a, b := nodes(t)
		h := listen(b)
		defer h.cancel()
		meet(t, a, h)
		sent := alerts.Event{Seq: 7, At: time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC), Kind: alerts.AlertRaised,
			AreaID: "x", AreaPath: "/x/", ID: "y", Data: []byte(`{"text":"火情 <&>"}`)}
		if err := a.Publish(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		h.wait(t, 1)
		got := h.seen()[0]
		if fmt.Sprint(got.Seq, got.At.UTC(), got.Kind, got.AreaID, got.AreaPath, got.ID) !=
			fmt.Sprint(sent.Seq, sent.At, sent.Kind, sent.AreaID, sent.AreaPath, sent.ID) {
			t.Fatalf("got %+v, want %+v", got, sent)
		}
		if !strings.Contains(string(got.Data), "火情") {
			t.Fatalf("data %s", got.Data)
		}
	})
	t.Run("a stuck subscriber holds up nobody", func(t *testing.T) {
		a, _ := nodes(t)
		block := make(chan struct{})
		cancel := a.Subscribe(func(alerts.Event) { <-block })
		h := listen(a)
		defer h.cancel()
		for i := range 3 * queueLength {
			publish(t, a, int64(i+1))
			if i%200 == 0 {
				h.waitSeq(t, int64(i+1)) // a listener that keeps up loses nothing
			}
		}
		h.waitSeq(t, 3*queueLength)
		close(block)
		cancel()
	})
	t.Run("nothing comes after cancel", func(t *testing.T) {
		a, _ := nodes(t)
		h := listen(a)
		publish(t, a, 1)
		h.waitSeq(t, 1)
		h.cancel()
		n := len(h.seen())
		publish(t, a, 2)
		other := listen(a)
		defer other.cancel()
		publish(t, a, 3)
		other.waitSeq(t, 3)
		if len(h.seen()) != n {
			t.Fatal("heard after cancel")
		}
	})
	t.Run("closed", func(t *testing.T) {
		a, _ := nodes(t)
		_ = a.Close()
		if err := a.Publish(t.Context(), alerts.Event{}); err == nil {
			t.Fatal("a closed bus took an event")
		}
	})
}

// meet publishes until the hearer hears: subscriptions take a moment.
func meet(t *testing.T, from alerts.Bus, h *hearer) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; {
		if time.Now().After(deadline) {
			t.Fatal("the nodes do not hear each other")
		}
		if err := from.Publish(t.Context(), alerts.Event{Kind: "test.meet"}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-h.met:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

type hearer struct {
	mu     sync.Mutex
	events []alerts.Event
	news   chan struct{}
	met    chan struct{}
	once   sync.Once
	cancel func()
}

func listen(b alerts.Bus) *hearer {
	h := &hearer{news: make(chan struct{}, 1), met: make(chan struct{})}
	h.cancel = b.Subscribe(func(e alerts.Event) {
		if e.Kind == "test.meet" {
			h.once.Do(func() { close(h.met) })
			return
		}
		h.mu.Lock()
		h.events = append(h.events, e)
		h.mu.Unlock()
		select {
		case h.news <- struct{}{}:
		default:
		}
	})
	return h
}

func (h *hearer) seen() []alerts.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]alerts.Event(nil), h.events...)
}

func (h *hearer) until(t *testing.T, what string, ok func([]alerts.Event) bool) {
	t.Helper()
	timeout := time.After(15 * time.Second)
	for !ok(h.seen()) {
		select {
		case <-h.news:
		case <-timeout:
			t.Fatalf("%s: heard %d events", what, len(h.seen()))
		}
	}
}

func (h *hearer) wait(t *testing.T, n int) {
	t.Helper()
	h.until(t, fmt.Sprintf("waiting for %d", n), func(e []alerts.Event) bool { return len(e) >= n })
}

func (h *hearer) waitSeq(t *testing.T, seq int64) {
	t.Helper()
	h.until(t, fmt.Sprintf("waiting for number %d", seq), func(e []alerts.Event) bool {
		return len(e) > 0 && e[len(e)-1].Seq >= seq
	})
}

func publish(t *testing.T, b alerts.Bus, seq int64) {
	t.Helper()
	if err := b.Publish(t.Context(), alerts.Event{Seq: seq, Kind: alerts.CameraSaved}); err != nil {
		t.Fatal(err)
	}
}

func checkLeaks(t *testing.T) {
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
}

func TestLocal(t *testing.T) {
	checkLeaks(t)
	conform(t, func(t *testing.T) (alerts.Bus, alerts.Bus) {
		b := NewLocal()
		t.Cleanup(func() { _ = b.Close() })
		return b, b
	})
}

func TestRedis(t *testing.T) {
	checkLeaks(t)
	srv := startRedis(t, freePort(t))
	n := 0
	conform(t, func(t *testing.T) (alerts.Bus, alerts.Bus) {
		n++
		return redisPair(t, srv.url(), fmt.Sprintf("t%d", n))
	})
}

func redisPair(t *testing.T, url, prefix string) (alerts.Bus, alerts.Bus) {
	t.Helper()
	var out [2]alerts.Bus
	for i := range out {
		b, err := NewRedis(url, prefix, fmt.Sprintf("node%d", i), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		out[i] = b
	}
	return out[0], out[1]
}

func TestRedisDownAndBack(t *testing.T) {
	checkLeaks(t)
	port := freePort(t)
	srv := startRedis(t, port)
	a, b := redisPair(t, srv.url(), "t")
	ha, hb := listen(a), listen(b)
	defer ha.cancel()
	defer hb.cancel()
	meet(t, a, hb)
	srv.kill()
	publish(t, a, 1)
	ha.waitSeq(t, 1) // our own screens go on
	startRedis(t, port)
	back := time.Now()
	for i := int64(2); ; i++ {
		publish(t, a, i)
		if e := hb.seen(); len(e) > 0 && e[len(e)-1].Seq > 1 {
			break
		}
		if time.Since(back) > 10*time.Second {
			t.Fatal("events did not resume within 10 s of the server's return")
		}
		select {
		case <-hb.news:
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestRedisURLIsNotQuoted(t *testing.T) {
	_, err := NewRedis("http://user:hunter2@host", "t", "n", slog.New(slog.DiscardHandler))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("error %v", err)
	}
}

type redisServer struct {
	port int
	cmd  *exec.Cmd
	once sync.Once
}

func (s *redisServer) url() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.port) }

func (s *redisServer) kill() {
	s.once.Do(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
}

// startRedis starts a real server; without one the test fails.
func startRedis(t *testing.T, port int) *redisServer {
	t.Helper()
	cmd := exec.Command("redis-server", "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("redis-server is needed (make deps): %v", err)
	}
	s := &redisServer{port: port, cmd: cmd}
	t.Cleanup(s.kill)
	for deadline := time.Now().Add(10 * time.Second); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		cancel()
		if err == nil {
			_ = c.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
