//go:build !linux

package whep

import (
	"errors"
	"net"
	"net/netip"
)

func gsoSupported(*net.UDPConn) bool { return false }

func sendSegments(*net.UDPConn, []byte, int, netip.AddrPort) error { return errors.ErrUnsupported }

func gsoRefused(error) bool { return true }
