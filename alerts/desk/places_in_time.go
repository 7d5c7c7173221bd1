package desk

import (
	"context"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// AreaVersionView is what an area was from one day to another.
type AreaVersionView struct {
	AreaView
	ValidFrom *time.Time `json:"valid_from,omitempty" doc:"Beginning of this version; absent: since ever"`
	ValidTo   *time.Time `json:"valid_to,omitempty" doc:"End of this version; absent: still"`
}

// AreasAt lists the areas of the scope as they were at a moment, by name.
func (d *Desk) AreasAt(ctx context.Context, s alerts.Scope, at time.Time) ([]AreaView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	list, err := d.store.AreasAt(ctx, s, at)
	if err != nil {
		return nil, err
	}
	return mapped(list, d.known.places().areaView), nil
}

// AreasGeoJSONAt returns a FeatureCollection of the scope's areas as they were
// at a moment.
func (d *Desk) AreasGeoJSONAt(ctx context.Context, s alerts.Scope, at time.Time) ([]byte, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	list, err := d.store.AreasAt(ctx, s, at)
	if err != nil {
		return nil, err
	}
	t := d.known.places()
	return geo.FeatureCollection(mapped(list, func(a alerts.Area) geo.OutFeature {
		return geo.OutFeature{ID: a.ID, Properties: t.areaView(a), Shape: a.Shape}
	}))
}

// AreaVersions lists what an area was, and what it will be, oldest first.
func (d *Desk) AreaVersions(ctx context.Context, s alerts.Scope, id string) ([]AreaVersionView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	list, err := d.store.AreaVersions(ctx, s, id)
	if err == nil && len(list) == 0 {
		err = alerts.Errorf(alerts.NotFound, "there is no such area")
	}
	t := d.known.places()
	return mapped(list, func(a alerts.Area) AreaVersionView {
		return AreaVersionView{AreaView: t.areaView(a), ValidFrom: optional(a.ValidFrom), ValidTo: optional(a.ValidTo)}
	}), err
}

// turnPlaces takes in that a version of an area or a grid has begun or ended by
// the clock: areas become what was planned, cameras and register entries get the
// grids they stand in now, and whoever shows places fetches them again.
func (d *Desk) turnPlaces(ctx context.Context) error {
	before := d.known.places()
	if before.until.IsZero() || d.now().Before(before.until) {
		return nil
	}
	err := d.write(ctx, func(c *change) error {
		grids, err := c.GridsAt(ctx, alerts.System(), c.now)
		if err != nil {
			return err
		}
		ids := turned(before.grids, grids)
		due, err := c.AreasDue(ctx, c.now)
		if err != nil {
			return err
		}
		for _, a := range due {
			if err := c.SaveArea(a); err != nil {
				return err
			}
			ids = append(ids, a.ID)
		}
		for _, a := range before.areas {
			passed := func(t time.Time) bool { return !t.Before(before.until) && !t.After(c.now) }
			if passed(a.ValidFrom) || passed(a.ValidTo) {
				ids = append(ids, a.ID)
			}
		}
		return d.placesChanged(ctx, c, ids)
	})
	if err != nil {
		return err
	}
	d.known.expire()
	return d.known.catchUp(ctx)
}

// turned names the areas whose grids differ.
func turned(before, after []alerts.Grid) []string {
	old := make(map[string]alerts.Grid, len(before))
	for _, g := range before {
		old[g.ID] = g
	}
	var areas []string
	for _, g := range after {
		if was, ok := old[g.ID]; !ok {
			areas = append(areas, g.AreaID)
		} else if !was.ValidFrom.Equal(g.ValidFrom) {
			areas = append(areas, g.AreaID, was.AreaID)
		}
		delete(old, g.ID)
	}
	for _, g := range old {
		areas = append(areas, g.AreaID)
	}
	return areas
}

// expire has the places loaded again.
func (p *picture) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stale = true
}
