package streams

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"
)

// depacketize reads payloads with pion's depacketizer, which shares nothing
// with Packetize, and checks what RFC 6184 5.8 asks of fragments.
func depacketize(t interface{ Fatalf(string, ...any) }, payloads [][]byte) [][]byte {
	d := codecs.H264Packet{IsAVC: true}
	var avc []byte
	open := false
	for i, p := range payloads {
		if len(p) == 0 || len(p) > MaxPayload {
			t.Fatalf("payload %d has %d bytes", i, len(p))
		}
		if p[0]&0x1f == nalFUA {
			start, end := p[1]&0x80 != 0, p[1]&0x40 != 0
			if start == open || start && end || len(p) < 3 {
				t.Fatalf("payload %d: a fragment that starts %v, ends %v, after an open one %v", i, start, end, open)
			}
			open = !end
		} else if open {
			t.Fatalf("payload %d comes between fragments", i)
		}
		b, err := d.Unmarshal(p)
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		avc = append(avc, b...)
	}
	if open {
		t.Fatalf("the last fragment does not end")
	}
	var nalus [][]byte
	for len(avc) > 0 {
		n := binary.BigEndian.Uint32(avc)
		nalus = append(nalus, avc[4:4+n])
		avc = avc[4+n:]
	}
	return nalus
}

// sendable is what of an access unit Packetize is to send. A fragmented unit's
// forbidden bit does not survive pion's depacketizer.
func sendable(nalus [][]byte) [][]byte {
	var out [][]byte
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		switch t := n[0] & 0x1f; {
		case t == 0, t == nalAUD, t == nalFiller, t >= 24:
			continue
		}
		if len(n) > MaxPayload {
			n = append([]byte{n[0] & 0x7f}, n[1:]...)
		}
		out = append(out, n)
	}
	return out
}

func checkRoundTrip(t interface{ Fatalf(string, ...any) }, nalus [][]byte) {
	before := make([][]byte, len(nalus))
	for i, n := range nalus {
		before[i] = bytes.Clone(n)
	}
	payloads := Packetize(nalus)
	got, want := depacketize(t, payloads), sendable(before)
	if len(got) != len(want) {
		t.Fatalf("%d NAL units became %d", len(want), len(got))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("NAL unit %d of %d bytes changed", i, len(want[i]))
		}
	}
	for i, n := range nalus {
		if !bytes.Equal(n, before[i]) {
			t.Fatalf("Packetize wrote into NAL unit %d", i)
		}
		for j := range n {
			n[j] ^= 0xff // frames must not share memory with the camera's packets
		}
	}
	if again := depacketize(t, payloads); len(again) > 0 && !bytes.Equal(again[0], want[0]) {
		t.Fatalf("a payload shares memory with the NAL units")
	}
}

func drawNALU(t *rapid.T) []byte {
	size := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(1180, 1195), rapid.IntRange(2360, 2380),
		rapid.IntRange(1, 30000)).Draw(t, "size")
	n := bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, size)
	if size > 0 {
		n[0], n[size-1] = rapid.Byte().Draw(t, "head"), byte(size)
	}
	return n
}

func TestPacketizeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkRoundTrip(t, rapid.SliceOfN(rapid.Custom(drawNALU), 0, 20).Draw(t, "nalus"))
	})
}

func TestFragmentsAreOfEqualSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := make([]byte, rapid.IntRange(MaxPayload+1, 200_000).Draw(t, "size"))
		n[0] = 0x65
		out := Packetize([][]byte{n})
		for i, p := range out {
			if i < len(out)-1 && len(p) != len(out[0]) || len(p) > len(out[0]) {
				t.Fatalf("fragment %d of %d has %d bytes, the first %d", i, len(out), len(p), len(out[0]))
			}
		}
	})
}

func FuzzPacketize(f *testing.F) {
	f.Add([]byte{0x67, 1, 2, 3, 0x68, 4, 0x65, 5, 6, 7}, uint16(3), uint16(2))
	f.Add(bytes.Repeat([]byte{0x65, 0x88, 0x80}, 1000), uint16(2500), uint16(400))
	f.Add([]byte{28, 0x80, 1, 24, 0, 1, 9, 0, 12}, uint16(2), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, first, rest uint16) {
		var nalus [][]byte
		for size := int(first); len(b) > 0; size = int(rest) {
			n := min(max(1, size), len(b))
			nalus, b = append(nalus, b[:n:n]), b[n:]
		}
		checkRoundTrip(t, nalus)
	})
}

func TestNewVideoFrame(t *testing.T) {
	sps, pps := []byte{0x67, 1}, []byte{0x68, 2}
	idr, slice, sei := []byte{0x65, 0x88, 3}, []byte{0x41, 0x9a, 4}, []byte{0x06, 5}
	known, unknown := &Desc{Video: H264, SPS: sps, PPS: pps}, &Desc{Video: H264}
	for _, c := range []struct {
		name  string
		desc  *Desc
		nalus [][]byte
		key   bool
		want  [][]byte // nil: no frame
	}{
		{"key frame gets the SDP's parameter sets", known, [][]byte{idr}, true, [][]byte{sps, pps, idr}},
		{"key frame with its own", known, [][]byte{sps, pps, sei, idr}, true, [][]byte{sps, pps, sei, idr}},
		{"key frame with one of two", known, [][]byte{pps, idr}, true, [][]byte{sps, pps, pps, idr}},
		{"key frame without any known", unknown, [][]byte{idr}, true, [][]byte{idr}},
		{"other frame", known, [][]byte{slice, slice}, false, [][]byte{slice, slice}},
		{"delimiter and empty unit left out", known, [][]byte{{0x09, 0xf0}, {}, slice}, false, [][]byte{slice}},
		{"parameter sets alone", known, [][]byte{sps, pps}, false, nil},
		{"nothing", known, nil, false, nil},
		{"too large", known, [][]byte{idr, make([]byte, MaxAccessUnit)}, false, nil},
	} {
		f := NewVideoFrame(c.desc, c.nalus, 7)
		if c.want == nil {
			if f != nil {
				t.Errorf("%s: a frame of %d payloads", c.name, len(f.Payloads))
			}
			continue
		}
		got, size := depacketize(t, f.Payloads), 0
		for _, p := range f.Payloads {
			size += len(p)
		}
		if f.Kind != Video || f.Key != c.key || f.PTS != 7 || f.Desc != c.desc || f.Size != size {
			t.Errorf("%s: %+v", c.name, f)
		}
		if !bytes.Equal(bytes.Join(got, []byte{0}), bytes.Join(c.want, []byte{0})) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
}

func TestNewAudioFrame(t *testing.T) {
	in := []byte{1, 2, 3}
	f := NewAudioFrame(&Desc{}, in, 9)
	in[0] = 9
	if f.Kind != Audio || f.PTS != 9 || f.Size != 3 || !bytes.Equal(f.Payloads[0], []byte{1, 2, 3}) {
		t.Errorf("%+v", f)
	}
	if NewAudioFrame(&Desc{}, nil, 0) != nil || NewAudioFrame(&Desc{}, make([]byte, MaxPayload+1), 0) != nil {
		t.Error("a frame of nothing, or of more than fits a packet")
	}
}
