package api

import (
	"net/http"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// The rules are read by everybody, replaced as a whole by the administrator of
// all of it, and count from then on; what is wrong is told by field.
func TestRules(t *testing.T) {
	w := newWorld(t)
	admin, officer := w.as(t, alerts.Admin, "city"), w.as(t, alerts.DutyOfficer, "east")

	lines := Deadlines{Items: []desk.DeadlineView{{Step: "report", Minutes: 30, Around: true, Escalate: true},
		{Category: "hazard.gas", Severity: alerts.Critical, Step: "first_response", Minutes: 15, Before: 5, Every: 15}}}
	w.call(t, "PUT", "/api/v1/rules/deadlines", admin, lines).want(t, http.StatusOK)
	if got := decode[Deadlines](t, w.call(t, "GET", "/api/v1/rules/deadlines", officer, nil).want(t, http.StatusOK)); len(got.Items) != 2 ||
		got.Items[1] != lines.Items[1] {
		t.Errorf("deadlines %+v", got)
	}
	// Who has seen another content is told, and changes nothing.
	first := w.call(t, "GET", "/api/v1/rules/deadlines", officer, nil).rec.Header().Get("ETag")
	lines.Items[0].Minutes = 45
	w.call(t, "PUT", "/api/v1/rules/deadlines", admin, lines, header("If-Match", first)).want(t, http.StatusOK)
	if second := w.call(t, "GET", "/api/v1/rules/deadlines", officer, nil).rec.Header().Get("ETag"); second == first || first == "" {
		t.Errorf("ETag %s, then %s", first, second)
	}
	if p := w.call(t, "PUT", "/api/v1/rules/deadlines", admin, lines, header("If-Match", first)).problem(t, http.StatusPreconditionFailed); p.Kind != alerts.Conflict {
		t.Errorf("problem %+v", p)
	}
	w.call(t, "PUT", "/api/v1/rules/deadlines", admin, lines, header("If-Match", "*")).want(t, http.StatusOK)
	lines.Items[1].Minutes, lines.Items[1].Category = 0, "gossip"
	p := w.call(t, "PUT", "/api/v1/rules/deadlines", admin, lines).problem(t, http.StatusUnprocessableEntity)
	if len(p.Errors) != 2 || p.Errors[0].Field != "items[1].minutes" || p.Errors[1].Field != "items[1].before" {
		t.Errorf("problem %+v", p)
	}

	calendar := decode[desk.CalendarView](t, w.call(t, "GET", "/api/v1/rules/calendar", officer, nil).want(t, http.StatusOK))
	calendar.Moved = append(calendar.Moved, desk.MovedView{Date: "2026-10-01", Name: "国庆节"}, desk.MovedView{Date: "2026-10-10", Work: true})
	w.call(t, "PUT", "/api/v1/rules/calendar", admin, calendar).want(t, http.StatusOK)
	if got := decode[desk.CalendarView](t, w.call(t, "GET", "/api/v1/rules/calendar", officer, nil)); len(got.Moved) != len(calendar.Moved) {
		t.Errorf("calendar %+v", got)
	}
	closed := calendar
	closed.Hours = nil
	w.call(t, "PUT", "/api/v1/rules/calendar", admin, closed).problem(t, http.StatusUnprocessableEntity)

	tree := decode[CategoryTree](t, w.call(t, "GET", "/api/v1/rules/categories", officer, nil).want(t, http.StatusOK))
	tree.Items = append([]alerts.Category{{Code: "hazard", Name: "隐患", Group: "hazard", Severity: alerts.High}}, tree.Items...)
	tree.Items = append(tree.Items, alerts.Category{Code: "hazard.snow", Name: "积雪", NameEn: "Snow", Group: "hazard", Severity: alerts.Low, Proof: true, Near: 50})
	w.call(t, "PUT", "/api/v1/rules/categories", admin, tree).want(t, http.StatusOK)
	list := decode[List[alerts.Category]](t, w.call(t, "GET", "/api/v1/categories", officer, nil).want(t, http.StatusOK))
	if len(list.Items) != len(tree.Items)-1 || list.Items[len(list.Items)-1] != tree.Items[len(tree.Items)-1] {
		t.Errorf("what can be reported: %+v", list.Items)
	}

	for _, c := range []struct {
		role alerts.Role
		area string
	}{{alerts.Admin, "east"}, {alerts.DutyOfficer, "city"}, {alerts.Leader, "city"}, {alerts.Auditor, "city"}} {
		for path, body := range map[string]any{"deadlines": Deadlines{Items: []desk.DeadlineView{}}, "calendar": calendar, "categories": tree} {
			w.call(t, "PUT", "/api/v1/rules/"+path, w.as(t, c.role, c.area), body).problem(t, http.StatusForbidden)
		}
	}
}
