package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func (w *world) try(name, pass, addr string) error {
	_, err := w.SignIn(httptest.NewRecorder(), request(addr), name, pass)
	return err
}

// Nothing in the answer tells whether an account exists.
func TestNoUserEnumeration(t *testing.T) {
	w := newWorld(t, nil)
	w.write(t, func(tx alerts.Tx) error {
		off, broken := w.user("off"), w.user("broken")
		off.Disabled, broken.PasswordHash = true, "not a hash"
		return errors.Join(tx.SaveUser(off), tx.SaveUser(broken))
	})
	want := w.try("li", "a wrong password", "192.0.2.1")
	if alerts.KindOf(want) != alerts.Unauthenticated {
		t.Fatal(want)
	}
	for _, c := range [][2]string{{"nobody", password}, {"off", password}, {"off", "a wrong password"}, {"broken", password}, {"' or 1=1", "x"}} {
		rec := httptest.NewRecorder()
		_, err := w.SignIn(rec, request("192.0.2.1"), c[0], c[1])
		if err == nil || err.Error() != want.Error() || len(rec.Result().Cookies()) > 0 {
			t.Errorf("%s: %v, want %v", c[0], err, want)
		}
	}
	// An unknown account is throttled like a known one.
	for _, name := range []string{"li", "nobody2"} {
		var err error
		for i := range accountBurst + 1 {
			err = w.try(name, "wrong", fmt.Sprintf("198.51.100.%d", i))
		}
		if alerts.KindOf(err) != alerts.TooMany {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same work is done for an unknown user as for a known one: a slot is taken
// and argon2id is run, with the same parameters.
func TestDecoyCostsTheSame(t *testing.T) {
	h := New(nil, nil).hasher
	p, salt, key, err := decodeHash(h.decoy)
	if err != nil || p != strong() || h.params != strong() || len(salt) != argonSalt || len(key) != argonKey {
		t.Errorf("decoy %q: %+v (%v)", h.decoy, p, err)
	}
	if h.verify(h.decoy, "") || h.verify("garbage", "garbage") {
		t.Error("the decoy matched")
	}
}

func TestThrottleByAccount(t *testing.T) {
	w := newWorld(t, nil)
	w.signIn(t, "li") // from 192.0.2.1: a known address from now on
	for i := range accountBurst {
		if err := w.try("LI", "wrong", fmt.Sprintf("198.51.100.%d", i)); alerts.KindOf(err) != alerts.Unauthenticated {
			t.Fatal(err)
		}
	}
	err := w.try("li", password, "198.51.100.200")
	var wait *Wait
	if alerts.KindOf(err) != alerts.TooMany || !errors.As(err, &wait) || wait.RetryAfter() != accountEvery {
		t.Errorf("the right password from a new address: %v (%+v)", err, wait)
	}
	if err := w.try("li", password, "192.0.2.1"); err != nil {
		t.Errorf("the owner is locked out of his own place: %v", err)
	}
	w.clock.add(accountEvery)
	if err := w.try("li", password, "198.51.100.200"); err != nil {
		t.Errorf("after waiting: %v", err)
	}
}

func TestThrottleByAddress(t *testing.T) {
	w := newWorld(t, nil)
	for i := range addressBurst {
		// All of one /64.
		if err := w.try(fmt.Sprintf("user%d", i), "wrong", fmt.Sprintf("[2001:db8::%x]", i+1)); alerts.KindOf(err) != alerts.Unauthenticated {
			t.Fatal(err)
		}
	}
	if err := w.try("li", password, "[2001:db8::ffff]"); alerts.KindOf(err) != alerts.TooMany {
		t.Errorf("got %v", err)
	}
	if err := w.try("li", password, "[2001:db8:0:1::1]"); err != nil {
		t.Errorf("another network: %v", err)
	}
	w.clock.add(addressEvery)
	if err := w.try("li", password, "[2001:db8::ffff]"); err != nil {
		t.Errorf("after waiting: %v", err)
	}
}

// Many at once do not get through more than the throttle lets and the slots add.
func TestThrottleHoldsAgainstABurst(t *testing.T) {
	w := newWorld(t, nil)
	var mu sync.Mutex
	checked := 0
	var wg sync.WaitGroup
	for i := range hashesAtOnce + hashesQueued {
		wg.Go(func() {
			err := w.try("li", "wrong", fmt.Sprintf("198.51.100.%d", i))
			mu.Lock()
			defer mu.Unlock()
			if alerts.KindOf(err) == alerts.Unauthenticated {
				checked++
			}
		})
	}
	wg.Wait()
	if checked > accountBurst+hashesAtOnce {
		t.Errorf("%d passwords were tried", checked)
	}
}

func TestSignInChecksItsInput(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct{ name, pass, field string }{
		{"", "x", "username"}, {strings.Repeat("a", 65), "x", "username"}, {"\xff", "x", "username"},
		{"li", "", "password"}, {"li", strings.Repeat("a", 257), "password"},
	} {
		var e *alerts.Error
		if err := w.try(c.name, c.pass, "192.0.2.1"); !errors.As(err, &e) || e.Kind != alerts.Invalid || e.Faults[0].Field != c.field {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	for pass, ok := range map[string]bool{
		"123456789": false, "1234567890": true, "密码密码密码密码密": false, "密码密码密码密码密码": true,
		"Duty.Officer": false, " duty.officer ": false, strings.Repeat("x", 257): false, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff": false,
	} {
		err := CheckPassword("duty.officer", pass)
		var e *alerts.Error
		if (err == nil) != ok || err != nil && (!errors.As(err, &e) || e.Faults[0].Field != "password" || strings.Contains(err.Error(), pass)) {
			t.Errorf("%q: %v", pass, err)
		}
	}
}

func TestHashIsBounded(t *testing.T) {
	h := newHasher(strong())
	var release []func()
	for range hashesAtOnce {
		r, err := h.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	for range hashesQueued + 1 { // one more than there is room for
		go func() { _, err := h.acquire(ctx); results <- err }()
	}
	if err := <-results; alerts.KindOf(err) != alerts.Unavailable {
		t.Errorf("got %v", err)
	}
	cancel()
	for range hashesQueued {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	for _, r := range release {
		r()
	}
	if n := h.waiting.Load(); n != 0 {
		t.Errorf("%d are counted still", n)
	}
}

func TestTablesAreBounded(t *testing.T) {
	b := newBuckets(1, time.Second)
	now := time.Now()
	for i := range throttleRows + 100 {
		b.failed(fmt.Sprint(i), now)
		b.failed("often", now)
	}
	if n := b.rows.len(); n != throttleRows {
		t.Errorf("%d rows", n)
	}
	if b.check("often", now) == nil || b.check("0", now) != nil {
		t.Error("the wrong row gave way")
	}
}

func TestEndedSessionsAreBounded(t *testing.T) {
	s := newSessionStore(nil, time.Now, time.Hour)
	for i := range 2 * endedKept {
		s.forget(fmt.Sprint(i))
		s.forget(fmt.Sprint(i))
	}
	if len(s.ended) != endedKept || !s.isEnded(fmt.Sprint(2*endedKept-1)) || !s.isEnded(fmt.Sprint(endedKept)) {
		t.Errorf("%d are kept", len(s.ended))
	}
}

func FuzzDecodeHash(f *testing.F) {
	f.Add(newHasher(strong()).decoy)
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$AA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, _, key, err := decodeHash(s)
		if err == nil && (p.memory > argonMaxMemory || p.time > argonMaxTime || p.time == 0 || p.threads == 0 || len(key) < 16) {
			t.Errorf("%q: %+v", s, p)
		}
	})
}

func FuzzClientAddr(f *testing.F) {
	f.Add("203.0.113.9, 10.0.0.1")
	f.Fuzz(func(t *testing.T, header string) {
		a := New(nil, nil)
		a.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		r := request("10.0.0.1")
		r.Header.Set("X-Forwarded-For", header)
		if !a.ClientAddr(r).IsValid() {
			t.Errorf("%q: no address", header)
		}
	})
}
