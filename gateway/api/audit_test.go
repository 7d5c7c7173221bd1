package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

func (w *world) audit(t testing.TB, area, query string) List[desk.AuditView] {
	t.Helper()
	return decode[List[desk.AuditView]](t, w.call(t, "GET", "/api/v1/audit"+query, w.as(t, alerts.Auditor, area), nil).want(t, 200))
}

// The auditor reads what happened in his areas, narrowed, in pages.
func TestAuditList(t *testing.T) {
	w := newWorld(t)
	for _, area := range []string{"east", "west"} {
		officer := w.as(t, alerts.DutyOfficer, area)
		camera := "cam-" + area[:1]
		for _, profile := range []string{"main", "sub"} {
			w.call(t, "POST", "/api/v1/cameras/"+camera+"/whep?profile="+profile, officer, "v=0", header("Content-Type", sdpType)).want(t, 201)
		}
	}
	if err := w.desk.Audit(t.Context(), alerts.System(), alerts.AuditConfig, "rules/deadlines", "", nil); err != nil {
		t.Fatal(err)
	}
	now := url.QueryEscape(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	for _, c := range []struct {
		area, query string
		want        int
	}{
		{"city", "?kind=camera.watch", 4}, {"east", "?kind=camera.watch", 2}, {"west", "?kind=camera.watch", 2},
		{"city", "?object=camera/cam-e&kind=camera.watch", 2}, {"east", "?object=camera/cam-w", 0},
		{"city", "?user=u-duty_officer-east&kind=camera.watch", 2}, {"west", "?user=u-duty_officer-east", 0},
		{"city", "?object=rules/deadlines", 1}, {"east", "?object=rules/deadlines", 0}, // in no area
		{"city", "?since=" + now, 0}, {"city", "?kind=camera.watch&until=" + now, 4}, {"city", "?kind=nothing", 0},
		{"east", "?kind=sign_in", 2}, // the officer's and the auditor's
	} {
		if got := w.audit(t, c.area, c.query); len(got.Items) != c.want {
			t.Errorf("%s as %s: %d entries, want %d: %+v", c.query, c.area, len(got.Items), c.want, got.Items)
		}
	}
	one := w.audit(t, "east", "?kind=camera.watch&limit=1")
	if e := one.Items[0]; e.AreaName != "一村" || e.Details["profile"] != "sub" || len(e.Hash) != 64 || e.Object != "camera/cam-e" || e.UserName != "duty_officer" {
		t.Errorf("got %+v", e)
	}
	rest := w.audit(t, "east", "?kind=camera.watch&cursor="+one.NextCursor)
	if len(rest.Items) != 1 || rest.Items[0].Details["profile"] != "main" || rest.NextCursor != "" {
		t.Errorf("the next page is %+v", rest)
	}
	auditor := w.as(t, alerts.Auditor, "city")
	for _, query := range []string{"?cursor=x", "?limit=0", "?limit=1001", "?since=yesterday", "?q=x"} {
		w.call(t, "GET", "/api/v1/audit"+query, auditor, nil).problem(t, http.StatusUnprocessableEntity)
	}
}

// The audit leaves as a file, too, and that it did stands in it.
func TestAuditExport(t *testing.T) {
	w := newWorld(t)
	officer := w.as(t, alerts.DutyOfficer, "east")
	w.view(t, officer, "?profile=sub").want(t, 201)
	auditor := w.as(t, alerts.Auditor, "east")
	a := w.call(t, "GET", "/api/v1/audit/export?kind=camera.watch&lang=en", auditor, nil).want(t, 200)
	rows := csvRows(t, a)
	if len(rows) != 2 || rows[0][2] != "Kind" || rows[1][2] != "camera.watch" || rows[1][9] != "profile: sub" || rows[1][7] != "camera/cam-e" {
		t.Errorf("got %q", rows)
	}
	got := w.audit(t, "city", "?kind=export").Items
	if len(got) != 1 || got[0].Object != "list/audit" && got[0].Object != "audit" || got[0].Details["filter"] != "kind=camera.watch" || got[0].Details["rows"] != "1" {
		t.Errorf("got %+v", got)
	}
}

// Nobody changes or removes an entry, the auditor and the administrator least.
func TestAuditIsReadAlone(t *testing.T) {
	w := newWorld(t)
	for _, role := range alerts.Roles {
		cookie := w.as(t, role, "city")
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			for _, path := range []string{"/api/v1/audit", "/api/v1/audit/1"} {
				if a := w.call(t, method, path, cookie, nil); a.rec.Code != http.StatusMethodNotAllowed && a.rec.Code != http.StatusNotFound {
					t.Errorf("%s %s as %s: %d", method, path, role, a.rec.Code)
				}
			}
		}
	}
	for _, r := range routes() {
		if strings.Contains(r.path, "/audit") && r.method != "GET" {
			t.Errorf("%s %s", r.method, r.path)
		}
	}
}

// Who reported is not in the audit, whatever the reporter does with his report.
func TestReporterNotInAudit(t *testing.T) {
	w := newWorld(t)
	reporter := w.as(t, alerts.Handler, "east")
	a := w.call(t, "POST", "/api/v1/incidents", reporter, map[string]any{"category": "hazard.gas", "text": "smell", "lon": 117.05, "lat": 31.05}).want(t, 201)
	id := decode[Reported](t, a).Incident.ID
	w.call(t, "GET", "/api/v1/incidents/"+id, reporter, nil).want(t, 200)
	cases := decode[List[desk.CaseView]](t, w.call(t, "GET", "/api/v1/cases", reporter, nil).want(t, 200))
	if len(cases.Items) != 1 {
		t.Fatalf("the reporter sees %d cases", len(cases.Items))
	}
	path := "/api/v1/cases/" + cases.Items[0].ID
	w.call(t, "GET", path, reporter, nil).want(t, 200)
	w.call(t, "GET", path+"/incidents", reporter, nil).want(t, 200)
	for _, e := range w.audit(t, "city", "?user="+userID(alerts.Handler, "east")).Items {
		if e.Kind != alerts.AuditSignIn {
			t.Errorf("the reporter stands in %+v", e)
		}
	}
	if got := w.audit(t, "city", "?kind=incident.report").Items; len(got) != 1 || got[0].Object != "incident/"+id {
		t.Errorf("got %+v", got)
	}
}
