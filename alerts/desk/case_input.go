package desk

import (
	"time"

	"sharpeyes/alerts"
)

// Bounds of what is said in a case.
const (
	maxReason      = 1000 // characters
	maxCaseText    = 2000
	maxTitle       = 60
	maxFiles       = 12  // of a move or a comment
	maxAttachments = 200 // of a case
	maxFilings     = 200 // of a case
	maxParts       = 20  // of a case
	maxMentions    = 20
	maxNotes       = 500 // of an incident
	maxExtension   = 60  // working days, asked for at once
	maxAnswerTime  = 366 * 24 * time.Hour
	disputeTime    = 30 * 24 * time.Hour // after the closing
)

// MoveInput is a move in a case. Which fields it needs is listed with the moves
// open to the caller.
type MoveInput struct {
	Action     alerts.Action   `json:"action" enum:"file,merge,split,refuse,assign,receive,transfer,return,join,pause,resume,ask_time,grant_time,deny_time,feed_back,reject,close,escalate,supervise,answer,reclass,reopen,dispute" doc:"The move"`
	Reason     string          `json:"reason,omitempty" doc:"Why, 1 to 1000 characters"`
	Department string          `json:"department,omitempty" doc:"Id of a department (assign, transfer, join)"`
	Office     string          `json:"office,omitempty" doc:"Id of an inner office of it; by its duties when absent"`
	Person     string          `json:"person,omitempty" doc:"Id of a person of it, by its duties when absent; without a department, of a leader of the case's grid"`
	Into       string          `json:"into,omitempty" doc:"Id of the open case that the incidents are filed into (merge)"`
	Incident   string          `json:"incident,omitempty" doc:"Id of the incident that is taken out (split)"`
	Days       int             `json:"days,omitempty" doc:"Working days, 1 to 60 (ask_time, grant_time)"`
	Category   string          `json:"category,omitempty" doc:"Code of a category (file, reclass)"`
	Severity   alerts.Severity `json:"severity,omitempty" enum:"critical,high,medium,low" doc:"How grave it is (file, reclass)"`
	Outcome    alerts.Outcome  `json:"outcome,omitempty" enum:"solved,not_solved" doc:"How it ended (close)"`
	Text       string          `json:"text,omitempty" doc:"What was done, found or is wanted, 1 to 2000 characters"`
	Due        *time.Time      `json:"due,omitempty" doc:"Until when the answer is due (supervise)"`
	Satisfied  *bool           `json:"satisfied,omitempty" doc:"What the reporter said when called back (close)"`
	Files      []string        `json:"files,omitempty" doc:"Ids of attachments of the case, at most 12"`
	Lon        *float64        `json:"lon,omitempty" doc:"Longitude where it is made, WGS-84"`
	Lat        *float64        `json:"lat,omitempty" doc:"Latitude where it is made, WGS-84"`

	Key string `json:"-"` // Idempotency-Key; empty: none
}

// CommentInput is a message in a case's room.
type CommentInput struct {
	Text     string   `json:"text" doc:"The message, 1 to 2000 characters"`
	Mentions []string `json:"mentions,omitempty" doc:"Ids of people it names, at most 20; they must be able to see the case"`
	Files    []string `json:"files,omitempty" doc:"Ids of attachments of the case, at most 12"`

	Key string `json:"-"` // Idempotency-Key; empty: none
}

// NoteInput is an annotation of an incident.
type NoteInput struct {
	Text string `json:"text" doc:"The annotation, 1 to 2000 characters"`

	Key string `json:"-"` // Idempotency-Key; empty: none
}

// DisclosureInput asks who reported an incident.
type DisclosureInput struct {
	Reason string `json:"reason" doc:"Why it must be known, 1 to 1000 characters; kept in the audit and with the incident"`
}

// FiguresQuery narrows the figures of units; zero times do not.
type FiguresQuery struct {
	Since, Until time.Time // OpenedAt, half open
}
