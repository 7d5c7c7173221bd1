package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFileThenEnvironment(t *testing.T) {
	p := write(t, "http:\n  listen: 127.0.0.1:9000\nsession:\n  idle: 15m\ncameras:\n  networks: [10.1.0.0/16]\n")
	c, err := Load(p, []string{"SHARPEYES_HTTP_LISTEN=:9001", "SHARPEYES_WEBRTC_PUBLIC_IPS=192.0.2.1, 2001:db8::1", "PATH=/bin",
		"SHARPEYES_ADMIN_PASSWORD=x", "SHARPEYES_WEBRTC_TCP_LISTEN=", "SHARPEYES_WEBRTC_MAX_VIEWERS=7"})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != ":9001" || c.Session.Idle != 15*time.Minute || c.WebRTC.TCPListen != "" || c.WebRTC.MaxViewers != 7 ||
		len(c.WebRTC.PublicIPs) != 2 || len(c.Cameras.Networks) != 1 || c.DataDir != "data" {
		t.Fatalf("%+v", c)
	}
}

func TestMetricsToken(t *testing.T) {
	token := "0123456789abcdef"
	c, err := Load(write(t, "metrics:\n  networks: [10.0.0.5]\n"), []string{"SHARPEYES_METRICS_TOKEN=" + token})
	if err != nil || c.Metrics.Token != token || len(c.Metrics.Networks) != 1 {
		t.Fatalf("%v", err)
	}
	if _, err := Load("", []string{"SHARPEYES_METRICS_TOKEN=hunter2"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("a token in an error: %v", err)
	}
	if d := Default(); d.Metrics.Token != "" || len(d.Metrics.Networks) != 0 {
		t.Fatal("somebody reads all of /metrics by default")
	}
}

// The address of the database may hold its password: no error tells it.
func TestStore(t *testing.T) {
	for _, url := range []string{"postgres://u:hunter2/@host/db", "postgres://u:hunter2%@host/db", "mysql://u:hunter2@host/db", "host=x password=hunter2"} {
		if _, err := Load("", []string{"SHARPEYES_STORE_URL=" + url}); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "store.url") {
			t.Errorf("%q: %v", url, err)
		}
	}
	good := "SHARPEYES_STORE_URL=postgres://u@host/db"
	if c, err := Load("", []string{good, "SHARPEYES_STORE_PASSWORD_FILE=/run/secret"}); err != nil || c.Store.PasswordFile != "/run/secret" {
		t.Errorf("%+v %v", c.Store, err)
	}
	for _, url := range []string{"postgres://u:hunter2@host/db", "postgres://u@host/db?password=hunter2"} {
		_, err := Load("", []string{"SHARPEYES_STORE_URL=" + url, "SHARPEYES_STORE_PASSWORD_FILE=/run/secret"})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q with a file: %v", url, err)
		}
	}
	if _, err := Load("", []string{"SHARPEYES_STORE_PASSWORD_FILE=/run/secret"}); err == nil {
		t.Error("a password for no address was taken")
	}
}

func TestDefaultsAreValid(t *testing.T) {
	if _, err := Load("", nil); err != nil {
		t.Fatal(err)
	}
}

func TestFaultsNameTheKey(t *testing.T) {
	for text, want := range map[string]string{
		"http:\n  listn: x\n":                       `unknown key "http.listn" (did you mean "http.listen"?)`,
		"http:\n  listen: nowhere\n":                "http.listen",
		"http:\n  tls_cert: a.pem\n":                "http.tls_key",
		"cameras:\n  networks: [all]\n":             "cameras.networks",
		"webrtc:\n  public_ips: [example.org]\n":    "webrtc.public_ips",
		"transcode:\n  max: 65\n":                   "transcode.max",
		"transcode:\n  ffmpeg: \"\"\n":              "transcode.ffmpeg",
		"webrtc:\n  max_viewers: 0\n":               "webrtc.max_viewers",
		"rtsp:\n  per_host: 0\n":                    "rtsp.per_host",
		"rtsp:\n  dial_rate: 0\n":                   "rtsp.dial_rate",
		"rtsp:\n  dial_rate: .nan\n":                "rtsp.dial_rate",
		"session:\n  idle: -1s\n":                   "session.idle",
		"log:\n  level: loud\n":                     "log.level",
		"log:\n  format: xml\n":                     "log.format",
		"data_dir: ''\n":                            "data_dir",
		"http: [\n":                                 "config file",
		"webrtc:\n  max_viewers: many\n":            "max_viewers",
		"http:\n  trusted_proxies: [10.0.0.0/99]\n": "http.trusted_proxies",
		"metrics:\n  token: short\n":                "metrics.token",
		"metrics:\n  token: with a space inside\n":  "metrics.token",
		"metrics:\n  networks: [everybody]\n":       "metrics.networks",
	} {
		_, err := Load(write(t, text), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := Load("", []string{"SHARPEYES_HTTP_LISTENS=:1"}); err == nil || !strings.Contains(err.Error(), `"http.listen"`) {
		t.Errorf("misspelt variable: %v", err)
	}
}
