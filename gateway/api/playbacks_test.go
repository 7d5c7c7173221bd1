package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// shelf is Recordings that hold an hour of cam-e, with a gap.
type shelf struct {
	from   time.Time
	asked  []FilmRequest
	frames int // fragments of a film; negative: it has no end
}

func (s *shelf) Find(camera, _ string, _, _ time.Time) ([]RecordedRange, []RecordedGap) {
	if camera != "cam-e" {
		return nil, nil
	}
	return []RecordedRange{{s.from, s.from.Add(time.Minute)}, {s.from.Add(2 * time.Minute), s.from.Add(time.Hour)}},
		[]RecordedGap{{s.from.Add(time.Minute), s.from.Add(2 * time.Minute), "offline"}}
}

func (s *shelf) Play(_ context.Context, req FilmRequest) (Film, error) {
	s.asked = append(s.asked, req)
	if req.At.After(s.from.Add(time.Hour)) {
		return nil, &alerts.Error{Kind: alerts.NotFound, Message: "nothing", Faults: []alerts.Fault{{Field: "at", Message: "nothing"}}}
	}
	return &reel{left: s.frames, info: FilmInfo{Codecs: "avc1.64001f", Sound: "left-out", From: req.At, To: req.At.Add(req.Length), Next: req.At.Add(req.Length)}}, nil
}

func (s *shelf) KeyFrames(_ context.Context, _, _ string, before time.Time, n int) (out []time.Time, _ error) {
	for i := range n {
		out = append(out, before.Add(-time.Duration(i+1)*time.Second))
	}
	return out, nil
}

type reel struct {
	left int
	info FilmInfo
}

func (r *reel) Info() FilmInfo { return r.info }
func (r *reel) Init() []byte   { return []byte("init") }
func (r *reel) Close()         {}
func (r *reel) Fragment() ([]byte, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	r.left--
	return []byte("fragment"), nil
}

// theatre is a world with recordings.
func theatre(t *testing.T) (*world, *shelf, map[string]string) {
	w := newWorld(t)
	s := &shelf{from: time.Now().Add(-2 * time.Hour).UTC().Truncate(time.Millisecond), frames: 3}
	w.deps.Recordings = s
	return w, s, w.eastern(t)
}

func (s *shelf) wish(more ...any) map[string]any {
	m := map[string]any{"cameras": []string{"cam-e"}, "from": s.from, "to": s.from.Add(2 * time.Hour), "purpose": "a fall at the gate"}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

func TestTimeline(t *testing.T) {
	w, s, ids := theatre(t)
	officer := w.as(t, alerts.DutyOfficer, "east")
	query := "/api/v1/recordings?camera=cam-e&from=" + stamp(s.from) + "&to=" + stamp(s.from.Add(3*time.Hour))
	got := decode[Timeline](t, w.call(t, "GET", query, officer, nil).want(t, 200))
	if len(got.Items) != 1 || len(got.Items[0].Ranges) != 2 || len(got.Items[0].Gaps) != 1 || got.Items[0].Gaps[0].Cause != "offline" {
		t.Errorf("what is there: %+v", got.Items)
	}
	if len(got.Cases) != 1 || got.Cases[0].ID != ids["case"] || len(got.Alerts) != 0 {
		t.Errorf("cases %+v, alarms %+v", got.Cases, got.Alerts)
	}
	src := w.source(t, "east")
	w.call(t, "POST", "/api/v1/hooks/alarms", nil, map[string]any{"kind": "fire", "camera_id": "cam-e"}, bearer(src.Token)).want(t, 201)
	got = decode[Timeline](t, w.call(t, "GET", query, officer, nil).want(t, 200))
	if len(got.Alerts) != 1 || got.Alerts[0].Camera != "cam-e" || got.Alerts[0].Kind != "fire" {
		t.Errorf("alarms %+v", got.Alerts)
	}
	for path, status := range map[string]int{
		query + "&camera=cam-w":                                                                               422, // twice is fine, somebody else's is not there
		"/api/v1/recordings?camera=cam-e":                                                                     422,
		strings.Replace(query, "camera=cam-e", "", 1):                                                         422,
		query + strings.Repeat("&camera=cam-e", 16):                                                           422,
		strings.Replace(query, "recordings?", "recordings?x=1&", 1):                                           422,
		"/api/v1/recordings?camera=cam-e&from=" + stamp(s.from) + "&to=" + stamp(s.from):                      422,
		"/api/v1/recordings?camera=cam-e&from=" + stamp(s.from) + "&to=" + stamp(s.from.Add(32*24*time.Hour)): 422,
	} {
		if strings.HasSuffix(path, "cam-w") {
			status = 404
		}
		w.call(t, "GET", path, officer, nil).want(t, status)
	}
}

func TestPlayback(t *testing.T) {
	w, s, ids := theatre(t)
	officer, leader := w.as(t, alerts.DutyOfficer, "east"), w.as(t, alerts.Leader, "city")
	b := decode[Playback](t, w.call(t, "POST", "/api/v1/playbacks", officer, s.wish()).want(t, 201))
	if !slices.Equal(b.Cameras, []string{"cam-e"}) || b.Profile != "main" || !b.Expires.After(time.Now()) {
		t.Errorf("playback %+v", b)
	}
	media := "/api/v1/playbacks/" + b.ID + "/media?camera=cam-e&at=" + stamp(s.from.Add(time.Minute))
	a := w.call(t, "GET", media+"&seconds=20&epoch="+stamp(s.from.Add(-time.Hour)), officer, nil).want(t, 200)
	if got := a.rec.Body.String(); got != "initfragmentfragmentfragment" || a.rec.Header().Get("Content-Type") != "video/mp4" {
		t.Errorf("got %q %v", got, a.rec.Header())
	}
	for name, want := range map[string]string{"X-Codecs": "avc1.64001f", "X-Sound": "left-out", "X-From": stamp(s.from.Add(time.Minute)),
		"X-To": stamp(s.from.Add(80 * time.Second)), "X-Next": stamp(s.from.Add(80 * time.Second))} {
		if got := a.rec.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if q := s.asked[0]; q.Length != 20*time.Second || !q.Epoch.Equal(s.from.Add(-time.Hour)) || q.Profile != "main" {
		t.Errorf("asked for %+v", q)
	}
	keys := decode[KeyFrameTimes](t, w.call(t, "GET", "/api/v1/playbacks/"+b.ID+"/keyframes?camera=cam-e&n=5&before="+stamp(s.from.Add(3*time.Second)), officer, nil).want(t, 200))
	if len(keys.Items) != 3 { // those before the playback's time are not told
		t.Errorf("key frames %v", keys.Items)
	}
	for path, status := range map[string]int{
		media + "&seconds=0": 422, media + "&seconds=61": 422, media + "&seconds=x": 422, media + "&epoch=x": 422,
		strings.Replace(media, "cam-e", "cam-w", 1):                                                 404,
		strings.Replace(media, b.ID, "0123456789", 1):                                               404,
		"/api/v1/playbacks/" + b.ID + "/media?camera=cam-e":                                         422,
		"/api/v1/playbacks/" + b.ID + "/media?camera=cam-e&at=" + stamp(s.from.Add(-1)):             422,
		"/api/v1/playbacks/" + b.ID + "/media?camera=cam-e&at=" + stamp(s.from.Add(2*time.Hour)):    422,
		"/api/v1/playbacks/" + b.ID + "/media?camera=cam-e&at=" + stamp(s.from.Add(90*time.Minute)): 404,
		"/api/v1/playbacks/" + b.ID + "/keyframes?camera=cam-w&before=" + stamp(s.from):             404,
	} {
		w.call(t, "GET", path, officer, nil).want(t, status)
	}
	w.call(t, "GET", media, leader, nil).want(t, 404) // somebody else's
	w.call(t, "DELETE", "/api/v1/playbacks/"+b.ID, leader, nil).want(t, 404)

	for name, wish := range map[string]map[string]any{
		"purpose": s.wish("purpose", " "), "cameras": s.wish("cameras", []string{}), "to": s.wish("to", s.from), "profile": s.wish("profile", "third"),
		"case_id": s.wish("case_id", "none"), "from": s.wish("from", time.Time{}),
	} {
		if p := w.call(t, "POST", "/api/v1/playbacks", officer, wish).problem(t, 422); !strings.Contains(fields(p), name) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	w.call(t, "POST", "/api/v1/playbacks", officer, s.wish("cameras", []string{"cam-w"})).problem(t, 404)
	// A leader names a case, in sight.
	if p := w.call(t, "POST", "/api/v1/playbacks", leader, s.wish()).problem(t, 422); fields(p) != "case_id" {
		t.Errorf("a leader without a case: %+v", p)
	}
	decode[Playback](t, w.call(t, "POST", "/api/v1/playbacks", leader, s.wish("case_id", ids["case"])).want(t, 201))
	if p := w.call(t, "POST", "/api/v1/playbacks", w.as(t, alerts.Leader, "west"), s.wish("cameras", []string{"cam-w"}, "case_id", ids["case"])).problem(t, 422); fields(p) != "case_id" {
		t.Errorf("a case out of sight: %+v", p)
	}

	w.call(t, "DELETE", "/api/v1/playbacks/"+b.ID, officer, nil).want(t, 204)
	w.call(t, "GET", media, officer, nil).want(t, 404)
	// Its end tells what was shown.
	var end *alerts.AuditEntry
	for deadline := time.Now().Add(4 * patience); end == nil && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		list, _, err := w.store.Audit(t.Context(), alerts.System(), alerts.AuditFilter{Kind: alerts.AuditPlaybackEnd, Page: alerts.Page{Limit: 10}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if list[i].Details["playback"] == b.ID {
				end = &list[i]
			}
		}
	}
	if end == nil || end.Object != "camera/cam-e" || end.Details["seconds"] != "20" || end.UserID != userID(alerts.DutyOfficer, "east") || end.Details["from"] == "" {
		t.Errorf("the end in the audit: %+v", end)
	}
	list, _, err := w.store.Audit(t.Context(), alerts.System(), alerts.AuditFilter{Kind: alerts.AuditPlayback, Page: alerts.Page{Limit: 10}})
	if err != nil || len(list) != 2 || list[1].Details["purpose"] != "a fall at the gate" || list[0].Details["case"] != ids["case"] || list[1].Details["from"] == "" {
		t.Errorf("the beginnings in the audit: %+v %v", list, err)
	}
}

// A user's oldest playback ends for one more.
func TestPlaybacksAreBounded(t *testing.T) {
	w, s, _ := theatre(t)
	officer := w.as(t, alerts.DutyOfficer, "east")
	var all []string
	for range playbacksOfUser + 1 {
		all = append(all, decode[Playback](t, w.call(t, "POST", "/api/v1/playbacks", officer, s.wish()).want(t, 201)).ID)
	}
	for i, status := range map[int]int{0: 404, 1: 200, playbacksOfUser: 200} {
		w.call(t, "GET", fmt.Sprintf("/api/v1/playbacks/%s/media?camera=cam-e&at=%s", all[i], stamp(s.from)), officer, nil).want(t, status)
	}
}

// What is being sent ends with the session, and with the right.
func TestFilmEndsWithItsRight(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *world, *http.Cookie){
		"sign-out": func(t *testing.T, w *world, c *http.Cookie) {
			w.call(t, "DELETE", "/api/v1/session", c, nil).want(t, 204)
		},
		"another role": func(t *testing.T, w *world, _ *http.Cookie) {
			w.call(t, "PATCH", "/api/v1/users/"+userID(alerts.DutyOfficer, "east"), w.as(t, alerts.Admin, "city"), map[string]any{"role": "grid_leader"}).want(t, 200)
		},
		"camera in another area": func(t *testing.T, w *world, _ *http.Cookie) {
			w.call(t, "PATCH", "/api/v1/cameras/cam-e", w.as(t, alerts.Admin, "city"), map[string]any{"area_id": "west"}).want(t, 200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, s, _ := theatre(t)
			s.frames = -1
			officer := w.as(t, alerts.DutyOfficer, "east")
			b := decode[Playback](t, w.call(t, "POST", "/api/v1/playbacks", officer, s.wish()).want(t, 201))
			server := httptest.NewServer(w)
			defer server.Close()
			req, err := http.NewRequest("GET", server.URL+"/api/v1/playbacks/"+b.ID+"/media?camera=cam-e&at="+url.QueryEscape(stamp(s.from)), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.AddCookie(officer)
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			r := bufio.NewReader(res.Body)
			if _, err := r.Discard(1 << 20); err != nil {
				t.Fatal(err)
			}
			end(t, w, officer)
			ended := make(chan error, 1)
			go func() { _, err := io.Copy(io.Discard, r); ended <- err }()
			select {
			case err := <-ended:
				if err == nil || errors.Is(err, io.EOF) {
					t.Errorf("the run ends as if it were whole: %v", err)
				}
			case <-time.After(4 * patience):
				t.Error("it goes on")
			}
		})
	}
}
