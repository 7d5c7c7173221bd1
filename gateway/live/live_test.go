package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/fresh"
	"sharpeyes/gateway/auth"
	"sharpeyes/gateway/cluster"
)

const password = "correct horse battery"

// house is a real store, bus and sign-in around a hub.
type house struct {
	t      *testing.T
	store  *store.Store
	bus    *cluster.Local
	auth   *auth.Auth
	hub    *Hub
	server *httptest.Server
	states atomic.Pointer[[]CameraStatus]
	coded  atomic.Int64 // states and figures that were encoded
	buffer atomic.Int64 // of connections, where it is set
}

func build(t *testing.T) *house {
	t.Helper()
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
	h := &house{t: t, bus: cluster.NewLocal()}
	var err error
	if h.store, err = store.Open(t.Context(), store.Options{Path: fresh.File(t)}); err != nil {
		t.Fatal(err)
	}
	h.auth = auth.New(h.store, h.bus)
	h.auth.Every = 200 * time.Millisecond
	if err := h.auth.Open(); err != nil {
		t.Fatal(err)
	}
	h.people()
	h.hub = NewHub()
	h.hub.Store, h.hub.Bus, h.hub.Auth = h.store, h.bus, h.auth
	h.hub.Snapshot = func(ctx context.Context, s alerts.Scope) (Snapshot, error) {
		_, seq, err := h.store.Seqs(ctx)
		cams := make([]json.RawMessage, 1201)
		for i := range cams {
			cams[i] = json.RawMessage(fmt.Sprintf(`{"id":"c%d"}`, i))
		}
		return Snapshot{Seq: seq, Cameras: cams}, err
	}
	h.states.Store(&[]CameraStatus{})
	h.hub.Statuses = func() []CameraStatus { return *h.states.Load() }
	code := func(id string) json.RawMessage {
		h.coded.Add(1)
		return json.RawMessage(`{"id":"` + id + `"}`)
	}
	h.hub.State, h.hub.Figures = code, code
	if err := h.hub.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /in", func(w http.ResponseWriter, r *http.Request) {
		if _, err := h.auth.SignIn(w, r, r.FormValue("u"), password); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("POST /out", func(w http.ResponseWriter, r *http.Request) { _ = h.auth.SignOut(w, r) })
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) {
		if err := h.hub.Serve(w, r); err != nil {
			http.Error(w, string(alerts.KindOf(err)), http.StatusBadRequest)
		}
	})
	h.server = httptest.NewUnstartedServer(mux)
	h.server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if n := int(h.buffer.Load()); n > 0 && s == http.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(n)
		}
	}
	h.server.Start()
	t.Cleanup(func() {
		h.hub.Close()
		h.server.Close()
		h.auth.Close()
		_ = h.bus.Close()
		_ = h.store.Close()
	})
	return h
}

func (h *house) people() {
	h.t.Helper()
	err := h.store.Write(h.t.Context(), func(tx alerts.Tx) error {
		for _, a := range []alerts.Area{{ID: "city", Name: "市", Level: alerts.City}, {ID: "east", ParentID: "city", Name: "东", Level: alerts.Township},
			{ID: "west", ParentID: "city", Name: "西", Level: alerts.Township}} {
			if err := tx.SaveArea(a); err != nil {
				return err
			}
		}
		for _, u := range []struct {
			name, area string
			role       alerts.Role
		}{{"officer", "city", alerts.DutyOfficer}, {"easterner", "east", alerts.DutyOfficer}, {"builder", "city", alerts.Admin}} {
			hash, err := h.auth.HashPassword(h.t.Context(), u.name, password)
			if err != nil {
				return err
			}
			if err := tx.SaveUser(alerts.User{ID: u.name, Username: u.name, Name: u.name, Role: u.role, AreaID: u.area, PasswordHash: hash}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// signIn returns the session's cookie.
func (h *house) signIn(user string) string {
	h.t.Helper()
	res, err := http.Post(h.server.URL+"/in?u="+user, "", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = res.Body.Close()
	for _, c := range res.Cookies() {
		return c.Name + "=" + c.Value
	}
	h.t.Fatalf("no cookie: %s", res.Status)
	return ""
}

// happen commits events, and hints at them on the bus where hint is set.
func (h *house) happen(hint bool, events ...alerts.Event) {
	h.t.Helper()
	err := h.store.Write(h.t.Context(), func(tx alerts.Tx) error {
		for i := range events {
			events[i].At = time.Now()
			if err := tx.Append(&events[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if hint {
		_ = h.bus.Publish(h.t.Context(), events[len(events)-1])
	}
}

func event(kind alerts.EventKind, area, id string) alerts.Event {
	path := "/city/"
	if area != "city" {
		path += area + "/"
	}
	return alerts.Event{Kind: kind, AreaID: area, AreaPath: path, ID: id, Data: json.RawMessage(`{"id":"` + id + `"}`)}
}

// socket is a dashboard's end.
type socket struct {
	t *testing.T
	*websocket.Conn
}

type received struct {
	Type    string `json:"type"`
	Seq     int64  `json:"seq"`
	Part    int    `json:"part"`
	Parts   int    `json:"parts"`
	Resumed bool   `json:"resumed"`
	At      string `json:"at"`
	Cameras []any  `json:"cameras"`
	Items   []struct {
		Seq  int64  `json:"seq"`
		ID   string `json:"id"`
		Kind string `json:"kind"`
	} `json:"items"`
}

func (h *house) dial(cookie, query, origin string) (*websocket.Conn, *http.Response, error) {
	head := http.Header{"Cookie": {cookie}}
	if origin != "" {
		head.Set("Origin", origin)
	}
	d := websocket.Dialer{EnableCompression: true, HandshakeTimeout: 20 * time.Second}
	return d.Dial(strings.Replace(h.server.URL, "http", "ws", 1)+"/live"+query, head)
}

func (h *house) connect(cookie, query string) *socket {
	h.t.Helper()
	c, _, err := h.dial(cookie, query, h.server.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	return &socket{h.t, c}
}

// next returns the next message that is not a tick.
func (s *socket) next() received {
	s.t.Helper()
	for {
		_ = s.SetReadDeadline(time.Now().Add(30 * time.Second))
		var m received
		if err := s.ReadJSON(&m); err != nil {
			s.t.Fatal(err)
		}
		if m.Type != "tick" {
			return m
		}
	}
}

// greeted reads hello and the snapshot.
func (s *socket) greeted() received {
	s.t.Helper()
	hello := s.next()
	if hello.Type != "hello" {
		s.t.Fatalf("first message is %q", hello.Type)
	}
	for part := 1; ; part++ {
		m := s.next()
		if m.Type != "snapshot" || m.Part != part {
			s.t.Fatalf("got %+v, want snapshot part %d", m.Type, part)
		}
		if m.Part == m.Parts {
			return hello
		}
	}
}

// closeCode reads until the end.
func (s *socket) closeCode() int {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		if _, _, err := s.ReadMessage(); err != nil {
			if ce, ok := err.(*websocket.CloseError); ok {
				return ce.Code
			}
			s.t.Fatalf("no close frame: %v", err)
		}
	}
}

func ids(m received) string {
	var out []string
	for _, it := range m.Items {
		out = append(out, it.ID)
	}
	return strings.Join(out, " ")
}

func TestSnapshotThenDeltasByScopeAndRight(t *testing.T) {
	h := build(t)
	officer, easterner, admin := h.connect(h.signIn("officer"), ""), h.connect(h.signIn("easterner"), ""), h.connect(h.signIn("builder"), "")
	for _, s := range []*socket{officer, easterner, admin} {
		s.greeted()
	}
	h.happen(true, event(alerts.IncidentCreated, "west", "i1"), event(alerts.UserChanged, "city", "u1"), event(alerts.CameraSaved, "east", "c1"),
		event(alerts.AlertRaised, "east", "a1"))
	if got := ids(officer.next()); got != "i1 c1 a1" {
		t.Fatalf("officer sees %q", got)
	}
	if got := ids(easterner.next()); got != "c1 a1" {
		t.Fatalf("easterner sees %q", got)
	}
	if got := ids(admin.next()); got != "c1" {
		t.Fatalf("admin sees %q", got)
	}
}

func TestALostHintCostsNothing(t *testing.T) {
	h := build(t)
	s := h.connect(h.signIn("officer"), "")
	s.greeted()
	h.happen(false, event(alerts.IncidentCreated, "east", "i1"))
	if got := ids(s.next()); got != "i1" {
		t.Fatalf("got %q", got)
	}
}

func TestResume(t *testing.T) {
	h := build(t)
	cookie := h.signIn("officer")
	h.happen(true, event(alerts.IncidentCreated, "east", "old"))
	s := h.connect(cookie, "")
	seq := s.greeted().Seq
	_ = s.Close()
	var many []alerts.Event
	for i := range 450 {
		many = append(many, event(alerts.IncidentCreated, "east", fmt.Sprint("i", i)))
	}
	h.happen(true, many...)
	check := func(t *testing.T, s *socket) {
		t.Helper()
		if m := s.next(); m.Type != "hello" || !m.Resumed {
			t.Fatalf("not resumed: %+v", m)
		}
		for want := seq + 1; want <= seq+450; {
			m := s.next()
			for _, it := range m.Items {
				if it.Seq != want {
					t.Fatalf("event %d, want %d", it.Seq, want)
				}
				want++
			}
		}
	}
	t.Run("from the ring", func(t *testing.T) { check(t, h.connect(cookie, fmt.Sprintf("?since=%d", seq))) })
	t.Run("from the store", func(t *testing.T) {
		h.hub.feed.mu.Lock()
		h.hub.feed.first, h.hub.feed.ring = h.hub.feed.last+1, nil // as after a restart
		h.hub.feed.mu.Unlock()
		check(t, h.connect(cookie, fmt.Sprintf("?since=%d", seq)))
	})
	t.Run("a number from the future", func(t *testing.T) { h.connect(cookie, "?since=999999").greeted() })
}

func TestRefusals(t *testing.T) {
	h := build(t)
	cookie := h.signIn("officer")
	for name, dial := range map[string]func() (*websocket.Conn, *http.Response, error){
		"no session":     func() (*websocket.Conn, *http.Response, error) { return h.dial("", "", h.server.URL) },
		"false session":  func() (*websocket.Conn, *http.Response, error) { return h.dial(auth.CookieName+"=x", "", h.server.URL) },
		"foreign origin": func() (*websocket.Conn, *http.Response, error) { return h.dial(cookie, "", "https://evil.example") },
		"null origin":    func() (*websocket.Conn, *http.Response, error) { return h.dial(cookie, "", "null") },
		"bad since":      func() (*websocket.Conn, *http.Response, error) { return h.dial(cookie, "?since=-1", h.server.URL) },
	} {
		t.Run(name, func(t *testing.T) {
			c, res, err := dial()
			if err == nil {
				_ = c.Close()
				t.Fatal("connected")
			}
			if res == nil || res.StatusCode != http.StatusBadRequest {
				t.Fatalf("answer %v", res)
			}
			_ = res.Body.Close()
		})
	}
	t.Run("too many of one user", func(t *testing.T) {
		for range MaxPerUser {
			h.connect(cookie, "")
		}
		if c, _, err := h.dial(cookie, "", h.server.URL); err == nil {
			_ = c.Close()
			t.Fatal("one more was let in")
		}
	})
}

func TestEnds(t *testing.T) {
	h := build(t)
	t.Run("sign-out", func(t *testing.T) {
		cookie := h.signIn("officer")
		s := h.connect(cookie, "")
		s.greeted()
		req, _ := http.NewRequest(http.MethodPost, h.server.URL+"/out", nil)
		req.Header.Set("Cookie", cookie)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if code := s.closeCode(); code != CodeSessionEnded {
			t.Fatalf("closed with %d", code)
		}
	})
	t.Run("area changed", func(t *testing.T) {
		s := h.connect(h.signIn("easterner"), "")
		s.greeted()
		err := h.store.Write(t.Context(), func(tx alerts.Tx) error {
			u, err := tx.User(t.Context(), alerts.System(), "easterner")
			if err != nil {
				return err
			}
			u.AreaID = "west"
			return tx.SaveUser(u)
		})
		if err != nil {
			t.Fatal(err)
		}
		if code := s.closeCode(); code != CodeRightsLost {
			t.Fatalf("closed with %d", code)
		}
	})
	t.Run("a client that talks too much", func(t *testing.T) {
		s := h.connect(h.signIn("officer"), "")
		s.greeted()
		_ = s.WriteMessage(websocket.TextMessage, []byte(noise(4*readLimit)))
		_ = s.SetReadDeadline(time.Now().Add(30 * time.Second))
		for {
			_, _, err := s.ReadMessage()
			var timeout interface{ Timeout() bool }
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatal("still open")
			}
			if err != nil {
				return
			}
		}
	})
	t.Run("server closes", func(t *testing.T) {
		s := h.connect(h.signIn("officer"), "")
		s.greeted()
		done := make(chan struct{})
		go func() { h.hub.Close(); close(done) }()
		if code := s.closeCode(); code != websocket.CloseGoingAway {
			t.Fatalf("closed with %d", code)
		}
		<-done
		if n := h.hub.Clients(); n != 0 {
			t.Fatalf("%d clients left", n)
		}
	})
}

// noise is text that does not compress well.
func noise(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(alerts.NewID(time.Now())[10:])
	}
	return b.String()
}
