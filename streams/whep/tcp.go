package whep

import (
	"net"
	"sync"
	"time"

	"github.com/pion/ice/v4"
)

// tcpDoor is the listener below pion's TCP mux. It bounds what strangers may
// hold open, and knows every connection, so that closing does not wait for
// peers that say nothing: the mux itself gives each of them 30 s.
type tcpDoor struct {
	net.Listener
	max int

	mu     sync.Mutex
	open   map[*tcpConn]struct{}
	closed bool
}

// What a viewer over TCP that stops reading may hold: the kernel would take 4 MB
// for it, and show them all when it reads again, long past.
const (
	tcpBuffer = 256 << 10
	tcpStall  = 5 * time.Second
)

// tcpConn is a connection that the door knows of.
type tcpConn struct {
	net.Conn
	door *tcpDoor
}

func newTCPDoor(l net.Listener, most int) *tcpDoor {
	return &tcpDoor{Listener: l, max: most, open: map[*tcpConn]struct{}{}}
}

// Accept turns away what is over the bound.
func (d *tcpDoor) Accept() (net.Conn, error) {
	for {
		raw, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if t, ok := raw.(*net.TCPConn); ok {
			_ = t.SetWriteBuffer(tcpBuffer)
		}
		c := &tcpConn{raw, d}
		d.mu.Lock()
		full := d.closed || len(d.open) >= d.max
		if !full {
			d.open[c] = struct{}{}
		}
		d.mu.Unlock()
		if !full {
			return c, nil
		}
		_ = raw.Close()
	}
}

// Write ends a connection whose peer reads nothing for tcpStall: pion's agent,
// which writes its checks here too, would wait for ever. What was written in
// part cannot be followed by anything (RFC 4571).
func (c *tcpConn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(tcpStall))
	n, err := c.Conn.Write(b)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// Close ends a connection and forgets it.
func (c *tcpConn) Close() error {
	c.door.mu.Lock()
	delete(c.door.open, c)
	c.door.mu.Unlock()
	return c.Conn.Close()
}

// shut closes the listener, every connection, and the mux above. A connection
// that was just being taken in is registered with the mux after its Close has
// looked; so it is asked until its first Close returns.
func (d *tcpDoor) shut(mux ice.TCPMux) {
	d.mu.Lock()
	d.closed = true
	var all []*tcpConn
	for c := range d.open {
		all = append(all, c)
	}
	d.mu.Unlock()
	_ = d.Listener.Close()
	for _, c := range all {
		_ = c.Close()
	}
	first := make(chan struct{})
	var calls sync.WaitGroup
	calls.Go(func() {
		defer close(first)
		_ = mux.Close()
	})
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-first:
			calls.Wait()
			return
		case <-again.C:
			calls.Go(func() { _ = mux.Close() })
		}
	}
}
