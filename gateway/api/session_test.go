package api

import (
	"net/http"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

func TestSession(t *testing.T) {
	w := newWorld(t)
	in := w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "duty_officer-east", "password": password}).want(t, 200)
	me := decode[Me](t, in)
	if me.User.Username != "duty_officer-east" || me.Area.ID != "east" || len(me.Trail) != 2 || me.Trail[0].ID != "city" ||
		len(me.Rights) != len(alerts.RightsOf(alerts.DutyOfficer)) || me.ExpiresAt.Before(me.ServerTime) || me.Area.BBox != [4]float64{117, 31, 117.1, 31.1} {
		t.Errorf("me %+v", me)
	}
	cookie := in.rec.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || strings.Contains(in.rec.Body.String(), cookie.Value) {
		t.Errorf("cookie %+v", cookie)
	}
	again := decode[Me](t, w.call(t, "GET", "/api/v1/session", cookie, nil).want(t, 200))
	if again.User != me.User {
		t.Errorf("got %+v", again)
	}
	out := w.call(t, "DELETE", "/api/v1/session", cookie, nil).want(t, 204)
	if c := out.rec.Result().Cookies()[0]; c.MaxAge >= 0 {
		t.Errorf("cookie %+v", c)
	}
	if p := w.call(t, "GET", "/api/v1/session", cookie, nil).problem(t, 401); p.Kind != alerts.Unauthenticated {
		t.Errorf("%+v", p)
	}
	w.call(t, "DELETE", "/api/v1/session", nil, nil).want(t, 204)
	for _, secret := range []string{password, cookie.Value} {
		if strings.Contains(w.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

func TestSignInFaults(t *testing.T) {
	w := newWorld(t)
	unknown := w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "nobody", "password": "x"}).problem(t, 401)
	wrong := w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "admin-city", "password": "x"}).problem(t, 401)
	if unknown.Detail != wrong.Detail || wrong.Detail != "user name or password is wrong" {
		t.Errorf("%q and %q", unknown.Detail, wrong.Detail)
	}
	for body, field := range map[string]string{
		`{"username":"a"}`: "password", `{"password":"hunter2-hunter2"}`: "username", `{"username":1,"password":"hunter2-hunter2"}`: "username",
		`{"username":"a","password":"hunter2-hunter2","admin":true}`: "admin", `{"username":"","password":"x"}`: "username",
	} {
		a := w.call(t, "POST", "/api/v1/session", nil, body, header("Content-Type", "application/json"))
		if p := a.problem(t, 422); fields(p) != field || p.Kind != alerts.Invalid || strings.Contains(a.rec.Body.String(), "hunter2") {
			t.Errorf("%s: %s", body, a.rec.Body)
		}
	}
	for _, body := range []string{`{`, `nonsense`, ``, `{"username":"a","password":"b"}}`} {
		if p := w.call(t, "POST", "/api/v1/session", nil, body, header("Content-Type", "application/json")).problem(t, 400); p.Kind != alerts.Invalid {
			t.Errorf("%s: %+v", body, p)
		}
	}
	w.call(t, "POST", "/api/v1/session", nil, "username=a&password=b", header("Content-Type", "application/x-www-form-urlencoded")).want(t, 415)
	w.call(t, "POST", "/api/v1/session", nil, `{"username":"`+strings.Repeat("a", smallBody)+`"}`, header("Content-Type", "application/json")).want(t, 413)
}

func TestSignInIsThrottled(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "admin-city", "password": "x"}).want(t, 401)
	}
	a := w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "admin-city", "password": password})
	if p := a.problem(t, 429); p.Kind != alerts.TooMany || a.rec.Header().Get("Retry-After") == "" {
		t.Errorf("%+v %v", p, a.rec.Header())
	}
}

// Another web site cannot act with the visitor's cookie.
func TestCrossSite(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.Admin, "city")
	for name, o := range map[string]func(*http.Request){
		"foreign Origin":    header("Origin", "https://evil.example"),
		"Sec-Fetch-Site":    header("Sec-Fetch-Site", "cross-site"),
		"same-site":         header("Sec-Fetch-Site", "same-site"),
		"null Origin":       header("Origin", "null"),
		"own name, as path": header("Origin", "https://evil.example/example.com"),
	} {
		for _, c := range [][2]string{{"POST", "/api/v1/cameras"}, {"DELETE", "/api/v1/cameras/cam-e"}, {"PATCH", "/api/v1/cameras/cam-e"},
			{"POST", "/api/v1/session"}, {"DELETE", "/api/v1/session"}} {
			if p := w.call(t, c[0], c[1], cookie, `{}`, o, header("Content-Type", "application/json")).problem(t, 403); p.Kind != alerts.Forbidden {
				t.Errorf("%s: %s: %+v", name, c[0], p)
			}
		}
	}
	w.call(t, "GET", "/api/v1/cameras/cam-e", cookie, nil).want(t, 200)
	w.call(t, "PATCH", "/api/v1/cameras/cam-e", cookie, map[string]string{"name": "own"}, header("Origin", "http://example.com")).want(t, 200)
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	admin := w.as(t, alerts.Admin, "city")
	body := map[string]any{"username": "li.ming", "name": "李明", "role": "duty_officer", "area_id": "east", "password": "a long password"}
	a := w.call(t, "POST", "/api/v1/users", admin, body).want(t, 201)
	user := decode[struct{ ID string }](t, a)
	if strings.Contains(a.rec.Body.String(), "argon2id") || strings.Contains(a.rec.Body.String(), "a long password") {
		t.Errorf("the answer shows a secret: %s", a.rec.Body)
	}
	w.call(t, "POST", "/api/v1/users", admin, body).want(t, 409)
	signIn := func(pass string) answer {
		return w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "li.ming", "password": pass})
	}
	cookie := signIn("a long password").want(t, 200).rec.Result().Cookies()[0]
	for pass, status := range map[string]int{"short": 422, "li.ming": 422, "LI.MING": 422, "": 422} {
		if p := w.call(t, "PATCH", "/api/v1/users/"+user.ID, admin, map[string]string{"password": pass}).problem(t, status); fields(p) != "password" {
			t.Errorf("%q: %+v", pass, p)
		}
	}
	w.call(t, "GET", "/api/v1/session", cookie, nil).want(t, 200)
	w.call(t, "PATCH", "/api/v1/users/"+user.ID, admin, map[string]string{"password": "a newer password"}).want(t, 200)
	w.call(t, "GET", "/api/v1/session", cookie, nil).want(t, 401)
	signIn("a long password").want(t, 401)
	cookie = signIn("a newer password").want(t, 200).rec.Result().Cookies()[0]
	w.call(t, "PATCH", "/api/v1/users/"+user.ID, admin, map[string]bool{"disabled": true}).want(t, 200)
	w.call(t, "GET", "/api/v1/session", cookie, nil).want(t, 401)
	signIn("a newer password").want(t, 401)
	for field, value := range map[string]any{"role": "king", "area_id": "nowhere", "password_hash": "x", "PasswordHash": "x"} {
		if p := w.call(t, "PATCH", "/api/v1/users/"+user.ID, admin, map[string]any{field: value}).problem(t, 422); fields(p) != field {
			t.Errorf("%s: %+v", field, p)
		}
	}
	list := w.call(t, "GET", "/api/v1/users?limit=2", admin, nil).want(t, 200)
	if page := decode[List[struct{ Username string }]](t, list); len(page.Items) != 2 || page.NextCursor == "" || strings.Contains(list.rec.Body.String(), "argon2") {
		t.Errorf("%s", list.rec.Body)
	}
	if strings.Contains(w.log.String(), "password\"") || strings.Contains(w.log.String(), "newer password") {
		t.Error("a password is in the log")
	}
}

// The first administrator is made before there is an area; later he sees the town.
func TestMeWithoutAnArea(t *testing.T) {
	w := newWorld(t)
	p := principalFor(alerts.Admin, "city")
	p.Scope.Paths = []string{"/"}
	me, err := w.me(t.Context(), p)
	if err != nil || me.Body.Area.ID != "city" || len(me.Body.Trail) != 1 {
		t.Errorf("%+v (%v)", me, err)
	}
}
