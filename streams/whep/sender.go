package whep

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// Pacing and repair.
const (
	// A viewer's packets leave at 10 a millisecond (96 Mbit/s) after the first
	// 32 of the kept GOP at the start, and after the first 48 of a large key
	// frame later on: neither may overrun the receiver's socket buffer, often
	// 212 KB or 92 packets.
	paceEvery  = time.Millisecond / 10
	paceBurst  = 48
	startBurst = 32
	// turnPackets is what one viewer sends before the next has its turn.
	turnPackets = 16
	// What is sent again has a pace of its own, a fifth of a stream of 25 Mbit/s:
	// a path that is too narrow must not be filled with repetitions.
	repairEvery = 2 * time.Millisecond
	repairBurst = 500
	// historyFrames is how many frames can be sent again: 2 s of pictures. They are
	// kept alive for it when the hub has let them go.
	historyFrames = 48
	// repeatKey is the shortest time between two replays of the kept GOP.
	repeatKey  = time.Second
	staleAfter = time.Second
	// The first report comes after firstReport, the next ones ever later, up to
	// reportEvery: players need two to put sound and picture together.
	firstReport = time.Second
	reportEvery = 5 * time.Second
	maxRequests = 64
	// maxSoundAge is how old sound may be to be sent: that of the kept GOP would
	// be played out, and hold up what comes after it.
	maxSoundAge = 500 * time.Millisecond
)

// sender is one viewer's RTP state. It belongs to whoever holds its fan's turns;
// leave, wakeUp and ask may be called by anyone.
type sender struct {
	pc     *webrtc.PeerConnection
	hub    *streams.Hub
	reader *streams.Reader
	counts *counters
	open   *srtp.Context // of the viewer's RTCP; nil: its media goes by way of pion, and may block
	video  *flow
	audio  *flow
	poke   func()
	unfit  func() // ends the viewer: its camera sends what it does not take

	gone     atomic.Bool
	asleep   func() bool // nothing is sent while it says so
	woken    atomic.Bool // it did, and does no more
	requests chan request

	closed    bool
	frame     *streams.Frame // being sent
	flow      *flow          // of frame
	ts        uint32         // of frame
	at        int            // next payload of frame
	tokens    float64        // packets that may leave now
	repairs   float64        // packets that may be sent again now
	filled    time.Time
	replayEnd int64
	replayAt  time.Time
	reportAt  time.Time
	reportGap time.Duration
}

// flow is the RTP state of one track.
type flow struct {
	track   *track
	wire    wire
	ssrc    uint32
	pt      uint8
	index   uint64 // of the next packet: sequence number and rollovers
	offset  uint32 // added to PTS
	desc    *streams.Desc
	ok      bool // desc can be sent to this viewer
	packets uint32
	octets  uint32
	lost    uint32 // as the viewer says
	lastTS  uint32
	lastPTS int64
	lastAt  time.Time // when the last sent frame arrived; older in a replay
	newest  time.Time // when the newest sent frame arrived
	sent    []sentFrame
}

// sentFrame is a frame that may be asked for again.
type sentFrame struct {
	frame *streams.Frame
	first uint64 // index of its first packet
	ts    uint32
	pt    uint8
}

func newSender(v *Viewer) *sender {
	now := time.Now()
	seal, to, open := v.direct()
	s := &sender{pc: v.pc, hub: v.hub, open: open, unfit: v.cancel, counts: &v.server.counts, asleep: v.asleep, requests: make(chan request, maxRequests),
		replayEnd: math.MinInt64, replayAt: now, tokens: startBurst, repairs: repairBurst, filled: now, reportAt: now.Add(firstReport), reportGap: firstReport}
	for _, t := range v.tracks() {
		// A first sequence number below 2^15 leaves no doubt about the
		// rollovers where the first packets are lost (RFC 3711 3.3.1).
		f := &flow{track: t, ssrc: t.ssrc, offset: rand.Uint32(), index: uint64(rand.Uint32N(1 << 15))}
		if open != nil {
			f.wire = &directWire{sealer: seal, to: to}
		} else {
			f.wire = &pionWire{out: t.out, counts: s.counts}
		}
		if t == v.video {
			s.video = f
		} else {
			s.audio = f
		}
	}
	return s
}

// leave makes the fan forget the sender.
func (s *sender) leave() {
	s.gone.Store(true)
	s.poke()
}

// wakeUp says that the viewer is heard again.
func (s *sender) wakeUp() {
	s.woken.Store(true)
	s.poke()
}

// ask passes on what the viewer asks for. A full queue drops: it asks again.
func (s *sender) ask(r request) {
	select {
	case s.requests <- r:
		s.poke()
	default:
	}
}

// turn sends some packets. It returns after how long there is more to send: 0
// at once, below 0 when the hub has a frame.
func (s *sender) turn(b *burst, now time.Time) time.Duration {
	if s.gone.Load() {
		s.close()
		return -1
	}
	if s.reader == nil {
		s.reader = s.hub.NewReader(nil) // the fan is told
	}
	s.refill(now)
	s.answerAll(b, now)
	if s.woken.Swap(false) {
		s.replayEnd, s.frame = s.video.lastPTS, nil
		s.reader.Skip(true) // the picture comes at once, not at the next key frame
	}
	for range turnPackets {
		if s.frame == nil && !s.next() {
			return -1
		}
		if s.tokens < 1 {
			return time.Millisecond
		}
		s.tokens--
		s.flow.send(b, s.frame, s.at, s.ts)
		if s.at++; s.at == len(s.frame.Payloads) {
			s.frame = nil
		}
	}
	return 0
}

func (s *sender) close() {
	if s.closed {
		return
	}
	s.closed = true
	if s.reader != nil {
		s.reader.Close()
	}
	for _, w := range []*flow{s.video, s.audio} {
		if w != nil {
			w.forget(len(w.sent))
		}
	}
}

func (s *sender) refill(now time.Time) {
	gone := float64(now.Sub(s.filled))
	s.tokens = min(paceBurst, s.tokens+gone/float64(paceEvery))
	s.repairs = min(repairBurst, s.repairs+gone/float64(repairEvery))
	s.filled = now
}

// next takes the next frame that this viewer gets.
func (s *sender) next() bool {
	for {
		f, _ := s.reader.Next()
		if f == nil {
			return false
		}
		if !s.asleep() && len(f.Payloads) > 0 && s.begin(f) {
			return true
		}
		f.Release()
	}
}

func (s *sender) begin(f *streams.Frame) bool {
	w := s.video
	if f.Kind == streams.Audio {
		w = s.audio
	}
	if w == nil || f.Aside || f.Kind == streams.Audio && time.Since(f.At) > maxSoundAge {
		return false
	}
	if f.Desc != w.desc {
		w.desc = f.Desc
		w.pt, w.ok = w.track.payloadType(f.Desc)
	}
	if !w.ok {
		if f.Kind == streams.Video {
			s.unfit() // the camera changed its codec; whoever comes anew gets another answer
		}
		return false
	}
	ts := uint32(f.PTS) + w.offset
	if f.Kind == streams.Video && f.PTS <= s.replayEnd {
		// A replay comes after younger frames: its pictures are to be decoded
		// at once, not shown for their length again.
		ts = w.lastTS + 1
	}
	s.frame, s.flow, s.at, s.ts = f, w, 0, ts
	w.remember(sentFrame{f, w.index, ts, w.pt})
	w.lastTS, w.lastPTS, w.lastAt = ts, max(w.lastPTS, f.PTS), f.At
	if f.At.After(w.newest) {
		w.newest = f.At
	}
	return true
}

func (w *flow) remember(f sentFrame) {
	if len(w.sent) == historyFrames {
		w.forget(historyFrames / 4)
	}
	w.sent = append(w.sent, f)
}

// forget lets the oldest frames go.
func (w *flow) forget(n int) {
	for _, f := range w.sent[:n] {
		f.frame.Release()
	}
	left := copy(w.sent, w.sent[n:])
	clear(w.sent[left:])
	w.sent = w.sent[:left]
}

func (w *flow) send(b *burst, f *streams.Frame, i int, ts uint32) {
	p := f.Payloads[i]
	w.wire.send(b, packet{payload: p, index: w.index, ts: ts, ssrc: w.ssrc, pt: w.pt,
		marker: f.Kind == streams.Video && i == len(f.Payloads)-1})
	w.index++
	w.packets++
	w.octets += uint32(len(p))
}

// again sends one packet once more, if it is remembered and has left before.
func (w *flow) again(b *burst, seq uint16) bool {
	behind := uint64(uint16(w.index) - seq)
	if behind == 0 || behind > w.index {
		return false
	}
	index := w.index - behind
	for k := len(w.sent) - 1; k >= 0; k-- {
		f := &w.sent[k]
		if index < f.first {
			continue
		}
		i := int(index - f.first)
		if i >= len(f.frame.Payloads) {
			return false
		}
		w.wire.send(b, packet{payload: f.frame.Payloads[i], index: index, ts: f.ts, ssrc: w.ssrc, pt: f.pt,
			marker: f.frame.Kind == streams.Video && i == len(f.frame.Payloads)-1})
		return true
	}
	return false
}

func (s *sender) answerAll(b *burst, now time.Time) {
	for len(s.requests) > 0 { // nobody else takes from it
		s.answer(b, <-s.requests, now)
	}
}

// answer serves a NACK, a PLI or a receiver report.
func (s *sender) answer(b *burst, r request, now time.Time) {
	w := s.video
	if !r.video {
		w = s.audio
	}
	if w == nil || s.asleep() {
		return
	}
	if r.lost > w.lost {
		s.counts.lost.Add(int64(r.lost - w.lost))
		w.lost = r.lost
	}
	for _, n := range r.nacks {
		for _, seq := range n.PacketList() {
			s.counts.nacks.Add(1)
			if s.repairs < 1 {
				return
			}
			if w.again(b, seq) {
				s.repairs--
				s.counts.resent.Add(1)
			}
		}
	}
	// A camera that has fallen silent has nothing to repair: its old pictures
	// would only look like new ones.
	if !r.keyNow || w.packets == 0 || now.Sub(s.replayAt) < repeatKey || now.Sub(w.newest) > staleAfter {
		return
	}
	s.counts.refreshes.Add(1)
	s.replayAt, s.replayEnd, s.frame = now, w.lastPTS, nil
	s.reader.Skip(true)
}

// report sends RTCP sender reports (RFC 3550 6.4.1), which tie sound to picture.
func (s *sender) report(now time.Time) {
	s.reportAt, s.reportGap = now.Add(s.reportGap), min(2*s.reportGap, reportEvery)
	if s.asleep() {
		return
	}
	var out []rtcp.Packet
	for _, w := range []*flow{s.video, s.audio} {
		if w == nil || w.packets == 0 {
			continue
		}
		out = append(out, &rtcp.SenderReport{SSRC: w.ssrc, NTPTime: ntp(w.lastAt), RTPTime: w.lastTS,
			PacketCount: w.packets, OctetCount: w.octets})
	}
	if len(out) > 0 {
		_ = s.pc.WriteRTCP(out)
	}
}

// ntp is a time in NTP's 32.32 bits since 1900.
func ntp(t time.Time) uint64 {
	ns := uint64(t.UnixNano()) + 2208988800*uint64(time.Second)
	sec := ns / uint64(time.Second)
	return sec<<32 | (ns%uint64(time.Second))<<32/uint64(time.Second)
}
