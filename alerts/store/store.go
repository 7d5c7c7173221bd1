// Package store keeps everything in SQL: in a SQLite file by default, in
// PostgreSQL where that is given.
//
// Invariants:
//   - Write returns nil only after the commit is on disk; a failed or skipped
//     Write leaves nothing behind.
//   - Event numbers are consecutive and commit in order.
//   - Every query carries the scope in SQL; the zero scope costs no query.
//   - Times are kept to the microsecond, in UTC.
//
// One goroutine writes. Writes that wait are committed together, each behind a
// savepoint of its own, so that one sync of the disk serves them all. The queue
// is bounded: when it is full, Write waits until its context ends. On a full disk
// writes go on for as long as Options.Full finds room, then fail as Unavailable,
// and succeed again when there is some, without a restart. Readers use
// their own connections and see what was committed when their query began.
//
// Several processes may share a PostgreSQL: their transactions that write run one
// after another. One that fails for no fault of its own is run again. While
// PostgreSQL is away reads and writes fail as Unavailable; when it is back they
// succeed, without a restart. A write whose commit got no answer fails, too, and
// may nevertheless be there.
//
// A million cases, on a small machine: any condition, order and count is
// answered in a few milliseconds from columns in memory, by looking at every case
// (alerts/store/columns). No index and no sum could serve them all: there are
// too many ways to put them together, and each of them would make every move
// slower. The columns take some 200 MB for a million cases and are read at the
// start, which takes seconds; what was committed since is read before every
// question (cases_held.go). Until they are held, inside a transaction, and with
// more cases than Options.Held, lists and counts are read from the database: by
// the index of the condition that leaves the fewest, counted first up to a
// bound, or along the order where every condition leaves many (cases_list.go).
// Orders are single columns made when a case is saved.
//
// Everything that differs between databases is in sqlite.go and postgres*.go;
// migrations and queries are the same.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// Defaults.
const (
	DefaultReaders = 4    // connections that read; more with PostgreSQL
	DefaultQueue   = 1024 // writes that wait; more wait for room
	DefaultBatch   = 256  // writes committed together at most; fewer with PostgreSQL
	DefaultHeld    = 4_000_000
)

// Options say where and how to keep.
type Options struct {
	Path     string       // of the database file; its folder is made
	URL      string       // of a PostgreSQL database, instead of Path: postgres://user@host:5432/database
	Password string       // for URL, instead of one in it
	Clock    alerts.Clock // of what the store dates itself; time.Now
	Readers  int          // DefaultReaders
	Queue    int          // DefaultQueue
	Batch    int          // DefaultBatch
	Held     int          // cases that are held in memory at most, else none are; DefaultHeld; negative: none
	// Full is called where the disk that holds Path is full. It returns true where
	// it has made room: then what could not be written is written again. nil: none.
	Full func() bool
}

// Store implements alerts.Store.
type Store struct {
	queries
	clock  alerts.Clock
	writer *writer
	db     database
}

var _ alerts.Store = (*Store)(nil)

// Open opens the database, makes it where there is none, and brings an older
// one up to date. Errors are alerts.Errors with a sentence for the operator.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Readers <= 0 {
		o.Readers = DefaultReaders
		if o.URL != "" {
			o.Readers = postgresReaders
		}
	}
	if o.Queue <= 0 {
		o.Queue = DefaultQueue
	}
	if o.Held == 0 {
		o.Held = DefaultHeld
	}
	db, err := openDatabase(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Batch <= 0 {
		o.Batch = db.batch
	}
	s := &Store{queries: queries{db: db.reads}, clock: o.Clock, db: db}
	if o.Held > 0 {
		s.held = hold(db.reads, o.Held)
	}
	var ready *statements
	if !s.postgres() {
		ready = newStatements(db.writes)
	}
	var saved *changes
	s.writer = startWriter(db, o.Queue, o.Batch, o.Full, func(in bun.Tx) *tx {
		if saved == nil || saved.of.Tx != in.Tx {
			saved = &changes{of: in}
			ready.begin(in.Tx)
		}
		return &tx{queries: queries{db: in, uncancelled: true}, now: o.Clock, ready: ready, changes: saved}
	}, func(in bun.Tx) error { return saved.keep(in) }, ready.keep)
	return s, nil
}

func openDatabase(ctx context.Context, o Options) (database, error) {
	if o.URL != "" {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, o.Path, o.Readers)
}

// Close ends the writer after the writes that wait, and closes the database.
func (s *Store) Close() error {
	s.writer.close()
	if s.held != nil {
		s.held.close()
	}
	return s.db.close()
}

// Write runs fn in a transaction; see alerts.Store. fn runs on the writer's
// goroutine: it must not call Write, nor wait for anything slow.
func (s *Store) Write(ctx context.Context, fn func(alerts.Tx) error) error {
	return s.writer.do(ctx, func(t *tx) error { return fn(t) })
}

// SaveSession inserts or replaces a session.
func (s *Store) SaveSession(ctx context.Context, v alerts.Session) error {
	row := sessionRow{TokenHash: v.TokenHash, UserID: v.UserID, Data: v.Data, Expires: micros(v.Expires)}
	return s.writer.do(ctx, func(t *tx) error {
		return t.upsert(&row, "token_hash", "user_id", "data", "expires")
	})
}

// RemoveSession removes a session; one that is not there is no error.
func (s *Store) RemoveSession(ctx context.Context, tokenHash string) error {
	return s.writer.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM sessions WHERE token_hash = ?", tokenHash)
	})
}

// Sweep deletes events and request keys from before the given time, and the
// sessions that expired by it. Events go from the oldest on without leaving
// gaps, and the newest always stays.
func (s *Store) Sweep(ctx context.Context, before time.Time) error {
	at := micros(before)
	return s.writer.do(ctx, func(t *tx) error {
		if err := t.exec(`DELETE FROM events WHERE seq < COALESCE(
			(SELECT MIN(seq) FROM events WHERE at >= ?), (SELECT MAX(seq) FROM events))`, at); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM request_keys WHERE created_at < ?", at); err != nil {
			return err
		}
		return t.exec("DELETE FROM sessions WHERE expires <= ?", at)
	})
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// notFound makes sql.ErrNoRows what callers know; what it is says the caller.
func notFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return alerts.Errorf(alerts.NotFound, "there is no such %s", what)
	}
	if err != nil {
		return fmt.Errorf("store: read %s: %w", what, classify(err))
	}
	return nil
}
