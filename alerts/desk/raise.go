package desk

import (
	"context"
	"fmt"
	"regexp"
	"sync"

	"sharpeyes/alerts"
)

// maxWaiting bounds the alarms of one key that wait to be counted together;
// when it is full, only critical ones are taken.
const maxWaiting = 4096

var kindPattern = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// raising counts alarms of one key together: while a batch is being committed
// the next one gathers, so that a storm costs a write per commit, not one per
// alarm. Each caller is answered after its own batch is on disk.
type raising struct {
	mu     sync.Mutex // guards groups and all in them
	groups map[string]*raiseGroup
}

type raiseGroup struct {
	busy bool
	next *raiseBatch
}

type raiseBatch struct {
	alarms  []alerts.Alert // what each would be were it new
	turn    chan struct{}  // closed when the batch before is done
	done    chan struct{}  // closed when the results are in
	results []raised
	err     error
}

type raised struct {
	alert    alerts.Alert
	repeated bool
}

// Raise takes in an alarm of a source. The same alarm within Window is counted;
// the same external id is counted once. A repeat that is graver makes the alert
// graver.
func (d *Desk) Raise(ctx context.Context, source alerts.Source, in Alarm) (v AlertView, repeated bool, err error) {
	s := alerts.Scope{Paths: []string{source.AreaPath}}
	if source.ID == "" || source.Disabled {
		return v, false, alerts.Errorf(alerts.Forbidden, "this source may not raise alarms")
	}
	a, err := d.alertOf(ctx, s, source, in)
	if err != nil {
		return v, false, err
	}
	r, err := d.raising.join(ctx, a, func(ctx context.Context, batch []alerts.Alert) ([]raised, error) {
		return d.count(ctx, batch)
	})
	if err != nil {
		return v, false, err
	}
	return d.alertView(r.alert), r.repeated, nil
}

// alertOf checks an alarm and makes the alert it would be were it new.
func (d *Desk) alertOf(ctx context.Context, s alerts.Scope, source alerts.Source, in Alarm) (alerts.Alert, error) {
	var f faults
	a := alerts.Alert{ID: alerts.NewID(d.now()), SourceID: source.ID, SourceName: source.Name, Kind: in.Kind,
		Severity: in.Severity, CameraID: in.CameraID, Count: 1}
	f.pattern("kind", in.Kind, kindPattern, "1 to 64 of a-z, 0-9, dot, dash, underscore")
	if a.Severity == "" {
		a.Severity = alerts.High
	}
	f.oneOf("severity", string(a.Severity), severityNames()...)
	a.Text = f.lines("text", in.Text, false, 500)
	a.ExternalID = f.line("external_id", in.ExternalID, false, 128)
	placed := in.Lon != nil && in.Lat != nil
	switch {
	case placed:
		a.Point, _, _ = f.place(*in.Lon, *in.Lat, in.System)
	case in.Lon != nil || in.Lat != nil:
		f.add("lon", "lon and lat are given together")
	case in.CameraID == "":
		f.add("camera_id", "camera_id, or lon and lat, must be given")
	}
	if err := f.err(); err != nil {
		return a, err
	}
	t := d.known.places()
	if placed {
		at := t.index.Locate(a.Point)
		a.AreaID, a.GridID = at.AreaID, at.GridID
	}
	if in.CameraID != "" {
		cam, err := d.cameraIn(ctx, s, in.CameraID)
		if err != nil {
			return a, err
		}
		a.Key = source.ID + "|camera:" + cam.ID + "|" + a.Kind
		if !placed {
			a.Point = cam.Point
		}
		if a.AreaID == "" { // the camera's own place, or one in no area
			a.AreaID, a.GridID = cam.AreaID, cam.GridID
		}
	} else {
		// Four decimals are 11 m: a box reports the same spot a little off each time.
		a.Key = fmt.Sprintf("%s|at:%.4f,%.4f|%s", source.ID, a.Point.Lon, a.Point.Lat, a.Kind)
	}
	area, ok := t.area(a.AreaID)
	if !ok || !s.Covers(area.Path) {
		return a, alerts.InvalidField("lon", "the place lies outside the area of this source")
	}
	a.AreaPath = area.Path
	return a, nil
}

// cameraIn returns a camera in a source's area.
func (d *Desk) cameraIn(ctx context.Context, s alerts.Scope, id string) (alerts.Camera, error) {
	if shown, ok := d.known.camera(id); ok && s.Covers(shown.path) {
		return shown.camera(), nil
	}
	cam, err := d.store.Camera(ctx, s, id) // perhaps just made on another node
	if alerts.KindOf(err) == alerts.NotFound {
		return cam, alerts.InvalidField("camera_id", "there is no such camera in the area of this source")
	}
	return cam, err
}

// join puts an alarm into the next batch of its key and waits for the outcome.
// The first in a batch commits it for all.
func (r *raising) join(ctx context.Context, a alerts.Alert, commit func(context.Context, []alerts.Alert) ([]raised, error)) (raised, error) {
	r.mu.Lock()
	g := r.groups[a.Key]
	if g == nil {
		g = &raiseGroup{}
		r.groups[a.Key] = g
	}
	b := g.next
	first := b == nil
	if first {
		b = &raiseBatch{turn: make(chan struct{}), done: make(chan struct{})}
		g.next = b
		if !g.busy {
			g.busy = true
			close(b.turn)
		}
	}
	if len(b.alarms) >= maxWaiting && a.Severity != alerts.Critical {
		r.mu.Unlock()
		return raised{}, alerts.Errorf(alerts.TooMany, "too many alarms of this kind wait to be counted: slow down")
	}
	n := len(b.alarms)
	b.alarms = append(b.alarms, a)
	r.mu.Unlock()
	if first {
		r.lead(ctx, a.Key, g, b, commit)
	} else {
		select {
		case <-b.done:
		case <-ctx.Done(): // it is counted all the same
			return raised{}, fmt.Errorf("desk: raise: %w", ctx.Err())
		}
	}
	if b.err != nil {
		return raised{}, b.err
	}
	return b.results[n], nil
}

// lead waits for the batch's turn, commits it and lets the next one begin. The
// others' alarms are in it too, so it does not end with the caller's context.
func (r *raising) lead(ctx context.Context, key string, g *raiseGroup, b *raiseBatch, commit func(context.Context, []alerts.Alert) ([]raised, error)) {
	<-b.turn
	r.mu.Lock()
	g.next = nil // from here on alarms go into another batch
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if g.next != nil {
			close(g.next.turn)
		} else {
			delete(r.groups, key)
		}
		if b.results == nil && b.err == nil { // commit panicked
			b.err = alerts.Errorf(alerts.Internal, "the alarm could not be counted")
		}
		close(b.done)
	}()
	b.results, b.err = commit(context.WithoutCancel(ctx), b.alarms)
}

// count commits a batch of alarms of one key: one alert, one event.
func (d *Desk) count(ctx context.Context, batch []alerts.Alert) ([]raised, error) {
	var out []raised
	err := d.write(ctx, func(c *change) error {
		out = make([]raised, len(batch))
		var current *alerts.Alert
		created, changed := false, false
		for n, a := range batch {
			if a.ExternalID != "" {
				known, err := c.alarmKnown(ctx, a)
				if err != nil {
					return err
				}
				if known != nil && (current == nil || known.ID != current.ID) {
					out[n] = raised{*known, true}
					continue
				}
				if known != nil {
					out[n].repeated = true
					continue
				}
			}
			if current == nil {
				found, err := c.AlertByKey(a.Key, c.now.Add(-d.Window))
				switch {
				case err == nil:
					current = &found
				case alerts.KindOf(err) != alerts.NotFound:
					return err
				}
			}
			changed = true
			if current == nil {
				created = true
				a.FirstAt, a.LastAt = c.now, c.now
				current = &a
			} else {
				out[n].repeated = true
				repeat(current, a)
				current.LastAt = clampTime(c.now, current.LastAt)
			}
			if a.ExternalID != "" {
				if err := c.Remember(alarmUser(a), alarmKey(a), "", current.ID); err != nil {
					return err
				}
			}
		}
		for n := range out {
			if out[n].alert.ID == "" {
				out[n].alert = *current
			}
		}
		if !changed {
			return nil
		}
		if err := c.SaveAlert(*current); err != nil {
			return err
		}
		kind := alerts.AlertRepeated
		if created {
			kind = alerts.AlertRaised
		}
		return c.emit(kind, current.AreaID, current.AreaPath, current.ID, d.alertView(*current))
	})
	return out, err
}

// repeat counts one more alarm into an alert. A graver one takes over: nothing
// critical hides behind what was not.
func repeat(current *alerts.Alert, a alerts.Alert) {
	current.Count++
	for _, v := range alerts.Severities {
		if v == current.Severity {
			return
		}
		if v == a.Severity {
			current.Severity = a.Severity
			if a.Text != "" {
				current.Text = a.Text
			}
			return
		}
	}
}

func alarmUser(a alerts.Alert) string { return "source/" + a.SourceID }
func alarmKey(a alerts.Alert) string  { return "alarm/" + a.ExternalID }

// alarmKnown returns the alert that an external id was counted into, nil where
// it is new.
func (c *change) alarmKnown(ctx context.Context, a alerts.Alert) (*alerts.Alert, error) {
	_, id, err := c.Recall(alarmUser(a), alarmKey(a))
	if alerts.KindOf(err) == alerts.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known, err := c.Alert(ctx, alerts.System(), id)
	if alerts.KindOf(err) == alerts.NotFound {
		return &alerts.Alert{ID: id}, nil // of this batch, not saved yet
	}
	return &known, err
}

func (d *Desk) alertView(a alerts.Alert) AlertView {
	t := d.known.places()
	v := AlertView{ID: a.ID, Kind: a.Kind, Severity: a.Severity, Text: a.Text, CameraID: a.CameraID, SourceName: a.SourceName,
		Lon: a.Point.Lon, Lat: a.Point.Lat, AreaID: a.AreaID, AreaName: t.areaThen(a.AreaID, a.FirstAt).Name, GridID: a.GridID,
		GridName: t.gridNameThen(a.GridID, a.FirstAt), FirstAt: a.FirstAt, LastAt: a.LastAt, Count: a.Count}
	if shown, ok := d.known.camera(a.CameraID); ok {
		v.CameraName = shown.view.Name
	}
	return v
}

// Alerts lists alerts, newest first, with the next page's cursor.
func (d *Desk) Alerts(ctx context.Context, s alerts.Scope, f alerts.AlertFilter) ([]AlertView, string, error) {
	if err := s.Need(alerts.ReadAlerts); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Alerts(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	out := make([]AlertView, len(list))
	for i, a := range list {
		out[i] = d.alertView(a)
	}
	return out, next, nil
}
