package desk

import (
	"fmt"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// Less than this is the width of a pen: not told.
const (
	tellShare = 0.001
	tellArea  = 10.0 // square metres
)

// place is one of the shapes that should fill an area; row is 0 for one that is
// not in the file.
type place struct {
	id    string
	row   int
	shape alerts.MultiPolygon
}

func valid(now, from, to time.Time) bool {
	return !from.After(now) && (to.IsZero() || to.After(now))
}

// areaWarnings tells of codes that do not fit, of areas that leave their parent
// or overlap their neighbours, and of villages that their grids no longer fill.
func (d *Desk) areaWarnings(m *areaMerge) {
	now := d.now()
	concerned := make(map[string]bool) // parents whose filling may have changed
	for _, a := range m.areas {
		concerned[a.ID], concerned[a.ParentID] = true, true
		m.codeWarning(a)
	}
	delete(concerned, "")
	below := make(map[string][]place)
	for _, a := range m.areas {
		if concerned[a.ParentID] && valid(now, a.ValidFrom, a.ValidTo) {
			below[a.ParentID] = append(below[a.ParentID], place{a.ID, a.row, a.Shape})
		}
	}
	for _, a := range m.town.areas {
		if _, replaced := m.byID[a.ID]; !replaced && concerned[a.ParentID] && valid(now, a.ValidFrom, a.ValidTo) {
			below[a.ParentID] = append(below[a.ParentID], place{a.ID, 0, a.Shape})
		}
	}
	grids := make(map[string][]place)
	for _, g := range m.town.grids {
		if concerned[g.AreaID] && valid(now, g.ValidFrom, g.ValidTo) {
			grids[g.AreaID] = append(grids[g.AreaID], place{g.ID, 0, g.Shape})
		}
	}
	for _, a := range m.areas { // in the order of the file, then the others
		m.log.fill(a.ID, a.row, a.Shape, below[a.ID], "area")
		m.log.fill(a.ID, a.row, a.Shape, grids[a.ID], "grid")
		delete(below, a.ID)
	}
	for _, a := range m.town.areas {
		m.log.fill(a.ID, 0, a.Shape, below[a.ID], "area")
	}
}

// codeWarning: an area's code begins with what its parent's code says.
func (m *areaMerge) codeWarning(a importedArea) {
	up := alerts.Area{}
	if i, ok := m.byID[a.ParentID]; ok {
		up = m.areas[i].Area
	} else {
		up, _ = m.town.area(a.ParentID)
	}
	digits := map[alerts.Level]int{alerts.City: 4, alerts.County: 6, alerts.Township: 9}[up.Level]
	if len(a.Code) != 12 || len(up.Code) != 12 || digits == 0 || a.Scheme != up.Scheme {
		return
	}
	if prefix := up.Code[:digits]; !strings.HasPrefix(a.Code, prefix) {
		m.log.warn(a.row, "code", "does not begin with %s as the code of its parent %q does", prefix, up.ID)
	}
}

// gridWarnings tells of households outside the rule's bounds and of villages
// whose grids overlap, leave gaps or leave the village.
func (d *Desk) gridWarnings(m *gridMerge) {
	now := d.now()
	grids := make(map[string][]place) // by village
	for _, g := range m.grids {
		lo, hi := alerts.HouseholdBounds(g.Kind)
		if g.Households < lo || hi > 0 && g.Households > hi {
			m.log.warn(g.row, "households", "%d households; a %s grid should have %d to %d", g.Households, g.Kind, lo, hi)
		}
		at := grids[g.AreaID]
		if valid(now, g.ValidFrom, g.ValidTo) {
			at = append(at, place{g.ID, g.row, g.Shape})
		}
		grids[g.AreaID] = at
	}
	for _, g := range m.town.grids {
		if _, replaced := m.byID[g.ID]; replaced || !valid(now, g.ValidFrom, g.ValidTo) {
			continue
		}
		if at, concerned := grids[g.AreaID]; concerned {
			grids[g.AreaID] = append(at, place{g.ID, 0, g.Shape})
		}
	}
	for _, a := range m.town.areas {
		m.log.fill(a.ID, 0, a.Shape, grids[a.ID], "grid")
	}
}

// fill tells how places fill an area. Gaps are told of grids alone: a county
// may well be imported township by township.
func (l *importLog) fill(id string, row int, shape alerts.MultiPolygon, places []place, what string) {
	if len(places) == 0 {
		return
	}
	shapes := make([]alerts.MultiPolygon, len(places))
	for i, p := range places {
		shapes[i] = p.shape
	}
	c, ok := geo.Cover(shape, shapes)
	if !ok {
		l.warn(row, "geometry", "the %ss of %q have too many points to look for overlaps and gaps", what, id)
		return
	}
	if c.Whole > 0 {
		for i, p := range places {
			if s := c.OutsideShare(i); s > tellShare && c.Outside[i] > tellArea {
				l.warn(p.row, "geometry", "%s (%s) of %s %q lies outside %q", percent(s), metres2(c.Outside[i]), what, p.id, id)
			}
		}
	}
	for _, o := range c.Overlaps {
		if s := c.OverlapShare(o); s > tellShare && o.Area > tellArea {
			a, b := places[o.A], places[o.B]
			l.warn(max(a.row, b.row), "geometry", "%ss %q and %q overlap by %s (%s of the smaller one)", what, a.id, b.id, metres2(o.Area), percent(s))
		}
	}
	if s := c.GapShare(); what == "grid" && s > tellShare && c.Gaps > tellArea {
		l.warn(0, "geometry", "%s (%s) of %q lies in no grid", percent(s), metres2(c.Gaps), id)
	}
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", share*100) }

func metres2(area float64) string {
	if area >= 1e6 {
		return fmt.Sprintf("%.2f km2", area/1e6)
	}
	return fmt.Sprintf("%.0f m2", area)
}
