package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

func TestCameraDefaults(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	p := middles["v1"]
	v := ok[CameraView](t)(o.CreateCamera(ctx, admin, CameraInput{Name: " 东门 ", Lon: p.Lon, Lat: p.Lat, MainURL: "rtsp://10.0.0.1/a"}))
	if v.Name != "东门" || v.AreaID != "v1" || v.GridID != "g1a" || v.Class != 1 || v.Retention != 30 || v.Transport != "tcp" ||
		v.Mode != alerts.OnDemand || !v.Enabled || !v.Main || v.Sub || *v.HasCredentials || v.Given.System != alerts.WGS84 ||
		len(v.ID) != 26 || v.Version != 1 || len(v.Warnings) != 0 {
		t.Errorf("camera: %s", asJSON(t, v))
	}
	// What was given is kept, what is used is WGS-84.
	given := CameraInput{ID: "cam.2", Name: "x", Lon: p.Lon + 0.0055, Lat: p.Lat, System: alerts.GCJ02, MainURL: "rtsps://h/a", Class: 3, Retention: 7,
		Enabled: ptr(false)}
	v = ok[CameraView](t)(o.CreateCamera(ctx, admin, given))
	if *v.Given != (Given{p.Lon + 0.0055, p.Lat, alerts.GCJ02}) || math.Abs(v.Lon-p.Lon) > 0.002 || v.Lon == given.Lon || v.Enabled {
		t.Errorf("shifted camera: %s", asJSON(t, v))
	}
	_, err := o.CreateCamera(ctx, admin, given)
	wantKind(t, err, alerts.Conflict, "the same id again")
	// Outside its area: stored, and said.
	v = ok[CameraView](t)(o.CreateCamera(ctx, admin, CameraInput{Name: "x", AreaID: "v3", Lon: 117.1999, Lat: p.Lat, MainURL: "rtsp://h/a"}))
	if v.AreaID != "v3" || v.GridID != "g2" || len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0].Message, "outside 三村") {
		t.Errorf("camera outside its area: %s", asJSON(t, v))
	}
	if officer := ok[CameraView](t)(o.Camera(ctx, as(alerts.DutyOfficer, "city"), v.ID)); officer.MainURL+officer.Transport != "" ||
		officer.HasCredentials != nil || officer.Given != nil || officer.Warnings != nil {
		t.Errorf("an officer sees %s", asJSON(t, officer))
	}
}

func TestCameraRefused(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "t1")
	for name, c := range map[string]struct {
		change func(*CameraInput)
		fields []string
	}{
		"id":           {func(in *CameraInput) { in.ID = "a/b" }, []string{"id"}},
		"name":         {func(in *CameraInput) { in.Name = "" }, []string{"name"}},
		"name control": {func(in *CameraInput) { in.Name = "a\nb" }, []string{"name"}},
		"lon":          {func(in *CameraInput) { in.Lon = math.Inf(-1) }, []string{"lon"}},
		"lat":          {func(in *CameraInput) { in.Lat = 90.1 }, []string{"lat"}},
		"system":       {func(in *CameraInput) { in.System = "x" }, []string{"system"}},
		"azimuth":      {func(in *CameraInput) { in.Azimuth = 361 }, []string{"azimuth_deg"}},
		"fov":          {func(in *CameraInput) { in.FOV = -1 }, []string{"fov_deg"}},
		"range":        {func(in *CameraInput) { in.Range = math.NaN() }, []string{"range_m"}},
		"height":       {func(in *CameraInput) { in.Height = 1e9 }, []string{"height_m"}},
		"class":        {func(in *CameraInput) { in.Class = 4 }, []string{"class"}},
		"retention":    {func(in *CameraInput) { in.Retention = 29 }, []string{"retention_days"}},
		"transport":    {func(in *CameraInput) { in.Transport = "quic" }, []string{"transport"}},
		"mode":         {func(in *CameraInput) { in.Mode = "never" }, []string{"mode"}},
		"area":         {func(in *CameraInput) { in.AreaID = "v3" }, []string{"area_id"}},
		"nowhere":      {func(in *CameraInput) { in.AreaID, in.Lon = "", 10 }, []string{"area_id"}},
		"password":     {func(in *CameraInput) { in.Password = "x" }, []string{"username"}},
		"two names":    {func(in *CameraInput) { in.MainURL = "rtsp://a:b@h/x"; in.SubURL = "rtsp://c:d@h/y" }, []string{"sub_url"}},
		"all":          {func(in *CameraInput) { *in = CameraInput{AreaID: "v1"} }, []string{"main_url", "name"}},
	} {
		in := camera("cam", "v1")
		c.change(&in)
		_, err := o.CreateCamera(ctx, admin, in)
		wantFault(t, err, name, c.fields...)
	}
	for _, raw := range []string{"", "http://h/x", "rtsp:///x", "rtsp:h", "//h/x", "file:///etc/passwd", "exec:ls", "rtsp://h/%zz", "rtsp://h:x/y",
		"rtsp://h/x#frag", " rtsp://h/x", "rtsp://h/\x00", "rtsp://u:secr3t@h:bad/x", "rtsp://u:se cr3t@h/x", "RTSP", "rtsp://" + strings.Repeat("a", 1000)} {
		in := camera("cam", "v1")
		in.MainURL = raw
		_, err := o.CreateCamera(ctx, admin, in)
		wantFault(t, err, raw, "main_url")
		if strings.Contains(fmt.Sprint(err), "cr3t") {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

// TestCameraPassword follows a camera's password through everything that
// leaves the desk: it is in PullSpec alone.
func TestCameraPassword(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	const secret = "s3cr:t-pässwörd"
	in := camera("cam1", "v1")
	in.MainURL = (&url.URL{Scheme: "rtsp", User: url.UserPassword("root", secret), Host: "10.0.0.9:554", Path: "/main"}).String()
	in.SubURL = strings.Replace(in.MainURL, "/main", "/sub", 1)
	v := ok[CameraView](t)(o.CreateCamera(ctx, admin, in))
	if v.MainURL != "rtsp://10.0.0.9:554/main" || v.SubURL != "rtsp://10.0.0.9:554/sub" || !*v.HasCredentials || !v.Sub {
		t.Errorf("camera: %s", asJSON(t, v))
	}
	login := func(username, password string) {
		t.Helper()
		spec, err := o.PullSpec(ctx, "cam1")
		if err != nil || spec.Credentials != (alerts.Credentials{Username: username, Password: password}) {
			t.Errorf("signs in with %q %q (%v), want %q", spec.Credentials.Username, spec.Credentials.Password, err, username)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("pull", "spec", spec, "pointer", &spec)
		log.WriteString(fmt.Sprintf("%v %+v %#v %s %q", spec, spec, &spec, spec, []PullSpec{spec}))
		if password != "" && strings.Contains(log.String(), password) {
			t.Errorf("printing shows the password: %s", log.String())
		}
	}
	login("root", secret)
	change := func(p CameraPatch) error { return second(o.ChangeCamera(ctx, admin, "cam1", p)) }
	if err := change(CameraPatch{Name: ptr("renamed")}); err != nil {
		t.Fatal(err)
	}
	login("root", secret)
	if err := change(CameraPatch{Username: ptr("viewer")}); err != nil {
		t.Fatal(err)
	}
	login("viewer", secret)
	if err := change(CameraPatch{MainURL: ptr("rtsp://10.0.0.9:554/other")}); err != nil {
		t.Fatal(err)
	}
	login("viewer", secret)
	for _, p := range []CameraPatch{{MainURL: ptr("rtsp://10.0.0.66/main")}, {SubURL: ptr("rtsp://10.0.0.9:555/sub")},
		{MainURL: ptr("rtsps://10.0.0.9:554/main")}, {MainURL: ptr("rtsp://10.0.0.66/x"), Password: nil, Name: ptr("x")}} {
		wantFault(t, change(p), "sending the password to another host", "password")
	}
	login("viewer", secret)
	if err := change(CameraPatch{MainURL: ptr("rtsp://a:b@10.0.0.66/main"), SubURL: ptr("")}); err != nil {
		t.Fatal(err)
	}
	login("a", "b")
	if err := change(CameraPatch{Username: ptr(""), Password: ptr("")}); err != nil {
		t.Fatal(err)
	}
	login("", "")
	if err := change(CameraPatch{Username: ptr("root"), Password: ptr(secret)}); err != nil {
		t.Fatal(err)
	}
	login("root", secret)

	stored := ok[alerts.Camera](t)(o.store.Camera(ctx, alerts.System(), "cam1"))
	near := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, admin, middles["v1"], 0))
	for what, text := range map[string]string{"events": asJSON(t, o.bus.sent), "view": asJSON(t, ok[CameraView](t)(o.Camera(ctx, admin, "cam1"))),
		"store": fmt.Sprintf("%s %s", asJSON(t, stored), stored.Sealed), "near": asJSON(t, near)} {
		if strings.Contains(text, secret) || strings.Contains(text, "3cr") {
			t.Errorf("%s shows the password: %s", what, text)
		}
	}

	// With another key it cannot be opened: the camera is pulled without, half
	// of a change is refused.
	o.Vault, _ = NewVault(RandomKey())
	login("", "")
	if specs, off, err := o.PullSpecs(ctx); err != nil || len(specs) != 1 || len(off) != 0 || specs[0].AreaPath != paths["v1"] {
		t.Errorf("specs with another key: %v %v", specs, err)
	}
	wantKind(t, change(CameraPatch{Password: ptr("new")}), alerts.Unavailable, "half a change with another key")
	o.Vault = nil
	wantKind(t, change(CameraPatch{Username: ptr("u"), Password: ptr("new")}), alerts.Unavailable, "keeping a password without a key")
}

func TestChangeCamera(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	ok[CameraView](t)(o.CreateCamera(ctx, admin, camera("cam1", "v1")))
	o.bus.forget()
	v := ok[CameraView](t)(o.ChangeCamera(ctx, admin, "cam1", CameraPatch{Lon: ptr(117.075), Lat: ptr(31.05), FOV: ptr(60.0)}))
	if v.GridID != "g1b" || v.FOV != 60 || v.Azimuth != 90 || v.Version != 2 {
		t.Errorf("moved within the village: %s", asJSON(t, v))
	}
	_, err := o.ChangeCamera(ctx, admin, "cam1", CameraPatch{Name: ptr("x"), Version: ptr(int64(1))})
	wantKind(t, err, alerts.Conflict, "a change of an old version")
	for name, p := range map[string]CameraPatch{"half a place": {Lon: ptr(117.0)}, "system alone": {System: ptr(alerts.BD09)}} {
		_, err := o.ChangeCamera(ctx, admin, "cam1", p)
		wantFault(t, err, name, "lon")
	}
	_, err = o.ChangeCamera(ctx, as(alerts.Admin, "t1"), "cam1", CameraPatch{AreaID: ptr("v4")})
	wantFault(t, err, "moving it out of the own areas", "area_id")
	// Another area: who watches the old one is told that it has gone.
	ok[CameraView](t)(o.ChangeCamera(ctx, admin, "cam1", CameraPatch{AreaID: ptr("v4"), Lon: ptr(117.35), Lat: ptr(31.05)}))
	var told []string
	for _, e := range o.bus.sent {
		told = append(told, fmt.Sprint(e.Kind, " ", e.AreaPath, " ", e.ID))
	}
	want := "[camera.saved /city/east/t1/v1/ cam1 camera.removed /city/east/t1/v1/ cam1 camera.saved /city/west/t3/v4/ cam1]"
	if fmt.Sprint(told) != want {
		t.Errorf("events %v, want %v", told, want)
	}
	if near := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, as(alerts.DutyOfficer, "t3"), middles["v4"], 0)); len(near) != 1 || !near[0].InView {
		t.Errorf("near its new place: %+v", near)
	}
	ok[CameraView](t)(o.ChangeCamera(ctx, admin, "cam1", CameraPatch{Enabled: ptr(false)}))
	if near := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, admin, middles["v4"], 0)); len(near) != 0 {
		t.Errorf("a camera that is switched off is near: %+v", near)
	}
	if specs, off, err := o.PullSpecs(ctx); err != nil || len(specs) != 0 || len(off) != 1 || off[0].ID != "cam1" || off[0].AreaPath == "" || off[0].Changed.IsZero() {
		t.Errorf("a camera that is switched off is pulled: %v %v %v", specs, off, err)
	}
	wantKind(t, second(o.PullSpec(ctx, "cam1")), alerts.NotFound, "a camera that is switched off")
	if err := o.RemoveCamera(ctx, admin, "cam1"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, second(o.Camera(ctx, admin, "cam1")), alerts.NotFound, "a removed camera")
	if snap := ok[Snapshot](t)(o.Snapshot(ctx, as(alerts.Leader, "city"))); len(snap.Cameras) != 0 {
		t.Errorf("a removed camera is in the snapshot")
	}
}

func TestCamerasNear(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	for n, azimuth := range []float64{0, 90, 180} { // looking north, east, south from the west of the point
		in := camera(fmt.Sprint("cam", n), "v1")
		in.Lon, in.Azimuth, in.FOV = in.Lon-0.0005, azimuth, 60
		ok[CameraView](t)(o.CreateCamera(ctx, admin, in))
	}
	near := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, admin, middles["v1"], 2))
	if len(near) != 2 || near[0].ID != "cam1" || !near[0].InView || near[1].InView || near[0].MainURL != "" {
		t.Errorf("near: %s", asJSON(t, near))
	}
	o.Health = func(id string) float64 { return 0 }
	if worse := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, admin, middles["v1"], 1)); worse[0].Score >= near[0].Score {
		t.Errorf("a dead camera scores %v, a sound one %v", worse[0].Score, near[0].Score)
	}
	wantFault(t, second(o.CamerasNear(ctx, admin, alerts.Point{Lon: math.NaN()}, 0)), "near nowhere", "near")
	wantFault(t, second(o.CamerasNear(ctx, admin, middles["v1"], 1000)), "too many", "limit")
}

func TestVault(t *testing.T) {
	v, err := NewVault(RandomKey())
	if err != nil {
		t.Fatal(err)
	}
	a, _ := v.Seal([]byte("secret"))
	b, _ := v.Seal([]byte("secret"))
	if string(a) == string(b) {
		t.Error("the same text is sealed the same")
	}
	if plain, err := v.Open(a); err != nil || string(plain) != "secret" {
		t.Errorf("opened %q %v", plain, err)
	}
	for n := range a {
		bad := append([]byte(nil), a...)
		bad[n] ^= 1
		if _, err := v.Open(bad); !errors.Is(err, errSealed) {
			t.Errorf("byte %d changed: %v", n, err)
		}
	}
	for n := range len(a) {
		if _, err := v.Open(a[:n]); err == nil {
			t.Errorf("opened %d bytes of it", n)
		}
	}
	if _, err := NewVault([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}

func FuzzStreamURL(f *testing.F) {
	for _, s := range []string{"rtsp://u:p@h/x", "rtsps://h:322/a?b=c", "rtsp://u@h", "rtsp://[::1]:554/x", "rtsp://u:p@q@h/x", "rtsp://h/x@y", "http://h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var told faults
		var login alerts.Credentials
		got := told.streamURL("main_url", raw, &login)
		if (got == "") != (len(told) > 0) {
			t.Fatalf("%q gives %q and %v", raw, got, told)
		}
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.Hostname() == "" || (u.Scheme != "rtsp" && u.Scheme != "rtsps") {
			t.Fatalf("%q gives %q (%v)", raw, got, err)
		}
		if again := told.streamURL("main_url", got, &alerts.Credentials{}); again != got || len(told) > 0 {
			t.Fatalf("%q gives %q, and that %q %v", raw, got, again, told)
		}
	})
}
