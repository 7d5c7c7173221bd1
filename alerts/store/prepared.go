package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
)

// statements are the hot statements of one transaction, prepared when they are
// first used in it: with many writes in a transaction SQLite would else spend
// half of its time on reading the same text. They end with the transaction.
// PostgreSQL's driver keeps statements itself.
type statements struct {
	db *bun.DB
	tx *sql.Tx
	by map[string]*sql.Stmt
}

func (s *statements) of(query string) (*sql.Stmt, error) {
	if stmt := s.by[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.tx.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("store: prepare: %w", classify(err))
	}
	s.by[query] = stmt
	return stmt, nil
}

// scanReady reads the rows of a hot query into a pointer to a slice.
func (t *tx) scanReady(rows any, query string, args ...any) error {
	if t.over {
		return errOver
	}
	ctx := context.Background()
	if t.ready == nil {
		if err := t.db.NewRaw(query, args...).Scan(ctx, rows); err != nil {
			return classify(err)
		}
		return nil
	}
	stmt, err := t.ready.of(query)
	if err != nil {
		return err
	}
	found, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = found.Close() }()
	if err := t.ready.db.ScanRows(ctx, found, rows); err != nil {
		return classify(err)
	}
	return nil
}
