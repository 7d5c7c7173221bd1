package whep

import (
	"runtime"
	"testing"
)

// TestStalledViewersHoldLittle has viewers whose paths take nothing, over UDP
// and over TCP, while 3 MB go by: nothing of it is kept for them.
func TestStalledViewersHoldLittle(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	st := newStage(t, 25, func(s *Server) { s.TCPAddr = "127.0.0.1:0" })
	var nets []*network
	var pipes []*pipe
	for range 4 {
		n, p := newNetwork(t), newPipe(t)
		st.join(through(n))
		st.join(over(p))
		nets, pipes = append(nets, n), append(pipes, p)
	}
	st.cam.change(func() { st.cam.size = 10_000 }) // 3 Mbit/s
	st.play(50)                                    // the hub keeps as much as it will
	for i := range nets {
		nets[i].set(path{}, path{dead: true})
		pipes[i].stall(true)
	}
	before := heapBytes()
	st.play(200)
	if more := heapBytes() - before; more > 4<<20 {
		t.Errorf("%d bytes more are held", more)
	}
}

func heapBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
