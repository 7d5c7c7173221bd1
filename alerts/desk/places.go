package desk

import (
	"context"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// Areas lists the areas of the scope, by name.
func (d *Desk) Areas(_ context.Context, s alerts.Scope) ([]AreaView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	t := d.known.places()
	out := make([]AreaView, 0, len(t.areas))
	for i, v := range t.areaViews() {
		if s.Covers(t.areas[i].Path) {
			out = append(out, v)
		}
	}
	return out, nil
}

// AreasGeoJSON returns a FeatureCollection of the scope's areas.
func (d *Desk) AreasGeoJSON(_ context.Context, s alerts.Scope) ([]byte, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	t := d.known.places()
	return t.collection("areas", s, func() []geo.OutFeature {
		out := make([]geo.OutFeature, 0, len(t.areas))
		for i, v := range t.areaViews() {
			if a := t.areas[i]; s.Covers(a.Path) {
				out = append(out, geo.OutFeature{ID: a.ID, Properties: v, Shape: a.Shape})
			}
		}
		return out
	})
}

// Home returns the area of an account and the names above it. An account in no
// area, one that acts everywhere, is at home in the first root.
func (d *Desk) Home(_ context.Context, s alerts.Scope, areaID string) (Home, error) {
	t := d.known.places()
	if areaID == "" && s.Everything() {
		for _, a := range t.areas {
			if a.ParentID == "" {
				areaID = a.ID
				break
			}
		}
	}
	h, ok := t.home(areaID)
	if a, _ := t.area(areaID); !ok || !s.Covers(a.Path) {
		return Home{}, alerts.Errorf(alerts.NotFound, "there is no such area")
	}
	return h, nil
}

// Grids lists the grids of the scope, by name.
func (d *Desk) Grids(_ context.Context, s alerts.Scope) ([]GridView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	t := d.known.places()
	out := make([]GridView, 0, len(t.grids))
	for i, v := range t.gridViews() {
		if s.Covers(t.grids[i].AreaPath) {
			out = append(out, v)
		}
	}
	return out, nil
}

// GridsGeoJSON returns a FeatureCollection of the scope's grids.
func (d *Desk) GridsGeoJSON(_ context.Context, s alerts.Scope) ([]byte, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	t := d.known.places()
	return t.collection("grids", s, func() []geo.OutFeature {
		out := make([]geo.OutFeature, 0, len(t.grids))
		for i, v := range t.gridViews() {
			if g := t.grids[i]; s.Covers(g.AreaPath) {
				out = append(out, geo.OutFeature{ID: g.ID, Properties: v, Shape: g.Shape})
			}
		}
		return out
	})
}

// placesChanged finishes a change of areas or grids, once all of them are
// saved: it moves cameras to the grids they now stand in, tells of each area
// that changed or has a grid that did, and has the sessions resolved again
// whose area has moved. It loads the places as the transaction sees them.
func (d *Desk) placesChanged(ctx context.Context, c *change, areaIDs []string) error {
	t, err := loadTown(ctx, c, c.now)
	if err != nil {
		return err
	}
	for page := (alerts.Page{Limit: 1000}); ; {
		cameras, next, err := c.Cameras(ctx, alerts.System(), alerts.CameraFilter{Page: page})
		if err != nil {
			return err
		}
		for _, cam := range cameras {
			if grid := t.index.Locate(cam.Point).GridID; grid != cam.GridID {
				cam.GridID = grid
				if _, err := c.saveCamera(t, cam); err != nil {
					return err
				}
			}
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	if err := c.sitesMoved(ctx, t); err != nil {
		return err
	}
	if err := c.usersMoved(ctx, d.known.places(), t); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, id := range areaIDs {
		if a, ok := t.area(id); ok && !seen[id] {
			seen[id] = true
			if err := c.emit(alerts.PlacesChanged, a.ID, a.Path, "", nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// usersMoved tells of the accounts whose area has another path than before.
func (c *change) usersMoved(ctx context.Context, before, after *town) error {
	moved := make(map[string]bool)
	for _, a := range after.areas {
		if old, ok := before.area(a.ID); ok && old.Path != a.Path {
			moved[a.ID] = true
		}
	}
	if len(moved) == 0 {
		return nil
	}
	for page := (alerts.Page{Limit: 1000}); ; {
		users, next, err := c.Users(ctx, alerts.System(), page)
		if err != nil {
			return err
		}
		for _, u := range users {
			if moved[u.AreaID] {
				if err := c.emit(alerts.UserChanged, u.AreaID, u.AreaPath, u.ID, nil); err != nil {
					return err
				}
			}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}
