package desk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sharpeyes/alerts"
)

// Bounds and defaults of plans of recording.
const (
	defaultBefore = 30 // seconds
	defaultAfter  = 60
	maxBefore     = 300 // what has to be kept in case something happens
	maxAfter      = 3600
	maxTimes      = 32
)

// RecordView is what of a camera is recorded.
type RecordView struct {
	Mode     alerts.RecordMode   `json:"mode" enum:"off,always,schedule,events" doc:"When: never, always, within schedule, around alarms and cases"`
	Profiles []string            `json:"profiles" nullable:"false" enum:"main,sub" doc:"Which streams"`
	Schedule []alerts.RecordTime `json:"schedule,omitempty" doc:"When, with the mode schedule"`
	Before   int                 `json:"before_s" doc:"Seconds kept before an alarm or case, with the mode events"`
	After    int                 `json:"after_s" doc:"Seconds kept after it"`
	Bytes    int64               `json:"bytes,omitempty" doc:"Most bytes that are kept of the camera; absent: no limit of its own"`
}

// RecordInput changes what of a camera is recorded; nil fields stay, of a new
// camera they take the defaults. How long it is kept is retention_days.
type RecordInput struct {
	Mode     *alerts.RecordMode   `json:"mode,omitempty" enum:"off,always,schedule,events" doc:"When: never (default), always, within schedule, or around alarms and cases alone"`
	Profiles *[]string            `json:"profiles,omitempty" nullable:"false" enum:"main,sub" doc:"Which streams: main (default), sub or both"`
	Schedule *[]alerts.RecordTime `json:"schedule,omitempty" nullable:"false" doc:"When, with the mode schedule; at most 32 times"`
	Before   *int                 `json:"before_s,omitempty" doc:"Seconds kept before an alarm or case, 0 to 300; 30 by default"`
	After    *int                 `json:"after_s,omitempty" doc:"Seconds kept after it, 0 to 3600; 60 by default"`
	Bytes    *int64               `json:"bytes,omitempty" doc:"Most bytes that are kept of the camera, 0: no limit of its own; must be 0 for class 1"`
}

func recordView(p alerts.RecordPlan) RecordView {
	defaultPlan(&p)
	return RecordView{Mode: p.Mode, Profiles: p.Profiles, Schedule: p.Schedule, Before: p.Before, After: p.After, Bytes: p.Bytes}
}

func defaultPlan(p *alerts.RecordPlan) {
	if p.Mode == "" {
		*p = alerts.RecordPlan{Mode: alerts.RecordOff, Profiles: []string{"main"}, Before: defaultBefore, After: defaultAfter}
	}
}

// plan applies a change to a plan and checks what comes of it.
func (f *faults) plan(p *alerts.RecordPlan, in *RecordInput) {
	defaultPlan(p)
	if in == nil {
		return
	}
	set(&p.Mode, in.Mode)
	set(&p.Profiles, in.Profiles)
	set(&p.Schedule, in.Schedule)
	set(&p.Before, in.Before)
	set(&p.After, in.After)
	set(&p.Bytes, in.Bytes)
	f.oneOf("record.mode", string(p.Mode), string(alerts.RecordOff), string(alerts.RecordAlways), string(alerts.RecordSchedule), string(alerts.RecordEvents))
	p.Profiles = slices.Compact(slices.Sorted(slices.Values(p.Profiles)))
	if len(p.Profiles) == 0 || slices.ContainsFunc(p.Profiles, func(s string) bool { return s != "main" && s != "sub" }) {
		f.add("record.profiles", "must be main, sub or both")
	}
	f.between("record.before_s", float64(p.Before), 0, maxBefore)
	f.between("record.after_s", float64(p.After), 0, maxAfter)
	if p.Bytes < 0 {
		f.add("record.bytes", "must not be negative; 0: no limit of its own")
	}
	f.schedule(p)
}

func (f *faults) schedule(p *alerts.RecordPlan) {
	if len(p.Schedule) == 0 {
		p.Schedule = nil
		if p.Mode == alerts.RecordSchedule {
			f.add("record.schedule", "must say when, such as days 1 to 5 from 08:00 to 18:00")
		}
		return
	}
	if len(p.Schedule) > maxTimes {
		f.add("record.schedule", "may have %d times at the most", maxTimes)
		return
	}
	p.Schedule = slices.Clone(p.Schedule)
	for i := range p.Schedule {
		t := &p.Schedule[i]
		name := fmt.Sprintf("record.schedule[%d].", i)
		t.Days = slices.Compact(slices.Sorted(slices.Values(t.Days)))
		if len(t.Days) == 0 || t.Days[0] < 1 || t.Days[len(t.Days)-1] > 7 {
			f.add(name+"days", "must be days of the week, 1 (Monday) to 7 (Sunday)")
		}
		if from, ok := alerts.MinuteOfDay(t.From); !ok || from == 24*60 {
			f.add(name+"from", "must be a time such as 08:00")
		}
		if _, ok := alerts.MinuteOfDay(t.To); !ok {
			f.add(name+"to", "must be a time such as 18:00, 24:00 at the most")
		}
	}
}

func recordingOf(c alerts.Camera) Recording {
	p := c.Record
	defaultPlan(&p)
	return Recording{Record: p, Class: c.Class, Retention: c.Retention}
}

// planWords is a plan as the audit tells it.
func planWords(p alerts.RecordPlan) string {
	if p.Mode == "" || p.Mode == alerts.RecordOff {
		return ""
	}
	out := string(p.Mode) + " " + strings.Join(p.Profiles, "+")
	switch p.Mode {
	case alerts.RecordSchedule:
		out += " " + scheduleText(p.Schedule)
	case alerts.RecordEvents:
		out += fmt.Sprintf(" %d s before, %d s after", p.Before, p.After)
	}
	if p.Bytes > 0 {
		out += fmt.Sprintf(", %d bytes", p.Bytes)
	}
	return out
}

// scheduleText writes a schedule into one cell: "1-5 08:00-18:00; 6,7 22:00-06:00".
func scheduleText(times []alerts.RecordTime) string {
	var out []string
	for _, t := range times {
		out = append(out, daysText(t.Days)+" "+t.From+"-"+t.To)
	}
	return strings.Join(out, "; ")
}

func daysText(days []int) string {
	var parts []string
	for i := 0; i < len(days); {
		j := i
		for j+1 < len(days) && days[j+1] == days[j]+1 {
			j++
		}
		switch {
		case j > i+1:
			parts = append(parts, strconv.Itoa(days[i])+"-"+strconv.Itoa(days[j]))
			i = j + 1
		default:
			parts = append(parts, strconv.Itoa(days[i]))
			i++
		}
	}
	return strings.Join(parts, ",")
}

// scheduleOf reads what scheduleText writes.
func scheduleOf(text string) (times []alerts.RecordTime, ok bool) {
	if len(text) > 2000 {
		return nil, false
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '；' }) {
		days, span, found := strings.Cut(strings.TrimSpace(part), " ")
		from, to, found2 := strings.Cut(strings.TrimSpace(span), "-")
		list, ok := daysOf(days)
		if !found || !found2 || !ok {
			return nil, false
		}
		times = append(times, alerts.RecordTime{Days: list, From: from, To: to})
	}
	return times, true
}

func daysOf(text string) (days []int, ok bool) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, span := strings.Cut(part, "-")
		a, err := strconv.Atoi(first)
		b := a
		if span && err == nil {
			b, err = strconv.Atoi(last)
		}
		if err != nil || a < 1 || b > 7 || b < a {
			return nil, false
		}
		for d := a; d <= b; d++ {
			days = append(days, d)
		}
	}
	return days, true
}
