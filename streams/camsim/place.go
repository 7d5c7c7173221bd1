package camsim

import (
	"sync/atomic"

	"github.com/bluenviron/gortsplib/v4"
)

// place is what a session holds at a camera.
type place struct {
	cam     *camera
	st      *stream
	playing atomic.Bool
}

// join gives a session its place, false when the camera is full. A session may
// set up several tracks of one stream; it counts once.
func (c *camera) join(ss *gortsplib.ServerSession, st *stream, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held, ok := c.sessions[ss]; ok {
		return held == st
	}
	if limit > 0 && len(c.sessions) >= limit {
		return false
	}
	c.sessions[ss] = st
	ss.SetUserData(&place{cam: c, st: st})
	return true
}

func (c *camera) leave(ss *gortsplib.ServerSession) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, ss)
}
