package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

func TestReceipt(t *testing.T) {
	w := newWorld(t)
	key := header("Idempotency-Key", "phone-1")
	body := map[string]any{"category": "hazard.gas", "text": "燃气味", "lon": 117.05, "lat": 31.05, "address": "河边路 3 号"}
	leader := w.as(t, alerts.GridLeader, "east")
	r := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", leader, body, key).want(t, 201))
	again := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", leader, body, key).want(t, 200))
	if r.Receipt.Code == "" || again.Receipt != r.Receipt {
		t.Fatalf("%+v, then %+v", r.Receipt, again.Receipt)
	}
	a := w.call(t, "GET", "/api/v1/receipts/"+r.Receipt.Code, nil, nil).want(t, 200)
	var all map[string]any
	if err := json.Unmarshal(a.rec.Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, []string{"hash", "number", "received_at", "state", "step"}) {
		t.Errorf("it tells %v", got)
	}
	if v := decode[desk.ReceiptState](t, a); v.Number != r.Incident.Number || v.Hash != r.Receipt.Hash || v.State != "open" || v.Step != alerts.StepReport ||
		!v.ReceivedAt.Equal(r.Receipt.ReceivedAt) {
		t.Errorf("%+v", v)
	}
	for _, wrong := range []string{r.Incident.Number, r.Incident.ID, strings.Repeat("a", 26), "x", r.Receipt.Code[:25], "%27%20or%201=1--"} {
		w.call(t, "GET", "/api/v1/receipts/"+wrong, nil, nil).problem(t, 404)
	}
	w.call(t, "GET", "/api/v1/receipts/"+strings.Repeat("a", 65), nil, nil).problem(t, 422)
	if strings.Contains(w.log.String(), r.Receipt.Code) {
		t.Error("the code is in the log")
	}
}

func TestReceiptsAreThrottledByAddress(t *testing.T) {
	w := newWorld(t)
	check := func(address string) answer {
		return w.call(t, "GET", "/api/v1/receipts/"+strings.Repeat("b", 26), nil, nil, from(address))
	}
	for range receiptsAtOnce {
		check("192.0.2.7:1000").problem(t, 404)
	}
	a := check("192.0.2.7:2000")
	if p := a.problem(t, http.StatusTooManyRequests); p.Kind != alerts.TooMany || a.rec.Header().Get("Retry-After") != "3" {
		t.Errorf("%+v, Retry-After %q", p, a.rec.Header().Get("Retry-After"))
	}
	check("192.0.2.8:1000").problem(t, 404)
	for i := range receiptsAtOnce {
		check(fmt.Sprintf("[2001:db8:1:2::%x]:1", i+1)).problem(t, 404)
	}
	check("[2001:db8:1:2:ffff::1]:1").problem(t, http.StatusTooManyRequests) // the same subscriber
	check("[2001:db8:1:3::1]:1").problem(t, 404)
}

func TestPaceIsBoundedAndRecovers(t *testing.T) {
	p, now := newPace(), time.Unix(1_000_000, 0)
	for range receiptsAtOnce {
		if err := p.admit(netip.MustParseAddr("192.0.2.1"), now); err != nil {
			t.Fatal(err)
		}
	}
	if p.admit(netip.MustParseAddr("::ffff:192.0.2.1"), now) == nil {
		t.Error("the same address in other words is let in")
	}
	if err := p.admit(netip.MustParseAddr("192.0.2.1"), now.Add(receiptsEvery)); err != nil {
		t.Error(err)
	}
	if err := p.admit(netip.Addr{}, now); err != nil {
		t.Error(err)
	}
	for i := range 3 * pacedAddresses {
		now = now.Add(time.Millisecond)
		_ = p.admit(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
		if len(p.rows) > pacedAddresses {
			t.Fatalf("%d addresses are held", len(p.rows))
		}
	}
}

func TestNotesAndDisclosure(t *testing.T) {
	w := newWorld(t)
	leader, officer := w.as(t, alerts.GridLeader, "east"), w.as(t, alerts.DutyOfficer, "east")
	r := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", leader, map[string]any{"category": "hazard.gas", "text": "x", "lon": 117.05, "lat": 31.05,
		"against": "gas"}).want(t, 201))
	path := "/api/v1/incidents/" + r.Incident.ID
	first := decode[desk.NoteView](t, w.call(t, "POST", path+"/notes", officer, map[string]any{"text": "called back"}, header("Idempotency-Key", "n1")).want(t, 201))
	again := decode[desk.NoteView](t, w.call(t, "POST", path+"/notes", officer, map[string]any{"text": "called back"}, header("Idempotency-Key", "n1")).want(t, 200))
	if first.ID != again.ID {
		t.Errorf("%+v, then %+v", first, again)
	}
	w.call(t, "POST", path+"/notes", officer, map[string]any{"text": ""}).problem(t, 422)
	w.call(t, "POST", path+"/disclosure", officer, map[string]any{"reason": " "}).problem(t, 422)
	w.call(t, "POST", path+"/disclosure", w.signed(t, "gas"), map[string]any{"reason": "who was it?"}).problem(t, 403)
	v := decode[desk.DisclosureView](t, w.call(t, "POST", path+"/disclosure", officer, map[string]any{"reason": "to call back"}).want(t, 200))
	if v.UserID != userID(alerts.GridLeader, "east") {
		t.Errorf("%+v", v)
	}
	notes := w.call(t, "GET", path+"/notes", w.as(t, alerts.Auditor, "city"), nil).want(t, 200)
	if !strings.Contains(notes.rec.Body.String(), "to call back") || strings.Contains(notes.rec.Body.String(), v.UserID) {
		t.Errorf("%s", notes.rec.Body)
	}
	list, _, err := w.store.Audit(t.Context(), alerts.System(), alerts.AuditFilter{Kind: alerts.AuditDisclose, Page: alerts.Page{Limit: 10}})
	if err != nil || len(list) != 1 || list[0].Details["reason"] != "to call back" || list[0].UserID != userID(alerts.DutyOfficer, "east") || list[0].Address == "" {
		t.Errorf("%+v, %v", list, err)
	}
	other := w.reportIn(t, "east", "the smell again")
	near := decode[List[desk.DuplicateView]](t, w.call(t, "GET", "/api/v1/incidents/"+other.ID+"/duplicates", officer, nil).want(t, 200))
	if len(near.Items) != 1 || near.Items[0].Case.Code != r.Incident.Number || !near.Items[0].SameCategory {
		t.Errorf("%+v", near)
	}
}

// The reporter is in no answer that anybody gets, whatever is asked.
func TestTheReporterIsInNoAnswer(t *testing.T) {
	w := newWorld(t)
	leader := w.as(t, alerts.GridLeader, "east")
	c := w.reported(t, "east", true)
	w.call(t, "POST", "/api/v1/cases/"+c.ID+"/comments", leader, map[string]any{"text": "still smells"}).want(t, 201)
	city := w.as(t, alerts.DutyOfficer, "city")
	w.move(t, city, c.ID, map[string]any{"action": "assign", "department": "gas"}).want(t, 200)
	incidents := decode[List[desk.IncidentView]](t, w.call(t, "GET", "/api/v1/cases/"+c.ID+"/incidents", city, nil).want(t, 200))
	gas := w.signed(t, "gas")
	for _, path := range []string{"/cases", "/cases/" + c.ID, "/cases/" + c.ID + "/moves", "/cases/" + c.ID + "/comments", "/cases/" + c.ID + "/attachments",
		"/cases/" + c.ID + "/incidents", "/incidents/" + incidents.Items[0].ID, "/incidents/" + incidents.Items[0].ID + "/notes", "/incidents",
		"/cases/export", "/incidents/export", "/cases/counts?by=grid"} {
		for name, cookie := range map[string]*http.Cookie{"gas": gas, "city": city, "auditor": w.as(t, alerts.Auditor, "city")} {
			body := w.call(t, "GET", "/api/v1"+path, cookie, nil).rec.Body.String()
			if strings.Contains(body, userID(alerts.GridLeader, "east")) {
				t.Errorf("%s as %s: %.400s", path, name, body)
			}
		}
	}
}
