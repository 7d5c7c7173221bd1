package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/audit"
	"sharpeyes/gateway/config"

	_ "modernc.org/sqlite"
)

// ran runs a gateway on a folder until it is ready, has it record a few entries
// and stops it.
func ran(t *testing.T, set config.Config) {
	t.Helper()
	a, err := newApp(set)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.listen(); err != nil {
		t.Fatal(err)
	}
	if err := a.openStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.auth.EnsureAdmin(t.Context(), "a long password of the first"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = a.serve(ctx, func(string) {
		for n := range 3 {
			if err := a.desk.Audit(t.Context(), alerts.System(), alerts.AuditConfig, fmt.Sprint("rules/", n), "", nil); err != nil {
				t.Error(err)
			}
		}
		cancel()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func auditSettings(t *testing.T) config.Config {
	set := config.Default()
	set.DataDir = filepath.Join(t.TempDir(), "data")
	set.HTTP.Listen = "127.0.0.1:0"
	set.WebRTC.UDPListen, set.WebRTC.TCPListen = "127.0.0.1:0", "127.0.0.1:0"
	set.Log.Level = "error"
	return set
}

func verdict(t *testing.T, set config.Config, heads string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	err := verifyAudit(t.Context(), set, heads, &out)
	if err == nil {
		return out.String(), 0
	}
	if with, ok := errors.AsType[exitWith](err); ok {
		return out.String(), with.code
	}
	return err.Error(), 1
}

func alter(t *testing.T, set config.Config, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(set.DataDir, "sharpeyes.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range append([]string{"DROP TRIGGER IF EXISTS kept_audit_update", "DROP TRIGGER IF EXISTS kept_audit_delete"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// A gateway that has run twice leaves an audit that is whole, with its starts
// and stops, and heads outside the database.
func TestAuditVerify(t *testing.T) {
	set := auditSettings(t)
	ran(t, set)
	ran(t, set)
	out, code := verdict(t, set, "")
	if code != 0 || !strings.Contains(out, "The audit is whole.") || !strings.Contains(out, "11 entries were read") || !strings.Contains(out, "head that fits is entry 11") {
		t.Errorf("%d: %s", code, out)
	}
	raw, err := os.ReadFile(filepath.Join(set.DataDir, audit.HeadsName))
	if err != nil || strings.Count(string(raw), "\n") != 4 {
		t.Errorf("heads: %q %v", raw, err)
	}
}

// What was done to the audit is said in words, and with the code 2.
func TestAuditVerifyFinds(t *testing.T) {
	for name, c := range map[string]struct {
		tamper func(t *testing.T, set config.Config)
		want   []string
	}{
		"edited": {func(t *testing.T, set config.Config) {
			alter(t, set, "UPDATE audit SET object = 'rules/9' WHERE seq = 3")
		}, []string{"edited: entry 3 (config,", "does not fit its hash"}},
		"deleted": {func(t *testing.T, set config.Config) { alter(t, set, "DELETE FROM audit WHERE seq = 4") },
			[]string{"deleted: entry 4 is missing between entry 3 and entry 5"}},
		"cut short, counter and all": {func(t *testing.T, set config.Config) {
			alter(t, set, "DELETE FROM audit WHERE seq > 3", "UPDATE series SET value = 3 WHERE name = 'audit'")
		}, []string{"cut off: entries 4 to 6 are missing"}},
		"cut short, and run again": {func(t *testing.T, set config.Config) {
			alter(t, set, "DELETE FROM audit WHERE seq > 3", "UPDATE series SET value = 3 WHERE name = 'audit'")
			ran(t, set)
		}, []string{"rewritten: entry 6 is not the one whose hash was noted"}},
		"heads deleted": {func(t *testing.T, set config.Config) {
			if err := os.Remove(filepath.Join(set.DataDir, audit.HeadsName)); err != nil {
				t.Fatal(err)
			}
		}, []string{"heads: the file of heads is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			set := auditSettings(t)
			ran(t, set)
			c.tamper(t, set)
			out, code := verdict(t, set, "")
			if code != 2 {
				t.Errorf("code %d", code)
			}
			for _, want := range append(c.want, "entries were read") {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q: %s", want, out)
				}
			}
		})
	}
}

// Heads that are kept in another folder, and copies of them, show what those
// beside the database cannot.
func TestAuditHeadsElsewhere(t *testing.T) {
	set := auditSettings(t)
	set.Audit.HeadDir = filepath.Join(t.TempDir(), "elsewhere", "heads")
	ran(t, set)
	if _, err := os.Stat(filepath.Join(set.DataDir, audit.HeadsName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("heads are in the data folder, too: %v", err)
	}
	if out, code := verdict(t, set, ""); code != 0 {
		t.Errorf("%d: %s", code, out)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	raw, err := os.ReadFile(filepath.Join(set.Audit.HeadDir, audit.HeadsName))
	if err == nil {
		err = os.WriteFile(copied, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	alter(t, set, "DELETE FROM audit", "DELETE FROM series WHERE name = 'audit'")
	if err := os.Remove(filepath.Join(set.Audit.HeadDir, audit.HeadsName)); err != nil {
		t.Fatal(err)
	}
	if out, code := verdict(t, set, ""); code != 0 || !strings.Contains(out, "no entry") {
		t.Errorf("%d: %s", code, out)
	}
	if out, code := verdict(t, set, copied); code != 2 || !strings.Contains(out, "cut off") {
		t.Errorf("%d: %s", code, out)
	}
}

func TestAuditVerifyCannot(t *testing.T) {
	set := auditSettings(t)
	if out, code := verdict(t, set, ""); code != 1 || !strings.Contains(out, "there is no database") {
		t.Errorf("%d: %s", code, out)
	}
	if _, err := os.Stat(set.DataDir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it made the folder")
	}
}

// A running gateway can be verified, and says itself when what it has noted is
// gone.
func TestAuditWhileRunning(t *testing.T) {
	set := auditSettings(t)
	a, err := newApp(set)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.openStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := a.desk.Audit(t.Context(), alerts.System(), alerts.AuditConfig, "rules/x", "", nil); err != nil {
			t.Fatal(err)
		}
		a.heads.note()
		if out, code := verdict(t, set, ""); code != 0 {
			t.Errorf("%d: %s", code, out)
		}
	}
	if err := a.heads.check(t.Context()); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	set.Log.Level = "error"
	a.heads.log = slog.New(slog.NewTextHandler(&log, nil))
	alter(t, set, "UPDATE audit SET hash = 'x' WHERE seq = 3")
	if err := a.heads.check(t.Context()); err != nil || !strings.Contains(log.String(), "tampered with") {
		t.Errorf("%v, logged %q", err, log.String())
	}
}
