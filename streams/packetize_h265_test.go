package streams

import (
	"bytes"
	"errors"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// depacketizeH265 reads payloads with gortsplib's depacketizer, which shares
// nothing with PacketizeH265, and checks what RFC 7798 4.4.3 asks of fragments.
func depacketizeH265(t interface{ Fatalf(string, ...any) }, payloads [][]byte) [][]byte {
	d := &rtph265.Decoder{}
	if err := d.Init(); err != nil {
		t.Fatalf("%v", err)
	}
	var out [][]byte
	open := false
	for i, p := range payloads {
		if len(p) < 2 || len(p) > MaxPayload {
			t.Fatalf("payload %d has %d bytes", i, len(p))
		}
		if typeH265(p) == hevcFU {
			start, end := p[2]&0x80 != 0, p[2]&0x40 != 0
			if start == open || start && end || len(p) < 4 {
				t.Fatalf("payload %d: a fragment that starts %v, ends %v, after an open one %v", i, start, end, open)
			}
			open = !end
		} else if open {
			t.Fatalf("payload %d comes between fragments", i)
		}
		nalus, err := d.Decode(&rtp.Packet{Header: rtp.Header{Marker: true, SequenceNumber: uint16(i)}, Payload: p})
		if err != nil && !errors.Is(err, rtph265.ErrMorePacketsNeeded) {
			t.Fatalf("payload %d: %v", i, err)
		}
		out = append(out, nalus...)
	}
	if open {
		t.Fatalf("the last fragment does not end")
	}
	return out
}

func checkRoundTripH265(t interface{ Fatalf(string, ...any) }, nalus [][]byte) {
	var want, before [][]byte
	for _, n := range nalus {
		before = append(before, bytes.Clone(n))
		if len(n) < 2 {
			continue
		}
		if k := typeH265(n); k == h265AUD || k == h265Filler || k >= 41 {
			continue
		}
		want = append(want, bytes.Clone(n))
	}
	payloads := PacketizeH265(nalus)
	for i, n := range nalus {
		if !bytes.Equal(n, before[i]) {
			t.Fatalf("PacketizeH265 wrote into NAL unit %d", i)
		}
		for j := range n {
			n[j] ^= 0xff // frames must not share memory with the camera's packets
		}
	}
	for name, got := range map[string][][]byte{"gortsplib": depacketizeH265(t, payloads),
		"Units": Units(&Frame{Payloads: payloads, Desc: &Desc{Video: H265}})} {
		if len(got) != len(want) {
			t.Fatalf("%s: %d NAL units became %d", name, len(want), len(got))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("%s: NAL unit %d of %d bytes changed", name, i, len(want[i]))
			}
		}
	}
}

func TestPacketizeH265RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkRoundTripH265(t, rapid.SliceOfN(rapid.Custom(drawNALU), 0, 20).Draw(t, "nalus"))
	})
}

func TestFragmentsOfH265AreOfEqualSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := make([]byte, rapid.IntRange(MaxPayload+1, 200_000).Draw(t, "size"))
		n[0], n[1] = 19<<1, 1
		out := PacketizeH265([][]byte{n})
		for i, p := range out {
			if i < len(out)-1 && len(p) != len(out[0]) || len(p) > len(out[0]) {
				t.Fatalf("fragment %d of %d has %d bytes, the first %d", i, len(out), len(p), len(out[0]))
			}
		}
	})
}

// TestAggregatesOfH265 checks the payload header, which depacketizers skip.
func TestAggregatesOfH265(t *testing.T) {
	a := []byte{0x80 | 1<<1 | 1, 5<<3 | 3, 1}             // F, layer 37, TID 3
	b := []byte{39 << 1, 9<<3 | 2, 2}                     // layer 9, TID 2
	got := PacketizeH265([][]byte{a, b, {0x46, 1, 0x50}}) // and a delimiter
	want := []byte{0x80 | 48<<1, 9<<3 | 2, 0, 3, a[0], a[1], a[2], 0, 3, b[0], b[1], b[2]}
	if len(got) != 1 || !bytes.Equal(got[0], want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func FuzzPacketizeH265(f *testing.F) {
	f.Add([]byte{0x40, 1, 0x0c, 0x42, 1, 1, 0x44, 1, 0xc0, 0x26, 1, 0xaf}, uint16(3), uint16(3))
	f.Add(bytes.Repeat([]byte{0x26, 1, 0xaf}, 1000), uint16(2500), uint16(400))
	f.Add(bytes.Repeat([]byte{0x02, 1, 0xd0}, 100), uint16(3), uint16(3)) // as many as fit are too many
	f.Add([]byte{98, 1, 0x93, 96, 1, 0, 2, 70, 1}, uint16(3), uint16(2))
	f.Fuzz(func(t *testing.T, b []byte, first, rest uint16) {
		var nalus [][]byte
		for size := int(first); len(b) > 0; size = int(rest) {
			n := min(max(1, size), len(b))
			nalus, b = append(nalus, b[:n:n]), b[n:]
		}
		checkRoundTripH265(t, nalus)
	})
}

func TestNewVideoFrameOfH265(t *testing.T) {
	vps, sps, pps := []byte{0x40, 1, 1}, []byte{0x42, 1, 2}, []byte{0x44, 1, 3}
	idr, cra, trail, sei := []byte{0x26, 1, 0xaf}, []byte{0x2a, 1, 0xaf}, []byte{0x02, 1, 0xd0}, []byte{0x4e, 1, 5}
	known, unknown := &Desc{Video: H265, VPS: vps, SPS: sps, PPS: pps}, &Desc{Video: H265}
	for _, c := range []struct {
		name  string
		desc  *Desc
		nalus [][]byte
		key   bool
		want  [][]byte // nil: no frame
	}{
		{"key frame gets the SDP's parameter sets", known, [][]byte{idr}, true, [][]byte{vps, sps, pps, idr}},
		{"clean random access", known, [][]byte{cra}, true, [][]byte{vps, sps, pps, cra}},
		{"broken link", known, [][]byte{{16 << 1, 1, 0xaf}}, true, [][]byte{vps, sps, pps, {16 << 1, 1, 0xaf}}},
		{"key frame with its own", known, [][]byte{vps, sps, pps, sei, idr}, true, [][]byte{vps, sps, pps, sei, idr}},
		{"key frame with two of three", known, [][]byte{sps, pps, idr}, true, [][]byte{vps, sps, pps, sps, pps, idr}},
		{"key frame without any known", unknown, [][]byte{idr}, true, [][]byte{idr}},
		{"other frame", known, [][]byte{trail, trail}, false, [][]byte{trail, trail}},
		{"delimiter left out", known, [][]byte{{0x46, 1, 0x50}, {}, trail}, false, [][]byte{trail}},
		{"parameter sets alone", known, [][]byte{vps, sps, pps}, false, nil},
		{"too large", known, [][]byte{idr, make([]byte, MaxAccessUnit)}, false, nil},
	} {
		f := NewVideoFrame(c.desc, c.nalus, 7)
		if c.want == nil {
			if f != nil {
				t.Errorf("%s: a frame of %d payloads", c.name, len(f.Payloads))
			}
			continue
		}
		got := depacketizeH265(t, f.Payloads)
		if f.Kind != Video || f.Key != c.key || f.PTS != 7 || f.Desc != c.desc || f.Size != len(bytes.Join(f.Payloads, nil)) {
			t.Errorf("%s: %+v", c.name, f)
		}
		if !bytes.Equal(bytes.Join(got, []byte{0}), bytes.Join(c.want, []byte{0})) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
}

func TestNewAudioFrameOfAAC(t *testing.T) {
	unit := bytes.Repeat([]byte{1, 2, 3}, 900)
	f := NewAudioFrame(&Desc{Audio: AAC, AudioRate: 16000}, unit, 9)
	if len(f.Payloads) != 3 || f.Size != len(unit) || !bytes.Equal(bytes.Join(f.Payloads, nil), unit) || f.Desc.ClockRate(Audio) != 16000 {
		t.Errorf("%+v", f)
	}
	if NewAudioFrame(&Desc{Audio: AAC}, make([]byte, maxAAC+1), 0) != nil {
		t.Error("an access unit without bounds")
	}
}
