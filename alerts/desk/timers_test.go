package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/pgtest"
)

// rule replaces the deadlines of an office.
func (o *office) rule(t testing.TB, lines ...DeadlineView) {
	t.Helper()
	ok[[]DeadlineView](t)(o.ChangeDeadlines(context.Background(), as(alerts.Admin, "city"), "", lines))
}

// look has the clocks looked at now, and returns of how many cases it told.
func (o *office) look(t testing.TB) int {
	t.Helper()
	return ok[int](t)(o.lookAtClocks(context.Background(), make(failures)))
}

// reported reports from a village and returns the case.
func (o *office) reported(t testing.TB, area string, change func(*ReportInput)) alerts.Case {
	t.Helper()
	in := report(area)
	if change != nil {
		change(&in)
	}
	_, r, _, err := o.Report(context.Background(), as(alerts.GridLeader, "city"), in)
	if err != nil {
		t.Fatal(err)
	}
	return ok[alerts.Case](t)(o.store.CaseByCode(context.Background(), alerts.System(), r.Number))
}

func (o *office) now(t testing.TB, k alerts.Case) alerts.Case {
	t.Helper()
	return ok[alerts.Case](t)(o.store.Case(context.Background(), alerts.System(), k.ID))
}

// log is what the system has done in a case, each as "action clock".
func (o *office) log(t testing.TB, k alerts.Case) []string {
	t.Helper()
	out := []string{}
	for _, m := range ok[[]alerts.Move](t)(o.store.Moves(context.Background(), k.ID)) {
		if m.ActorID == "" && (m.Action == alerts.ActRemind || m.Action == alerts.ActOverdue || m.Action == alerts.ActEscalate) {
			out = append(out, strings.TrimSpace(string(m.Action)+" "+m.Details["clock"]))
		}
	}
	return out
}

func (o *office) wantLog(t testing.TB, k alerts.Case, want ...string) {
	t.Helper()
	if got := o.log(t, k); !slices.Equal(got, want) {
		t.Errorf("at %s the log says %q, want %q", o.clock.time().In(town8).Format("01-02 15:04"), got, want)
	}
}

func (o *office) set(now time.Time) {
	o.clock.mu.Lock()
	defer o.clock.mu.Unlock()
	o.clock.now = now
}

// A case that nobody takes on goes up the tiers, a level each time its time is
// over, to the minute, and stays at the top.
func TestEscalatesByTheClock(t *testing.T) {
	o := newOffice(t)
	o.rule(t, DeadlineView{Step: "report", Minutes: 60, Escalate: true}, DeadlineView{Step: "file", Minutes: 60, Escalate: true})
	o.set(at(t, "2026-11-24 09:00"))
	k := o.reported(t, "v1", nil)
	if !k.DueAt.Equal(at(t, "2026-11-24 10:00")) || !k.NextAt.Equal(k.DueAt) || k.HolderID != "v1" {
		t.Fatalf("due %s, next %s, with %s", k.DueAt, k.NextAt, k.HolderID)
	}
	o.bus.forget()
	for n, holder := range []string{"t1", "east", "city", "city"} {
		o.clock.add(time.Hour - time.Minute)
		if n := o.look(t); n != 0 {
			t.Fatalf("%d cases a minute too early", n)
		}
		o.clock.add(time.Minute)
		want := 1
		if n == 3 {
			o.set(at(t, "2026-11-24 14:30")) // over the lunch break
		}
		if got := o.look(t); got != want {
			t.Errorf("%d cases told of at %s, want %d", got, o.clock.time(), want)
		}
		if again := o.look(t); again != 0 {
			t.Errorf("told again of %d", again)
		}
		if k = o.now(t, k); k.HolderID != holder || k.Step != alerts.StepReport {
			t.Fatalf("after %d hours with %s in step %s, want %s", n+1, k.HolderID, k.Step, holder)
		}
	}
	if !k.NextAt.IsZero() || k.Escalated != 3 || !k.Late(o.clock.time().Add(time.Second)) {
		t.Errorf("at the top: next %s, escalated %d, late %v", k.NextAt, k.Escalated, k.Late(o.clock.time()))
	}
	o.wantLog(t, k, "overdue step", "escalate", "overdue step", "escalate", "overdue step", "escalate", "overdue step")
	changed := 0
	for _, kind := range o.bus.kinds() {
		if kind == alerts.CaseChanged {
			changed++
		}
	}
	if changed != 7 {
		t.Errorf("%d events for 7 moves", changed)
	}
	moves := ok[[]alerts.Move](t)(o.store.Moves(context.Background(), k.ID))
	if err := alerts.CheckMoves(moves); err != nil {
		t.Error(err)
	}
	for _, m := range moves {
		if m.Action == alerts.ActEscalate && (m.Reason == "" || m.Details["by"] != "clock") {
			t.Errorf("a silent escalation: %+v", m)
		}
	}
}

// Reminders come before the end, at it and after it, in working time, whatever
// process looks at the clock.
func TestReminders(t *testing.T) {
	o := newOffice(t)
	o.rule(t, DeadlineView{Step: "report", Minutes: 480, Before: 60, Every: 240})
	o.set(at(t, "2026-11-26 15:00")) // a Thursday
	k := o.reported(t, "v1", nil)
	var want []string
	for _, step := range []struct{ at, says string }{
		{"2026-11-27 14:00", "remind step"}, {"2026-11-27 15:00", "overdue step"},
		{"2026-11-30 09:30", "remind step"}, {"2026-11-30 15:00", "remind step"}, {"2026-12-01 09:30", "remind step"},
	} {
		if k = o.now(t, k); !k.NextAt.Equal(at(t, step.at)) {
			t.Fatalf("looked at next %s, want %s", k.NextAt.In(town8), step.at)
		}
		o.set(at(t, step.at).Add(-time.Millisecond))
		o.look(t)
		o.wantLog(t, k, want...)
		o.Desk = o.desk(t) // a restart
		o.clock.add(time.Millisecond)
		o.look(t)
		o.look(t)
		want = append(want, step.says)
		o.wantLog(t, k, want...)
	}
	for range 30 {
		if k = o.now(t, k); !k.NextAt.IsZero() {
			o.set(k.NextAt)
			o.look(t)
		}
	}
	if k = o.now(t, k); !k.NextAt.IsZero() || k.Reminded != 2+maxReminders {
		t.Errorf("%d reminders, the next at %s", k.Reminded, k.NextAt)
	}
}

// However long nobody looked, a case is told of once and goes up one level; and
// when the clock is put back it keeps still.
func TestClockPutForward(t *testing.T) {
	o := newOffice(t)
	o.rule(t, DeadlineView{Step: "report", Minutes: 30, Around: true, Before: 10, Every: 30, Escalate: true})
	start := at(t, "2026-11-24 09:00")
	o.set(start)
	k := o.reported(t, "v1", nil)
	o.clock.add(24 * time.Hour)
	o.look(t)
	o.look(t)
	o.wantLog(t, k, "overdue step", "escalate")
	if k = o.now(t, k); k.HolderID != "t1" || !k.DueAt.Equal(start.Add(24*time.Hour+30*time.Minute)) {
		t.Errorf("with %s, due %s", k.HolderID, k.DueAt)
	}
	moves := ok[[]alerts.Move](t)(o.store.Moves(context.Background(), k.ID))
	if m := moves[len(moves)-2]; m.Details["minutes_over"] != fmt.Sprint(24*60-30) {
		t.Errorf("it does not say how late it was noticed: %v", m.Details)
	}
	o.set(start.Add(time.Hour))
	if n := o.look(t); n != 0 {
		t.Errorf("with the clock put back, %d cases", n)
	}
}

func TestSteadiness(t *testing.T) {
	var s steadiness
	wall, mono := base, time.Duration(0)
	pass := func(w, m time.Duration, wantAhead time.Duration, wantHold bool) {
		t.Helper()
		wall, mono = wall.Add(w), mono+m
		if ahead, hold := s.check(wall, mono); ahead != wantAhead || hold != wantHold {
			t.Errorf("ahead %v, hold %v; want %v, %v", ahead, hold, wantAhead, wantHold)
		}
	}
	pass(0, 0, 0, false)
	pass(5*time.Second, 5*time.Second, 0, false)
	pass(10*time.Minute, 10*time.Minute, 0, false) // a long look
	pass(-24*time.Hour, 5*time.Second, 0, false)   // put back
	pass(24*time.Hour, time.Second, 24*time.Hour-time.Second, true)
	pass(clockHold-time.Second, clockHold-time.Second, 0, true)
	pass(time.Second, time.Second, 0, false)
}

// Two nodes that look at the same time tell of each case once.
func TestTimersOfTwoNodes(t *testing.T) {
	o := newOffice(t)
	o.rule(t, DeadlineView{Step: "report", Minutes: 60, Around: true, Escalate: true})
	var cases []alerts.Case
	for range 3 * timerBatch {
		cases = append(cases, o.reported(t, "v1", nil))
	}
	o.clock.add(time.Hour)
	desks := []*Desk{o.Desk, o.desk(t), o.desk(t)}
	var all sync.WaitGroup
	for _, d := range desks {
		all.Go(func() {
			if _, err := d.lookAtClocks(context.Background(), make(failures)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, k := range cases {
		o.wantLog(t, k, "overdue step", "escalate")
	}
}

// The same on a server that both nodes write to.
func TestTimersOnPostgres(t *testing.T) {
	var server pgtest.Server
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	open := func(address string) *store.Store {
		return ok[*store.Store](t)(store.Open(context.Background(), store.Options{URL: address}))
	}
	address := server.URL(t)
	o := newOfficeIn(t, open(address))
	o.rule(t, DeadlineView{Step: "report", Minutes: 60, Around: true, Before: 10, Escalate: true})
	var cases []alerts.Case
	for range 2*timerBatch + 1 {
		cases = append(cases, o.reported(t, "v1", nil))
	}
	other := &office{store: open(address), bus: &testBus{}, clock: o.clock}
	t.Cleanup(func() { _ = other.store.Close() })
	desks := []*Desk{o.Desk, other.desk(t)}
	for _, wait := range []time.Duration{50 * time.Minute, 10 * time.Minute} {
		o.clock.add(wait)
		var all sync.WaitGroup
		for _, d := range desks {
			all.Go(func() {
				if _, err := d.lookAtClocks(context.Background(), make(failures)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	for _, k := range cases {
		o.wantLog(t, k, "remind step", "overdue step", "escalate")
	}
}

// A supervision that is not answered in time is told of, even while the case is
// paused.
func TestSupervisionRunsOut(t *testing.T) {
	o := newOffice(t)
	o.rule(t)
	k := o.reported(t, "v1", nil)
	k.Step, k.PausedAt, k.Supervised = alerts.StepHandle, base, o.clock.time().Truncate(time.Minute).Add(time.Hour)
	o.rescheduleClock(&k, o.clock.time())
	if err := o.store.Write(context.Background(), func(tx alerts.Tx) error { return tx.SaveCase(k) }); err != nil {
		t.Fatal(err)
	}
	o.set(k.Supervised)
	o.look(t)
	o.look(t)
	o.wantLog(t, k, "overdue supervision")
}

// A direct report has to be answered in minutes of the clock, at night too; what
// is not goes above the county.
func TestFirstResponse(t *testing.T) {
	o := newOffice(t)
	o.rule(t, DeadlineView{Step: "first_response", Severity: alerts.Critical, Minutes: 15, Around: true, Before: 5, Escalate: true},
		DeadlineView{Step: "first_response", Minutes: 480})
	o.set(at(t, "2026-11-28 02:00")) // a Saturday night
	k := o.reported(t, "v1", func(in *ReportInput) { in.Direct = true })
	if !k.ReplyDue.Equal(at(t, "2026-11-28 02:15")) || k.HolderID != "east" || !k.DueAt.IsZero() {
		t.Fatalf("answer due %s, with %s", k.ReplyDue, k.HolderID)
	}
	slow := o.reported(t, "v1", nil)
	if !slow.ReplyDue.Equal(at(t, "2026-11-30 18:00")) {
		t.Errorf("an ordinary report is to be answered by %s", slow.ReplyDue)
	}
	o.clock.add(10 * time.Minute)
	o.look(t)
	o.clock.add(5 * time.Minute)
	o.look(t)
	o.wantLog(t, k, "remind first_response", "overdue first_response", "escalate")
	if k = o.now(t, k); k.HolderID != "city" || !k.NextAt.IsZero() {
		t.Errorf("with %s, next %s", k.HolderID, k.NextAt)
	}
	o.wantLog(t, slow)
}

// A case that cannot be saved is said, and keeps no other one waiting.
func TestTimersPassByWhatFails(t *testing.T) {
	o := newOffice(t)
	o.rule(t, DeadlineView{Step: "report", Minutes: 60, Around: true})
	bad := o.reported(t, "v1", nil)
	good := o.reported(t, "v1", nil)
	bad.Step = "lost" // in the table of moves there is no such step
	if err := o.store.Write(context.Background(), func(tx alerts.Tx) error { return tx.SaveCase(bad) }); err != nil {
		t.Fatal(err)
	}
	o.clock.add(time.Hour)
	tried := make(failures)
	n, err := o.lookAtClocks(context.Background(), tried)
	if n != 1 || err == nil || len(tried) != 1 {
		t.Fatalf("%d cases, %v", n, err)
	}
	o.wantLog(t, good, "overdue step")
	if n, err := o.lookAtClocks(context.Background(), tried); n != 0 || err != nil {
		t.Errorf("left alone, %d cases, %v", n, err)
	}
	o.clock.add(timerPause)
	if _, err := o.lookAtClocks(context.Background(), tried); err == nil {
		t.Error("it is not tried again")
	}
}

// The loop itself: it starts, tells, and ends with the desk.
func TestStartTimers(t *testing.T) {
	o := newOffice(t)
	o.rule(t, DeadlineView{Step: "report", Minutes: 60, Around: true})
	k := o.reported(t, "v1", nil)
	o.clock.add(time.Hour)
	told := make(chan struct{}, 1)
	stop := o.bus.Subscribe(func(e alerts.Event) {
		if e.Kind == alerts.CaseChanged && e.ID == k.ID {
			select {
			case told <- struct{}{}:
			default:
			}
		}
	})
	defer stop()
	d := o.desk(t)
	d.StartTimers(func(err error) { t.Error(err) })
	<-told
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	o.wantLog(t, k, "overdue step")
}

// 100,000 open cases, of which a thousand come due in one minute.
func BenchmarkTimers(b *testing.B) {
	o := newOffice(b)
	o.rule(b, DeadlineView{Step: "report", Minutes: 60, Around: true, Escalate: true})
	const open, perMinute = 100_000, 1000
	first := o.clock.time().Truncate(time.Minute).Add(time.Hour)
	for n := 0; n < open; n += 1000 {
		err := o.store.Write(context.Background(), func(tx alerts.Tx) error {
			for i := range 1000 {
				due := first.Add(time.Duration((n+i)/perMinute) * time.Minute)
				k := alerts.Case{ID: fmt.Sprintf("k%06d", n+i), Code: fmt.Sprintf("LH-%06d", n+i), Step: alerts.StepReport, StepAt: base,
					Category: "hazard.gas", Severity: alerts.High, FirstSeverity: alerts.High, Title: "x", AreaID: "v1", HolderID: "v1",
					OpenedAt: base, UpdatedAt: base, DueAt: due, NextAt: due, Incidents: 1}
				if err := tx.SaveCase(k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	o.set(first)
	for b.Loop() {
		if n := o.look(b); n < perMinute {
			b.Fatalf("%d cases", n)
		}
		o.clock.add(time.Minute)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/minute-of-1000")
}
