package alerts

import "time"

// Level is the level of an area (行政区划) and of its centre (综治中心).
type Level string

// The levels, from the top.
const (
	City     Level = "city"
	County   Level = "county"
	Township Level = "township"
	Village  Level = "village" // village or community
)

// Area is a node of the area tree. Depth is free; Level is for display.
type Area struct {
	ID        string
	ParentID  string // empty for a root
	Path      string // ids from the root, "/a/b/"; kept by the store
	Name      string
	NameEn    string
	Level     Level
	Code      string // 12 digits: 2 province, 2 prefecture, 2 county, 3 township, 3 village
	Scheme    string // code scheme, such as "GB/T 2260"
	ValidFrom time.Time
	ValidTo   time.Time // zero: still valid
	Shape     MultiPolygon
}

// GridKind is the kind of a grid.
type GridKind string

// The kinds of grids.
const (
	Street GridKind = "street" // 街巷型
	Yard   GridKind = "yard"   // 楼院型
	Unit   GridKind = "unit"   // 单位型
	Rural  GridKind = "rural"  // 农村
)

// HouseholdBounds returns the households a grid of a kind should have: urban
// 200-500, rural 100-300. Outside them: warn, never block. A unit grid
// (单位型) is one organisation and has no bounds (0, 0).
func HouseholdBounds(k GridKind) (lo, hi int) {
	switch k {
	case Rural:
		return 100, 300
	case Unit:
		return 0, 0
	}
	return 200, 500
}

// Grid (网格) is a part of exactly one village or community.
type Grid struct {
	ID         string
	AreaID     string
	AreaPath   string // filled by the store
	Name       string
	Code       string
	Scheme     string
	Kind       GridKind
	Households int
	ValidFrom  time.Time
	ValidTo    time.Time
	Shape      MultiPolygon
}

// CameraClass is a camera's class (一类, 二类, 三类).
type CameraClass int

// The classes of cameras.
const (
	PublicCamera    CameraClass = 1 // 一类: public places
	ImportantCamera CameraClass = 2 // 二类: important units
	PrivateCamera   CameraClass = 3 // 三类: private, joined by agreement
)

// PullMode says when a camera's stream is pulled.
type PullMode string

// The pull modes.
const (
	OnDemand PullMode = "on_demand" // while somebody watches, and a little longer
	Always   PullMode = "always"
)

// Camera is one camera: where it stands, what it sees, how to reach it.
type Camera struct {
	ID       string
	AreaID   string
	AreaPath string // filled by the store
	GridID   string // the grid it stands in; kept by desk
	Name     string

	Point  Point
	Given  Point // position as given
	System CoordSystem

	Height  float64 // metres above ground
	Azimuth float64 // degrees from north, clockwise
	FOV     float64 // horizontal field of view, degrees; 360 for a dome, 0 unknown
	Range   float64 // longest useful distance, metres; 0 unknown

	Class     CameraClass
	Owner     string
	Purpose   string
	Filing    string // filing number (备案号)
	Retention int    // days

	MainURL   string // rtsp:// or rtsps://, without credentials
	SubURL    string // empty: no sub stream
	Transport string // "tcp" or "udp"
	Mode      PullMode
	Record    RecordPlan
	Sealed    []byte // encrypted Credentials; empty: none
	Enabled   bool

	Version   int64
	UpdatedAt time.Time
}

// Credentials sign in to a camera. They are stored sealed and shown to nobody.
type Credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// SeenCamera is a camera that may see a point.
type SeenCamera struct {
	Camera
	Distance float64 // metres from the camera to the point
	Bearing  float64 // degrees from north, camera to point
	Off      float64 // degrees between the camera's axis and the point; 0 for a dome
	InView   bool    // inside the view cone
	Score    float64 // 0 to 1, higher is better: distance, bearing, health
}
