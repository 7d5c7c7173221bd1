package desk

import (
	"context"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// maxFindings bounds each list of a report; what is over is counted.
const maxFindings = 1000

// StructureReport tells what is wrong, or out of balance, with areas, grids and
// cameras. Somebody has to decide about each finding; nothing is changed.
type StructureReport struct {
	At         time.Time         `json:"at" doc:"When it was made"`
	Overlaps   []OverlapFinding  `json:"overlaps" nullable:"false" doc:"Grids of a village, or areas of an area, that claim the same ground"`
	Gaps       []GapFinding      `json:"gaps" nullable:"false" doc:"Ground of a village in no grid, or of an area in none of those below it"`
	Outside    []OutsideFinding  `json:"outside" nullable:"false" doc:"Grids and areas that leave the area they are part of"`
	Households []HouseFinding    `json:"households" nullable:"false" doc:"Grids whose households lie outside the rule's bounds: urban 200-500, rural 100-300"`
	Cameras    []CameraFinding   `json:"cameras" nullable:"false" doc:"Cameras that stand outside their area"`
	Workload   []VillageWorkload `json:"workload" nullable:"false" doc:"How evenly the work is shared among the grids of each village (任务相当)"`
	Leaderless []GridRef         `json:"leaderless" nullable:"false" doc:"Grids without a leader now"`
	Stale      int               `json:"stale_registers" doc:"Register entries that nobody has checked for 180 days, counted up to 1000"`
	More       int               `json:"more,omitempty" doc:"Findings over 1000 in one list, which are not told"`
	Unmeasured []string          `json:"unmeasured,omitempty" doc:"Areas whose shapes have too many points to be compared"`
}

// GridRef names a grid and its village.
type GridRef struct {
	GridID   string `json:"grid_id" doc:"Grid"`
	GridName string `json:"grid_name" doc:"Its name"`
	AreaID   string `json:"area_id" doc:"Its village or community"`
	AreaName string `json:"area_name" doc:"Name of that area"`
}

// OverlapFinding is ground that two shapes have in common.
type OverlapFinding struct {
	AreaID string  `json:"area_id" doc:"The area both are part of"`
	Of     string  `json:"of" enum:"grid,area" doc:"What overlaps"`
	A      string  `json:"a" doc:"Identifier of one"`
	B      string  `json:"b" doc:"Identifier of the other"`
	Metres float64 `json:"square_m" doc:"Square metres"`
	Share  float64 `json:"share" doc:"Of the smaller one, 0 to 1"`
}

// GapFinding is ground that nothing covers.
type GapFinding struct {
	AreaID   string  `json:"area_id" doc:"The area"`
	AreaName string  `json:"area_name" doc:"Its name"`
	Of       string  `json:"of" enum:"grid,area" doc:"What does not cover it"`
	Metres   float64 `json:"square_m" doc:"Square metres"`
	Share    float64 `json:"share" doc:"Of the area, 0 to 1"`
}

// OutsideFinding is a shape that leaves its area.
type OutsideFinding struct {
	AreaID string  `json:"area_id" doc:"The area it is part of"`
	Of     string  `json:"of" enum:"grid,area" doc:"What leaves it"`
	ID     string  `json:"id" doc:"Its identifier"`
	Metres float64 `json:"square_m" doc:"Square metres outside"`
	Share  float64 `json:"share" doc:"Of its ground, 0 to 1"`
}

// HouseFinding is a grid with too few or too many households.
type HouseFinding struct {
	GridRef
	Kind       alerts.GridKind `json:"kind" doc:"Kind of grid"`
	Households int             `json:"households" doc:"Households it has"`
	Least      int             `json:"least" doc:"Fewest it should have"`
	Most       int             `json:"most" doc:"Most it should have"`
}

// CameraFinding is a camera outside its area, and what undoing a shift of
// coordinates would do. A person decides.
type CameraFinding struct {
	CameraID string             `json:"camera_id" doc:"Camera"`
	Name     string             `json:"name" doc:"Its name"`
	AreaID   string             `json:"area_id" doc:"Area it belongs to"`
	AreaName string             `json:"area_name" doc:"Name of that area"`
	Lon      float64            `json:"lon" doc:"Longitude, WGS-84"`
	Lat      float64            `json:"lat" doc:"Latitude, WGS-84"`
	System   alerts.CoordSystem `json:"system" doc:"System its position was given in"`
	Undo     []UndoFinding      `json:"undo" nullable:"false" doc:"Were it given in another system"`
}

// UndoFinding is where a camera would stand had its position been given in
// another system.
type UndoFinding struct {
	System alerts.CoordSystem `json:"system" enum:"wgs84,gcj02,bd09" doc:"The system"`
	Lon    float64            `json:"lon" doc:"Longitude, WGS-84"`
	Lat    float64            `json:"lat" doc:"Latitude, WGS-84"`
	Moved  float64            `json:"moved_m" doc:"Metres from where it is shown now"`
	Inside bool               `json:"inside" doc:"It would stand in its area"`
	GridID string             `json:"grid_id,omitempty" doc:"Grid it would stand in"`
}

// reports makes one report at a time: comparing shapes takes a core.
type reports struct{ mu sync.Mutex }

// StructureReport looks through the caller's areas, or one of them with
// everything below it.
func (d *Desk) StructureReport(ctx context.Context, s alerts.Scope, areaID string) (StructureReport, error) {
	if err := s.Need(alerts.ReadStructure); err != nil {
		return StructureReport{}, err
	}
	t := d.known.places()
	if areaID != "" {
		a, ok := t.area(areaID)
		if !ok || !s.Covers(a.Path) {
			return StructureReport{}, alerts.Errorf(alerts.NotFound, "there is no such area")
		}
		s.Paths = []string{a.Path} // within what the caller has
	}
	if !d.reports.mu.TryLock() {
		return StructureReport{}, alerts.Errorf(alerts.TooMany, "another report is being made, try again when it has ended")
	}
	defer d.reports.mu.Unlock()
	r := &reporter{town: t, scope: s, out: StructureReport{At: d.now(), Overlaps: []OverlapFinding{}, Gaps: []GapFinding{}, Outside: []OutsideFinding{},
		Households: []HouseFinding{}, Cameras: []CameraFinding{}, Workload: []VillageWorkload{}, Leaderless: []GridRef{}}}
	if err := r.shapes(ctx); err != nil {
		return StructureReport{}, err
	}
	r.households()
	if err := d.reportCameras(ctx, r); err != nil {
		return StructureReport{}, err
	}
	if err := d.reportWork(ctx, r); err != nil {
		return StructureReport{}, err
	}
	stale, _, err := d.store.Sites(ctx, s, alerts.SiteFilter{Stale: d.now().Add(-StaleAfter), Page: alerts.Page{Limit: maxFindings}})
	r.out.Stale = len(stale)
	return r.out, err
}

// reporter collects a report.
type reporter struct {
	town  *town
	scope alerts.Scope
	out   StructureReport
}

// found adds a finding to a list while there is room.
func found[T any](r *reporter, list *[]T, v T) {
	if len(*list) >= maxFindings {
		r.out.More++
		return
	}
	*list = append(*list, v)
}

// grids are those of the scope, valid now.
func (r *reporter) grids(yield func(alerts.Grid) bool) {
	for _, g := range r.town.grids {
		if r.scope.Covers(g.AreaPath) && !yield(g) {
			return
		}
	}
}

// shapes compares what lies in each area with the area.
func (r *reporter) shapes(ctx context.Context) error {
	below, grids := make(map[string][]place), make(map[string][]place)
	for _, a := range r.town.areas {
		if valid(r.out.At, a.ValidFrom, a.ValidTo) && len(a.Shape) > 0 {
			below[a.ParentID] = append(below[a.ParentID], place{id: a.ID, shape: a.Shape})
		}
	}
	for g := range r.grids {
		if len(g.Shape) > 0 {
			grids[g.AreaID] = append(grids[g.AreaID], place{id: g.ID, shape: g.Shape})
		}
	}
	for _, a := range r.town.areas {
		if !r.scope.Covers(a.Path) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.fill(a, below[a.ID], "area")
		r.fill(a, grids[a.ID], "grid")
	}
	return nil
}

func (r *reporter) fill(a alerts.Area, places []place, what string) {
	if len(places) == 0 {
		return
	}
	shapes := mapped(places, func(p place) alerts.MultiPolygon { return p.shape })
	c, ok := geo.Cover(a.Shape, shapes)
	if !ok {
		found(r, &r.out.Unmeasured, a.ID)
		return
	}
	for i, p := range places {
		if share := c.OutsideShare(i); c.Whole > 0 && share > tellShare && c.Outside[i] > tellArea {
			found(r, &r.out.Outside, OutsideFinding{AreaID: a.ID, Of: what, ID: p.id, Metres: c.Outside[i], Share: share})
		}
	}
	for _, o := range c.Overlaps {
		if share := c.OverlapShare(o); share > tellShare && o.Area > tellArea {
			found(r, &r.out.Overlaps, OverlapFinding{AreaID: a.ID, Of: what, A: places[o.A].id, B: places[o.B].id, Metres: o.Area, Share: share})
		}
	}
	if share := c.GapShare(); share > tellShare && c.Gaps > tellArea {
		found(r, &r.out.Gaps, GapFinding{AreaID: a.ID, AreaName: a.Name, Of: what, Metres: c.Gaps, Share: share})
	}
}

func (r *reporter) ref(g alerts.Grid) GridRef {
	return GridRef{GridID: g.ID, GridName: g.Name, AreaID: g.AreaID, AreaName: r.town.areaName(g.AreaID)}
}

func (r *reporter) households() {
	for g := range r.grids {
		lo, hi := alerts.HouseholdBounds(g.Kind)
		if g.Households < lo || hi > 0 && g.Households > hi {
			found(r, &r.out.Households, HouseFinding{GridRef: r.ref(g), Kind: g.Kind, Households: g.Households, Least: lo, Most: hi})
		}
	}
}

// reportCameras tells of cameras outside their area. The positions as given are
// in the store alone.
func (d *Desk) reportCameras(ctx context.Context, r *reporter) error {
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := d.store.Cameras(ctx, r.scope, alerts.CameraFilter{Page: page})
		if err != nil {
			return err
		}
		for _, c := range list {
			if holds, known := r.town.index.AreaHolds(c.AreaID, c.Point); !holds && known {
				found(r, &r.out.Cameras, r.camera(c))
			}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

func (r *reporter) camera(c alerts.Camera) CameraFinding {
	v := CameraFinding{CameraID: c.ID, Name: c.Name, AreaID: c.AreaID, AreaName: r.town.areaName(c.AreaID), Lon: c.Point.Lon,
		Lat: c.Point.Lat, System: c.System, Undo: []UndoFinding{}}
	inside := func(p alerts.Point) bool {
		in, _ := r.town.index.AreaHolds(c.AreaID, p)
		return in
	}
	for _, u := range geo.Retag(c.Given, c.System, inside) {
		v.Undo = append(v.Undo, UndoFinding{System: u.System, Lon: u.Point.Lon, Lat: u.Point.Lat, Moved: u.Moved, Inside: u.Inside,
			GridID: r.town.index.Locate(u.Point).GridID})
	}
	return v
}
