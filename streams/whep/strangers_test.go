package whep

import (
	"net"
	"testing"
)

// TestNewViewersAmongTheDead lets a hundred viewers die without a word, whose
// places are still held, and opens new ones, also from the very ports that the
// dead had.
func TestNewViewersAmongTheDead(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	const dead = 100
	st := newStage(t, 50, nil)
	var freed []int
	for range dead {
		w := st.join()
		freed = append(freed, w.socket.LocalAddr().(*net.UDPAddr).Port)
		_ = w.socket.Close() // before its goodbye
	}
	if n := st.s.Viewers(); n != dead+1 {
		t.Fatalf("%d viewers are counted, want %d", n, dead+1)
	}
	take := func() (port int) {
		port, freed = freed[len(freed)-1], freed[:len(freed)-1]
		return port
	}
	st.join()
	st.join(at(take()))         // whose viewer died a moment ago
	st.join(at(take()), hidden) // the same, and we do not know it beforehand
	st.play(int((disconnectedAfter + 2*keepAlive) / pictureTime))
	st.join()
	st.join(at(take()))
	st.join(at(take()), hidden)
}
