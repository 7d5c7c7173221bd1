package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sharpeyes/alerts"
)

// ends are the two ends of a socket.
type ends struct{ near, far *websocket.Conn }

func pipe(t *testing.T) ends {
	t.Helper()
	near := make(chan *websocket.Conn, 1)
	up := websocket.Upgrader{EnableCompression: true}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Upgrade(w, r, nil); err == nil {
			near <- c
		}
	}))
	t.Cleanup(s.Close)
	d := websocket.Dialer{EnableCompression: true}
	far, res, err := d.Dial(strings.Replace(s.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	e := ends{<-near, far}
	t.Cleanup(func() { _, _ = e.near.Close(), e.far.Close() })
	return e
}

func asking(ids []string) []byte {
	list, _ := json.Marshal(ids)
	raw, _ := json.Marshal(request{Type: "figures", IDs: list})
	return raw
}

// ask sends a request for figures.
func (s *socket) ask(ids ...string) {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, asking(ids)); err != nil {
		s.t.Fatal(err)
	}
}

// until returns the next message of a type.
func (s *socket) until(kind string) received {
	s.t.Helper()
	for {
		if m := s.next(); m.Type == kind {
			return m
		}
	}
}

func (h *house) wanted() int {
	h.hub.figures.mu.Lock()
	defer h.hub.figures.mu.Unlock()
	return len(h.hub.figures.wanted)
}

// unwanted waits until nobody follows anything.
func (h *house) unwanted() {
	h.t.Helper()
	for until := time.Now().Add(30 * time.Second); h.wanted() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			h.t.Fatalf("%d cameras are followed by nobody", h.wanted())
		}
	}
}

func TestFiguresGoToWhoAskedAndMay(t *testing.T) {
	h := build(t)
	h.show(camera("c1", "east", 1), camera("c2", "west", 1), camera("c3", "east", 1))
	all, east := h.connect(h.signIn("officer"), ""), h.connect(h.signIn("easterner"), "")
	for _, s := range []*socket{all, east} {
		s.greeted()
		s.until("status")
		s.ask("c1", "c2", "gone", "c1")
	}
	for range 2 { // again and again, without being asked again
		m := all.until("figures")
		if ids(m) != "c1 c2" {
			t.Fatalf("officer sees %q", ids(m))
		}
		if at, err := time.Parse(time.RFC3339, m.At); err != nil || time.Since(at).Abs() > time.Minute {
			t.Fatalf("at %q", m.At)
		}
	}
	if m := east.until("figures"); ids(m) != "c1" {
		t.Fatalf("easterner sees %q", ids(m))
	}
	all.ask("c3") // instead of the others
	for m := all.until("figures"); ids(m) != "c3"; m = all.until("figures") {
		if ids(m) != "c1 c2" {
			t.Fatalf("officer sees %q", ids(m))
		}
	}
	// A camera that leaves the area is seen no more.
	h.show(camera("c1", "west", 1), camera("c2", "west", 1), camera("c3", "east", 1))
	east.ask("c1", "c3")
	for m := east.until("figures"); ids(m) != "c3"; m = east.until("figures") {
		if strings.Contains(ids(m), "c2") {
			t.Fatalf("easterner sees %q", ids(m))
		}
	}
	all.ask()
	_ = east.Close()
	h.unwanted()
	coded := h.coded.Load()
	h.show(camera("c1", "west", 1))
	h.happen(true, event(alerts.IncidentCreated, "east", "i1"))
	if m := all.next(); m.Type == "figures" {
		if m = all.next(); m.Type != "events" {
			t.Fatalf("got %s after the end", m.Type)
		}
	}
	if h.coded.Load() > coded+3 {
		t.Fatal("figures are made for nobody")
	}
}

func TestRequestsAreBounded(t *testing.T) {
	many := make([]string, MaxFigures+1)
	for i := range many {
		many[i] = fmt.Sprint("cam", i)
	}
	tooMany, long := asking(many), asking([]string{strings.Repeat("x", maxID+1)})
	h := build(t)
	for name, c := range map[string]struct {
		kind int
		say  string
		code int
	}{
		"too many":  {websocket.TextMessage, string(tooMany), websocket.ClosePolicyViolation},
		"long id":   {websocket.TextMessage, string(long), websocket.ClosePolicyViolation},
		"empty id":  {websocket.TextMessage, `{"type":"figures","ids":[""]}`, websocket.ClosePolicyViolation},
		"no JSON":   {websocket.TextMessage, `figures`, websocket.CloseInvalidFramePayloadData},
		"no object": {websocket.TextMessage, `[1]`, websocket.CloseInvalidFramePayloadData},
		"wrong ids": {websocket.TextMessage, `{"type":"figures","ids":"all"}`, websocket.CloseInvalidFramePayloadData},
		"binary":    {websocket.BinaryMessage, `{"type":"figures"}`, websocket.CloseUnsupportedData},
	} {
		t.Run(name, func(t *testing.T) {
			s := h.connect(h.signIn("officer"), "")
			s.t = t
			s.greeted()
			if err := s.WriteMessage(c.kind, []byte(c.say)); err != nil {
				t.Fatal(err)
			}
			if code := s.closeCode(); code != c.code {
				t.Fatalf("closed with %d, want %d", code, c.code)
			}
		})
	}
	t.Run("as many as may be, and what a later version says", func(t *testing.T) {
		full := make([]string, MaxFigures)
		for i := range full {
			full[i] = strings.Repeat(string(rune('a'+i%26)), maxID-2) + fmt.Sprintf("%02d", i)
		}
		h.show(camera(full[0], "east", 1))
		s := h.connect(h.signIn("officer"), "")
		s.t = t
		s.greeted()
		if err := s.WriteMessage(websocket.TextMessage, []byte(`{"type":"dance","ids":7e3,"to":"music"}`)); err != nil {
			t.Fatal(err)
		}
		s.ask(full...)
		if m := s.until("figures"); ids(m) != full[0] {
			t.Fatalf("got %q", ids(m))
		}
		_ = s.Close()
	})
	h.unwanted()
}

// Who talks without end is listened to at our pace, and delays nobody.
func TestATalkerWaits(t *testing.T) {
	h := build(t)
	h.show(camera("c1", "east", 1))
	s, other := h.connect(h.signIn("officer"), ""), h.connect(h.signIn("officer"), "")
	s.greeted()
	other.greeted()
	for range 10 * saysAtOnce {
		s.ask("c1")
	}
	other.ask("c1")
	if m := other.until("figures"); ids(m) != "c1" {
		t.Fatalf("got %q", ids(m))
	}
	if m := s.until("figures"); ids(m) != "c1" {
		t.Fatalf("got %q", ids(m))
	}
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{"type":"figures","ids":["cam000","cam001"]}`, `{"type":"figures"}`, `{}`, `null`, `[`, `{"type":"figures","ids":[""]}`,
		`{"type":"later","ids":[1]}`, `{"type":"figures","ids":["a","a"]}`, "{\"ids\":[\"\xff\"]}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ids, ok, err := parseRequest(raw)
		if (ok && err != nil) || (!ok && len(ids) > 0 && err == nil) || len(ids) > MaxFigures {
			t.Fatalf("%d ids, %v, %v", len(ids), ok, err)
		}
		seen := map[string]bool{}
		for _, id := range ids {
			if ok && (id == "" || len(id) > maxID || seen[id]) {
				t.Fatalf("id %q", id)
			}
			seen[id] = true
		}
	})
}
