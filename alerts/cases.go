package alerts

import (
	"context"
	"time"
)

// Step is one of the six steps (六步闭环) a case goes through.
type Step string

// The steps, in their order.
const (
	StepReport   Step = "report"   // 问题上报: reported; no centre has taken it on
	StepFile     Step = "file"     // 案卷建立: taken on by a centre, which decides
	StepAssign   Step = "assign"   // 任务指派: with a department or a person, not received
	StepHandle   Step = "handle"   // 调查落实: received and worked on
	StepFeedback Step = "feedback" // 处理反馈: fed back with proof, waits for confirmation
	StepClosed   Step = "closed"   // 结案归档
)

// Steps lists the steps in their order.
var Steps = [...]Step{StepReport, StepFile, StepAssign, StepHandle, StepFeedback, StepClosed}

// Outcome says how a closed case ended; closed is not the same as solved.
type Outcome string

// The outcomes of closed cases; the empty one is that of an open case.
const (
	Solved    Outcome = "solved"
	NotSolved Outcome = "not_solved" // confirmed as not to be solved, with the reason
	Refused   Outcome = "refused"    // outside the published list of matters, with the reason
	Merged    Outcome = "merged"     // its incidents were filed into another case
)

// Case (案卷) is the file about one or several incidents. It is made together
// with its first incident and keeps its code for its whole life (一案一码).
type Case struct {
	ID      string
	Code    string // shown to people: "20261124-000041", the number of its first incident
	Version int64  // counts its changes; the ETag

	Step    Step
	StepAt  time.Time // since when it is in this step
	Outcome Outcome   // of a closed case

	Category      string
	Severity      Severity
	FirstSeverity Severity // as first reported, so that an edited one shows
	Title         string   // first words of the first report
	Direct        bool     // 直报: held by the county from the start, no veto below

	Point    Point
	Address  string
	AreaID   string // where it happened: as of then, whatever the boundaries become
	AreaPath string // filled by the store
	GridID   string

	HolderID   string // area whose centre holds it: AreaID or one above
	HolderPath string // filled by the store

	DepartmentID string // whom it is assigned to: a department with its office and person,
	OfficeID     string
	PersonID     string // or, without a department, a grid leader
	FirstID      string // first department that received it stays responsible (首接负责)
	Against      string // department that is complained about: never given the case, never told who reported
	HandlerID    string // who fed back last; somebody else has to confirm

	OpenedAt  time.Time
	UpdatedAt time.Time
	ClosedAt  time.Time
	RepliedAt time.Time // first response to the report; zero: none yet
	ReplyDue  time.Time // until when the first response is due

	DueAt     time.Time     // end of the step's time; zero: none
	CaseDueAt time.Time     // end of the whole case's time; zero: none
	NextAt    time.Time     // when its clock has to be looked at next; zero: never
	Reminded  int           // reminders given in this step
	PausedAt  time.Time     // zero: its clock runs
	PausedFor time.Duration // in this step so far, working time
	Extended  time.Duration // granted in this step, working time

	Supervised time.Time // answer to an open supervision (督办) is due; zero: none open
	Incidents  int       // filed in it now
	Comments   int
	Returns    int
	Transfers  int
	Escalated  int
	Reopened   int
	Edited     int // changes of category or severity
	MergedInto string
}

// Open tells whether somebody still has to do something.
func (c *Case) Open() bool { return c.Step != StepClosed }

// Late tells whether the step's time has passed.
func (c *Case) Late(now time.Time) bool {
	return c.Open() && c.PausedAt.IsZero() && !c.DueAt.IsZero() && now.After(c.DueAt)
}

// Action names a move in a case.
type Action string

// The actions. Which of them is open to whom in which step is the table in
// alerts/desk.
const (
	ActReport    Action = "report"     // the incident came in (by the system)
	ActFile      Action = "file"       // take it on
	ActMerge     Action = "merge"      // file its incidents into another case
	ActSplit     Action = "split"      // take an incident out of it again
	ActRefuse    Action = "refuse"     // outside the published list
	ActAssign    Action = "assign"     // to a department or a grid leader
	ActReceive   Action = "receive"    // the assigned one takes it
	ActTransfer  Action = "transfer"   // to another department, with a reason
	ActReturn    Action = "return"     // back to whom it came from, with a reason
	ActJoin      Action = "join"       // a further department handles it too (联合处置)
	ActPause     Action = "pause"      // the clock stops, with a reason
	ActResume    Action = "resume"     // it runs again
	ActAskTime   Action = "ask_time"   // an extension is asked for
	ActGrantTime Action = "grant_time" // and approved
	ActDenyTime  Action = "deny_time"  // or not
	ActFeedBack  Action = "feed_back"  // handled, with proof
	ActReject    Action = "reject"     // the feedback does not hold: handle it again
	ActClose     Action = "close"      // confirmed and archived
	ActEscalate  Action = "escalate"   // up one level, by hand or by the clock
	ActSupervise Action = "supervise"  // 督办: press it, with a date for the answer
	ActAnswer    Action = "answer"     // the answer to a supervision
	ActReclass   Action = "reclass"    // change category or severity, with a reason
	ActReopen    Action = "reopen"     // a closed case is not over
	ActDispute   Action = "dispute"    // the reporter says so: it goes one level up
	ActRemind    Action = "remind"     // the clock reminded (by the system)
	ActOverdue   Action = "overdue"    // the clock ran out (by the system)
)

// Move is one move in a case. It is never edited and never removed.
type Move struct {
	CaseID string
	N      int // from 1, without gaps
	Action Action
	From   Step
	To     Step
	At     time.Time

	ActorID      string // empty: the system
	ActorName    string // as of then
	ActorRole    Role
	DepartmentID string // of the actor
	AreaID       string // of the centre that acted, or held the case

	Reason  string            // in the actor's words
	Details map[string]string // what the action needs: see the table in alerts/desk
	Files   []string          // ids of attachments given with it
	Place   *Point            // where the actor was, when he said so
	Hash    string            // SHA-256 over the move and the hash before it, hex
}

// Filing says that an incident lies in a case.
type Filing struct {
	IncidentID string
	CaseID     string
	FirstID    string // case it came in with, where it goes back to when taken apart
	At         time.Time
	ByID       string
}

// Part is a department that handles a case jointly with the assigned one.
type Part struct {
	CaseID       string
	DepartmentID string
	OfficeID     string
	PersonID     string
	At           time.Time
	ReceivedAt   time.Time
	DoneAt       time.Time // it has given its part of the feedback
}

// Comment is one message in a case's room.
type Comment struct {
	ID       string
	CaseID   string
	At       time.Time
	AuthorID string
	Author   string // name as of then
	Text     string
	Mentions []string // ids of users
	Files    []string // ids of attachments
}

// Attachment is a file that belongs to a case; it is never removed.
type Attachment struct {
	Photo
	CaseID string
	ByID   string
	At     time.Time
}

// Note is an annotation of an incident, which itself is never changed.
type Note struct {
	ID         string
	IncidentID string
	At         time.Time
	AuthorID   string
	Author     string
	Text       string
}

// CaseSort is one of the fixed orders of the list of cases.
type CaseSort string

// The orders; all are stable and continue by cursor.
const (
	ByUpdated  CaseSort = "updated"  // last changed first (the default)
	ByOpened   CaseSort = "opened"   // newest first
	ByDue      CaseSort = "due"      // what is due first, first; without a time last
	BySeverity CaseSort = "severity" // gravest first, then newest
)

// CaseFilter narrows a list of cases; zero fields do not.
type CaseFilter struct {
	AreaID   string // where it happened, with everything below
	HolderID string // centre that holds it, without what is below
	GridID   string
	Category string // a code, with everything below it in the tree
	Severity Severity
	Step     Step
	Outcome  Outcome
	Open     *bool
	Direct   *bool

	DepartmentID string // assigned, first or joint
	PersonID     string
	OverdueAt    time.Time // late at that moment
	Supervised   bool
	Text         string    // part of title, address or code
	Since, Until time.Time // OpenedAt, half open
	Sort         CaseSort
	Page         Page
}

// CaseGroup names what counts are grouped by.
type CaseGroup string

// The groups.
const (
	GroupStep       CaseGroup = "step"
	GroupSeverity   CaseGroup = "severity"
	GroupCategory   CaseGroup = "category"
	GroupArea       CaseGroup = "area"
	GroupGrid       CaseGroup = "grid"
	GroupHolder     CaseGroup = "holder"
	GroupDepartment CaseGroup = "department"
	GroupDay        CaseGroup = "day" // of OpenedAt, in the product's zone
)

// CaseCount is one line of a dashboard.
type CaseCount struct {
	Key      string // what the group is of; a day as 2026-11-24
	Total    int64
	Open     int64
	Late     int64 // open and past DueAt, or closed after CaseDueAt
	Closed   int64
	Solved   int64
	Direct   int64
	Returned int64 // cases that were returned at least once
	Reopened int64
	Edited   int64
	Held     int64         // assigned or closed at least once
	HoldTime time.Duration // of those, mean time to the first assignment or closing
}

// Sight is what of cases a caller may see beside his areas: an officer or a
// leader sees every case in them, others those they are a party to.
type Sight struct {
	All          bool
	UserID       string   // reported, or is assigned
	DepartmentID string   // assigned, first receiver or joint
	GridIDs      []string // happened there
}

// CaseReader is the part of Reader about cases. Cases outside the scope, or not
// in sight, are not found.
type CaseReader interface {
	Case(ctx context.Context, s Scope, id string) (Case, error)
	CaseByCode(ctx context.Context, s Scope, code string) (Case, error)
	Cases(ctx context.Context, s Scope, f CaseFilter) ([]Case, string, error)
	// CasesNear returns open cases within metres of a point that were opened
	// since, of a category or all, nearest first, at most limit.
	CasesNear(ctx context.Context, s Scope, p Point, metres float64, category string, since time.Time, limit int) ([]Case, error)
	// CaseCounts counts the cases of a filter by a group; Sort and Page of the
	// filter are not read. At most 1,000 groups, largest first; days in order.
	CaseCounts(ctx context.Context, s Scope, f CaseFilter, by CaseGroup, now time.Time) ([]CaseCount, error)
	// CallBacks counts the closings of the cases that happened in an area, with
	// everything below it, and were opened in a half-open span, at which the
	// reporter was called back: all, and those at which he was satisfied.
	CallBacks(ctx context.Context, s Scope, areaID string, since, until time.Time) (asked, satisfied int64, err error)
	// CasesDue returns cases whose NextAt is not after t, earliest first.
	CasesDue(ctx context.Context, t time.Time, limit int) ([]Case, error)

	// What follows is of a case that the caller was given already.
	Moves(ctx context.Context, caseID string) ([]Move, error)
	Filings(ctx context.Context, caseID string) ([]Filing, error)
	FilingOf(ctx context.Context, incidentID string) (Filing, error)
	Parts(ctx context.Context, caseID string) ([]Part, error)
	Comments(ctx context.Context, caseID string, p Page) ([]Comment, string, error) // newest first
	Attachments(ctx context.Context, caseID string) ([]Attachment, error)
	Attachment(ctx context.Context, id string) (Attachment, error)
	Notes(ctx context.Context, incidentID string) ([]Note, error)
	// Voices returns by case who has written in its room or added a file to it.
	Voices(ctx context.Context, caseIDs []string) (map[string][]string, error)
}

// CaseTx is the part of Tx about cases.
type CaseTx interface {
	SaveCase(Case) error // Conflict where Version is not the stored one (0: new); stores Version+1
	AddMove(*Move) error // sets N and Hash
	SaveFiling(Filing) error
	SavePart(Part) error
	RemovePart(caseID, departmentID string) error
	AddComment(Comment) error
	AddAttachment(Attachment) error
	AddNote(Note) error
}
