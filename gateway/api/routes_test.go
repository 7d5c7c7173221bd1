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

// Every route, called by nobody and by every role in its own and another area.
func TestRouteByRole(t *testing.T) {
	w := newWorld(t)
	fake := "0123456789abcdefghjkmnpqrs"
	for _, row := range routes() {
		method := row.method
		if method == "" {
			method = "GET"
		}
		path := strings.NewReplacer("{id}", fake, "{session}", "none", "{file}", "docs.js").Replace(row.path)
		call := func(cookie *http.Cookie) int {
			return w.call(t, method, path, cookie, nil).rec.Code
		}
		t.Run(row.pattern(), func(t *testing.T) {
			anonymous := call(nil)
			if row.access == public {
				if anonymous == http.StatusUnauthorized || anonymous == http.StatusForbidden || anonymous >= 500 {
					t.Errorf("nobody: %d", anonymous)
				}
				return
			}
			if anonymous != http.StatusUnauthorized {
				t.Errorf("nobody: %d", anonymous)
			}
			for _, role := range alerts.Roles {
				for _, area := range []string{"city", "east"} {
					got := call(w.as(t, role, area))
					switch {
					case row.access == sourceToken:
						if got != http.StatusUnauthorized {
							t.Errorf("%s with a session: %d", role, got)
						}
					case row.access == ownReports && slices.Contains(alerts.RightsOf(role), alerts.Report) &&
						!slices.Contains(alerts.RightsOf(role), alerts.ReadIncidents):
						// Without mine=true the list is not his; with it, it is.
						if own := w.call(t, method, path+"?mine=true", w.as(t, role, area), nil).rec.Code; strings.HasSuffix(path, "/incidents") && (got != 403 || own != 200) {
							t.Errorf("%s of %s: list %d, own reports %d", role, area, got, own)
						}
					case row.access == ownReports && slices.Contains(alerts.RightsOf(role), alerts.ReadIncidents),
						row.access == signedIn || slices.Contains(alerts.RightsOf(role), alerts.Right(row.access)):
						if got == http.StatusUnauthorized || got == http.StatusForbidden || got >= 500 {
							t.Errorf("%s of %s: %d", role, area, got)
						}
					case got != http.StatusForbidden:
						t.Errorf("%s of %s: %d, want 403", role, area, got)
					}
				}
			}
		})
	}
}

// Each object of the east, asked for by who may and by the same roles of the
// west: to them it is not there.
func TestRouteByArea(t *testing.T) {
	w := newWorld(t)
	inc, _, _, err := w.desk.Report(t.Context(), scope(alerts.GridLeader, "east"), desk.ReportInput{Category: "hazard.gas", Text: "x", Lon: 117.05, Lat: 31.05,
		Photos: []alerts.Photo{must[alerts.Photo](t)(w.photos.Accept(t.Context(), strings.NewReader(string(tinyPNG(t)))))}})
	if err != nil {
		t.Fatal(err)
	}
	src, _, err := w.desk.CreateSource(t.Context(), scope(alerts.Admin, "city"), desk.SourceInput{Name: "box", AreaID: "east"})
	if err != nil {
		t.Fatal(err)
	}
	photo := strings.TrimPrefix(inc.Photos[0].URL, "/api/v1/photos/")
	for _, c := range []struct {
		method, path string
		body         any
		options      []func(*http.Request)
	}{
		{"GET", "/api/v1/cameras/cam-e", nil, nil},
		{"PATCH", "/api/v1/cameras/cam-e", map[string]any{"name": "renamed"}, nil},
		{"POST", "/api/v1/cameras/cam-e/whep", "v=0", []func(*http.Request){header("Content-Type", sdpType)}},
		{"GET", "/api/v1/cameras/cam-e/keyframe.mp4", nil, nil},
		{"HEAD", "/api/v1/cameras/cam-e/snapshot.jpg", nil, nil},
		{"GET", "/api/v1/incidents/" + inc.ID, nil, nil},
		{"GET", "/api/v1/photos/" + photo, nil, nil},
		{"GET", "/api/v1/photos/" + photo + "?size=thumb", nil, nil},
		{"PATCH", "/api/v1/users/" + userID(alerts.Leader, "east"), map[string]any{"password": "another long password"}, nil},
		{"DELETE", "/api/v1/sources/" + src.ID, nil, nil},
		{"DELETE", "/api/v1/cameras/cam-e", nil, nil},
	} {
		row := w.row(t, c.method, strings.Split(c.path, "?")[0])
		for _, role := range alerts.Roles {
			if !slices.Contains(alerts.RightsOf(role), alerts.Right(row.access)) {
				continue
			}
			if got := w.call(t, c.method, c.path, w.as(t, role, "west"), c.body, c.options...).rec.Code; got != http.StatusNotFound {
				t.Errorf("%s %s as %s of the west: %d, want 404", c.method, c.path, role, got)
			}
		}
		role := alerts.DutyOfficer
		if strings.HasPrefix(string(row.access), "manage") {
			role = alerts.Admin
		}
		if got := w.call(t, c.method, c.path, w.as(t, role, "east"), c.body, c.options...).rec.Code; got >= 300 {
			t.Errorf("%s %s as %s of the east: %d", c.method, c.path, role, got)
		}
	}
}

// row finds the row that a request goes through.
func (w *world) row(t *testing.T, method, path string) route {
	t.Helper()
	r, err := http.NewRequest(method, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, pattern := w.mux.mux.Handler(r)
	row, ok := w.mux.table[pattern]
	if !ok {
		t.Fatalf("no row for %s %s", method, path)
	}
	return row
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
