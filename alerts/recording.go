package alerts

import "time"

// RecordMode says when a camera is recorded.
type RecordMode string

// The modes; the empty one is RecordOff.
const (
	RecordOff      RecordMode = "off"
	RecordAlways   RecordMode = "always"
	RecordSchedule RecordMode = "schedule" // within RecordPlan.Schedule
	RecordEvents   RecordMode = "events"   // around alarms and cases
)

// RecordPlan says what of a camera is recorded. How long it is kept is
// Camera.Retention.
type RecordPlan struct {
	Mode     RecordMode   `json:"mode"`
	Profiles []string     `json:"profiles,omitempty"` // "main", "sub" or both, in this order
	Schedule []RecordTime `json:"schedule,omitempty"`
	Before   int          `json:"before,omitempty"` // seconds kept before an event
	After    int          `json:"after,omitempty"`  // and after it
	Bytes    int64        `json:"bytes,omitempty"`  // most that is kept; 0: no limit of its own
}

// RecordTime is a part of each of some days of the week.
type RecordTime struct {
	Days []int  `json:"days" doc:"Days of the week, 1 Monday to 7 Sunday"`
	From string `json:"from" doc:"HH:MM in the town's time" example:"08:00"`
	To   string `json:"to" doc:"HH:MM, 24:00 at the most; not after from: on the next day" example:"18:00"`
}

// Wants tells whether the plan wants recording at a moment, whose location is
// the town's; with events only always, since what was before one has to be there.
func (p RecordPlan) Wants(at time.Time) bool {
	switch p.Mode {
	case RecordAlways, RecordEvents:
		return true
	case RecordSchedule:
		for _, t := range p.Schedule {
			if t.holds(at) {
				return true
			}
		}
	}
	return false
}

func (t RecordTime) holds(at time.Time) bool {
	from, ok := MinuteOfDay(t.From)
	to, ok2 := MinuteOfDay(t.To)
	if !ok || !ok2 {
		return false
	}
	minute, day := at.Hour()*60+at.Minute(), (int(at.Weekday())+6)%7+1
	before := (day+5)%7 + 1
	for _, d := range t.Days {
		switch {
		case from < to && d == day && minute >= from && minute < to,
			from >= to && d == day && minute >= from,
			from >= to && d == before && minute < to:
			return true
		}
	}
	return false
}

// MinuteOfDay reads HH:MM, up to 24:00.
func MinuteOfDay(s string) (minutes int, ok bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range [...]int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return h*60 + m, m < 60 && h*60+m <= 24*60
}
