package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"sharpeyes/alerts"
)

// A server that stands still is given up; one whose user has set a time of his
// own keeps to that.
func TestPatient(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _ = there.Close() }()
	p := &patient{Conn: here, within: 20 * time.Millisecond}
	defer func() { _ = p.Close() }()
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("reading from a server that stands still: %v", err)
	}
	for name, set := range map[string]func(time.Time) error{"deadline": p.SetDeadline, "read deadline": p.SetReadDeadline} {
		if err := set(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		written := make(chan error, 1)
		time.AfterFunc(3*p.within, func() {
			_, err := there.Write([]byte{1})
			written <- err
		})
		if _, err := p.Read(make([]byte, 1)); err != nil || <-written != nil {
			t.Fatalf("reading with a %s of an hour: %v", name, err)
		}
		if err := set(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("reading after the %s was taken back: %v", name, err)
		}
	}
}

func TestBytewise(t *testing.T) {
	b := bytewise{fstest.MapFS{"1.sql": {Data: []byte(`-- TEXT stays
CREATE TABLE a (
    id   TEXT PRIMARY KEY,
    note TEXT NOT NULL DEFAULT 'TEXT'
);
ALTER TABLE a ADD COLUMN more TEXT;
INSERT INTO a SELECT CAST(1 AS TEXT), 'x TEXT';
`)}}}
	got, err := fs.ReadFile(b, "1.sql")
	if err != nil {
		t.Fatal(err)
	}
	want := `-- TEXT stays
CREATE TABLE a (
    id   TEXT COLLATE "C" PRIMARY KEY,
    note TEXT COLLATE "C" NOT NULL DEFAULT 'TEXT'
);
ALTER TABLE a ADD COLUMN more TEXT COLLATE "C";
INSERT INTO a SELECT CAST(1 AS TEXT), 'x TEXT';
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
	// SQLite and PostgreSQL run the same files: no language of one alone.
	files, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"AUTOINCREMENT", "SERIAL", "STRICT", "WITHOUT ROWID", "COLLATE", "JSONB", "TIMESTAMP"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s: %s is of one database alone", name, word)
			}
		}
	}
}

// What an error of PostgreSQL means to callers, and whether the transaction may
// be run again.
func TestPostgresErrors(t *testing.T) {
	code := func(c string) error { return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: c}) }
	for name, c := range map[string]struct {
		err   error
		kind  alerts.Kind
		again bool
	}{
		"serialization":      {code("40001"), alerts.Unavailable, true},
		"deadlock":           {code("40P01"), alerts.Unavailable, true},
		"lock timeout":       {code("55P03"), alerts.Unavailable, false},
		"statement timeout":  {code("57014"), alerts.Unavailable, false},
		"shut down":          {code("57P01"), alerts.Unavailable, true},
		"crashed":            {code("57P02"), alerts.Unavailable, true},
		"starting":           {code("57P03"), alerts.Unavailable, true},
		"standby":            {code("25006"), alerts.Unavailable, true},
		"too many":           {code("53300"), alerts.Unavailable, false},
		"disk full":          {code("53100"), alerts.Unavailable, false},
		"damaged":            {code("XX001"), alerts.Unavailable, false},
		"password changed":   {code("28P01"), alerts.Unavailable, false},
		"database dropped":   {code("3D000"), alerts.Unavailable, false},
		"bytes":              {code("22021"), alerts.Invalid, false},
		"long":               {code("54000"), alerts.Invalid, false},
		"syntax":             {code("42601"), alerts.Internal, false},
		"end of file":        {io.ErrUnexpectedEOF, alerts.Unavailable, true},
		"bad connection":     {driver.ErrBadConn, alerts.Unavailable, true},
		"closed":             {net.ErrClosed, alerts.Unavailable, true},
		"cut":                {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, alerts.Unavailable, true},
		"standing still":     {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, alerts.Unavailable, false},
		"caller went":        {context.Canceled, alerts.Internal, false},
		"caller's time over": {context.DeadlineExceeded, alerts.Internal, false},
	} {
		if got := classify(c.err); alerts.KindOf(got) != c.kind || !errors.Is(got, c.err) {
			t.Errorf("%s: %s %v", name, alerts.KindOf(got), got)
		}
		if got := mayRunAgain(classify(c.err)); got != c.again {
			t.Errorf("%s: may run again: %v", name, got)
		}
	}
	if !errors.Is(classify(code("23505")), errTaken) || !errors.Is(classify(code("23503")), errMissing) {
		t.Error("constraints are not told apart")
	}
}
