package rtsp

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what a camera may do before the picture.
const (
	maxHandshake = 64 << 10 // bytes, all answers up to PLAY together
	maxSDP       = 16 << 10 // parsing takes time by the square of it
	maxRedirects = 2
	dialPace     = time.Second // between two dials of one camera
)

// link is a connection to a camera with what it may send until PLAY bounded in
// bytes, and in time by a read deadline that the library does not touch.
type link struct {
	net.Conn
	left    atomic.Int64
	playing atomic.Bool
	settled atomic.Bool
	intake  *intake // set before playing is; nil: the library reads all by itself
}

func (l *link) Read(b []byte) (int, error) {
	if l.playing.Load() {
		if l.intake == nil {
			return l.Conn.Read(b)
		}
		return l.intake.read(b)
	}
	left := l.left.Load()
	if left <= 0 {
		return 0, errTooMuch
	}
	n, err := l.Conn.Read(b[:min(int64(len(b)), left)])
	l.left.Add(-int64(n))
	if n > 0 && l.playing.Load() && l.intake != nil {
		// PLAY went out while this read waited: the picture may be in it.
		l.intake.feed(b[:n])
		return l.intake.read(b)
	}
	return n, err
}

// dialer opens the connections of one session: the first, and those of
// redirects, which stay on the same host.
type dialer struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	deadline time.Time
	udp      bool

	mu    sync.Mutex
	host  string
	dials int
	last  time.Time
	link  *link
}

func (d *dialer) open(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	first, since := d.dials == 0, time.Since(d.last)
	if first {
		d.host = host
	}
	d.dials++
	moved, dials := host != d.host, d.dials
	d.mu.Unlock()
	switch {
	case moved:
		// The password was given for the first host; and the second could be
		// any address inside our network.
		return nil, errMoved
	case dials > 1+maxRedirects:
		return nil, errRedirects
	case !first && since < dialPace:
		t := time.NewTimer(dialPace - since)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	d.mu.Lock()
	d.last = time.Now()
	d.mu.Unlock()
	c, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if _, ok := c.RemoteAddr().(*net.TCPAddr); d.udp && !ok {
		return nil, errors.Join(errors.New("RTP over UDP needs a TCP connection"), c.Close())
	}
	if err := c.SetReadDeadline(d.deadline); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	l := &link{Conn: c}
	l.left.Store(maxHandshake)
	d.mu.Lock()
	d.link = l
	d.mu.Unlock()
	return l, nil
}

// connected reports whether a connection stood.
func (d *dialer) connected() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.link != nil
}

// is reports whether ip is the camera's.
func (d *dialer) is(ip net.IP) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.link.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.Equal(ip)
}

// direct has the intake read the connection from PLAY on.
func (d *dialer) direct(in *intake) {
	d.mu.Lock()
	defer d.mu.Unlock()
	in.conn, in.raw, in.settled = d.link.Conn, rawReaderOf(d.link.Conn), d.link.settled.Load
	d.link.intake = in
}

// play lifts the bound in bytes: a camera may send its picture before it
// answers PLAY.
func (d *dialer) play() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link != nil {
		d.link.playing.Store(true)
	}
}

// settle lifts the deadline: from now on the watch over the picture counts.
func (d *dialer) settle() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.link.settled.Store(true)
	if err := d.link.SetReadDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // it has ended already, which watch tells
}

// cut closes the connection under the library.
func (d *dialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link != nil {
		_ = d.link.Conn.Close() // what ended it is told elsewhere
	}
}
