package desk

import (
	"time"

	"sharpeyes/alerts"
)

// horizon bounds a walk through the days: a calendar without working time ends
// there instead of never.
const horizon = 20 * 366

// workTime is a calendar made ready for counting. It never changes.
//
// Working time runs inside the spans of working days alone. The end of a time
// is the first moment at which it is over, so that four hours begun at nine on
// a day that closes at one end at one, not on the next morning.
type workTime struct {
	zone  *time.Location
	spans []alerts.Span
	week  [7]bool
	moved map[int64]bool // by the number of the day since 1970
	day   time.Duration  // of one working day
}

func newWorkTime(c alerts.Calendar, zone *time.Location) *workTime {
	w := &workTime{zone: zone, spans: c.Hours, moved: make(map[int64]bool, len(c.Moved))}
	for _, s := range c.Hours {
		w.day += time.Duration(s.To-s.From) * time.Minute
	}
	for _, d := range c.Days {
		if d >= time.Sunday && d <= time.Saturday {
			w.week[d] = true
		}
	}
	for date, m := range c.Moved {
		if t, err := time.Parse(time.DateOnly, date); err == nil {
			w.moved[t.Unix()/86400] = m.Work
		}
	}
	return w
}

// dayOf numbers the day that a moment lies in, in the zone.
func (w *workTime) dayOf(t time.Time) int64 {
	y, m, d := t.In(w.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// worked tells whether a day is worked: as moved (调休), else as in every week.
func (w *workTime) worked(day int64) bool {
	if work, ok := w.moved[day]; ok {
		return work
	}
	return w.week[((day+int64(time.Thursday))%7+7)%7] // 1970 began on a Thursday
}

// span returns the moments between which a span of a day lies.
func (w *workTime) span(day int64, s alerts.Span) (from, to time.Time) {
	at := func(minutes int) time.Time { return time.Date(1970, 1, 1+int(day), 0, minutes, 0, 0, w.zone) }
	return at(s.From), at(s.To)
}

// add returns the first moment from t on by which d of working time is over.
func (w *workTime) add(t time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return t
	}
	first := w.dayOf(t)
	for day := first; day < first+horizon; day++ {
		if !w.worked(day) {
			continue
		}
		for _, s := range w.spans {
			from, to := w.span(day, s)
			if from.Before(t) {
				from = t
			}
			switch left := to.Sub(from); {
			case left <= 0:
			case left >= d:
				return from.Add(d).UTC()
			default:
				d -= left
			}
		}
	}
	return t.AddDate(0, 0, horizon)
}

// sub returns the last moment up to t from which d of working time is over by t.
func (w *workTime) sub(t time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return t
	}
	last := w.dayOf(t)
	for day := last; day > last-horizon; day-- {
		if !w.worked(day) {
			continue
		}
		for i := len(w.spans) - 1; i >= 0; i-- {
			from, to := w.span(day, w.spans[i])
			if to.After(t) {
				to = t
			}
			switch left := to.Sub(from); {
			case left <= 0:
			case left >= d:
				return to.Add(-d).UTC()
			default:
				d -= left
			}
		}
	}
	return t.AddDate(0, 0, -horizon)
}

// between returns the working time from a to b; none where b is not after a.
func (w *workTime) between(a, b time.Time) time.Duration {
	var sum time.Duration
	for day, last := w.dayOf(a), w.dayOf(b); day <= last; day++ {
		if !w.worked(day) {
			continue
		}
		for _, s := range w.spans {
			from, to := w.span(day, s)
			if from.Before(a) {
				from = a
			}
			if to.After(b) {
				to = b
			}
			if left := to.Sub(from); left > 0 {
				sum += left
			}
		}
	}
	return sum
}
