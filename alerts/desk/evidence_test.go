package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// shelf is alerts.Objects in memory.
type shelf struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (s *shelf) Put(_ context.Context, key string, r io.Reader) (int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.kept[key]; taken {
		return 0, alerts.Errorf(alerts.Conflict, "taken")
	}
	s.kept[key] = b
	return int64(len(b)), nil
}

func (s *shelf) Get(_ context.Context, key string, from, _ int64) (io.ReadCloser, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.kept[key]
	if !ok {
		return nil, 0, alerts.Errorf(alerts.NotFound, "none")
	}
	return io.NopCloser(bytes.NewReader(b[from:])), int64(len(b)), nil
}

func (s *shelf) Remove(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, key)
	return nil
}

func (s *shelf) List(context.Context, string, string, int) ([]alerts.ObjectInfo, error) {
	return nil, errors.New("not asked for")
}

func (s *shelf) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.kept))
}

// reel is a Clipper. Its cameras have a clip each; writing one waits for a go, or
// for its context, where there is a gate.
type reel struct {
	mu     sync.Mutex
	gate   chan struct{}
	begun  chan string // told of each clip that is begun, where there is one
	broken error
	empty  bool // there is no footage
	pins   map[string]time.Time
	n      int
}

func (r *reel) Cut(ctx context.Context, camera, _ string, from, to time.Time, take func(Clip) error) error {
	if r.empty {
		return alerts.Errorf(alerts.NotFound, "none")
	}
	return take(Clip{Footage: alerts.Footage{ActualFrom: from, ActualTo: to, Codec: "h264"}, MediaType: "video/mp4",
		Write: func(ctx context.Context, w io.Writer, progress func(done, total int64)) error {
			_, err := io.WriteString(w, "half of "+camera)
			if r.begun != nil {
				r.begun <- camera
			}
			if r.gate != nil {
				select {
				case <-r.gate:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			progress(1, 1)
			return errors.Join(err, r.broken)
		}})
}

func (r *reel) Pin(camera string, _, _, until time.Time, _ string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	id := fmt.Sprint(camera, "#", r.n)
	r.pins[id] = until
	return id, nil
}

func (r *reel) Unpin(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pins, id)
	return nil
}

func (r *reel) held() map[string]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.pins)
}

// filmed is a bureau with a record: cameras c1 and c2 stand in v1 and see it all.
func filmed(t *testing.T) (*bureau, *reel, *shelf) {
	b := newBureau(t)
	r, s := b.film(t)
	return b, r, s
}

func (b *bureau) film(t *testing.T) (*reel, *shelf) {
	t.Helper()
	for _, id := range []string{"c1", "c2"} {
		in := CameraInput{ID: id, Name: id, Lon: report("v1").Lon, Lat: report("v1").Lat, FOV: 360, Range: 900, MainURL: "rtsp://10.0.0.9/" + id}
		if _, err := b.CreateCamera(context.Background(), b.who["ad"], in); err != nil {
			t.Fatal(err)
		}
	}
	r, s := &reel{pins: map[string]time.Time{}}, &shelf{kept: map[string][]byte{}}
	b.Clipper, b.Objects = r, s
	return r, s
}

func (b *bureau) order(t *testing.T, caseID string, cameras ...string) ClipExportView {
	t.Helper()
	in := ClipInput{CaseID: caseID, From: base.Add(-time.Hour), To: base.Add(-time.Hour + time.Minute), Purpose: "p"}
	for _, c := range cameras {
		in.Cameras = append(in.Cameras, alerts.ClipCamera{ID: c})
	}
	v, _, err := b.OrderClips(context.Background(), b.who["hv"], in)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.add(time.Second) // the queue is in the order of time
	return v
}

func (b *bureau) export(t *testing.T, id string) ClipExportView {
	t.Helper()
	return ok[ClipExportView](t)(b.ClipExport(context.Background(), b.who["hv"], id))
}

// wait looks again until a condition holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func fails(t *testing.T) func(error) { return func(err error) { t.Error(err) } }

// What was queued when the process ended goes on, and what was half done is done
// again: no clip twice, none missing, no half file left.
func TestExportsSurviveARestart(t *testing.T) {
	b, r, s := filmed(t)
	_, k := b.reported(t, "gr", "v1", nil)
	r.gate, r.begun = make(chan struct{}), make(chan string, 8)
	if err := b.StartCutting(context.Background(), fails(t)); err != nil {
		t.Fatal(err)
	}
	first, second := b.order(t, k.ID, "c1", "c2"), b.order(t, k.ID, "c2")
	<-r.begun
	r.gate <- struct{}{} // c1 is done
	<-r.begun            // c2 is half done
	if err := b.Desk.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.keys(); len(got) != 1 {
		t.Errorf("left on the shelf: %v, want the finished clip alone", got)
	}
	b.Desk = b.desk(t)
	b.Clipper, b.Objects = r, s
	r.gate, r.begun = nil, nil
	if v := b.export(t, first.ID); v.State != alerts.ClipsRunning || len(v.Clips) != 1 {
		t.Errorf("after the end of the process: %+v", v)
	}
	if err := b.StartCutting(context.Background(), fails(t)); err != nil {
		t.Fatal(err)
	}
	wait(t, "both exports", func() bool { return b.export(t, first.ID).State.Over() && b.export(t, second.ID).State.Over() })
	if v := b.export(t, first.ID); v.State != alerts.ClipsDone || len(v.Clips) != 2 {
		t.Errorf("the one that was half done: %+v", v)
	}
	list := ok[[]alerts.Evidence](t)(b.store.EvidenceOf(context.Background(), k.ID))
	if err := alerts.CheckEvidence(list); err != nil || len(list) != len(s.keys()) {
		t.Errorf("%d pieces, %d objects, %v", len(list), len(s.keys()), err)
	}
}

func TestCancelledExport(t *testing.T) {
	b, r, s := filmed(t)
	_, k := b.reported(t, "gr", "v1", nil)
	r.gate, r.begun = make(chan struct{}), make(chan string, 8)
	if err := b.StartCutting(context.Background(), fails(t)); err != nil {
		t.Fatal(err)
	}
	running, queued := b.order(t, k.ID, "c1"), b.order(t, k.ID, "c2")
	<-r.begun
	ctx := context.Background()
	for _, id := range []string{queued.ID, running.ID} {
		if err := b.CancelClips(ctx, b.who["nv"], id); alerts.KindOf(err) != alerts.NotFound {
			t.Errorf("an officer of another village: %v", err)
		}
		if err := b.CancelClips(ctx, b.who["hv"], id); err != nil {
			t.Fatal(err)
		}
		if v := b.export(t, id); v.State != alerts.ClipsCancelled {
			t.Errorf("cancelled: %+v", v)
		}
		if err := b.CancelClips(ctx, b.who["hv"], id); alerts.KindOf(err) != alerts.Conflict {
			t.Errorf("cancelled twice: %v", err)
		}
	}
	r.gate = nil
	last := b.order(t, k.ID, "c2")
	wait(t, "the next export", func() bool { return b.export(t, last.ID).State == alerts.ClipsDone })
	if got := s.keys(); len(got) != 1 || !strings.Contains(got[0], last.ID) {
		t.Errorf("on the shelf: %v", got)
	}
	entries, _, err := b.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Object: "export/" + running.ID})
	if err != nil || len(entries) != 2 || entries[0].Details["action"] != "cancel" || entries[0].UserID != "hv" {
		t.Errorf("entries %+v, %v", entries, err)
	}
}

// A clip that cannot be made fails its export in words, and leaves nothing.
func TestBrokenExport(t *testing.T) {
	b, r, s := filmed(t)
	_, k := b.reported(t, "gr", "v1", nil)
	r.broken = errors.New("secret path")
	var told []error
	var mu sync.Mutex
	if err := b.StartCutting(context.Background(), func(err error) { mu.Lock(); defer mu.Unlock(); told = append(told, err) }); err != nil {
		t.Fatal(err)
	}
	x := b.order(t, k.ID, "c1")
	wait(t, "the export", func() bool { return b.export(t, x.ID).State.Over() })
	if v := b.export(t, x.ID); v.State != alerts.ClipsFailed || v.Error == "" || strings.Contains(v.Error, "secret") {
		t.Errorf("failed %+v", v)
	}
	wait(t, "the report", func() bool { mu.Lock(); defer mu.Unlock(); return len(told) == 1 && errors.Is(told[0], r.broken) })
	if got := s.keys(); len(got) != 0 {
		t.Errorf("left on the shelf: %v", got)
	}
}

// The queue is bounded, for each and for all.
func TestExportsAreBounded(t *testing.T) {
	b, _, _ := filmed(t)
	_, k := b.reported(t, "gr", "v1", nil)
	for range maxOwnExports {
		b.order(t, k.ID, "c1")
	}
	_, _, err := b.OrderClips(context.Background(), b.who["hv"], ClipInput{CaseID: k.ID, Cameras: []alerts.ClipCamera{{ID: "c1"}}, From: base.Add(-time.Hour),
		To: base.Add(-time.Minute), Purpose: "p"})
	if alerts.KindOf(err) != alerts.TooMany {
		t.Errorf("one more: %v", err)
	}
}

// Opening a case holds the footage around it, closing lets it go after a time,
// reopening keeps it, and what has run out is released.
func TestHoldsFollowTheCase(t *testing.T) {
	b, r, _ := filmed(t)
	b.Desk.Holds = HoldRules{Before: time.Hour, After: 2 * time.Hour, Expire: 90 * 24 * time.Hour, Release: 10 * 24 * time.Hour, Cameras: 8}
	ctx := context.Background()
	keep := func() {
		t.Helper()
		if err := b.keepHolds(ctx); err != nil {
			t.Fatal(err)
		}
	}
	k := b.toStep(t, alerts.StepFeedback)
	keep()
	holds := func() []alerts.Hold { t.Helper(); return ok[[]alerts.Hold](t)(b.store.HoldsOf(ctx, k.ID)) }
	list := holds()
	if len(list) != 2 || len(r.held()) != 2 {
		t.Fatalf("%d holds and %d pins, want those of both cameras", len(list), len(r.held()))
	}
	for _, h := range list {
		if !h.From.Equal(k.OpenedAt.Add(-time.Hour)) || !h.To.Equal(k.OpenedAt.Add(2*time.Hour)) || !r.held()[h.Pin].Equal(h.Until) || !h.Until.Equal(k.OpenedAt.Add(90*24*time.Hour)) {
			t.Errorf("hold %+v", h)
		}
	}
	keep()
	if len(r.held()) != 2 || r.n != 2 {
		t.Errorf("%d pins of %d: a second look pinned again", len(r.held()), r.n)
	}
	b.clock.add(time.Hour)
	b.do(t, "hv", k.ID, MoveInput{Action: alerts.ActClose, Text: "seen", Outcome: alerts.Solved})
	closed := b.Desk.now()
	keep()
	for _, h := range holds() {
		if !h.Until.Equal(closed.Add(10*24*time.Hour)) || len(r.held()) != 2 || !r.held()[h.Pin].Equal(h.Until) {
			t.Errorf("after closing: %+v, pins %v", h, r.held())
		}
	}
	b.do(t, "hv", k.ID, why(alerts.ActReopen))
	keep()
	for _, h := range holds() {
		if !h.Until.Equal(closed.Add(90 * 24 * time.Hour)) {
			t.Errorf("after reopening: %+v", h)
		}
	}
	b.clock.add(91 * 24 * time.Hour)
	keep()
	for _, h := range holds() {
		if h.ReleasedAt.IsZero() || h.Why == "" {
			t.Errorf("after its time: %+v", h)
		}
	}
	if len(r.held()) != 0 {
		t.Errorf("pins are left: %v", r.held())
	}
}
