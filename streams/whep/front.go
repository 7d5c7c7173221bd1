package whep

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/ice/v4"
)

// front is the socket below pion's UDP mux. The mux knows peers by their
// address once it has seen them: a browser that opens anew from the port of a
// viewer that died would be taken for the dead one. So each check that comes in
// is looked at first, and an address that has passed to another viewer is taken
// from the silent one.
type front struct {
	*net.UDPConn
	seen func(from netip.AddrPort, ufrag string)
}

// ReadFromAddrPort implements pion's AddrPortReaderWriter.
func (f *front) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := f.ReadFromUDPAddrPort(b)
	if err == nil {
		if ufrag, ok := requestUfrag(b[:n]); ok {
			f.seen(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), ufrag)
		}
	}
	return n, from, err
}

// WriteToAddrPort implements pion's AddrPortReaderWriter.
func (f *front) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return f.WriteToUDPAddrPort(b, to)
}

// requestUfrag returns our own ufrag from the USERNAME of a STUN binding
// request (RFC 8489 5, 14.3; RFC 8445 7.2.2).
func requestUfrag(p []byte) (string, bool) {
	const header, username = 20, 0x0006
	if len(p) < header || p[0] != 0 || p[1] != 1 {
		return "", false
	}
	for rest := p[header:]; len(rest) >= 4; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < 4+size {
			return "", false
		}
		if kind == username {
			own, _, ok := strings.Cut(string(rest[4:4+size]), ":")
			return own, ok
		}
		rest = rest[min(len(rest), 4+(size+3)/4*4):]
	}
	return "", false
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

// maxAddresses bounds what one viewer can claim.
const maxAddresses = 16

// seen notes that a viewer's check came from an address.
func (s *Server) seen(from netip.AddrPort, ufrag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.ufrags[ufrag]
	before := s.owners[from]
	if v == nil || v == before || len(v.addresses) == maxAddresses {
		return
	}
	if before != nil {
		if !before.silent.Load() {
			return // it is alive: nobody takes its address
		}
		for _, u := range before.ufrags {
			s.udpMux.RemoveConnByUfrag(u)
		}
		before.cancel()
	}
	s.owners[from] = v
	v.addresses = append(v.addresses, from)
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
		if s.owners[a] == v {
			delete(s.owners, a)
		}
	}
}

var _ ice.UDPMux = oneDoor{}
