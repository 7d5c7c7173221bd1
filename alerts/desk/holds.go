package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sharpeyes/alerts"
)

// HoldRules say what footage is kept for a case, and for how long.
type HoldRules struct {
	Before, After time.Duration // around the report; both 0: nothing is held
	Expire        time.Duration // after which a hold ends unless it is reviewed
	Release       time.Duration // after the case was closed
	Cameras       int           // at most, of those that see the place
}

// DefaultHolds keeps an hour around a report, for a quarter of a year.
func DefaultHolds() HoldRules {
	return HoldRules{Before: 30 * time.Minute, After: 30 * time.Minute, Expire: 90 * 24 * time.Hour, Release: 30 * 24 * time.Hour, Cameras: 8}
}

const (
	maxHold   = 366 * 24 * time.Hour // beyond now, by a review
	holdBatch = 200
)

// HoldView is footage that is kept for a case.
type HoldView struct {
	ID         string     `json:"id" doc:"Identifier"`
	CaseID     string     `json:"case_id" doc:"Case"`
	Camera     string     `json:"camera" doc:"Camera"`
	CameraName string     `json:"camera_name,omitempty" doc:"Its name"`
	From       time.Time  `json:"from" doc:"Beginning of what is kept"`
	To         time.Time  `json:"to" doc:"End of it"`
	Until      time.Time  `json:"until" doc:"Expiry: from then on it may be deleted"`
	Pinned     bool       `json:"pinned" doc:"The record keeps it; false for a moment after the case was opened, and after the release"`
	ReleasedAt *time.Time `json:"released_at,omitempty" doc:"When it was released"`
	Why        string     `json:"why,omitempty" doc:"Why it was released, or is kept longer"`
	ReviewedBy string     `json:"reviewed_by,omitempty" doc:"Who looked at it last"`
	ReviewedAt *time.Time `json:"reviewed_at,omitempty" doc:"When"`
}

func (d *Desk) holdView(h alerts.Hold) HoldView {
	v := HoldView{ID: h.ID, CaseID: h.CaseID, Camera: h.CameraID, From: h.From, To: h.To, Until: h.Until, Pinned: h.Pin != "" && h.ReleasedAt.IsZero(),
		ReleasedAt: optional(h.ReleasedAt), Why: h.Why, ReviewedBy: h.ReviewedBy, ReviewedAt: optional(h.ReviewedAt)}
	if shown, ok := d.known.camera(h.CameraID); ok {
		v.CameraName = shown.view.Name
	}
	return v
}

// holdFootage notes what is to be kept for a case that is opened: the cameras that
// see the place, around the report. The pinning itself waits for no transaction.
func (d *Desk) holdFootage(c *change, k *alerts.Case) error {
	if d.Clipper == nil || c.holds.Before+c.holds.After <= 0 {
		return nil
	}
	keep := func(cam *alerts.Camera) bool { return cam.Enabled }
	for _, cam := range d.known.index().Near(k.Point, c.holds.Cameras, keep, d.Health) {
		if !cam.InView {
			continue
		}
		h := alerts.Hold{ID: alerts.NewID(c.now), CaseID: k.ID, CameraID: cam.ID, From: k.OpenedAt.Add(-c.holds.Before), To: k.OpenedAt.Add(c.holds.After),
			Until: c.now.Add(c.holds.Expire), At: c.now}
		if err := c.SaveHold(h); err != nil {
			return err
		}
		c.cuts = true
	}
	return nil
}

// turnHolds lets a closed case's holds run out, and a reopened one's go on.
func (c *change) turnHolds(ctx context.Context, k *alerts.Case, was alerts.Step) error {
	if (was == alerts.StepClosed) == (k.Step == alerts.StepClosed) {
		return nil
	}
	list, err := c.HoldsOf(ctx, k.ID)
	if err != nil {
		return err
	}
	for _, h := range list {
		if !h.ReleasedAt.IsZero() {
			continue
		}
		if k.Step == alerts.StepClosed {
			if end := c.now.Add(c.holds.Release); end.Before(h.Until) {
				h.Until = end
			}
		} else if end := c.now.Add(c.holds.Expire); end.After(h.Until) {
			h.Until = end
		}
		if err := c.SaveHold(h); err != nil {
			return err
		}
		c.cuts = true
	}
	return nil
}

// CaseHolds lists what is kept for a case, oldest first.
func (d *Desk) CaseHolds(ctx context.Context, s alerts.Scope, caseID string) ([]HoldView, error) {
	k, err := d.caseOf(ctx, s, caseID)
	if err != nil {
		return nil, err
	}
	list, err := d.store.HoldsOf(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	return mapped(list, d.holdView), nil
}

// HoldReview keeps a hold longer, shorter, or ends it.
type HoldReview struct {
	Until  *time.Time `json:"until,omitempty" doc:"New expiry, at most 366 days ahead; absent: release it now"`
	Reason string     `json:"reason" minLength:"1" maxLength:"500" doc:"Why"`
}

// ReviewHold looks at whether footage still has to be kept.
func (d *Desk) ReviewHold(ctx context.Context, s alerts.Scope, id string, in HoldReview) (HoldView, error) {
	if err := s.Need(alerts.ExportClips); err != nil {
		return HoldView{}, err
	}
	var f faults
	in.Reason = f.lines("reason", in.Reason, true, 500)
	until := d.now()
	if in.Until != nil {
		until = in.Until.UTC().Truncate(time.Millisecond)
		if !until.After(d.now()) || until.Sub(d.now()) > maxHold {
			f.add("until", "must be after now, by at most %d days; leave it out to release the footage", maxHold/(24*time.Hour))
		}
	}
	if err := f.err(); err != nil {
		return HoldView{}, err
	}
	var h alerts.Hold
	err := d.write(ctx, func(c *change) (err error) {
		none := alerts.Errorf(alerts.NotFound, "there is no such hold")
		if h, err = c.Hold(ctx, id); err != nil {
			return err
		}
		k, err := c.Case(ctx, s, h.CaseID)
		if err != nil {
			if alerts.KindOf(err) == alerts.NotFound {
				err = none
			}
			return err
		}
		if !h.ReleasedAt.IsZero() {
			return alerts.Errorf(alerts.Conflict, "this hold was released already")
		}
		if h.ReviewedBy, err = c.nameOf(ctx, s); err != nil {
			return err
		}
		h.Until, h.Why, h.ReviewedAt, c.cuts = until, in.Reason, c.now, true
		if err := c.SaveHold(h); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditHold, "hold/"+h.ID, k.AreaID, map[string]string{"action": "review", "case": k.ID, "code": k.Code, "camera": h.CameraID,
			"from": auditTime(h.From), "to": auditTime(h.To), "until": auditTime(h.Until), "reason": in.Reason})
	})
	return d.holdView(h), err
}

// keepHolds pins what is not pinned as it should be, and releases what has run out.
func (d *Desk) keepHolds(ctx context.Context) error {
	list, err := d.store.HoldsDue(ctx, d.now(), holdBatch)
	if err != nil {
		return fmt.Errorf("desk: holds: %w", err)
	}
	var problems error
	for _, h := range list {
		if err := d.keepHold(ctx, h); err != nil {
			problems = errors.Join(problems, fmt.Errorf("desk: hold %s: %w", h.ID, err))
		}
	}
	return problems
}

func (d *Desk) keepHold(ctx context.Context, h alerts.Hold) (err error) {
	old := h.Pin
	over := !h.Until.After(d.now())
	if !over {
		// The new pin comes before the old one goes.
		if h.Pin, err = d.Clipper.Pin(h.CameraID, h.From, h.To, h.Until, "case "+h.CaseID); err != nil {
			return err
		}
		h.PinUntil = h.Until
	}
	err = d.write(ctx, func(c *change) error {
		if over {
			h.ReleasedAt = c.now
			if h.Why == "" {
				h.Why = "its time has run out"
			}
		}
		if err := c.SaveHold(h); err != nil {
			return err
		}
		details := map[string]string{"action": "pin", "case": h.CaseID, "camera": h.CameraID, "from": auditTime(h.From), "to": auditTime(h.To), "until": auditTime(h.Until)}
		if over {
			details["action"] = "release"
		}
		return c.audit(alerts.Scope{}, alerts.AuditHold, "case/"+h.CaseID+"/holds", "", details)
	})
	drop := old
	switch {
	case err != nil && over:
		drop = ""
	case err != nil:
		drop = h.Pin
	}
	if alerts.KindOf(err) == alerts.Conflict { // reviewed meanwhile: the next look does it
		err = nil
	}
	if drop != "" {
		err = errors.Join(err, d.Clipper.Unpin(drop))
	}
	return err
}
