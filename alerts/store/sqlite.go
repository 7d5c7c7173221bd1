package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sharpeyes/alerts"
)

// applicationID marks a file as ours in SQLite's header.
const applicationID = 0x53687045 // "ShpE"

// openSQLite opens the one connection that writes and the pool that reads.
func openSQLite(ctx context.Context, path string, readers int) (database, error) {
	if err := touch(path); err != nil {
		return database{}, err
	}
	// temp_store: the savepoints' own journals stay in memory; only the commit
	// has to reach the disk.
	w, err := sql.Open("sqlite", dsn(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"journal_size_limit(67108864)", "cache_size(-16384)", "temp_store(2)", "trusted_schema(0)"},
	}))
	if err != nil {
		return database{}, fmt.Errorf("store: open: %w", err)
	}
	w.SetMaxOpenConns(1)
	if err := prepare(ctx, w, path); err != nil {
		_ = w.Close()
		return database{}, err
	}
	// mmap_size: readers see the file's pages where the system has them, and copy
	// none; over a million cases that halves the time of a list.
	r, err := sql.Open("sqlite", dsn(path, url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(1)", "cache_size(-8192)", "mmap_size(4294967296)",
			"trusted_schema(0)"},
	}))
	if err != nil {
		_ = w.Close()
		return database{}, fmt.Errorf("store: open: %w", err)
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	return database{writes: bun.NewDB(w, sqlitedialect.New()), reads: bun.NewDB(r, sqlitedialect.New()), batch: DefaultBatch, full: fullSQLite}, nil
}

func dsn(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}).String()
}

// touch makes the folder and the file, so that a lack of rights is told as what
// it is. The database is readable by its owner alone.
func touch(path string) error {
	if path == "" {
		return alerts.InvalidField("path", "the database needs a file name")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fileError(path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fileError(path, err)
	}
	return f.Close()
}

func fileError(path string, err error) error {
	e := &alerts.Error{Kind: alerts.Unavailable, Err: err}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Message = fmt.Sprintf("no right to write %s: give this account the folder, or choose another data folder", path)
	default:
		var p *fs.PathError
		reason := err.Error()
		if errors.As(err, &p) {
			reason = p.Err.Error()
		}
		e.Message = fmt.Sprintf("the database %s cannot be opened: %s", path, reason)
	}
	return e
}

// inspect refuses what is not ours or newer than this program, and leaves the
// file as it is.
func inspect(ctx context.Context, path string, known int64) error {
	db, err := sql.Open("sqlite", dsn(path, url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)"}}))
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	var id, tables, version int64
	err = db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id)
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables)
	}
	if err != nil {
		return openError(path, err)
	}
	if tables == 0 {
		return nil
	}
	if id != applicationID {
		return alerts.Errorf(alerts.Conflict, "%s is a database of another program: choose another data folder", path)
	}
	err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&version)
	if err != nil {
		return openError(path, err)
	}
	if version > known {
		return alerts.Errorf(alerts.Conflict, "%s was written by a newer version of this program (schema %d, this one knows %d): "+
			"start the newer version, or choose another data folder", path, version, known)
	}
	return nil
}

// prepare marks the database as ours and migrates it.
func prepare(ctx context.Context, db *sql.DB, path string) error {
	files, err := migrations()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	known := newest(p)
	if err := inspect(ctx, path, known); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return openError(path, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return openError(path, err)
	}
	for _, statement := range keptSQLite() {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return openError(path, err)
		}
	}
	return nil
}

// fullSQLite tells whether SQLite has found the disk full. A commit that says so
// has not counted: its last page in the write-ahead log is what makes it count,
// and later pages are written over those that are there.
func fullSQLite(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && (se.Code()&0xff == sqlite3.SQLITE_FULL || se.Code() == sqlite3.SQLITE_IOERR_SHMSIZE)
}

func openError(path string, err error) error {
	e := &alerts.Error{Kind: alerts.Unavailable, Err: err}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		e.Kind = alerts.Conflict
		e.Message = fmt.Sprintf("%s is not a database: choose another data folder", path)
	case sqlite3.SQLITE_CORRUPT:
		e.Message = fmt.Sprintf("%s is damaged: restore it from a backup", path)
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		e.Message = fmt.Sprintf("no right to write %s and the files beside it: give this account the folder, or choose another data folder", path)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		e.Message = fmt.Sprintf("%s is in use by another process: stop that one first", path)
	case sqlite3.SQLITE_FULL:
		e.Message = fmt.Sprintf("the disk that holds %s is full", path)
	default:
		e.Message = fmt.Sprintf("the database %s cannot be opened", path)
	}
	return e
}

// classifySQLite is classify for SQLite's own errors; nil where it is none.
func classifySQLite(err error) error {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return nil
	}
	switch se.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", errTaken, err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", errMissing, err)
	}
	if fullSQLite(err) {
		return &alerts.Error{Kind: alerts.Unavailable, Message: "the disk is full: nothing can be stored", Err: err}
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &alerts.Error{Kind: alerts.Unavailable, Message: "the database is busy: try again", Err: err}
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN:
		return &alerts.Error{Kind: alerts.Unavailable, Message: "the database cannot be read or written", Err: err}
	}
	return err
}
