package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sharpeyes/alerts"
)

// slow is a client that does not read, over a connection that little fills, and a
// good one beside it. What the slow one has not taken is more than there is room
// for when they are returned.
func (h *house) slow() (good *socket) {
	t := h.t
	const buffer = 32 << 10 // of each end
	h.buffer.Store(buffer)
	narrow := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var set error
		return errors.Join(raw.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer) }), set)
	}}
	d := websocket.Dialer{EnableCompression: true, NetDialContext: narrow.DialContext}
	conn, _, err := d.Dial(strings.Replace(h.server.URL, "http", "ws", 1)+"/live", http.Header{"Cookie": {h.signIn("officer")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	good = h.connect(h.signIn("officer"), "")
	good.greeted()
	(&socket{t, conn}).greeted()
	big := event(alerts.IncidentCreated, "east", "big")
	big.Data = json.RawMessage(fmt.Sprintf(`{"id":"big","x":%q}`, noise(60<<10)))
	for range 16 { // 1 MB
		h.happen(true, big)
		good.hears("big")
	}
	return good
}

// TestOthersGoOnBesideASlowReader: as long as somebody does not read, however
// long that is, the others get everything.
func TestOthersGoOnBesideASlowReader(t *testing.T) {
	h := build(t)
	h.hub.writeWait = time.Hour
	good := h.slow()
	for n := range 50 {
		h.happen(true, event(alerts.IncidentCreated, "east", fmt.Sprint("small", n)))
		good.hears(fmt.Sprint("small", n))
	}
	if n := h.hub.Clients(); n != 2 {
		t.Errorf("%d clients are left: the slow one was none", n)
	}
}

// TestASlowReaderIsClosedAndOthersAreNot: who does not read for WriteWait is
// closed; the others have missed nothing, before, meanwhile and afterwards.
func TestASlowReaderIsClosedAndOthersAreNot(t *testing.T) {
	h := build(t)
	good := h.slow()
	for n := 0; h.hub.Clients() > 1; n++ {
		if n > 100_000 {
			t.Fatal("the slow client is still there")
		}
		h.happen(true, event(alerts.IncidentCreated, "east", fmt.Sprint("small", n)))
		good.hears(fmt.Sprint("small", n))
	}
	h.happen(true, event(alerts.IncidentCreated, "east", "last"))
	good.hears("last")
}

// hears reads up to the event of an object.
func (s *socket) hears(id string) {
	s.t.Helper()
	for {
		if m := s.next(); m.Type == "events" && strings.HasSuffix(" "+ids(m), " "+id) {
			return
		}
	}
}
