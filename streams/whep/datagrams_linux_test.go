package whep

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"
)

// Both families over one socket, and each alone: what comes is told with its
// sender as net would, and an answer gets there.
func TestDatagrams(t *testing.T) {
	for _, tc := range []struct{ listen, from string }{
		{"127.0.0.1:0", "127.0.0.1"}, {"[::1]:0", "::1"}, {":0", "127.0.0.1"}, {":0", "::1"},
	} {
		t.Run(tc.listen+" from "+tc.from, func(t *testing.T) {
			addr, err := net.ResolveUDPAddr("udp", tc.listen)
			if err != nil {
				t.Fatal(err)
			}
			c, err := net.ListenUDP("udp", addr)
			if err != nil {
				t.Fatal(err)
			}
			d, err := datagramsOf(c)
			if err != nil {
				t.Fatal(err)
			}
			port := c.LocalAddr().(*net.UDPAddr).Port
			other, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(tc.from), uint16(port))))
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			buf := make([]byte, 100)
			for i := range 50 {
				text := bytes.Repeat([]byte{byte(i)}, i+1)
				if _, err := other.Write(text); err != nil {
					t.Fatal(err)
				}
				n, from, err := d.read(buf, true)
				if err != nil || !bytes.Equal(buf[:n], text) {
					t.Fatalf("read %d bytes, %v", n, err)
				}
				if want := other.LocalAddr().(*net.UDPAddr).AddrPort(); netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != netip.AddrPortFrom(want.Addr().Unmap(), want.Port()) {
					t.Fatalf("from %v, want %v", from, want)
				}
				if n, err := d.write(text, from); err != nil || n != len(text) {
					t.Fatalf("wrote %d, %v", n, err)
				}
				_ = other.SetReadDeadline(time.Now().Add(10 * time.Second))
				if n, err = other.Read(buf); err != nil || !bytes.Equal(buf[:n], text) {
					t.Fatalf("the answer has %d bytes, %v", n, err)
				}
			}
			if n, _, err := d.read(buf, false); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("without waiting: %d bytes, %v", n, err)
			}
			if _, err := d.write(buf, netip.MustParseAddrPort("[::1]:9")); (err != nil) != (tc.listen == "127.0.0.1:0") {
				t.Fatalf("to another family: %v", err)
			}
			var reading sync.WaitGroup
			reading.Go(func() { _, _, err = d.read(buf, true) })
			_ = c.Close()
			if reading.Wait(); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("a closed socket says %v", err)
			}
		})
	}
}
