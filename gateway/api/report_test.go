package api

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sharpeyes/alerts"
)

func tinyPNG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 4))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// geotagged is a JPEG with a position in its EXIF.
func geotagged(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 16, 8)), nil); err != nil {
		t.Fatal(err)
	}
	body := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00GPS 31.2304N 121.4737E")
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return bytes.Join([][]byte{b.Bytes()[:2], segment, body, b.Bytes()[2:]}, nil)
}

// form builds a multipart body; fields as name, value; photos follow.
func form(t testing.TB, fields []string, photos ...[]byte) (io.Reader, func(*http.Request)) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := m.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range photos {
		w, err := m.CreateFormFile(photosField, fmt.Sprintf("../../%d.php", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, header("Content-Type", m.FormDataContentType())
}

func sound() []string {
	return []string{"category", "hazard.gas", "text", "燃气味", "lon", "117.05", "lat", "31.05", "accuracy_m", "12.5", "address", "河边路", "direct", "true"}
}

// keptPhotos counts the photos on disk.
func (w *world) keptPhotos(t testing.TB) int {
	t.Helper()
	n := 0
	if _, err := os.Stat(w.dir); errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "original" {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReportAsJSON(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.GridLeader, "east")
	body := map[string]any{"category": "hazard.gas", "text": "smell of gas", "lon": 117.05, "lat": 31.05}
	a := w.call(t, "POST", "/api/v1/incidents", cookie, body).want(t, 201)
	r := decode[Reported](t, a)
	if r.Incident.GridID != "g1" || r.Receipt.Number != r.Incident.Number || r.Receipt.Hash == "" || r.Incident.Channel != alerts.ByGridLeader {
		t.Errorf("%s", a.rec.Body)
	}
	if strings.Contains(a.rec.Body.String(), userID(alerts.GridLeader, "east")) {
		t.Error("the answer names the reporter")
	}
	w.call(t, "GET", "/api/v1/incidents/"+r.Incident.ID, cookie, nil).want(t, 200)
	for body, field := range map[string]string{
		`{"category":"hazard.gas","text":"x","lon":117.05}`:                                   "lat",
		`{"category":"hazard.gas","text":"x","lon":"117","lat":31}`:                           "lon",
		`{"category":"hazard.gas","text":"x","lon":117.05,"lat":31.05,"reporter":"me"}`:       "reporter",
		`{"category":"hazard.gas","text":"x","lon":117.05,"lat":31.05,"system":"mars"}`:       "system",
		`{"category":"none","text":"x","lon":117.05,"lat":31.05}`:                             "category",
		`{"category":"hazard.gas","text":"","lon":117.05,"lat":31.05}`:                        "text",
		`{"category":"hazard.gas","text":"x","lon":117.05,"lat":31.05,"Key":"k"}`:             "Key",
		`{"category":"hazard.gas","text":"x","lon":117.05,"lat":31.05,"photos":[{"id":"x"}]}`: "photos",
	} {
		p := w.call(t, "POST", "/api/v1/incidents", cookie, body, header("Content-Type", "application/json")).problem(t, 422)
		if fields(p) != field {
			t.Errorf("%s: %+v", body, p)
		}
	}
	w.call(t, "POST", "/api/v1/incidents", cookie, "{", header("Content-Type", "application/json")).want(t, 400)
	w.call(t, "POST", "/api/v1/incidents", cookie, "null", header("Content-Type", "application/json")).want(t, 422)
	w.call(t, "POST", "/api/v1/incidents", cookie, "[1]", header("Content-Type", "application/json")).want(t, 422)
	w.call(t, "POST", "/api/v1/incidents", cookie, "{}", header("Content-Type", "text/plain")).want(t, 415)
	w.call(t, "POST", "/api/v1/incidents", cookie, "{}").want(t, 415)
	w.call(t, "POST", "/api/v1/incidents", cookie, `{"text":"`+strings.Repeat("a", smallBody)+`"}`, header("Content-Type", "application/json")).want(t, 413)
}

func TestReportWithPhotos(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.GridLeader, "east")
	body, ct := form(t, sound(), geotagged(t), tinyPNG(t))
	r := decode[Reported](t, w.call(t, "POST", "/api/v1/incidents", cookie, body, ct).want(t, 201))
	if len(r.Incident.Photos) != 2 || !r.Incident.Direct || r.Incident.Accuracy != 12.5 || r.Incident.Address != "河边路" || r.Incident.Photos[0].Width != 16 {
		t.Fatalf("%+v", r.Incident)
	}
	for _, url := range []string{r.Incident.Photos[0].URL, r.Incident.Photos[0].ThumbURL, r.Incident.Photos[1].URL} {
		a := w.call(t, "GET", url, cookie, nil).want(t, 200)
		if _, err := jpeg.Decode(bytes.NewReader(a.rec.Body.Bytes())); err != nil || a.rec.Header().Get("Content-Type") != "image/jpeg" {
			t.Errorf("%s: %v %v", url, err, a.rec.Header())
		}
		if strings.Contains(a.rec.Body.String(), "GPS 31") || strings.Contains(a.rec.Body.String(), "Exif") {
			t.Errorf("%s shows where the phone was", url)
		}
		if cc := a.rec.Header().Get("Cache-Control"); !strings.HasPrefix(cc, "private") {
			t.Errorf("%s: Cache-Control %q", url, cc)
		}
		w.call(t, "GET", url, cookie, nil, header("If-None-Match", a.rec.Header().Get("ETag"))).want(t, 304)
		w.call(t, "GET", url, w.as(t, alerts.GridLeader, "west"), nil, header("If-None-Match", a.rec.Header().Get("ETag"))).want(t, 404)
	}
	w.call(t, "GET", r.Incident.Photos[0].URL+"?size=original", cookie, nil).want(t, 422)
}

func TestReportFormFaults(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.GridLeader, "east")
	seven := [][]byte{tinyPNG(t), tinyPNG(t), tinyPNG(t), tinyPNG(t), tinyPNG(t), tinyPNG(t), tinyPNG(t)}
	for name, c := range map[string]struct {
		fields []string
		photos [][]byte
		status int
		fault  string
	}{
		"nothing":       {nil, nil, 422, "category text lon lat"},
		"unknown":       {append(sound(), "reporter_id", "boss"), nil, 422, "reporter_id"},
		"twice":         {append(sound(), "text", "again"), nil, 422, "text"},
		"no number":     {append(sound()[:4], "lon", "east", "lat", "NaN"), nil, 422, "lon lat"},
		"infinite":      {append(sound()[:4], "lon", "+Inf", "lat", "1e999"), nil, 422, "lon lat"},
		"no boolean":    {append(sound()[:12], "direct", "maybe"), nil, 422, "direct"},
		"system":        {append(sound(), "system", "mars"), nil, 422, "system"},
		"not UTF-8":     {append(sound()[:8], "address", "\xff\xfe"), nil, 422, "address"},
		"long field":    {append(sound()[:8], "address", strings.Repeat("a", fieldBytes+1)), nil, 413, ""},
		"many parts":    {append(sound(), make([]string, 80)...), nil, 413, ""},
		"seven photos":  {sound(), seven, 422, "photos"},
		"an SVG":        {sound(), [][]byte{tinyPNG(t), []byte("<svg onload=alert(1)>")}, 415, "photos[1]"},
		"a GIF":         {sound(), [][]byte{[]byte("GIF89a\x01\x00\x01\x00")}, 415, "photos[0]"},
		"damaged":       {sound(), [][]byte{tinyPNG(t)[:20]}, 422, "photos[0]"},
		"too large":     {sound(), [][]byte{append([]byte("\xff\xd8\xff"), make([]byte, photoBytes)...)}, 413, "photos[0]"},
		"outside areas": {[]string{"category", "hazard.gas", "text", "x", "lon", "0", "lat", "0"}, [][]byte{tinyPNG(t)}, 422, "lon"},
	} {
		t.Run(name, func(t *testing.T) {
			body, ct := form(t, c.fields, c.photos...)
			p := w.call(t, "POST", "/api/v1/incidents", cookie, body, ct).problem(t, c.status)
			if c.fault != "" && c.fault != "lon" && fields(p) != c.fault {
				t.Errorf("%+v, want %s", p, c.fault)
			}
			if n := w.keptPhotos(t); n != 0 {
				t.Errorf("%d photos are left", n)
			}
		})
	}
	body, _ := form(t, sound(), tinyPNG(t))
	all, _ := io.ReadAll(body)
	for n := 1; n < len(all)-4; n += 17 {
		w.call(t, "POST", "/api/v1/incidents", cookie, all[:n], header("Content-Type", "multipart/form-data; boundary="+string(all[2:62]))).want(t, 400)
	}
	w.call(t, "POST", "/api/v1/incidents", cookie, all, header("Content-Type", "multipart/form-data")).want(t, 415)
	if n := w.keptPhotos(t); n != 0 {
		t.Errorf("%d photos are left", n)
	}
}

func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.GridLeader, "east")
	send := func(key string, who *http.Cookie, fields []string, photos ...[]byte) answer {
		body, ct := form(t, fields, photos...)
		return w.call(t, "POST", "/api/v1/incidents", who, body, ct, header("Idempotency-Key", key))
	}
	first := send("k-1", cookie, sound(), tinyPNG(t)).want(t, 201)
	again := send("k-1", cookie, sound(), tinyPNG(t)).want(t, 200)
	if first.rec.Body.String() != again.rec.Body.String() {
		t.Errorf("%s\n%s", first.rec.Body, again.rec.Body)
	}
	if n := w.keptPhotos(t); n != 1 {
		t.Errorf("%d photos are kept, want 1", n)
	}
	if p := send("k-1", cookie, append(sound()[:12], "direct", "false"), tinyPNG(t)).problem(t, 409); p.Kind != alerts.Conflict {
		t.Errorf("%+v", p)
	}
	send("k-1", cookie, sound(), geotagged(t)).want(t, 409)
	if n := w.keptPhotos(t); n != 1 {
		t.Errorf("%d photos are kept, want 1", n)
	}
	// Keys are each user's own.
	send("k-1", w.as(t, alerts.Leader, "east"), sound(), tinyPNG(t)).want(t, 201)
	send(strings.Repeat("k", 128), cookie, sound()).want(t, 201)
	for _, key := range []string{strings.Repeat("k", 129), "with space", "schlüssel", "tab\t"} {
		if p := send(key, cookie, sound()).problem(t, 422); fields(p) != "Idempotency-Key" {
			t.Errorf("%q: %+v", key, p)
		}
	}
	list := decode[List[any]](t, w.call(t, "GET", "/api/v1/incidents?mine=true", cookie, nil))
	if len(list.Items) != 2 {
		t.Errorf("%d incidents", len(list.Items))
	}
}

func TestUploadsAtOnce(t *testing.T) {
	u := newUploads()
	var release []func()
	for range uploadsOfUser {
		release = append(release, must[func()](t)(u.begin("li")))
	}
	if _, err := u.begin("li"); alerts.KindOf(err) != alerts.TooMany {
		t.Errorf("got %v", err)
	}
	for i := range uploadsAtOnce - uploadsOfUser {
		release = append(release, must[func()](t)(u.begin(fmt.Sprint(i))))
	}
	if _, err := u.begin("wang"); alerts.KindOf(err) != alerts.TooMany {
		t.Errorf("got %v", err)
	}
	for _, fn := range release {
		fn()
	}
	if u.all != 0 || len(u.users) != 0 {
		t.Errorf("%d and %v are left", u.all, u.users)
	}
}

func FuzzReportForm(f *testing.F) {
	w := newWorld(f)
	cookie := w.as(f, alerts.GridLeader, "east")
	body, _ := form(f, sound(), tinyPNG(f))
	all, _ := io.ReadAll(body)
	f.Add(strings.ReplaceAll(string(all), string(all[2:62]), "b"))
	f.Add("--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nx\r\n--b--\r\n")
	f.Add("--b\r\n\r\n--b--")
	f.Add("--b\r\nContent-Disposition: form-data; name=\"photos\"; filename=\"../../x\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=FF=D8=FF\r\n--b--\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		a := w.call(t, "POST", "/api/v1/incidents", cookie, body, header("Content-Type", "multipart/form-data; boundary=b"))
		if a.rec.Code >= 500 {
			t.Errorf("%d: %s", a.rec.Code, a.rec.Body)
		}
	})
}
