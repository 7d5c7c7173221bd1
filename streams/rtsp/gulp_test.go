package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// TestIntake has a camera send pictures larger than a chunk, answers, sound and
// noise between them, over a real socket, watched and not. Every picture comes
// out whole and in order.
func TestIntake(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	cam := f.driven()
	p := quick()
	p.Dial = (&net.Dialer{}).DialContext // a bare socket, which is read in gulps
	fleet := streams.NewFleet(p.Pull)
	t.Cleanup(fleet.Close)
	told := make(chan streams.Status, 100)
	fleet.OnChange = func(s streams.Status) { told <- s }
	sp := spec(f.serve())
	sp.Camera, sp.Profile, sp.Always = "gulps", streams.Main, true
	fleet.Set("gulps", sp)
	c := <-cam
	stamp := uint32(1)
	picture := func(head byte, size int, fill byte) []byte {
		n := bytes.Repeat([]byte{fill | 1}, size)
		n[0], n[1] = head, 0x88
		sendFragments(c, n, stamp)
		stamp += 3600
		return n
	}
	noise := func() {
		c.raw("RTSP/1.0 200 OK\r\nCSeq: 900\r\nContent-Length: 9\r\n\r\n$\x00\x00\x05 body") // looks like a packet
		c.raw("\x00\xff$\x07\x00\x03abc")                                                    // noise, then a channel nobody asked for
	}
	var want [][]byte
	want = append(want, picture(0x65, 200_000, 2))
	for i := range 20 {
		if i%5 == 0 {
			noise()
		}
		want = append(want, picture(0x41, 3000+i*777, byte(i)))
	}
	for (<-told).State != streams.Live { // nobody watches yet
	}
	hub, release, err := fleet.Acquire("gulps", streams.Main)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	wake := make(chan struct{}, 1)
	r := hub.NewReader(func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	defer r.Close()
	var got [][]byte
	take := func(n int) {
		t.Helper()
		for timeout := time.After(patience); len(got) < n; {
			if fr, _ := r.Next(); fr != nil {
				units := streams.Units(fr)
				got = append(got, units[len(units)-1])
				continue
			}
			select {
			case <-wake:
			case <-timeout:
				t.Fatalf("%d of %d pictures; %+v", len(got), n, hub.Status())
			}
		}
	}
	take(len(want))
	for i := range 20 { // now that somebody watches
		want = append(want, picture(0x41, 1+i*1500+10, byte(i)))
		take(len(want))
	}
	if !slices.EqualFunc(want, got, bytes.Equal) {
		t.Error("pictures were changed on the way")
	}
	if st := hub.Status(); st.Lost+st.Discarded != 0 {
		t.Errorf("%+v", st)
	}
	_ = c.Close()
	for s := range told {
		if s.State == streams.Silent && s.Reason == streams.ClosedByCamera {
			break
		}
	}
}

// sendFragments sends a NAL unit in packets of its own (RFC 6184 5.8).
func sendFragments(c *fakeConn, n []byte, stamp uint32) {
	if len(n) < 1400 {
		c.send(n, stamp, true)
		return
	}
	for at := 1; at < len(n); at += 1390 {
		end := min(at+1390, len(n))
		fu := n[0] & 0x1f
		if at == 1 {
			fu |= 0x80
		}
		if end == len(n) {
			fu |= 0x40
		}
		c.send(append([]byte{n[0]&0xe0 | typeFUA, fu}, n[at:end]...), stamp, end == len(n))
	}
}

// drip is a connection that gives its bytes in pieces.
type drip struct {
	net.Conn
	rest  []byte
	piece int
}

func (d *drip) Read(b []byte) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), d.piece)], d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// drink runs bytes through an intake: what the library got, and the packets.
func drink(data []byte, piece, want int) (passed []byte, packets []string, spoiled int, err error) {
	in := &intake{conn: &drip{rest: data, piece: piece}, pool: &sync.Pool{New: func() any { return new(chunk) }},
		spoiled: func(error) { spoiled++ },
		picture: func(p *rtp.Packet) { packets = append(packets, fmt.Sprint(p.SequenceNumber, p.Timestamp, p.Payload)) }}
	in.types[96] = true
	b := make([]byte, want)
	for {
		n, err := in.read(b)
		passed = append(passed, b[:n]...)
		if err != nil {
			return passed, packets, spoiled, err
		}
		if n == 0 {
			return passed, packets, spoiled, errors.New("nothing was read")
		}
	}
}

// FuzzIntake gives a camera's bytes in pieces: what comes out must not depend on
// how they were cut.
func FuzzIntake(f *testing.F) {
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 1, Timestamp: 2, SSRC: 7, Marker: true}, Payload: slice}
	one, err := p.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	frame := append([]byte{'$', 0, 0, byte(len(one))}, one...)
	f.Add(slices.Concat(frame, []byte("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nbody"), frame), uint8(3))
	f.Add(slices.Concat([]byte("xx$\x01\x00\x02ab"), frame, frame[:9]), uint8(1))
	f.Add([]byte("RTSP/1.0 200 OK\r\ncontent-length: 99999999\r\n\r\n"), uint8(7))
	f.Add([]byte("ANNOUNCE x\r\nContent-Length: -1\r\n\r\n$"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		passed, packets, spoiled, err := drink(data, 4096, 4096)
		passed2, packets2, spoiled2, err2 := drink(data, 1+int(piece), 1+int(piece)*3)
		if !bytes.Equal(passed, passed2) || !slices.Equal(packets, packets2) || spoiled != spoiled2 || (err == io.EOF) != (err2 == io.EOF) {
			t.Fatalf("%q, %q, %d, %v in one; %q, %q, %d, %v in pieces", passed, packets, spoiled, err, passed2, packets2, spoiled2, err2)
		}
		if len(passed) > len(data) {
			t.Fatal("more came out than went in")
		}
	})
}
