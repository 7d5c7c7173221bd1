package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts/desk"
	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

// yard is what a look sees, by a clock of its own.
type yard struct {
	now   time.Time
	list  []streams.Status
	paths map[string]string
	off   map[string]desk.OffCamera
}

func newYard() *yard {
	y := &yard{now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), paths: map[string]string{}, off: map[string]desk.OffCamera{}}
	y.add("c1", streams.Main)
	return y
}

func (y *yard) add(id string, p streams.Profile) *streams.Status {
	y.paths[id] = "/city/"
	y.list = append(y.list, streams.Status{Camera: id, Profile: p, State: streams.Live, Since: y.now, LastFrame: y.now, FPS: 25, Kbps: 2000,
		KeyInterval: 4 * time.Second, Width: 1920, Height: 1080, Codec: streams.H264})
	return &y.list[len(y.list)-1]
}

// marks looks and returns the marks by camera.
func (y *yard) marks(t *teller) map[string]uint64 {
	out := map[string]uint64{}
	each := func(fn func(streams.Status)) {
		for _, st := range y.list {
			fn(st)
		}
	}
	for _, c := range t.look(each, y.now, y.paths, y.off) {
		out[c.ID] = c.Mark
	}
	return out
}

// A state is told at once, figures seldom, and swings not at all.
func TestWhatIsWorthTelling(t *testing.T) {
	y, tell := newYard(), newTeller()
	mark := y.marks(tell)["c1"]
	step := func(name string, wait time.Duration, change func(*streams.Status), worth bool) {
		t.Helper()
		y.now = y.now.Add(wait)
		y.list[0].LastFrame = y.now
		change(&y.list[0])
		now := y.marks(tell)["c1"]
		if (now != mark) != worth {
			t.Errorf("%s: told %v, want %v", name, now != mark, worth)
		}
		mark = now
	}
	nothing := func(*streams.Status) {}
	long := driftEvery + time.Second
	step("a second passes", time.Second, nothing, false)
	step("an hour passes", time.Hour, nothing, false)
	step("swings of every encoder", time.Second, func(s *streams.Status) { s.FPS, s.Kbps = 24.4, 2300 }, false)
	step("so much after a while too", long, nothing, false)
	step("a viewer, told long ago", 0, func(s *streams.Status) { s.Readers = 1 }, true)
	step("a viewer, told just now", time.Second, func(s *streams.Status) { s.Readers = 2 }, false)
	step("the same, later", long, nothing, true)
	step("losses", time.Second, func(s *streams.Status) { s.Lost = 7 }, false)
	step("losses, later", long, func(s *streams.Status) { s.Lost = 9 }, true)
	step("half the rate, later", long, func(s *streams.Status) { s.FPS = 12 }, true)
	step("degraded", time.Second, func(s *streams.Status) { s.Degraded = true }, true)
	step("a key frame", time.Second, func(s *streams.Status) { s.LastKey = y.now }, false)
	step("another size", time.Second, func(s *streams.Status) { s.Width = 1280 }, true)
	step("stands still for 2 s", time.Second, func(s *streams.Status) { s.LastFrame = y.now.Add(-2 * time.Second) }, false)
	step("and longer", time.Second, func(s *streams.Status) { s.LastFrame = y.now.Add(-3 * time.Second) }, true)
	step("moves again", time.Second, nothing, true)
	step("gone", time.Second, func(s *streams.Status) { s.State, s.Reason, s.Since = streams.Unreachable, streams.NoRoute, y.now }, true)
	step("still gone", long, nothing, false)

	y.add("c1", streams.Sub)
	step("a sub stream", 0, nothing, true)
	y.list = y.list[:1]
	step("no sub stream any more", 0, nothing, true)
	delete(y.paths, "c1")
	y.off["c1"] = desk.OffCamera{ID: "c1", AreaPath: "/city/"}
	y.list = nil
	y.add("c2", streams.Main)
	delete(y.paths, "c2") // the fleet has it still; it is nobody's any more
	step("switched off", 0, nothing, true)
	step("still off", long, nothing, false)
	clear(y.off)
	if left := y.marks(tell); len(left) != 0 || len(tell.told) != 0 {
		t.Errorf("kept: %v", left)
	}
}

// testMedia is a media over a fleet whose pulls publish what put says.
func testMedia(t testing.TB, cameras int, put func(n int, h *streams.Hub)) *media {
	t.Helper()
	pulled := make(chan string, 2*cameras)
	number := map[string]int{}
	paths := map[string]string{}
	f := streams.NewFleet(nil)
	var ready []func()
	for i := range cameras {
		id := fmt.Sprintf("cam%04d", i)
		number[id], paths[id] = i, "/city/"
		ready = append(ready, func() {
			spec := streams.Spec{Camera: id, Profile: streams.Main, URL: "rtsp://10.1.2.3:554/hidden/path", Username: "hiddenuser", Password: "hiddenpassword", Always: true}
			sub := spec
			sub.Profile = streams.Sub
			f.Set(id, spec, sub)
		})
	}
	f.Pull = func(ctx context.Context, spec streams.Spec, h *streams.Hub) {
		put(number[spec.Camera], h)
		pulled <- spec.Camera
		<-ctx.Done()
	}
	for _, set := range ready {
		set()
	}
	t.Cleanup(f.Close)
	for range 2 * cameras {
		<-pulled
	}
	log := slog.New(slog.DiscardHandler)
	m := newMedia(nil, nil, f, newRecording(f, record.New(record.Options{Disks: []string{t.TempDir()}}), time.UTC, log), log)
	m.paths = paths
	return m
}

func liveFrame() *streams.Frame {
	return &streams.Frame{Key: true, Payloads: [][]byte{{0x65}}, Size: 1, Desc: &streams.Desc{Video: streams.H264, Width: 640, Height: 360}}
}

func TestStatusJSON(t *testing.T) {
	m := testMedia(t, 2, func(n int, h *streams.Hub) {
		if n == 0 {
			h.Publish(liveFrame())
			h.Count(3, 2, 1)
			return
		}
		h.SetState(streams.Refused, streams.SignInRefused, "the camera refuses the user name or password", time.Now().Add(time.Minute))
	})
	m.off = map[string]desk.OffCamera{"off": {ID: "off", Changed: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	read := func(raw json.RawMessage) (out map[string]any) {
		t.Helper()
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return out
	}
	s := read(m.stateJSON("cam0000"))
	if s["state"] != "live" || s["lost"] != 3.0 || s["discarded"] != 2.0 || s["reconnects"] != 1.0 || s["codec"] != "H264" || s["height"] != 360.0 {
		t.Errorf("%v", s)
	}
	for _, field := range []string{"id", "since", "last_frame_at", "last_key_at", "frame_age_ms"} {
		if _, ok := s[field]; !ok {
			t.Errorf("%s is missing: %v", field, s)
		}
	}
	profiles, _ := s["profiles"].([]any)
	if len(profiles) != 2 || profiles[0].(map[string]any)["profile"] != "main" || profiles[1].(map[string]any)["state"] != "live" {
		t.Errorf("profiles %v", profiles)
	}
	if r := read(m.stateJSON("cam0001")); r["reason"] != "sign_in_refused" || r["retry_at"] == nil || r["frame_age_ms"] != nil {
		t.Errorf("%v", r)
	}
	if off := read(m.stateJSON("off")); off["state"] != "disabled" || off["since"] != "2026-01-02T03:04:05Z" {
		t.Errorf("%v", off)
	}
	if fresh := read(m.stateJSON("new")); fresh["state"] != "idle" {
		t.Errorf("%v", fresh)
	}
	f := read(m.figuresJSON("cam0000"))
	for _, field := range []string{"id", "state", "frame_age_ms", "stale", "fps", "kbps", "key_interval_s", "lost", "discarded", "reconnects", "viewers", "degraded", "profiles"} {
		if _, ok := f[field]; !ok {
			t.Errorf("%s is missing: %v", field, f)
		}
	}
	if m.figuresJSON("off") != nil || m.figuresJSON("none") != nil {
		t.Error("figures of what is not pulled")
	}
	for _, raw := range []json.RawMessage{m.stateJSON("cam0000"), m.stateJSON("cam0001"), m.figuresJSON("cam0001")} {
		if strings.Contains(string(raw), "hidden") || strings.Contains(string(raw), "10.1.2.3") {
			t.Errorf("%s", raw)
		}
	}
	var listed []string
	for _, c := range m.statuses() {
		listed = append(listed, c.ID)
	}
	if slices.Sort(listed); !slices.Equal(listed, []string{"cam0000", "cam0001", "off"}) {
		t.Errorf("listed %v", listed)
	}
}

func BenchmarkStatuses(b *testing.B) {
	y, tell := newYard(), newTeller()
	for i := range 20_000 {
		y.add(fmt.Sprint("cam", i), streams.Main)
	}
	b.ReportAllocs()
	for b.Loop() {
		y.now = y.now.Add(time.Second)
		y.marks(tell)
	}
}
