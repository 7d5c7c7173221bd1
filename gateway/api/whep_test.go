package api

import (
	"net/http"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

func (w *world) view(t testing.TB, cookie *http.Cookie, query string) answer {
	t.Helper()
	return w.call(t, "POST", "/api/v1/cameras/cam-e/whep"+query, cookie, "v=0 offer", header("Content-Type", sdpType))
}

func TestWHEP(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	a := w.view(t, cookie, "?profile=sub").want(t, 201)
	h := a.rec.Header()
	if a.rec.Body.String() != "v=0 answer to v=0 offer" || h.Get("Content-Type") != sdpType || h.Get("ETag") == "" ||
		h.Get("Accept-Patch") != fragmentType || h.Get("X-Profile") != "sub" || h.Get("X-Codec") != "H265" || h.Get("X-Transcoded") != "" || !strings.HasPrefix(h.Get("Location"), "/api/v1/whep/") {
		t.Errorf("%s %v", a.rec.Body, h)
	}
	session := h.Get("Location")
	if len(session) < len("/api/v1/whep/")+26 {
		t.Errorf("the id can be guessed: %s", session)
	}
	patch := func(c *http.Cookie, body string, options ...func(*http.Request)) answer {
		return w.call(t, "PATCH", session, c, body, append(options, header("Content-Type", fragmentType))...)
	}
	patch(cookie, "a=candidate", header("If-Match", h.Get("ETag"))).want(t, 204)
	patch(cookie, "a=candidate").want(t, 204)
	if got := w.video.only(t).patch; got != "a=candidate" {
		t.Errorf("patched with %q", got)
	}
	restart := patch(cookie, "restart", header("If-Match", "*")).want(t, 200)
	if restart.rec.Header().Get("Content-Type") != fragmentType || restart.rec.Header().Get("ETag") == h.Get("ETag") || restart.rec.Body.String() != "a=ice-ufrag:new" {
		t.Errorf("%v %s", restart.rec.Header(), restart.rec.Body)
	}
	patch(cookie, "a=candidate", header("If-Match", h.Get("ETag"))).want(t, 412)
	patch(cookie, "bad").want(t, 400)
	patch(cookie, "").want(t, 400)
	w.call(t, "PATCH", session, cookie, "a=candidate", header("Content-Type", "text/plain")).want(t, 415)
	w.call(t, "PATCH", session, cookie, strings.Repeat("a", smallBody+1), header("Content-Type", fragmentType)).want(t, 413)

	// Nobody but its owner touches a session, also with the address in hand.
	for _, other := range []*http.Cookie{w.as(t, alerts.Leader, "east"), w.as(t, alerts.DutyOfficer, "city")} {
		patch(other, "a=candidate").want(t, 404)
		w.call(t, "DELETE", session, other, nil).want(t, 404)
	}
	patch(nil, "a=candidate").want(t, 401)
	v := w.video.only(t)
	w.call(t, "DELETE", session, cookie, nil).want(t, 200)
	v.wantClosed(t)
	w.call(t, "DELETE", session, cookie, nil).want(t, 200) // idempotent
	w.call(t, "DELETE", session, w.as(t, alerts.Leader, "east"), nil).want(t, 404)
	w.call(t, "DELETE", session+"x", cookie, nil).want(t, 404)
	patch(cookie, "a=candidate").want(t, 404)
	if w.API.viewers.gauge() != 0 || len(w.API.viewers.users) != 0 {
		t.Error("the session is counted still")
	}
	if o := w.call(t, "OPTIONS", "/api/v1/cameras/cam-e/whep", nil, nil).want(t, 204); o.rec.Header().Get("Accept-Post") != sdpType {
		t.Errorf("%v", o.rec.Header())
	}
}

func TestWHEPFaults(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	w.view(t, cookie, "?profile=huge").want(t, 422)
	w.call(t, "POST", "/api/v1/cameras/cam-e/whep", cookie, "v=0", header("Content-Type", "application/json")).want(t, 415)
	w.call(t, "POST", "/api/v1/cameras/cam-e/whep", cookie, "v=0").want(t, 415)
	w.call(t, "POST", "/api/v1/cameras/cam-e/whep", cookie, " ", header("Content-Type", sdpType)).want(t, 400)
	w.call(t, "POST", "/api/v1/cameras/cam-e/whep", cookie, strings.Repeat("v", smallBody+1), header("Content-Type", sdpType)).want(t, 413)
	for _, id := range []string{"cam-w", "nothing", "..%2fcam-e"} {
		w.call(t, "POST", "/api/v1/cameras/"+id+"/whep", cookie, "v=0", header("Content-Type", sdpType)).want(t, 404)
	}
	if len(w.video.asked) != 0 {
		t.Errorf("the video side was asked: %v", w.video.asked)
	}
	for kind, status := range map[alerts.Kind]int{alerts.Invalid: 400, alerts.Unsupported: 406, alerts.TooMany: 429,
		alerts.Unavailable: 503, alerts.NotFound: 404, alerts.Internal: 500} {
		w.video.fail(alerts.Errorf(kind, "no"))
		a := w.view(t, cookie, "")
		if p := a.problem(t, status); p.Kind != kind || (status == 429) != (a.rec.Header().Get("Retry-After") != "") {
			t.Errorf("%s: %+v %v", kind, p, a.rec.Header())
		}
	}
	if w.API.viewers.gauge() != 0 {
		t.Error("failed viewers are counted")
	}
}

func TestViewerLosesThePicture(t *testing.T) {
	for name, do := range map[string]func(*testing.T, *world, *http.Cookie){
		"sign-out": func(t *testing.T, w *world, c *http.Cookie) {
			w.call(t, "DELETE", "/api/v1/session", c, nil).want(t, 204)
		},
		"disabled": func(t *testing.T, w *world, _ *http.Cookie) {
			w.changeUser(t, map[string]any{"disabled": true})
		},
		"another role": func(t *testing.T, w *world, _ *http.Cookie) {
			w.changeUser(t, map[string]any{"role": "auditor"})
		},
		"another area": func(t *testing.T, w *world, _ *http.Cookie) {
			w.changeUser(t, map[string]any{"area_id": "west"})
		},
		"another password": func(t *testing.T, w *world, _ *http.Cookie) {
			w.changeUser(t, map[string]any{"password": "another long password"})
		},
		"camera moved away": func(t *testing.T, w *world, _ *http.Cookie) {
			w.call(t, "PATCH", "/api/v1/cameras/cam-e", w.as(t, alerts.Admin, "city"), map[string]any{"area_id": "v4"}).want(t, 200)
		},
		"camera removed": func(t *testing.T, w *world, _ *http.Cookie) {
			w.call(t, "DELETE", "/api/v1/cameras/cam-e", w.as(t, alerts.Admin, "city"), nil).want(t, 204)
		},
		"shut down": func(_ *testing.T, w *world, _ *http.Cookie) { w.API.Close() },
		"ended by itself": func(t *testing.T, w *world, _ *http.Cookie) {
			w.video.only(t).Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cookie := w.as(t, alerts.DutyOfficer, "east")
			session := w.view(t, cookie, "").want(t, 201).rec.Header().Get("Location")
			v := w.video.only(t)
			do(t, w, cookie)
			v.wantClosed(t)
			patch := w.call(t, "PATCH", session, cookie, "a=candidate", header("Content-Type", fragmentType))
			if patch.rec.Code < 401 || patch.rec.Code > 404 {
				t.Errorf("the session is there still: %d", patch.rec.Code)
			}
		})
	}
}

func (w *world) changeUser(t *testing.T, body map[string]any) {
	t.Helper()
	w.call(t, "PATCH", "/api/v1/users/"+userID(alerts.DutyOfficer, "east"), w.as(t, alerts.Admin, "city"), body).want(t, 200)
}

// Other viewers go on when one loses its right.
func TestOtherViewersGoOn(t *testing.T) {
	w := newWorld(t)
	w.view(t, w.as(t, alerts.Leader, "east"), "").want(t, 201)
	lives := w.video.only(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	w.view(t, cookie, "").want(t, 201)
	w.call(t, "DELETE", "/api/v1/session", cookie, nil).want(t, 204)
	for w.API.viewers.gauge() > 1 {
		for v := range w.video.all() {
			if v != lives {
				v.wantClosed(t)
			}
		}
	}
	if w.video.only(t) != lives {
		t.Error("the wrong viewer ended")
	}
}

func (v *video) all() map[*viewer]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make(map[*viewer]bool, len(v.open))
	for n := range v.open {
		out[n] = true
	}
	return out
}

func TestViewersOfOneUserAreBounded(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	for range viewersOfUser {
		w.view(t, cookie, "").want(t, 201)
	}
	w.view(t, cookie, "").problem(t, 429)
	w.view(t, w.as(t, alerts.Leader, "east"), "").want(t, 201)
}

// A viewer that ends while it is being opened leaves nothing behind.
func TestViewerThatEndsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.video.hasty = true
	w.view(t, w.as(t, alerts.DutyOfficer, "east"), "").problem(t, 503)
	if w.API.viewers.gauge() != 0 || len(w.video.all()) != 0 {
		t.Error("something is left")
	}
}

// The check of a camera is asked once a second, however many watch it.
func TestStillVisibleIsShared(t *testing.T) {
	w := newWorld(t)
	p := must[desk.CameraView](t)(w.desk.Camera(t.Context(), scope(alerts.Leader, "east"), "cam-e"))
	vs := w.API.viewers
	for _, role := range []alerts.Role{alerts.Leader, alerts.DutyOfficer} {
		for range 10 {
			if err := vs.stillVisible(principalFor(role, "east"), p.ID); err != nil {
				t.Error(err)
			}
		}
	}
	if len(vs.checks) != 2 {
		t.Errorf("%d checks are kept", len(vs.checks))
	}
	if err := vs.stillVisible(principalFor(alerts.Leader, "west"), p.ID); alerts.KindOf(err) != alerts.NotFound {
		t.Errorf("got %v", err)
	}
	if err := vs.stillVisible(principalFor(alerts.Auditor, "east"), p.ID); alerts.KindOf(err) != alerts.Forbidden {
		t.Errorf("got %v", err)
	}
}
