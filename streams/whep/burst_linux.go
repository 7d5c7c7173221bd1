package whep

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawAddr is a socket address as the kernel takes it.
type rawAddr struct {
	bytes [unix.SizeofSockaddrInet6]byte
	size  uint32
}

// kernel is the outlet's descriptor.
type kernel struct {
	raw syscall.RawConn
	v6  bool // its addresses are of IPv6, those of IPv4 mapped
}

// multi is struct mmsghdr of sendmmsg(2).
type multi struct {
	header unix.Msghdr
	sent   uint32
	_      uint32
}

// segmentSize is a control message with one UDP_SEGMENT in it.
type segmentSize [24]byte // CmsgSpace(2)

// batch is what one sendmmsg needs; it is kept so that nothing is allocated.
type batch struct {
	multi    [burstMessages]multi
	vectors  [burstMessages]unix.Iovec
	controls [burstMessages]segmentSize
	count    int
	done     int
	errno    unix.Errno
	call     func(fd uintptr) bool
}

func newOutlet(c *net.UDPConn, counts *counters) (*outlet, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	o := &outlet{conn: c, counts: counts, kernel: kernel{raw: raw}}
	err = raw.Control(func(fd uintptr) {
		family, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		o.v6 = err == nil && family == unix.AF_INET6
		if _, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT); err != nil { // Linux 4.18
			o.mode.Store(int32(sendMany))
		}
	})
	return o, err
}

// destination prepares an address.
func (o *outlet) destination(to netip.AddrPort) *destination {
	d := &destination{addr: to}
	d.raw.set(to, o.v6)
	return d
}

// set writes an address for a socket of IPv6, where those of IPv4 are mapped, or
// of IPv4.
func (r *rawAddr) set(to netip.AddrPort, v6 bool) {
	r.bytes = [unix.SizeofSockaddrInet6]byte{}
	if v6 {
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&r.bytes))
		sa.Family, sa.Addr, sa.Port = unix.AF_INET6, to.Addr().As16(), networkOrder(to.Port())
		if zone := to.Addr().Zone(); zone != "" {
			if i, err := net.InterfaceByName(zone); err == nil {
				sa.Scope_id = uint32(i.Index)
			}
		}
		r.size = unix.SizeofSockaddrInet6
		return
	}
	sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&r.bytes))
	sa.Family, sa.Port = unix.AF_INET, networkOrder(to.Port())
	if to.Addr().Unmap().Is4() {
		sa.Addr = to.Addr().Unmap().As4()
	}
	r.size = unix.SizeofSockaddrInet4
}

func networkOrder(port uint16) uint16 {
	var b [2]byte
	b[0], b[1] = byte(port>>8), byte(port)
	return *(*uint16)(unsafe.Pointer(&b))
}

// sendBatch sends what is not sent yet with sendmmsg, with a message in one
// piece or packet by packet. It reports false where the kernel cannot do that
// at all.
func (b *burst) sendBatch(segments bool) bool {
	a := &b.batch
	if a.call == nil {
		a.call = a.sendmmsg
	}
	for next := 0; next < len(b.messages); {
		next = b.fill(next, segments)
		for a.done < a.count {
			b.out.counts.calls.Add(1)
			if err := b.out.raw.Write(a.call); err != nil {
				return true // the socket is closed
			}
			switch {
			case a.errno == 0:
			case a.errno == unix.EAGAIN || a.errno == unix.ENOBUFS: // full: nobody waits
				b.out.counts.failed.Add(int64(a.count - a.done))
				a.done = a.count
			case a.errno == unix.EINTR:
			case a.errno == unix.ENOSYS:
				b.rewind(segments)
				return false
			case segments && segmentsRefused(a.errno) && b.takesPlain():
				b.rewind(segments)
				return false
			default: // this one address cannot be sent to
				b.out.counts.failed.Add(1)
				a.done++
			}
		}
		b.spend(next, segments)
	}
	return true
}

// fill prepares the next messages and returns the first that did not fit.
func (b *burst) fill(next int, segments bool) int {
	a := &b.batch
	a.count, a.done = 0, 0
	for ; next < len(b.messages) && a.count < burstMessages; next++ {
		m := &b.messages[next]
		if segments {
			from := m.from + m.spent*m.size
			b.put(m.to, b.buf[from:m.end], m.size)
			continue
		}
		for m.spent < m.packets && a.count < burstMessages {
			b.put(m.to, m.packet(b.buf), 0)
			m.spent++
		}
		if m.spent < m.packets {
			return next
		}
	}
	return next
}

// spend marks what was handed over whole.
func (b *burst) spend(end int, segments bool) {
	if segments {
		for i := range b.messages[:end] {
			b.messages[i].spent = b.messages[i].packets
		}
	}
}

// takesPlain tells a kernel or driver that refuses segments from an address
// that cannot be sent to at all: it tries the message's first packet by itself.
func (b *burst) takesPlain() bool {
	m := &b.messages[len(b.messages)-(b.batch.count-b.batch.done)]
	if _, err := b.out.conn.WriteToUDPAddrPort(m.packet(b.buf), m.to.addr); err != nil {
		return false
	}
	m.spent++
	return true
}

// rewind makes what has not left be sent by other means, and nothing twice.
func (b *burst) rewind(segments bool) {
	left := b.batch.count - b.batch.done
	if segments {
		for i := range b.messages[:len(b.messages)-left] {
			b.messages[i].spent = b.messages[i].packets
		}
		return
	}
	for i := len(b.messages) - 1; i >= 0 && left > 0; i-- {
		m := &b.messages[i]
		back := min(left, m.spent)
		m.spent -= back
		left -= back
	}
}

// put adds one message to the call; a size of 0 or of all of it: one packet.
// UDP_SEGMENT is set on the message, never on the socket, and never for one
// packet alone: some drivers fail on that.
func (b *burst) put(to *destination, data []byte, size int) {
	a := &b.batch
	i := a.count
	a.count++
	v, h := &a.vectors[i], &a.multi[i].header
	v.Base = unsafe.SliceData(data)
	v.SetLen(len(data))
	h.Name, h.Namelen = &to.raw.bytes[0], to.raw.size
	h.Iov = v
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(0)
	if size == 0 || size >= len(data) {
		return
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&a.controls[i]))
	c.Level, c.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	c.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&a.controls[i][unix.CmsgLen(0)])) = uint16(size)
	h.Control = &a.controls[i][0]
	h.SetControllen(len(a.controls[i]))
}

// sendmmsg is called with the descriptor locked. It never asks to wait, so the
// scheduler is not told of it: that would cost more than it does, and have this
// goroutine's place taken meanwhile.
func (a *batch) sendmmsg(fd uintptr) bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&a.multi[a.done])), uintptr(a.count-a.done),
		unix.MSG_DONTWAIT, 0, 0)
	if a.errno = errno; errno == 0 {
		a.done += int(n)
	}
	return true
}

// segmentsRefused tells errors that may mean that segments cannot be sent.
func segmentsRefused(errno unix.Errno) bool {
	return errors.Is(errno, unix.EIO) || errors.Is(errno, unix.EINVAL) || errors.Is(errno, unix.EOPNOTSUPP)
}
