package live

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"
)

const (
	camerasPerPart   = 500
	eventsPerMessage = 200
	statusPerMessage = 500
	// compressFrom is the size from which a message is worth compressing.
	compressFrom = 2 << 10
)

// client is one socket. The writer goroutine owns everything but the fields
// that mu guards.
type client struct {
	hub   *Hub
	conn  *websocket.Conn
	user  string
	watch *auth.Watch
	wake  chan struct{}

	seq     int64
	round   int64 // of the states
	figured int64 // round of the figures

	mu      sync.Mutex
	ending  chan struct{}
	code    int
	why     string
	follows []string // cameras whose figures it asked for
	left    bool
}

// Serve upgrades a request and stays until the socket ends. An error is one
// from before the upgrade; the caller answers with it.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request) error {
	p, err := h.Auth.Authenticate(r)
	if err != nil {
		return err
	}
	if err := p.Scope.Need(alerts.ViewMap); err != nil {
		return err
	}
	since, err := sinceOf(r)
	if err != nil {
		return err
	}
	if !sameOrigin(r) {
		return alerts.Errorf(alerts.Forbidden, "this Origin may not open the live socket")
	}
	if !websocket.IsWebSocketUpgrade(r) {
		return alerts.InvalidField("Upgrade", "this address speaks WebSocket only")
	}
	c := &client{hub: h, user: p.User.ID, wake: make(chan struct{}, 1), ending: make(chan struct{})}
	if err := h.add(c); err != nil {
		return err
	}
	defer h.remove(c)
	defer c.leave()
	scope := p.Reading()
	c.watch, err = h.Auth.Watch(p, func(now auth.Principal) error {
		if !sameScope(scope, now.Reading()) {
			return alerts.Errorf(alerts.Forbidden, "rights or area changed")
		}
		return nil
	}, c.revoke)
	if err != nil {
		return err
	}
	defer c.watch.Stop()
	if c.conn, err = h.up.Upgrade(w, r, nil); err != nil {
		return nil // Upgrade has answered
	}
	h.wg.Go(c.read)
	c.converse(scope, since)
	return nil
}

// converse writes until the end, then says why in the close message.
func (c *client) converse(scope alerts.Scope, since int64) {
	defer func() { _ = c.conn.Close() }()
	if c.write(scope, since) != nil {
		return // the peer is gone or does not read
	}
	c.mu.Lock()
	code, why := c.code, c.why
	c.mu.Unlock()
	_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second))
}

// revoke ends a client whose session is over or whose rights changed.
func (c *client) revoke(why auth.Reason) {
	if why == auth.SessionOver {
		c.end(CodeSessionEnded, "session ended")
		return
	}
	c.end(CodeRightsLost, "rights or area changed")
}

// sameScope tells whether two scopes show the same.
func sameScope(a, b alerts.Scope) bool {
	return a.Role == b.Role && a.Department == b.Department && slices.Equal(a.Paths, b.Paths) && slices.Equal(a.Grids, b.Grids) &&
		slices.Equal(a.Extra, b.Extra)
}

// sinceOf reads ?since=; -1 where there is none.
func sinceOf(r *http.Request) (int64, error) {
	q := r.URL.Query().Get("since")
	if q == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(q, 10, 64)
	if err != nil || n < 0 {
		return 0, alerts.InvalidField("since", "must be the number of an event, 0 or more")
	}
	return n, nil
}

func originHost(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Host
}

func (c *client) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// end closes the socket with a code; the first one counts.
func (c *client) end(code int, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.code == 0 {
		c.code, c.why = code, why
		close(c.ending)
	}
}

// write sends until the client ends (nil) or a write fails.
func (c *client) write(scope alerts.Scope, since int64) error {
	if err := c.greet(scope, since); err != nil {
		return err
	}
	tick, ping := time.NewTicker(TickEvery), time.NewTicker(pingEvery)
	defer tick.Stop()
	defer ping.Stop()
	for {
		more, err := c.deltas(scope)
		if err != nil {
			return err
		}
		if more {
			select {
			case <-c.ending:
				return nil
			default:
				continue
			}
		}
		select {
		case <-c.ending:
			return nil
		case <-c.wake:
		case <-tick.C:
			err = c.send(tickMessage{Type: "tick", Seq: c.seq, ServerTime: stamp(c.hub.Clock())})
		case <-ping.C:
			err = c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.hub.writeWait))
		}
		if err != nil {
			return err
		}
	}
}

// greet says hello, then brings the client up to date: from the ring, from the
// store, or by a snapshot.
func (c *client) greet(scope alerts.Scope, since int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	resumed := false
	if since >= 0 {
		c.seq = since
		if _, _, ok := c.hub.feed.after(since, viewerOf(scope), 0); ok && since <= c.hub.feed.newest() {
			resumed = true
		} else {
			resumed = c.reachable(ctx, since)
		}
	}
	if resumed {
		if err := c.hello(true); err != nil {
			return err
		}
		return c.fromStore(ctx, scope)
	}
	snap, err := c.hub.Snapshot(ctx, scope)
	if err != nil {
		c.hub.Log.Warn("live: snapshot", "error", err)
		c.end(websocket.CloseTryAgainLater, "the snapshot cannot be read now")
		return nil
	}
	c.seq = snap.Seq
	if err := c.hello(false); err != nil {
		return err
	}
	return c.sendSnapshot(snap)
}

// reachable tells whether the store still has everything after a number, and
// not too much of it.
func (c *client) reachable(ctx context.Context, since int64) bool {
	oldest, newest, err := c.hub.Store.Seqs(ctx)
	return err == nil && since+1 >= oldest && since <= newest && newest-since <= maxResume
}

func (c *client) hello(resumed bool) error {
	return c.send(helloMessage{Type: "hello", Seq: c.seq, Resumed: resumed, ServerTime: stamp(c.hub.Clock()),
		TickSeconds: int(TickEvery / time.Second)})
}

// fromStore sends what the ring does not hold any more.
func (c *client) fromStore(ctx context.Context, scope alerts.Scope) error {
	v := viewerOf(scope)
	for {
		if _, _, ok := c.hub.feed.after(c.seq, v, 0); ok {
			return nil
		}
		events, upTo, err := c.hub.Store.Events(ctx, scope, c.seq, eventsPerMessage)
		if err != nil || upTo <= c.seq {
			c.end(websocket.CloseTryAgainLater, "events cannot be read now")
			return nil
		}
		var items []json.RawMessage
		for _, e := range events {
			if it, ok := encode(e); ok && v.sees(it) {
				items = append(items, it.json)
			}
		}
		if len(items) > 0 {
			if err := c.sendRaw(list("events", "", items)); err != nil {
				return err
			}
		}
		c.seq = upTo
	}
}

func (c *client) sendSnapshot(s Snapshot) error {
	parts := max(1, (len(s.Cameras)+camerasPerPart-1)/camerasPerPart)
	for i := range parts {
		m := snapshotMessage{Type: "snapshot", Part: i + 1, Parts: parts, Seq: s.Seq,
			Cameras: s.Cameras[min(i*camerasPerPart, len(s.Cameras)):min((i+1)*camerasPerPart, len(s.Cameras))]}
		if i == 0 {
			m.Incidents, m.Alerts = s.Incidents, s.Alerts
		}
		m.fill()
		if err := c.send(m); err != nil {
			return err
		}
	}
	return nil
}

// deltas sends what is new; more tells that there is still more.
func (c *client) deltas(scope alerts.Scope) (more bool, err error) {
	items, upTo, ok := c.hub.feed.after(c.seq, viewerOf(scope), eventsPerMessage)
	if !ok {
		c.end(CodeTooSlow, "too slow: resume with since")
		return false, nil
	}
	c.seq = upTo
	if len(items) > 0 {
		if err := c.sendRaw(list("events", "", items)); err != nil {
			return false, err
		}
	}
	if err := c.tellStates(scope); err != nil {
		return false, err
	}
	if err := c.tellFigures(scope); err != nil {
		return false, err
	}
	return len(items) == eventsPerMessage, nil
}

// tellStates sends the states that changed since the last time, in messages
// that all clients of the scope share.
func (c *client) tellStates(scope alerts.Scope) error {
	messages, round, err := c.hub.states.after(c.round, scope, time.Now())
	if err != nil {
		return err
	}
	c.round = round
	c.conn.EnableWriteCompression(true)
	for _, m := range messages {
		_ = c.conn.SetWriteDeadline(time.Now().Add(c.hub.writeWait))
		if err := c.conn.WritePreparedMessage(m); err != nil {
			return err
		}
	}
	return nil
}

// tellFigures sends the newest figures of the cameras it asked for.
func (c *client) tellFigures(scope alerts.Scope) error {
	ids := c.followed()
	if len(ids) == 0 {
		return nil
	}
	items, at, round := c.hub.figures.of(ids, c.figured, scope)
	c.figured = round
	if len(items) == 0 {
		return nil
	}
	return c.sendRaw(list("figures", stamp(at), items))
}

func (c *client) send(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.sendRaw(raw)
}

func (c *client) sendRaw(raw []byte) error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.hub.writeWait))
	c.conn.EnableWriteCompression(len(raw) >= compressFrom)
	return c.conn.WriteMessage(websocket.TextMessage, raw)
}
