package whep

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Batching below pion's mux: consecutive SRTP packets of one frame to one
// address leave in one sendmsg with UDP_SEGMENT (UDP GSO), which costs about a
// fifth of a system call each. A batch never outlives its frame: the RTP marker
// bit, which SRTP leaves readable, flushes it, and so does any packet that is
// small, of another size, or not RTP.
const (
	batchMin     = 500 // bytes; smaller packets are not worth holding
	batchPackets = 40  // the kernel takes 64 segments
	batchBytes   = 60_000
	batchIdle    = 30 * time.Second
)

// batchConn is the media socket. It offers pion its allocation-free methods.
type batchConn struct {
	*net.UDPConn

	gso      atomic.Bool
	mu       sync.RWMutex
	batches  map[netip.AddrPort]*batch
	swept    time.Time
	packets  atomic.Int64
	calls    atomic.Int64
	failures atomic.Int64
}

// batch gathers packets of equal size to one address.
type batch struct {
	mu    sync.Mutex
	buf   []byte
	size  int // of each packet but the last
	count int
	used  atomic.Int64 // unix nanoseconds
}

func newBatchConn(c *net.UDPConn) *batchConn {
	b := &batchConn{UDPConn: c, batches: map[netip.AddrPort]*batch{}, swept: time.Now()}
	b.gso.Store(gsoSupported(c))
	return b
}

// ReadFromAddrPort implements pion's AddrPortReaderWriter.
func (c *batchConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return c.ReadFromUDPAddrPort(b)
}

// WriteTo implements net.PacketConn.
func (c *batchConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	if u, ok := addr.(*net.UDPAddr); ok {
		return c.WriteToAddrPort(p, u.AddrPort())
	}
	return c.UDPConn.WriteTo(p, addr)
}

// WriteToAddrPort sends or holds one packet. What cannot be sent is lost, as on
// any UDP path.
func (c *batchConn) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	// RFC 7983: 128..191 is RTP or RTCP; RFC 5761: RTCP types are 192..223.
	media := len(p) >= 12 && p[0]&0xc0 == 0x80 && (p[1] < 192 || p[1] > 223)
	if !media || !c.gso.Load() {
		c.packets.Add(1)
		c.calls.Add(1)
		return c.WriteToUDPAddrPort(p, to)
	}
	b := c.batch(to)
	b.mu.Lock()
	defer b.mu.Unlock()
	c.packets.Add(1)
	if b.count > 0 && (len(p) > b.size || len(b.buf)+len(p) > batchBytes) {
		c.flush(b, to)
	}
	if b.count == 0 {
		b.size = len(p)
	}
	b.buf = append(b.buf, p...)
	b.count++
	// A shorter packet can only be the last of its batch.
	if p[1]&0x80 != 0 || len(p) < batchMin || len(p) < b.size || b.count == batchPackets {
		c.flush(b, to)
	}
	return len(p), nil
}

// flush sends what is held. b.mu is held.
func (c *batchConn) flush(b *batch, to netip.AddrPort) {
	if b.count == 0 {
		return
	}
	defer func() { b.buf, b.count = b.buf[:0], 0 }()
	c.calls.Add(1)
	if b.count == 1 {
		if _, err := c.WriteToUDPAddrPort(b.buf, to); err != nil {
			c.failures.Add(1)
		}
		return
	}
	err := sendSegments(c.UDPConn, b.buf, b.size, to)
	if err == nil {
		return
	}
	c.failures.Add(1)
	if gsoRefused(err) {
		c.gso.Store(false)
	}
	for rest := b.buf; len(rest) > 0; { // once more, one by one
		n := min(b.size, len(rest))
		_, _ = c.WriteToUDPAddrPort(rest[:n], to)
		rest = rest[n:]
	}
}

func (c *batchConn) batch(to netip.AddrPort) *batch {
	now := time.Now()
	c.mu.RLock()
	b := c.batches[to]
	sweep := now.Sub(c.swept) > batchIdle
	c.mu.RUnlock()
	if b == nil || sweep {
		c.mu.Lock()
		if sweep {
			c.sweep(now)
		}
		if b = c.batches[to]; b == nil {
			b = &batch{}
			c.batches[to] = b
		}
		c.mu.Unlock()
	}
	b.used.Store(now.UnixNano())
	return b
}

// sweep forgets addresses that nothing was sent to. c.mu is held.
func (c *batchConn) sweep(now time.Time) {
	c.swept = now
	for a, b := range c.batches {
		if now.UnixNano()-b.used.Load() > int64(batchIdle) {
			delete(c.batches, a)
		}
	}
}

func (c *batchConn) stats() (packets, calls, failures int64) {
	return c.packets.Load(), c.calls.Load(), c.failures.Load()
}
