package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
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

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// clock runs with the real one, ahead by what it was moved.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// bus hands events on at once.
type bus struct {
	mu   sync.Mutex
	subs map[int]func(alerts.Event)
	next int
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
	n := b.next
	b.next++
	b.subs[n] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, n)
	}
}

func (b *bus) Close() error { return nil }

// plainVault keeps things readable.
type plainVault struct{}

func (plainVault) Open(sealed []byte) ([]byte, error) { return sealed, nil }

// world is a store with a town of two townships, a leader of the whole and an
// administrator of the east.
type world struct {
	t     *testing.T
	store *store.Store
	bus   *bus
	clock *clock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, bus: &bus{subs: make(map[int]func(alerts.Event))}, clock: &clock{}}
	var err error
	w.store, err = store.Open(t.Context(), store.Options{Path: fresh.File(t), Clock: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.write(func(tx alerts.Tx) error {
		for _, a := range []alerts.Area{{ID: "city", Name: "城", Level: alerts.City}, {ID: "east", ParentID: "city", Name: "东", Level: alerts.Township},
			{ID: "west", ParentID: "city", Name: "西", Level: alerts.Township}} {
			if err := tx.SaveArea(a); err != nil {
				return err
			}
		}
		for _, u := range []alerts.User{{ID: "leader", Username: "leader", Role: alerts.Leader, AreaID: "city"},
			{ID: "admin", Username: "admin", Role: alerts.Admin, AreaID: "east"}} {
			if err := tx.SaveUser(u); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) write(fn func(alerts.Tx) error) {
	w.t.Helper()
	if err := w.store.Write(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// courier starts a courier that may call this machine; set changes it.
func (w *world) courier(node string, set func(*Courier)) *Courier {
	w.t.Helper()
	c := New(w.store, w.bus)
	c.Clock, c.Vault, c.Node = w.clock.Now, plainVault{}, node
	c.Guard = Guard{Networks: prefixes(w.t, "127.0.0.0/8"), Plain: true}
	c.Poll, c.BackOff, c.MaxBackOff = 20*time.Millisecond, time.Millisecond, 4*time.Millisecond
	if set != nil {
		set(c)
	}
	if err := c.Open(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// hook stores a webhook of the leader for alarms of the whole town.
func (w *world) hook(id, url string, set func(*alerts.Webhook)) {
	w.t.Helper()
	sealed, err := json.Marshal(alerts.HookTarget{URL: url, Secret: "secret of " + id})
	if err != nil {
		w.t.Fatal(err)
	}
	h := alerts.Webhook{ID: id, Name: id, URL: url, Kinds: []alerts.EventKind{alerts.AlertRaised}, AreaID: "city", Sealed: sealed,
		CreatedBy: "leader", Progress: alerts.HookProgress{State: alerts.HookActive}}
	if set != nil {
		set(&h)
	}
	w.write(func(tx alerts.Tx) error { return tx.SaveWebhook(h) })
	w.emit(alerts.WebhooksChanged, "city", id)
}

// emit commits and publishes an event, and returns its number.
func (w *world) emit(kind alerts.EventKind, area, id string) int64 {
	w.t.Helper()
	e := alerts.Event{Kind: kind, AreaID: area, ID: id, Data: json.RawMessage(fmt.Sprintf(`{"id":%q}`, id))}
	w.write(func(tx alerts.Tx) error {
		e.Seq, e.AreaPath = 0, ""
		return tx.Append(&e)
	})
	_ = w.bus.Publish(context.Background(), e)
	return e.Seq
}

// until waits for a webhook to be as wanted.
func (w *world) until(id, what string, ok func(alerts.HookProgress) bool) alerts.HookProgress {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		h, err := w.store.Webhook(context.Background(), alerts.System(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if ok(h.Progress) {
			return h.Progress
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not %s: %+v", id, what, h.Progress)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// call is a request that a receiver got.
type call struct {
	header http.Header
	body   []byte
	msg    Message
}

// receiver is a server that notes what it gets and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer http.HandlerFunc
	came   chan struct{}
}

func (w *world) receiver(answer http.HandlerFunc) *receiver {
	w.t.Helper()
	r := &receiver{answer: answer, came: make(chan struct{}, 10_000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		c := call{header: req.Header, body: body}
		_ = json.Unmarshal(body, &c.msg)
		r.mu.Lock()
		r.calls = append(r.calls, c)
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(rw, req)
		}
		r.came <- struct{}{}
	}))
	w.t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(fn http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

func (r *receiver) wait(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-r.came:
		case <-time.After(patience):
			t.Fatalf("%d calls, waiting for more", len(r.got()))
		}
	}
}

func (r *receiver) numbers() (out []int64) {
	for _, c := range r.got() {
		out = append(out, c.msg.Event.Seq)
	}
	return out
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func randomText() string { return rand.Text() }
