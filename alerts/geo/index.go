package geo

import (
	"github.com/tidwall/rtree"

	"sharpeyes/alerts"
)

// Index finds the grid and the area at a point. It does not change; make a new
// one when places change. Give it the areas and grids that are valid today.
type Index struct {
	areas []areaEntry
	grids []gridEntry
	// The shapes of areas and grids, in the same order: close together, as a
	// lookup costs little more than its cache misses.
	areaShapes []Prepared
	gridShapes []Prepared

	areaByID map[string]int32
	gridByID map[string]int32
	areaTree rtree.RTreeG[int32]
	gridTree rtree.RTreeG[int32]
}

type areaEntry struct {
	area  alerts.Area
	depth int     // parents above it
	size  float64 // square metres
}

type gridEntry struct {
	grid alerts.Grid
	size float64
}

// Place says what is at a point; empty ids where nothing is.
type Place struct {
	AreaID string // of the grid, else of the deepest area
	GridID string
}

// NewIndex makes an index. Of areas or grids with the same id the last counts.
func NewIndex(areas []alerts.Area, grids []alerts.Grid) *Index {
	x := &Index{areaByID: make(map[string]int32, len(areas)), gridByID: make(map[string]int32, len(grids))}
	for _, a := range areas {
		e := areaEntry{area: a, size: Area(a.Shape)}
		if i, ok := x.areaByID[a.ID]; ok {
			x.areas[i] = e
			continue
		}
		x.areaByID[a.ID] = int32(len(x.areas))
		x.areas = append(x.areas, e)
	}
	for _, g := range grids {
		e := gridEntry{grid: g, size: Area(g.Shape)}
		if i, ok := x.gridByID[g.ID]; ok {
			x.grids[i] = e
			continue
		}
		x.gridByID[g.ID] = int32(len(x.grids))
		x.grids = append(x.grids, e)
	}
	x.areaShapes = make([]Prepared, len(x.areas))
	for i := range x.areas {
		x.areas[i].depth = x.depth(x.areas[i].area)
		x.areaShapes[i] = *Prepare(x.areas[i].area.Shape)
		insert(&x.areaTree, x.areaShapes[i].box, int32(i))
	}
	x.gridShapes = make([]Prepared, len(x.grids))
	for i := range x.grids {
		x.gridShapes[i] = *Prepare(x.grids[i].grid.Shape)
		insert(&x.gridTree, x.gridShapes[i].box, int32(i))
	}
	return x
}

func insert(t *rtree.RTreeG[int32], b Box, i int32) {
	if !b.Empty() {
		t.Insert([2]float64{b.West, b.South}, [2]float64{b.East, b.North}, i)
	}
}

// depth counts the parents that the index knows; a cycle ends at its length.
func (x *Index) depth(a alerts.Area) int {
	d := 0
	for d < len(x.areas) && a.ParentID != "" {
		i, ok := x.areaByID[a.ParentID]
		if !ok {
			break
		}
		a = x.areas[i].area
		d++
	}
	return d
}

// Grid returns the grid at a point. Where grids overlap, against the rule, it
// is the smallest, then the one with the lowest id.
func (x *Index) Grid(p alerts.Point) (alerts.Grid, bool) {
	i := x.gridAt(p)
	if i < 0 {
		return alerts.Grid{}, false
	}
	return x.grids[i].grid, true
}

func (x *Index) gridAt(p alerts.Point) int32 {
	at := [2]float64{p.Lon, p.Lat}
	best := int32(-1)
	x.gridTree.Search(at, at, func(_, _ [2]float64, i int32) bool {
		if x.gridShapes[i].holds(p) && (best < 0 || x.grids[i].before(&x.grids[best])) {
			best = i
		}
		return true
	})
	return best
}

func (e *gridEntry) before(o *gridEntry) bool {
	if e.size != o.size {
		return e.size < o.size
	}
	return e.grid.ID < o.grid.ID
}

// Area returns the deepest area at a point. Where areas of one depth overlap,
// against the rule, it is the smallest, then the one with the lowest id.
func (x *Index) Area(p alerts.Point) (alerts.Area, bool) {
	i := x.areaAt(p)
	if i < 0 {
		return alerts.Area{}, false
	}
	return x.areas[i].area, true
}

func (x *Index) areaAt(p alerts.Point) int32 {
	at := [2]float64{p.Lon, p.Lat}
	best := int32(-1)
	x.areaTree.Search(at, at, func(_, _ [2]float64, i int32) bool {
		if (best < 0 || x.areas[i].before(&x.areas[best])) && x.areaShapes[i].holds(p) {
			best = i
		}
		return true
	})
	return best
}

func (e *areaEntry) before(o *areaEntry) bool {
	if e.depth != o.depth {
		return e.depth > o.depth
	}
	if e.size != o.size {
		return e.size < o.size
	}
	return e.area.ID < o.area.ID
}

// Locate returns the ids of what is at a point. A grid is a part of exactly one
// village, so the grid decides the area.
func (x *Index) Locate(p alerts.Point) Place {
	if i := x.gridAt(p); i >= 0 {
		return Place{AreaID: x.grids[i].grid.AreaID, GridID: x.grids[i].grid.ID}
	}
	if i := x.areaAt(p); i >= 0 {
		return Place{AreaID: x.areas[i].area.ID}
	}
	return Place{}
}

// AreaByID returns an area of the index.
func (x *Index) AreaByID(id string) (alerts.Area, bool) {
	i, ok := x.areaByID[id]
	if !ok {
		return alerts.Area{}, false
	}
	return x.areas[i].area, true
}

// GridByID returns a grid of the index.
func (x *Index) GridByID(id string) (alerts.Grid, bool) {
	i, ok := x.gridByID[id]
	if !ok {
		return alerts.Grid{}, false
	}
	return x.grids[i].grid, true
}

// AreaHolds tells whether an area's polygon holds a point; known is false where
// the area is not in the index or has no shape.
func (x *Index) AreaHolds(id string, p alerts.Point) (holds, known bool) {
	i, ok := x.areaByID[id]
	if !ok || x.areaShapes[i].box.Empty() {
		return false, false
	}
	return x.areaShapes[i].Contains(p), true
}
