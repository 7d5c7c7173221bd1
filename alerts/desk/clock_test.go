package desk

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

// withRules is a desk that knows rules and nothing else.
func withRules(lines ...alerts.Deadline) (*Desk, *clock) {
	d := New(nil, nil)
	c := &clock{now: base}
	d.Clock = c.time
	d.known.book = newRuleBook(lines, autumn(), nil, town8)
	return d, c
}

func TestMostParticularDeadline(t *testing.T) {
	d, _ := withRules(
		alerts.Deadline{Step: alerts.StepFile, Minutes: 1},
		alerts.Deadline{Step: alerts.StepFile, Severity: alerts.Critical, Minutes: 2},
		alerts.Deadline{Step: alerts.StepFile, Category: "hazard", Minutes: 3},
		alerts.Deadline{Step: alerts.StepFile, Category: "hazard.gas", Severity: alerts.Critical, Minutes: 4},
		alerts.Deadline{Step: alerts.StepFile, Category: "hazard.gas", Minutes: 5},
		alerts.Deadline{Step: alerts.StepAssign, Category: "hazard", Minutes: 6},
	)
	for _, c := range []struct {
		category string
		severity alerts.Severity
		step     alerts.Step
		want     int // 0: none
	}{
		{"dispute.land", alerts.Low, alerts.StepFile, 1},
		{"dispute.land", alerts.Critical, alerts.StepFile, 2},
		{"hazard.fire", alerts.Critical, alerts.StepFile, 3}, // category before severity
		{"hazard.gas", alerts.Critical, alerts.StepFile, 4},
		{"hazard.gas.pipe", alerts.Critical, alerts.StepFile, 4},
		{"hazard.gas", alerts.Low, alerts.StepFile, 5},
		{"hazard.gasworks", alerts.Low, alerts.StepFile, 3}, // not below hazard.gas
		{"hazard", alerts.Low, alerts.StepAssign, 6},
		{"hazardous", alerts.Low, alerts.StepAssign, 0},
		{"hazard.gas", alerts.Low, alerts.StepHandle, 0},
		{"hazard.gas", alerts.Low, "", 0},
	} {
		l, _ := d.known.rules().deadline(&alerts.Case{Category: c.category, Severity: c.severity}, c.step)
		if l.Minutes != c.want {
			t.Errorf("%s, %s in %q: line %d, want %d", c.category, c.severity, c.step, l.Minutes, c.want)
		}
	}
}

// A pause stops the clock in working time; what was granted and paused stays
// with the step when the case is classed anew, and ends with it.
func TestPauseExtendReclass(t *testing.T) {
	d, c := withRules(
		alerts.Deadline{Step: alerts.StepHandle, Minutes: 960, Before: 120},
		alerts.Deadline{Step: alerts.StepHandle, Category: "facility.rubbish", Minutes: 240},
		alerts.Deadline{Minutes: 2400},
		alerts.Deadline{Step: alerts.StepFeedback, Minutes: 480},
	)
	due := func(k alerts.Case, doing, step, whole, next string) {
		t.Helper()
		for _, x := range []struct {
			name string
			got  time.Time
			want string
		}{{"step", k.DueAt, step}, {"case", k.CaseDueAt, whole}, {"next", k.NextAt, next}} {
			want := time.Time{}
			if x.want != "" {
				want = at(t, x.want)
			}
			if !x.got.Equal(want) {
				t.Errorf("%s: %s at %s, want %s", doing, x.name, x.got.In(town8), x.want)
			}
		}
	}
	now := at(t, "2026-11-24 09:00") // a Tuesday
	k := alerts.Case{Category: "facility.lamp", Step: alerts.StepHandle, StepAt: now, OpenedAt: now, RepliedAt: now}
	d.startClock(&k, now)
	due(k, "started", "2026-11-26 09:00", "2026-12-01 09:00", "2026-11-25 16:30")

	// From Tuesday 11:00 to Thursday 9:00 are 14 hours of work.
	d.pauseClock(&k, at(t, "2026-11-24 11:00"))
	due(k, "paused", "2026-11-26 09:00", "2026-12-01 09:00", "")
	if k.Late(at(t, "2027-01-01 00:00")) {
		t.Error("late while paused")
	}
	d.pauseClock(&k, at(t, "2026-11-24 17:00"))
	d.resumeClock(&k, at(t, "2026-11-26 09:00"))
	due(k, "resumed", "2026-11-27 16:30", "2026-12-02 16:30", "2026-11-27 14:30")
	if k.PausedFor != 14*time.Hour || !k.PausedAt.IsZero() {
		t.Errorf("paused for %v", k.PausedFor)
	}
	d.resumeClock(&k, at(t, "2026-11-26 10:00"))

	c.now = at(t, "2026-11-26 10:00")
	d.extendClock(&k, 1)
	due(k, "extended", "2026-11-30 16:30", "2026-12-03 16:30", "2026-11-30 14:30")
	if k.Extended != 8*time.Hour {
		t.Errorf("extended by %v", k.Extended)
	}

	before := k
	k.Category = "facility.rubbish"
	d.reclassClock(&k, before, c.now)
	due(k, "classed anew", "2026-11-27 11:00", "2026-12-03 16:30", "2026-11-27 11:00")

	d.pauseClock(&k, at(t, "2026-11-27 09:00"))
	k.Step, k.StepAt = alerts.StepFeedback, at(t, "2026-11-27 10:00")
	d.startClock(&k, k.StepAt)
	due(k, "the next step", "2026-11-30 10:00", "2026-12-03 17:30", "2026-11-30 10:00")
	if k.PausedFor != 0 || k.Extended != 0 || k.Reminded != 0 || !k.PausedAt.IsZero() {
		t.Errorf("the next step begins with %v paused, %v granted", k.PausedFor, k.Extended)
	}
	k.Step = alerts.StepClosed
	d.startClock(&k, at(t, "2026-11-27 11:00"))
	due(k, "closed", "", "2026-12-03 17:30", "")
}

// Around the clock, nights and weekends count.
func TestAroundTheClock(t *testing.T) {
	d, c := withRules(alerts.Deadline{Step: alerts.StepHandle, Minutes: 60, Around: true})
	now := at(t, "2026-11-28 23:30") // a Saturday
	k := alerts.Case{Step: alerts.StepHandle, StepAt: now, OpenedAt: now}
	d.startClock(&k, now)
	d.pauseClock(&k, now.Add(10*time.Minute))
	d.resumeClock(&k, now.Add(40*time.Minute))
	c.now = now.Add(40 * time.Minute)
	d.extendClock(&k, 2)
	if want := now.Add(90*time.Minute + 48*time.Hour); !k.DueAt.Equal(want) || k.PausedFor != 30*time.Minute {
		t.Errorf("due %s, want %s; paused for %v", k.DueAt, want, k.PausedFor)
	}
}

// A supervision has its own clock, that no pause stops; and a moment that came
// while nobody looked is not lost by a change of the case.
func TestSupervisionAndMissedMoments(t *testing.T) {
	d, _ := withRules(alerts.Deadline{Step: alerts.StepHandle, Minutes: 480})
	now := at(t, "2026-11-24 09:00")
	k := alerts.Case{Step: alerts.StepHandle, StepAt: now, OpenedAt: now}
	d.startClock(&k, now)
	k.Supervised = at(t, "2026-11-24 20:00")
	d.rescheduleClock(&k, now)
	if !k.NextAt.Equal(k.Supervised) { // the step has time until the next morning
		t.Errorf("next %s", k.NextAt)
	}
	d.pauseClock(&k, at(t, "2026-11-24 10:00"))
	if !k.NextAt.Equal(k.Supervised) {
		t.Errorf("paused: next %s", k.NextAt)
	}
	late := k.Supervised.Add(3 * time.Second)
	d.resumeClock(&k, late)
	if !k.NextAt.Equal(k.Supervised) {
		t.Errorf("the supervision that ran out is forgotten: next %s", k.NextAt)
	}
	b := d.known.rules()
	var told []clockKind
	for _, r := range b.clocks(&k) {
		if b.passed(r, k.NextAt, late) == runOut {
			told = append(told, r.kind)
		}
	}
	if len(told) != 1 || told[0] != pressClock {
		t.Errorf("told of %v", told)
	}
}

// Whenever the clocks are looked at, each end is told of once, and no moment
// comes twice.
func TestScheduleProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := alerts.Deadline{Step: alerts.StepHandle, Minutes: rapid.IntRange(1, 3000).Draw(r, "minutes"), Around: rapid.Bool().Draw(r, "around")}
		l.Before = rapid.IntRange(0, l.Minutes-1).Draw(r, "before")
		if rapid.Bool().Draw(r, "again") {
			l.Every = rapid.IntRange(5, 1000).Draw(r, "every")
		}
		d, _ := withRules(l, alerts.Deadline{Minutes: 4000})
		b := d.known.rules()
		now := base.Add(minutes(rapid.IntRange(0, 20000).Draw(r, "begin")))
		k := alerts.Case{Step: alerts.StepHandle, StepAt: now, OpenedAt: now}
		d.startClock(&k, now)
		var before, ends, wholes int
		for !k.NextAt.IsZero() {
			if !k.NextAt.After(now) {
				r.Fatalf("next %s is not after %s", k.NextAt, now)
			}
			now = k.NextAt
			if rapid.Bool().Draw(r, "late") {
				now = now.Add(minutes(rapid.IntRange(0, 3000).Draw(r, "by")))
			}
			since := k.NextAt
			b.scheduleAfter(&k, now)
			told := 0
			for _, x := range b.clocks(&k) {
				what := b.passed(x, since, now)
				if what != nothing {
					told++
				}
				switch {
				case x.kind == caseClock && what == runOut:
					wholes++
				case x.kind == stepClock && what == runOut:
					ends++
				case x.kind == stepClock && what == soon:
					before++
				case x.kind == stepClock && what == still && ends != 1:
					r.Fatalf("a reminder of what has not ended: %+v at %s", l, now)
				}
			}
			if told == 0 {
				r.Fatalf("%+v: nothing is told at %s", l, now)
			}
		}
		if ends != 1 || wholes != 1 || before > 1 {
			r.Fatalf("%+v: told %d times before, %d times at the end, %d times of the case", l, before, ends, wholes)
		}
	})
}
