package desk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// Bounds of playback.
const (
	MaxPlaybackCameras = 16
	MaxPlaybackSpan    = 31 * 24 * time.Hour
	maxHappenings      = 500 // alarms, and cases
	leastSight         = 150 // metres within which a case is taken as near a camera
)

// PlaybackInput asks to see what was recorded.
type PlaybackInput struct {
	Cameras []string  `json:"cameras" nullable:"false" minItems:"1" maxItems:"16" doc:"Identifiers of cameras"`
	Profile string    `json:"profile,omitempty" enum:"main,sub" doc:"Which stream; main when absent"`
	From    time.Time `json:"from" doc:"Beginning of what may be seen"`
	To      time.Time `json:"to" doc:"End of it, at most 31 days later"`
	Purpose string    `json:"purpose" doc:"What for, 1 to 200 characters; it is in the audit"`
	CaseID  string    `json:"case_id,omitempty" doc:"Case that it is for, by id or code; a leader has to name one"`
}

// PlaybackGrant is what a caller may see.
type PlaybackGrant struct {
	Cameras  []alerts.Camera
	Profile  string
	From, To time.Time
	CaseID   string
}

// AllowPlayback checks a wish to see what was recorded and has it in the audit,
// one entry a camera; nothing may be shown before it returns.
func (d *Desk) AllowPlayback(ctx context.Context, s alerts.Scope, id string, in PlaybackInput) (PlaybackGrant, error) {
	if err := s.Need(alerts.Playback); err != nil {
		return PlaybackGrant{}, err
	}
	var f faults
	g := PlaybackGrant{Profile: cmp.Or(in.Profile, "main"), From: in.From.UTC(), To: in.To.UTC()}
	f.oneOf("profile", g.Profile, "main", "sub")
	in.Purpose = f.line("purpose", in.Purpose, true, 200)
	f.span(in.From, in.To)
	if s.Role == alerts.Leader && in.CaseID == "" {
		f.add("case_id", "a leader sees recordings for a case: name it")
	}
	ids := slices.Compact(slices.Sorted(slices.Values(in.Cameras)))
	if len(ids) == 0 || len(ids) > MaxPlaybackCameras {
		f.add("cameras", "must name 1 to %d cameras", MaxPlaybackCameras)
	}
	if err := f.err(); err != nil {
		return g, err
	}
	if in.CaseID != "" {
		k, err := d.caseOf(ctx, s, in.CaseID)
		if alerts.KindOf(err) == alerts.NotFound {
			return g, alerts.InvalidField("case_id", "there is no such case in sight of this account")
		}
		if err != nil {
			return g, err
		}
		g.CaseID = k.ID
	}
	var notes []AuditNote
	for _, camera := range ids {
		c, err := d.store.Camera(ctx, s, camera)
		if err != nil {
			return g, err
		}
		g.Cameras = append(g.Cameras, c)
		notes = append(notes, AuditNote{Scope: s, Kind: alerts.AuditPlayback, Object: "camera/" + c.ID, AreaID: c.AreaID, Details: map[string]string{
			"playback": id, "profile": g.Profile, "from": g.From.Format(time.RFC3339Nano), "to": g.To.Format(time.RFC3339Nano),
			"purpose": in.Purpose, "case": g.CaseID}})
	}
	return g, d.AuditAll(ctx, notes)
}

func (f *faults) span(from, to time.Time) {
	switch {
	case from.IsZero():
		f.add("from", "must be given")
	case !from.Before(to):
		f.add("to", "must be after from")
	case to.Sub(from) > MaxPlaybackSpan:
		f.add("to", "must be at most %d days after from", int(MaxPlaybackSpan.Hours()/24))
	}
}

// StillAllowed tells whether somebody may go on seeing what he was allowed to.
func (d *Desk) StillAllowed(ctx context.Context, s alerts.Scope, g PlaybackGrant) error {
	if err := s.Need(alerts.Playback); err != nil {
		return err
	}
	for _, c := range g.Cameras {
		if _, err := d.store.Camera(ctx, s, c.ID); err != nil {
			return err
		}
	}
	if g.CaseID != "" {
		_, err := d.caseOf(ctx, s, g.CaseID)
		return err
	}
	return nil
}

// AlarmMark is an alarm on a line of time.
type AlarmMark struct {
	ID       string          `json:"id" doc:"Identifier"`
	Camera   string          `json:"camera" doc:"Camera that raised it"`
	At       time.Time       `json:"at" doc:"First time"`
	Kind     string          `json:"kind" doc:"Kind" example:"fire"`
	Severity alerts.Severity `json:"severity" enum:"critical,high,medium,low" doc:"How grave it is"`
}

// CaseMark is a case on a line of time.
type CaseMark struct {
	ID       string          `json:"id" doc:"Identifier"`
	Number   string          `json:"number" doc:"Its code"`
	At       time.Time       `json:"at" doc:"When it was reported"`
	Category string          `json:"category" doc:"Code of its category"`
	Severity alerts.Severity `json:"severity" enum:"critical,high,medium,low" doc:"How grave it is"`
}

// Happenings returns cameras that may be played back, and the alarms of them and
// the cases near them that the caller may read, by time.
func (d *Desk) Happenings(ctx context.Context, s alerts.Scope, cameras []string, from, to time.Time) ([]AlarmMark, []CaseMark, error) {
	if err := s.Need(alerts.Playback); err != nil {
		return nil, nil, err
	}
	var f faults
	f.span(from, to)
	if len(cameras) == 0 || len(cameras) > MaxPlaybackCameras {
		f.add("camera", "must name 1 to %d cameras", MaxPlaybackCameras)
	}
	if err := f.err(); err != nil {
		return nil, nil, err
	}
	alarms, cases := []AlarmMark{}, map[string]CaseMark{}
	for _, id := range cameras {
		c, err := d.store.Camera(ctx, s, id)
		if err != nil {
			return nil, nil, err
		}
		if s.Can(alerts.ReadAlerts) && len(alarms) < maxHappenings {
			list, _, err := d.store.Alerts(ctx, s, alerts.AlertFilter{CameraID: id, Since: from, Until: to, Page: alerts.Page{Limit: maxHappenings - len(alarms)}})
			if err != nil {
				return nil, nil, err
			}
			for _, a := range list {
				alarms = append(alarms, AlarmMark{ID: a.ID, Camera: id, At: a.FirstAt, Kind: a.Kind, Severity: a.Severity})
			}
		}
		if err := d.casesBy(ctx, s, c, from, to, cases); err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(alarms, func(a, b AlarmMark) int { return a.At.Compare(b.At) })
	list := make([]CaseMark, 0, len(cases))
	for _, k := range cases {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b CaseMark) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return alarms, list[:min(len(list), maxHappenings)], nil
}

// casesBy adds the cases of a camera's area that lie where it sees.
func (d *Desk) casesBy(ctx context.Context, s alerts.Scope, c alerts.Camera, from, to time.Time, into map[string]CaseMark) error {
	if !s.Can(alerts.ReadCases) || len(into) >= maxHappenings {
		return nil
	}
	list, _, err := d.store.Cases(ctx, s, alerts.CaseFilter{AreaID: c.AreaID, Since: from, Until: to, Page: alerts.Page{Limit: maxHappenings}})
	if err != nil {
		return err
	}
	for _, k := range list {
		if geo.Distance(c.Point, k.Point) <= max(c.Range, leastSight) {
			into[k.ID] = CaseMark{ID: k.ID, Number: k.Code, At: k.OpenedAt, Category: k.Category, Severity: k.Severity}
		}
	}
	return nil
}
