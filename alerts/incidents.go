package alerts

import "time"

// Severity is how grave something is.
type Severity string

// The severities, gravest first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Severities lists the severities, gravest first.
var Severities = [...]Severity{Critical, High, Medium, Low}

// Category is what an incident is about. Categories form a tree by their codes:
// what is reported is a leaf.
type Category struct {
	Code     string   `json:"code" doc:"Code, with a dot between levels" example:"hazard.gas"`
	Name     string   `json:"name" doc:"Name"`
	NameEn   string   `json:"name_en" doc:"Name in English"`
	Group    string   `json:"group" doc:"Where the phone shows it: hazard, dispute, facility or opinion"`
	Severity Severity `json:"severity" doc:"Of an incident that is not a direct report"`
	Proof    bool     `json:"proof,omitempty" doc:"Feedback on it needs a photo or a clip"`
	Near     int      `json:"near_m,omitempty" doc:"Metres within which another report may be the same one; 0: 250 for reporters, 1000 for inspectors"`
	Closed   bool     `json:"closed,omitempty" doc:"Kept for what was reported under it, open to new reports no more"`
}

// Channel is the way an incident came in.
type Channel string

// The channels.
const (
	ByGridLeader Channel = "grid_leader"
	ByOfficer    Channel = "officer"
	ByStaff      Channel = "staff"    // handler, leader
	WalkIn       Channel = "walk_in"  // 来访: somebody came to the centre
	Hotline      Channel = "hotline"  // 热线: somebody telephoned
	ByResident   Channel = "resident" // 群众: through a resident's app, or told to a grid leader
	ByAlarm      Channel = "alarm"    // 告警: an officer made it of an alarm
	BySystem     Channel = "system"   // another system, by a machine token
)

// Incident is what was reported. It is immutable and never deleted.
type Incident struct {
	ID         string
	Number     string // shown to people: "20261123-000041"
	Category   string
	Severity   Severity
	Direct     bool // 直报: straight to the county
	Text       string
	Point      Point
	Given      Point
	System     CoordSystem
	Accuracy   float64 // metres, of the position; 0 unknown
	Address    string  // where, in the reporter's words
	AreaID     string
	AreaPath   string // filled by the store
	GridID     string
	Channel    Channel
	AlertID    string // alarm that it was made of; empty: none
	ReporterID string
	ReceivedAt time.Time
	Photos     []Photo
	Hash       string // SHA-256 of the report, hex; see desk
}

// Photo is one photo of an incident. The original is kept unaltered; what is
// shown is a re-encoded copy.
type Photo struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"` // of the original, hex
	Type   string `json:"type"`   // of the original, "image/jpeg"
	Size   int64  `json:"size"`   // of the original, bytes
	Width  int    `json:"width"`  // of the shown copy, pixels
	Height int    `json:"height"`
}

// Alert is an alarm (告警) raised by a camera or an AI box. The same alarm
// again within a window is counted, not doubled.
type Alert struct {
	ID         string
	SourceID   string
	SourceName string
	ExternalID string // the source's own id of the alarm
	Key        string // what makes two alarms the same; see desk
	Kind       string // "fire", "intrusion", ...
	Severity   Severity
	Text       string
	CameraID   string // empty where the source has no camera
	Point      Point
	AreaID     string
	AreaPath   string // filled by the store
	GridID     string
	FirstAt    time.Time
	LastAt     time.Time
	Count      int
}

// Source is a camera platform or an AI box that may post alarms.
type Source struct {
	ID        string
	Name      string
	AreaID    string
	AreaPath  string // filled by the store
	TokenHash []byte // SHA-256 of the token
	Disabled  bool
	CreatedAt time.Time
}

// User is an account.
type User struct {
	ID           string
	Username     string
	Name         string
	Role         Role
	AreaID       string
	AreaPath     string // filled by the store
	DepartmentID string // empty: none
	PasswordHash string
	Disabled     bool
	// SessionsFrom ends every session made before it.
	SessionsFrom time.Time
	Version      int64
}
