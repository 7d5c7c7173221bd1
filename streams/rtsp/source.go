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

	now     atomic.Uint32   // SSRC
	ended   atomic.Int64    // Unix ns of a BYE, 0: none
	foreign atomic.Bool     // the library refuses packets of another source
	clock   func(time.Time) // told the camera's time; nil: nobody asks
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

// control takes a packet of RTCP: a BYE ends the stream (RFC 3550 6.6), a sender
// report tells what time it is for the camera (6.4.1).
func (s *source) control(p rtcp.Packet) {
	if sr, ok := p.(*rtcp.SenderReport); ok && s.clock != nil && sr.NTPTime>>32 != 0 && sr.SSRC == s.now.Load() {
		s.clock(fromNTP(sr.NTPTime))
	}
	if bye, ok := p.(*rtcp.Goodbye); ok && (len(bye.Sources) == 0 || slices.Contains(bye.Sources, s.now.Load())) {
		s.ended.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// ntpEpoch is the distance from 1900 to 1970, seconds (RFC 5905 6).
const ntpEpoch = 2208988800

func fromNTP(v uint64) time.Time {
	return time.Unix(int64(v>>32)-ntpEpoch, int64((v&0xffffffff)*1e9>>32))
}
