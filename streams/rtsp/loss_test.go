package rtsp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// encoded has ffmpeg make 200 pictures, and reads their access units.
func encoded(t *testing.T, args ...string) [][][]byte {
	t.Helper()
	path := encode(t, "x.264", append([]string{"-t", "8", "-g", "10", "-aud", "1"}, args...)...)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	delimiter := []byte{0, 0, 0, 1, typeDelimiter}
	var units [][][]byte
	for _, part := range bytes.Split(data, delimiter)[1:] {
		var nalus h264.AnnexB
		if err := nalus.Unmarshal(append(bytes.Clone(delimiter), part...)); err != nil {
			t.Fatal(err)
		}
		units = append(units, nalus)
	}
	if len(units) != 200 {
		t.Fatalf("%d access units", len(units))
	}
	return units
}

// packetsOf cuts access units with the library's encoder. Sequence numbers and
// time stamps wrap early.
func packetsOf(t *testing.T, units [][][]byte) []*rtp.Packet {
	t.Helper()
	seq := uint16(65500)
	e := &rtph264.Encoder{PayloadType: 96, PacketizationMode: 1, PayloadMaxSize: 1200, InitialSequenceNumber: &seq}
	if err := e.Init(); err != nil {
		t.Fatal(err)
	}
	var out []*rtp.Packet
	stamp := uint32(1<<32 - 36000)
	for _, u := range units {
		ps, err := e.Encode(u)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			p.Timestamp = stamp
		}
		stamp += 3600
		out = append(out, ps...)
	}
	return out
}

// TestLoss loses and repeats packets of real streams, and joins in the middle.
// What comes through decodes without a fault, and there is a picture again after
// each whole key frame. Cameras that set no markers fare the same.
func TestLoss(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"baseline": {"-profile:v", "baseline"},
		"slices":   {"-bf", "0", "-slices", "5"},
		"B-frames": {"-bf", "3"},
	} {
		sent := packetsOf(t, encoded(t, args...))
		for _, loss := range []float64{0, 0.01, 0.05, 0.2} {
			t.Run(fmt.Sprintf("%s/%v", name, loss), func(t *testing.T) { lose(t, sent, loss, true) })
		}
		t.Run(name+"/no markers", func(t *testing.T) { lose(t, sent, 0.02, false) })
	}
}

func lose(t *testing.T, sent []*rtp.Packet, loss float64, marked bool) {
	hub := streams.NewHub("cam", streams.Main, time.Now, nil)
	r := hub.NewReader(func() {})
	fr := newFrames(t.Context(), hub, h264Tracks())
	random := rand.New(rand.NewPCG(1, uint64(loss*100)))
	var frames []*streams.Frame
	take := func() {
		for f, _ := r.Next(); f != nil; f, _ = r.Next() {
			frames = append(frames, f)
		}
	}
	want := int64(0)
	first := 0
	if loss > 0 {
		first = 7 // in the middle of the first key frame
	}
	passed := first
	for i, p := range sent[first:] {
		if i > 0 && random.Float64() < loss {
			continue
		}
		want += int64(first + i - passed)
		passed = first + i + 1
		for range 1 + random.IntN(50)/49 {
			q := *p
			q.Marker = p.Marker && marked
			fr.picture(&q)
			take()
		}
	}
	fr.video.finish()
	take()
	st := hub.Status()
	if st.Lost != want {
		t.Errorf("%d counted as lost, want %d", st.Lost, want)
	}
	if loss == 0 && (len(frames) != 200 || st.Discarded != 0) || loss > 0 && (len(frames) < 2 || st.Discarded == 0) {
		t.Errorf("%d of 200 pictures; %+v", len(frames), st)
	}
	if n := decodes(t, frames); n != len(frames) {
		t.Errorf("ffmpeg decodes %d of %d pictures", n, len(frames))
	}
}
