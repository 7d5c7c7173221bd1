package whep

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fillBurst puts three messages of five packets each to one viewer into a
// burst, whose system call is replaced.
func fillBurst(t *testing.T, mode sendMode, call func(b *burst, fd uintptr)) (out *outlet, got chan byte, send func()) {
	t.Helper()
	out, sink := newTestOutlet(t, mode), loopback(t)
	a := out.destination(sink.LocalAddr().(*net.UDPAddr).AddrPort())
	twin := *a // another viewer for the burst, the same socket for the test
	b := &burst{out: out, buf: make([]byte, 0, burstBytes), messages: make([]message, 0, burstMessages)}
	b.batch.call = func(fd uintptr) bool { call(b, fd); return true }
	for i := range 15 {
		to := a
		if i/5 == 1 {
			to = &twin
		}
		copy(b.room(600), mediaPacket(600, uint32(i), false))
		b.add(to, 600)
	}
	got = make(chan byte, 100)
	return out, got, func() {
		b.flush()
		buf := make([]byte, 2000)
		for {
			_ = sink.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			n, err := sink.Read(buf)
			if err != nil {
				close(got)
				return
			}
			got <- buf[n-1]
		}
	}
}

func collect(got chan byte) (all []byte) {
	for n := range got {
		all = append(all, n)
	}
	return all
}

func wantOnce(t *testing.T, got []byte, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d packets came, want %d: %v", len(got), n, got)
	}
	for i, k := range got {
		if int(k) != i {
			t.Fatalf("packets %v came", got)
		}
	}
}

// A full socket buffer loses what it does not take; nobody waits for it.
func TestFullSocketBufferHoldsNobodyUp(t *testing.T) {
	for _, mode := range []sendMode{sendSegments, sendMany} {
		calls := 0
		out, got, send := fillBurst(t, mode, func(b *burst, _ uintptr) {
			calls++
			b.batch.errno = unix.EAGAIN
		})
		send()
		if n := len(collect(got)); n != 0 || calls != 1 || out.counts.failed.Load() == 0 || sendMode(out.mode.Load()) != mode {
			t.Fatalf("mode %d: %d packets in %d calls, %d failed", mode, n, calls, out.counts.failed.Load())
		}
	}
}

// A kernel or driver that refuses segments half-way gets the rest in other
// ways: every packet once.
func TestSegmentsRefusedHalfWay(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EIO, unix.EINVAL, unix.EOPNOTSUPP} {
		calls := 0
		out, got, send := fillBurst(t, sendSegments, func(b *burst, fd uintptr) {
			switch calls++; calls {
			case 1: // takes the first message alone
				count := b.batch.count
				b.batch.count = 1
				b.batch.sendmmsg(fd)
				b.batch.count = count
			case 2:
				b.batch.errno = errno
			default:
				b.batch.sendmmsg(fd)
			}
		})
		send()
		wantOnce(t, collect(got), 15)
		if sendMode(out.mode.Load()) != sendMany {
			t.Fatalf("%v: mode %d", errno, out.mode.Load())
		}
	}
}

func TestNoSendmmsg(t *testing.T) {
	for _, mode := range []sendMode{sendSegments, sendMany} {
		out, got, send := fillBurst(t, mode, func(b *burst, _ uintptr) { b.batch.errno = unix.ENOSYS })
		send()
		wantOnce(t, collect(got), 15)
		if sendMode(out.mode.Load()) != sendPlain {
			t.Fatalf("mode %d", out.mode.Load())
		}
	}
}

func TestInterruptedCallGoesOn(t *testing.T) {
	calls := 0
	_, got, send := fillBurst(t, sendSegments, func(b *burst, fd uintptr) {
		if calls++; calls%2 == 1 {
			b.batch.errno = unix.EINTR
			return
		}
		b.batch.sendmmsg(fd)
	})
	send()
	wantOnce(t, collect(got), 15)
}
