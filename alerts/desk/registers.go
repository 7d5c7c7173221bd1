package desk

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// StaleAfter is how long an entry of a register counts as fresh after somebody
// last saw that it holds.
const StaleAfter = 180 * 24 * time.Hour

const maxStretch = 500 // points of one stretch

// SiteView is one entry of a register (地、物、组织): never a person.
type SiteView struct {
	ID        string          `json:"id" doc:"Identifier"`
	Register  alerts.Register `json:"register" enum:"place,facility,organisation" doc:"place 重点场所, facility 设施, organisation 组织"`
	Kind      string          `json:"kind" doc:"Kind within the register" example:"fire_point"`
	Name      string          `json:"name" doc:"Name"`
	Contact   string          `json:"contact,omitempty" doc:"A post, never a person's private data" example:"保卫科值班室"`
	Address   string          `json:"address,omitempty" doc:"Where, in words"`
	AreaID    string          `json:"area_id" doc:"Area it belongs to"`
	AreaName  string          `json:"area_name" doc:"Name of that area"`
	GridID    string          `json:"grid_id,omitempty" doc:"Grid it stands in"`
	GridName  string          `json:"grid_name,omitempty" doc:"Name of that grid"`
	Lon       float64         `json:"lon" doc:"Longitude, WGS-84; of a stretch: of its middle point"`
	Lat       float64         `json:"lat" doc:"Latitude, WGS-84"`
	Stretch   [][2]float64    `json:"stretch,omitempty" doc:"Points of a line, such as a stretch of railway: longitude, latitude"`
	Remark    string          `json:"remark,omitempty" doc:"Free text"`
	CheckedAt time.Time       `json:"checked_at" doc:"When somebody last saw that this holds"`
	Stale     bool            `json:"stale" doc:"Not checked for 180 days"`
	EndedAt   *time.Time      `json:"ended_at,omitempty" doc:"Closed since; absent: it is there"`
	Version   int64           `json:"version" doc:"Counts its changes"`
}

// SiteInput is a new entry of a register.
type SiteInput struct {
	ID        string             `json:"id,omitempty" doc:"Own identifier, 1 to 64 of letters, digits, dot, dash, underscore; made when absent"`
	Register  alerts.Register    `json:"register" enum:"place,facility,organisation" doc:"place 重点场所, facility 设施, organisation 组织"`
	Kind      string             `json:"kind" doc:"Kind, 1 to 40 of a-z 0-9 _, such as key_site, school, fire_point, hydrant, railway_stretch, firm" example:"fire_point"`
	Name      string             `json:"name" doc:"Name, at most 100 characters"`
	Contact   string             `json:"contact,omitempty" doc:"A post such as 保卫科值班室; mobile and identity numbers are refused" maxLength:"200"`
	Address   string             `json:"address,omitempty" doc:"Where, in words, at most 200 characters"`
	AreaID    string             `json:"area_id,omitempty" doc:"Area it belongs to; found by its position when absent"`
	Lon       float64            `json:"lon,omitempty" doc:"Longitude in the given system; not needed with a stretch"`
	Lat       float64            `json:"lat,omitempty" doc:"Latitude in the given system"`
	Stretch   [][2]float64       `json:"stretch,omitempty" maxItems:"500" doc:"Points of a line: longitude, latitude"`
	System    alerts.CoordSystem `json:"system,omitempty" enum:"wgs84,gcj02,bd09" doc:"Coordinate system of the positions; wgs84 when absent"`
	Remark    string             `json:"remark,omitempty" doc:"Free text, at most 1000 characters; nothing about persons"`
	CheckedAt *time.Time         `json:"checked_at,omitempty" doc:"When somebody last saw that this holds; now when absent"`
}

// SitePatch changes an entry; nil fields stay. Any change counts as a check.
type SitePatch struct {
	Kind      *string             `json:"kind,omitempty" doc:"Kind"`
	Name      *string             `json:"name,omitempty" doc:"Name"`
	Contact   *string             `json:"contact,omitempty" doc:"A post"`
	Address   *string             `json:"address,omitempty" doc:"Where, in words"`
	AreaID    *string             `json:"area_id,omitempty" doc:"Area it belongs to"`
	Lon       *float64            `json:"lon,omitempty" doc:"Longitude in the given system; goes with lat"`
	Lat       *float64            `json:"lat,omitempty" doc:"Latitude in the given system"`
	Stretch   *[][2]float64       `json:"stretch,omitempty" maxItems:"500" doc:"Points of a line; empty: a single point"`
	System    *alerts.CoordSystem `json:"system,omitempty" enum:"wgs84,gcj02,bd09" doc:"Coordinate system of the positions; wgs84 when absent"`
	Remark    *string             `json:"remark,omitempty" doc:"Free text"`
	CheckedAt *time.Time          `json:"checked_at,omitempty" doc:"When somebody last saw that this holds; now when absent"`
	Ended     *bool               `json:"ended,omitempty" doc:"It is not there any more; false: it is again"`
	Version   *int64              `json:"version,omitempty" doc:"The version that was changed; another one stored is a conflict"`
}

func (d *Desk) siteView(s alerts.Site) SiteView {
	t := d.known.places()
	v := SiteView{ID: s.ID, Register: s.Register, Kind: s.Kind, Name: s.Name, Contact: s.Contact, Address: s.Address,
		AreaID: s.AreaID, AreaName: t.areaName(s.AreaID), GridID: s.GridID, GridName: t.gridName(s.GridID), Lon: s.Point.Lon,
		Lat: s.Point.Lat, Remark: s.Remark, CheckedAt: s.CheckedAt, Stale: s.EndedAt.IsZero() && d.now().Sub(s.CheckedAt) > StaleAfter,
		Version: s.Version}
	for _, p := range s.Stretch {
		v.Stretch = append(v.Stretch, [2]float64{p.Lon, p.Lat})
	}
	if !s.EndedAt.IsZero() {
		v.EndedAt = &s.EndedAt
	}
	return v
}

// Sites lists entries of the registers by name, with the next page's cursor.
// Stale narrows to those not checked for StaleAfter.
func (d *Desk) Sites(ctx context.Context, s alerts.Scope, f alerts.SiteFilter, stale bool) ([]SiteView, string, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, "", err
	}
	if stale {
		f.Stale = d.now().Add(-StaleAfter)
	}
	list, next, err := d.store.Sites(ctx, s, f)
	return mapped(list, d.siteView), next, err
}

// Site returns one entry.
func (d *Desk) Site(ctx context.Context, s alerts.Scope, id string) (SiteView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return SiteView{}, err
	}
	v, err := d.store.Site(ctx, s, id)
	return d.siteView(v), err
}

var (
	siteKindPattern = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)
	// mobileNumber and identityNumber are what people give of a person; they
	// are looked for with spaces, dots and dashes taken out.
	mobileNumber   = regexp.MustCompile(`(^|[^0-9])(\+?86)?1[3-9][0-9]{9}([^0-9]|$)`)
	identityNumber = regexp.MustCompile(`(^|[^0-9])[1-9][0-9]{16}[0-9Xx]([^0-9]|$)`)
)

// noPerson refuses what names a person: the registers hold posts.
func (f *faults) noPerson(field, text string) {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '.' || r == '\u3000' || r == '·':
			return -1
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		return unicode.ToLower(r)
	}, text)
	if mobileNumber.MatchString(plain) || identityNumber.MatchString(plain) {
		f.add(field, "must name a post such as 保卫科值班室: mobile and identity numbers of persons are not kept")
	}
}

// site checks the fields that an entry is kept with, trims its texts, and finds
// its area and grid.
func (f *faults) site(t *town, s alerts.Scope, now time.Time, v *alerts.Site) {
	f.pattern("id", v.ID, idPattern, idRule)
	f.oneOf("register", string(v.Register), string(alerts.PlaceRegister), string(alerts.FacilityRegister), string(alerts.OrganisationRegister))
	f.pattern("kind", v.Kind, siteKindPattern, "1 to 40 of a-z, 0-9, underscore")
	v.Name = f.line("name", v.Name, true, 100)
	v.Contact = f.line("contact", v.Contact, false, 200)
	v.Address = f.line("address", v.Address, false, 200)
	v.Remark = f.lines("remark", v.Remark, false, 1000)
	for _, text := range [...][2]string{{"name", v.Name}, {"contact", v.Contact}, {"address", v.Address}, {"remark", v.Remark}} {
		f.noPerson(text[0], text[1])
	}
	if v.CheckedAt.After(now.Add(24 * time.Hour)) {
		f.add("checked_at", "must not lie in the future")
	}
	if problem := geo.PositionProblem(v.Point); problem != "" {
		f.add("lon", "%s", problem)
		return
	}
	at := t.index.Locate(v.Point)
	v.GridID = at.GridID
	if v.AreaID == "" {
		v.AreaID = at.AreaID
	}
	a, known := t.area(v.AreaID)
	switch {
	case v.AreaID == "":
		f.add("area_id", "the position lies in no area; name the area")
	case !known || !s.Covers(a.Path):
		f.add("area_id", "there is no such area in this account's areas")
	}
	v.AreaPath = a.Path
}

// stretch converts the points of a line; the middle one stands for it.
func (f *faults) stretch(system alerts.CoordSystem, given [][2]float64) (line []alerts.Point, middle alerts.Point) {
	if len(given) == 1 || len(given) > maxStretch {
		f.add("stretch", "must have 2 to %d points", maxStretch)
		return nil, middle
	}
	for i, g := range given {
		p := alerts.Point{Lon: g[0], Lat: g[1]}
		if problem := geo.PositionProblem(p); problem != "" {
			f.add("stretch", "point %d: %s", i+1, problem)
			return nil, middle
		}
		line = append(line, geo.ToWGS84(system, p))
	}
	if len(line) > 0 {
		middle = line[len(line)/2]
	}
	return line, middle
}

// newSite makes an entry of an input.
func (d *Desk) newSite(t *town, s alerts.Scope, in SiteInput) (alerts.Site, faults) {
	var f faults
	v := alerts.Site{ID: d.ownID(in.ID), AreaID: in.AreaID, Register: in.Register, Kind: in.Kind, Name: in.Name, Contact: in.Contact,
		Address: in.Address, Remark: in.Remark, CheckedAt: d.now()}
	if in.System == "" {
		in.System = alerts.WGS84
	}
	if !geo.KnownSystem(in.System) {
		f.add("system", "must be wgs84, gcj02 or bd09")
		return v, f
	}
	if in.CheckedAt != nil {
		v.CheckedAt = in.CheckedAt.UTC().Truncate(time.Millisecond)
	}
	if len(in.Stretch) > 0 {
		v.Stretch, v.Point = f.stretch(in.System, in.Stretch)
	} else {
		v.Point = geo.ToWGS84(in.System, alerts.Point{Lon: in.Lon, Lat: in.Lat})
	}
	f.site(t, s, d.now(), &v)
	return v, f
}

// CreateSite makes an entry of a register.
func (d *Desk) CreateSite(ctx context.Context, s alerts.Scope, in SiteInput) (SiteView, error) {
	if err := s.Need(alerts.KeepRegisters); err != nil {
		return SiteView{}, err
	}
	v, f := d.newSite(d.known.places(), s, in)
	if err := f.err(); err != nil {
		return SiteView{}, err
	}
	err := d.write(ctx, func(c *change) error {
		if err := c.SaveSite(v); err != nil {
			return err
		}
		saved := v
		saved.Version = 1
		if err := c.emit(alerts.RegisterChanged, v.AreaID, v.AreaPath, v.ID, d.siteView(saved)); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "register/"+v.ID, v.AreaID, altered("create").field("name", "", v.Name))
	})
	v.Version = 1
	return d.siteView(v), err
}

// ChangeSite changes an entry of a register.
func (d *Desk) ChangeSite(ctx context.Context, s alerts.Scope, id string, in SitePatch) (SiteView, error) {
	if err := s.Need(alerts.KeepRegisters); err != nil {
		return SiteView{}, err
	}
	var v alerts.Site
	err := d.write(ctx, func(c *change) (err error) {
		if v, err = c.Site(ctx, s, id); err != nil {
			return err
		}
		if in.Version != nil && *in.Version != v.Version {
			return alerts.Errorf(alerts.Conflict, "the entry was changed meanwhile: load it again")
		}
		before := v
		if err := d.patchSite(s, &v, in, c.now); err != nil {
			return err
		}
		if err := c.SaveSite(v); err != nil {
			return err
		}
		v.Version++
		if before.AreaPath != v.AreaPath { // who shows the area it leaves fetches it again
			if err := c.emit(alerts.RegisterChanged, before.AreaID, before.AreaPath, id, nil); err != nil {
				return err
			}
		}
		if err := c.emit(alerts.RegisterChanged, v.AreaID, v.AreaPath, id, d.siteView(v)); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "register/"+id, v.AreaID, altered("change").field("name", before.Name, v.Name).
			field("kind", before.Kind, v.Kind).field("contact", before.Contact, v.Contact).field("address", before.Address, v.Address).
			field("area", before.AreaID, v.AreaID).field("remark", before.Remark, v.Remark).
			field("ended", stamp(before.EndedAt), stamp(v.EndedAt)))
	})
	return d.siteView(v), err
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (d *Desk) patchSite(s alerts.Scope, v *alerts.Site, in SitePatch, now time.Time) error {
	var f faults
	set(&v.Kind, in.Kind)
	set(&v.Name, in.Name)
	set(&v.Contact, in.Contact)
	set(&v.Address, in.Address)
	set(&v.AreaID, in.AreaID)
	set(&v.Remark, in.Remark)
	system := alerts.WGS84
	set(&system, in.System)
	if !geo.KnownSystem(system) {
		return alerts.InvalidField("system", "must be wgs84, gcj02 or bd09")
	}
	if (in.Lon == nil) != (in.Lat == nil) {
		f.add("lon", "goes together with lat")
	}
	if in.Lon != nil && in.Lat != nil {
		v.Point, v.Stretch = geo.ToWGS84(system, alerts.Point{Lon: *in.Lon, Lat: *in.Lat}), nil
	}
	if in.Stretch != nil {
		line, middle := f.stretch(system, *in.Stretch)
		if v.Stretch = line; len(line) > 0 {
			v.Point = middle
		}
	}
	v.CheckedAt = now
	if in.CheckedAt != nil {
		v.CheckedAt = in.CheckedAt.UTC().Truncate(time.Millisecond)
	}
	switch {
	case in.Ended == nil:
	case !*in.Ended:
		v.EndedAt = time.Time{}
	case v.EndedAt.IsZero():
		v.EndedAt = now
	}
	f.site(d.known.places(), s, now, v)
	return f.err()
}

// sitesMoved gives the entries of the registers the grids they now stand in.
func (c *change) sitesMoved(ctx context.Context, t *town) error {
	for page := (alerts.Page{Limit: 1000}); ; {
		sites, next, err := c.Sites(ctx, alerts.System(), alerts.SiteFilter{Ended: true, Page: page})
		if err != nil {
			return err
		}
		for _, v := range sites {
			if grid := t.index.Locate(v.Point).GridID; grid != v.GridID {
				v.GridID = grid
				if err := c.SaveSite(v); err != nil {
					return err
				}
			}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}
