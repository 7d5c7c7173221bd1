package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// doing is a call that changes, shows or hands out something, and the entry it
// leaves.
type doing struct {
	role   alerts.Role
	body   any // "GET path": what that route answers, sent back
	head   []string
	kind   alerts.AuditKind
	object string // beginning
	many   bool   // leaves an entry for each of several objects
}

// doings is every route that must leave an entry.
func doings() map[string]doing {
	const config = alerts.AuditConfig
	json := func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	geojson := []string{"Content-Type", "application/geo+json"}
	isJSON := []string{"Content-Type", "application/json"}
	return map[string]doing{
		"POST /session":   {body: json("username", "leader-east", "password", password), kind: alerts.AuditSignIn, object: "user/u-leader-east"},
		"DELETE /session": {role: alerts.Leader, kind: alerts.AuditSignOut, object: "user/u-leader-city"},

		"POST /areas/import":     {role: alerts.Admin, body: "GET /structure/export?kind=areas&format=geojson", head: geojson, kind: config, object: "areas"},
		"POST /grids/import":     {role: alerts.Admin, body: "GET /structure/export?kind=grids&format=geojson", head: geojson, kind: config, object: "grids"},
		"POST /cameras/import":   {role: alerts.Admin, body: "GET /structure/export?kind=cameras&format=geojson", head: geojson, kind: config, object: "cameras"},
		"POST /registers/import": {role: alerts.Admin, body: "GET /structure/export?kind=registers&format=geojson", head: geojson, kind: config, object: "register", many: true},
		"POST /posts/import":     {role: alerts.Admin, body: "GET /structure/export?kind=rosters&format=geojson", head: geojson, kind: config, object: "post", many: true},

		"POST /grids/{grid}/posts":               {role: alerts.Admin, body: json("kind", "team", "name", "李"), kind: config, object: "post/"},
		"PATCH /posts/{post}":                    {role: alerts.Admin, body: json("tasks", []string{"mediator"}), kind: config, object: "post/{post}"},
		"POST /departments":                      {role: alerts.Admin, body: json("area_id", "city", "name", "城管"), kind: config, object: "department/"},
		"PATCH /departments/{department}":        {role: alerts.Admin, body: json("name_en", "Fire"), kind: config, object: "department/{department}"},
		"POST /departments/{department}/offices": {role: alerts.Admin, body: json("name", "二科"), kind: config, object: "office/"},
		"PATCH /offices/{office}":                {role: alerts.Admin, body: json("name", "三科"), kind: config, object: "office/{office}"},
		"POST /departments/{department}/duties":  {role: alerts.Admin, body: json("category", "hazard"), kind: config, object: "duty/"},
		"DELETE /duties/{duty}":                  {role: alerts.Admin, kind: config, object: "duty/{duty}"},
		"POST /registers":                        {role: alerts.Admin, body: json("register", "facility", "kind", "fire_point", "name", "点", "lon", 117.05, "lat", 31.05), kind: config, object: "register/"},
		"PATCH /registers/{register}":            {role: alerts.Admin, body: json("remark", "seen"), kind: config, object: "register/{register}"},
		"GET /structure/export?kind=areas":       {role: alerts.Admin, kind: alerts.AuditExport, object: "structure/areas"},
		"POST /cameras":                          {role: alerts.Admin, body: json("id", "cam-n", "name", "N", "lon", 117.05, "lat", 31.05, "main_url", "rtsp://10.0.0.9/n"), kind: config, object: "camera/cam-n"},
		"PATCH /cameras/{camera}":                {role: alerts.Admin, body: json("name", "renamed"), kind: config, object: "camera/cam-e"},
		"DELETE /cameras/{camera}":               {role: alerts.Admin, kind: config, object: "camera/cam-e"},
		"POST /cameras/{camera}/whep":            {role: alerts.DutyOfficer, body: "v=0", head: []string{"Content-Type", sdpType}, kind: alerts.AuditWatch, object: "camera/cam-e"},
		"GET /cameras/{camera}/keyframe.mp4":     {role: alerts.DutyOfficer, kind: alerts.AuditStill, object: "camera/cam-e"},
		"GET /cameras/{camera}/snapshot.jpg":     {role: alerts.Leader, kind: alerts.AuditStill, object: "camera/cam-e"},
		"POST /playbacks":                        {role: alerts.DutyOfficer, body: json("cameras", []string{"cam-e"}, "from", soon(-2), "to", soon(-1), "purpose", "x"), kind: alerts.AuditPlayback, object: "camera/cam-e"},
		"PUT /rules/deadlines":                   {role: alerts.Admin, body: "GET /rules/deadlines", kind: config, object: "rules/deadlines"},
		"PUT /rules/calendar":                    {role: alerts.Admin, body: "GET /rules/calendar", kind: config, object: "rules/calendar"},
		"PUT /rules/categories": {role: alerts.Admin, body: `{"items":[{"code":"hazard","name":"隐患","name_en":"Hazard","group":"hazard","severity":"high"},
			{"code":"hazard.gas","name":"燃气","name_en":"Gas","group":"hazard","severity":"high"}]}`, head: []string{"Content-Type", "application/json"}, kind: config, object: "rules/categories"},
		"POST /incidents":                        {role: alerts.DutyOfficer, body: json("category", "hazard.gas", "text", "y", "lon", 117.05, "lat", 31.05), kind: alerts.AuditReport, object: "incident/"},
		"GET /incidents/export":                  {role: alerts.DutyOfficer, kind: alerts.AuditExport, object: "incidents"},
		"GET /incidents/{incident}":              {role: alerts.DutyOfficer, kind: alerts.AuditRead, object: "incident/{incident}"},
		"POST /incidents/{incident}/notes":       {role: alerts.DutyOfficer, body: json("text", "x"), kind: alerts.AuditNote, object: "incident/{incident}"},
		"POST /incidents/{incident}/disclosure":  {role: alerts.DutyOfficer, body: json("reason", "to call back"), kind: alerts.AuditDisclose, object: "incident/{incident}"},
		"GET /photos/{photo}":                    {role: alerts.DutyOfficer, kind: alerts.AuditRead, object: "photo/{photo}"},
		"GET /cases/export":                      {role: alerts.DutyOfficer, kind: alerts.AuditExport, object: "cases"},
		"GET /cases/{case}":                      {role: alerts.DutyOfficer, kind: alerts.AuditRead, object: "case/{case}"},
		"GET /cases/{case}/incidents":            {role: alerts.DutyOfficer, kind: alerts.AuditRead, object: "case/{case}"},
		"POST /cases/{case}/moves":               {role: alerts.DutyOfficer, body: json("action", "reclass", "severity", "critical", "reason", "x"), head: []string{"If-Match", "{tag}"}, kind: alerts.AuditMove, object: "case/{case}"},
		"POST /cases/{case}/comments":            {role: alerts.DutyOfficer, body: json("text", "x"), kind: alerts.AuditComment, object: "case/{case}"},
		"POST /cases/{case}/attachments":         {role: alerts.DutyOfficer, body: attachedForm, head: []string{"Content-Type", attachedType}, kind: alerts.AuditComment, object: "case/{case}"},
		"GET /attachments/{attachment}":          {role: alerts.DutyOfficer, kind: alerts.AuditRead, object: "attachment/{attachment}"},
		"GET /alerts/export":                     {role: alerts.DutyOfficer, kind: alerts.AuditExport, object: "alerts"},
		"POST /areas/{area}/shifts":              {role: alerts.DutyOfficer, body: json("user_id", userID(alerts.DutyOfficer, "east"), "from", soon(5), "to", soon(6)), kind: config, object: "shift/"},
		"PATCH /shifts/{shift}":                  {role: alerts.DutyOfficer, body: json("note", "handed over"), kind: config, object: "shift/{shift}"},
		"DELETE /shifts/{shift}":                 {role: alerts.DutyOfficer, kind: config, object: "shift/{shift}"},
		"POST /sources":                          {role: alerts.Admin, body: json("name", "box", "area_id", "east"), kind: config, object: "source/"},
		"DELETE /sources/{source}":               {role: alerts.Admin, kind: config, object: "source/{source}"},
		"POST /users":                            {role: alerts.Admin, body: json("username", "new", "name", "新", "role", "leader", "area_id", "east", "password", "a long password"), kind: config, object: "user/"},
		"PATCH /users/{user}":                    {role: alerts.Admin, body: json("name", "renamed"), kind: config, object: "user/{user}"},
		"POST /tokens":                           {role: alerts.Leader, body: json("name", "m", "rights", []string{"view_map"}, "area_id", "east"), kind: config, object: "token/"},
		"DELETE /tokens/{token}":                 {role: alerts.Leader, kind: config, object: "token/{token}"},
		"POST /webhooks":                         {role: alerts.Leader, body: json("name", "h", "url", "https://example.org/h", "kinds", []string{"alert.raised"}, "area_id", "east"), kind: config, object: "webhook/"},
		"PATCH /webhooks/{webhook}":              {role: alerts.Leader, body: json("name", "renamed"), kind: config, object: "webhook/{webhook}"},
		"DELETE /webhooks/{webhook}":             {role: alerts.Leader, kind: config, object: "webhook/{webhook}"},
		"GET /audit/export":                      {role: alerts.Auditor, kind: alerts.AuditExport, object: "audit"},
		"POST /emergencies":                      {role: alerts.DutyOfficer, body: json("area_id", "v4", "reason", "fire next door"), kind: alerts.AuditEmergency, object: "emergency/"},
		"DELETE /emergencies/{emergency}":        {role: alerts.Leader, kind: alerts.AuditEmergency, object: "emergency/{emergency}"},
		"POST /exports":                          {role: alerts.DutyOfficer, body: order("{case}", "cam-e"), head: isJSON, kind: alerts.AuditExport, object: "export/"},
		"POST /cases/{case}/clip-requests":       {role: alerts.GridLeader, body: `{"cameras":["cam-e"],` + clipWindow + `,"reason":"x"}`, head: isJSON, kind: alerts.AuditClipRequest, object: "clip-request/"},
		"POST /clip-requests/{request}/approval": {role: alerts.DutyOfficer, body: json(), kind: alerts.AuditClipRequest, object: "clip-request/{request}"},
		"POST /clip-requests/{request2}/refusal": {role: alerts.DutyOfficer, body: json("reason", "x"), kind: alerts.AuditClipRequest, object: "clip-request/{request2}"},
		"POST /evidence/{evidence}/verify":       {role: alerts.DutyOfficer, kind: alerts.AuditEvidence, object: "evidence/{evidence}"},
		"POST /evidence/{evidence}/copy":         {role: alerts.DutyOfficer, body: json(), kind: alerts.AuditEvidence, object: "case/{case}/evidence"},
		"POST /holds/{hold}/review":              {role: alerts.DutyOfficer, body: json("reason", "x"), kind: alerts.AuditHold, object: "hold/{hold}"},
		"GET /cases/{case}/evidence":             {role: alerts.Leader, kind: alerts.AuditRead, object: "case/{case}/evidence"},
		"GET /cases/{case}/evidence/package":     {role: alerts.DutyOfficer, kind: alerts.AuditEvidence, object: "case/{case}/evidence"},
		"GET /evidence/{evidence}/file":          {role: alerts.Leader, kind: alerts.AuditRead, object: "evidence/{evidence}"},
		"POST /points/appeals":                   {role: alerts.GridLeader, body: json("month", time.Now().AddDate(0, 0, 0).Format("2006-01"), "text", "x"), kind: alerts.AuditPoints, object: "appeal/"},
		"POST /points/appeals/{appeal}/decision": {role: alerts.DutyOfficer, body: json("points", 1, "answer", "x"), kind: alerts.AuditPoints, object: "appeal/{appeal}"},
	}
}

// unrecorded says why a route that is no mere list leaves no entry.
var unrecorded = map[string]string{
	"POST /hooks/alarms":            "an alarm is kept itself, with its source",
	"POST /whep":                    "nothing is seen yet",
	"PATCH /whep/{session}":         "part of watching, which is recorded",
	"DELETE /whep/{session}":        "the end of watching is recorded when it has ended",
	"POST /webhooks/{id}/retry":     "refused where nothing has failed; the desk's tests hold its entry",
	"POST /emergencies/{id}/review": "is possible after the end alone; its own tests hold its entry",
	"GET /session/provider":         "begins to sign in, which is recorded when it is done",
	"GET /session/oidc":             "begins to sign in, which is recorded when it is done",
	"GET /session/oidc/callback":    "needs a provider; its own tests hold its entry",
	"POST /session/oidc/callback":   "needs a provider; its own tests hold its entry",
	"DELETE /playbacks/{id}":        "the end of a playback is recorded when it has ended",
	"DELETE /exports/{id}":          "refused where an export is over; the story of evidence holds its entry",
}

// Everything that must leave an entry does, told by a table; a route that
// changes something and is in neither table fails.
func TestEveryActIsRecorded(t *testing.T) {
	table := doings()
	for _, r := range routes() {
		path := strings.TrimPrefix(r.path, "/api/v1")
		if r.method == "" || r.method == "GET" || r.method == "OPTIONS" || unrecorded[r.method+" "+path] != "" {
			continue
		}
		found := false
		for row := range table {
			method, rowPath, _ := strings.Cut(row, " ")
			found = found || method == r.method && plainPath(rowPath) == plainPath(path)
		}
		if !found {
			t.Errorf("%s %s: what it leaves in the audit stands in neither table", r.method, path)
		}
	}
	w := newWorld(t)
	ids := w.eastern(t)
	// What ends things comes last, and the end of a session after all.
	last := func(row string) int {
		return strings.Index(row, "DELETE")*2 + strings.Index(row, "DELETE /session")
	}
	rows := slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(a, b))
	})
	for _, row := range rows {
		t.Run(row, func(t *testing.T) { w.wantRecorded(t, ids, row, table[row]) })
	}
}

// plainPath is a path with its parameters' names taken out.
func plainPath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

func (w *world) wantRecorded(t *testing.T, ids map[string]string, row string, d doing) {
	t.Helper()
	fill := func(s string) string {
		for kind, id := range ids {
			s = strings.ReplaceAll(s, "{"+kind+"}", id)
		}
		return s
	}
	area := "city"
	if d.role == alerts.GridLeader || d.role == alerts.DutyOfficer {
		area = "east"
	}
	var cookie *http.Cookie
	if d.role != "" {
		cookie = w.as(t, d.role, area)
	}
	body := d.body
	switch s, _ := d.body.(string); {
	case s == attachedForm:
		body = attachedHead + string(tinyPNG(t)) + attachedTail
	case strings.HasPrefix(s, "GET "):
		text := w.call(t, "GET", "/api/v1"+strings.TrimPrefix(s, "GET "), cookie, nil).want(t, 200).rec.Body.String()
		for _, change := range [][2]string{{`"name":"`, `"name":"新`}, {`"kind":"team"`, `"kind":"party"`}} {
			text = strings.ReplaceAll(text, change[0], change[1])
		}
		body = text
		if d.head == nil {
			d.head = []string{"Content-Type", "application/json"}
		}
	case s != "":
		body = fill(s)
	}
	var options []func(*http.Request)
	if len(d.head) == 2 {
		value := d.head[1]
		if value == "{tag}" {
			value = w.call(t, "GET", "/api/v1/cases/"+ids["case"], w.as(t, alerts.Leader, "east"), nil).want(t, 200).rec.Header().Get("ETag")
		}
		options = append(options, header(d.head[0], value))
	}
	before, _, err := w.store.AuditHead(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	method, path, _ := strings.Cut(fill(row), " ")
	if a := w.call(t, method, "/api/v1"+path, cookie, body, options...); a.rec.Code >= 300 {
		t.Fatalf("%s: %d %s", row, a.rec.Code, a.rec.Body)
	}
	list, err := w.store.AuditFrom(context.Background(), before+1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range list {
		if e.Kind == d.kind && strings.HasPrefix(e.Object, fill(d.object)) {
			found++
			if d.role != "" && e.Kind != alerts.AuditReport && (e.UserID != userID(d.role, area) || e.Role != d.role || e.Address != "192.0.2.1" || e.UserName == "") {
				t.Errorf("it does not tell who: %+v", e)
			}
		}
	}
	if found == 0 || found > 1 && !d.many {
		t.Errorf("%d entries of %s %s: %+v", found, d.kind, fill(d.object), list)
	}
}
