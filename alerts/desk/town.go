package desk

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// maxCollections bounds the GeoJSON documents kept, one per scope; when it is
// full all go.
const maxCollections = 64

// town is the places at one moment. It does not change, its cache of documents
// apart.
type town struct {
	areas  []alerts.Area // by name
	grids  []alerts.Grid // by name; valid at the time of loading
	byID   map[string]int
	gridBy map[string]int
	past   map[string]alerts.Grid // by id: those not valid then, as last saved
	units  units
	until  time.Time          // when a version of a place begins or ends; zero: not known to
	boxes  map[string]geo.Box // of areas, from their shape or what lies in them
	index  *geo.Index         // of the areas and grids that are valid then

	// What areas and grids that have had several versions were called, by id.
	pastAreas, pastGrids map[string][]alerts.PastPlace

	// Views in the order of areas and grids, made when first asked for: their
	// middles take a while.
	areaViews func() []AreaView
	gridViews func() []GridView

	mu          sync.Mutex
	collections map[string][]byte // guarded by mu; never changed once in
}

func newTown(areas []alerts.Area, grids []alerts.Grid, now time.Time) *town {
	var (
		holding []alerts.Area // what has ended, or not begun, holds no new report
		within  []alerts.Grid // the grids of those
		holds   = make(map[string]bool, len(areas))
	)
	for _, a := range areas {
		if valid(now, a.ValidFrom, a.ValidTo) {
			holding = append(holding, a)
			holds[a.ID] = true
		}
	}
	for _, g := range grids {
		if holds[g.AreaID] {
			within = append(within, g)
		}
	}
	t := &town{areas: areas, grids: grids, past: make(map[string]alerts.Grid), byID: make(map[string]int, len(areas)), gridBy: make(map[string]int, len(grids)),
		boxes: make(map[string]geo.Box, len(areas)), index: geo.NewIndex(holding, within),
		pastAreas: make(map[string][]alerts.PastPlace), pastGrids: make(map[string][]alerts.PastPlace), collections: make(map[string][]byte)}
	t.areaViews = sync.OnceValue(func() []AreaView { return mapped(areas, t.areaView) })
	t.gridViews = sync.OnceValue(func() []GridView { return mapped(grids, t.gridView) })
	for i, a := range areas {
		t.byID[a.ID] = i
		t.boxes[a.ID] = geo.BoxOf(a.Shape)
	}
	for i, g := range grids {
		t.gridBy[g.ID] = i
	}
	// Areas without a shape of their own get the box of what lies in them.
	shapeless := make(map[string]bool)
	for _, a := range areas {
		shapeless[a.ID] = t.boxes[a.ID].Empty()
	}
	for _, g := range grids {
		t.widen(g.AreaPath, geo.BoxOf(g.Shape), shapeless)
	}
	for _, a := range areas {
		if !shapeless[a.ID] {
			t.widen(a.Path, t.boxes[a.ID], shapeless)
		}
	}
	return t
}

func mapped[T, V any](list []T, view func(T) V) []V {
	out := make([]V, len(list))
	for i, v := range list {
		out[i] = view(v)
	}
	return out
}

// widen makes the boxes of the shapeless areas on a path hold a box.
func (t *town) widen(path string, b geo.Box, shapeless map[string]bool) {
	if b.Empty() {
		return
	}
	for _, id := range strings.Split(strings.Trim(path, "/"), "/") {
		if !shapeless[id] {
			continue
		}
		o := t.boxes[id]
		if o.Empty() {
			t.boxes[id] = b
			continue
		}
		t.boxes[id] = geo.Box{West: math.Min(o.West, b.West), South: math.Min(o.South, b.South),
			East: math.Max(o.East, b.East), North: math.Max(o.North, b.North)}
	}
}

func (t *town) area(id string) (alerts.Area, bool) {
	i, ok := t.byID[id]
	if !ok {
		return alerts.Area{}, false
	}
	return t.areas[i], true
}

func (t *town) areaName(id string) string {
	a, _ := t.area(id)
	return a.Name
}

// grid returns a grid that is valid, or one that is not any more, or not yet.
func (t *town) grid(id string) (alerts.Grid, bool) {
	if i, ok := t.gridBy[id]; ok {
		return t.grids[i], true
	}
	g, ok := t.past[id]
	return g, ok
}

func (t *town) gridName(id string) string {
	g, _ := t.grid(id)
	return g.Name
}

// pastOf returns the version that held at a moment; what is older than all that
// is known of counts as the first.
func pastOf(versions []alerts.PastPlace, at time.Time) (alerts.PastPlace, bool) {
	for _, p := range slices.Backward(versions) {
		if !p.From.After(at) {
			return p, true
		}
	}
	if len(versions) > 0 {
		return versions[0], true
	}
	return alerts.PastPlace{}, false
}

// areaThen is what an area was called at a moment, and what it was part of.
func (t *town) areaThen(id string, at time.Time) alerts.PastPlace {
	if p, ok := pastOf(t.pastAreas[id], at); ok {
		return p
	}
	a, _ := t.area(id)
	return alerts.PastPlace{ID: a.ID, ParentID: a.ParentID, Name: a.Name, NameEn: a.NameEn}
}

// gridNameThen is what a grid was called at a moment.
func (t *town) gridNameThen(id string, at time.Time) string {
	if p, ok := pastOf(t.pastGrids[id], at); ok {
		return p.Name
	}
	return t.gridName(id)
}

// trailThen lists the areas that an area was part of at a moment, from the root
// to itself.
func (t *town) trailThen(id string, at time.Time) []AreaRef {
	var out []AreaRef
	for p := t.areaThen(id, at); p.ID != "" && len(out) <= len(t.areas); p = t.areaThen(p.ParentID, at) {
		out = append(out, AreaRef{ID: p.ID, Name: p.Name, NameEn: p.NameEn})
	}
	slices.Reverse(out)
	return out
}

// center is a point in the middle of an area, 0, 0 for one that is nowhere.
func (t *town) center(a alerts.Area) [2]float64 {
	if len(a.Shape) > 0 {
		p := geo.LabelPoint(a.Shape)
		return [2]float64{p.Lon, p.Lat}
	}
	b := t.boxes[a.ID]
	if b.Empty() {
		return [2]float64{}
	}
	return [2]float64{(b.West + b.East) / 2, (b.South + b.North) / 2}
}

func (t *town) areaView(a alerts.Area) AreaView {
	return AreaView{ID: a.ID, ParentID: a.ParentID, Name: a.Name, NameEn: a.NameEn, Level: a.Level, Code: a.Code,
		Center: t.center(a)}
}

func (t *town) gridView(g alerts.Grid) GridView {
	v := GridView{ID: g.ID, Name: g.Name, AreaID: g.AreaID, AreaName: t.areaName(g.AreaID), Kind: g.Kind,
		Households: g.Households, Code: g.Code}
	if len(g.Shape) > 0 {
		p := geo.LabelPoint(g.Shape)
		v.Center = [2]float64{p.Lon, p.Lat}
	}
	lo, hi := alerts.HouseholdBounds(g.Kind)
	switch {
	case g.Households < lo:
		v.HouseholdWarning = "below"
	case hi > 0 && g.Households > hi:
		v.HouseholdWarning = "above"
	}
	return v
}

// home is an area with the names above it.
func (t *town) home(id string) (Home, bool) {
	a, ok := t.area(id)
	if !ok {
		return Home{}, false
	}
	c := t.center(a)
	h := Home{Area: HomeArea{ID: a.ID, Name: a.Name, NameEn: a.NameEn, Level: a.Level, Center: c,
		BBox: [4]float64{c[0], c[1], c[0], c[1]}}}
	if b := t.boxes[id]; !b.Empty() {
		h.Area.BBox = [4]float64{b.West, b.South, b.East, b.North}
	}
	for _, id := range strings.Split(strings.Trim(a.Path, "/"), "/") {
		if up, ok := t.area(id); ok {
			h.Trail = append(h.Trail, AreaRef{ID: up.ID, Name: up.Name, NameEn: up.NameEn})
		}
	}
	return h, true
}

// collection returns a kept document, or makes and keeps it.
func (t *town) collection(kind string, s alerts.Scope, features func() []geo.OutFeature) ([]byte, error) {
	key := kind + strings.Join(s.Paths, "\n")
	t.mu.Lock()
	b, ok := t.collections[key]
	t.mu.Unlock()
	if ok {
		return b, nil
	}
	b, err := geo.FeatureCollection(features())
	if err != nil {
		return nil, fmt.Errorf("desk: write %s: %w", kind, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.collections) >= maxCollections {
		clear(t.collections)
	}
	t.collections[key] = b
	return b, nil
}

// cameraView is a camera as events show it.
func (t *town) cameraView(c alerts.Camera) CameraView {
	return CameraView{ID: c.ID, Name: c.Name, AreaID: c.AreaID, AreaName: t.areaName(c.AreaID), GridID: c.GridID,
		GridName: t.gridName(c.GridID), Lon: c.Point.Lon, Lat: c.Point.Lat, Height: c.Height, Azimuth: c.Azimuth, FOV: c.FOV,
		Range: c.Range, Class: c.Class, Owner: c.Owner, Purpose: c.Purpose, Filing: c.Filing, Retention: c.Retention,
		Main: c.MainURL != "", Sub: c.SubURL != "", Mode: c.Mode, Record: recordView(c.Record), Enabled: c.Enabled, Version: c.Version}
}

// adminView is a camera as those see it who may manage it.
func (t *town) adminView(c alerts.Camera) CameraView {
	v := t.cameraView(c)
	kept := len(c.Sealed) > 0
	v.MainURL, v.SubURL, v.Transport, v.HasCredentials = c.MainURL, c.SubURL, c.Transport, &kept
	v.Given = &Given{Lon: c.Given.Lon, Lat: c.Given.Lat, System: c.System}
	v.Warnings = t.positionWarnings(c)
	return v
}

// positionWarnings tells that a camera stands outside its area, and what
// undoing a shift would do; a person decides.
func (t *town) positionWarnings(c alerts.Camera) []alerts.Fault {
	holds, known := t.index.AreaHolds(c.AreaID, c.Point)
	if holds || !known {
		return nil
	}
	inside := func(p alerts.Point) bool {
		in, _ := t.index.AreaHolds(c.AreaID, p)
		return in
	}
	message := fmt.Sprintf("the camera stands outside %s (%s)", t.areaName(c.AreaID), c.AreaID)
	for _, u := range geo.Retag(c.Given, c.System, inside) {
		where := "outside too"
		if u.Inside {
			where = "inside"
		}
		message += fmt.Sprintf("; were the position %s it would stand %.0f m away at %.6f, %.6f, %s", u.System, u.Moved, u.Point.Lon, u.Point.Lat, where)
	}
	return []alerts.Fault{{Field: "lon", Message: message}}
}

func (t *town) incidentView(i alerts.Incident) IncidentView {
	v := IncidentView{ID: i.ID, Number: i.Number, Category: i.Category, Text: i.Text, Severity: i.Severity, Direct: i.Direct,
		Lon: i.Point.Lon, Lat: i.Point.Lat, Accuracy: i.Accuracy, Address: i.Address, AreaID: i.AreaID,
		AreaName: t.areaThen(i.AreaID, i.ReceivedAt).Name, GridID: i.GridID, GridName: t.gridNameThen(i.GridID, i.ReceivedAt), Channel: i.Channel, AlertID: i.AlertID,
		ReceivedAt: i.ReceivedAt, Photos: make([]PhotoView, len(i.Photos)), Hash: i.Hash}
	for n, p := range i.Photos {
		url := "/api/v1/photos/" + p.ID
		v.Photos[n] = PhotoView{ID: p.ID, URL: url, ThumbURL: url + "?size=thumb", Width: p.Width, Height: p.Height, SHA256: p.SHA256}
	}
	return v
}
