package storetest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func departmentID(d alerts.Department) string { return d.ID }
func gridID(g alerts.Grid) string             { return g.ID }
func siteID(s alerts.Site) string             { return s.ID }
func postID(p alerts.Post) string             { return p.ID }

// Departments are seen from their area, from above and from below, not from
// beside; the empty scope sees none.
func testDepartments(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	Write(t, s, func(tx alerts.Tx) error {
		for _, d := range []alerts.Department{
			{ID: "fire", AreaID: "east", Name: "消防", NameEn: "Fire"}, {ID: "water", AreaID: "t1", Name: "水务"},
			{ID: "gas", AreaID: "west", Name: "燃气", Disabled: true}, {ID: "city", AreaID: "city", Name: "城管"},
		} {
			if err := tx.SaveDepartment(d); err != nil {
				return err
			}
		}
		if err := tx.SaveOffice(alerts.Office{ID: "o1", DepartmentID: "fire", Name: "防火科"}); err != nil {
			return err
		}
		if err := tx.SaveOffice(alerts.Office{ID: "o2", DepartmentID: "gas", Name: "抢修", Disabled: true}); err != nil {
			return err
		}
		if err := tx.SaveUser(alerts.User{ID: "u1", Username: "ma", Role: alerts.Handler, AreaID: "east", DepartmentID: "fire"}); err != nil {
			return err
		}
		return tx.SaveDuty(alerts.Duty{ID: "d1", DepartmentID: "fire", OfficeID: "o1", PersonID: "u1", Category: "hazard", AreaID: "t1"})
	})
	for path, want := range map[string][]string{"": nil, CityPath: {"city", "water", "fire", "gas"}, T1Path: {"city", "water", "fire"}, T3Path: {"city", "gas"}} {
		wantSet(t, ids(must[[]alerts.Department](t)(s.Departments(ctx, At(path))), departmentID), want, "departments of "+path)
	}
	fire := alerts.Department{ID: "fire", AreaID: "east", AreaPath: EastPath, Name: "消防", NameEn: "Fire", Version: 1}
	if got := must[alerts.Department](t)(s.Department(ctx, At(T1Path), "fire")); got != fire {
		t.Errorf("department %+v, want %+v", got, fire)
	}
	for _, id := range []string{"gas", "none", "", "\x00"} {
		_, err := s.Department(ctx, At(T1Path), id)
		wantKind(t, err, alerts.NotFound, "department "+id)
	}
	save := func(d alerts.Department) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveDepartment(d) })
	}
	wantKind(t, save(alerts.Department{ID: "fire", AreaID: "east", Name: "x"}), alerts.Conflict, "a department twice")
	wantKind(t, save(alerts.Department{ID: "x", AreaID: "none", Name: "x"}), alerts.Invalid, "a department of nowhere")
	if err := save(fire); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(fire), alerts.Conflict, "an old version")
	want := []alerts.Office{{ID: "o1", DepartmentID: "fire", Name: "防火科"}}
	if got := must[[]alerts.Office](t)(s.Offices(ctx, "fire")); !reflect.DeepEqual(got, want) {
		t.Errorf("offices %+v", got)
	}
	if all := must[[]alerts.Office](t)(s.Offices(ctx, "")); len(all) != 2 {
		t.Errorf("all offices: %+v", all)
	}
	duty := []alerts.Duty{{ID: "d1", DepartmentID: "fire", OfficeID: "o1", PersonID: "u1", Category: "hazard", AreaID: "t1"}}
	if got := must[[]alerts.Duty](t)(s.Duties(ctx, "fire")); !reflect.DeepEqual(got, duty) {
		t.Errorf("duties %+v", got)
	}
	for _, d := range []alerts.Duty{{ID: "d2", DepartmentID: "none"}, {ID: "d2", DepartmentID: "fire", OfficeID: "none"}, {ID: "d2", DepartmentID: "fire", PersonID: "none"}} {
		wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveDuty(d) }), alerts.Invalid, "a duty of nobody")
	}
	Write(t, s, func(tx alerts.Tx) error { return tx.RemoveDuty("d1") })
	if got := must[[]alerts.Duty](t)(s.Duties(ctx, "")); len(got) != 0 {
		t.Errorf("duties that were removed: %+v", got)
	}
}

func wantSet(t *testing.T, got, want []string, what string) {
	t.Helper()
	seen := make(map[string]bool)
	for _, id := range got {
		seen[id] = true
	}
	for _, id := range want {
		if !seen[id] {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func testPosts(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	first := alerts.Post{ID: "p1", GridID: "g1", Kind: alerts.LeaderPost, UserID: "u1", Name: "周建国", Employment: alerts.CommunityWorker,
		Tasks: []string{"mediator", "patroller"}, From: Base, To: Base.Add(time.Hour), HandedTo: "p2", HandNote: "钥匙、台账"}
	second := alerts.Post{ID: "p2", GridID: "g1", Kind: alerts.LeaderPost, Name: "何桂芳", Employment: alerts.Resident, From: Base.Add(time.Hour)}
	Write(t, s, func(tx alerts.Tx) error {
		if err := tx.SaveUser(alerts.User{ID: "u1", Username: "zhou", AreaID: "v1"}); err != nil {
			return err
		}
		if err := tx.SavePost(first); err != nil {
			return err
		}
		return tx.SavePost(second)
	})
	if got := must[[]alerts.Post](t)(s.Posts(ctx, "g1", "")); !reflect.DeepEqual(got, []alerts.Post{second, first}) {
		t.Errorf("roster %+v", got)
	}
	wantIDs(t, ids(must[[]alerts.Post](t)(s.Posts(ctx, "", "u1")), postID), []string{"p1"}, "posts of a user")
	wantIDs(t, ids(must[[]alerts.Post](t)(s.Posts(ctx, "", "")), postID), nil, "posts of nobody and nowhere")
	if got := must[alerts.Post](t)(s.Post(ctx, "p1")); !reflect.DeepEqual(got, first) {
		t.Errorf("post %+v", got)
	}
	_, err := s.Post(ctx, "none")
	wantKind(t, err, alerts.NotFound, "no post")
	err = s.Write(ctx, func(tx alerts.Tx) error { return tx.SavePost(alerts.Post{ID: "p3", GridID: "none"}) })
	wantKind(t, err, alerts.Invalid, "a post in no grid")
}

// A grid that changes its boundaries keeps its id and its past.
func testGridVersions(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	hour := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Hour) }
	save := func(from, to time.Time, name, area string) {
		t.Helper()
		Write(t, s, func(tx alerts.Tx) error {
			return tx.SaveGrid(alerts.Grid{ID: "g1", AreaID: area, Name: name, Kind: alerts.Street, ValidFrom: from, ValidTo: to})
		})
	}
	at := func(when time.Time, scope alerts.Scope) string {
		t.Helper()
		for _, g := range must[[]alerts.Grid](t)(s.GridsAt(ctx, scope, when)) {
			if g.ID == "g1" {
				return g.Name
			}
		}
		return ""
	}
	all := alerts.System()
	save(hour(10), time.Time{}, "ten", "v2")
	save(hour(5), time.Time{}, "five", "v1") // learned of later: it ends where the next begins
	save(hour(10), hour(20), "ten, corrected", "v2")
	for n, want := range map[int]string{-1: "Grid g1", 4: "Grid g1", 5: "five", 9: "five", 10: "ten, corrected", 19: "ten, corrected", 20: "", 99: ""} {
		if got := at(hour(n), all); got != want {
			t.Errorf("hour %d: %q, want %q", n, got, want)
		}
	}
	if at(hour(10), At("/city/east/t1/v1/")) != "" || at(hour(5), At("/city/east/t1/v1/")) != "five" || at(hour(5), alerts.Scope{}) != "" {
		t.Error("versions are not kept to the area they lay in")
	}
	versions := must[[]alerts.Grid](t)(s.GridVersions(ctx, all, "g1"))
	if len(versions) != 3 || !versions[1].ValidTo.Equal(versions[2].ValidFrom) || !versions[0].ValidTo.Equal(hour(5)) || versions[2].AreaPath != "/city/east/t1/v2/" {
		t.Errorf("versions %+v", versions)
	}
	for n, want := range map[int]time.Time{0: hour(5), 5: hour(10), 10: hour(20), 20: {}} {
		if got := must[time.Time](t)(s.NextPlaceChange(ctx, hour(n))); !got.Equal(want) {
			t.Errorf("after hour %d comes %v, want %v", n, got, want)
		}
	}
	wantIDs(t, ids(must[[]alerts.Grid](t)(s.Grids(ctx, all)), gridID), []string{"g3", "g1"}, "grids, once each")
}

// An area that changes keeps its id and its past; what is planned does not hold
// before it is saved.
func testAreaVersions(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	hour := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Hour) }
	area := func(from, to time.Time, name, parent string) alerts.Area {
		return alerts.Area{ID: "v1", ParentID: parent, Name: name, Level: alerts.Village, ValidFrom: from, ValidTo: to}
	}
	at := func(when time.Time, scope alerts.Scope) string {
		t.Helper()
		for _, a := range must[[]alerts.Area](t)(s.AreasAt(ctx, scope, when)) {
			if a.ID == "v1" {
				return a.Name
			}
		}
		return ""
	}
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveArea(area(hour(10), time.Time{}, "ten", "t3")) })
	Write(t, s, func(tx alerts.Tx) error { return tx.PlanArea(area(hour(20), hour(30), "twenty", "t3")) })
	all := alerts.System()
	for n, want := range map[int]string{-1: "Area v1", 9: "Area v1", 10: "ten", 19: "ten", 20: "twenty", 29: "twenty", 30: ""} {
		if got := at(hour(n), all); got != want {
			t.Errorf("hour %d: %q, want %q", n, got, want)
		}
	}
	if at(hour(9), At(T1Path)) != "" || at(hour(9), At(T3Path)) != "Area v1" || at(hour(9), alerts.Scope{}) != "" {
		t.Error("the past is not seen by those whose area it is now")
	}
	if v := must[alerts.Area](t)(s.Area(ctx, all, "v1")); v.Name != "ten" || v.Path != T3Path+"v1/" {
		t.Errorf("what is planned holds already: %+v", v)
	}
	versions := must[[]alerts.Area](t)(s.AreaVersions(ctx, all, "v1"))
	if len(versions) != 3 || versions[0].ParentID != "t1" || versions[1].ParentID != "t3" || !versions[0].ValidTo.Equal(hour(10)) ||
		!versions[1].ValidTo.Equal(hour(20)) || !versions[2].ValidTo.Equal(hour(30)) {
		t.Errorf("versions %+v", versions)
	}
	if hidden := must[[]alerts.Area](t)(s.AreaVersions(ctx, At(T1Path), "v1")); len(hidden) != 0 {
		t.Errorf("seen from where it was: %+v", hidden)
	}
	for n, want := range map[int]time.Time{0: hour(10), 10: hour(20), 20: hour(30), 30: {}} {
		if got := must[time.Time](t)(s.NextPlaceChange(ctx, hour(n))); !got.Equal(want) {
			t.Errorf("after hour %d comes %v, want %v", n, got, want)
		}
	}
	if due := must[[]alerts.Area](t)(s.AreasDue(ctx, hour(19))); len(due) != 0 {
		t.Errorf("due too early: %+v", due)
	}
	due := must[[]alerts.Area](t)(s.AreasDue(ctx, hour(20)))
	if len(due) != 1 || due[0].Name != "twenty" || due[0].ParentID != "t3" {
		t.Fatalf("due: %+v", due)
	}
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveArea(due[0]) })
	if due := must[[]alerts.Area](t)(s.AreasDue(ctx, hour(40))); len(due) != 0 {
		t.Errorf("due again: %+v", due)
	}
	Write(t, s, func(tx alerts.Tx) error {
		return tx.SaveGrid(alerts.Grid{ID: "g1", AreaID: "v1", Name: "new", Kind: alerts.Street, ValidFrom: hour(5)})
	})
	past := must[[]alerts.PastPlace](t)(s.PastPlaces(ctx))
	want := []alerts.PastPlace{{ID: "v1", ParentID: "t1", Name: "Area v1"}, {ID: "v1", ParentID: "t3", Name: "ten", From: hour(10)},
		{ID: "v1", ParentID: "t3", Name: "twenty", From: hour(20)}, {Grid: true, ID: "g1", ParentID: "v1", Name: "Grid g1"},
		{Grid: true, ID: "g1", ParentID: "v1", Name: "new", From: hour(5)}}
	if !reflect.DeepEqual(past, want) {
		t.Errorf("past places\n%+v, want\n%+v", past, want)
	}
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.PlanArea(alerts.Area{ID: "none"}) }), alerts.Invalid, "a plan for no area")
}

func testSites(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	site := alerts.Site{ID: "s1", AreaID: "v1", GridID: "g1", Register: alerts.PlaceRegister, Kind: "railway_stretch", Name: "铁路 K12-K13",
		Contact: "工务段值班室", Address: "道口北", Point: alerts.Point{Lon: 117.1, Lat: 31.1}, Stretch: []alerts.Point{{Lon: 117.1, Lat: 31.1}, {Lon: 117.2, Lat: 31.2}},
		Remark: "护栏 2 米\n已修", CheckedAt: Base}
	save := func(v alerts.Site) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveSite(v) })
	}
	for _, v := range []alerts.Site{site,
		{ID: "s2", AreaID: "v3", Register: alerts.FacilityRegister, Kind: "fire_point", Name: "消防点", CheckedAt: Base.Add(time.Hour)},
		{ID: "s3", AreaID: "v1", Register: alerts.FacilityRegister, Kind: "fire_point", Name: "旧消防点", CheckedAt: Base, EndedAt: Base}} {
		if err := save(v); err != nil {
			t.Fatal(err)
		}
	}
	got := must[alerts.Site](t)(s.Site(ctx, At(T1Path), "s1"))
	site.AreaPath, site.Version, site.UpdatedAt = "/city/east/t1/v1/", 1, got.UpdatedAt
	if !reflect.DeepEqual(got, site) || got.UpdatedAt.IsZero() {
		t.Errorf("site %+v, want %+v", got, site)
	}
	_, err := s.Site(ctx, At(T3Path), "s1")
	wantKind(t, err, alerts.NotFound, "an entry of elsewhere")
	for what, c := range map[string]struct {
		scope alerts.Scope
		f     alerts.SiteFilter
		want  []string
	}{
		"all":      {alerts.System(), alerts.SiteFilter{}, []string{"s1", "s2"}},
		"ended":    {alerts.System(), alerts.SiteFilter{Ended: true}, []string{"s1", "s2", "s3"}},
		"scope":    {At("/city/east/t2/"), alerts.SiteFilter{}, []string{"s2"}},
		"nowhere":  {alerts.Scope{}, alerts.SiteFilter{}, nil},
		"area":     {alerts.System(), alerts.SiteFilter{AreaID: "t1"}, []string{"s1"}},
		"grid":     {alerts.System(), alerts.SiteFilter{GridID: "g1"}, []string{"s1"}},
		"register": {alerts.System(), alerts.SiteFilter{Register: alerts.FacilityRegister}, []string{"s2"}},
		"kind":     {alerts.System(), alerts.SiteFilter{Kind: "fire_point", Ended: true}, []string{"s2", "s3"}},
		"text":     {alerts.System(), alerts.SiteFilter{Text: "消防"}, []string{"s2"}},
		"stale":    {alerts.System(), alerts.SiteFilter{Stale: Base.Add(time.Minute)}, []string{"s1"}},
		"NUL":      {alerts.System(), alerts.SiteFilter{Text: "\x00"}, nil},
	} {
		list, _, err := s.Sites(ctx, c.scope, c.f)
		if err != nil {
			t.Fatal(err)
		}
		wantSet(t, ids(list, siteID), c.want, what)
	}
	var paged []string
	for p := (alerts.Page{Limit: 1}); ; {
		list, next, err := s.Sites(ctx, alerts.System(), alerts.SiteFilter{Ended: true, Page: p})
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, ids(list, siteID)...)
		if p.Cursor = next; next == "" {
			break
		}
	}
	wantSet(t, paged, []string{"s1", "s2", "s3"}, "page by page")
	wantKind(t, save(alerts.Site{ID: "s1", AreaID: "v1"}), alerts.Conflict, "an entry twice")
	wantKind(t, save(alerts.Site{ID: "s9", AreaID: "none"}), alerts.Invalid, "an entry of nowhere")
	if err := save(site); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(site), alerts.Conflict, "an old version")
}
