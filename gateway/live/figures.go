package live

import (
	"encoding/json"
	"sync"
	"time"

	"sharpeyes/alerts"
)

// figures makes, once a second, the figures of the cameras that some client has
// asked for, each once for all of them. Its size is bounded by what clients may
// ask for.
type figures struct {
	encode func(id string) json.RawMessage

	mu     sync.Mutex
	wanted map[string]int // camera to how many clients
	round  int64
	at     time.Time
	items  map[string]figure
}

type figure struct {
	path string
	json json.RawMessage
}

func newFigures(encode func(id string) json.RawMessage) *figures {
	return &figures{encode: encode, wanted: map[string]int{}}
}

// swap changes what one client wants.
func (f *figures) swap(before, after []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range after {
		f.wanted[id]++
	}
	for _, id := range before {
		if f.wanted[id]--; f.wanted[id] == 0 {
			delete(f.wanted, id)
		}
	}
}

// update makes the figures of now and tells whether there are any.
func (f *figures) update(now time.Time, pathOf func(id string) (string, bool)) bool {
	f.mu.Lock()
	ids := make([]string, 0, len(f.wanted))
	for id := range f.wanted {
		ids = append(ids, id)
	}
	f.mu.Unlock()
	items := make(map[string]figure, len(ids))
	for _, id := range ids {
		path, ok := pathOf(id)
		if !ok {
			continue // nobody's, or gone
		}
		if raw := f.encode(id); len(raw) > 0 {
			items[id] = figure{path, raw}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.round++
	f.at, f.items = now, items
	return len(items) > 0
}

// of returns this round's figures of some cameras, as far as a scope covers
// them, or nothing where the client has seen the round.
func (f *figures) of(ids []string, round int64, s alerts.Scope) (items []json.RawMessage, at time.Time, now int64) {
	f.mu.Lock()
	made, at, now := f.items, f.at, f.round
	f.mu.Unlock()
	if round == now || !s.Can(alerts.ViewMap) {
		return nil, at, now
	}
	for _, id := range ids {
		if it, ok := made[id]; ok && s.Covers(it.path) {
			items = append(items, it.json)
		}
	}
	return items, at, now
}
