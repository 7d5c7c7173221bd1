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

// emergency has the officer of v4 take emergency access to an area.
func (w *world) emergency(t testing.TB, area string) desk.EmergencyView {
	t.Helper()
	s := alerts.Scope{User: "u-far", Name: "officer of v4", Role: alerts.DutyOfficer, Home: "/city/west/v4/", Paths: []string{"/city/west/v4/"}}
	return must[desk.EmergencyView](t)(w.desk.TakeEmergency(t.Context(), s, desk.EmergencyInput{AreaID: area, Reason: "a child is missing"}))
}

// later puts the clocks forward.
func (w *world) later(d time.Duration) { w.skew.Add(int64(d)) }

func takes(area string) map[string]any {
	return map[string]any{"area_id": area, "reason": "a child is missing"}
}

// Emergency access opens reading at once, nothing else, and ends by itself: for
// requests and for what is being watched.
func TestEmergencyOpensAndEnds(t *testing.T) {
	w := newWorld(t)
	ids := w.eastern(t)
	far := w.signed(t, "far")
	reads := []string{"/cameras/cam-e", "/cameras/cam-e/snapshot.jpg", "/cameras/cam-e/keyframe.mp4", "/incidents/" + ids["incident"], "/photos/" + ids["photo"],
		"/incidents/" + ids["incident"] + "/notes", "/cases/" + ids["case"], "/cases/" + ids["case"] + "/moves", "/cases/" + ids["case"] + "/incidents",
		"/cases/" + ids["case"] + "/comments", "/cases/" + ids["case"] + "/attachments", "/attachments/" + ids["attachment"], "/registers/" + ids["register"]}
	lists := []string{"/cameras", "/incidents", "/cases", "/areas", "/grids", "/registers"}
	count := func(path string) int {
		return len(decode[List[any]](t, w.call(t, "GET", "/api/v1"+path, far, nil).want(t, 200)).Items)
	}
	for _, path := range reads {
		w.call(t, "GET", "/api/v1"+path, far, nil).problem(t, http.StatusNotFound)
	}
	w.view(t, far, "").problem(t, http.StatusNotFound)
	before := make(map[string]int)
	for _, path := range lists {
		before[path] = count(path)
	}
	w.emergency(t, "v1")
	for _, path := range reads {
		w.call(t, "GET", "/api/v1"+path, far, nil).want(t, 200)
	}
	for _, path := range lists {
		if n := count(path); n != before[path]+1 {
			t.Errorf("%s: %d items, %d before", path, n, before[path])
		}
	}
	w.view(t, far, "").want(t, 201)
	watching := w.video.only(t)

	// What changes, counts or hands out something is not opened.
	tag := header("If-Match", `"v1"`)
	w.call(t, "POST", "/api/v1/cases/"+ids["case"]+"/moves", far, map[string]any{"action": "file"}, tag).problem(t, http.StatusNotFound)
	w.call(t, "POST", "/api/v1/cases/"+ids["case"]+"/comments", far, map[string]any{"text": "x"}).problem(t, http.StatusNotFound)
	w.call(t, "POST", "/api/v1/incidents/"+ids["incident"]+"/notes", far, map[string]any{"text": "x"}).problem(t, http.StatusNotFound)
	w.call(t, "POST", "/api/v1/incidents/"+ids["incident"]+"/disclosure", far, map[string]any{"reason": "x"}).problem(t, http.StatusNotFound)
	w.call(t, "PATCH", "/api/v1/registers/"+ids["register"], far, map[string]any{"remark": "x"}).problem(t, http.StatusNotFound)
	export := w.call(t, "GET", "/api/v1/cases/export?format=csv", far, nil).want(t, 200).rec.Body.String()
	if strings.Contains(export, "东镇") || strings.Count(export, "\r\n") != 1 {
		t.Errorf("exported: %s", export)
	}
	w.call(t, "GET", "/api/v1/structure/report?area=v1", far, nil).problem(t, http.StatusNotFound)
	// It is the taker's alone.
	w.call(t, "GET", "/api/v1/cameras/cam-e", w.as(t, alerts.DutyOfficer, "west"), nil).problem(t, http.StatusNotFound)

	w.later(desk.DefaultEmergency)
	watching.wantClosed(t)
	for _, path := range reads {
		w.call(t, "GET", "/api/v1"+path, far, nil).problem(t, http.StatusNotFound)
	}
	for _, path := range lists {
		if n := count(path); n != before[path] {
			t.Errorf("%s afterwards: %d items, %d before", path, n, before[path])
		}
	}
}

// A viewer ends when the access is ended before its time, too.
func TestEmergencyEndedEarly(t *testing.T) {
	for who, name := range map[string]string{"who took it": "far", "a centre above": "leader-east"} {
		t.Run(who, func(t *testing.T) {
			w := newWorld(t)
			e := w.emergency(t, "v1")
			w.view(t, w.signed(t, "far"), "").want(t, 201)
			watching := w.video.only(t)
			w.call(t, "DELETE", "/api/v1/emergencies/"+e.ID, w.signed(t, name), nil).want(t, 204)
			watching.wantClosed(t)
			w.call(t, "DELETE", "/api/v1/emergencies/"+e.ID, w.signed(t, name), nil).want(t, 204)
			v := decode[desk.EmergencyView](t, w.call(t, "GET", "/api/v1/emergencies/"+e.ID, w.as(t, alerts.Auditor, "city"), nil).want(t, 200))
			if v.Running || v.EndedAt == nil || v.EndedBy == "" {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Who may take it, of what, and how often.
func TestEmergencyRefused(t *testing.T) {
	w := newWorld(t)
	west := w.as(t, alerts.DutyOfficer, "west")
	const path = "/api/v1/emergencies"
	for area, status := range map[string]int{"city": 422, "west": 422, "v4": 422, "none": 422, "": 422} {
		if p := w.call(t, "POST", path, west, takes(area)).problem(t, status); fields(p) != "area_id" {
			t.Errorf("%q: %+v", area, p)
		}
	}
	for _, body := range []map[string]any{{"area_id": "east", "reason": " "}, {"area_id": "east"}, {"area_id": "east", "reason": "x", "minutes": 61}, {"area_id": "east", "reason": "x", "minutes": 4}} {
		w.call(t, "POST", path, west, body).problem(t, 422)
	}
	for _, role := range []alerts.Role{alerts.Admin, alerts.Auditor, alerts.Handler, alerts.GridLeader} {
		w.call(t, "POST", path, w.as(t, role, "west"), takes("east")).problem(t, 403)
	}
	// No machine takes it, nor has what its maker has taken.
	leader := w.as(t, alerts.Leader, "west")
	w.call(t, "POST", "/api/v1/tokens", leader, map[string]any{"name": "m", "rights": []string{"take_emergency"}, "area_id": "west"}).problem(t, 422)
	made := decode[struct{ Secret, Token string }](t, w.call(t, "POST", "/api/v1/tokens", leader, map[string]any{"name": "m", "rights": []string{"view_map", "read_alerts"}, "area_id": "west"}).want(t, 201))
	secret := made.Secret + made.Token
	w.call(t, "POST", path, nil, takes("east"), bearer(secret)).problem(t, 403)
	w.call(t, "POST", path, leader, takes("east")).want(t, 201)
	w.call(t, "GET", "/api/v1/cameras/cam-e", leader, nil).want(t, 200)
	w.call(t, "GET", "/api/v1/cameras/cam-e", nil, nil, bearer(secret)).problem(t, 404)
	w.call(t, "GET", path, nil, nil, bearer(secret)).problem(t, 403)

	for range 3 {
		w.call(t, "POST", path, west, takes("east")).want(t, 201)
	}
	w.call(t, "POST", path, west, takes("v1")).problem(t, 409)
	for range 7 {
		w.later(desk.DefaultEmergency)
		w.call(t, "POST", path, west, takes("east")).want(t, 201)
	}
	w.later(desk.DefaultEmergency)
	w.call(t, "POST", path, west, takes("east")).problem(t, 409)
	names := []string{}
	for _, a := range decode[List[desk.AreaView]](t, w.call(t, "GET", path+"/areas", west, nil).want(t, 200)).Items {
		names = append(names, a.ID)
	}
	if slices.Sort(names); strings.Join(names, " ") != "east v1" {
		t.Errorf("areas to choose from: %v", names)
	}
}

// It is loud, kept, and reviewed by somebody else above the area, once.
func TestEmergencyReviewed(t *testing.T) {
	w := newWorld(t)
	_, seq, err := w.store.Seqs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := w.emergency(t, "east")
	path := "/api/v1/emergencies/" + e.ID
	far, city := w.signed(t, "far"), w.as(t, alerts.Leader, "city")
	w.call(t, "GET", "/api/v1/cameras/cam-e", far, nil).want(t, 200)
	w.view(t, far, "").want(t, 201)
	told := func(paths ...string) (kinds []string) {
		events, _, err := w.store.Events(t.Context(), alerts.Scope{Paths: paths}, seq, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range events {
			if strings.HasPrefix(string(v.Kind), "emergency.") && v.ID == e.ID && strings.Contains(string(v.Data), "a child is missing") {
				kinds = append(kinds, string(v.Kind))
			}
		}
		return slices.Compact(kinds)
	}
	for _, at := range []string{"/city/east/", "/city/", "/city/west/v4/"} {
		if got := told(at); len(got) != 1 || got[0] != "emergency.taken" {
			t.Errorf("%s is told %v", at, got)
		}
	}
	review := map[string]any{"verdict": "objected", "text": "the east could have been asked"}
	w.call(t, "POST", path+"/review", city, review).problem(t, 409) // it runs still
	w.later(desk.DefaultEmergency)
	w.API.viewers.close() // the end of watching is recorded
	open := decode[List[desk.EmergencyView]](t, w.call(t, "GET", "/api/v1/emergencies?unreviewed=true&area=east", city, nil).want(t, 200))
	if len(open.Items) != 1 || open.Items[0].Running || open.Items[0].UserName != "officer of v4" || open.Items[0].HomeName != "四村" {
		t.Errorf("not reviewed yet: %+v", open.Items)
	}
	w.call(t, "POST", path+"/review", w.as(t, alerts.Leader, "east"), review).problem(t, 403) // of the area itself
	w.call(t, "POST", path+"/review", w.as(t, alerts.Leader, "west"), review).problem(t, 404) // beside it
	w.call(t, "POST", path+"/review", far, review).problem(t, 403)                            // who took it
	w.call(t, "POST", path+"/review", w.as(t, alerts.Auditor, "city"), review).problem(t, 403)
	if p := w.call(t, "POST", path+"/review", city, map[string]any{"verdict": "perhaps", "text": "x"}).problem(t, 422); fields(p) == "" {
		t.Errorf("%+v", p)
	}
	v := decode[desk.EmergencyView](t, w.call(t, "POST", path+"/review", city, review).want(t, 200))
	if v.Verdict != alerts.Objected || v.Review != review["text"] || v.ReviewedBy != "leader" || v.ReviewedAt == nil {
		t.Errorf("%+v", v)
	}
	w.call(t, "POST", path+"/review", city, review).problem(t, 409)
	if open := decode[List[desk.EmergencyView]](t, w.call(t, "GET", "/api/v1/emergencies?unreviewed=true", city, nil).want(t, 200)); len(open.Items) != 0 {
		t.Errorf("still to be reviewed: %+v", open.Items)
	}
	if got := told("/city/east/"); strings.Join(got, " ") != "emergency.taken emergency.reviewed" {
		t.Errorf("the east is told %v", got)
	}
	// The reviewer sees what it was used for; so does who took it.
	for _, cookie := range []*http.Cookie{city, far} {
		v = decode[desk.EmergencyView](t, w.call(t, "GET", path, cookie, nil).want(t, 200))
		kinds := map[alerts.AuditKind]int{}
		for _, a := range v.Acts {
			kinds[a.Kind]++
		}
		if kinds[alerts.AuditWatch] != 1 || kinds[alerts.AuditWatchEnd] != 1 || len(v.Acts) != 2 {
			t.Errorf("acts %+v", v.Acts)
		}
	}
	mine := decode[List[desk.EmergencyView]](t, w.call(t, "GET", "/api/v1/emergencies?mine=true", far, nil).want(t, 200))
	if len(mine.Items) != 1 || len(mine.Items[0].Acts) != 0 {
		t.Errorf("the own ones: %+v", mine.Items)
	}
	var actions []string
	for _, a := range w.recorded(t, alerts.AuditEmergency) {
		actions = append(actions, a.Details["action"])
		if a.Object != "emergency/"+e.ID || a.AreaID != "east" {
			t.Errorf("%+v", a)
		}
	}
	if strings.Join(actions, " ") != "take review" {
		t.Errorf("in the audit: %v", actions)
	}
}
