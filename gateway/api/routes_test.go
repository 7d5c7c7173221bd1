package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// Every route that is registered has a row (else New panics) and every row is
// registered.
func TestRouteTable(t *testing.T) {
	w := newWorld(t)
	var rows []string
	for _, r := range routes() {
		rows = append(rows, r.pattern())
	}
	registered := slices.Sorted(slices.Values(w.mux.registered))
	slices.Sort(rows)
	if !slices.Equal(rows, registered) {
		t.Errorf("rows\n%s\nregistered\n%s", strings.Join(rows, "\n"), strings.Join(registered, "\n"))
	}
	if len(slices.Compact(rows)) != len(routes()) {
		t.Error("a row comes twice")
	}
	defer func() {
		if recover() == nil {
			t.Error("a route without a row was taken")
		}
	}()
	w.mux.HandleFunc("GET /api/v1/secret", func(http.ResponseWriter, *http.Request) {})
}

// Lists show what lies in the caller's area, and filters do not lead out of it.
func TestListsByArea(t *testing.T) {
	w := newWorld(t)
	for _, lon := range []float64{117.05, 117.35} {
		area := map[float64]string{117.05: "east", 117.35: "west"}[lon]
		if _, _, _, err := w.desk.Report(t.Context(), scope(alerts.GridLeader, area), desk.ReportInput{Category: "hazard.gas", Text: "in the " + area, Lon: lon, Lat: 31.05}); err != nil {
			t.Fatal(err)
		}
	}
	for path, n := range map[string][2]int{ // seen by the east, by the city
		"/api/v1/cameras":                              {1, 2},
		"/api/v1/cameras?area=west":                    {0, 1},
		"/api/v1/cameras?near=117.35,31.05":            {0, 1},
		"/api/v1/cameras?near=117.05,31.05":            {1, 1},
		"/api/v1/incidents":                            {1, 2},
		"/api/v1/incidents?area=west":                  {0, 1},
		"/api/v1/incidents?q=west":                     {0, 1},
		"/api/v1/incidents?grid=g4":                    {0, 1},
		"/api/v1/incidents?mine=true":                  {0, 0},
		"/api/v1/incidents?category=hazard.gas":        {1, 2},
		"/api/v1/incidents?severity=low":               {0, 0},
		"/api/v1/alerts":                               {0, 0},
		"/api/v1/grids":                                {1, 2},
		"/api/v1/areas":                                {2, 5},
		"/api/v1/incidents?until=2000-01-01T00:00:00Z": {0, 0},
	} {
		for i, area := range []string{"east", "city"} {
			list := decode[List[json.RawMessage]](t, w.call(t, "GET", path, w.as(t, alerts.DutyOfficer, area), nil).want(t, 200))
			if len(list.Items) != n[i] || list.Items == nil {
				t.Errorf("%s as %s: %d items, want %d", path, area, len(list.Items), n[i])
			}
		}
	}
	for _, path := range []string{"/api/v1/areas.geojson", "/api/v1/grids.geojson"} {
		body := w.call(t, "GET", path, w.as(t, alerts.DutyOfficer, "east"), nil).want(t, 200).rec.Body.String()
		if strings.Contains(body, `"west"`) || strings.Contains(body, `"g4"`) || !strings.Contains(body, "FeatureCollection") {
			t.Errorf("%s: %.300s", path, body)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	for path, status := range map[string]int{"/api/v1/nothing": 404, "/api/": 404, "/api/v2/cameras": 404, "/api/docs/../../etc/passwd": 404,
		"/api/docs/secret.go": 404, "/assets/none.js": 404, "/favicon.ico": 404} {
		r := w.call(t, "GET", path, nil, nil)
		if r.rec.Code != status && r.rec.Code != http.StatusMovedPermanently && r.rec.Code != http.StatusTemporaryRedirect {
			t.Errorf("%s: %d", path, r.rec.Code)
		}
	}
	p := w.call(t, "PUT", "/api/v1/cameras", w.as(t, alerts.Admin, "city"), nil)
	if p.problem(t, http.StatusMethodNotAllowed); p.rec.Header().Get("Allow") != "GET, POST, HEAD" {
		t.Errorf("Allow %q", p.rec.Header().Get("Allow"))
	}
	w.call(t, "POST", "/desk", nil, nil).want(t, http.StatusMethodNotAllowed)
}
