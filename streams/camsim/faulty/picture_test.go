package faulty

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestPicturesDecode has ffmpeg decode each kind of stream: every picture
// without a fault, and of the right size.
func TestPicturesDecode(t *testing.T) {
	for name, c := range map[string]coder{
		"H264":         {width: 4, height: 4, gop: 10},
		"H264 busy":    {width: 4, height: 4, gop: 10, busy: 5},
		"H264 B":       {width: 4, height: 4, gop: 12, between: 1},
		"H264 BBB":     {width: 4, height: 4, gop: 12, between: 3, busy: 2},
		"H264 larger":  {width: 20, height: 12, gop: 7},
		"H264 one GOP": {width: 4, height: 4, gop: 1000},
		"H265":         {width: 4, height: 4, hevc: true},
	} {
		t.Run(name, func(t *testing.T) {
			c.inBand = true
			var stream bytes.Buffer
			const n = 301
			for i := range n {
				p := c.next(uint64(i), true)
				if got, ok := Number(p.nalus); !ok || got != uint64(i) {
					t.Fatalf("picture %d says %d %v", i, got, ok)
				}
				for _, u := range p.nalus {
					stream.WriteString("\x00\x00\x00\x01")
					stream.Write(u)
				}
			}
			format := "h264"
			if c.hevc {
				format = "hevc"
			}
			cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-xerror", "-err_detect", "explode", "-f", format, "-i", "-",
				"-fps_mode", "passthrough", "-f", "framemd5", "-")
			var out, errs bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = &stream, &out, &errs
			if err := cmd.Run(); err != nil || errs.Len() > 0 {
				t.Fatalf("%v: %s", err, errs.String())
			}
			if got := strings.Count(out.String(), "\n0,"); got != n {
				t.Errorf("ffmpeg saw %d pictures of %d", got, n)
			}
			if size := fmt.Sprintf("#dimensions 0: %dx%d", 16*c.width, 16*c.height); !strings.Contains(out.String(), size) {
				t.Errorf("not %s", size)
			}
		})
	}
}
