package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"sharpeyes/alerts"
)

// cutPeriod is how often orders and holds are looked for that nobody told of.
const cutPeriod = time.Minute

// cutting is what the one worker is at.
type cutting struct {
	nudge   chan struct{}
	watch   time.Duration      // leaseWatch
	overdue map[string]overdue // of other nodes, by export; the worker's own

	mu   sync.Mutex
	id   string // of the export that is being worked at
	stop context.CancelFunc
	done float64
}

func newCutting() *cutting { return &cutting{nudge: make(chan struct{}, 1), watch: leaseWatch} }

func (q *cutting) wake() {
	select {
	case q.nudge <- struct{}{}:
	default: // a look is due already
	}
}

func (q *cutting) begin(id string, stop context.CancelFunc) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.id, q.stop, q.done = id, stop, 0
}

func (q *cutting) set(done float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done = done
}

func (q *cutting) progress(id string) float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.id != id {
		return 0
	}
	return q.done
}

// current is the export that is being worked at; empty: none.
func (q *cutting) current() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.id
}

func (q *cutting) cancel(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.id == id && q.stop != nil {
		q.stop()
	}
}

// StartCutting works at the orders of this node for clips and keeps holds, until
// Close: one export at a time, so that reading disturbs writing little. What was
// half done when the process ended is done again, and so are the orders of a node
// whose leases have run out. report gets what went wrong.
func (d *Desk) StartCutting(ctx context.Context, report func(error)) error {
	if d.Clipper == nil || d.Objects == nil {
		return nil
	}
	if err := d.takeUp(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	before := d.cancel
	d.cancel = func() { before(); cancel() }
	d.following.Go(func() { d.keepLeases(run, report) })
	d.following.Go(func() {
		tick := time.NewTicker(cutPeriod)
		defer tick.Stop()
		for {
			if err := errors.Join(d.keepHolds(run), d.takeUp(run)); err != nil && run.Err() == nil {
				report(err)
			}
			for run.Err() == nil {
				more, err := d.cutNext(run)
				if err != nil && run.Err() == nil {
					report(err)
				}
				if !more || err != nil {
					break
				}
			}
			select {
			case <-run.Done():
				return
			case <-d.cutting.nudge:
			case <-tick.C:
			}
		}
	})
	return nil
}

// cutNext works at the oldest order of this node; false: there is none.
func (d *Desk) cutNext(ctx context.Context) (bool, error) {
	var x alerts.ClipExport
	found := false
	err := d.write(ctx, func(c *change) error {
		list, err := c.ClipExportsIn(ctx, alerts.ClipsQueued, maxExports)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(o alerts.ClipExport) bool { return o.Node == d.Node })
		if found = at >= 0; !found {
			return nil
		}
		x = list[at]
		x.State, x.Until = alerts.ClipsRunning, c.now.Add(exportLease)
		if err := c.SaveClipExport(x); err != nil {
			return err
		}
		x.Version++
		return nil
	})
	if err != nil || !found {
		return false, err
	}
	job, stop := context.WithCancel(ctx)
	defer stop()
	d.cutting.begin(x.ID, stop)
	defer d.cutting.begin("", nil)
	// Cancelled before the worker had it at hand.
	if now, err := d.store.ClipExport(ctx, x.ID); err != nil || !d.worksAt(now) {
		return true, err
	}
	missing := ""
	for i, cam := range x.Cameras {
		said, err := d.cutCamera(job, &x, i)
		if err != nil {
			return true, d.endExport(ctx, x.ID, err)
		}
		if said != "" {
			missing += cam.ID + ": " + said + "; "
		}
	}
	if len(x.Evidence) == 0 && len(x.Already) == 0 {
		return true, d.endExport(ctx, x.ID, alerts.Errorf(alerts.NotFound, "%snothing was made", missing))
	}
	return true, d.endExport(ctx, x.ID, said(missing))
}

// said is a remark on an export that is done.
type said string

func (s said) Error() string { return string(s) }

// cutCamera makes a camera's clips and adds them to the evidence together. What it
// returns is why there are none.
func (d *Desk) cutCamera(ctx context.Context, x *alerts.ClipExport, at int) (missing string, err error) {
	cam := x.Cameras[at]
	have, err := d.evidenceAmong(ctx, x, cam)
	if err != nil || have {
		return "", err
	}
	camera, err := d.store.Camera(ctx, alerts.System(), cam.ID)
	if alerts.KindOf(err) == alerts.NotFound && err != nil {
		return "the camera was removed", nil
	}
	if err != nil {
		return "", err
	}
	var made []alerts.Evidence
	defer func() {
		if err == nil {
			return
		}
		for _, e := range made {
			err = errors.Join(err, d.Objects.Remove(context.WithoutCancel(ctx), e.Object))
		}
	}()
	err = d.Clipper.Cut(ctx, cam.ID, cam.Profile, x.From, x.To, func(c Clip) error {
		e := alerts.Evidence{ID: alerts.NewID(d.now()), Kind: alerts.EvidenceClip, Object: fmt.Sprintf("evidence/%s/%s-%d-%d%s.mp4", x.CaseID, x.ID, at, len(made), d.keyMark()),
			MediaType: c.MediaType, Footage: c.Footage, Purpose: x.Purpose, Note: x.Note, ExportID: x.ID, RequestID: x.RequestID,
			ByID: x.ByID, ByName: x.ByName, ByRole: x.ByRole}
		e.Footage.CameraID, e.Footage.CameraName, e.Footage.Profile, e.Footage.Point = cam.ID, camera.Name, cam.Profile, camera.Point
		e.Footage.From, e.Footage.To = x.From, x.To
		e.Bytes, e.SHA256, err = d.keep(ctx, e.Object, c, func(done, total int64) {
			d.cutting.set((float64(at) + float64(done)/float64(max(total, 1))) / float64(len(x.Cameras)))
		})
		if err != nil {
			return err
		}
		made = append(made, e)
		return nil
	})
	if err != nil && alerts.KindOf(err) == alerts.NotFound && len(made) == 0 {
		return d.nothing(x), nil
	}
	if err != nil {
		return "", err
	}
	return "", d.addClips(ctx, x, made)
}

// evidenceAmong tells whether a camera's clips are there: made before this process
// ended, or for an earlier order of the same.
func (d *Desk) evidenceAmong(ctx context.Context, x *alerts.ClipExport, cam alerts.ClipCamera) (bool, error) {
	for _, id := range slices.Concat(x.Evidence, x.Already) {
		e, err := d.store.Evidence(ctx, id)
		if err != nil {
			return false, err
		}
		f := e.Footage
		if e.CaseID == x.CaseID && f.CameraID == cam.ID && f.Profile == cam.Profile && f.From.Equal(x.From) && f.To.Equal(x.To) {
			return true, nil
		}
	}
	return false, nil
}

// keep puts a clip into the objects and hashes it on its way. What an earlier try
// left under its key goes.
func (d *Desk) keep(ctx context.Context, key string, c Clip, progress func(done, total int64)) (int64, string, error) {
	if err := d.Objects.Remove(ctx, key); err != nil {
		return 0, "", err
	}
	in, out := io.Pipe()
	h := sha256.New()
	var cut sync.WaitGroup
	cut.Go(func() { _ = out.CloseWithError(c.Write(ctx, io.MultiWriter(out, h), progress)) })
	n, err := d.Objects.Put(ctx, key, in)
	_ = in.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	cut.Wait()
	if err != nil {
		return 0, "", err
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}

// addClips commits a camera's clips and notes them in their export.
func (d *Desk) addClips(ctx context.Context, x *alerts.ClipExport, made []alerts.Evidence) error {
	by := alerts.Scope{User: x.ByID, Name: x.ByName, Role: x.ByRole}
	var saved alerts.ClipExport
	err := d.write(ctx, func(c *change) error {
		now, err := c.ClipExport(ctx, x.ID)
		if err != nil {
			return err
		}
		if !d.worksAt(now) {
			return context.Canceled
		}
		k, err := c.Case(ctx, alerts.System(), x.CaseID)
		if err != nil {
			return err
		}
		saved = now
		for _, e := range made { // a copy: the transaction may run again
			if err := c.addEvidence(ctx, by, &k, &e); err != nil {
				return err
			}
			saved.Evidence = append(saved.Evidence, e.ID)
		}
		if err := c.SaveClipExport(saved); err != nil {
			return err
		}
		saved.Version++
		return c.caseTold(ctx, d, &k)
	})
	if err == nil {
		*x = saved
	}
	return err
}

// caseTold has the screens that show a case look at it again.
func (c *change) caseTold(ctx context.Context, d *Desk, k *alerts.Case) error {
	facts, err := loadFacts(ctx, c, k.ID)
	if err != nil {
		return err
	}
	return c.emitCase(alerts.CaseChanged, k, facts, d.known.places().caseView(*k, c.now))
}

// endExport says how an export ended. One that was cancelled says so already, and
// one whose process ends stays as it is.
func (d *Desk) endExport(ctx context.Context, id string, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var remark said
	done := errors.As(why, &remark)
	var failed error
	err := d.write(ctx, func(c *change) error {
		x, err := c.ClipExport(ctx, id)
		if err != nil || !d.worksAt(x) {
			return err
		}
		x.EndedAt = c.now
		var own *alerts.Error
		switch {
		case done:
			x.State, x.Error = alerts.ClipsDone, string(remark)
		case errors.As(why, &own) && own.Kind != alerts.Internal:
			x.State, x.Error = alerts.ClipsFailed, own.Message
		default:
			x.State, x.Error, failed = alerts.ClipsFailed, "the clips could not be made: the reason is in the server's log", why
		}
		return c.SaveClipExport(x)
	})
	return errors.Join(err, failed)
}
