package alerts

import (
	"context"
	"time"
)

// Shift is a line of a centre's duty roster (值班表): who is on duty from when
// to when.
type Shift struct {
	ID       string
	AreaID   string // whose centre
	AreaPath string // filled by the store
	UserID   string
	From     time.Time
	To       time.Time // after From
	Lead     bool      // 带班领导: leads the shift
	Note     string
	Version  int64
}

// ShiftReader is the part of Reader about duty rosters.
type ShiftReader interface {
	// Shifts lists the shifts of an area's centre, without what is below, that
	// overlap a half-open span, in the order of their start; at most 1,000.
	Shifts(ctx context.Context, s Scope, areaID string, from, to time.Time) ([]Shift, error)
	Shift(ctx context.Context, s Scope, id string) (Shift, error)
}

// ShiftTx is the part of Tx about duty rosters.
type ShiftTx interface {
	SaveShift(Shift) error // Conflict on Version, as with cameras
	RemoveShift(id string) error
}
