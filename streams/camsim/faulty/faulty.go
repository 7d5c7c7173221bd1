// Package faulty is an RTSP camera that goes wrong as a script says, for tests.
//
// It speaks RTSP as text of its own making, over real TCP and UDP sockets, so
// that nothing stands between the script and the wire. Its pictures are valid
// H.264 or H.265 and carry their number (Number), which counts on over
// connections: a reader can tell which pictures it missed.
//
// A Camera has one goroutine that accepts, one for each connection that reads,
// and one for each that plays. A script runs in the last: a list of steps, each
// of which sends, waits, or changes how what follows is sent. Close returns
// when all have ended.
package faulty

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Codecs of a Camera.
const (
	H264 = "H264"
	H265 = "H265"
)

// patience is how long a port may be taken by somebody else when a camera comes
// back to it.
const patience = 5 * time.Second

// Camera is one camera with one stream at any path. Its fields are set before
// Open, and not changed while it is open.
type Camera struct {
	Codec         string // that DESCRIBE offers first: H264 or H265
	Width, Height int    // pixels, multiples of 16; H.265 is always 64x64
	Rate          int    // pictures a second
	GOP           int    // pictures from one key frame to the next
	BFrames       int    // B-pictures before each P-picture
	Busy          int    // macroblocks sent anew in a P-picture: 400 bytes each
	SDPOnly       bool   // parameter sets in the SDP alone

	Username, Password string        // digest sign-in when Username is set
	LockAfter          int           // wrong sign-ins after which nobody is let in; 0: never
	LockFor            time.Duration // also how long wrong ones are remembered

	SDP    string                            // in place of the camera's own
	Public string                            // methods that OPTIONS names
	Extra  string                            // parameters after each session's name, from the semicolon on
	Answer func(c *Conn, method string) bool // asked first; true: it has answered
	Script func(connection int) []Step       // by the number of the connection that plays, from 0; nil: Play(Forever)
	Failed func(format string, args ...any)  // told of what goes wrong on our side; nil: panics

	ln      net.Listener
	addr    string
	slam    atomic.Bool
	number  atomic.Uint64
	lost    atomic.Int64
	plays   atomic.Int64
	wg      sync.WaitGroup
	accepts sync.WaitGroup

	mu       sync.Mutex // guards what follows
	closed   bool
	codec    string
	conns    map[*Conn]struct{}
	requests map[string]int
	refused  []time.Time // all wrong sign-ins
	wrong    []time.Time // wrong sign-ins that are remembered
	locked   time.Time   // until when nobody is let in
}

// New returns a camera of 64x64 pixels with 50 pictures a second and a key frame
// every fifth of a second.
func New() *Camera {
	return &Camera{Codec: H264, Width: 64, Height: 64, Rate: 50, GOP: 10,
		Public: "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER",
		conns:  map[*Conn]struct{}{}, requests: map[string]int{}}
}

// Open starts to listen on a free loopback port.
func (c *Camera) Open() error {
	c.mu.Lock()
	c.codec = c.Codec
	c.mu.Unlock()
	return c.listen("127.0.0.1:0")
}

func (c *Camera) listen(addr string) error {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("faulty: %w", err)
	}
	if c.ln = ln; c.addr == "" {
		c.addr = ln.Addr().String()
	}
	c.accepts.Go(func() { c.accept(ln) })
	return nil
}

// Addr is where the camera listens, or did before Down.
func (c *Camera) Addr() string { return c.addr }

// URL is the camera's address without credentials.
func (c *Camera) URL() string { return "rtsp://" + c.addr + "/cam" }

// Down takes the camera off: its port refuses, its connections are cut. It
// returns when all have ended.
func (c *Camera) Down() {
	_ = c.ln.Close() // only its end matters
	c.accepts.Wait()
	c.cut()
	c.wg.Wait()
}

// Up brings a camera back after Down, on the same port.
func (c *Camera) Up() error {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := c.listen(c.addr)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// Slam makes the camera close each connection as soon as it has taken it.
func (c *Camera) Slam(on bool) {
	c.slam.Store(on)
	if on {
		c.cut()
	}
}

// Close ends the camera.
func (c *Camera) Close() {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if !closed && c.ln != nil {
		c.Down()
	}
}

// Sent is the number that the next picture will carry.
func (c *Camera) Sent() uint64 { return c.number.Load() }

// Lost is how many packets were lost on purpose.
func (c *Camera) Lost() int64 { return c.lost.Load() }

// Plays is how many connections have played.
func (c *Camera) Plays() int { return int(c.plays.Load()) }

// Asked is how often a method was asked for.
func (c *Camera) Asked(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[method]
}

// Connections is how many are open now.
func (c *Camera) Connections() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

func (c *Camera) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Conn.Close()
	}
}

func (c *Camera) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			c.failed("accept: %v", err)
			return
		}
		if c.slam.Load() {
			_ = nc.Close()
			continue
		}
		conn := newConn(c, nc)
		c.mu.Lock()
		c.conns[conn] = struct{}{}
		c.mu.Unlock()
		c.wg.Go(func() {
			defer func() {
				conn.end()
				c.mu.Lock()
				delete(c.conns, conn)
				c.mu.Unlock()
			}()
			conn.talk()
		})
	}
}

func (c *Camera) failed(format string, args ...any) {
	if c.Failed == nil {
		panic(fmt.Sprintf("faulty: "+format, args...))
	}
	c.Failed(format, args...)
}
