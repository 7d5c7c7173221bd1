package whep

import (
	"time"

	"sharpeyes/streams"
)

// fanViewers is how many viewers one goroutine serves: a camera with more gets
// a second one, so that its viewers are spread over the cores.
const fanViewers = 64

// fan is the one goroutine that sends a stream to its viewers. It sleeps until
// the hub has a frame, then gives each viewer a turn until nobody has more to
// send: a viewer costs no wake-up, and no lock but the hub's.
type fan struct {
	server *Server
	hub    *streams.Hub
	out    *outlet
	wake   chan struct{}
	alone  bool // serves one viewer that may block

	senders []*sender // guarded by server.fansMu; replaced, never changed
}

// join hands a sender to a fan of its hub, a new one where none has room.
func (s *Server) join(v *sender) {
	alone := !v.direct
	s.fansMu.Lock()
	defer s.fansMu.Unlock()
	for _, f := range s.fans[v.hub] {
		if !alone && !f.alone && len(f.senders) < fanViewers {
			s.admit(f, v)
			return
		}
	}
	out := s.sockets.outlets[s.nextOutlet%len(s.sockets.outlets)]
	s.nextOutlet++
	f := &fan{server: s, hub: v.hub, out: out, alone: alone, wake: make(chan struct{}, 1)}
	s.fans[v.hub] = append(s.fans[v.hub], f)
	s.admit(f, v)
	s.wg.Go(f.run)
}

// admit puts a sender into a fan. s.fansMu is held.
func (s *Server) admit(f *fan, v *sender) {
	senders := make([]*sender, 0, len(f.senders)+1)
	f.senders = append(append(senders, f.senders...), v)
	v.poke = f.poke
	f.poke()
}

// sweep forgets the senders that have ended. A fan that is left without any is
// forgotten too, and ends.
func (f *fan) sweep() (left bool) {
	s := f.server
	s.fansMu.Lock()
	defer s.fansMu.Unlock()
	var senders []*sender
	for _, v := range f.senders {
		if !v.closed {
			senders = append(senders, v)
		}
	}
	f.senders = senders
	if len(senders) > 0 {
		return true
	}
	fans := s.fans[f.hub]
	for i := range fans {
		if fans[i] == f {
			fans = append(fans[:i:i], fans[i+1:]...)
			break
		}
	}
	if s.fans[f.hub] = fans; len(fans) == 0 {
		delete(s.fans, f.hub)
	}
	return false
}

// poke says that something waits. It never blocks.
func (f *fan) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fan) load() []*sender {
	f.server.fansMu.Lock()
	defer f.server.fansMu.Unlock()
	return f.senders
}

func (f *fan) run() {
	pace := time.NewTimer(time.Hour)
	defer pace.Stop()
	for {
		wait, ended := f.round()
		if ended && !f.sweep() {
			return
		}
		var paced <-chan time.Time
		if wait > 0 {
			pace.Reset(wait)
			paced = pace.C
		}
		select {
		case <-f.wake:
		case <-paced:
		}
	}
}

// round gives turns until nobody has more to send now. wait is when somebody
// will have; 0: when the hub says so.
func (f *fan) round() (wait time.Duration, ended bool) {
	senders := f.load()
	b := newBurst(f.out)
	defer b.release()
	for more := true; more; {
		more, wait = false, 0
		now := time.Now()
		for _, s := range senders {
			next := s.turn(b, now)
			switch {
			case s.closed:
				ended = true
			case next < 0:
			case next == 0:
				more = true
			case wait == 0 || next < wait:
				wait = next
			}
		}
		b.flush()
	}
	return wait, ended
}
