package auth

import (
	"cmp"
	"context"
	"sync"
	"time"

	"sharpeyes/alerts"
)

const (
	// maxWatches bounds what is registered; more is refused as TooMany.
	maxWatches = 20_000
	// maxLooks bounds the hints that wait for the next look; above, everything
	// is looked at.
	maxLooks = 256
	// lookTimeout bounds one look at everything.
	lookTimeout = 5 * time.Second
)

// Reason says why a watched thing ends.
type Reason string

// The reasons.
const (
	SessionOver Reason = "session ended"          // signed out, expired, revoked, user disabled
	RightLost   Reason = "rights or area changed" // the needed func refused
)

// Watch is one registered thing that outlives its request.
type Watch struct {
	a      *Auth
	hash   string
	user   string
	needed func(Principal) error
	onEnd  func(Reason)

	mu sync.Mutex
	p  Principal // as last resolved
}

// Principal returns the caller as last resolved, at most Every old.
func (w *Watch) Principal() Principal {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.p
}

// Stop takes the watch off; onEnd may be running still, but is not called any
// more. It may be called any number of times.
func (w *Watch) Stop() { w.a.watches.remove(w) }

// watches holds what is registered, by session.
type watches struct {
	mu       sync.Mutex
	sessions map[string]map[*Watch]bool
	count    int
	users    map[string]bool // to look at, by hints
	hashes   map[string]bool
	all      bool
	closed   bool

	kick   chan struct{} // one slot: full means that a look is due anyway
	cancel context.CancelFunc
	unsub  func()
	done   sync.WaitGroup // the look-out
	ending sync.WaitGroup // calls of onEnd, at most one a watch
}

func newWatches() *watches {
	return &watches{sessions: make(map[string]map[*Watch]bool), users: make(map[string]bool),
		hashes: make(map[string]bool), kick: make(chan struct{}, 1)}
}

// Watch registers something that lives on after its request. onEnd is called
// once, on a goroutine of its own, when the session is over or needed refuses
// the principal as he is by then; needed must be quick. Whoever opened the
// thing calls Stop when it ends by itself.
func (a *Auth) Watch(p Principal, needed func(Principal) error, onEnd func(Reason)) (*Watch, error) {
	w := &Watch{a: a, hash: p.SessionHash, user: cmp.Or(p.maker, p.User.ID), needed: needed, onEnd: onEnd, p: p}
	ws := a.watches
	ws.mu.Lock()
	if ws.closed || ws.count >= maxWatches {
		ws.mu.Unlock()
		return nil, alerts.Errorf(alerts.TooMany, "too many open connections, try again later")
	}
	if ws.sessions[w.hash] == nil {
		ws.sessions[w.hash] = make(map[*Watch]bool)
	}
	ws.sessions[w.hash][w] = true
	ws.count++
	ws.mu.Unlock()
	// The session may have ended between the request and now.
	a.look("", w.hash)
	return w, nil
}

// remove takes a watch off and tells whether it was on.
func (ws *watches) remove(w *Watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	set := ws.sessions[w.hash]
	if !set[w] {
		return false
	}
	delete(set, w)
	if len(set) == 0 {
		delete(ws.sessions, w.hash)
	}
	ws.count--
	return true
}

func (a *Auth) openWatches() {
	ctx, cancel := context.WithCancel(context.Background())
	a.watches.cancel = cancel
	a.watches.unsub = a.bus.Subscribe(func(e alerts.Event) {
		switch e.Kind {
		case alerts.UserChanged:
			a.look(e.ID, "")
		case alerts.TokenRevoked:
			a.look("", alerts.MachineUser(e.ID))
		case alerts.SessionEnded:
			a.sessions.forget(e.ID)
			a.look("", e.ID)
		}
	})
	a.watches.done.Go(func() { a.lookOut(ctx) })
}

func (a *Auth) closeWatches() {
	ws := a.watches
	ws.mu.Lock()
	was := ws.closed
	ws.closed = true
	ws.mu.Unlock()
	if was || ws.cancel == nil {
		return
	}
	ws.unsub()
	ws.cancel()
	ws.done.Wait()
	ws.ending.Wait()
}

// look asks for a look at a user's sessions or at one session now.
func (a *Auth) look(user, hash string) {
	ws := a.watches
	ws.mu.Lock()
	switch {
	case len(ws.users)+len(ws.hashes) >= maxLooks:
		ws.all = true
	case user != "":
		ws.users[user] = true
	default:
		ws.hashes[hash] = true
	}
	ws.mu.Unlock()
	select {
	case ws.kick <- struct{}{}:
	default:
	}
}

// lookOut is the goroutine that resolves watched sessions again: all of them
// each Every, hinted ones at once.
func (a *Auth) lookOut(ctx context.Context) {
	tick := time.NewTicker(a.Every)
	defer tick.Stop()
	for {
		var due []string
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			due = a.watches.due(true)
		case <-a.watches.kick:
			due = a.watches.due(false)
		}
		users := make(map[string]watched)
		lookCtx, cancel := context.WithTimeout(ctx, lookTimeout)
		for _, hash := range due {
			a.lookAt(lookCtx, hash, users)
		}
		cancel()
	}
}

// due takes the hints and returns the sessions to look at.
func (ws *watches) due(all bool) []string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	all = all || ws.all
	var due []string
	for hash, set := range ws.sessions {
		hit := all || ws.hashes[hash]
		if !hit {
			for w := range set {
				hit = ws.users[w.user] // the user of a session never changes
				break
			}
		}
		if hit {
			due = append(due, hash)
		}
	}
	clear(ws.users)
	clear(ws.hashes)
	ws.all = false
	return due
}

// watched is a user with what his scope is made of beside himself.
type watched struct {
	alerts.User
	grids     []string
	emergency []string
}

func (a *Auth) watched(ctx context.Context, u alerts.User) (watched, error) {
	now := a.Clock()
	grids, err := GridsOf(ctx, a.store, u, now)
	if err != nil {
		return watched{}, err
	}
	emergency, err := EmergenciesOf(ctx, a.store, u, now)
	return watched{u, grids, emergency}, err
}

// present resolves one session or token with one read, and its user with one a
// round.
func (a *Auth) present(ctx context.Context, hash string, users map[string]watched) (Principal, error) {
	user := func(id string) (watched, error) {
		u, ok := users[id]
		if ok {
			return u, nil
		}
		row, err := a.store.User(ctx, alerts.System(), id)
		if err != nil {
			return watched{}, err
		}
		if u, err = a.watched(ctx, row); err == nil {
			users[id] = u
		}
		return u, err
	}
	if id, ok := machineID(hash); ok {
		t, err := a.store.Token(ctx, alerts.System(), id)
		if err != nil {
			return Principal{}, err
		}
		maker, err := user(t.CreatedBy)
		if err != nil {
			return Principal{}, err
		}
		return a.machineOf(t, maker.User)
	}
	s, err := a.sessions.find(ctx, hash)
	if err != nil {
		return Principal{}, err
	}
	u, err := user(s.User)
	if err != nil {
		return Principal{}, err
	}
	return principal(s, u)
}

// lookAt ends what is watched under a session or token that is over or may no
// more.
func (a *Auth) lookAt(ctx context.Context, hash string, users map[string]watched) {
	p, err := a.present(ctx, hash, users)
	kind := alerts.KindOf(err)
	lost := err != nil && (kind == alerts.Unauthenticated || kind == alerts.NotFound)
	for _, w := range a.watches.of(hash) {
		switch {
		case lost:
			a.finish(w, SessionOver)
		case err != nil:
			// The store does not answer. What is open stays open, but not
			// beyond the end that is known.
			if !a.Clock().Before(w.Principal().Expires) {
				a.finish(w, SessionOver)
			}
		case w.needed(p) != nil:
			a.finish(w, RightLost)
		default:
			w.mu.Lock()
			w.p = p
			w.mu.Unlock()
		}
	}
}

func (ws *watches) of(hash string) []*Watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	list := make([]*Watch, 0, len(ws.sessions[hash]))
	for w := range ws.sessions[hash] {
		list = append(list, w)
	}
	return list
}

func (a *Auth) finish(w *Watch, why Reason) {
	if a.watches.remove(w) {
		a.watches.ending.Go(func() { w.onEnd(why) })
	}
}
