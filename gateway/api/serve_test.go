package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"
)

func principalFor(role alerts.Role, area string) auth.Principal {
	s := scope(role, area)
	return auth.Principal{Scope: s, User: alerts.User{ID: s.User, Role: role}}
}

func TestDashboard(t *testing.T) {
	w := newWorld(t)
	for path, c := range map[string]struct{ contains, contentType, cache string }{
		"/":                     {"<title>desk", "text/html; charset=utf-8", "no-cache"},
		"/index.html":           {"<title>desk", "text/html; charset=utf-8", "no-cache"},
		"/desk":                 {"<title>desk", "text/html; charset=utf-8", "no-cache"},
		"/wall/4/deep":          {"<title>desk", "text/html; charset=utf-8", "no-cache"},
		"/assets/app-1234.js":   {"console.log", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/mark.svg":             {"<svg", "image/svg+xml", "no-cache"},
		"/manifest.webmanifest": {"{}", "application/manifest+json", "no-cache"},
	} {
		a := w.call(t, "GET", path, nil, nil).want(t, 200)
		h := a.rec.Header()
		if !strings.Contains(a.rec.Body.String(), c.contains) || h.Get("Content-Type") != c.contentType || h.Get("Cache-Control") != c.cache {
			t.Errorf("%s: %v %.60s", path, h, a.rec.Body)
		}
		w.call(t, "GET", path, nil, nil, header("If-None-Match", h.Get("ETag"))).want(t, 304)
	}
	zipped := w.call(t, "GET", "/assets/app-1234.js", nil, nil, header("Accept-Encoding", "br, gzip")).want(t, 200)
	if zipped.rec.Header().Get("Content-Encoding") != "gzip" || !strings.HasPrefix(unzip(t, zipped.rec.Body.Bytes()), "console.log") {
		t.Errorf("%v", zipped.rec.Header())
	}
	if h := w.call(t, "HEAD", "/desk", nil, nil).want(t, 200); h.rec.Body.Len() != 0 {
		t.Error("HEAD has a body")
	}
	w.call(t, "GET", "/.hidden", nil, nil).want(t, 404)
	w.call(t, "GET", "/assets/..%2f.hidden", nil, nil).want(t, 404)
}

func unzip(t *testing.T, b []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestGeoJSON(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	for _, path := range []string{"/api/v1/areas.geojson", "/api/v1/grids.geojson", "/api/v1/basemap.geojson"} {
		a := w.call(t, "GET", path, cookie, nil, header("Accept-Encoding", "gzip")).want(t, 200)
		h := a.rec.Header()
		if h.Get("Content-Type") != "application/geo+json" || h.Get("ETag") == "" || h.Get("Cache-Control") != "private, no-cache" ||
			!strings.Contains(unzip(t, a.rec.Body.Bytes()), "FeatureCollection") {
			t.Errorf("%s: %v", path, h)
		}
		w.call(t, "GET", path, cookie, nil, header("If-None-Match", `"x", `+h.Get("ETag"))).want(t, 304)
		w.call(t, "GET", path, nil, nil, header("If-None-Match", h.Get("ETag"))).want(t, 401)
		if path != "/api/v1/basemap.geojson" {
			w.call(t, "GET", path, w.as(t, alerts.DutyOfficer, "west"), nil, header("If-None-Match", h.Get("ETag"))).want(t, 200)
		}
	}
}

func TestDocumentsAreBounded(t *testing.T) {
	c := newDocuments()
	for i := range 3 * documentsKept {
		first := c.of(fmt.Append(nil, i))
		if c.of(fmt.Append(nil, i)) != first {
			t.Error("the same content was kept twice")
		}
	}
	if len(c.kept) != documentsKept || len(c.order) != documentsKept {
		t.Errorf("%d are kept", len(c.kept))
	}
}

func TestOpenAPI(t *testing.T) {
	w := newWorld(t)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Summary     string
			OperationID string
			Tags        []string
			Responses   map[string]struct{ Content map[string]any }
			Parameters  []struct{ Name, In string }
			Access      string `json:"x-access"`
		}
	}
	if err := json.Unmarshal(w.call(t, "GET", "/api/openapi.json", nil, nil).want(t, 200).rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("version %s", doc.OpenAPI)
	}
	ids := map[string]bool{}
	for _, row := range routes() {
		if !strings.HasPrefix(row.path, "/api/v1/") || row.method == "OPTIONS" {
			continue
		}
		op, ok := doc.Paths[row.path][strings.ToLower(row.method)]
		if !ok || op.Summary == "" || len(op.Tags) != 1 || ids[op.OperationID] || op.Access != string(row.access) || len(op.Responses) < 2 {
			t.Errorf("%s: %+v", row.pattern(), op)
		}
		ids[op.OperationID] = true
		for _, name := range []string{"id", "session"} {
			has := false
			for _, p := range op.Parameters {
				has = has || p.In == "path" && p.Name == name
			}
			if has != strings.Contains(row.path, "{"+name+"}") {
				t.Errorf("%s: path parameters %+v", row.pattern(), op.Parameters)
			}
		}
		if _, ok := op.Responses["default"].Content["application/problem+json"]; !ok {
			t.Errorf("%s: errors are not described", row.pattern())
		}
	}
	alone, err := OpenAPI("test")
	if err != nil || !bytes.Contains(alone, []byte(`"openapi": "3.1`)) {
		t.Errorf("without a gateway: %v", err)
	}
}

// The page to try the API has no script or style from elsewhere, nor inline.
func TestDocs(t *testing.T) {
	w := newWorld(t)
	for path, contentType := range map[string]string{"/api/docs": "text/html; charset=utf-8", "/api/docs/docs.js": "text/javascript; charset=utf-8", "/api/docs/docs.css": "text/css; charset=utf-8"} {
		a := w.call(t, "GET", path, nil, nil).want(t, 200)
		body := a.rec.Body.String()
		if a.rec.Header().Get("Content-Type") != contentType || strings.Contains(body, "http://") || strings.Contains(body, "https://") || strings.Contains(body, "innerHTML") || strings.Contains(body, "<script>") {
			t.Errorf("%s: %v", path, a.rec.Header())
		}
	}
}

func TestOperations(t *testing.T) {
	w := newWorld(t)
	w.call(t, "GET", "/healthz", nil, nil).want(t, 200)
	w.call(t, "GET", "/readyz", nil, nil).want(t, 200)
	w.deps.Ready = func(context.Context) error { return errors.New("dsn with password=hunter2") }
	if a := w.call(t, "GET", "/readyz", nil, nil); strings.Contains(a.want(t, 503).rec.Body.String(), "hunter2") {
		t.Errorf("%s", a.rec.Body)
	}
	w.call(t, "GET", "/api/v1/cameras/cam-e", w.as(t, alerts.Leader, "east"), nil).want(t, 200)
	m := w.call(t, "GET", "/metrics", nil, nil).want(t, 200).rec.Body.String()
	if !strings.Contains(m, `sharpeyes_http_requests_total{route="GET /api/v1/cameras/{id}",status="200"} 1`) || strings.Contains(m, "cam-e") ||
		!strings.Contains(m, "sharpeyes_whep_sessions 0") || !strings.Contains(m, "sharpeyes_http_request_seconds") {
		t.Errorf("%s", m)
	}
	w.call(t, "GET", "/api/v1/live", w.as(t, alerts.Leader, "east"), nil).want(t, http.StatusTeapot)
}

func TestPanic(t *testing.T) {
	w := newWorld(t)
	w.deps.Status = func(string) CameraStatus { panic("status with secret=hunter2") }
	a := w.call(t, "GET", "/api/v1/cameras/cam-e", w.as(t, alerts.Leader, "east"), nil)
	p := a.problem(t, 500)
	if p.Kind != alerts.Internal || strings.Contains(a.rec.Body.String(), "hunter2") || !strings.Contains(p.Detail, a.rec.Header().Get("X-Request-Id")) {
		t.Errorf("%+v", p)
	}
	if n := strings.Count(w.log.String(), "handler panicked"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestAccessLogHasNoQuery(t *testing.T) {
	w := newWorld(t)
	w.call(t, "GET", "/api/v1/cameras?q=hunter2", w.as(t, alerts.Leader, "east"), nil).want(t, 200)
	w.call(t, "GET", "/api/v1/cameras?q=hunter2", nil, nil, bearer("hunter3")).want(t, 401)
	log := w.log.String()
	if strings.Contains(log, "hunter") || !strings.Contains(log, `route="GET /api/v1/cameras"`) || !strings.Contains(log, userID(alerts.Leader, "east")) {
		t.Errorf("%s", log)
	}
}

// Over a real connection: the WebSocket's handler gets the connection, and a
// body that stops half-way is answered.
func TestOverTheWire(t *testing.T) {
	w := newWorld(t)
	w.deps.Live = func(rw http.ResponseWriter, _ *http.Request) error {
		conn, buf, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello")
		return buf.Flush()
	}
	s := httptest.NewServer(w)
	defer s.Close()
	cookie := w.as(t, alerts.GridLeader, "east")
	send := func(text string, half ...bool) *http.Response {
		t.Helper()
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
			t.Fatal(err)
		}
		if len(half) > 0 {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	head := " HTTP/1.1\nHost: x\nCookie: " + cookie.Name + "=" + cookie.Value + "\n"
	if a := send("GET /api/v1/live" + head + "Connection: Upgrade\nUpgrade: websocket\n\n"); a.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("live: %s", a.Status)
	}
	a := send("POST /api/v1/incidents"+head+"Content-Type: multipart/form-data; boundary=b\nContent-Length: 500\n\n--b\nContent-Disposition: form-data; name=\"photos\"; filename=\"x\"\n\n\xff\xd8\xff", true)
	if a.StatusCode != http.StatusBadRequest {
		t.Errorf("cut short: %s", a.Status)
	}
	if n := w.keptPhotos(t); n != 0 {
		t.Errorf("%d photos are left", n)
	}
	if a := send("GET /api/v1/cameras/%00" + head + "\n"); a.StatusCode != http.StatusNotFound {
		t.Errorf("NUL in a path: %s", a.Status)
	}
}
