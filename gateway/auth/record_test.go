package auth

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// recorded returns the audit, oldest first.
func (w *world) recorded(t *testing.T) []alerts.AuditEntry {
	t.Helper()
	list, err := w.store.AuditFrom(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSignInRecorded(t *testing.T) {
	w := newWorld(t, func(a *Auth) { a.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")} })
	r := request("192.0.2.1")
	r.Header.Set("X-Forwarded-For", "10.9.8.7, 203.0.113.5")
	rec := httptest.NewRecorder()
	if _, err := w.SignIn(rec, r, "li", password); err != nil {
		t.Fatal(err)
	}
	list := w.recorded(t)
	if len(list) != 1 {
		t.Fatalf("%d entries: %v", len(list), list)
	}
	e := list[0]
	if e.Kind != alerts.AuditSignIn || e.UserID != "u-li" || e.UserName != "li" || e.Role != alerts.DutyOfficer || e.Address != "203.0.113.5" ||
		e.AreaID != "east" || e.Object != "user/u-li" || e.Details["username"] != "li" {
		t.Errorf("got %+v", e)
	}
	cookie := rec.Result().Cookies()[0]
	p, err := w.Authenticate(request("198.51.100.9", cookie))
	if err != nil || p.Scope.Address != "198.51.100.9" {
		t.Errorf("the scope has the address %q (%v)", p.Scope.Address, err)
	}
	// Signing in again in the same browser ends the first session.
	second := httptest.NewRecorder()
	if _, err := w.SignIn(second, request("198.51.100.9", cookie), "li", password); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds no session any more
		if err := w.SignOut(httptest.NewRecorder(), request("198.51.100.10", second.Result().Cookies()[0])); err != nil {
			t.Fatal(err)
		}
	}
	var kinds []string
	for _, e := range w.recorded(t) {
		kinds = append(kinds, string(e.Kind)+"@"+e.Address)
	}
	if got := strings.Join(kinds, " "); got != "sign_in@203.0.113.5 sign_out@198.51.100.9 sign_in@198.51.100.9 sign_out@198.51.100.10" {
		t.Errorf("got %s", got)
	}
}

// refusing is a store that takes no entries.
type refusing struct {
	alerts.Store
}

type refusingTx struct{ alerts.Tx }

func (refusingTx) AppendAudit(*alerts.AuditEntry) error {
	return alerts.Errorf(alerts.Unavailable, "the disk is full: nothing can be stored")
}

func (r refusing) Write(ctx context.Context, fn func(alerts.Tx) error) error {
	return r.Store.Write(ctx, func(tx alerts.Tx) error { return fn(refusingTx{tx}) })
}

// Who cannot be recorded is not signed in; who leaves, leaves.
func TestUnrecorded(t *testing.T) {
	w := newWorld(t, nil)
	_, cookie := w.signIn(t, "li")
	w.Auth.store = refusing{w.store}
	rec := httptest.NewRecorder()
	if _, err := w.SignIn(rec, request("192.0.2.1"), "li", password); alerts.KindOf(err) != alerts.Unavailable || err == nil {
		t.Errorf("got %v", err)
	}
	if len(rec.Result().Cookies()) != 0 {
		t.Error("it got a cookie")
	}
	if err := w.SignOut(httptest.NewRecorder(), request("192.0.2.1", cookie)); err != nil {
		t.Error(err)
	}
	if _, err := w.Authenticate(request("192.0.2.1", cookie)); alerts.KindOf(err) != alerts.Unauthenticated {
		t.Errorf("got %v", err)
	}
}

// failed returns what is recorded of failed sign-ins: account, who and how often.
func failed(list []alerts.AuditEntry) map[string]int {
	out := map[string]int{}
	for _, e := range list {
		if e.Kind == alerts.AuditSignInFailed {
			n, _ := strconv.Atoi(e.Details["count"])
			out[e.Details["account"]+" "+e.UserID+" "+e.Address] += n
		}
	}
	return out
}

func TestFailedSignInsRecorded(t *testing.T) {
	w := newWorld(t, nil)
	w.write(t, func(tx alerts.Tx) error {
		u := w.user("off")
		u.Disabled = true
		return tx.SaveUser(u)
	})
	try := func(addr, name, pass string) {
		t.Helper()
		if _, err := w.SignIn(httptest.NewRecorder(), request(addr), name, pass); err == nil {
			t.Error("it got in")
		}
	}
	for range 3 {
		try("192.0.2.1", "li", "wrong")
	}
	try("192.0.2.2", "my-password-typed-here", "wrong")
	try("192.0.2.2", "another-of-them", "wrong")
	try("192.0.2.3", "off", password)
	for range accountBurst { // the rest is throttled
		try("192.0.2.4", "li", "wrong")
	}
	w.Close() // records what was counted
	list := w.recorded(t)
	want := map[string]int{"known u-li 192.0.2.1": 3, "unknown  192.0.2.2": 2, "disabled u-off 192.0.2.3": 1, "known u-li 192.0.2.4": 7,
		"throttled  192.0.2.4": 3}
	if got := failed(list); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if text := fmt.Sprint(list); strings.Contains(text, "typed-here") || strings.Contains(text, "another-of-them") || strings.Contains(text, password) ||
		strings.Contains(text, "wrong") {
		t.Errorf("the audit holds what was typed: %s", text)
	}
}

// A flood of failures leaves few entries, and all of them are counted.
func TestFloodOfFailures(t *testing.T) {
	w := newWorld(t, nil)
	f := newFailures(w.Auth)
	defer f.close()
	f.mu.Lock()
	f.writing = true // flushed by hand here
	f.mu.Unlock()
	const spans, each = 4, 5000
	sum := 0
	for span := range spans {
		for n := range each {
			f.note(alerts.User{}, fmt.Sprintf("2001:db8::%x", n), "unknown")
		}
		sum += each
		for range 3 {
			f.flush(false)
		}
		w.clock.add(failureSpan)
		f.flush(false)
		if got := len(w.recorded(t)); got > 2*(span+1)*(maxFailures+1) {
			t.Fatalf("%d entries", got)
		}
	}
	f.flush(true)
	got := 0
	for _, n := range failed(w.recorded(t)) {
		got += n
	}
	if got != sum {
		t.Errorf("%d failures are counted, want %d", got, sum)
	}
	w.clock.add(failureSpan)
	f.flush(false)
	f.flush(false)
	if len(f.rows) != 0 {
		t.Errorf("%d rows are kept", len(f.rows))
	}
}

// Failures that the store does not take are counted until it does.
func TestFailuresWait(t *testing.T) {
	w := newWorld(t, nil)
	real := w.Auth.store
	f := newFailures(w.Auth)
	f.writing = true // flushed by hand here
	w.Auth.store = refusing{real}
	for range 3 {
		f.note(w.user("li"), "192.0.2.1", "known")
		f.flush(false)
	}
	w.Auth.store = real
	f.close()
	if got := failed(w.recorded(t)); got["known u-li 192.0.2.1"] != 3 {
		t.Errorf("got %v", got)
	}
	f.note(w.user("li"), "192.0.2.1", "known") // counted no more
	if len(f.rows) > 1 {
		t.Error("it counts after its end")
	}
}

// The first failure is recorded by itself, soon.
func TestFailureSoonRecorded(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.SignIn(httptest.NewRecorder(), request("192.0.2.1"), "li", "wrong"); err == nil {
		t.Fatal("it got in")
	}
	deadline := time.After(10 * time.Second)
	for len(w.recorded(t)) == 0 {
		select {
		case <-deadline:
			t.Fatal("nothing was recorded")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
