package rtsp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// gathered is what an assembler gave out.
type gathered struct {
	assembler
	units  []string // of NAL units in hexadecimal, with the time stamp
	holes  int64
	spoilt int
	anew   int
}

func newGathered() *gathered {
	g := &gathered{}
	g.assembler = assembler{mode: 1,
		unit: func(n [][]byte, pts int64) { g.units = append(g.units, fmt.Sprintf("%d:%x", pts, n)) },
		lost: func(n int64) {
			if n == 0 {
				g.anew++
			}
			g.holes += n
		},
		spoiled: func() { g.spoilt++ },
	}
	return g
}

// in is one packet: sequence number, time stamp, marker and payload.
type in struct {
	seq    uint16
	stamp  uint32
	marker bool
	hex    string
}

func TestAssembler(t *testing.T) {
	const (
		whole  = "\x65\x88\x01" // an IDR slice, first_mb_in_slice 0
		part   = "\x65\x18\x02" // another slice of it
		inter  = "\x41\x9a\x03"
		second = "\x41\x1a\x04"
		fuHead = "\x7c\x85\x88\x05"
		fuMid  = "\x7c\x05\x06"
		fuEnd  = "\x7c\x45\x07"
	)
	for name, c := range map[string]struct {
		in     []in
		units  []string
		lost   int64
		spoilt int
	}{
		"marker ends": {[]in{{1, 10, false, whole}, {2, 10, true, part}, {3, 20, true, inter}},
			[]string{"10:[658801 651802]", "20:[419a03]"}, 0, 0},
		"time stamp ends": {[]in{{1, 10, false, whole}, {2, 20, false, inter}, {3, 20, false, second}, {4, 30, false, inter}},
			[]string{"10:[658801]", "20:[419a03 411a04]"}, 0, 0},
		"fragments": {[]in{{1, 10, false, fuHead}, {2, 10, false, fuMid}, {3, 10, true, fuEnd}},
			[]string{"10:[65880506 07]"}, 0, 0},
		"hole in a unit": {[]in{{1, 10, false, whole}, {3, 10, true, part}, {4, 20, true, inter}},
			[]string{"20:[419a03]"}, 1, 1},
		"hole among fragments": {[]in{{1, 10, false, fuHead}, {3, 10, true, fuEnd}, {4, 20, true, inter}},
			[]string{"20:[419a03]"}, 1, 1},
		"end lost": {[]in{{1, 10, false, whole}, {3, 20, true, inter}}, []string{"20:[419a03]"}, 1, 1},
		"head lost": {[]in{{1, 10, true, whole}, {3, 20, true, second}, {4, 30, true, inter}},
			[]string{"10:[658801]", "30:[419a03]"}, 1, 1},
		"a whole unit lost":       {[]in{{1, 10, true, whole}, {3, 30, true, whole}}, []string{"10:[658801]", "30:[658801]"}, 1, 0},
		"joined in the middle":    {[]in{{7, 10, true, part}, {8, 20, true, inter}}, []string{"20:[419a03]"}, 0, 1},
		"joined among fragments":  {[]in{{7, 10, false, fuMid}, {8, 10, true, fuEnd}, {9, 20, true, inter}}, []string{"20:[419a03]"}, 0, 1},
		"repeated":                {[]in{{1, 10, true, whole}, {1, 10, true, whole}, {2, 20, true, inter}}, []string{"10:[658801]", "20:[419a03]"}, 0, 0},
		"numbers start anew":      {[]in{{5000, 10, false, whole}, {1, 20, true, inter}}, []string{"20:[419a03]"}, 0, 1},
		"numbers wrap":            {[]in{{65535, 10, false, whole}, {0, 10, true, part}}, []string{"10:[658801 651802]"}, 0, 0},
		"time stamps wrap":        {[]in{{1, 1<<32 - 1, true, whole}, {2, 1, true, inter}}, []string{"4294967295:[658801]", "4294967297:[419a03]"}, 0, 0},
		"fragments never end":     {[]in{{1, 10, false, fuHead}, {2, 20, true, inter}}, []string{"20:[419a03]"}, 0, 1},
		"cut by a whole NAL unit": {[]in{{1, 10, false, fuHead}, {2, 10, true, part}}, nil, 0, 1},
		"cut by the marker":       {[]in{{1, 10, true, fuHead}, {2, 20, true, inter}}, []string{"20:[419a03]"}, 0, 1},
		"several in one":          {[]in{{1, 10, true, "\x18\x00\x02\x67\x01\x00\x03" + whole}}, []string{"10:[6701 658801]"}, 0, 0},
		"unknown packet":          {[]in{{1, 10, true, whole}, {2, 20, true, "\x1d\x85\x00"}}, []string{"10:[658801]"}, 0, 1},
		"empty packet":            {[]in{{1, 10, true, whole}, {2, 20, true, ""}, {3, 30, true, inter}}, []string{"10:[658801]", "30:[419a03]"}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGathered()
			for _, p := range c.in {
				g.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: p.seq, Timestamp: p.stamp, Marker: p.marker}, Payload: []byte(p.hex)})
			}
			want := slices.Clone(c.units)
			for i := range want {
				want[i] = string(bytes.ReplaceAll([]byte(want[i]), []byte("06 07"), []byte("0607")))
			}
			if !slices.Equal(g.units, want) || g.holes != c.lost || g.spoilt != c.spoilt {
				t.Errorf("units %v, want %v; %d lost, want %d; %d spoilt, want %d", g.units, want, g.holes, c.lost, g.spoilt, c.spoilt)
			}
		})
	}
}

func TestAssemblerOfH265(t *testing.T) {
	const (
		vps    = "\x40\x01\x0c"
		whole  = "\x26\x01\xaf" // IDR_W_RADL, first_slice_segment_in_pic_flag
		part   = "\x26\x01\x2f"
		trail  = "\x02\x01\xd0"
		fuHead = "\x62\x01\x93\xaf\x05"
		fuMid  = "\x62\x01\x13\x06"
		fuEnd  = "\x62\x01\x53\x07"
	)
	for name, c := range map[string]struct {
		in     []in
		units  []string
		lost   int64
		spoilt int
	}{
		"marker ends": {[]in{{1, 10, false, whole}, {2, 10, true, part}, {3, 20, true, trail}},
			[]string{"10:[2601af 26012f]", "20:[0201d0]"}, 0, 0},
		"fragments":               {[]in{{1, 10, false, fuHead}, {2, 10, false, fuMid}, {3, 10, true, fuEnd}}, []string{"10:[2601af050607]"}, 0, 0},
		"hole among fragments":    {[]in{{1, 10, false, fuHead}, {3, 10, true, fuEnd}, {4, 20, true, trail}}, []string{"20:[0201d0]"}, 1, 1},
		"head lost":               {[]in{{1, 10, true, whole}, {3, 20, true, part}, {4, 30, true, trail}}, []string{"10:[2601af]", "30:[0201d0]"}, 1, 1},
		"joined in the middle":    {[]in{{7, 10, true, part}, {8, 20, true, trail}}, []string{"20:[0201d0]"}, 0, 1},
		"joined among fragments":  {[]in{{7, 10, false, fuMid}, {8, 10, true, fuEnd}, {9, 20, true, trail}}, []string{"20:[0201d0]"}, 0, 1},
		"fragments never end":     {[]in{{1, 10, false, fuHead}, {2, 20, true, trail}}, []string{"20:[0201d0]"}, 0, 1},
		"cut by a whole NAL unit": {[]in{{1, 10, false, fuHead}, {2, 10, true, part}}, nil, 0, 1},
		"several in one":          {[]in{{1, 10, true, "\x60\x01\x00\x03" + vps + "\x00\x03" + whole}}, []string{"10:[40010c 2601af]"}, 0, 0},
		"several in one, cut":     {[]in{{1, 10, true, "\x60\x01\x00\x03" + vps + "\x00\x09" + whole}, {2, 20, true, trail}}, []string{"20:[0201d0]"}, 0, 1},
		"PACI":                    {[]in{{1, 10, true, whole}, {2, 20, true, "\x64\x01\x93\x00"}}, []string{"10:[2601af]"}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGathered()
			g.h265 = true
			for _, p := range c.in {
				g.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: p.seq, Timestamp: p.stamp, Marker: p.marker}, Payload: []byte(p.hex)})
			}
			if !slices.Equal(g.units, c.units) || g.holes != c.lost || g.spoilt != c.spoilt {
				t.Errorf("units %v, want %v; %d lost, want %d; %d spoilt, want %d", g.units, c.units, g.holes, c.lost, g.spoilt, c.spoilt)
			}
		})
	}
}

// TestAssemblerHoldsLittle sends fragments without end in buffers of full size,
// as they are read over UDP.
func TestAssemblerHoldsLittle(t *testing.T) {
	g := newGathered()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	for i := range 100_000 {
		buf := make([]byte, 1500)
		n := copy(buf, []byte{0x7c, 0x05, 1})
		if i == 0 {
			buf[1] = 0x85
			buf[2] = 0x88
		}
		g.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i), Timestamp: 1}, Payload: buf[:n]})
		if i%4000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc)
		}
	}
	if most > before.HeapAlloc+4<<20 {
		t.Errorf("holds %d KB", (most-before.HeapAlloc)>>10)
	}
	if g.spoilt < 100_000/maxUnitPackets || len(g.units) > 0 {
		t.Errorf("%d counted, %d units", g.spoilt, len(g.units))
	}
}

// FuzzAssembler checks that whatever comes the bounds hold and every frame of
// the hub is well made.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte("\x03\x67\x64\x00\x02\x68\xef\x83\x65\x88\x01"), uint8(1))
	f.Add([]byte("\x04\x7c\x85\x88\x05\x03\x7c\x05\x06\x83\x7c\x45\x07"), uint8(0))
	f.Add([]byte("\x89\x18\x00\x02\x67\x01\x00\x02\x65\x88\x87\x65\x88\x00\x00\x00\x01\x41"), uint8(3))
	f.Add([]byte("\x05\x40\x01\x0c\x01\xff\x04\x42\x01\x01\x01\x03\x44\x01\xc0\x84\x26\x01\xaf\x08\x85\x62\x01\x93\xaf\x01"), uint8(4))
	f.Add([]byte("\x8d\x60\x01\x00\x03\x26\x01\xaf\x00\x04\x02\x01\xd0\x01\x86\x00\x10\x00\x08\x01\x02"), uint8(12))
	f.Fuzz(func(t *testing.T, b []byte, wild uint8) {
		hub := streams.NewHub("cam", streams.Main, time.Now, nil)
		defer hub.NewReader(func() {}).Close()
		r := hub.NewReader(func() {})
		with := h264Tracks()
		if wild&4 != 0 {
			with = h265Tracks(t)
		}
		with.desc.Audio = streams.PCMA
		if wild&8 != 0 {
			with.sound, with.desc.Audio, with.desc.AudioRate = aacFormat(), streams.AAC, 16000
		}
		fr := newFrames(t.Context(), hub, with)
		p := rtp.Packet{}
		for len(b) > 0 {
			n := min(int(b[0]&0x7f), len(b)-1)
			p.Marker = b[0]&0x80 != 0
			p.Payload = b[1 : 1+n : 1+n]
			b = b[1+n:]
			p.SequenceNumber++
			if wild&1 != 0 && n%5 == 0 {
				p.SequenceNumber += uint16(n) * 300
			}
			q := p
			fr.picture(&q)
			fr.sound(&q)
			if p.Marker || wild&2 != 0 {
				p.Timestamp += uint32(wild) << 20
			}
			if fr.video.size > streams.MaxAccessUnit || len(fr.video.nalus) > maxUnitNALs {
				t.Fatalf("%d bytes in %d NAL units", fr.video.size, len(fr.video.nalus))
			}
		}
		for {
			frame, _ := r.Next()
			if frame == nil {
				break
			}
			for _, p := range frame.Payloads {
				if len(p) == 0 || len(p) > streams.MaxPayload {
					t.Fatalf("a payload of %d bytes", len(p))
				}
			}
			if frame.Kind == streams.Video && max(len(frame.Desc.SPS), len(frame.Desc.PPS), len(frame.Desc.VPS)) > maxParameterSet {
				t.Fatal("a parameter set too large is kept")
			}
			if frame.Kind == streams.Video && len(streams.Units(frame)) == 0 {
				t.Fatal("a picture of nothing")
			}
		}
	})
}

func TestBackoff(t *testing.T) {
	p := New()
	p.init()
	for failures := range 100 {
		top := time.Duration(0)
		for range 200 {
			w := p.backoff(failures)
			if w < time.Second || w > 30*time.Second || failures == 0 && w > 2*time.Second {
				t.Fatalf("%v after %d failures", w, failures)
			}
			top = max(top, w)
		}
		if failures > 5 && top < 15*time.Second {
			t.Errorf("at most %v after %d failures", top, failures)
		}
	}
}

// TestExtender goes forward and back over the wrap at random.
func TestExtender(t *testing.T) {
	var e extender
	at := int64(1<<32 - 100)
	e.extend(uint32(at))
	for range 10_000 {
		at += rand.Int64N(1<<29) - 1<<20
		if got := e.extend(uint32(at)); got != at {
			t.Fatalf("%d, want %d", got, at)
		}
	}
}
