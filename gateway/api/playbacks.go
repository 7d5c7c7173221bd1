package api

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/auth"
)

// Bounds of playbacks.
const (
	maxPlaybacks    = 2000
	playbacksOfUser = 16 // the oldest ends for one more: a page that was reloaded has left its own
	playbackTime    = 4 * time.Hour
	playbackIdle    = 30 * time.Minute
	filmsAtOnce     = 128
	filmsOfUser     = 16
	keyFramesMost   = 100
)

// playbacks holds who may see which recordings now. A playback ends with its
// session, with the right, by itself after a time, and by its user; what it is
// sending ends with it. What was shown is in the audit then.
type playbacks struct {
	api   *API
	clock alerts.Clock
	films *busy

	mu     sync.Mutex
	open   map[string]*playback
	order  []*playback // by age
	closed bool
}

// playback is one grant. Its id is 128 random bits, and only its user may use it.
type playback struct {
	id      string
	user    string
	scope   alerts.Scope
	grant   desk.PlaybackGrant
	expires time.Time
	ps      *playbacks
	ctx     context.Context
	cancel  context.CancelFunc
	watch   *auth.Watch // set once open

	mu    sync.Mutex
	idle  *time.Timer           // ends it without calls, and at last in any case
	shown map[string]*shownFilm // by camera
}

// shownFilm is what was shown of a camera.
type shownFilm struct {
	from, to time.Time
	length   time.Duration
}

func newPlaybacks(a *API, clock alerts.Clock) *playbacks {
	return &playbacks{api: a, clock: clock, open: make(map[string]*playback), films: newBusy(filmsAtOnce, filmsOfUser, "recordings")}
}

// begin checks and records a wish, and opens a playback.
func (ps *playbacks) begin(ctx context.Context, p auth.Principal, in desk.PlaybackInput) (*playback, error) {
	b := &playback{id: newToken(), user: p.User.ID, scope: p.Scope, ps: ps, shown: make(map[string]*shownFilm)}
	var err error
	if b.grant, err = ps.api.desk.AllowPlayback(ctx, p.Scope, b.id, in); err != nil {
		return nil, err
	}
	b.expires = ps.clock().Add(playbackTime).UTC().Truncate(time.Millisecond)
	b.ctx, b.cancel = context.WithCancel(context.Background())
	if err := ps.add(b); err != nil {
		b.cancel()
		return nil, err
	}
	watch, err := ps.api.auth.Watch(p, b.stillAllowed, func(auth.Reason) { b.end() })
	if err != nil {
		b.end()
		return nil, err
	}
	b.mu.Lock()
	b.watch = watch
	b.idle = time.AfterFunc(playbackIdle, b.end)
	b.mu.Unlock()
	if b.ctx.Err() != nil { // ended meanwhile
		watch.Stop()
	}
	return b, nil
}

// add keeps a playback; the user's oldest ends where he has too many.
func (ps *playbacks) add(b *playback) error {
	ps.mu.Lock()
	if ps.closed || len(ps.open) >= maxPlaybacks {
		ps.mu.Unlock()
		return alerts.Errorf(alerts.TooMany, "too many recordings are being seen at the moment; try again")
	}
	ps.open[b.id] = b
	ps.order = append(ps.order, b)
	var own []*playback
	for _, o := range ps.order {
		if o.user == b.user {
			own = append(own, o)
		}
	}
	ps.mu.Unlock()
	for _, o := range own[:max(0, len(own)-playbacksOfUser)] {
		o.end()
	}
	return nil
}

// stillAllowed is quick where the store is; where it does not answer, he may.
func (b *playback) stillAllowed(now auth.Principal) error {
	ctx, cancel := context.WithTimeout(context.Background(), cameraCheck)
	defer cancel()
	err := b.ps.api.desk.StillAllowed(ctx, now.Scope, b.grant)
	switch alerts.KindOf(err) {
	case alerts.NotFound, alerts.Forbidden:
		return err
	}
	return nil
}

// end ends a playback, once, and notes what was shown.
func (b *playback) end() {
	ps := b.ps
	ps.mu.Lock()
	if ps.open[b.id] != b {
		ps.mu.Unlock()
		return
	}
	delete(ps.open, b.id)
	ps.order = slices.DeleteFunc(ps.order, func(o *playback) bool { return o == b })
	ps.mu.Unlock()
	b.cancel()
	b.mu.Lock()
	watch, idle := b.watch, b.idle
	b.mu.Unlock()
	if idle != nil {
		idle.Stop()
	}
	if watch != nil {
		watch.Stop()
	}
	b.note()
}

// note has what was shown in the audit.
func (b *playback) note() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.grant.Cameras {
		f := b.shown[c.ID]
		details := map[string]string{"playback": b.id, "seconds": "0"}
		if f != nil {
			details["seconds"] = strconv.FormatFloat(f.length.Seconds(), 'f', 0, 64)
			details["from"], details["to"] = f.from.UTC().Format(time.RFC3339Nano), f.to.UTC().Format(time.RFC3339Nano)
		}
		b.ps.api.viewers.record.note(desk.AuditNote{Scope: b.scope, Kind: alerts.AuditPlaybackEnd, Object: "camera/" + c.ID, AreaID: c.AreaID, Details: details})
	}
}

// showing notes what is being shown.
func (b *playback) showing(camera string, from, to time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.shown[camera]
	if f == nil {
		f = &shownFilm{from: from, to: to}
		b.shown[camera] = f
	}
	f.length += to.Sub(from)
	if from.Before(f.from) {
		f.from = from
	}
	if to.After(f.to) {
		f.to = to
	}
}

// of returns an open playback of the caller. Somebody else's is not there.
func (ps *playbacks) of(p auth.Principal, id string) (*playback, error) {
	ps.mu.Lock()
	b := ps.open[id]
	ps.mu.Unlock()
	if b == nil || b.user != p.User.ID {
		return nil, alerts.Errorf(alerts.NotFound, "there is no such playback; it may have ended: ask again with POST /api/v1/playbacks")
	}
	b.mu.Lock()
	if b.idle != nil {
		b.idle.Reset(max(0, min(playbackIdle, b.expires.Sub(ps.clock()))))
	}
	b.mu.Unlock()
	return b, nil
}

// camera tells whether a camera is part of the playback.
func (b *playback) camera(id string) error {
	if !slices.ContainsFunc(b.grant.Cameras, func(c alerts.Camera) bool { return c.ID == id }) {
		return alerts.Errorf(alerts.NotFound, "this playback is not for such a camera")
	}
	return nil
}

// close ends every playback.
func (ps *playbacks) close() {
	ps.mu.Lock()
	ps.closed = true
	open := slices.Clone(ps.order)
	ps.mu.Unlock()
	for _, b := range open {
		b.end()
	}
}
