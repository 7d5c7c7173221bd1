package whep

import (
	"runtime"
	"testing"
)

// TestStalledViewersHoldLittle has viewers whose paths take nothing, over UDP
// and over TCP, while 4 MB go by: nothing of it is kept for them.
func TestStalledViewersHoldLittle(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	st := newStage(t, 25, func(s *Server) { s.TCPAddr = "127.0.0.1:0" })
	var nets []*network
	var pipes []*pipe
	for range 6 {
		p := newPipe(t)
		st.join(over(p))
		pipes = append(pipes, p)
	}
	for range 2 {
		n := newNetwork(t)
		st.join(through(n))
		nets = append(nets, n)
	}
	st.cam.change(func() { st.cam.size = 15_000 }) // 4 Mbit/s
	st.play(50)                                    // the hub keeps as much as it will
	for _, n := range nets {
		n.set(path{}, path{dead: true})
	}
	for _, p := range pipes {
		p.stall(true)
	}
	st.play(25)
	before := heapBytes()
	for range 8 {
		st.play(25)
		if more := heapBytes() - before; more > 9<<20 {
			t.Fatalf("%d bytes more are held", more)
		}
	}
}

func heapBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools keep goes with the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
