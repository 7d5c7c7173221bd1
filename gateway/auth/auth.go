// Package auth is sign-in, sessions, tokens, and the way from a request to a
// Scope.
//
// Invariants:
//   - A session's token is known to the browser alone; here and in the store it
//     is a SHA-256.
//   - A session says who; what he may do and where is read from the store at
//     each request, so that a change of role or area holds from the next one on.
//   - A session that was ended is never written back by a request still on its
//     way.
//   - An unknown user, a disabled one and a wrong password get the same answer
//     after the same work.
//   - Every sign-in is in the audit before its cookie leaves; sign-outs and
//     failed sign-ins follow, the latter counted, so that a flood of them does
//     not fill it.
//   - Things that outlive a request (sockets, video viewers) are registered by
//     Watch and end within 5 s of their session or right, of emergency access
//     that has run out, too.
//
// Under load: hashing is limited to two at once with a short queue, tables of
// the throttle and of watches are bounded; what does not fit is refused.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"sharpeyes/alerts"
)

// CookieName is the name of the session's cookie.
const CookieName = "sharpeyes_session"

// Defaults of the exported fields.
const (
	DefaultIdle     = 8 * time.Hour
	DefaultAbsolute = 24 * time.Hour
	DefaultEvery    = 2 * time.Second
)

// Sources finds the alarm source that a token belongs to; desk.Desk is one.
type Sources interface {
	SourceByToken(ctx context.Context, token string) (alerts.Source, error)
}

// Auth signs people in and tells who sends a request. Set the exported fields
// before Open; New gives usable ones.
type Auth struct {
	Clock          alerts.Clock
	Idle           time.Duration  // a session unused for so long ends
	Absolute       time.Duration  // and in any case after so long
	Every          time.Duration  // how often watched sessions are looked at
	Secure         bool           // the browser comes by TLS, through a proxy; our own TLS is seen without it
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Sources        Sources        // needed for Source alone
	OIDC           *OIDC          // nil: people sign in with passwords alone
	Vault          Vault          // needed for OIDC alone
	Log            *slog.Logger

	store    alerts.Store
	bus      alerts.Bus
	sessions *sessionStore
	hasher   *hasher
	throttle *throttle
	failures *failures
	watches  *watches
}

// New returns an Auth over a store and a bus.
func New(store alerts.Store, bus alerts.Bus) *Auth {
	a := &Auth{
		Clock:    time.Now,
		Idle:     DefaultIdle,
		Absolute: DefaultAbsolute,
		Every:    DefaultEvery,
		Log:      slog.New(slog.DiscardHandler),
		store:    store,
		bus:      bus,
		hasher:   newHasher(strong()),
		throttle: newThrottle(),
		watches:  newWatches(),
	}
	a.failures = newFailures(a)
	return a
}

// Open begins to look after watched sessions.
func (a *Auth) Open() error {
	if a.Idle <= 0 || a.Absolute <= 0 || a.Every <= 0 {
		return errors.New("auth: Idle, Absolute and Every must be above zero")
	}
	if a.OIDC != nil && a.Vault == nil {
		return errors.New("auth: OIDC needs a Vault")
	}
	a.sessions = newSessionStore(a.store, a.Clock, a.Idle)
	a.openWatches()
	return nil
}

// Close ends looking after them and returns when every running onEnd has
// returned. Watched things are not told: who opened them closes them.
func (a *Auth) Close() {
	a.closeWatches()
	a.failures.close()
}

// Principal is who sends a request, and what he may do.
type Principal struct {
	Scope       alerts.Scope
	Emergency   []string    // paths of areas that he may read by emergency access now; see Reading
	User        alerts.User // without PasswordHash
	SessionHash string      // or what stands for it where a machine calls by its token
	Expires     time.Time   // unless it idles before
	Machine     string      // id of the token; empty: a person

	maker string // id of the user who made the token
}

// Reading is the scope of what he may see: his own and, for a while, what
// emergency access has opened to him. What changes or hands out something goes
// by Scope alone.
func (p Principal) Reading() alerts.Scope {
	s := p.Scope
	if len(p.Emergency) > 0 {
		s.Paths = slices.Concat(s.Paths, p.Emergency)
	}
	return s
}

// Authenticate tells who sends a request: a machine by its bearer token, a person
// by the session's cookie. Without a valid one the error is Unauthenticated; a
// request with a bearer token is judged by that alone.
func (a *Auth) Authenticate(r *http.Request) (Principal, error) {
	if hasBearer(r) {
		return a.machine(r)
	}
	token := cookieToken(r)
	if token == "" {
		return Principal{}, errSignIn()
	}
	p, s, err := a.resolve(r.Context(), hashToken(token))
	if err != nil {
		return Principal{}, err
	}
	p.Scope.Address = a.addressOf(r)
	if err := a.sessions.touch(r.Context(), s); err != nil {
		// The session is valid as it is; only its idle time was not moved.
		a.Log.WarnContext(r.Context(), "session not refreshed", "err", err)
	}
	return p, nil
}

// Source tells which alarm source sends a request, by its bearer token.
func (a *Auth) Source(r *http.Request) (alerts.Source, error) {
	token, ok := bearer(r)
	if !ok {
		return alerts.Source{}, alerts.Errorf(alerts.Unauthenticated,
			"send the source's token as \"Authorization: Bearer TOKEN\"")
	}
	addr := addressKey(a.ClientAddr(r))
	if err := a.throttle.sources.check(addr, a.Clock()); err != nil {
		return alerts.Source{}, err
	}
	src, err := a.Sources.SourceByToken(r.Context(), token)
	switch alerts.KindOf(err) {
	case alerts.NotFound, alerts.Unauthenticated:
		if err != nil {
			a.throttle.sources.failed(addr, a.Clock())
			return alerts.Source{}, errToken()
		}
	}
	if err != nil {
		return alerts.Source{}, err
	}
	if src.Disabled {
		return alerts.Source{}, errToken()
	}
	return src, nil
}

// resolve reads a session and its user. It is the one place that decides
// whether a session counts.
func (a *Auth) resolve(ctx context.Context, hash string) (Principal, session, error) {
	s, err := a.sessions.find(ctx, hash)
	if err != nil {
		return Principal{}, session{}, err
	}
	u, err := a.store.User(ctx, alerts.System(), s.User)
	if alerts.KindOf(err) == alerts.NotFound && err != nil {
		return Principal{}, session{}, errSignIn()
	}
	if err != nil {
		return Principal{}, session{}, unavailable(err)
	}
	who, err := a.watched(ctx, u)
	if err != nil {
		return Principal{}, session{}, unavailable(err)
	}
	p, err := principal(s, who)
	return p, s, err
}

func principal(s session, who watched) (Principal, error) {
	u := who.User
	if u.Disabled || s.From != u.SessionsFrom.UnixMicro() {
		return Principal{}, errSignIn()
	}
	u.PasswordHash = ""
	scope := ScopeOf(u)
	scope.Grids = who.grids
	return Principal{Scope: scope, Emergency: who.emergency, User: u, SessionHash: s.hash, Expires: s.Deadline}, nil
}

// ScopeOf returns the scope of a user: his role in the subtree of his area. An
// administrator without an area, as there is before the first area exists, has
// everything. The grids that he leads are not in it: see GridsOf.
func ScopeOf(u alerts.User) alerts.Scope {
	s := alerts.Scope{User: u.ID, Name: u.Name, Role: u.Role}
	switch u.Role {
	case alerts.DutyOfficer, alerts.Leader:
		s.Home = u.AreaPath // they act for the centre of their area
	case alerts.Handler:
		s.Department = u.DepartmentID
	}
	switch {
	case u.AreaPath != "":
		s.Paths = []string{u.AreaPath}
	case u.AreaID == "" && u.Role == alerts.Admin:
		s.Paths = []string{"/"}
	}
	return s
}

// GridsOf returns the grids that a grid leader leads at a moment; whoever is
// none leads none.
func GridsOf(ctx context.Context, r alerts.Reader, u alerts.User, now time.Time) ([]string, error) {
	if u.Role != alerts.GridLeader || u.Disabled {
		return nil, nil
	}
	posts, err := r.Posts(ctx, "", u.ID)
	if err != nil {
		return nil, err
	}
	var grids []string
	for _, p := range posts {
		if p.Kind == alerts.LeaderPost && !p.From.After(now) && (p.To.IsZero() || p.To.After(now)) && !slices.Contains(grids, p.GridID) {
			grids = append(grids, p.GridID)
		}
	}
	return grids, nil
}

// EmergenciesOf returns the paths of the areas that somebody may read by
// emergency access at a moment.
func EmergenciesOf(ctx context.Context, r alerts.EmergencyReader, u alerts.User, now time.Time) ([]string, error) {
	if u.Disabled || u.AreaPath == "" || !(alerts.Scope{Role: u.Role}).Can(alerts.TakeEmergency) {
		return nil, nil
	}
	list, err := r.EmergenciesOf(ctx, u.ID, now)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range list {
		if e.Runs(now) && e.AreaPath != "" && !slices.Contains(paths, e.AreaPath) {
			paths = append(paths, e.AreaPath)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

func errSignIn() error {
	return alerts.Errorf(alerts.Unauthenticated, "sign in first: there is no session, or it has ended")
}

func errToken() error {
	return alerts.Errorf(alerts.Unauthenticated, "the source's token is not valid")
}

// unavailable keeps the kind of an error that has one and makes the rest
// Unavailable: what fails here is the store.
func unavailable(err error) error {
	var e *alerts.Error
	if errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return err
	}
	return &alerts.Error{Kind: alerts.Unavailable, Message: "sessions cannot be read at the moment, try again", Err: err}
}
