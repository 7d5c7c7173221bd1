package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"sharpeyes/alerts"
)

// AuditLog reads the audit of a database and nothing else; a gateway may be
// writing to it. It neither makes nor changes anything.
type AuditLog struct {
	queries
	reads *bun.DB
}

// OpenAudit opens the audit of a database that is there. Of o only Path or URL
// and Password are read.
func OpenAudit(ctx context.Context, o Options) (*AuditLog, error) {
	var db *bun.DB
	name := o.Path
	if o.URL != "" {
		c, err := parseAddress(o.URL, o.Password)
		if err != nil {
			return nil, err
		}
		name = called(c)
		db = bun.NewDB(stdlib.OpenDB(*reading(c)), pgdialect.New())
	} else {
		if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
			return nil, alerts.Errorf(alerts.NotFound, "there is no database %s: name the data folder of a gateway", o.Path)
		} else if err != nil {
			return nil, fileError(o.Path, err)
		}
		r, err := sql.Open("sqlite", dsn(o.Path, url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)"}}))
		if err != nil {
			return nil, fmt.Errorf("store: open: %w", err)
		}
		db = bun.NewDB(r, sqlitedialect.New())
	}
	db.SetMaxOpenConns(1)
	l := &AuditLog{queries: queries{db: db}, reads: db}
	if _, _, err := l.AuditHead(ctx); err != nil {
		e := &alerts.Error{Kind: alerts.KindOf(err), Err: err, Message: fmt.Sprintf("the audit in %s cannot be read: %v", name, err)}
		if o.URL == "" {
			if told, ok := errors.AsType[*alerts.Error](openError(o.Path, err)); ok {
				e = told
			}
		}
		return nil, errors.Join(e, db.Close())
	}
	return l, nil
}

// Numbers is how many entries were numbered since the beginning.
func (l *AuditLog) Numbers(ctx context.Context) (n int64, err error) {
	err = l.db.QueryRowContext(ctx, "SELECT value FROM series WHERE name = ?", auditSeries).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("store: read audit: %w", classify(err))
	}
	return n, nil
}

// Close closes the database.
func (l *AuditLog) Close() error { return l.reads.Close() }
