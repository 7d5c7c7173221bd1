package api

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// structures: departments, rosters and registers are seen with the map; the
// administrator sets them up, and who works in the grids keeps the registers.
func structures(m map[string]expected) {
	for pattern, e := range map[string]expected{
		"GET /departments":               {who: accounts},
		"POST /departments":              {who: "A"},
		"PATCH /departments/{id}":        {who: "A", at: "department", body: map[string]any{"name_en": "Fire"}},
		"POST /departments/{id}/offices": {who: "A", at: "department", body: map[string]any{"name": "科"}},
		"PATCH /offices/{id}":            {who: "A", at: "office", body: map[string]any{"name": "科"}},
		"GET /departments/{id}/duties":   {who: accounts, at: "department"},
		"GET /departments/{id}/duty":     {who: accounts},
		"POST /departments/{id}/duties":  {who: "A", at: "department", body: map[string]any{"category": "hazard"}},
		"DELETE /duties/{id}":            {who: "A", at: "duty"},
		"GET /areas/{id}/versions":       {who: accounts, at: "area"},
		"GET /grids/{id}/versions":       {who: accounts, at: "grid"},
		"GET /grids/{id}/posts":          {who: accounts, at: "grid"},
		"POST /grids/{id}/posts":         {who: "A", at: "grid", body: map[string]any{"kind": "team", "name": "王"}},
		"PATCH /posts/{id}":              {who: "A", at: "post", body: map[string]any{"tasks": []string{"mediator"}}},
		"POST /posts/import":             {who: "A"},
		"GET /registers":                 {who: accounts},
		"POST /registers":                {who: "OGA"},
		"POST /registers/import":         {who: "OGA"},
		"GET /registers/{id}":            {who: accounts, at: "register"},
		"PATCH /registers/{id}":          {who: "OGA", at: "register", body: map[string]any{"remark": "seen"}},
		"GET /structure/report":          {who: "OLUA"},
		"GET /structure/export":          {who: "OLUA"},
	} {
		m[pattern] = e
	}
}

// structure makes one of each object in the east.
func (w *world) structure(t *testing.T, ids map[string]string) {
	t.Helper()
	ctx, admin := t.Context(), scope(alerts.Admin, "city")
	department := must[desk.DepartmentView](t)(w.desk.CreateDepartment(ctx, admin, desk.DepartmentInput{AreaID: "east", Name: "消防"}))
	ids["department"] = department.ID
	ids["office"] = must[desk.OfficeView](t)(w.desk.AddOffice(ctx, admin, department.ID, desk.OfficeInput{Name: "防火科"})).ID
	ids["duty"] = must[desk.DutyView](t)(w.desk.AddDuty(ctx, admin, department.ID, desk.DutyInput{OfficeID: ids["office"]})).ID
	ids["grid"] = "g1"
	ids["post"] = must[desk.PostView](t)(w.desk.AddPost(ctx, admin, "g1", desk.PostInput{Kind: alerts.TeamPost, Name: "王"})).ID
	ids["register"] = must[desk.SiteView](t)(w.desk.CreateSite(ctx, admin, desk.SiteInput{Register: alerts.FacilityRegister, Kind: "fire_point",
		Name: "消防点", Lon: 117.05, Lat: 31.05})).ID
}

// Departments through the API: made, with an office and a duty for somebody,
// seen from below and not from beside.
func TestDepartments(t *testing.T) {
	w := newWorld(t)
	admin, officer := w.as(t, alerts.Admin, "city"), w.as(t, alerts.DutyOfficer, "east")
	call := func(method, path string, body any) answer { return w.call(t, method, "/api/v1"+path, admin, body) }
	call("POST", "/departments", map[string]any{"id": "fire", "area_id": "city", "name": "消防救援大队"}).want(t, 201)
	if p := call("POST", "/departments", map[string]any{"id": "fire", "area_id": "none", "name": " "}).problem(t, 422); fields(p) != "name area_id" {
		t.Errorf("faults in %s", fields(p))
	}
	call("POST", "/departments", map[string]any{"id": "fire", "area_id": "city", "name": "又一个"}).problem(t, 409)
	office := decode[desk.OfficeView](t, call("POST", "/departments/fire/offices", map[string]any{"name": "防火科"}).want(t, 201))
	person := decode[desk.UserView](t, call("POST", "/users", map[string]any{"username": "ma", "name": "马卫东", "role": "handler", "area_id": "city",
		"department_id": "fire", "password": password}).want(t, 201))
	if person.DepartmentID != "fire" || person.Department != "消防救援大队" {
		t.Errorf("%+v", person)
	}
	call("POST", "/departments/fire/duties", map[string]any{"office_id": office.ID}).want(t, 201)
	call("POST", "/departments/fire/duties", map[string]any{"office_id": office.ID, "person_id": person.ID, "category": "hazard", "area_id": "east"}).want(t, 201)
	seen := decode[List[desk.DepartmentView]](t, w.call(t, "GET", "/api/v1/departments", officer, nil).want(t, 200))
	i := slices.IndexFunc(seen.Items, func(v desk.DepartmentView) bool { return v.ID == "fire" })
	if i < 0 || len(seen.Items[i].Offices) != 1 {
		t.Errorf("the east sees %+v", seen)
	}
	duty := decode[desk.DutyView](t, w.call(t, "GET", "/api/v1/departments/fire/duty?category=hazard.gas&area=east", officer, nil).want(t, 200))
	if duty.Person != "马卫东" || duty.Office != "防火科" || duty.AreaID != "east" {
		t.Errorf("duty %+v", duty)
	}
	call("PATCH", "/departments/fire", map[string]any{"disabled": true, "version": 7}).problem(t, 409)
	if v := decode[desk.DepartmentView](t, call("PATCH", "/departments/fire", map[string]any{"disabled": true, "version": 1}).want(t, 200)); !v.Disabled || v.Version != 2 {
		t.Errorf("%+v", v)
	}
}

// A file that leaves comes back in, and what a spreadsheet would calculate is
// neither calculated nor changed.
func TestStructureThereAndBack(t *testing.T) {
	w := newWorld(t)
	admin := w.as(t, alerts.Admin, "city")
	w.structure(t, map[string]string{})
	w.call(t, "POST", "/api/v1/registers", admin, map[string]any{"register": "place", "kind": "railway_stretch", "name": "=HYPERLINK(1)",
		"stretch": [][2]float64{{117.01, 31.01}, {117.02, 31.02}, {117.03, 31.03}}}).want(t, 201)
	for _, kind := range []string{"areas", "grids", "cameras", "registers", "rosters"} {
		path := map[string]string{"rosters": "posts"}[kind]
		if path == "" {
			path = kind
		}
		for format, typ := range map[string]string{"csv": "text/csv", "geojson": "application/geo+json"} {
			before := w.call(t, "GET", "/api/v1/structure/export?kind="+kind+"&format="+format, admin, nil).want(t, 200).rec.Body.String()
			if strings.Contains(before, "camera-secret") || strings.Contains(before, `,"=`) {
				t.Errorf("%s as %s:\n%s", kind, format, before)
			}
			in := w.call(t, "POST", "/api/v1/"+path+"/import", admin, before, header("Content-Type", typ)).want(t, 200)
			if n := decode[desk.ImportResult](t, in).Imported; n == 0 {
				t.Errorf("%s as %s: nothing was imported", kind, format)
			}
			if after := w.call(t, "GET", "/api/v1/structure/export?kind="+kind+"&format="+format, admin, nil).want(t, 200).rec.Body.String(); after != before {
				t.Errorf("%s as %s: before\n%s\nafter\n%s", kind, format, before, after)
			}
		}
		w.call(t, "GET", "/api/v1/structure/export?kind="+kind+"&format=xlsx", admin, nil).want(t, 200)
	}
	if list := decode[List[desk.GridVersionView]](t, w.call(t, "GET", "/api/v1/grids/g1/versions", admin, nil).want(t, 200)); len(list.Items) != 1 {
		t.Errorf("an export that came back made versions: %+v", list.Items)
	}
	registers := decode[List[desk.SiteView]](t, w.call(t, "GET", "/api/v1/registers?kind=railway_stretch", admin, nil).want(t, 200))
	if len(registers.Items) != 1 || registers.Items[0].Name != "=HYPERLINK(1)" || len(registers.Items[0].Stretch) != 3 || registers.Items[0].Version != 1 {
		t.Errorf("the stretch is %+v", registers.Items)
	}
}

// A grid with another shape in a new file: from then on the new shape holds,
// and what was before can be asked for.
func TestGridsAt(t *testing.T) {
	w := newWorld(t)
	admin := w.as(t, alerts.Admin, "city")
	before := time.Now().Add(-time.Hour).UTC()
	file := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"g1","area_id":"v1","name":"一格","kind":"street","households":260},
		"geometry":{"type":"Polygon","coordinates":[[[117,31],[117.05,31],[117.05,31.1],[117,31.1],[117,31]]]}}]}`
	w.call(t, "POST", "/api/v1/grids/import", admin, file, header("Content-Type", "application/geo+json")).want(t, 200)
	for at, name := range map[string]string{before.Format(time.RFC3339): "1", "2020-01-31": "1", "2199-12-31": "一格", time.Now().Add(time.Hour).UTC().Format(time.RFC3339): "一格", "": "一格"} {
		list := decode[List[desk.GridView]](t, w.call(t, "GET", "/api/v1/grids?at="+url.QueryEscape(at), w.as(t, alerts.GridLeader, "east"), nil).want(t, 200))
		if len(list.Items) != 1 || list.Items[0].Name != name {
			t.Errorf("at %q: %+v, want %s", at, list.Items, name)
		}
		shapes := w.call(t, "GET", "/api/v1/grids.geojson?at="+url.QueryEscape(at), admin, nil).want(t, 200).rec.Body.Bytes()
		if bytes.Contains(shapes, []byte("117.05,31]")) != (name == "一格") {
			t.Errorf("at %q: %s", at, shapes)
		}
	}
	for _, path := range []string{"/grids.geojson?at=yesterday", "/grids?at=2026-02-30", "/structure/export?kind=grids&at=1"} {
		if p := w.call(t, "GET", "/api/v1"+path, admin, nil).problem(t, 422); fields(p) != "at" {
			t.Errorf("%s: %s", path, fields(p))
		}
	}
	// Rows without a geometry keep the shape: households alone are corrected.
	sheet := "编号,所属社区,名称,类型,户数\ng1,v1,一格,street,270\n"
	w.call(t, "POST", "/api/v1/grids/import", admin, sheet, header("Content-Type", "text/csv")).want(t, 200)
	list := decode[List[desk.GridVersionView]](t, w.call(t, "GET", "/api/v1/grids/g1/versions", admin, nil).want(t, 200))
	if len(list.Items) != 2 || list.Items[0].ValidTo == nil || !list.Items[0].ValidTo.Equal(*list.Items[1].ValidFrom) || list.Items[1].Households != 270 {
		t.Errorf("versions %+v", list.Items)
	}
}

// The report, as who may read cases and as who may not.
func TestStructureReportCases(t *testing.T) {
	w := newWorld(t)
	if _, _, _, err := w.desk.Report(t.Context(), scope(alerts.GridLeader, "east"), desk.ReportInput{Category: "hazard.gas", Text: "x", Lon: 117.05, Lat: 31.05}); err != nil {
		t.Fatal(err)
	}
	for role, counted := range map[alerts.Role]bool{alerts.DutyOfficer: true, alerts.Auditor: true, alerts.Admin: false} {
		r := decode[desk.StructureReport](t, w.call(t, "GET", "/api/v1/structure/report?area=east", w.as(t, role, "city"), nil).want(t, 200))
		if len(r.Workload) != 1 || len(r.Workload[0].Grids) != 1 || len(r.Leaderless) != 1 {
			t.Fatalf("%s: %+v", role, r)
		}
		g := r.Workload[0].Grids[0]
		if (g.Open != nil) != counted || counted && (*g.Open != 1 || *g.Recent != 1) {
			t.Errorf("%s: %+v", role, g)
		}
	}
	w.call(t, "GET", "/api/v1/structure/report?area=east", w.as(t, alerts.Leader, "west"), nil).problem(t, http.StatusNotFound)
}

// An exported sheet is one that other programs read.
func TestStructureSheet(t *testing.T) {
	w := newWorld(t)
	body := w.call(t, "GET", "/api/v1/structure/export?kind=grids", w.as(t, alerts.Auditor, "east"), nil).want(t, 200).rec.Body.Bytes()
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "g1" || rows[0][len(rows[0])-1] != "geometry" {
		t.Errorf("%v %v", rows, err)
	}
}
