package rtsp

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

// formerFor is how long packets of a source that was left are ignored: two that
// send at once must not make the picture begin anew with every packet.
const formerFor = 5 * time.Second

// source follows whose packets a picture is made of (RFC 3550 8). It belongs to
// the goroutine that takes packets; ssrc, goodbye and the two marks may be
// called from others.
type source struct {
	started bool
	former  uint32
	left    time.Time

	now     atomic.Uint32 // SSRC
	ended   atomic.Int64  // Unix ns of a BYE, 0: none
	foreign atomic.Bool   // the library refuses packets of another source
}

// admit tells what a packet is: of no use, or the first of a new stream.
func (s *source) admit(ssrc uint32) (ok, anew bool) {
	current := s.now.Load()
	switch {
	case !s.started:
		s.started = true
		s.now.Store(ssrc)
		return true, false
	case ssrc == current:
		return true, s.ended.Load() != 0 && s.ended.Swap(0) != 0
	case ssrc == s.former && time.Since(s.left) < formerFor:
		return false, false
	}
	s.former, s.left = current, time.Now()
	s.now.Store(ssrc)
	s.ended.Store(0)
	return true, true
}

// control takes a packet of RTCP: a BYE ends the stream (RFC 3550 6.6).
func (s *source) control(p rtcp.Packet) {
	if bye, ok := p.(*rtcp.Goodbye); ok && (len(bye.Sources) == 0 || slices.Contains(bye.Sources, s.now.Load())) {
		s.ended.CompareAndSwap(0, time.Now().UnixNano())
	}
}
