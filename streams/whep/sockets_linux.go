package whep

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenShared opens the front so that outlets can join its port. It binds
// alone, so that a second server on this port is told; it is shared only after.
func listenShared(addr *net.UDPAddr) (front *net.UDPConn, shared bool, err error) {
	if front, err = listenWith(addr, false); err != nil {
		return nil, false, err
	}
	raw, err := front.SyscallConn()
	if err != nil {
		_ = front.Close()
		return nil, false, err
	}
	return front, control(raw, share) == nil, nil
}

// joinShared opens an outlet. It fails where the kernel does not keep what
// comes in at the front.
func joinShared(front *net.UDPConn) (*net.UDPConn, error) {
	c, err := listenWith(front.LocalAddr().(*net.UDPAddr), true)
	if err != nil {
		return nil, err
	}
	if err := keepIncoming(front); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func share(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

func listenWith(addr *net.UDPAddr, shared bool) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error {
			// Go's default lets a viewer's candidate be a broadcast address.
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 0); err != nil || !shared {
				return err
			}
			return share(fd)
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
