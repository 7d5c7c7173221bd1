package pgtest

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What is committed outlives a stop and a crash; the end leaves nothing behind.
func TestServer(t *testing.T) {
	var s Server
	defer func() { _ = s.Close() }()
	one, two := s.URL(t), s.URL(t)
	if one == two {
		t.Fatal("two tests share a database")
	}
	s.Exec(t, one, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
	s.Exec(t, two, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
	s.Exec(t, one, "INSERT INTO kept VALUES (1)")
	s.Stop(t)
	if err := execute(one, "SELECT 1"); err == nil {
		t.Fatal("a stopped server answers")
	}
	s.Start(t)
	s.Exec(t, one, "INSERT INTO kept VALUES (2)")
	s.Kill(t)
	s.Start(t)
	s.Exec(t, one, "DO $$ BEGIN ASSERT (SELECT count(*) FROM kept) = 2; ASSERT 'a' < 'B'; END $$")
	s.Exec(t, s.Copy(t, one), "DO $$ BEGIN ASSERT (SELECT count(*) FROM kept) = 2; END $$")
	folder := s.folder
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", folder, err)
	}
}
