package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/fresh"
	"sharpeyes/gateway/auth"
	"sharpeyes/gateway/photos"

	"go.uber.org/goleak"
	"golang.org/x/crypto/argon2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "correct horse battery"

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// bus hands events on at once.
type bus struct {
	mu   sync.Mutex
	subs map[int]func(alerts.Event)
	next int
}

func (b *bus) Publish(_ context.Context, e alerts.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fn := range b.subs {
		fn(e)
	}
	return nil
}

func (b *bus) Subscribe(fn func(alerts.Event)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.next
	b.next++
	b.subs[n] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, n)
	}
}

func (b *bus) Close() error { return nil }

// world is an API over a real store, desk, auth and photos, in a city of two
// townships: east with the village v1 and the camera cam-e, west with v4 and
// cam-w. Every role has an account in each, named as role-area, and v4 has an
// officer, named far; the departments gas and roads of the city have a handler
// each, named as they are.
type world struct {
	*API
	store   *store.Store
	desk    *desk.Desk
	auth    *auth.Auth
	video   *video
	stills  *stills
	photos  *photos.Album
	skew    atomic.Int64 // by which the clocks of auth and desk are ahead
	dir     string       // of photos
	log     *logs
	mu      sync.Mutex
	cookies map[string]*http.Cookie
}

func square(west float64) alerts.MultiPolygon {
	return alerts.MultiPolygon{{{{Lon: west, Lat: 31}, {Lon: west + .1, Lat: 31}, {Lon: west + .1, Lat: 31.1}, {Lon: west, Lat: 31.1}, {Lon: west, Lat: 31}}}}
}

func paths(area string) string {
	return map[string]string{"city": "/city/", "east": "/city/east/", "west": "/city/west/"}[area]
}

func scope(role alerts.Role, area string) alerts.Scope {
	return alerts.Scope{User: userID(role, area), Role: role, Paths: []string{paths(area)}}
}

func userID(role alerts.Role, area string) string { return fmt.Sprintf("u-%s-%s", role, area) }

// weakHash is a real argon2id hash of password that costs little.
func weakHash() string {
	salt := []byte("0123456789abcdef")
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", e.EncodeToString(salt),
		e.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)))
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	s := must[*store.Store](t)(store.Open(ctx, store.Options{Path: fresh.File(t)}))
	t.Cleanup(func() { _ = s.Close() })
	err := s.Write(ctx, func(tx alerts.Tx) error { return fill(tx) })
	if err != nil {
		t.Fatal(err)
	}
	b := &bus{subs: make(map[int]func(alerts.Event))}
	dir := filepath.Join(t.TempDir(), "photos")
	w := &world{store: s, desk: desk.New(s, b), auth: auth.New(s, b), video: newVideo(), stills: &stills{},
		photos: photos.New(dir), dir: dir, log: &logs{}, cookies: make(map[string]*http.Cookie)}
	w.desk.Categories = []alerts.Category{{Code: "hazard.gas", Name: "燃气隐患", NameEn: "Gas", Group: "hazard", Severity: alerts.High}}
	w.desk.Vault = must[desk.Vault](t)(desk.NewVault(desk.RandomKey()))
	if err := w.desk.Open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.desk.Close() })
	w.auth.Sources = w.desk
	clock := func() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }
	w.auth.Clock, w.desk.Clock = clock, clock
	w.auth.Every = 10 * time.Millisecond
	if err := w.auth.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.auth.Close)
	admin := scope(alerts.Admin, "city")
	for id, lon := range map[string]float64{"cam-e": 117.05, "cam-w": 117.35} {
		_, err := w.desk.CreateCamera(ctx, admin, desk.CameraInput{ID: id, Name: "Camera " + id, Lon: lon, Lat: 31.05, FOV: 360,
			Range: 500, MainURL: "rtsp://10.0.0.9:554/" + id, Username: "viewer", Password: "camera-secret"})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.API = must[*API](t)(New(Deps{Desk: w.desk, Auth: w.auth, Photos: w.photos, Video: w.video, Stills: w.stills, Log: w.log.logger(),
		BaseMap: []byte(`{"type":"FeatureCollection","features":[]}`), Version: "test",
		Live: func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusTeapot); return nil },
		Dashboard: fstest.MapFS{
			"index.html":           {Data: []byte("<!doctype html><title>desk</title>")},
			"assets/app-1234.js":   {Data: []byte(strings.Repeat("console.log('app');\n", 200))},
			"assets/font.woff2":    {Data: []byte("wOF2....")},
			"mark.svg":             {Data: []byte("<svg/>")},
			".hidden":              {Data: []byte("secret")},
			"manifest.webmanifest": {Data: []byte("{}")},
		}}))
	t.Cleanup(w.API.Close)
	return w
}

func fill(tx alerts.Tx) error {
	for _, a := range []alerts.Area{
		{ID: "city", Name: "柳河市", Level: alerts.City},
		{ID: "east", ParentID: "city", Name: "东镇", Level: alerts.Township, Shape: square(117)},
		{ID: "west", ParentID: "city", Name: "西镇", Level: alerts.Township, Shape: square(117.3)},
		{ID: "v1", ParentID: "east", Name: "一村", Level: alerts.Village, Shape: square(117)},
		{ID: "v4", ParentID: "west", Name: "四村", Level: alerts.Village, Shape: square(117.3)},
	} {
		if err := tx.SaveArea(a); err != nil {
			return err
		}
	}
	for _, g := range []alerts.Grid{
		{ID: "g1", AreaID: "v1", Name: "1", Kind: alerts.Street, Households: 300, Shape: square(117)},
		{ID: "g4", AreaID: "v4", Name: "4", Kind: alerts.Street, Households: 300, Shape: square(117.3)},
	} {
		if err := tx.SaveGrid(g); err != nil {
			return err
		}
	}
	hash := weakHash()
	for _, id := range []string{"gas", "roads"} {
		if err := tx.SaveDepartment(alerts.Department{ID: id, AreaID: "city", Name: id}); err != nil {
			return err
		}
		u := alerts.User{ID: "u-" + id, Username: id, Name: "handler of " + id, Role: alerts.Handler, AreaID: "city", DepartmentID: id,
			PasswordHash: hash, SessionsFrom: time.Now()}
		if err := tx.SaveUser(u); err != nil {
			return err
		}
	}
	far := alerts.User{ID: "u-far", Username: "far", Name: "officer of v4", Role: alerts.DutyOfficer, AreaID: "v4", PasswordHash: hash, SessionsFrom: time.Now()}
	if err := tx.SaveUser(far); err != nil {
		return err
	}
	for _, role := range alerts.Roles {
		for _, area := range []string{"city", "east", "west"} {
			u := alerts.User{ID: userID(role, area), Username: fmt.Sprintf("%s-%s", role, area), Name: string(role), Role: role,
				AreaID: area, PasswordHash: hash, SessionsFrom: time.Now()}
			if err := tx.SaveUser(u); err != nil {
				return err
			}
		}
	}
	return nil
}

// as signs an account in, once, and returns its cookie.
func (w *world) as(t testing.TB, role alerts.Role, area string) *http.Cookie {
	t.Helper()
	return w.signed(t, fmt.Sprintf("%s-%s", role, area))
}

// signed signs an account in by its name.
func (w *world) signed(t testing.TB, name string) *http.Cookie {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.cookies[name]; c != nil {
		return c
	}
	a := w.call(t, "POST", "/api/v1/session", nil, map[string]string{"username": name, "password": password})
	a.want(t, http.StatusOK)
	w.cookies[name] = a.rec.Result().Cookies()[0]
	return w.cookies[name]
}

// answer is what a call got.
type answer struct {
	rec *httptest.ResponseRecorder
	req *http.Request
}

// call sends a request. Bodies: nil, a string or []byte as it is, an io.Reader,
// or a value as JSON. Options change the request.
func (w *world) call(t testing.TB, method, path string, cookie *http.Cookie, body any, options ...func(*http.Request)) answer {
	t.Helper()
	var r io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	case io.Reader:
		r = b
	default:
		j, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r, contentType = bytes.NewReader(j), "application/json"
	}
	req := httptest.NewRequest(method, path, r)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	for _, o := range options {
		o(req)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, req)
	a := answer{rec, req}
	a.wantSane(t)
	return a
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// wantSane checks what holds for every answer: headers, and problem documents
// for every error.
func (a answer) wantSane(t testing.TB) {
	t.Helper()
	h := a.rec.Header()
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" || h.Get("X-Request-Id") == "" {
		t.Errorf("%s %s: headers %v", a.req.Method, a.req.URL, h)
	}
	if strings.HasPrefix(a.req.URL.Path, "/api/") && !strings.Contains(h.Get("Cache-Control"), "no-") {
		t.Errorf("%s %s: Cache-Control %q", a.req.Method, a.req.URL, h.Get("Cache-Control"))
	}
	if a.rec.Code < 400 || a.rec.Code == http.StatusTeapot {
		return
	}
	var p map[string]any
	if err := json.Unmarshal(a.rec.Body.Bytes(), &p); err != nil || h.Get("Content-Type") != "application/problem+json" ||
		p["status"] != float64(a.rec.Code) || p["title"] == "" || p["detail"] == "" || p["kind"] == "" || p["type"] != "about:blank" {
		t.Errorf("%s %s: %d is no problem document: %s %s", a.req.Method, a.req.URL, a.rec.Code, h.Get("Content-Type"), a.rec.Body)
	}
}

func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.rec.Code != status {
		t.Fatalf("%s %s: %d, want %d: %.500s", a.req.Method, a.req.URL, a.rec.Code, status, a.rec.Body)
	}
	return a
}

// problem returns the problem document, with the given status.
func (a answer) problem(t testing.TB, status int) Problem {
	t.Helper()
	a.want(t, status)
	return decode[Problem](t, a)
}

func decode[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%s %s: %v: %.500s", a.req.Method, a.req.URL, err, a.rec.Body)
	}
	return v
}

func fields(p Problem) string {
	var out []string
	for _, f := range p.Errors {
		out = append(out, f.Field)
	}
	return strings.Join(out, " ")
}

// video is a Video without pictures.
type video struct {
	mu    sync.Mutex
	err   error
	hasty bool // viewers end before they are returned
	open  map[*viewer]bool
	asked []ViewRequest
}

type viewer struct {
	v      *video
	req    ViewRequest
	patch  string
	closed chan struct{}
	once   sync.Once
}

func newVideo() *video { return &video{open: make(map[*viewer]bool)} }

func (v *video) Open(_ context.Context, req ViewRequest) (Viewer, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, req)
	if v.err != nil {
		return nil, v.err
	}
	n := &viewer{v: v, req: req, closed: make(chan struct{})}
	if v.hasty {
		n.once.Do(func() { close(n.closed); req.Ended() })
		return n, nil
	}
	v.open[n] = true
	return n, nil
}

func (v *video) Prepare(_ context.Context, offer string, ended func()) (Prepared, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return nil, v.err
	}
	n := &viewer{v: v, req: ViewRequest{Offer: offer, Ended: ended}, closed: make(chan struct{})}
	v.open[n] = true
	return n, nil
}

func (v *video) fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
}

// only returns the one open viewer.
func (v *video) only(t testing.TB) *viewer {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.open) != 1 {
		t.Fatalf("%d viewers are open", len(v.open))
	}
	for n := range v.open {
		return n
	}
	return nil
}

func (n *viewer) Show(_ context.Context, camera, profile string, confirm func(string) error) (Viewer, error) {
	n.v.mu.Lock()
	defer n.v.mu.Unlock()
	if n.v.err != nil {
		return nil, n.v.err
	}
	if err := confirm(profile); err != nil {
		return nil, err
	}
	n.req.Camera, n.req.Profile = camera, profile
	return n, nil
}

func (n *viewer) Answer() string  { return "v=0 answer to " + n.req.Offer }
func (n *viewer) Profile() string { return n.req.Profile }
func (n *viewer) Codec() string   { return "H265" }

// Transcoded is true of the main stream.
func (n *viewer) Transcoded() bool { return n.req.Profile == "main" }

func (n *viewer) Patch(_ context.Context, fragment string) (string, error) {
	n.v.mu.Lock()
	defer n.v.mu.Unlock()
	n.patch = fragment
	switch {
	case strings.Contains(fragment, "restart"):
		return "a=ice-ufrag:new", nil
	case strings.Contains(fragment, "bad"):
		return "", alerts.Errorf(alerts.Invalid, "malformed fragment")
	}
	return "", nil
}

// Close ends the viewer as the real one does: Ended is called from within.
func (n *viewer) Close() {
	n.once.Do(func() {
		n.v.mu.Lock()
		delete(n.v.open, n)
		n.v.mu.Unlock()
		close(n.closed)
		n.req.Ended()
	})
}

func (n *viewer) wantClosed(t testing.TB) {
	t.Helper()
	select {
	case <-n.closed:
	case <-time.After(patience):
		t.Error("the viewer goes on")
	}
}
