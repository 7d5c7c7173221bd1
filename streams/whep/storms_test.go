package whep

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// TestStorms floods a server with what viewers and strangers may send. Each
// flood has its own server, camera and healthy viewer.
func TestStorms(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	var all sync.WaitGroup
	for _, storm := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"NACK", nackStorm},
		{"PLI", pliStorm},
		{"strange RTCP", strangeRTCP},
		{"noise", noise},
		{"candidates of a third party", thirdParty},
		{"an offer twice", replayedOffer},
		{"an address of another viewer", claimedAddress},
		{"PATCH", patchFlood},
	} {
		all.Go(func() { t.Run(storm.name, storm.run) })
	}
	all.Wait()
}

// every does something each 10 ms for a while.
func every(d time.Duration, do func()) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(d); ; {
		select {
		case <-tick.C:
			do()
		case <-end:
			return
		}
	}
}

// nackStorm asks for everything, again and again.
func nackStorm(t *testing.T) {
	st := newStage(t, 50, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	every(3*time.Second, func() {
		w.mu.Lock()
		ssrc, last := w.ssrc, uint16(w.high)
		w.mu.Unlock()
		var all []rtcp.NackPair
		for i := range uint16(64) {
			all = append(all, rtcp.NackPair{PacketID: last - 17*i, LostPackets: 0xffff})
		}
		_ = w.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: all}})
	})
	if again := n.repeats.Load(); again > 3_000 {
		t.Errorf("%d packets were sent again in 3 s", again)
	}
	st.upToDate(w, 2*time.Second)
	w.mustRunForward() // what it misses itself counts with the storm
}

// pliStorm asks for a new picture, again and again.
func pliStorm(t *testing.T) {
	st := newStage(t, 100, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	sent := n.media.Load()
	every(3*time.Second, func() {
		w.mu.Lock()
		ssrc := w.ssrc
		w.mu.Unlock()
		_ = w.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc},
			&rtcp.FullIntraRequest{MediaSSRC: ssrc, FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: 1}}}})
	})
	// A whole kept GOP is 400 packets, with the sound 500.
	if sent = n.media.Load() - sent; sent > 4*500+500 {
		t.Errorf("%d packets were sent in 3 s", sent)
	}
	st.upToDate(w, 2*time.Second)
	w.mustRunForward()
}

// strangeRTCP sends what is RTCP by its first bytes alone.
func strangeRTCP(t *testing.T) {
	st := newStage(t, 50, nil)
	w := st.join()
	dice := rand.New(rand.NewPCG(3, 4))
	every(2*time.Second, func() {
		raw := make([]byte, 4+4*dice.IntN(200))
		for i := range raw {
			raw[i] = byte(dice.Uint32())
		}
		raw[0] = 0x80 | raw[0]&0x3f
		raw[1] = byte(192 + dice.IntN(32))
		if dice.IntN(2) == 0 { // and a length that is true
			raw[2], raw[3] = byte((len(raw)/4-1)>>8), byte(len(raw)/4-1)
		}
		bye := rtcp.Goodbye{Sources: []uint32{dice.Uint32(), w.ssrc}}
		_ = w.pc.WriteRTCP([]rtcp.Packet{(*rtcp.RawPacket)(&raw)})
		_ = w.pc.WriteRTCP([]rtcp.Packet{&bye, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1, SSRCs: []uint32{w.ssrc}},
			&rtcp.TransportLayerNack{MediaSSRC: dice.Uint32(), Nacks: []rtcp.NackPair{{PacketID: uint16(dice.Uint32()), LostPackets: 0xffff}}}})
	})
	st.upToDate(w, 2*time.Second)
	w.mustRunForward()
}

// noise comes from addresses that no viewer has.
func noise(t *testing.T) {
	st := newStage(t, 50, func(s *Server) { s.TCPAddr = "127.0.0.1:0" })
	to, err := net.Dial("udp4", st.s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	dice := rand.New(rand.NewPCG(5, 6))
	every(2*time.Second, func() {
		for _, first := range []byte{0, 1, 20, 22, 64, 128, 255} { // RFC 7983
			raw := make([]byte, dice.IntN(1500))
			for i := range raw {
				raw[i] = byte(dice.Uint32())
			}
			if len(raw) > 20 {
				raw[0] = first
				copy(raw[4:], []byte{0x21, 0x12, 0xa4, 0x42})
			}
			_, _ = to.Write(raw)
		}
	})
}

// thirdParty names the address of somebody else as its own, in each way that
// SDP has: he gets no more than the checks of one candidate.
func thirdParty(t *testing.T) {
	st := newStage(t, 50, nil)
	victim := localSocket(t, 0)
	defer func() { _ = victim.Close() }()
	at := victim.LocalAddr().(*net.UDPAddr)
	w := newWatcher(t)
	offer := without(w.describe(nil), "a=candidate:")
	var b strings.Builder
	for i := range 300 {
		kind := []string{"host", "srflx", "prflx", "relay"}[i%4]
		fmt.Fprintf(&b, "a=candidate:%d 1 udp %d 127.0.0.1 %d typ %s", i, 2130706431-i, at.Port, kind)
		if kind != "host" {
			fmt.Fprintf(&b, " raddr 10.0.%d.%d rport %d", i/250, i%250, 1000+i)
		}
		b.WriteString("\r\n")
	}
	v, _, err := st.s.View(t.Context(), st.cam.hub, offer+b.String(), func() {})
	if err != nil && !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(b.String(), "\r\n")
	if v != nil {
		for range 20 { // some are refused
			_, _ = v.Patch(t.Context(), "a=mid:0\r\n"+strings.Join(lines[:64], ""))
		}
	}
	got, buf := 0, make([]byte, 1500)
	_ = victim.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		if _, err := victim.Read(buf); err != nil {
			break
		}
		got++
	}
	if got > 32 {
		t.Errorf("a third party got %d packets for one offer", got)
	}
	if v != nil {
		v.Close()
	}
}

// replayedOffer posts a viewer's offer a second time.
func replayedOffer(t *testing.T) {
	st := newStage(t, 50, nil)
	w := st.join(through(newNetwork(t)))
	for range 5 {
		v, _, err := st.s.View(t.Context(), st.cam.hub, w.offer, func() {})
		if err != nil {
			t.Fatal(err)
		}
		st.play(40)
		v.Close()
	}
	st.upToDate(w, 2*time.Second)
	w.mustBeWhole()
	if w.askedForPictures() > 0 {
		t.Errorf("it was disturbed: %v", w)
	}
}

// claimedAddress names the address of another viewer as its own, and begins its
// checks anew all the time.
func claimedAddress(t *testing.T) {
	st := newStage(t, 50, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(path{}, path{loss: 0.02}) // so that what it asks for counts
	thief := newWatcher(t)
	offer, _ := oneCandidate(t, thief.describe(nil), "udp", n.address())
	v, _, err := st.s.View(t.Context(), st.cam.hub, offer, func() {})
	if err != nil {
		t.Fatal(err)
	}
	at := n.address()
	mine := fmt.Sprintf("a=candidate:1 1 udp 2130706431 %s %d typ host\r\n", at.Addr(), at.Port())
	for i := range 10 {
		st.play(25)
		if _, err := v.Patch(t.Context(), fmt.Sprintf("a=ice-ufrag:thief%03d\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n%s", i, mine)); err != nil {
			t.Fatal(err)
		}
		if c := w.pc.ConnectionState(); c != webrtc.PeerConnectionStateConnected {
			t.Fatalf("the other viewer is %v", c)
		}
	}
	v.Close()
	n.set(path{}, path{})
	st.upToDate(w, 2*time.Second)
	w.mustBeWhole()
	if w.askedForPictures() > 0 {
		t.Errorf("it was disturbed: %v", w)
	}
}

// patchFlood restarts ICE and trickles without end. The viewer carries on when
// it means it.
func patchFlood(t *testing.T) {
	st := newStage(t, 50, nil)
	w := st.join(through(newNetwork(t)))
	before := runtime.NumGoroutine()
	for i := range 200 {
		_, err := w.view.Patch(t.Context(), fmt.Sprintf("a=ice-ufrag:flood%03d\r\na=ice-pwd:0123456789012345678901\r\n", i))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for k := range 64 {
			fmt.Fprintf(&b, "a=candidate:%d 1 udp 1 127.0.0.1 %d typ host\r\n", k, 1024+i*64+k)
		}
		if _, err := w.view.Patch(t.Context(), b.String()); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		_, _ = w.view.Patch(t.Context(), strings.Repeat("a=x\r\n", 5000))
	}
	within(t, 10*time.Second, func() bool { return runtime.NumGoroutine() <= before+100 }, "goroutines are left")
	moved, kept := time.Now(), st.cam.kept()
	w.restart()
	st.comesBack(w, moved, kept)
}
