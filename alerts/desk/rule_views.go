package desk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// wholeCase is how the step of a deadline of the whole case is written.
const wholeCase = "case"

// DeadlineView is a line of the table of deadlines. The most particular line
// that fits a case counts, category before severity.
type DeadlineView struct {
	Category string          `json:"category,omitempty" maxLength:"64" doc:"Code of a category, with everything below it; absent: all"`
	Severity alerts.Severity `json:"severity,omitempty" enum:"critical,high,medium,low" doc:"Severity; absent: all"`
	Step     string          `json:"step" enum:"report,file,assign,handle,feedback,case,first_response" doc:"Step whose time it is; case: of the whole case; first_response: until the first response to the report"`
	Minutes  int             `json:"minutes" doc:"Working minutes, or minutes of the clock, 1 to 525600"`
	Around   bool            `json:"around,omitempty" doc:"Minutes count around the clock: emergencies do not wait for the morning"`
	Before   int             `json:"before,omitempty" doc:"Minutes before the end at which it reminds; 0: it does not"`
	Every    int             `json:"every,omitempty" doc:"Minutes between reminders after the end; 0: none"`
	Escalate bool            `json:"escalate,omitempty" doc:"When it ends the case goes up one level; of report, file and first_response"`
}

// CalendarView is the working time that deadlines are counted in.
type CalendarView struct {
	Hours []SpanView  `json:"hours" nullable:"false" maxItems:"6" doc:"Working hours of a day, in order"`
	Days  []string    `json:"days" nullable:"false" maxItems:"7" doc:"Working days of a normal week: monday to sunday"`
	Moved []MovedView `json:"moved" nullable:"false" maxItems:"2000" doc:"Days that differ: holidays, and working days moved to a weekend (调休)"`
}

// SpanView is a part of a day.
type SpanView struct {
	From string `json:"from" doc:"Begin" example:"08:30"`
	To   string `json:"to" doc:"End, up to 24:00" example:"12:00"`
}

// MovedView is a day that differs from those of a normal week.
type MovedView struct {
	Date string `json:"date" doc:"Date" example:"2026-10-01"`
	Work bool   `json:"work" doc:"True: it is worked"`
	Name string `json:"name,omitempty" doc:"What it is" example:"国庆节"`
}

// ReadDeadlines reads a table of deadlines from a JSON document
// {"comment", "items"}, as it is shipped.
func ReadDeadlines(b []byte) ([]alerts.Deadline, error) {
	var doc struct {
		Items []DeadlineView `json:"items"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("desk: deadlines: %w", err)
	}
	var f faults
	lines := f.deadlines(doc.Items)
	return lines, f.err()
}

// ReadCalendar reads a calendar from a JSON document, as it is shipped.
func ReadCalendar(b []byte) (alerts.Calendar, error) {
	var doc CalendarView
	if err := json.Unmarshal(b, &doc); err != nil {
		return alerts.Calendar{}, fmt.Errorf("desk: calendar: %w", err)
	}
	var f faults
	c := f.calendar(doc)
	return c, f.err()
}

func deadlineViews(lines []alerts.Deadline) []DeadlineView {
	return mapped(lines, func(l alerts.Deadline) DeadlineView {
		return DeadlineView{Category: l.Category, Severity: l.Severity, Step: cmp.Or(string(l.Step), wholeCase), Minutes: l.Minutes,
			Around: l.Around, Before: l.Before, Every: l.Every, Escalate: l.Escalate}
	})
}

func calendarView(c alerts.Calendar) CalendarView {
	clock := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }
	v := CalendarView{Moved: []MovedView{},
		Hours: mapped(c.Hours, func(s alerts.Span) SpanView { return SpanView{From: clock(s.From), To: clock(s.To)} }),
		Days:  mapped(c.Days, func(d time.Weekday) string { return strings.ToLower(d.String()) })}
	for _, date := range slices.Sorted(maps.Keys(c.Moved)) {
		v.Moved = append(v.Moved, MovedView{Date: date, Work: c.Moved[date].Work, Name: c.Moved[date].Name})
	}
	return v
}
