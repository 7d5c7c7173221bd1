package api

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/alerts/evidence"
	"sharpeyes/gateway/objects"
)

// record is a desk.Clipper whose footage is a text: camera cam-w has none.
type record struct {
	mu   sync.Mutex
	pins map[string]string
	next int
}

func (r *record) Cut(_ context.Context, camera, profile string, from, to time.Time, take func(desk.Clip) error) error {
	if camera == "cam-w" {
		return alerts.Errorf(alerts.NotFound, "nothing was recorded")
	}
	body := fmt.Sprintf("footage of %s, %s, %v to %v", camera, profile, from, to)
	return take(desk.Clip{Footage: alerts.Footage{ActualFrom: from, ActualTo: to, Frames: 25, Codec: "h264"}, Bytes: int64(len(body)), MediaType: "video/mp4",
		Write: func(_ context.Context, w io.Writer, progress func(done, total int64)) error {
			_, err := io.WriteString(w, body)
			progress(int64(len(body)), int64(len(body)))
			return err
		}})
}

func (r *record) Pin(camera string, _, _, _ time.Time, _ string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	id := fmt.Sprint("pin", r.next)
	r.pins[id] = camera
	return id, nil
}

func (r *record) Unpin(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pins, id)
	return nil
}

// stamper is a desk.Marker.
type stamper struct{}

func (stamper) Mark(_ context.Context, in io.Reader, m desk.Marking, out io.Writer) error {
	_, err := io.Copy(out, io.MultiReader(strings.NewReader(m.Label+strings.Join(m.Lines, "|")), in))
	return err
}

// evidence gives a desk what evidence needs.
func (w *world) evidence(t testing.TB) {
	t.Helper()
	kept, err := objects.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.desk.Clipper, w.desk.Objects, w.desk.Photos, w.desk.Marker = &record{pins: map[string]string{}}, kept, w.photos, stamper{}
	w.photos.Originals = kept
	w.desk.Signer = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	if err := w.desk.StartCutting(t.Context(), func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
}

// clipWindow is a time that footage is asked of.
const clipWindow = `"from":"2026-03-04T12:00:00Z","to":"2026-03-04T12:01:00Z"`

func order(caseID, camera string) string {
	return `{"case_id":"` + caseID + `","cameras":[{"id":"` + camera + `"}],` + clipWindow + `,"purpose":"the case"}`
}

var asJSON = header("Content-Type", "application/json")

// exported waits until an export is over.
func (w *world) exported(t testing.TB, cookie *http.Cookie, id string) desk.ClipExportView {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		v := decode[desk.ClipExportView](t, w.call(t, "GET", "/api/v1/exports/"+id, cookie, nil).want(t, 200))
		if v.State.Over() {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("the export is %s for a minute", v.State)
		}
	}
}

func (w *world) evidenceIDs(t *testing.T, ids map[string]string) {
	t.Helper()
	officer, leader := w.as(t, alerts.DutyOfficer, "east"), w.as(t, alerts.GridLeader, "east")
	ask := func() string {
		return decode[desk.ClipRequestView](t, w.call(t, "POST", "/api/v1/cases/"+ids["case"]+"/clip-requests", leader,
			`{"cameras":["cam-e"],`+clipWindow+`,"reason":"x"}`, asJSON).want(t, 201)).ID
	}
	x := decode[desk.ClipExportView](t, w.call(t, "POST", "/api/v1/exports", officer, order(ids["case"], "cam-e"), asJSON).want(t, 202))
	if x = w.exported(t, officer, x.ID); x.State != alerts.ClipsDone || len(x.Clips) != 1 {
		t.Fatalf("export %+v", x)
	}
	ids["export"], ids["evidence"], ids["request"], ids["request2"] = x.ID, x.Clips[0].EvidenceID, ask(), ask()
	holds := decode[List[desk.HoldView]](t, w.call(t, "GET", "/api/v1/cases/"+ids["case"]+"/holds", officer, nil).want(t, 200)).Items
	if len(holds) != 1 || holds[0].Camera != "cam-e" {
		t.Fatalf("holds %+v: want one of the camera that sees the place", holds)
	}
	ids["hold"] = holds[0].ID
}

// aCase reports an incident in the east and returns its case.
func (w *world) aCase(t *testing.T) desk.CaseView {
	t.Helper()
	reporter := w.as(t, alerts.GridLeader, "east")
	body, typ := form(t, []string{"category", "hazard.gas", "text", "x", "lon", "117.05", "lat", "31.05"}, tinyPNG(t))
	inc := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", reporter, body, typ).want(t, 201)).Incident
	return decode[desk.CaseView](t, w.call(t, "GET", "/api/v1/cases/"+inc.Number, reporter, nil).want(t, 200))
}

func TestOrderClips(t *testing.T) {
	w := newWorld(t)
	w.evidence(t)
	k := w.aCase(t)
	officer := w.as(t, alerts.DutyOfficer, "east")
	key := header("Idempotency-Key", "k1")
	first := decode[desk.ClipExportView](t, w.call(t, "POST", "/api/v1/exports", officer, order(k.Code, "cam-e"), asJSON, key).want(t, 202))
	again := decode[desk.ClipExportView](t, w.call(t, "POST", "/api/v1/exports", officer, order(k.Code, "cam-e"), asJSON, key).want(t, 202))
	if first.ID != again.ID {
		t.Error("the same key made two exports")
	}
	done := w.exported(t, officer, first.ID)
	if done.State != alerts.ClipsDone || done.Progress != 1 || len(done.Clips) != 1 || len(done.Already) != 0 || done.Bytes == 0 {
		t.Errorf("export %+v", done)
	}
	more := decode[desk.ClipExportView](t, w.call(t, "POST", "/api/v1/exports", officer, order(k.ID, "cam-e"), asJSON).want(t, 202))
	if len(more.Already) != 1 || more.Already[0].EvidenceID != done.Clips[0].EvidenceID {
		t.Errorf("it is not said that it was exported already: %+v", more)
	}
	if more = w.exported(t, officer, more.ID); more.State != alerts.ClipsDone || len(more.Clips) != 0 {
		t.Errorf("the same was cut twice: %+v", more)
	}
	for what, c := range map[string]struct {
		role       alerts.Role
		area, body string
		status     int
		field      string
	}{
		"another's camera":   {alerts.DutyOfficer, "east", order(k.ID, "cam-w"), 422, "cameras"},
		"a case elsewhere":   {alerts.DutyOfficer, "west", order(k.ID, "cam-w"), 404, ""},
		"no right":           {alerts.Leader, "east", order(k.ID, "cam-e"), 403, ""},
		"a grid leader":      {alerts.GridLeader, "east", order(k.ID, "cam-e"), 403, ""},
		"a camera twice":     {alerts.DutyOfficer, "east", strings.Replace(order(k.ID, "cam-e"), `[{"id":"cam-e"}]`, `[{"id":"cam-e"},{"id":"cam-e"}]`, 1), 422, "cameras"},
		"the other way":      {alerts.DutyOfficer, "east", strings.Replace(order(k.ID, "cam-e"), "12:01:00", "11:59:00", 1), 422, "to"},
		"five hours":         {alerts.DutyOfficer, "east", strings.Replace(order(k.ID, "cam-e"), "12:01:00", "17:01:00", 1), 422, "to"},
		"what is not yet":    {alerts.DutyOfficer, "east", strings.ReplaceAll(order(k.ID, "cam-e"), "2026-03", "2100-03"), 422, "to"},
		"without a purpose":  {alerts.DutyOfficer, "east", strings.Replace(order(k.ID, "cam-e"), "the case", " ", 1), 422, "purpose"},
		"without any camera": {alerts.DutyOfficer, "east", strings.Replace(order(k.ID, "cam-e"), `[{"id":"cam-e"}]`, `[]`, 1), 422, ""},
	} {
		p := w.call(t, "POST", "/api/v1/exports", w.as(t, c.role, c.area), c.body, asJSON).problem(t, c.status)
		if c.field != "" && fields(p) != c.field {
			t.Errorf("%s: faults in %q, want %q", what, fields(p), c.field)
		}
	}
	city := w.as(t, alerts.DutyOfficer, "city")
	none := decode[desk.ClipExportView](t, w.call(t, "POST", "/api/v1/exports", city, order(k.ID, "cam-w"), asJSON).want(t, 202))
	if none = w.exported(t, city, none.ID); none.State != alerts.ClipsFailed || !strings.Contains(none.Error, "cam-w: nothing was recorded") {
		t.Errorf("an export of nothing: %+v", none)
	}
	w.call(t, "DELETE", "/api/v1/exports/"+first.ID, officer, nil).problem(t, 409)
}

func TestEvidenceFile(t *testing.T) {
	w := newWorld(t)
	w.evidence(t)
	k := w.aCase(t)
	officer := w.as(t, alerts.DutyOfficer, "east")
	x := decode[desk.ClipExportView](t, w.call(t, "POST", "/api/v1/exports", officer, order(k.ID, "cam-e"), asJSON).want(t, 202))
	w.exported(t, officer, x.ID)
	list := decode[List[desk.EvidenceView]](t, w.call(t, "GET", "/api/v1/cases/"+k.ID+"/evidence", officer, nil).want(t, 200)).Items
	if len(list) != 2 || list[0].Kind != alerts.EvidencePhoto || list[0].SHA256 == "" || list[1].Kind != alerts.EvidenceClip {
		t.Fatalf("evidence %+v: want the photo, then the clip", list)
	}
	e := list[1]
	whole := w.call(t, "GET", e.URL, officer, nil).want(t, 200)
	sum := sha256.Sum256(whole.rec.Body.Bytes())
	if hex.EncodeToString(sum[:]) != e.SHA256 || whole.rec.Header().Get("Content-Type") != "video/mp4" || whole.rec.Header().Get("Accept-Ranges") != "bytes" {
		t.Errorf("the file is not what was hashed: %v", whole.rec.Header())
	}
	part := w.call(t, "GET", e.URL, officer, nil, header("Range", "bytes=5-9")).want(t, 206)
	if got, want := part.rec.Body.String(), whole.rec.Body.String()[5:10]; got != want {
		t.Errorf("part %q, want %q", got, want)
	}
	tag := whole.rec.Header().Get("ETag")
	if got := w.call(t, "GET", e.URL, officer, nil, header("Range", "bytes=3-"), header("If-Range", tag)).want(t, 206).rec.Body.Len(); got != whole.rec.Body.Len()-3 {
		t.Errorf("resumed with %d bytes", got)
	}
	w.call(t, "GET", e.URL, w.as(t, alerts.DutyOfficer, "west"), nil).problem(t, 404)
	w.call(t, "GET", e.URL, w.as(t, alerts.GridLeader, "east"), nil).want(t, 200) // a party to the case

	ok := decode[desk.VerifyView](t, w.call(t, "POST", "/api/v1/evidence/"+e.ID+"/verify", officer, nil).want(t, 200))
	if !ok.OK || len(ok.Findings) != 0 {
		t.Errorf("verify: %+v", ok)
	}
	photo := "/api/v1/evidence/" + list[0].ID + "/verify"
	if v := decode[desk.VerifyView](t, w.call(t, "POST", photo, officer, nil).want(t, 200)); !v.OK {
		t.Errorf("verify of the photo: %+v", v)
	}
	w.call(t, "POST", photo, w.as(t, alerts.DutyOfficer, "west"), nil).problem(t, 404)
	copied := decode[desk.EvidenceView](t, w.call(t, "POST", "/api/v1/evidence/"+e.ID+"/copy", officer, `{"boxes":[{"x":0.1,"y":0.1,"w":0.5,"h":0.5,"from_s":1,"to_s":1.5}]}`, asJSON).want(t, 201))
	if copied.Kind != alerts.EvidenceCopy || copied.Of != e.ID || copied.N != 3 || !strings.Contains(copied.FileName, "COPY") {
		t.Errorf("copy %+v", copied)
	}
	if body := w.call(t, "GET", copied.URL, officer, nil).want(t, 200).rec.Body.String(); !strings.HasPrefix(body, "COPY") || !strings.Contains(body, k.Code) {
		t.Errorf("the copy says %q", body)
	}
	for _, body := range []string{`{"watermark":false}`, `{"boxes":[{"x":0.9,"y":0,"w":0.2,"h":0.1}]}`, `{"boxes":[{"x":0,"y":0,"w":0,"h":0.1}]}`,
		`{"boxes":[{"x":0,"y":0,"w":1,"h":1,"from_s":2,"to_s":1}]}`, `{"boxes":[{"x":0,"y":0,"w":1,"h":1,"from_s":36000}]}`} {
		w.call(t, "POST", "/api/v1/evidence/"+e.ID+"/copy", officer, body, asJSON).problem(t, 422)
	}
	w.call(t, "POST", "/api/v1/evidence/"+copied.ID+"/copy", officer, `{}`, asJSON).problem(t, 409)
	// Somebody changes the file on the disk.
	key := must[alerts.Evidence](t)(w.store.Evidence(t.Context(), e.ID)).Object
	if err := w.desk.Objects.Remove(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	gone := decode[desk.VerifyView](t, w.call(t, "POST", "/api/v1/evidence/"+e.ID+"/verify", officer, nil).want(t, 200))
	if gone.OK || len(gone.Findings) != 1 || gone.Findings[0] != "the file is missing" {
		t.Errorf("verify without the file: %+v", gone)
	}
	if _, err := w.desk.Objects.Put(t.Context(), key, strings.NewReader(strings.Repeat("x", whole.rec.Body.Len()))); err != nil {
		t.Fatal(err)
	}
	changed := decode[desk.VerifyView](t, w.call(t, "POST", "/api/v1/evidence/"+e.ID+"/verify", officer, nil).want(t, 200))
	if changed.OK || len(changed.Findings) != 1 || !strings.Contains(changed.Findings[0], "the file was changed") {
		t.Errorf("verify of a changed file: %+v", changed)
	}
}

func TestEvidencePackage(t *testing.T) {
	w := newWorld(t)
	w.evidence(t)
	k := w.aCase(t)
	officer := w.as(t, alerts.DutyOfficer, "east")
	x := decode[desk.ClipExportView](t, w.call(t, "POST", "/api/v1/exports", officer, order(k.ID, "cam-e"), asJSON).want(t, 202))
	w.exported(t, officer, x.ID)
	a := w.call(t, "GET", "/api/v1/cases/"+k.ID+"/evidence/package", officer, nil).want(t, 200)
	b := a.rec.Body.Bytes()
	key := must[ed25519.PublicKey](t)(evidence.ParseKey(w.call(t, "GET", "/api/v1/evidence/key", nil, nil).want(t, 200).rec.Body.Bytes()))
	r := evidence.Verify(bytes.NewReader(b), int64(len(b)), key)
	if !r.OK() || !r.Trusted || r.Files != 3 || r.Manifest.Case.Code != k.Code || len(r.Manifest.Items) != 2 || r.Manifest.Items[0].Copy == nil {
		t.Errorf("findings %q, %d files, manifest %+v", r.Findings, r.Files, r.Manifest)
	}
	z := must[*zip.Reader](t)(zip.NewReader(bytes.NewReader(b), int64(len(b))))
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "manifest.json signature.json README.txt photos/001-copy.jpg clips/002-cam-e-20260304T120000Z.mp4"; got != want {
		t.Errorf("the package holds %s, want %s", got, want)
	}
}

func TestClipRequests(t *testing.T) {
	w := newWorld(t)
	w.evidence(t)
	k := w.aCase(t)
	leader, officer := w.as(t, alerts.GridLeader, "east"), w.as(t, alerts.DutyOfficer, "east")
	path := "/api/v1/cases/" + k.ID + "/clip-requests"
	ask := `{"cameras":["cam-e"],` + clipWindow + `,"reason":"who drove\naway"}`
	r := decode[desk.ClipRequestView](t, w.call(t, "POST", path, leader, ask, asJSON).want(t, 201))
	w.call(t, "POST", path, leader, strings.Replace(ask, "cam-e", "cam-w", 1), asJSON).problem(t, 422)
	w.call(t, "POST", path, officer, ask, asJSON).problem(t, 403) // he has the right himself
	w.call(t, "POST", path, w.as(t, alerts.GridLeader, "west"), ask, asJSON).problem(t, 404)
	for who, want := range map[*http.Cookie]int{leader: 1, officer: 1, w.as(t, alerts.DutyOfficer, "west"): 0, w.as(t, alerts.GridLeader, "west"): 0} {
		list := decode[List[desk.ClipRequestView]](t, w.call(t, "GET", "/api/v1/clip-requests?state=open&case_id="+k.ID, who, nil).want(t, 200)).Items
		if len(list) != want {
			t.Errorf("%d requests are listed, want %d", len(list), want)
		}
	}
	w.call(t, "POST", "/api/v1/clip-requests/"+r.ID+"/approval", leader, `{}`, asJSON).problem(t, 403)
	w.call(t, "POST", "/api/v1/clip-requests/"+r.ID+"/approval", w.as(t, alerts.DutyOfficer, "west"), `{}`, asJSON).problem(t, 404)
	done := decode[desk.ClipRequestView](t, w.call(t, "POST", "/api/v1/clip-requests/"+r.ID+"/approval", officer, `{"note":"ok"}`, asJSON).want(t, 200))
	if done.State != alerts.RequestApproved || done.ExportID == "" || done.Answer != "ok" || done.AnsweredBy == "" {
		t.Fatalf("approved %+v", done)
	}
	x := w.exported(t, officer, done.ExportID)
	if len(x.Clips) != 1 || !x.Clips[0].From.Equal(r.From) || !x.Clips[0].To.Equal(r.To) || x.RequestID != r.ID || x.Purpose != "who drove away" {
		t.Errorf("export %+v: want exactly the window that was asked for", x)
	}
	// It lies on the case, for who asked.
	list := decode[List[desk.EvidenceView]](t, w.call(t, "GET", "/api/v1/cases/"+k.ID+"/evidence", leader, nil).want(t, 200)).Items
	if at := slices.IndexFunc(list, func(e desk.EvidenceView) bool { return e.Kind == alerts.EvidenceClip }); at < 0 || list[at].RequestID != r.ID {
		t.Errorf("evidence %+v", list)
	}
	w.call(t, "POST", "/api/v1/clip-requests/"+r.ID+"/refusal", officer, `{"reason":"x"}`, asJSON).problem(t, 409)
	second := decode[desk.ClipRequestView](t, w.call(t, "POST", path, leader, ask, asJSON).want(t, 201))
	no := decode[desk.ClipRequestView](t, w.call(t, "POST", "/api/v1/clip-requests/"+second.ID+"/refusal", officer, `{"reason":"not needed"}`, asJSON).want(t, 200))
	if no.State != alerts.RequestRefused || no.Answer != "not needed" || no.ExportID != "" {
		t.Errorf("refused %+v", no)
	}
}

func TestHolds(t *testing.T) {
	w := newWorld(t)
	w.evidence(t)
	k := w.aCase(t)
	officer := w.as(t, alerts.DutyOfficer, "east")
	pinned := func(want bool) desk.HoldView {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			list := decode[List[desk.HoldView]](t, w.call(t, "GET", "/api/v1/cases/"+k.ID+"/holds", officer, nil).want(t, 200)).Items
			if len(list) == 1 && list[0].Pinned == want {
				return list[0]
			}
			if time.Now().After(deadline) {
				t.Fatalf("holds %+v: nobody has woken the worker", list)
			}
		}
	}
	h := pinned(true)
	if h.Camera != "cam-e" || !h.From.Equal(k.OpenedAt.Add(-30*time.Minute)) || !h.To.Equal(k.OpenedAt.Add(30*time.Minute)) {
		t.Errorf("hold %+v", h)
	}
	path := "/api/v1/holds/" + h.ID + "/review"
	w.call(t, "POST", path, officer, `{"until":"2000-01-01T00:00:00Z","reason":"x"}`, asJSON).problem(t, 422)
	w.call(t, "POST", path, w.as(t, alerts.DutyOfficer, "west"), `{"reason":"x"}`, asJSON).problem(t, 404)
	later := time.Now().Add(200 * 24 * time.Hour).UTC().Truncate(time.Second)
	v := decode[desk.HoldView](t, w.call(t, "POST", path, officer, map[string]any{"until": later, "reason": "the court asks"}).want(t, 200))
	if !v.Until.Equal(later) || v.Why != "the court asks" || v.ReviewedBy == "" {
		t.Errorf("reviewed %+v", v)
	}
	w.call(t, "POST", path, officer, `{"reason":"not needed"}`, asJSON).want(t, 200)
	if h = pinned(false); h.ReleasedAt == nil || h.Why != "not needed" {
		t.Errorf("released %+v", h)
	}
	r := w.desk.Clipper.(*record)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		left := len(r.pins)
		r.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d pins are left", left)
		}
	}
	w.call(t, "POST", path, officer, `{"reason":"x"}`, asJSON).problem(t, 409)
}
