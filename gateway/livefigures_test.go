package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// From a camera through the whole gateway: its state when it changes, and its
// figures every second to who asked.
func TestFiguresOnTheLiveSocket(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.json")
	url, _ := runDemo(t, demoCmd{Cameras: 2, Accounts: file})
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var accounts []account
	if err := json.Unmarshal(raw, &accounts); err != nil {
		t.Fatal(err)
	}
	officer, admin := signIn(t, url, accounts, "duty_officer"), signIn(t, url, accounts, "admin")
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(url, "http", "ws", 1)+"/api/v1/live", http.Header{"Cookie": {officer.cookie}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	defer func() { _ = conn.Close() }()
	if code := admin.call("PATCH", "/api/v1/cameras/cam000", map[string]any{"mode": "always"}, nil); code != http.StatusOK {
		t.Fatalf("always: %d", code)
	}
	if err := conn.WriteJSON(map[string]any{"type": "figures", "ids": []string{"cam000", "nobody"}}); err != nil {
		t.Fatal(err)
	}
	var live, moving bool
	_ = conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	for !live || !moving {
		var m struct {
			Type  string
			At    time.Time
			Items []map[string]any
		}
		if err := conn.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		for _, it := range m.Items {
			switch {
			case m.Type == "status" && it["id"] == "cam000" && it["state"] == "live":
				live = it["frame_age_ms"] != nil && it["last_key_at"] != nil && it["profiles"] != nil
			case m.Type == "figures" && it["id"] != "cam000":
				t.Fatalf("figures of %v", it["id"])
			case m.Type == "figures" && it["state"] == "live":
				age, _ := it["frame_age_ms"].(float64)
				fps, _ := it["fps"].(float64)
				moving = fps > 5 && age < 2000 && !m.At.IsZero() && it["stale"] == false
			}
		}
	}
	if code := admin.call("PATCH", "/api/v1/cameras/cam000", map[string]any{"enabled": false}, nil); code != http.StatusOK {
		t.Fatalf("off: %d", code)
	}
	for off := false; !off; {
		var m struct {
			Type  string
			Items []map[string]any
		}
		if err := conn.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		for _, it := range m.Items {
			off = off || m.Type == "status" && it["id"] == "cam000" && it["state"] == "disabled"
		}
	}
}
