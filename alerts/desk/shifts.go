package desk

import (
	"context"
	"strings"
	"time"

	"sharpeyes/alerts"
)

const (
	maxShift     = 48 * time.Hour
	maxShiftSpan = 92 * 24 * time.Hour // that a list covers
	shiftAhead   = 400 * 24 * time.Hour
)

// ShiftView is a line of a centre's duty roster (值班表).
type ShiftView struct {
	ID       string    `json:"id" doc:"Identifier"`
	AreaID   string    `json:"area_id" doc:"Area of the centre"`
	UserID   string    `json:"user_id" doc:"Account of who is on duty"`
	UserName string    `json:"user_name" doc:"Name of who is on duty"`
	From     time.Time `json:"from" doc:"Beginning"`
	To       time.Time `json:"to" doc:"End"`
	Lead     bool      `json:"lead" doc:"Leads the shift 带班领导"`
	Now      bool      `json:"now" doc:"On duty at this moment"`
	Note     string    `json:"note,omitempty" doc:"Such as what was handed over"`
	Version  int64     `json:"version" doc:"Counts its changes"`
}

// ShiftInput is a shift of a centre.
type ShiftInput struct {
	UserID string    `json:"user_id" doc:"Account of a duty officer or leader of that centre or one above"`
	From   time.Time `json:"from" doc:"Beginning"`
	To     time.Time `json:"to" doc:"End, at most 48 hours later"`
	Lead   bool      `json:"lead,omitempty" doc:"Leads the shift 带班领导"`
	Note   string    `json:"note,omitempty" doc:"At most 500 characters, such as what is handed over"`
}

// ShiftPatch changes a shift.
type ShiftPatch struct {
	UserID *string    `json:"user_id,omitempty" doc:"Account of who is on duty"`
	From   *time.Time `json:"from,omitempty" doc:"Beginning"`
	To     *time.Time `json:"to,omitempty" doc:"End, at most 48 hours later"`
	Lead   *bool      `json:"lead,omitempty" doc:"Leads the shift 带班领导"`
	Note   *string    `json:"note,omitempty" doc:"At most 500 characters"`
}

// rosterOf tells whether a caller may read, or keep, the duty roster of an
// area's centre: officers and leaders of that centre or above keep it, the
// auditor and the administrator read it.
func (d *Desk) rosterOf(s alerts.Scope, areaID string, keep bool) (alerts.Area, error) {
	officer := s.Role == alerts.DutyOfficer || s.Role == alerts.Leader
	if s.Machine() || !officer && (keep || s.Role != alerts.Auditor && s.Role != alerts.Admin) {
		return alerts.Area{}, alerts.Errorf(alerts.Forbidden, "duty rosters are for the officers and leaders of the centres")
	}
	a, ok := d.known.places().area(areaID)
	if !ok || !s.Covers(a.Path) {
		return alerts.Area{}, alerts.Errorf(alerts.NotFound, "there is no such area")
	}
	if keep && (s.Home == "" || !strings.HasPrefix(a.Path, s.Home)) {
		return alerts.Area{}, alerts.Errorf(alerts.Forbidden, "a duty roster is kept by the officers and leaders of that centre or one above")
	}
	return a, nil
}

// Shifts lists a centre's shifts that overlap a span, at most 92 days; without
// one the week from now on.
func (d *Desk) Shifts(ctx context.Context, s alerts.Scope, areaID string, from, to time.Time) ([]ShiftView, error) {
	if _, err := d.rosterOf(s, areaID, false); err != nil {
		return nil, err
	}
	if from.IsZero() {
		from = d.now()
	}
	if to.IsZero() {
		to = from.AddDate(0, 0, 7)
	}
	if !to.After(from) || to.Sub(from) > maxShiftSpan {
		return nil, alerts.InvalidField("to", "must be after from, at most 92 days")
	}
	list, err := d.store.Shifts(ctx, s, areaID, from, to)
	if err != nil {
		return nil, err
	}
	names, out := d.namesOf(ctx), make([]ShiftView, len(list))
	for i, v := range list {
		name, err := names(v.UserID)
		if err != nil {
			return nil, err
		}
		out[i] = d.shiftView(v, name)
	}
	return out, nil
}

func (d *Desk) shiftView(v alerts.Shift, name string) ShiftView {
	now := d.now()
	return ShiftView{ID: v.ID, AreaID: v.AreaID, UserID: v.UserID, UserName: name, From: v.From, To: v.To, Lead: v.Lead,
		Now: !v.From.After(now) && v.To.After(now), Note: v.Note, Version: v.Version}
}

// CreateShift adds a shift to a centre's roster.
func (d *Desk) CreateShift(ctx context.Context, s alerts.Scope, areaID string, in ShiftInput) (ShiftView, error) {
	a, err := d.rosterOf(s, areaID, true)
	if err != nil {
		return ShiftView{}, err
	}
	v := alerts.Shift{ID: alerts.NewID(d.now()), AreaID: a.ID, UserID: in.UserID, From: inMillis(in.From), To: inMillis(in.To), Lead: in.Lead, Note: in.Note}
	return d.saveShift(ctx, s, a, v)
}

// ChangeShift changes a shift.
func (d *Desk) ChangeShift(ctx context.Context, s alerts.Scope, id string, in ShiftPatch) (ShiftView, error) {
	v, a, err := d.shiftOf(ctx, s, id)
	if err != nil {
		return ShiftView{}, err
	}
	set(&v.UserID, in.UserID)
	set(&v.From, in.From)
	set(&v.To, in.To)
	set(&v.Lead, in.Lead)
	set(&v.Note, in.Note)
	v.From, v.To = inMillis(v.From), inMillis(v.To)
	return d.saveShift(ctx, s, a, v)
}

func inMillis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// shiftOf loads a shift that the caller may change.
func (d *Desk) shiftOf(ctx context.Context, s alerts.Scope, id string) (alerts.Shift, alerts.Area, error) {
	if err := s.Need(alerts.WorkCases); err != nil {
		return alerts.Shift{}, alerts.Area{}, err
	}
	if s.Role != alerts.DutyOfficer && s.Role != alerts.Leader {
		return alerts.Shift{}, alerts.Area{}, alerts.Errorf(alerts.Forbidden, "duty rosters are kept by officers and leaders")
	}
	v, err := d.store.Shift(ctx, s, id)
	if err != nil {
		return v, alerts.Area{}, err
	}
	a, err := d.rosterOf(s, v.AreaID, true)
	return v, a, err
}

// saveShift checks a shift and stores it.
func (d *Desk) saveShift(ctx context.Context, s alerts.Scope, a alerts.Area, v alerts.Shift) (ShiftView, error) {
	var f faults
	v.Note = f.lines("note", v.Note, false, 500)
	if v.From.IsZero() || v.From.After(d.now().Add(shiftAhead)) {
		f.add("from", "must be given, at most 400 days ahead")
	}
	if !v.To.After(v.From) || v.To.Sub(v.From) > maxShift {
		f.add("to", "must be after from, at most 48 hours")
	}
	var name string
	err := d.write(ctx, func(c *change) error {
		f := append(faults(nil), f...) // this may run again
		u, err := c.User(ctx, alerts.System(), v.UserID)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return err
		}
		officer := u.Role == alerts.DutyOfficer || u.Role == alerts.Leader
		if err != nil || u.Disabled || !officer || !strings.HasPrefix(a.Path, u.AreaPath) {
			f.add("user_id", "must be an account of a duty officer or leader of this centre or one above")
		}
		if err := f.err(); err != nil {
			return err
		}
		name = u.Name
		if err := c.SaveShift(v); err != nil {
			return err
		}
		saved := v
		saved.Version++
		if err := c.emit(alerts.ShiftsChanged, a.ID, a.Path, v.ID, d.shiftView(saved, name)); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "shift/"+v.ID, a.ID, map[string]string{"user": v.UserID, "from": v.From.Format(time.RFC3339),
			"to": v.To.Format(time.RFC3339)})
	})
	if err != nil {
		return ShiftView{}, err
	}
	v.Version++
	return d.shiftView(v, name), nil
}

// RemoveShift takes a shift that has not begun off the roster: who was on duty
// can always be told.
func (d *Desk) RemoveShift(ctx context.Context, s alerts.Scope, id string) error {
	v, a, err := d.shiftOf(ctx, s, id)
	if err != nil {
		return err
	}
	if !v.From.After(d.now()) {
		return alerts.Errorf(alerts.Conflict, "this shift has begun: shorten it instead")
	}
	return d.write(ctx, func(c *change) error {
		if err := c.RemoveShift(v.ID); err != nil {
			return err
		}
		if err := c.emit(alerts.ShiftsChanged, a.ID, a.Path, v.ID, nil); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "shift/"+v.ID, a.ID, map[string]string{"removed": "true"})
	})
}
