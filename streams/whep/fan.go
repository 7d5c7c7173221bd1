package whep

import (
	"slices"
	"sync"
	"time"

	"sharpeyes/streams"
)

const (
	// fanViewers is how many viewers one goroutine serves: a camera with more gets
	// a second one, so that its viewers are spread over the cores.
	fanViewers = 64
)

// fan sends a stream to its viewers: by one goroutine, which sleeps until the hub
// has a frame, or by the camera's own for what leaves at once. It gives each viewer
// a turn until nobody has more to send: a viewer costs no wake-up, and no lock but
// the hub's.
type fan struct {
	server *Server
	hub    *streams.Hub
	out    *outlet
	wake   chan struct{}
	alone  bool // serves one viewer that may block
	first  bool // of its hub: a frame leaves by the camera's own goroutine, and wakes no thread

	turns sync.Mutex // who holds it has the senders' state; before fansMu

	senders []*sender // guarded by server.fansMu; replaced, never changed
}

// join hands a sender to a fan of its hub, a new one where none has room.
func (s *Server) join(v *sender) {
	alone := v.open == nil
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
	f.first = !alone && !slices.ContainsFunc(s.fans[v.hub], func(o *fan) bool { return o.first })
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

// arrived is called by the camera's goroutine for each frame.
func (f *fan) arrived() {
	if f.first && f.turns.TryLock() {
		next, ended := f.round(false)
		f.turns.Unlock()
		if next < 0 && !ended {
			return
		}
	}
	f.poke()
}

func (f *fan) run() {
	defer f.hub.OnFrame(f.arrived)()
	pace := time.NewTimer(time.Hour)
	defer pace.Stop()
	for {
		f.turns.Lock()
		next, ended := f.round(true)
		over := ended && !f.sweep()
		f.turns.Unlock()
		if over {
			return
		}
		var paced <-chan time.Time
		switch {
		case next == 0:
			continue
		case next > 0:
			pace.Reset(next)
			paced = pace.C
		}
		select {
		case <-f.wake:
		case <-paced:
		}
	}
}

// round gives each viewer a turn. next is after how long the earliest has more
// to send: 0 at once, below 0 when the hub has a frame. Reports go through pion
// and may wait: they are sent where mayWait is set.
func (f *fan) round(mayWait bool) (next time.Duration, ended bool) {
	b := newBurst(f.out)
	defer b.release()
	now := time.Now()
	next = -1
	for _, s := range f.load() {
		wait := s.turn(b, now)
		if now.After(s.reportAt) && !s.closed {
			if mayWait {
				s.report(now)
			} else {
				wait = 0
			}
		}
		if wait >= 0 && (next < 0 || wait < next) {
			next = wait
		}
		ended = ended || s.closed
	}
	return next, ended
}
