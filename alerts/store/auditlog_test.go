package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/audit"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/storetest"
)

// raw is a database that statements are sent to behind the store's back.
type raw struct {
	options store.Options
	exec    func(t *testing.T, statement string) // must succeed
	refused func(t *testing.T, statement string) // must be refused
	unguard string                               // takes the audit's guards down
}

func onSQLite(t *testing.T, test func(t *testing.T, r raw)) {
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sharpeyes.db")
		test(t, raw{
			options: store.Options{Path: path},
			exec:    func(t *testing.T, statement string) { change(t, path, statement) },
			refused: func(t *testing.T, statement string) {
				t.Helper()
				db, err := sql.Open("sqlite", path)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "kept as they are") {
					t.Errorf("%s: %v", statement, err)
				}
			},
			unguard: "DROP TRIGGER kept_audit_update; DROP TRIGGER kept_audit_delete",
		})
	})
}

func eachRaw(t *testing.T, test func(t *testing.T, r raw)) {
	onSQLite(t, test)
	t.Run("PostgreSQL", func(t *testing.T) {
		address := postgres.URL(t)
		test(t, raw{
			options: store.Options{URL: address},
			exec:    func(t *testing.T, statement string) { postgres.Exec(t, address, statement) },
			refused: func(t *testing.T, statement string) {
				t.Helper()
				postgres.Exec(t, address, `DO $$ BEGIN
					BEGIN `+statement+`; EXCEPTION WHEN raise_exception THEN
						IF SQLERRM NOT LIKE '%kept as they are%' THEN RAISE; END IF; RETURN; END;
					RAISE 'it was done'; END $$`)
			},
			unguard: "ALTER TABLE audit DISABLE TRIGGER USER",
		})
	})
}

func openRaw(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The database itself refuses to change or delete what is kept; a start puts
// back guards that were taken down.
func TestKept(t *testing.T) {
	eachRaw(t, func(t *testing.T, r raw) {
		s := openRaw(t, r.options)
		storetest.Town(t, s)
		i := storetest.Incident(1, "v1", "g1")
		i.Photos = []alerts.Photo{{ID: "p1", SHA256: strings.Repeat("0", 64), Type: "image/jpeg", Size: 1}}
		storetest.Write(t, s, func(tx alerts.Tx) error {
			e := storetest.AuditEntry(1, "v1")
			if err := tx.AppendAudit(&e); err != nil {
				return err
			}
			return tx.AddIncident(i)
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		refusals := []string{"UPDATE audit SET user_name = 'x'", "DELETE FROM audit", "UPDATE incidents SET body = 'x'",
			"DELETE FROM incidents", "UPDATE photos SET sha256 = 'x'", "DELETE FROM photos"}
		for _, statement := range refusals {
			r.refused(t, statement)
		}
		r.exec(t, r.unguard)
		s = openRaw(t, r.options)
		defer s.Close()
		for _, statement := range refusals {
			r.refused(t, statement)
		}
	})
}

// Every table that is kept has its guards.
func TestKeptTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sharpeyes.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"audit", "incidents", "photos", "incident_notes", "case_moves", "case_comments", "case_attachments", "cases", "case_filings"} {
		var n int
		err := db.QueryRow("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", table).Scan(&n)
		if want := map[bool]int{true: 1, false: 2}[table == "cases" || table == "case_filings"]; err != nil || n != want {
			t.Errorf("%s has %d guards (%v)", table, n, err)
		}
	}
}

// verified is what is found in a database that was tampered with after n entries
// were written, the last of which was noted.
func verified(t *testing.T, r raw, n int, statements ...string) audit.Report {
	t.Helper()
	ctx := context.Background()
	s := openRaw(t, r.options)
	storetest.Write(t, s, func(tx alerts.Tx) error {
		for i := range n {
			e := storetest.AuditEntry(i, "")
			if err := tx.AppendAudit(&e); err != nil {
				return err
			}
		}
		return nil
	})
	seq, hash, err := s.AuditHead(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r.exec(t, r.unguard)
	for _, statement := range statements {
		r.exec(t, statement)
	}
	l, err := store.OpenAudit(ctx, r.options)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	numbers, err := l.Numbers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(ctx, l, numbers, strings.NewReader(audit.Head{Seq: seq, Hash: hash, At: time.Now()}.String()+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// What was done with SQL is found in both databases.
func TestAuditTampering(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		want       string
	}{
		"whole":       {nil, "[]"},
		"edited":      {[]string{"UPDATE audit SET user_name = '李四' WHERE seq = 10"}, "[edited 10]"},
		"time edited": {[]string{"UPDATE audit SET at = at + 1 WHERE seq = 10"}, "[edited 10]"},
		"a detail edited": {[]string{`UPDATE audit SET details = '{"action":"solved"}' WHERE seq = 10`},
			"[edited 10]"},
		"details written otherwise": {[]string{"UPDATE audit SET details = ' ' || details WHERE seq = 10"},
			"[edited 10]"},
		"details that are none": {[]string{"UPDATE audit SET details = 'x' WHERE seq = 10"}, "[edited 10]"},
		"deleted":               {[]string{"DELETE FROM audit WHERE seq = 10"}, "[deleted 10]"},
		"reordered": {[]string{"UPDATE audit SET seq = -1 WHERE seq = 10", "UPDATE audit SET seq = 10 WHERE seq = 20",
			"UPDATE audit SET seq = 20 WHERE seq = -1"}, "[reordered 10 reordered 20]"},
		"cut off":                         {[]string{"DELETE FROM audit WHERE seq > 30"}, "[cut off 31]"},
		"cut off, with the counter":       {[]string{"DELETE FROM audit WHERE seq > 30", "UPDATE series SET value = 30 WHERE name = 'audit'"}, "[cut off 31]"},
		"emptied":                         {[]string{"DELETE FROM audit", "DELETE FROM series WHERE name = 'audit'"}, "[cut off 1]"},
		"put in before the first":         {[]string{"INSERT INTO audit SELECT 0, at, kind, user_id, user_name, role, address, area_id, object, details, hash FROM audit WHERE seq = 1"}, "[edited 0]"},
		"put in after the last, unhashed": {[]string{"INSERT INTO audit SELECT 41, at, kind, user_id, user_name, role, address, area_id, object, details, hash FROM audit WHERE seq = 1"}, "[edited 41 edited 41]"},
	} {
		t.Run(name, func(t *testing.T) {
			// A database is dear to make: of PostgreSQL one case of each kind.
			both := eachRaw
			if !slices.Contains([]string{"whole", "edited", "deleted", "reordered", "cut off, with the counter"}, name) {
				both = onSQLite
			}
			both(t, func(t *testing.T, r raw) {
				report := verified(t, r, 40, c.statements...)
				got := []string{}
				for _, f := range report.Findings {
					got = append(got, fmt.Sprint(f.Kind, " ", f.Seq))
				}
				if fmt.Sprint(got) != c.want {
					t.Errorf("found %v, want %s: %+v", got, c.want, report.Findings)
				}
			})
		})
	}
}

// What the program itself goes on writing after the end was cut off is a gap
// that is found; it goes on.
func TestAuditGoesOn(t *testing.T) {
	eachRaw(t, func(t *testing.T, r raw) {
		if report := verified(t, r, 10, "DELETE FROM audit WHERE seq > 8"); len(report.Findings) != 1 || report.Findings[0].Kind != audit.CutOff {
			t.Errorf("found %+v", report.Findings)
		}
		if report := verified(t, r, 5); len(report.Findings) != 1 || report.Findings[0].Kind != audit.Deleted || report.Findings[0].Seq != 9 {
			t.Errorf("found %+v", report.Findings)
		}
	})
}

func TestOpenAuditRefuses(t *testing.T) {
	folder := t.TempDir()
	foreign := filepath.Join(folder, "foreign.db")
	change(t, foreign, "CREATE TABLE recipes (id INTEGER)")
	for _, o := range []store.Options{{Path: filepath.Join(folder, "none.db")}, {Path: foreign}, {Path: folder}, {URL: "postgres://"},
		{URL: "postgres://x@127.0.0.1:1/x?connect_timeout=1", Password: "hidden"}} {
		l, err := store.OpenAudit(context.Background(), o)
		if err == nil {
			_ = l.Close()
			t.Errorf("%+v was opened", o)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v", err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(folder, "none*")); len(names) > 0 {
		t.Errorf("it made %v", names)
	}
}
