package rtsp

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// overUDP makes a fake send over UDP, from a pair of ports of its own, what the
// test gives to the returned function.
func overUDP(t *testing.T, f *fake) func(*rtp.Packet) {
	t.Helper()
	pair := make([]net.PacketConn, 2)
	for i := range pair {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		pair[i] = c
	}
	port := func(i int) int { return pair[i].LocalAddr().(*net.UDPAddr).Port }
	client := make(chan *net.UDPAddr, 1)
	f.answer = func(c *fakeConn, m string) bool {
		if m != "SETUP" {
			return false
		}
		_, ports, _ := strings.Cut(c.header["transport"], "client_port=")
		first, _, _ := strings.Cut(ports, "-")
		n, err := strconv.Atoi(first)
		if err != nil {
			t.Errorf("transport %q", c.header["transport"])
		}
		client <- &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: n}
		c.ok(fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%s;server_port=%d-%d\r\nSession: 42\r\n", ports, port(0), port(1)), "")
		return true
	}
	var to *net.UDPAddr
	return func(p *rtp.Packet) {
		if to == nil {
			to = <-client
		}
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pair[0].WriteTo(b, to); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUDPReordered sends packets out of order and twice: nothing is lost. Then
// one never comes: the picture goes on at the next key frame.
func TestUDPReordered(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	send := overUDP(t, f)
	cam := f.driven()
	s := spec(f.serve())
	s.UDP = true
	pl := start(t, quick(), s)
	<-cam
	packet := func(seq int, payload []byte) *rtp.Packet {
		return &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: 7, Marker: true, SequenceNumber: uint16(seq),
			Timestamp: uint32(seq) * 3600}, Payload: payload}
	}
	send(packet(1, idr))
	for n := 2; n < 200; n += 4 {
		for _, i := range []int{n + 2, n, n, n + 3, n + 1, n + 2} {
			send(packet(i, slice))
		}
		pl.collect(4)
	}
	if st := pl.hub.Status(); st.Lost+st.Discarded != 0 {
		t.Errorf("%+v", st)
	}
	for n := 203; n < 273; n++ { // 202 is missing: the library waits for it as long as it can
		send(packet(n, slice))
	}
	send(packet(273, idr))
	frames := pl.collect(1)
	if last := frames[len(frames)-1]; !last.Key {
		t.Errorf("%d pictures without a key frame after a loss", len(frames))
	}
	if st := pl.hub.Status(); st.Lost != 1 || st.Reconnects != 0 {
		t.Errorf("%+v", st)
	}
}

// TestForeignSource refuses to send packets to whoever a camera names.
func TestForeignSource(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer = func(c *fakeConn, m string) bool {
		if m == "SETUP" {
			c.ok("Transport: RTP/AVP;unicast;source=169.254.169.254;client_port=1-2;server_port=53-54\r\nSession: 42\r\n", "")
		}
		return m == "SETUP"
	}
	s := spec(f.serve())
	s.UDP = true
	start(t, quick(), s).state(streams.Refused, streams.NotAllowed)
	if f.asked("PLAY") > 0 {
		t.Error("played all the same")
	}
}
