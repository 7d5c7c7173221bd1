package whep

import (
	"container/heap"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// path is what a network does to the packets of one direction.
type path struct {
	loss  float64       // share that is lost
	twice float64       // share that comes twice
	swap  float64       // share that is overtaken by the next 5 to 15 ms
	delay time.Duration // of all
	rate  int           // bit/s; 0: as fast as can be
	dead  bool          // nothing passes
}

// room is how much a narrow path holds before it drops, as a router does.
const room = 300 * time.Millisecond

// network is a UDP relay between one client and the server which treats the
// packets of each direction as it is told. The client knows its front alone,
// the server its back alone.
type network struct {
	t      *testing.T
	front  *net.UDPConn
	toward atomic.Pointer[netip.AddrPort] // the server's socket
	client atomic.Pointer[netip.AddrPort]
	touch  atomic.Pointer[func([]byte) []byte] // changes what goes up

	media   atomic.Int64 // SRTP packets of the server, before the path
	bytes   atomic.Int64
	others  atomic.Int64 // its STUN, DTLS and RTCP
	repeats atomic.Int64 // SRTP packets whose sequence number was seen before

	mu   sync.Mutex
	back *net.UDPConn
	dice *rand.Rand
	up   lane
	down lane
	seen map[uint64]struct{} // SSRC and sequence number
	wg   sync.WaitGroup
}

// lane holds the packets of one direction that are on their way.
type lane struct {
	path
	wait parcels
	free time.Time // when the narrow path has sent what it holds
	wake chan struct{}
}

type parcel struct {
	due  time.Time
	data []byte
}

type parcels []parcel

func (p parcels) Len() int           { return len(p) }
func (p parcels) Less(i, j int) bool { return p[i].due.Before(p[j].due) }
func (p parcels) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *parcels) Push(x any)        { *p = append(*p, x.(parcel)) }
func (p *parcels) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	*p = (*p)[:last]
	return x
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, front: localSocket(t, 0), back: loopback(t), dice: rand.New(rand.NewPCG(1, 2)), seen: map[uint64]struct{}{}}
	n.up.wake, n.down.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	end := make(chan struct{})
	n.wg.Go(n.readFront)
	n.wg.Go(func() { n.readBack(n.back) })
	n.wg.Go(func() { n.deliver(&n.up, n.toServer, end) })
	n.wg.Go(func() { n.deliver(&n.down, n.toClient, end) })
	t.Cleanup(func() { close(end); n.tearDown(); n.wg.Wait() })
	return n
}

// localSocket has room for what comes while the machine is busy.
func localSocket(t *testing.T, port int) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadBuffer(4 << 20)
	return c
}

// set says what happens from now on.
func (n *network) set(up, down path) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up.path, n.down.path = up, down
}

// tearDown takes the sockets away: the kernel answers with ICMP from then on.
func (n *network) tearDown() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.front.Close()
	_ = n.back.Close()
}

// rebind gives the client another address, as a NAT that forgot it does.
func (n *network) rebind() {
	c := localSocket(n.t, 0)
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.back.Close()
	n.back = c
	n.wg.Go(func() { n.readBack(c) })
}

// address is where the server sees the client.
func (n *network) address() netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.back.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (n *network) readFront() {
	buf := make([]byte, 2048)
	for {
		k, from, err := n.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		n.client.Store(&from)
		data := append([]byte(nil), buf[:k]...)
		if f := n.touch.Load(); f != nil {
			data = (*f)(data)
		}
		n.pass(&n.up, data, n.toServer)
	}
}

func (n *network) readBack(c *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		k, _, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		n.count(buf[:k])
		n.pass(&n.down, append([]byte(nil), buf[:k]...), n.toClient)
	}
}

// count tells SRTP from the rest (RFC 7983, RFC 5761): its header is readable.
func (n *network) count(p []byte) {
	n.bytes.Add(int64(len(p)))
	if len(p) < 12 || p[0]&0xc0 != 0x80 || p[1] >= 192 && p[1] <= 223 {
		n.others.Add(1)
		return
	}
	n.media.Add(1)
	id := uint64(p[8])<<40 | uint64(p[9])<<32 | uint64(p[10])<<24 | uint64(p[11])<<16 | uint64(p[2])<<8 | uint64(p[3])
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, again := n.seen[id]; again {
		n.repeats.Add(1)
	}
	n.seen[id] = struct{}{}
}

func (n *network) toServer(p []byte) {
	if to := n.toward.Load(); to != nil {
		n.mu.Lock()
		c := n.back
		n.mu.Unlock()
		_, _ = c.WriteToUDPAddrPort(p, *to)
	}
}

func (n *network) toClient(p []byte) {
	if to := n.client.Load(); to != nil {
		_, _ = n.front.WriteToUDPAddrPort(p, *to)
	}
}

// pass decides what happens to a packet.
func (n *network) pass(l *lane, data []byte, send func([]byte)) {
	n.mu.Lock()
	now, times := time.Now(), 1
	if l.dead || n.dice.Float64() < l.loss {
		n.mu.Unlock()
		return
	}
	if n.dice.Float64() < l.twice {
		times = 2
	}
	due := now.Add(l.delay)
	if n.dice.Float64() < l.swap {
		due = due.Add(5*time.Millisecond + time.Duration(n.dice.Int64N(int64(10*time.Millisecond))))
	}
	if l.rate > 0 {
		if l.free.Before(now) {
			l.free = now
		}
		if l.free.Sub(now) > room {
			n.mu.Unlock()
			return
		}
		l.free = l.free.Add(time.Duration(len(data)*8) * time.Second / time.Duration(l.rate))
		due = due.Add(l.free.Sub(now))
	}
	if !due.After(now) {
		n.mu.Unlock()
		for range times {
			send(data)
		}
		return
	}
	for range times {
		heap.Push(&l.wait, parcel{due, data})
	}
	n.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// deliver sends each packet when it is due.
func (n *network) deliver(l *lane, send func([]byte), end <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var ready [][]byte
		next := time.Hour
		n.mu.Lock()
		for now := time.Now(); len(l.wait) > 0; {
			if d := l.wait[0].due.Sub(now); d > 0 {
				next = d
				break
			}
			ready = append(ready, heap.Pop(&l.wait).(parcel).data)
		}
		n.mu.Unlock()
		for _, p := range ready {
			send(p)
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-l.wake:
		case <-end:
			return
		}
	}
}

// offer is the client's text as the server is to read it: one candidate, our
// back. It learns the client's address from it.
func (n *network) offer(text string) string {
	text, client := oneCandidate(n.t, text, "udp", n.address())
	n.client.Store(&client)
	return text
}

// answer is the server's text as the client is to read it.
func (n *network) answer(text string) string {
	text, server := oneCandidate(n.t, text, "udp", n.front.LocalAddr().(*net.UDPAddr).AddrPort())
	n.toward.Store(&server)
	return text
}

// oneCandidate keeps the first candidate of a protocol in each section of an
// SDP, under another address, and returns the address that it had.
func oneCandidate(t *testing.T, text, proto string, as netip.AddrPort) (string, netip.AddrPort) {
	t.Helper()
	var b strings.Builder
	var was netip.AddrPort
	found := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "m=") {
			found = false
		}
		if !strings.HasPrefix(line, "a=candidate:") {
			b.WriteString(line)
			continue
		}
		f := strings.Fields(line)
		if found || len(f) < 6 || !strings.EqualFold(f[2], proto) || f[1] != "1" {
			continue
		}
		found = true
		if !was.IsValid() {
			was = netip.MustParseAddrPort(net.JoinHostPort(f[4], f[5]))
		}
		f[4], f[5] = as.Addr().String(), strconv.Itoa(int(as.Port()))
		b.WriteString(strings.Join(f, " ") + "\r\n")
	}
	if !was.IsValid() {
		t.Fatalf("no %s candidate in\n%s", proto, text)
	}
	return b.String(), was
}

// pipe is a TCP relay for ICE over TCP (RFC 6544) whose client may stop reading.
type pipe struct {
	t    *testing.T
	l    net.Listener
	wg   sync.WaitGroup
	down atomic.Int64 // bytes of the server

	mu     sync.Mutex
	turn   sync.Cond // stopped changed
	stop   bool
	closed bool
	to     string
	open   []net.Conn
}

func newPipe(t *testing.T) *pipe {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{t: t, l: l}
	p.turn.L = &p.mu
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		_ = l.Close()
		for _, c := range p.open {
			_ = c.Close()
		}
		p.turn.Broadcast()
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// stall stops the reading of what the server sends, or goes on with it.
func (p *pipe) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop = on
	p.turn.Broadcast()
}

func (p *pipe) answer(text string) string {
	text, server := oneCandidate(p.t, text, "tcp", p.l.Addr().(*net.TCPAddr).AddrPort())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = server.String()
	return text
}

func (p *pipe) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		to := p.to
		p.mu.Unlock()
		s, err := net.Dial("tcp4", to)
		if err != nil {
			_ = c.Close()
			continue
		}
		_ = s.(*net.TCPConn).SetReadBuffer(256 << 10)
		p.mu.Lock()
		p.open = append(p.open, c, s)
		if p.closed {
			_, _ = c.Close(), s.Close()
		}
		p.mu.Unlock()
		p.wg.Go(func() { p.copy(s, c, false) })
		p.wg.Go(func() { p.copy(c, s, true) })
	}
}

// copy ends both sides when one has ended.
func (p *pipe) copy(to, from net.Conn, gated bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 16<<10)
	for {
		p.mu.Lock()
		for gated && p.stop && !p.closed {
			p.turn.Wait()
		}
		p.mu.Unlock()
		k, err := from.Read(buf)
		if err != nil {
			return
		}
		if gated {
			p.down.Add(int64(k))
		}
		if _, err := to.Write(buf[:k]); err != nil {
			return
		}
	}
}
