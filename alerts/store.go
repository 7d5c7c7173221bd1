package alerts

import (
	"context"
	"encoding/json"
	"time"
)

// EventKind names what happened.
type EventKind string

// The kinds of events.
const (
	IncidentCreated EventKind = "incident.created"
	AlertRaised     EventKind = "alert.raised"
	AlertRepeated   EventKind = "alert.repeated"
	CameraSaved     EventKind = "camera.saved" // made or changed
	CameraRemoved   EventKind = "camera.removed"
	PlacesChanged   EventKind = "places.changed" // areas or grids: fetch them again
	CaseChanged     EventKind = "case.changed"   // made, moved, or its figures changed
	CaseCommented   EventKind = "case.commented" // a message in its room
	RulesChanged    EventKind = "rules.changed"  // categories, deadlines or calendar: fetch them again
	UserChanged     EventKind = "user.changed"   // sessions resolve their scope again
	SessionEnded    EventKind = "session.ended"

	EmergencyTaken    EventKind = "emergency.taken" // somebody reads an area that is not his
	EmergencyEnded    EventKind = "emergency.ended" // before its time
	EmergencyReviewed EventKind = "emergency.reviewed"

	RegisterChanged EventKind = "register.changed" // an entry, or several of an area: fetch them again
	RosterChanged   EventKind = "roster.changed"   // of a grid: fetch it again
	ShiftsChanged   EventKind = "shifts.changed"   // the duty roster of a centre: one shift, or fetch it again
	PointsChanged   EventKind = "points.changed"   // somebody's own: fetch them again
	AppealChanged   EventKind = "appeal.changed"   // made or decided: fetch it again
)

// NeededRight is the right that a receiver of the event must have; empty: the
// event is for the process alone and is never sent outside.
func (k EventKind) NeededRight() Right {
	switch k {
	case IncidentCreated:
		return ReadIncidents
	case CaseChanged, CaseCommented, PointsChanged, AppealChanged:
		return ReadCases
	case RulesChanged:
		return ViewMap
	case AlertRaised, AlertRepeated:
		return ReadAlerts
	case EmergencyTaken, EmergencyEnded, EmergencyReviewed:
		return TakeEmergency
	case ShiftsChanged:
		return ReadStructure
	case CameraSaved, CameraRemoved, PlacesChanged, RegisterChanged, RosterChanged:
		return ViewMap
	}
	return ""
}

// Everywhere tells that events of the kind are for every area: the rules hold
// for the whole town.
func (k EventKind) Everywhere() bool { return k == RulesChanged }

// Personal tells that events of the kind are for their parties alone, whatever
// others of the area may see.
func (k EventKind) Personal() bool { return k == PointsChanged }

// Event is one change, numbered in the order of commits.
type Event struct {
	Seq      int64           `json:"seq"` // from 1, without gaps
	At       time.Time       `json:"at"`
	Kind     EventKind       `json:"kind"`
	AreaID   string          `json:"area_id,omitempty"`
	AreaPath string          `json:"area_path,omitempty"` // at the time of the change
	ID       string          `json:"id,omitempty"`        // of the object
	Data     json.RawMessage `json:"data,omitempty"`      // the object as JSON, see desk; at most 64 KiB
	// Parties are the ids of departments, users and grids that a case concerns:
	// who does not see every case gets its events for one of them alone.
	Parties []string `json:"-"`
}

// Page bounds a list: newest first, at most Limit rows after Cursor. A cursor
// is opaque; the empty one starts at the top.
type Page struct {
	Cursor string
	Limit  int // 1 to 1000
}

// CameraFilter narrows a list of cameras; zero fields do not.
type CameraFilter struct {
	Text   string // part of name or id
	AreaID string // with everything below it
	GridID string
	Page   Page
}

// IncidentFilter narrows a list of incidents; zero fields do not.
type IncidentFilter struct {
	AreaID, GridID, Category string
	Severity                 Severity
	Text                     string // part of text, address or number; a page looks at so many incidents and may find fewer than its limit, or none, before the last
	ReporterID               string
	Since, Until             time.Time // ReceivedAt, half open
	Page                     Page
}

// AlertFilter narrows a list of alerts; zero fields do not.
type AlertFilter struct {
	AreaID, GridID, CameraID, Kind string
	Severity                       Severity
	Since, Until                   time.Time // LastAt, half open
	Page                           Page
}

// Session is one signed-in browser. Its token is known by hash alone.
type Session struct {
	TokenHash string
	UserID    string // empty before sign-in
	Data      []byte
	Expires   time.Time
}

// Reader is the reading half of the store. Objects outside the scope are not
// found. Lists come newest first (cameras, areas, grids and users by name) with
// the cursor of the next page, empty at the end.
type Reader interface {
	CaseReader
	AuditReader
	DeadlineReader
	DepartmentReader
	StructureReader
	MachineReader
	ReceiptReader
	PointReader
	ShiftReader
	EmergencyReader
	EvidenceReader
	Areas(ctx context.Context, s Scope) ([]Area, error)
	Area(ctx context.Context, s Scope, id string) (Area, error)
	Grids(ctx context.Context, s Scope) ([]Grid, error)
	Cameras(ctx context.Context, s Scope, f CameraFilter) ([]Camera, string, error)
	Camera(ctx context.Context, s Scope, id string) (Camera, error)
	Incidents(ctx context.Context, s Scope, f IncidentFilter) ([]Incident, string, error)
	Incident(ctx context.Context, s Scope, id string) (Incident, error)
	// IncidentOfAlert returns the incident that was made of an alert.
	IncidentOfAlert(ctx context.Context, s Scope, alertID string) (Incident, error)
	// IncidentOfPhoto returns the incident that a photo belongs to.
	IncidentOfPhoto(ctx context.Context, s Scope, photo string) (Incident, error)
	Alerts(ctx context.Context, s Scope, f AlertFilter) ([]Alert, string, error)
	Alert(ctx context.Context, s Scope, id string) (Alert, error)
	Users(ctx context.Context, s Scope, p Page) ([]User, string, error)
	User(ctx context.Context, s Scope, id string) (User, error)
	UserByName(ctx context.Context, s Scope, username string) (User, error)
	// Sources and SourceByToken leave out the disabled ones.
	Sources(ctx context.Context, s Scope) ([]Source, error)
	SourceByToken(ctx context.Context, s Scope, hash []byte) (Source, error)
	// Events returns at most limit events after since that the scope covers,
	// in order, and the number it has read up to.
	Events(ctx context.Context, s Scope, since int64, limit int) (events []Event, upTo int64, err error)
	// Seqs returns the numbers of the oldest kept and the newest event; 0, 0
	// before the first.
	Seqs(ctx context.Context) (oldest, newest int64, err error)
	Session(ctx context.Context, tokenHash string) (Session, error)
}

// Tx is one write transaction. Save inserts or replaces by id.
type Tx interface {
	Reader
	CaseTx
	AuditTx
	DeadlineTx
	DepartmentTx
	StructureTx
	MachineTx
	ReceiptTx
	PointTx
	ShiftTx
	EmergencyTx
	EvidenceTx
	// SaveArea inserts or replaces an area, or its version from ValidFrom on: the
	// version that was valid then ends there. It keeps Path in order below it.
	SaveArea(Area) error
	// PlanArea keeps a version of an area that begins later: until SaveArea is
	// called with it the area stays as it is.
	PlanArea(Area) error
	// SaveGrid inserts or replaces a grid, or its version from ValidFrom on: the
	// version that was valid then ends there.
	SaveGrid(Grid) error
	SaveCamera(Camera) error // Conflict where Version is not the stored one (0: new); stores Version+1
	RemoveCamera(id string) error
	// NextNumber hands out the next number of a series, from 1 without gaps;
	// a rolled-back transaction gives it back.
	NextNumber(series string) (int64, error)
	// AddIncident stores an incident that has its Number and Hash; there is no
	// way to change or remove one. Conflict where id or number exist.
	AddIncident(Incident) error
	// AlertByKey returns the newest alert with a key whose LastAt is not
	// before since.
	AlertByKey(key string, since time.Time) (Alert, error)
	SaveAlert(Alert) error
	SaveUser(User) error // Conflict on a taken username, and on Version as with cameras
	SaveSource(Source) error
	// Remember keeps what a key of a user stands for; Recall returns it, or a
	// NotFound error. Keys are kept for 7 days at the least.
	Remember(user, key string, request, object string) error
	Recall(user, key string) (request, object string, err error)
	// Append numbers an event; it is committed with the transaction.
	Append(*Event) error
}

// Store keeps everything. Write runs fn in a transaction and returns when the
// commit is on disk; fn must not keep the Tx, and may be run again. Writes run
// one after another: fn must not call Write, nor wait for anything slow.
type Store interface {
	Reader
	Write(ctx context.Context, fn func(Tx) error) error
	SaveSession(ctx context.Context, s Session) error
	RemoveSession(ctx context.Context, tokenHash string) error
	// Sweep deletes what has outlived its keeping: events and idempotency keys
	// before the given time, sessions that expired by it. The newest event
	// stays, and no gap is left among those that do.
	Sweep(ctx context.Context, before time.Time) error
	Close() error
}

// Bus spreads events to whoever listens, on this node and the others. It is a
// hint: a message may be lost or come twice, never altered; who sees a gap in
// Seq reads on from the store. Events with Seq 0 are not stored.
type Bus interface {
	Publish(ctx context.Context, e Event) error
	// Subscribe calls fn for each event, one at a time, in the order of their
	// arrival, until cancel is called; cancel waits for a running fn. A
	// subscriber that falls behind loses the oldest.
	Subscribe(fn func(Event)) (cancel func())
	Close() error
}
