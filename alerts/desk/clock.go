package desk

import (
	"time"

	"sharpeyes/alerts"
)

// maxReminders bounds the reminders after one end of time: from then on the
// case stands in the lists of what is overdue, which nothing takes it out of.
const maxReminders = 20

// clockKind names one of the clocks that run for a case.
type clockKind string

const (
	stepClock  clockKind = "step"
	caseClock  clockKind = "case"
	replyClock clockKind = "first_response"
	pressClock clockKind = "supervision"
)

// running is a clock that runs for a case: its end and the line it came from.
type running struct {
	kind clockKind
	due  time.Time
	line alerts.Deadline
}

// clocks returns the clocks that run for a case. Those of step and case stand
// still while it is paused.
func (b *ruleBook) clocks(c *alerts.Case) []running {
	if !c.Open() {
		return nil
	}
	var out []running
	if c.PausedAt.IsZero() {
		if !c.DueAt.IsZero() {
			l, _ := b.deadline(c, c.Step)
			out = append(out, running{stepClock, c.DueAt, l})
		}
		if !c.CaseDueAt.IsZero() {
			l, _ := b.deadline(c, "")
			out = append(out, running{caseClock, c.CaseDueAt, l})
		}
	}
	if c.RepliedAt.IsZero() && !c.ReplyDue.IsZero() {
		l, _ := b.deadline(c, alerts.FirstResponse)
		out = append(out, running{replyClock, c.ReplyDue, l})
	}
	if !c.Supervised.IsZero() {
		out = append(out, running{pressClock, c.Supervised, alerts.Deadline{}})
	}
	return out
}

// startClock sets the clock of the step that a case has just entered, by the
// deadlines as they are now. The times of the whole case and of the first
// response begin where they are not set yet: who reopens a case makes CaseDueAt
// zero before. A closed case has no clock; CaseDueAt stays, for it tells whether
// it was closed in time.
func (d *Desk) startClock(c *alerts.Case, now time.Time) {
	b := d.known.rules()
	b.resume(c, now) // a pause ends with its step
	c.DueAt, c.PausedFor, c.Extended, c.Reminded = time.Time{}, 0, 0, 0
	if !c.Open() {
		c.NextAt = time.Time{}
		return
	}
	begin := func(step alerts.Step) (end time.Time) {
		if l, ok := b.deadline(c, step); ok {
			end = b.add(l, now, minutes(l.Minutes))
		}
		return end
	}
	c.DueAt = begin(c.Step)
	if c.CaseDueAt.IsZero() {
		c.CaseDueAt = begin("")
	}
	if c.RepliedAt.IsZero() && c.ReplyDue.IsZero() {
		c.ReplyDue = begin(alerts.FirstResponse)
	}
	b.schedule(c, now)
}

// pauseClock stops the clocks of a case's step and of the whole case.
func (d *Desk) pauseClock(c *alerts.Case, now time.Time) {
	if c.PausedAt.IsZero() {
		c.PausedAt = now
	}
	d.known.rules().schedule(c, now)
}

// resumeClock has them run again, later by the time they stood.
func (d *Desk) resumeClock(c *alerts.Case, now time.Time) {
	b := d.known.rules()
	b.resume(c, now)
	b.schedule(c, now)
}

// extendClock grants a case's step, and with it the whole case, more working
// days; where its time runs around the clock, days.
func (d *Desk) extendClock(c *alerts.Case, days int) {
	b := d.known.rules()
	l, _ := b.deadline(c, c.Step)
	more := time.Duration(days) * b.work.day
	if l.Around {
		more = time.Duration(days) * 24 * time.Hour
	}
	c.Extended += more
	if !c.DueAt.IsZero() {
		c.DueAt = b.add(l, c.DueAt, more)
	}
	if whole, _ := b.deadline(c, ""); !c.CaseDueAt.IsZero() {
		c.CaseDueAt = b.add(whole, c.CaseDueAt, b.grant(whole, days))
	}
	b.schedule(c, d.now())
}

// reclassClock sets the clocks anew after a change of category or severity: from
// the same beginnings, with what was granted and paused. before is the case as
// it was.
func (d *Desk) reclassClock(c *alerts.Case, before alerts.Case, now time.Time) {
	b := d.known.rules()
	if !c.Open() {
		return
	}
	c.DueAt = time.Time{}
	if l, ok := b.deadline(c, c.Step); ok {
		c.DueAt = b.add(l, c.StepAt, minutes(l.Minutes)+c.Extended+c.PausedFor)
	}
	c.CaseDueAt = b.moved(&before, c, "", before.CaseDueAt)
	if c.RepliedAt.IsZero() {
		c.ReplyDue = b.moved(&before, c, alerts.FirstResponse, before.ReplyDue)
	}
	b.schedule(c, now)
}

// rescheduleClock sets when a case has to be looked at next, after a change of
// what is due: a supervision, an answer to one, a first response.
func (d *Desk) rescheduleClock(c *alerts.Case, now time.Time) { d.known.rules().schedule(c, now) }

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// grant is a number of days as a line counts them.
func (b *ruleBook) grant(l alerts.Deadline, days int) time.Duration {
	if l.Around {
		return time.Duration(days) * 24 * time.Hour
	}
	return time.Duration(days) * b.work.day
}

// moved is the end of a time by another line than that of the case before: it
// began when it did.
func (b *ruleBook) moved(before, after *alerts.Case, step alerts.Step, due time.Time) time.Time {
	l, ok := b.deadline(after, step)
	old, had := b.deadline(before, step)
	switch {
	case !ok:
		return time.Time{}
	case l == old && !due.IsZero():
		return due
	case !had || due.IsZero():
		return b.add(l, after.OpenedAt, minutes(l.Minutes))
	}
	return b.add(l, b.sub(old, due, minutes(old.Minutes)), minutes(l.Minutes))
}

// resume ends a pause: what was left of the times is left from now on.
func (b *ruleBook) resume(c *alerts.Case, now time.Time) {
	if c.PausedAt.IsZero() {
		return
	}
	l, _ := b.deadline(c, c.Step)
	stood := b.between(l, c.PausedAt, now)
	c.PausedFor += stood
	if !c.DueAt.IsZero() {
		c.DueAt = b.add(l, c.DueAt, stood)
	}
	if whole, _ := b.deadline(c, ""); !c.CaseDueAt.IsZero() {
		c.CaseDueAt = b.add(whole, c.CaseDueAt, b.between(whole, c.PausedAt, now))
	}
	c.PausedAt = time.Time{}
}

// schedule sets NextAt to the next moment of all clocks. A moment that has come
// and was not looked at yet stays the next one: whoever changes a case must not
// make its clock miss it.
func (b *ruleBook) schedule(c *alerts.Case, now time.Time) {
	from := now
	if !c.NextAt.IsZero() && !c.NextAt.After(now) {
		from = c.NextAt.Add(-time.Microsecond)
	}
	b.scheduleAfter(c, from)
}

func (b *ruleBook) scheduleAfter(c *alerts.Case, t time.Time) {
	c.NextAt = time.Time{}
	for _, r := range b.clocks(c) {
		if at := b.next(r, t); !at.IsZero() && (c.NextAt.IsZero() || at.Before(c.NextAt)) {
			c.NextAt = at
		}
	}
}

// next returns the first moment of a clock after t: the reminder before its
// end, the end, a reminder after it. Zero: none comes any more.
func (b *ruleBook) next(r running, t time.Time) time.Time {
	if r.line.Before > 0 {
		if at := b.sub(r.line, r.due, minutes(r.line.Before)); at.After(t) {
			return at
		}
	}
	if r.due.After(t) {
		return r.due
	}
	if r.line.Every <= 0 {
		return time.Time{}
	}
	every := minutes(r.line.Every)
	for n := b.between(r.line, r.due, t) / every; n <= maxReminders; n++ {
		if at := b.add(r.line, r.due, n*every); n > 0 && at.After(t) {
			return at
		}
	}
	return time.Time{}
}

// passing is what a clock has to say when a case is looked at.
type passing int

const (
	nothing passing = iota
	soon            // its end is near
	still           // its end has passed, and was told before
	runOut          // its end has come
)

// passed tells what of a clock has come to pass from since to now, both
// included. Several moments count as the gravest of them: after a long stop, or
// a clock that was put forward, a case is told of once.
func (b *ruleBook) passed(r running, since, now time.Time) passing {
	since = since.Add(-time.Microsecond)
	switch first := b.next(r, since); {
	case first.IsZero() || first.After(now):
		return nothing
	case r.due.After(since) && !r.due.After(now):
		return runOut
	case r.due.After(now):
		return soon
	}
	return still
}
