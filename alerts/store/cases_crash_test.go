package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/storetest"
)

// casesEnv makes the child write cases: "any" until it is killed from outside,
// or the place in a write at which it kills itself.
const casesEnv = "SHARPEYES_STORE_CRASH_CASES"

// placesToDie are the steps of a write: after the case, after its move, after
// the event, which is the last before the commit, and after the commit, before
// it is acknowledged.
var placesToDie = [...]string{"saved", "moved", "told", "committed"}

// worker takes cases through steps.
type worker struct {
	place string // where it dies
	at    int    // number of the case with which it does
}

func newWorker(first int) worker { return worker{os.Getenv(casesEnv), first + 20 + os.Getpid()%30} }

func (w worker) die(n int, place string) {
	if w.place == place && n == w.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it works
	}
}

// handle makes the n-th case with its incident, and takes it two steps on.
func (w worker) handle(s alerts.Store, n int) error {
	c := storetest.NewCase(n, "v1", "g1")
	m := alerts.Move{CaseID: c.ID, Action: alerts.ActReport, To: alerts.StepReport, At: c.OpenedAt, AreaID: "v1"}
	err := s.Write(context.Background(), func(tx alerts.Tx) error {
		i := storetest.Incident(n, "v1", "g1")
		if err := tx.SaveCase(c); err != nil {
			return err
		}
		if err := tx.AddIncident(i); err != nil {
			return err
		}
		if err := tx.SaveFiling(alerts.Filing{IncidentID: i.ID, CaseID: c.ID, FirstID: c.ID, At: i.ReceivedAt}); err != nil {
			return err
		}
		return w.finish(tx, c, m, n)
	})
	for range 2 {
		if err == nil {
			err = w.step(s, c.ID, n)
		}
	}
	w.die(n, "committed")
	return err
}

// step takes a case one step on, as the desk does: the case, a move, an event,
// and an entry of the audit.
func (w worker) step(s alerts.Store, id string, n int) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx alerts.Tx) error {
		c, err := tx.Case(ctx, alerts.System(), id)
		if err != nil {
			return err
		}
		m := alerts.Move{CaseID: id, Action: alerts.ActFile, From: c.Step, At: c.UpdatedAt.Add(time.Second), ActorID: "u1", ActorName: "王",
			ActorRole: alerts.DutyOfficer, AreaID: "v1", Reason: fmt.Sprint("version ", c.Version)}
		c.Step = alerts.Steps[int(c.Version)%len(alerts.Steps)]
		c.UpdatedAt, c.StepAt, m.To = m.At, m.At, c.Step
		if err := tx.SaveCase(c); err != nil {
			return err
		}
		if c.Version == 2 { // the last one
			return w.finish(tx, c, m, n)
		}
		return worker{}.finish(tx, c, m, n)
	})
}

func (w worker) finish(tx alerts.Tx, c alerts.Case, m alerts.Move, n int) error {
	w.die(n, "saved")
	if err := tx.AddMove(&m); err != nil {
		return err
	}
	w.die(n, "moved")
	if err := tx.AppendAudit(&alerts.AuditEntry{At: m.At, Kind: alerts.AuditMove, UserID: "u1", AreaID: c.AreaID,
		Object: "case/" + c.ID, Details: map[string]string{"action": string(m.Action)}}); err != nil {
		return err
	}
	if err := tx.Append(&alerts.Event{Kind: alerts.CaseChanged, AreaID: c.AreaID, AreaPath: storetest.T1Path, ID: c.ID,
		Data: []byte(`{"step":"` + string(c.Step) + `"}`), Parties: []string{"g1"}}); err != nil {
		return err
	}
	w.die(n, "told")
	return nil
}

// TestKillCases kills a process that writes cases, at random moments and at each
// step of a write: no acknowledged move is lost, and every case, its moves, its
// events, the columns in memory and the audit agree.
func TestKillCases(t *testing.T) {
	killCases(t, filepath.Join(t.TempDir(), "sharpeyes.db"), rounds(t, 8))
}

func TestKillCasesOnPostgres(t *testing.T) { killCases(t, postgres.URL(t), rounds(t, 4)) }

func killCases(t *testing.T, path string, rounds int) {
	s := open(t, path)
	storetest.Town(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := make(map[int]bool)
	for round := range rounds {
		// Every other time at a step of a write, each in its turn.
		place := "any"
		if round%2 == 1 {
			place = placesToDie[round/2%len(placesToDie)]
		}
		t.Setenv(casesEnv, place)
		killOnce(t, path, (round+1)*100_000, acknowledged)
		checkCases(t, path, acknowledged)
	}
	if len(acknowledged) == 0 {
		t.Fatal("no write was ever acknowledged")
	}
	t.Logf("%d kills, %d acknowledged cases, none lost", rounds, len(acknowledged))
}

func checkCases(t *testing.T, path string, acknowledged map[int]bool) {
	ctx := context.Background()
	s := open(t, path)
	defer s.Close()
	storetest.Write(t, s, func(alerts.Tx) error { return nil }) // see check
	told, audited := toldOf(t, s)
	steps, versions := make(map[string]int64), make(map[string]int64)
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := s.Cases(ctx, alerts.System(), alerts.CaseFilter{Page: page})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			steps[string(c.Step)]++
			versions[c.ID] = c.Version
			moves, err := s.Moves(ctx, c.ID)
			if err == nil {
				err = alerts.CheckMoves(moves)
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := int64(len(moves)); n != c.Version || moves[n-1].To != c.Step || told[c.ID] != n || audited[c.ID] != n {
				t.Fatalf("case %s of version %d at %s has %d moves, the last to %s, %d events and %d entries of the audit",
					c.ID, c.Version, c.Step, n, moves[n-1].To, told[c.ID], audited[c.ID])
			}
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	for n := range acknowledged {
		if v := versions[storetest.NewCase(n, "", "").ID]; v != 3 {
			t.Fatalf("case %d was acknowledged at version 3 and is at %d", n, v)
		}
	}
	counts, err := s.CaseCounts(ctx, alerts.System(), alerts.CaseFilter{}, alerts.GroupStep, storetest.Base)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if steps[c.Key] != c.Total {
			t.Fatalf("%d cases at %s, the counts say %d", steps[c.Key], c.Key, c.Total)
		}
		delete(steps, c.Key)
	}
	if len(steps) > 0 {
		t.Fatalf("the counts leave out %v", steps)
	}
}

// toldOf counts the events and the entries of the audit about each case; both
// have to be without gaps.
func toldOf(t *testing.T, s *store.Store) (told, audited map[string]int64) {
	t.Helper()
	ctx := context.Background()
	told, audited = make(map[string]int64), make(map[string]int64)
	for since := int64(0); ; {
		events, _, err := s.Events(ctx, alerts.System(), since, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Seq != since+1 {
				t.Fatalf("event %d follows %d", e.Seq, since)
			}
			since = e.Seq
			told[e.ID]++
		}
		if len(events) == 0 {
			break
		}
	}
	for before := (alerts.AuditEntry{}); ; {
		entries, err := s.AuditFrom(ctx, before.Seq+1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Seq != before.Seq+1 || e.Hash != alerts.AuditHash(before.Hash, e) {
				t.Fatalf("audit entry %d does not follow entry %d", e.Seq, before.Seq)
			}
			before = e
			audited[e.Object[len("case/"):]]++
		}
		if len(entries) == 0 {
			return told, audited
		}
	}
}
