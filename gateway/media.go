package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/streams"
)

// media keeps the fleet of pulls in step with the cameras of the desk.
type media struct {
	desk  *desk.Desk
	bus   alerts.Bus
	fleet *streams.Fleet
	tapes *recording
	log   *slog.Logger

	mu     sync.Mutex
	paths  map[string]string         // enabled camera to area path; replaced, never written to
	off    map[string]desk.OffCamera // cameras that are switched off; likewise
	teller *teller
	wg     sync.WaitGroup
	cancel context.CancelFunc
}

const (
	// syncEvery makes up for lost hints.
	syncEvery = 30 * time.Second
	// syncRetry is the wait after the store could not be read.
	syncRetry = 2 * time.Second
)

func newMedia(d *desk.Desk, bus alerts.Bus, fleet *streams.Fleet, tapes *recording, log *slog.Logger) *media {
	return &media{desk: d, bus: bus, fleet: fleet, tapes: tapes, log: log, paths: map[string]string{}, teller: newTeller()}
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
	specs, switchedOff, err := m.desk.PullSpecs(ctx)
	if err != nil {
		return err
	}
	off := make(map[string]desk.OffCamera, len(switchedOff))
	for _, c := range switchedOff {
		off[c.ID] = c
	}
	paths := make(map[string]string, len(specs))
	for _, s := range specs {
		paths[s.ID] = s.AreaPath
		m.fleet.Set(s.ID, pulls(s)...)
	}
	before, _ := m.places()
	for id := range before {
		if _, still := paths[id]; !still {
			m.fleet.Set(id)
		}
	}
	m.mu.Lock()
	m.paths, m.off = paths, off
	m.mu.Unlock()
	return m.tapes.set(specs, switchedOff)
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

// places returns the enabled cameras with their area paths, and those that are
// switched off.
func (m *media) places() (map[string]string, map[string]desk.OffCamera) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.paths, m.off
}
