//go:build !linux

package whep

import (
	"net"
	"net/netip"
)

// datagrams reads and writes a UDP socket.
type datagrams struct{ *net.UDPConn }

func datagramsOf(c *net.UDPConn) (*datagrams, error) { return &datagrams{c}, nil }

func (d datagrams) read(b []byte, _ bool) (int, netip.AddrPort, error) {
	return d.ReadFromUDPAddrPort(b)
}

func (d datagrams) write(b []byte, to netip.AddrPort) (int, error) {
	return d.WriteToUDPAddrPort(b, to)
}
