package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

const (
	eventsWaiting = 1024 // alarms and cases whose footage is to be kept; more are left out and logged
	caughtUp      = time.Hour
	nearbyCameras = 16
)

// eventKeeper has the recorder keep what cameras that are recorded around events
// alone saw before and after an alarm or a new case.
type eventKeeper struct {
	desk *desk.Desk
	rec  *recording
	log  *slog.Logger

	news  chan occurrence
	unsub func()
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

// occurrence is an alarm or a case.
type occurrence struct {
	at     time.Time
	camera string // empty: none raised it
	place  alerts.Point
}

func newEventKeeper(d *desk.Desk, rec *recording, log *slog.Logger) *eventKeeper {
	return &eventKeeper{desk: d, rec: rec, log: log, news: make(chan occurrence, eventsWaiting)}
}

// open follows the bus. What was raised lately, before this process ran, is taken
// from the store.
func (k *eventKeeper) open(ctx context.Context, bus alerts.Bus) {
	run, cancel := context.WithCancel(context.Background())
	k.stop = cancel
	k.unsub = bus.Subscribe(func(e alerts.Event) {
		if h, ok := occurrenceOf(e); ok {
			k.note(h)
		}
	})
	list, _, err := k.desk.Alerts(ctx, alerts.System(), alerts.AlertFilter{Since: time.Now().Add(-caughtUp), Page: alerts.Page{Limit: eventsWaiting / 2}})
	if err != nil {
		k.log.Warn("alarms from before the start are not known to the recorder", "error", err)
	}
	for _, a := range list {
		k.note(occurrence{a.LastAt, a.CameraID, alerts.Point{Lon: a.Lon, Lat: a.Lat}})
	}
	k.wg.Go(func() {
		for {
			select {
			case <-run.Done():
				return
			case h := <-k.news:
				k.keep(run, h)
			}
		}
	})
}

func (k *eventKeeper) close() {
	k.unsub()
	k.stop()
	k.wg.Wait()
}

func (k *eventKeeper) note(h occurrence) {
	select {
	case k.news <- h:
	default:
		k.log.Warn("too many alarms at once: what was recorded around one of them is not kept", "camera", h.camera)
	}
}

// occurrenceOf reads an event that footage is kept of.
func occurrenceOf(e alerts.Event) (occurrence, bool) {
	switch e.Kind {
	case alerts.AlertRaised, alerts.AlertRepeated:
		var v desk.AlertView
		if json.Unmarshal(e.Data, &v) == nil {
			return occurrence{v.LastAt, v.CameraID, alerts.Point{Lon: v.Lon, Lat: v.Lat}}, true
		}
	case alerts.CaseChanged:
		var v desk.CaseView
		// Later changes of a case keep nothing that is not kept already.
		if json.Unmarshal(e.Data, &v) == nil && e.At.Sub(v.OpenedAt) < caughtUp {
			return occurrence{v.OpenedAt, "", alerts.Point{Lon: v.Lon, Lat: v.Lat}}, true
		}
	}
	return occurrence{}, false
}

// keep has the camera itself and those that see the place kept.
func (k *eventKeeper) keep(ctx context.Context, h occurrence) {
	plans := k.rec.aroundEvents()
	if len(plans) == 0 {
		return
	}
	ids := []string{h.camera}
	near, err := k.desk.CamerasNear(ctx, alerts.System(), h.place, nearbyCameras)
	if err != nil && h.place != (alerts.Point{}) {
		k.log.Warn("cameras near an event cannot be found", "error", err)
	}
	for _, c := range near {
		if c.InView && c.ID != h.camera {
			ids = append(ids, c.ID)
		}
	}
	for _, id := range ids {
		plan, ok := plans[id]
		if !ok {
			continue
		}
		from, to := h.at.Add(-time.Duration(plan.Before)*time.Second), h.at.Add(time.Duration(plan.After)*time.Second+time.Second)
		if err := k.rec.rec.Keep(id, from, to); err != nil {
			k.log.Error("what was recorded around an event is not kept", "camera", id, "error", err)
		}
	}
}

// aroundEvents returns the plans of the cameras that are recorded around events
// alone; nil: there are none.
func (r *recording) aroundEvents() map[string]alerts.RecordPlan {
	var out map[string]alerts.RecordPlan
	for id, p := range *r.plans.Load() {
		if p.Mode == alerts.RecordEvents {
			if out == nil {
				out = make(map[string]alerts.RecordPlan)
			}
			out[id] = p
		}
	}
	return out
}
