package desk

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
)

const (
	maxAppealText = 1000
	maxGranted    = 20 // points on one appeal
	appealTime    = 90 * 24 * time.Hour
)

var monthPattern = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)

// PointView is a line of the ledger of points.
type PointView struct {
	ID       string           `json:"id" doc:"Identifier"`
	UserID   string           `json:"user_id" doc:"Account of the grid leader"`
	UserName string           `json:"user_name" doc:"Name of the grid leader"`
	Month    string           `json:"month" doc:"Month it counts for" example:"2026-11"`
	Kind     alerts.PointKind `json:"kind" enum:"report,hard,settled,handled,undone,appealed" doc:"What it was earned for: a report that was solved; one of something grave that could not be; settling on the spot; handling what was assigned; taken back, for the case was opened again; granted on an appeal"`
	Points   int              `json:"points" doc:"Below zero where it takes back"`
	CaseID   string           `json:"case_id,omitempty" doc:"The case; absent where it is about a department, to all but the grid leader"`
	AreaID   string           `json:"area_id" doc:"Area it happened in"`
	AreaName string           `json:"area_name" doc:"Name of that area"`
	At       time.Time        `json:"at" doc:"When it was written"`
}

// PointSumView is what a grid leader has earned in a month.
type PointSumView struct {
	UserID   string `json:"user_id" doc:"Account of the grid leader"`
	UserName string `json:"user_name" doc:"Name of the grid leader"`
	Month    string `json:"month" doc:"Month" example:"2026-11"`
	Points   int64  `json:"points" doc:"Sum of the lines"`
	Cases    int64  `json:"cases" doc:"Cases they come from"`
}

// AppealInput objects to the points of a month.
type AppealInput struct {
	Month  string `json:"month" doc:"Month it is about" example:"2026-11"`
	CaseID string `json:"case_id,omitempty" doc:"Case it is about"`
	Text   string `json:"text" doc:"What is wrong, 1 to 1000 characters"`
}

// DecisionInput answers an appeal.
type DecisionInput struct {
	Points int    `json:"points" minimum:"0" maximum:"20" doc:"Points that are granted; 0 refuses"`
	Answer string `json:"answer" doc:"Why, 1 to 1000 characters"`
}

// AppealView is an appeal against the points of a month.
type AppealView struct {
	ID         string     `json:"id" doc:"Identifier"`
	UserID     string     `json:"user_id" doc:"Account of the grid leader"`
	UserName   string     `json:"user_name" doc:"Name of the grid leader"`
	Month      string     `json:"month" doc:"Month it is about" example:"2026-11"`
	CaseID     string     `json:"case_id,omitempty" doc:"Case it is about"`
	Text       string     `json:"text" doc:"What is wrong"`
	At         time.Time  `json:"at" doc:"When it was made"`
	Granted    int        `json:"granted" doc:"Points that were granted"`
	Answer     string     `json:"answer,omitempty" doc:"The answer; absent until it is decided"`
	AnsweredAt *time.Time `json:"answered_at,omitempty" doc:"When it was decided; absent until then"`
}

// ledger narrows what a caller sees of the points: a grid leader the own ones,
// officers and leaders of a township or above, and auditors, those of their
// areas.
func (d *Desk) ledger(s alerts.Scope, f *alerts.PointFilter) error {
	if err := s.Need(alerts.ReadCases); err != nil {
		return err
	}
	if f.Month != "" && !monthPattern.MatchString(f.Month) {
		return alerts.InvalidField("month", "must be a month such as 2026-11")
	}
	switch {
	case s.Machine():
	case s.Role == alerts.GridLeader && (f.UserID == "" || f.UserID == s.User):
		f.UserID = s.User
		return nil
	case s.Role == alerts.Auditor, d.township(s):
		return nil
	}
	return alerts.Errorf(alerts.Forbidden, "points are for the grid leader whose they are, and for officers and leaders of the township or above")
}

// township tells an officer or a leader of a centre above the villages.
func (d *Desk) township(s alerts.Scope) bool {
	if s.Role != alerts.DutyOfficer && s.Role != alerts.Leader || s.Home == "" {
		return false
	}
	a, ok := d.known.places().area(lastOf(s.Home))
	return ok && a.Level != alerts.Village
}

// Points lists the ledger, newest line first.
func (d *Desk) Points(ctx context.Context, s alerts.Scope, f alerts.PointFilter) ([]PointView, string, error) {
	if err := d.ledger(s, &f); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Points(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	names := d.namesOf(ctx)
	t, out := d.known.places(), make([]PointView, len(list))
	for i, p := range list {
		out[i] = PointView{ID: p.ID, UserID: p.UserID, Month: p.Month, Kind: p.Kind, Points: p.Points, CaseID: p.CaseID,
			AreaID: p.AreaID, AreaName: t.areaName(p.AreaID), At: p.At}
		if p.Hidden && p.UserID != s.User {
			out[i].CaseID = ""
		}
		if out[i].UserName, err = names(p.UserID); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}

// PointSums sums up a month, by name: it is the basis of allowances, and no
// ranking.
func (d *Desk) PointSums(ctx context.Context, s alerts.Scope, month string) ([]PointSumView, error) {
	f := alerts.PointFilter{Month: month}
	if month == "" {
		return nil, alerts.InvalidField("month", "must be given, such as 2026-11")
	}
	if err := d.ledger(s, &f); err != nil {
		return nil, err
	}
	sums, err := d.store.PointSums(ctx, s, month)
	if err != nil {
		return nil, err
	}
	names, out := d.namesOf(ctx), []PointSumView{}
	for _, v := range sums {
		if f.UserID != "" && v.UserID != f.UserID {
			continue
		}
		name, err := names(v.UserID)
		if err != nil {
			return nil, err
		}
		out = append(out, PointSumView{UserID: v.UserID, UserName: name, Month: month, Points: v.Points, Cases: v.Cases})
	}
	slices.SortStableFunc(out, func(a, b PointSumView) int { return strings.Compare(a.UserName, b.UserName) })
	return out, nil
}

// namesOf looks up names of accounts, each once.
func (d *Desk) namesOf(ctx context.Context) func(id string) (string, error) {
	known := make(map[string]string)
	return func(id string) (string, error) {
		if name, ok := known[id]; ok {
			return name, nil
		}
		u, err := d.store.User(ctx, alerts.System(), id)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return "", err
		}
		known[id] = u.Name
		return u.Name, nil
	}
}

// Appeal objects to the own points of a month, within 90 days of its end.
func (d *Desk) Appeal(ctx context.Context, s alerts.Scope, in AppealInput) (AppealView, error) {
	if err := s.Need(alerts.WorkCases); err != nil {
		return AppealView{}, err
	}
	if s.Role != alerts.GridLeader || s.Machine() {
		return AppealView{}, alerts.Errorf(alerts.Forbidden, "grid leaders appeal, about their own points")
	}
	var f faults
	a := alerts.Appeal{ID: alerts.NewID(d.now()), UserID: s.User, Month: in.Month, CaseID: in.CaseID, At: d.now()}
	a.Text = f.lines("text", in.Text, true, maxAppealText)
	if month, err := time.ParseInLocation("2006-01", in.Month, d.Zone); err != nil || !monthPattern.MatchString(in.Month) {
		f.add("month", "must be a month such as 2026-11")
	} else if a.At.Before(month) || a.At.After(month.AddDate(0, 1, 0).Add(appealTime)) {
		f.add("month", "must be this month, or one that ended less than 90 days ago")
	}
	if err := f.err(); err != nil {
		return AppealView{}, err
	}
	err := d.write(ctx, func(c *change) error {
		u, err := c.User(ctx, alerts.System(), s.User)
		if err != nil {
			return err
		}
		if a.AreaID = u.AreaID; a.AreaID == "" {
			return alerts.Errorf(alerts.Conflict, "this account belongs to no area: there is no township to appeal to")
		}
		if a.CaseID != "" {
			_, err := c.Case(ctx, s, a.CaseID)
			if alerts.KindOf(err) == alerts.NotFound && err != nil {
				return alerts.InvalidField("case_id", "there is no such case in sight of this account")
			}
			if err != nil {
				return err
			}
		}
		if err := c.SaveAppeal(a); err != nil {
			return err
		}
		if err := d.appealChanged(c, u, a.ID); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditPoints, "appeal/"+a.ID, a.AreaID, map[string]string{"month": a.Month})
	})
	if err != nil {
		return AppealView{}, err
	}
	return d.appealView(a, s.Name), nil
}

// pointsChanged tells a grid leader that his points are not what they were.
func (c *change) pointsChanged(u alerts.User) error {
	return c.emitTo([]string{u.ID}, alerts.PointsChanged, u.AreaID, u.AreaPath, "", nil)
}

// appealChanged tells who may read an appeal: the grid leader, and the township
// above his village with those above it.
func (d *Desk) appealChanged(c *change, u alerts.User, id string) error {
	if err := c.pointsChanged(u); err != nil {
		return err
	}
	t := d.known.places()
	a, _ := t.area(u.AreaID)
	if up, ok := t.parentOf(a.ID); ok && a.Level == alerts.Village {
		a = up
	}
	return c.emit(alerts.AppealChanged, a.ID, a.Path, id, nil)
}

func (d *Desk) appealView(a alerts.Appeal, name string) AppealView {
	v := AppealView{ID: a.ID, UserID: a.UserID, UserName: name, Month: a.Month, CaseID: a.CaseID, Text: a.Text, At: a.At,
		Granted: a.Granted, Answer: a.Answer}
	if !a.AnsweredAt.IsZero() {
		v.AnsweredAt = &a.AnsweredAt
	}
	return v
}

// Appeals lists the appeals, newest first.
func (d *Desk) Appeals(ctx context.Context, s alerts.Scope, f alerts.PointFilter) ([]AppealView, string, error) {
	if err := d.ledger(s, &f); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Appeals(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	names, out := d.namesOf(ctx), make([]AppealView, len(list))
	for i, a := range list {
		name, err := names(a.UserID)
		if err != nil {
			return nil, "", err
		}
		out[i] = d.appealView(a, name)
	}
	return out, next, nil
}

// DecideAppeal answers an appeal once. What is granted counts for the month of
// the decision, for earlier ones may have been paid.
func (d *Desk) DecideAppeal(ctx context.Context, s alerts.Scope, id string, in DecisionInput) (AppealView, error) {
	if err := s.Need(alerts.WorkCases); err != nil {
		return AppealView{}, err
	}
	if !d.township(s) || s.Machine() {
		return AppealView{}, alerts.Errorf(alerts.Forbidden, "appeals are decided by officers and leaders of the township or above")
	}
	var f faults
	in.Answer = f.lines("answer", in.Answer, true, maxAppealText)
	if in.Points < 0 || in.Points > maxGranted {
		f.add("points", "must be 0 to %d", maxGranted)
	}
	if err := f.err(); err != nil {
		return AppealView{}, err
	}
	var a alerts.Appeal
	var name string
	err := d.write(ctx, func(c *change) error {
		var err error
		if a, err = c.Appeal(ctx, s, id); err != nil {
			return err
		}
		if !a.AnsweredAt.IsZero() {
			return alerts.Errorf(alerts.Conflict, "this appeal was decided at %s", a.AnsweredAt.UTC().Format(time.RFC3339))
		}
		u, err := c.User(ctx, alerts.System(), a.UserID)
		if err != nil {
			return err
		}
		name = u.Name
		a.Granted, a.Answer, a.AnsweredBy, a.AnsweredAt = in.Points, in.Answer, s.User, c.now
		if err := c.SaveAppeal(a); err != nil {
			return err
		}
		if a.Granted > 0 {
			if err := c.AddPoint(alerts.PointLine{ID: alerts.NewID(c.now), UserID: a.UserID, Month: c.now.In(d.Zone).Format("2006-01"),
				Kind: alerts.PointAppeal, Points: a.Granted, CaseID: a.CaseID, AreaID: a.AreaID, Hidden: true, At: c.now, ByID: s.User}); err != nil {
				return err
			}
		}
		if err := d.appealChanged(c, u, a.ID); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditPoints, "appeal/"+a.ID, a.AreaID, map[string]string{"granted": strconv.Itoa(a.Granted)})
	})
	if err != nil {
		return AppealView{}, err
	}
	return d.appealView(a, name), nil
}
