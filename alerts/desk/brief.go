package desk

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"sharpeyes/alerts"
)

// BriefView is the basis of a centre's weekly judgement (研判): what came in
// during a week, beside the week before.
type BriefView struct {
	AreaID   string    `json:"area_id" doc:"Area it is about, with everything below it"`
	AreaName string    `json:"area_name" doc:"Name of that area"`
	Week     string    `json:"week" doc:"ISO 8601 week in the town's time" example:"2026-W48"`
	From     time.Time `json:"from" doc:"Its start"`
	Until    time.Time `json:"until" doc:"Its end"`

	This        CaseCountView   `json:"this" doc:"The cases of the week"`
	Before      CaseCountView   `json:"before" doc:"Those of the week before"`
	Called      int64           `json:"called_back" doc:"Closings of cases of the week at which the reporter was called back 回访"`
	Satisfied   int64           `json:"satisfied" doc:"Of those: the reporter was satisfied"`
	Refused     int64           `json:"refused" doc:"Of the week: refused as outside the published list of matters"`
	Days        []CaseCountView `json:"days" nullable:"false" doc:"The trend: eight weeks up to the end of this one, day by day"`
	Categories  []ChangeView    `json:"categories" nullable:"false" doc:"By category, the greatest change first"`
	Grids       []CaseCountView `json:"grids" nullable:"false" doc:"The heat map: by grid, most first"`
	Departments []CaseCountView `json:"departments" nullable:"false" doc:"By department, most first"`
}

// ChangeView is how often something came in a week and in the one before.
type ChangeView struct {
	Key    string `json:"key" doc:"Code of the category"`
	Name   string `json:"name" doc:"Name of the category"`
	This   int64  `json:"this" doc:"In the week"`
	Before int64  `json:"before" doc:"In the week before"`
}

const trendWeeks = 8

var weekPattern = regexp.MustCompile(`^([0-9]{4})-W([0-9]{2})$`)

// Brief sums up a week of an area; the empty area is the caller's own centre's,
// the empty week the last whole one.
func (d *Desk) Brief(ctx context.Context, s alerts.Scope, areaID, week string) (BriefView, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return BriefView{}, err
	}
	if !s.Sight().All {
		return BriefView{}, alerts.Errorf(alerts.Forbidden, "the weekly brief is for those who see all cases of an area")
	}
	t := d.known.places()
	if areaID == "" {
		areaID = homeOf(s)
	}
	a, ok := t.area(areaID)
	if !ok || !s.Covers(a.Path) {
		return BriefView{}, alerts.InvalidField("area", "there is no such area in this account's areas")
	}
	from, err := d.monday(week)
	if err != nil {
		return BriefView{}, err
	}
	year, number := from.ISOWeek()
	v := BriefView{AreaID: a.ID, AreaName: a.Name, Week: fmt.Sprintf("%d-W%02d", year, number), From: from.UTC(), Until: from.AddDate(0, 0, 7).UTC(),
		Categories: []ChangeView{}}
	this := alerts.CaseFilter{AreaID: a.ID, Since: v.From, Until: v.Until}
	before, trend, refused := this, this, this
	before.Since, before.Until = from.AddDate(0, 0, -7).UTC(), v.From
	trend.Since = from.AddDate(0, 0, -7*(trendWeeks-1)).UTC()
	refused.Outcome = alerts.Refused

	var now, then, none []CaseCountView
	for _, part := range []struct {
		f    alerts.CaseFilter
		by   alerts.CaseGroup
		into *[]CaseCountView
	}{{this, alerts.GroupCategory, &now}, {before, alerts.GroupCategory, &then}, {refused, alerts.GroupStep, &none}, {trend, alerts.GroupDay, &v.Days},
		{this, alerts.GroupGrid, &v.Grids}, {this, alerts.GroupDepartment, &v.Departments}} {
		if *part.into, err = d.CaseCounts(ctx, s, part.f, part.by); err != nil {
			return BriefView{}, err
		}
	}
	v.This, v.Before = sumOf(now), sumOf(then)
	v.Refused = sumOf(none).Total
	if v.Called, v.Satisfied, err = d.store.CallBacks(ctx, s, a.ID, v.From, v.Until); err != nil {
		return BriefView{}, err
	}
	v.Categories = d.changes(now, then)
	// Where no grid or department is known there is nothing to show of it.
	unknown := func(c CaseCountView) bool { return c.Key == "" }
	v.Grids, v.Departments = slices.DeleteFunc(v.Grids, unknown), slices.DeleteFunc(v.Departments, unknown)
	return v, nil
}

// homeOf is the area that a caller acts for, or the only one he acts in.
func homeOf(s alerts.Scope) string {
	if s.Home != "" {
		return lastOf(s.Home)
	}
	if len(s.Paths) == 1 {
		return lastOf(s.Paths[0])
	}
	return ""
}

// monday is the start of a week in the town's time; of the last whole one where
// none is named.
func (d *Desk) monday(week string) (time.Time, error) {
	if week == "" {
		now := d.now().In(d.Zone)
		return mondayOf(now).AddDate(0, 0, -7), nil
	}
	wrong := alerts.InvalidField("week", "must be an ISO week such as 2026-W48")
	m := weekPattern.FindStringSubmatch(week)
	if m == nil {
		return time.Time{}, wrong
	}
	year, _ := strconv.Atoi(m[1]) // digits, by the pattern
	number, _ := strconv.Atoi(m[2])
	// The 4th of January lies in week 1 (ISO 8601).
	from := mondayOf(time.Date(year, time.January, 4, 0, 0, 0, 0, d.Zone)).AddDate(0, 0, 7*(number-1))
	if y, n := from.ISOWeek(); y != year || n != number {
		return time.Time{}, wrong
	}
	return from, nil
}

func mondayOf(t time.Time) time.Time {
	back := (int(t.Weekday()) + 6) % 7
	return time.Date(t.Year(), t.Month(), t.Day()-back, 0, 0, 0, 0, t.Location())
}

func sumOf(list []CaseCountView) CaseCountView {
	v := CaseCountView{Key: "all"}
	var hold float64
	for _, c := range list {
		v.Total += c.Total
		v.Open += c.Open
		v.Late += c.Late
		v.Closed += c.Closed
		v.Solved += c.Solved
		v.Direct += c.Direct
		v.Returned += c.Returned
		v.Reopened += c.Reopened
		v.Edited += c.Edited
		hold += c.HoldMin * float64(c.Total)
	}
	if v.Total > 0 {
		v.HoldMin = hold / float64(v.Total)
	}
	return v.rated()
}

// changes puts what came by category beside what came before.
func (d *Desk) changes(now, then []CaseCountView) []ChangeView {
	byKey := make(map[string]*ChangeView)
	at := func(key string) *ChangeView {
		if byKey[key] == nil {
			c, _ := d.category(key)
			byKey[key] = &ChangeView{Key: key, Name: c.Name}
		}
		return byKey[key]
	}
	for _, c := range now {
		at(c.Key).This = c.Total
	}
	for _, c := range then {
		at(c.Key).Before = c.Total
	}
	out := make([]ChangeView, 0, len(byKey))
	for _, c := range byKey {
		out = append(out, *c)
	}
	size := func(c ChangeView) int64 { return max(c.This-c.Before, c.Before-c.This) }
	slices.SortFunc(out, func(a, b ChangeView) int {
		if n := size(b) - size(a); n != 0 {
			return int(n)
		}
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return out
}
