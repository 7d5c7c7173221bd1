package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
)

// maxStatements bounds what is kept prepared; the store's own texts are fewer.
const maxStatements = 256

// statements are the hot statements of the writer's one connection to SQLite,
// prepared once: it would else spend half of the time of a write on reading the
// same text again. PostgreSQL's driver keeps statements itself.
type statements struct {
	db     *bun.DB
	kept   map[string]*sql.Stmt
	tables tables
	tx     *sql.Tx
	by     map[string]*sql.Stmt // what the transaction has used
	wanted []string             // of that, what is not kept yet
}

func newStatements(db *bun.DB) *statements {
	return &statements{db: db, kept: make(map[string]*sql.Stmt), tables: make(tables), by: make(map[string]*sql.Stmt)}
}

// begin is told of a new transaction; what was prepared for another ended with it.
func (s *statements) begin(tx *sql.Tx) {
	if s == nil {
		return
	}
	s.tx = tx
	clear(s.by)
}

func (s *statements) of(query string) (*sql.Stmt, error) {
	if stmt := s.by[query]; stmt != nil {
		return stmt, nil
	}
	if kept := s.kept[query]; kept != nil {
		stmt := s.tx.StmtContext(context.Background(), kept)
		s.by[query] = stmt
		return stmt, nil
	}
	stmt, err := s.tx.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("store: prepare: %w", classify(err))
	}
	s.by[query] = stmt
	if len(s.kept)+len(s.wanted) < maxStatements {
		s.wanted = append(s.wanted, query)
	}
	return stmt, nil
}

// keep prepares what was wanted, between transactions: within one the
// connection is taken. What fails is prepared by the next transaction again.
func (s *statements) keep() {
	if s == nil {
		return
	}
	for _, query := range s.wanted {
		if s.kept[query] != nil {
			continue // a transaction that ran again wanted it twice
		}
		if stmt, err := s.db.PrepareContext(context.Background(), query); err == nil {
			s.kept[query] = stmt.Stmt
		}
	}
	s.wanted = s.wanted[:0]
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

// rowReady reads the one row of a hot query.
func (t *tx) rowReady(query string, into any, args ...any) error {
	ctx := context.Background()
	if t.ready == nil {
		return t.db.QueryRowContext(ctx, query, args...).Scan(into)
	}
	stmt, err := t.ready.of(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(into)
}

// execReady runs a statement that writes a row.
func (t *tx) execReady(query string, args []any) (sql.Result, error) {
	stmt, err := t.ready.of(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(context.Background(), args...)
}
