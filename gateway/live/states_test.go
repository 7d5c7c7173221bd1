package live

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sharpeyes/alerts"
)

func camera(id, area string, mark uint64) CameraStatus {
	return CameraStatus{ID: id, AreaPath: "/city/" + area + "/", Mark: mark}
}

func (h *house) show(list ...CameraStatus) { h.states.Store(&list) }

func TestStatusIsSentWhenItChanges(t *testing.T) {
	h := build(t)
	h.show(camera("c1", "east", 1), camera("c2", "west", 1))
	s, e := h.connect(h.signIn("officer"), ""), h.connect(h.signIn("easterner"), "")
	s.greeted()
	e.greeted()
	if m := s.next(); m.Type != "status" || ids(m) != "c1 c2" {
		t.Fatalf("got %s %q", m.Type, ids(m))
	}
	if m := e.next(); ids(m) != "c1" {
		t.Fatalf("easterner sees %q", ids(m))
	}
	h.show(camera("c1", "east", 1), camera("c2", "west", 2))
	if m := s.next(); ids(m) != "c2" {
		t.Fatalf("got %q", ids(m))
	}
	// A camera that moves is told where it is now, though its state is the same.
	h.show(camera("c1", "east", 1), camera("c2", "east", 2))
	if m := e.next(); ids(m) != "c2" {
		t.Fatalf("easterner sees %q", ids(m))
	}
}

// told lists the cameras that messages tell of.
func told(t *testing.T, messages []*websocket.PreparedMessage) string {
	t.Helper()
	conn := pipe(t)
	var out []string
	for _, m := range messages {
		if err := conn.near.WritePreparedMessage(m); err != nil {
			t.Fatal(err)
		}
		var r received
		if err := conn.far.ReadJSON(&r); err != nil {
			t.Fatal(err)
		}
		if r.Type != "status" {
			t.Fatalf("type %q", r.Type)
		}
		out = append(out, ids(r))
	}
	return strings.Join(out, " ")
}

func TestStatesAreEncodedOnceForAll(t *testing.T) {
	coded := 0
	st := newStates(func(id string) json.RawMessage {
		coded++
		return json.RawMessage(`{"id":"` + id + `"}`)
	})
	now := time.Now()
	all, east := alerts.Scope{Role: alerts.Leader, Paths: []string{"/city/"}}, alerts.Scope{Role: alerts.Leader, Paths: []string{"/city/east/"}}
	see := func(round int64, s alerts.Scope) (string, int64) {
		t.Helper()
		messages, next, err := st.after(round, s, now)
		if err != nil {
			t.Fatal(err)
		}
		return told(t, messages), next
	}
	st.update([]CameraStatus{camera("a", "east", 1), camera("b", "west", 1)})
	if coded != 0 {
		t.Fatal("encoded for nobody")
	}
	for range 3 {
		if got, _ := see(0, all); got != "a b" {
			t.Fatalf("got %q", got)
		}
	}
	got, round := see(0, east)
	if got != "a" || coded != 2 {
		t.Fatalf("east sees %q, %d were encoded", got, coded)
	}
	if st.update([]CameraStatus{camera("a", "east", 1), camera("b", "west", 1)}) {
		t.Fatal("nothing changed")
	}
	if got, same := see(round, all); got != "" || same != round {
		t.Fatalf("told %q of nothing", got)
	}
	// Who comes later gets a state of then, not of when it last changed.
	now = now.Add(time.Hour)
	if got, _ := see(0, all); got != "a b" || coded != 4 {
		t.Fatalf("later: %q, %d were encoded", got, coded)
	}
	// A client that missed rounds gets each camera once.
	for mark := range uint64(3) {
		st.update([]CameraStatus{camera("a", "east", 2+mark), camera("b", "west", 1)})
	}
	if got, _ := see(round, all); got != "a" {
		t.Fatalf("after three rounds: %q", got)
	}
	st.update([]CameraStatus{camera("b", "west", 1)})
	if _, there := st.pathOf("a"); there || len(st.all) != 1 || len(st.rows) != 1 {
		t.Fatal("a camera that is gone is kept")
	}
	if got, _ := see(0, alerts.Scope{Paths: []string{"/city/"}}); got != "" {
		t.Fatalf("without the right: %q", got)
	}
}

// When everything changes at once the rounds stay bounded, and nothing is lost.
func TestAPowerCutIsTold(t *testing.T) {
	st := newStates(func(id string) json.RawMessage { return json.RawMessage(`{"id":"` + id + `"}`) })
	const n = 2*statesPerRound + 10
	list := func(mark uint64, area string) []CameraStatus {
		out := make([]CameraStatus, n)
		for i := range out {
			out[i] = camera(fmt.Sprint(i), area, mark)
		}
		return out
	}
	all := alerts.Scope{Role: alerts.Leader, Paths: []string{"/"}}
	st.update(list(1, "east"))
	first, round, err := st.after(0, all, time.Now())
	if err != nil || len(first) != (n+statusPerMessage-1)/statusPerMessage {
		t.Fatalf("%d messages, %v", len(first), err)
	}
	seen := map[string]bool{}
	for i := range 3 {
		if !st.update(list(2, "east")) {
			t.Fatalf("round %d tells nothing", i)
		}
		messages, next, err := st.after(round, all, time.Now())
		if err != nil || len(messages) > statesPerRound/statusPerMessage {
			t.Fatalf("round %d: %d messages, %v", i, len(messages), err)
		}
		round = next
		for _, id := range strings.Fields(told(t, messages)) {
			if seen[id] {
				t.Fatalf("%s is told twice", id)
			}
			seen[id] = true
		}
	}
	if len(seen) != n || st.update(list(2, "east")) {
		t.Fatalf("%d of %d were told", len(seen), n)
	}
	// Where cameras are is never put off: it decides who may see them.
	st.update(list(2, "west"))
	if m, _, _ := st.after(0, alerts.Scope{Role: alerts.Leader, Paths: []string{"/city/east/"}}, time.Now()); len(m) != 0 {
		t.Fatal("cameras that left the east are told there")
	}
}

func BenchmarkStates(b *testing.B) {
	const n = 20_000
	st := newStates(func(id string) json.RawMessage { return json.RawMessage(`{"id":"` + id + `","state":"live"}`) })
	list := make([]CameraStatus, n)
	for i := range list {
		list[i] = camera(fmt.Sprint("cam", i), "east", 1)
	}
	all := alerts.Scope{Role: alerts.Leader, Paths: []string{"/"}}
	b.ReportAllocs()
	for b.Loop() { // one second of 20,000 cameras, 200 changes and 1,000 clients
		before := st.round
		for i := range 200 {
			list[(int(before)*200+i)%n].Mark++
		}
		st.update(list)
		for range 1000 {
			if _, _, err := st.after(before, all, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
