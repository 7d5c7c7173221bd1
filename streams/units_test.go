package streams

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"
)

// sent is what of an access unit Packetize sends, to the bit.
func sent(nalus [][]byte) [][]byte {
	var out [][]byte
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		switch t := n[0] & 0x1f; {
		case t == 0, t == nalAUD, t == nalFiller, t >= nalSTAPA:
		default:
			out = append(out, n)
		}
	}
	return out
}

func wantUnits(t interface{ Fatalf(string, ...any) }, got, want [][]byte) {
	if len(got) != len(want) {
		t.Fatalf("%d NAL units became %d", len(want), len(got))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("NAL unit %d of %d bytes changed", i, len(want[i]))
		}
	}
}

func TestUnitsIsTheInverseOfPacketize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nalus := rapid.SliceOfN(rapid.Custom(drawNALU), 0, 20).Draw(t, "nalus")
		f := &Frame{Payloads: Packetize(nalus), Desc: &Desc{Video: H264}}
		before := bytes.Join(f.Payloads, nil)
		got := Units(f)
		wantUnits(t, got, sent(nalus))
		if len(got) > 0 {
			_ = append(got[0], 0xff) // a unit has no room into the next one
		}
		if !bytes.Equal(before, bytes.Join(f.Payloads, nil)) {
			t.Fatalf("the payloads changed")
		}
	})
}

// drawHEVC draws a NAL unit of H.265: two bytes of header, of the types that
// pion's payloader sends as they come.
func drawHEVC(t *rapid.T) []byte {
	size := rapid.OneOf(rapid.IntRange(3, 40), rapid.IntRange(1180, 1195), rapid.IntRange(3, 30000)).Draw(t, "size")
	n := bytes.Repeat([]byte{rapid.ByteRange(1, 255).Draw(t, "fill")}, size)
	n[0] = rapid.OneOf(rapid.ByteRange(0, 31), rapid.ByteRange(39, 47)).Draw(t, "type")<<1 | rapid.ByteRange(0, 1).Draw(t, "layer")
	n[1], n[size-1] = rapid.ByteRange(1, 255).Draw(t, "ids"), byte(size)|1
	return n
}

// pion's payloader, which shares nothing with us, cuts and joins them.
func TestUnitsOfAnotherPayloaderOfH265(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nalus := rapid.SliceOfN(rapid.Custom(drawHEVC), 1, 12).Draw(t, "nalus")
		var stream []byte
		for _, n := range nalus {
			stream = append(append(stream, 0, 0, 0, 1), n...)
		}
		p := codecs.H265Payloader{}
		f := &Frame{Payloads: p.Payload(uint16(rapid.IntRange(100, MaxPayload).Draw(t, "mtu")), stream), Desc: &Desc{Video: H265}}
		wantUnits(t, Units(f), nalus)
	})
}

// wantFlat checks that both ways of putting units together agree.
func wantFlat(t testing.TB, f *Frame) {
	t.Helper()
	want := []byte("before")
	for _, n := range Units(f) {
		want = append(binary.BigEndian.AppendUint32(want, uint32(len(n))), n...)
	}
	if got := AppendUnits([]byte("before"), f); !bytes.Equal(got, want) {
		t.Fatalf("joined: %x, want %x", got, want)
	}
}

func TestUnitsOfWhatIsBroken(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 20)
	for _, c := range []struct {
		name     string
		codec    Codec
		payloads [][]byte
		want     [][]byte
	}{
		{"nothing", H264, nil, nil},
		{"empty payloads", H264, [][]byte{{}, {0x65, 1}}, [][]byte{{0x65, 1}}},
		{"fragment without its start", H264, [][]byte{{0x7c, 0x05, 1}, {0x7c, 0x45, 2}, {0x41, 9}}, [][]byte{{0x41, 9}}},
		{"fragment without its end", H264, [][]byte{{0x7c, 0x85, 1}, {0x41, 9}, {0x7c, 0x45, 2}}, [][]byte{{0x41, 9}}},
		{"two starts", H264, [][]byte{{0x7c, 0x85, 1}, {0x7c, 0x85, 2}, {0x7c, 0x45, 3}}, [][]byte{{0x65, 2, 3}}},
		{"fragment cut short", H264, [][]byte{{0x7c, 0x85, 1}, {0x7c, 0x05}, {0x7c, 0x45, 2}}, nil},
		{"aggregate cut short", H264, [][]byte{{0x78, 0, 1, 0x67, 0, 9, 0x68}}, [][]byte{{0x67}}},
		{"aggregate with an empty unit", H264, [][]byte{{0x78, 0, 0, 0, 1, 0x68}}, nil},
		{"types of RTP's own", H264, [][]byte{{0x19, 1}, {0x00, 1}, {0x1f, 1}}, nil},
		{"H.265 fragments", H265, [][]byte{{0x62, 1, 0x93, 1}, append([]byte{0x62, 1, 0x13}, long...), {0x62, 1, 0x53, 2}},
			[][]byte{append(append([]byte{0x26, 1, 1}, long...), 2)}},
		{"H.265 aggregate", H265, [][]byte{{0x60, 1, 0, 2, 0x40, 1, 0, 3, 0x42, 1, 5, 0, 1, 0x44}}, [][]byte{{0x40, 1}, {0x42, 1, 5}}},
		{"H.265 PACI and short", H265, [][]byte{{0x64, 1, 2, 3}, {0x26}, {0x62, 1, 0x93}, {0x26, 1, 9}}, [][]byte{{0x26, 1, 9}}},
	} {
		f := &Frame{Payloads: c.payloads, Desc: &Desc{Video: c.codec}}
		wantFlat(t, f)
		if got := Units(f); !bytes.Equal(bytes.Join(got, []byte("|")), bytes.Join(c.want, []byte("|"))) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
	if Units(nil) != nil || Units(&Frame{Kind: Audio, Payloads: [][]byte{{0x65, 1}}}) != nil {
		t.Error("units of no picture")
	}
}

func FuzzUnits(f *testing.F) {
	f.Add([]byte{0x67, 1, 2}, uint16(2), false)
	f.Add([]byte{0x7c, 0x85, 1, 0x7c, 0x45, 2, 0x78, 0, 1, 0x67}, uint16(3), false)
	f.Add([]byte{0x62, 1, 0x93, 1, 0x62, 1, 0x53, 2, 0x60, 1, 0, 2, 0x40, 1}, uint16(4), true)
	f.Fuzz(func(t *testing.T, b []byte, size uint16, hevc bool) {
		frame := &Frame{Desc: &Desc{Video: H264}}
		if hevc {
			frame.Desc.Video = H265
		}
		total := len(b)
		for len(b) > 0 {
			n := min(int(size)+1, len(b))
			frame.Payloads, b = append(frame.Payloads, b[:n:n]), b[n:]
		}
		wantFlat(t, frame)
		got := 0
		for i, n := range Units(frame) {
			if len(n) == 0 || hevc && len(n) < 2 {
				t.Fatalf("NAL unit %d has %d bytes", i, len(n))
			}
			got += len(n)
		}
		if got > total {
			t.Fatalf("%d bytes became %d", total, got)
		}
	})
}
