package desk

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// areaProperties is what is taken of a feature.
func areaProperties() []string {
	return []string{"id", "parent_id", "name", "name_en", "level", "code", "scheme", "valid_from", "valid_to"}
}

// importedArea is an area with the feature it came in.
type importedArea struct {
	alerts.Area
	row   int
	known bool // in the store already
}

// ImportAreas stores the areas of a GeoJSON document, all or none. Areas with
// an id that is known are replaced; see areaMerge.changed.
func (d *Desk) ImportAreas(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	kind, err := begin(s, alerts.ManagePlaces, format, system, formatGeoJSON, formatCSV)
	if err != nil {
		return ImportResult{}, err
	}
	t, seq, err := d.settled(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	var log importLog
	m := &areaMerge{town: t, scope: s, log: &log, byID: make(map[string]int)}
	file := table{format: kind, columns: append(areaProperties(), geometryColumn), bare: true}
	err = file.read(r, &log, func(f geo.Feature) error {
		m.add(f, system)
		return ctx.Err()
	})
	if err != nil {
		return ImportResult{}, err
	}
	if len(m.areas) == 0 && !log.faulty() {
		log.fault(0, "features", "has no area; nothing was imported")
	}
	m.check(d.now())
	if err := log.err(); err != nil {
		return ImportResult{}, err
	}
	d.areaWarnings(m)
	return log.result(len(m.areas)), d.saveAreas(ctx, m, seq)
}

func (d *Desk) saveAreas(ctx context.Context, m *areaMerge, seq int64) error {
	now := d.now()
	changed := m.changed(now)
	if len(changed) == 0 {
		return nil
	}
	return d.write(ctx, func(c *change) error {
		if err := c.unmoved(ctx, seq); err != nil {
			return err
		}
		ids := make([]string, len(changed))
		for i, a := range changed {
			ids[i] = a.ID
			save := c.SaveArea
			if a.known && a.ValidFrom.After(now) {
				save = c.PlanArea
			}
			if err := save(a.Area); err != nil {
				return fmt.Errorf("desk: import area %s: %w", a.ID, err)
			}
		}
		if err := c.auditImport(m.scope, "areas", ids); err != nil {
			return err
		}
		return d.placesChanged(ctx, c, ids)
	})
}

// areaMerge is the tree of areas as it will be: the town's, replaced and
// extended by the file's.
type areaMerge struct {
	town  *town
	scope alerts.Scope
	log   *importLog
	areas []importedArea
	byID  map[string]int
}

// add reads one feature.
func (m *areaMerge) add(f geo.Feature, system alerts.CoordSystem) {
	p := newProperties(f, areaProperties())
	a := importedArea{row: f.Row}
	a.ID = p.id()
	a.ParentID = p.line("parent_id", false, 64)
	a.Name = p.line("name", true, 100)
	a.NameEn = p.line("name_en", false, 100)
	a.Level = alerts.Level(p.line("level", false, 20))
	p.oneOf("level", string(a.Level), string(alerts.City), string(alerts.County), string(alerts.Township), string(alerts.Village))
	if a.Code = p.line("code", false, 20); a.Code != "" {
		p.pattern("code", a.Code, codePattern, "12 digits: 2 province, 2 prefecture, 2 county, 3 township, 3 village")
	}
	a.Scheme = p.line("scheme", false, 100)
	a.ValidFrom, a.ValidTo = p.validity()
	old, known := m.town.area(a.ID)
	a.Shape = p.shapeOr(system, old.Shape, known)
	m.log.takeAll(f.Row, p.faults)
	if i, ok := m.byID[a.ID]; ok {
		m.log.fault(f.Row, "id", "%q is also the id of feature %d; ids must differ", a.ID, m.areas[i].row)
		return
	}
	if a.ID == "" {
		return
	}
	m.byID[a.ID] = len(m.areas)
	m.areas = append(m.areas, a)
}

// parent returns the id of an area's parent as it will be.
func (m *areaMerge) parent(id string) (parent string, ok bool) {
	if i, ok := m.byID[id]; ok {
		return m.areas[i].ParentID, true
	}
	a, ok := m.town.area(id)
	return a.ParentID, ok
}

// check judges the areas together: scope, parents, cycles, grids.
func (m *areaMerge) check(now time.Time) {
	gridded := make(map[string]bool)
	for _, g := range m.town.grids {
		gridded[g.AreaID] = true
	}
	for i := range m.areas {
		a := &m.areas[i]
		old, known := m.town.area(a.ID)
		if a.known = known; known && !m.scope.Covers(old.Path) {
			m.log.fault(a.row, "id", "%q is taken by an area outside this account's areas; choose another", a.ID)
			continue
		}
		if known && gridded[a.ID] && a.Level != alerts.Village {
			m.log.fault(a.row, "level", "must stay village: the area has grids")
		}
		if known && a.ValidFrom.After(now) && (old.ParentID != a.ParentID || old.Level != a.Level) {
			m.log.fault(a.row, "valid_from", "must not lie ahead: another parent or level holds at once, for rights go by it; names and shapes can be planned")
		}
		if known && old.ParentID == a.ParentID {
			continue
		}
		m.checkParent(a, gridded)
	}
}

// checkParent judges the parent of an area that is new or moves.
func (m *areaMerge) checkParent(a *importedArea, gridded map[string]bool) {
	if a.ParentID == "" {
		if !m.scope.Everything() {
			m.log.fault(a.row, "parent_id", "must name an area of this account; only an account over everything may add a root")
		}
		return
	}
	if _, inFile := m.byID[a.ParentID]; !inFile {
		up, ok := m.town.area(a.ParentID)
		if !ok || !m.scope.Covers(up.Path) {
			m.log.fault(a.row, "parent_id", "there is no area %q in the file or in this account's areas", shown(a.ParentID))
			return
		}
	}
	if gridded[a.ParentID] {
		m.log.fault(a.row, "parent_id", "%q has grids, so no area may lie below it", a.ParentID)
	}
	if circle := m.circle(a.ID); circle != nil {
		m.log.fault(a.row, "parent_id", "leads in a circle: %s", strings.Join(circle, " > "))
	}
}

// circle follows the parents of an area; where they lead back to it, it returns
// the way.
func (m *areaMerge) circle(id string) []string {
	const told = 10
	way := []string{id}
	for at, steps := id, 0; steps <= len(m.areas)+len(m.town.areas); steps++ {
		up, ok := m.parent(at)
		if !ok || up == "" {
			return nil
		}
		if len(way) < told {
			way = append(way, up)
		}
		if at = up; at == id {
			return way
		}
	}
	return nil // a circle above it, told for those in it
}

func (m *areaMerge) depth(id string) int {
	for d := 0; ; d++ {
		up, ok := m.parent(id)
		if !ok || up == "" {
			return d
		}
		id = up
	}
}

// changed returns what has to be saved, parents first. Another shape, name,
// parent or level makes a new version, from the day the file says or from now
// on, so that what happened before stays in the old one; all else corrects the
// version that there is.
func (m *areaMerge) changed(now time.Time) []importedArea {
	depths := make(map[string]int, len(m.areas))
	var out []importedArea
	for _, a := range m.areas {
		old, _ := m.town.area(a.ID)
		switch {
		case !a.known:
		case old.ParentID != a.ParentID || old.Level != a.Level || old.Name != a.Name || old.NameEn != a.NameEn || !reflect.DeepEqual(old.Shape, a.Shape):
			if !a.ValidFrom.After(old.ValidFrom) {
				a.ValidFrom = clampTime(now, old.ValidFrom)
			}
			if !a.ValidTo.IsZero() && !a.ValidTo.After(a.ValidFrom) { // it has ended: nothing new begins
				a.ValidFrom = old.ValidFrom
			}
		default:
			a.ValidFrom = old.ValidFrom
			if sameArea(old, a.Area) {
				continue
			}
		}
		depths[a.ID] = m.depth(a.ID)
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b importedArea) int { return depths[a.ID] - depths[b.ID] })
	return out
}

func sameArea(old, a alerts.Area) bool {
	if !old.ValidFrom.Equal(a.ValidFrom) || !old.ValidTo.Equal(a.ValidTo) {
		return false
	}
	a.Path, a.ValidFrom, a.ValidTo = old.Path, old.ValidFrom, old.ValidTo
	return reflect.DeepEqual(old, a)
}
