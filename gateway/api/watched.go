package api

import (
	"context"
	"strconv"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// Bounds of what is recorded of watching.
const (
	// refusedFor is how long a viewer whose camera had no picture is taken for
	// one that tries again: his next entries wait for the picture, so that a wall
	// of dead cameras, which tries for ever, does not fill the audit.
	refusedFor = 10 * time.Minute
	maxRefused = 10_000

	endsEvery  = time.Second     // between writes of ends
	endsTime   = 5 * time.Second // for one round of them
	endsAtOnce = 256             // in one transaction
)

// watched records who watched which camera when. The beginning is on disk
// before the picture is given out; the end follows within seconds, and what a
// store that is down does not take is kept and tried again. That is bounded:
// without the store nobody begins.
type watched struct {
	api   *API
	clock alerts.Clock

	mu      sync.Mutex
	refused map[string]time.Time // viewers by user and camera who got no picture lately
	ends    []desk.AuditNote
	writing bool // a goroutine writes them
	closed  bool

	stop    chan struct{}
	writers sync.WaitGroup
}

func newWatched(a *API, clock alerts.Clock) *watched {
	return &watched{api: a, clock: clock, refused: make(map[string]time.Time), stop: make(chan struct{})}
}

// watching is one viewer's record.
type watching struct {
	of      *watched
	scope   alerts.Scope
	camera  string
	area    string
	profile string
	begun   time.Time
	written chan error // the outcome of the beginning, once
	early   bool       // written while the picture is being fetched

	confirmed bool // confirm has returned
	onDisk    bool // and with success
}

// begin starts to record a viewer. Writing goes on beside the fetching of the
// picture; confirm waits for it.
func (ws *watched) begin(ctx context.Context, s alerts.Scope, camera, area, profile string) *watching {
	w := &watching{of: ws, scope: s, camera: camera, area: area, profile: profile, begun: ws.clock(), written: make(chan error, 1)}
	if !ws.wasRefused(w.key()) {
		w.early = true
		// confirm or failed waits for it.
		go func() { w.written <- w.write(ctx) }()
	}
	return w
}

func (w *watching) key() string { return w.scope.User + "\x00" + w.scope.Name + "\x00" + w.camera }

func (w *watching) write(ctx context.Context) error {
	return w.of.api.desk.Audit(ctx, w.scope, alerts.AuditWatch, "camera/"+w.camera, w.area, map[string]string{"profile": w.profile})
}

// confirm returns once the beginning is on disk: before that nobody gets a
// picture. profile is the one that is sent.
func (w *watching) confirm(ctx context.Context, profile string) (err error) {
	if w.early {
		err = <-w.written
		w.profile = profile
	} else {
		w.profile = profile
		err = w.write(ctx)
	}
	w.confirmed, w.onDisk = true, err == nil
	return err
}

// failed tells that there was no picture.
func (w *watching) failed(err error) {
	if w.confirmed {
		if w.onDisk {
			w.over()
		}
		return
	}
	ws := w.of
	now := ws.clock()
	ws.mu.Lock()
	if len(ws.refused) >= maxRefused {
		clear(ws.refused)
	}
	ws.refused[w.key()] = now
	ws.mu.Unlock()
	if w.early && <-w.written == nil {
		ws.end(w, map[string]string{"seconds": "0", "refused": string(alerts.KindOf(err))})
	}
}

// over tells that a viewer who had a picture has ended.
func (w *watching) over() {
	seconds := max(0, w.of.clock().Sub(w.begun).Seconds())
	w.of.end(w, map[string]string{"seconds": strconv.FormatFloat(seconds, 'f', 0, 64), "profile": w.profile})
}

func (ws *watched) wasRefused(key string) bool {
	now := ws.clock()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	at, ok := ws.refused[key]
	if ok && (now.Sub(at) >= refusedFor || now.Before(at)) {
		delete(ws.refused, key)
		ok = false
	}
	return ok
}

// end notes the end of a viewer whose beginning is on disk.
func (ws *watched) end(w *watching, details map[string]string) {
	ws.note(desk.AuditNote{Scope: w.scope, Kind: alerts.AuditWatchEnd, Object: "camera/" + w.camera, AreaID: w.area, Details: details})
}

func (ws *watched) note(n desk.AuditNote) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		return
	}
	ws.ends = append(ws.ends, n)
	if !ws.writing {
		ws.writing = true
		ws.writers.Go(ws.write)
	}
}

// write writes ends together, once in a while, as long as there are any.
func (ws *watched) write() {
	wait := time.NewTimer(endsEvery)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ws.stop:
			return // close writes the rest
		}
		ws.flushWithin(endsTime)
		ws.mu.Lock()
		if len(ws.ends) == 0 {
			ws.writing = false
			ws.mu.Unlock()
			return
		}
		ws.mu.Unlock()
		wait.Reset(endsEvery)
	}
}

// flushWithin writes the ends there are; those that the store does not take in
// time stay.
func (ws *watched) flushWithin(d time.Duration) {
	ws.mu.Lock()
	ends := ws.ends
	ws.ends = nil
	ws.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for len(ends) > 0 {
		n := min(len(ends), endsAtOnce)
		if err := ws.api.desk.AuditAll(ctx, ends[:n]); err != nil {
			ws.api.log.Warn("ends of watching not recorded yet", "err", err, "ends", len(ends))
			break
		}
		ends = ends[n:]
	}
	ws.mu.Lock()
	ws.ends = append(ends, ws.ends...)
	ws.mu.Unlock()
}

// close writes what waits and takes no more.
func (ws *watched) close() {
	ws.mu.Lock()
	was := ws.closed
	ws.closed = true
	ws.mu.Unlock()
	if was {
		return
	}
	close(ws.stop)
	ws.writers.Wait()
	ws.flushWithin(endsTime)
}
