package api

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// reported sends a report as the area's grid leader and returns its case, as
// the area's officer sees it.
func (w *world) reported(t testing.TB, area string, direct bool) desk.CaseView {
	t.Helper()
	lon := map[string]float64{"east": 117.05, "west": 117.35}[area]
	r := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", w.as(t, alerts.GridLeader, area), map[string]any{
		"category": "hazard.gas", "text": "gas in the " + area, "lon": lon, "lat": 31.05, "direct": direct}).want(t, 201))
	return decode[desk.CaseView](t, w.call(t, "GET", "/api/v1/cases/"+r.Incident.Number, w.as(t, alerts.DutyOfficer, area), nil).want(t, 200))
}

// move makes a move on the version that the caller sees.
func (w *world) move(t testing.TB, cookie *http.Cookie, id string, body map[string]any, options ...func(*http.Request)) answer {
	t.Helper()
	tag := w.call(t, "GET", "/api/v1/cases/"+id, cookie, nil).want(t, 200).rec.Header().Get("ETag")
	return w.call(t, "POST", "/api/v1/cases/"+id+"/moves", cookie, body, append(options, header("If-Match", tag))...)
}

func actions(open []desk.MoveOption) (out []string) {
	for _, o := range open {
		out = append(out, string(o.Action))
	}
	return out
}

func TestMoveNeedsTheVersionSeen(t *testing.T) {
	w := newWorld(t)
	c := w.reported(t, "east", false)
	east := w.as(t, alerts.DutyOfficer, "east")
	a := w.call(t, "GET", "/api/v1/cases/"+c.ID, east, nil).want(t, 200)
	tag, path := a.rec.Header().Get("ETag"), "/api/v1/cases/"+c.ID+"/moves"
	if tag != caseTag(c.Version) {
		t.Fatalf("ETag %q of version %d", tag, c.Version)
	}
	file := map[string]any{"action": "file"}
	if p := w.call(t, "POST", path, east, file).problem(t, http.StatusPreconditionRequired); fields(p) != "If-Match" {
		t.Errorf("%+v", p)
	}
	for _, bad := range []string{"v1", "1", `"1"`, `W/"v1"`, `"v1", "v2"`, "*", `"v01"`, `"v-1"`, `"v"`, `"v99999999999999999999"`, `"`, `"v`, `"v1`, `v1"`} {
		w.call(t, "POST", path, east, file, header("If-Match", bad)).problem(t, http.StatusUnprocessableEntity)
	}
	moved := w.call(t, "POST", path, east, file, header("If-Match", tag)).want(t, 200)
	now := decode[desk.CaseView](t, moved)
	if now.Step != alerts.StepFile || moved.rec.Header().Get("ETag") != caseTag(now.Version) || now.Version <= c.Version || len(now.Open) == 0 {
		t.Errorf("%s", moved.rec.Body)
	}
	// Somebody else was not fast enough, and is told who was.
	late := w.call(t, "POST", path, w.as(t, alerts.Leader, "east"), map[string]any{"action": "refuse", "reason": "x"}, header("If-Match", tag))
	p := late.problem(t, http.StatusPreconditionFailed)
	if p.Kind != alerts.Conflict || !strings.Contains(p.Detail, string(alerts.DutyOfficer)) || !strings.Contains(p.Detail, `"file"`) ||
		late.rec.Header().Get("ETag") != caseTag(now.Version) || !slices.Contains(actions(p.OpenMoves), "assign") {
		t.Errorf("%+v, ETag %q", p, late.rec.Header().Get("ETag"))
	}
	// He was told what he may do, and has read nothing of the case.
	for _, e := range w.recorded(t, alerts.AuditRead) {
		if e.UserID == userID(alerts.Leader, "east") {
			t.Errorf("a refusal counts as a reading: %+v", e)
		}
	}
}

func TestRefusedMoveTellsWhatIsOpen(t *testing.T) {
	w := newWorld(t)
	c := w.reported(t, "east", false)
	p := w.move(t, w.as(t, alerts.DutyOfficer, "east"), c.ID, map[string]any{"action": "close", "outcome": "solved", "text": "x"}).problem(t, 409)
	if !strings.Contains(p.Detail, `"report"`) || !slices.Contains(actions(p.OpenMoves), "file") || slices.Contains(actions(p.OpenMoves), "close") {
		t.Errorf("%+v", p)
	}
	p = w.move(t, w.as(t, alerts.GridLeader, "east"), c.ID, map[string]any{"action": "file"}).problem(t, 403)
	if !strings.Contains(p.Detail, `"file"`) || !slices.Equal(actions(p.OpenMoves), []string{"feed_back"}) {
		t.Errorf("%+v", p)
	}
	// What lies outside the sight stays outside, also in refusals.
	w.call(t, "POST", "/api/v1/cases/"+c.ID+"/moves", w.signed(t, "gas"), map[string]any{"action": "file"}, header("If-Match", caseTag(c.Version))).problem(t, 404)
	p = w.move(t, w.as(t, alerts.DutyOfficer, "east"), c.ID, map[string]any{"action": "refuse"}).problem(t, 422)
	if fields(p) != "reason" || p.OpenMoves != nil {
		t.Errorf("%+v", p)
	}
	w.move(t, w.as(t, alerts.DutyOfficer, "east"), c.ID, map[string]any{"action": "vanish"}).problem(t, 422)
	w.move(t, w.as(t, alerts.DutyOfficer, "east"), c.ID, map[string]any{"action": "remind"}).problem(t, 422)
}

func TestMoveAndCommentOnceForAKey(t *testing.T) {
	w := newWorld(t)
	c := w.reported(t, "east", false)
	east, path := w.as(t, alerts.DutyOfficer, "east"), "/api/v1/cases/"+c.ID
	key := header("Idempotency-Key", "k-1")
	old := header("If-Match", caseTag(c.Version))
	first := decode[desk.CaseView](t, w.call(t, "POST", path+"/moves", east, map[string]any{"action": "file"}, key, old).want(t, 200))
	again := decode[desk.CaseView](t, w.call(t, "POST", path+"/moves", east, map[string]any{"action": "file"}, key, old).want(t, 200))
	if first.Version != again.Version || again.Step != alerts.StepFile {
		t.Errorf("version %d, then %d", first.Version, again.Version)
	}
	w.call(t, "POST", path+"/moves", east, map[string]any{"action": "refuse", "reason": "x"}, key, old).problem(t, 409)
	key = header("Idempotency-Key", "k-2")
	one := decode[desk.CommentView](t, w.call(t, "POST", path+"/comments", east, map[string]any{"text": "who goes?"}, key).want(t, 201))
	two := decode[desk.CommentView](t, w.call(t, "POST", path+"/comments", east, map[string]any{"text": "who goes?"}, key).want(t, 200))
	list := decode[List[desk.CommentView]](t, w.call(t, "GET", path+"/comments", east, nil).want(t, 200))
	if one.ID != two.ID || len(list.Items) != 1 || list.Items[0].Text != "who goes?" {
		t.Errorf("%+v, %+v, %+v", one, two, list)
	}
	for _, bad := range []string{"", strings.Repeat("k", 129), "a b", "ü"} {
		if bad == "" {
			continue // an empty header is none
		}
		w.call(t, "POST", path+"/comments", east, map[string]any{"text": "x"}, header("Idempotency-Key", bad)).problem(t, 422)
	}
}

func TestFilesOfACase(t *testing.T) {
	w := newWorld(t)
	c := w.reported(t, "east", false)
	east, path := w.as(t, alerts.DutyOfficer, "east"), "/api/v1/cases/"+c.ID+"/attachments"
	send := func(cookie *http.Cookie, field string, files ...[]byte) answer {
		t.Helper()
		var b bytes.Buffer
		for _, f := range files {
			b.WriteString("--edge\r\nContent-Disposition: form-data; name=\"" + field + "\"; filename=\"../../x.php\"\r\n\r\n")
			b.Write(f)
			b.WriteString("\r\n")
		}
		b.WriteString("--edge--\r\n")
		return w.call(t, "POST", path, cookie, b.Bytes(), header("Content-Type", attachedType))
	}
	original := geotagged(t)
	v := decode[desk.AttachmentView](t, send(east, "file", original).want(t, 201))
	shown := w.call(t, "GET", v.URL, east, nil).want(t, 200)
	if bytes.Contains(shown.rec.Body.Bytes(), []byte("GPS")) || shown.rec.Header().Get("Content-Type") != "image/jpeg" ||
		!strings.Contains(shown.rec.Header().Get("Cache-Control"), "private") {
		t.Errorf("%v, %d bytes", shown.rec.Header(), shown.rec.Body.Len())
	}
	w.call(t, "GET", v.Thumb, east, nil).want(t, 200)
	w.call(t, "GET", v.URL+"?size=huge", east, nil).problem(t, 422)
	if raw, err := os.ReadFile(must[[]string](t)(filepath.Glob(filepath.Join(w.dir, "*", "*", "*", v.ID, "original")))[0]); err != nil || !bytes.Equal(raw, original) {
		t.Errorf("the original is %d bytes, %v", len(raw), err)
	}
	list := decode[List[desk.AttachmentView]](t, w.call(t, "GET", path, east, nil).want(t, 200))
	if len(list.Items) != 1 || list.Items[0].SHA256 != v.SHA256 || list.Items[0].URL != "/api/v1/attachments/"+v.ID {
		t.Errorf("%+v", list)
	}
	// Sent again under its key it is the same file.
	key := header("Idempotency-Key", "file-1")
	again := func(status int, file []byte) answer {
		return w.call(t, "POST", path, east, attachedHead+string(file)+attachedTail, header("Content-Type", attachedType), key).want(t, status)
	}
	once, kept := decode[desk.AttachmentView](t, again(201, tinyPNG(t))), w.keptPhotos(t)
	if twice := decode[desk.AttachmentView](t, again(200, tinyPNG(t))); twice != once || w.keptPhotos(t) != kept {
		t.Errorf("%+v, then %+v", once, twice)
	}
	again(409, original)
	// A file is seen by who sees its case, and by no other road.
	w.call(t, "GET", v.URL, w.as(t, alerts.DutyOfficer, "west"), nil).problem(t, 404)
	w.call(t, "GET", v.URL, w.signed(t, "gas"), nil).problem(t, 404)
	w.call(t, "GET", v.URL, w.as(t, alerts.Admin, "city"), nil).problem(t, 403)
	w.call(t, "GET", "/api/v1/photos/"+v.ID, east, nil).problem(t, 404)

	before := w.keptPhotos(t)
	for name, a := range map[string]answer{
		"no file":      send(east, "file"),
		"two files":    send(east, "file", tinyPNG(t), tinyPNG(t)),
		"other field":  send(east, "photo", tinyPNG(t)),
		"no picture":   send(east, "file", []byte("<svg onload=alert(1)>")),
		"nobody's":     send(w.signed(t, "roads"), "file", tinyPNG(t)),
		"of the west":  send(w.as(t, alerts.DutyOfficer, "west"), "file", tinyPNG(t)),
		"of JSON":      w.call(t, "POST", path, east, map[string]any{"file": "x"}),
		"cut short":    w.call(t, "POST", path, east, attachedHead+string(tinyPNG(t)), header("Content-Type", attachedType)),
		"no boundary":  w.call(t, "POST", path, east, attachedHead, header("Content-Type", "multipart/form-data")),
		"of no case":   w.call(t, "POST", "/api/v1/cases/none/attachments", east, attachedHead+string(tinyPNG(t))+attachedTail, header("Content-Type", attachedType)),
		"of an archiv": send(w.as(t, alerts.Auditor, "city"), "file", tinyPNG(t)),
	} {
		if a.rec.Code < 400 || a.rec.Code >= 500 {
			t.Errorf("%s: %d", name, a.rec.Code)
		}
	}
	if after := w.keptPhotos(t); after != before {
		t.Errorf("%d photos are left of what was refused", after-before)
	}
}

func TestListsOfCases(t *testing.T) {
	w := newWorld(t)
	east, west := w.reported(t, "east", false), w.reported(t, "west", true)
	city := w.as(t, alerts.DutyOfficer, "city")
	w.move(t, city, west.ID, map[string]any{"action": "assign", "department": "gas"}).want(t, 200)
	for query, want := range map[string]string{
		"": "EW", "area=east": "E", "area=city": "EW", "holder=city": "W", "holder=v1": "E", "grid=g4": "W", "category=hazard": "EW",
		"category=hazard.gas": "EW", "category=dispute": "", "severity=critical": "W", "step=report": "E", "step=assign": "W", "outcome=solved": "",
		"open=true": "EW", "open=false": "", "direct=true": "W", "direct=false": "E", "department=gas": "W", "department=roads": "",
		"person=u-gas": "", "overdue=true": "", "overdue=false": "EW", "supervised=true": "", "q=gas+in+the+east": "E", "q=" + east.Code: "E",
		"since=2000-01-01T00:00:00Z": "EW", "until=2000-01-01T00:00:00Z": "", "sort=opened": "EW", "sort=due": "EW", "sort=severity": "EW",
	} {
		got := ""
		for _, v := range decode[List[desk.CaseView]](t, w.call(t, "GET", "/api/v1/cases?"+query, city, nil).want(t, 200)).Items {
			got += map[string]string{east.ID: "E", west.ID: "W"}[v.ID]
		}
		if got != want && got != reversed(want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for _, sort := range []string{"updated", "opened", "due", "severity"} {
		first := decode[List[desk.CaseView]](t, w.call(t, "GET", "/api/v1/cases?limit=1&sort="+sort, city, nil).want(t, 200))
		second := decode[List[desk.CaseView]](t, w.call(t, "GET", "/api/v1/cases?limit=1&sort="+sort+"&cursor="+first.NextCursor, city, nil).want(t, 200))
		if len(first.Items) != 1 || len(second.Items) != 1 || first.Items[0].ID == second.Items[0].ID || second.NextCursor != "" {
			t.Errorf("%s: %+v, then %+v", sort, first, second)
		}
	}
	for _, bad := range []string{"sort=code", "step=gone", "severity=worst", "open=perhaps", "direct=1x", "limit=0", "limit=1001", "cursor=x", "since=now",
		"reporter=u", "q=" + strings.Repeat("x", 101), "area=" + strings.Repeat("a", 65)} {
		w.call(t, "GET", "/api/v1/cases?"+bad, city, nil).problem(t, 422)
	}
	for name, n := range map[string]int{"gas": 1, "roads": 0} {
		if list := decode[List[desk.CaseView]](t, w.call(t, "GET", "/api/v1/cases", w.signed(t, name), nil).want(t, 200)); len(list.Items) != n {
			t.Errorf("%s sees %d cases, want %d", name, len(list.Items), n)
		}
	}
	if list := decode[List[desk.IncidentView]](t, w.call(t, "GET", "/api/v1/cases/"+west.ID+"/incidents", w.signed(t, "gas"), nil).want(t, 200)); len(list.Items) != 1 {
		t.Errorf("%d incidents", len(list.Items))
	}
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func TestCountsAndExportOfCases(t *testing.T) {
	w := newWorld(t)
	c, _ := w.reported(t, "east", true), w.reported(t, "west", false)
	city := w.as(t, alerts.Leader, "city")
	for by, want := range map[string]int{"step": 2, "severity": 2, "category": 1, "area": 2, "grid": 2, "holder": 2, "department": 1, "day": 1} {
		list := decode[List[desk.CaseCountView]](t, w.call(t, "GET", "/api/v1/cases/counts?by="+by, city, nil).want(t, 200))
		total := int64(0)
		for _, v := range list.Items {
			total += v.Total
		}
		if total != 2 && by != "department" || len(list.Items) > want {
			t.Errorf("by %s: %+v", by, list.Items)
		}
	}
	list := decode[List[desk.CaseCountView]](t, w.call(t, "GET", "/api/v1/cases/counts?by=area&direct=true", city, nil).want(t, 200))
	if len(list.Items) != 1 || list.Items[0].Direct != 1 || list.Items[0].Name != "一村" {
		t.Errorf("%+v", list.Items)
	}
	w.call(t, "GET", "/api/v1/cases/counts", city, nil).problem(t, 422)
	w.call(t, "GET", "/api/v1/cases/counts?by=reporter", city, nil).problem(t, 422)
	for format, read := range map[string]func(testing.TB, answer) [][]string{"csv": csvRows, "xlsx": xlsxRows} {
		rows := read(t, w.call(t, "GET", "/api/v1/cases/export?format="+format+"&direct=true", city, nil).want(t, 200))
		if len(rows) != 2 || rows[0][0] != "案卷编号" || rows[1][0] != c.Code || rows[1][1] != "案卷建立" || rows[1][6] != "是" || rows[1][11] != "柳河市" {
			t.Errorf("%s: %q", format, rows)
		}
		if strings.Contains(strings.Join(rows[1], "|"), "grid_leader") {
			t.Errorf("%s names the reporter: %q", format, rows[1])
		}
	}
}

func FuzzIfMatch(f *testing.F) {
	for _, tag := range []string{`"v1"`, `W/"v1"`, "*", `"v01"`, `"v18446744073709551616"`, "", `"v1", "v2"`, "\"v\x00\""} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		if n, err := versionOf(tag); err == nil && (n < 0 || caseTag(n) != strings.TrimSpace(tag)) {
			t.Errorf("%q is version %d", tag, n)
		}
	})
}

// FuzzAttachment sends any body as a form with a file: it is taken whole, or
// refused with a problem, and then nothing is kept.
func FuzzAttachment(f *testing.F) {
	w := newWorld(f)
	c := w.reported(f, "east", false)
	east, path := w.as(f, alerts.DutyOfficer, "east"), "/api/v1/cases/"+c.ID+"/attachments"
	png := string(tinyPNG(f))
	for _, body := range []string{"", attachedHead + png + attachedTail, attachedHead + png, attachedHead + attachedTail, attachedHead + "GIF89a" + attachedTail,
		"--edge--", attachedHead + png + "\r\n" + attachedHead + png + attachedTail} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		before := w.keptPhotos(t)
		a := w.call(t, "POST", path, east, body, header("Content-Type", attachedType))
		if a.rec.Code >= 500 || a.rec.Code < 201 {
			t.Fatalf("%d: %s", a.rec.Code, a.rec.Body)
		}
		if a.rec.Code >= 400 && w.keptPhotos(t) != before {
			t.Fatal("what was refused is kept")
		}
	})
}
