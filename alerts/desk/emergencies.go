package desk

import (
	"context"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Bounds of emergency access.
const (
	DefaultEmergency = 30 * time.Minute
	minEmergency     = 5 * time.Minute
	maxEmergency     = 60 * time.Minute
	emergenciesRun   = 3  // of one account at once
	emergenciesDaily = 10 // of one account in 24 hours
	maxActs          = 500
)

// EmergencyView is an emergency access (紧急调阅) and its review.
type EmergencyView struct {
	ID         string         `json:"id" doc:"Identifier"`
	UserID     string         `json:"user_id" doc:"Account that took it"`
	UserName   string         `json:"user_name" doc:"Name of who took it, as of then"`
	Role       alerts.Role    `json:"role" doc:"Role then"`
	HomeID     string         `json:"home_id" doc:"Area of that account's centre then"`
	HomeName   string         `json:"home_name" doc:"Its name"`
	AreaID     string         `json:"area_id" doc:"Area that may be read, with everything below it"`
	AreaName   string         `json:"area_name" doc:"Its name"`
	Reason     string         `json:"reason" doc:"Why, in their words"`
	At         time.Time      `json:"at" doc:"When it was taken"`
	Until      time.Time      `json:"until" doc:"When it ends by itself"`
	EndedAt    *time.Time     `json:"ended_at,omitempty" doc:"When it was ended before its time; absent: it was not"`
	EndedBy    string         `json:"ended_by,omitempty" doc:"Account that ended it"`
	Running    bool           `json:"running" doc:"It opens the area at this moment"`
	Verdict    alerts.Verdict `json:"verdict,omitempty" enum:"confirmed,objected" doc:"What the review came to; absent: not reviewed yet"`
	Review     string         `json:"review,omitempty" doc:"What the reviewer says"`
	ReviewedBy string         `json:"reviewed_by,omitempty" doc:"Name of the reviewer, as of then"`
	ReviewedAt *time.Time     `json:"reviewed_at,omitempty" doc:"When it was reviewed"`

	Acts []EmergencyAct `json:"acts,omitempty" doc:"Of one alone: what was seen and done in the area under it, newest first, at most 500; from the audit"`
}

// EmergencyAct is what somebody did in an area under emergency access.
type EmergencyAct struct {
	At      time.Time        `json:"at" doc:"When"`
	Kind    alerts.AuditKind `json:"kind" doc:"What: camera.watch, camera.watch_end, camera.still, read"`
	Object  string           `json:"object" doc:"Kind and identifier of the object" example:"camera/cam000"`
	AreaID  string           `json:"area_id" doc:"Area of the object"`
	Seconds string           `json:"seconds,omitempty" doc:"Of the end of watching: how long"`
}

// EmergencyInput takes emergency access.
type EmergencyInput struct {
	AreaID  string `json:"area_id" doc:"Area, with everything below it: one of the caller's city, and not the whole of it"`
	Reason  string `json:"reason" doc:"Why, 1 to 1000 characters; shown to the officers of that area and above, and to the reviewer"`
	Minutes int    `json:"minutes,omitempty" minimum:"5" maximum:"60" doc:"How long; 30 when absent"`
}

// ReviewInput reviews an emergency access.
type ReviewInput struct {
	Verdict alerts.Verdict `json:"verdict" enum:"confirmed,objected" doc:"confirmed: it was called for; objected: it was not"`
	Text    string         `json:"text" doc:"Why, 1 to 1000 characters"`
}

func (d *Desk) emergencyView(e alerts.Emergency) EmergencyView {
	t := d.known.places()
	return EmergencyView{ID: e.ID, UserID: e.UserID, UserName: e.UserName, Role: e.Role, HomeID: e.HomeID, HomeName: t.areaName(e.HomeID),
		AreaID: e.AreaID, AreaName: t.areaName(e.AreaID), Reason: e.Reason, At: e.At, Until: e.Until, EndedAt: optional(e.EndedAt),
		EndedBy: e.EndedBy, Running: e.Runs(d.now()), Verdict: e.Verdict, Review: e.Review, ReviewedBy: e.ReviewerName,
		ReviewedAt: optional(e.ReviewedAt)}
}

// emergencyTaker finds out that a caller may take emergency access at all: an
// officer or a leader of a centre, in person.
func emergencyTaker(s alerts.Scope) error {
	if err := s.Need(alerts.TakeEmergency); err != nil {
		return err
	}
	if s.Machine() || s.Home == "" {
		return alerts.Errorf(alerts.Forbidden, "emergency access is for officers and leaders of a centre, in person")
	}
	return nil
}

// cityOf is the part of a path that names its root.
func cityOf(path string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + id + "/"
}

// EmergencyAreas lists the areas that emergency access can be taken to: those of
// the caller's city that are not his own already, by name.
func (d *Desk) EmergencyAreas(_ context.Context, s alerts.Scope) ([]AreaView, error) {
	if err := emergencyTaker(s); err != nil {
		return nil, err
	}
	t := d.known.places()
	out := []AreaView{}
	for i, v := range t.areaViews() {
		if a := t.areas[i]; d.emergencyArea(s, a) == nil {
			out = append(out, v)
		}
	}
	return out, nil
}

// emergencyArea tells why an area is not one to take emergency access to.
func (d *Desk) emergencyArea(s alerts.Scope, a alerts.Area) error {
	switch city := cityOf(s.Home); {
	case a.Path == "" || !strings.HasPrefix(a.Path, city):
		return alerts.InvalidField("area_id", "there is no such area in this account's city")
	case a.Path == city:
		return alerts.InvalidField("area_id", "is the whole city: name the part of it that is needed")
	case s.Covers(a.Path):
		return alerts.InvalidField("area_id", "is one of this account's own areas: no emergency access is needed")
	}
	return nil
}

// TakeEmergency gives the caller, at once and for a bounded time, the reading of
// an area that is not his. s is the scope without other emergency access.
func (d *Desk) TakeEmergency(ctx context.Context, s alerts.Scope, in EmergencyInput) (EmergencyView, error) {
	if err := emergencyTaker(s); err != nil {
		return EmergencyView{}, err
	}
	var f faults
	in.Reason = f.lines("reason", in.Reason, true, maxReason)
	span := time.Duration(in.Minutes) * time.Minute
	if in.Minutes == 0 {
		span = DefaultEmergency
	}
	if span < minEmergency || span > maxEmergency {
		f.add("minutes", "must be %d to %d", int(minEmergency/time.Minute), int(maxEmergency/time.Minute))
	}
	if err := f.err(); err != nil {
		return EmergencyView{}, err
	}
	a, _ := d.known.places().area(in.AreaID)
	if err := d.emergencyArea(s, a); err != nil {
		return EmergencyView{}, err
	}
	var e alerts.Emergency
	err := d.write(ctx, func(c *change) error {
		if err := c.emergencyRoom(ctx, s.User); err != nil {
			return err
		}
		name, err := c.nameOf(ctx, s)
		if err != nil {
			return err
		}
		e = alerts.Emergency{ID: alerts.NewID(c.now), UserID: s.User, UserName: name, Role: s.Role, HomeID: lastOf(s.Home), AreaID: a.ID,
			AreaPath: a.Path, Reason: in.Reason, At: c.now, Until: c.now.Add(span)}
		return d.saveEmergency(c, s, &e, alerts.EmergencyTaken, map[string]string{"action": "take", "reason": e.Reason,
			"until": e.Until.Format(time.RFC3339), "home": e.HomeID})
	})
	if err != nil {
		return EmergencyView{}, err
	}
	return d.emergencyView(e), nil
}

// emergencyRoom bounds what one account takes. Whoever reaches a bound calls a
// centre above.
func (c *change) emergencyRoom(ctx context.Context, userID string) error {
	running, err := c.EmergenciesOf(ctx, userID, c.now)
	if err != nil {
		return err
	}
	if len(running) >= emergenciesRun {
		return alerts.Errorf(alerts.Conflict, "this account has emergency access to %d areas now, which is the most: end one of them first", emergenciesRun)
	}
	last, _, err := c.Emergencies(ctx, alerts.System(), alerts.EmergencyFilter{UserID: userID, Page: alerts.Page{Limit: emergenciesDaily}})
	if err != nil {
		return err
	}
	if len(last) == emergenciesDaily && c.now.Sub(last[emergenciesDaily-1].At) < 24*time.Hour {
		return alerts.Errorf(alerts.Conflict, "this account has taken emergency access %d times in 24 hours, which is the most: ask a centre above", emergenciesDaily)
	}
	return nil
}

// saveEmergency stores an emergency access and tells of it: the officers of the
// area and above, those of the taker's own centre, and his sessions, which
// resolve their scope again.
func (d *Desk) saveEmergency(c *change, s alerts.Scope, e *alerts.Emergency, kind alerts.EventKind, details map[string]string) error {
	if err := c.SaveEmergency(*e); err != nil {
		return err
	}
	e.Version++
	view := d.emergencyView(*e)
	if err := c.emit(kind, e.AreaID, e.AreaPath, e.ID, view); err != nil {
		return err
	}
	if home, ok := d.known.places().area(e.HomeID); ok && !strings.HasPrefix(e.AreaPath, home.Path) {
		if err := c.emit(kind, home.ID, home.Path, e.ID, view); err != nil {
			return err
		}
	}
	if kind != alerts.EmergencyReviewed {
		if err := c.emit(alerts.UserChanged, e.HomeID, "", e.UserID, nil); err != nil {
			return err
		}
	}
	return c.audit(s, alerts.AuditEmergency, "emergency/"+e.ID, e.AreaID, details)
}

// Emergencies lists emergency accesses to the caller's areas and his own ones,
// newest first.
func (d *Desk) Emergencies(ctx context.Context, s alerts.Scope, f alerts.EmergencyFilter, running bool) ([]EmergencyView, string, error) {
	if err := emergencyReader(s); err != nil {
		return nil, "", err
	}
	if running {
		f.RunningAt = d.now()
	}
	list, next, err := d.store.Emergencies(ctx, s, f)
	return mapped(list, d.emergencyView), next, err
}

func emergencyReader(s alerts.Scope) error {
	if err := s.Need(alerts.ReadAlerts); err != nil {
		return err
	}
	if s.Machine() {
		return alerts.Errorf(alerts.Forbidden, "emergency access is for people to look at")
	}
	return nil
}

// Emergency returns one, with what was seen and done under it.
func (d *Desk) Emergency(ctx context.Context, s alerts.Scope, id string) (EmergencyView, error) {
	if err := emergencyReader(s); err != nil {
		return EmergencyView{}, err
	}
	e, err := d.store.Emergency(ctx, s, id)
	if err != nil {
		return EmergencyView{}, err
	}
	v := d.emergencyView(e)
	// An end of watching is recorded seconds after it.
	entries, _, err := d.store.Audit(ctx, alerts.Scope{Paths: []string{e.AreaPath}}, alerts.AuditFilter{UserID: e.UserID, Since: e.At,
		Until: e.End().Add(time.Minute), Page: alerts.Page{Limit: maxActs}})
	if err != nil {
		return EmergencyView{}, err
	}
	for _, a := range entries {
		if a.Kind != alerts.AuditEmergency {
			v.Acts = append(v.Acts, EmergencyAct{At: a.At, Kind: a.Kind, Object: a.Object, AreaID: a.AreaID, Seconds: a.Details["seconds"]})
		}
	}
	return v, nil
}

// aboveEmergency tells whether a caller is of a centre above the area that an
// emergency access opens, and not who took it.
func aboveEmergency(s alerts.Scope, e *alerts.Emergency) bool {
	return s.User != e.UserID && s.Home != "" && s.Home != e.AreaPath && strings.HasPrefix(e.AreaPath, s.Home)
}

// EndEmergency ends an emergency access before its time: by who took it, or by a
// centre above the area. One that has ended stays as it is.
func (d *Desk) EndEmergency(ctx context.Context, s alerts.Scope, id string) error {
	if err := emergencyTaker(s); err != nil {
		return err
	}
	return d.write(ctx, func(c *change) error {
		e, err := c.Emergency(ctx, s, id)
		if err != nil {
			return err
		}
		if s.User != e.UserID && !aboveEmergency(s, &e) {
			return alerts.Errorf(alerts.Forbidden, "emergency access is ended by who took it, or by a centre above the area")
		}
		if !e.Runs(c.now) {
			return nil
		}
		e.EndedAt, e.EndedBy = c.now, s.User
		return d.saveEmergency(c, s, &e, alerts.EmergencyEnded, map[string]string{"action": "end"})
	})
}

// ReviewEmergency reviews an emergency access, once and after its end, by
// somebody else at a centre above the area.
func (d *Desk) ReviewEmergency(ctx context.Context, s alerts.Scope, id string, in ReviewInput) (EmergencyView, error) {
	if err := emergencyTaker(s); err != nil {
		return EmergencyView{}, err
	}
	var f faults
	in.Text = f.lines("text", in.Text, true, maxReason)
	f.oneOf("verdict", string(in.Verdict), string(alerts.Confirmed), string(alerts.Objected))
	if err := f.err(); err != nil {
		return EmergencyView{}, err
	}
	var e alerts.Emergency
	err := d.write(ctx, func(c *change) (err error) {
		if e, err = c.Emergency(ctx, s, id); err != nil {
			return err
		}
		switch {
		case !aboveEmergency(s, &e):
			return alerts.Errorf(alerts.Forbidden, "emergency access is reviewed by a centre above the area, and never by who took it")
		case e.Verdict != "":
			return alerts.Errorf(alerts.Conflict, "this emergency access was reviewed at %s", e.ReviewedAt.UTC().Format(time.RFC3339))
		case e.Runs(c.now):
			return alerts.Errorf(alerts.Conflict, "this emergency access runs until %s: review it afterwards, or end it first", e.Until.UTC().Format(time.RFC3339))
		}
		e.Verdict, e.Review, e.ReviewedBy, e.ReviewedAt = in.Verdict, in.Text, s.User, c.now
		if e.ReviewerName, err = c.nameOf(ctx, s); err != nil {
			return err
		}
		return d.saveEmergency(c, s, &e, alerts.EmergencyReviewed, map[string]string{"action": "review", "verdict": string(e.Verdict), "text": e.Review})
	})
	if err != nil {
		return EmergencyView{}, err
	}
	return d.emergencyView(e), nil
}
