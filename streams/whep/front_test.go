package whep

import (
	"encoding/binary"
	"net"
	"testing"
	"time"
)

// TestFrontWhileCalm sends more packets than the front wakes up for: it fetches
// them together, loses none, and waits for each again while a viewer connects.
func TestFrontWhileCalm(t *testing.T) {
	s := NewServer()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second)) // a lost packet fails, and does not hang
	s.sockets.front = c
	f, err := s.openFront()
	if err != nil {
		t.Fatal(err)
	}
	sender, err := net.DialUDP("udp", nil, c.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	const packets = 300
	go func() {
		for n := range uint32(packets) {
			_, _ = sender.Write(binary.BigEndian.AppendUint32(nil, n))
			time.Sleep(time.Millisecond) // their pace: a thousand a second
		}
	}()
	buf := make([]byte, 100)
	busy := 0
	var arrived func()
	for n := range uint32(packets) {
		switch n {
		case packets / 3:
			arrived = s.arrive()
		case packets * 2 / 3:
			arrived()
		}
		got, _, err := f.next(buf)
		if err != nil || got != 4 || binary.BigEndian.Uint32(buf) != n {
			t.Fatalf("packet %d: %d bytes, %v", n, got, err)
		}
		if f.busy {
			busy++
		}
	}
	if busy == 0 {
		t.Fatal("the front has not noticed that packets are many")
	}
	if s.connecting.Load() != 0 {
		t.Fatalf("%d viewers are connecting", s.connecting.Load())
	}
}
