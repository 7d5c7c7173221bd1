package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"

	"github.com/danielgtaylor/huma/v2"
)

// Media types of WHEP (draft-ietf-wish-whep) and of trickle ICE (RFC 8840).
const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"
)

// ViewRequest asks for a camera's picture.
type ViewRequest struct {
	Camera  string
	Profile string // "main" or "sub"
	Offer   string // SDP
	// Ended is called when the viewer has ended, for whatever reason, Close
	// included; it may be called more than once, and before Open returns.
	Ended func()
}

// Session is one WHEP session.
type Session interface {
	Answer() string // SDP
	// Patch takes a trickled fragment, or restarts ICE and returns its own new
	// fragment.
	Patch(ctx context.Context, fragment string) (answer string, err error)
	Close()
}

// Viewer is a session that shows a camera.
type Viewer interface {
	Session
	Profile() string // the one that is sent: "main" or "sub"
	Codec() string   // the camera's, such as "H264"; empty: not known yet
	Transcoded() bool
}

// Prepared is a session that shows nothing yet. A camera is there the sooner.
type Prepared interface {
	Session
	// Show gives it a camera, once; profile is "main" or "sub". confirm is called
	// with the one that is sent, before anything is.
	Show(ctx context.Context, camera, profile string, confirm func(profile string) error) (Viewer, error)
}

// Video opens viewers. Error kinds: Invalid for malformed SDP, Unsupported
// where no codec matches, NotFound for an unknown camera, TooMany, Unavailable
// where the camera has no picture yet.
type Video interface {
	Open(ctx context.Context, req ViewRequest) (Viewer, error)
	// Prepare takes an offer for a camera that is named later. ended is called as
	// ViewRequest.Ended is.
	Prepare(ctx context.Context, offer string, ended func()) (Prepared, error)
}

func (a *API) registerVideo() {
	const tag, open, prepare = "Video", "/api/v1/cameras/{id}/whep", "/api/v1/whep"
	const session = prepare + "/{session}"
	sdp := map[string]*huma.MediaType{sdpType: {Schema: &huma.Schema{Type: "string"}}}
	frag := map[string]*huma.MediaType{fragmentType: {Schema: &huma.Schema{Type: "string"}}}

	op := a.operation("POST", open, "watch", tag, "Watch a camera (WHEP): SDP offer in, answer out")
	op.Parameters = []*huma.Param{
		{Name: "profile", In: "query", Description: "main (default) or sub; a camera without sub stream answers with main",
			Schema: &huma.Schema{Type: "string", Enum: []any{"main", "sub"}}},
		{Name: "session", In: "query", Description: "A prepared session that is to show the camera; then the request and its answer have no body",
			Schema: &huma.Schema{Type: "string"}},
	}
	op.RequestBody = &huma.RequestBody{Content: sdp}
	op.Responses = map[string]*huma.Response{"201": {Description: "Answer; Location is the session's address, X-Profile what is sent, X-Codec what the camera sends, X-Transcoded: 1 when that was turned into H.264", Content: sdp}}
	a.handlePlain(op, a.openViewer)

	op = a.operation("POST", prepare, "prepare-watching", tag, "Prepare a WHEP session: SDP offer in, answer out. It shows nothing until a camera is asked for in it, and then at once")
	op.RequestBody = &huma.RequestBody{Required: true, Content: sdp}
	op.Responses = map[string]*huma.Response{"201": {Description: "Answer; Location is the session's address", Content: sdp}}
	a.handlePlain(op, a.prepareViewer)

	op = a.operation("PATCH", session, "trickle", tag, "Trickle ICE candidates, or restart ICE")
	op.RequestBody = &huma.RequestBody{Required: true, Content: frag}
	op.Responses = map[string]*huma.Response{
		"204": {Description: "Taken"},
		"200": {Description: "ICE restarted; the fragment of this side", Content: frag},
	}
	a.handlePlain(op, a.patchViewer)

	op = a.operation("DELETE", session, "stop-watching", tag, "End a WHEP session")
	op.Responses = map[string]*huma.Response{"200": {Description: "Ended"}}
	a.handlePlain(op, a.deleteViewer)

	for _, path := range []string{open, prepare} {
		a.mux.plain("OPTIONS "+path, func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Allow", "POST, OPTIONS")
			w.Header().Set("Accept-Post", sdpType)
			w.WriteHeader(http.StatusNoContent)
			return nil
		})
	}
	a.mux.plain("OPTIONS "+session, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", "PATCH, DELETE, OPTIONS")
		w.Header().Set("Accept-Patch", fragmentType)
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

func (a *API) openViewer(w http.ResponseWriter, r *http.Request) error {
	profile := r.URL.Query().Get("profile")
	switch profile {
	case "":
		profile = "main"
	case "main", "sub":
	default:
		return alerts.InvalidField("profile", "must be main or sub")
	}
	p, session := principalOf(r.Context()), r.URL.Query().Get("session")
	var offer string
	if session == "" {
		var err error
		if offer, err = readBody(r, sdpType); err != nil {
			return err
		}
	}
	// What the caller may not see is not there for him; the video side does not
	// know of scopes.
	camera, err := a.desk.Camera(r.Context(), p.Scope, r.PathValue("id"))
	if err != nil {
		return err
	}
	v, viewer, err := a.viewers.open(r.Context(), p, camera.AreaID, session, ViewRequest{Camera: camera.ID, Profile: profile, Offer: offer})
	if err != nil {
		return whepError(err)
	}
	h := w.Header()
	h.Set("X-Profile", viewer.Profile())
	if codec := viewer.Codec(); codec != "" {
		h.Set("X-Codec", codec)
	}
	if viewer.Transcoded() {
		h.Set("X-Transcoded", "1")
	}
	if session != "" {
		v.created(w, "")
		return nil
	}
	v.created(w, viewer.Answer())
	return nil
}

func (a *API) prepareViewer(w http.ResponseWriter, r *http.Request) error {
	offer, err := readBody(r, sdpType)
	if err != nil {
		return err
	}
	v, prepared, err := a.viewers.prepare(r.Context(), principalOf(r.Context()), offer)
	if err != nil {
		return whepError(err)
	}
	v.created(w, prepared.Answer())
	return nil
}

// created answers with a session. One whose answer nobody gets is over.
func (v *view) created(w http.ResponseWriter, answer string) {
	h := w.Header()
	h.Set("Location", "/api/v1/whep/"+v.id)
	h.Set("ETag", v.etag())
	h.Set("Accept-Patch", fragmentType)
	if answer != "" {
		h.Set("Content-Type", sdpType)
	}
	w.WriteHeader(http.StatusCreated)
	if _, err := io.WriteString(w, answer); err != nil {
		v.end()
	}
}

// patchViewer follows RFC 9725, 4.3, which WHEP shares: If-Match, where it is
// given, names the ICE session, or is * for a restart.
func (a *API) patchViewer(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewers.of(principalOf(r.Context()), r.PathValue("session"))
	if err != nil {
		return err
	}
	fragment, err := readBody(r, fragmentType)
	if err != nil {
		return err
	}
	if tag := r.Header.Get("If-Match"); tag != "" && tag != "*" && !matches(tag, v.etag()) {
		return newProblem(http.StatusPreconditionFailed, alerts.Conflict, "If-Match names an ICE session that is over")
	}
	answer, err := v.session.Patch(r.Context(), fragment)
	if err != nil {
		return whepError(err)
	}
	if answer == "" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", fragmentType)
	w.Header().Set("ETag", v.restarted())
	_, _ = io.WriteString(w, answer) // the caller has gone; the session times out
	return nil
}

func (a *API) deleteViewer(w http.ResponseWriter, r *http.Request) error {
	if err := a.viewers.delete(principalOf(r.Context()), r.PathValue("session")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func readBody(r *http.Request, want string) (string, error) {
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != want {
		return "", alerts.Errorf(alerts.Unsupported, "send Content-Type %s", want)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return "", bodyError(err)
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return "", newProblem(http.StatusBadRequest, alerts.Invalid, "the body is empty")
	}
	return string(b), nil
}

// whepError gives errors of the video side the statuses that WHEP has for them.
func whepError(err error) error {
	var e *alerts.Error
	if !errors.As(err, &e) {
		return err
	}
	var p *Problem
	switch e.Kind {
	case alerts.Invalid:
		p = newProblem(http.StatusBadRequest, e.Kind, e.Message, e.Faults...)
	case alerts.Unsupported:
		p = newProblem(http.StatusNotAcceptable, e.Kind, e.Message, e.Faults...)
	default:
		return err
	}
	return p
}

// cameraCheck is how long an answer to "may this scope see this camera" is good
// for, so that many viewers cost one read.
const cameraCheck = time.Second

// stillVisible tells whether a viewer may go on: the right, and the camera in
// the scope. Where the store does not answer, he may.
func (vs *viewers) stillVisible(p auth.Principal, camera string) error {
	if err := p.Scope.Need(alerts.WatchVideo); err != nil {
		return err
	}
	s := p.Reading()
	key := fmt.Sprintf("%s\x00%s\x00%q", camera, s.Role, s.Paths)
	now := vs.clock()
	vs.mu.Lock()
	c, ok := vs.checks[key]
	vs.mu.Unlock()
	if !ok || now.Sub(c.at) >= cameraCheck || now.Before(c.at) {
		ctx, cancel := context.WithTimeout(context.Background(), cameraCheck)
		defer cancel()
		_, err := vs.api.desk.Camera(ctx, s, camera)
		c = check{at: now, err: err}
		vs.mu.Lock()
		if len(vs.checks) >= maxViewers {
			clear(vs.checks)
		}
		vs.checks[key] = c
		vs.mu.Unlock()
	}
	switch alerts.KindOf(c.err) {
	case alerts.NotFound, alerts.Forbidden:
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

type check struct {
	at  time.Time
	err error
}

func newToken() string { return strings.ToLower(rand.Text()) }
