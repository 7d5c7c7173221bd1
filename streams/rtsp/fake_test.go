package rtsp

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// Parameter sets of a 320x180 stream of libx264, and slices with no content.
var (
	sps   = []byte("\x67\x64\x00\x0c\xac\xb4\x0a\x0c\xfc\xf8\x08\x80\x00\x00\x03\x00\x80\x00\x00\x19\x07\x8a\x15\x50")
	pps   = []byte("\x68\xef\x0f\xcb")
	idr   = []byte("\x65\x88\x84\x00\x33\xff")
	slice = []byte("\x41\x9a\x24\x6c\x41\x0f")
)

func sprop() string {
	return base64.StdEncoding.EncodeToString(sps) + "," + base64.StdEncoding.EncodeToString(pps)
}

func goodSDP() string {
	return "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
		"a=fmtp:96 packetization-mode=1;sprop-parameter-sets=" + sprop() + "\r\na=control:track1\r\n"
}

// fake is a camera of our own making that speaks RTSP as text, well or badly.
type fake struct {
	t      *testing.T
	ln     net.Listener
	sdp    string
	public string
	extra  string                                // headers of every answer
	answer func(c *fakeConn, method string) bool // true: it has answered itself
	play   func(c *fakeConn)                     // after PLAY; the connection is closed when it returns
	heard  func(c *fakeConn, p []rtcp.Packet)    // RTCP that came interleaved

	mu       sync.Mutex
	requests []string
	conns    map[net.Conn]struct{}
	wg       sync.WaitGroup
	closed   bool
}

// fakeConn is one connection to a fake.
type fakeConn struct {
	net.Conn
	fake   *fake
	gone   chan struct{} // closed when the other side has said goodbye or hung up
	header map[string]string
	seq    uint16
	ssrc   uint32 // 0: 7
	spoil  int    // each so many-th packet is left out; 0: none is
	sent   int
	mu     sync.Mutex
}

func newFake(t *testing.T) *fake {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, ln: ln, sdp: goodSDP(), public: "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", conns: map[net.Conn]struct{}{}}
	t.Cleanup(f.close)
	return f
}

// driven hands over the connections that play, for the test to send on.
func (f *fake) driven() <-chan *fakeConn {
	c := make(chan *fakeConn, 10)
	f.play = func(fc *fakeConn) {
		select {
		case c <- fc:
			<-fc.gone
		case <-fc.gone:
		}
	}
	return c
}

func (f *fake) addr() string { return f.ln.Addr().String() }

// serve starts taking connections; the fields are set by now.
func (f *fake) serve() *fake {
	f.wg.Go(func() {
		for {
			c, err := f.ln.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[c] = struct{}{}
			closed := f.closed
			f.mu.Unlock()
			if closed {
				_ = c.Close()
			}
			f.wg.Go(func() {
				defer func() {
					_ = c.Close()
					f.mu.Lock()
					delete(f.conns, c)
					f.mu.Unlock()
				}()
				f.talk(&fakeConn{Conn: c, fake: f, gone: make(chan struct{})})
			})
		}
	})
	return f
}

func (f *fake) close() {
	_ = f.ln.Close()
	f.mu.Lock()
	f.closed = true
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

func (f *fake) asked(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, m := range f.requests {
		if m == method {
			n++
		}
	}
	return n
}

func (f *fake) talk(c *fakeConn) {
	r := bufio.NewReader(c)
	var wg sync.WaitGroup
	defer wg.Wait()
	gone := sync.OnceFunc(func() { close(c.gone) })
	defer gone()
	for {
		method, err := c.next(r)
		if err != nil {
			return
		}
		f.mu.Lock()
		f.requests = append(f.requests, method)
		f.mu.Unlock()
		if f.answer != nil && f.answer(c, method) {
			continue
		}
		switch method {
		case "OPTIONS":
			c.ok("Public: "+f.public+"\r\n", "")
		case "DESCRIBE":
			c.ok("Content-Type: application/sdp\r\nContent-Base: rtsp://"+f.addr()+"/cam/\r\n", f.sdp)
		case "SETUP":
			c.ok("Transport: "+c.header["transport"]+"\r\nSession: 42"+f.extra+"\r\n", "")
		case "PLAY":
			c.ok("Session: 42\r\n", "")
			if f.play != nil {
				wg.Go(func() {
					f.play(c)
					_ = c.Close()
				})
			}
		case "TEARDOWN":
			gone()
			return
		default:
			c.ok("Session: 42\r\n", "")
		}
	}
}

// next reads a request, past interleaved frames.
func (c *fakeConn) next(r *bufio.Reader) (method string, err error) {
	for {
		head, err := r.Peek(4)
		if err != nil || head[0] != '$' {
			break // the line below tells what is wrong
		}
		frame := make([]byte, 4+(int(head[2])<<8|int(head[3])))
		if _, err := io.ReadFull(r, frame); err != nil {
			return "", err
		}
		packets, err := rtcp.Unmarshal(frame[4:])
		if err != nil {
			c.fake.t.Error(err)
		}
		if c.fake.heard != nil {
			c.fake.heard(c, packets)
		}
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	method, _, _ = strings.Cut(line, " ")
	c.header = map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimSpace(line)
		if line == "" {
			return method, nil
		}
		k, v, _ := strings.Cut(line, ":")
		c.header[strings.ToLower(k)] = strings.TrimSpace(v)
	}
}

func (c *fakeConn) ok(headers, body string) { c.reply("200 OK", headers, body) }

func (c *fakeConn) reply(status, headers, body string) {
	if body != "" {
		headers += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	c.raw("RTSP/1.0 " + status + "\r\nCSeq: " + c.header["cseq"] + "\r\n" + headers + "\r\n" + body)
}

// raw writes as it is. It reports whether the other side still takes it.
func (c *fakeConn) raw(s string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := io.WriteString(c.Conn, s)
	return err == nil
}

// send sends one RTP packet on channel 0.
func (c *fakeConn) send(payload []byte, stamp uint32, marker bool) {
	if c.sent++; c.spoil == 0 || c.sent%c.spoil != 0 {
		c.packet(0, &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: c.seq, Timestamp: stamp, SSRC: cmp.Or(c.ssrc, 7), Marker: marker}, Payload: payload})
	}
	c.seq++
}

// packet sends an RTP packet on a channel.
func (c *fakeConn) packet(channel byte, p *rtp.Packet) {
	b, err := p.Marshal()
	if err != nil {
		c.fake.t.Error(err)
		return
	}
	c.raw(string([]byte{'$', channel, byte(len(b) >> 8), byte(len(b))}) + string(b))
}

// pause waits as a camera does between two pictures. It reports whether the
// other side is still there.
func (c *fakeConn) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c.gone:
		return false
	case <-t.C:
		return true
	}
}

// gop sends a key frame and n other pictures, 40 ms apart by their stamps.
func (c *fakeConn) gop(stamp uint32, n int) uint32 {
	c.send(idr, stamp, true)
	for range n {
		stamp += 3600
		c.send(slice, stamp, true)
	}
	return stamp + 3600
}
