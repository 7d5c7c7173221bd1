package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

const cameraHead = "id,name,area_id,lon,lat,height_m,azimuth_deg,fov_deg,range_m,class,owner,purpose,filing,retention_days,mode,main_url,sub_url,username,password,transport\n"

func TestImportCameras(t *testing.T) {
	good := "a,东门,v1,117.01,31.01,6,90,80,100,1,公安局,路口,备001,30,always,rtsp://10.0.0.1/a,rtsp://10.0.0.1/b,admin,Secret-77,tcp\n"
	const stream = "must be rtsp://host:port/path or rtsps://host:port/path, with user name and password in their own fields"
	tests := []struct {
		name     string
		scope    alerts.Scope
		text     string
		imported int
		warnings []alerts.Fault
		faults   []alerts.Fault
	}{
		{"one", as(alerts.Admin, "t1"), cameraHead + good, 1, nil, nil},
		{"few columns, found by position", as(alerts.Admin, "t1"), "名称,经度,纬度,主码流,类别\n东门,117.01,31.01,rtsp://10.0.0.1/a,二类\n", 1, nil, nil},
		{"every field wrong", alerts.System(), cameraHead +
			"a b,,nowhere,117.01,91,-1,400,wide,20000,9,,,,12,sometimes,http://u:Secret-77@h/,rtsp://,,Secret-77,quic\n", 0, nil, []alerts.Fault{
			{Row: 2, Field: "fov_deg", Message: "must be a number, with a point and without a unit"},
			{Row: 2, Field: "class", Message: "must be 1 (public 一类), 2 (important unit 二类) or 3 (private 三类)"},
			{Row: 2, Field: "lat", Message: "must be -90 to 90 degrees"},
			{Row: 2, Field: "main_url", Message: stream},
			{Row: 2, Field: "sub_url", Message: stream},
			{Row: 2, Field: "id", Message: "must be 1 to 64 letters, digits, dots, dashes or underscores"},
			{Row: 2, Field: "name", Message: "must not be empty"},
			{Row: 2, Field: "height_m", Message: "must be 0 to 1000"},
			{Row: 2, Field: "azimuth_deg", Message: "must be 0 to 360"},
			{Row: 2, Field: "range_m", Message: "must be 0 to 10000"},
			{Row: 2, Field: "retention_days", Message: "must be at least 30 for a camera of class 1: footage of public places is kept that long (国令 799, art. 17)"},
			{Row: 2, Field: "transport", Message: "must be one of tcp, udp"},
			{Row: 2, Field: "mode", Message: "must be one of on_demand, always"},
			{Row: 2, Field: "username", Message: "must be given with a password"},
			{Row: 2, Field: "area_id", Message: "there is no such area in this account's areas"}}},
		{"no position", alerts.System(), "id,name,lon,lat,main_url\na,东门,,31.01,rtsp://h/a\nb,西门,117.01°E,31,rtsp://h/b\nc,南门,1,2,rtsp://h/c\n", 0, nil, []alerts.Fault{
			{Row: 2, Field: "lon", Message: "must be a number of degrees such as 118.9053"},
			{Row: 3, Field: "lon", Message: "must be a number, with a point and without a unit"},
			{Row: 4, Field: "area_id", Message: "the position lies in no area of this account: give the area"}}},
		{"ids", as(alerts.Admin, "t1"), cameraHead + good + good + strings.Replace(good, "a,", "old4,", 1) + strings.Replace(good, ",v1,", ",v3,", 1), 0, nil, []alerts.Fault{
			{Row: 3, Field: "id", Message: `"a" is also the id of row 2; ids must differ`},
			{Row: 4, Field: "id", Message: `"old4" is taken by a camera outside this account's areas; choose another`},
			{Row: 5, Field: "id", Message: `"a" is also the id of row 2; ids must differ`}}},
		{"area outside the account", as(alerts.Admin, "t1"), cameraHead + strings.Replace(good, ",v1,", ",v3,", 1), 0, nil, []alerts.Fault{
			{Row: 2, Field: "area_id", Message: "there is no such area in this account's areas"}}},
		{"no rows", alerts.System(), cameraHead, 0, nil, []alerts.Fault{{Message: "the file has no camera; nothing was imported"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOffice(t)
			ctx := context.Background()
			if _, err := o.CreateCamera(ctx, alerts.System(), camera("old4", "v4")); err != nil {
				t.Fatal(err)
			}
			before := o.dump(t)
			res, err := o.ImportCameras(ctx, test.scope, strings.NewReader(test.text), "csv", "")
			sameFaults(t, "faults", faultsOf(t, err), test.faults)
			sameFaults(t, "warnings", res.Warnings, test.warnings)
			if res.Imported != test.imported {
				t.Errorf("imported %d, want %d", res.Imported, test.imported)
			}
			if err != nil {
				if b, _ := json.Marshal(faultsOf(t, err)); strings.Contains(string(b)+err.Error(), "Secret-77") {
					t.Error("a fault shows the password")
				}
			}
			if after := o.dump(t); (after == before) != (test.faults != nil) {
				t.Errorf("changed: %t", after != before)
			}
		})
	}
}

func TestImportedCameraIsWhole(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	given := geo.FromWGS84(alerts.BD09, middles["v1"])
	row := fmt.Sprintf("a,东门,v1,%.9f,%.9f,6.5,271,80,120,三类,公安局,路口,备001,15,常开,rtsp://10.0.0.1/a,rtsp://10.0.0.1/b,admin,Secret-77,UDP\n", given.Lon, given.Lat)
	if _, err := o.ImportCameras(ctx, alerts.System(), strings.NewReader(cameraHead+row), "text/csv", alerts.BD09); err != nil {
		t.Fatal(err)
	}
	c, err := o.store.Camera(ctx, alerts.System(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if geo.Distance(c.Point, middles["v1"]) > 0.01 || geo.Distance(c.Given, given) > 0.01 || c.System != alerts.BD09 || c.GridID != "g1a" {
		t.Errorf("at %v, given %v in %s, grid %s", c.Point, c.Given, c.System, c.GridID)
	}
	login, err := o.unseal(c.Sealed)
	if err != nil || login != (alerts.Credentials{Username: "admin", Password: "Secret-77"}) {
		t.Errorf("credentials are not what was given: %v", err)
	}
	c.Point, c.Given, c.Sealed, c.UpdatedAt, c.AreaPath = alerts.Point{}, alerts.Point{}, nil, base, ""
	want := alerts.Camera{ID: "a", AreaID: "v1", GridID: "g1a", Name: "东门", System: alerts.BD09, Height: 6.5, Azimuth: 271, FOV: 80, Range: 120,
		Class: alerts.PrivateCamera, Owner: "公安局", Purpose: "路口", Filing: "备001", Retention: 15, MainURL: "rtsp://10.0.0.1/a",
		SubURL: "rtsp://10.0.0.1/b", Transport: "udp", Mode: alerts.Always,
		Record:  alerts.RecordPlan{Mode: alerts.RecordOff, Profiles: []string{"main"}, Before: defaultBefore, After: defaultAfter},
		Enabled: true, Version: 1, UpdatedAt: base}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant %+v", c, want)
	}
}

// A second import changes what it names and keeps the rest.
func TestImportCamerasAgain(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	row := "a,东门,v1,117.01,31.01,6,90,80,100,1,公安局,路口,备001,30,always,rtsp://10.0.0.1/a,rtsp://10.0.0.1/b,admin,Secret-77,tcp\n"
	load := func(text string) {
		t.Helper()
		o.bus.forget()
		if _, err := o.ImportCameras(ctx, alerts.System(), strings.NewReader(text), "csv", alerts.WGS84); err != nil {
			t.Fatal(err)
		}
	}
	stored := func() (alerts.Camera, alerts.Credentials) {
		t.Helper()
		c, err := o.store.Camera(ctx, alerts.System(), "a")
		if err != nil {
			t.Fatal(err)
		}
		login, err := o.unseal(c.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		return c, login
	}
	load(cameraHead + row)
	first, _ := stored()

	load(cameraHead + row)
	if c, _ := stored(); c.Version != 1 || len(o.bus.kinds()) != 0 {
		t.Errorf("the same again: version %d, events %v", c.Version, o.bus.kinds())
	}
	off := false
	if _, err := o.ChangeCamera(ctx, alerts.System(), "a", CameraPatch{Enabled: &off}); err != nil {
		t.Fatal(err)
	}

	load("id,name,lon,lat,owner,range_m,area_id,password,username,main_url\na,南门,117.15,31.05,,,v2,,,\n")
	c, login := stored()
	want := first
	want.Name, want.Owner, want.Range, want.AreaID, want.AreaPath, want.GridID = "南门", "", 0, "v2", "/city/east/t1/v2/", "g2"
	want.Point = alerts.Point{Lon: 117.15, Lat: 31.05}
	want.Given, want.Version, want.Enabled, want.UpdatedAt = want.Point, 3, false, c.UpdatedAt
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant %+v", c, want)
	}
	if login.Password != "Secret-77" {
		t.Error("an empty password did not keep the stored one")
	}
	if got, want := o.bus.kinds(), []alerts.EventKind{alerts.CameraSaved, alerts.CameraRemoved}; !reflect.DeepEqual(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if seen, err := o.CamerasNear(ctx, alerts.System(), c.Point, 1); err != nil || len(seen) != 0 {
		t.Errorf("a camera that is switched off is near: %v, %v", seen, err)
	}

	load("id,name,lon,lat,username\na,南门,117.15,31.05,root\n")
	if _, login := stored(); login != (alerts.Credentials{Username: "root", Password: "Secret-77"}) {
		t.Error("a new user name did not keep the password")
	}
	load("id,name,lon,lat,username,password\na,南门,,,admin,other\n")
	if c, login := stored(); login != (alerts.Credentials{Username: "admin", Password: "other"}) || c.Point != want.Point {
		t.Error("a new password was not taken, or an empty position moved the camera")
	}
}

func TestImportCamerasOutsideTheirArea(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	// 50 m inside the eastern edge of v1; GCJ-02 shifts it beyond.
	truth := alerts.Point{Lon: 117.0995, Lat: 31.05}
	shifted := geo.FromWGS84(alerts.GCJ02, truth)
	text := fmt.Sprintf("id,name,area_id,lon,lat,main_url\na,x,v1,%.7f,%.7f,rtsp://h/a\nb,y,v1,117.35,31.05,rtsp://h/b\nc,z,west,117.01,31.05,rtsp://h/c\n", shifted.Lon, shifted.Lat)
	res, err := o.ImportCameras(ctx, alerts.System(), strings.NewReader(text), "csv", alerts.WGS84)
	if err != nil {
		t.Fatal(err)
	}
	advice := func(p alerts.Point, system alerts.CoordSystem, where string) string {
		q := geo.ToWGS84(system, p)
		return fmt.Sprintf("; were the position %s it would stand %.0f m away at %.6f, %.6f, %s", system, geo.Distance(p, q), q.Lon, q.Lat, where)
	}
	// As the file has it.
	shifted = alerts.Point{Lon: math.Round(shifted.Lon*1e7) / 1e7, Lat: math.Round(shifted.Lat*1e7) / 1e7}
	far := alerts.Point{Lon: 117.35, Lat: 31.05}
	const outside = "the camera stands outside 一村 (v1)"
	sameFaults(t, "warnings", res.Warnings, []alerts.Fault{
		{Row: 2, Field: "lon", Message: outside + advice(shifted, alerts.GCJ02, "inside") + advice(shifted, alerts.BD09, "inside")},
		{Row: 3, Field: "lon", Message: outside + advice(far, alerts.GCJ02, "outside too") + advice(far, alerts.BD09, "outside too")},
	})
	gcj := geo.Distance(shifted, truth)
	if gcj < 270 || gcj > 700 {
		t.Errorf("GCJ-02 moves by %.0f m", gcj)
	}
}

func TestImportCamerasGeoJSON(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	good := `{"type":"Feature","id":"a","properties":{"name":"东门","class":2,"range_m":80.5,"主码流":"rtsp://admin:Secret-77@h/a","password":null,"lon":"copy","fid":3},"geometry":{"type":"Point","coordinates":[117.01,31.01,12]}}`
	res, err := o.ImportCameras(ctx, as(alerts.Admin, "t1"), strings.NewReader(collection(good)), "geojson", alerts.WGS84)
	if err != nil || res.Imported != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	c, err := o.store.Camera(ctx, alerts.System(), "a")
	if err != nil || c.Point != (alerts.Point{Lon: 117.01, Lat: 31.01}) || c.Range != 80.5 || c.Class != 2 || c.MainURL != "rtsp://h/a" || len(c.Sealed) == 0 {
		t.Errorf("%+v, %v", c, err)
	}
	before := o.dump(t)
	_, err = o.ImportCameras(ctx, alerts.System(), strings.NewReader(collection(good,
		`{"type":"Feature","properties":{"name":"x","fov_dge":1,"main_url":{"Secret-77":1},"名称":"y"},"geometry":{"type":"Point","coordinates":[117.01,31.01]}}`,
		`{"type":"Feature","properties":"Secret-77","geometry":{"type":"Point","coordinates":[117.01,31.01]}}`,
		`{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}`)), "geojson", alerts.WGS84)
	sameFaults(t, "faults", faultsOf(t, err), []alerts.Fault{
		{Row: 2, Field: "fov_dge", Message: `is not known; did you mean "fov_deg"?`},
		{Row: 2, Field: "main_url", Message: "must be a text or a number"},
		{Row: 2, Field: "名称", Message: "is given twice"},
		{Row: 2, Field: "main_url", Message: "must be rtsp://host:port/path or rtsps://host:port/path, with user name and password in their own fields"},
		{Row: 3, Field: "properties", Message: "is a string, it must be an object"},
		{Row: 4, Field: "geometry.type", Message: `must be "Point"`},
	})
	if after := o.dump(t); after != before {
		t.Error("a faulty file changed something")
	}
}
