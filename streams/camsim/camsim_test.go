package camsim

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func open(t *testing.T, change func(*Server)) *Server {
	t.Helper()
	s := New()
	s.Cameras = []Camera{{Path: "cam000", Main: testLoop(t, "main"), Sub: testLoop(t, "sub"), Audio: true}}
	if change != nil {
		change(s)
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// picture is one access unit as a reader got it.
type picture struct {
	key   bool
	ts    uint32
	sent  time.Time // by the clock in the SEI
	got   time.Time
	bytes int
	raw   []byte // the slice
}

// reader plays one stream with an RTSP client.
type reader struct {
	client   *gortsplib.Client
	pictures chan picture
	sounds   chan *rtp.Packet
	reports  chan *rtcp.SenderReport
	ended    chan error
}

func play(t *testing.T, address string, transport gortsplib.Transport) (*reader, error) {
	t.Helper()
	u, err := base.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{
		client:   &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: &transport, OnDecodeError: func(error) {}},
		pictures: make(chan picture, 1000), sounds: make(chan *rtp.Packet, 1000),
		reports: make(chan *rtcp.SenderReport, 100), ended: make(chan error, 1),
	}
	if err := r.client.Start2(); err != nil {
		t.Fatal(err)
	}
	desc, _, err := r.client.Describe(u)
	if err == nil {
		err = r.client.SetupAll(desc.BaseURL, desc.Medias)
	}
	if err != nil {
		r.client.Close()
		return nil, err
	}
	var video *format.H264
	medi := desc.FindFormat(&video)
	dec, err := video.CreateDecoder()
	if err != nil {
		t.Fatal(err)
	}
	r.client.OnPacketRTP(medi, video, func(pkt *rtp.Packet) { r.take(dec, pkt) })
	r.client.OnPacketRTCP(medi, func(pkt rtcp.Packet) {
		if sr, ok := pkt.(*rtcp.SenderReport); ok {
			offer(r.reports, sr)
		}
	})
	var sound *format.G711
	if m := desc.FindFormat(&sound); m != nil {
		r.client.OnPacketRTP(m, sound, func(pkt *rtp.Packet) { offer(r.sounds, pkt) })
	}
	if _, err := r.client.Play(nil); err != nil {
		r.client.Close()
		return nil, err
	}
	go func() { r.ended <- r.client.Wait() }()
	t.Cleanup(r.client.Close)
	return r, nil
}

func (r *reader) take(dec *rtph264.Decoder, pkt *rtp.Packet) {
	au, err := dec.Decode(pkt)
	if err != nil {
		return
	}
	p := picture{ts: pkt.Timestamp, got: time.Now()}
	for _, nalu := range au {
		p.bytes += len(nalu)
		switch nalu[0] & 0x1f {
		case 5, 1:
			p.key, p.raw = nalu[0]&0x1f == 5, nalu
		case 6:
			if i := bytes.Index(nalu, []byte(clockUUID)); i == 3 {
				ns, _ := strconv.ParseInt(string(nalu[19:35]), 16, 64)
				p.sent = time.Unix(0, ns)
			}
		}
	}
	offer(r.pictures, p)
}

func offer[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}

func next[T any](t *testing.T, c chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func mustPlay(t *testing.T, address string) *reader {
	t.Helper()
	r, err := play(t, address, gortsplib.TransportTCP)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFramesFollowTheWallClock(t *testing.T) {
	s := open(t, nil)
	main := s.Cameras[0].Main
	r := mustPlay(t, s.URL("cam000", Main))
	var before picture
	for i := range 60 {
		p := next(t, r.pictures, "picture")
		if p.sent.IsZero() {
			t.Fatal("no clock in the SEI")
		}
		if age := p.got.Sub(p.sent); age < 0 || age > 5*time.Second {
			t.Fatalf("frame %d is %v old", i, age)
		}
		// The pacer may be late on a busy machine, never early.
		number := int(p.sent.UnixNano() / int64(time.Second/FrameRate) % int64(main.Len()))
		late := -1
		for back := range 25 {
			f := main.frames[(number-back+main.Len())%main.Len()]
			if bytes.Equal(f.nalus[len(f.nalus)-1], p.raw) {
				late = back
				break
			}
		}
		if late < 0 {
			t.Fatalf("at %v frame %d was due, another was sent", p.sent, number)
		}
		if i > 0 && p.ts-before.ts != videoRate/FrameRate {
			t.Fatalf("timestamp step %d", p.ts-before.ts)
		}
		before = p
	}
}

func TestSenderReportsTellTheTime(t *testing.T) {
	s := open(t, nil)
	r := mustPlay(t, s.URL("cam000", Sub))
	sr := next(t, r.reports, "sender report")
	p := next(t, r.pictures, "picture")
	const since1900 = 2208988800
	nanos := (sr.NTPTime & 0xffffffff) * 1e9 >> 32
	at := time.Unix(int64(sr.NTPTime>>32)-since1900, int64(nanos))
	shown := at.Add(time.Duration(int32(p.ts-sr.RTPTime)) * time.Second / videoRate)
	if d := shown.Sub(p.sent).Abs(); d > 500*time.Millisecond {
		t.Errorf("the report says %v, the frame %v", shown, p.sent)
	}
	if sr.PacketCount == 0 || sr.OctetCount == 0 {
		t.Error("the report counts nothing")
	}
}

func TestSound(t *testing.T) {
	s := open(t, nil)
	r := mustPlay(t, s.URL("cam000", Main))
	first := next(t, r.sounds, "sound")
	for i := range uint32(20) {
		pkt := next(t, r.sounds, "sound")
		if len(pkt.Payload) != 160 || pkt.Timestamp != first.Timestamp+(i+1)*160 {
			t.Fatalf("packet %d: %d bytes at %d after %d", i, len(pkt.Payload), pkt.Timestamp, first.Timestamp)
		}
	}
}

func TestUDP(t *testing.T) {
	s := open(t, func(s *Server) { s.UDP = true })
	r, err := play(t, s.URL("cam000", Main), gortsplib.TransportUDP)
	if err != nil {
		t.Fatal(err)
	}
	next(t, r.pictures, "picture")
	next(t, r.sounds, "sound")
}

func TestStopAndStart(t *testing.T) {
	s := open(t, func(s *Server) {
		s.Cameras = append(s.Cameras, Camera{Path: "cam001", Main: s.Cameras[0].Main})
	})
	r, other := mustPlay(t, s.URL("cam000", Main)), mustPlay(t, s.URL("cam001", Main))
	next(t, r.pictures, "picture")
	if err := s.Stop("cam000"); err != nil {
		t.Fatal(err)
	}
	next(t, r.ended, "end of the session")
	if _, err := play(t, s.URL("cam000", Main), gortsplib.TransportTCP); err == nil {
		t.Fatal("a stopped camera answered")
	}
	next(t, other.pictures, "picture of the other camera")
	if err := s.Start("cam000"); err != nil {
		t.Fatal(err)
	}
	if p := next(t, mustPlay(t, s.URL("cam000", Main)).pictures, "picture"); !p.key {
		t.Error("a restarted camera began without a key frame")
	}
	if s.Stop("cam999") == nil || s.Silence("cam999", true) == nil {
		t.Error("an unknown camera was stopped")
	}
}

func TestSilence(t *testing.T) {
	s := open(t, nil)
	r := mustPlay(t, s.URL("cam000", Main))
	next(t, r.pictures, "picture")
	if err := s.Silence("cam000", true); err != nil {
		t.Fatal(err)
	}
	for quiet := false; !quiet; { // what was under way arrives, then nothing
		select {
		case <-r.pictures:
		case <-r.sounds:
		case <-time.After(10 * time.Second / FrameRate):
			quiet = true
		case err := <-r.ended:
			t.Fatalf("the session ended: %v", err)
		}
	}
	if n := s.Viewers("cam000"); n != 1 {
		t.Errorf("%d viewers", n)
	}
	if err := s.Silence("cam000", false); err != nil {
		t.Fatal(err)
	}
	if p := next(t, r.pictures, "picture"); !p.key {
		t.Error("not resumed with a key frame")
	}
}

func TestRestartOnTheSamePort(t *testing.T) {
	s := open(t, nil)
	r := mustPlay(t, s.URL("cam000", Main))
	next(t, r.pictures, "picture")
	address := s.URL("cam000", Main)
	s.Close()
	next(t, r.ended, "end of the session")
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	if s.Open() == nil {
		t.Error("opened twice")
	}
	if got := s.URL("cam000", Main); got != address {
		t.Fatalf("came back as %s, was %s", got, address)
	}
	next(t, mustPlay(t, address).pictures, "picture")
}

func TestSessionLimit(t *testing.T) {
	s := open(t, func(s *Server) { s.Sessions = 2 })
	first := mustPlay(t, s.URL("cam000", Main))
	mustPlay(t, s.URL("cam000", Sub))
	if _, err := play(t, s.URL("cam000", Main), gortsplib.TransportTCP); err == nil {
		t.Fatal("a third session was let in")
	}
	first.client.Close()
	deadline := time.Now().Add(patience)
	for {
		r, err := play(t, s.URL("cam000", Main), gortsplib.TransportTCP)
		if err == nil {
			next(t, r.pictures, "picture")
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the place of a closed session stays taken: %v", err)
		}
	}
}

func TestBitrateOnTheWire(t *testing.T) {
	s := open(t, func(s *Server) { s.Bitrate = 2_000_000 })
	r := mustPlay(t, s.URL("cam000", Main))
	bits := 0
	for range s.Cameras[0].Main.Len() {
		bits += next(t, r.pictures, "picture").bytes * 8
	}
	if rate := bits / 2; rate < 1_960_000 || rate > 2_040_000 {
		t.Errorf("%d bit/s", rate)
	}
}

func TestFiftyCameras(t *testing.T) {
	s := open(t, func(s *Server) {
		cam := s.Cameras[0]
		s.Cameras = nil
		for i := range 50 {
			cam.Path = fmt.Sprintf("cam%03d", i)
			cam.Phase = i * 7
			s.Cameras = append(s.Cameras, cam)
		}
	})
	var wg sync.WaitGroup
	for i := range 50 {
		r := mustPlay(t, s.URL(fmt.Sprintf("cam%03d", i), Sub))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 30 {
				select {
				case <-r.pictures:
				case <-time.After(patience):
					t.Errorf("camera %d stands still", i)
					return
				}
			}
		}()
	}
	wg.Wait()
	if n := s.Lost(); n != 0 {
		t.Errorf("%d packets lost", n)
	}
}

func TestOpenRefuses(t *testing.T) {
	loop := testLoop(t, "sub")
	for name, cams := range map[string][]Camera{
		"no loop":      {{Path: "a"}},
		"no path":      {{Main: loop}},
		"a slash":      {{Path: "a/sub", Main: loop}},
		"path twice":   {{Path: "a", Main: loop}, {Path: "a", Main: loop}},
		"query in it":  {{Path: "a?b", Main: loop}},
		"space inside": {{Path: "a b", Main: loop}},
	} {
		s := New()
		s.Cameras = cams
		if err := s.Open(); err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		}
	}
	s := New()
	s.Addr = "127.0.0.1"
	if s.Open() == nil {
		s.Close()
		t.Error("an address without a port was taken")
	}
}

// A reader that stops reading loses its own packets and nobody else's.
func TestSlowReader(t *testing.T) {
	s := open(t, func(s *Server) { s.Bitrate = 100_000_000 })
	release := make(chan struct{})
	slow := mustPlay(t, s.URL("cam000", Main))
	slow.client.OnPacketRTPAny(func(*description.Media, format.Format, *rtp.Packet) { <-release })
	t.Cleanup(func() { close(release) })
	other := mustPlay(t, s.URL("cam000", Sub))
	before := next(t, other.pictures, "picture")
	for after := 0; after < 25; {
		p := next(t, other.pictures, "picture")
		if p.ts-before.ts != videoRate/FrameRate {
			t.Fatalf("the other reader lost a frame: timestamp step %d", p.ts-before.ts)
		}
		before = p
		if s.Lost() > 0 {
			after++
		}
	}
}

func TestPacerFollowsAClockThatIsSet(t *testing.T) {
	cam := &camera{streams: []*stream{{}}}
	p := &pacer{cams: []*camera{cam}}
	now := time.Now()
	p.align(now, 1000)
	if d := p.skew(now.Add(3 * time.Hour)); d > time.Millisecond {
		t.Errorf("skew %v without a reason", d)
	}
	p.wall0 -= 500 // as if the clock had been put ahead by ten seconds
	if d := p.skew(now); d != 500*tick {
		t.Errorf("skew %v", d)
	}
	p.align(now, 1010)
	p.restart()
	if p.skew(now) > time.Millisecond || p.media0 != 1010 || !cam.streams[0].needKey {
		t.Errorf("not aligned: skew %v, media %d, key wanted %v", p.skew(now), p.media0, cam.streams[0].needKey)
	}
}
