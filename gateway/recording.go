package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/api"
	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

// recordDir is where the record lies in the data folder.
const recordDir = "record"

// scheduleEvery is how often schedules are looked at: they are by the minute.
const scheduleEvery = 10 * time.Second

// recording keeps the recorder in step with the cameras: it takes part in the
// one pull of each stream that is to be recorded, and lets go of it after.
type recording struct {
	fleet *streams.Fleet
	rec   *record.Recorder
	zone  *time.Location // of schedules
	now   func() time.Time
	log   *slog.Logger

	// plans are those of the cameras that are to be recorded, at some time.
	plans atomic.Pointer[map[string]alerts.RecordPlan]

	mu    sync.Mutex
	specs []desk.PullSpec // as last told
	tapes map[tapeKey]*tape
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

type tapeKey struct {
	camera  string
	profile streams.Profile
}

// tape is one stream that is recorded.
type tape struct {
	hub *streams.Hub
	end func() // returns when all is on the disk
}

// openRecording sweeps the disks and starts the recorder; it records nothing yet.
func (a *app) openRecording(ctx context.Context, fleet *streams.Fleet) (*recording, error) {
	set := a.set.Record
	disks := set.Disks
	if len(disks) == 0 {
		disks = []string{a.data.file(recordDir)}
	}
	watch := newDiskWatch(a.desk, a.log)
	rec := record.New(record.Options{Disks: disks, Log: a.log, Segment: set.Segment, Days: set.Days, Bytes: set.Bytes, Spare: set.Spare, OnDisk: watch.told})
	watch.open()
	a.later(watch.close)
	if err := rec.Open(ctx); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	a.later(func() { a.report("closing the recorder", rec.Close()) })
	r := newRecording(fleet, rec, a.desk.Zone, a.log)
	r.open()
	a.later(r.close)
	keeper := newEventKeeper(a.desk, r, a.log)
	keeper.open(ctx, a.bus)
	a.later(keeper.close)
	return r, nil
}

func newRecording(fleet *streams.Fleet, rec *record.Recorder, zone *time.Location, log *slog.Logger) *recording {
	r := &recording{fleet: fleet, rec: rec, zone: zone, now: time.Now, log: log, tapes: map[tapeKey]*tape{}}
	r.plans.Store(&map[string]alerts.RecordPlan{})
	return r
}

// open begins to follow the schedules.
func (r *recording) open() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.wg.Go(func() {
		tick := time.NewTicker(scheduleEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.step()
			}
		}
	})
}

// close ends all recording.
func (r *recording) close() {
	r.stop()
	r.wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.specs = nil
	r.settle()
}

// set tells of the cameras as they are.
func (r *recording) set(on []desk.PullSpec, off []desk.OffCamera) error {
	policies := make(map[string]record.Policy, len(on)+len(off))
	for _, s := range on {
		policies[s.ID] = policyOf(s.Recording)
	}
	for _, c := range off {
		policies[c.ID] = policyOf(c.Recording)
	}
	if err := r.rec.SetPolicies(policies); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	plans := make(map[string]alerts.RecordPlan)
	for _, s := range on {
		if s.Record.Mode != alerts.RecordOff {
			plans[s.ID] = s.Record
		}
	}
	r.plans.Store(&plans)
	r.specs = on
	r.settle()
	return nil
}

func policyOf(c desk.Recording) record.Policy {
	p := record.Policy{Public: c.Class == alerts.PublicCamera, Days: c.Retention, Bytes: c.Record.Bytes,
		Events: c.Record.Mode == alerts.RecordEvents, Before: time.Duration(c.Record.Before) * time.Second}
	if p.Public {
		p.Bytes = 0 // a limit could cut its days short; the desk takes none
		p.Days = max(p.Days, record.LeastPublicDays)
	}
	return p
}

func (r *recording) step() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
}

// settle begins and ends recording as the cameras want it now. r.mu is held.
func (r *recording) settle() {
	now := r.now().In(r.zone)
	wanted := make(map[tapeKey]record.Policy)
	for _, s := range r.specs {
		if !s.Record.Wants(now) {
			continue
		}
		for _, p := range []streams.Profile{streams.Main, streams.Sub} {
			if slices.Contains(s.Record.Profiles, string(p)) {
				wanted[tapeKey{s.ID, p}] = policyOf(s.Recording)
			}
		}
	}
	var ending sync.WaitGroup // each waits for its disk
	for k, t := range r.tapes {
		hub, _ := r.fleet.Hub(k.camera, k.profile)
		if _, ok := wanted[k]; !ok || hub != t.hub {
			delete(r.tapes, k)
			ending.Go(t.end)
		}
	}
	ending.Wait()
	for k, policy := range wanted {
		if r.tapes[k] == nil {
			r.begin(k, policy)
		}
	}
}

func (r *recording) begin(k tapeKey, policy record.Policy) {
	if hub, _ := r.fleet.Hub(k.camera, k.profile); hub == nil {
		return // no such stream
	}
	hub, release, err := r.fleet.Acquire(k.camera, k.profile)
	if err != nil {
		return // gone in this moment; the next look tells
	}
	stop, err := r.rec.Follow(hub, k.camera, k.profile, policy)
	if err != nil {
		release()
		r.log.Error("recording", "camera", k.camera, "profile", k.profile, "error", err)
		return
	}
	r.tapes[k] = &tape{hub: hub, end: func() { stop(); release() }}
}

// status is what the recorder does with a stream; nil where it is not to be
// recorded.
func (r *recording) status(camera string, profile streams.Profile) *api.RecordingStatus {
	if r == nil {
		return nil
	}
	plan, ok := (*r.plans.Load())[camera]
	if !ok || !slices.Contains(plan.Profiles, string(profile)) {
		return nil
	}
	out := &api.RecordingStatus{Cause: record.Stopped.String(), Since: inMillis(r.now())}
	if st, known := r.rec.State(camera, profile); known {
		out.On, out.LastWrite = st.Cause == record.None, moment(st.Wrote)
		if out.Cause = st.Cause.String(); out.On {
			out.Cause = ""
		}
		if !st.Since.IsZero() {
			out.Since = inMillis(st.Since)
		}
	}
	return out
}
