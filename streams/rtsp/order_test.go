package rtsp

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
)

// digests has ffmpeg decode pictures and returns a digest of each that it shows.
// Unlike decodes it bears the references that a stream without its B-pictures
// lacks, if no picture shows damage.
func digests(t *testing.T, frames []*streams.Frame) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-xerror", "-flags", "output_corrupt", "-threads", "1", "-f", "h264",
		"-i", "-", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	cmd.Stdin = bytes.NewReader(annexB(t, frames))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("ffmpeg: %v: %s", err, errs.String())
	}
	var sums []string
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "#") {
			sums = append(sums, strings.TrimSpace(line[strings.LastIndex(line, ",")+1:]))
		}
	}
	return sums
}

// TestBPictures puts B-pictures aside: what is left is every picture that
// refers to none of them, whole and in order.
func TestBPictures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args         []string
		shown        [2]int // of 200 pictures, ten to a GOP: at least, at most
		b, pyramid   bool
		pendingFirst bool
	}{
		"none":         {[]string{"-bf", "0"}, [2]int{200, 200}, false, false, false},
		"one":          {[]string{"-x264-params", "bframes=1:b-adapt=0:b-pyramid=0"}, [2]int{100, 120}, true, false, false},
		"two":          {[]string{"-x264-params", "bframes=2:b-adapt=0:b-pyramid=0"}, [2]int{80, 100}, true, false, false},
		"two, CAVLC":   {[]string{"-profile:v", "main", "-coder", "0", "-x264-params", "bframes=2:b-adapt=0:b-pyramid=0:ref=3"}, [2]int{80, 100}, true, false, false},
		"interlaced":   {[]string{"-x264-params", "tff=1:bframes=2:b-adapt=0:b-pyramid=0"}, [2]int{80, 100}, true, false, false},
		"pyramid":      {[]string{"-x264-params", "bframes=3:b-adapt=0:b-pyramid=normal"}, [2]int{40, 60}, true, true, true},
		"many slices":  {[]string{"-x264-params", "bframes=2:b-adapt=0:b-pyramid=0:slices=4"}, [2]int{80, 100}, true, false, false},
		"as x264 does": {nil, [2]int{20, 200}, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := streams.NewHub("cam", streams.Main, time.Now, nil)
			r := hub.NewReader(func() {})
			fr := newFrames(t.Context(), hub, h264Tracks())
			units := encoded(t, c.args...)
			var all, shown []*streams.Frame
			for i, u := range units {
				fr.unit(u, int64(i)*3600)
				f, _ := r.Next()
				if f == nil {
					t.Fatalf("picture %d did not come", i)
				}
				if i == 0 && f.Desc.Pending != c.pendingFirst {
					t.Errorf("pending %v at first", f.Desc.Pending)
				}
				if all = append(all, f); !f.Aside {
					shown = append(shown, f)
				}
			}
			d := all[len(all)-1].Desc
			if d.BFrames != c.b || d.BPyramid != c.pyramid || d.Pending || hub.Status().BFrames != c.b {
				t.Errorf("%+v", d)
			}
			if len(shown) < c.shown[0] || len(shown) > c.shown[1] {
				t.Errorf("%d of 200 shown, want %d to %d", len(shown), c.shown[0], c.shown[1])
			}
			whole, left := digests(t, all), digests(t, shown)
			if len(whole) != 200 || len(left) != len(shown) {
				t.Fatalf("ffmpeg decodes %d of 200, and %d of %d", len(whole), len(left), len(shown))
			}
			at := 0
			for i, sum := range left {
				n := slices.Index(whole[at:], sum)
				if n < 0 {
					t.Fatalf("picture %d of those shown is damaged, or out of order", i)
				}
				at += n + 1
			}
		})
	}
}

// FuzzOrder gives slice headers and parameter sets that are cut or
// nonsense.
func FuzzOrder(f *testing.F) {
	f.Add([]byte(sps), []byte(idr), []byte(slice))
	f.Add([]byte("\x67\x64\x00\x0c\xac\x2c\xa5\x05\x06\x7e"), []byte("\x65"), []byte("\x01\x9e\x00\x00\x03\x00"))
	f.Add([]byte{}, []byte("\x65\x88"), []byte("\x41\x9a"))
	f.Fuzz(func(t *testing.T, sps, a, b []byte) {
		var o order
		d := &streams.Desc{Video: streams.H264, SPS: sps}
		for _, n := range [][]byte{a, b, a, b} {
			o.take(d, [][]byte{n})
			d = o.mark(d)
		}
		if d.BPyramid && !d.BFrames {
			t.Fatalf("%+v", d)
		}
	})
}
