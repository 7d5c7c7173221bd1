package main

import (
	"encoding/json"
	"math"
	"sync/atomic"
	"time"

	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/api"
	"sharpeyes/gateway/live"
	"sharpeyes/streams"
)

// stateDisabled is the state of a camera that is switched off: the fleet does
// not know of it.
const stateDisabled = "disabled"

const (
	// staleAfter is the age from which a live picture is said to stand still.
	// A live picture that is not stale is younger, so that nobody has to be told
	// its age every second.
	staleAfter = 2 * time.Second
	// driftEvery bounds how often a camera's state is told anew for its figures
	// alone. Who wants them each second follows the camera.
	driftEvery = 10 * time.Second
)

// status is a camera's state as the API and the live socket show it.
func (m *media) status(id string) api.CameraStatus {
	profiles, now := m.fleet.Profiles(id), m.fleet.Now()
	out := api.CameraStatus{ID: id}
	if len(profiles) == 0 {
		out.StreamStatus = m.unpulled(id, now)
		return out
	}
	out.StreamStatus = streamStatus(streams.Whole(profiles), now)
	for _, p := range profiles {
		tape := m.tapes.status(id, p.Profile)
		if tape != nil && (out.Recording == nil || out.Recording.On) {
			out.Recording = tape
		}
		if len(profiles) > 1 {
			st := streamStatus(p, now)
			st.Recording = tape
			out.Profiles = append(out.Profiles, api.ProfileStatus{Profile: string(p.Profile), StreamStatus: st})
		}
	}
	return out
}

// unpulled is the state of a camera that the fleet does not have: it is
// switched off, or so new that it is not set up yet.
func (m *media) unpulled(id string, now time.Time) api.StreamStatus {
	if _, off := m.places(); off[id].ID != "" {
		return api.StreamStatus{State: stateDisabled, Since: inMillis(off[id].Changed)}
	}
	return api.StreamStatus{State: string(streams.Idle), Reason: string(streams.NoViewers), Since: inMillis(now)}
}

func streamStatus(st streams.Status, now time.Time) api.StreamStatus {
	return api.StreamStatus{State: string(st.State), Reason: string(st.Reason), Detail: st.Detail,
		Since: inMillis(st.Since), LastFrameAt: moment(st.LastFrame), FrameAge: frameAge(st, now), Stale: stale(st, now),
		LastKeyAt: moment(st.LastKey), RetryAt: moment(st.RetryAt),
		FPS: tenths(st.FPS), Kbps: math.Round(st.Kbps), Width: st.Width, Height: st.Height, Codec: string(st.Codec),
		KeyInterval: tenths(st.KeyInterval.Seconds()), Lost: st.Lost, Discarded: st.Discarded, Reconnects: st.Reconnects,
		Viewers: st.Readers, BFrames: st.BFrames, Degraded: st.Degraded, ClockOffset: clockOffset(st)}
}

func clockOffset(st streams.Status) *int64 {
	if st.ClockAt.IsZero() {
		return nil
	}
	ms := st.ClockOffset.Milliseconds()
	return &ms
}

// cameraFigures is what a follower of a camera gets every second. The names are
// those of the state; here zero is said, too.
type cameraFigures struct {
	ID string `json:"id"`
	streamFigures
	Profiles []profileFigures `json:"profiles,omitempty"`
}

type profileFigures struct {
	Profile streams.Profile `json:"profile"`
	streamFigures
}

type streamFigures struct {
	State       streams.State `json:"state"`
	FrameAge    *int64        `json:"frame_age_ms,omitempty"` // absent: no frame has come yet
	Stale       bool          `json:"stale"`
	FPS         float64       `json:"fps"`
	Kbps        float64       `json:"kbps"`
	KeyInterval float64       `json:"key_interval_s"`
	Lost        int64         `json:"lost"`
	Discarded   int64         `json:"discarded"`
	Reconnects  int64         `json:"reconnects"`
	Viewers     int           `json:"viewers"`
	Degraded    bool          `json:"degraded"`
}

func streamFiguresOf(st streams.Status, now time.Time) streamFigures {
	return streamFigures{State: st.State, FrameAge: frameAge(st, now), Stale: stale(st, now), FPS: tenths(st.FPS),
		Kbps: math.Round(st.Kbps), KeyInterval: tenths(st.KeyInterval.Seconds()), Lost: st.Lost, Discarded: st.Discarded,
		Reconnects: st.Reconnects, Viewers: st.Readers, Degraded: st.Degraded}
}

// figuresJSON is a camera's figures for the live socket; nil where it is
// switched off or gone.
func (m *media) figuresJSON(id string) json.RawMessage {
	profiles, now := m.fleet.Profiles(id), m.fleet.Now()
	if len(profiles) == 0 {
		return nil
	}
	out := cameraFigures{ID: id, streamFigures: streamFiguresOf(streams.Whole(profiles), now)}
	if len(profiles) > 1 {
		for _, p := range profiles {
			out.Profiles = append(out.Profiles, profileFigures{p.Profile, streamFiguresOf(p, now)})
		}
	}
	return encoded(out)
}

// stateJSON is a camera's state for the live socket.
func (m *media) stateJSON(id string) json.RawMessage { return encoded(m.status(id)) }

func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // NaN alone cannot be written, and rates are never that
	}
	return raw
}

func frameAge(st streams.Status, now time.Time) *int64 {
	if st.LastFrame.IsZero() {
		return nil
	}
	ms := max(0, now.Sub(st.LastFrame).Milliseconds())
	return &ms
}

func stale(st streams.Status, now time.Time) bool {
	return st.State == streams.Live && now.Sub(st.LastFrame) > staleAfter
}

func tenths(v float64) float64 { return math.Round(v*10) / 10 }

func inMillis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	u := inMillis(t)
	return &u
}

// statuses marks every camera whose state is worth telling anew, for the live
// socket, which alone calls it.
func (m *media) statuses() []live.CameraStatus {
	paths, off := m.places()
	return m.teller.look(m.fleet.Each, m.fleet.Now(), paths, off)
}

// teller remembers what was told of each camera last. It belongs to one
// goroutine; all is for everybody.
type teller struct {
	round uint64
	told  map[string]*told
	list  []live.CameraStatus
	all   atomic.Pointer[totals] // as of the last look
}

// totals are the figures of all cameras together.
type totals struct {
	states    map[string]int // cameras by state
	fps, kbps float64
	readers   int
}

type told struct {
	mark    uint64
	at      time.Time
	dirty   bool
	off     bool
	seen    [2]uint64 // round in which the stream was there last; 0: never
	streams [2]shown  // main, sub
}

func newTeller() *teller {
	t := &teller{told: map[string]*told{}}
	t.all.Store(&totals{})
	return t
}

// look compares the streams with what was told of them. The list is good until
// the next look; its order means nothing.
func (t *teller) look(each func(func(streams.Status)), now time.Time, paths map[string]string, off map[string]desk.OffCamera) []live.CameraStatus {
	t.round++
	all := &totals{states: map[string]int{}}
	each(func(st streams.Status) {
		if _, ok := paths[st.Camera]; ok {
			t.of(st.Camera).see(st, now, t.round)
			all.fps += st.FPS
			all.kbps += st.Kbps
			all.readers += st.Readers
		}
	})
	t.list = t.list[:0]
	for id := range off {
		c := t.of(id)
		c.dirty = c.dirty || !c.off
	}
	for id, c := range t.told {
		path, on := paths[id]
		if !on {
			o, there := off[id]
			if !there {
				delete(t.told, id)
				continue
			}
			path = o.AreaPath
		}
		c.off = !on
		c.settle(now, t.round)
		all.states[c.state()]++
		t.list = append(t.list, live.CameraStatus{ID: id, AreaPath: path, Mark: c.mark})
	}
	t.all.Store(all)
	return t.list
}

func (t *teller) of(id string) *told {
	c := t.told[id]
	if c == nil {
		c = &told{dirty: true}
		t.told[id] = c
	}
	return c
}

func (c *told) see(st streams.Status, now time.Time, round uint64) {
	i := 0
	if st.Profile == streams.Sub {
		i = 1
	}
	s, before := shownOf(st, now), &c.streams[i]
	if c.seen[i] == 0 || s.turned(before) || now.Sub(c.at) >= driftEvery && s.drifted(before) {
		c.dirty = true
		*before = s
	}
	c.seen[i] = round
}

// settle closes a round: a stream that is not there any more is worth telling,
// too.
func (c *told) settle(now time.Time, round uint64) {
	for i, seen := range c.seen {
		if seen != 0 && seen != round {
			c.seen[i], c.streams[i], c.dirty = 0, shown{}, true
		}
	}
	if c.dirty {
		c.mark++
		c.at, c.dirty = now, false
	}
}

// state is that of the camera as a whole.
func (c *told) state() string {
	if c.off {
		return stateDisabled
	}
	st := c.streams[0].state
	if st == streams.Idle && c.seen[1] != 0 {
		st = c.streams[1].state
	}
	if st == "" { // set up in this very moment
		st = streams.Idle
	}
	return string(st)
}

// shown is what of a stream's state can be worth telling.
type shown struct {
	turns
	fps, kbps, keyInterval float64
	lost, discarded        int64
	readers                int
}

// turns are told at once.
type turns struct {
	state             streams.State
	reason            streams.Reason
	detail            string
	codec             streams.Codec
	since, retryAt    int64
	width, height     int
	reconnects        int64
	bFrames, degraded bool
	stale             bool
}

func shownOf(st streams.Status, now time.Time) shown {
	return shown{turns: turns{state: st.State, reason: st.Reason, detail: st.Detail, codec: st.Codec,
		since: st.Since.UnixMilli(), retryAt: st.RetryAt.UnixMilli(), width: st.Width, height: st.Height,
		reconnects: st.Reconnects, bFrames: st.BFrames, degraded: st.Degraded, stale: stale(st, now)},
		fps: st.FPS, kbps: st.Kbps, keyInterval: st.KeyInterval.Seconds(), lost: st.Lost, discarded: st.Discarded, readers: st.Readers}
}

func (s *shown) turned(before *shown) bool { return s.turns != before.turns }

// drifted leaves out the swings that every encoder has.
func (s *shown) drifted(before *shown) bool {
	return s.lost != before.lost || s.discarded != before.discarded || s.readers != before.readers ||
		differs(s.fps, before.fps, 0.1, 1) || differs(s.kbps, before.kbps, 0.25, 64) || differs(s.keyInterval, before.keyInterval, 0.2, 0.5)
}

// differs tells whether two figures are apart by more than a part of the larger
// one, and by more than least.
func differs(a, b, part, least float64) bool {
	return math.Abs(a-b) > max(part*max(a, b), least)
}
