package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
)

// database is an open database of either kind. What else differs between them
// is in sqlite.go and postgres*.go.
type database struct {
	writes, reads *bun.DB
	batch         int // writes committed together, by default
	// turn waits until the transaction may write and nobody else may, on any
	// node; nil: one that has begun may.
	turn func(context.Context, bun.Tx) error
	// again tells whether a transaction that failed with an error, and was not
	// committed, may succeed when it is run again at once; nil: never.
	again func(error) bool
	// full tells whether an error says that the disk is full, in which case the
	// transaction was not committed, even where the commit says so; nil: never.
	full func(error) bool
}

func (d database) close() error { return errors.Join(d.reads.Close(), d.writes.Close()) }

//go:embed migrations/*.sql
var migrationFiles embed.FS

func migrations() (fs.FS, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return files, nil
}

// newest is the version of the schema that this program knows.
func newest(p *goose.Provider) (version int64) {
	for _, m := range p.ListSources() {
		version = max(version, m.Version)
	}
	return version
}

// Errors of statements that callers tell apart.
var (
	errTaken   = errors.New("unique value is taken")
	errMissing = errors.New("a referenced row is missing")
)

// classify gives a database's error the kind that callers act on.
func classify(err error) error {
	for _, by := range []func(error) error{classifySQLite, classifyPostgres} {
		if told := by(err); told != nil {
			return told
		}
	}
	return err
}
