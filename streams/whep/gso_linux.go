package whep

import (
	"errors"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// gsoSupported asks the kernel for UDP_SEGMENT (Linux 4.18).
func gsoSupported(c *net.UDPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	err = raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		ok = err == nil
	})
	return ok && err == nil
}

// sendSegments sends buf as packets of size bytes (the last may be shorter) in
// one call. UDP_SEGMENT is set on the call, never on the socket: some drivers
// fail on a lone segment.
func sendSegments(c *net.UDPConn, buf []byte, size int, to netip.AddrPort) error {
	var room [32]byte // CmsgSpace(2) is 24
	oob := room[:unix.CmsgSpace(2)]
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&oob[unix.CmsgLen(0)])) = uint16(size)
	_, _, err := c.WriteMsgUDPAddrPort(buf, oob, to)
	return err
}

// gsoRefused tells an error that will come again from a passing one.
func gsoRefused(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP)
}
