package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/api"
	"sharpeyes/gateway/live"
	"sharpeyes/streams"
)

// media keeps the fleet of pulls in step with the cameras of the desk.
type media struct {
	desk  *desk.Desk
	bus   alerts.Bus
	fleet *streams.Fleet
	log   *slog.Logger

	mu     sync.Mutex
	paths  map[string]string // enabled camera to area path
	wg     sync.WaitGroup
	cancel context.CancelFunc
}

const (
	// syncEvery makes up for lost hints.
	syncEvery = 30 * time.Second
	// syncRetry is the wait after the store could not be read.
	syncRetry = 2 * time.Second
)

func newMedia(d *desk.Desk, bus alerts.Bus, fleet *streams.Fleet, log *slog.Logger) *media {
	return &media{desk: d, bus: bus, fleet: fleet, log: log, paths: map[string]string{}}
}

// open sets up every camera, then follows changes.
func (m *media) open(ctx context.Context) error {
	if err := m.sync(ctx); err != nil {
		return fmt.Errorf("cameras: %w", err)
	}
	run, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	kick := make(chan struct{}, 1)
	stop := m.bus.Subscribe(func(e alerts.Event) {
		switch e.Kind {
		case alerts.CameraSaved, alerts.CameraRemoved:
			select {
			case kick <- struct{}{}:
			default: // one look serves all
			}
		}
	})
	m.wg.Go(func() {
		defer stop()
		timer := time.NewTimer(syncEvery)
		defer timer.Stop()
		for {
			select {
			case <-kick:
			case <-timer.C:
			case <-run.Done():
				return
			}
			next := syncEvery
			if err := m.sync(run); err != nil && run.Err() == nil {
				m.log.Warn("cameras are not in step with the store", "error", err)
				next = syncRetry
			}
			timer.Reset(next)
		}
	})
	return nil
}

func (m *media) close() {
	m.cancel()
	m.wg.Wait()
}

// sync gives the fleet the cameras as they are.
func (m *media) sync(ctx context.Context) error {
	specs, err := m.desk.PullSpecs(ctx)
	if err != nil {
		return err
	}
	paths := make(map[string]string, len(specs))
	for _, s := range specs {
		paths[s.ID] = s.AreaPath
		m.fleet.Set(s.ID, pulls(s)...)
	}
	m.mu.Lock()
	before := m.paths
	m.paths = paths
	m.mu.Unlock()
	for id := range before {
		if _, still := paths[id]; !still {
			m.fleet.Set(id)
		}
	}
	return nil
}

// pulls turns a camera into the streams to be pulled.
func pulls(s desk.PullSpec) []streams.Spec {
	one := streams.Spec{Camera: s.ID, Profile: streams.Main, URL: s.MainURL, Username: s.Credentials.Username,
		Password: s.Credentials.Password, UDP: s.Transport == "udp", Always: s.Mode == alerts.Always}
	out := []streams.Spec{one}
	if s.SubURL != "" {
		one.Profile, one.URL = streams.Sub, s.SubURL
		out = append(out, one)
	}
	return out
}

// health ranks a camera for "who sees this point": 1 live, 0 gone.
func (m *media) health(id string) float64 {
	st, ok := m.fleet.Status(id)
	switch {
	case !ok:
		return 0
	case st.State == streams.Live:
		return 1
	case st.State == streams.Idle || st.State == streams.Connecting:
		return 0.8
	}
	return 0.1
}

// status is a camera's state as the API and the live socket show it.
func (m *media) status(id string) api.CameraStatus {
	st, ok := m.fleet.Status(id)
	if !ok {
		return api.CameraStatus{ID: id, State: "disabled"}
	}
	return api.CameraStatus{ID: id, State: string(st.State), Reason: string(st.Reason), Detail: st.Detail,
		Since: st.Since.UTC().Truncate(time.Millisecond), LastFrameAt: moment(st.LastFrame), RetryAt: moment(st.RetryAt),
		FPS: math.Round(st.FPS*10) / 10, Kbps: math.Round(st.Kbps), Width: st.Width, Height: st.Height, Codec: string(st.Codec),
		KeyInterval: math.Round(st.KeyInterval.Seconds()*10) / 10, Lost: st.Lost, Reconnects: st.Reconnects, Viewers: st.Readers}
}

// statuses lists every camera that is pulled or could be, for the live socket.
func (m *media) statuses() []live.CameraStatus {
	m.mu.Lock()
	paths := m.paths
	m.mu.Unlock()
	out := make([]live.CameraStatus, 0, len(paths))
	for id, path := range paths {
		st := m.status(id)
		raw, err := json.Marshal(st)
		if err != nil {
			continue // NaN alone cannot be written, and rates are never that
		}
		out = append(out, live.CameraStatus{ID: id, AreaPath: path, Mark: mark(st), JSON: raw})
	}
	return out
}

// mark changes when the difference is worth a message: small swings of rates
// are not.
func mark(s api.CameraStatus) string {
	return fmt.Sprint(s.State, s.Reason, s.Since, s.RetryAt, s.Width, s.Height, s.Codec, math.Round(s.FPS),
		math.Round(math.Log2(s.Kbps+1)*2), s.Lost, s.Reconnects, s.Viewers)
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	u := t.UTC().Truncate(time.Millisecond)
	return &u
}
