package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// machine has a leader or an administrator make a token over the API, and
// returns its id and what a request with it needs.
func (w *world) machine(t testing.TB, maker alerts.Role, area string, rights ...alerts.Right) (id, token string, bearer func(*http.Request)) {
	t.Helper()
	made := decode[MachineToken](t, w.call(t, "POST", "/api/v1/tokens", w.as(t, maker, "city"),
		map[string]any{"name": "platform", "rights": rights, "area_id": area}).want(t, 201))
	return made.ID, made.Token, header("Authorization", "Bearer "+made.Token)
}

// Every route with a token that has every right a machine can have: what needs a
// person is closed to it.
func TestRouteByMachine(t *testing.T) {
	w := newWorld(t)
	lent := func(r alerts.Role) (out []alerts.Right) {
		for _, x := range alerts.MachineRights {
			if slices.Contains(alerts.RightsOf(r), x) {
				out = append(out, x)
			}
		}
		return out
	}
	for _, role := range []alerts.Role{alerts.Leader, alerts.Admin} {
		rights := lent(role)
		_, _, bearer := w.machine(t, role, "east", rights...)
		_, _, mapOnly := w.machine(t, role, "east", alerts.ViewMap)
		for _, row := range routes() {
			if row.access == public || row.access == sourceToken {
				continue
			}
			path := strings.NewReplacer("{id}", "0123456789abcdefghjkmnpqrs", "{session}", "none", "{month}", "2026-11").Replace(row.path)
			open := row.access == signedIn || slices.Contains(rights, alerts.Right(row.access)) || row.access == ownReports && role == alerts.Leader
			if row.path == "/api/v1/units/figures" || strings.HasPrefix(row.path, "/api/v1/points") || strings.HasSuffix(row.path, "/export") {
				continue // desk has a say there, too; see below
			}
			try := func(whose string, open bool, bearer func(*http.Request)) {
				a := w.call(t, row.method, path, nil, nil, bearer)
				// Behind an open door desk may say that this is for people, in words
				// of its own.
				refused := a.rec.Code == 401 || a.rec.Code >= 500 || a.rec.Code == 403 && strings.Contains(a.rec.Body.String(), "does not have the right")
				if open && refused || !open && a.rec.Code != 403 {
					t.Errorf("%s with a token %s: %d", row.pattern(), whose, a.rec.Code)
				}
			}
			try("of the "+string(role), open, bearer)
			try("for the map", row.access == signedIn || row.access == right(alerts.ViewMap), mapOnly)
		}
	}
	for _, path := range []string{"/api/v1/session", "/api/v1/tokens", "/api/v1/users", "/api/v1/webhooks"} {
		_, _, bearer := w.machine(t, alerts.Admin, "city", alerts.ViewMap, alerts.ManageCameras)
		w.call(t, "GET", path, nil, nil, bearer).problem(t, 403)
	}
}

func TestMachineSeesItsArea(t *testing.T) {
	w := newWorld(t)
	_, token, bearer := w.machine(t, alerts.Leader, "east", alerts.ViewMap, alerts.ReadIncidents, alerts.ReadCases, alerts.ExportLists)
	w.call(t, "GET", "/api/v1/cameras/cam-e", nil, nil, bearer).want(t, 200)
	w.call(t, "GET", "/api/v1/cameras/cam-w", nil, nil, bearer).want(t, 404)
	ids := w.eastern(t)
	for path, status := range map[string]int{"/api/v1/incidents/" + ids["incident"]: 200, "/api/v1/cases/" + ids["case"]: 200,
		"/api/v1/cases/export?format=csv": 200, "/api/v1/incidents/export?format=csv": 200, "/api/v1/alerts/export?format=csv": 403, "/api/v1/photos/" + ids["photo"]: 200} {
		w.call(t, "GET", path, nil, nil, bearer).want(t, status)
	}
	_, _, west := w.machine(t, alerts.Leader, "west", alerts.ViewMap, alerts.ReadIncidents, alerts.ReadCases)
	for _, path := range []string{"/api/v1/incidents/" + ids["incident"], "/api/v1/cases/" + ids["case"]} {
		w.call(t, "GET", path, nil, nil, west).problem(t, 404)
	}
	if strings.Contains(w.log.String(), token) {
		t.Error("the token is in the log")
	}
	for _, cookie := range []*http.Cookie{w.as(t, alerts.Admin, "city"), w.as(t, alerts.Auditor, "city")} {
		for _, path := range []string{"/api/v1/tokens", "/api/v1/audit"} {
			if strings.Contains(w.call(t, "GET", path, cookie, nil).rec.Body.String(), token) {
				t.Errorf("%s shows the token", path)
			}
		}
	}
}

// A machine reports; the same key makes one incident, and it is told from what
// others report.
func TestMachineReports(t *testing.T) {
	w := newWorld(t)
	_, _, bearer := w.machine(t, alerts.Leader, "east", alerts.Report)
	body := map[string]any{"category": "hazard.gas", "text": "from the platform", "lon": 117.05, "lat": 31.05}
	key := header("Idempotency-Key", "k1")
	first := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", nil, body, bearer, key).want(t, 201))
	again := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", nil, body, bearer, key).want(t, 200))
	if first.Incident.ID != again.Incident.ID {
		t.Error("one key made two incidents")
	}
	_, _, other := w.machine(t, alerts.Leader, "east", alerts.Report)
	if third := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", nil, body, other, key).want(t, 201)); third.Incident.ID == first.Incident.ID {
		t.Error("another machine's key is the same")
	}
	body["lon"] = 117.35
	w.call(t, "POST", "/api/v1/incidents", nil, body, bearer).want(t, 422)
}

// A viewer of a machine ends with its token; the list shows it no more.
func TestTokenEndsItsVideo(t *testing.T) {
	w := newWorld(t)
	id, _, bearer := w.machine(t, alerts.Leader, "east", alerts.ViewMap, alerts.WatchVideo)
	sdp := header("Content-Type", sdpType)
	w.call(t, "POST", "/api/v1/cameras/cam-e/whep", nil, "v=0 offer", bearer, sdp).want(t, 201)
	v := w.video.only(t)
	w.call(t, "DELETE", "/api/v1/tokens/"+id, w.as(t, alerts.Leader, "west"), nil).want(t, 404)
	w.call(t, "DELETE", "/api/v1/tokens/"+id, w.as(t, alerts.Leader, "east"), nil).want(t, 204)
	v.wantClosed(t)
	w.call(t, "POST", "/api/v1/cameras/cam-e/whep", nil, "v=0 offer", bearer, sdp).problem(t, 401)
	w.call(t, "DELETE", "/api/v1/tokens/"+id, w.as(t, alerts.Leader, "east"), nil).want(t, 404)
	if list := decode[List[desk.TokenView]](t, w.call(t, "GET", "/api/v1/tokens", w.as(t, alerts.Admin, "city"), nil)); len(list.Items) != 0 {
		t.Errorf("%+v", list.Items)
	}
}

func TestTokenInput(t *testing.T) {
	w := newWorld(t)
	sound := func() map[string]any {
		return map[string]any{"name": "x", "rights": []string{"view_map"}, "area_id": "east"}
	}
	for name, c := range map[string]struct {
		role   alerts.Role
		area   string
		key    string
		value  any
		fields string
	}{
		"no name":                        {alerts.Leader, "city", "name", " ", "name"},
		"name of controls":               {alerts.Leader, "city", "name", "a\u202eb", "name"},
		"a right that is none":           {alerts.Leader, "city", "rights", []string{"everything"}, "rights"},
		"a right for people":             {alerts.Leader, "city", "rights", []string{"work_cases"}, "rights"},
		"accounts":                       {alerts.Admin, "city", "rights", []string{"manage_users"}, "rights"},
		"tokens":                         {alerts.Admin, "city", "rights", []string{"manage_tokens"}, "rights"},
		"what its maker has not":         {alerts.Admin, "city", "rights", []string{"read_cases"}, "rights"},
		"what its maker has not (other)": {alerts.Leader, "city", "rights", []string{"manage_cameras"}, "rights"},
		"no right":                       {alerts.Leader, "city", "rights", []string{}, "rights"},
		"an area outside":                {alerts.Leader, "east", "area_id", "west", "area_id"},
		"an area above":                  {alerts.Leader, "east", "area_id", "city", "area_id"},
		"no area":                        {alerts.Leader, "city", "area_id", "", "area_id"},
		"already over":                   {alerts.Leader, "city", "expires_at", time.Now().Add(-time.Hour), "expires_at"},
		"too long":                       {alerts.Leader, "city", "expires_at", time.Now().Add(400 * 24 * time.Hour), "expires_at"},
	} {
		body := sound()
		body[c.key] = c.value
		if p := w.call(t, "POST", "/api/v1/tokens", w.as(t, c.role, c.area), body).problem(t, 422); fields(p) != c.fields {
			t.Errorf("%s: %+v", name, p)
		}
	}
	body := sound()
	body["expires_at"] = time.Now().Add(48 * time.Hour)
	made := decode[MachineToken](t, w.call(t, "POST", "/api/v1/tokens", w.as(t, alerts.Leader, "east"), body).want(t, 201))
	if !strings.HasPrefix(made.Token, alerts.TokenPrefix) || made.Expired || made.UsedAt != nil || made.AreaName != "东镇" ||
		made.CreatedBy != userID(alerts.Leader, "east") || time.Until(made.ExpiresAt) > 49*time.Hour {
		t.Errorf("%+v", made)
	}
}

func TestWebhooksOverTheAPI(t *testing.T) {
	w := newWorld(t)
	leader := w.as(t, alerts.Leader, "east")
	input := map[string]any{"name": "platform", "url": "https://example.org/hook?access_token=hush", "kinds": []string{"case.changed", "alert.raised"}, "area_id": "east"}
	made := decode[Webhook](t, w.call(t, "POST", "/api/v1/webhooks", leader, input).want(t, 201))
	if !strings.HasPrefix(made.Secret, desk.HookSecretPrefix) || made.State != alerts.HookActive || made.URL != "https://example.org/hook?…" || made.Seq == 0 {
		t.Errorf("%+v", made)
	}
	path := "/api/v1/webhooks/" + made.ID
	changed := decode[Webhook](t, w.call(t, "PATCH", path, leader, map[string]any{"paused": true, "name": "renamed"}).want(t, 200))
	if changed.State != alerts.HookPaused || changed.Name != "renamed" || changed.Secret != "" || changed.URL != made.URL {
		t.Errorf("%+v", changed)
	}
	w.call(t, "POST", path+"/retry", leader, nil).problem(t, 409)
	changed = decode[Webhook](t, w.call(t, "PATCH", path, leader, map[string]any{"paused": false, "new_secret": true}).want(t, 200))
	if changed.State != alerts.HookActive || changed.Secret == "" || changed.Secret == made.Secret {
		t.Errorf("%+v", changed)
	}
	// The administrator may not read cases: he cannot have them sent, either.
	p := w.call(t, "PATCH", path, w.as(t, alerts.Admin, "east"), map[string]any{"url": "https://attacker.example/"}).problem(t, 422)
	if fields(p) != "kinds kinds" {
		t.Errorf("%+v", p)
	}
	// But he can stop them.
	for _, paused := range []bool{true, false} {
		v := decode[Webhook](t, w.call(t, "PATCH", path, w.as(t, alerts.Admin, "east"), map[string]any{"paused": paused}).want(t, 200))
		if v.CreatedBy != made.CreatedBy || (v.State == alerts.HookPaused) != paused {
			t.Errorf("%+v", v)
		}
	}
	// A dead one is shown with its last error, and retried.
	err := w.store.Write(t.Context(), func(tx alerts.Tx) error {
		h, err := tx.Webhook(t.Context(), alerts.System(), made.ID)
		if err != nil {
			return err
		}
		h.Progress.State, h.Progress.Failures, h.Progress.Error = alerts.HookDead, 50, "answered 500: 50 failures in a row"
		if err := tx.AddDelivery(alerts.Delivery{ID: made.ID + "-9", WebhookID: made.ID, Seq: 9, Kind: alerts.AlertRaised, At: time.Now(), Try: 50,
			Status: 500, Took: time.Second, Error: "answered 500"}); err != nil {
			return err
		}
		return tx.SaveHookProgress(made.ID, h.Progress)
	})
	if err != nil {
		t.Fatal(err)
	}
	list := decode[List[desk.WebhookView]](t, w.call(t, "GET", "/api/v1/webhooks", leader, nil).want(t, 200))
	if len(list.Items) != 1 || list.Items[0].State != alerts.HookDead || !strings.Contains(list.Items[0].LastError, "answered 500") {
		t.Errorf("%+v", list.Items)
	}
	tries := decode[List[desk.DeliveryView]](t, w.call(t, "GET", path+"/deliveries", leader, nil).want(t, 200))
	if len(tries.Items) != 1 || tries.Items[0].Status != 500 || tries.Items[0].TookMS != 1000 || tries.Items[0].Try != 50 {
		t.Errorf("%+v", tries.Items)
	}
	revived := decode[desk.WebhookView](t, w.call(t, "POST", path+"/retry", leader, nil).want(t, 200))
	if revived.State != alerts.HookActive || revived.Failures != 0 {
		t.Errorf("%+v", revived)
	}
	for _, secret := range []string{made.Secret, changed.Secret, "hush"} {
		for _, path := range []string{"/api/v1/webhooks", path + "/deliveries", "/api/v1/audit"} {
			for _, cookie := range []*http.Cookie{leader, w.as(t, alerts.Admin, "city"), w.as(t, alerts.Auditor, "city")} {
				if strings.Contains(w.call(t, "GET", path, cookie, nil).rec.Body.String(), secret) {
					t.Errorf("%s shows a secret", path)
				}
			}
		}
		if strings.Contains(w.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
	w.call(t, "DELETE", path, leader, nil).want(t, 204)
	w.call(t, "GET", path+"/deliveries", leader, nil).want(t, 404)
}

func TestWebhookInput(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		key    string
		value  any
		fields string
	}{
		"no name":           {"name", "", "name"},
		"no address":        {"url", "", "url"},
		"a path":            {"url", "/hook", "url"},
		"a file":            {"url", "file:///etc/passwd", "url"},
		"a program":         {"url", "exec:/bin/sh", "url"},
		"a password in it":  {"url", "https://u:p@example.org/", "url"},
		"a fragment":        {"url", "https://example.org/#x", "url"},
		"a line break":      {"url", "https://example.org/\r\nX: y", "url"},
		"no host":           {"url", "https:///x", "url"},
		"too long":          {"url", "https://example.org/" + strings.Repeat("x", 3000), "url"},
		"no kind":           {"kinds", []string{}, "kinds"},
		"unknown kind":      {"kinds", []string{"everything"}, "kinds"},
		"kind for us alone": {"kinds", []string{"user.changed"}, "kinds"},
		"area outside":      {"area_id", "west", "area_id"},
	} {
		body := map[string]any{"name": "x", "url": "https://example.org/", "kinds": []string{"alert.raised"}, "area_id": "east"}
		body[c.key] = c.value
		p := w.call(t, "POST", "/api/v1/webhooks", w.as(t, alerts.Leader, "east"), body).problem(t, 422)
		if fields(p) != c.fields || strings.Contains(p.Detail, "u:p") {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
