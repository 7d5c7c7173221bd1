package camsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"testing"
)

// probe asks ffprobe, which is not ours, what a camera sends.
func probe(t *testing.T, address string) (map[string]map[string]any, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "20000000",
		"-show_streams", "-of", "json", address).Output()
	if err != nil {
		return nil, err
	}
	var doc struct{ Streams []map[string]any }
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	byType := map[string]map[string]any{}
	for _, st := range doc.Streams {
		byType[fmt.Sprint(st["codec_type"])] = st
	}
	return byType, nil
}

func TestFFprobe(t *testing.T) {
	s := open(t, func(s *Server) { s.Username, s.Password = "viewer", "p@ss word" })
	with := func(profile string, who *url.Userinfo) string {
		u, err := url.Parse(s.URL("cam000", profile))
		if err != nil {
			t.Fatal(err)
		}
		u.User = who
		return u.String()
	}
	right := url.UserPassword("viewer", "p@ss word")
	for profile, size := range map[string][2]float64{Main: {320, 180}, Sub: {160, 90}} {
		st, err := probe(t, with(profile, right))
		if err != nil {
			t.Fatalf("%s: %v", profile, err)
		}
		v, a := st["video"], st["audio"]
		if v["codec_name"] != "h264" || v["width"] != size[0] || v["height"] != size[1] || v["has_b_frames"] != 0.0 {
			t.Errorf("%s: %v", profile, v)
		}
		if a["codec_name"] != "pcm_alaw" || a["sample_rate"] != "8000" {
			t.Errorf("%s: %v", profile, a)
		}
	}
	for name, who := range map[string]*url.Userinfo{
		"no password":    nil,
		"wrong password": url.UserPassword("viewer", "guess"),
		"wrong user":     url.UserPassword("admin", "p@ss word"),
	} {
		if _, err := probe(t, with(Main, who)); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
	if _, err := probe(t, "rtsp://viewer:p%40ss%20word@"+s.Address()+"/cam999"); err == nil {
		t.Error("an unknown camera was found")
	}
}

// ffmpeg decodes what is padded with filler without a complaint.
func TestFFmpegDecodesFiller(t *testing.T) {
	s := open(t, func(s *Server) { s.Bitrate = 3_000_000 })
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-xerror", "-rtsp_transport", "tcp",
		"-i", s.URL("cam000", Main), "-map", "0", "-frames:v", "40", "-f", "null", "-")
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, stderr.String())
	}
}
