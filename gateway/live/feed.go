package live

import (
	"encoding/json"
	"slices"
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
	seq     int64
	path    string
	right   alerts.Right
	parties []string // of a case: whom it concerns
	json    []byte

	everywhere bool // for every area, whatever its path
	personal   bool // for its parties alone
}

// viewer is a scope with what it sees of cases.
type viewer struct {
	alerts.Scope
	sight alerts.Sight
}

func viewerOf(s alerts.Scope) viewer { return viewer{Scope: s, sight: s.Sight()} }

// sees tells whether an event is for a viewer: his right, his areas, and of
// cases, where he does not see all, one he is a party to. What is personal is for
// its parties alone.
func (v viewer) sees(it item) bool {
	if !v.Can(it.right) || !it.everywhere && !v.Covers(it.path) {
		return false
	}
	return it.right != alerts.ReadCases || v.sight.All && !it.personal || v.concerns(it.parties)
}

func (v viewer) concerns(parties []string) bool {
	for _, p := range parties {
		if p != "" && (p == v.sight.UserID || p == v.sight.DepartmentID || slices.Contains(v.sight.GridIDs, p)) {
			return true
		}
	}
	return false
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
	return item{seq: e.Seq, path: e.AreaPath, right: right, parties: e.Parties, everywhere: e.Kind.Everywhere(),
		personal: e.Kind.Personal(), json: raw}, true
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

// after returns the events after a number that a viewer may see, and the number
// it has read up to; ok is false where the ring does not reach back so far.
func (f *feed) after(since int64, v viewer, limit int) (out []json.RawMessage, upTo int64, ok bool) {
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
		if v.sees(it) {
			out = append(out, it.json)
		}
	}
	return out, f.last, true
}
