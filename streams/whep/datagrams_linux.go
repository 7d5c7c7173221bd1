package whep

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// datagrams reads and writes a UDP socket by calls that never wait, of which the
// scheduler is not told. net's own calls are told, and each wakes the runtime's
// monitor thread from its sleep (sysmon), which then looks around for a
// millisecond: many times what the call costs. One goroutine reads.
type datagrams struct {
	raw   syscall.RawConn
	v6    bool // the socket's addresses are of IPv6, those of IPv4 mapped
	try   func(fd uintptr) bool
	wait  bool
	buf   []byte
	n     int
	errno unix.Errno
	from  unix.RawSockaddrInet6
	size  uint32
	zones map[uint32]string // of the interfaces that link-local peers were heard on
}

func datagramsOf(c *net.UDPConn) (*datagrams, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	d := &datagrams{raw: raw, zones: map[uint32]string{}}
	d.try = d.receive
	return d, control(raw, func(fd int) error {
		family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		d.v6 = family == unix.AF_INET6
		return os.NewSyscallError("getsockopt", err)
	})
}

// read takes the next datagram, and waits for it where wait is set; without, the
// error may be os.ErrDeadlineExceeded: there is none.
func (d *datagrams) read(b []byte, wait bool) (int, netip.AddrPort, error) {
	d.buf, d.wait = b, wait
	if err := d.raw.Read(d.try); err != nil {
		return 0, netip.AddrPort{}, err
	}
	switch d.errno {
	case 0:
		return d.n, d.sender(), nil
	case unix.EAGAIN:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	}
	return 0, netip.AddrPort{}, os.NewSyscallError("recvfrom", d.errno)
}

// receive reports false to wait until something is there.
func (d *datagrams) receive(fd uintptr) bool {
	for {
		d.size = unix.SizeofSockaddrInet6
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(d.buf))), uintptr(len(d.buf)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&d.from)), uintptr(unsafe.Pointer(&d.size)))
		if errno == unix.EINTR {
			continue
		}
		d.n, d.errno = int(n), errno
		return errno != unix.EAGAIN || !d.wait
	}
}

// sender is where the last datagram came from.
func (d *datagrams) sender() netip.AddrPort {
	if d.from.Family == unix.AF_INET {
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(&d.from))
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), fromNetwork(a.Port))
	}
	at := netip.AddrFrom16(d.from.Addr)
	if d.from.Scope_id != 0 {
		at = at.WithZone(d.zone(d.from.Scope_id))
	}
	return netip.AddrPortFrom(at, fromNetwork(d.from.Port))
}

func (d *datagrams) zone(index uint32) string {
	name, ok := d.zones[index]
	if !ok {
		name = strconv.Itoa(int(index))
		if i, err := net.InterfaceByIndex(int(index)); err == nil {
			name = i.Name
		}
		d.zones[index] = name
	}
	return name
}

func fromNetwork(port uint16) uint16 {
	var b [2]byte
	*(*uint16)(unsafe.Pointer(&b)) = port
	return binary.BigEndian.Uint16(b[:])
}

// outgoing is a datagram on its way.
type outgoing struct {
	to    rawAddr
	b     []byte
	errno unix.Errno
	try   func(fd uintptr) bool
}

var outgoings = sync.Pool{New: func() any {
	o := &outgoing{}
	o.try = o.send
	return o
}}

// write sends a datagram, and waits while the socket is full.
func (d *datagrams) write(b []byte, to netip.AddrPort) (int, error) {
	if !d.v6 && !to.Addr().Unmap().Is4() {
		return 0, &net.AddrError{Err: "not an IPv4 address", Addr: to.String()}
	}
	o := outgoings.Get().(*outgoing)
	defer func() {
		o.b = nil
		outgoings.Put(o)
	}()
	o.to.set(to, d.v6)
	o.b = b
	if err := d.raw.Write(o.try); err != nil {
		return 0, err
	}
	if o.errno != 0 {
		return 0, os.NewSyscallError("sendto", o.errno)
	}
	return len(b), nil
}

func (o *outgoing) send(fd uintptr) bool {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(o.b))), uintptr(len(o.b)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&o.to.bytes)), uintptr(o.to.size))
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		o.errno = errno
		return true
	}
}
