package alerts

import "strings"

// Role is what somebody is in the centre or the grid.
type Role string

// The roles.
const (
	DutyOfficer Role = "duty_officer" // 值班员
	GridLeader  Role = "grid_leader"  // 网格长
	Handler     Role = "handler"      // 部门经办人
	Leader      Role = "leader"       // 领导
	Auditor     Role = "auditor"      // 审计员
	Admin       Role = "admin"        // 管理员
)

// Roles lists every role.
var Roles = [...]Role{DutyOfficer, GridLeader, Handler, Leader, Auditor, Admin}

// Right is one thing a role may do inside its areas.
type Right string

// The rights.
const (
	ViewMap       Right = "view_map"       // areas, grids, cameras and their state
	WatchVideo    Right = "watch_video"    // live pictures
	Report        Right = "report"         // send an incident
	ReadIncidents Right = "read_incidents" // incidents and their photos
	ReadAlerts    Right = "read_alerts"    // alarms
	ManageCameras Right = "manage_cameras"
	ManagePlaces  Right = "manage_places" // areas and grids
	ManageUsers   Right = "manage_users"
	ManageSources Right = "manage_sources" // tokens of alarm sources

	ReadCases    Right = "read_cases"    // those in sight; see Scope.Sight
	WorkCases    Right = "work_cases"    // moves in them; which ones is the table of moves
	DiscloseName Right = "disclose_name" // who reported, with a reason that is logged
	ExportLists  Right = "export_lists"  // what a list shows, as a file
	ReadAudit    Right = "read_audit"
	ManageRules  Right = "manage_rules"  // categories, deadlines, calendar
	ManageTokens Right = "manage_tokens" // machine tokens and webhooks

	TakeEmergency Right = "take_emergency" // emergency access to an area, and the review of others'

	ReadStructure Right = "read_structure" // the report and the export of areas, grids, rosters, registers
	KeepRegisters Right = "keep_registers" // registers of places, facilities and organisations

	Playback     Right = "playback"      // recorded pictures, for a purpose; of a leader for a case
	ExportClips  Right = "export_clips"  // cut footage into a case's evidence
	RequestClips Right = "request_clips" // ask somebody who may for it
	ApproveClips Right = "approve_clips" // answer such a request
)

// RightsOf returns what a role may do. The administrator sets the system up and
// reads no incidents; the auditor changes nothing and watches nobody.
func RightsOf(r Role) []Right {
	switch r {
	case DutyOfficer:
		return []Right{ViewMap, WatchVideo, Report, ReadIncidents, ReadAlerts, ReadCases, WorkCases, DiscloseName, ExportLists,
			TakeEmergency, ReadStructure, KeepRegisters, Playback, ExportClips, ApproveClips}
	case Leader: // what machines may read of incidents and cases, somebody gives them who may read it himself
		return []Right{ViewMap, WatchVideo, Report, ReadIncidents, ReadAlerts, ReadCases, WorkCases, DiscloseName, ExportLists, ManageTokens,
			TakeEmergency, ReadStructure, Playback}
	case GridLeader:
		return []Right{ViewMap, Report, ReadIncidents, ReadCases, WorkCases, KeepRegisters, RequestClips}
	case Handler:
		return []Right{ViewMap, Report, ReadCases, WorkCases, RequestClips}
	case Auditor:
		return []Right{ViewMap, ReadIncidents, ReadAlerts, ReadCases, ReadAudit, ExportLists, ReadStructure}
	case Admin:
		return []Right{ViewMap, WatchVideo, ManageCameras, ManagePlaces, ManageUsers, ManageSources, ManageRules, ManageTokens,
			ReadStructure, KeepRegisters}
	}
	return nil
}

// Scope says as whom and where a caller may act. Its zero value sees nothing.
type Scope struct {
	User       string   // id of the user; of a machine token MachineUser; empty for alarm sources and the system
	Name       string   // of the person, for what is kept of the acts
	Role       Role     // decides the rights
	Department string   // id of the caller's department; empty: none
	Home       string   // Area.Path of the caller's own centre; empty: acts for none
	Grids      []string // ids of the grids a grid leader leads now
	Paths      []string // Area.Path of the subtrees the caller acts in
	Extra      []Right  // rights given outside the role (an alarm source, the system)
	Address    string   // network address the call came from, for the audit
}

// System is the scope of the process itself: start-up, imports by command,
// sign-in. Never derive it from a request.
func System() Scope {
	return Scope{Paths: []string{"/"}, Extra: []Right{ViewMap, WatchVideo, Report, ReadIncidents, ReadAlerts,
		ManageCameras, ManagePlaces, ManageUsers, ManageSources, ReadCases, WorkCases, ReadAudit, ExportLists,
		ManageRules, ManageTokens, ReadStructure, KeepRegisters, ExportClips, ApproveClips}}
}

// Sight returns which cases in his areas the caller may see.
func (s Scope) Sight() Sight {
	switch {
	case !s.Can(ReadCases):
		return Sight{}
	case s.Role == Handler:
		return Sight{UserID: s.User, DepartmentID: s.Department}
	case s.Role == GridLeader:
		return Sight{UserID: s.User, GridIDs: s.Grids}
	}
	return Sight{All: true}
}

// Can tells whether the caller has a right somewhere.
func (s Scope) Can(r Right) bool {
	for _, x := range s.Extra {
		if x == r {
			return true
		}
	}
	for _, x := range RightsOf(s.Role) {
		if x == r {
			return true
		}
	}
	return false
}

// Covers tells whether an area path lies in the scope. The empty path, that of
// an object in no area, is covered only by a scope over everything.
func (s Scope) Covers(path string) bool {
	for _, p := range s.Paths {
		if p == "/" || p != "" && strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// Everything tells whether the scope covers every area.
func (s Scope) Everything() bool { return s.Covers("") }

// Need returns a Forbidden error where the right is missing.
func (s Scope) Need(r Right) error {
	if s.Can(r) {
		return nil
	}
	return Errorf(Forbidden, "this account does not have the right %q", r)
}
