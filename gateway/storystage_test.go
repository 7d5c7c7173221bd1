package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/configs"
	"sharpeyes/gateway/config"
)

// The stage is a gateway as serve runs it, from an empty data folder and an
// empty store: what happens on it happens through its HTTP and its socket. Its
// clock is set by the test; the gateway is restarted when it jumps, so that
// every timeout is one that survived a restart.
type stage struct {
	t      *testing.T
	set    config.Config
	spare  int64 // bytes of the reserve on the disk; 0: its default
	clock  stageClock
	app    *app
	stop   func()
	actors map[string]*actor
}

// stageClock runs on from a Tuesday morning, and can be put forward.
type stageClock struct {
	start   time.Time
	forward atomic.Int64
}

var stageMorning = time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))

func (c *stageClock) now() time.Time {
	return stageMorning.Add(time.Since(c.start) + time.Duration(c.forward.Load()))
}

// openStage starts a gateway that nobody has used before.
func openStage(t *testing.T, storeURL string) *stage {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, ignore)
	})
	return openStageIn(t, t.TempDir(), storeURL, 0)
}

// openStageIn starts it in an empty folder, with a reserve of some bytes.
func openStageIn(t *testing.T, dir, storeURL string, spare int64) *stage {
	t.Helper()
	set := config.Default()
	set.DataDir, set.Store.URL = dir, storeURL
	set.HTTP.Listen, set.WebRTC.UDPListen, set.WebRTC.TCPListen = freeAddress(t), "127.0.0.1:0", "127.0.0.1:0"
	set.Log.Level = "error"
	s := &stage{t: t, set: set, spare: spare, clock: stageClock{start: time.Now()}, actors: make(map[string]*actor)}
	s.run()
	t.Cleanup(func() { s.stop() })
	return s
}

// run starts the gateway and returns when it answers.
func (s *stage) run() {
	s.t.Helper()
	a, err := newApp(s.set)
	if err != nil {
		s.t.Fatal(err)
	}
	a.reserveSize, a.reserveEvery = s.spare, 20*time.Millisecond
	fail := func(err error) {
		if err != nil {
			a.close()
			s.t.Fatal(err)
		}
	}
	fail(a.listen())
	fail(a.openStore(s.t.Context()))
	a.desk.Clock = s.clock.now
	_, err = a.auth.EnsureAdmin(s.t.Context(), stagePassword)
	fail(err)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.serve(ctx, func(string) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		fail(err)
	}
	s.app = a
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		a.close()
		s.stop = func() {}
	}
}

// later stops the gateway and starts it when the clock shows t.
func (s *stage) later(t time.Time) {
	s.t.Helper()
	s.stop()
	if ahead := t.Sub(s.clock.now()); ahead > 0 {
		s.clock.forward.Add(int64(ahead))
	}
	s.run()
}

func (s *stage) url() string { return "http://" + s.set.HTTP.Listen }

const stagePassword = "a password for the stage"

// actor is somebody who is signed in.
type actor struct {
	s      *stage
	id     string // of the account
	name   string
	cookie string
}

// enters signs an account in.
func (s *stage) enters(username string) *actor {
	s.t.Helper()
	body, _ := json.Marshal(map[string]string{"username": username, "password": stagePassword})
	res, err := http.Post(s.url()+"/api/v1/session", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var me struct {
		User struct{ ID, Name string }
	}
	if err := json.NewDecoder(res.Body).Decode(&me); err != nil || len(res.Cookies()) != 1 {
		s.t.Fatalf("%s cannot sign in: %s, %v", username, res.Status, err)
	}
	a := &actor{s: s, id: me.User.ID, name: me.User.Name, cookie: res.Cookies()[0].Name + "=" + res.Cookies()[0].Value}
	s.actors[username] = a
	return a
}

// reply is what an actor got.
type reply struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

// ask sends a request; a body that is no reader goes as JSON, headers come in
// pairs.
func (a *actor) ask(method, path string, body any, headers ...string) reply {
	a.s.t.Helper()
	var r io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			a.s.t.Fatal(err)
		}
		r, contentType = bytes.NewReader(raw), "application/json"
	}
	req, err := http.NewRequest(method, a.s.url()+"/api/v1"+path, r)
	if err != nil {
		a.s.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if a.cookie != "" {
		req.Header.Set("Cookie", a.cookie)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		a.s.t.Fatal(err)
	}
	return reply{a.s.t, a.name + ": " + method + " " + path, res.StatusCode, res.Header, raw}
}

func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: %d, want %d: %.800s", r.what, r.status, status, r.body)
	}
	return r
}

// refused checks a problem document, and returns what it says.
func (r reply) refused(status int) string {
	r.t.Helper()
	r.want(status)
	if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
		r.t.Fatalf("%s: %s", r.what, ct)
	}
	return string(r.body)
}

func read[T any](r reply) T {
	r.t.Helper()
	var v T
	if err := json.Unmarshal(r.want(http.StatusOK).body, &v); err != nil {
		r.t.Fatalf("%s: %v: %.500s", r.what, err, r.body)
	}
	return v
}

type listed2[T any] struct{ Items []T }

// all reads a list.
func all[T any](a *actor, path string) []T {
	a.s.t.Helper()
	return read[listed2[T]](a.ask("GET", path, nil)).Items
}

// look reads a case.
func (a *actor) look(id string) desk.CaseView {
	a.s.t.Helper()
	return read[desk.CaseView](a.ask("GET", "/cases/"+id, nil))
}

// tries makes a move on the case as it is now.
func (a *actor) tries(id string, action alerts.Action, with map[string]any) reply {
	a.s.t.Helper()
	tag := a.ask("GET", "/cases/"+id, nil).want(http.StatusOK).header.Get("ETag")
	body := map[string]any{"action": action}
	maps.Copy(body, with)
	return a.ask("POST", "/cases/"+id+"/moves", body, "If-Match", tag)
}

// does makes a move that has to succeed.
func (a *actor) does(id string, action alerts.Action, with map[string]any) desk.CaseView {
	a.s.t.Helper()
	return read[desk.CaseView](a.tries(id, action, with))
}

// reports sends a report with photos, as a phone does.
func (a *actor) reports(key string, fields map[string]string, photos ...[]byte) reply {
	a.s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, value := range fields {
		_ = m.WriteField(name, value)
	}
	for _, p := range photos {
		w, err := m.CreateFormFile("photos", "photo.jpg")
		if err != nil {
			a.s.t.Fatal(err)
		}
		_, _ = w.Write(p)
	}
	_ = m.Close()
	return a.ask("POST", "/incidents", &b, "Content-Type", m.FormDataContentType(), "Idempotency-Key", key)
}

// attaches adds a photo to a case and returns its id.
func (a *actor) attaches(id string, photo []byte) string {
	a.s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	w, err := m.CreateFormFile("file", "after.jpg")
	if err != nil {
		a.s.t.Fatal(err)
	}
	_, _ = w.Write(photo)
	_ = m.Close()
	r := a.ask("POST", "/cases/"+id+"/attachments", &b, "Content-Type", m.FormDataContentType()).want(http.StatusCreated)
	var v desk.AttachmentView
	if err := json.Unmarshal(r.body, &v); err != nil {
		a.s.t.Fatal(err)
	}
	return v.ID
}

func picture(t *testing.T, shade uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range img.Pix {
		img.Pix[i] = shade + uint8(i%7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ear is an actor's live socket. A goroutine keeps what it hears.
type ear struct {
	t    *testing.T
	conn *websocket.Conn
	news chan heard
}

type heard struct {
	Kind string
	ID   string
	Data json.RawMessage
	at   time.Time
}

// listens opens an actor's socket, and returns when it is up to date.
func (a *actor) listens() *ear {
	t := a.s.t
	t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(a.s.url(), "http", "ws", 1)+"/api/v1/live", http.Header{"Cookie": {a.cookie}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	e := &ear{t: t, conn: conn, news: make(chan heard, 1024)}
	greeted, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(e.news)
		for {
			var m struct {
				Type        string
				Part, Parts int
				Items       []heard
			}
			if conn.ReadJSON(&m) != nil {
				return
			}
			if m.Type == "snapshot" && m.Part == m.Parts {
				close(greeted)
			}
			for _, it := range m.Items {
				if it.at = time.Now(); m.Type == "events" {
					e.news <- it
				}
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-ended })
	select {
	case <-greeted:
	case <-ended:
		t.Fatalf("%s: the socket ended", a.name)
	}
	return e
}

// hears waits for an event.
func (e *ear) hears(what string, met func(heard) bool) heard {
	e.t.Helper()
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	for {
		select {
		case h, ok := <-e.news:
			if !ok {
				e.t.Fatalf("%s: the socket ended", what)
			}
			if met(h) {
				return h
			}
		case <-timeout.C:
			e.t.Fatalf("%s was not heard", what)
		}
	}
}

// silent fails where something was heard so far that should not have been.
func (e *ear) silent(who string, about func(heard) bool) {
	e.t.Helper()
	for {
		select {
		case h := <-e.news:
			if about(h) {
				e.t.Errorf("%s hears %s of %s", who, h.Kind, h.ID)
			}
		default:
			return
		}
	}
}

// build sets the town up as its administrator does on the first day: areas,
// grids, departments with their offices and duties, accounts, a grid's leader.
func (s *stage) build() {
	t := s.t
	t.Helper()
	admin := s.enters("admin")
	for _, part := range []struct{ path, file string }{{"/areas/import", configs.Areas}, {"/grids/import", configs.Grids}} {
		raw, err := fs.ReadFile(configs.Demo(), part.file)
		if err != nil {
			t.Fatal(err)
		}
		admin.ask("POST", part.path, bytes.NewReader(raw), "Content-Type", "application/geo+json").want(http.StatusOK)
	}
	departments, err := configs.Departments()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range departments {
		admin.makes("/departments", map[string]any{"id": d.ID, "area_id": d.AreaID, "name": d.Name, "name_en": d.NameEn})
		for _, o := range d.Offices {
			admin.makes("/departments/"+d.ID+"/offices", map[string]any{"id": o.ID, "name": o.Name})
		}
	}
	for _, p := range []struct{ username, name, role, area, department string }{
		{"gridder", "周建国", "grid_leader", "v-gangwan", ""}, {"village", "孙秀兰", "duty_officer", "v-gangwan", ""},
		{"township", "顾海涛", "duty_officer", "t-lingang", ""}, {"county", "沈雅琴", "duty_officer", "donggang", ""},
		{"second", "郑伯庸", "leader", "donggang", ""}, {"city", "陈晓岚", "duty_officer", "yunhe", ""}, {"other", "罗永昌", "duty_officer", "xiling", ""},
		{"urban", "冯燕", "handler", "donggang", "urban"}, {"gas", "黄志远", "handler", "donggang", "gas"},
		{"housing", "吴立诚", "handler", "donggang", "housing"}, {"auditor", "许文清", "auditor", "yunhe", ""},
	} {
		body := map[string]any{"username": p.username, "name": p.name, "role": p.role, "area_id": p.area, "password": stagePassword}
		if p.department != "" {
			body["department_id"] = p.department
		}
		admin.makes("/users", body)
		s.enters(p.username)
	}
	for department, person := range map[string]string{"gas": "gas", "urban": "urban", "housing": "housing"} {
		for _, d := range departments {
			if d.ID != department {
				continue
			}
			for _, duty := range d.Duties {
				body := map[string]any{"office_id": duty.OfficeID, "person_id": s.actors[person].id}
				if duty.Category != "" {
					body["category"] = duty.Category
				}
				if duty.AreaID != "" {
					body["area_id"] = duty.AreaID
				}
				admin.makes("/departments/"+department+"/duties", body)
			}
		}
	}
	admin.makes("/grids/g-gangwan-05/posts", map[string]any{"kind": "leader", "user_id": s.actors["gridder"].id, "employment": "community_worker"})
}

// makes posts what has to be made.
func (a *actor) makes(path string, body any) {
	a.s.t.Helper()
	if r := a.ask("POST", path, body); r.status != http.StatusCreated && r.status != http.StatusOK {
		r.want(http.StatusCreated)
	}
}
