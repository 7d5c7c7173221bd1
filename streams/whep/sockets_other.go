//go:build !linux

package whep

import (
	"errors"
	"net"
)

func listenShared(addr *net.UDPAddr) (front *net.UDPConn, shared bool, err error) {
	c, err := net.ListenUDP("udp", addr)
	return c, false, err
}

func joinShared(*net.UDPConn) (*net.UDPConn, error) { return nil, errors.ErrUnsupported }
