//go:build live555

package rtsp

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sharpeyes/streams"
)

// TestLive555 pulls from LIVE555's own media server. Debian has no package of it,
// so it is built from its sources (`make` there) and named:
//
//	LIVE555=/path/to/live555MediaServer go test -tags live555 -run Live555 ./streams/rtsp
func TestLive555(t *testing.T) {
	films := map[string][]string{
		"tcp":      {"-bf", "0"},
		"udp":      {"-bf", "0"},
		"b-frames": {"-profile:v", "high", "-bf", "3"},
		"slices":   {"-bf", "0", "-slices", "6"},
		"h265":     {"-c:v", "libx265", "-x265-params", "keyint=25:min-keyint=25:open-gop=0:bframes=0:log-level=none"},
	}
	folder := t.TempDir()
	fileOf := func(name string) string {
		if name == "h265" {
			return name + ".265"
		}
		return name + ".264"
	}
	for name, args := range films {
		if err := os.Rename(encode(t, fileOf(name), append([]string{"-t", "8"}, args...)...), filepath.Join(folder, fileOf(name))); err != nil {
			t.Fatal(err)
		}
	}
	addr := live555(t, folder)
	for name := range films {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pl := start(t, quick(), streams.Spec{URL: rtspURL(addr, fileOf(name)), UDP: name == "udp"})
			checkFile(t, pl, 4)
			if st := pl.state(streams.Silent, streams.ClosedByCamera); st.Detail == "" {
				t.Errorf("the end of the film says nothing: %+v", st)
			}
			pl.state(streams.Live, "") // it is asked for again
		})
	}
}

// live555 serves a folder, and returns its address.
func live555(t *testing.T, folder string) string {
	t.Helper()
	cmd := exec.Command(os.Getenv("LIVE555"))
	cmd.Dir = folder
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("LIVE555 must name live555MediaServer: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if u, err := url.Parse(strings.TrimSuffix(line, "<filename>")); err == nil && u.Scheme == "rtsp" && !strings.Contains(u.Host, "[") {
			go func() { // what it says later
				for lines.Scan() {
				}
			}()
			port := u.Port()
			if port == "" {
				port = "554"
			}
			return "127.0.0.1:" + port
		}
	}
	t.Fatal("LIVE555 names no address")
	return ""
}
