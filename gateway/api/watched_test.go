package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// recorded returns the audit's entries of some kinds, oldest first.
func (w *world) recorded(t testing.TB, kinds ...alerts.AuditKind) []alerts.AuditEntry {
	t.Helper()
	var out []alerts.AuditEntry
	for from := int64(1); ; {
		page, err := w.store.AuditFrom(context.Background(), from, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return out
		}
		for _, e := range page {
			for _, k := range kinds {
				if e.Kind == k {
					out = append(out, e)
				}
			}
			from = e.Seq + 1
		}
	}
}

// Who watches is on disk when the answer leaves; how long follows.
func TestWatchingRecorded(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	a := w.view(t, cookie, "?profile=sub").want(t, 201)
	begun := w.recorded(t, alerts.AuditWatch)
	if len(begun) != 1 {
		t.Fatalf("%d entries when the answer is there", len(begun))
	}
	e := begun[0]
	if e.UserID != "u-duty_officer-east" || e.UserName != "duty_officer" || e.Role != alerts.DutyOfficer || e.Object != "camera/cam-e" ||
		e.AreaID != "v1" || e.Details["profile"] != "sub" || e.Address != "192.0.2.1" {
		t.Errorf("got %+v", e)
	}
	w.call(t, "DELETE", a.rec.Header().Get("Location"), cookie, nil).want(t, 200)
	w.view(t, cookie, "").want(t, 201) // goes on until the end of the gateway
	w.API.Close()
	ends := w.recorded(t, alerts.AuditWatchEnd)
	if len(ends) != 2 {
		t.Fatalf("%d ends, want 2: %v", len(ends), ends)
	}
	for n, profile := range []string{"sub", "main"} {
		if e := ends[n]; e.Object != "camera/cam-e" || e.UserID != "u-duty_officer-east" || e.Details["profile"] != profile || e.Details["seconds"] != "0" ||
			e.AreaID != "v1" || e.Address != "192.0.2.1" {
			t.Errorf("got %+v", e)
		}
	}
}

// A wall that tries a dead camera for ever leaves two entries, not two a try.
func TestDeadCameraRecorded(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	w.video.fail(alerts.Errorf(alerts.Unavailable, "the camera has no picture"))
	for range 20 {
		w.view(t, cookie, "").want(t, 503)
	}
	w.video.fail(nil)
	w.view(t, cookie, "").want(t, 201)
	w.API.Close()
	if got := w.recorded(t, alerts.AuditWatch); len(got) != 2 {
		t.Errorf("%d beginnings: %v", len(got), got)
	}
	ends := w.recorded(t, alerts.AuditWatchEnd)
	if len(ends) != 2 || ends[0].Details["refused"] != "unavailable" || ends[1].Details["refused"] != "" {
		t.Errorf("got %v", ends)
	}
}

// What ends before it has begun leaves its end, too.
func TestHastyViewerRecorded(t *testing.T) {
	w := newWorld(t)
	w.video.hasty = true
	w.view(t, w.as(t, alerts.DutyOfficer, "east"), "").want(t, 503)
	w.API.Close()
	if n, m := len(w.recorded(t, alerts.AuditWatch)), len(w.recorded(t, alerts.AuditWatchEnd)); n != 1 || m != 1 {
		t.Errorf("%d beginnings, %d ends", n, m)
	}
}

// slowVideo has a picture only once who watches is on disk.
type slowVideo struct {
	Video
	w *world
}

func (v slowVideo) Open(ctx context.Context, req ViewRequest) (Viewer, error) {
	for {
		list, _, err := v.w.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Kind: alerts.AuditWatch})
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			return v.Video.Open(ctx, req)
		}
		time.Sleep(time.Millisecond)
	}
}

// The entry is written while the picture is being fetched, so that the first
// picture waits for it no longer than the commit takes.
func TestWatchingRecordedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.API.deps.Video = slowVideo{w.video, w}
	w.view(t, w.as(t, alerts.DutyOfficer, "east"), "").want(t, 201)
}

// Without its entry nobody gets a picture.
func TestUnrecordedViewer(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	camera, err := w.desk.Camera(t.Context(), scope(alerts.DutyOfficer, "east"), "cam-e")
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.auth.Authenticate(w.call(t, "GET", "/api/v1/session", cookie, nil).req)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	vs, req := w.API.viewers, ViewRequest{Camera: camera.ID, Profile: "main", Offer: "v=0"}
	if _, _, err := vs.open(t.Context(), p, camera.AreaID, "", req); err == nil {
		t.Error("it was opened")
	}
	prepared, _, err := vs.prepare(t.Context(), p, "v=0")
	if err != nil {
		t.Fatal(err)
	}
	waits := w.video.only(t)
	if _, _, err := vs.open(t.Context(), p, camera.AreaID, prepared.id, req); err == nil || waits.req.Camera != "" {
		t.Errorf("it was shown %q: %v", waits.req.Camera, err)
	}
	waits.wantClosed(t)
	if len(w.video.open) != 0 || w.API.viewers.gauge() != 0 {
		t.Error("the viewer goes on")
	}
}

// Ends that the store does not take are kept until it does.
func TestEndsWait(t *testing.T) {
	w := newWorld(t)
	ws := newWatched(w.API, time.Now)
	ws.writing = true // flushed by hand here
	for n := range 2*endsAtOnce + 1 {
		r := &watching{of: ws, camera: fmt.Sprintf("cam%d", n), begun: time.Now().Add(-90 * time.Second), scope: scope(alerts.DutyOfficer, "east")}
		r.over()
	}
	if err := w.store.Write(t.Context(), func(alerts.Tx) error { ws.flushWithin(0); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(ws.ends) != 2*endsAtOnce+1 || len(w.recorded(t, alerts.AuditWatchEnd)) != 0 {
		t.Errorf("%d ends wait", len(ws.ends))
	}
	ws.close()
	got := w.recorded(t, alerts.AuditWatchEnd)
	if len(got) != 2*endsAtOnce+1 || got[0].Object != "camera/cam0" || got[0].Details["seconds"] != "90" {
		t.Errorf("%d ends: %v", len(got), got[:min(1, len(got))])
	}
}

// The last pictures of cameras leave an entry each few minutes and address.
func TestStillsRecorded(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	get := func(camera string, options ...func(*http.Request)) answer {
		return w.call(t, "GET", "/api/v1/cameras/"+camera+"/keyframe.mp4", cookie, nil, options...)
	}
	for range 5 {
		get("cam-e").want(t, 200)
	}
	get("cam-w").want(t, 404)
	get("cam-e", func(r *http.Request) { r.RemoteAddr = "198.51.100.7:1" }).want(t, 200)
	got := w.recorded(t, alerts.AuditStill)
	if len(got) != 2 || got[0].Object != "camera/cam-e" || got[0].AreaID != "v1" || got[0].UserID != "u-duty_officer-east" || got[1].Address != "198.51.100.7" {
		t.Errorf("got %v", got)
	}
}

// Opening an incident or its photo leaves entries; lists do not.
func TestReadingRecorded(t *testing.T) {
	w := newWorld(t)
	leader := w.as(t, alerts.GridLeader, "east")
	a := w.call(t, "POST", "/api/v1/incidents", leader, map[string]any{"category": "hazard.gas", "text": "smell", "lon": 117.05, "lat": 31.05}).want(t, 201)
	id := decode[Reported](t, a).Incident.ID
	officer := w.as(t, alerts.DutyOfficer, "east")
	for range 3 {
		w.call(t, "GET", "/api/v1/incidents", officer, nil).want(t, 200)
		w.call(t, "GET", "/api/v1/incidents/"+id, officer, nil).want(t, 200)
	}
	w.call(t, "GET", "/api/v1/incidents/"+id, w.as(t, alerts.DutyOfficer, "west"), nil).want(t, 404)
	got := w.recorded(t, alerts.AuditRead)
	if len(got) != 1 || got[0].Object != "incident/"+id || got[0].UserID != "u-duty_officer-east" || got[0].AreaID != "v1" {
		t.Errorf("got %v", got)
	}
}

// No secret that anybody has sent is in the audit.
func TestNoSecretRecorded(t *testing.T) {
	w := newWorld(t)
	admin := w.as(t, alerts.Admin, "city")
	w.call(t, "PATCH", "/api/v1/cameras/cam-e", admin, map[string]any{"main_url": "rtsp://u:hidden-one@10.0.0.9/x?token=hidden-two",
		"azimuth_deg": 90}).want(t, 200)
	w.call(t, "PATCH", "/api/v1/cameras/cam-e", admin, map[string]any{"username": "viewer", "password": "hidden-three"}).want(t, 200)
	w.call(t, "PATCH", "/api/v1/users/u-leader-east", admin, map[string]any{"password": "hidden-four-long"}).want(t, 200)
	source := w.call(t, "POST", "/api/v1/sources", admin, map[string]any{"name": "Box", "area_id": "east"}).want(t, 201)
	token := decode[struct {
		Token string `json:"token"`
	}](t, source).Token
	w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "leader-west", "password": "hidden-five"}).want(t, 401)
	w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": "hidden-six", "password": "x"}).want(t, 401)
	w.API.Close()
	w.auth.Close()
	all := fmt.Sprint(w.recorded(t, alerts.AuditConfig, alerts.AuditSignIn, alerts.AuditSignInFailed, alerts.AuditSignOut))
	for _, secret := range []string{"hidden-", "camera-secret", password, token, admin.Value, "$argon2id$"} {
		if token == "" || strings.Contains(all, secret) {
			t.Errorf("the audit holds %q: %s", secret, all)
		}
	}
	for _, told := range []string{"azimuth:0 → 90", "main_url:changed", "credentials:changed", "password:changed", "sessions:ended", "source/", "leader-west"} {
		if !strings.Contains(all, told) {
			t.Errorf("the audit does not tell %q: %s", told, all)
		}
	}
}
