package whep

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// number reads the frame number out of a fragment from inside a frame.
func number(p *rtp.Packet) (key bool, n uint32, ok bool) {
	if len(p.Payload) < 16 || p.Payload[0]&0x1f != 28 || p.Payload[1]&0x80 == 0 {
		return false, 0, false
	}
	return p.Payload[1]&0x1f == 5, binary.BigEndian.Uint32(p.Payload[2:]), true
}

func TestFirstPacketIsTheNewestKeyFrame(t *testing.T) {
	checkLeaks(t)
	s, c := openServer(t, nil), startCamera(t, 400)
	waitFrames(t, c.hub, 60) // deep inside a GOP of 4 s
	p := newPeer(t)
	view(t, s, c, p)
	if sets := next(t, p.packets); sets.Payload[0]&0x1f != 24 {
		t.Fatalf("first packet is of type %d, want the parameter sets (STAP-A)", sets.Payload[0]&0x1f)
	}
	key, n, ok := number(next(t, p.packets))
	if !ok || !key || n != 0 {
		t.Fatalf("first packet: key %v, frame %d, start %v; want the start of key frame 0", key, n, ok)
	}
	// A machine that is busy may lose packets on the way: their numbers are
	// missing then, and only then may a frame be. It never loses most of them.
	last, seq, lost, since := uint32(0), uint16(0), 0, 0
	for got := 0; got < 100; {
		pkt := next(t, p.packets)
		if seq != 0 {
			since += int(pkt.SequenceNumber - seq - 1)
		}
		if lost+since > 200 {
			t.Fatalf("%d packets are missing, the last before number %d", lost+since, pkt.SequenceNumber)
		}
		seq = pkt.SequenceNumber
		if _, n, ok := number(pkt); ok {
			if n <= last || n != last+1 && since == 0 {
				t.Fatalf("frame %d after %d", n, last)
			}
			last, lost, since = n, lost+since, 0
			got++
		}
	}
	if snd := next(t, p.sound); snd.PayloadType != 8 {
		t.Fatalf("sound has payload type %d, want 8 (PCMA)", snd.PayloadType)
	}
}

func waitFrames(t *testing.T, h *streams.Hub, n int) {
	t.Helper()
	wake := make(chan struct{}, 1)
	r := h.NewReader(func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	defer r.Close()
	for seen := 0; seen < n; {
		if f, _ := r.Next(); f != nil {
			if f.Kind == streams.Video {
				seen++
			}
			continue
		}
		select {
		case <-wake:
		case <-time.After(10 * time.Second):
			t.Fatal("the camera stands still")
		}
	}
}

func TestOffersThatAreRefused(t *testing.T) {
	checkLeaks(t)
	s, c := openServer(t, func(s *Server) { s.MaxViewers = 1 }), startCamera(t, 50)
	good := newPeer(t).offer(t, nil)
	noH265 := strings.ReplaceAll(good, "H265/90000", "VP8/90000")
	noCodec := strings.ReplaceAll(noH265, "H264/90000", "VP8/90000")
	audioOnly := func() string {
		i, j := strings.Index(good, "m=video"), strings.Index(good, "m=audio")
		return good[:i] + good[j:]
	}()
	for name, tc := range map[string]struct {
		offer string
		want  error
	}{
		"empty":             {"", ErrMalformed},
		"not SDP":           {"hello", ErrMalformed},
		"no media":          {"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", ErrMalformed},
		"no credentials":    {strings.ReplaceAll(good, "a=ice-pwd", "a=x-pwd"), ErrMalformed},
		"no fingerprint":    {strings.ReplaceAll(good, "a=fingerprint", "a=x-print"), ErrMalformed},
		"too long":          {good + strings.Repeat("a=x\r\n", 20_000), ErrMalformed},
		"too many media":    {good + strings.Repeat(good[strings.Index(good, "m=video"):], 9), ErrMalformed},
		"no codec of ours":  {noCodec, ErrNoCodec},
		"mode 0 only":       {strings.ReplaceAll(noH265, "packetization-mode=1", "packetization-mode=0"), ErrNoCodec},
		"sound only":        {audioOnly, ErrNoCodec},
		"viewer that sends": {strings.ReplaceAll(good, "a=recvonly", "a=sendonly"), ErrNoCodec},
	} {
		t.Run(name, func(t *testing.T) {
			released := 0
			_, _, err := s.View(t.Context(), c.hub, tc.offer, func() { released++ })
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if released != 1 {
				t.Fatalf("released %d times", released)
			}
		})
	}
	if _, _, err := s.View(t.Context(), c.hub, good, func() {}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.View(t.Context(), c.hub, newPeer(t).offer(t, nil), func() {}); !errors.Is(err, ErrTooMany) {
		t.Fatalf("second viewer of one: %v", err)
	}
}

func TestLostPacketsAreSentAgain(t *testing.T) {
	checkLeaks(t)
	s, c, p := openServer(t, nil), startCamera(t, 50), newPeer(t)
	view(t, s, c, p)
	var lost *rtp.Packet
	for i := 0; i < 50; i++ {
		lost = next(t, p.packets)
	}
	err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: lost.SSRC,
		Nacks: []rtcp.NackPair{{PacketID: lost.SequenceNumber}}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if pkt := next(t, p.packets); pkt.SequenceNumber == lost.SequenceNumber {
			if pkt.Timestamp != lost.Timestamp || string(pkt.Payload) != string(lost.Payload) {
				t.Fatal("another packet came under the lost one's number")
			}
			return
		}
	}
	t.Fatal("the packet did not come again")
}

func TestPictureLossIsAnsweredFromTheKeptGOP(t *testing.T) {
	checkLeaks(t)
	s, c, p := openServer(t, nil), startCamera(t, 100_000), newPeer(t)
	view(t, s, c, p)
	first := next(t, p.packets)
	ts := first.Timestamp
	asked := false
	start := time.Now()
	for {
		pkt := next(t, p.packets)
		if d := int32(pkt.Timestamp - ts); d < 0 {
			t.Fatalf("time stamp ran back by %d", -d)
		}
		ts = pkt.Timestamp
		if key, n, ok := number(pkt); ok && key && asked {
			if n != 0 {
				t.Fatalf("key frame %d, want the kept one", n)
			}
			return
		}
		if !asked && time.Since(start) > repeatKey+200*time.Millisecond {
			asked = true
			if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: pkt.SSRC}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestASilentCameraIsNotReplayed(t *testing.T) {
	checkLeaks(t)
	s, c, p := openServer(t, nil), startCamera(t, 50), newPeer(t)
	view(t, s, c, p)
	last := next(t, p.packets)
	c.stop()
	c.wg.Wait()
	for idle := false; !idle; { // until nothing comes, longer than staleAfter
		select {
		case last = <-p.packets:
		case <-time.After(staleAfter + 500*time.Millisecond):
			idle = true
		}
	}
	if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: last.SSRC}}); err != nil {
		t.Fatal(err)
	}
	select {
	case pkt := <-p.packets:
		t.Fatalf("packet %d came from a camera that is silent", pkt.SequenceNumber)
	case <-time.After(time.Second):
	}
}

// TestNothingIsSentToAPeerThatIsNotHeard kills a viewer without a word, as a
// crashed browser does.
func TestNothingIsSentToAPeerThatIsNotHeard(t *testing.T) {
	checkLeaks(t)
	s, c, p := openServer(t, nil), startCamera(t, 50), newPeer(t)
	v := view(t, s, c, p)
	next(t, p.packets)
	p.vanish()
	waitFor(t, v.asleep)
	before := s.Stats().Packets
	waitFrames(t, c.hub, 30)
	if sent := s.Stats().Packets - before; sent > 20 { // ICE goes on asking
		t.Fatalf("%d packets went into the void", sent)
	}
	v.Close()
}

func TestICERestartByPatch(t *testing.T) {
	checkLeaks(t)
	s, c, p := openServer(t, nil), startCamera(t, 50), newPeer(t)
	v := view(t, s, c, p)
	next(t, p.packets)
	before := s.Stats().Packets
	offer := p.offer(t, &webrtc.OfferOptions{ICERestart: true})
	var frag strings.Builder
	for line := range strings.Lines(offer) {
		if strings.HasPrefix(line, "a=ice-") || strings.HasPrefix(line, "a=candidate") || strings.HasPrefix(line, "a=mid") {
			frag.WriteString(line)
		}
	}
	answer, err := v.Patch(t.Context(), frag.String())
	if err != nil {
		t.Fatal(err)
	}
	own := iceCredentials(answer)
	if own.ufrag == "" || own.pwd == "" || !strings.Contains(answer, "a=candidate:") {
		t.Fatalf("answer fragment:\n%s", answer)
	}
	remote := withCredentials(p.pc.RemoteDescription().SDP, own)
	for line := range strings.Lines(answer) {
		if strings.HasPrefix(line, "a=candidate") {
			remote += line
		}
	}
	p.accept(t, remote)
	for len(p.packets) > 0 {
		<-p.packets
	}
	for range 200 {
		next(t, p.packets)
	}
	if s.Stats().Packets == before {
		t.Fatal("nothing was sent")
	}
	if _, err := v.Patch(t.Context(), "a=ice-ufrag:zzzz\r\n"); !errors.Is(err, ErrMalformed) {
		t.Fatalf("restart without password: %v", err)
	}
}

func TestTCPFallback(t *testing.T) {
	checkLeaks(t)
	s, c := openServer(t, func(s *Server) { s.TCPAddr = "127.0.0.1:0" }), startCamera(t, 50)
	p := newPeer(t, webrtc.NetworkTypeTCP4)
	view(t, s, c, p)
	for range 100 {
		next(t, p.packets)
	}
	if n := s.Stats().Calls; n != 0 {
		t.Fatalf("%d packets went over UDP", n)
	}
}

// TestCloseDoesNotWaitForStrangers holds the TCP port with peers that say
// nothing, and with one that names a viewer who is not there.
func TestCloseDoesNotWaitForStrangers(t *testing.T) {
	checkLeaks(t)
	s := openServer(t, func(s *Server) { s.TCPAddr, s.MaxViewers = "127.0.0.1:0", 1 })
	var open []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", s.tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		open = append(open, c)
	}
	// STUN binding request with USERNAME "nobody:x" (RFC 5389), framed by RFC 4571.
	stun := append([]byte{0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
	stun = append(stun, 0, 6, 0, 8)
	stun = append(stun, "nobody:x"...)
	if _, err := open[0].Write(append([]byte{0, byte(len(stun))}, stun...)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { s.tcp.mu.Lock(); defer s.tcp.mu.Unlock(); return len(s.tcp.open) == len(open) })
	done := make(chan struct{})
	go func() { s.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		t.Fatal("Close waits for strangers")
	}
}

func TestTCPPortIsBounded(t *testing.T) {
	checkLeaks(t)
	s := openServer(t, func(s *Server) { s.TCPAddr, s.MaxViewers = "127.0.0.1:0", 1 })
	var turned atomic.Int32
	for range s.MaxViewers + strangers + 3 {
		c, err := net.Dial("tcp", s.tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		go func() { // nobody else hears a byte or an end
			if _, err := c.Read(make([]byte, 1)); errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
				turned.Add(1)
			}
		}()
	}
	waitFor(t, func() bool { return turned.Load() == 3 })
	s.tcp.mu.Lock()
	defer s.tcp.mu.Unlock()
	if n := len(s.tcp.open); n != s.tcp.max {
		t.Fatalf("%d connections are open, want %d", n, s.tcp.max)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestViewerEndsWhenItsCameraIsRemoved(t *testing.T) {
	checkLeaks(t)
	s, p := openServer(t, nil), newPeer(t)
	fleet := streams.NewFleet(func(ctx context.Context, _ streams.Spec, _ *streams.Hub) { <-ctx.Done() })
	defer fleet.Close()
	fleet.Set("cam000", streams.Spec{Camera: "cam000", Profile: streams.Main, Always: true})
	hub, release, err := fleet.Acquire("cam000", streams.Main)
	if err != nil {
		t.Fatal(err)
	}
	v, answer, err := s.View(t.Context(), hub, p.offer(t, nil), release)
	if err != nil {
		t.Fatal(err)
	}
	p.accept(t, answer)
	fleet.Set("cam000")
	select {
	case <-v.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the viewer outlives its camera")
	}
	if s.Viewers() != 0 {
		t.Fatal("the viewer is still counted")
	}
}

// setMode makes every outlet send in one way.
func (s *Server) setMode(m sendMode) {
	for _, o := range s.sockets.outlets {
		o.mode.Store(int32(m))
	}
}

func TestEveryWayOfSending(t *testing.T) {
	for mode, most := range map[sendMode]int64{sendSegments: 50, sendMany: 60, sendPlain: 100} { // calls for 100 packets
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			checkLeaks(t)
			s, c, p := openServer(t, nil), startCamera(t, 50), newPeer(t)
			if got := sendMode(s.sockets.outlets[0].mode.Load()); got != sendSegments {
				t.Fatal("this kernel has no UDP GSO: the path cannot be tested")
			}
			s.setMode(mode)
			view(t, s, c, p)
			last := next(t, p.packets)
			for range 400 {
				p := next(t, p.packets)
				if p.SequenceNumber != last.SequenceNumber+1 {
					t.Fatalf("packet %d after %d", p.SequenceNumber, last.SequenceNumber)
				}
				last = p
			}
			if st := s.Stats(); st.Calls*100 > st.Packets*most || st.Failed > 0 {
				t.Fatalf("%+v", st)
			}
		})
	}
}

// What comes in goes to the front, also while outlets share its port.
func TestOutletsTakeNothingIn(t *testing.T) {
	checkLeaks(t)
	s := openServer(t, nil)
	if len(s.sockets.outlets) < 2 && runtime.GOMAXPROCS(0) > 1 || s.sockets.outlets[0].conn == s.sockets.front {
		t.Fatal("the outlets have no sockets of their own")
	}
	c, p := startCamera(t, 50), make([]*peer, 8) // eight source ports
	for i := range p {
		p[i] = newPeer(t)
		view(t, s, c, p[i])
		next(t, p[i].packets)
	}
	for _, o := range s.sockets.outlets {
		_ = o.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, from, err := o.conn.ReadFrom(make([]byte, 100)); err == nil {
			t.Fatalf("%d bytes came in at an outlet from %s", n, from)
		}
	}
}
