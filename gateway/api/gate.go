package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"
)

// bodyPause is the longest pause within a body; who sends more slowly is given
// up. bodyTime bounds the whole.
const (
	bodyPause = 20 * time.Second
	bodyTime  = 10 * time.Minute
)

// gatedMux is a ServeMux that puts a gate before every handler, as the route
// table says. It is what huma registers with, too.
type gatedMux struct {
	api        *API
	mux        *http.ServeMux
	table      map[string]route
	emergency  map[string]bool // the routes that show what emergency access has opened, too
	registered []string
}

func newGatedMux(a *API) *gatedMux {
	m := &gatedMux{api: a, mux: http.NewServeMux(), table: make(map[string]route), emergency: make(map[string]bool)}
	for _, r := range routes() {
		m.table[r.pattern()] = r
	}
	for _, pattern := range emergencyReads() {
		if _, ok := m.table[pattern]; !ok {
			panic("api: no row in the route table for " + pattern)
		}
		m.emergency[pattern] = true
	}
	return m
}

// HandleFunc registers a handler behind its gate; a pattern without a row in
// the table is a mistake in the program.
func (m *gatedMux) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	row, ok := m.table[pattern]
	if !ok {
		panic("api: no row in the route table for " + pattern)
	}
	m.registered = append(m.registered, pattern)
	m.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if info := infoOf(r.Context()); info != nil {
			info.route = pattern
		}
		m.api.gate(w, r, row, handler)
	})
}

func (m *gatedMux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// allowed lists the methods that a path has.
func (m *gatedMux) allowed(r *http.Request) []string {
	var found []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := m.mux.Handler(probe); strings.HasPrefix(pattern, method+" ") {
			found = append(found, method)
		}
	}
	return found
}

// plain registers a handler that huma does not know; an error becomes a problem.
func (m *gatedMux) plain(pattern string, handler func(http.ResponseWriter, *http.Request) error) {
	m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := handler(w, r); err != nil {
			m.api.fail(w, r, err)
		}
	})
}

func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	problemOf(r.Context(), a.log, err).write(w)
}

// gate lets a request through as its row says.
func (a *API) gate(w http.ResponseWriter, r *http.Request, row route, next http.HandlerFunc) {
	ctx, err := a.admit(r, row)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = newPacedBody(w, http.MaxBytesReader(w, r.Body, row.body))
	}
	next(w, r.WithContext(ctx))
}

// admit tells who calls, checks the right, and puts him into the context.
func (a *API) admit(r *http.Request, row route) (context.Context, error) {
	ctx := r.Context()
	switch row.access {
	case public:
		return ctx, nil
	case sourceToken:
		src, err := a.auth.Source(r)
		if err != nil {
			return nil, err
		}
		return context.WithValue(ctx, sourceKey{}, src), nil
	}
	p, err := a.auth.Authenticate(r)
	if err != nil {
		return nil, err
	}
	if info := infoOf(ctx); info != nil {
		info.user = p.User.ID
	}
	if a.mux.emergency[row.pattern()] {
		p.Scope = p.Reading()
	}
	need := alerts.Right(row.access)
	switch {
	case row.access == sessionOnly && p.Machine != "":
		return nil, alerts.Errorf(alerts.Forbidden, "this is for people who have signed in; a machine's token has no session")
	case row.access == sessionOnly, row.access == signedIn, row.access == ownReports && p.Scope.Can(alerts.Report):
		return context.WithValue(ctx, principalKey{}, p), nil
	case row.access == ownReports:
		need = alerts.ReadIncidents
	}
	if err := p.Scope.Need(need); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, principalKey{}, p), nil
}

type (
	principalKey struct{}
	sourceKey    struct{}
)

// principalOf returns who calls; behind the gate of a signed-in route he is
// always there.
func principalOf(ctx context.Context) auth.Principal {
	p, _ := ctx.Value(principalKey{}).(auth.Principal)
	return p // without one: the zero scope, which sees nothing
}

func scopeOf(ctx context.Context) alerts.Scope { return principalOf(ctx).Scope }

func sourceOf(ctx context.Context) alerts.Source {
	s, _ := ctx.Value(sourceKey{}).(alerts.Source)
	return s
}

// pacedBody gives up on a body that pauses too long or takes too long in all.
// The connection's deadline is taken off at the body's end, because it would
// end the rest of the request as well.
type pacedBody struct {
	io.ReadCloser
	rc   *http.ResponseController
	last time.Time
	done bool
}

func newPacedBody(w http.ResponseWriter, body io.ReadCloser) *pacedBody {
	return &pacedBody{ReadCloser: body, rc: http.NewResponseController(w), last: time.Now().Add(bodyTime)}
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if !b.done {
		deadline := time.Now().Add(bodyPause)
		if deadline.After(b.last) {
			deadline = b.last
		}
		_ = b.rc.SetReadDeadline(deadline) // not supported by recorders in tests
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && !b.done {
		b.done = true
		if errors.Is(err, io.EOF) {
			_ = b.rc.SetReadDeadline(time.Time{})
		}
	}
	return n, err
}

// notFound answers what is not there below /api/, with 405 where it is there
// for another method.
func (a *API) notFound(w http.ResponseWriter, r *http.Request) error {
	if methods := a.mux.allowed(r); len(methods) > 0 {
		if slices.Contains(methods, http.MethodGet) {
			methods = append(methods, http.MethodHead)
		}
		p := newProblem(http.StatusMethodNotAllowed, alerts.Unsupported,
			fmt.Sprintf("%s is not possible here; possible: %s", r.Method, strings.Join(methods, ", ")))
		p.setHeader("Allow", strings.Join(methods, ", "))
		return p
	}
	return alerts.Errorf(alerts.NotFound, "there is no such address in the API; see /api/docs")
}
