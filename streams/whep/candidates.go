package whep

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/webrtc/v4"
)

type reachedKey struct{}

// Reached adds the address of ours that a viewer's request came to: media will
// most likely reach it there too, so its candidate goes first.
func Reached(ctx context.Context, at netip.Addr) context.Context {
	return context.WithValue(ctx, reachedKey{}, at.Unmap())
}

// reach is by what a peer can be reached. Each way that pion is to prepare costs
// goroutines and buffers for every viewer.
type reach struct{ v4, v6, tcp bool }

// reachOf reads the candidates of an offer. Without any, and for names in place
// of addresses (mDNS), everything is possible.
func reachOf(candidates []webrtc.ICECandidateInit) (r reach) {
	for _, c := range candidates {
		// candidate:foundation component transport priority address port ...
		f := strings.Fields(c.Candidate)
		if len(f) < 6 {
			continue
		}
		r.tcp = r.tcp || strings.EqualFold(f[2], "tcp")
		a, err := netip.ParseAddr(f[4])
		r.v4 = r.v4 || err != nil || a.Unmap().Is4()
		r.v6 = r.v6 || err != nil || !a.Unmap().Is4()
	}
	if len(candidates) == 0 {
		return reach{true, true, true}
	}
	return r
}

// addresses lists where viewers may find us, the best first.
func (s *Server) addresses(ctx context.Context) []netip.Addr {
	reached, _ := ctx.Value(reachedKey{}).(netip.Addr)
	var list []netip.Addr
	add := func(a netip.Addr) {
		a = a.Unmap().WithZone("")
		for _, have := range list {
			if have == a {
				return
			}
		}
		list = append(list, a)
	}
	at := s.sockets.front.LocalAddr().(*net.UDPAddr)
	own := []netip.Addr{at.AddrPort().Addr()}
	if at.IP.IsUnspecified() {
		own = interfaceAddresses(at.IP.To4() != nil)
	}
	for _, a := range own {
		if a.Unmap() == reached {
			add(a)
		}
	}
	for _, text := range s.PublicIPs {
		if a, err := netip.ParseAddr(text); err == nil {
			add(a)
		}
	}
	for _, a := range own {
		// Our loopback is no use to who came from elsewhere.
		if a.IsLoopback() && reached.IsValid() && !reached.IsLoopback() && len(own) > 1 {
			continue
		}
		add(a)
	}
	return list
}

func interfaceAddresses(v4 bool) (list []netip.Addr) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		if ip = ip.Unmap(); ok && !ip.IsLinkLocalUnicast() && (ip.Is4() || !v4) {
			list = append(list, ip)
		}
	}
	return list
}

// withAddresses writes our own UDP candidates into an answer in place of pion's,
// which name one address a family, and adds those of TCP at public addresses.
func (s *Server) withAddresses(ctx context.Context, answer string) string {
	var lines strings.Builder
	port := s.sockets.front.LocalAddr().(*net.UDPAddr).Port
	for i, a := range s.addresses(ctx) {
		fmt.Fprintf(&lines, "a=candidate:%d 1 udp %d %s %d typ host\r\n", i+1, priority(126, i), a, port)
	}
	if s.tcp != nil {
		port := s.tcp.Addr().(*net.TCPAddr).Port
		for i, a := range s.PublicIPs {
			fmt.Fprintf(&lines, "a=candidate:%d 1 tcp %d %s %d typ host tcptype passive\r\n", 1000+i, priority(90, i), a, port)
		}
	}
	var b strings.Builder
	done := false // in this section
	for line := range strings.Lines(answer) {
		if strings.HasPrefix(line, "m=") {
			done = false
		}
		if strings.HasPrefix(line, "a=candidate:") && strings.Contains(line, " udp ") {
			if !done {
				b.WriteString(lines.String())
				done = true
			}
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// priority of a candidate (RFC 8445 5.1.2.1), the i-th of its type.
func priority(kind uint32, i int) uint32 { return kind<<24 | uint32(0xffff-i)<<8 | 255 }
