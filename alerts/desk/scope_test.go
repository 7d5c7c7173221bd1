package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

// TestRights tries every use case as every role: without the right it is
// forbidden, and nothing is written.
func TestRights(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	source := alerts.Source{ID: "s", Name: "s", AreaPath: "/city/"}
	cases := map[string]struct {
		right alerts.Right
		call  func(alerts.Scope) error
	}{
		"Areas":        {alerts.ViewMap, func(s alerts.Scope) error { return second(o.Areas(ctx, s)) }},
		"AreasGeoJSON": {alerts.ViewMap, func(s alerts.Scope) error { return second(o.AreasGeoJSON(ctx, s)) }},
		"Grids":        {alerts.ViewMap, func(s alerts.Scope) error { return second(o.Grids(ctx, s)) }},
		"GridsGeoJSON": {alerts.ViewMap, func(s alerts.Scope) error { return second(o.GridsGeoJSON(ctx, s)) }},
		"Cameras": {alerts.ViewMap, func(s alerts.Scope) error {
			_, _, err := o.Cameras(ctx, s, alerts.CameraFilter{})
			return err
		}},
		"Camera":       {alerts.ViewMap, func(s alerts.Scope) error { return second(o.Camera(ctx, s, "none")) }},
		"CamerasNear":  {alerts.ViewMap, func(s alerts.Scope) error { return second(o.CamerasNear(ctx, s, middles["v1"], 0)) }},
		"CreateCamera": {alerts.ManageCameras, func(s alerts.Scope) error { return second(o.CreateCamera(ctx, s, CameraInput{})) }},
		"ChangeCamera": {alerts.ManageCameras, func(s alerts.Scope) error { return second(o.ChangeCamera(ctx, s, "none", CameraPatch{})) }},
		"RemoveCamera": {alerts.ManageCameras, func(s alerts.Scope) error { return o.RemoveCamera(ctx, s, "none") }},
		"Report": {alerts.Report, func(s alerts.Scope) error {
			_, _, _, err := o.Report(ctx, s, ReportInput{})
			return err
		}},
		"Incidents": {alerts.ReadIncidents, func(s alerts.Scope) error {
			_, _, err := o.Incidents(ctx, s, alerts.IncidentFilter{})
			return err
		}},
		"Alerts": {alerts.ReadAlerts, func(s alerts.Scope) error {
			_, _, err := o.Alerts(ctx, s, alerts.AlertFilter{})
			return err
		}},
		"Users": {alerts.ManageUsers, func(s alerts.Scope) error {
			_, _, err := o.Users(ctx, s, alerts.Page{})
			return err
		}},
		"CreateUser": {alerts.ManageUsers, func(s alerts.Scope) error { return second(o.CreateUser(ctx, s, UserInput{})) }},
		"ChangeUser": {alerts.ManageUsers, func(s alerts.Scope) error { return second(o.ChangeUser(ctx, s, "none", UserPatch{})) }},
		"Sources":    {alerts.ManageSources, func(s alerts.Scope) error { return second(o.Sources(ctx, s)) }},
		"CreateSource": {alerts.ManageSources, func(s alerts.Scope) error {
			_, _, err := o.CreateSource(ctx, s, SourceInput{})
			return err
		}},
		"RemoveSource": {alerts.ManageSources, func(s alerts.Scope) error { return o.RemoveSource(ctx, s, "none") }},
	}
	for name, c := range cases {
		for _, role := range append([]alerts.Role{"", "root"}, alerts.Roles[:]...) {
			s := as(role, "city")
			err := c.call(s)
			if s.Can(c.right) == (alerts.KindOf(err) == alerts.Forbidden) {
				t.Errorf("%s as %q: %v", name, role, err)
			}
		}
		if err := c.call(alerts.Scope{}); alerts.KindOf(err) != alerts.Forbidden {
			t.Errorf("%s as nobody: %v", name, err)
		}
	}
	// An incident may be read by who may report, if it is the own one.
	for _, role := range alerts.Roles {
		s := as(role, "city")
		for name, err := range map[string]error{"Incident": second(o.Incident(ctx, s, "none")), "PhotoOf": second(o.PhotoOf(ctx, s, "none"))} {
			want := alerts.Forbidden
			if s.Can(alerts.ReadIncidents) || s.Can(alerts.Report) {
				want = alerts.NotFound
			}
			wantKind(t, err, want, name+" as "+string(role))
		}
	}
	if _, _, err := o.Raise(ctx, alerts.Source{}, Alarm{Kind: "fire"}); alerts.KindOf(err) != alerts.Forbidden {
		t.Errorf("raising without a source: %v", err)
	}
	source.Disabled = true
	if _, _, err := o.Raise(ctx, source, Alarm{Kind: "fire"}); alerts.KindOf(err) != alerts.Forbidden {
		t.Errorf("raising from a disabled source: %v", err)
	}
	if len(o.bus.sent) != 0 {
		t.Errorf("events were published: %v", o.bus.kinds())
	}
}

// objects are what stands and happened in one village.
type objects struct{ camera, incident, photo, alert, user, source string }

// furnish puts a camera, an incident with a photo, an alert, a source and a
// user into a village.
func (o *office) furnish(t *testing.T, v string) objects {
	t.Helper()
	ctx := context.Background()
	all := alerts.System()
	all.User = "system"
	out := objects{camera: "cam-" + v, photo: "photo-" + v}
	ok[CameraView](t)(o.CreateCamera(ctx, all, camera(out.camera, v)))
	in := report(v)
	in.Photos = []alerts.Photo{{ID: out.photo, SHA256: "aa", Type: "image/jpeg", Size: 1}}
	i, _, _, err := o.Report(ctx, all, in)
	if err != nil {
		t.Fatal(err)
	}
	source := newSource(t, o, v)
	a, _, err := o.Raise(ctx, source, Alarm{Kind: "fire", CameraID: out.camera})
	if err != nil {
		t.Fatal(err)
	}
	user := ok[UserView](t)(o.CreateUser(ctx, all, UserInput{Username: "user." + v, Name: "U", Role: alerts.GridLeader, AreaID: v,
		PasswordHash: "x"}))
	out.incident, out.alert, out.source, out.user = i.ID, a.ID, source.ID, user.ID
	return out
}

// refused tries to change what lies outside an area, and to make something there.
func (o *office) refused(t *testing.T, area, v string, there objects) {
	t.Helper()
	ctx := context.Background()
	officer, admin := as(alerts.DutyOfficer, area), as(alerts.Admin, area)
	wantKind(t, o.RemoveCamera(ctx, admin, there.camera), alerts.NotFound, "remove camera of "+v)
	wantKind(t, o.RemoveSource(ctx, admin, there.source), alerts.NotFound, "remove source of "+v)
	_, err := o.CreateCamera(ctx, admin, camera("new", v))
	wantFault(t, err, "create camera in "+v, "area_id")
	_, err = o.CreateUser(ctx, admin, UserInput{Username: "new", Name: "N", Role: alerts.Leader, AreaID: v, PasswordHash: "x"})
	wantFault(t, err, "create user in "+v, "area_id")
	_, _, err = o.CreateSource(ctx, admin, SourceInput{Name: "N", AreaID: v})
	wantFault(t, err, "create source in "+v, "area_id")
	_, _, _, err = o.Report(ctx, officer, report(v))
	wantFault(t, err, "report in "+v, "lon", "lat")
}

// TestScope looks from every area at what is in three villages.
func TestScope(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	villages := []string{"v1", "v3", "v4"}
	placed := map[string]objects{}
	for _, v := range villages {
		placed[v] = o.furnish(t, v)
	}
	for area, sees := range map[string]string{"city": "v1 v3 v4", "east": "v1 v3", "west": "v4", "t1": "v1", "t2": "v3", "t3": "v4",
		"v1": "v1", "v3": "v3", "nowhere": ""} {
		t.Run(area, func(t *testing.T) {
			officer, admin := as(alerts.DutyOfficer, area), as(alerts.Admin, area)
			want := strings.Fields(sees)
			snapshot := ok[Snapshot](t)(o.Snapshot(ctx, officer))
			cameras, _, err := o.Cameras(ctx, officer, alerts.CameraFilter{})
			wantIn(t, "cameras", err, cameras, want, func(v CameraView) string { return v.AreaID })
			wantIn(t, "snapshot's cameras", nil, snapshot.Cameras, want, func(v CameraView) string { return v.AreaID })
			incidents, _, err := o.Incidents(ctx, officer, alerts.IncidentFilter{})
			wantIn(t, "incidents", err, incidents, want, func(v IncidentView) string { return v.AreaID })
			wantIn(t, "snapshot's incidents", nil, snapshot.Incidents, want, func(v IncidentView) string { return v.AreaID })
			list, _, err := o.Alerts(ctx, officer, alerts.AlertFilter{})
			wantIn(t, "alerts", err, list, want, func(v AlertView) string { return v.AreaID })
			wantIn(t, "snapshot's alerts", nil, snapshot.Alerts, want, func(v AlertView) string { return v.AreaID })
			sources, err := o.Sources(ctx, admin)
			wantIn(t, "sources", err, sources, want, func(v SourceView) string { return v.AreaID })
			users, _, err := o.Users(ctx, admin, alerts.Page{})
			wantIn(t, "users", err, users, want, func(v UserView) string { return v.AreaID })
			for _, v := range villages {
				seen := slices.Contains(want, v)
				near := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, officer, middles[v], 0))
				if (len(near) == 1) != seen {
					t.Errorf("near %s: %d cameras", v, len(near))
				}
				for what, err := range map[string]error{
					"camera": second(o.Camera(ctx, officer, placed[v].camera)), "incident": second(o.Incident(ctx, officer, placed[v].incident)),
					"photo":         second(o.PhotoOf(ctx, officer, placed[v].photo)),
					"change camera": second(o.ChangeCamera(ctx, admin, placed[v].camera, CameraPatch{Owner: ptr("x")})),
					"change user":   second(o.ChangeUser(ctx, admin, placed[v].user, UserPatch{Name: ptr("N")})),
					"home":          second(o.Home(ctx, officer, v)),
				} {
					if seen && err != nil {
						t.Errorf("%s of %s: %v", what, v, err)
					}
					if !seen {
						wantKind(t, err, alerts.NotFound, what+" of "+v)
					}
				}
				if !seen {
					o.refused(t, area, v, placed[v])
				}
			}
			_, err = o.CreateUser(ctx, admin, UserInput{Username: "new", Name: "N", Role: alerts.Admin, PasswordHash: "x"})
			wantFault(t, err, "create user who acts everywhere", "area_id")
		})
	}
}

// TestOwnReports: the auditor reads, the handler reads the own reports only.
func TestOwnReports(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	there := o.furnish(t, "v1")
	if _, err := o.Incident(ctx, as(alerts.Auditor, "t1"), there.incident); err != nil {
		t.Error(err)
	}
	handler := as(alerts.Handler, "t1")
	wantKind(t, second(o.Incident(ctx, handler, there.incident)), alerts.NotFound, "another's incident as handler")
	mine, _, _, err := o.Report(ctx, handler, report("v1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Incident(ctx, handler, mine.ID); err != nil {
		t.Error(err)
	}
	list, _, err := o.Incidents(ctx, handler, alerts.IncidentFilter{ReporterID: handler.User})
	if err != nil || len(list) != 1 || list[0].ID != mine.ID {
		t.Errorf("mine: %v %v", list, err)
	}
	_, _, err = o.Incidents(ctx, as(alerts.DutyOfficer, "city"), alerts.IncidentFilter{ReporterID: handler.User})
	wantKind(t, err, alerts.Forbidden, "asking what somebody else reported")
	for _, text := range []string{asJSON(t, mine), asJSON(t, o.bus.sent)} {
		if strings.Contains(text, handler.User) {
			t.Error("the reporter is shown")
		}
	}
}

func wantIn[T any](t *testing.T, what string, err error, got []T, want []string, area func(T) string) {
	t.Helper()
	var areas []string
	for _, v := range got {
		areas = append(areas, area(v))
	}
	slices.Sort(areas)
	if err != nil || fmt.Sprint(areas) != fmt.Sprint(want) {
		t.Errorf("%s lie in %v, want %v (%v)", what, areas, want, err)
	}
}

func TestPlaces(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := as(alerts.GridLeader, "t1")
	areas := ok[[]AreaView](t)(o.Areas(ctx, s))
	wantIn(t, "areas", nil, areas, []string{"t1", "v1", "v2"}, func(v AreaView) string { return v.ID })
	grids := ok[[]GridView](t)(o.Grids(ctx, as(alerts.Leader, "city")))
	warnings := map[string]string{}
	for _, g := range grids {
		warnings[g.ID] = g.HouseholdWarning
	}
	if fmt.Sprint(warnings) != "map[g1a: g1b:below g2:above g3: g4:]" {
		t.Errorf("household warnings: %v", warnings)
	}
	for range 2 { // made, then kept
		doc := string(ok[[]byte](t)(o.GridsGeoJSON(ctx, s)))
		if !strings.Contains(doc, `"g1a"`) || strings.Contains(doc, `"g3"`) || !strings.Contains(doc, `"area_name":"一村"`) {
			t.Errorf("grids of t1: %s", doc)
		}
	}
	if doc := string(ok[[]byte](t)(o.AreasGeoJSON(ctx, as(alerts.Leader, "city")))); !strings.Contains(doc, `"v4"`) {
		t.Errorf("areas of the city: %s", doc)
	}
	h := ok[Home](t)(o.Home(ctx, as(alerts.GridLeader, "v1"), "v1"))
	if len(h.Trail) != 4 || h.Trail[0].ID != "city" || h.Trail[3].ID != "v1" || h.Area.BBox != [4]float64{117.0, 31.0, 117.1, 31.1} {
		t.Errorf("home: %+v", h)
	}
	// A county without a shape has the box of its townships.
	if h := ok[Home](t)(o.Home(ctx, as(alerts.Leader, "east"), "east")); h.Area.BBox != [4]float64{117.0, 31.0, 117.3, 31.1} {
		t.Errorf("home of a county: %+v", h)
	}
	if h := ok[Home](t)(o.Home(ctx, alerts.System(), "")); h.Area.ID != "city" {
		t.Errorf("home of who acts everywhere: %+v", h)
	}
	wantKind(t, second(o.Home(ctx, as(alerts.Leader, "city"), "")), alerts.NotFound, "home without an area")
}
