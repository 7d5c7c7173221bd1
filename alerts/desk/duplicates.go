package desk

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// What may be the same matter: how near, how long ago, how many are named.
const (
	nearForReporters = 250.0 // metres, where the category says nothing
	nearForOfficers  = 1000.0
	duplicateTime    = 14 * 24 * time.Hour
	maxDuplicates    = 20
)

// Duplicates suggests open cases that an incident may belong to, the likeliest
// first: near by, not long before or after, of its category or of its branch of
// the tree. What is near is said by the category, or by who asks.
func (d *Desk) Duplicates(ctx context.Context, s alerts.Scope, incidentID string) ([]DuplicateView, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return nil, err
	}
	i, err := d.readable(ctx, s, func(s alerts.Scope) (alerts.Incident, error) { return d.store.Incident(ctx, s, incidentID) })
	if err != nil {
		return nil, err
	}
	l, err := d.store.FilingOf(ctx, i.ID)
	if err != nil {
		return nil, err
	}
	branch, _, _ := strings.Cut(i.Category, ".")
	metres := d.nearOf(s, i.Category)
	list, err := d.store.CasesNear(ctx, s, i.Point, metres, branch, i.ReceivedAt.Add(-duplicateTime), 10*maxDuplicates)
	if err != nil {
		return nil, err
	}
	t, now := d.known.places(), d.now()
	out := []DuplicateView{}
	for _, k := range list {
		apart := k.OpenedAt.Sub(i.ReceivedAt).Abs()
		if k.ID == l.CaseID || apart > duplicateTime {
			continue
		}
		v := DuplicateView{Case: t.caseView(k, now), Distance: math.Round(geo.Distance(i.Point, k.Point)*10) / 10,
			Hours: math.Round(apart.Hours()*10) / 10, SameCategory: k.Category == i.Category}
		v.Score = (1 - v.Distance/(metres+1)) * (1 - float64(apart)/float64(duplicateTime+time.Hour))
		if !v.SameCategory {
			v.Score /= 2
		}
		v.Score = math.Round(v.Score*1000) / 1000
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b DuplicateView) int { return cmp.Compare(b.Score, a.Score) })
	return out[:min(len(out), maxDuplicates)], nil
}

// nearOf is the distance within which two reports of a category may be the same
// matter to somebody.
func (d *Desk) nearOf(s alerts.Scope, category string) float64 {
	if c, _ := d.category(category); c.Near > 0 {
		return float64(c.Near)
	}
	switch s.Role {
	case alerts.GridLeader, alerts.Handler:
		return nearForReporters
	}
	return nearForOfficers
}
