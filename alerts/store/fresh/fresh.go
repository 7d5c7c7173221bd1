// Package fresh gives each test an empty database of its own: one is migrated
// for all of them, the others are copies of its file.
package fresh

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"sharpeyes/alerts/store"
)

// File is the path of an empty SQLite database that goes with the test.
func File(t testing.TB) string {
	t.Helper()
	content, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sharpeyes.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var empty = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "sharpeyes-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "sharpeyes.db")
	s, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
