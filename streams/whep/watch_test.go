package whep

import (
	"encoding/binary"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// What a watcher does about loss, as browsers do it.
const (
	askEvery  = 40 * time.Millisecond
	askTimes  = 15
	givenUp   = 1500 * time.Millisecond // a machine that does much else is slow to answer
	askAtMost = 200                     // packets that are missing; more: a new picture is asked for
	pliEvery  = 500 * time.Millisecond
)

// watcher is a pion client that repairs, puts together and checks pictures as
// a browser does.
type watcher struct {
	t      *testing.T
	pc     *webrtc.PeerConnection
	socket *net.UDPConn
	net    *network // nil: straight
	pipe   *pipe    // nil: no TCP
	setup  string   // of the offer; empty: actpass
	port   int      // of its socket; 0: any
	hide   bool     // names no candidate, like a browser that hides its address
	coarse bool     // asks for pictures alone, not for packets
	offer  string
	end    chan struct{}
	wg     sync.WaitGroup
	view   *Viewer

	mu      sync.Mutex
	ssrc    uint32
	types   map[uint8]bool // payload types seen
	sound   int
	wait    map[int64]*rtp.Packet
	asked   map[int64]*ask
	next    int64 // the sequence number, without wrap, that is due
	high    int64
	started bool
	lost    bool // nothing can be decoded until a key frame
	depack  codecs.H264Packet
	unit    []byte // the picture that is being put together
	stamp   uint32 // of unit
	begun   bool   // and more of it is to come
	torn    bool   // unit lacks its beginning
	last    uint32 // picture that was decoded last
	shown   []shown
	stamps  []uint32 // of the pictures in shown
	live    int      // how many were shown before it was up to date
	nacks   int
	plis    int
	pliAt   time.Time
	broken  int // pictures whose bytes were wrong
	twice   int // packets that came again
}

type ask struct {
	since, at time.Time
	times     int
}

// shown is a picture that was decoded.
type shown struct {
	n   uint32
	key bool
	at  time.Time
}

type watching func(*watcher, *webrtc.SettingEngine)

func through(n *network) watching {
	return func(w *watcher, _ *webrtc.SettingEngine) { w.net = n }
}

func hidden(w *watcher, _ *webrtc.SettingEngine)          { w.hide = true }
func asksForPictures(w *watcher, _ *webrtc.SettingEngine) { w.coarse = true }

func over(p *pipe) watching {
	return func(w *watcher, se *webrtc.SettingEngine) {
		w.pipe = p
		se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}
}

func setup(role string) watching {
	return func(w *watcher, _ *webrtc.SettingEngine) { w.setup = role }
}

func profile(p dtls.SRTPProtectionProfile) watching {
	return func(_ *watcher, se *webrtc.SettingEngine) { se.SetSRTPProtectionProfiles(p) }
}

func at(port int) watching {
	return func(w *watcher, _ *webrtc.SettingEngine) { w.port = port }
}

func newWatcher(t *testing.T, opts ...watching) *watcher {
	t.Helper()
	w := &watcher{t: t, end: make(chan struct{}), types: map[uint8]bool{}, wait: map[int64]*rtp.Packet{}, asked: map[int64]*ask{}}
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetSRTPReplayProtectionWindow(1024) // as browsers have it
	for _, o := range opts {
		o(w, &se)
	}
	w.socket = localSocket(t, w.port)
	mux := webrtc.NewICEUDPMux(nil, w.socket)
	se.SetICEUDPMux(mux)
	me := &webrtc.MediaEngine{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	w.pc = pc
	pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { w.wg.Go(func() { w.read(tr) }) })
	for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	w.wg.Go(w.keepUp)
	t.Cleanup(func() {
		close(w.end)
		_, _, _ = pc.GracefulClose(), mux.Close(), w.socket.Close()
		w.wg.Wait()
	})
	return w
}

// describe makes an offer with everything gathered, as its path shows it.
func (w *watcher) describe(opt *webrtc.OfferOptions) string {
	w.t.Helper()
	o, err := w.pc.CreateOffer(opt)
	if err != nil {
		w.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(w.pc)
	if err := w.pc.SetLocalDescription(o); err != nil {
		w.t.Fatal(err)
	}
	<-gathered
	text := w.pc.LocalDescription().SDP
	if w.setup != "" {
		text = strings.ReplaceAll(text, "a=setup:actpass", "a=setup:"+w.setup)
	}
	if w.net != nil {
		text = w.net.offer(text)
	}
	if w.pipe != nil { // as browsers do (RFC 6544 4.5)
		text = without(text, "a=candidate:") + "a=candidate:1 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active\r\n"
	}
	if w.hide { // as a browser does by mDNS (RFC 8828)
		text = regexp.MustCompile(`(?m)^(a=candidate:\S+ \S+ \S+ \S+ )\S+`).ReplaceAllString(text, "${1}0a1b2c3d-0000-4000-8000-000000000000.local")
	}
	return text
}

// without leaves out the lines that begin so.
func without(text string, prefixes ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// only keeps the lines that begin so.
func only(text string, prefixes ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// open makes the watcher a viewer.
func (w *watcher) open(s *Server, hub *streams.Hub) *Viewer {
	w.t.Helper()
	w.offer = w.describe(nil)
	v, answer, err := s.View(w.t.Context(), hub, w.offer, func() {})
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.offer)
	}
	w.view = v
	w.accept(answer)
	return v
}

func (w *watcher) accept(answer string) {
	w.t.Helper()
	if w.net != nil {
		answer = w.net.answer(answer)
	}
	if w.pipe != nil {
		answer = w.pipe.answer(answer)
	}
	if err := w.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		w.t.Fatalf("%v\n%s", err, answer)
	}
}

// restart restarts ICE by PATCH (RFC 9725 4.4.1) on new sockets.
func (w *watcher) restart() {
	w.t.Helper()
	text := w.describe(&webrtc.OfferOptions{ICERestart: true})
	answer, err := w.view.Patch(w.t.Context(), only(text, "a=ice-", "a=mid", "a=candidate"))
	if err != nil {
		w.t.Fatal(err)
	}
	remote := w.pc.RemoteDescription().SDP
	ice := only(answer, "a=ice-ufrag", "a=ice-pwd", "a=candidate", "a=end-of-candidates")
	var b strings.Builder
	for line := range strings.Lines(without(remote, "a=ice-ufrag", "a=ice-pwd", "a=candidate", "a=end-of-candidates")) {
		b.WriteString(line)
		if strings.HasPrefix(line, "a=mid:") {
			b.WriteString(ice)
		}
	}
	w.accept(b.String())
}

func (w *watcher) read(tr *webrtc.TrackRemote) {
	for {
		p, _, err := tr.ReadRTP()
		if err != nil {
			return
		}
		w.mu.Lock()
		if tr.Kind() == webrtc.RTPCodecTypeAudio {
			w.sound++
		} else {
			w.take(p)
		}
		w.mu.Unlock()
	}
}

// take puts a packet in its place. w.mu is held.
func (w *watcher) take(p *rtp.Packet) {
	if !w.started {
		w.started, w.ssrc, w.lost = true, p.SSRC, true
		w.pliAt = time.Now().Add(givenUp - pliEvery) // the first picture is on its way
		w.next, w.high = 1<<20|int64(p.SequenceNumber), 1<<20|int64(p.SequenceNumber)
	}
	w.types[p.PayloadType] = true
	seq := w.high + int64(int16(p.SequenceNumber-uint16(w.high)))
	delete(w.asked, seq)
	if _, have := w.wait[seq]; have || seq < w.next {
		w.twice++
		return
	}
	w.wait[seq] = p
	w.high = max(w.high, seq)
	w.advance()
}

// advance decodes what has come without a gap.
func (w *watcher) advance() {
	for {
		p := w.wait[w.next]
		if p == nil {
			return
		}
		delete(w.wait, w.next)
		w.next++
		if p.Timestamp != w.stamp && w.begun { // the last one was left off
			w.lost, w.unit, w.depack = true, nil, codecs.H264Packet{}
		}
		w.stamp, w.begun = p.Timestamp, !p.Marker
		if w.torn {
			w.torn = !p.Marker // the rest of it
			continue
		}
		part, err := w.depack.Unmarshal(p.Payload)
		if err != nil {
			w.broken++
		}
		w.unit = append(w.unit, part...)
		if p.Marker {
			w.decode(w.unit, p.Timestamp)
			w.unit = nil
		}
	}
}

// decode checks a picture: every byte, and that its predecessor was decoded.
func (w *watcher) decode(unit []byte, stamp uint32) {
	slice := unit
	key := false
	for { // parameter sets come first (Annex B)
		at := strings.Index(string(slice[min(4, len(slice)):]), "\x00\x00\x00\x01")
		if at < 0 {
			break
		}
		slice = slice[4+at:]
	}
	if len(slice) < 12 || len(slice)%4 != 0 {
		w.broken++
		return
	}
	slice = slice[4:] // the start code
	key = slice[0]&0x1f == 5
	n := binary.BigEndian.Uint32(slice[4:])
	for i := 4; i+4 <= len(slice); i += 4 {
		if binary.BigEndian.Uint32(slice[i:]) != n {
			w.broken++
			return
		}
	}
	n &^= 1 << 31
	if !key && (w.lost || n != w.last+1) {
		w.lost = true // its reference is not there
		return
	}
	w.lost, w.last = false, n
	w.shown, w.stamps = append(w.shown, shown{n, key, time.Now()}), append(w.stamps, stamp)
}

// keepUp asks again for what is missing.
func (w *watcher) keepUp() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.end:
			return
		}
		w.mu.Lock()
		var out []rtcp.Packet
		if w.started {
			out = w.repair(time.Now())
		}
		w.mu.Unlock()
		if len(out) > 0 {
			_ = w.pc.WriteRTCP(out)
		}
	}
}

// repair returns what is to be asked for. w.mu is held.
func (w *watcher) repair(now time.Time) []rtcp.Packet {
	var missing []uint16
	hopeless := false
	for seq := w.next; seq < w.high && !hopeless; seq++ {
		if w.wait[seq] != nil {
			continue
		}
		a := w.asked[seq]
		if a == nil {
			a = &ask{since: now}
			w.asked[seq] = a
		}
		if hopeless = w.hopeless(a, now); hopeless {
			break
		}
		if !w.coarse && now.Sub(a.at) >= askEvery*time.Duration(1+a.times/5) && a.times < askTimes {
			a.at, a.times = now, a.times+1
			missing = append(missing, uint16(seq))
		}
	}
	if hopeless {
		w.jump()
	}
	var out []rtcp.Packet
	if w.lost && now.Sub(w.pliAt) >= pliEvery {
		w.pliAt = now
		w.plis++
		out = append(out, &rtcp.PictureLossIndication{MediaSSRC: w.ssrc})
	}
	if len(missing) > 0 && !hopeless {
		w.nacks += len(missing)
		out = append(out, &rtcp.TransportLayerNack{MediaSSRC: w.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(missing)})
	}
	return out
}

// hopeless tells whether to wait no longer for a packet.
func (w *watcher) hopeless(a *ask, now time.Time) bool {
	if w.coarse {
		return now.Sub(a.since) > 5*askEvery
	}
	return now.Sub(a.since) > givenUp || len(w.asked) > askAtMost
}

// jump gives up what is missing and goes on with the newest that has come.
func (w *watcher) jump() {
	w.lost, w.torn, w.begun, w.unit, w.depack = true, true, false, nil, codecs.H264Packet{}
	clear(w.asked)
	for seq := w.next; seq <= w.high; seq++ {
		p := w.wait[seq]
		w.next = seq
		if p != nil && len(p.Payload) > 0 && p.Payload[0]&0x1f == 24 { // parameter sets: a key frame begins
			w.torn = false
			break
		}
		delete(w.wait, seq)
		w.next = seq + 1
	}
	w.advance()
}

// pictures returns what was shown since a moment.
func (w *watcher) pictures(since time.Time) []shown {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := 0
	for i < len(w.shown) && w.shown[i].at.Before(since) {
		i++
	}
	return slices.Clone(w.shown[i:])
}

// newest is the number of the picture that was shown last; -1: none was.
func (w *watcher) newest() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.shown) == 0 {
		return -1
	}
	return int(w.shown[len(w.shown)-1].n)
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%d pictures, newest %d, %d packets asked for, %d pictures asked for, %d packets twice, %d broken; due %d of %d, %s",
		len(w.shown), w.last, w.nacks, w.plis, w.twice, w.broken, w.next, w.high, w.pc.ConnectionState())
}
