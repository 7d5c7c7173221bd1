package desk

import (
	"context"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// maxDirectChecked bounds the direct reports whose rooms are looked through for
// one answer; the newest are.
const maxDirectChecked = 500

// UnitFigures returns what shows reports being held back, for each centre one
// level below the caller's own: a unit's figures are seen by the centre above it
// and by no other.
func (d *Desk) UnitFigures(ctx context.Context, s alerts.Scope, q FiguresQuery) ([]UnitFigures, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return nil, err
	}
	officer := s.Role == alerts.DutyOfficer || s.Role == alerts.Leader
	if !officer || s.Home == "" {
		return nil, alerts.Errorf(alerts.Forbidden, "the figures of a unit are for officers and leaders of the centre above it")
	}
	t, now := d.known.places(), d.now()
	out := []UnitFigures{}
	for _, a := range t.areas {
		if up, ok := t.area(a.ParentID); !ok || up.Path != s.Home || !s.Covers(a.Path) {
			continue
		}
		v, err := d.unitCounts(ctx, s, a, q, now)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, d.unsupported(ctx, s, t, q, out)
}

// unitCounts are a unit's figures as the store counts them.
func (d *Desk) unitCounts(ctx context.Context, s alerts.Scope, a alerts.Area, q FiguresQuery, now time.Time) (UnitFigures, error) {
	v := UnitFigures{AreaID: a.ID, AreaName: a.Name, Level: a.Level}
	f := alerts.CaseFilter{AreaID: a.ID, Since: q.Since, Until: q.Until}
	counts, err := d.store.CaseCounts(ctx, s, f, alerts.GroupStep, now)
	if err != nil {
		return v, err
	}
	var held, holding float64
	for _, c := range counts {
		v.Cases += c.Total
		v.Returned += c.Returned
		v.Edited += c.Edited
		v.Late += c.Late
		v.Direct += c.Direct
		held += float64(c.Held)
		holding += float64(c.Held) * c.HoldTime.Minutes()
	}
	if held > 0 {
		v.HoldMin = holding / held
	}
	if v.Cases > 0 {
		v.ReturnRate, v.EditRate = float64(v.Returned)/float64(v.Cases), float64(v.Edited)/float64(v.Cases)
	}
	f.Outcome = alerts.Refused
	refused, err := d.store.CaseCounts(ctx, s, f, alerts.GroupStep, now)
	for _, c := range refused {
		v.Refused += c.Total
	}
	return v, err
}

// unsupported counts, of the newest direct reports of which each unit had a copy,
// those to which nobody of it has said or added anything.
func (d *Desk) unsupported(ctx context.Context, s alerts.Scope, t *town, q FiguresQuery, units []UnitFigures) error {
	yes := true
	homes := make(map[string]string) // of people: the path of their area
	for n := range units {
		u := &units[n]
		a, _ := t.area(u.AreaID)
		if county := t.countyOf(a.ID); county.ID == a.ID || !strings.HasPrefix(a.Path, county.Path) {
			u.Direct = 0 // it holds direct reports itself
			continue
		}
		page := alerts.Page{Limit: maxDirectChecked}
		list, _, err := d.store.Cases(ctx, s, alerts.CaseFilter{AreaID: u.AreaID, Direct: &yes, Since: q.Since, Until: q.Until,
			Sort: alerts.ByOpened, Page: page})
		if err != nil {
			return err
		}
		var ids []string
		for _, k := range list {
			if k.HolderPath != a.Path && strings.HasPrefix(a.Path, k.HolderPath) {
				ids = append(ids, k.ID)
			}
		}
		voices, err := d.store.Voices(ctx, ids)
		if err != nil {
			return err
		}
		u.DirectChecked = int64(len(ids))
		for _, id := range ids {
			helped, err := d.supported(ctx, voices[id], a.Path, homes)
			if err != nil {
				return err
			}
			if !helped {
				u.Unsupported++
			}
		}
	}
	return nil
}

// supported tells whether one of some people is at home in an area or below it.
func (d *Desk) supported(ctx context.Context, people []string, path string, homes map[string]string) (bool, error) {
	for _, id := range people {
		home, known := homes[id]
		if !known {
			u, err := d.store.User(ctx, alerts.System(), id)
			if err != nil && alerts.KindOf(err) != alerts.NotFound {
				return false, err
			}
			home = u.AreaPath
			homes[id] = home
		}
		if home != "" && strings.HasPrefix(home, path) {
			return true, nil
		}
	}
	return false, nil
}
