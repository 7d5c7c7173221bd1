package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

const (
	earthRadius = 6371008.8 // metres, mean (IUGG)
	radian      = math.Pi / 180
)

// distance returns the metres between two points on the sphere (haversine).
func distance(a, b alerts.Point) float64 {
	lat, lon := math.Sin((b.Lat-a.Lat)*radian/2), math.Sin((b.Lon-a.Lon)*radian/2)
	h := lat*lat + math.Cos(a.Lat*radian)*math.Cos(b.Lat*radian)*lon*lon
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

// CasesNear returns open cases around a point, nearest first. The index gives
// those in a box around the circle, by their places alone; the nearest of them
// are then read.
func (q queries) CasesNear(ctx context.Context, s alerts.Scope, p alerts.Point, metres float64, category string,
	since time.Time, limit int) ([]alerts.Case, error) {
	if limit <= 0 || !(metres >= 0) {
		return nil, nil
	}
	var places []struct {
		ID       string
		Lon, Lat float64
	}
	conditions, ok, err := q.conditions(ctx, s, alerts.CaseFilter{Category: category, Since: since})
	if err != nil || !ok {
		return nil, err
	}
	sel := box(q.db.NewSelect().TableExpr(q.cases("cases_place")).Column("r.id", "r.lon", "r.lat").Where("r.is_open"), p, metres)
	for _, c := range conditions {
		sel = sel.Where(c.where, c.args...)
	}
	if err := sel.Scan(q.ctx(ctx), &places); err != nil {
		return nil, fmt.Errorf("store: list cases near a point: %w", classify(err))
	}
	type near struct {
		id     string
		metres float64
	}
	var found []near
	for _, c := range places {
		if d := distance(p, alerts.Point{Lon: c.Lon, Lat: c.Lat}); d <= metres {
			found = append(found, near{c.ID, d})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(cmp.Compare(a.metres, b.metres), cmp.Compare(a.id, b.id)) })
	found = found[:min(limit, len(found))]
	if len(found) == 0 {
		return nil, nil
	}
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = f.id
	}
	return q.casesByID(ctx, ids)
}

// box narrows a query to the degrees in which a circle lies. Near a pole, and
// across the 180th meridian, every longitude is taken.
func box(q *bun.SelectQuery, p alerts.Point, metres float64) *bun.SelectQuery {
	angle := metres/earthRadius + 1e-9 // radians, and a little against rounding
	south, north := p.Lat-angle/radian, p.Lat+angle/radian
	q = q.Where("r.lat BETWEEN ? AND ?", south, north)
	if south <= -89 || north >= 89 || angle >= 1 {
		return q
	}
	wide := math.Asin(min(1, math.Sin(angle)/math.Cos(p.Lat*radian))) / radian
	if p.Lon-wide <= -180 || p.Lon+wide >= 180 {
		return q
	}
	return q.Where("r.lon BETWEEN ? AND ?", p.Lon-wide, p.Lon+wide)
}
