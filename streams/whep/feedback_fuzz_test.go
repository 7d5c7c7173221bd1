package whep

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// tally is a wire that checks what is sent again.
type tally struct {
	t    *testing.T
	flow *flow
	sent map[uint64]string // by index
	n    int
}

func (w *tally) send(_ *burst, p packet) {
	w.n++
	if was, ok := w.sent[p.index]; ok && was != string(p.payload) {
		w.t.Fatalf("packet %d was sent with two contents under one key", p.index)
	} else if !ok && p.index != w.flow.index {
		w.t.Fatalf("packet %d was never sent, and is not the next, %d", p.index, w.flow.index)
	}
	w.sent[p.index] = string(p.payload)
}

// FuzzFeedback gives a sender any bytes as RTCP: it sends again only what it
// has sent, and within its budget.
func FuzzFeedback(f *testing.F) {
	const ssrc = 7
	for _, p := range [][]rtcp.Packet{
		{&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: 100, LostPackets: 0xffff}, {PacketID: 0}, {PacketID: 65535}}}},
		{&rtcp.PictureLossIndication{MediaSSRC: ssrc}, &rtcp.FullIntraRequest{MediaSSRC: ssrc, FIR: []rtcp.FIREntry{{SSRC: ssrc}}}},
		{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: ssrc, TotalLost: 1<<24 - 1}, {SSRC: ssrc, TotalLost: 5}}}},
		{&rtcp.Goodbye{Sources: []uint32{ssrc}}, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e30, SSRCs: []uint32{ssrc}}},
	} {
		raw, err := rtcp.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, uint16(120))
		f.Add(raw[:len(raw)-1], uint16(3))
	}
	f.Add([]byte{0x81, 205, 0xff, 0xff}, uint16(65535))
	desc := &streams.Desc{Video: streams.H264, SPS: []byte{0x67, 0x42, 0, 0x1f}, PPS: []byte{0x68, 1}}
	f.Fuzz(func(t *testing.T, raw []byte, first uint16) {
		if len(raw) > 1500 {
			return // more than is read
		}
		tr := newTrack(webrtc.RTPCodecTypeVideo)
		tr.ssrc = ssrc
		w := &flow{track: tr, ssrc: ssrc, index: uint64(first)}
		out := &tally{t: t, flow: w, sent: map[uint64]string{}}
		w.wire = out
		hub := streams.NewHub("cam000", streams.Main, time.Now, nil)
		s := &sender{hub: hub, counts: &counters{}, asleep: func() bool { return false }, repairs: repairBurst, video: w, poke: func() {}}
		s.reader = hub.NewReader(s.poke)
		defer s.reader.Close()
		for k := range 40 {
			frame := streams.NewVideoFrame(desc, [][]byte{append([]byte{0x65, 0x88, byte(k)}, make([]byte, 3000)...)}, int64(k)*3600)
			w.remember(sentFrame{frame: frame, first: w.index})
			for i := range frame.Payloads[:1+k%len(frame.Payloads)] { // some are left off
				w.send(nil, frame, i, 0)
			}
		}
		w.newest = time.Now()
		before := out.n
		asked := 0
		requests(raw, func(r request) {
			asked++
			s.answer(nil, r, time.Now())
		}, tr)
		if again := out.n - before; again > repairBurst || asked > len(raw)/4 {
			t.Fatalf("%d packets for %d requests in %d bytes", again, asked, len(raw))
		}
	})
}
