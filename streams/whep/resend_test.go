package whep

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// TestWhatIsSentAgainIsUnchanged has viewers ask for old packets while the hub has
// long let the pictures go and their memory is written anew. One packet with two
// contents would give away both: they are sealed under one nonce.
func TestWhatIsSentAgainIsUnchanged(t *testing.T) {
	now := time.Now()
	hub := streams.NewHub("cam000", streams.Main, func() time.Time { return now }, nil)
	desc := &streams.Desc{Video: streams.H264, SPS: []byte{0x67, 0x42, 0, 0x1f}, PPS: []byte{0x68, 1}}
	join := func() (*sender, *tally) {
		w := &flow{track: newTrack(webrtc.RTPCodecTypeVideo), index: uint64(rand.Uint32N(1 << 15)), desc: desc, ok: true}
		out := &tally{t: t, flow: w, sent: map[uint64]string{}}
		w.wire = out
		return &sender{hub: hub, counts: &counters{}, asleep: func() bool { return false }, requests: make(chan request, maxRequests),
			video: w, poke: func() {}, repairs: repairBurst, filled: now, replayEnd: math.MinInt64}, out
	}
	leave := func(s *sender) {
		s.leave()
		s.turn(nil, now)
	}
	quick, quickOut := join()
	slow, slowOut := join()
	for k := range int64(3000) {
		now = now.Add(40 * time.Millisecond)
		nal := make([]byte, 8+rand.IntN(15_000))
		for i := range nal {
			nal[i] = byte(rand.Uint32())
		}
		if nal[0] = 0x41; k%50 == 0 {
			nal[0] = 0x65
		}
		hub.Publish(streams.NewVideoFrame(desc, [][]byte{nal}, k*3600))
		for quick.turn(nil, now) == 0 {
		}
		if k%20 > 10 {
			for slow.turn(nil, now) == 0 {
			}
		}
		for _, s := range []*sender{quick, slow} {
			s.answer(nil, request{video: true, keyNow: k%70 == 0, nacks: []rtcp.NackPair{{
				PacketID: uint16(s.video.index) - 17 - uint16(rand.Uint32N(100)), LostPackets: rtcp.PacketBitmap(rand.Uint32())}}}, now)
		}
		if k%500 == 250 {
			leave(slow)
			slow, slowOut = join()
		}
	}
	for _, s := range []*sender{quick, slow} {
		if again, asked := s.counts.resent.Load(), s.counts.nacks.Load(); again < 100 || again < asked*9/10 {
			t.Errorf("%d of %d packets were sent again", again, asked)
		}
		leave(s)
	}
	if quickOut.n < 10_000 || slowOut.n < 500 {
		t.Errorf("%d and %d packets were sent", quickOut.n, slowOut.n)
	}
}
