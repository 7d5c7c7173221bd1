package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sharpeyes/alerts"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// OIDCPath is where signing in through a provider begins; /callback below it
	// is where it ends.
	OIDCPath       = "/api/v1/session/oidc"
	oidcCookie     = "sharpeyes_oidc"
	oidcWithin     = 10 * time.Minute // from beginning to coming back
	oidcTimeout    = 10 * time.Second // of one request to the provider
	oidcRetry      = 5 * time.Second  // between looks at a provider that does not answer
	maxOIDCAnswer  = 1 << 20
	maxOIDCCookie  = 4 << 10
	maxOIDCReturn  = 512
	defaultOIDCUse = "preferred_username"
)

// OIDC is a provider (OpenID Connect Core 1.0) that people can sign in with.
// Whoever it names must have an account here: it says who, never what he may.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	RedirectURL  string       // OIDCPath+"/callback" at the address that browsers use
	Claim        string       // that holds the user name; preferred_username by default
	Name         string       // on the button
	Client       *http.Client // nil: one with bounds

	mu       sync.Mutex // guards what follows
	provider *oidc.Provider
	failed   time.Time
}

// Vault seals what a browser keeps for us; desk.Vault is one.
type Vault interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// pending is a sign-in that was begun; the browser keeps it, sealed.
type pending struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // RFC 7636
	Return   string    `json:"return"`
	Until    time.Time `json:"until"`
}

// BeginOIDC begins signing in through the provider: it returns where to send the
// browser, and sets a short-lived cookie. back is the page to come back to.
func (a *Auth) BeginOIDC(w http.ResponseWriter, r *http.Request, back string) (location string, err error) {
	if a.OIDC == nil {
		return "", alerts.Errorf(alerts.NotFound, "signing in through a provider is not set up here")
	}
	if err := a.throttle.addresses.check(addressKey(a.ClientAddr(r)), a.Clock()); err != nil {
		return "", err
	}
	config, _, err := a.OIDC.client(r.Context(), a.Clock())
	if err != nil {
		return "", err
	}
	p := pending{State: alerts.NewSecret(), Nonce: alerts.NewSecret(), Verifier: oauth2.GenerateVerifier(), Return: localPage(back),
		Until: a.Clock().Add(oidcWithin)}
	plain, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("auth: begin sign-in: %w", err)
	}
	sealed, err := a.Vault.Seal(plain)
	if err != nil {
		return "", fmt.Errorf("auth: begin sign-in: %w", err)
	}
	a.setPending(w, r, base64.RawURLEncoding.EncodeToString(sealed), int(oidcWithin/time.Second))
	return config.AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier)), nil
}

// FinishOIDC signs in whoever comes back from the provider, and returns the page
// to show. The error is Invalid where the sign-in is not one that this browser
// began, or has taken too long; Unauthenticated, with one message for whatever
// is wrong, where the provider or we refuse; Unavailable where the provider does
// not answer.
func (a *Auth) FinishOIDC(w http.ResponseWriter, r *http.Request) (p Principal, back string, err error) {
	if a.OIDC == nil {
		return p, "", alerts.Errorf(alerts.NotFound, "signing in through a provider is not set up here")
	}
	a.setPending(w, r, "", -1) // it serves once
	addr := addressKey(a.ClientAddr(r))
	if err := a.throttle.addresses.check(addr, a.Clock()); err != nil {
		a.failures.note(alerts.User{}, a.addressOf(r), "throttled")
		return p, "", err
	}
	begun, err := a.pendingOf(r)
	if err != nil {
		return p, "", err
	}
	u, err := a.oidcUser(r, begun)
	if err != nil {
		if alerts.KindOf(err) == alerts.Unauthenticated {
			a.throttle.addresses.failed(addr, a.Clock())
			a.failures.note(u, a.addressOf(r), "provider")
			a.Log.InfoContext(r.Context(), "sign-in refused", "user", u.ID, "address", a.addressOf(r), "by", "oidc", "reason", errors.Unwrap(err))
		}
		return p, "", err
	}
	p, err = a.beginBy(w, r, u, "oidc")
	return p, begun.Return, err
}

// pendingOf returns the sign-in that a browser began and comes back from.
func (a *Auth) pendingOf(r *http.Request) (p pending, err error) {
	stale := alerts.Errorf(alerts.Invalid, "this sign-in was not begun in this browser, or took longer than %s: begin again", oidcWithin)
	c, err := r.Cookie(oidcCookie)
	if err != nil || len(c.Value) > maxOIDCCookie {
		return p, stale
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return p, stale
	}
	plain, err := a.Vault.Open(sealed)
	if err != nil || json.Unmarshal(plain, &p) != nil {
		return p, stale
	}
	state := r.URL.Query().Get("state")
	if p.State == "" || subtle.ConstantTimeCompare([]byte(p.State), []byte(state)) != 1 || !a.Clock().Before(p.Until) {
		return p, stale
	}
	return p, nil
}

// oidcUser exchanges the code for what the provider says, and finds the account.
// Of an account that may not sign in the user comes with the error.
func (a *Auth) oidcUser(r *http.Request, begun pending) (alerts.User, error) {
	q := r.URL.Query()
	if q.Get("error") != "" || q.Get("code") == "" {
		return alerts.User{}, refusedBy(errors.New("the provider sent no code"))
	}
	if iss := q.Get("iss"); iss != "" && iss != a.OIDC.Issuer { // RFC 9207
		return alerts.User{}, refusedBy(errors.New("the answer is from another issuer"))
	}
	config, provider, err := a.OIDC.client(r.Context(), a.Clock())
	if err != nil {
		return alerts.User{}, err
	}
	ctx := oidc.ClientContext(r.Context(), a.OIDC.http())
	token, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(begun.Verifier))
	var refused *oauth2.RetrieveError
	if err != nil && !errors.As(err, &refused) {
		return alerts.User{}, unreachable(errors.New("the code could not be exchanged")) // its text may hold the code
	}
	if err != nil {
		return alerts.User{}, refusedBy(errors.New("the provider refused the code"))
	}
	name, err := a.OIDC.nameOf(ctx, provider, token, begun.Nonce, a.Clock)
	if err != nil {
		return alerts.User{}, refusedBy(err)
	}
	u, err := a.store.UserByName(ctx, alerts.System(), name)
	switch {
	case err != nil && alerts.KindOf(err) == alerts.NotFound:
		return alerts.User{}, refusedBy(errors.New("there is no account of that name"))
	case err != nil:
		return alerts.User{}, unavailable(fmt.Errorf("read user: %w", err))
	case u.Disabled:
		return u, refusedBy(errors.New("the account is disabled"))
	}
	return u, nil
}

// nameOf checks the ID token (OpenID Connect Core 1.0, 3.1.3.7) and returns the
// user name in it, or, where it has none, in what the provider tells of the user.
func (o *OIDC) nameOf(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, nonce string, clock alerts.Clock) (string, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: o.ClientID, Now: clock}).Verify(ctx, raw)
	if err != nil {
		return "", errors.New("the ID token does not hold")
	}
	if id.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return "", errors.New("the ID token is for another sign-in")
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil {
		return "", errors.New("the access token is not that of the ID token")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return "", errors.New("the ID token cannot be read")
	}
	if azp, given := claims["azp"]; given && azp != o.ClientID || !given && len(id.Audience) > 1 {
		return "", errors.New("the ID token was issued to somebody else")
	}
	if _, there := claims[o.claim()]; !there && provider.UserInfoEndpoint() != "" {
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != id.Subject || info.Claims(&claims) != nil {
			return "", errors.New("the provider does not tell who it is")
		}
	}
	name, _ := claims[o.claim()].(string)
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxUsername {
		return "", fmt.Errorf("the provider gives no %s", o.claim())
	}
	if o.claim() == "email" && claims["email_verified"] != true {
		return "", errors.New("the provider has not verified the email address")
	}
	return name, nil
}

func (o *OIDC) claim() string {
	if o.Claim == "" {
		return defaultOIDCUse
	}
	return o.Claim
}

// client returns what speaks to the provider. The provider is looked up when it
// is first needed, so that we start without it; not more often than each
// oidcRetry while it does not answer.
func (o *OIDC) client(ctx context.Context, now time.Time) (*oauth2.Config, *oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil {
		if since := now.Sub(o.failed); !o.failed.IsZero() && since >= 0 && since < oidcRetry {
			return nil, nil, unreachable(errors.New("it did not answer a moment ago"))
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), oidcTimeout)
		defer cancel()
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, o.http()), o.Issuer)
		if err != nil {
			o.failed = now
			return nil, nil, unreachable(err)
		}
		o.provider = p
	}
	return &oauth2.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: o.provider.Endpoint(), RedirectURL: o.RedirectURL,
		Scopes: o.scopes()}, o.provider, nil
}

func (o *OIDC) scopes() []string {
	if o.claim() == "email" {
		return []string{oidc.ScopeOpenID, "email"}
	}
	return []string{oidc.ScopeOpenID, "profile"}
}

// http is the client for the provider: bounded in time and size; it follows no
// redirect.
func (o *OIDC) http() *http.Client {
	if o.Client != nil {
		return o.Client
	}
	return &http.Client{Timeout: oidcTimeout, Transport: boundedAnswers{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type boundedAnswers struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b boundedAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxOIDCAnswer), answer.Body}
	}
	return answer, err
}

// setPending sets the cookie of a sign-in that was begun; Lax, because the
// browser comes back from another site.
func (a *Auth) setPending(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: oidcCookie, Value: value, Path: OIDCPath, MaxAge: maxAge, HttpOnly: true,
		Secure: a.Secure || r.TLS != nil, SameSite: http.SameSiteLaxMode})
}

// localPage returns a page of our own to come back to; anything else is the
// start page.
func localPage(page string) string {
	u, err := url.Parse(page)
	if err != nil || len(page) > maxOIDCReturn || !strings.HasPrefix(page, "/") || strings.HasPrefix(page, "//") || u.Host != "" || u.Scheme != "" ||
		strings.ContainsFunc(page, func(r rune) bool { return r <= ' ' || r == '\\' || r > '~' }) {
		return "/"
	}
	return page
}

func refusedBy(why error) error {
	return &alerts.Error{Kind: alerts.Unauthenticated, Message: "the sign-in was refused: ask an administrator for an account here", Err: why}
}

func unreachable(err error) error {
	return &alerts.Error{Kind: alerts.Unavailable, Message: "the sign-in service does not answer: try again, or sign in with a password", Err: err}
}
