package whep

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// TestH265PassesUntouched compares the NAL units that a viewer receives with
// those that the camera sent. pion's client stands for a browser that takes
// H.265; gortsplib's depacketizer shares nothing with our packetizer.
func TestH265PassesUntouched(t *testing.T) {
	checkLeaks(t)
	for name, only := range map[string]bool{"beside H.264": false, "alone": true} {
		t.Run(name, func(t *testing.T) {
			s := openServer(t, nil)
			hub := streams.NewHub("cam000", streams.Main, time.Now, nil)
			units := make(chan [][]byte, 1000) // of the access units sent; more than the test waits for
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); sendH265(ctx, hub, units) }()
			t.Cleanup(func() { cancel(); <-ended })
			p := newPeer(t)
			offer := p.offer(t, nil)
			if only {
				offer = strings.ReplaceAll(offer, "H264/90000", "VP8/90000")
			}
			v, answer, err := s.View(t.Context(), hub, offer, func() {})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			if !strings.Contains(answer, "H265/90000") {
				t.Fatalf("the answer has no H.265:\n%s", answer)
			}
			p.accept(t, answer)
			compareH265(t, p, units)
			if mime := p.pc.GetReceivers()[0].Track().Codec().MimeType; !strings.EqualFold(mime, webrtc.MimeTypeH265) {
				t.Errorf("the payload type is of %s", mime)
			}
		})
	}
}

// TestAnotherCodecEndsTheViewer has a camera set to H.265 while somebody watches
// who takes H.264 alone: he is to open anew, and gets another stream then.
func TestAnotherCodecEndsTheViewer(t *testing.T) {
	checkLeaks(t)
	s, hub, p := openServer(t, nil), streams.NewHub("cam000", streams.Main, time.Now, nil), newPeer(t)
	offer := strings.ReplaceAll(p.offer(t, nil), "H265/90000", "VP8/90000")
	v, answer, err := s.View(t.Context(), hub, offer, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	p.accept(t, answer)
	h264 := &streams.Desc{Video: streams.H264, SPS: spsHigh, PPS: []byte{0x68, 1}}
	hub.Publish(streams.NewVideoFrame(h264, [][]byte{{0x65, 0x88, 1}}, 0))
	next(t, p.packets)
	ten := &streams.Desc{Video: streams.H264, SPS: []byte{0x67, 0x64, 0, 0x33}, PPS: []byte{0x68, 2}} // another size
	hub.Publish(streams.NewVideoFrame(ten, [][]byte{{0x65, 0x88, 2}}, 3600))
	next(t, p.packets)
	select {
	case <-v.Done():
		t.Fatal("another size has ended the viewer")
	default:
	}
	h265 := &streams.Desc{Video: streams.H265, VPS: []byte{0x40, 1, 1}, SPS: spsMain8, PPS: []byte{0x44, 1, 1}}
	hub.Publish(streams.NewVideoFrame(h265, [][]byte{{0x26, 1, 0xaf}}, 7200))
	select {
	case <-v.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the viewer waits for what it cannot get")
	}
}

// TestSoundOfThePastIsNotSent joins late in a GOP: the picture comes from its key
// frame on, the sound from now.
func TestSoundOfThePastIsNotSent(t *testing.T) {
	checkLeaks(t)
	s, p := openServer(t, nil), newPeer(t)
	past := time.Now().Add(-3 * time.Second)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return past }
	hub := streams.NewHub("cam000", streams.Main, clock, nil)
	d := &streams.Desc{Video: streams.H264, Audio: streams.PCMA, SPS: spsHigh, PPS: []byte{0x68, 1}}
	publish := func(k int64) {
		nal := []byte{0x41, 0x9a, byte(k)}
		if k == 0 {
			nal[0] = 0x65
		}
		hub.Publish(streams.NewVideoFrame(d, [][]byte{nal}, k*3600))
		hub.Publish(streams.NewAudioFrame(d, append(make([]byte, 319), byte(k)), k*320))
		mu.Lock()
		past = past.Add(40 * time.Millisecond)
		mu.Unlock()
	}
	for k := range int64(50) {
		publish(k)
	}
	v, answer, err := s.View(t.Context(), hub, p.offer(t, nil), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	p.accept(t, answer)
	for range 50 {
		next(t, p.packets)
	}
	mu.Lock()
	past = time.Now()
	mu.Unlock()
	publish(50)
	if got := next(t, p.sound).Payload; got[len(got)-1] != 50 {
		t.Fatalf("the first sound is that of picture %d", got[len(got)-1])
	}
}

// sendH265 is a camera: a key frame of several NAL units, then frames of one
// slice, large and small.
func sendH265(ctx context.Context, hub *streams.Hub, sent chan<- [][]byte) {
	desc := &streams.Desc{Video: streams.H265, VPS: decodeSet("QAEMAf//AWAAAAMAkAAAAwAAAwA8ugJA"), SPS: spsMain8, PPS: []byte{0x44, 1, 0xc0}}
	random := rand.New(rand.NewPCG(1, 2))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for k := 0; ; k++ {
		kind, size := byte(1), 100+random.IntN(4000)
		au := [][]byte{{39 << 1, 1, 5, byte(k), byte(k >> 8), 0x80}}
		if k%50 == 0 {
			kind, size = 19, 40_000
			au = append([][]byte{desc.VPS, desc.SPS, desc.PPS}, au...)
		}
		slice := make([]byte, size)
		for i := range slice {
			slice[i] = byte(random.Uint32())
		}
		slice[0], slice[1], slice[2] = kind<<1, 1, 0xaf
		au = append(au, slice)
		hub.Publish(streams.NewVideoFrame(desc, au, int64(k)*900))
		select {
		case sent <- au:
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// compareH265 takes what comes for 100 access units or more, a key frame first,
// and finds each among those sent, in order.
func compareH265(t *testing.T, p *peer, sent <-chan [][]byte) {
	t.Helper()
	d := &rtph265.Decoder{}
	if err := d.Init(); err != nil {
		t.Fatal(err)
	}
	for got, seq := 0, uint16(0); got < 100; {
		pkt := next(t, p.packets)
		if seq != 0 && pkt.SequenceNumber != seq+1 {
			t.Fatalf("sequence number %d after %d", pkt.SequenceNumber, seq)
		}
		seq = pkt.SequenceNumber
		au, err := d.Decode(pkt)
		if errors.Is(err, rtph265.ErrMorePacketsNeeded) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for skipped := 0; ; skipped++ {
			var want [][]byte
			select {
			case want = <-sent:
			case <-time.After(10 * time.Second):
				t.Fatal("an access unit came that was not sent")
			}
			if equalUnits(au, want) {
				break
			}
			if got > 0 || skipped >= 900 {
				t.Fatalf("access unit %d changed on its way", got)
			}
		}
		if got == 0 && au[0][0]>>1 != 32 {
			t.Fatalf("the first NAL unit is of type %d, want the VPS", au[0][0]>>1)
		}
		got++
	}
}

func equalUnits(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
