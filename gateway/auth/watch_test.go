package auth

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

func anything(Principal) error { return nil }

func (w *world) watch(t *testing.T, p Principal, needed func(Principal) error) (*Watch, chan Reason) {
	t.Helper()
	ended := make(chan Reason, 2)
	watch, err := w.Watch(p, needed, func(why Reason) { ended <- why })
	if err != nil {
		t.Fatal(err)
	}
	return watch, ended
}

func expect(t *testing.T, ended chan Reason, want Reason) {
	t.Helper()
	select {
	case got := <-ended:
		if got != want {
			t.Errorf("ended because %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Errorf("did not end; want %q", want)
	}
}

func TestWatchEnds(t *testing.T) {
	canWatch := func(p Principal) error { return p.Scope.Need(alerts.WatchVideo) }
	// silent changes are seen without a hint from the bus.
	silent := func(t *testing.T, w *world, fn func(*alerts.User)) {
		w.bus.mu.Lock()
		w.bus.subs = nil
		w.bus.mu.Unlock()
		w.change(t, fn)
	}
	for name, c := range map[string]struct {
		do   func(*testing.T, *world)
		want Reason
	}{
		"expired":  {func(_ *testing.T, w *world) { w.clock.add(DefaultIdle) }, SessionOver},
		"disabled": {func(t *testing.T, w *world) { w.change(t, func(u *alerts.User) { u.Disabled = true }) }, SessionOver},
		"revoked": {func(t *testing.T, w *world) {
			w.clock.add(time.Second)
			w.change(t, func(u *alerts.User) { u.SessionsFrom = w.clock.Now() })
		}, SessionOver},
		"role":            {func(t *testing.T, w *world) { w.change(t, func(u *alerts.User) { u.Role = alerts.Auditor }) }, RightLost},
		"role, silently":  {func(t *testing.T, w *world) { silent(t, w, func(u *alerts.User) { u.Role = alerts.Auditor }) }, RightLost},
		"ended, silently": {func(t *testing.T, w *world) { silent(t, w, func(u *alerts.User) { u.Disabled = true }) }, SessionOver},
		"store row is gone": {func(t *testing.T, w *world) {
			if err := w.store.RemoveSession(t.Context(), w.first(t)); err != nil {
				t.Error(err)
			}
		}, SessionOver},
		"ended on another node": {func(t *testing.T, w *world) {
			_ = w.bus.Publish(t.Context(), alerts.Event{Kind: alerts.SessionEnded, ID: w.first(t)})
		}, SessionOver},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			p, _ := w.signIn(t, "li")
			_, ended := w.watch(t, p, canWatch)
			c.do(t, w)
			expect(t, ended, c.want)
			w.Close() // waits for every onEnd
			if len(ended) > 0 {
				t.Error("onEnd was called twice")
			}
		})
	}
}

// first returns the session that is watched.
func (w *world) first(t *testing.T) string {
	t.Helper()
	w.watches.mu.Lock()
	defer w.watches.mu.Unlock()
	for hash := range w.watches.sessions {
		return hash
	}
	t.Fatal("nothing is watched")
	return ""
}

func TestSignOutEndsWhatIsWatched(t *testing.T) {
	w := newWorld(t, func(a *Auth) { a.Every = time.Hour }) // by the hint alone
	p, cookie := w.signIn(t, "li")
	other, _ := w.signIn(t, "li")
	_, ended := w.watch(t, p, anything)
	_, lives := w.watch(t, other, anything)
	if err := w.SignOut(httptest.NewRecorder(), request("192.0.2.1", cookie)); err != nil {
		t.Fatal(err)
	}
	expect(t, ended, SessionOver)
	if len(lives) > 0 {
		t.Error("another session of the user ended, too")
	}
}

// The session may end between the request and the registration.
func TestWatchOfAnEndedSession(t *testing.T) {
	w := newWorld(t, func(a *Auth) { a.Every = time.Hour })
	p, cookie := w.signIn(t, "li")
	if err := w.SignOut(httptest.NewRecorder(), request("192.0.2.1", cookie)); err != nil {
		t.Fatal(err)
	}
	_, ended := w.watch(t, p, anything)
	expect(t, ended, SessionOver)
}

func TestWatchRefreshesThePrincipal(t *testing.T) {
	w := newWorld(t, nil)
	p, _ := w.signIn(t, "li")
	moved := make(chan struct{}, 100)
	watch, ended := w.watch(t, p, func(now Principal) error {
		if now.Scope.Covers("/city/west/") {
			moved <- struct{}{}
		}
		return nil
	})
	w.change(t, func(u *alerts.User) { u.AreaID = "west" })
	for range 2 { // the second look comes after the first one's refresh
		select {
		case <-moved:
		case <-time.After(patience):
			t.Fatal("the change was not seen")
		}
	}
	if !watch.Principal().Scope.Covers("/city/west/") || len(ended) > 0 {
		t.Errorf("principal %+v", watch.Principal().Scope)
	}
}

func TestStoppedWatchIsNotCalled(t *testing.T) {
	w := newWorld(t, nil)
	p, _ := w.signIn(t, "li")
	watch, ended := w.watch(t, p, anything)
	watch.Stop()
	watch.Stop()
	_, other := w.watch(t, p, anything)
	w.change(t, func(u *alerts.User) { u.Disabled = true })
	expect(t, other, SessionOver)
	if len(ended) > 0 || w.watches.count != 0 {
		t.Errorf("a stopped watch was called, or %d are left", w.watches.count)
	}
}

// Video goes on while the store is away, until the session would be over anyway.
func TestWatchSurvivesTheStore(t *testing.T) {
	w := newWorld(t, nil)
	p, _ := w.signIn(t, "li")
	_, ended := w.watch(t, p, anything)
	w.store.fail(errors.New("connection refused"))
	w.looks(t, 3)
	if len(ended) > 0 {
		t.Fatal("ended with the store")
	}
	w.clock.add(DefaultAbsolute)
	expect(t, ended, SessionOver)
}

// looks waits until sessions have been read n times more.
func (w *world) looks(t *testing.T, n int) {
	t.Helper()
	for range n + 1 { // one may have been waiting
		select {
		case <-w.store.looked:
		case <-time.After(patience):
			t.Fatal("sessions are not looked at")
		}
	}
}

func TestOneLookASession(t *testing.T) {
	w := newWorld(t, func(a *Auth) { a.Every = time.Hour })
	p, _ := w.signIn(t, "li")
	seen := make(chan struct{}, 200)
	for range 100 {
		w.watch(t, p, func(Principal) error { seen <- struct{}{}; return nil })
	}
	w.watches.due(false) // registrations' own hints are of no matter here
	w.store.mu.Lock()
	w.store.reads = 0
	w.store.mu.Unlock()
	users := map[string]watched{}
	for _, hash := range w.watches.due(true) {
		w.lookAt(context.Background(), hash, users)
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if w.store.reads > 2 { // a look of the registrations may still have been on its way
		t.Errorf("%d reads for 100 watches of one session", w.store.reads)
	}
}

func TestWatchIsRefusedAfterClose(t *testing.T) {
	w := newWorld(t, nil)
	p, _ := w.signIn(t, "li")
	w.Close()
	if _, err := w.Watch(p, anything, func(Reason) {}); err == nil {
		t.Error("taken")
	}
}
