package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

// source makes a source of an area through the API.
func (w *world) source(t testing.TB, area string) Source {
	t.Helper()
	a := w.call(t, "POST", "/api/v1/sources", w.as(t, alerts.Admin, "city"), map[string]string{"name": "AI box " + area, "area_id": area})
	return decode[Source](t, a.want(t, 201))
}

func bearer(token string) func(*http.Request) { return header("Authorization", "Bearer "+token) }

func TestAlarms(t *testing.T) {
	w := newWorld(t)
	src := w.source(t, "east")
	list := w.call(t, "GET", "/api/v1/sources", w.as(t, alerts.Admin, "city"), nil).want(t, 200)
	if strings.Contains(list.rec.Body.String(), src.Token) || strings.Contains(list.rec.Body.String(), "token") {
		t.Errorf("the list shows the token: %s", list.rec.Body)
	}
	post := func(body any) answer { return w.call(t, "POST", "/api/v1/hooks/alarms", nil, body, bearer(src.Token)) }
	first := decode[AlarmAnswer](t, post(map[string]any{"kind": "fire", "camera_id": "cam-e"}).want(t, 201))
	again := decode[AlarmAnswer](t, post(map[string]any{"kind": "fire", "camera_id": "cam-e"}).want(t, 200))
	if first.Count != 1 || first.Repeated || again.ID != first.ID || again.Count != 2 || !again.Repeated {
		t.Errorf("%+v %+v", first, again)
	}
	items := decode[List[struct{ ID, Severity, CameraID string }]](t, w.call(t, "GET", "/api/v1/alerts?kind=fire", w.as(t, alerts.DutyOfficer, "east"), nil).want(t, 200))
	if len(items.Items) != 1 || items.Items[0].Severity != "high" {
		t.Errorf("%+v", items)
	}
	if other := decode[List[any]](t, w.call(t, "GET", "/api/v1/alerts", w.as(t, alerts.DutyOfficer, "west"), nil)); len(other.Items) != 0 {
		t.Errorf("the west sees %v", other.Items)
	}
	for body, status := range map[string]int{
		`{"kind":"fire"}`:                                    422,
		`{"kind":"fire","camera_id":"cam-w"}`:                422, // of another area
		`{"kind":"fire","camera_id":"nothing"}`:              422,
		`{"camera_id":"cam-e"}`:                              422,
		`{"kind":"fire","camera_id":"cam-e","severity":"x"}`: 422,
		`{"kind":"fire","camera_id":"cam-e","extra":1}`:      422,
		`{"kind":"fire","lon":117.35,"lat":31.05}`:           422,
		`{"kind":"fire","lon":"x","lat":31.05}`:              422,
		`{"kind":"` + strings.Repeat("x", 70000) + `"}`:      413,
		`{`: 400, ``: 400, `[]`: 422, `null`: 422,
	} {
		a := w.call(t, "POST", "/api/v1/hooks/alarms", nil, body, bearer(src.Token), header("Content-Type", "application/json"))
		if a.rec.Code != status && (status != 422 || a.rec.Code != 404 && a.rec.Code != 403) {
			t.Errorf("%.80s: %d %s", body, a.rec.Code, a.rec.Body)
		}
	}
	w.call(t, "POST", "/api/v1/hooks/alarms", nil, map[string]any{"kind": "fire", "camera_id": "cam-e"}, bearer("wrong")).want(t, 401)
	w.call(t, "DELETE", "/api/v1/sources/"+src.ID, w.as(t, alerts.Admin, "city"), nil).want(t, 204)
	post(map[string]any{"kind": "fire", "camera_id": "cam-e"}).want(t, 401)
	if strings.Contains(w.log.String(), src.Token) {
		t.Error("the token is in the log")
	}
}

// A camera's password is shown to nobody, in no answer.
func TestCameraSecrets(t *testing.T) {
	w := newWorld(t)
	for _, role := range alerts.Roles {
		cookie := w.as(t, role, "city")
		for _, path := range []string{"/api/v1/cameras", "/api/v1/cameras/cam-e", "/api/v1/cameras?near=117.05,31.05"} {
			body := w.call(t, "GET", path, cookie, nil).want(t, 200).rec.Body.String()
			if strings.Contains(body, "camera-secret") || strings.Contains(body, "viewer") {
				t.Errorf("%s as %s shows the password: %s", path, role, body)
			}
			if shows := strings.Contains(body, "main_url"); shows && role != alerts.Admin || !shows && role == alerts.Admin && !strings.Contains(path, "near") {
				t.Errorf("%s as %s: %s", path, role, body)
			}
		}
	}
	admin := w.as(t, alerts.Admin, "city")
	a := w.call(t, "POST", "/api/v1/cameras", admin, map[string]any{"name": "new", "lon": 117.06, "lat": 31.05,
		"main_url": "rtsp://root:url-secret@10.0.0.8/1", "retention_days": 30}).want(t, 201)
	if strings.Contains(a.rec.Body.String(), "url-secret") || strings.Contains(w.log.String(), "secret") {
		t.Errorf("%s", a.rec.Body)
	}
	if p := w.call(t, "POST", "/api/v1/cameras", admin, map[string]any{"name": "x", "lon": 117.06, "lat": 31.05,
		"main_url": "http://root:url-secret@10.0.0.8/1"}).problem(t, 422); strings.Contains(p.Detail, "url-secret") {
		t.Errorf("%+v", p)
	}
}

func TestCameras(t *testing.T) {
	w := newWorld(t)
	admin := w.as(t, alerts.Admin, "city")
	made := w.call(t, "POST", "/api/v1/cameras", admin, map[string]any{"id": "new1", "name": "新", "lon": 117.06, "lat": 31.05, "main_url": "rtsp://10.0.0.8/1"}).want(t, 201)
	c := decode[map[string]any](t, made)
	if c["grid_id"] != "g1" || c["status"].(map[string]any)["state"] != "idle" {
		t.Errorf("%s", made.rec.Body)
	}
	w.call(t, "POST", "/api/v1/cameras", admin, map[string]any{"id": "new1", "name": "新", "lon": 117.06, "lat": 31.05, "main_url": "rtsp://10.0.0.8/1"}).want(t, 409)
	changed := w.call(t, "PATCH", "/api/v1/cameras/new1", admin, map[string]any{"name": "newer", "version": c["version"]}).want(t, 200)
	if decode[map[string]any](t, changed)["name"] != "newer" {
		t.Errorf("%s", changed.rec.Body)
	}
	w.call(t, "PATCH", "/api/v1/cameras/new1", admin, map[string]any{"name": "late", "version": c["version"]}).want(t, 409)
	for near, status := range map[string]int{"117.05,31.05": 200, "117.05": 422, "a,b": 422, "NaN,NaN": 422, "200,31": 422, "117,31,5": 422, "117.05,31.05&q=x": 422} {
		w.call(t, "GET", "/api/v1/cameras?near="+near, admin, nil).want(t, status)
	}
	near := w.call(t, "GET", "/api/v1/cameras?near=117.05,31.05&limit=1", admin, nil).want(t, 200)
	if items := decode[List[map[string]any]](t, near).Items; len(items) != 1 || items[0]["id"] != "cam-e" || items[0]["in_view"] != true || items[0]["status"] == nil {
		t.Errorf("%s", near.rec.Body)
	}
	// Pages.
	seen, cursor := map[string]bool{}, ""
	for range 5 {
		page := decode[List[struct{ ID string }]](t, w.call(t, "GET", "/api/v1/cameras?limit=2&cursor="+cursor, admin, nil).want(t, 200))
		for _, i := range page.Items {
			seen[i.ID] = true
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != 3 {
		t.Errorf("pages show %v", seen)
	}
	for _, q := range []string{"limit=0", "limit=1001", "limit=x", "cursor=garbage", "unknown=1"} {
		if p := w.call(t, "GET", "/api/v1/cameras?"+q, admin, nil).problem(t, 422); q != "cursor=garbage" && fields(p) != strings.Split(q, "=")[0] {
			t.Errorf("%s: %+v", q, p)
		}
	}
	w.call(t, "DELETE", "/api/v1/cameras/new1", admin, nil).want(t, 204)
	w.call(t, "GET", "/api/v1/cameras/new1", admin, nil).want(t, 404)
}

func TestImports(t *testing.T) {
	w := newWorld(t)
	admin := w.as(t, alerts.Admin, "city")
	csv := "id,name,lon,lat,main_url\nc1,One,117.05,31.05,rtsp://10.0.0.1/1\nc2,Two,117.06,31.05,rtsp://10.0.0.2/1\n"
	a := w.call(t, "POST", "/api/v1/cameras/import", admin, csv, header("Content-Type", "text/csv; charset=utf-8")).want(t, 200)
	if r := decode[struct{ Imported int }](t, a); r.Imported != 2 {
		t.Errorf("%s", a.rec.Body)
	}
	bad := strings.ReplaceAll(csv, "117.06", "east")
	if p := w.call(t, "POST", "/api/v1/cameras/import", admin, bad, header("Content-Type", "text/csv")).problem(t, 422); len(p.Errors) != 1 || p.Errors[0].Row == 0 || p.Errors[0].Field != "lon" {
		t.Errorf("%+v", p)
	}
	w.call(t, "POST", "/api/v1/cameras/import", admin, csv, header("Content-Type", "text/plain")).want(t, 415)
	w.call(t, "POST", "/api/v1/areas/import", admin, csv, header("Content-Type", "text/csv")).want(t, 422) // cameras
	w.call(t, "POST", "/api/v1/cameras/import?system=mars", admin, csv, header("Content-Type", "text/csv")).want(t, 422)
	w.imports <- struct{}{} // one is running
	w.call(t, "POST", "/api/v1/cameras/import", admin, csv, header("Content-Type", "text/csv")).want(t, 429)
	<-w.imports
}

func FuzzHook(f *testing.F) {
	w := newWorld(f)
	src := w.source(f, "east")
	f.Add(`{"kind":"fire","camera_id":"cam-e"}`)
	f.Add(`{"kind":"fire","lon":117.05,"lat":31.05,"system":"gcj02","at":"2026-11-23T00:00:00Z","severity":"low","external_id":"1"}`)
	f.Add(`{"kind":"fire","lon":1e999}`)
	f.Add(`{"kind":null,"lon":[],"KIND":"x"}`)
	f.Fuzz(func(t *testing.T, body string) {
		a := w.call(t, "POST", "/api/v1/hooks/alarms", nil, body, bearer(src.Token), header("Content-Type", "application/json"))
		if a.rec.Code >= 500 || a.rec.Code < 300 && !json.Valid([]byte(body)) {
			t.Errorf("%d: %s", a.rec.Code, a.rec.Body)
		}
	})
}
