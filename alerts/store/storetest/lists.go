package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// everywhere stores an incident, a camera and an alert in each village, and
// returns the villages.
func everywhere(t *testing.T, s alerts.Store) []string {
	Town(t, s)
	villages := []string{"v1", "v2", "v3", "v4"}
	Write(t, s, func(tx alerts.Tx) error {
		for n, v := range villages {
			if err := tx.AddIncident(Incident(n+1, v, "")); err != nil {
				return err
			}
			if err := tx.SaveCamera(Camera("cam-"+v, v, "")); err != nil {
				return err
			}
			if err := tx.SaveAlert(Alert(n+1, "k"+v, v, "")); err != nil {
				return err
			}
		}
		return nil
	})
	return villages
}

func testScope(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	villages := everywhere(t, s)
	for _, c := range []struct {
		name  string
		scope alerts.Scope
		sees  string // numbers of the villages
	}{
		{"zero", alerts.Scope{}, ""},
		{"role without areas", alerts.Scope{Role: alerts.Leader}, ""},
		{"empty path", At(""), ""},
		{"unknown area", At("/city/east/t1/v1/none/"), ""},
		{"name that begins alike", At("/city/e/"), ""},
		{"village", At("/city/east/t1/v1/"), "1"},
		{"township", At(T1Path), "12"},
		{"county", At(EastPath), "123"},
		{"two townships", At(T1Path, T3Path), "124"},
		{"overlapping", At(T1Path, EastPath), "123"},
		{"city", At(CityPath), "1234"},
		{"system", alerts.System(), "1234"},
	} {
		t.Run(c.name, func(t *testing.T) {
			incidents, _, err := s.Incidents(ctx, c.scope, alerts.IncidentFilter{})
			if err != nil {
				t.Fatal(err)
			}
			cameras, _, err := s.Cameras(ctx, c.scope, alerts.CameraFilter{})
			if err != nil {
				t.Fatal(err)
			}
			raised, _, err := s.Alerts(ctx, c.scope, alerts.AlertFilter{})
			if err != nil {
				t.Fatal(err)
			}
			var wantInc, wantCam, wantAlert []string
			for n, v := range villages {
				seen := false
				for _, x := range c.sees {
					seen = seen || int(x-'1') == n
				}
				if seen {
					wantInc = append([]string{fmt.Sprintf("inc%06d", n+1)}, wantInc...)
					wantAlert = append([]string{fmt.Sprintf("alert%06d", n+1)}, wantAlert...)
					wantCam = append(wantCam, "cam-"+v)
				}
				for what, err := range map[string]error{
					"incident": second(s.Incident(ctx, c.scope, fmt.Sprintf("inc%06d", n+1))),
					"camera":   second(s.Camera(ctx, c.scope, "cam-"+v)),
					"alert":    second(s.Alert(ctx, c.scope, fmt.Sprintf("alert%06d", n+1))),
					"area":     second(s.Area(ctx, c.scope, v)),
				} {
					if seen && err != nil {
						t.Errorf("%s of %s: %v", what, v, err)
					}
					if !seen {
						wantKind(t, err, alerts.NotFound, what+" of "+v)
					}
				}
			}
			wantIDs(t, ids(incidents, incidentID), wantInc, "incidents")
			wantIDs(t, ids(cameras, cameraID), wantCam, "cameras")
			wantIDs(t, ids(raised, alertID), wantAlert, "alerts")
		})
	}
}

func second[T any](_ T, err error) error { return err }

func testPaging(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	add := func(i alerts.Incident) {
		Write(t, s, func(tx alerts.Tx) error { return tx.AddIncident(i) })
	}
	// Pairs share a time, so that the id has to break ties.
	var want []string
	for n := 1; n <= 20; n++ {
		i := Incident(n, "v1", "")
		i.ReceivedAt = Base.Add(time.Duration(n/2) * time.Second)
		add(i)
		want = append([]string{i.ID}, want...)
	}
	var got []string
	cursor := ""
	for page := 0; ; page++ {
		if page > 10 {
			t.Fatal("paging does not end")
		}
		list, next, err := s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{Page: alerts.Page{Cursor: cursor, Limit: 3}})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(list, incidentID)...)
		// What comes in between is newer and shifts nothing.
		add(Incident(100+page, "v1", ""))
		if cursor = next; cursor == "" {
			break
		}
		if len(list) != 3 {
			t.Fatalf("a page that is not the last has %d rows", len(list))
		}
	}
	wantIDs(t, got, want, "all pages")

	Write(t, s, func(tx alerts.Tx) error {
		for n := range 7 {
			c := Camera(fmt.Sprintf("c%d", n), "v1", "")
			c.Name = fmt.Sprintf("同名 %d", n/3)
			if err := tx.SaveCamera(c); err != nil {
				return err
			}
		}
		return nil
	})
	got, cursor = nil, ""
	for range 4 {
		list, next, err := s.Cameras(ctx, alerts.System(), alerts.CameraFilter{Page: alerts.Page{Cursor: cursor, Limit: 2}})
		if err != nil {
			t.Fatal(err)
		}
		got, cursor = append(got, ids(list, cameraID)...), next
	}
	wantIDs(t, got, []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6"}, "cameras by name")
	if cursor != "" {
		t.Fatalf("cursor %q after the last page", cursor)
	}
}

func testCursors(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	everywhere(t, s)
	_, cameras, err := s.Cameras(ctx, alerts.System(), alerts.CameraFilter{Page: alerts.Page{Limit: 1}})
	if err != nil || cameras == "" {
		t.Fatal(cameras, err)
	}
	for _, c := range []string{cameras, "x", "!!!", "aQo", "aQoKCg", "AAAA"} {
		_, _, err := s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{Page: alerts.Page{Cursor: c}})
		wantKind(t, err, alerts.Invalid, "cursor "+c)
	}
	for _, limit := range []int{-1, 1001} {
		_, _, err := s.Alerts(ctx, alerts.System(), alerts.AlertFilter{Page: alerts.Page{Limit: limit}})
		wantKind(t, err, alerts.Invalid, fmt.Sprint("limit ", limit))
	}
}

func testFilters(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	Write(t, s, func(tx alerts.Tx) error {
		for n, v := range []string{"v1", "v1", "v2", "v3", "v4"} {
			i, a, c := Incident(n+1, v, ""), Alert(n+1, "k", v, ""), Camera(fmt.Sprintf("cam%d", n+1), v, "")
			if v == "v3" {
				i.GridID, a.GridID, c.GridID = "g3", "g3", "g3"
			}
			if n%2 == 1 {
				i.Category, i.Severity, i.ReporterID = "opinion.other", alerts.Low, "u2"
				a.Kind, a.Severity, a.CameraID = "intrusion", alerts.Medium, ""
			}
			if err := tx.AddIncident(i); err != nil {
				return err
			}
			if err := tx.SaveAlert(a); err != nil {
				return err
			}
			if err := tx.SaveCamera(c); err != nil {
				return err
			}
		}
		return nil
	})
	at := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		f     alerts.IncidentFilter
		scope alerts.Scope
		want  []int
	}{
		"area":         {alerts.IncidentFilter{AreaID: "t1"}, alerts.System(), []int{3, 2, 1}},
		"area outside": {alerts.IncidentFilter{AreaID: "t1"}, At(T3Path), nil},
		"area unknown": {alerts.IncidentFilter{AreaID: "none"}, alerts.System(), nil},
		"area above":   {alerts.IncidentFilter{AreaID: "city"}, At(T1Path), []int{3, 2, 1}},
		"grid":         {alerts.IncidentFilter{GridID: "g3"}, alerts.System(), []int{4}},
		"category":     {alerts.IncidentFilter{Category: "opinion.other"}, alerts.System(), []int{4, 2}},
		"severity":     {alerts.IncidentFilter{Severity: alerts.High}, alerts.System(), []int{5, 3, 1}},
		"reporter":     {alerts.IncidentFilter{ReporterID: "u2"}, At(T1Path), []int{2}},
		"half open":    {alerts.IncidentFilter{Since: at(2), Until: at(4)}, alerts.System(), []int{3, 2}},
		"together":     {alerts.IncidentFilter{AreaID: "east", Category: "hazard.gas", Since: at(2)}, alerts.System(), []int{3}},
	} {
		list, _, err := s.Incidents(ctx, c.scope, c.f)
		if err != nil {
			t.Fatal(name, err)
		}
		wantIDs(t, ids(list, incidentID), numbered("inc%06d", c.want), "incidents by "+name)
	}
	for name, c := range map[string]struct {
		f    alerts.AlertFilter
		want []int
	}{
		"area":      {alerts.AlertFilter{AreaID: "v1"}, []int{2, 1}},
		"grid":      {alerts.AlertFilter{GridID: "g3"}, []int{4}},
		"camera":    {alerts.AlertFilter{CameraID: "cam1"}, []int{5, 3, 1}},
		"kind":      {alerts.AlertFilter{Kind: "intrusion"}, []int{4, 2}},
		"severity":  {alerts.AlertFilter{Severity: alerts.Medium}, []int{4, 2}},
		"half open": {alerts.AlertFilter{Since: at(2), Until: at(4)}, []int{3, 2}},
	} {
		list, _, err := s.Alerts(ctx, alerts.System(), c.f)
		if err != nil {
			t.Fatal(name, err)
		}
		wantIDs(t, ids(list, alertID), numbered("alert%06d", c.want), "alerts by "+name)
	}
	for name, c := range map[string]struct {
		f    alerts.CameraFilter
		want []int
	}{
		"area": {alerts.CameraFilter{AreaID: "t1"}, []int{1, 2, 3}},
		"grid": {alerts.CameraFilter{GridID: "g3"}, []int{4}},
		"text": {alerts.CameraFilter{Text: "CAM4"}, []int{4}},
	} {
		list, _, err := s.Cameras(ctx, alerts.System(), c.f)
		if err != nil {
			t.Fatal(name, err)
		}
		wantIDs(t, ids(list, cameraID), numbered("cam%d", c.want), "cameras by "+name)
	}
}

func numbered(format string, numbers []int) []string {
	var out []string
	for _, n := range numbers {
		out = append(out, fmt.Sprintf(format, n))
	}
	return out
}

func testTextSearch(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	texts := []string{`100% full`, `1000 full`, `under_score`, `underXscore`, `back\slash`, `燃气泄漏 Gas`, `it's "quoted"; DROP TABLE incidents; --`}
	Write(t, s, func(tx alerts.Tx) error {
		for n, text := range texts {
			i := Incident(n, "v1", "")
			i.Text, i.Address = text, "addr"+fmt.Sprint(n)
			if err := tx.AddIncident(i); err != nil {
				return err
			}
		}
		return nil
	})
	for query, want := range map[string][]int{
		"100%": {0}, "full": {1, 0}, "r_s": {2}, `k\s`: {4}, "燃气": {5}, "gAS": {5}, `it's "`: {6}, "ADDR3": {3},
		"N-000006": {6}, "%": {0}, "_": {2}, "none": nil, "'": {6},
	} {
		list, _, err := s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{Text: query})
		if err != nil {
			t.Fatal(query, err)
		}
		wantIDs(t, ids(list, incidentID), numbered("inc%06d", want), "incidents with "+query)
	}
}

// Text that stands far back is found page by page: each looks only so far.
func testTextFarBack(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	const total = 12_000
	for n := 0; n < total; {
		Write(t, s, func(tx alerts.Tx) error {
			for range 1000 {
				i := Incident(n, "v1", "")
				if n == 3 || n == total-2 {
					i.Text = "needle"
				}
				if err := tx.AddIncident(i); err != nil {
					return err
				}
				n++
			}
			return nil
		})
	}
	var found []string
	pages, f := 0, alerts.IncidentFilter{Text: "needle"}
	for more := true; more; more = f.Page.Cursor != "" {
		list, next, err := s.Incidents(ctx, At(CityPath), f)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, ids(list, incidentID)...)
		f.Page.Cursor = next
		pages++
	}
	if want := numbered("inc%06d", []int{total - 2, 3}); !slices.Equal(found, want) || pages < 2 {
		t.Errorf("%v in %d pages, want %v in several", found, pages, want)
	}
	// Within a time, it is looked for from its end on.
	until := Incident(100, "v1", "").ReceivedAt
	list, next, err := s.Incidents(ctx, At(CityPath), alerts.IncidentFilter{Text: "needle", Until: until})
	if err != nil || next != "" {
		t.Fatalf("next %q, %v", next, err)
	}
	wantIDs(t, ids(list, incidentID), []string{"inc000003"}, "incidents with needle until a time")
}
