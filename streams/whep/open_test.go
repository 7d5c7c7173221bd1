package whep

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// prepare connects a peer to a viewer that is shown nothing yet.
func prepare(t *testing.T, s *Server, p *peer, ended func()) *Viewer {
	t.Helper()
	v, answer, err := s.Prepare(t.Context(), p.offer(t, nil), ended)
	if err != nil {
		t.Fatal(err)
	}
	p.accept(t, answer)
	select {
	case <-v.connected:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not connect")
	}
	return v
}

func counter() (count func(), told chan struct{}) {
	told = make(chan struct{}, 8)
	return func() { told <- struct{}{} }, told
}

// once fails unless something was told exactly once.
func once(t *testing.T, what string, told chan struct{}) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: never told", what)
	}
	if len(told) > 0 {
		t.Errorf("%s: told again", what)
	}
}

// TestPreparedViewer is sent nothing until it is known what it wants to see, and
// then the newest key frame at once.
func TestPreparedViewer(t *testing.T) {
	checkLeaks(t)
	s, c, p := openServer(t, nil), startCamera(t, 50), newPeer(t)
	end, ended := counter()
	release, released := counter()
	v := prepare(t, s, p, end)
	if st := s.Stats(); st.Packets != 0 || s.Viewers() != 1 {
		t.Fatalf("%+v, %d viewers", st, s.Viewers())
	}
	if err := v.Show(c.hub, release); err != nil {
		t.Fatal(err)
	}
	for {
		key, n, ok := number(next(t, p.packets))
		if !ok {
			continue // parameter sets
		}
		if !key || n%50 != 0 {
			t.Fatalf("picture %d comes first, a key frame: %v", n, key)
		}
		break
	}
	if err := v.Show(c.hub, release); !errors.Is(err, ErrShown) {
		t.Fatalf("shown twice: %v", err)
	}
	once(t, "the second stream is given back", released)
	v.Close()
	once(t, "the stream is given back", released)
	once(t, "the end", ended)
}

func TestPreparedViewerEnds(t *testing.T) {
	for name, end := range map[string]func(*Server, *peer, *Viewer){
		"closed":            func(_ *Server, _ *peer, v *Viewer) { v.Close() },
		"the server closes": func(s *Server, _ *peer, _ *Viewer) { s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			s, p := openServer(t, nil), newPeer(t)
			hub := streams.NewHub("cam000", streams.Main, time.Now, nil)
			told, ended := counter()
			release, released := counter()
			v := prepare(t, s, p, told)
			end(s, p, v)
			<-v.Done()
			once(t, "the end", ended)
			if err := v.Show(hub, release); !errors.Is(err, ErrClosed) {
				t.Errorf("shown after its end: %v", err)
			}
			once(t, "the stream is given back", released)
			if n := s.Viewers(); n != 0 {
				t.Errorf("%d viewers are counted", n)
			}
		})
	}
}

// TestPreparedViewersLeaveRoom: those who know what they want to see come first.
func TestPreparedViewersLeaveRoom(t *testing.T) {
	s := openServer(t, func(s *Server) { s.MaxViewers = 4 })
	c := startCamera(t, 50)
	for range 3 {
		if _, _, err := s.Prepare(t.Context(), newPeer(t).offer(t, nil), func() {}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Prepare(t.Context(), newPeer(t).offer(t, nil), func() { t.Error("told of a viewer that never was") }); !errors.Is(err, ErrTooMany) {
		t.Fatalf("the fourth of four: %v", err)
	}
	view(t, s, c, newPeer(t))
}

// TestChecksAreFew: a viewer that is connected is asked no more often than RFC
// 7675 allows, at the address that media goes to; elsewhere every check counts.
func TestChecksAreFew(t *testing.T) {
	s := openServer(t, nil)
	c, p := startCamera(t, 50), newPeer(t)
	v := view(t, s, c, p)
	next(t, p.packets)
	at := v.to.Load().addr
	within(t, 10*time.Second, func() bool { return v.settled.Load() && s.askedLately(at) }, "every check is let through")
	v.askedAt.Store(clock() - int64(keepAlive))
	if s.askedLately(at) || !s.askedLately(at) {
		t.Error("a check that is due is held back, or the next one is not")
	}
	if v.askedLately(loopback(t).LocalAddr().(*net.UDPAddr).AddrPort()) {
		t.Error("a check of another address is held back")
	}
	v.onState(webrtc.PeerConnectionStateConnecting) // ICE begins anew
	if s.askedLately(at) {
		t.Error("a check of a viewer that looks for a new way is held back")
	}
}
