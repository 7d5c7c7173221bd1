package live

import (
	"encoding/json"
	"sync"

	"sharpeyes/alerts"
)

// feed is the ring of the newest events, each encoded once for all clients.
type feed struct {
	mu    sync.RWMutex
	ring  []item
	first int64 // every event from first on is in the ring
	last  int64
}

// item is an event ready to be sent.
type item struct {
	seq   int64
	path  string
	right alerts.Right
	json  []byte
}

// outside is what an event looks like to a client.
type outside struct {
	Seq    int64            `json:"seq"`
	At     string           `json:"at"`
	Kind   alerts.EventKind `json:"kind"`
	AreaID string           `json:"area_id,omitempty"`
	ID     string           `json:"id,omitempty"`
	Data   json.RawMessage  `json:"data,omitempty"`
}

func newFeed(last int64) *feed { return &feed{first: last + 1, last: last} }

func encode(e alerts.Event) (item, bool) {
	right := e.Kind.NeededRight()
	if right == "" {
		return item{}, false // the process' own business
	}
	raw, err := json.Marshal(outside{Seq: e.Seq, At: stamp(e.At), Kind: e.Kind, AreaID: e.AreaID, ID: e.ID, Data: e.Data})
	if err != nil {
		return item{}, false // Data is not JSON: never stored by desk
	}
	return item{seq: e.Seq, path: e.AreaPath, right: right, json: raw}, true
}

func (f *feed) newest() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.last
}

// add appends events up to a number; what is not sent outside is passed over.
func (f *feed) add(events []alerts.Event, upTo int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		if it, ok := encode(e); ok {
			f.ring = append(f.ring, it)
		}
	}
	f.last = upTo
	if n := len(f.ring) - ringSize; n > 0 {
		f.first = f.ring[n-1].seq + 1
		f.ring = append([]item(nil), f.ring[n:]...)
	}
}

// after returns the events after a number that a scope may see, and the number
// it has read up to; ok is false where the ring does not reach back so far.
func (f *feed) after(since int64, s alerts.Scope, limit int) (out []json.RawMessage, upTo int64, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if since > f.last {
		return nil, since, true // a snapshot may be ahead of us
	}
	if since+1 < f.first {
		return nil, since, false
	}
	lo, hi := 0, len(f.ring)
	for lo < hi { // first item after since
		if mid := (lo + hi) / 2; f.ring[mid].seq > since {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	for _, it := range f.ring[lo:] {
		if len(out) == limit {
			return out, upTo, true
		}
		upTo = it.seq
		if s.Can(it.right) && s.Covers(it.path) {
			out = append(out, it.json)
		}
	}
	return out, f.last, true
}
