package desk

import (
	"context"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// GridVersionView is what a grid was from one day to another.
type GridVersionView struct {
	GridView
	ValidFrom *time.Time `json:"valid_from,omitempty" doc:"Beginning of this version; absent: since ever"`
	ValidTo   *time.Time `json:"valid_to,omitempty" doc:"End of this version; absent: still"`
}

func (t *town) gridVersion(g alerts.Grid) GridVersionView {
	v := GridVersionView{GridView: t.gridView(g)}
	if !g.ValidFrom.IsZero() {
		v.ValidFrom = &g.ValidFrom
	}
	if !g.ValidTo.IsZero() {
		v.ValidTo = &g.ValidTo
	}
	return v
}

// GridsAt lists the grids of the scope as they were at a moment, by name.
func (d *Desk) GridsAt(ctx context.Context, s alerts.Scope, at time.Time) ([]GridView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	list, err := d.store.GridsAt(ctx, s, at)
	if err != nil {
		return nil, err
	}
	return mapped(list, d.known.places().gridView), nil
}

// GridsGeoJSONAt returns a FeatureCollection of the scope's grids as they were
// at a moment.
func (d *Desk) GridsGeoJSONAt(ctx context.Context, s alerts.Scope, at time.Time) ([]byte, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	list, err := d.store.GridsAt(ctx, s, at)
	if err != nil {
		return nil, err
	}
	t := d.known.places()
	return geo.FeatureCollection(mapped(list, func(g alerts.Grid) geo.OutFeature {
		return geo.OutFeature{ID: g.ID, Properties: t.gridView(g), Shape: g.Shape}
	}))
}

// GridVersions lists what a grid was, oldest first.
func (d *Desk) GridVersions(ctx context.Context, s alerts.Scope, id string) ([]GridVersionView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	list, err := d.store.GridVersions(ctx, s, id)
	if err == nil && len(list) == 0 {
		err = alerts.Errorf(alerts.NotFound, "there is no such grid")
	}
	return mapped(list, d.known.places().gridVersion), err
}
