package whep

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"
)

var sendModes = []sendMode{sendSegments, sendMany, sendPlain}

func newTestOutlet(t testing.TB, mode sendMode) *outlet {
	t.Helper()
	o, err := newOutlet(loopback(t), &counters{})
	if err != nil {
		t.Fatal(err)
	}
	if sendMode(o.mode.Load()) > mode {
		t.Fatal("this kernel has no UDP GSO: the path cannot be tested")
	}
	o.mode.Store(int32(mode))
	return o
}

// TestBurstsKeepEveryPacket sends frames of random cuts to three viewers in
// turns: every packet arrives whole and in its order.
func TestBurstsKeepEveryPacket(t *testing.T) {
	for _, mode := range sendModes {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			out := newTestOutlet(t, mode)
			var sinks [3]*net.UDPConn
			var to [3]*destination
			for i := range sinks {
				sinks[i] = loopback(t)
				_ = sinks[i].SetReadBuffer(socketBuffer)
				to[i] = out.destination(sinks[i].LocalAddr().(*net.UDPAddr).AddrPort())
			}
			rng := rand.New(rand.NewPCG(1, 2))
			got := make([]byte, 2000)
			for frame := range 200 {
				b := newBurst(out)
				var sent [3][][]byte
				for turn := range 1 + rng.IntN(30) {
					i := rng.IntN(3)
					size := 40 + rng.IntN(1160)
					for k := range 1 + rng.IntN(20) {
						n := size
						if rng.IntN(10) == 0 {
							n = 40 + rng.IntN(1160) // parameter sets, several slices
						}
						p := mediaPacket(n, uint32(frame*1000+turn*20+k), k == 0)
						copy(b.room(len(p)+sealRoom), p)
						b.add(to[i], len(p))
						sent[i] = append(sent[i], p)
					}
				}
				b.release()
				for i, sink := range sinks {
					for k, want := range sent[i] {
						_ = sink.SetReadDeadline(time.Now().Add(5 * time.Second))
						n, err := sink.Read(got)
						if err != nil || !bytes.Equal(got[:n], want) {
							t.Fatalf("frame %d: packet %d of %d to viewer %d is not what was sent: %v", frame, k, len(sent[i]), i, err)
						}
					}
				}
			}
			if out.counts.failed.Load() != 0 {
				t.Fatal("the kernel took not all")
			}
		})
	}
}

// An address that cannot be sent to takes nothing from the others of its burst.
func TestBurstGoesOnAfterABadAddress(t *testing.T) {
	for _, mode := range sendModes {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			out, sink := newTestOutlet(t, mode), loopback(t)
			good := out.destination(sink.LocalAddr().(*net.UDPAddr).AddrPort())
			bad := out.destination(netip.MustParseAddrPort("192.0.2.1:9")) // not from loopback: EINVAL
			b := newBurst(out)
			for i := range 6 {
				to := good
				if i%2 == 0 {
					to = bad
				}
				for range 3 {
					copy(b.room(600), mediaPacket(600, uint32(i), false))
					b.add(to, 600)
				}
			}
			b.release()
			got := make([]byte, 2000)
			for i := range 9 {
				_ = sink.SetReadDeadline(time.Now().Add(5 * time.Second))
				if _, err := sink.Read(got); err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
			}
			if out.counts.failed.Load() == 0 {
				t.Error("the failures are not counted")
			}
			if got := sendMode(out.mode.Load()); got != mode {
				t.Errorf("now sends by mode %d", got)
			}
		})
	}
}

// mediaPacket is a packet that tells its number.
func mediaPacket(size int, number uint32, marker bool) []byte {
	p := make([]byte, size)
	p[0], p[1] = 0x80, 102
	if marker {
		p[1] |= 0x80
	}
	for i := 12; i+4 <= size; i += 4 {
		binary.BigEndian.PutUint32(p[i:], number)
	}
	return p
}

func loopback(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// BenchmarkBurst is a frame of 9 packets to each of 10 viewers.
func BenchmarkBurst(b *testing.B) {
	for _, mode := range sendModes {
		b.Run(fmt.Sprintf("mode=%d", mode), func(b *testing.B) {
			out := newTestOutlet(b, mode)
			sink := loopback(b)
			_ = sink.SetReadBuffer(1) // full: the kernel drops at the receiver's door
			var to [10]*destination
			for i := range to {
				to[i] = out.destination(sink.LocalAddr().(*net.UDPAddr).AddrPort())
			}
			p := mediaPacket(1150, 1, false)
			b.ReportAllocs()
			for b.Loop() {
				burst := newBurst(out)
				for i := range to {
					for range 9 {
						copy(burst.room(len(p)), p)
						burst.add(to[i], len(p))
					}
				}
				burst.release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*90), "ns/packet")
		})
	}
}
