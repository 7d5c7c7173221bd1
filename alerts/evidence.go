package alerts

import (
	"context"
	"strings"
	"time"
)

// EvidenceKind names what a piece of evidence is.
type EvidenceKind string

// The kinds of evidence.
const (
	EvidenceClip  EvidenceKind = "clip"  // footage, unaltered
	EvidenceCopy  EvidenceKind = "copy"  // of a clip, altered for sharing; always labelled so
	EvidencePhoto EvidenceKind = "photo" // of an incident of the case, as it was sent
	EvidenceFile  EvidenceKind = "file"  // of the case itself, such as proof, as it was sent
)

// FootageGap is a time without footage, and why.
type FootageGap struct {
	From  time.Time `json:"from" doc:"Beginning"`
	To    time.Time `json:"to" doc:"End"`
	Cause string    `json:"cause" doc:"offline, disk, restart, behind, clock, deleted, stopped or broken"`
}

// FootageLoss is a time within footage in which pictures are missing.
type FootageLoss struct {
	At time.Time `json:"at" doc:"When the first picture is missing"`
	MS int64     `json:"ms" doc:"For how long, milliseconds"`
}

// Footage says what a clip holds.
type Footage struct {
	CameraID   string        `json:"camera" doc:"Camera"`
	CameraName string        `json:"camera_name" doc:"Its name then"`
	Profile    string        `json:"profile" doc:"main or sub"`
	Point      Point         `json:"point" doc:"Where it stood then, WGS-84"`
	From       time.Time     `json:"from" doc:"Asked for: beginning"`
	To         time.Time     `json:"to" doc:"Asked for: end"`
	ActualFrom time.Time     `json:"actual_from" doc:"Server's time of the first picture shown"`
	ActualTo   time.Time     `json:"actual_to" doc:"End of the last picture shown"`
	Frames     int           `json:"frames" doc:"Pictures shown"`
	Codec      string        `json:"codec" doc:"Such as h264 or h265+aac"`
	Width      int           `json:"width" doc:"Of the first picture, pixels"`
	Height     int           `json:"height" doc:"Likewise"`
	Gaps       []FootageGap  `json:"gaps" nullable:"false" doc:"Times without footage"`
	Losses     []FootageLoss `json:"losses" nullable:"false" doc:"Times in which pictures are missing, at most 100"`
	Lost       int           `json:"lost" doc:"How many such times there are in all"`
	OffsetMS   *int64        `json:"clock_offset_ms,omitempty" doc:"By how much the camera's clock is ahead of the server's; absent: not known"`
}

// Evidence is one piece of evidence of a case. It is never changed and never
// removed; what it is chains it to the pieces before it.
type Evidence struct {
	ID        string
	CaseID    string
	N         int // from 1, without gaps
	Kind      EvidenceKind
	Object    string // key in Objects; see PhotoKey
	Bytes     int64
	SHA256    string
	MediaType string
	Footage   Footage
	Of        string // of a copy: the clip that it was made of; of a photo: its incident
	Purpose   string
	Note      string
	ExportID  string
	RequestID string // that was approved for it
	ByID      string
	ByName    string // as of then
	ByRole    Role
	At        time.Time
	Hash      string // over all of the above and the hash before it

	AuditSeq  int64 // of the entry that carries Hash
	AuditHash string
}

// PhotoID is the id of the photo or file that a piece is; empty: it is none.
func (e Evidence) PhotoID() string {
	if e.Kind != EvidencePhoto && e.Kind != EvidenceFile {
		return ""
	}
	return strings.TrimPrefix(e.Object, photoFolder)
}

// RequestState is what became of a request for a clip.
type RequestState string

// The states of requests.
const (
	RequestOpen     RequestState = "open"
	RequestApproved RequestState = "approved"
	RequestRefused  RequestState = "refused"
)

// ClipRequest asks for footage that the caller may not see himself. Approving it
// cuts exactly what was asked for.
type ClipRequest struct {
	ID       string
	CaseID   string
	AreaID   string // of the case
	AreaPath string // filled by the store
	Cameras  []string
	From, To time.Time
	Reason   string
	State    RequestState
	ByID     string
	ByName   string
	ByRole   Role
	At       time.Time

	AnsweredBy   string
	AnsweredName string
	AnsweredAt   time.Time
	Answer       string
	ExportID     string // that the approval began
	Version      int64
}

// ClipState is how far the cutting of clips has come.
type ClipState string

// The states of an export of clips.
const (
	ClipsQueued    ClipState = "queued"
	ClipsRunning   ClipState = "running"
	ClipsDone      ClipState = "done"
	ClipsFailed    ClipState = "failed"
	ClipsCancelled ClipState = "cancelled"
)

// Over tells that nothing more will come of it.
func (s ClipState) Over() bool { return s == ClipsDone || s == ClipsFailed || s == ClipsCancelled }

// ClipCamera is a camera's stream that is to be cut.
type ClipCamera struct {
	ID      string `json:"id" maxLength:"64" doc:"Camera"`
	Profile string `json:"profile,omitempty" enum:"main,sub" doc:"main (the default) or sub"`
}

// ClipExport is an order to cut clips out of the record into a case. It belongs to
// a node, which renews its lease: others leave it alone until that has run out.
type ClipExport struct {
	ID        string
	CaseID    string
	AreaID    string // of the case
	AreaPath  string // filled by the store
	Cameras   []ClipCamera
	From, To  time.Time
	Purpose   string
	Note      string
	RequestID string
	State     ClipState
	Evidence  []string // ids of what it made, in the order of Cameras
	Already   []string // ids of what was there before and holds what is asked for
	Error     string   // for people
	ByID      string
	ByName    string
	ByRole    Role
	At        time.Time
	EndedAt   time.Time
	OrderedOn string    // node that took the order
	Node      string    // node that it belongs to
	Until     time.Time // of the lease
	Version   int64
}

// Hold keeps a camera's footage of a time from the ring's deletion for a case.
type Hold struct {
	ID         string
	CaseID     string
	CameraID   string
	From, To   time.Time
	Until      time.Time // its expiry
	Pin        string    // of the record; empty: not pinned yet
	PinUntil   time.Time
	ReleasedAt time.Time // zero: it holds
	Why        string    // it was released, or kept longer
	ReviewedBy string    // name, as of then
	ReviewedAt time.Time
	At         time.Time
	Version    int64
}

// ClipRequestFilter narrows a list of requests; zero fields do not.
type ClipRequestFilter struct {
	CaseID string
	ByID   string
	State  RequestState
	Page   Page
}

// EvidenceReader is the part of Reader about evidence. What belongs to a case is
// of one that the caller was given already; lists by area are not by sight.
type EvidenceReader interface {
	EvidenceOf(ctx context.Context, caseID string) ([]Evidence, error) // from the first on
	Evidence(ctx context.Context, id string) (Evidence, error)
	// EvidenceHolding returns clips of a camera's profile that hold all of a time,
	// newest first, at most limit.
	EvidenceHolding(ctx context.Context, camera, profile string, from, to time.Time, limit int) ([]Evidence, error)
	ClipRequest(ctx context.Context, s Scope, id string) (ClipRequest, error)
	ClipRequests(ctx context.Context, s Scope, f ClipRequestFilter) ([]ClipRequest, string, error) // newest first
	ClipExport(ctx context.Context, id string) (ClipExport, error)
	ClipExports(ctx context.Context, userID string, p Page) ([]ClipExport, string, error) // newest first
	// ClipExportsIn returns exports in a state, oldest first, at most limit.
	ClipExportsIn(ctx context.Context, state ClipState, limit int) ([]ClipExport, error)
	Hold(ctx context.Context, id string) (Hold, error)
	HoldsOf(ctx context.Context, caseID string) ([]Hold, error) // oldest first
	// HoldsDue returns holds that are not released and have run out by now, are not
	// pinned, or are pinned until another time; at most limit.
	HoldsDue(ctx context.Context, now time.Time, limit int) ([]Hold, error)
	// CasesUnchained returns cases whose photos and files came before those were
	// pieces of evidence, and are none yet; at most limit.
	CasesUnchained(ctx context.Context, limit int) ([]string, error)
}

// EvidenceTx is the part of Tx about evidence.
type EvidenceTx interface {
	// AddEvidence stores a piece that has its N, Hash and audit entry: Conflict
	// where the case has such an N.
	AddEvidence(Evidence) error
	SaveClipRequest(ClipRequest) error // Conflict on Version, as with cameras
	SaveClipExport(ClipExport) error   // likewise
	SaveHold(Hold) error               // likewise
	CaseChained(caseID string) error   // it is not one of CasesUnchained any more
}
