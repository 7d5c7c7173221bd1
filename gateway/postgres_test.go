package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sharpeyes/alerts/store/pgtest"
	"sharpeyes/gateway/config"
)

// While PostgreSQL is away, live video goes on and nobody is thrown out; what
// needs the database is answered with 503, and works again when it is back.
func TestPostgresAway(t *testing.T) {
	var server pgtest.Server
	t.Cleanup(func() { _ = server.Close() })
	file := filepath.Join(t.TempDir(), "accounts.json")
	at, _ := runDemo(t, demoCmd{Cameras: 2, Accounts: file, Store: server.URL(t)})
	accounts := readAccounts(t, file)
	officer, admin := signIn(t, at, accounts, "duty_officer"), signIn(t, at, accounts, "admin")
	name := func(n string) int {
		return admin.call("PATCH", "/api/v1/cameras/cam000", map[string]any{"mode": "always", "name": n}, nil)
	}
	if code := name("before"); code != http.StatusOK {
		t.Fatalf("a change before: %d", code)
	}
	feed := follow(t, at, officer)
	feed.moving(t, 2)
	server.Stop(t)
	if code := name("meanwhile"); code != http.StatusServiceUnavailable {
		t.Errorf("a change without the database: %d", code)
	}
	if code := officer.call("GET", "/api/v1/incidents", nil, nil); code != http.StatusServiceUnavailable {
		t.Errorf("a list without the database: %d", code)
	}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		if code := officer.call("GET", path, nil, nil); code != want {
			t.Errorf("%s without the database: %d, want %d", path, code, want)
		}
	}
	feed.moving(t, 4)
	server.Start(t)
	for deadline := time.Now().Add(30 * time.Second); ; {
		if code := name("after"); code == http.StatusOK {
			break
		} else if code != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("a change after the database's return: %d", code)
		}
	}
	feed.until(t, "the change on the same socket", func(m message) bool {
		for _, it := range m.Items {
			if data, _ := it["data"].(map[string]any); it["kind"] == "camera.saved" && data["name"] == "after" {
				return true
			}
		}
		return false
	})
	feed.moving(t, 1)
}

// follower is a live socket that has asked for a camera's figures.
type follower struct{ conn *websocket.Conn }

type message struct {
	Type  string
	Items []map[string]any
}

func follow(t *testing.T, at string, p *person) follower {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(at, "http", "ws", 1)+"/api/v1/live", http.Header{"Cookie": {p.cookie}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.WriteJSON(map[string]any{"type": "figures", "ids": []string{"cam000"}}); err != nil {
		t.Fatal(err)
	}
	return follower{conn}
}

func (f follower) until(t *testing.T, what string, met func(message) bool) {
	t.Helper()
	_ = f.conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	for {
		var m message
		if err := f.conn.ReadJSON(&m); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if met(m) {
			return
		}
	}
}

// moving waits for a number of ticks at which the picture moves.
func (f follower) moving(t *testing.T, ticks int) {
	t.Helper()
	f.until(t, "moving pictures", func(m message) bool {
		for _, it := range m.Items {
			fps, _ := it["fps"].(float64)
			if m.Type == "figures" && it["state"] == "live" && fps > 5 {
				ticks--
			}
		}
		return ticks <= 0
	})
}

// The address of the database, with the password in it or in a file, is in no
// error that main prints.
func TestStoreErrors(t *testing.T) {
	var server pgtest.Server
	t.Cleanup(func() { _ = server.Close() })
	u, err := url.Parse(server.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Del("user")
	u.RawQuery, u.User = query.Encode(), url.User(pgtest.Guarded)
	secret := filepath.Join(t.TempDir(), "password")
	for says, c := range map[string]struct{ url, password string }{
		"user or the password":       {u.String(), "hunter2\n"},
		"is empty":                   {u.String(), "\n"},
		"lets this user make no":     {u.String(), pgtest.GuardedPassword + "\r\n"},
		"store.url: must look like":  {"postgres://hunter2@x:hunter2/y", "x"},
		"store.url: names no databa": {"postgres://hunter2@127.0.0.1", "x"},
	} {
		if err := os.WriteFile(secret, []byte(c.password), 0o600); err != nil {
			t.Fatal(err)
		}
		set := config.Default()
		set.DataDir, set.Store.URL, set.Store.PasswordFile = t.TempDir(), c.url, secret
		a, err := newApp(set)
		if err != nil {
			t.Fatal(err)
		}
		err = a.openStore(t.Context())
		a.close()
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", says, err)
		}
	}
}
