package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"

	"github.com/oauth2-proxy/mockoidc"
)

// withProvider gives a world a real OpenID provider.
func (w *world) withProvider(t *testing.T) *mockoidc.MockOIDC {
	t.Helper()
	key, err := mockoidc.DefaultKeypair()
	if err != nil {
		t.Fatal(err)
	}
	p, err := mockoidc.NewServer(key.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(httptest.NewUnstartedServer(nil).Listener, nil); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(func() {
		if err := p.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	w.auth.Vault = w.desk.Vault
	w.auth.OIDC = &auth.OIDC{Issuer: p.Issuer(), ClientID: p.ClientID, ClientSecret: p.ClientSecret, Name: "City accounts",
		RedirectURL: "http://example.com" + auth.OIDCPath + "/callback", Client: &http.Client{Transport: transport}}
	return p
}

// throughProvider follows the provider's page back to us.
func throughProvider(t *testing.T, page string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || back.Path != auth.OIDCPath+"/callback" {
		t.Fatalf("sent back to %v (%v)", back, err)
	}
	return back.RequestURI()
}

func TestSignInThroughAProvider(t *testing.T) {
	w := newWorld(t)
	p := w.withProvider(t)
	options := decode[SignInOptions](t, w.call(t, "GET", "/api/v1/session/options", nil, nil).want(t, 200))
	if !options.Password || options.OIDC == nil || options.OIDC.Name != "City accounts" || options.OIDC.URL != auth.OIDCPath {
		t.Errorf("%+v", options)
	}
	begin := w.call(t, "GET", options.OIDC.URL+"?return=/wall", nil, nil).want(t, 303)
	cookie := begin.rec.Result().Cookies()[0]
	p.QueueUser(&mockoidc.MockUser{Subject: "1", PreferredUsername: "duty_officer-east"})
	back := throughProvider(t, begin.rec.Header().Get("Location"))
	end := w.call(t, "GET", back, cookie, nil).want(t, 303)
	if to := end.rec.Header().Get("Location"); to != "/wall" {
		t.Errorf("sent to %s", to)
	}
	for _, c := range end.rec.Result().Cookies() {
		if c.Name == auth.CookieName {
			cookie = c
		}
	}
	me := decode[Me](t, w.call(t, "GET", "/api/v1/session", cookie, nil).want(t, 200))
	if me.User.ID != userID(alerts.DutyOfficer, "east") {
		t.Errorf("%+v", me)
	}
	q, _ := url.Parse(back)
	for _, secret := range []string{q.Query().Get("code"), q.Query().Get("state"), p.ClientSecret, cookie.Value} {
		if secret == "" || strings.Contains(w.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	w.call(t, "DELETE", "/api/v1/session", cookie, nil).want(t, 204)
	w.call(t, "GET", "/api/v1/session", cookie, nil).want(t, 401)
}

func TestProviderRefusals(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{auth.OIDCPath, auth.OIDCPath + "/callback"} {
		w.call(t, "GET", path, nil, nil).problem(t, 404)
	}
	if o := decode[SignInOptions](t, w.call(t, "GET", "/api/v1/session/options", nil, nil)); !o.Password || o.OIDC != nil {
		t.Errorf("%+v", o)
	}
	p := w.withProvider(t)
	ends := func(path string, cookie *http.Cookie, why string) {
		t.Helper()
		a := w.call(t, "GET", path, cookie, nil).want(t, 303)
		if to := a.rec.Header().Get("Location"); to != "/sign-in?oidc="+why {
			t.Errorf("%s: sent to %s", path, to)
		}
	}
	ends(auth.OIDCPath+"/callback?code=x&state=y", nil, "expired")
	begin := w.call(t, "GET", auth.OIDCPath+"?return=https://evil.example", nil, nil).want(t, 303)
	p.QueueUser(&mockoidc.MockUser{Subject: "1", PreferredUsername: "nobody"})
	ends(throughProvider(t, begin.rec.Header().Get("Location")), begin.rec.Result().Cookies()[0], "refused")
	for range 40 {
		state := url.QueryEscape(mustQuery(t, begin.rec.Header().Get("Location")).Get("state"))
		w.call(t, "GET", auth.OIDCPath+"/callback?error=access_denied&state="+state, begin.rec.Result().Cookies()[0], nil)
	}
	ends(auth.OIDCPath, nil, "throttled")

	down := newWorld(t)
	down.withProvider(t).QueueError(&mockoidc.ServerError{Code: 500, Error: "x"})
	if to := down.call(t, "GET", auth.OIDCPath, nil, nil).want(t, 303).rec.Header().Get("Location"); to != "/sign-in?oidc=unavailable" {
		t.Errorf("sent to %s", to)
	}
}

func mustQuery(t *testing.T, raw string) url.Values {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
