package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sharpeyes/gateway/auth"
	"sharpeyes/gateway/config"
	"sharpeyes/gateway/webhooks"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

const firstPassword = "first administrator's words"

// serveFresh serves an empty gateway until the test ends, and returns its
// address.
func serveFresh(t *testing.T, change func(*config.Config)) string {
	t.Helper()
	set := config.Default()
	set.DataDir = filepath.Join(t.TempDir(), "data")
	set.HTTP.Listen, set.WebRTC.UDPListen, set.WebRTC.TCPListen, set.Log.Level = "127.0.0.1:0", "127.0.0.1:0", "", "error"
	change(&set)
	a, err := newApp(set)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	ready := make(chan string, 1)
	go func() {
		defer a.close()
		err := a.listen()
		if err == nil {
			err = a.openStore(ctx)
		}
		if err == nil {
			_, err = a.auth.EnsureAdmin(ctx, firstPassword)
		}
		if err == nil {
			err = a.serve(ctx, func(url string) { ready <- url })
		}
		ended <- err
	}()
	select {
	case url := <-ready:
		return url
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	case <-time.After(60 * time.Second):
		t.Fatal("it is not ready after a minute")
	}
	return ""
}

const oneCity = `{"type":"FeatureCollection","features":[{"type":"Feature","id":"city","properties":{"id":"city","name":"城","level":"city"},
"geometry":{"type":"Polygon","coordinates":[[[117,31],[118,31],[118,32],[117,32],[117,31]]]}}]}`

// Machines on the whole gateway: a webhook is told of a change, signed; a token
// reads, and what it has open ends when it is removed.
func TestMachines(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); goleak.VerifyNone(t, ignore) })
	type delivery struct {
		signature string
		body      []byte
	}
	got := make(chan delivery, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- delivery{r.Header.Get(webhooks.HeaderSignature), body}
	}))
	t.Cleanup(receiver.Close)
	url := serveFresh(t, func(c *config.Config) { c.Webhooks.Networks, c.Webhooks.Plain = []string{"127.0.0.0/8"}, true })
	admin := signIn(t, url, []account{{Role: "admin", Username: "admin", Password: firstPassword}}, "admin")
	importAreas(t, admin)

	if code := admin.call("POST", "/api/v1/webhooks", map[string]any{"name": "x", "url": "http://169.254.169.254/latest", "kinds": []string{"camera.saved"},
		"area_id": "city"}, nil); code != http.StatusUnprocessableEntity {
		t.Errorf("a webhook to the cloud's metadata: %d", code)
	}
	var hook struct{ ID, Secret string }
	if code := admin.call("POST", "/api/v1/webhooks", map[string]any{"name": "platform", "url": receiver.URL + "/hook", "kinds": []string{"camera.saved"},
		"area_id": "city"}, &hook); code != http.StatusCreated {
		t.Fatalf("webhook: %d", code)
	}
	if code := admin.call("POST", "/api/v1/cameras", map[string]any{"id": "cam-1", "name": "gate", "lon": 117.5, "lat": 31.5,
		"main_url": "rtsp://user:hush@10.0.0.1/main"}, nil); code != http.StatusCreated {
		t.Fatalf("camera: %d", code)
	}
	select {
	case d := <-got:
		var m webhooks.Message
		if err := json.Unmarshal(d.body, &m); err != nil || m.Webhook != hook.ID || m.Event.ID != "cam-1" || bytes.Contains(d.body, []byte("hush")) {
			t.Errorf("%s (%v)", d.body, err)
		}
		if err := webhooks.Verify(hook.Secret, d.signature, d.body, time.Now()); err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the webhook was not called")
	}

	var token struct{ ID, Token string }
	if code := admin.call("POST", "/api/v1/tokens", map[string]any{"name": "map", "rights": []string{"view_map"}, "area_id": "city"}, &token); code != http.StatusCreated {
		t.Fatalf("token: %d", code)
	}
	bearer := http.Header{"Authorization": {"Bearer " + token.Token}}
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(url, "http", "ws", 1)+"/api/v1/live", bearer)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	defer func() { _ = conn.Close() }()
	if code := admin.call("DELETE", "/api/v1/tokens/"+token.ID, nil, nil); code != http.StatusNoContent {
		t.Fatalf("removing the token: %d", code)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second)) // the bound of the contract
	for {
		if _, _, err = conn.ReadMessage(); err != nil {
			break
		}
	}
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4401 {
		t.Errorf("the socket ended with %v", err)
	}
}

func importAreas(t *testing.T, p *person) {
	t.Helper()
	req, err := http.NewRequest("POST", p.url+"/api/v1/areas/import", strings.NewReader(oneCity))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", p.cookie)
	req.Header.Set("Content-Type", "application/geo+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Fatalf("areas: %d %s", res.StatusCode, body)
	}
}

// The provider's secret may be in a file; without one nobody starts.
func TestProviderSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	set := config.Default()
	set.OIDC = config.OIDC{Issuer: "https://id.example.org", ClientID: "gateway", ClientSecretFile: file, Claim: "preferred_username",
		RedirectURL: "https://gateway.example.org" + auth.OIDCPath + "/callback"}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	a := &app{set: set}
	if _, err := a.provider(); err == nil || !strings.Contains(err.Error(), "oidc.client_secret_file") {
		t.Errorf("without the file: %v", err)
	}
	for text, want := range map[string]string{"": "", " \n": "", "hush\n": "hush"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := a.provider()
		if (err == nil) != (want != "") || err == nil && p.ClientSecret != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
