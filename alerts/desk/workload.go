package desk

import (
	"context"
	"time"

	"sharpeyes/alerts"
)

// workSpan is how far back a workload counts cases.
const workSpan = 30 * 24 * time.Hour

// VillageWorkload is how the work of a village or community is shared.
type VillageWorkload struct {
	AreaID   string         `json:"area_id" doc:"Village or community"`
	AreaName string         `json:"area_name" doc:"Its name"`
	Mean     float64        `json:"mean_households" doc:"Households of a grid on average; unit grids are left out"`
	Spread   float64        `json:"spread" doc:"Households of the largest grid over those of the smallest; 1 is even, 0 unknown"`
	Grids    []GridWorkload `json:"grids" nullable:"false" doc:"Its grids"`
}

// GridWorkload is the work of one grid.
type GridWorkload struct {
	GridID     string  `json:"grid_id" doc:"Grid"`
	Name       string  `json:"name" doc:"Its name"`
	Leader     string  `json:"leader,omitempty" doc:"Who leads it now"`
	Households int     `json:"households" doc:"Households"`
	Share      float64 `json:"share" doc:"Households over the village's mean; 1 is even"`
	Open       *int64  `json:"open_cases,omitempty" doc:"Open cases that happened there; absent without the right to read cases"`
	Recent     *int64  `json:"recent_cases,omitempty" doc:"Cases of the last 30 days; absent without the right to read cases"`
}

// reportWork tells how evenly households and cases are shared, and which grids
// nobody leads.
func (d *Desk) reportWork(ctx context.Context, r *reporter) error {
	at := make(map[string]int) // index in Workload, by area
	for g := range r.grids {
		leader, err := d.leaderOf(ctx, g.ID, r.out.At)
		if err != nil {
			return err
		}
		if leader == "" {
			found(r, &r.out.Leaderless, r.ref(g))
		}
		i, known := at[g.AreaID]
		if !known {
			if len(r.out.Workload) >= maxFindings {
				r.out.More++
				continue
			}
			i = len(r.out.Workload)
			at[g.AreaID] = i
			r.out.Workload = append(r.out.Workload, VillageWorkload{AreaID: g.AreaID, AreaName: r.town.areaName(g.AreaID)})
		}
		w := &r.out.Workload[i]
		w.Grids = append(w.Grids, GridWorkload{GridID: g.ID, Name: g.Name, Leader: leader, Households: g.Households})
	}
	for i := range r.out.Workload {
		r.balance(&r.out.Workload[i])
	}
	if !r.scope.Sight().All {
		return nil
	}
	for i := range r.out.Workload {
		if err := d.countCases(ctx, r, &r.out.Workload[i]); err != nil {
			return err
		}
	}
	return nil
}

// leaderOf returns the name of who leads a grid at a moment; empty: nobody.
func (d *Desk) leaderOf(ctx context.Context, gridID string, now time.Time) (string, error) {
	posts, err := d.store.Posts(ctx, gridID, "")
	for _, p := range posts {
		if p.Kind == alerts.LeaderPost && runs(p, now) {
			return p.Name, err
		}
	}
	return "", err
}

// balance compares the households of a village's grids. A unit grid is one
// organisation, whose households say nothing.
func (r *reporter) balance(w *VillageWorkload) {
	counted := func(id string) bool {
		g, _ := r.town.grid(id)
		return g.Kind != alerts.Unit
	}
	sum, n, least, most := 0, 0, 0, 0
	for _, g := range w.Grids {
		if !counted(g.GridID) {
			continue
		}
		if n == 0 || g.Households < least {
			least = g.Households
		}
		most = max(most, g.Households)
		sum += g.Households
		n++
	}
	if n == 0 || sum == 0 {
		return
	}
	w.Mean = float64(sum) / float64(n)
	if least > 0 {
		w.Spread = float64(most) / float64(least)
	}
	for i := range w.Grids {
		if counted(w.Grids[i].GridID) {
			w.Grids[i].Share = float64(w.Grids[i].Households) / w.Mean
		}
	}
}

// countCases fills in the cases of a village's grids.
func (d *Desk) countCases(ctx context.Context, r *reporter, w *VillageWorkload) error {
	yes := true
	open, err := d.store.CaseCounts(ctx, r.scope, alerts.CaseFilter{AreaID: w.AreaID, Open: &yes}, alerts.GroupGrid, r.out.At)
	if err != nil {
		return err
	}
	recent, err := d.store.CaseCounts(ctx, r.scope, alerts.CaseFilter{AreaID: w.AreaID, Since: r.out.At.Add(-workSpan)}, alerts.GroupGrid, r.out.At)
	if err != nil {
		return err
	}
	of := func(list []alerts.CaseCount, grid string) *int64 {
		var n int64
		for _, c := range list {
			if c.Key == grid {
				n = c.Total
			}
		}
		return &n
	}
	for i := range w.Grids {
		g := &w.Grids[i]
		g.Open, g.Recent = of(open, g.GridID), of(recent, g.GridID)
	}
	return nil
}
