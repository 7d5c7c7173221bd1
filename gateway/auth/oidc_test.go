package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
)

// xorVault hides what it seals from a glance, and notices changes.
type xorVault struct{}

func (xorVault) Seal(plain []byte) ([]byte, error) {
	out := append([]byte("seal"), plain...)
	for i := 4; i < len(out); i++ {
		out[i] ^= 0x5a
	}
	return out, nil
}

func (v xorVault) Open(sealed []byte) ([]byte, error) {
	if !bytes.HasPrefix(sealed, []byte("seal")) {
		return nil, errors.New("not sealed here")
	}
	out, _ := v.Seal(sealed[4:])
	return out[4:], nil
}

// provider is a real OpenID provider, of another hand than the code that it
// tests, and a gateway that knows it.
type provider struct {
	*mockoidc.MockOIDC
	*world
	forge func(jwt.MapClaims, *forged) // changes the ID token; nil: as the provider made it
}

// forged is how a changed ID token is signed.
type forged struct {
	method jwt.SigningMethod
	key    any
}

const callback = "https://gateway.example" + OIDCPath + "/callback"

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	key, err := mockoidc.DefaultKeypair() // making one takes longer than the tests
	if err != nil {
		t.Fatal(err)
	}
	if p.MockOIDC, err = mockoidc.NewServer(key.PrivateKey); err != nil {
		t.Fatal(err)
	}
	if err := p.AddMiddleware(p.forging(t)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	if err := p.Start(server.Listener, nil); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := p.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	p.world = newWorld(t, func(a *Auth) {
		a.Vault = xorVault{}
		a.OIDC = &OIDC{Issuer: p.Issuer(), ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: callback,
			Client: &http.Client{Transport: boundedAnswers{transport}, Timeout: 5 * time.Second}}
	})
	p.clock.add(time.Since(p.clock.Now())) // tokens are dated by the provider's clock
	p.changeUser(t, "u-li", func(u *alerts.User) { u.SessionsFrom = p.clock.Now() })
	return p
}

// forging lets a test change the ID token between provider and gateway.
func (p *provider) forging(t *testing.T) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p.forge == nil || r.URL.Path != mockoidc.TokenEndpoint {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			var answer map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || rec.Code != http.StatusOK {
				w.WriteHeader(rec.Code)
				_, _ = w.Write(rec.Body.Bytes())
				return
			}
			claims := jwt.MapClaims{}
			if _, _, err := jwt.NewParser().ParseUnverified(answer["id_token"].(string), claims); err != nil {
				t.Error(err)
			}
			f := &forged{jwt.SigningMethodRS256, p.Keypair.PrivateKey}
			p.forge(claims, f)
			token := jwt.NewWithClaims(f.method, claims)
			if token.Header["kid"], _ = p.Keypair.KeyID(); f.method == nil {
				t.Error("no method")
			}
			signed, err := token.SignedString(f.key)
			if err != nil {
				t.Error(err)
			}
			answer["id_token"] = signed
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
}

// begins begins a sign-in as the browser does, and returns the provider's page
// and the cookie.
func (p *provider) begins(t *testing.T, back string) (*url.URL, *http.Cookie) {
	t.Helper()
	rec := httptest.NewRecorder()
	location, err := p.BeginOIDC(rec, request("192.0.2.1"), back)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	cookies := rec.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	return u, cookies[0]
}

// through goes through the provider's page as a user, and returns where it sends
// the browser back to.
func (p *provider) through(t *testing.T, page *url.URL, user mockoidc.User) *url.URL {
	t.Helper()
	p.QueueUser(user)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(page.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		t.Fatalf("%d: %v", answer.StatusCode, err)
	}
	return back
}

// comes comes back to the gateway.
func (p *provider) comes(back *url.URL, cookies ...*http.Cookie) (Principal, string, *httptest.ResponseRecorder, error) {
	r := httptest.NewRequest(http.MethodGet, back.String(), nil)
	r.RemoteAddr = "192.0.2.1:4711"
	for _, c := range cookies {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	who, page, err := p.FinishOIDC(rec, r)
	return who, page, rec, err
}

func person(name string) *mockoidc.MockUser {
	return &mockoidc.MockUser{Subject: "sub-" + name, PreferredUsername: name, Email: name + "@example.org", EmailVerified: true}
}

func TestOIDCSignsIn(t *testing.T) {
	p := newProvider(t)
	page, cookie := p.begins(t, "/wall?layout=9")
	q := page.Query()
	if q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || len(q.Get("state")) < 40 ||
		q.Get("redirect_uri") != callback || q.Get("response_type") != "code" || q.Get("scope") != "openid profile" {
		t.Errorf("asked for %v", q)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != OIDCPath || cookie.MaxAge != 600 ||
		strings.Contains(cookie.Value, q.Get("state")) {
		t.Errorf("cookie %+v", cookie)
	}
	back := p.through(t, page, person("li"))
	who, to, rec, err := p.comes(back, cookie)
	if err != nil {
		t.Fatal(err)
	}
	if who.User.ID != "u-li" || to != "/wall?layout=9" || who.Scope.Role != alerts.DutyOfficer || who.Scope.Address == "" {
		t.Errorf("%+v to %s", who, to)
	}
	var session *http.Cookie
	for _, c := range rec.Result().Cookies() {
		if c.Name == CookieName {
			session = c
		} else if c.Name == oidcCookie && c.MaxAge >= 0 {
			t.Error("the cookie of the sign-in stays")
		}
	}
	if session == nil || !session.HttpOnly {
		t.Fatalf("cookies %v", rec.Result().Cookies())
	}
	if got, err := p.Authenticate(request("192.0.2.1", session)); err != nil || got.User.ID != "u-li" {
		t.Errorf("%+v (%v)", got, err)
	}
	entries, _, err := p.store.Audit(t.Context(), alerts.System(), alerts.AuditFilter{Kind: alerts.AuditSignIn})
	if err != nil || len(entries) != 1 || entries[0].UserID != "u-li" || entries[0].Details["by"] != "oidc" {
		t.Errorf("audit %+v (%v)", entries, err)
	}
	// The code and the state serve once.
	if _, _, _, err := p.comes(back, cookie); alerts.KindOf(err) != alerts.Unauthenticated {
		t.Errorf("the same again: %v", err)
	}
}

func TestOIDCRefuses(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	li := func() mockoidc.User { return person("li") }
	p := newProvider(t)
	for name, c := range map[string]struct {
		user  mockoidc.User
		forge func(jwt.MapClaims, *forged)
		back  func(url.Values)
		set   func(*testing.T) (undo func())
	}{
		"somebody without an account": {user: person("nobody")},
		"another spelling":            {user: person("LI")},
		"a name of nothing":           {user: person("")},
		"a disabled account": {user: li(), set: func(t *testing.T) func() {
			p.changeUser(t, "u-li", func(u *alerts.User) { u.Disabled = true })
			return func() { p.changeUser(t, "u-li", func(u *alerts.User) { u.Disabled = false }) }
		}},
		"an email that was not verified": {user: &mockoidc.MockUser{Subject: "x", Email: "li", PreferredUsername: "li"},
			set: func(*testing.T) func() { p.OIDC.Claim = "email"; return func() { p.OIDC.Claim = "" } }},
		"another nonce":                    {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["nonce"] = "x" }},
		"no nonce":                         {user: li(), forge: func(m jwt.MapClaims, _ *forged) { delete(m, "nonce") }},
		"another audience":                 {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["aud"] = "other" }},
		"no audience":                      {user: li(), forge: func(m jwt.MapClaims, _ *forged) { delete(m, "aud") }},
		"another issuer":                   {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["iss"] = "https://evil.example" }},
		"somebody else's":                  {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["azp"] = "other" }},
		"two audiences":                    {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["aud"] = []any{m["aud"].([]any)[0], "other"} }},
		"expired":                          {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["exp"] = time.Now().Add(-time.Hour).Unix() }},
		"not yet":                          {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["nbf"] = time.Now().Add(time.Hour).Unix() }},
		"a name that is none":              {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["preferred_username"] = []string{"li"} }},
		"the hash of another access token": {user: li(), forge: func(m jwt.MapClaims, _ *forged) { m["at_hash"] = "x" }},
		"no signature": {user: li(), forge: func(_ jwt.MapClaims, f *forged) {
			f.method, f.key = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		}},
		"another key": {user: li(), forge: func(_ jwt.MapClaims, f *forged) { f.key = other }},
		"signed with our secret": {user: li(), forge: func(_ jwt.MapClaims, f *forged) {
			f.method, f.key = jwt.SigningMethodHS256, []byte("secret")
		}},
		"an answer of another issuer": {user: li(), back: func(q url.Values) { q.Set("iss", "https://evil.example") }},
		"a code that is none":         {user: li(), back: func(q url.Values) { q.Set("code", "guess") }},
		"no code":                     {user: li(), back: func(q url.Values) { q.Del("code") }},
		"refused by the provider":     {user: li(), back: func(q url.Values) { q.Set("error", "access_denied") }},
	} {
		t.Run(name, func(t *testing.T) {
			p.forge = c.forge
			defer func() { p.forge = nil }()
			if c.set != nil {
				defer c.set(t)()
			}
			page, cookie := p.begins(t, "/")
			back := p.through(t, page, c.user)
			if c.back != nil {
				q := back.Query()
				c.back(q)
				back.RawQuery = q.Encode()
			}
			_, _, rec, err := p.comes(back, cookie)
			if alerts.KindOf(err) != alerts.Unauthenticated {
				t.Fatalf("got %v", err)
			}
			var e *alerts.Error
			if errors.As(err, &e); e.Message != refusedBy(nil).(*alerts.Error).Message {
				t.Errorf("told more than others: %q", e.Message)
			}
			for _, c := range rec.Result().Cookies() {
				if c.Name == CookieName {
					t.Error("a session was begun")
				}
			}
		})
	}
	// And whoever may is let in all the same.
	page, cookie := p.begins(t, "/")
	if _, _, _, err := p.comes(p.through(t, page, li()), cookie); err != nil {
		t.Error(err)
	}
	p.Auth.failures.close()
	if entries, _, err := p.store.Audit(t.Context(), alerts.System(), alerts.AuditFilter{Kind: alerts.AuditSignInFailed}); err != nil || len(entries) == 0 {
		t.Errorf("audit %+v (%v)", entries, err)
	}
}

// A sign-in that this browser did not begin, or not a short while ago.
func TestOIDCOfAnotherBrowser(t *testing.T) {
	p := newProvider(t)
	page, cookie := p.begins(t, "/")
	back := p.through(t, page, person("li"))
	_, others := p.begins(t, "/")
	broken := *cookie
	broken.Value = "AAAA" + broken.Value[4:]
	long := *cookie
	long.Value = strings.Repeat("A", maxOIDCCookie+1)
	wrong := *back
	q := wrong.Query()
	q.Set("state", "x")
	wrong.RawQuery = q.Encode()
	none := *back
	q.Del("state")
	none.RawQuery = q.Encode()
	for name, c := range map[string]struct {
		back    *url.URL
		cookies []*http.Cookie
	}{
		"no cookie": {back, nil}, "another's cookie": {back, []*http.Cookie{others}}, "a broken cookie": {back, []*http.Cookie{&broken}},
		"a long cookie": {back, []*http.Cookie{&long}}, "another state": {&wrong, []*http.Cookie{cookie}}, "no state": {&none, []*http.Cookie{cookie}},
	} {
		if _, _, _, err := p.comes(c.back, c.cookies...); alerts.KindOf(err) != alerts.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.clock.add(oidcWithin)
	if _, _, _, err := p.comes(back, cookie); alerts.KindOf(err) != alerts.Invalid {
		t.Errorf("too late: %v", err)
	}
}

// claimless is a user whose ID token holds no name.
type claimless struct {
	*mockoidc.MockUser
	subject string // of what the provider tells of him
}

func (c claimless) Claims(_ []string, base *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	return base, nil
}

func (c claimless) Userinfo([]string) ([]byte, error) {
	return json.Marshal(map[string]string{"sub": c.subject, "preferred_username": c.PreferredUsername})
}

func TestOIDCNameFromUserinfo(t *testing.T) {
	p := newProvider(t)
	for subject, ok := range map[string]bool{"sub-li": true, "sub-other": false} {
		page, cookie := p.begins(t, "/")
		who, _, _, err := p.comes(p.through(t, page, claimless{person("li"), subject}), cookie)
		if (err == nil) != ok || ok && who.User.ID != "u-li" {
			t.Errorf("%s: %+v (%v)", subject, who.User, err)
		}
	}
}

func TestOIDCByEmail(t *testing.T) {
	p := newProvider(t)
	p.OIDC.Claim = "email"
	page, cookie := p.begins(t, "/")
	if page.Query().Get("scope") != "openid email" {
		t.Errorf("%v", page.Query())
	}
	p.forge = func(m jwt.MapClaims, _ *forged) { m["email"], m["email_verified"] = "li", true }
	if _, _, _, err := p.comes(p.through(t, page, person("li")), cookie); err != nil {
		t.Error(err)
	}
}

func TestOIDCIsThrottled(t *testing.T) {
	p := newProvider(t)
	page, cookie := p.begins(t, "/")
	back := p.through(t, page, person("li"))
	q := back.Query()
	q.Set("error", "access_denied")
	back.RawQuery = q.Encode()
	var err error
	for range addressBurst + 1 {
		_, _, _, err = p.comes(back, cookie)
	}
	if alerts.KindOf(err) != alerts.TooMany {
		t.Errorf("got %v", err)
	}
	if _, err := p.BeginOIDC(httptest.NewRecorder(), request("192.0.2.1"), "/"); alerts.KindOf(err) != alerts.TooMany {
		t.Errorf("beginning: %v", err)
	}
	if _, err := p.BeginOIDC(httptest.NewRecorder(), request("192.0.2.2"), "/"); err != nil {
		t.Errorf("another address: %v", err)
	}
}

// A provider that does not answer is said, and asked again later.
func TestOIDCProviderDown(t *testing.T) {
	p := newProvider(t)
	p.QueueError(&mockoidc.ServerError{Code: http.StatusInternalServerError, Error: "x"})
	for range 2 { // the second time it is not even asked
		if _, err := p.BeginOIDC(httptest.NewRecorder(), request("192.0.2.1"), "/"); alerts.KindOf(err) != alerts.Unavailable {
			t.Errorf("got %v", err)
		}
	}
	p.clock.add(oidcRetry)
	page, cookie := p.begins(t, "/")
	back := p.through(t, page, person("li"))
	p.OIDC.Client = &http.Client{Transport: failing{}}
	if _, _, _, err := p.comes(back, cookie); alerts.KindOf(err) != alerts.Unavailable || strings.Contains(err.Error(), back.Query().Get("code")) {
		t.Errorf("got %v", err)
	}
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestOIDCIsOffByDefault(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.BeginOIDC(httptest.NewRecorder(), request("192.0.2.1"), "/"); alerts.KindOf(err) != alerts.NotFound {
		t.Errorf("got %v", err)
	}
	if _, _, err := w.FinishOIDC(httptest.NewRecorder(), request("192.0.2.1")); alerts.KindOf(err) != alerts.NotFound {
		t.Errorf("got %v", err)
	}
	a := New(nil, nil)
	a.OIDC = &OIDC{}
	if a.Open() == nil {
		t.Error("it opened without a vault")
	}
}

func TestLocalPage(t *testing.T) {
	for page, want := range map[string]string{
		"/": "/", "/wall?x=1": "/wall?x=1", "/desk#a": "/desk#a", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/",
		"/\t/evil.example": "/", "javascript:alert(1)": "/", "desk": "/", "/" + strings.Repeat("x", 600): "/", "/\r\nX: y": "/", "/网格": "/", "///x": "/",
	} {
		if got := localPage(page); got != want {
			t.Errorf("%q: %q", page, got)
		}
	}
}

func FuzzLocalPage(f *testing.F) {
	f.Add("//evil.example")
	f.Fuzz(func(t *testing.T, page string) {
		base, _ := url.Parse("https://gateway.example/sign-in")
		to, err := base.Parse(localPage(page))
		if err != nil || to.Host != "gateway.example" || to.Scheme != "https" {
			t.Errorf("%q leads to %v (%v)", page, to, err)
		}
	})
}
