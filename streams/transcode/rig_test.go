package transcode

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sharpeyes/streams"
)

// patience bounds every wait; none is expected to take it.
const patience = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clip is a few seconds of pictures, or of sound, as a camera sends them.
type clip struct {
	desc  streams.Desc
	units [][][]byte // NAL units of each picture
	order []int64    // time stamps of the pictures, in frames, as sent
	sound [][]byte   // access units of AAC
}

// film has ffmpeg encode moving pictures of 320x180, 25 a second.
func film(t testing.TB, codec streams.Codec, seconds string, args ...string) *clip {
	t.Helper()
	format, lib, end := "h264", "libx264", []byte{0, 0, 0, 1, 0x09}
	if codec == streams.H265 {
		format, lib, end = "hevc", "libx265", []byte{0, 0, 0, 1, 0x46, 0x01}
	}
	all := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-t", seconds, "-pix_fmt", "yuv420p", "-threads", "1",
		"-c:v", lib, "-preset", "ultrafast", "-g", "50"}
	if codec == streams.H265 {
		all = append(all, "-x265-params", "aud=1:repeat-headers=1:bframes=0:keyint=50:min-keyint=50:open-gop=0:log-level=none")
	} else {
		all = append(all, "-aud", "1")
	}
	all = append(all, args...)
	c := &clip{desc: streams.Desc{Video: codec, Width: 320, Height: 180}}
	for _, part := range bytes.Split(ffmpeg(t, append(all, "-f", format, "-")...), end)[1:] {
		c.units = append(c.units, nalus(append(bytes.Clone(end[4:]), part...)))
	}
	for line := range strings.Lines(string(ffmpeg(t, append(all, "-f", "framecrc", "-")...))) {
		var stream, decode, show int64
		if n, _ := fmt.Sscanf(line, "%d, %d, %d", &stream, &decode, &show); n == 3 {
			c.order = append(c.order, show)
		}
	}
	if len(c.order) != len(c.units) {
		t.Fatalf("%d pictures have %d time stamps", len(c.units), len(c.order))
	}
	return c
}

func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).Output()
	if err != nil {
		t.Fatalf("ffmpeg (apt package ffmpeg): %v", err)
	}
	return out
}

// nalus splits Annex B.
func nalus(b []byte) [][]byte {
	var out [][]byte
	for _, n := range bytes.Split(b, []byte{0, 0, 1}) {
		if n = bytes.TrimRight(n, "\x00"); len(n) > 0 {
			out = append(out, n)
		}
	}
	return out
}

// hiss has ffmpeg encode a tone as AAC.
func hiss(t testing.TB, rate string) *clip {
	t.Helper()
	out := ffmpeg(t, "-v", "error", "-f", "lavfi", "-i", "sine=f=440:r="+rate, "-t", "10", "-c:a", "aac", "-f", "adts", "-")
	c := &clip{}
	for len(out) > 7 {
		n := int(out[3]&3)<<11 | int(out[4])<<3 | int(out[5])>>5
		c.sound = append(c.sound, out[7:n])
		out = out[n:]
	}
	return c
}

// camera sends a clip to a hub for ever.
type camera struct {
	hub  *streams.Hub
	mu   sync.Mutex
	sent map[int64]time.Time // by time stamp of the hub
	stop func()
}

// send starts a camera at so many pictures a second by its stamps, each after
// pace; order gives each picture's place in the order of display.
func send(t testing.TB, c *clip, pace time.Duration) *camera {
	t.Helper()
	cam := &camera{hub: streams.NewHub("cam", streams.Main, time.Now, nil), sent: map[int64]time.Time{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	cam.stop = func() { cancel(); <-ended }
	t.Cleanup(cam.stop)
	desc := c.desc
	go func() {
		defer close(ended)
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for i := int64(0); ; i++ {
			n := int64(len(c.units))
			f := streams.NewVideoFrame(&desc, c.units[i%n], (i/n*n+c.order[i%n])*3600)
			cam.hub.Publish(f)
			cam.mu.Lock()
			cam.sent[f.PTS] = time.Now()
			cam.mu.Unlock()
			for s := i * 40 * int64(desc.AudioRate) / 1000 / 1024; len(c.sound) > 0 && s < (i+1)*40*int64(desc.AudioRate)/1000/1024; s++ {
				cam.hub.Publish(streams.NewAudioFrame(&desc, c.sound[s%int64(len(c.sound))], s*1024))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return cam
}

// got is a frame with the time it came.
type got struct {
	*streams.Frame
	at time.Time
}

// take reads a hub until there are n frames of a kind.
func take(t testing.TB, h *streams.Hub, kind streams.Kind, n int) []got {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	in := newIntake(h)
	defer in.close()
	var out []got
	for len(out) < n {
		f := in.next(ctx)
		if f == nil {
			t.Fatalf("%d of %d frames", len(out), n)
		}
		if f.Kind == kind {
			out = append(out, got{f, time.Now()})
		}
	}
	return out
}

func acquire(t testing.TB, p *Pool, source *streams.Hub, target streams.Codec) (*streams.Hub, func()) {
	t.Helper()
	h, release, err := p.Acquire(source, func() {}, target)
	if err != nil {
		t.Fatal(err)
	}
	return h, release
}

func newPool(t testing.TB, set func(*Pool)) *Pool {
	t.Helper()
	p := New()
	p.Max, p.Hardware = 2, false
	if set != nil {
		set(p)
	}
	t.Cleanup(p.Close)
	return p
}

// process is an ffmpeg that this test started, as ps shows it.
type process struct {
	pid, nice  int
	state, say string
}

// processes lists ours, those that ended and were not waited for included.
func processes(t testing.TB) []process {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "ppid=,pid=,ni=,stat=,args=").Output()
	if err != nil {
		t.Fatalf("ps (apt package procps): %v", err)
	}
	var all []process
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[0] != strconv.Itoa(os.Getpid()) || !strings.Contains(line, "pipe:0") && !strings.HasPrefix(f[3], "Z") {
			continue
		}
		pid, _ := strconv.Atoi(f[1])
		nice, _ := strconv.Atoi(f[2])
		all = append(all, process{pid, nice, f[3], strings.Join(f[4:], " ")})
	}
	return all
}

// waitFor waits until ok.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come about", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// decoded has ffmpeg decode Annex B to grey pictures of 320x180.
func decoded(t testing.TB, format string, data []byte) [][]byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-xerror", "-err_detect", "explode", "-threads", "1", "-f", format, "-i", "-",
		"-fps_mode", "passthrough", "-vf", "scale=320:180", "-pix_fmt", "gray", "-f", "rawvideo", "-")
	cmd.Stdin = bytes.NewReader(data)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("ffmpeg: %v: %s", err, errs.String())
	}
	var all [][]byte
	for b := out.Bytes(); len(b) > 0; b = b[320*180:] {
		all = append(all, b[:320*180])
	}
	return all
}

func annexB(units [][]byte) []byte {
	var b []byte
	for _, n := range units {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

// differs is the mean difference of two pictures' samples.
func differs(a, b []byte) float64 {
	sum := 0
	for i := range a {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return float64(sum) / float64(len(a))
}
