package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
)

// A file of the first version: what stood as text becomes departments, one for
// each name in an area, and grids become the first version of themselves.
func TestFileOfTheFirstVersion(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "sharpeyes.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	const user = "INSERT INTO users (id, username, name, role, area_id, department, password_hash, disabled, sessions_from, version) VALUES "
	for _, statement := range []string{
		"PRAGMA application_id = 1399353413",
		"INSERT INTO areas (id, path, name, name_en, level, code, scheme, valid_from, valid_to, shape) VALUES ('east', '/east/', 'E', '', 'county', '', '', 0, 0, '[]'), ('west', '/west/', 'W', '', 'county', '', '', 0, 0, '[]')",
		"INSERT INTO grids (id, area_id, name, code, scheme, kind, households, valid_from, valid_to, shape) VALUES ('g1', 'east', '1', '', '', 'street', 300, 0, 0, '[]')",
		user + "('u1', 'li', 'L', 'handler', 'east', '住建局', '', FALSE, 0, 3), ('u2', 'wang', 'W', 'handler', 'east', '住建局', '', FALSE, 0, 1)",
		user + "('u3', 'ma', 'M', 'handler', 'west', '住建局', '', FALSE, 0, 1), ('u4', 'duty', 'D', 'duty_officer', 'east', '', '', FALSE, 0, 1)",
		user + "('u5', 'root', 'R', 'admin', NULL, '机房', '', FALSE, 0, 1)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	defer s.Close()
	departments, err := s.Departments(ctx, alerts.System())
	if err != nil || len(departments) != 2 || departments[0].Name != "住建局" || departments[1].Name != "住建局" {
		t.Fatalf("departments %+v %v", departments, err)
	}
	of := make(map[string]string)
	users, _, err := s.Users(ctx, alerts.System(), alerts.Page{})
	if err != nil || len(users) != 5 {
		t.Fatal(users, err)
	}
	for _, u := range users {
		of[u.Username] = u.DepartmentID
	}
	if of["li"] == "" || of["li"] != of["wang"] || of["ma"] == "" || of["ma"] == of["li"] || of["duty"] != "" || of["root"] != "" {
		t.Errorf("departments of users: %v", of)
	}
	for _, d := range departments {
		if (d.AreaID == "east") != (d.ID == of["li"]) {
			t.Errorf("department %+v", d)
		}
	}
	if versions, err := s.GridVersions(ctx, alerts.System(), "g1"); err != nil || len(versions) != 1 || versions[0].Households != 300 {
		t.Errorf("versions %+v %v", versions, err)
	}
}

func TestCasesOfTheTenthVersion(t *testing.T) {
	path := file(t)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	casesOfTheTenthVersion(t, path, db, goose.DialectSQLite3)
}

// A database with cases goes back to the tenth version, whose program writes to
// it, and comes up again: the same is listed and counted as before, and what
// changes afterwards is seen.
func casesOfTheTenthVersion(t *testing.T, address string, db *sql.DB, dialect goose.Dialect) {
	ctx := context.Background()
	answers := func(s *store.Store) (out []any) {
		for _, by := range []alerts.CaseGroup{alerts.GroupDay, alerts.GroupHolder, alerts.GroupCategory} {
			counts, err := s.CaseCounts(ctx, alerts.System(), alerts.CaseFilter{}, by, time.UnixMicro(store.SeedEnd))
			if err != nil {
				t.Fatal(err)
			}
			list, _, err := s.Cases(ctx, alerts.System(), alerts.CaseFilter{Text: "燃气", Page: alerts.Page{Limit: 1000}})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, counts, list)
		}
		return out
	}
	s := open(t, address)
	store.SeedTown(t, s)
	store.SeedCases(t, s, 600)
	want := answers(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(dialect, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(ctx, 10); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM case_sums").Scan(&n); err != nil {
		t.Fatalf("the tenth version's table: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, address)
	defer s.Close()
	if got := answers(s); !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	if err := (worker{}).step(s, store.SeedID(1), 1); err != nil {
		t.Fatal(err)
	}
	if list, _, err := s.Cases(ctx, alerts.System(), alerts.CaseFilter{Page: alerts.Page{Limit: 1}, Text: "1000000001"}); err != nil || list[0].Version != 2 {
		t.Errorf("after a change: %+v, %v", list, err)
	}
	if now := answers(s); reflect.DeepEqual(now, want) {
		t.Error("a change is not counted")
	}
}
