package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// Bounds of what a client may say.
const (
	MaxFigures = 64 // cameras whose figures it may follow
	maxID      = 64
	readLimit  = 8 << 10
	// saysPerSecond is the pace at which a client is listened to; what comes
	// faster waits in its own connection.
	saysPerSecond = 5
	saysAtOnce    = 20
)

// request is what a client may say:
//
//	{"type":"figures","ids":["cam000","cam001"]}
//
// asks for the figures of these cameras every second, instead of those asked
// for before; without ids for none.
type request struct {
	Type string          `json:"type"`
	IDs  json.RawMessage `json:"ids,omitempty"`
}

// errMalformed is a message that is no request.
var errMalformed = errors.New(`a message is JSON, such as {"type":"figures","ids":["cam000"]}`)

// parseRequest reads a client's message. Types it does not know are for a later
// version: ok is false.
func parseRequest(raw []byte) (ids []string, ok bool, err error) {
	var r request
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, false, errMalformed
	}
	if r.Type != "figures" {
		return nil, false, nil
	}
	var asked []string
	if len(r.IDs) > 0 && json.Unmarshal(r.IDs, &asked) != nil {
		return nil, false, errMalformed
	}
	if len(asked) > MaxFigures {
		return nil, false, fmt.Errorf("figures: at most %d ids", MaxFigures)
	}
	for _, id := range asked {
		if id == "" || len(id) > maxID {
			return nil, false, fmt.Errorf("figures: an id has 1 to %d characters", maxID)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, true, nil
}

// read takes the client's requests and pongs, and notices the end.
func (c *client) read() {
	c.conn.SetReadLimit(readLimit)
	_ = c.conn.SetReadDeadline(time.Now().Add(pongWait))
	c.conn.SetPongHandler(func(string) error { return c.conn.SetReadDeadline(time.Now().Add(pongWait)) })
	pace := rate.NewLimiter(saysPerSecond, saysAtOnce)
	for {
		kind, raw, err := c.conn.ReadMessage()
		if err != nil {
			c.end(websocket.CloseNormalClosure, "")
			return
		}
		if !c.paced(pace) {
			return
		}
		if kind != websocket.TextMessage {
			c.end(websocket.CloseUnsupportedData, "messages are text")
			return
		}
		ids, ok, err := parseRequest(raw)
		switch {
		case errors.Is(err, errMalformed):
			c.end(websocket.CloseInvalidFramePayloadData, err.Error())
			return
		case err != nil:
			c.end(websocket.ClosePolicyViolation, err.Error())
			return
		case ok:
			c.follow(ids)
		}
	}
}

// paced waits for the client's next turn; false: it has ended.
func (c *client) paced(pace *rate.Limiter) bool {
	wait := pace.Reserve().Delay()
	if wait == 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ending:
		return false
	}
}

// follow changes the cameras whose figures the client gets.
func (c *client) follow(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		return
	}
	c.hub.figures.swap(c.follows, ids)
	c.follows = ids
}

// followed are those cameras; the list is never written to.
func (c *client) followed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.follows
}

// leave gives up what the client follows, for good: its reader may still be
// on its way.
func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hub.figures.swap(c.follows, nil)
	c.follows, c.left = nil, true
}
