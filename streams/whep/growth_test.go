package whep

import (
	"crypto/rand"
	"fmt"
	"math"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"sharpeyes/streams"
)

// addReceiver joins a viewer without pion's half: its packets are sealed and
// sent as any viewer's, to a socket that nobody else reads.
func addReceiver(b *testing.B, s *Server, hub *streams.Hub) (*sender, *net.UDPConn) {
	b.Helper()
	const profile = srtp.ProtectionProfileAeadAes128Gcm
	key, salt := sealKeys(b, profile)
	seal, err := newSealer(profile, key, salt)
	if err != nil {
		b.Fatal(err)
	}
	sink := loopback(b)
	var to atomic.Pointer[destination]
	to.Store(s.sockets.outlets[0].destination(sink.LocalAddr().(*net.UDPAddr).AddrPort()))
	now := time.Now()
	v := &sender{hub: hub, counts: &s.counts, open: &srtp.Context{}, asleep: func() bool { return false }, requests: make(chan request, 1),
		replayEnd: math.MinInt64, tokens: paceBurst, filled: now, reportAt: now.Add(time.Hour)}
	v.video = &flow{track: &track{}, wire: &directWire{sealer: seal, to: &to}, pt: 102}
	s.join(v)
	return v, sink
}

// BenchmarkViewers is one frame of 2 Mbit/s at 25 fps, 9 packets, to so many
// viewers of so many cameras: what a packet costs must not grow with either.
func BenchmarkViewers(b *testing.B) {
	for _, n := range []struct{ viewers, cameras int }{{1, 1}, {10, 1}, {50, 1}, {100, 1}, {150, 1}, {100, 20}, {150, 20}} {
		b.Run(fmt.Sprintf("viewers=%d/cameras=%d", n.viewers, n.cameras), func(b *testing.B) {
			s := NewServer()
			s.UDPAddr = "127.0.0.1:0"
			if err := s.Open(); err != nil {
				b.Fatal(err)
			}
			desc := &streams.Desc{Video: streams.H264}
			hubs := make([]*streams.Hub, n.cameras)
			for i := range hubs {
				hubs[i] = streams.NewHub("cam", streams.Main, time.Now, nil)
			}
			var all []*sender
			for i := range n.viewers {
				v, sink := addReceiver(b, s, hubs[i%n.cameras])
				_ = sink.SetReadBuffer(1) // full: the kernel drops at the receiver's door
				v.video.desc, v.video.ok = desc, true
				all = append(all, v)
			}
			nal := make([]byte, 9*1150)
			_, _ = rand.Read(nal)
			nal[0] = 0x65
			b.ReportAllocs()
			b.ResetTimer()
			cpu := processCPU()
			sent := int64(0)
			for k := 0; k < b.N; k++ {
				for _, h := range hubs {
					f := streams.NewVideoFrame(desc, [][]byte{nal}, int64(k)*3600)
					h.Publish(f)
					sent += int64(len(f.Payloads) * n.viewers / n.cameras)
				}
				for deadline := time.Now().Add(10 * time.Second); s.counts.packets.Load() < sent; {
					if time.Now().After(deadline) {
						b.Fatalf("%d of %d packets were sent", s.counts.packets.Load(), sent)
					}
					time.Sleep(200 * time.Microsecond)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((processCPU()-cpu).Nanoseconds())/float64(sent), "cpu-ns/packet")
			for _, v := range all {
				v.leave()
			}
			s.Close()
		})
	}
}
