package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sharpeyes/gateway/config"
)

// runDemo runs the demo until stop is called and returns its address.
func runDemo(t *testing.T, c demoCmd) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	c.Listen = freeAddress(t)
	go func() { ended <- c.Run(ctx) }()
	stop = func() error {
		cancel()
		select {
		case err := <-ended:
			ended <- err
			return err
		case <-time.After(20 * time.Second):
			return errors.New("the demo does not end")
		}
	}
	t.Cleanup(func() { _ = stop() })
	url = "http://" + c.Listen
	for deadline := time.Now().Add(60 * time.Second); ; {
		res, err := http.Get(url + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return url, stop
			}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the demo ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the demo is not ready after a minute")
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// person signs in and asks.
type person struct {
	t      *testing.T
	url    string
	cookie string
}

func signIn(t *testing.T, url string, accounts []account, role string) *person {
	t.Helper()
	for _, a := range accounts {
		if string(a.Role) != role {
			continue
		}
		body, _ := json.Marshal(map[string]string{"username": a.Username, "password": a.Password})
		res, err := http.Post(url+"/api/v1/session", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		for _, c := range res.Cookies() {
			return &person{t, url, c.Name + "=" + c.Value}
		}
		t.Fatalf("%s cannot sign in: %s", role, res.Status)
	}
	t.Fatalf("no account for %s", role)
	return nil
}

func (p *person) call(method, path string, body, into any) int {
	p.t.Helper()
	raw, _ := json.Marshal(body)
	req, err := http.NewRequest(method, p.url+path, bytes.NewReader(raw))
	if err != nil {
		p.t.Fatal(err)
	}
	if body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header.Set("Cookie", p.cookie)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			p.t.Fatal(err)
		}
	}
	return res.StatusCode
}

type cameraList struct {
	Items []struct {
		ID     string `json:"id"`
		GridID string `json:"grid_id"`
		Status struct {
			State string `json:"state"`
		} `json:"status"`
	} `json:"items"`
}

// TestDemo runs the town from the first start to Ctrl-C, twice on one folder.
func TestDemo(t *testing.T) {
	opt := goleak.IgnoreCurrent()
	dir := t.TempDir()
	file := filepath.Join(dir, "accounts.json")
	c := demoCmd{Data: filepath.Join(dir, "data"), Accounts: file, Cameras: 26}
	url, stop := runDemo(t, c)
	accounts := readAccounts(t, file)
	if len(accounts) != 6 {
		t.Fatalf("%d accounts, want one for each of 6 roles", len(accounts))
	}
	officer := signIn(t, url, accounts, "duty_officer")
	waitLive(t, officer, 26)
	var sent struct {
		Receipt struct {
			Number string `json:"number"`
			Hash   string `json:"hash"`
		} `json:"receipt"`
	}
	report := map[string]any{"category": "hazard.gas", "text": "闻到燃气味", "lon": 118.8976, "lat": 31.8996}
	if code := officer.call("POST", "/api/v1/incidents", report, &sent); code != http.StatusCreated || sent.Receipt.Number == "" || sent.Receipt.Hash == "" {
		t.Fatalf("report: %d %+v", code, sent)
	}
	begin := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("ended after %v", time.Since(begin))
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, opt)

	// The same folder with fewer cameras: what was reported is there, sessions
	// go on, cameras above the number are gone.
	c.Cameras = 4
	url, stop = runDemo(t, c)
	again := signIn(t, url, readAccounts(t, file), "leader")
	var incidents struct {
		Items []struct {
			Number string `json:"number"`
		} `json:"items"`
	}
	if code := again.call("GET", "/api/v1/incidents", nil, &incidents); code != http.StatusOK || len(incidents.Items) == 0 || incidents.Items[0].Number != sent.Receipt.Number {
		t.Fatalf("after the restart: %d %+v", code, incidents)
	}
	officer.url = url
	if code := officer.call("GET", "/api/v1/session", nil, nil); code != http.StatusOK {
		t.Fatalf("a session from before the restart: %d", code)
	}
	waitLive(t, again, 4)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, opt)
}

func readAccounts(t *testing.T, file string) []account {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("accounts file: %v %v", info.Mode(), err)
	}
	var list []account
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// waitLive waits until exactly n cameras are there, each live and in a grid.
func waitLive(t *testing.T, p *person, n int) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		var list cameraList
		p.call("GET", "/api/v1/cameras?limit=1000", nil, &list)
		live := 0
		for _, c := range list.Items {
			if c.Status.State == "live" && c.GridID != "" {
				live++
			}
		}
		if len(list.Items) == n && live == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d cameras, %d live and in a grid, want %d", len(list.Items), live, n)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

// TestPlainSentences starts what cannot start: the answer is one sentence that
// says what to do.
func TestPlainSentences(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	old := t.TempDir()
	if err := os.WriteFile(filepath.Join(old, "VERSION"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := t.TempDir()
	d, err := openDataDir(used)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free := "127.0.0.1:0"
	for name, tc := range map[string]struct {
		cmd  demoCmd
		want string
	}{
		"port in use":       {demoCmd{Listen: taken.Addr().String(), Cameras: 1}, "in use by another program"},
		"newer data folder": {demoCmd{Listen: free, Data: old, Cameras: 1}, `has layout version "99", and this program knows version 1`},
		"folder in use":     {demoCmd{Listen: free, Data: used, Cameras: 1}, "in use by another gateway"},
		"no folder":         {demoCmd{Listen: free, Data: filepath.Join(blocked, "data"), Cameras: 1}, "cannot be made"},
		"no cameras":        {demoCmd{Listen: free, Cameras: 0}, "--cameras"},
		"source without %d": {demoCmd{Listen: free, Cameras: 1, Source: "rtsp://host/cam"}, "--source"},
		"source with %s":    {demoCmd{Listen: free, Cameras: 1, Source: "rtsp://host/%s"}, "--source"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.cmd.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want one with %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "goroutine") {
				t.Fatalf("not a plain sentence: %v", err)
			}
		})
	}
}

func TestGuardedDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	nets := func(s ...string) (out []string) { return s }
	for _, tc := range []struct {
		allowed []string
		host    string
		ok      bool
	}{
		{nets("127.0.0.0/8"), "127.0.0.1", true},
		{nets("127.0.0.0/8"), "localhost", true},
		{nets("127.0.0.1"), "127.0.0.1", true},
		{nets("127.0.0.0/8"), "::ffff:127.0.0.1", true},
		{nets("10.0.0.0/8"), "127.0.0.1", false},
		{nets("10.0.0.0/8"), "localhost", false},
		{nets("10.0.0.0/8"), "::ffff:127.0.0.1", false},
		{nets("10.0.0.0/8"), "0.0.0.0", false},
		{nets("10.0.0.0/8"), "169.254.169.254", false},
		{nets("10.0.0.0/8"), "[::1]", false},
		{nil, "127.0.0.1", false},
	} {
		t.Run(fmt.Sprint(tc.allowed, tc.host), func(t *testing.T) {
			c, err := dialVia(t, tc.allowed, net.JoinHostPort(strings.Trim(tc.host, "[]"), port))
			if err == nil {
				_ = c.Close()
			}
			if (err == nil) != tc.ok {
				t.Fatalf("error %v", err)
			}
		})
	}
}

func dialVia(t *testing.T, allowed []string, address string) (net.Conn, error) {
	t.Helper()
	p, err := config.Prefixes(allowed)
	if err != nil {
		t.Fatal(err)
	}
	return guardedDial(p)(t.Context(), "tcp", address)
}
