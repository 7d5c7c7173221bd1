package whep

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/ice/v4"
)

// front is the socket below pion's UDP mux. The mux knows peers by their
// address once it has seen them: a browser that opens anew from the port of a
// viewer that died would be taken for the dead one. So what comes in is looked
// at first, and an address that has passed to another viewer is taken from the
// one before.
type front struct {
	*net.UDPConn
	heard func(from netip.AddrPort, ufrag string) // ufrag: ours, of a check; else empty
}

// ReadFromAddrPort implements pion's AddrPortReaderWriter.
func (f *front) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := f.ReadFromUDPAddrPort(b)
	if err == nil {
		f.heard(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), requestUfrag(b[:n]))
	}
	return n, from, err
}

// WriteToAddrPort implements pion's AddrPortReaderWriter.
func (f *front) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return f.WriteToUDPAddrPort(b, to)
}

// requestUfrag returns our own ufrag from the USERNAME of a STUN binding
// request (RFC 8489 5, 14.3; RFC 8445 7.2.2), or nothing for another packet.
func requestUfrag(p []byte) string {
	const header, username = 20, 0x0006
	if len(p) < header || p[0] != 0 || p[1] != 1 {
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

// heard notes a packet. Checks tell whose they are; all else is the owner's.
func (s *Server) heard(from netip.AddrPort, ufrag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, at := s.ufrags[ufrag], s.places[from]
	switch {
	case at != nil && (ufrag == "" || v == at.owner):
		at.rival = nil
	case v == nil || len(v.addresses) == maxAddresses:
	case at == nil:
		s.places[from] = &place{owner: v}
		v.addresses = append(v.addresses, from)
	case at.rival != v:
		at.rival, at.since = v, time.Now()
	case at.owner.silent.Load() || time.Since(at.since) > giveUp:
		s.displace(at.owner)
		*at = place{owner: v}
		v.addresses = append(v.addresses, from)
	}
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
	return p != nil && p.owner != by && !p.owner.silent.Load()
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
