package alerts

import (
	"context"
	"time"
)

// Verdict is what a review of an emergency access came to.
type Verdict string

// The verdicts.
const (
	Confirmed Verdict = "confirmed" // it was called for
	Objected  Verdict = "objected"  // it was not
)

// Emergency is emergency access (紧急调阅, "break glass"): an officer or leader has
// taken, for a reason and a bounded time, the reading of an area that is not his.
// It is granted at once, told to those whose area it is and to those above, ends
// by itself, and is reviewed by somebody else. It is never removed.
type Emergency struct {
	ID       string
	UserID   string // who took it
	UserName string // as of then
	Role     Role   // as of then
	HomeID   string // area of his own centre then
	AreaID   string // what he may read, with everything below it
	AreaPath string // filled by the store
	Reason   string
	At       time.Time
	Until    time.Time
	EndedAt  time.Time // ended before its time; zero: it was not
	EndedBy  string    // id of who did

	Verdict      Verdict // empty: not reviewed yet
	Review       string  // in the reviewer's words
	ReviewedBy   string
	ReviewerName string // as of then
	ReviewedAt   time.Time
	Version      int64
}

// End is when it ends, or has ended.
func (e *Emergency) End() time.Time {
	if !e.EndedAt.IsZero() && e.EndedAt.Before(e.Until) {
		return e.EndedAt
	}
	return e.Until
}

// Runs tells whether it opens its area at a moment.
func (e *Emergency) Runs(now time.Time) bool { return !e.At.After(now) && now.Before(e.End()) }

// EmergencyFilter narrows a list of emergency accesses; zero fields do not.
type EmergencyFilter struct {
	AreaID     string // with everything below it
	UserID     string
	RunningAt  time.Time
	Unreviewed bool
	Page       Page
}

// EmergencyReader is the part of Reader about emergency access. What a caller has
// taken himself is in his sight, wherever it lies.
type EmergencyReader interface {
	Emergency(ctx context.Context, s Scope, id string) (Emergency, error)
	Emergencies(ctx context.Context, s Scope, f EmergencyFilter) ([]Emergency, string, error) // newest first
	// EmergenciesOf lists those of a user that may run at a moment or later.
	EmergenciesOf(ctx context.Context, userID string, now time.Time) ([]Emergency, error)
}

// EmergencyTx is the part of Tx about emergency access.
type EmergencyTx interface {
	SaveEmergency(Emergency) error // Conflict on Version, as with cameras
}
