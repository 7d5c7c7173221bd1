package alerts

import (
	"context"
	"time"
)

// Register names one of the registers of what is where (地、物、组织). There are
// none of persons.
type Register string

// The registers.
const (
	PlaceRegister        Register = "place"        // 重点场所: schools, markets, railway stretches
	FacilityRegister     Register = "facility"     // 设施: fire points, hydrants, pumping stations
	OrganisationRegister Register = "organisation" // 组织: firms, associations, property managers
)

// Registers lists the registers.
var Registers = [...]Register{PlaceRegister, FacilityRegister, OrganisationRegister}

// Site is one entry of a register: a key site, a fire point, a stretch of
// railway, an organisation. It is closed, never removed.
type Site struct {
	ID       string
	AreaID   string
	AreaPath string // filled by the store
	GridID   string // the grid its position lies in; kept by desk
	Register Register
	Kind     string // "key_site", "fire_point", "railway_stretch"; see desk
	Name     string
	Contact  string // a post ("保卫科值班室"), never a person's private data
	Address  string
	Point    Point
	Stretch  []Point // of a line: its points; Point lies on it
	Remark   string

	CheckedAt time.Time // when somebody last saw that this holds
	EndedAt   time.Time // zero: it is there
	Version   int64
	UpdatedAt time.Time
}

// SiteFilter narrows a list of sites; zero fields do not.
type SiteFilter struct {
	AreaID   string // with everything below it
	GridID   string
	Register Register
	Kind     string
	Text     string    // part of name, address or id
	Stale    time.Time // not checked since then
	Ended    bool      // closed ones, too
	Page     Page
}

// PastPlace is what an area or a grid with several versions was called, and what
// it was part of, from a moment on.
type PastPlace struct {
	Grid     bool // else an area
	ID       string
	ParentID string // of an area; of a grid its area
	Name     string
	NameEn   string
	From     time.Time
}

// StructureReader is the part of Reader about registers and about places in time.
type StructureReader interface {
	// AreasAt lists the versions of the scope's areas that were valid at a
	// moment, by name. In the scope is what is in it now; Path is that of now.
	AreasAt(ctx context.Context, s Scope, at time.Time) ([]Area, error)
	// AreaVersions lists the versions of one area, oldest first.
	AreaVersions(ctx context.Context, s Scope, id string) ([]Area, error)
	// AreasDue lists planned versions that have begun by a moment and were not
	// saved by SaveArea yet: of each area the newest.
	AreasDue(ctx context.Context, now time.Time) ([]Area, error)
	// PastPlaces lists every version of the areas and grids that have several,
	// each in the order of time.
	PastPlaces(ctx context.Context) ([]PastPlace, error)
	// GridsAt lists the versions of the scope's grids that were valid at a
	// moment, by name.
	GridsAt(ctx context.Context, s Scope, at time.Time) ([]Grid, error)
	// GridVersions lists the versions of one grid, oldest first.
	GridVersions(ctx context.Context, s Scope, id string) ([]Grid, error)
	// NextPlaceChange returns when the next version of an area or grid after a
	// moment begins or ends; zero: none is known.
	NextPlaceChange(ctx context.Context, after time.Time) (time.Time, error)
	Site(ctx context.Context, s Scope, id string) (Site, error)
	Sites(ctx context.Context, s Scope, f SiteFilter) ([]Site, string, error) // by name
}

// StructureTx is the part of Tx about registers.
type StructureTx interface {
	SaveSite(Site) error // Conflict on Version, as with cameras
}
