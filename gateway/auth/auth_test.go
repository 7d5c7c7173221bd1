package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func TestSession(t *testing.T) {
	w := newWorld(t, nil)
	p, cookie := w.signIn(t, "li")
	if cookie.Name != CookieName || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/" {
		t.Errorf("cookie %+v", cookie)
	}
	if p.Scope.User != "u-li" || p.Scope.Role != alerts.DutyOfficer || len(p.Scope.Paths) != 1 || p.Scope.Paths[0] != "/city/east/" {
		t.Errorf("scope %+v", p.Scope)
	}
	if p.User.PasswordHash != "" {
		t.Error("the principal carries the password's hash")
	}
	again, err := w.Authenticate(request("192.0.2.1", cookie))
	if err != nil || again.SessionHash != p.SessionHash || !again.Expires.Equal(p.Expires) || again.User.PasswordHash != "" {
		t.Errorf("got %+v (%v), want %+v", again, err, p)
	}
	stored, err := w.store.Session(t.Context(), p.SessionHash)
	if err != nil || stored.UserID != "u-li" || strings.Contains(string(stored.Data)+stored.TokenHash, cookie.Value) {
		t.Errorf("the store has %+v (%v)", stored, err)
	}
	rec := httptest.NewRecorder()
	if err := w.SignOut(rec, request("192.0.2.1", cookie)); err != nil {
		t.Fatal(err)
	}
	if c := rec.Result().Cookies()[0]; c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("the cookie was not taken back: %+v", c)
	}
	if _, err := w.Authenticate(request("192.0.2.1", cookie)); alerts.KindOf(err) != alerts.Unauthenticated {
		t.Errorf("signed out, and yet: %v", err)
	}
}

func TestSecureCookie(t *testing.T) {
	w := newWorld(t, func(a *Auth) { a.Secure = true })
	if _, cookie := w.signIn(t, "li"); !cookie.Secure {
		t.Error("the cookie is not Secure")
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	w := newWorld(t, nil)
	for name, cookies := range map[string][]*http.Cookie{
		"none":     nil,
		"empty":    {{Name: CookieName, Value: ""}},
		"guessed":  {{Name: CookieName, Value: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		"too long": {{Name: CookieName, Value: strings.Repeat("A", 5000)}},
		"sql":      {{Name: CookieName, Value: "' OR 1=1 --"}},
	} {
		if _, err := w.Authenticate(request("192.0.2.1", cookies...)); err == nil || alerts.KindOf(err) != alerts.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The hash, as somebody who has read the database would send it.
	p, _ := w.signIn(t, "li")
	if _, err := w.Authenticate(request("192.0.2.1", &http.Cookie{Name: CookieName, Value: p.SessionHash})); err == nil {
		t.Error("the hash was taken for the token")
	}
}

func TestSessionEnds(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *world){
		"idle":     func(_ *testing.T, w *world) { w.clock.add(DefaultIdle) },
		"disabled": func(t *testing.T, w *world) { w.change(t, func(u *alerts.User) { u.Disabled = true }) },
		"revoked": func(t *testing.T, w *world) {
			w.clock.add(time.Second)
			w.change(t, func(u *alerts.User) { u.SessionsFrom = w.clock.Now() })
		},
		"absolute": func(t *testing.T, w *world) { w.clock.add(DefaultAbsolute) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			_, cookie := w.signIn(t, "li")
			end(t, w)
			if _, err := w.Authenticate(request("192.0.2.1", cookie)); err == nil || alerts.KindOf(err) != alerts.Unauthenticated {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUseKeepsASessionUntilItsAbsoluteEnd(t *testing.T) {
	w := newWorld(t, nil)
	_, cookie := w.signIn(t, "li")
	for range 3 { // 7 h each: longer than idling may last in all
		w.clock.add(7 * time.Hour)
		if _, err := w.Authenticate(request("192.0.2.1", cookie)); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.add(3 * time.Hour)
	if _, err := w.Authenticate(request("192.0.2.1", cookie)); alerts.KindOf(err) != alerts.Unauthenticated {
		t.Errorf("beyond the absolute end: %v", err)
	}
}

func TestScopeFollowsTheStore(t *testing.T) {
	w := newWorld(t, nil)
	_, cookie := w.signIn(t, "li")
	w.change(t, func(u *alerts.User) { u.Role, u.AreaID = alerts.Handler, "west" })
	p, err := w.Authenticate(request("192.0.2.1", cookie))
	if err != nil || p.Scope.Can(alerts.WatchVideo) || p.Scope.Covers("/city/east/") || !p.Scope.Covers("/city/west/") {
		t.Errorf("scope %+v (%v)", p.Scope, err)
	}
}

func TestSignInEndsTheSessionBefore(t *testing.T) {
	w := newWorld(t, nil)
	_, old := w.signIn(t, "li")
	rec := httptest.NewRecorder()
	if _, err := w.SignIn(rec, request("192.0.2.1", old), "li", password); err != nil {
		t.Fatal(err)
	}
	if rec.Result().Cookies()[0].Value == old.Value {
		t.Error("the token was kept")
	}
	if _, err := w.Authenticate(request("192.0.2.1", old)); alerts.KindOf(err) != alerts.Unauthenticated {
		t.Errorf("the session before lives: %v", err)
	}
}

// A request that is on its way when its session ends must not write it back.
func TestEndedSessionIsNotWrittenBack(t *testing.T) {
	w := newWorld(t, nil)
	p, cookie := w.signIn(t, "li")
	_, s, err := w.resolve(t.Context(), p.SessionHash)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SignOut(httptest.NewRecorder(), request("192.0.2.1", cookie)); err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Hour)
	if err := w.sessions.touch(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Store.Session(t.Context(), p.SessionHash); alerts.KindOf(err) != alerts.NotFound {
		t.Errorf("the session is in the store again: %v", err)
	}
}

// A change of password while the old one is being checked ends that session,
// whatever the clock says.
func TestSessionOfAPasswordThatIsBeingChanged(t *testing.T) {
	w := newWorld(t, nil)
	u, err := w.checkPassword(t.Context(), request("192.0.2.1"), "li", password)
	if err != nil {
		t.Fatal(err)
	}
	w.change(t, func(u *alerts.User) { u.SessionsFrom = w.clock.Now().Add(-time.Hour) })
	rec := httptest.NewRecorder()
	if _, err := w.begin(rec, request("192.0.2.1"), u); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(request("192.0.2.1", rec.Result().Cookies()[0])); alerts.KindOf(err) != alerts.Unauthenticated {
		t.Errorf("got %v", err)
	}
}

func TestStoreDown(t *testing.T) {
	w := newWorld(t, nil)
	_, cookie := w.signIn(t, "li")
	w.store.fail(errors.New("disk I/O error"))
	if _, err := w.Authenticate(request("192.0.2.1", cookie)); alerts.KindOf(err) != alerts.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestClientAddr(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"direct":                     {"192.0.2.1:1", nil, "192.0.2.1"},
		"forged by a stranger":       {"192.0.2.1:1", []string{"203.0.113.9"}, "192.0.2.1"},
		"through a proxy":            {"10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"forged through a proxy":     {"10.0.0.1:1", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		"through two proxies":        {"10.0.0.1:1", []string{"203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		"two headers":                {"10.0.0.1:1", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		"rubbish left of the truth":  {"10.0.0.1:1", []string{"x, 203.0.113.9"}, "203.0.113.9"},
		"rubbish":                    {"10.0.0.1:1", []string{"x"}, "10.0.0.1"},
		"proxies alone":              {"10.0.0.1:1", []string{"10.0.0.2"}, "10.0.0.2"},
		"no header":                  {"10.0.0.1:1", nil, "10.0.0.1"},
		"IPv6":                       {"[fd00::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv4 in IPv6":               {"[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"no address (a unix socket)": {"@", nil, "invalid IP"},
	} {
		a := New(nil, nil)
		a.TrustedProxies = trusted
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := a.ClientAddr(r).String(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

type sources map[string]alerts.Source

func (s sources) SourceByToken(_ context.Context, token string) (alerts.Source, error) {
	if src, ok := s[token]; ok {
		return src, nil
	}
	return alerts.Source{}, alerts.Errorf(alerts.Unauthenticated, "no such token")
}

func TestSource(t *testing.T) {
	w := newWorld(t, func(a *Auth) {
		a.Sources = sources{"right": {ID: "box"}, "old": {ID: "gone", Disabled: true}}
	})
	for header, want := range map[string]string{
		"Bearer right": "box", "bearer  right": "box", "Bearer wrong": "", "Bearer old": "", "Bearer": "", "Bearer ": "",
		"Basic right": "", "": "", "right": "", "Bearer " + strings.Repeat("x", 300): "",
	} {
		r := request("192.0.2.1")
		r.Header.Set("Authorization", header)
		src, err := w.Source(r)
		if src.ID != want || (err == nil) != (want != "") || err != nil && alerts.KindOf(err) != alerts.Unauthenticated {
			t.Errorf("%q: %+v, %v", header, src, err)
		}
	}
	// Guessing is slowed down.
	var err error
	for range sourceBurst + 1 {
		r := request("192.0.2.7")
		r.Header.Set("Authorization", "Bearer guess")
		_, err = w.Source(r)
	}
	if alerts.KindOf(err) != alerts.TooMany {
		t.Errorf("got %v", err)
	}
}

func TestEnsureAdmin(t *testing.T) {
	w := newWorld(t, nil)
	made, err := w.EnsureAdmin(t.Context(), "")
	if err != nil || len(made) < 20 {
		t.Fatalf("password %q (%v)", made, err)
	}
	rec := httptest.NewRecorder()
	p, err := w.SignIn(rec, request("192.0.2.1"), AdminName, made)
	if err != nil || p.Scope.Role != alerts.Admin || fmt.Sprint(p.Scope.Paths) != "[/city/]" {
		t.Errorf("%+v (%v)", p.Scope, err)
	}
	if again, err := w.EnsureAdmin(t.Context(), "another password"); again != "" || err != nil {
		t.Errorf("made another: %q (%v)", again, err)
	}
	if _, err := w.SignIn(httptest.NewRecorder(), request("192.0.2.1"), AdminName, "another password"); err == nil {
		t.Error("the password was changed")
	}
}

func TestEnsureAdminWithAPassword(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.EnsureAdmin(t.Context(), "short"); alerts.KindOf(err) != alerts.Invalid {
		t.Errorf("got %v", err)
	}
	if made, err := w.EnsureAdmin(t.Context(), "long enough, really"); made != "" || err != nil {
		t.Fatalf("%q (%v)", made, err)
	}
	if _, err := w.SignIn(httptest.NewRecorder(), request("192.0.2.1"), AdminName, "long enough, really"); err != nil {
		t.Error(err)
	}
}

func TestAdminWithoutAreasHasEverything(t *testing.T) {
	if s := ScopeOf(alerts.User{ID: "a", Role: alerts.Admin}); !s.Everything() {
		t.Errorf("scope %+v", s)
	}
	for _, u := range []alerts.User{{ID: "x", Role: alerts.Leader}, {ID: "y", Role: alerts.Admin, AreaID: "gone"}} {
		if s := ScopeOf(u); s.Covers("/city/") || s.Covers("") {
			t.Errorf("%+v has %+v", u, s)
		}
	}
}

// A scope says for which centre, department and grids its user acts.
func TestScopeOfPosts(t *testing.T) {
	w := newWorld(t, nil)
	officer, leader, handler := w.user("li"), w.user("zhou"), w.user("wu")
	officer.AreaPath = "/city/east/"
	leader.Role, handler.Role, handler.DepartmentID = alerts.GridLeader, alerts.Handler, "fire"
	w.write(t, func(tx alerts.Tx) error {
		now := w.clock.Now()
		hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
		err := errors.Join(tx.SaveDepartment(alerts.Department{ID: "fire", AreaID: "city", Name: "消防"}), tx.SaveUser(leader), tx.SaveUser(handler))
		for _, p := range []alerts.Post{
			{ID: "1", GridID: "now", Kind: alerts.LeaderPost, From: hour(-2)}, {ID: "2", GridID: "now", Kind: alerts.LeaderPost, From: hour(-1), To: hour(1)},
			{ID: "3", GridID: "past", Kind: alerts.LeaderPost, From: hour(-2), To: hour(-1)}, {ID: "4", GridID: "soon", Kind: alerts.LeaderPost, From: hour(1)},
			{ID: "5", GridID: "team", Kind: alerts.TeamPost, From: hour(-1)},
		} {
			p.UserID = leader.ID
			err = errors.Join(err, tx.SaveGrid(alerts.Grid{ID: p.GridID, AreaID: "east", Name: p.GridID}), tx.SavePost(p))
		}
		return err
	})
	if s := ScopeOf(officer); s.Home != "/city/east/" || s.Department != "" || s.Name != "li" || s.Grids != nil {
		t.Errorf("officer %+v", s)
	}
	if s := ScopeOf(handler); s.Home != "" || s.Department != "fire" {
		t.Errorf("handler %+v", s)
	}
	p, err := w.SignIn(httptest.NewRecorder(), request("192.0.2.1"), "zhou", password)
	if err != nil || fmt.Sprint(p.Scope.Grids) != "[now]" || p.Scope.Home != "" {
		t.Errorf("grid leader %+v (%v)", p.Scope, err)
	}
	w.clock.add(90 * time.Minute)
	if grids, err := GridsOf(t.Context(), w.store, leader, w.clock.Now()); err != nil || len(grids) != 2 {
		t.Errorf("later: %v (%v)", grids, err)
	}
}
