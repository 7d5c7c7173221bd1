package webhooks

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func TestDeliversSignedAndInOrder(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL+"/x?key=1", nil)
	w.courier("a", nil)
	var want []int64
	for n := range 20 {
		want = append(want, w.emit(alerts.AlertRaised, []string{"east", "west"}[n%2], fmt.Sprint(n)))
		w.emit(alerts.CameraSaved, "east", "other") // none of its kinds
	}
	p := w.until("h", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= want[19] })
	if got := r.numbers(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if p.Failures != 0 || p.SentAt.IsZero() || p.Error != "" {
		t.Errorf("%+v", p)
	}
	for i, c := range r.got() {
		m := c.msg
		if m.ID != fmt.Sprintf("h-%d", want[i]) || m.Webhook != "h" || m.Missed || m.Event.Kind != alerts.AlertRaised ||
			string(m.Event.Data) != fmt.Sprintf(`{"id":"%d"}`, i) || m.Event.AreaID == "" {
			t.Errorf("%d: %+v", i, m)
		}
		if err := Verify("secret of h", c.header.Get(HeaderSignature), c.body, time.Now()); err != nil {
			t.Error(err)
		}
		if c.header.Get(HeaderDelivery) != m.ID || c.header.Get(HeaderEvent) != "alert.raised" || c.header.Get(HeaderTry) != "1" ||
			c.header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", c.header)
		}
	}
	list, err := w.store.Deliveries(t.Context(), "h", 100)
	if err != nil || len(list) != 20 || list[0].Seq != want[19] || list[0].Status != 200 || list[0].Error != "" {
		t.Errorf("%d deliveries, %+v (%v)", len(list), list[0], err)
	}
}

func TestVerify(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	body := []byte(`{"id":"x"}`)
	good := Sign("key", now, body)
	for name, c := range map[string]struct {
		secret, header string
		body           []byte
		now            time.Time
		ok             bool
	}{
		"as sent":          {"key", good, body, now, true},
		"a little later":   {"key", good, body, now.Add(Window), true},
		"replayed":         {"key", good, body, now.Add(Window + time.Second), false},
		"from the future":  {"key", good, body, now.Add(-Window - time.Second), false},
		"another key":      {"kez", good, body, now, false},
		"another body":     {"key", good, []byte(`{"id":"y"}`), now, false},
		"another time":     {"key", strings.Replace(good, "t=18", "t=19", 1), body, now, false},
		"nothing":          {"key", "", body, now, false},
		"no hexadecimal":   {"key", "t=1,v1=zz", body, now, false},
		"no time":          {"key", "t=,v1=00", body, now, false},
		"empty signature":  {"key", "t=1800000000,v1=", body, now, false},
		"parts turned":     {"key", "v1=00,t=1", body, now, false},
		"time overflowing": {"key", "t=99999999999999999999,v1=00", body, now, false},
	} {
		if err := Verify(c.secret, c.header, c.body, c.now); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("t=1800000000,v1=00", []byte("x"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if Verify(randomText(), header, body, time.Unix(1_800_000_000, 0)) == nil {
			t.Errorf("%q fits a key that nobody knows", header)
		}
	})
}

// A webhook gets what it missed once it answers again, in order; the same event
// has the same id at each try. Another one is not kept waiting.
func TestFailsAndComesBack(t *testing.T) {
	w := newWorld(t)
	bad, good := w.receiver(status(503)), w.receiver(nil)
	w.hook("bad", bad.URL, nil)
	w.hook("good", good.URL, nil)
	w.courier("a", nil)
	first := w.emit(alerts.AlertRaised, "east", "1")
	second := w.emit(alerts.AlertRaised, "east", "2")
	w.until("good", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= second })
	p := w.until("bad", "failing", func(p alerts.HookProgress) bool { return p.Failures >= 3 })
	if p.State != alerts.HookActive || p.Error != "answered 503" || p.FailedAt.IsZero() || p.NextAt.IsZero() || p.Cursor >= first {
		t.Errorf("%+v", p)
	}
	bad.answers(nil)
	p = w.until("bad", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= second })
	if p.Failures != 0 || !p.FailedAt.IsZero() || p.Error != "" {
		t.Errorf("%+v", p)
	}
	calls := bad.got()
	n := len(calls)
	if calls[0].msg.ID != calls[n-2].msg.ID || calls[n-1].msg.Event.Seq != second || calls[1].header.Get(HeaderTry) != "2" ||
		calls[0].header.Get(HeaderSignature) == "" {
		t.Errorf("%d calls: %v", n, bad.numbers())
	}
	if got := good.numbers(); !slices.Equal(got, []int64{first, second}) {
		t.Errorf("the good one got %v", got)
	}
}

func TestDiesAndIsRetried(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(status(500))
	w.hook("h", r.URL, nil)
	w.courier("a", func(c *Courier) { c.MaxFailures = 4 })
	seq := w.emit(alerts.AlertRaised, "east", "1")
	p := w.until("h", "dead", func(p alerts.HookProgress) bool { return p.State == alerts.HookDead })
	if p.Failures != 4 || len(r.got()) != 4 || !strings.Contains(p.Error, "answered 500") || !p.NextAt.IsZero() {
		t.Errorf("%+v after %d calls", p, len(r.got()))
	}
	r.answers(nil)
	// By hand, as desk does it.
	w.write(func(tx alerts.Tx) error {
		return tx.SaveHookProgress("h", alerts.HookProgress{State: alerts.HookActive, Cursor: p.Cursor})
	})
	w.emit(alerts.WebhooksChanged, "city", "h")
	w.until("h", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= seq })
	if got := r.got(); got[4].msg.Event.Seq != seq || got[4].msg.ID != got[0].msg.ID {
		t.Errorf("%v", r.numbers())
	}
}

func TestDiesOfAgeAndWhenGone(t *testing.T) {
	w := newWorld(t)
	old, gone := w.receiver(status(500)), w.receiver(status(410))
	w.hook("gone", gone.URL, nil)
	w.hook("old", old.URL, nil)
	w.courier("a", func(c *Courier) { c.MaxFailures = 1 << 30 })
	w.emit(alerts.AlertRaised, "east", "1")
	if p := w.until("gone", "dead", func(p alerts.HookProgress) bool { return p.State == alerts.HookDead }); p.Failures != 1 {
		t.Errorf("%+v", p)
	}
	w.until("old", "failing", func(p alerts.HookProgress) bool { return p.Failures >= 2 })
	w.clock.add(DefaultMaxAge)
	p := w.until("old", "dead", func(p alerts.HookProgress) bool { return p.State == alerts.HookDead })
	if !strings.Contains(p.Error, "failing since") {
		t.Errorf("%+v", p)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t)
	secret := w.receiver(nil)
	r := w.receiver(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Location", secret.URL)
		rw.WriteHeader(http.StatusTemporaryRedirect)
	})
	w.hook("h", r.URL, nil)
	w.courier("a", nil)
	w.emit(alerts.AlertRaised, "east", "1")
	p := w.until("h", "failing", func(p alerts.HookProgress) bool { return p.Failures >= 1 })
	if len(secret.got()) != 0 || !strings.Contains(p.Error, "redirect") {
		t.Errorf("%d calls, %q", len(secret.got()), p.Error)
	}
}

// An address that is allowed no more, or was never checked, is not dialled.
func TestGuardAtDialling(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	port := r.URL[strings.LastIndexByte(r.URL, ':'):]
	// A name that stands for this machine: what it is shows when it is dialled.
	for id, url := range map[string]string{"literal": r.URL, "name": "http://localhost" + port, "mapped": "http://[::ffff:127.0.0.1]" + port,
		"decimal": "http://2130706433" + port, "short": "http://127.1" + port} {
		w.hook(id, url, nil)
	}
	w.courier("a", func(c *Courier) { c.Guard = Guard{Plain: true} })
	w.emit(alerts.AlertRaised, "east", "1")
	for _, id := range []string{"literal", "name", "mapped", "decimal", "short"} {
		p := w.until(id, "failing", func(p alerts.HookProgress) bool { return p.Failures >= 1 })
		if id == "name" && !strings.Contains(p.Error, "not allowed") {
			t.Errorf("%s: %q", id, p.Error)
		}
	}
	if n := len(r.got()); n != 0 {
		t.Errorf("%d calls got through", n)
	}
}

func TestSlowAndEndlessAnswers(t *testing.T) {
	w := newWorld(t)
	silent := w.receiver(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	endless := w.receiver(func(rw http.ResponseWriter, r *http.Request) {
		block := make([]byte, 32<<10)
		for r.Context().Err() == nil {
			if _, err := rw.Write(block); err != nil {
				return
			}
		}
	})
	w.hook("silent", silent.URL, nil)
	w.hook("endless", endless.URL, nil)
	w.courier("a", func(c *Courier) { c.Timeout = 300 * time.Millisecond })
	seq := w.emit(alerts.AlertRaised, "east", "1")
	p := w.until("silent", "failing", func(p alerts.HookProgress) bool { return p.Failures >= 1 })
	if !strings.Contains(p.Error, "no answer within") {
		t.Errorf("%q", p.Error)
	}
	// Its status came, the rest is not waited for.
	w.until("endless", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= seq })
}

func TestRetryAfterIsHeeded(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "600")
		rw.WriteHeader(http.StatusTooManyRequests)
	})
	w.hook("h", r.URL, nil)
	w.courier("a", nil)
	w.emit(alerts.AlertRaised, "east", "1")
	p := w.until("h", "failing", func(p alerts.HookProgress) bool { return p.Failures == 1 })
	if wait := p.NextAt.Sub(w.clock.Now()); wait < 9*time.Minute || wait > 10*time.Minute {
		t.Errorf("next try in %s", wait)
	}
	w.clock.add(10 * time.Minute)
	w.until("h", "tried again", func(p alerts.HookProgress) bool { return p.Failures == 2 })
}

// What the account behind a webhook may not read, the webhook is not told.
func TestScopeOfItsMaker(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	all := []alerts.EventKind{alerts.AlertRaised, alerts.CameraSaved, alerts.IncidentCreated, alerts.CaseChanged}
	w.hook("east", r.URL, func(h *alerts.Webhook) { h.Kinds, h.AreaID = all, "east" })
	admins := w.receiver(nil)
	w.hook("admins", admins.URL, func(h *alerts.Webhook) { h.Kinds, h.AreaID, h.CreatedBy = all, "east", "admin" })
	outside := w.receiver(nil)
	w.hook("outside", outside.URL, func(h *alerts.Webhook) { h.CreatedBy = "admin" }) // the whole city, and alarms
	nobody := w.receiver(nil)
	w.hook("nobody", nobody.URL, func(h *alerts.Webhook) { h.CreatedBy = "none" })
	w.courier("a", nil)
	for _, kind := range append(all, alerts.UserChanged, alerts.SessionEnded) {
		w.emit(kind, "west", "w")
		w.emit(kind, "east", "e")
	}
	r.wait(t, 4)
	for _, c := range r.got() {
		if c.msg.Event.AreaID != "east" || c.msg.Event.Kind == alerts.UserChanged {
			t.Errorf("%+v", c.msg.Event)
		}
	}
	admins.wait(t, 1)
	if got := admins.got(); len(got) != 1 || got[0].msg.Event.Kind != alerts.CameraSaved {
		t.Errorf("the administrator's got %d", len(got))
	}
	for _, id := range []string{"outside", "nobody"} {
		p := w.until(id, "dead", func(p alerts.HookProgress) bool { return p.State == alerts.HookDead })
		if !strings.Contains(p.Error, "may not read") {
			t.Errorf("%q", p.Error)
		}
	}
	if len(outside.got())+len(nobody.got()) != 0 {
		t.Error("somebody was told of what nobody could read")
	}
	// Who loses the right takes his webhooks with him.
	u, err := w.store.User(t.Context(), alerts.System(), "leader")
	if err != nil {
		t.Fatal(err)
	}
	u.Role = alerts.GridLeader
	w.write(func(tx alerts.Tx) error { return tx.SaveUser(u) })
	w.emit(alerts.UserChanged, "city", "leader")
	w.emit(alerts.AlertRaised, "east", "later")
	w.until("east", "dead", func(p alerts.HookProgress) bool { return p.State == alerts.HookDead })
	if n := len(r.got()); n != 4 {
		t.Errorf("%d calls", n)
	}
}

func TestPausedAndChanged(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL, func(h *alerts.Webhook) { h.Progress.State = alerts.HookPaused })
	seen := w.receiver(nil)
	w.hook("seen", seen.URL, nil)
	w.courier("a", nil)
	seq := w.emit(alerts.AlertRaised, "east", "1")
	w.until("seen", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= seq })
	if len(r.got()) != 0 {
		t.Error("a paused webhook was called")
	}
	w.write(func(tx alerts.Tx) error {
		return tx.SaveHookProgress("h", alerts.HookProgress{State: alerts.HookActive})
	})
	w.emit(alerts.WebhooksChanged, "city", "h")
	r.wait(t, 1)
}

// Two nodes: one delivers; when it closes the other goes on, and nothing is
// lost or comes twice.
func TestOneNodeDelivers(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL, nil)
	a := w.courier("a", nil)
	first := w.emit(alerts.AlertRaised, "east", "1")
	w.until("h", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= first })
	b := w.courier("b", nil)
	want := []int64{first}
	for n := range 10 {
		want = append(want, w.emit(alerts.AlertRaised, "east", fmt.Sprint(n)))
	}
	w.until("h", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= want[10] })
	if _, ok := b.leads(); ok {
		t.Error("both hold the lease")
	}
	a.Close()
	want = append(want, w.emit(alerts.AlertRaised, "east", "last"))
	w.until("h", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= want[11] })
	if got := r.numbers(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A node that was away while another took over neither calls nor notes.
func TestStaleNodeIsFenced(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL, nil)
	c := New(w.store, w.bus)
	c.Clock, c.Vault, c.Node, c.client = w.clock.Now, plainVault{}, "a", &http.Client{}
	if !c.hold(t.Context()) {
		t.Fatal("no lease")
	}
	w.clock.add(DefaultLease + time.Second) // it stood still; its own clock says so, too
	if _, ok := c.leads(); ok {
		t.Error("it leads on")
	}
	c.held = w.clock.Now().Add(DefaultLease) // its clock stood, too
	w.write(func(tx alerts.Tx) error {
		_, err := tx.Lease(leaseName, "b", w.clock.Now(), w.clock.Now().Add(DefaultLease))
		return err
	})
	h, err := w.store.Webhook(t.Context(), alerts.System(), "h")
	if err != nil {
		t.Fatal(err)
	}
	err = c.note(t.Context(), h, nil, func(p *alerts.HookProgress) { p.Cursor = 99 })
	if !errors.Is(err, errOver) {
		t.Errorf("got %v", err)
	}
	if p := w.until("h", "there", func(alerts.HookProgress) bool { return true }); p.Cursor != 0 {
		t.Errorf("it moved the cursor to %d", p.Cursor)
	}
}

// What was swept away before it could be delivered is said.
func TestMissedEvents(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL, nil)
	w.emit(alerts.AlertRaised, "east", "lost")
	w.clock.add(time.Hour)
	last := w.emit(alerts.AlertRaised, "east", "kept")
	if err := w.store.Sweep(t.Context(), w.clock.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	w.emit(alerts.AlertRaised, "east", "next")
	w.courier("a", nil)
	r.wait(t, 2)
	calls := r.got()
	if !calls[0].msg.Missed || calls[0].msg.Event.Seq != last || calls[1].msg.Missed {
		t.Errorf("%+v %+v", calls[0].msg, calls[1].msg)
	}
}

// What concerns others moves the cursor, but not in the store each time.
func TestCursorFollowsWhatIsForOthers(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL, nil)
	var last int64
	w.write(func(tx alerts.Tx) error {
		for range storeBehind + page {
			e := alerts.Event{Kind: alerts.CameraSaved, AreaID: "west"}
			if err := tx.Append(&e); err != nil {
				return err
			}
			last = e.Seq
		}
		return nil
	})
	w.courier("a", nil)
	w.until("h", "near the end", func(p alerts.HookProgress) bool { return p.Cursor > last-storeBehind })
	if len(r.got()) != 0 {
		t.Error("it was called")
	}
}

func TestCloseWhileDelivering(t *testing.T) {
	w := newWorld(t)
	came := make(chan struct{})
	r := w.receiver(func(_ http.ResponseWriter, req *http.Request) { close(came); <-req.Context().Done() })
	w.hook("h", r.URL, nil)
	c := w.courier("a", nil)
	w.emit(alerts.AlertRaised, "east", "1")
	<-came
	done := make(chan struct{})
	go func() { c.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("it does not close")
	}
	p := w.until("h", "there", func(alerts.HookProgress) bool { return true })
	if p.Failures != 0 {
		t.Errorf("our closing counts as their failure: %+v", p)
	}
	c.Close()
}

func TestPauses(t *testing.T) {
	c := New(nil, nil)
	before := time.Duration(0)
	for n := 1; n < 40; n++ {
		lo, hi := time.Duration(1<<62), time.Duration(0)
		for range 200 {
			d := c.pause(n)
			lo, hi = min(lo, d), max(hi, d)
		}
		if lo < before/2 || hi > DefaultMaxBackOff || hi == lo || n > 12 && lo < DefaultMaxBackOff/2 {
			t.Errorf("after %d: %s to %s", n, lo, hi)
		}
		before = hi / 2
	}
}

func TestOpenChecksItsFields(t *testing.T) {
	for name, set := range map[string]func(*Courier){
		"no vault": func(c *Courier) { c.Vault = nil }, "no node": func(c *Courier) { c.Node = "" },
		"a short lease": func(c *Courier) { c.Lease = c.Timeout },
	} {
		c := New(nil, nil)
		c.Vault, c.Node = plainVault{}, "a"
		set(c)
		if c.Open() == nil {
			t.Errorf("%s: it opened", name)
		}
		c.Close()
	}
}

// A change of the rules happens in no area: every webhook that asked gets it.
func TestRulesReachEveryArea(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL, func(h *alerts.Webhook) { h.Kinds, h.AreaID = []alerts.EventKind{alerts.RulesChanged}, "east" })
	w.courier("a", nil)
	seq := w.emit(alerts.RulesChanged, "", "deadlines")
	r.wait(t, 1)
	if got := r.numbers(); !slices.Equal(got, []int64{seq}) {
		t.Errorf("got %v", got)
	}
}

// A run that begins from an old reading sends nothing again.
func TestWhatIsDeliveredIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil)
	w.hook("h", r.URL, nil)
	c := w.courier("a", nil)
	old, err := w.store.Webhook(t.Context(), alerts.System(), "h")
	if err != nil {
		t.Fatal(err)
	}
	seq := w.emit(alerts.AlertRaised, "east", "1")
	w.until("h", "up to date", func(p alerts.HookProgress) bool { return p.Cursor >= seq })
	c.run(t.Context(), old, old.Progress.Cursor)
	if got := r.numbers(); !slices.Equal(got, []int64{seq}) {
		t.Errorf("got %v", got)
	}
}
