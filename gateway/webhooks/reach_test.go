package webhooks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"sharpeyes/alerts"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers every question for an IPv4 address with the one that it
// has at the moment.
type nameServer struct {
	conn net.PacketConn
	is   atomic.Pointer[[4]byte]
}

func newNameServer(t *testing.T, is [4]byte) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{conn: conn}
	n.is.Store(&is)
	done := make(chan struct{})
	go func() { defer close(done); n.serve() }()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return n
}

func (n *nameServer) serve() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		if q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body: &dnsmessage.AResource{A: *n.is.Load()}}}
		}
		if out, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(out, from)
		}
	}
}

func (n *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", n.conn.LocalAddr().String())
	}}
}

// A name that was allowed and then stands for this machine (DNS rebinding) is
// not dialled any more, though nobody changed the webhook.
func TestRebinding(t *testing.T) {
	w := newWorld(t)
	answer := func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Connection", "close") }
	outside := w.receiver(answer) // stands for a server outside, on an address of its own
	_, port, err := net.SplitHostPort(outside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	second := &http.Server{Handler: outside.Config.Handler}
	go func() { _ = second.Serve(l) }()
	t.Cleanup(func() { _ = second.Close() })

	names := newNameServer(t, [4]byte{127, 0, 0, 2})
	w.hook("h", "http://hooks.example.org:"+port+"/x", nil)
	w.courier("a", func(c *Courier) {
		c.Guard, c.resolver = Guard{Networks: prefixes(t, "127.0.0.2/32"), Plain: true}, names.resolver()
	})
	first := w.emit(alerts.AlertRaised, "east", "1")
	w.until("h", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= first })
	for _, inside := range [][4]byte{{127, 0, 0, 1}, {169, 254, 169, 254}, {10, 0, 0, 1}, {0, 0, 0, 0}} {
		names.is.Store(&inside)
		before := w.until("h", "there", func(alerts.HookProgress) bool { return true }).Failures
		w.emit(alerts.AlertRaised, "east", "2")
		p := w.until("h", "refused", func(p alerts.HookProgress) bool { return p.Failures > before })
		if !strings.Contains(p.Error, "not allowed") {
			t.Errorf("%v: %q", inside, p.Error)
		}
	}
	if got := outside.numbers(); len(got) != 1 || got[0] != first {
		t.Errorf("got %v", got)
	}
}

// Certificates are checked, by the name that was given.
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	names := newNameServer(t, [4]byte{127, 0, 0, 1})
	w.hook("known", server.URL, nil)
	w.hook("othername", "https://hooks.example.net:"+port, nil)
	w.hook("plain", "http://127.0.0.1:"+port, nil)
	c := w.courier("a", func(c *Courier) { c.TLS, c.resolver = &tls.Config{RootCAs: pool}, names.resolver() })
	seq := w.emit(alerts.AlertRaised, "east", "1")
	w.until("known", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= seq })
	p := w.until("othername", "refused", func(p alerts.HookProgress) bool { return p.Failures > 0 })
	if !strings.Contains(p.Error, "certificate is not trusted") {
		t.Errorf("another name: %q", p.Error)
	}
	w.until("plain", "refused", func(p alerts.HookProgress) bool { return p.Failures > 0 })
	c.Close()
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}

	stranger := newWorld(t)
	stranger.hook("h", server.URL, nil)
	stranger.courier("a", nil)
	stranger.emit(alerts.AlertRaised, "east", "1")
	p = stranger.until("h", "refused", func(p alerts.HookProgress) bool { return p.Failures > 0 })
	if !strings.Contains(p.Error, "certificate is not trusted") || calls.Load() != 1 {
		t.Errorf("an unknown certificate: %q", p.Error)
	}
}
