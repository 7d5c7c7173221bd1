package transcode

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// probeTime bounds one try of an encoder.
const probeTime = 10 * time.Second

// encoding is a way of making H.264: no B-pictures, no look-ahead, so that a
// picture leaves as soon as it came.
type encoding struct {
	name   string
	device []string // before the input
	filter string   // after the scaling
	flags  []string
	passed []string // one picture out for one in
}

// encoders are tried in this order.
func encoders(hardware bool) []encoding {
	software := []encoding{
		{name: "libx264", filter: "format=yuv420p",
			flags: []string{"-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "main", "-threads", "2", "-crf", "23"}},
		{name: "libopenh264", filter: "format=yuv420p", flags: []string{"-profile:v", "main"}},
	}
	if !hardware {
		return software
	}
	out := []encoding{{name: "h264_nvenc", filter: "format=yuv420p",
		flags: []string{"-preset", "p3", "-tune", "ull", "-zerolatency", "1", "-profile:v", "main", "-rc", "vbr", "-cq", "25", "-forced-idr", "1"}}}
	for _, d := range renderNodes() {
		out = append(out, encoding{name: "h264_vaapi", device: []string{"-vaapi_device", d}, filter: "format=nv12,hwupload",
			flags: []string{"-profile:v", "main", "-async_depth", "1"}})
	}
	return append(append(out, encoding{name: "h264_qsv", filter: "format=nv12",
		flags: []string{"-preset", "veryfast", "-profile:v", "main", "-async_depth", "1", "-look_ahead", "0"}}), software...)
}

// renderNodes lists what VAAPI may work on.
func renderNodes() []string {
	nodes, err := filepath.Glob("/dev/dri/renderD*")
	if err != nil || len(nodes) > 4 {
		return nil
	}
	return nodes
}

// encoder finds, once, an encoding that really works here.
type encoder struct {
	mu    sync.Mutex
	found *encoding
}

// find tries the encodings on a few pictures each. A program that is there
// without the driver or the chip fails then, not in front of a viewer.
func (e *encoder) find(ctx context.Context, path string, hardware bool) (encoding, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.found != nil {
		return *e.found, nil
	}
	// -vsync became -fps_mode in ffmpeg 5.1.
	for _, passed := range [][]string{{"-fps_mode", "passthrough"}, {"-vsync", "passthrough"}} {
		for _, c := range encoders(hardware) {
			c.passed = passed
			if c.works(ctx, path) {
				e.found = &c
				return c, nil
			}
			if ctx.Err() != nil {
				return encoding{}, ctx.Err()
			}
		}
	}
	return encoding{}, fmt.Errorf("%w: it has no H.264 encoder that works", ErrFailed)
}

func (c encoding) works(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	args := append(append([]string{}, c.device...), "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25")
	args = append(append(args, "-frames:v", "5"), c.output(rate{height: 180, fps: 25, kbps: 1000})...)
	cmd := command(ctx, path, append(args, "-f", "null", "-"))
	if cmd.Start() != nil {
		return false
	}
	lower(cmd.Process.Pid)
	return cmd.Wait() == nil
}

// rate is what a stream is to be.
type rate struct {
	height int // at most; even
	fps    int
	kbps   int // at most
}

// output says how to encode.
func (c encoding) output(r rate) []string {
	bits := strconv.Itoa(r.kbps) + "k"
	args := []string{"-vf", fmt.Sprintf("scale=-2:%d,%s", r.height, c.filter), "-c:v", c.name, "-bf", "0",
		"-g", strconv.Itoa(2 * r.fps), "-maxrate", bits, "-bufsize", strconv.Itoa(r.kbps/2) + "k"}
	if c.name != "libx264" {
		args = append(args, "-b:v", bits)
	}
	return append(append(args, c.flags...), c.passed...)
}
