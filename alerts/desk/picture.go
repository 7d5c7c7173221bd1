package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// maxPending bounds the events that wait for an earlier one; when it is full
// they are dropped and read from the store.
const maxPending = 4096

// picture is what this desk knows of places, rules and cameras: the store's content
// as of event seq, kept up by applying events in their order.
type picture struct {
	store alerts.Store
	rule  func(context.Context, alerts.Reader) (*ruleBook, error) // reads the rules
	clock alerts.Clock                                            // of validity

	// reading is held while reading on from the store, before mu; so that one
	// reads and the others find it done.
	reading sync.Mutex

	mu      sync.RWMutex // guards what follows
	seq     int64
	pending map[int64]alerts.Event // noted ahead of seq
	town    *town
	book    *ruleBook
	cameras map[string]shownCamera
	near    *geo.Cameras // nil: cameras have changed since it was made
	stale   bool         // to be loaded; until then events wait in pending
}

// shownCamera is a camera as events show it, without its admin fields.
type shownCamera struct {
	view CameraView
	path string // of its area
}

// camera is what geometry needs of it.
func (s shownCamera) camera() alerts.Camera {
	v := s.view
	return alerts.Camera{ID: v.ID, AreaID: v.AreaID, AreaPath: s.path, GridID: v.GridID, Name: v.Name,
		Point: alerts.Point{Lon: v.Lon, Lat: v.Lat}, Height: v.Height, Azimuth: v.Azimuth, FOV: v.FOV, Range: v.Range,
		Enabled: v.Enabled}
}

// load reads everything anew; the picture is stale until then. The number is
// read first: later events may repeat what the lists show, and do no harm.
func (p *picture) load(ctx context.Context) error {
	all := alerts.System()
	_, seq, err := p.store.Seqs(ctx)
	if err != nil {
		return err
	}
	t, err := loadTown(ctx, p.store, p.clock())
	if err != nil {
		return err
	}
	book, err := p.rule(ctx, p.store)
	if err != nil {
		return err
	}
	cameras := make(map[string]shownCamera)
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := p.store.Cameras(ctx, all, alerts.CameraFilter{Page: page})
		if err != nil {
			return err
		}
		for _, c := range list {
			cameras[c.ID] = shownCamera{view: t.cameraView(c), path: c.AreaPath}
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.town, p.book, p.cameras, p.near, p.stale = t, book, cameras, nil, false
	p.seq = seq
	for n := range p.pending {
		if n <= seq {
			delete(p.pending, n)
		}
	}
	p.applyPending()
	return nil
}

// note takes events in; it returns false where the picture is not up to them:
// one before them is missing, or places have to be loaded.
func (p *picture) note(events []alerts.Event) bool {
	if len(events) == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range events {
		switch {
		case e.Seq <= p.seq:
		case e.Seq == p.seq+1 && !p.stale:
			p.apply(e)
			p.applyPending()
		default:
			if len(p.pending) >= maxPending {
				clear(p.pending)
			}
			p.pending[e.Seq] = e
		}
	}
	return p.seq >= events[len(events)-1].Seq && !p.stale
}

func (p *picture) applyPending() {
	for !p.stale {
		e, ok := p.pending[p.seq+1]
		if !ok {
			return
		}
		delete(p.pending, e.Seq)
		p.apply(e)
	}
}

// apply takes the next event in; mu is held.
func (p *picture) apply(e alerts.Event) {
	p.seq = e.Seq
	switch e.Kind {
	case alerts.CameraSaved:
		var v CameraView
		if err := json.Unmarshal(e.Data, &v); err != nil {
			p.stale = true // not one of ours: look into the store
			return
		}
		p.cameras[v.ID] = shownCamera{view: v, path: e.AreaPath}
		p.near = nil
	case alerts.CameraRemoved:
		delete(p.cameras, e.ID)
		p.near = nil
	case alerts.PlacesChanged, alerts.RulesChanged:
		p.stale = true
	}
}

func concernsPicture(events []alerts.Event) bool {
	for _, e := range events {
		switch e.Kind {
		case alerts.CameraSaved, alerts.CameraRemoved, alerts.PlacesChanged, alerts.RulesChanged:
			return true
		}
	}
	return false
}

// catchUp reads on from the store up to its newest event, or loads.
func (p *picture) catchUp(ctx context.Context) error {
	p.reading.Lock()
	defer p.reading.Unlock()
	for {
		seq, stale := p.at()
		if stale {
			if err := p.load(ctx); err != nil {
				return err
			}
			continue
		}
		oldest, newest, err := p.store.Seqs(ctx)
		if err != nil {
			return err
		}
		if newest <= seq {
			return nil
		}
		if oldest > seq+1 { // swept meanwhile: events alone cannot tell
			if err := p.load(ctx); err != nil {
				return err
			}
			continue
		}
		events, _, err := p.store.Events(ctx, alerts.System(), seq, 1000)
		if err != nil {
			return err
		}
		p.note(events)
	}
}

func (p *picture) at() (seq int64, stale bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.seq, p.stale
}

// places returns the town as it is known now.
func (p *picture) places() *town {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.town
}

// rules returns the rules as they are known now.
func (p *picture) rules() *ruleBook {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.book
}

// camera returns a camera as events show it.
func (p *picture) camera(id string) (shownCamera, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c, ok := p.cameras[id]
	return c, ok
}

// within returns the cameras of a scope and the event they are as of.
func (p *picture) within(s alerts.Scope) (cameras []CameraView, seq int64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, c := range p.cameras {
		if s.Covers(c.path) {
			cameras = append(cameras, c.view)
		}
	}
	return cameras, p.seq
}

// index returns the cameras' index, made anew where they have changed.
func (p *picture) index() *geo.Cameras {
	p.mu.RLock()
	near := p.near
	p.mu.RUnlock()
	if near != nil {
		return near
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.near == nil {
		all := make([]alerts.Camera, 0, len(p.cameras))
		for _, c := range p.cameras {
			all = append(all, c.camera())
		}
		p.near = geo.NewCameras(all)
	}
	return p.near
}

// loadTown reads the places and departments as they are valid at a moment.
func loadTown(ctx context.Context, r alerts.Reader, now time.Time) (*town, error) {
	areas, err := r.Areas(ctx, alerts.System())
	if err != nil {
		return nil, fmt.Errorf("desk: load areas: %w", err)
	}
	grids, err := r.GridsAt(ctx, alerts.System(), now)
	if err != nil {
		return nil, fmt.Errorf("desk: load grids: %w", err)
	}
	t := newTown(areas, grids, now)
	all, err := r.Grids(ctx, alerts.System())
	if err != nil {
		return nil, fmt.Errorf("desk: load grids: %w", err)
	}
	for _, g := range all {
		if _, valid := t.gridBy[g.ID]; !valid {
			t.past[g.ID] = g
		}
	}
	if t.until, err = r.NextPlaceChange(ctx, now); err != nil {
		return nil, fmt.Errorf("desk: load places: %w", err)
	}
	past, err := r.PastPlaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("desk: load past places: %w", err)
	}
	for _, p := range past {
		of := t.pastAreas
		if p.Grid {
			of = t.pastGrids
		}
		of[p.ID] = append(of[p.ID], p)
	}
	if t.units, err = loadUnits(ctx, r); err != nil {
		return nil, err
	}
	return t, nil
}
