package rtsp

import (
	"net"
	"syscall"
	"unsafe"
)

// quietBytes is how much has to wait in a socket for it to wake us up while
// nobody watches; less is fetched by the clock.
const quietBytes = 32 << 10

// rawReader reads a socket without waiting, and keeps it from waking the
// process for every packet. It belongs to one goroutine.
type rawReader struct {
	conn   syscall.RawConn
	try    func(fd uintptr) bool
	in     *intake
	wait   bool
	quiet  bool
	n      int
	failed error
}

// rawReaderOf returns nil for what is no TCP socket.
func rawReaderOf(c net.Conn) *rawReader {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	r := &rawReader{conn: raw}
	r.try = r.once
	return r
}

// read reads into the intake. With wait it returns when something came, without
// it may return 0.
func (r *rawReader) read(in *intake, wait bool) (int, error) {
	r.in, r.wait = in, wait
	if err := r.conn.Read(r.try); err != nil {
		return 0, err
	}
	return r.n, r.failed
}

// once tries to read; false makes the caller wait until more is there.
func (r *rawReader) once(fd uintptr) bool {
	if r.quiet == r.wait {
		least := quietBytes
		if r.wait {
			least = 1
		}
		// Where the kernel refuses, packets wake us as before.
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, least)
		r.quiet = !r.wait
	}
	b := r.in.space()
	for {
		// It never waits: the scheduler need not be told of it, which would cost more.
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			r.n, r.failed = eof(int(n), nil)
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			r.in.idle()
			r.n, r.failed = 0, nil
			return !r.wait
		default:
			r.n, r.failed = 0, errno
		}
		r.in.got(r.n)
		return true
	}
}
