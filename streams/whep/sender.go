package whep

import (
	"context"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// Pacing and repair.
const (
	// burstBits is the rate at which a backlog leaves (the kept GOP at the
	// start, a large key frame), so that it does not overrun the receiver's
	// socket buffer.
	burstBits  = 100_000_000
	burstChunk = 16 // packets sent at once
	// historySize is how many packets can be sent again: 2 s of 5 Mbit/s.
	historySize = 1024 // a power of two
	// repeatKey is the shortest time between two replays of the kept GOP.
	repeatKey   = time.Second
	staleAfter  = time.Second
	reportEvery = 2 * time.Second
)

// sender writes one viewer's packets. It belongs to one goroutine.
type sender struct {
	pc     *webrtc.PeerConnection
	reader *streams.Reader
	hub    *streams.Hub
	ready  chan struct{}
	silent *atomic.Bool    // nothing is sent while it is set
	woken  <-chan struct{} // it was set and is so no more
	video  *flow
	audio  *flow

	chunk     int // packets since the last pause
	replayEnd int64
	replayAt  time.Time
}

// flow is the RTP state of one track.
type flow struct {
	track   *track
	header  rtp.Header
	offset  uint32 // added to PTS
	desc    *streams.Desc
	ok      bool // desc can be sent to this viewer
	packets uint32
	octets  uint32
	lastTS  uint32
	lastPTS int64
	lastAt  time.Time // when the last sent frame arrived; older in a replay
	newest  time.Time // when the newest sent frame arrived
	history [historySize]sent
}

// sent is one packet that may be asked for again. The payload is the hub's.
type sent struct {
	payload []byte
	ts      uint32
	seq     uint16
	pt      uint8
	marker  bool
}

func newSender(v *Viewer) *sender {
	s := &sender{pc: v.pc, hub: v.hub, ready: make(chan struct{}, 1), silent: &v.silent, woken: v.woken,
		video: newFlow(v.video), replayEnd: math.MinInt64, replayAt: time.Now()}
	if v.audio != nil {
		s.audio = newFlow(v.audio)
	}
	return s
}

func newFlow(t *track) *flow {
	return &flow{track: t, offset: rand.Uint32(), header: rtp.Header{Version: 2, SequenceNumber: uint16(rand.Uint32())}}
}

func (s *sender) run(ctx context.Context, feedback <-chan request) {
	for _, f := range []*flow{s.video, s.audio} {
		if f == nil {
			continue
		}
		select {
		case <-f.track.bound:
			f.header.SSRC = f.track.ssrc
		case <-ctx.Done():
			return
		}
	}
	s.reader = s.hub.NewReader(func() {
		select {
		case s.ready <- struct{}{}:
		default:
		}
	})
	defer s.reader.Close()
	report := time.NewTicker(reportEvery)
	defer report.Stop()
	for {
		if !s.drain(ctx, feedback) {
			return
		}
		select {
		case <-s.ready:
		case r := <-feedback:
			s.answer(r)
		case <-s.woken:
			s.replayEnd = s.video.lastPTS
			s.reader.Skip(true) // the picture comes at once, not at the next key frame
		case <-report.C:
			s.report()
		case <-s.hub.Gone():
			return
		case <-ctx.Done():
			return
		}
	}
}

// drain sends every frame that waits. It reports false when the viewer ended.
func (s *sender) drain(ctx context.Context, feedback <-chan request) bool {
	for ctx.Err() == nil {
		f, _ := s.reader.Next()
		if f == nil {
			return true
		}
		if s.silent.Load() {
			continue
		}
		s.frame(ctx, f)
		select {
		case r := <-feedback:
			s.answer(r)
		default:
		}
	}
	return false
}

func (s *sender) frame(ctx context.Context, f *streams.Frame) {
	w := s.video
	if f.Kind == streams.Audio {
		w = s.audio
	}
	if w == nil {
		return
	}
	if f.Desc != w.desc {
		w.desc = f.Desc
		w.header.PayloadType, w.ok = w.track.payloadType(f.Desc)
	}
	if !w.ok {
		return
	}
	ts := uint32(f.PTS) + w.offset
	if f.Kind == streams.Video && f.PTS <= s.replayEnd {
		// A replay comes after younger frames: its pictures are to be decoded
		// at once, not shown for their length again.
		ts = w.lastTS + 1
	}
	last := len(f.Payloads) - 1
	for i, p := range f.Payloads {
		w.send(p, ts, i == last && f.Kind == streams.Video)
		if s.chunk++; s.chunk >= burstChunk && i != last {
			s.pause(ctx, s.chunk)
			s.chunk = 0
		}
	}
	w.lastTS, w.lastPTS, w.lastAt = ts, max(w.lastPTS, f.PTS), f.At
	if f.At.After(w.newest) {
		w.newest = f.At
	}
	if time.Since(f.At) < 10*time.Millisecond {
		s.chunk = 0 // not in a backlog
	} else if s.chunk >= burstChunk {
		s.pause(ctx, s.chunk)
		s.chunk = 0
	}
}

// pause waits as long as packets of full size take at burstBits.
func (s *sender) pause(ctx context.Context, packets int) {
	t := time.NewTimer(time.Duration(packets*1200*8) * time.Second / burstBits)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (w *flow) send(payload []byte, ts uint32, marker bool) {
	w.header.SequenceNumber++
	w.header.Timestamp, w.header.Marker = ts, marker
	w.history[w.header.SequenceNumber%historySize] = sent{payload, ts, w.header.SequenceNumber, w.header.PayloadType, marker}
	w.packets++
	w.octets += uint32(len(payload))
	_, _ = w.track.out.WriteRTP(&w.header, payload) // a full path loses packets; NACK and PLI repair
}

// answer serves a NACK or a PLI.
func (s *sender) answer(r request) {
	w := s.video
	if !r.video {
		w = s.audio
	}
	if w == nil {
		return
	}
	for _, n := range r.nacks {
		for _, seq := range n.PacketList() {
			if p := w.history[seq%historySize]; p.seq == seq && p.payload != nil {
				h := w.header
				h.SequenceNumber, h.Timestamp, h.Marker, h.PayloadType = p.seq, p.ts, p.marker, p.pt
				_, _ = w.track.out.WriteRTP(&h, p.payload)
			}
		}
	}
	// A camera that has fallen silent has nothing to repair: its old pictures
	// would only look like new ones.
	if !r.keyNow || w.packets == 0 || time.Since(s.replayAt) < repeatKey || time.Since(w.newest) > staleAfter {
		return
	}
	s.replayAt = time.Now()
	s.replayEnd = w.lastPTS
	s.reader.Skip(true)
}

// report sends RTCP sender reports (RFC 3550 6.4.1), which tie sound to picture.
func (s *sender) report() {
	if s.silent.Load() {
		return
	}
	var out []rtcp.Packet
	for _, w := range []*flow{s.video, s.audio} {
		if w == nil || w.packets == 0 {
			continue
		}
		out = append(out, &rtcp.SenderReport{SSRC: w.header.SSRC, NTPTime: ntp(w.lastAt), RTPTime: w.lastTS,
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
