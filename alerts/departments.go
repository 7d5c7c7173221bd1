package alerts

import (
	"context"
	"time"
)

// Department (部门) is a unit that cases are dispatched to (分流指派).
type Department struct {
	ID       string
	AreaID   string // whose department it is; it works in that area and below
	AreaPath string // filled by the store
	Name     string
	NameEn   string
	Disabled bool // gets no new cases
	Version  int64
}

// Office (内设机构) is an inner office of a department.
type Office struct {
	ID           string
	DepartmentID string
	Name         string
	Disabled     bool
}

// Duty names the office and person (专人) of a department for a category in an
// area; the most particular one that fits a case counts.
type Duty struct {
	ID           string
	DepartmentID string
	OfficeID     string // empty: the department itself
	PersonID     string // empty: whoever of the office receives it
	Category     string // a code, for everything below it; empty: all
	AreaID       string // for everything below it; empty: all
}

// Employment is how a grid leader is employed.
type Employment string

// The kinds of employment of grid leaders.
const (
	VillageOfficial  Employment = "village_official"
	CommunityWorker  Employment = "community_worker"
	GraduateOfficial Employment = "graduate_official" // 大学生村官
	WelfarePost      Employment = "welfare_post"      // 公益性岗位
	Resident         Employment = "resident"
)

// PostKind is what somebody is in a grid.
type PostKind string

// The posts of a grid's roster.
const (
	LeaderPost PostKind = "leader" // 网格长
	TeamPost   PostKind = "team"   // 网格管理服务团队
	PartyPost  PostKind = "party"  // 网格党小组
)

// Post is one line of a grid's roster, for a term. Rosters are kept: who led a
// grid on a day can always be told.
type Post struct {
	ID         string
	GridID     string
	Kind       PostKind
	UserID     string // empty: somebody without an account
	Name       string
	Employment Employment // of a leader
	Tasks      []string   // 六大员: collector, mediator, patroller, assistant, liaison, publicist
	From       time.Time
	To         time.Time // zero: still
	HandedTo   string    // id of the post that took over
	HandNote   string    // what was handed over
}

// DepartmentReader is the part of Reader about departments and rosters.
type DepartmentReader interface {
	// Departments lists those of the scope's areas and of the areas above
	// them, which serve them too, by name.
	Departments(ctx context.Context, s Scope) ([]Department, error)
	Department(ctx context.Context, s Scope, id string) (Department, error)
	// Offices and Duties list those of one department, or of all for "".
	Offices(ctx context.Context, departmentID string) ([]Office, error)
	Duties(ctx context.Context, departmentID string) ([]Duty, error)
	Post(ctx context.Context, id string) (Post, error)
	// Posts lists the roster of a grid, or all of those a user has or had.
	Posts(ctx context.Context, gridID, userID string) ([]Post, error)
}

// DepartmentTx is the part of Tx about departments and rosters.
type DepartmentTx interface {
	SaveDepartment(Department) error // Conflict on Version, as with cameras
	SaveOffice(Office) error
	SaveDuty(Duty) error
	RemoveDuty(id string) error
	SavePost(Post) error
}
