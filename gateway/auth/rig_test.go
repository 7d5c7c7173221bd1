package auth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/fresh"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "correct horse battery"

// clock is a clock that stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bus hands events on at once.
type bus struct {
	mu   sync.Mutex
	subs []func(alerts.Event)
}

func (b *bus) Publish(_ context.Context, e alerts.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fn := range b.subs {
		fn(e)
	}
	return nil
}

func (b *bus) Subscribe(fn func(alerts.Event)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs = append(b.subs, fn)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.subs = nil
	}
}

func (b *bus) Close() error { return nil }

// flaky is a store that can be made to fail, and counts reads of sessions.
type flaky struct {
	alerts.Store
	mu     sync.Mutex
	err    error
	reads  int
	looked chan struct{} // one slot
}

func (f *flaky) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *flaky) Session(ctx context.Context, hash string) (alerts.Session, error) {
	f.mu.Lock()
	f.reads++
	err := f.err
	f.mu.Unlock()
	select {
	case f.looked <- struct{}{}:
	default:
	}
	if err != nil {
		return alerts.Session{}, err
	}
	return f.Store.Session(ctx, hash)
}

type world struct {
	*Auth
	clock *clock
	bus   *bus
	store *flaky
	hash  string // of password
}

// newWorld returns an Auth over a real store with two townships and a user in
// the first, "li".
func newWorld(t *testing.T, set func(*Auth)) *world {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	s, err := store.Open(t.Context(), store.Options{Path: fresh.File(t), Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{clock: c, bus: &bus{}, store: &flaky{Store: s, looked: make(chan struct{}, 1)}}
	w.Auth = New(w.store, w.bus)
	w.Clock = c.Now
	w.Every = 10 * time.Millisecond
	w.hasher = newHasher(params{memory: 64, time: 1, threads: 1}) // what is tested here is not its strength
	if set != nil {
		set(w.Auth)
	}
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	if w.hash, err = w.HashPassword(t.Context(), "li", password); err != nil {
		t.Fatal(err)
	}
	w.write(t, func(tx alerts.Tx) error {
		for _, a := range []alerts.Area{
			{ID: "city", Name: "城", Level: alerts.City}, {ID: "east", ParentID: "city", Name: "东", Level: alerts.Township},
			{ID: "west", ParentID: "city", Name: "西", Level: alerts.Township}} {
			if err := tx.SaveArea(a); err != nil {
				return err
			}
		}
		return tx.SaveUser(w.user("li"))
	})
	return w
}

func (w *world) user(name string) alerts.User {
	return alerts.User{ID: "u-" + name, Username: name, Name: name, Role: alerts.DutyOfficer, AreaID: "east",
		PasswordHash: w.hash, SessionsFrom: w.clock.Now()}
}

func (w *world) write(t *testing.T, fn func(alerts.Tx) error) {
	t.Helper()
	if err := w.store.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// change changes li as desk would, the event included.
func (w *world) change(t *testing.T, fn func(*alerts.User)) {
	t.Helper()
	w.write(t, func(tx alerts.Tx) error {
		u, err := tx.User(context.Background(), alerts.System(), "u-li")
		if err != nil {
			return err
		}
		fn(&u)
		return tx.SaveUser(u)
	})
	_ = w.bus.Publish(t.Context(), alerts.Event{Kind: alerts.UserChanged, ID: "u-li"})
}

func request(addr string, cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/session", nil)
	r.RemoteAddr = addr + ":4711"
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func (w *world) signIn(t *testing.T, name string) (Principal, *http.Cookie) {
	t.Helper()
	rec := httptest.NewRecorder()
	p, err := w.SignIn(rec, request("192.0.2.1"), name, password)
	if err != nil {
		t.Fatal(err)
	}
	return p, rec.Result().Cookies()[0]
}
