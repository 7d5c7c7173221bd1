package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// Who may call a route, as letters: O duty officer, G grid leader, H handler,
// L leader, U auditor, A administrator; or one of these words.
const (
	anybody  = "anybody"
	accounts = "OGHLUA"
	machines = "machines" // with a token of their own, and no account
)

// expected is what must hold for a route. It is written by hand and does not
// look at RightsOf or the route table: it is the other opinion.
type expected struct {
	who  string
	at   string // kind of the object in the path, which lies in the east; empty: none, or none by area
	body any    // a sound one, where the object is looked for after the body was read
	head []string
	// seen tells who sees the object where it is not everybody who may call the
	// route in an area over it.
	seen func(role alerts.Role, area string) bool
}

// parties: the officers of the areas see every case; of the others the grid
// leader of the east, who reported it. No department has it.
func parties(role alerts.Role, area string) bool {
	switch role {
	case alerts.DutyOfficer, alerts.Leader, alerts.Auditor:
		return area != "west"
	case alerts.GridLeader:
		return area == "east"
	}
	return false
}

// reports: who reads incidents, and handlers their own alone.
func reports(role alerts.Role, area string) bool {
	return role != alerts.Handler && area != "west"
}

// matrix is every route there is, by pattern.
func matrix() map[string]expected {
	jsonPatch := map[string]any{"name": "renamed"}
	sdp := []string{"Content-Type", sdpType}
	m := map[string]expected{
		"POST /session": {who: anybody}, "GET /session": {who: accounts}, "DELETE /session": {who: anybody},
		"GET /session/options": {who: anybody}, "GET /session/oidc": {who: anybody}, "GET /session/oidc/callback": {who: anybody},

		"GET /areas": {who: accounts}, "GET /areas.geojson": {who: accounts}, "GET /grids": {who: accounts}, "GET /grids.geojson": {who: accounts},
		"GET /areas/{id}/shifts":  {who: "OLUA", at: "area"},
		"POST /areas/{id}/shifts": {who: "OL", at: "area", body: map[string]any{"user_id": userID(alerts.DutyOfficer, "east"), "from": soon(0), "to": soon(1)}},
		"PATCH /shifts/{id}":      {who: "OL", at: "shift", body: map[string]any{"note": "x"}},
		"DELETE /shifts/{id}":     {who: "OL", at: "shift"},
		"POST /areas/import":      {who: "A"}, "POST /grids/import": {who: "A"}, "GET /basemap.geojson": {who: accounts},

		"GET /cameras": {who: accounts}, "POST /cameras": {who: "A"}, "POST /cameras/import": {who: "A"},
		"GET /cameras/{id}":              {who: accounts, at: "camera"},
		"PATCH /cameras/{id}":            {who: "A", at: "camera", body: jsonPatch},
		"DELETE /cameras/{id}":           {who: "A", at: "camera"},
		"POST /cameras/{id}/whep":        {who: "OLA", at: "camera", body: "v=0", head: sdp},
		"GET /cameras/{id}/keyframe.mp4": {who: "OLA", at: "camera"},
		"GET /cameras/{id}/snapshot.jpg": {who: "OLA", at: "camera"},
		"POST /whep":                     {who: "OLA", body: "v=0", head: sdp},
		"OPTIONS /cameras/{id}/whep":     {who: anybody}, "OPTIONS /whep": {who: anybody}, "OPTIONS /whep/{session}": {who: anybody},
		"PATCH /whep/{session}": {who: "OLA"}, "DELETE /whep/{session}": {who: accounts},

		"GET /recordings": {who: "OL"}, "POST /playbacks": {who: "OL"}, "DELETE /playbacks/{id}": {who: accounts},
		"GET /playbacks/{id}/media": {who: "OL"}, "GET /playbacks/{id}/keyframes": {who: "OL"},

		"GET /categories": {who: accounts}, "POST /incidents": {who: "OGHL"},
		"GET /incidents": {who: "OGLU"}, "GET /incidents/export": {who: "OLU"},
		"GET /incidents/{id}": {who: "OGHLU", at: "incident", seen: reports},
		"GET /photos/{id}":    {who: "OGHLU", at: "photo", seen: reports},

		"POST /hooks/alarms": {who: machines}, "GET /alerts": {who: "OLU"}, "GET /alerts/export": {who: "OLU"},
		"GET /sources": {who: "A"}, "POST /sources": {who: "A"}, "DELETE /sources/{id}": {who: "A", at: "source"},
		"GET /users": {who: "A"}, "POST /users": {who: "A"}, "PATCH /users/{id}": {who: "A", at: "user", body: jsonPatch},

		"GET /audit": {who: "U"}, "GET /audit/export": {who: "U"},

		"GET /live": {who: accounts},
	}
	cases(m)
	rules(m)
	forMachines(m)
	structures(m)
	out := map[string]expected{
		"GET /api/openapi.json": {who: anybody}, "GET /api/docs": {who: anybody}, "GET /api/docs/{file}": {who: anybody},
		"GET /healthz": {who: anybody}, "GET /readyz": {who: anybody}, "GET /metrics": {who: anybody}, "/api/": {who: anybody}, "/": {who: anybody},
	}
	for pattern, e := range m {
		method, path, _ := strings.Cut(pattern, " ")
		out[method+" /api/v1"+path] = e
	}
	return out
}

// cases: reading is for parties, officers and the auditor, who changes nothing;
// the administrator reads no cases.
func cases(m map[string]expected) {
	text := map[string]any{"text": "x"}
	for pattern, e := range map[string]expected{
		"GET /cases":                     {who: "OGHLU"},
		"GET /cases/counts":              {who: "OGHLU"},
		"GET /cases/export":              {who: "OLU"},
		"GET /cases/{id}":                {who: "OGHLU", at: "case", seen: parties},
		"GET /cases/{id}/incidents":      {who: "OGHLU", at: "case", seen: parties},
		"GET /cases/{id}/moves":          {who: "OGHLU", at: "case", seen: parties},
		"GET /cases/{id}/comments":       {who: "OGHLU", at: "case", seen: parties},
		"GET /cases/{id}/attachments":    {who: "OGHLU", at: "case", seen: parties},
		"POST /cases/{id}/comments":      {who: "OGHL", at: "case", seen: parties, body: text},
		"POST /cases/{id}/attachments":   {who: "OGHL", at: "case", seen: parties, body: attachedForm, head: []string{"Content-Type", attachedType}},
		"GET /attachments/{id}":          {who: "OGHLU", at: "attachment", seen: parties},
		"GET /incidents/{id}/duplicates": {who: "OGHLU", at: "incident", seen: reports},
		"GET /incidents/{id}/notes":      {who: "OGHLU", at: "incident", seen: reports},
		"POST /incidents/{id}/notes":     {who: "OGHL", at: "incident", seen: reports, body: text},
		"POST /incidents/{id}/disclosure": {who: "OL", at: "incident",
			body: map[string]any{"reason": "the caller asked to be called back"}},
		// A move that is not in this step: 409 for everybody who sees the case.
		"POST /cases/{id}/moves": {who: "OGHL", at: "case", seen: parties, head: []string{"If-Match", `"v1"`},
			body: map[string]any{"action": "reopen", "reason": "x"}},
		"GET /receipts/{code}": {who: anybody},
		"GET /analysis/brief":  {who: "OLU"},
		"GET /units/figures":   {who: "OL"},

		// To the village v1 of the east: the east and the city stand above it.
		"GET /emergencies":                 {who: "OLU"},
		"POST /emergencies":                {who: "OL"},
		"GET /emergencies/areas":           {who: "OL"},
		"GET /emergencies/{id}":            {who: "OLU", at: "emergency"},
		"DELETE /emergencies/{id}":         {who: "OL", at: "emergency"},
		"POST /emergencies/{id}/review":    {who: "OL", at: "emergency", body: map[string]any{"verdict": "confirmed", "text": "x"}},
		"GET /cases/{id}/evidence":         {who: "OGHLU", at: "case", seen: parties},
		"GET /cases/{id}/evidence/package": {who: "O", at: "case", seen: parties},
		"POST /cases/{id}/clip-requests": {who: "GH", at: "case", seen: parties, head: []string{"Content-Type", "application/json"},
			body: `{"cameras":["cam-e"],` + clipWindow + `,"reason":"x"}`},
		"GET /cases/{id}/holds":   {who: "OGHLU", at: "case", seen: parties},
		"POST /holds/{id}/review": {who: "O", at: "hold", body: map[string]any{"reason": "x"}},
		"POST /exports":           {who: "O"}, "GET /exports": {who: "O"},
		"GET /exports/{id}": {who: "O", at: "export"}, "DELETE /exports/{id}": {who: "O", at: "export"},
		"GET /evidence/key":                 {who: anybody},
		"GET /evidence/{id}/file":           {who: "OGHLU", at: "evidence", seen: parties},
		"POST /evidence/{id}/verify":        {who: "OGHLU", at: "evidence", seen: parties},
		"POST /evidence/{id}/copy":          {who: "O", at: "evidence", body: map[string]any{}},
		"GET /clip-requests":                {who: "OGHLU"},
		"POST /clip-requests/{id}/approval": {who: "O", at: "request", body: map[string]any{}},
		"POST /clip-requests/{id}/refusal":  {who: "O", at: "request", body: map[string]any{"reason": "x"}},

		"GET /points":                        {who: "OGLU"},
		"GET /points/months/{month}":         {who: "OGLU"},
		"GET /points/appeals":                {who: "OGLU"},
		"POST /points/appeals":               {who: "G", body: map[string]any{"month": "2026-11", "text": "x"}},
		"POST /points/appeals/{id}/decision": {who: "OL", at: "appeal", body: map[string]any{"points": 1, "answer": "x"}},
	} {
		m[pattern] = e
	}
}

func rules(m map[string]expected) {
	for _, name := range []string{"deadlines", "calendar", "categories"} {
		m["GET /rules/"+name] = expected{who: accounts}
		m["PUT /rules/"+name] = expected{who: "A"}
	}
}

// forMachines: tokens and webhooks are made by the administrator, and by the
// leader, who may lend what he reads.
func forMachines(m map[string]expected) {
	for pattern, e := range map[string]expected{
		"GET /tokens": {}, "POST /tokens": {}, "DELETE /tokens/{id}": {at: "token"},
		"GET /webhooks": {}, "POST /webhooks": {}, "DELETE /webhooks/{id}": {at: "webhook"},
		"PATCH /webhooks/{id}":          {at: "webhook", body: map[string]any{"name": "renamed", "kinds": []string{"camera.saved"}}},
		"GET /webhooks/{id}/deliveries": {at: "webhook"},
		"POST /webhooks/{id}/retry":     {at: "webhook"},
	} {
		e.who = "LA"
		m[pattern] = e
	}
}

// attachedForm is a form with one file, with a boundary of its own.
const (
	attachedType = "multipart/form-data; boundary=edge"
	attachedHead = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.png\"\r\n\r\n"
	attachedTail = "\r\n--edge--\r\n"
	attachedForm = "the form" // stands for it in the table
)

func letter(r alerts.Role) string {
	return map[alerts.Role]string{alerts.DutyOfficer: "O", alerts.GridLeader: "G", alerts.Handler: "H", alerts.Leader: "L", alerts.Auditor: "U", alerts.Admin: "A"}[r]
}

// eastern makes one object of each kind in the east and returns their ids.
func (w *world) eastern(t *testing.T) map[string]string {
	t.Helper()
	w.evidence(t)
	photo := must[alerts.Photo](t)(w.photos.Accept(t.Context(), strings.NewReader(string(tinyPNG(t)))))
	reporter := w.as(t, alerts.GridLeader, "east")
	body, typ := form(t, []string{"category", "hazard.gas", "text", "x", "lon", "117.05", "lat", "31.05"}, tinyPNG(t))
	w.camera(t) // before the report, whose place it sees
	inc := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", reporter, body, typ).want(t, 201)).Incident
	src, _, err := w.desk.CreateSource(t.Context(), scope(alerts.Admin, "city"), desk.SourceInput{Name: "box", AreaID: "east"})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{"camera": "cam-e", "incident": inc.ID, "photo": inc.Photos[0].ID, "source": src.ID, "user": userID(alerts.Leader, "east")}
	leader := scope(alerts.Leader, "city")
	token, _, err := w.desk.CreateToken(t.Context(), leader, desk.TokenInput{Name: "platform", Rights: []alerts.Right{alerts.ViewMap}, AreaID: "east"})
	if err != nil {
		t.Fatal(err)
	}
	hook, _, err := w.desk.CreateWebhook(t.Context(), leader, desk.WebhookInput{Name: "platform", URL: "https://example.org/hook",
		Kinds: []alerts.EventKind{alerts.AlertRaised}, AreaID: "east"})
	if err != nil {
		t.Fatal(err)
	}
	ids["token"], ids["webhook"] = token.ID, hook.ID
	ids["case"] = decode[desk.CaseView](t, w.call(t, "GET", "/api/v1/cases/"+inc.Number, reporter, nil).want(t, 200)).ID
	file := must[desk.AttachmentView](t)(w.desk.Attach(t.Context(), officerScope("east"), ids["case"], photo))
	ids["attachment"] = file.ID
	appeal := must[desk.AppealView](t)(w.desk.Appeal(t.Context(), scope(alerts.GridLeader, "east"), desk.AppealInput{Month: time.Now().Format("2006-01"), Text: "x"}))
	ids["appeal"] = appeal.ID
	ids["area"] = "east"
	ids["shift"] = must[desk.ShiftView](t)(w.desk.CreateShift(t.Context(), officerScope("east"), "east",
		desk.ShiftInput{UserID: userID(alerts.DutyOfficer, "east"), From: soon(1), To: soon(2)})).ID
	// In the name of an account that such access opens nothing to.
	e := alerts.Emergency{ID: alerts.NewID(time.Now()), UserID: "u-roads", UserName: "roads", Role: alerts.DutyOfficer, HomeID: "v4", AreaID: "v1",
		Reason: "x", At: time.Now(), Until: time.Now().Add(time.Hour)}
	if err := w.store.Write(t.Context(), func(tx alerts.Tx) error { return tx.SaveEmergency(e) }); err != nil {
		t.Fatal(err)
	}
	ids["emergency"] = e.ID
	w.structure(t, ids)
	w.evidenceIDs(t, ids)
	return ids
}

// soon is some hours from now.
func soon(hours int) time.Time { return time.Now().Add(time.Duration(hours)*time.Hour + time.Minute) }

// officerScope is the scope of an area's duty officer as sign-in makes it.
func officerScope(area string) alerts.Scope {
	s := scope(alerts.DutyOfficer, area)
	s.Home, s.Name = paths(area), "officer"
	return s
}

// Every route there is, called by nobody and by every role in the area of an
// object, above it and beside it.
func TestRouteByRoleAndArea(t *testing.T) {
	w := newWorld(t)
	table := matrix()
	for pattern := range table {
		if !slices.Contains(w.mux.registered, pattern) {
			t.Errorf("%s: expected, but there is no such route", pattern)
		}
	}
	png := string(tinyPNG(t))
	for _, pattern := range w.mux.registered {
		e, ok := table[pattern]
		if !ok {
			t.Errorf("%s: nobody has said who may call it: give it a row in matrix", pattern)
			continue
		}
		if e.body == attachedForm {
			e.body = attachedHead + png + attachedTail
		}
		t.Run(pattern, func(t *testing.T) { w.tryRoute(t, pattern, e) })
	}
}

func (w *world) tryRoute(t *testing.T, pattern string, e expected) {
	id := "0123456789abcdefghjkmnpqrs"
	if e.at != "" && e.who != anybody {
		id = w.eastern(t)[e.at]
		if id == "" {
			t.Fatalf("there is no %s", e.at)
		}
	}
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "GET", pattern
	}
	path = strings.NewReplacer("{id}", id, "{session}", "none", "{file}", "docs.js", "{code}", id, "{month}", "2026-11").Replace(path)
	call := func(cookie *http.Cookie) int {
		var options []func(*http.Request)
		if len(e.head) == 2 {
			options = append(options, header(e.head[0], e.head[1]))
		}
		return w.call(t, method, path, cookie, e.body, options...).rec.Code
	}
	refused := func(code int) bool { return code == 401 || code == 403 || code >= 500 }
	nobody := call(nil)
	if e.who == anybody {
		if refused(nobody) {
			t.Errorf("nobody: %d", nobody)
		}
		return
	}
	if nobody != http.StatusUnauthorized {
		t.Errorf("nobody: %d, want 401", nobody)
	}
	found := false
	for _, area := range []string{"west", "city", "east"} {
		for _, role := range alerts.Roles {
			got, who := call(w.as(t, role, area)), fmt.Sprintf("%s of %s", role, area)
			switch {
			case e.who == machines:
				if got != http.StatusUnauthorized {
					t.Errorf("%s: %d, want 401", who, got)
				}
			case !strings.Contains(e.who, letter(role)):
				if got != http.StatusForbidden {
					t.Errorf("%s: %d, want 403", who, got)
				}
			case e.at == "":
				if refused(got) {
					t.Errorf("%s: %d", who, got)
				}
			case area == "west" || e.seen != nil && !e.seen(role, area):
				if got != http.StatusNotFound {
					t.Errorf("%s: %d, want 404", who, got)
				}
			default:
				if refused(got) || got == http.StatusNotFound && (!found || method != "DELETE") {
					t.Errorf("%s: %d", who, got)
				}
				found = true
			}
		}
	}
	if e.at != "" && !found {
		t.Error("nobody finds it: the row tests nothing")
	}
}

// camera makes sure that the camera of the east is there, which an earlier route
// may have removed.
func (w *world) camera(t *testing.T) {
	t.Helper()
	if w.call(t, "GET", "/api/v1/cameras/cam-e", w.as(t, alerts.Admin, "city"), nil).rec.Code == http.StatusOK {
		return
	}
	if _, err := w.desk.CreateCamera(t.Context(), scope(alerts.Admin, "city"), desk.CameraInput{ID: "cam-e", Name: "Camera", Lon: 117.05, Lat: 31.05,
		FOV: 360, Range: 500, MainURL: "rtsp://10.0.0.9:554/cam-e"}); err != nil {
		t.Fatal(err)
	}
}
