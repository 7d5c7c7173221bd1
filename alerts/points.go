package alerts

import (
	"context"
	"time"
)

// PointKind says what a point was earned for.
type PointKind string

// The kinds of points. There are none for being online, for checking in, for
// where somebody was, nor for the mere number of reports.
const (
	PointReport  PointKind = "report"   // reported what was then solved
	PointHard    PointKind = "hard"     // reported something grave, or for a higher level, though it could not be solved
	PointSettled PointKind = "settled"  // settled it on the spot
	PointHandled PointKind = "handled"  // handled what was assigned
	PointUndone  PointKind = "undone"   // the case was opened again: what it had earned is taken back
	PointAppeal  PointKind = "appealed" // granted on an appeal
)

// PointLine is a line of the ledger of points (积分考评): what a grid leader earned
// in a month by a case that somebody else has confirmed. Lines are added, never
// changed: what no longer holds is taken back by a line of its own.
type PointLine struct {
	ID         string
	UserID     string
	Month      string // "2026-11", in the product's zone
	Kind       PointKind
	Points     int // below zero where it takes back
	CaseID     string
	IncidentID string // that was reported; empty for work on the case
	AreaID     string // of the case
	AreaPath   string // filled by the store
	Hidden     bool   // the case is about a department: nobody but its reporter is shown which it is
	At         time.Time
	ByID       string // who confirmed, or decided
}

// PointSum is what somebody has earned in a month.
type PointSum struct {
	UserID string
	Points int64
	Cases  int64
}

// Appeal is a grid leader's objection to the points of a month.
type Appeal struct {
	ID         string
	UserID     string
	AreaID     string // of the grid leader's account
	AreaPath   string // filled by the store
	Month      string
	CaseID     string // empty: not about one case
	Text       string
	At         time.Time
	Granted    int // points; 0: refused, where AnsweredAt is set
	Answer     string
	AnsweredBy string
	AnsweredAt time.Time // zero: not decided yet
	Version    int64
}

// PointFilter narrows the ledger; zero fields do not.
type PointFilter struct {
	AreaID string // with everything below it
	UserID string
	Month  string
	Page   Page
}

// PointReader is the part of Reader about points.
type PointReader interface {
	Points(ctx context.Context, s Scope, f PointFilter) ([]PointLine, string, error) // newest first
	// PointSums sums up a month by person, in the order of their ids.
	PointSums(ctx context.Context, s Scope, month string) ([]PointSum, error)
	PointsOfCase(ctx context.Context, caseID string) ([]PointLine, error)
	Appeals(ctx context.Context, s Scope, f PointFilter) ([]Appeal, string, error) // newest first
	Appeal(ctx context.Context, s Scope, id string) (Appeal, error)
}

// PointTx is the part of Tx about points.
type PointTx interface {
	AddPoint(PointLine) error
	SaveAppeal(Appeal) error // Conflict on Version, as with cameras
}
