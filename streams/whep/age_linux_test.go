package whep

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sharpeyes/streams"
)

// BenchmarkAge is how old a frame is when the kernel of 100 viewers has it: its
// own time stamps tell, whoever reads late. A second of 25 pictures at 2 Mbit/s
// begins with a key frame of 80 packets; all others have 9.
func BenchmarkAge(b *testing.B) {
	const viewers, pictures, pause = 100, 25, 40 * time.Millisecond
	s := NewServer()
	s.UDPAddr = "127.0.0.1:0"
	if err := s.Open(); err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	desc := &streams.Desc{Video: streams.H264}
	hub := streams.NewHub("cam", streams.Main, time.Now, nil)
	sinks := make([]*net.UDPConn, viewers)
	for i := range sinks {
		v, sink := addReceiver(b, s, hub)
		defer v.leave()
		v.video.desc, v.video.ok = desc, true
		_ = sink.SetReadBuffer(1 << 20)
		sinks[i] = sink
		stamped(b, sink)
	}
	var first, last []time.Duration // of pictures that came whole
	b.ResetTimer()
	for range b.N {
		for k := range pictures {
			size, kind := 9, byte(0x41)
			if k == 0 {
				size, kind = 80, 0x65
			}
			nal := make([]byte, size*1150)
			_, _ = rand.Read(nal)
			nal[0] = kind
			f := streams.NewVideoFrame(desc, [][]byte{nal}, int64(k)*3600)
			began := time.Now()
			hub.Publish(f)
			time.Sleep(pause)
			for _, sink := range sinks {
				at := arrivals(b, sink)
				if len(at) < len(f.Payloads) {
					b.Fatalf("%d of %d packets of picture %d came", len(at), len(f.Payloads), k)
				}
				first, last = append(first, at[0].Sub(began)), append(last, at[len(at)-1].Sub(began))
			}
		}
	}
	b.StopTimer()
	for name, all := range map[string][]time.Duration{"first": first, "last": last} {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2].Seconds()*1000, name+"-p50-ms")
		b.ReportMetric(all[len(all)*99/100].Seconds()*1000, name+"-p99-ms")
	}
}

// stamped has the kernel say when each packet came.
func stamped(b *testing.B, c *net.UDPConn) {
	b.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = control(raw, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
	}
	if err != nil {
		b.Fatal(err)
	}
}

// arrivals empties a socket.
func arrivals(b *testing.B, c *net.UDPConn) (at []time.Time) {
	b.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	buf, oob := make([]byte, 2048), make([]byte, 128)
	err = control(raw, func(fd int) error {
		for {
			_, n, _, _, err := unix.Recvmsg(fd, buf, oob, unix.MSG_DONTWAIT)
			if errors.Is(err, unix.EAGAIN) {
				return nil
			}
			messages, _ := unix.ParseSocketControlMessage(oob[:n])
			if err != nil || len(messages) != 1 {
				return fmt.Errorf("%d control messages, %w", len(messages), err)
			}
			at = append(at, time.Unix((*unix.Timespec)(unsafe.Pointer(&messages[0].Data[0])).Unix()))
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return at
}
