package desk

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func (o *office) audited(t *testing.T) []alerts.AuditEntry {
	t.Helper()
	list, err := o.store.AuditFrom(context.Background(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// refuses is a store that takes no writes while it is told to.
type refuses struct {
	alerts.Store
	mu sync.Mutex
	on bool
}

func (r *refuses) set(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = on
}

func (r *refuses) Write(ctx context.Context, fn func(alerts.Tx) error) error {
	r.mu.Lock()
	on := r.on
	r.mu.Unlock()
	if on {
		return alerts.Errorf(alerts.Unavailable, "the disk is full: nothing can be stored")
	}
	return r.Store.Write(ctx, fn)
}

// Looks at one thing cost an entry each few minutes, by caller and address, and
// none is shown without.
func TestSeen(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	before := len(o.audited(t))
	s := alerts.Scope{User: "u1", Name: "王伟", Role: alerts.DutyOfficer, Address: "192.0.2.1"}
	elsewhere, other := s, s
	elsewhere.Address, other.User = "192.0.2.2", "u2"
	look := func(s alerts.Scope, object string) {
		t.Helper()
		if err := o.Seen(ctx, s, alerts.AuditRead, object, "v1"); err != nil {
			t.Fatal(err)
		}
	}
	want := func(n int) {
		t.Helper()
		if got := len(o.audited(t)) - before; got != n {
			t.Fatalf("%d entries, want %d", got, n)
		}
	}
	for range 3 {
		look(s, "incident/i1")
	}
	want(1)
	look(elsewhere, "incident/i1")
	look(other, "incident/i1")
	look(s, "incident/i2")
	want(4)
	look(alerts.System(), "incident/i1")
	look(alerts.Scope{Role: alerts.GridLeader}, "incident/i1") // masked
	want(4)
	o.clock.add(SeenFor - time.Second)
	look(s, "incident/i1")
	want(4)
	o.clock.add(time.Second)
	look(s, "incident/i1")
	want(5)
	o.clock.add(-time.Hour) // a clock that was set back hides nothing
	look(s, "incident/i1")
	want(6)
}

func TestSeenOnceByMany(t *testing.T) {
	o := newOffice(t)
	before := len(o.audited(t))
	s := alerts.Scope{User: "u1", Role: alerts.DutyOfficer}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := o.Seen(context.Background(), s, alerts.AuditRead, "photo/p1", "v1"); err != nil {
				t.Error(err)
			}
			if len(o.audited(t)) == before {
				t.Error("it was shown before its entry")
			}
		})
	}
	wg.Wait()
	if n := len(o.audited(t)) - before; n != 1 {
		t.Errorf("%d entries", n)
	}
}

// What cannot be recorded is not shown; when it can be again, it is recorded.
func TestSeenUnrecorded(t *testing.T) {
	o := newOffice(t)
	store := &refuses{Store: o.store}
	o.Desk.store = store
	s := alerts.Scope{User: "u1", Role: alerts.DutyOfficer}
	store.set(true)
	for range 2 {
		if err := o.Seen(context.Background(), s, alerts.AuditRead, "photo/p1", "v1"); alerts.KindOf(err) != alerts.Unavailable || err == nil {
			t.Errorf("got %v", err)
		}
	}
	store.set(false)
	before := len(o.audited(t))
	if err := o.Seen(context.Background(), s, alerts.AuditRead, "photo/p1", "v1"); err != nil || len(o.audited(t)) != before+1 {
		t.Errorf("%v", err)
	}
	// The caller's end does not take the entry from others who wait for it.
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := o.Seen(gone, s, alerts.AuditRead, "photo/p2", "v1"); err != nil || len(o.audited(t)) != before+2 {
		t.Errorf("%v", err)
	}
}

// However much is looked at, what is remembered of it is bounded.
func TestGlimpsesAreBounded(t *testing.T) {
	gs := newGlimpses()
	for n := range 3 * maxGlimpses {
		g, write := gs.take(fmt.Sprint(n), base)
		if !write {
			t.Fatal("it was taken for seen")
		}
		gs.settle(fmt.Sprint(n), g, nil)
		if len(gs.rows) > maxGlimpses {
			t.Fatalf("%d rows", len(gs.rows))
		}
	}
}

// An import names everything it changed, in as many entries as that takes.
func TestImportIsAudited(t *testing.T) {
	o := newOffice(t)
	before := len(o.audited(t))
	ids := make([]string, 500)
	for n := range ids {
		ids[n] = fmt.Sprintf("camera-%04d", n)
	}
	s := alerts.Scope{User: "u1", Name: "管", Role: alerts.Admin}
	for _, list := range [][]string{ids, ids[:1], nil} {
		if err := o.write(context.Background(), func(c *change) error { return c.auditImport(s, "cameras", list) }); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	list := o.audited(t)[before:]
	for _, e := range list {
		told = append(told, strings.Fields(e.Details["ids"])...)
		if e.Details["action"] != "import" || len(e.Details["ids"]) > maxAuditText || e.UserID != "u1" {
			t.Errorf("got %+v", e)
		}
	}
	if len(told) != 501 || told[0] != "camera-0000" || told[499] != "camera-0499" || told[500] != "camera-0000" {
		t.Errorf("%d are told in %d entries", len(told), len(list))
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{"": "", "abcd": "abcd", "abcde": "abc…", "网格网格网": "网格网…"} {
		if got := clip(text, 4); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// Who may not read the audit does not; the administrator is one of them.
func TestAuditEntriesNeedTheRight(t *testing.T) {
	o := newOffice(t)
	for _, role := range alerts.Roles {
		_, _, err := o.AuditEntries(context.Background(), alerts.Scope{Role: role, Paths: []string{"/"}}, alerts.AuditFilter{})
		if (err == nil) != (role == alerts.Auditor) {
			t.Errorf("%s: %v", role, err)
		}
	}
}
