package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/config"
	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

type timeline struct {
	Items []struct {
		Camera string `json:"camera"`
		Ranges []struct {
			From time.Time `json:"from"`
			To   time.Time `json:"to"`
		} `json:"ranges"`
	} `json:"items"`
	Alerts []struct {
		Camera string `json:"camera"`
	} `json:"alerts"`
}

// until asks again and again until ok.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after a minute and a half", what)
		}
	}
}

// TestDemoIsRecorded plays what the demo records, and lets one camera be recorded
// around events alone.
func TestDemoIsRecorded(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "accounts.json")
	url0, stop := runDemo(t, demoCmd{Data: filepath.Join(dir, "data"), Accounts: file, Cameras: 2, Record: true})
	accounts := readAccounts(t, file)
	officer, admin := signIn(t, url0, accounts, "duty_officer"), signIn(t, url0, accounts, "admin")
	waitLive(t, officer, 2)
	begun := time.Now().Add(-time.Minute)
	stamp := func(at time.Time) string { return url.QueryEscape(at.UTC().Format(time.RFC3339Nano)) }
	recorded := func(camera string) (out timeline) {
		if code := officer.call("GET", "/api/v1/recordings?camera="+camera+"&from="+stamp(begun)+"&to="+stamp(time.Now().Add(time.Minute)), nil, &out); code != 200 {
			t.Fatalf("recordings: %d", code)
		}
		return out
	}
	until(t, "four seconds of recording", func() bool {
		r := recorded("cam000").Items[0].Ranges
		return len(r) > 0 && r[0].To.Sub(r[0].From) > 4*time.Second
	})
	var cam struct {
		Status struct {
			Viewers   int `json:"viewers"`
			Recording struct {
				On        bool       `json:"on"`
				Cause     string     `json:"cause"`
				LastWrite *time.Time `json:"last_write_at"`
			} `json:"recording"`
		} `json:"status"`
	}
	officer.call("GET", "/api/v1/cameras/cam000", nil, &cam)
	if !cam.Status.Recording.On || cam.Status.Recording.LastWrite == nil || cam.Status.Viewers != 0 {
		t.Errorf("state of the camera: %+v", cam.Status)
	}
	var grant struct {
		ID string `json:"id"`
	}
	from := recorded("cam000").Items[0].Ranges[0].From
	wish := map[string]any{"cameras": []string{"cam000"}, "from": begun, "to": time.Now().Add(time.Hour), "purpose": "test"}
	if code := officer.call("POST", "/api/v1/playbacks", wish, &grant); code != 201 {
		t.Fatalf("playback: %d", code)
	}
	film := officer.file("/api/v1/playbacks/"+grant.ID+"/media?camera=cam000&seconds=2&at="+stamp(from.Add(time.Second)), "X-Codecs")
	probe(t, film)
	if code := officer.call("GET", "/api/v1/playbacks/"+grant.ID+"/media?camera=cam000&at="+stamp(begun.Add(time.Second)), nil, nil); code != 404 {
		t.Errorf("before the first picture: %d", code)
	}

	// Around events alone: nothing stays until something happens.
	change := map[string]any{"record": map[string]any{"mode": "events", "before_s": 2, "after_s": 2}}
	if code := admin.call("PATCH", "/api/v1/cameras/cam001", change, nil); code != 200 {
		t.Fatalf("change: %d", code)
	}
	officer.call("GET", "/api/v1/cameras/cam001", nil, &cam)
	var src struct {
		Token string `json:"token"`
	}
	admin.call("POST", "/api/v1/sources", map[string]any{"name": "box", "area_id": rootArea(t, admin)}, &src)
	alarm, _ := http.NewRequest("POST", url0+"/api/v1/hooks/alarms", strings.NewReader(`{"kind":"fire","camera_id":"cam001"}`))
	alarm.Header.Set("Authorization", "Bearer "+src.Token)
	alarm.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(alarm)
	if err != nil || res.StatusCode != 201 {
		t.Fatalf("alarm: %v %v", err, res)
	}
	_ = res.Body.Close()
	at := time.Now()
	until(t, "what came after the alarm", func() bool {
		r := recorded("cam001")
		return len(r.Alerts) == 1 && len(r.Items[0].Ranges) > 0 && r.Items[0].Ranges[len(r.Items[0].Ranges)-1].To.After(at.Add(2*time.Second))
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	rec := record.New(record.Options{Disks: []string{filepath.Join(dir, "data", recordDir)}})
	if err := rec.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	if r, _ := rec.Find("cam001", streams.Main, at, at.Add(2*time.Second)); len(r) != 1 || r[0].To.Sub(r[0].From) < time.Second {
		t.Errorf("kept of the alarm: %v", r)
	}
}

func rootArea(t *testing.T, p *person) string {
	t.Helper()
	var list struct {
		Items []struct {
			ID       string `json:"id"`
			ParentID string `json:"parent_id"`
		} `json:"items"`
	}
	p.call("GET", "/api/v1/areas", nil, &list)
	for _, a := range list.Items {
		if a.ParentID == "" {
			return a.ID
		}
	}
	t.Fatal("no root area")
	return ""
}

// file gets something that is no JSON, and wants a header.
func (p *person) file(path, header string) []byte {
	p.t.Helper()
	req, err := http.NewRequest("GET", p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Cookie", p.cookie)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || res.Header.Get(header) == "" {
		p.t.Fatalf("%s: %s %v %s: %.200s", path, res.Status, err, res.Header, b)
	}
	return b
}

// probe decodes a film without a word of complaint.
func probe(t *testing.T, film []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "film.mp4")
	if err := os.WriteFile(name, film, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries", "stream=codec_name,nb_read_frames", "-of", "csv=p=0", name).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "h264,") || strings.Contains(string(out), "\n\n") {
		t.Errorf("ffprobe: %v: %s", err, out)
	}
}

// One alarm is raised for a disk that runs full, and one for it after it was well.
func TestDiskAlarms(t *testing.T) {
	a := openTestApp(t)
	w := newDiskWatch(a.desk, slog.New(slog.DiscardHandler))
	now := time.Now()
	w.now = func() time.Time { return now }
	low := record.DiskState{Path: "/disks/1", Free: 1 << 30, Total: 1 << 40, Low: true}
	well := low
	well.Low = false
	bad := low
	bad.Err = errors.New("no space left on device")
	count := func() (kinds []string) {
		list, _, err := a.desk.Alerts(t.Context(), alerts.System(), alerts.AlertFilter{Page: alerts.Page{Limit: 100}})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			if v.Count != 1 {
				t.Errorf("%s came %d times", v.Kind, v.Count)
			}
			kinds = append(kinds, v.Kind)
		}
		return kinds
	}
	for range 5 {
		w.take(low)
		w.take(bad)
	}
	if got := count(); len(got) != 2 {
		t.Errorf("alarms %v", got)
	}
	again := newDiskWatch(a.desk, slog.New(slog.DiscardHandler)) // after a restart
	again.now = w.now
	again.take(low)
	w.take(well)
	w.take(low)
	if got := count(); len(got) != 2 {
		t.Errorf("alarms on the same day %v", got)
	}
	now = now.Add(25 * time.Hour)
	w.take(well)
	w.take(low)
	if got := count(); len(got) != 3 {
		t.Errorf("alarms on the next day %v", got)
	}
}

// openTestApp is an app with its store, in a town of one area.
func openTestApp(t *testing.T) *app {
	t.Helper()
	set := config.Default()
	set.DataDir = t.TempDir()
	a, err := newApp(set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	if err := a.openStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	const areas = `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"town","name":"镇","level":"city"},
		"geometry":{"type":"Polygon","coordinates":[[[117,31],[118,31],[118,32],[117,32],[117,31]]]}}]}`
	if _, err := a.desk.ImportAreas(t.Context(), alerts.System(), strings.NewReader(areas), "geojson", alerts.WGS84); err != nil {
		t.Fatal(explain(err))
	}
	return a
}
