package whep

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Bounds of one burst.
const (
	burstMessages = 16
	burstBytes    = 96 << 10
	// A message is what UDP GSO cuts into packets: the kernel takes 64 of them
	// and one datagram's bytes.
	messagePackets = 50
	messageBytes   = 61_000
)

// sendMode is how a burst leaves; each falls back to the next.
type sendMode int32

const (
	sendSegments sendMode = iota // sendmmsg with UDP_SEGMENT (UDP GSO)
	sendMany                     // sendmmsg
	sendPlain                    // one call a packet
)

// outlet is a socket that media leaves by. Nothing comes in there, and nobody
// waits for it: what a full socket buffer does not take is lost, as on any UDP
// path, and NACK repairs it.
type outlet struct {
	conn *net.UDPConn
	kernel
	mode   atomic.Int32 // sendMode
	counts *counters
}

// counters are a server's, since it was opened.
type counters struct {
	packets, bytes, calls, failed  atomic.Int64
	nacks, resent, refreshes, lost atomic.Int64
}

// destination is where a viewer's packets go.
type destination struct {
	addr netip.AddrPort
	raw  rawAddr
}

// burst gathers sealed packets to any number of viewers and hands them to the
// kernel in as few calls as it allows. Consecutive packets of one size to one
// viewer become one message. It belongs to one goroutine.
type burst struct {
	out      *outlet
	buf      []byte
	messages []message
	batch    batch // the system call's arguments
}

// message is a run of packets to one viewer: all of size bytes, but for the
// last, which may be shorter.
type message struct {
	to             *destination
	from, end      int // in buf
	size, last     int
	packets, spent int
}

var bursts = sync.Pool{New: func() any {
	return &burst{buf: make([]byte, 0, burstBytes), messages: make([]message, 0, burstMessages)}
}}

func newBurst(out *outlet) *burst {
	b := bursts.Get().(*burst)
	b.out = out
	return b
}

// release sends what is left and gives the burst back.
func (b *burst) release() {
	b.flush()
	b.out = nil
	bursts.Put(b)
}

// room returns size bytes at the end of the buffer, to be filled and added.
func (b *burst) room(size int) []byte {
	if len(b.buf)+size > cap(b.buf) {
		b.flush()
	}
	return b.buf[len(b.buf) : len(b.buf)+size]
}

// add takes the first n bytes of the last room as a packet.
func (b *burst) add(to *destination, n int) {
	from := len(b.buf)
	b.buf = b.buf[:from+n]
	if k := len(b.messages); k > 0 {
		m := &b.messages[k-1]
		if m.to == to && m.last == m.size && n <= m.size && m.packets < messagePackets && m.end-m.from+n <= messageBytes {
			m.end, m.last = m.end+n, n
			m.packets++
			return
		}
		if k == burstMessages {
			b.send()
			b.buf = b.buf[:copy(b.buf[:n], b.buf[from:from+n])]
			from = 0
		}
	}
	b.messages = append(b.messages, message{to: to, from: from, end: from + n, size: n, last: n, packets: 1})
}

func (b *burst) flush() {
	b.send()
	b.buf = b.buf[:0]
}

// send hands all messages over.
func (b *burst) send() {
	if len(b.messages) == 0 {
		return
	}
	packets := 0
	for i := range b.messages {
		packets += b.messages[i].packets
	}
	c := b.out.counts
	c.packets.Add(int64(packets))
	c.bytes.Add(int64(len(b.buf)))
	mode := sendMode(b.out.mode.Load())
	for mode < sendPlain && !b.sendBatch(mode == sendSegments) {
		b.out.mode.CompareAndSwap(int32(mode), int32(mode+1))
		mode++
	}
	if mode == sendPlain {
		b.sendPlain()
	}
	b.messages = b.messages[:0]
}

func (b *burst) sendPlain() {
	for i := range b.messages {
		m := &b.messages[i]
		for ; m.spent < m.packets; m.spent++ {
			b.out.counts.calls.Add(1)
			if _, err := b.out.conn.WriteToUDPAddrPort(m.packet(b.buf), m.to.addr); err != nil {
				b.out.counts.failed.Add(1)
			}
		}
	}
}

// packet returns the next packet that was not sent.
func (m *message) packet(buf []byte) []byte {
	from := m.from + m.spent*m.size
	return buf[from:min(from+m.size, m.end)]
}
