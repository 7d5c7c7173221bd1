package whep

import (
	"fmt"
	"net"
	"runtime"
)

const (
	socketBuffer = 4 << 20 // asked of the kernel, which may grant less
	maxOutlets   = 8
)

// sockets are the front, where everything comes in and where STUN, DTLS and
// RTCP go out, and the outlets for media, one a core: they have the same port,
// so that firewalls and NATs see one, but a lock and a buffer each. A full
// outlet holds up neither STUN nor the others.
type sockets struct {
	front   *net.UDPConn
	outlets []*outlet
}

func listen(address string, counts *counters) (s sockets, err error) {
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return s, fmt.Errorf("webrtc UDP address %q: %w", address, err)
	}
	front, shared, err := listenShared(addr)
	if err != nil {
		return s, fmt.Errorf("webrtc UDP port: %w", err)
	}
	_ = front.SetReadBuffer(socketBuffer)
	_ = front.SetWriteBuffer(socketBuffer)
	s.front = front
	for shared && len(s.outlets) < min(runtime.GOMAXPROCS(0), maxOutlets) {
		conn, err := joinShared(front)
		if err != nil {
			break
		}
		_ = conn.SetWriteBuffer(socketBuffer)
		o, err := newOutlet(conn, counts)
		if err != nil {
			_ = conn.Close()
			break
		}
		s.outlets = append(s.outlets, o)
	}
	if len(s.outlets) == 0 { // no second socket on this port: the front has to do
		o, err := newOutlet(front, counts)
		if err != nil {
			_ = front.Close()
			return s, fmt.Errorf("webrtc UDP port: %w", err)
		}
		s.outlets = append(s.outlets, o)
	}
	return s, nil
}

func (s *sockets) close() {
	for _, o := range s.outlets {
		_ = o.conn.Close()
	}
	if s.front != nil {
		_ = s.front.Close()
	}
}
