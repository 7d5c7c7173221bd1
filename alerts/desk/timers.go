package desk

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"sharpeyes/alerts"
)

// Timing.
const (
	timerPeriod = 5 * time.Second // between looks at the clocks
	timerBatch  = 16              // cases in one transaction: others' writes wait for it
	timerPause  = time.Minute     // after which a case that could not be saved is tried again
	maxFailures = 1000            // cases that are left alone for now

	clockJump = time.Minute     // by which the wall clock runs ahead before it counts as put forward
	clockHold = 2 * time.Minute // for which nothing is done then: time to put it right
)

// StartTimers looks at the clocks of cases from now on, until Close. Several
// nodes may do so at once: a case is looked at inside the transaction, and what
// one has done the others find done. All state is in the store (NextAt), so
// that a restart forgets nothing and tells nothing twice. report gets what went
// wrong; the next look tries again.
func (d *Desk) StartTimers(report func(error)) {
	ctx, cancel := context.WithCancel(context.Background())
	before := d.cancel
	d.cancel = func() { before(); cancel() }
	d.following.Go(func() {
		tick := time.NewTicker(timerPeriod)
		defer tick.Stop()
		start := time.Now()
		var (
			steady steadiness
			tried  = make(failures)
		)
		for {
			if ahead, hold := steady.check(d.now(), time.Since(start)); ahead > 0 {
				report(fmt.Errorf("the wall clock was put forward by %v: deadlines are looked at again in %v", ahead, clockHold))
			} else if !hold {
				if _, err := d.lookAtClocks(ctx, tried); err != nil && ctx.Err() == nil {
					report(err)
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// steadiness tells a wall clock that was put forward from one that runs.
type steadiness struct {
	wall time.Time
	mono time.Duration
	hold time.Duration // until when nothing is done
}

// check takes the wall clock's time and a steady clock's. ahead is how far the
// wall clock was put forward since the last call; hold says that this was not
// long ago.
func (s *steadiness) check(wall time.Time, mono time.Duration) (ahead time.Duration, hold bool) {
	if !s.wall.IsZero() {
		if ahead = wall.Sub(s.wall) - (mono - s.mono); ahead < clockJump {
			ahead = 0
		} else {
			s.hold = mono + clockHold
		}
	}
	s.wall, s.mono = wall, mono
	return ahead, mono < s.hold
}

// failures are the cases that could not be saved, and until when they are left
// alone, so that they do not keep the others waiting.
type failures map[string]time.Time

// lookAtClocks tells of everything that is due, the earliest first, and returns
// of how many cases.
func (d *Desk) lookAtClocks(ctx context.Context, tried failures) (int, error) {
	var problems error // the last one
	done := 0
	for ctx.Err() == nil {
		now := d.now()
		maps.DeleteFunc(tried, func(_ string, until time.Time) bool { return !now.Before(until) })
		due, err := d.store.CasesDue(ctx, now, timerBatch+len(tried))
		if err != nil {
			return done, fmt.Errorf("desk: cases that are due: %w", err)
		}
		var batch []string
		for _, k := range due {
			if _, failed := tried[k.ID]; !failed && len(batch) < timerBatch {
				batch = append(batch, k.ID)
			}
		}
		if len(batch) == 0 {
			break
		}
		err = d.ring(ctx, batch...)
		if err == nil {
			done += len(batch)
			continue
		}
		if alerts.KindOf(err) == alerts.Unavailable || ctx.Err() != nil {
			return done, err
		}
		for _, id := range batch { // one of them spoils it for all
			if err := d.ring(ctx, id); err != nil {
				problems = fmt.Errorf("desk: clock of case %s: %w", id, err)
				if tried[id] = now.Add(timerPause); len(tried) > maxFailures {
					return done, problems // something is wrong with more than a case
				}
				continue
			}
			done++
		}
	}
	return done, problems
}

// ring looks at the clocks of some cases in one transaction.
func (d *Desk) ring(ctx context.Context, ids ...string) error {
	return d.write(ctx, func(c *change) error {
		for _, id := range ids {
			k, err := c.Case(ctx, alerts.System(), id)
			if err != nil {
				return err
			}
			if k.NextAt.IsZero() || k.NextAt.After(c.now) {
				continue // somebody was faster
			}
			if err := d.tellTime(ctx, c, &k); err != nil {
				return err
			}
		}
		return nil
	})
}

// tellTime makes the moves of a case whose clock has come to something.
func (d *Desk) tellTime(ctx context.Context, c *change, k *alerts.Case) error {
	b := d.known.rules()
	since := k.NextAt
	running := b.clocks(k)
	b.scheduleAfter(k, c.now) // what was looked at is not the next moment any more
	told, up := false, ""
	for _, r := range running {
		what := b.passed(r, since, c.now)
		if what == nothing {
			continue
		}
		in, details := MoveInput{Action: alerts.ActRemind}, b.timeDetails(r, c.now)
		if what == runOut {
			in.Action = alerts.ActOverdue
		}
		k.Reminded++
		if err := d.systemMove(ctx, c, k, in, details); err != nil {
			return err
		}
		told = true
		if what == runOut && r.line.Escalate && up == "" {
			up = "the time of " + string(r.kind) + " has run out"
			if r.kind == stepClock {
				up = "the time of the step " + string(k.Step) + " has run out"
			}
		}
	}
	if !told {
		return c.SaveCase(*k) // the rules have changed since: nothing to tell, but a next moment
	}
	_, higher := d.known.places().parentOf(k.HolderID)
	if up == "" || !higher || k.Step != alerts.StepReport && k.Step != alerts.StepFile {
		return nil
	}
	return d.systemMove(ctx, c, k, MoveInput{Action: alerts.ActEscalate, Reason: up}, map[string]string{"by": "clock"})
}

// timeDetails says which clock a move of the system is about.
func (b *ruleBook) timeDetails(r running, now time.Time) map[string]string {
	out := map[string]string{"clock": string(r.kind), "due": r.due.UTC().Format(time.RFC3339)}
	if now.Before(r.due) {
		out["minutes_left"] = strconv.Itoa(int(b.between(r.line, now, r.due) / time.Minute))
	} else {
		out["minutes_over"] = strconv.Itoa(int(b.between(r.line, r.due, now) / time.Minute))
	}
	return out
}
