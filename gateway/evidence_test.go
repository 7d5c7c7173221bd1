package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/alerts/store/pgtest"
)

// A grid leader asks for a camera and a time, an officer approves, the clip lies on
// the case and plays, its package is whole, and what is done to one is found: on
// both stores, with the real record.
func TestEvidenceStory(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { evidenceStory(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) {
		var server pgtest.Server
		t.Cleanup(func() { _ = server.Close() })
		evidenceStory(t, server.URL(t))
	})
}

func evidenceStory(t *testing.T, storeURL string) {
	s := openStage(t, storeURL)
	s.build()
	s.recorded()
	admin, gridder, officer := s.actors["admin"], s.actors["gridder"], s.actors["village"]
	admin.makes("/cameras", map[string]any{"id": "cam1", "name": "路口", "lon": 118.897303, "lat": 31.896589, "fov_deg": 360, "range_m": 300, "main_url": "rtsp://10.0.0.9/1", "mode": "on_demand"})
	k := gridder.look(s.reported("e1", "hazard.gas", "有人撞坏了护栏").Incident.Number)
	if holds := all[desk.HoldView](officer, "/cases/"+k.ID+"/holds"); len(holds) != 1 || holds[0].Camera != "cam1" {
		t.Errorf("holds %+v: want the camera that sees the place", holds)
	}

	// 12:00:00.52 to 12:00:03 of the ring: pictures 13 to 74 of the film.
	window := map[string]any{"cameras": []string{"cam1"}, "from": "2026-03-04T12:00:00.520Z", "to": "2026-03-04T12:00:03Z", "reason": "看清车牌"}
	gridder.ask("POST", "/exports", map[string]any{"case_id": k.ID}).refused(http.StatusForbidden)
	r := gridder.ask("POST", "/cases/"+k.ID+"/clip-requests", window).want(http.StatusCreated)
	s.actors["other"].ask("POST", "/clip-requests/"+idOf(t, r)+"/approval", map[string]any{}).refused(http.StatusNotFound)
	done := read[desk.ClipRequestView](officer.ask("POST", "/clip-requests/"+idOf(t, r)+"/approval", map[string]any{}))
	x := officer.exported(done.ExportID)
	if x.State != alerts.ClipsDone || len(x.Clips) != 1 {
		t.Fatalf("export %+v", x)
	}
	list := all[desk.EvidenceView](gridder, "/cases/"+k.ID+"/evidence")
	if len(list) != 2 || list[0].Kind != alerts.EvidencePhoto || list[1].RequestID != done.ID || list[1].Frames != 62 || list[1].Codec != "h264" {
		t.Fatalf("evidence %+v: want the photo and the clip of 62 pictures", list)
	}
	clip := gridder.ask("GET", strings.TrimPrefix(list[1].URL, "/api/v1"), nil).want(http.StatusOK).body
	sum := sha256.Sum256(clip)
	name := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(name, clip, 0o600); err != nil || hex.EncodeToString(sum[:]) != list[1].SHA256 {
		t.Fatalf("the clip is not what was hashed: %v", err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,duration", "-of", "csv=p=0", name).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "2.480000,62" {
		t.Errorf("ffprobe reads %q, %v: want 62 pictures in 2.48 s", got, err)
	}
	copied := officer.ask("POST", "/evidence/"+list[1].ID+"/copy", map[string]any{"boxes": []map[string]float64{{"x": 0, "y": 0, "w": 0.5, "h": 0.5, "from_s": 0.5, "to_s": 2}}}).want(http.StatusCreated)
	if !bytes.Contains(copied.body, []byte(`"kind":"copy"`)) {
		t.Errorf("the copy is %s", copied.body)
	}
	s.checksPackages(k.ID)
	s.stop()
}

// recorded starts the gateway again over a ring that was recorded before: camera
// cam1 from 2026-03-04 12:00:00 UTC on.
func (s *stage) recorded() {
	s.t.Helper()
	s.stop()
	if err := os.CopyFS(filepath.Join(s.set.DataDir, recordDir), os.DirFS("../streams/clip/testdata/ring")); err != nil {
		s.t.Fatal(err)
	}
	s.run()
}

func idOf(t *testing.T, r reply) string {
	t.Helper()
	_, rest, ok := bytes.Cut(r.body, []byte(`"id":"`))
	id, _, more := bytes.Cut(rest, []byte(`"`))
	if !ok || !more {
		t.Fatalf("no id in %s", r.body)
	}
	return string(id)
}

func (a *actor) exported(id string) desk.ClipExportView {
	a.s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		v := read[desk.ClipExportView](a.ask("GET", "/exports/"+id, nil))
		if v.State.Over() {
			return v
		}
		if time.Now().After(deadline) {
			a.s.t.Fatalf("the export is %s for a minute", v.State)
		}
	}
}

// checksPackages has the command check the package of a case, as it is and with a
// byte changed.
func (s *stage) checksPackages(caseID string) {
	t := s.t
	t.Helper()
	officer := s.actors["village"]
	zip := officer.ask("GET", "/cases/"+caseID+"/evidence/package", nil).want(http.StatusOK).body
	key := officer.ask("GET", "/evidence/key", nil).want(http.StatusOK).body
	dir := t.TempDir()
	file, keyFile := filepath.Join(dir, "package.zip"), filepath.Join(dir, "key.json")
	write := func(name string, b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, zip)
	write(keyFile, key)
	var said strings.Builder
	if err := verifyPackage(&said, file, keyFile); err != nil || !strings.Contains(said.String(), "The package is whole.") {
		t.Errorf("verify: %v\n%s", err, said.String())
	}
	at := bytes.Index(zip, []byte("moov"))
	zip[at] ^= 1
	write(file, zip)
	said.Reset()
	if err := verifyPackage(&said, file, keyFile); err == nil || !strings.Contains(said.String(), "clips/002-cam1-20260304T120000Z.mp4 was changed") {
		t.Errorf("verify of a changed package: %v\n%s", err, said.String())
	}
	if err := verifyPackage(&said, filepath.Join(dir, "none.zip"), ""); err == nil {
		t.Error("a package that is not there is whole")
	}
	if err := verifyPackage(&said, file, file); err == nil || !strings.Contains(err.Error(), "--key") {
		t.Errorf("a key file that holds none: %v", err)
	}
}

// The key is made once, and a damaged one is refused.
func TestEvidenceKey(t *testing.T) {
	d := &dataDir{path: t.TempDir()}
	first, err := d.evidenceKey()
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.evidenceKey()
	if err != nil || !first.Equal(again) {
		t.Errorf("another key at the second start: %v", err)
	}
	if info, err := os.Stat(d.file("evidence.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	if err := os.WriteFile(d.file("evidence.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.evidenceKey(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key: %v", err)
	}
}

// A node keeps its name, and a host's odd one fits into an object's key.
func TestNodeName(t *testing.T) {
	d := &dataDir{path: t.TempDir()}
	first, err := d.nodeName()
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.nodeName()
	if err != nil || again != first || alerts.CheckObjectKey("evidence/k/x-0-0-"+first+".mp4") != nil {
		t.Errorf("named %q, then %q, %v", first, again, err)
	}
	other, err := (&dataDir{path: t.TempDir()}).nodeName()
	if err != nil || other == first {
		t.Errorf("two nodes of the name %q, %v", other, err)
	}
	for _, odd := range []string{"Up/../x", strings.Repeat("x", 100)} {
		if err := os.WriteFile(d.file("node"), []byte(odd), 0o600); err != nil {
			t.Fatal(err)
		}
		if name, err := d.nodeName(); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a file that holds %.10q: named %q, %v", odd, name, err)
		}
	}
}
