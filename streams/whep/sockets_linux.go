package whep

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenShared opens the front so that outlets can join its port. shared is
// false where the kernel does not keep what comes in at the front.
func listenShared(addr *net.UDPAddr) (front *net.UDPConn, shared bool, err error) {
	if c, err := listenReusing(addr); err == nil {
		if err := keepIncoming(c); err == nil {
			return c, true, nil
		}
		_ = c.Close()
	}
	c, err := net.ListenUDP("udp", addr)
	return c, false, err
}

func joinShared(front *net.UDPConn) (*net.UDPConn, error) {
	return listenReusing(front.LocalAddr().(*net.UDPAddr))
}

func listenReusing(addr *net.UDPAddr) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error {
			// Go's default lets a viewer's candidate be a broadcast address.
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 0); err != nil {
				return err
			}
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
	}}
	c, err := lc.ListenPacket(context.Background(), "udp", addr.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// keepIncoming makes the kernel give every packet to the first socket of the
// port: the filter's answer is the socket's index (socket(7),
// SO_ATTACH_REUSEPORT_CBPF).
func keepIncoming(front *net.UDPConn) error {
	raw, err := front.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(fd int) error {
		first := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
			&unix.SockFprog{Len: uint16(len(first)), Filter: &first[0]})
	})
}

func control(c syscall.RawConn, set func(fd int) error) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = set(int(fd)) }); err != nil {
		return err
	}
	return failed
}
