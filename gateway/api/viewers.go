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
	viewersOfUser  = 580              // twenty windows of 25 tiles, and four prepared in each
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

	mu       sync.Mutex
	tag      string      // of the ICE session
	session  Session     // set once opened
	prepared Prepared    // the same, until a camera is asked for
	watch    *auth.Watch // set once opened
	record   *watching   // of the camera that is shown
	ended    bool
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
	if vs.api.deps.Video == nil {
		return nil, alerts.Errorf(alerts.Unavailable, "video is not switched on here")
	}
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

// open has a new session, or a prepared one, show a camera and watches over the
// right to. That the camera, which lies in area, is watched is in the audit
// before its picture is given out. A prepared session that cannot show it is over.
func (vs *viewers) open(ctx context.Context, p auth.Principal, area, session string, req ViewRequest) (*view, Viewer, error) {
	v, start, err := vs.starterOf(p, session, req)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openViewerTime)
	defer cancel()
	record := vs.record.begin(ctx, p.Scope, req.Camera, area, req.Profile)
	viewer, err := start(ctx, func(profile string) error { return record.confirm(ctx, profile) })
	if err != nil {
		v.end()
		record.failed(err)
		return nil, nil, err
	}
	watch, err := vs.api.auth.Watch(p,
		func(now auth.Principal) error { return vs.stillVisible(now, req.Camera) },
		func(auth.Reason) { v.end() })
	if err == nil {
		err = v.started(viewer, nil, watch, record)
	}
	if err != nil {
		v.giveUp(viewer)
		record.over()
		return nil, nil, err
	}
	return v, viewer, nil
}

// starter starts a picture. confirm is told which profile is sent, and has its
// way before the picture is given out.
type starter func(ctx context.Context, confirm func(profile string) error) (Viewer, error)

// starterOf returns a session, and what starts its picture.
func (vs *viewers) starterOf(p auth.Principal, session string, req ViewRequest) (*view, starter, error) {
	if session != "" {
		v, err := vs.of(p, session)
		if err != nil {
			return nil, nil, err
		}
		prepared := v.take()
		if prepared == nil {
			return nil, nil, alerts.Errorf(alerts.Conflict, "the session shows a camera already; prepare another one")
		}
		return v, func(ctx context.Context, confirm func(string) error) (Viewer, error) {
			return prepared.Show(ctx, req.Camera, req.Profile, confirm)
		}, nil
	}
	v, err := vs.reserve(p.User.ID)
	if err != nil {
		return nil, nil, err
	}
	req.Ended = v.end
	return v, func(ctx context.Context, confirm func(string) error) (Viewer, error) {
		viewer, err := vs.api.deps.Video.Open(ctx, req)
		if err != nil {
			return nil, err
		}
		if err := confirm(viewer.Profile()); err != nil { // nobody has the answer yet
			viewer.Close()
			return nil, err
		}
		return viewer, nil
	}, nil
}

// prepare opens a session that shows nothing yet. It ends with the right to see
// any camera.
func (vs *viewers) prepare(ctx context.Context, p auth.Principal, offer string) (*view, Prepared, error) {
	v, err := vs.reserve(p.User.ID)
	if err != nil {
		return nil, nil, err
	}
	prepared, err := vs.api.deps.Video.Prepare(ctx, offer, v.end)
	if err != nil {
		v.end()
		return nil, nil, err
	}
	watch, err := vs.api.auth.Watch(p,
		func(now auth.Principal) error { return now.Scope.Need(alerts.WatchVideo) },
		func(auth.Reason) { v.end() })
	if err == nil {
		err = v.started(prepared, prepared, watch, nil)
	}
	if err != nil {
		v.giveUp(prepared)
		return nil, nil, err
	}
	return v, prepared, nil
}

// started keeps what end has to stop; it fails where the end came first.
func (v *view) started(s Session, prepared Prepared, watch *auth.Watch, record *watching) error {
	v.mu.Lock()
	ended, before := v.ended, v.watch
	if !ended {
		v.session, v.prepared, v.watch, v.record = s, prepared, watch, record
	}
	v.mu.Unlock()
	if ended {
		watch.Stop()
		return alerts.Errorf(alerts.Unavailable, "the viewer has ended before it began; try again")
	}
	if before != nil {
		before.Stop()
	}
	return nil
}

// take returns a prepared session to one caller; nil: it shows something, or is
// about to.
func (v *view) take() Prepared {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.prepared
	v.prepared = nil
	return p
}

// giveUp ends a session that did not start.
func (v *view) giveUp(s Session) {
	s.Close()
	v.end()
}

// end ends a session, once, in whatever way it ends; it does not wait for the
// viewer, since the viewer's own end calls it.
func (v *view) end() {
	v.mu.Lock()
	was := v.ended
	v.ended = true
	session, watch, record := v.session, v.watch, v.record
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
	if session != nil {
		vs.ending.Go(session.Close)
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
	return v.session != nil && !v.ended
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
