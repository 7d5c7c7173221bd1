package desk

import (
	"context"
	"sync"
	"time"

	"sharpeyes/alerts"
)

// Bounds of looks that cost one entry.
const (
	SeenFor = 5 * time.Minute // one entry stands for the looks at one thing in this time

	maxGlimpses = 16_384 // kept; above, the oldest are forgotten and the next look costs an entry again
	seenTimeout = 10 * time.Second
)

// glimpses are what callers have looked at lately.
type glimpses struct {
	mu   sync.Mutex
	rows map[string]*glimpse
}

// glimpse is one entry, and who waits for its commit.
type glimpse struct {
	at   time.Time
	done chan struct{} // closed when err is set
	err  error
}

func newGlimpses() *glimpses { return &glimpses{rows: make(map[string]*glimpse)} }

// take returns the glimpse of a key, and whether the caller has to write it.
func (gs *glimpses) take(key string, now time.Time) (g *glimpse, write bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	old := func(g *glimpse) bool { return now.Sub(g.at) >= SeenFor || now.Before(g.at) }
	if g := gs.rows[key]; g != nil && !old(g) {
		return g, false
	}
	if len(gs.rows) >= maxGlimpses {
		for k, g := range gs.rows {
			if old(g) {
				delete(gs.rows, k)
			}
		}
		if len(gs.rows) >= maxGlimpses {
			clear(gs.rows)
		}
	}
	g = &glimpse{at: now, done: make(chan struct{})}
	gs.rows[key] = g
	return g, true
}

// settle ends the waiting; what was not written is to be written at the next look.
func (gs *glimpses) settle(key string, g *glimpse, err error) {
	gs.mu.Lock()
	if err != nil && gs.rows[key] == g {
		delete(gs.rows, key)
	}
	gs.mu.Unlock()
	g.err = err
	close(g.done)
}

// readerOf is who stands in the entry about the opening of an incident: nobody
// where he reported it himself, since that would show who did. Officers and
// leaders open what they took in by their office.
func readerOf(s alerts.Scope, i alerts.Incident) alerts.Scope {
	if i.ReporterID == s.User && s.Role != alerts.DutyOfficer && s.Role != alerts.Leader {
		s.User, s.Name, s.Address = "", "", ""
	}
	return s
}

// Seen has an entry about what the caller looks at: one for each caller, address
// and object in SeenFor. It is on disk when Seen returns, so nothing is shown
// before its entry is. The process itself leaves none, nor does a masked scope.
func (d *Desk) Seen(ctx context.Context, s alerts.Scope, kind alerts.AuditKind, object, areaID string) error {
	if s.User == "" && s.Name == "" {
		return nil
	}
	key := string(kind) + "\x00" + object + "\x00" + s.User + "\x00" + s.Name + "\x00" + s.Address
	g, write := d.seen.take(key, d.now())
	if write {
		// Others may wait for it: it does not end with the caller's request.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), seenTimeout)
		defer cancel()
		var err error = alerts.Errorf(alerts.Internal, "what was looked at could not be recorded")
		defer func() { d.seen.settle(key, g, err) }()
		err = d.Audit(ctx, s, kind, object, areaID, nil)
		return err
	}
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
