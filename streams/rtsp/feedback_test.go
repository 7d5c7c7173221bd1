package rtsp

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"sharpeyes/streams"
)

func TestAsks(t *testing.T) {
	for name, c := range map[string]struct {
		sdp    string
		medium int
		want   asks
	}{
		"plain":           {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", 0, asksNot},
		"pli":             {"m=video 0 RTP/AVP 96\r\na=rtcp-fb:96 nack pli\r\n", 0, asksPLI},
		"pli for all":     {"m=video 0 RTP/AVP 96\r\na=rtcp-fb:* nack pli\r\n", 0, asksPLI},
		"fir":             {"m=video 0 RTP/AVP 96\r\na=rtcp-fb:96 ccm fir\r\n", 0, asksFIR},
		"both":            {"m=video 0 RTP/AVP 96\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack pli\r\n", 0, asksPLI},
		"nack alone":      {"m=video 0 RTP/AVP 96\r\na=rtcp-fb:96 nack\r\n", 0, asksNot},
		"feedback":        {"m=video 0 RTP/AVPF 96\r\n", 0, asksPLI},
		"secure feedback": {"m=video 0 RTP/SAVPF 96\r\n", 0, asksPLI},
		"of another":      {"m=video 0 RTP/AVP 96\r\nm=video 0 RTP/AVPF 97\r\na=rtcp-fb:97 nack pli\r\n", 0, asksNot},
		"of the second":   {"m=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 97\r\na=rtcp-fb:97 nack pli\r\n", 1, asksPLI},
		"none":            {"", -1, asksNot},
		"of the session":  {"a=rtcp-fb:* nack pli\r\nm=video 0 RTP/AVP 96\r\n", 0, asksNot},
	} {
		if got := asksOf([]byte(c.sdp), c.medium); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// asked is a fake that notes the requests for key frames and answers them as an
// encoder would: with a key frame, at once.
type asked struct {
	*fake
	mu sync.Mutex
	at []time.Time
	of []rtcp.Packet
}

// newAsked sends pictures without a key frame until it is asked for one.
func newAsked(t *testing.T, offer string) *asked {
	a := &asked{fake: newFake(t)}
	a.sdp = strings.Replace(a.sdp, "a=control", offer+"a=control", 1)
	ask := make(chan struct{}, 16)
	a.heard = func(_ *fakeConn, packets []rtcp.Packet) {
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				a.mu.Lock()
				a.at, a.of = append(a.at, time.Now()), append(a.of, p)
				a.mu.Unlock()
				ask <- struct{}{}
			}
		}
	}
	a.play = func(c *fakeConn) {
		for stamp := uint32(3600); c.pause(20 * time.Millisecond); stamp += 3600 {
			select {
			case <-ask:
				c.send(idr, stamp, true)
			default:
				c.send(slice, stamp, true)
			}
		}
	}
	return a
}

func (a *asked) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.at)
}

// TestColdStart asks for a key frame where the camera takes requests: the
// picture is there long before the camera's own.
func TestColdStart(t *testing.T) {
	for name, offer := range map[string]string{"PLI": "a=rtcp-fb:96 nack pli\r\n", "FIR": "a=rtcp-fb:* ccm fir\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAsked(t, offer)
			pl := start(t, quick(), spec(a.serve()))
			if frames := pl.collect(5); !frames[0].Key {
				t.Error("no key frame first")
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			if got := strings.TrimPrefix(fmt.Sprintf("%T", a.of[0]), "*rtcp."); !strings.HasPrefix(got, map[string]string{"PLI": "Picture", "FIR": "FullIntra"}[name]) {
				t.Errorf("asked by %s", got)
			}
			for _, ssrc := range a.of[0].DestinationSSRC() {
				if ssrc != 7 {
					t.Errorf("asked %d, which sends nothing", ssrc)
				}
			}
		})
	}
}

// TestAsksAtMostOnceASecond has a camera that loses packets all the time.
func TestAsksAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	a := newAsked(t, "a=rtcp-fb:96 nack pli\r\n")
	play := a.play
	a.play = func(c *fakeConn) {
		c.spoil = 3
		play(c)
	}
	pl := start(t, quick(), spec(a.serve()))
	for a.times() < 3 {
		pl.collect(1)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := 1; i < len(a.at); i++ {
		if gap := a.at[i].Sub(a.at[i-1]); gap < askEvery/2 {
			t.Errorf("asked again after %v", gap)
		}
	}
	if st := pl.hub.Status(); st.Lost == 0 || !st.Degraded {
		t.Errorf("%+v", st)
	}
}

// TestNeverAsksWhereNotOffered leaves a camera alone that did not offer it.
func TestNeverAsksWhereNotOffered(t *testing.T) {
	t.Parallel()
	a := newAsked(t, "")
	p := quick()
	p.ReadTimeout = time.Second // then it is told that no key frame comes
	p.KeyWait = 2 * time.Second
	pl := start(t, p, spec(a.serve()))
	st := pl.state(streams.Silent, streams.NoKeyFrame)
	if !strings.Contains(st.Detail, "key frame") || a.times() != 0 {
		t.Errorf("asked %d times; %+v", a.times(), st)
	}
}

// TestAnotherSource has a camera whose stream ends and begins anew on the same
// connection, with or without a word: that is no loss.
func TestAnotherSource(t *testing.T) {
	for name, bye := range map[string]bool{"BYE": true, "another SSRC": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			cam := f.driven()
			pl := start(t, quick(), spec(f.serve()))
			c := <-cam
			c.gop(1_000_000, 3)
			frames := pl.collect(4)
			if bye {
				c.control(&rtcp.Goodbye{Sources: []uint32{7}})
			}
			c.ssrc, c.seq = 8, 40_000
			c.send(slice, 5, true) // goes with a picture that we never had
			c.gop(5+3600, 3)
			frames = append(frames, pl.collect(4)...)
			if len(frames) != 8 || !frames[4].Key {
				t.Errorf("%d frames, the fifth a key frame: %v", len(frames), frames[4].Key)
			}
			steady(t, frames)
			c.former(7, slice, 1_020_000) // a late packet of the former source
			c.send(slice, 5+4*3600, true)
			pl.collect(1)
			if st := pl.hub.Status(); st.Lost != 0 || st.Reconnects != 0 || st.Discarded != 2 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// TestBye ends a stream that nothing comes after.
func TestBye(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	cam := f.driven()
	pl := start(t, quick(), spec(f.serve()))
	c := <-cam
	c.gop(1, 3)
	pl.collect(4)
	c.control(&rtcp.Goodbye{Sources: []uint32{99}}) // somebody else's
	c.send(slice, 5*3600, true)
	pl.collect(1)
	c.control(&rtcp.Goodbye{Sources: []uint32{7}})
	pl.state(streams.Silent, streams.ClosedByCamera)
	c = <-cam // and it is called again
	c.gop(1, 1)
	pl.collect(2)
}

// control sends RTCP on channel 1.
func (c *fakeConn) control(p rtcp.Packet) {
	b, err := (&rtcp.CompoundPacket{&rtcp.ReceiverReport{SSRC: 7}, rtcp.NewCNAMESourceDescription(7, "fake"), p}).Marshal()
	if err != nil {
		c.fake.t.Error(err)
		return
	}
	c.raw(string([]byte{'$', 1, byte(len(b) >> 8), byte(len(b))}) + string(b))
}

// former sends a packet of a source that was.
func (c *fakeConn) former(ssrc uint32, payload []byte, stamp uint32) {
	c.packet(0, &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 9, Timestamp: stamp, SSRC: ssrc, Marker: true}, Payload: payload})
}
