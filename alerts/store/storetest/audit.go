package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// AuditEntry makes the n-th entry of a test, n seconds after Base.
func AuditEntry(n int, area string) alerts.AuditEntry {
	return alerts.AuditEntry{At: Base.Add(time.Duration(n)*time.Second + 1234*time.Microsecond), Kind: alerts.AuditMove, UserID: "u1",
		UserName: "王伟", Role: alerts.DutyOfficer, Address: "2001:db8::1", AreaID: area, Object: fmt.Sprintf("case/C-%d", n),
		Details: map[string]string{"action": "close", "reason": "说明 <b>&\"\\ \u2028", "empty": ""}}
}

func appendAudit(t testing.TB, s alerts.Store, entries ...alerts.AuditEntry) {
	t.Helper()
	Write(t, s, func(tx alerts.Tx) error {
		for i := range entries {
			if err := tx.AppendAudit(&entries[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// wantChain reads the whole audit and checks numbers and hashes.
func wantChain(t testing.TB, s alerts.Store, n int) []alerts.AuditEntry {
	t.Helper()
	ctx := context.Background()
	var all []alerts.AuditEntry
	for {
		part := must[[]alerts.AuditEntry](t)(s.AuditFrom(ctx, int64(len(all))+1, 7))
		if len(part) == 0 {
			break
		}
		all = append(all, part...)
	}
	if len(all) != n {
		t.Fatalf("%d entries, want %d", len(all), n)
	}
	before := ""
	for i, e := range all {
		if e.Seq != int64(i+1) || e.Hash != alerts.AuditHash(before, e) {
			t.Fatalf("entry %d has number %d and a hash that does not fit: %+v", i+1, e.Seq, e)
		}
		before = e.Hash
	}
	seq, hash, err := s.AuditHead(ctx)
	if err != nil || seq != int64(n) || hash != before {
		t.Fatalf("the head is %d %q %v, want %d %q", seq, hash, err, n, before)
	}
	return all
}

// What is appended comes back as it was, numbered and chained.
func testAuditChain(t *testing.T, s alerts.Store) {
	Town(t, s)
	wantChain(t, s, 0)
	odd := AuditEntry(2, "")
	odd.UserName, odd.Details = "a\x00b\xff", map[string]string{"n\x00": "\xc3"}
	plain := AuditEntry(3, "v1")
	plain.Details = nil
	undated := AuditEntry(4, "v1")
	undated.At = time.Time{}
	appendAudit(t, s, AuditEntry(1, "v1"), odd)
	appendAudit(t, s, plain, undated)
	all := wantChain(t, s, 4)
	want := AuditEntry(1, "v1")
	got := all[0]
	got.Seq, got.Hash = 0, ""
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if all[1].UserName != "a\uFFFDb\uFFFD" || all[1].Details["n\uFFFD"] != "\uFFFD" {
		t.Errorf("what cannot be stored became %+v", all[1])
	}
	if all[2].Details != nil || all[3].At.IsZero() {
		t.Errorf("got %v, %v", all[2].Details, all[3].At)
	}
}

// Many writers leave one chain without gaps; what is rolled back gives its
// number back.
func testAuditConcurrent(t *testing.T, s alerts.Store) {
	const writers, each = 8, 12
	kept := make([]int, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				err := s.Write(context.Background(), func(tx alerts.Tx) error {
					e := AuditEntry(w*each+n, "")
					if err := tx.AppendAudit(&e); err != nil {
						return err
					}
					if n%3 == 0 {
						return errStop
					}
					return nil
				})
				if err == nil {
					kept[w]++
				} else if !errors.Is(err, errStop) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range kept {
		sum += n
	}
	wantChain(t, s, sum)
}

// Lists come newest first in pages, filtered, and only from the scope's areas.
// Entries in no area are for who sees every area.
func testAuditLists(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	areas := []string{"v1", "v2", "v3", "v4", "", "city", "gone"}
	for n := range 28 {
		e := AuditEntry(n, areas[n%len(areas)])
		if n%2 == 1 {
			e.Kind, e.UserID, e.Object = alerts.AuditWatch, "u2", "camera/c1"
		}
		appendAudit(t, s, e)
	}
	all := func(scope alerts.Scope, f alerts.AuditFilter) []alerts.AuditEntry {
		t.Helper()
		var out []alerts.AuditEntry
		f.Page.Limit = 3
		for {
			part, next, err := s.Audit(ctx, scope, f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, part...)
			if next == "" {
				return out
			}
			f.Page.Cursor = next
		}
	}
	for name, c := range map[string]struct {
		scope alerts.Scope
		f     alerts.AuditFilter
		want  int
	}{
		"everything":   {alerts.System(), alerts.AuditFilter{}, 28},
		"all areas":    {At(CityPath), alerts.AuditFilter{}, 28},
		"east":         {At(EastPath), alerts.AuditFilter{}, 12},
		"t1 and t3":    {At(T1Path, T3Path), alerts.AuditFilter{}, 12},
		"no scope":     {alerts.Scope{}, alerts.AuditFilter{}, 0},
		"kind":         {alerts.System(), alerts.AuditFilter{Kind: alerts.AuditWatch}, 14},
		"user":         {alerts.System(), alerts.AuditFilter{UserID: "u1"}, 14},
		"object":       {alerts.System(), alerts.AuditFilter{Object: "camera/c1", UserID: "u2"}, 14},
		"since":        {alerts.System(), alerts.AuditFilter{Since: Base.Add(20 * time.Second)}, 8},
		"until":        {alerts.System(), alerts.AuditFilter{Until: Base.Add(20 * time.Second)}, 20},
		"a NUL":        {alerts.System(), alerts.AuditFilter{Object: "a\x00"}, 0},
		"kind in east": {At(EastPath), alerts.AuditFilter{Kind: alerts.AuditWatch}, 6},
	} {
		got := all(c.scope, c.f)
		if len(got) != c.want {
			t.Errorf("%s: %d entries, want %d", name, len(got), c.want)
		}
		for i := 1; i < len(got); i++ {
			if got[i].Seq >= got[i-1].Seq {
				t.Errorf("%s: not newest first", name)
			}
		}
	}
	for _, cursor := range []string{"x", "s", "s-1", "s0", "1", "s1", "s1.", "s1.0", "s1.-1", "s.1", "1.1", "s1.99999999999999999999", strings.Repeat("s", 9), "s1.1\x00"} {
		_, _, err := s.Audit(ctx, alerts.System(), alerts.AuditFilter{Page: alerts.Page{Cursor: cursor}})
		wantKind(t, err, alerts.Invalid, "a cursor of one's own")
	}
	_, _, err := s.Audit(ctx, alerts.System(), alerts.AuditFilter{Page: alerts.Page{Limit: 1001}})
	wantKind(t, err, alerts.Invalid, "a limit too large")
}

// Nothing sweeps the audit.
func testAuditSweep(t *testing.T, s alerts.Store) {
	appendAudit(t, s, AuditEntry(1, ""), AuditEntry(2, ""))
	if err := s.Sweep(context.Background(), Base.AddDate(10, 0, 0)); err != nil {
		t.Fatal(err)
	}
	wantChain(t, s, 2)
}
