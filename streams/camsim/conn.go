package camsim

import (
	"net"
	"sync"
)

// maxHeld bounds what a connection holds back.
const maxHeld = 64 << 10

// joining is a listener whose connections send a frame's packets in one write,
// as a camera's TCP stack would: one system call instead of ten.
type joining struct{ net.Listener }

func (l joining) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &joiningConn{Conn: c}, nil
}

type joiningConn struct {
	net.Conn
	mu   sync.Mutex
	held []byte
}

// Write holds back packets that are not the last of their frame. The next
// write of any kind sends them, in order.
func (c *joiningConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if moreFollows(b) && len(c.held)+len(b) <= maxHeld {
		c.held = append(c.held, b...)
		return len(b), nil
	}
	if len(c.held) == 0 {
		return c.Conn.Write(b)
	}
	c.held = append(c.held, b...)
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// moreFollows tells a video packet without the marker: "$", channel, length
// (RFC 2326, 10.12), then RTP whose second byte is marker and payload type.
func moreFollows(b []byte) bool {
	return len(b) > 6 && b[0] == '$' && b[1]%2 == 0 && b[5] == videoType
}
