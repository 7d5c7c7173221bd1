package whep

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/pion/ice/v4"
)

// front is the socket below pion's UDP mux. The mux knows peers by their
// address once it has seen them: a browser that opens anew from the port of a
// viewer that died would be taken for the dead one. So what comes in is looked
// at first, and an address that has passed to another viewer is taken from the
// one before. RTCP of viewers whose media goes around pion goes no further.
type front struct {
	*net.UDPConn
	datagrams *datagrams
	server    *Server
	busy      bool // the last packet was not long in coming
}

// calmPause is how long packets pile up while they are many and nobody is
// connecting: one wake-up serves some. A repetition may come so much later.
const calmPause = 20 * time.Millisecond

func (s *Server) openFront() (*front, error) {
	d, err := datagramsOf(s.sockets.front)
	return &front{UDPConn: s.sockets.front, datagrams: d, server: s}, err
}

// ReadFromAddrPort implements pion's AddrPortReaderWriter.
func (f *front) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := f.next(b)
		if err != nil {
			return 0, from, err
		}
		// Checks name their viewer: ours is the first half of the user name.
		v := f.server.heard(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), requestUfrag(b[:n]))
		if v == nil || !isRTCP(b[:n]) || !v.take(b[:n]) {
			return n, from, nil
		}
	}
}

// next waits for a packet.
func (f *front) next(b []byte) (int, netip.AddrPort, error) {
	n, from, err := f.datagrams.read(b, false)
	none := errors.Is(err, os.ErrDeadlineExceeded)
	if none && f.busy && f.server.connecting.Load() == 0 {
		select {
		case <-time.After(calmPause):
		case <-f.server.arriving:
		}
		n, from, err = f.datagrams.read(b, false)
		none = errors.Is(err, os.ErrDeadlineExceeded)
	}
	if !none {
		return n, from, err
	}
	began := time.Now()
	n, from, err = f.datagrams.read(b, true)
	f.busy = time.Since(began) < calmPause
	return n, from, err
}

// WriteToAddrPort implements pion's AddrPortReaderWriter.
func (f *front) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if isRequest(b) && f.server.askedLately(to) {
		return len(b), nil
	}
	return f.datagrams.write(b, to)
}

// isRequest tells a STUN binding request.
func isRequest(p []byte) bool { return len(p) >= 20 && p[0] == 0 && p[1] == 1 }

// requestUfrag returns our own ufrag from the USERNAME of a STUN binding
// request (RFC 8489 5, 14.3; RFC 8445 7.2.2), or nothing for another packet.
func requestUfrag(p []byte) string {
	const header, username = 20, 0x0006
	if !isRequest(p) {
		return ""
	}
	for rest := p[header:]; len(rest) >= 4; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < 4+size {
			return ""
		}
		if kind == username {
			own, _, _ := strings.Cut(string(rest[4:4+size]), ":")
			return own
		}
		rest = rest[min(len(rest), 4+(size+3)/4*4):]
	}
	return ""
}

// oneDoor makes pion gather one UDP candidate a family, and only families that
// the peer has. Candidates would share the front's packets, and each would take
// some of the others' checks; the answer names every address all the same (see
// candidates.go).
type oneDoor struct {
	*ice.UDPMuxDefault
	doors []net.Addr
}

// doors are the addresses that candidates are gathered at.
func (s *Server) doors(want reach) []net.Addr {
	at := s.sockets.front.LocalAddr().(*net.UDPAddr)
	if !at.IP.IsUnspecified() {
		return []net.Addr{at}
	}
	var doors []net.Addr
	if want.v4 || at.IP.To4() != nil {
		doors = append(doors, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: at.Port})
	}
	if want.v6 && at.IP.To4() == nil {
		doors = append(doors, &net.UDPAddr{IP: net.IPv6loopback, Port: at.Port})
	}
	return doors
}

// GetListenAddresses implements ice.UDPMux.
func (m oneDoor) GetListenAddresses() []net.Addr { return m.doors }

const (
	// maxAddresses bounds what one viewer can claim.
	maxAddresses = 16
	// giveUp is how long a viewer may say nothing while another one's checks
	// come from its address, until the address passes. A living one says
	// something about once a second; a peer goes on checking for 1.4 s.
	giveUp = 800 * time.Millisecond
)

// place is an address that viewers' checks come from.
type place struct {
	owner *Viewer
	rival *Viewer   // whose checks come from there since the owner was last heard
	since time.Time // the first of them
}

// heard notes a packet. Checks tell whose they are; all else is the owner's, who
// is returned.
func (s *Server) heard(from netip.AddrPort, ufrag string) (owner *Viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, at := s.ufrags[ufrag], s.places[from]
	switch {
	case at != nil && (ufrag == "" || v == at.owner):
		at.rival = nil
		return at.owner
	case v == nil || len(v.addresses) == maxAddresses:
	case at == nil:
		s.places[from] = &place{owner: v}
		v.addresses = append(v.addresses, from)
	case at.rival != v:
		at.rival, at.since = v, time.Now()
	case at.owner.asleep() || time.Since(at.since) > giveUp:
		s.displace(at.owner)
		*at = place{owner: v}
		v.addresses = append(v.addresses, from)
	}
	return nil
}

// displace ends a viewer whose address is another's now. s.mu is held.
func (s *Server) displace(v *Viewer) {
	for _, u := range v.ufrags {
		s.udpMux.RemoveConnByUfrag(u)
	}
	v.cancel()
}

// taken reports whether an address is that of another viewer who is alive.
// Checks sent there would draw what it says to the wrong one.
func (s *Server) taken(at netip.AddrPort, by *Viewer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.places[at]
	return p != nil && p.owner != by && !p.owner.asleep()
}

// askedLately reports whether a check of ours is one too many: pion asks every 2 s
// whatever it is told, and RFC 7675 5.1 forbids to ask for consent more often
// than every 4. Where the viewer is not connected every check counts.
func (s *Server) askedLately(at netip.AddrPort) bool {
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.places[at]
	return p != nil && p.owner.askedLately(at)
}

// know notes the ufrag of an answer.
func (s *Server) know(v *Viewer, answer string) {
	ufrag := iceCredentials(answer).ufrag
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ufrags[ufrag] = v
	v.ufrags = append(v.ufrags, ufrag)
}

// forget gives up what is known of a viewer.
func (s *Server) forget(v *Viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.viewers, v)
	for _, u := range v.ufrags {
		delete(s.ufrags, u)
	}
	for _, a := range v.addresses {
		if p := s.places[a]; p != nil && p.owner == v {
			delete(s.places, a)
		}
	}
}

var _ ice.UDPMux = oneDoor{}
