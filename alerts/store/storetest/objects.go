package storetest

import (
	"bytes"
	"context"
	"reflect"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func testPlaces(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	shape := alerts.MultiPolygon{{
		{{Lon: 1, Lat: 1}, {Lon: 2.000000000001, Lat: 1}, {Lon: 2, Lat: 2}, {Lon: 1, Lat: 1}},
		{{Lon: 1.2, Lat: 1.1}, {Lon: 1.3, Lat: 1.1}, {Lon: 1.3, Lat: 1.2}, {Lon: 1.2, Lat: 1.1}},
	}, {{{Lon: 5, Lat: 5}, {Lon: 6, Lat: 5}, {Lon: 6, Lat: 6}, {Lon: 5, Lat: 5}}}}
	area := alerts.Area{ID: "a", Name: "柳河市", NameEn: "Liuhe", Level: alerts.City, Code: "990100000000", Scheme: "demo",
		ValidFrom: Base, ValidTo: Base.AddDate(1, 0, 0), Shape: shape}
	grid := alerts.Grid{ID: "g", AreaID: "a", Name: "第一网格", Code: "001", Scheme: "demo", Kind: alerts.Rural, Households: 250,
		ValidFrom: Base, Shape: shape}
	Write(t, s, func(tx alerts.Tx) error {
		if err := tx.SaveArea(area); err != nil {
			return err
		}
		return tx.SaveGrid(grid)
	})
	area.Path, grid.AreaPath = "/a/", "/a/"
	if got := must[alerts.Area](t)(s.Area(ctx, alerts.System(), "a")); !reflect.DeepEqual(got, area) {
		t.Errorf("area came back as %+v, want %+v", got, area)
	}
	if got := must[[]alerts.Grid](t)(s.Grids(ctx, alerts.System())); len(got) != 1 || !reflect.DeepEqual(got[0], grid) {
		t.Errorf("grids came back as %+v, want %+v", got, grid)
	}
	grid.Name, grid.Shape = "changed", nil
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveGrid(grid) })
	if got := must[[]alerts.Grid](t)(s.Grids(ctx, alerts.System())); len(got) != 1 || !reflect.DeepEqual(got[0], grid) {
		t.Errorf("grids after a change: %+v", got)
	}
	err := s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveGrid(alerts.Grid{ID: "x", AreaID: "nowhere"}) })
	wantKind(t, err, alerts.Invalid, "grid in an unknown area")
}

func testAreaPaths(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	path := func(id string) string { return must[alerts.Area](t)(s.Area(ctx, alerts.System(), id)).Path }
	if got := path("v1"); got != "/city/east/t1/v1/" {
		t.Fatalf("path of v1 is %q", got)
	}
	// A township moves to another county with everything below it.
	Write(t, s, func(tx alerts.Tx) error {
		return tx.SaveArea(alerts.Area{ID: "t1", ParentID: "west", Name: "Area t1", Level: alerts.Township})
	})
	for id, want := range map[string]string{"t1": "/city/west/t1/", "v1": "/city/west/t1/v1/", "v2": "/city/west/t1/v2/",
		"v3": "/city/east/t2/v3/"} {
		if got := path(id); got != want {
			t.Errorf("path of %s is %q, want %q", id, got, want)
		}
	}
	for _, bad := range []alerts.Area{{ID: "city", ParentID: "v1"}, {ID: "t1", ParentID: "t1"}, {ID: "n", ParentID: "nowhere"},
		{ID: "a/b"}, {ID: ""}} {
		err := s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveArea(bad) })
		wantKind(t, err, alerts.Invalid, "area "+bad.ID+" below "+bad.ParentID)
	}
	areas := must[[]alerts.Area](t)(s.Areas(ctx, At("/city/west/")))
	wantIDs(t, ids(areas, func(a alerts.Area) string { return a.ID }), []string{"t1", "t3", "v1", "v2", "v4", "west"}, "areas of west")
}

func testCameras(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	cam := Camera("cam1", "v1", "g1")
	save := func(c alerts.Camera) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveCamera(c) })
	}
	if err := save(cam); err != nil {
		t.Fatal(err)
	}
	cam.AreaPath, cam.Version = "/city/east/t1/v1/", 1
	if got := must[alerts.Camera](t)(s.Camera(ctx, alerts.System(), "cam1")); !reflect.DeepEqual(got, cam) {
		t.Fatalf("camera came back as %+v, want %+v", got, cam)
	}
	wantKind(t, save(Camera("cam1", "v1", "")), alerts.Conflict, "a second camera with the same id")
	cam.Name, cam.GridID, cam.Sealed, cam.Record = "renamed", "", nil, alerts.RecordPlan{}
	if err := save(cam); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(cam), alerts.Conflict, "a change of an old version")
	cam.Version = 2
	if got := must[alerts.Camera](t)(s.Camera(ctx, alerts.System(), "cam1")); !reflect.DeepEqual(got, cam) {
		t.Fatalf("changed camera came back as %+v, want %+v", got, cam)
	}
	wantKind(t, save(Camera("cam2", "nowhere", "")), alerts.Invalid, "a camera in an unknown area")
	remove := func() error { return s.Write(ctx, func(tx alerts.Tx) error { return tx.RemoveCamera("cam1") }) }
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, remove(), alerts.NotFound, "removing twice")
	wantKind(t, save(cam), alerts.Conflict, "changing a removed camera")
	_, err := s.Camera(ctx, alerts.System(), "cam1")
	wantKind(t, err, alerts.NotFound, "a removed camera")
}

func testIncidents(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	inc := Incident(1, "v1", "g1")
	inc.Photos = []alerts.Photo{{ID: "p2", SHA256: "bb", Type: "image/png", Size: 10_000_000, Width: 800, Height: 600},
		{ID: "p1", SHA256: "aa", Type: "image/jpeg", Size: 1, Width: 1, Height: 2}}
	add := func(i alerts.Incident) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.AddIncident(i) })
	}
	if err := add(inc); err != nil {
		t.Fatal(err)
	}
	inc.AreaPath = "/city/east/t1/v1/"
	if got := must[alerts.Incident](t)(s.Incident(ctx, alerts.System(), inc.ID)); !reflect.DeepEqual(got, inc) {
		t.Fatalf("incident came back as %+v, want %+v", got, inc)
	}
	if got := must[alerts.Incident](t)(s.IncidentOfPhoto(ctx, alerts.System(), "p1")); !reflect.DeepEqual(got, inc) {
		t.Fatalf("incident of a photo came back as %+v", got)
	}
	list, next, err := s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{})
	if err != nil || next != "" || len(list) != 1 || !reflect.DeepEqual(list[0], inc) {
		t.Fatalf("list: %+v %q %v", list, next, err)
	}
	again := Incident(2, "v1", "")
	again.Number = inc.Number
	wantKind(t, add(again), alerts.Conflict, "a number twice")
	again = Incident(2, "v1", "")
	again.Photos = inc.Photos[:1]
	wantKind(t, add(again), alerts.Conflict, "a photo twice")
	if err := add(alerts.Incident{ID: "x", AreaID: "v1"}); err == nil {
		t.Fatal("an incident without number and hash was stored")
	}
	for _, q := range []func() error{
		func() error { _, err := s.Incident(ctx, alerts.System(), again.ID); return err },
		func() error { _, err := s.IncidentOfPhoto(ctx, alerts.System(), "none"); return err },
		func() error { _, err := s.IncidentOfPhoto(ctx, At(T3Path), "p1"); return err },
	} {
		wantKind(t, q(), alerts.NotFound, "what is not there")
	}
}

func testAlerts(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	a := Alert(1, "k", "v1", "g1")
	Write(t, s, func(tx alerts.Tx) error {
		if err := tx.SaveAlert(a); err != nil {
			return err
		}
		return tx.SaveAlert(Alert(0, "k", "v1", ""))
	})
	a.AreaPath = "/city/east/t1/v1/"
	if got := must[alerts.Alert](t)(s.Alert(ctx, alerts.System(), a.ID)); !reflect.DeepEqual(got, a) {
		t.Fatalf("alert came back as %+v, want %+v", got, a)
	}
	Write(t, s, func(tx alerts.Tx) error {
		got, err := tx.AlertByKey("k", Base.Add(time.Second))
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(got, a) {
			t.Errorf("newest with the key: %+v", got)
		}
		got.Count, got.LastAt = 2, Base.Add(time.Minute)
		return tx.SaveAlert(got)
	})
	if got := must[alerts.Alert](t)(s.Alert(ctx, alerts.System(), a.ID)); got.Count != 2 || !got.LastAt.Equal(Base.Add(time.Minute)) {
		t.Fatalf("counted alert: %+v", got)
	}
	Write(t, s, func(tx alerts.Tx) error {
		_, err := tx.AlertByKey("k", Base.Add(time.Minute+time.Microsecond))
		wantKind(t, err, alerts.NotFound, "a key too long ago")
		_, err = tx.AlertByKey("other", Base)
		wantKind(t, err, alerts.NotFound, "another key")
		return nil
	})
}

func testUsers(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	u := alerts.User{ID: "u1", Username: "li.ming", Name: "李明", Role: alerts.GridLeader, AreaID: "t1", DepartmentID: "fire",
		PasswordHash: "$argon2id$x", SessionsFrom: Base}
	Write(t, s, func(tx alerts.Tx) error {
		return tx.SaveDepartment(alerts.Department{ID: "fire", AreaID: "east", Name: "消防"})
	})
	save := func(u alerts.User) error { return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveUser(u) }) }
	if err := save(u); err != nil {
		t.Fatal(err)
	}
	u.AreaPath, u.Version = T1Path, 1
	if got := must[alerts.User](t)(s.UserByName(ctx, alerts.System(), "li.ming")); !reflect.DeepEqual(got, u) {
		t.Fatalf("user came back as %+v, want %+v", got, u)
	}
	wantKind(t, save(alerts.User{ID: "u2", Username: "li.ming"}), alerts.Conflict, "a user name twice")
	u.Disabled = true
	if err := save(u); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(u), alerts.Conflict, "an old version")
	if got := must[alerts.User](t)(s.User(ctx, At(EastPath), "u1")); !got.Disabled || got.Version != 2 {
		t.Fatalf("changed user: %+v", got)
	}
	_, err := s.User(ctx, At(T3Path), "u1")
	wantKind(t, err, alerts.NotFound, "a user of elsewhere")
	// An account in no area is for who acts everywhere.
	if err := save(alerts.User{ID: "u0", Username: "admin", Role: alerts.Admin}); err != nil {
		t.Fatal(err)
	}
	if got := must[alerts.User](t)(s.User(ctx, alerts.System(), "u0")); got.AreaPath != "" {
		t.Fatalf("user in no area has path %q", got.AreaPath)
	}
	_, err = s.User(ctx, At(CityPath), "u0")
	wantKind(t, err, alerts.NotFound, "a user in no area, for the city")
	list, _, err := s.Users(ctx, alerts.System(), alerts.Page{})
	if err != nil {
		t.Fatal(err)
	}
	wantIDs(t, ids(list, func(u alerts.User) string { return u.Username }), []string{"admin", "li.ming"}, "users by name")
}

func testSources(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	src := alerts.Source{ID: "s1", Name: "AI box", AreaID: "t1", TokenHash: bytes.Repeat([]byte{0xab}, 32), CreatedAt: Base}
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveSource(src) })
	src.AreaPath = T1Path
	if got := must[alerts.Source](t)(s.SourceByToken(ctx, alerts.System(), src.TokenHash)); !reflect.DeepEqual(got, src) {
		t.Fatalf("source came back as %+v, want %+v", got, src)
	}
	if got := must[[]alerts.Source](t)(s.Sources(ctx, At(EastPath))); len(got) != 1 {
		t.Fatalf("sources of east: %+v", got)
	}
	if got := must[[]alerts.Source](t)(s.Sources(ctx, At(T3Path))); len(got) != 0 {
		t.Fatalf("sources of t3: %+v", got)
	}
	_, err := s.SourceByToken(ctx, alerts.System(), []byte("other"))
	wantKind(t, err, alerts.NotFound, "an unknown token")
	_, err = s.SourceByToken(ctx, alerts.System(), nil)
	wantKind(t, err, alerts.NotFound, "no token")
	src.Disabled = true
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveSource(src) })
	_, err = s.SourceByToken(ctx, alerts.System(), src.TokenHash)
	wantKind(t, err, alerts.NotFound, "the token of a disabled source")
	if got := must[[]alerts.Source](t)(s.Sources(ctx, alerts.System())); len(got) != 0 {
		t.Fatalf("disabled sources are listed: %+v", got)
	}
}

func testSessions(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	v := alerts.Session{TokenHash: "h1", UserID: "u1", Data: []byte{0, 1, 2}, Expires: Base}
	if err := s.SaveSession(ctx, v); err != nil {
		t.Fatal(err)
	}
	if got := must[alerts.Session](t)(s.Session(ctx, "h1")); !reflect.DeepEqual(got, v) {
		t.Fatalf("session came back as %+v, want %+v", got, v)
	}
	v.Data, v.UserID, v.Expires = []byte("new"), "", Base.Add(time.Hour)
	if err := s.SaveSession(ctx, v); err != nil {
		t.Fatal(err)
	}
	if got := must[alerts.Session](t)(s.Session(ctx, "h1")); !reflect.DeepEqual(got, v) {
		t.Fatalf("replaced session came back as %+v, want %+v", got, v)
	}
	for range 2 {
		if err := s.RemoveSession(ctx, "h1"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Session(ctx, "h1")
	wantKind(t, err, alerts.NotFound, "a removed session")
}
