package desk

import (
	"context"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

func siteProperties() []string {
	return []string{"id", "register", "kind", "name", "contact", "address", "area_id", "remark", "checked_at", "ended_at"}
}

// ImportSites stores the register entries of a GeoJSON or CSV document, all or
// none. Entries with an id that is known are replaced.
func (d *Desk) ImportSites(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	kind, err := begin(s, alerts.KeepRegisters, format, system, formatCSV, formatGeoJSON)
	if err != nil {
		return ImportResult{}, err
	}
	t, seq, err := d.settled(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	var log importLog
	m := &siteMerge{desk: d, town: t, scope: s, log: &log, system: system, rowOf: make(map[string]int), from: make(map[string]string)}
	file := table{format: kind, columns: append(siteProperties(), "lon", "lat", geometryColumn)}
	err = file.read(r, &log, func(f geo.Feature) error { return firstError(ctx.Err(), m.add(ctx, f)) })
	if err != nil {
		return ImportResult{}, err
	}
	if len(m.rowOf) == 0 && !log.faulty() {
		log.fault(0, "", "the file has no entry; nothing was imported")
	}
	if err := log.err(); err != nil {
		return ImportResult{}, err
	}
	return log.result(len(m.rowOf)), d.saveSites(ctx, m, seq)
}

func (d *Desk) saveSites(ctx context.Context, m *siteMerge, seq int64) error {
	if len(m.changed) == 0 {
		return nil
	}
	return d.write(ctx, func(c *change) error {
		if err := c.unmoved(ctx, seq); err != nil {
			return err
		}
		ids, areas := make([]string, len(m.changed)), make(map[string]bool)
		for i, v := range m.changed {
			ids[i] = v.ID
			areas[v.AreaID] = true
			if from := m.from[v.ID]; from != "" {
				areas[from] = true
			}
			if err := c.SaveSite(v); err != nil {
				return fmt.Errorf("desk: import register entry %s: %w", v.ID, err)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(areas)) {
			if err := c.emit(alerts.RegisterChanged, id, "", "", nil); err != nil {
				return err
			}
		}
		return c.auditImport(m.scope, "registers", ids)
	})
}

// siteMerge makes entries of features.
type siteMerge struct {
	desk    *Desk
	town    *town
	scope   alerts.Scope
	log     *importLog
	system  alerts.CoordSystem
	rowOf   map[string]int // by id
	changed []alerts.Site
	from    map[string]string // by id: the area that an entry was in
}

func (m *siteMerge) add(ctx context.Context, f geo.Feature) error {
	p := newProperties(f, siteProperties())
	in := SiteInput{Register: alerts.Register(p.scalar("register")), Kind: p.scalar("kind"), Name: p.scalar("name"), Contact: p.scalar("contact"),
		Address: p.scalar("address"), AreaID: p.scalar("area_id"), Remark: p.scalar("remark"), System: m.system}
	if p.scalar("id") != "" || f.ID != "" {
		in.ID = p.id()
	}
	if at := p.day("checked_at"); !at.IsZero() {
		in.CheckedAt = &at
	}
	ended := p.day("ended_at")
	switch {
	case f.Point != nil:
		in.Lon, in.Lat = f.Point.Lon, f.Point.Lat
	case len(f.Line) > 0:
		for _, q := range f.Line {
			in.Stretch = append(in.Stretch, [2]float64{q.Lon, q.Lat})
		}
	default:
		p.add("geometry.type", "must be \"Point\" or \"LineString\"")
		m.log.takeAll(f.Row, p.faults)
		return nil
	}
	v, found := m.desk.newSite(m.town, m.scope, in)
	v.EndedAt = ended
	found = append(p.faults, found...)
	old, err := m.desk.store.Site(ctx, alerts.System(), v.ID)
	switch {
	case err == nil && !m.scope.Covers(old.AreaPath):
		found.add("id", "%q is taken by an entry outside this account's areas; choose another", v.ID)
	case err == nil:
		m.keep(&v, old, in)
		m.from[v.ID] = old.AreaID
	case alerts.KindOf(err) != alerts.NotFound:
		return err
	}
	if first, twice := m.rowOf[v.ID]; twice {
		found.add("id", "%q is also the id of row %d; ids must differ", shown(v.ID), first)
	}
	m.rowOf[v.ID] = f.Row
	m.log.takeAll(f.Row, found)
	if len(found) == 0 && !reflect.DeepEqual(old, v) {
		m.changed = append(m.changed, v)
	}
	return nil
}

// keep takes from the stored entry what the file does not change.
func (m *siteMerge) keep(v *alerts.Site, old alerts.Site, in SiteInput) {
	v.Version, v.UpdatedAt = old.Version, old.UpdatedAt
	if in.CheckedAt == nil {
		v.CheckedAt = old.CheckedAt
	}
	if samePlace(v.Point, old.Point) && sameShape(alerts.MultiPolygon{{v.Stretch}}, alerts.MultiPolygon{{old.Stretch}}) {
		v.Point, v.Stretch = old.Point, old.Stretch
	}
}
