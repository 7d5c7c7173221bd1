package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/streams"
)

// Bounds of calling cameras for their picture alone. A list of cameras asks for
// all it shows at once, and behind them may be one recorder.
const (
	glancesAtOnce = 8
	glanceWait    = 10 * time.Second // for a place among them
	glanceHold    = 10 * time.Second // a pull outlives its picture by this, if no other needs its place
	firstKeyWait  = 5 * time.Second
	stateEvery    = 100 * time.Millisecond // looking whether a camera that is called has failed
)

// glances are the pulls for the sake of pictures, at most glancesAtOnce.
type glances struct {
	fleet  *streams.Fleet
	places chan struct{} // holds one for each request that waits for its picture

	mu     sync.Mutex
	held   map[string]*glance // by camera and profile
	closed bool
}

// glance is one pull.
type glance struct {
	hub     *streams.Hub
	release func()
	busy    int         // requests that wait for its picture
	since   time.Time   // when the last of them ended
	timer   *time.Timer // ends it; nil while busy
}

func newGlances(fleet *streams.Fleet) *glances {
	return &glances{fleet: fleet, places: make(chan struct{}, glancesAtOnce), held: map[string]*glance{}}
}

func (gs *glances) close() {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.closed = true
	for key := range gs.held {
		gs.drop(key)
	}
}

// look has a stream pulled for its first key frame.
func (gs *glances) look(ctx context.Context, camera string, p streams.Profile) (*streams.Frame, error) {
	place := time.NewTimer(glanceWait)
	defer place.Stop()
	select {
	case gs.places <- struct{}{}:
		defer func() { <-gs.places }()
	case <-place.C:
		return nil, alerts.Errorf(alerts.TooMany, "too many cameras are being called for their picture; try again")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	hub, done, err := gs.hold(camera, p)
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, firstKeyWait)
	defer cancel()
	return firstKey(ctx, hub)
}

// hold takes part in a glance at a stream, or begins one in the place of the one
// that has rested longest. There is one that rests: who is busy has a place.
func (gs *glances) hold(camera string, p streams.Profile) (*streams.Hub, func(), error) {
	key := camera + "/" + string(p)
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.closed {
		return nil, nil, alerts.Errorf(alerts.Unavailable, "the gateway is going down")
	}
	g := gs.held[key]
	if g == nil {
		if len(gs.held) >= glancesAtOnce {
			gs.dropOldest()
		}
		hub, release, err := gs.fleet.Glance(camera, p)
		if errors.Is(err, streams.ErrUnknown) {
			return nil, nil, alerts.Errorf(alerts.Unavailable, "the camera is switched off")
		}
		if err != nil {
			return nil, nil, err
		}
		g = &glance{hub: hub, release: release}
		gs.held[key] = g
	}
	if g.busy++; g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
	return g.hub, func() { gs.rest(key, g) }, nil
}

// rest ends one request's part in a glance; the last one's end starts the clock.
func (gs *glances) rest(key string, g *glance) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if g.busy--; g.busy > 0 || gs.held[key] != g {
		return
	}
	g.since = time.Now()
	var timer *time.Timer
	timer = time.AfterFunc(glanceHold, func() {
		gs.mu.Lock()
		defer gs.mu.Unlock()
		if gs.held[key] == g && g.timer == timer {
			gs.drop(key)
		}
	})
	g.timer = timer
}

// dropOldest ends the glance that has rested longest. gs.mu is held.
func (gs *glances) dropOldest() {
	oldest := ""
	for key, g := range gs.held {
		if g.busy == 0 && (oldest == "" || g.since.Before(gs.held[oldest].since)) {
			oldest = key
		}
	}
	if oldest != "" {
		gs.drop(oldest)
	}
}

// drop ends a glance. gs.mu is held.
func (gs *glances) drop(key string) {
	g := gs.held[key]
	if g.timer != nil {
		g.timer.Stop()
	}
	delete(gs.held, key)
	g.release()
}

// firstKey waits for a key frame, or for what keeps the camera from sending one.
func firstKey(ctx context.Context, hub *streams.Hub) (*streams.Frame, error) {
	came := make(chan struct{}, 1)
	r := hub.NewReader(func() {
		select {
		case came <- struct{}{}:
		default: // one look serves all
		}
	})
	defer r.Close()
	tick := time.NewTicker(stateEvery)
	defer tick.Stop()
	for {
		if f := hub.KeyFrame(); f != nil {
			return f, nil
		}
		if why := noPicture(hub.Status()); why != "" {
			return nil, alerts.Errorf(alerts.Unavailable, "the camera has no picture: %s", why)
		}
		select {
		case <-came:
		case <-tick.C:
		case <-hub.Gone():
			return nil, alerts.Errorf(alerts.Unavailable, "the camera was switched off")
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, alerts.Errorf(alerts.Unavailable, "the camera has sent no key frame within %v; try again", firstKeyWait)
			}
			return nil, ctx.Err()
		}
	}
}
