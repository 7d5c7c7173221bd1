package whep

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// request is what a viewer asks for in RTCP.
type request struct {
	video  bool
	nacks  []rtcp.NackPair
	keyNow bool   // PLI or FIR
	lost   uint32 // by a receiver report: packets missed for good, so far
}

// requests passes on what RTCP of a viewer asks of some tracks.
func requests(raw []byte, ask func(request), tracks ...*track) {
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		return
	}
	for _, p := range packets {
		for _, t := range tracks {
			if r, ok := t.asked(p); ok {
				ask(r)
			}
		}
	}
}

// asked reads what an RTCP packet asks of a track.
func (t *track) asked(p rtcp.Packet) (r request, ok bool) {
	r.video = t.kind == webrtc.RTPCodecTypeVideo
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		r.nacks = p.Nacks
		return r, p.MediaSSRC == t.ssrc
	case *rtcp.PictureLossIndication:
		r.keyNow = true
		return r, p.MediaSSRC == t.ssrc
	case *rtcp.FullIntraRequest:
		r.keyNow = true
		return r, slices.ContainsFunc(p.FIR, func(e rtcp.FIREntry) bool { return e.SSRC == t.ssrc })
	case *rtcp.ReceiverReport:
		if lost := lostOf(p.Reports, t.ssrc); lost > t.lost {
			t.lost, r.lost = lost, lost
			return r, true
		}
	}
	return r, false
}

// lostOf is what reports say of one stream. The count is signed: repetitions can
// take it below zero (RFC 3550 6.4.1).
func lostOf(reports []rtcp.ReceptionReport, ssrc uint32) uint32 {
	for _, r := range reports {
		if r.SSRC == ssrc && r.TotalLost < 1<<23 {
			return r.TotalLost
		}
	}
	return 0
}

// maxVoices is how many SSRCs a viewer may speak RTCP with: one each for picture
// and sound, and some for a client that starts anew.
const maxVoices = 8

// ear reads a viewer's SRTCP where packets come in. pion's way would wake four
// goroutines for each packet. It belongs to the front, once the viewer has it.
type ear struct {
	context *srtp.Context
	voices  []uint32
	plain   []byte
	tracks  []*track
	ask     func(request)
}

// take reads a packet. It reports false for one that the viewer has not sealed,
// or that came before.
func (e *ear) take(sealed []byte) bool {
	ssrc := binary.BigEndian.Uint32(sealed[4:])
	known := slices.Contains(e.voices, ssrc)
	if !known && len(e.voices) == maxVoices { // srtp keeps a state for each
		return false
	}
	plain, err := e.context.DecryptRTCP(e.plain[:0], sealed, nil)
	if err != nil {
		return false
	}
	if !known {
		e.voices = append(e.voices, ssrc)
	}
	e.plain = plain
	requests(plain, e.ask, e.tracks...)
	return true
}

// isRTCP tells RTCP from what else comes in at a WebRTC port (RFC 7983, RFC 5761 4).
func isRTCP(p []byte) bool { return len(p) >= 8 && p[0]>>6 == 2 && p[1] >= 192 && p[1] <= 223 }

// clock counts from the start of the process, whatever is done to the time of day.
func clock() int64 { return int64(time.Since(started)) }

var started = time.Now()

// asleep reports whether nothing has been heard of the viewer for
// disconnectedAfter: it sleeps, is on another network, or gone, and nothing is
// sent into the void.
func (v *Viewer) asleep() bool {
	return v.away.Load() && clock()-v.heardAt.Load() > int64(disconnectedAfter)
}

// askedLately reports whether a check of where media goes is too soon after the
// last one.
func (v *Viewer) askedLately(at netip.AddrPort) bool {
	to := v.to.Load()
	if to == nil || to.addr != at || !v.settled.Load() {
		return false
	}
	now := clock()
	if now-v.askedAt.Load() < int64(keepAlive-time.Second) { // pion's clock ticks every 2 s
		return true
	}
	v.askedAt.Store(now)
	return false
}

// rouse has the picture sent again to a viewer that was asleep.
func (v *Viewer) rouse(slept bool) {
	if sender := v.sender.Load(); slept && sender != nil {
		sender.wakeUp()
	}
}

// take reads RTCP that came in at the front. It reports false where pion is to
// read it.
func (v *Viewer) take(packet []byte) bool {
	e := v.ear.Load()
	if e == nil {
		return false
	}
	if e.take(packet) {
		slept := v.asleep()
		v.heardAt.Store(clock())
		v.rouse(slept)
	}
	return true
}
