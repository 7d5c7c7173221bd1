package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pressly/goose/v3"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/pgtest"
	"sharpeyes/alerts/store/storetest"
)

var postgres pgtest.Server

func TestPostgres(t *testing.T) {
	empty := postgres.URL(t)
	if err := open(t, empty).Close(); err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T) alerts.Store { return open(t, postgres.Copy(t, empty)) })
}

func TestCasesOfTheTenthVersionOnPostgres(t *testing.T) {
	address := postgres.URL(t)
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	casesOfTheTenthVersion(t, address, db, goose.DialectPostgres)
}

// with is an address with another part.
func with(t *testing.T, address string, change func(u *url.URL, query url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	change(u, query)
	u.RawQuery = query.Encode()
	return u.String()
}

func asGuarded(u *url.URL, query url.Values) {
	query.Del("user")
	u.User = url.UserPassword(pgtest.Guarded, pgtest.GuardedPassword)
}

// Whatever language the database speaks, text is in the order of its bytes, and
// every column says so: a migration that does not is found here.
func TestPostgresOrder(t *testing.T) {
	address := postgres.URL(t)
	s := open(t, address)
	defer s.Close()
	postgres.Exec(t, address, `DO $$
		DECLARE wrong TEXT;
		BEGIN
			SELECT string_agg(c.relname || '.' || a.attname, ', ') INTO wrong FROM pg_attribute AS a
				JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_collation AS l ON l.oid = a.attcollation
				WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i') AND a.attnum > 0 AND l.collname <> 'C'
				AND c.relname NOT LIKE 'goose%' AND c.relname <> 'sharpeyes_store';
			ASSERT wrong IS NULL, 'columns that sort in a language: ' || wrong;
		END $$`)
	storetest.Write(t, s, func(tx alerts.Tx) error {
		for _, id := range []string{"b", "A", "a", "B", "ä", "火"} {
			if err := tx.SaveArea(alerts.Area{ID: id, Name: id, Level: alerts.City}); err != nil {
				return err
			}
		}
		return nil
	})
	areas, err := s.Areas(context.Background(), alerts.System())
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, a := range areas {
		names += a.Name
	}
	if names != "ABabä火" {
		t.Errorf("areas by name come as %s", names)
	}
}

// A second start finds what is there; a user with a password, and rights on one
// database alone, can do all of it.
func TestPostgresAgain(t *testing.T) {
	address := postgres.URL(t)
	postgres.Exec(t, address, "CREATE SCHEMA city AUTHORIZATION "+pgtest.Guarded)
	guarded := with(t, address, func(u *url.URL, query url.Values) {
		asGuarded(u, query)
		query.Set("search_path", "city")
	})
	s := open(t, guarded)
	storetest.Town(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	apart := with(t, guarded, func(u *url.URL, _ url.Values) { u.User = url.User(pgtest.Guarded) })
	s, err := store.Open(context.Background(), store.Options{URL: apart, Password: pgtest.GuardedPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Area(context.Background(), alerts.System(), "v1"); err != nil {
		t.Error(err)
	}
}

// What cannot be opened is told in a sentence that says what to do, without the
// password, and is left as it was.
func TestPostgresRefused(t *testing.T) {
	ctx := context.Background()
	address := postgres.URL(t)
	newer, foreign := postgres.URL(t), postgres.URL(t)
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	postgres.Exec(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)")
	postgres.Exec(t, foreign, "CREATE TABLE recipes (id INTEGER)")
	postgres.Exec(t, address, "CREATE DATABASE latin ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
	defer postgres.Exec(t, address, "DROP DATABASE latin")
	const secret = "s3cr3t/%"
	change := func(fn func(u *url.URL, query url.Values)) string { return with(t, address, fn) }
	for name, c := range map[string]struct {
		url, says string
		kind      alerts.Kind
	}{
		"newer":             {newer, "newer version", alerts.Conflict},
		"another program's": {foreign, "another program", alerts.Conflict},
		"another encoding":  {change(func(u *url.URL, _ url.Values) { u.Path = "/latin" }), "ENCODING 'UTF8'", alerts.Conflict},
		"not there":         {change(func(u *url.URL, _ url.Values) { u.Path = "/nowhere" }), "does not exist", alerts.Unavailable},
		"no schema":         {change(func(_ *url.URL, q url.Values) { q.Set("search_path", "nowhere") }), "search_path", alerts.Conflict},
		"nobody listens":    {"postgres://u:s3cr3t%2F%25@127.0.0.1:1/x", "does not answer", alerts.Unavailable},
		"wrong password": {change(func(u *url.URL, q url.Values) {
			asGuarded(u, q)
			u.User = url.UserPassword(pgtest.Guarded, secret)
		}), "the user or the password", alerts.Unavailable},
		"no rights":       {change(asGuarded), "lets this user make no tables", alerts.Unavailable},
		"bare percent":    {"postgres://u:" + secret + "@127.0.0.1/x", "must look like", alerts.Invalid},
		"odd port":        {"postgres://u:" + secret + ":x@127.0.0.1:s3cr3t/x", "must look like", alerts.Invalid},
		"another scheme":  {"mysql://u:s3cr3t@127.0.0.1/x", "must look like", alerts.Invalid},
		"words":           {"host=127.0.0.1 password=s3cr3t", "must look like", alerts.Invalid},
		"unknown setting": {"postgres://u:s3cr3t@127.0.0.1/x?sslmode=s3cr3t", "must look like", alerts.Invalid},
		"no database":     {"postgres://u:s3cr3t@127.0.0.1", "names no database", alerts.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(ctx, store.Options{URL: c.url})
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if alerts.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s %q", alerts.KindOf(err), err)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "s3cr3t") {
				t.Errorf("the password is told: %s", text)
			}
		})
	}
	postgres.Exec(t, foreign, "DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace) = 1; END $$")
}

// Nodes that start together on an empty database migrate it once, and what they
// write at the same time is numbered in the order of its commits.
func TestPostgresNodes(t *testing.T) {
	const nodes, each = 4, 40
	address := postgres.URL(t)
	stores := make([]*store.Store, nodes)
	var opened sync.WaitGroup
	for n := range stores {
		opened.Go(func() {
			s, err := store.Open(context.Background(), store.Options{URL: address, Readers: 2})
			if err != nil {
				t.Error(err)
				return
			}
			stores[n] = s
		})
	}
	opened.Wait()
	for _, s := range stores {
		if s == nil {
			t.FailNow()
		}
		defer s.Close()
	}
	storetest.Town(t, stores[0])
	var writers sync.WaitGroup
	for n, s := range stores {
		for half := range 2 {
			writers.Go(func() {
				for i := range each / 2 {
					// Series are taken in either order: that must not make a deadlock.
					id := (n*2+half)*each + i
					err := s.Write(context.Background(), func(tx alerts.Tx) error {
						series := []string{"a", "b"}
						if half == 1 {
							series = []string{"b", "a"}
						}
						if _, err := tx.NextNumber(series[0]); err != nil {
							return err
						}
						if err := tx.AddIncident(storetest.Incident(id, "v1", "")); err != nil {
							return err
						}
						if err := tx.Append(&alerts.Event{Kind: alerts.IncidentCreated, AreaID: "v1", ID: fmt.Sprint(id)}); err != nil {
							return err
						}
						_, err := tx.NextNumber(series[1])
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	last := int64(0)
	for done := false; !done; {
		select {
		case <-written:
			done = true // one more look, at everything
		default:
		}
		for {
			events, _, err := stores[1].Events(context.Background(), alerts.System(), last, 50)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) == 0 {
				break
			}
			for _, e := range events {
				if e.Seq != last+1 {
					t.Fatalf("event %d after %d", e.Seq, last)
				}
				last = e.Seq
			}
		}
	}
	if last != nodes*each {
		t.Errorf("%d events, want %d", last, nodes*each)
	}
	storetest.Write(t, stores[0], func(tx alerts.Tx) error {
		for _, series := range []string{"a", "b"} {
			if n, err := tx.NextNumber(series); err != nil || n != nodes*each+1 {
				t.Errorf("series %s goes on with %d (%v)", series, n, err)
			}
		}
		return nil
	})
}
