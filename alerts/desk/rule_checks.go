package desk

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Bounds of the rules.
const (
	maxDeadlines  = 1000
	maxCategories = 2000
	maxMoved      = 2000
	maxSpans      = 6
	maxMinutes    = 365 * 24 * 60
	minEvery      = 5 // minutes between reminders
)

var categoryPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}(\.[a-z0-9_]{1,32}){0,3}$`)

// deadlines checks a table of deadlines, all but whether its categories exist.
func (f *faults) deadlines(views []DeadlineView) []alerts.Deadline {
	if len(views) > maxDeadlines {
		f.add("items", "has %d lines, at most %d are taken", len(views), maxDeadlines)
		return nil
	}
	type key struct {
		category string
		severity alerts.Severity
		step     string
	}
	seen := make(map[key]int)
	out := make([]alerts.Deadline, 0, len(views))
	for i, v := range views {
		at := func(field string) string { return fmt.Sprintf("items[%d].%s", i, field) }
		k := key{v.Category, v.Severity, v.Step}
		if first, twice := seen[k]; twice {
			f.add(at("step"), "items[%d] is for the same category, severity and step: one of them must go", first)
		} else {
			seen[k] = i
		}
		if v.Severity != "" {
			f.oneOf(at("severity"), string(v.Severity), severityNames()...)
		}
		f.oneOf(at("step"), v.Step, "report", "file", "assign", "handle", "feedback", wholeCase, string(alerts.FirstResponse))
		if v.Minutes < 1 || v.Minutes > maxMinutes {
			f.add(at("minutes"), "must be 1 to %d", maxMinutes)
		}
		if v.Before < 0 || v.Before > 0 && v.Before >= v.Minutes {
			f.add(at("before"), "must be 0, or less than minutes: a reminder comes before the end")
		}
		if v.Every != 0 && (v.Every < minEvery || v.Every > maxMinutes) {
			f.add(at("every"), "must be 0, or %d to %d", minEvery, maxMinutes)
		}
		step := alerts.Step(v.Step)
		if v.Escalate && step != alerts.StepReport && step != alerts.StepFile && step != alerts.FirstResponse {
			f.add(at("escalate"), "is possible for report, file and first_response: a case that was dispatched stays with the centre that did")
		}
		if v.Step == wholeCase {
			step = ""
		}
		out = append(out, alerts.Deadline{Category: v.Category, Severity: v.Severity, Step: step, Minutes: v.Minutes, Around: v.Around,
			Before: v.Before, Every: v.Every, Escalate: v.Escalate})
	}
	return out
}

// knownCategories checks that the categories of deadlines exist.
func (f *faults) knownCategories(lines []alerts.Deadline, b *ruleBook) {
	for i, l := range lines {
		if _, ok := b.byCode[l.Category]; !ok && l.Category != "" {
			f.add(fmt.Sprintf("items[%d].category", i), "there is no category %q: add it first, or correct the code", l.Category)
		}
	}
}

// calendar checks a calendar.
func (f *faults) calendar(v CalendarView) alerts.Calendar {
	c := alerts.Calendar{Moved: make(map[string]alerts.Day, len(v.Moved))}
	if len(v.Hours) < 1 || len(v.Hours) > maxSpans {
		f.add("hours", "must be 1 to %d spans", maxSpans)
		return c
	}
	end := 0
	for i, s := range v.Hours {
		at := func(field string) string { return fmt.Sprintf("hours[%d].%s", i, field) }
		span := alerts.Span{From: f.timeOfDay(at("from"), s.From), To: f.timeOfDay(at("to"), s.To)}
		switch {
		case span.From < 0 || span.To < 0:
			continue
		case span.From < end:
			f.add(at("from"), "must not be before the end of the span before")
		case span.To <= span.From:
			f.add(at("to"), "must be after from: work over midnight is written as two spans")
		}
		end = span.To
		c.Hours = append(c.Hours, span)
	}
	if len(v.Days) == 0 {
		f.add("days", "must name one working day at the least")
	}
	worked := make(map[time.Weekday]bool)
	for i, name := range v.Days {
		field := fmt.Sprintf("days[%d]", i)
		day, ok := weekday(name)
		switch {
		case !ok:
			f.add(field, "must be monday, tuesday, wednesday, thursday, friday, saturday or sunday")
		case worked[day]:
			f.add(field, "is named twice")
		}
		worked[day] = true
		c.Days = append(c.Days, day)
	}
	if len(v.Moved) > maxMoved {
		f.add("moved", "has %d days, at most %d are taken", len(v.Moved), maxMoved)
		return c
	}
	for i, m := range v.Moved {
		at := func(field string) string { return fmt.Sprintf("moved[%d].%s", i, field) }
		d, err := time.Parse(time.DateOnly, m.Date)
		if _, twice := c.Moved[m.Date]; twice {
			f.add(at("date"), "comes twice")
		} else if err != nil || d.Year() < 2000 || d.Year() > 2100 {
			f.add(at("date"), "must be a date such as 2026-10-01")
		}
		c.Moved[m.Date] = alerts.Day{Work: m.Work, Name: f.line(at("name"), m.Name, false, 50)}
	}
	return c
}

// timeOfDay takes a time as 08:30; -1 where it is none.
func (f *faults) timeOfDay(field, s string) int {
	if s == "24:00" {
		return 24 * 60
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		f.add(field, "must be a time such as 08:30")
		return -1
	}
	return t.Hour()*60 + t.Minute()
}

func weekday(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == name {
			return d, true
		}
	}
	return 0, false
}

// categories checks a tree of categories: each after the one above it.
func (f *faults) categories(list []alerts.Category) []alerts.Category {
	if len(list) < 1 || len(list) > maxCategories {
		f.add("items", "must be 1 to %d categories", maxCategories)
		return nil
	}
	seen := make(map[string]bool)
	open := false
	out := make([]alerts.Category, len(list))
	for i, c := range list {
		at := func(field string) string { return fmt.Sprintf("items[%d].%s", i, field) }
		f.pattern(at("code"), c.Code, categoryPattern, "1 to 4 parts of a-z, 0-9, underscore with dots between them")
		if up := parentCode(c.Code); up != "" && !seen[up] {
			f.add(at("code"), "comes before %q, which is above it: put that first", up)
		}
		if seen[c.Code] {
			f.add(at("code"), "is taken by another category of the list")
		}
		seen[c.Code] = true
		c.Name = f.line(at("name"), c.Name, true, 50)
		c.NameEn = f.line(at("name_en"), c.NameEn, false, 100)
		f.oneOf(at("group"), c.Group, "hazard", "dispute", "facility", "opinion")
		f.oneOf(at("severity"), string(c.Severity), severityNames()...)
		if c.Near < 0 || c.Near > 10000 {
			f.add(at("near_m"), "must be 0 to 10000")
		}
		open = open || !c.Closed
		out[i] = c
	}
	if !open {
		f.add("items", "must hold one category that is open at the least")
	}
	return out
}
