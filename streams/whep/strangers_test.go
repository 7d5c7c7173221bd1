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
	var graves []*net.UDPConn
	for range dead {
		w := st.join()
		_ = w.socket.Close() // before its goodbye
		grave := localSocket(t, w.socket.LocalAddr().(*net.UDPAddr).Port)
		t.Cleanup(func() { _ = grave.Close() })
		graves = append(graves, grave) // nobody else gets the port
	}
	if n := st.s.Viewers(); n != dead+1 {
		t.Fatalf("%d viewers are counted, want %d", n, dead+1)
	}
	take := func() (port int) {
		last := graves[len(graves)-1]
		graves = graves[:len(graves)-1]
		_ = last.Close()
		return last.LocalAddr().(*net.UDPAddr).Port
	}
	st.join()
	st.join(at(take()))         // whose viewer died a moment ago
	st.join(at(take()), hidden) // the same, and we do not know it beforehand
	st.play(int((disconnectedAfter + 2*keepAlive) / pictureTime))
	st.join()
	st.join(at(take()))
	st.join(at(take()), hidden)
}
