package api

import (
	"context"
	"slices"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"
)

// Bounds of viewers. The video side has a bound of its own, which may be lower.
const (
	maxViewers     = 2000
	endedKept      = 1024
	viewersOfUser  = 500              // a wall of 25 tiles in twenty windows
	openViewerTime = 15 * time.Second // the camera is given 10 s for a picture
)

// viewers holds the open WHEP sessions.
type viewers struct {
	api   *API
	clock alerts.Clock

	mu       sync.Mutex
	sessions map[string]*view
	users    map[string]int
	checks   map[string]check
	record   *watched
	gone     [endedKept]gone // sessions that ended lately, a ring
	next     int             // of gone
	closed   bool
	ending   sync.WaitGroup // calls of Viewer.Close
}

// gone is a session that ended. Its DELETE may come later than the end that the
// browser's own closing has brought.
type gone struct{ id, user string }

// view is one WHEP session. Its id is 128 random bits, and only its user may
// touch it.
type view struct {
	id   string
	user string
	vs   *viewers

	viewer Viewer      // set once opened
	watch  *auth.Watch // likewise
	record *watching   // likewise

	mu    sync.Mutex
	tag   string // of the ICE session
	ended bool
}

func newViewers(a *API, clock alerts.Clock) *viewers {
	if clock == nil {
		clock = time.Now
	}
	return &viewers{api: a, clock: clock, sessions: make(map[string]*view), users: make(map[string]int),
		checks: make(map[string]check), record: newWatched(a, clock)}
}

func (vs *viewers) gauge() float64 {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	return float64(len(vs.sessions))
}

// reserve makes a place for a viewer of a user.
func (vs *viewers) reserve(user string) (*view, error) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	switch {
	case vs.closed:
		return nil, alerts.Errorf(alerts.Unavailable, "the gateway is going down")
	case len(vs.sessions) >= maxViewers:
		return nil, alerts.Errorf(alerts.TooMany, "there are too many viewers at the moment")
	case vs.users[user] >= viewersOfUser:
		return nil, alerts.Errorf(alerts.TooMany, "this account watches %d cameras already; close some", viewersOfUser)
	}
	v := &view{id: newToken(), tag: `"` + newToken() + `"`, user: user, vs: vs}
	vs.sessions[v.id] = v
	vs.users[user]++
	return v, nil
}

// open starts a viewer and watches over its right. When it returns, that the
// camera, which lies in area, is watched is in the audit.
func (vs *viewers) open(ctx context.Context, p auth.Principal, area string, req ViewRequest) (*view, error) {
	if vs.api.deps.Video == nil {
		return nil, alerts.Errorf(alerts.Unavailable, "video is not switched on here")
	}
	v, err := vs.reserve(p.User.ID)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openViewerTime)
	defer cancel()
	req.Ended = v.end
	record := vs.record.begin(ctx, p.Scope, req.Camera, area, req.Profile)
	viewer, err := vs.api.deps.Video.Open(ctx, req)
	if err != nil {
		v.end()
		record.failed(err)
		return nil, err
	}
	if err := record.confirm(ctx, viewer.Profile()); err != nil {
		viewer.Close()
		v.end()
		return nil, err
	}
	watch, err := vs.api.auth.Watch(p,
		func(now auth.Principal) error { return vs.stillVisible(now, req.Camera) },
		func(auth.Reason) { v.end() })
	if err != nil {
		viewer.Close()
		v.end()
		record.over()
		return nil, err
	}
	if !v.started(viewer, watch, record) {
		watch.Stop()
		viewer.Close()
		record.over()
		return nil, alerts.Errorf(alerts.Unavailable, "the viewer has ended before it began; try again")
	}
	return v, nil
}

// started keeps what end has to stop; it is false where the end came first.
func (v *view) started(viewer Viewer, watch *auth.Watch, record *watching) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		return false
	}
	v.viewer, v.watch, v.record = viewer, watch, record
	return true
}

// end ends a session, once, in whatever way it ends; it does not wait for the
// viewer, since the viewer's own end calls it.
func (v *view) end() {
	v.mu.Lock()
	was := v.ended
	v.ended = true
	viewer, watch, record := v.viewer, v.watch, v.record
	v.mu.Unlock()
	if was {
		return
	}
	if record != nil {
		record.over()
	}
	vs := v.vs
	vs.mu.Lock()
	delete(vs.sessions, v.id)
	vs.gone[vs.next] = gone{v.id, v.user}
	vs.next = (vs.next + 1) % endedKept
	if vs.users[v.user]--; vs.users[v.user] == 0 {
		delete(vs.users, v.user)
	}
	if viewer != nil {
		vs.ending.Go(viewer.Close)
	}
	vs.mu.Unlock()
	if watch != nil {
		watch.Stop()
	}
}

// of returns an open session of the caller. Somebody else's is not there.
func (vs *viewers) of(p auth.Principal, id string) (*view, error) {
	vs.mu.Lock()
	v := vs.sessions[id]
	vs.mu.Unlock()
	if v == nil || v.user != p.User.ID || !v.isOpen() {
		return nil, alerts.Errorf(alerts.NotFound, "there is no such video session; it may have ended")
	}
	return v, nil
}

// delete ends a session of the caller; one that has ended already is fine, as
// DELETE is idempotent.
func (vs *viewers) delete(p auth.Principal, id string) error {
	v, err := vs.of(p, id)
	if err == nil {
		v.end()
		return nil
	}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if slices.Contains(vs.gone[:], gone{id, p.User.ID}) {
		return nil
	}
	return err
}

func (v *view) isOpen() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.viewer != nil && !v.ended
}

func (v *view) etag() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.tag
}

// restarted names the new ICE session.
func (v *view) restarted() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tag = `"` + newToken() + `"`
	return v.tag
}

// close ends every session and returns when their viewers are closed.
func (vs *viewers) close() {
	vs.mu.Lock()
	vs.closed = true
	open := make([]*view, 0, len(vs.sessions))
	for _, v := range vs.sessions {
		open = append(open, v)
	}
	vs.mu.Unlock()
	for _, v := range open {
		v.end()
	}
	vs.ending.Wait()
	vs.record.close()
}
