package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"sharpeyes/alerts"
)

// TestNoMoreGrowth has SQLite itself refuse to let the database grow: a write
// that finds it full is done again where room was made, once, and fails where
// there is none; the others of its batch with it, and nothing is left of them.
func TestNoMoreGrowth(t *testing.T) {
	ctx := context.Background()
	var (
		s     *Store
		asked atomic.Int64
		room  atomic.Bool
	)
	grow := func(pages string) error {
		_, err := s.db.writes.ExecContext(ctx, "PRAGMA max_page_count = "+pages)
		return err
	}
	s, err := Open(ctx, Options{Path: filepath.Join(t.TempDir(), "sharpeyes.db"), Full: func() bool {
		asked.Add(1)
		return room.Load() && grow("1000000") == nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	n := 0
	write := func() error {
		n++
		return s.Write(ctx, func(tx alerts.Tx) error {
			return tx.SaveArea(alerts.Area{ID: fmt.Sprint("a", n), Name: strings.Repeat("长", 4000), Level: alerts.City})
		})
	}
	for range 3 {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	if err := grow("1"); err != nil { // no further than it is
		t.Fatal(err)
	}
	var failed error
	for range 100 {
		if failed = write(); failed != nil {
			break
		}
	}
	var told *alerts.Error
	if !errors.As(failed, &told) || told.Kind != alerts.Unavailable || !strings.Contains(told.Message, "disk is full") || asked.Load() != 1 {
		t.Fatalf("%v, asked %d times", failed, asked.Load())
	}
	if _, err := s.Area(ctx, alerts.System(), fmt.Sprint("a", n)); alerts.KindOf(err) != alerts.NotFound {
		t.Errorf("something is left of it: %v", err)
	}
	room.Store(true)
	if err := write(); err != nil || asked.Load() != 2 {
		t.Errorf("where room is made: %v, asked %d times", err, asked.Load())
	}
	for i := range n {
		if i+1 == n-1 {
			continue // the one that failed
		}
		if _, err := s.Area(ctx, alerts.System(), fmt.Sprint("a", i+1)); err != nil {
			t.Error(err)
		}
	}
}
