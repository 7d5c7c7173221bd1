package desk

import (
	"time"

	"sharpeyes/alerts"
)

// CaseView is a case (案卷). Who reported it is shown to nobody. The fields
// after Version are filled where one case is asked for, and never in events.
type CaseView struct {
	ID            string          `json:"id" doc:"Identifier"`
	Code          string          `json:"code" doc:"Its one code for its whole life 一案一码" example:"20261124-000041"`
	Step          alerts.Step     `json:"step" enum:"report,file,assign,handle,feedback,closed" doc:"Step: report 问题上报, file 案卷建立, assign 任务指派, handle 调查落实, feedback 处理反馈, closed 结案归档"`
	StepAt        time.Time       `json:"step_at" doc:"Since when it is in this step"`
	Outcome       alerts.Outcome  `json:"outcome,omitempty" enum:"solved,not_solved,refused,merged" doc:"How a closed case ended"`
	Category      string          `json:"category" doc:"Code of its category" example:"hazard.gas"`
	Severity      alerts.Severity `json:"severity" enum:"critical,high,medium,low" doc:"How grave it is"`
	FirstSeverity alerts.Severity `json:"first_severity" enum:"critical,high,medium,low" doc:"How grave it was when it was reported"`
	Title         string          `json:"title" doc:"First words of the first report"`
	Direct        bool            `json:"direct" doc:"Direct report 直报: held by the county from the start"`
	Lon           float64         `json:"lon" doc:"Longitude, WGS-84"`
	Lat           float64         `json:"lat" doc:"Latitude, WGS-84"`
	Address       string          `json:"address" doc:"Where, in the reporter's words"`
	AreaID        string          `json:"area_id" doc:"Area where it happened"`
	AreaName      string          `json:"area_name" doc:"Name of that area on that day"`
	GridID        string          `json:"grid_id,omitempty" doc:"Grid where it happened"`
	GridName      string          `json:"grid_name,omitempty" doc:"Name of that grid on that day"`
	HolderID      string          `json:"holder_id" doc:"Area whose centre holds it"`
	HolderName    string          `json:"holder_name" doc:"Name of that area"`

	DepartmentID    string `json:"department_id,omitempty" doc:"Department it is assigned to"`
	DepartmentName  string `json:"department_name,omitempty" doc:"Name of that department"`
	OfficeID        string `json:"office_id,omitempty" doc:"Inner office 内设机构 it is assigned to"`
	OfficeName      string `json:"office_name,omitempty" doc:"Name of that office"`
	PersonID        string `json:"person_id,omitempty" doc:"Person 专人, or the grid leader, it is assigned to"`
	FirstID         string `json:"first_department_id,omitempty" doc:"Department that received it first and stays responsible 首接负责"`
	FirstDepartment string `json:"first_department_name,omitempty" doc:"Name of that department"`

	OpenedAt  time.Time  `json:"opened_at" doc:"When it was reported"`
	UpdatedAt time.Time  `json:"updated_at" doc:"When it changed last"`
	ClosedAt  *time.Time `json:"closed_at,omitempty" doc:"When it was closed"`
	RepliedAt *time.Time `json:"replied_at,omitempty" doc:"First response to the report"`
	ReplyDue  *time.Time `json:"reply_due,omitempty" doc:"Until when the first response is due"`
	DueAt     *time.Time `json:"due_at,omitempty" doc:"End of the step's time"`
	CaseDueAt *time.Time `json:"case_due_at,omitempty" doc:"End of the whole case's time"`
	PausedAt  *time.Time `json:"paused_at,omitempty" doc:"Since when its clock stands"`
	PausedMin int64      `json:"paused_minutes,omitempty" doc:"Working minutes that its clock stood in this step, up to the last time it ran on"`
	ExtendMin int64      `json:"extended_minutes,omitempty" doc:"Working minutes granted in this step"`

	Late      bool `json:"late" doc:"The step's time has passed"`
	LateCase  bool `json:"late_case" doc:"The whole case's time has passed, or had when it was closed"`
	LateReply bool `json:"late_reply" doc:"The first response is overdue, or came too late"`

	SuperviseDue *time.Time `json:"supervise_due,omitempty" doc:"An open supervision 督办: until when its answer is due"`
	Incidents    int        `json:"incidents" doc:"Incidents filed in it"`
	Comments     int        `json:"comments" doc:"Messages in its room"`
	Returns      int        `json:"returns" doc:"How often it was returned"`
	Transfers    int        `json:"transfers" doc:"How often a department passed it on"`
	Escalated    int        `json:"escalated" doc:"How often it went up a level"`
	Reopened     int        `json:"reopened" doc:"How often it was opened again"`
	Edited       int        `json:"edited" doc:"How often its category or severity was changed"`
	MergedInto   string     `json:"merged_into,omitempty" doc:"Case that its incidents were filed into"`
	Version      int64      `json:"version" doc:"Counts its changes; the ETag is \"v<version>\""`

	PersonName string       `json:"person_name,omitempty" doc:"Name of the person it is assigned to"`
	Parts      []PartView   `json:"parts,omitempty" doc:"Departments that handle it jointly 联合处置"`
	Trail      []AreaRef    `json:"trail,omitempty" doc:"Of one case alone: the areas where it happened, from the top, as they were called and lay on that day"`
	Open       []MoveOption `json:"open_moves,omitempty" doc:"Moves that are open to the caller now"`
}

// PartView is a department that handles a case jointly.
type PartView struct {
	DepartmentID   string     `json:"department_id" doc:"Department"`
	DepartmentName string     `json:"department_name" doc:"Its name"`
	At             time.Time  `json:"at" doc:"When it was asked to join"`
	ReceivedAt     *time.Time `json:"received_at,omitempty" doc:"When it took its part"`
	DoneAt         *time.Time `json:"done_at,omitempty" doc:"When it fed back"`
}

// MoveOption is a move that is open to the caller now. A reason, files and a
// place may be given with every move.
type MoveOption struct {
	Action alerts.Action `json:"action" doc:"The move" example:"assign"`
	To     alerts.Step   `json:"to" enum:"report,file,assign,handle,feedback,closed" doc:"Step the case is in afterwards"`
	Needs  []string      `json:"needs" doc:"Fields that must be given; a|b: one of them"`
	May    []string      `json:"may" doc:"Fields that may be given"`
}

// MoveView is one move in a case. Where only the reporter could have made it
// the actor is not shown.
type MoveView struct {
	N            int               `json:"n" doc:"Number in the case, from 1"`
	Action       alerts.Action     `json:"action" doc:"What was done" example:"assign"`
	From         alerts.Step       `json:"from,omitempty" doc:"Step before; absent for the first"`
	To           alerts.Step       `json:"to" doc:"Step afterwards"`
	At           time.Time         `json:"at" doc:"When"`
	ActorID      string            `json:"actor_id,omitempty" doc:"Who; absent for the system and for the reporter"`
	Actor        string            `json:"actor,omitempty" doc:"Name, as of then"`
	ActorRole    alerts.Role       `json:"actor_role,omitempty" doc:"Role, as of then; absent for the system"`
	ByReporter   bool              `json:"by_reporter,omitempty" doc:"The reporter did it, who is not shown"`
	DepartmentID string            `json:"department_id,omitempty" doc:"Department of who did it"`
	AreaID       string            `json:"area_id,omitempty" doc:"Centre that acted, or held the case"`
	AreaName     string            `json:"area_name,omitempty" doc:"Its name"`
	Reason       string            `json:"reason,omitempty" doc:"The reason, in their words"`
	Details      map[string]string `json:"details,omitempty" doc:"What the move was made with"`
	Files        []string          `json:"files,omitempty" doc:"Ids of attachments given with it"`
	Place        *PlaceView        `json:"place,omitempty" doc:"Where it was made"`
	Hash         string            `json:"hash" doc:"SHA-256 over the move and the hash before it, hex"`
}

// PlaceView is a position.
type PlaceView struct {
	Lon float64 `json:"lon" doc:"Longitude, WGS-84"`
	Lat float64 `json:"lat" doc:"Latitude, WGS-84"`
}

// CommentView is a message in a case's room.
type CommentView struct {
	ID         string    `json:"id" doc:"Identifier"`
	CaseID     string    `json:"case_id" doc:"Case"`
	At         time.Time `json:"at" doc:"When"`
	AuthorID   string    `json:"author_id,omitempty" doc:"Who; absent for the reporter"`
	Author     string    `json:"author,omitempty" doc:"Name, as of then"`
	ByReporter bool      `json:"by_reporter,omitempty" doc:"The reporter wrote it, who is not shown"`
	Text       string    `json:"text" doc:"The message"`
	Mentions   []string  `json:"mentions" doc:"Ids of the people it names"`
	Files      []string  `json:"files" doc:"Ids of attachments"`
}

// AttachmentView is a file that belongs to a case.
type AttachmentView struct {
	ID     string    `json:"id" doc:"Identifier"`
	URL    string    `json:"url" doc:"The shown copy, JPEG without EXIF"`
	Thumb  string    `json:"thumb_url" doc:"A small copy"`
	Width  int       `json:"width" doc:"Pixels of the shown copy"`
	Height int       `json:"height" doc:"Pixels of the shown copy"`
	SHA256 string    `json:"sha256" doc:"Of the unaltered original, hex"`
	At     time.Time `json:"at" doc:"When it was added"`
}

// NoteView is an annotation of an incident.
type NoteView struct {
	ID         string    `json:"id" doc:"Identifier"`
	IncidentID string    `json:"incident_id" doc:"Incident"`
	At         time.Time `json:"at" doc:"When"`
	AuthorID   string    `json:"author_id,omitempty" doc:"Who; absent for the reporter"`
	Author     string    `json:"author,omitempty" doc:"Name, as of then"`
	ByReporter bool      `json:"by_reporter,omitempty" doc:"The reporter wrote it, who is not shown"`
	Text       string    `json:"text" doc:"The annotation"`
}

// DuplicateView is a case that an incident may belong to.
type DuplicateView struct {
	Case         CaseView `json:"case" doc:"The case"`
	Distance     float64  `json:"distance_m" doc:"Metres between the two"`
	Hours        float64  `json:"hours" doc:"Hours between the two reports"`
	SameCategory bool     `json:"same_category" doc:"Both are of one category; otherwise of one branch of the tree"`
	Score        float64  `json:"score" doc:"0 to 1, higher is likelier: distance, time, category"`
}

// DisclosureView is who reported an incident. It is shown once for each reason
// given.
type DisclosureView struct {
	IncidentID string      `json:"incident_id" doc:"Incident"`
	UserID     string      `json:"user_id" doc:"Account that reported it"`
	Username   string      `json:"username" doc:"Name it signs in with"`
	Name       string      `json:"name" doc:"Name of the person"`
	Role       alerts.Role `json:"role" doc:"Role"`
	AreaID     string      `json:"area_id" doc:"Area of the account"`
	AreaName   string      `json:"area_name" doc:"Name of that area"`
	NoteID     string      `json:"note_id" doc:"The note that tells of this"`
}

// ReceiptState is what a receipt tells without signing in. It holds no personal
// data.
type ReceiptState struct {
	Number     string      `json:"number" doc:"Number of the incident"`
	ReceivedAt time.Time   `json:"received_at" doc:"When it was received"`
	Hash       string      `json:"hash" doc:"SHA-256 of the report, hex"`
	State      string      `json:"state" enum:"open,solved,not_solved,refused" doc:"Whether the case about it is open, or how it ended"`
	Step       alerts.Step `json:"step" enum:"report,file,assign,handle,feedback,closed" doc:"Step that case is in"`
}

// CaseCountView is one line of a dashboard.
type CaseCountView struct {
	Key      string  `json:"key" doc:"What is counted: a step, an area, a day as 2026-11-24, ..."`
	Name     string  `json:"name,omitempty" doc:"Name of the area, grid or department"`
	Total    int64   `json:"total" doc:"Cases"`
	Open     int64   `json:"open" doc:"Not closed"`
	Late     int64   `json:"late" doc:"Open and past the step's time, or closed after the case's"`
	Closed   int64   `json:"closed" doc:"Closed"`
	Solved   int64   `json:"solved" doc:"Closed as solved"`
	Direct   int64   `json:"direct" doc:"Direct reports"`
	Returned int64   `json:"returned" doc:"Returned at least once"`
	Reopened int64   `json:"reopened" doc:"Opened again at least once"`
	Edited   int64   `json:"edited" doc:"Category or severity changed at least once"`
	HoldMin  float64 `json:"hold_minutes" doc:"Mean minutes to the first assignment or closing"`

	OnTime float64 `json:"on_time_rate" doc:"Share that is not late, 0 to 1: open cases past their time count as late; 1 where there are none"`
	Reopen float64 `json:"reopen_rate" doc:"Share that was opened again at least once, 0 to 1"`
}

// rated fills in the rates.
func (v CaseCountView) rated() CaseCountView {
	v.OnTime, v.Reopen = 1, 0
	if v.Total > 0 {
		v.OnTime, v.Reopen = 1-float64(v.Late)/float64(v.Total), float64(v.Reopened)/float64(v.Total)
	}
	return v
}

// UnitFigures are the figures that show a unit (a centre and what is below it)
// holding reports back. They are seen from one level up.
type UnitFigures struct {
	AreaID        string       `json:"area_id" doc:"The unit's area"`
	AreaName      string       `json:"area_name" doc:"Its name"`
	Level         alerts.Level `json:"level" enum:"city,county,township,village" doc:"Its level"`
	Cases         int64        `json:"cases" doc:"Cases opened in it"`
	Returned      int64        `json:"returned" doc:"Of them, returned at least once"`
	ReturnRate    float64      `json:"return_rate" doc:"Share returned, 0 to 1"`
	Refused       int64        `json:"refused" doc:"Of them, refused"`
	Edited        int64        `json:"edited" doc:"Of them, with category or severity changed"`
	EditRate      float64      `json:"edit_rate" doc:"Share changed, 0 to 1"`
	HoldMin       float64      `json:"hold_minutes" doc:"Mean minutes to the first assignment or closing"`
	Late          int64        `json:"late" doc:"Of them, late"`
	Direct        int64        `json:"direct" doc:"Direct reports of which it got a copy"`
	Unsupported   int64        `json:"direct_unsupported" doc:"Of those looked at, those to which nobody of the unit has said or added anything"`
	DirectChecked int64        `json:"direct_checked" doc:"Direct reports looked at: the newest 500"`
}
