package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"sharpeyes/gateway/live"
	"sharpeyes/streams"
	"sharpeyes/streams/whep"
)

// paint makes live, refused and idle streams.
func paint(n int, h *streams.Hub) {
	switch {
	case n == 0:
		h.Publish(liveFrame())
		h.Count(3, 2, 1)
	case n%2 == 1:
		h.SetState(streams.Refused, streams.SignInRefused, "the camera refuses hiddenuser", time.Time{})
	}
}

// page is what Prometheus reads.
func page(t testing.TB, g prometheus.Gatherer) string {
	t.Helper()
	w := &bytes.Buffer{}
	promhttp.HandlerFor(g, promhttp.HandlerOpts{}).ServeHTTP(&plainWriter{w, http.Header{}}, &http.Request{Header: http.Header{}})
	return w.String()
}

type plainWriter struct {
	io.Writer
	head http.Header
}

func (w *plainWriter) Header() http.Header { return w.head }
func (w *plainWriter) WriteHeader(int)     {}

func TestFiguresOfCameras(t *testing.T) {
	m := testMedia(t, 2, paint)
	open, inside, err := openFigures(m, whep.NewServer(), live.NewHub())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []prometheus.Gatherer{open, inside} {
		faults, err := promlint.New(strings.NewReader(page(t, g))).Lint()
		if err != nil {
			t.Error(err)
		}
		for _, f := range faults {
			if !strings.HasSuffix(f.Metric, "_bits_per_second") { // as cameras are set up and networks are sold
				t.Errorf("%+v", f)
			}
		}
	}
	m.statuses() // as the live socket does, once a second
	text := page(t, prometheus.Gatherers{open, inside})
	for _, want := range []string{
		`sharpeyes_camera_state{camera="cam0000",profile="main",reason="",state="live"} 1`,
		`sharpeyes_camera_state{camera="cam0001",profile="sub",reason="sign_in_refused",state="refused"} 1`,
		`sharpeyes_camera_lost_packets_total{camera="cam0000",profile="main"} 3`,
		`sharpeyes_camera_discarded_frames_total{camera="cam0000",profile="sub"} 2`,
		`sharpeyes_camera_reconnects_total{camera="cam0000",profile="main"} 1`,
		`sharpeyes_camera_readers{camera="cam0000",profile="main"} 0`,
		`sharpeyes_camera_frame_age_seconds{camera="cam0000",profile="main"} `,
		`sharpeyes_camera_key_frame_age_seconds{camera="cam0000",profile="main"} `,
		`sharpeyes_camera_frames_per_second{camera="cam0000",profile="main"} 0`,
		`sharpeyes_camera_bits_per_second{camera="cam0000",profile="main"} 0`,
		`sharpeyes_camera_degraded{camera="cam0001",profile="main"} 0`,
		`sharpeyes_cameras{state="live"} 1`, `sharpeyes_cameras{state="refused"} 1`, `sharpeyes_cameras{state="silent"} 0`,
		`sharpeyes_whep_viewers 0`, `sharpeyes_whep_packets_total 0`, `sharpeyes_whep_nacked_packets_total 0`, `sharpeyes_live_clients 0`,
		`go_goroutines`, `process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, `sharpeyes_camera_frame_age_seconds{camera="cam0001"`) {
		t.Error("an age of no frame")
	}
	for _, secret := range []string{"hidden", "rtsp", "10.1.2.3", ":554"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the figures", secret)
		}
	}
	if public := page(t, open); strings.Contains(public, "cam0") || strings.Contains(public, "process_") {
		t.Errorf("anybody reads\n%s", public)
	}
	// What is removed or switched off is gone, though the fleet may have it still.
	m.paths = map[string]string{"cam0001": "/city/"}
	if text := page(t, inside); strings.Contains(text, "cam0000") || !strings.Contains(text, "cam0001") {
		t.Error("a camera that is gone has figures")
	}
}

func TestFiguresOfManyCameras(t *testing.T) {
	const n = 2000
	m := testMedia(t, n, paint)
	inside := prometheus.NewPedanticRegistry()
	inside.MustRegister(newCameraCollector(m))
	text := page(t, inside)
	if got := strings.Count(text, "\nsharpeyes_camera_state{"); got != 2*n {
		t.Errorf("%d states of %d streams", got, 2*n)
	}
	m.statuses()
	if all := m.teller.all.Load(); all.states["live"] != 1 || all.states["refused"] != n/2 || all.states["connecting"] != n/2-1 {
		t.Errorf("%v", all.states)
	}
}

func BenchmarkScrape(b *testing.B) {
	m := testMedia(b, 2000, paint)
	inside := prometheus.NewRegistry()
	inside.MustRegister(newCameraCollector(m))
	b.ReportAllocs()
	for b.Loop() {
		page(b, inside)
	}
}

// The demo's figures, from outside: those of cameras on the machine itself.
func TestMetricsOfTheDemo(t *testing.T) {
	accounts := filepath.Join(t.TempDir(), "accounts.json")
	url, stop := runDemo(t, demoCmd{Cameras: 2, Accounts: accounts})
	raw, err := os.ReadFile(accounts)
	if err != nil {
		t.Fatal(err)
	}
	var people []account
	if err := json.Unmarshal(raw, &people); err != nil {
		t.Fatal(err)
	}
	text := get(t, url+"/metrics")
	if !strings.Contains(text, `sharpeyes_camera_state{camera="cam000",profile="main"`) || !strings.Contains(text, `sharpeyes_cameras{state="live"}`) {
		t.Errorf("%s", text)
	}
	for _, p := range people {
		if strings.Contains(text, p.Password) {
			t.Error("a password is in the figures")
		}
	}
	if strings.Contains(text, "rtsp:") {
		t.Error("an address is in the figures")
	}
	if err := stop(); err != nil && err != context.Canceled {
		t.Fatal(err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, res.Status, err)
	}
	return string(body)
}
