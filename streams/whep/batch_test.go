package whep

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// TestBatchesKeepEveryPacket sends frames of random cuts, and other traffic
// between them: every packet arrives whole and in its order, with GSO and
// without.
func TestBatchesKeepEveryPacket(t *testing.T) {
	for _, gso := range []bool{true, false} {
		t.Run(fmt.Sprintf("gso %v", gso), func(t *testing.T) {
			out, in := loopback(t), loopback(t)
			_ = in.SetReadBuffer(socketBuffer)
			c := newBatchConn(out)
			if gso && !c.gso.Load() {
				t.Fatal("this kernel has no UDP GSO: the path cannot be tested")
			}
			c.gso.Store(gso)
			to := in.LocalAddr().(*net.UDPAddr).AddrPort()
			rng := rand.New(rand.NewPCG(1, 2))
			got := make([]byte, 2000)
			for frame := range 200 {
				var sent [][]byte
				size, n := 40+rng.IntN(1160), 1+rng.IntN(90)
				for i := range n {
					k := size
					if rng.IntN(10) == 0 {
						k = 40 + rng.IntN(1160) // parameter sets, several slices
					}
					sent = append(sent, mediaPacket(k, uint32(frame*1000+i), i == n-1))
					if rng.IntN(20) == 0 {
						sent = append(sent, []byte{0, 1, 0, byte(i)}) // STUN
					}
				}
				if sent[len(sent)-1][0] == 0 { // a frame ends with its marker
					sent = append(sent, mediaPacket(size, uint32(frame), true))
				}
				for _, p := range sent {
					if _, err := c.WriteToAddrPort(p, to); err != nil {
						t.Fatal(err)
					}
				}
				if !receive(t, in, got, sent) {
					t.Fatalf("frame %d did not arrive as it was sent", frame)
				}
			}
		})
	}
}

// receive reads as many packets as were sent. STUN may overtake media that is
// held: their order is compared among themselves.
func receive(t *testing.T, in *net.UDPConn, buf []byte, sent [][]byte) bool {
	t.Helper()
	var media, other [][]byte
	for range sent {
		_ = in.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := in.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if p := bytes.Clone(buf[:n]); p[0] == 0 {
			other = append(other, p)
		} else {
			media = append(media, p)
		}
	}
	for _, p := range sent {
		from := &media
		if p[0] == 0 {
			from = &other
		}
		if len(*from) == 0 || !bytes.Equal((*from)[0], p) {
			return false
		}
		*from = (*from)[1:]
	}
	return true
}

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

// BenchmarkBatch is a frame of 9 packets to one viewer.
func BenchmarkBatch(b *testing.B) {
	for _, gso := range []bool{true, false} {
		b.Run(fmt.Sprintf("gso=%v", gso), func(b *testing.B) {
			c := newBatchConn(loopback(b))
			c.gso.Store(gso && c.gso.Load())
			sink := loopback(b)
			_ = sink.SetReadBuffer(1) // full: the kernel drops at the receiver's door
			to := sink.LocalAddr().(*net.UDPAddr).AddrPort()
			var frame [][]byte
			for i := range 9 {
				frame = append(frame, mediaPacket(1150, uint32(i), i == 8))
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range frame {
					_, _ = c.WriteToAddrPort(p, to)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(frame)), "ns/packet")
		})
	}
}
