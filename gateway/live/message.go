package live

import (
	"encoding/json"
	"time"
)

// The messages to a client; their fields are the contract of GET /api/v1/live.

type helloMessage struct {
	Type        string `json:"type"`
	Seq         int64  `json:"seq"`
	Resumed     bool   `json:"resumed"`
	ServerTime  string `json:"server_time"`
	TickSeconds int    `json:"tick_s"`
}

type snapshotMessage struct {
	Type      string            `json:"type"`
	Part      int               `json:"part"`
	Parts     int               `json:"parts"`
	Seq       int64             `json:"seq"`
	Cameras   []json.RawMessage `json:"cameras"`
	Incidents []json.RawMessage `json:"incidents"`
	Alerts    []json.RawMessage `json:"alerts"`
}

// fill makes empty lists of absent ones: clients need not ask.
func (m *snapshotMessage) fill() {
	for _, l := range []*[]json.RawMessage{&m.Cameras, &m.Incidents, &m.Alerts} {
		if *l == nil {
			*l = []json.RawMessage{}
		}
	}
}

// list writes {"type":kind,"at":at,"items":[...]}; the items are JSON already,
// and are neither looked at nor copied more than once. at may be empty.
func list(kind, at string, items []json.RawMessage) []byte {
	size := 64 + len(items)
	for _, it := range items {
		size += len(it)
	}
	out := make([]byte, 0, size)
	out = append(append(out, `{"type":"`...), kind...)
	if at != "" {
		out = append(append(out, `","at":"`...), at...)
	}
	out = append(out, `","items":[`...)
	for i, it := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, it...)
	}
	return append(out, "]}"...)
}

type tickMessage struct {
	Type       string `json:"type"`
	Seq        int64  `json:"seq"`
	ServerTime string `json:"server_time"`
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
