package store_test

import (
	"context"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/storetest"
)

// pump writes from several goroutines until it is stopped, and remembers what
// was acknowledged. A write that fails must do so as Unavailable.
type pump struct {
	store *store.Store
	stop  chan struct{}
	wg    sync.WaitGroup

	mu           sync.Mutex
	next         int
	acknowledged map[int]bool
	refused      int
}

func startPump(t *testing.T, s *store.Store) *pump {
	p := &pump{store: s, stop: make(chan struct{}), acknowledged: make(map[int]bool)}
	for range 8 {
		p.wg.Go(func() {
			for {
				select {
				case <-p.stop:
					return
				default:
				}
				p.mu.Lock()
				p.next++
				n := p.next
				p.mu.Unlock()
				err := report(s, n)
				p.mu.Lock()
				switch {
				case err == nil:
					p.acknowledged[n] = true
				case alerts.KindOf(err) == alerts.Unavailable:
					p.refused++
				default:
					t.Errorf("write %d: %v", n, err)
				}
				p.mu.Unlock()
			}
		})
	}
	return p
}

func (p *pump) counts() (acknowledged, refused int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acknowledged), p.refused
}

// until waits for what the pump will come to.
func (p *pump) until(t *testing.T, what string, met func(acknowledged, refused int) bool) {
	t.Helper()
	limit := time.Now().Add(60 * time.Second)
	for !met(p.counts()) {
		if time.Now().After(limit) {
			a, r := p.counts()
			t.Fatalf("%s: never, at %d acknowledged and %d refused writes", what, a, r)
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *pump) end() {
	close(p.stop)
	p.wg.Wait()
}

// TestPostgresAway stops the server for some seconds: writes and reads are
// refused at once, then succeed again on the same store, and nothing that was
// acknowledged is lost.
func TestPostgresAway(t *testing.T) {
	address := postgres.URL(t)
	s := open(t, address)
	defer s.Close()
	storetest.Town(t, s)
	p := startPump(t, s)
	p.until(t, "writes before", func(a, _ int) bool { return a > 100 })
	postgres.Stop(t)
	_, before := p.counts()
	began := time.Now()
	p.until(t, "writes refused", func(_, r int) bool { return r > before+100 })
	if _, err := s.Areas(context.Background(), alerts.System()); alerts.KindOf(err) != alerts.Unavailable {
		t.Errorf("a read without the server gives %v", err)
	}
	if err := report(s, 1_000_000); alerts.KindOf(err) != alerts.Unavailable || time.Since(began) > 30*time.Second {
		t.Errorf("a write without the server gives %v after %v", err, time.Since(began))
	}
	postgres.Start(t)
	before, _ = p.counts()
	p.until(t, "writes again", func(a, _ int) bool { return a > before+100 })
	if _, err := s.Areas(context.Background(), alerts.System()); err != nil {
		t.Errorf("a read after the server's return: %v", err)
	}
	p.end()
	check(t, address, p.acknowledged)
}

// TestPostgresKilled kills the server at random moments.
func TestPostgresKilled(t *testing.T) {
	address := postgres.URL(t)
	s := open(t, address)
	defer s.Close()
	storetest.Town(t, s)
	p := startPump(t, s)
	rounds := rounds(t, 3)
	for range rounds {
		before, _ := p.counts()
		after := rand.IntN(100)
		p.until(t, "writes", func(a, _ int) bool { return a > before+after })
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		postgres.Kill(t)
		postgres.Start(t)
	}
	before, _ := p.counts()
	p.until(t, "writes after the last", func(a, _ int) bool { return a > before+50 })
	p.end()
	check(t, address, p.acknowledged)
	a, r := p.counts()
	t.Logf("%d kills, %d acknowledged writes, none lost, %d refused", rounds, a, r)
}

// A node that stands still in the middle of a write holds up the others for no
// longer than they care to wait; what it does afterwards comes to nothing.
func TestPostgresStalledNode(t *testing.T) {
	ctx := context.Background()
	address := postgres.URL(t)
	s := open(t, with(t, address, func(_ *url.URL, q url.Values) { q.Set("lock_timeout", "100") }))
	defer s.Close()
	storetest.Town(t, s)
	stalled, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stalled.Close(ctx) }()
	for _, statement := range []string{"BEGIN", "SET LOCAL idle_in_transaction_session_timeout = 1500",
		"SELECT value FROM series WHERE name = 'turn' FOR UPDATE"} {
		if _, err := stalled.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := report(s, 1); alerts.KindOf(err) != alerts.Unavailable {
		t.Errorf("a write while another node has its turn: %v", err)
	}
	limit := time.Now().Add(30 * time.Second)
	for err = report(s, 2); err != nil; err = report(s, 2) {
		if alerts.KindOf(err) != alerts.Unavailable || time.Now().After(limit) {
			t.Fatal(err)
		}
	}
	if _, err := stalled.Exec(ctx, "COMMIT"); err == nil {
		t.Error("the stalled node could still commit")
	}
}

// A write whose connection is cut in its middle is run again, and those that
// share its transaction with it: each comes to the disk once.
func TestPostgresRunsAgain(t *testing.T) {
	address := postgres.URL(t)
	s := open(t, address)
	defer s.Close()
	storetest.Town(t, s)
	var others sync.WaitGroup
	runs := 0
	err := s.Write(context.Background(), func(tx alerts.Tx) error {
		if err := tx.AddIncident(storetest.Incident(1, "v1", "")); err != nil {
			return err
		}
		if runs++; runs == 1 {
			for n := range 20 {
				others.Go(func() {
					if err := report(s, n+2); err != nil {
						t.Error(err)
					}
				})
			}
			postgres.Exec(t, address, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND state = 'idle in transaction'`)
		}
		return tx.Append(&alerts.Event{Kind: alerts.IncidentCreated, AreaID: "v1", ID: "inc000001"})
	})
	others.Wait()
	if err != nil || runs != 2 {
		t.Errorf("%d runs: %v", runs, err)
	}
	if list, _, err := s.Incidents(context.Background(), alerts.System(), alerts.IncidentFilter{}); err != nil || len(list) != 21 {
		t.Errorf("%d incidents (%v), want 21", len(list), err)
	}
}

// A write that swallows a failure which has ended its transaction fails, and
// nothing of it stays; those that share the transaction are not harmed.
func TestPostgresSwallowed(t *testing.T) {
	address := postgres.URL(t)
	s := open(t, address)
	defer s.Close()
	storetest.Town(t, s)
	postgres.Exec(t, address, "INSERT INTO series (name, value) VALUES ('full', 9223372036854775807)")
	var others sync.WaitGroup
	err := s.Write(context.Background(), func(tx alerts.Tx) error {
		for n := range 20 {
			others.Go(func() {
				if err := report(s, n+2); err != nil {
					t.Error(err)
				}
			})
		}
		if err := tx.AddIncident(storetest.Incident(1, "v1", "")); err != nil {
			return err
		}
		if _, err := tx.NextNumber("full"); err == nil {
			t.Error("a series that has come to its end goes on")
		}
		return nil
	})
	others.Wait()
	if err == nil {
		t.Error("a write without its transaction was acknowledged")
	}
	if list, _, err := s.Incidents(context.Background(), alerts.System(), alerts.IncidentFilter{}); err != nil || len(list) != 20 {
		t.Errorf("%d incidents (%v), want 20", len(list), err)
	}
}
