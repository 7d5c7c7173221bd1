package streams

import "sync"

// Hub returns the hub of a stream without having it pulled, and whether it is
// being pulled; nil: the fleet has no such stream.
func (f *Fleet) Hub(camera string, p Profile) (h *Hub, pulled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.streams[streamKey{camera, p}]; s != nil {
		return s.hub, s.cancel != nil
	}
	return nil, false
}

// Glance is Acquire for one look at the picture: a pull that nobody but glances
// wants ends with the last of them, without lingering.
func (f *Fleet) Glance(camera string, p Profile) (h *Hub, release func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.streams[streamKey{camera, p}]
	if s == nil && p == Sub {
		s = f.streams[streamKey{camera, Main}]
	}
	if s == nil || f.closed {
		return nil, nil, ErrUnknown
	}
	s.looks++
	f.settle(s)
	return s.hub, sync.OnceFunc(func() { f.looked(s) }), nil
}

func (f *Fleet) looked(s *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.looks--
	if s.looks > 0 || s.users > 0 || s.linger != nil || s.spec.Always || s.cancel == nil || f.closed {
		return
	}
	f.stop(s)
}
