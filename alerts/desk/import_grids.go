package desk

import (
	"context"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// maxHouseholds is more than any grid has: beyond it is a slip of the pen.
const maxHouseholds = 100_000

func gridProperties() []string {
	return []string{"id", "area_id", "name", "code", "scheme", "kind", "households", "valid_from", "valid_to"}
}

// importedGrid is a grid with the feature it came in.
type importedGrid struct {
	alerts.Grid
	row int
}

// ImportGrids stores the grids of a GeoJSON or CSV document, all or none. Grids
// with an id that is known are replaced; see gridMerge.changed.
func (d *Desk) ImportGrids(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	kind, err := begin(s, alerts.ManagePlaces, format, system, formatGeoJSON, formatCSV)
	if err != nil {
		return ImportResult{}, err
	}
	t, seq, err := d.settled(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	var log importLog
	m := &gridMerge{town: t, scope: s, log: &log, byID: make(map[string]int), parents: make(map[string]bool)}
	for _, a := range t.areas {
		m.parents[a.ParentID] = true
	}
	file := table{format: kind, columns: append(gridProperties(), geometryColumn), bare: true}
	err = file.read(r, &log, func(f geo.Feature) error {
		m.add(f, system)
		return ctx.Err()
	})
	if err != nil {
		return ImportResult{}, err
	}
	if len(m.grids) == 0 && !log.faulty() {
		log.fault(0, "features", "has no grid; nothing was imported")
	}
	if err := log.err(); err != nil {
		return ImportResult{}, err
	}
	d.gridWarnings(m)
	return log.result(len(m.grids)), d.saveGrids(ctx, m, seq)
}

func (d *Desk) saveGrids(ctx context.Context, m *gridMerge, seq int64) error {
	changed := m.changed(d.now())
	if len(changed) == 0 {
		return nil
	}
	return d.write(ctx, func(c *change) error {
		if err := c.unmoved(ctx, seq); err != nil {
			return err
		}
		var areas, ids []string
		for _, g := range changed {
			ids = append(ids, g.ID)
			areas = append(areas, g.AreaID)
			if old, known := m.stored(g.ID); known && old.AreaID != g.AreaID {
				areas = append(areas, old.AreaID)
			}
			if err := c.SaveGrid(g.Grid); err != nil {
				return fmt.Errorf("desk: import grid %s: %w", g.ID, err)
			}
		}
		if err := c.auditImport(m.scope, "grids", ids); err != nil {
			return err
		}
		return d.placesChanged(ctx, c, areas)
	})
}

// gridMerge is the grids as they will be: the town's, replaced and extended by
// the file's.
type gridMerge struct {
	town    *town
	scope   alerts.Scope
	log     *importLog
	grids   []importedGrid
	byID    map[string]int
	parents map[string]bool // areas with areas below them
}

func (m *gridMerge) stored(id string) (alerts.Grid, bool) {
	return m.town.grid(id)
}

// add reads one feature.
func (m *gridMerge) add(f geo.Feature, system alerts.CoordSystem) {
	p := newProperties(f, gridProperties())
	g := importedGrid{row: f.Row}
	g.ID = p.id()
	g.AreaID = p.line("area_id", false, 64)
	g.Name = p.line("name", true, 100)
	g.Code = p.line("code", false, 40)
	g.Scheme = p.line("scheme", false, 100)
	g.Kind = alerts.GridKind(p.line("kind", false, 20))
	p.oneOf("kind", string(g.Kind), string(alerts.Street), string(alerts.Yard), string(alerts.Unit), string(alerts.Rural))
	g.Households = p.whole("households", 0, maxHouseholds)
	g.ValidFrom, g.ValidTo = p.validity()
	old, known := m.stored(g.ID)
	g.Shape = p.shapeOr(system, old.Shape, known)
	m.checkArea(p, g.AreaID)
	if known && !m.scope.Covers(old.AreaPath) {
		p.add("id", "%q is taken by a grid outside this account's areas; choose another", g.ID)
	}
	m.log.takeAll(f.Row, p.faults)
	if i, ok := m.byID[g.ID]; ok {
		m.log.fault(f.Row, "id", "%q is also the id of feature %d; ids must differ", g.ID, m.grids[i].row)
		return
	}
	if g.ID == "" {
		return
	}
	m.byID[g.ID] = len(m.grids)
	m.grids = append(m.grids, g)
}

// checkArea: a grid is a part of exactly one village or community.
func (m *gridMerge) checkArea(p *properties, id string) {
	a, ok := m.town.area(id)
	switch {
	case id == "":
		p.add("area_id", "must name the village or community that the grid is a part of")
	case !ok || !m.scope.Covers(a.Path):
		p.add("area_id", "there is no area %q in this account's areas; import areas first", shown(id))
	case a.Level != alerts.Village:
		p.add("area_id", "%q is a %s; a grid is a part of a village or community", id, a.Level)
	case m.parents[id]:
		p.add("area_id", "%q has areas below it; a grid is a part of an area that has none", id)
	}
}

// changed returns the grids that are to be saved. Another shape or another
// village makes a new version, from the day the file says or from now on, so
// that what happened in the old one stays there; all else corrects the version
// that there is.
func (m *gridMerge) changed(now time.Time) []importedGrid {
	var out []importedGrid
	for _, g := range m.grids {
		old, known := m.stored(g.ID)
		switch {
		case !known:
		case old.AreaID != g.AreaID || !reflect.DeepEqual(old.Shape, g.Shape):
			if !g.ValidFrom.After(old.ValidFrom) {
				g.ValidFrom = clampTime(now, old.ValidFrom)
			}
			if !g.ValidTo.IsZero() && !g.ValidTo.After(g.ValidFrom) { // it has ended: nothing new begins
				g.ValidFrom = old.ValidFrom
			}
		default:
			g.ValidFrom = old.ValidFrom
			if sameGrid(old, g.Grid) {
				continue
			}
		}
		out = append(out, g)
	}
	return out
}

// sameShape tells whether two shapes are the same to the centimetre that
// GeoJSON is written with.
func sameShape(a, b alerts.MultiPolygon) bool {
	return slices.EqualFunc(a, b, func(a, b []alerts.Ring) bool {
		return slices.EqualFunc(a, b, func(a, b alerts.Ring) bool { return slices.EqualFunc(a, b, samePlace) })
	})
}

func samePlace(p, q alerts.Point) bool {
	const close = 1e-7
	return math.Abs(p.Lon-q.Lon) < close && math.Abs(p.Lat-q.Lat) < close
}

func sameGrid(old, g alerts.Grid) bool {
	if !old.ValidFrom.Equal(g.ValidFrom) || !old.ValidTo.Equal(g.ValidTo) {
		return false
	}
	g.AreaPath, g.ValidFrom, g.ValidTo = old.AreaPath, old.ValidFrom, old.ValidTo
	return reflect.DeepEqual(old, g)
}
