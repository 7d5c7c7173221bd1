package desk

import (
	"context"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// A department with offices, people and duties: the most particular one counts,
// the category before the area, and nobody who has gone is named.
func TestDutyFor(t *testing.T) {
	o := newOffice(t)
	ctx, admin := context.Background(), as(alerts.Admin, "city")
	ok[DepartmentView](t)(o.CreateDepartment(ctx, admin, DepartmentInput{ID: "gas", AreaID: "east", Name: "燃气公司"}))
	for _, id := range []string{"repair", "station", "office"} {
		ok[OfficeView](t)(o.AddOffice(ctx, admin, "gas", OfficeInput{ID: id, Name: id}))
	}
	person := func(name string) string {
		return ok[UserView](t)(o.CreateUser(ctx, admin, UserInput{Username: name, Name: name, Role: alerts.Handler, AreaID: "east", DepartmentID: "gas", PasswordHash: "x"})).ID
	}
	li, wang := person("li"), person("wang")
	add := func(office, who, category, area string) string {
		return ok[DutyView](t)(o.AddDuty(ctx, admin, "gas", DutyInput{OfficeID: office, PersonID: who, Category: category, AreaID: area})).ID
	}
	want := func(category, area, office, who string) {
		t.Helper()
		if v := ok[DutyView](t)(o.DutyFor(ctx, admin, "gas", category, area)); v.OfficeID != office || v.PersonID != who {
			t.Errorf("%s in %s: %+v, want %s and %s", category, area, v, office, who)
		}
	}
	want("hazard.gas", "v1", "", "")
	add("office", "", "", "")
	add("station", li, "", "t1")
	add("repair", wang, "hazard", "")
	leak := add("repair", li, "hazard.gas", "v1")
	want("hazard.gas", "v1", "repair", li)
	want("hazard.gas", "v3", "repair", wang)
	want("hazard.gasoline", "v1", "repair", wang)
	want("hazardous", "v1", "station", li)
	want("opinion.other", "v3", "office", "")
	if err := o.RemoveDuty(ctx, admin, leak); err != nil {
		t.Fatal(err)
	}
	want("hazard.gas", "v1", "repair", wang)
	ok[UserView](t)(o.ChangeUser(ctx, admin, wang, UserPatch{Disabled: ptr(true)}))
	want("hazard.gas", "v1", "repair", "")
	ok[OfficeView](t)(o.ChangeOffice(ctx, admin, "repair", OfficePatch{Disabled: ptr(true)}))
	want("hazard.gas", "v1", "station", li)

	for doing, c := range map[string]struct {
		in    DutyInput
		field string
	}{
		"an office of nobody": {DutyInput{OfficeID: "none"}, "office_id"}, "a closed office": {DutyInput{OfficeID: "repair"}, "office_id"},
		"nobody": {DutyInput{PersonID: "none"}, "person_id"}, "who has gone": {DutyInput{PersonID: wang}, "person_id"},
		"an area beside": {DutyInput{AreaID: "v4"}, "area_id"}, "no category": {DutyInput{Category: "Gas!"}, "category"},
	} {
		wantFault(t, second(o.AddDuty(ctx, admin, "gas", c.in)), doing, c.field)
	}
	wantKind(t, second(o.AddDuty(ctx, as(alerts.Admin, "t1"), "gas", DutyInput{})), alerts.Forbidden, "a duty from below")
	wantKind(t, second(o.AddDuty(ctx, as(alerts.Admin, "west"), "gas", DutyInput{})), alerts.NotFound, "a duty from beside")
	wantKind(t, second(o.ChangeDepartment(ctx, as(alerts.DutyOfficer, "city"), "gas", DepartmentPatch{Disabled: ptr(true)})), alerts.Forbidden, "by an officer")
	entries, _, err := o.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Kind: alerts.AuditConfig, Object: "duty/" + leak, Page: alerts.Page{Limit: 10}})
	if err != nil || len(entries) != 2 || entries[0].Details["action"] != "remove" {
		t.Errorf("the audit of a duty: %+v %v", entries, err)
	}
}

// A grid has one leader at a time; who leads it is told by the session's scope,
// and who led it is kept.
func TestRoster(t *testing.T) {
	o := newOffice(t)
	ctx, admin := context.Background(), as(alerts.Admin, "t1")
	leader := func(name, area string) string {
		return ok[UserView](t)(o.CreateUser(ctx, as(alerts.Admin, "city"), UserInput{Username: name, Name: name, Role: alerts.GridLeader, AreaID: area, PasswordHash: "x"})).ID
	}
	zhou, he, far := leader("zhou", "v1"), leader("he", "v1"), leader("far", "v4")
	in := PostInput{Kind: alerts.LeaderPost, UserID: zhou, Employment: alerts.WelfarePost, Tasks: []string{"mediator", "mediator", "patroller"}}
	p := ok[PostView](t)(o.AddPost(ctx, admin, "g1a", in))
	if !p.Current || p.Name != "zhou" || len(p.Tasks) != 2 {
		t.Errorf("post %+v", p)
	}
	wantKind(t, second(o.AddPost(ctx, admin, "g1a", PostInput{Kind: alerts.LeaderPost, UserID: he, Employment: alerts.Resident})), alerts.Conflict, "a second leader")
	wantKind(t, second(o.AddPost(ctx, admin, "g4", in)), alerts.NotFound, "a grid of elsewhere")
	for doing, c := range map[string]struct {
		in    PostInput
		field string
	}{
		"no kind": {PostInput{Name: "x"}, "kind"}, "no name": {PostInput{Kind: alerts.TeamPost}, "name"},
		"a leader without employment": {PostInput{Kind: alerts.LeaderPost, Name: "x"}, "employment"},
		"somebody of elsewhere":       {PostInput{Kind: alerts.TeamPost, UserID: far}, "user_id"},
		"an unknown task":             {PostInput{Kind: alerts.TeamPost, Name: "x", Tasks: []string{"sweeper"}}, "tasks"},
		"a term that ends before":     {PostInput{Kind: alerts.TeamPost, Name: "x", To: ptr(base.Add(-time.Hour))}, "to"},
	} {
		wantFault(t, second(o.AddPost(ctx, admin, "g1a", c.in)), doing, c.field)
	}
	o.clock.add(24 * time.Hour)
	o.bus.forget()
	next := PostPatch{HandTo: &PostInput{UserID: he, Employment: alerts.Resident}}
	wantFault(t, second(o.ChangePost(ctx, admin, p.ID, next)), "a hand-over without a note", "hand_note")
	next.HandNote = ptr("钥匙两把，台账一册，在办 3 件")
	old := ok[PostView](t)(o.ChangePost(ctx, admin, p.ID, next))
	roster := ok[[]PostView](t)(o.Posts(ctx, as(alerts.DutyOfficer, "v1"), "g1a"))
	if len(roster) != 2 || old.Current || roster[0].UserID != he || !roster[0].Current || old.HandedTo != roster[0].ID || !old.To.Equal(roster[0].From) {
		t.Errorf("roster %+v", roster)
	}
	var told []string
	for _, e := range o.bus.sent {
		if e.Kind == alerts.UserChanged {
			told = append(told, e.ID)
		}
	}
	if len(told) != 2 {
		t.Errorf("sessions of %v are resolved again", told)
	}
	wantKind(t, second(o.ChangePost(ctx, admin, p.ID, next)), alerts.Conflict, "handing over what has ended")
	wantKind(t, second(o.ChangePost(ctx, as(alerts.Admin, "west"), p.ID, PostPatch{})), alerts.NotFound, "a post of elsewhere")

	sheet := "网格,类型,账号,姓名,用工性质,职责,任期起\ng1a,leader,he,,community_worker,mediator、liaison,\ng1b,party,,老李,,,2026-01-01\n"
	if r := ok[ImportResult](t)(o.ImportPosts(ctx, admin, strings.NewReader(sheet), "csv", alerts.WGS84)); r.Imported != 2 {
		t.Errorf("%+v", r)
	}
	roster = ok[[]PostView](t)(o.Posts(ctx, admin, "g1a"))
	if len(roster) != 2 || roster[0].Employment != alerts.CommunityWorker || len(roster[0].Tasks) != 2 {
		t.Errorf("roster %+v", roster)
	}
	bad := "grid_id,kind,username,employment\ng1b,leader,zhou,resident\ng1a,leader,zhou,resident\ng4,team,zhou,\n"
	wantFault(t, second(o.ImportPosts(ctx, admin, strings.NewReader(bad), "csv", alerts.WGS84)), "a grid of elsewhere", "grid_id")
	bad = "grid_id,kind,username,employment\ng1b,leader,zhou,resident\ng1a,leader,zhou,resident\n"
	if err := second(o.ImportPosts(ctx, admin, strings.NewReader(bad), "csv", alerts.WGS84)); alerts.KindOf(err) != alerts.Invalid || len(ok[[]PostView](t)(o.Posts(ctx, admin, "g1b"))) != 1 {
		t.Errorf("half a file was taken: %v", err)
	}
}

// The registers hold posts and places, no persons.
func TestRegisters(t *testing.T) {
	o := newOffice(t)
	ctx, leader := context.Background(), as(alerts.GridLeader, "t1")
	point := SiteInput{Register: alerts.FacilityRegister, Kind: "fire_point", Name: " 微型消防站 ", Contact: "物业值班室 0551-62001234", Lon: 117.025, Lat: 31.05}
	v := ok[SiteView](t)(o.CreateSite(ctx, leader, point))
	if v.AreaID != "v1" || v.GridID != "g1a" || v.Name != "微型消防站" || v.Stale || v.Version != 1 {
		t.Errorf("entry %+v", v)
	}
	for doing, c := range map[string]struct {
		change func(*SiteInput)
		field  string
	}{
		"a mobile number":     {func(in *SiteInput) { in.Contact = "张三 138 0013 8000" }, "contact"},
		"one with its prefix": {func(in *SiteInput) { in.Remark = "联系 +86-139-1234-5678" }, "remark"},
		"an identity number":  {func(in *SiteInput) { in.Name = "34010419800101123X" }, "name"},
		"wide digits":         {func(in *SiteInput) { in.Contact = "１３８００１３８０００" }, "contact"},
		"no kind":             {func(in *SiteInput) { in.Kind = "" }, "kind"},
		"no register":         {func(in *SiteInput) { in.Register = "person" }, "register"},
		"nowhere":             {func(in *SiteInput) { in.Lon = 10 }, "area_id"},
		"an area of others":   {func(in *SiteInput) { in.AreaID = "v4" }, "area_id"},
		"half a line":         {func(in *SiteInput) { in.Stretch = [][2]float64{{117.1, 31.1}} }, "stretch"},
		"tomorrow":            {func(in *SiteInput) { in.CheckedAt = ptr(base.Add(48 * time.Hour)) }, "checked_at"},
	} {
		in := point
		c.change(&in)
		err := second(o.CreateSite(ctx, leader, in))
		var fields []string
		for _, f := range faultsOf(t, err) {
			fields = append(fields, f.Field)
		}
		if !strings.Contains(strings.Join(fields, " "), c.field) {
			t.Errorf("%s: %v", doing, err)
		}
	}
	wantKind(t, second(o.CreateSite(ctx, as(alerts.Auditor, "city"), point)), alerts.Forbidden, "by the auditor")
	o.clock.add(StaleAfter + time.Hour)
	if list, _, err := o.Sites(ctx, leader, alerts.SiteFilter{}, true); err != nil || len(list) != 1 || !list[0].Stale {
		t.Errorf("stale: %+v %v", list, err)
	}
	wantKind(t, second(o.ChangeSite(ctx, leader, v.ID, SitePatch{Version: ptr(int64(9))})), alerts.Conflict, "an old version")
	wantKind(t, second(o.ChangeSite(ctx, as(alerts.GridLeader, "west"), v.ID, SitePatch{})), alerts.NotFound, "from elsewhere")
	v = ok[SiteView](t)(o.ChangeSite(ctx, leader, v.ID, SitePatch{Stretch: &[][2]float64{{117.01, 31.05}, {117.06, 31.05}, {117.09, 31.05}}}))
	if v.Stale || v.GridID != "g1b" || len(v.Stretch) != 3 || v.Version != 2 {
		t.Errorf("checked: %+v", v)
	}
	v = ok[SiteView](t)(o.ChangeSite(ctx, leader, v.ID, SitePatch{Ended: ptr(true)}))
	if list, _, err := o.Sites(ctx, leader, alerts.SiteFilter{}, false); err != nil || len(list) != 0 || v.EndedAt == nil {
		t.Errorf("ended: %+v %v", list, err)
	}
	file := `{"type":"FeatureCollection","features":[{"type":"Feature","id":"k12","properties":{"register":"place","kind":"railway_stretch","name":"K12"},
		"geometry":{"type":"LineString","coordinates":[[117.15,31.01],[117.15,31.09]]}},
		{"type":"Feature","id":"x","properties":{"register":"place","kind":"square","name":"x"},"geometry":{"type":"Polygon","coordinates":[[[117,31],[117.1,31],[117.1,31.1],[117,31]]]}}]}`
	wantFault(t, second(o.ImportSites(ctx, leader, strings.NewReader(file), "geojson", alerts.WGS84)), "a polygon", "geometry.type")
	sheet := "编号,台账,类型,名称,经度,纬度,核实日期\nh1,facility,hydrant,'=1+1,117.15,31.05,2026-11-01\n"
	for range 2 {
		if r := ok[ImportResult](t)(o.ImportSites(ctx, leader, strings.NewReader(sheet), "csv", alerts.WGS84)); r.Imported != 1 {
			t.Errorf("%+v", r)
		}
	}
	if h := ok[SiteView](t)(o.Site(ctx, leader, "h1")); h.Version != 1 || h.Name != "=1+1" || h.GridID != "g2" {
		t.Errorf("hydrant %+v", h)
	}
}

// Boundaries that change at a moment to come: until then the old ones hold,
// then cameras and entries stand in the new grids, by the clock alone; what was
// reported stays in the grid it was reported in.
func TestGridsTurn(t *testing.T) {
	o := newOffice(t)
	ctx, admin := context.Background(), as(alerts.Admin, "city")
	p := alerts.Point{Lon: 117.06, Lat: 31.05} // in g1b; in g1a from the turn on
	ok[CameraView](t)(o.CreateCamera(ctx, admin, CameraInput{ID: "cam", Name: "C", Lon: p.Lon, Lat: p.Lat, MainURL: "rtsp://10.0.0.9:554/1"}))
	site := ok[SiteView](t)(o.CreateSite(ctx, admin, SiteInput{Register: alerts.PlaceRegister, Kind: "school", Name: "S", Lon: p.Lon, Lat: p.Lat}))
	in := report("v1")
	in.Lon, in.Lat = p.Lon, p.Lat
	inc, _, _, err := o.Report(ctx, as(alerts.GridLeader, "v1"), in)
	if err != nil || inc.GridID != "g1b" {
		t.Fatal(inc, err)
	}
	turn := base.Add(48 * time.Hour).UTC().Truncate(time.Second)
	file := collection(
		outline(props{"id": "g1a", "area_id": "v1", "name": "1a", "kind": "street", "households": 350, "valid_from": turn.Format(time.RFC3339)}, 117.0, 31.0, 117.08, 31.1),
		outline(props{"id": "g1b", "area_id": "v1", "name": "1b", "kind": "street", "households": 200, "valid_from": turn.Format(time.RFC3339)}, 117.08, 31.0, 117.1, 31.1))
	ok[ImportResult](t)(o.ImportGrids(ctx, admin, strings.NewReader(file), "geojson", alerts.WGS84))
	grid := func() string { return ok[CameraView](t)(o.Camera(ctx, admin, "cam")).GridID }
	if err := o.turnPlaces(ctx); err != nil || grid() != "g1b" || o.known.places().index.Locate(p).GridID != "g1b" {
		t.Fatalf("before the turn: %s, %v", grid(), err)
	}
	o.clock.add(49 * time.Hour)
	if err := o.turnPlaces(ctx); err != nil {
		t.Fatal(err)
	}
	if grid() != "g1a" || o.known.places().index.Locate(p).GridID != "g1a" || ok[SiteView](t)(o.Site(ctx, admin, site.ID)).GridID != "g1a" {
		t.Errorf("after the turn: %s", grid())
	}
	if again := ok[IncidentView](t)(o.Incident(ctx, as(alerts.DutyOfficer, "city"), inc.ID)); again.GridID != "g1b" {
		t.Errorf("the incident has moved to %s", again.GridID)
	}
	o.bus.forget()
	if err := o.turnPlaces(ctx); err != nil || len(o.bus.sent) != 0 {
		t.Errorf("the clock turns twice: %v %v", o.bus.kinds(), err)
	}
	before := ok[[]GridView](t)(o.GridsAt(ctx, as(alerts.DutyOfficer, "v1"), base))
	after := ok[[]GridView](t)(o.Grids(ctx, as(alerts.DutyOfficer, "v1")))
	if len(before) != 2 || len(after) != 2 || before[0].Households != 300 || after[0].Households != 350 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// What the report finds in a town with mistakes.
func TestStructureReport(t *testing.T) {
	o := newOffice(t)
	ctx, admin := context.Background(), as(alerts.Admin, "east")
	real := alerts.Point{Lon: 117.0995, Lat: 31.05} // in v1; as GCJ-02 taken for WGS-84 it stands in v2
	given := geo.FromWGS84(alerts.GCJ02, real)
	ok[CameraView](t)(o.CreateCamera(ctx, admin, CameraInput{ID: "cam", Name: "C", AreaID: "v1", Lon: given.Lon, Lat: given.Lat, MainURL: "rtsp://10.0.0.9:554/1"}))
	text := collection(outline(props{"id": "g2", "area_id": "v2", "name": "2", "kind": "rural", "households": 20}, 117.11, 31.0, 117.21, 31.1),
		outline(props{"id": "g2b", "area_id": "v2", "name": "2b", "kind": "rural", "households": 120}, 117.11, 31.0, 117.12, 31.1))
	ok[ImportResult](t)(o.ImportGrids(ctx, admin, strings.NewReader(text), "geojson", alerts.WGS84))
	r := ok[StructureReport](t)(o.StructureReport(ctx, admin, ""))
	if len(r.Overlaps) != 1 || r.Overlaps[0].Share < 0.99 || r.Overlaps[0].AreaID != "v2" {
		t.Errorf("overlaps %+v", r.Overlaps)
	}
	if len(r.Gaps) != 1 || r.Gaps[0].Share < 0.09 || r.Gaps[0].Share > 0.11 || len(r.Outside) != 1 || r.Outside[0].ID != "g2" {
		t.Errorf("gaps %+v, outside %+v", r.Gaps, r.Outside)
	}
	if len(r.Households) != 2 || r.Households[0].GridID != "g1b" || r.Households[1].GridID != "g2" { // 100 of a street grid, 20 of a rural one
		t.Errorf("households %+v", r.Households)
	}
	if len(r.Cameras) != 1 || len(r.Cameras[0].Undo) != 2 || r.Cameras[0].Undo[0].System != alerts.GCJ02 || !r.Cameras[0].Undo[0].Inside ||
		r.Cameras[0].Undo[0].GridID != "g1b" || r.Cameras[0].Undo[0].Moved < 200 {
		t.Errorf("cameras %+v", r.Cameras)
	}
	for _, w := range r.Workload {
		if w.AreaID == "v1" && (w.Mean != 200 || w.Spread != 3 || w.Grids[0].Share != 1.5 || w.Grids[0].Open != nil) {
			t.Errorf("workload %+v", w)
		}
	}
	if len(r.Workload) != 3 || len(r.Leaderless) != 5 {
		t.Errorf("%d villages, %d grids without a leader", len(r.Workload), len(r.Leaderless))
	}
	if r := ok[StructureReport](t)(o.StructureReport(ctx, admin, "t2")); len(r.Workload) != 1 || len(r.Overlaps)+len(r.Cameras) != 0 {
		t.Errorf("of t2: %+v", r)
	}
	wantKind(t, second(o.StructureReport(ctx, admin, "west")), alerts.NotFound, "elsewhere")
	wantKind(t, second(o.StructureReport(ctx, as(alerts.Handler, "city"), "")), alerts.Forbidden, "by a handler")
	o.reports.mu.Lock()
	wantKind(t, second(o.StructureReport(ctx, admin, "")), alerts.TooMany, "two at once")
	o.reports.mu.Unlock()
}

func FuzzTable(f *testing.F) {
	f.Add("id,area_id,name,geometry\ng,v,n,\"{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[1,2]}\"\n")
	f.Add("编号,经度,纬度\n'=1,117,31\n")
	f.Add("id,geometry\nx,]},{\n")
	f.Fuzz(func(t *testing.T, text string) {
		var log importLog
		file := table{format: formatCSV, columns: []string{"id", "area_id", "name", "lon", "lat", geometryColumn}, bare: true}
		rows := strings.Count(text, "\n") + strings.Count(text, "\r") + 2
		err := file.read(strings.NewReader(text), &log, func(f geo.Feature) error {
			if f.Row < 2 || f.Row > rows {
				t.Errorf("row %d of %d", f.Row, rows)
			}
			return nil
		})
		if err != nil && alerts.KindOf(err) == alerts.Internal {
			t.Error(err)
		}
	})
}
