// Package live is the WebSocket of the dashboards: a snapshot by scope, then
// deltas by sequence number.
//
// Invariants:
//   - Events are read from the store, in order and without a gap; the bus is
//     only the hint to look.
//   - A client is sent what its scope covers and its rights allow at that
//     moment, never more. What happens in a case goes to those who see every
//     case of the area, and else to its parties alone.
//   - One writer per socket. A client that falls behind is coalesced, then
//     closed after WriteWait, and resumes by number; others do not notice.
//   - Everything outside can grow is bounded: clients, clients of a user, the
//     ring of events, message sizes, what a client may ask for.
//   - A camera's state is told when it changes, at most once a second, in a
//     message that all clients of a scope share. Figures that never rest (picture
//     age, rates, losses) go each second to those alone who follow the camera.
package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"
)

// Bounds and timing.
const (
	DefaultMaxClients = 10_000
	MaxPerUser        = 50
	TickEvery         = 5 * time.Second
	WriteWait         = 5 * time.Second
	pongWait          = 30 * time.Second
	pingEvery         = 10 * time.Second
	statusEvery       = time.Second
	pollEvery         = 2 * time.Second // finds what a lost hint hid
	ringSize          = 8192            // events kept for clients that lag
	maxResume         = 5000            // events a client may be behind and still resume
)

// Close codes of the application (RFC 6455 7.4.2).
const (
	CodeSessionEnded = 4401
	CodeRightsLost   = 4403
	CodeTooSlow      = 4408
)

// Snapshot is all that a scope shows at an event number, as JSON objects.
type Snapshot struct {
	Seq       int64
	Cameras   []json.RawMessage
	Incidents []json.RawMessage
	Alerts    []json.RawMessage
}

// CameraStatus says that there is a camera, and where. Mark changes when
// clients should hear of its state.
type CameraStatus struct {
	ID       string
	AreaPath string
	Mark     uint64
}

// Store is what live reads.
type Store interface {
	Events(ctx context.Context, s alerts.Scope, since int64, limit int) ([]alerts.Event, int64, error)
	Seqs(ctx context.Context) (oldest, newest int64, err error)
}

// Hub feeds every socket. Set the exported fields before Open.
type Hub struct {
	Store      Store
	Bus        alerts.Bus
	Auth       *auth.Auth
	Snapshot   func(ctx context.Context, s alerts.Scope) (Snapshot, error)
	Statuses   func() []CameraStatus           // every camera; the list is its own until the next call
	State      func(id string) json.RawMessage // one camera's state now; nil: it is gone
	Figures    func(id string) json.RawMessage // what a follower of a camera gets; nil: none
	Clock      alerts.Clock
	MaxClients int
	Log        *slog.Logger

	writeWait time.Duration // WriteWait

	feed    *feed
	states  *states
	figures *figures
	up      websocket.Upgrader
	mu      sync.Mutex
	clients map[*client]struct{}
	perUser map[string]int
	closed  bool
	wg      sync.WaitGroup
	cancel  context.CancelFunc
}

// NewHub returns a hub with defaults.
func NewHub() *Hub {
	return &Hub{Clock: time.Now, MaxClients: DefaultMaxClients, writeWait: WriteWait, Log: slog.New(slog.DiscardHandler),
		clients: map[*client]struct{}{}, perUser: map[string]int{}}
}

// Open starts reading events.
func (h *Hub) Open(ctx context.Context) error {
	_, newest, err := h.Store.Seqs(ctx)
	if err != nil {
		return err
	}
	h.feed = newFeed(newest)
	h.states, h.figures = newStates(h.State), newFigures(h.Figures)
	h.up = websocket.Upgrader{ReadBufferSize: 512, WriteBufferSize: 4096, WriteBufferPool: &sync.Pool{},
		EnableCompression: true, CheckOrigin: sameOrigin}
	run, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	kick := make(chan struct{}, 1)
	stop := h.Bus.Subscribe(func(e alerts.Event) {
		select {
		case kick <- struct{}{}:
		default:
		}
	})
	h.wg.Go(func() {
		defer stop()
		h.follow(run, kick)
	})
	h.wg.Go(func() { h.watchStates(run) })
	return nil
}

// Close ends every socket with "going away" and waits for them.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for c := range h.clients {
		c.end(websocket.CloseGoingAway, "the server is closing")
	}
	h.mu.Unlock()
	h.cancel()
	h.wg.Wait()
}

// Clients is the number of open sockets.
func (h *Hub) Clients() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

// follow reads new events from the store into the ring and wakes the clients.
func (h *Hub) follow(ctx context.Context, kick <-chan struct{}) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-kick:
		case <-poll.C:
		case <-ctx.Done():
			return
		}
		for {
			events, upTo, err := h.Store.Events(ctx, alerts.System(), h.feed.newest(), 500)
			if err != nil {
				if ctx.Err() == nil {
					h.Log.Warn("live: reading events", "error", err)
				}
				break
			}
			if upTo <= h.feed.newest() {
				break
			}
			h.feed.add(events, upTo)
			h.wakeAll()
		}
	}
}

func (h *Hub) watchStates(ctx context.Context) {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if h.states.update(h.Statuses()) {
				h.wakeAll()
			}
			if h.figures.update(h.Clock(), h.states.pathOf) {
				h.wakeFollowers()
			}
		case <-ctx.Done():
			return
		}
	}
}

func (h *Hub) wakeAll() {
	h.mu.Lock()
	for c := range h.clients {
		c.wakeUp()
	}
	h.mu.Unlock()
}

func (h *Hub) wakeFollowers() {
	h.mu.Lock()
	for c := range h.clients {
		if len(c.followed()) > 0 {
			c.wakeUp()
		}
	}
	h.mu.Unlock()
}

// add registers a client within the bounds.
func (h *Hub) add(c *client) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return alerts.Errorf(alerts.Unavailable, "the server is closing")
	case len(h.clients) >= h.MaxClients:
		return alerts.Errorf(alerts.TooMany, "too many live connections")
	case h.perUser[c.user] >= MaxPerUser:
		return alerts.Errorf(alerts.TooMany, "this account has %d live connections already", MaxPerUser)
	}
	h.clients[c] = struct{}{}
	h.perUser[c.user]++
	h.wg.Add(1)
	return nil
}

func (h *Hub) remove(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.clients[c]; !ok {
		return
	}
	delete(h.clients, c)
	defer h.wg.Done()
	if h.perUser[c.user]--; h.perUser[c.user] == 0 {
		delete(h.perUser, c.user)
	}
}

// sameOrigin refuses a browser page of another host. Programs send no Origin.
func sameOrigin(r *http.Request) bool {
	o := r.Header.Values("Origin")
	if len(o) == 0 {
		return true
	}
	return len(o) == 1 && originHost(o[0]) == r.Host
}
