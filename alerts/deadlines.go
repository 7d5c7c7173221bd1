package alerts

import (
	"context"
	"time"
)

// Deadline is a line of the editable table of deadlines: the most particular
// one that fits a case counts (category before severity).
type Deadline struct {
	Category string   // a code, for everything below it; empty: all
	Severity Severity // empty: all
	Step     Step     // the time in this step; empty: of the whole case
	Minutes  int      // working minutes, or minutes of the clock
	Around   bool     // 24 hours a day: emergencies do not wait for the morning
	Before   int      // minutes before the end at which it reminds; 0: none
	Every    int      // minutes between reminders after the end; 0: none
	Escalate bool     // when it ends the case goes up one level
}

// FirstResponse is the Step of the deadline until the first response, which
// starts when the report comes in.
const FirstResponse Step = "first_response"

// Calendar is the working time that deadlines are counted in.
type Calendar struct {
	Hours []Span         // of a working day, in order
	Days  []time.Weekday // of a normal week
	Moved map[string]Day // days that differ, by date as 2026-10-01
}

// Day says of one date that it is worked (调休) or not.
type Day struct {
	Work bool   `json:"work"`
	Name string `json:"name"` // "国庆节", "国庆节调休上班"
}

// Span is a part of a day in minutes from its start; To is after From.
type Span struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// DeadlineReader is the part of Reader about the rules. What was never stored is
// nil, the calendar one without hours.
type DeadlineReader interface {
	Deadlines(ctx context.Context) ([]Deadline, error)
	Calendar(ctx context.Context) (Calendar, error)
	Categories(ctx context.Context) ([]Category, error)
}

// DeadlineTx is the part of Tx about deadlines: each replaces the whole table.
type DeadlineTx interface {
	SaveDeadlines([]Deadline) error
	SaveCalendar(Calendar) error
	SaveCategories([]Category) error
}
