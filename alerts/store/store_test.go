package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/fresh"
	"sharpeyes/alerts/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(child(path))
	}
	goleak.VerifyTestMain(postgres.Around(m))
}

// optionsOf is where an address says: a file, or a PostgreSQL.
func optionsOf(address string) store.Options {
	if strings.HasPrefix(address, "postgres://") {
		return store.Options{URL: address}
	}
	return store.Options{Path: address}
}

func open(t testing.TB, address string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), optionsOf(address))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) alerts.Store { return open(t, file(t)) })
}

// A name with everything that means something in a URL.
func TestOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "数据 50%?#&", "a b.db")
	s := open(t, path)
	storetest.Town(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the database has mode %v, want 0600", info.Mode())
	}
	s = open(t, path)
	defer s.Close()
	if _, err := s.Area(context.Background(), alerts.System(), "v1"); err != nil {
		t.Error(err)
	}
}

// What cannot be opened is told in a sentence that names the file and says what
// to do, and is left as it was.
func TestRefused(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := filepath.Join(folder, "newer.db")
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	change(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	foreign := filepath.Join(folder, "foreign.db")
	change(t, foreign, "CREATE TABLE recipes (id INTEGER)")
	plain := file("file", "")
	for name, c := range map[string]struct {
		path, says string
		kind       alerts.Kind
	}{
		"newer":             {newer, "newer version", alerts.Conflict},
		"another program's": {foreign, "another program", alerts.Conflict},
		"not a database":    {file("notes.db", strings.Repeat("these are notes\n", 1000)), "not a database", alerts.Conflict},
		"a folder":          {folder, "is a directory", alerts.Unavailable},
		"below a file":      {filepath.Join(plain, "x", "y.db"), "not a directory", alerts.Unavailable},
		"no name":           {"", "file name", alerts.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := os.ReadFile(c.path)
			s, err := store.Open(context.Background(), store.Options{Path: c.path})
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if alerts.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("got %s %q", alerts.KindOf(err), err)
			}
			if after, _ := os.ReadFile(c.path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWrite commits incidents as desk.Report does: a remembered key, two
// numbers, the incident, its entry in the audit and its event, acknowledged once they are on disk.
func BenchmarkWrite(b *testing.B) { benchmarkWrite(b, file) }

func BenchmarkWriteOnPostgres(b *testing.B) { benchmarkWrite(b, postgres.URL) }

// file is the address of a new file.
func file(t testing.TB) string { return fresh.File(t) }

func benchmarkWrite(b *testing.B, address func(testing.TB) string) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b, address(b))
			defer s.Close()
			storetest.Town(b, s)
			var n atomic.Int64
			b.SetParallelism((writers + 1) / 2) // times GOMAXPROCS
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := report(s, int(n.Add(1))); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}

func report(s alerts.Store, n int) error {
	return s.Write(context.Background(), func(tx alerts.Tx) error {
		key := fmt.Sprint("key", n)
		if _, _, err := tx.Recall("u1", key); alerts.KindOf(err) != alerts.NotFound {
			return err
		}
		serial, err := tx.NextNumber("20261123")
		if err != nil {
			return err
		}
		i := storetest.Incident(n, "v1", "g1")
		i.Number = fmt.Sprintf("20261123-%06d", serial)
		if err := tx.AddIncident(i); err != nil {
			return err
		}
		if err := tx.Remember("u1", key, "fingerprint", i.ID); err != nil {
			return err
		}
		e := storetest.AuditEntry(n, "v1")
		e.Object = "incident/" + i.ID
		if err := tx.AppendAudit(&e); err != nil {
			return err
		}
		return tx.Append(&alerts.Event{Kind: alerts.IncidentCreated, AreaID: "v1", AreaPath: storetest.T1Path, ID: i.ID,
			Data: []byte(`{"text":"` + strings.Repeat("x", 600) + `"}`)})
	})
}
