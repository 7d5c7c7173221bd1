package live

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"sharpeyes/alerts"
)

const (
	// statesPerRound bounds the changes that one round tells: when a whole city
	// loses power, the rest waits for the next second.
	statesPerRound = 2000
	// freshFor is how old a state may be that a new client is greeted with.
	freshFor = time.Second
	// sharedBytes bounds the messages kept for clients of the same scope.
	sharedBytes = 32 << 20
)

// states knows which cameras there are, and in which round each one's state
// last changed. A state is encoded when the first client asks for it, and a
// message is made and compressed once for all clients of a scope.
type states struct {
	encode func(id string) json.RawMessage

	mu     sync.Mutex
	round  int64
	rows   map[string]*stateRow
	all    []*stateRow // in order of appearance
	tick   int64       // counts updates
	shared map[view][]*websocket.PreparedMessage
	bytes  int // of shared
}

type stateRow struct {
	CameraStatus
	round int64 // in which it last changed
	tick  int64 // in which it was last there
	json  json.RawMessage
	made  time.Time
}

// view is what a message depends on: where the client stands, and its areas.
type view struct {
	from  int64
	paths string
}

func newStates(encode func(id string) json.RawMessage) *states {
	return &states{encode: encode, rows: map[string]*stateRow{}, shared: map[view][]*websocket.PreparedMessage{}}
}

// update takes the marks of now and tells whether any changed.
func (st *states) update(now []CameraStatus) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.tick++
	clear(st.shared)
	st.bytes = 0
	changed := 0
	for _, s := range now {
		r := st.rows[s.ID]
		switch {
		case r == nil:
			r = &stateRow{}
			st.rows[s.ID] = r
			st.all = append(st.all, r)
		case r.AreaPath == s.AreaPath && (r.Mark == s.Mark || changed >= statesPerRound):
			r.tick = st.tick
			continue
		}
		changed++
		*r = stateRow{CameraStatus: s, round: st.round + 1, tick: st.tick}
	}
	if len(st.all) > len(now) {
		st.sweep()
	}
	if changed > 0 {
		st.round++
	}
	return changed > 0
}

// sweep forgets the cameras that are gone; an event has told the clients.
func (st *states) sweep() {
	kept := st.all[:0]
	for _, r := range st.all {
		if r.tick == st.tick {
			kept = append(kept, r)
		} else {
			delete(st.rows, r.ID)
		}
	}
	clear(st.all[len(kept):])
	st.all = kept
}

// pathOf is the area of a camera.
func (st *states) pathOf(id string) (path string, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	r := st.rows[id]
	if r == nil {
		return "", false
	}
	return r.AreaPath, true
}

// after returns what tells a scope of the states that changed after a round; of
// all of them after round 0.
func (st *states) after(round int64, s alerts.Scope, now time.Time) ([]*websocket.PreparedMessage, int64, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if round == st.round {
		return nil, round, nil
	}
	if !s.Can(alerts.ViewMap) {
		return nil, st.round, nil
	}
	key := view{from: round, paths: strings.Join(s.Paths, "\x00")}
	if messages, ok := st.shared[key]; ok {
		return messages, st.round, nil
	}
	var items []json.RawMessage
	size := 0
	for _, r := range st.all {
		if r.round <= round || !s.Covers(r.AreaPath) {
			continue
		}
		if r.json == nil || round == 0 && now.Sub(r.made) > freshFor {
			r.json, r.made = st.encode(r.ID), now
		}
		if len(r.json) > 0 {
			items = append(items, r.json)
			size += len(r.json)
		}
	}
	var messages []*websocket.PreparedMessage
	for len(items) > 0 {
		n := min(statusPerMessage, len(items))
		m, err := websocket.NewPreparedMessage(websocket.TextMessage, list("status", "", items[:n]))
		if err != nil {
			return nil, round, err
		}
		messages = append(messages, m)
		items = items[n:]
	}
	if st.bytes+size <= sharedBytes {
		st.shared[key] = messages
		st.bytes += size
	}
	return messages, st.round, nil
}
