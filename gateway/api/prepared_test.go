package api

import (
	"net/http"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

// prepare opens a session that shows nothing yet, and returns its address.
func (w *world) prepare(t testing.TB, cookie *http.Cookie) string {
	t.Helper()
	a := w.call(t, "POST", "/api/v1/whep", cookie, "v=0 offer", header("Content-Type", sdpType)).want(t, 201)
	return a.rec.Header().Get("Location")
}

func (w *world) show(t testing.TB, cookie *http.Cookie, camera, session string) answer {
	t.Helper()
	_, id, _ := strings.Cut(session, "/whep/")
	return w.call(t, "POST", "/api/v1/cameras/"+camera+"/whep?profile=sub&session="+id, cookie, nil)
}

// A session that was prepared shows a camera once it is named, under the rules
// that hold for any other.
func TestPreparedSession(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	a := w.call(t, "POST", "/api/v1/whep", cookie, "v=0 offer", header("Content-Type", sdpType)).want(t, 201)
	h := a.rec.Header()
	session := h.Get("Location")
	if a.rec.Body.String() != "v=0 answer to v=0 offer" || h.Get("Content-Type") != sdpType || h.Get("ETag") == "" || h.Get("X-Profile") != "" {
		t.Errorf("%s %v", a.rec.Body, h)
	}
	w.call(t, "PATCH", session, cookie, "a=candidate", header("Content-Type", fragmentType)).want(t, 204)
	if n := len(w.recorded(t, alerts.AuditWatch)); n != 0 {
		t.Errorf("%d entries of watching, and nobody watches", n)
	}
	w.show(t, cookie, "cam-w", session).want(t, 404)
	w.show(t, cookie, "cam-e", session+"x").want(t, 404)
	w.show(t, w.as(t, alerts.Leader, "east"), "cam-e", session).want(t, 404)
	v := w.video.only(t)
	if v.req.Camera != "" {
		t.Fatalf("%s is shown", v.req.Camera)
	}

	a = w.show(t, cookie, "cam-e", session).want(t, 201)
	if h := a.rec.Header(); h.Get("Location") != session || h.Get("X-Profile") != "sub" || h.Get("X-Codec") != "H265" || h.Get("ETag") == "" || a.rec.Body.Len() != 0 {
		t.Errorf("%s %v", a.rec.Body, h)
	}
	if v.req.Camera != "cam-e" || v.req.Profile != "sub" {
		t.Errorf("%+v is shown", v.req)
	}
	if n := len(w.recorded(t, alerts.AuditWatch)); n != 1 {
		t.Errorf("%d entries of watching", n)
	}
	w.show(t, cookie, "cam-e", session).problem(t, 409)
	w.call(t, "DELETE", session, cookie, nil).want(t, 200)
	v.wantClosed(t)
	w.show(t, cookie, "cam-e", session).want(t, 404)
	w.API.Close()
	if n := len(w.recorded(t, alerts.AuditWatchEnd)); n != 1 {
		t.Errorf("%d ends of watching", n)
	}
}

// A prepared session that cannot show the camera is over, and so is one whose
// owner may not watch any more, shown or not.
func TestPreparedSessionEnds(t *testing.T) {
	for name, do := range map[string]func(*testing.T, *world, *http.Cookie, string){
		"no picture": func(t *testing.T, w *world, c *http.Cookie, session string) {
			w.video.fail(alerts.Errorf(alerts.Unavailable, "no"))
			w.show(t, c, "cam-e", session).problem(t, 503)
		},
		"sign-out": func(t *testing.T, w *world, c *http.Cookie, _ string) {
			w.call(t, "DELETE", "/api/v1/session", c, nil).want(t, 204)
		},
		"another role": func(t *testing.T, w *world, _ *http.Cookie, _ string) {
			w.changeUser(t, map[string]any{"role": "auditor"})
		},
		"another area, shown": func(t *testing.T, w *world, c *http.Cookie, session string) {
			w.show(t, c, "cam-e", session).want(t, 201)
			w.changeUser(t, map[string]any{"area_id": "west"})
		},
		"ended by itself": func(t *testing.T, w *world, _ *http.Cookie, _ string) { w.video.only(t).Close() },
		"shut down":       func(_ *testing.T, w *world, _ *http.Cookie, _ string) { w.API.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cookie := w.as(t, alerts.DutyOfficer, "east")
			session := w.prepare(t, cookie)
			v := w.video.only(t)
			do(t, w, cookie, session)
			v.wantClosed(t)
			if a := w.show(t, cookie, "cam-e", session); a.rec.Code < 401 || a.rec.Code > 404 {
				t.Errorf("the session is there still: %d", a.rec.Code)
			}
		})
	}
}

func TestPreparedSessionFaults(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	w.call(t, "POST", "/api/v1/whep", nil, "v=0", header("Content-Type", sdpType)).want(t, 401)
	w.call(t, "POST", "/api/v1/whep", w.as(t, alerts.Auditor, "east"), "v=0", header("Content-Type", sdpType)).want(t, 403)
	w.call(t, "POST", "/api/v1/whep", cookie, "v=0").want(t, 415)
	w.call(t, "POST", "/api/v1/whep", cookie, " ", header("Content-Type", sdpType)).want(t, 400)
	w.video.fail(alerts.Errorf(alerts.TooMany, "no"))
	w.call(t, "POST", "/api/v1/whep", cookie, "v=0", header("Content-Type", sdpType)).want(t, 429)
	w.video.fail(nil)
	for range viewersOfUser {
		w.prepare(t, cookie)
	}
	w.call(t, "POST", "/api/v1/whep", cookie, "v=0", header("Content-Type", sdpType)).want(t, 429)
	if o := w.call(t, "OPTIONS", "/api/v1/whep", nil, nil).want(t, 204); o.rec.Header().Get("Accept-Post") != sdpType {
		t.Errorf("%v", o.rec.Header())
	}
}
