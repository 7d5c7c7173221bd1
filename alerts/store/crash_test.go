package store_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/storetest"
)

const (
	childEnv = "SHARPEYES_STORE_CRASH_CHILD" // address of the database that the child writes to
	firstEnv = "SHARPEYES_STORE_CRASH_FIRST" // number of its first incident
	soakEnv  = "SHARPEYES_SOAK"              // number of kills; a few when empty
)

// child writes from several goroutines for ever and prints the number of each
// incident whose commit was acknowledged.
func child(address string) int {
	s, err := store.Open(context.Background(), optionsOf(address))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	first, err := strconv.Atoi(os.Getenv(firstEnv))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	write := report
	if os.Getenv(casesEnv) != "" {
		write = newWorker(first).handle
	}
	var out sync.Mutex
	next := make(chan int)
	for range 8 {
		go func() {
			for n := range next {
				if err := write(s, n); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				out.Lock()
				_, _ = os.Stdout.WriteString(strconv.Itoa(n) + "\n")
				out.Unlock()
			}
		}()
	}
	for n := first; ; n++ {
		next <- n
	}
}

// TestKill kills a writing process at random moments: what it acknowledged is
// there afterwards, the events have no gaps and the audit is whole.
func TestKill(t *testing.T) { testKill(t, filepath.Join(t.TempDir(), "sharpeyes.db"), rounds(t, 20)) }

func TestKillOnPostgres(t *testing.T) { testKill(t, postgres.URL(t), rounds(t, 8)) }

// rounds is how often to kill: more when soaking.
func rounds(t *testing.T, n int) int {
	if v := os.Getenv(soakEnv); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatalf("%s: %v", soakEnv, err)
		}
	}
	return n
}

func testKill(t *testing.T, path string, rounds int) {
	s := open(t, path)
	storetest.Town(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := make(map[int]bool)
	for round := range rounds {
		killOnce(t, path, (round+1)*1_000_000, acknowledged)
		check(t, path, acknowledged)
	}
	if len(acknowledged) == 0 {
		t.Fatal("no write was ever acknowledged")
	}
	t.Logf("%d kills, %d acknowledged writes, none lost", rounds, len(acknowledged))
}

// killOnce lets a child write until a random number of answers has been read
// and a random moment more has passed.
func killOnce(t *testing.T, path string, first int, acknowledged map[int]bool) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path, firstEnv+"="+strconv.Itoa(first))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	after := rand.IntN(60)
	for read := 0; lines.Scan(); read++ {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		acknowledged[n] = true
		if read == after {
			moment := time.AfterFunc(time.Duration(rand.IntN(5000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			defer moment.Stop()
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child was to be killed, and ended with %v", err)
	}
}

func check(t *testing.T, path string, acknowledged map[int]bool) {
	ctx := context.Background()
	s := open(t, path)
	defer s.Close()
	// After an own write nothing of the killed one's is still on its way.
	storetest.Write(t, s, func(alerts.Tx) error { return nil })
	stored := make(map[string]bool)
	for since := int64(0); ; {
		events, upTo, err := s.Events(ctx, alerts.System(), since, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Seq != since+1 {
				t.Fatalf("event %d follows %d", e.Seq, since)
			}
			since = e.Seq
			stored[e.ID] = true
		}
		if len(events) == 0 {
			if upTo != since {
				t.Fatalf("read up to %d, the last event is %d", upTo, since)
			}
			break
		}
	}
	incidents := 0
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{Page: page})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list {
			if !stored[i.ID] {
				t.Fatalf("incident %s without an event", i.ID)
			}
		}
		incidents += len(list)
		if page.Cursor = next; next == "" {
			break
		}
	}
	if incidents != len(stored) {
		t.Fatalf("%d incidents, %d events", incidents, len(stored))
	}
	checkAudit(t, s, stored)
	for n := range acknowledged {
		if !stored[fmt.Sprintf("inc%06d", n)] {
			t.Fatalf("incident %d was acknowledged and is lost", n)
		}
	}
}

// checkAudit checks that the chain is whole and has one entry for each incident.
func checkAudit(t *testing.T, s *store.Store, incidents map[string]bool) {
	t.Helper()
	before := alerts.AuditEntry{}
	told := 0
	for {
		page, err := s.AuditFrom(context.Background(), before.Seq+1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if e.Seq != before.Seq+1 || e.Hash != alerts.AuditHash(before.Hash, e) {
				t.Fatalf("audit entry %d does not follow entry %d", e.Seq, before.Seq)
			}
			before = e
			if id, ok := strings.CutPrefix(e.Object, "incident/"); ok {
				told++
				if !incidents[id] {
					t.Fatalf("audit entry %d tells of incident %s, which is not there", e.Seq, id)
				}
			}
		}
	}
	if told != len(incidents) {
		t.Fatalf("%d incidents, %d entries of them", len(incidents), told)
	}
}
