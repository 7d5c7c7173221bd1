package rtsp

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
	"go.uber.org/goleak"

	"sharpeyes/streams"
)

// TestMain runs more tests side by side than there are cores: they wait for
// time to pass, mostly.
func TestMain(m *testing.M) {
	if os.Getenv(benchCameras) != "" {
		if err := cameras(); err != nil {
			panic(err)
		}
		return
	}
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" { // else it is the number of fuzzing processes
		if err := flag.Set("test.parallel", "12"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// patience bounds every wait of these tests; none is expected to take it.
const patience = 30 * time.Second

// dialLog counts what is dialled and what was read.
type dialLog struct {
	mu    sync.Mutex
	at    []time.Time
	addrs []string
	read  atomic.Int64
}

type countedConn struct {
	net.Conn
	log *dialLog
}

func (c countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.log.read.Add(int64(n))
	return n, err
}

func (d *dialLog) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	d.at, d.addrs = append(d.at, time.Now()), append(d.addrs, address)
	d.mu.Unlock()
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return countedConn{c, d}, nil
}

func (d *dialLog) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.at)
}

// pull is a running Pull with its hub, and everything that came out of it.
type pull struct {
	testing.TB
	hub    *streams.Hub
	dials  *dialLog
	states chan streams.Status // every change; full: the test is stuck anyway
	cancel context.CancelFunc
	ended  chan struct{}
	prompt time.Duration // what the end may take

	mu     sync.Mutex
	frames []*streams.Frame // not yet collected
	more   chan struct{}
}

// impatient is a quick puller for tests in which a time runs out.
func impatient() *Puller {
	p := quick()
	p.ReadTimeout = time.Second
	return p
}

// quick is a puller whose waits between tries fit a test.
func quick() *Puller {
	p := New()
	p.MinBackoff, p.MaxBackoff = 10*time.Millisecond, 40*time.Millisecond
	p.HostGap = time.Millisecond
	return p
}

func start(t *testing.T, p *Puller, spec streams.Spec) *pull {
	t.Helper()
	pl := &pull{TB: t, dials: &dialLog{}, states: make(chan streams.Status, 10_000), ended: make(chan struct{}), prompt: 5 * time.Second, more: make(chan struct{}, 1)}
	if p.Dial == nil {
		p.Dial = pl.dials.dial
	}
	pl.hub = streams.NewHub(t.Name(), streams.Main, time.Now, func(s streams.Status) { pl.states <- s })
	ctx, cancel := context.WithCancel(context.Background())
	spec.Camera, spec.Profile = t.Name(), streams.Main
	var wg sync.WaitGroup
	wg.Go(func() { pl.read(ctx) })
	go func() {
		defer close(pl.ended)
		p.Pull(ctx, spec, pl.hub)
	}()
	pl.cancel = func() { cancel(); wg.Wait() }
	t.Cleanup(pl.stop)
	return pl
}

// read takes what the hub hands out.
func (p *pull) read(ctx context.Context) {
	wake := make(chan struct{}, 1)
	r := p.hub.NewReader(func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	defer r.Close()
	for {
		f, _ := r.Next()
		if f == nil {
			select {
			case <-wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		p.mu.Lock()
		p.frames = append(p.frames, f)
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

// stop ends the pull and checks that it ends at once and leaves the hub alone.
func (p *pull) stop() {
	p.Helper()
	at := time.Now()
	p.cancel()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Fatal("Pull does not return")
	}
	if took := time.Since(at); took > p.prompt {
		p.Errorf("Pull took %v to return", took)
	}
}

// state waits for a state.
func (p *pull) state(want streams.State, why streams.Reason) streams.Status {
	p.Helper()
	timeout := time.After(patience)
	var last streams.Status
	for {
		select {
		case s := <-p.states:
			last = s
			if s.State == want && s.Reason == why {
				return s
			}
		case <-timeout:
			p.Fatalf("no state %q %q; last %q %q (%s)", want, why, last.State, last.Reason, last.Detail)
		}
	}
}

// collect takes what has come, once n pictures are among it.
func (p *pull) collect(n int) []*streams.Frame {
	p.Helper()
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		have := count(p.frames, streams.Video)
		if have >= n {
			out := p.frames
			p.frames = nil
			p.mu.Unlock()
			return out
		}
		p.mu.Unlock()
		select {
		case <-p.more:
		case <-timeout:
			p.Fatalf("%d of %d pictures; %+v", have, n, p.hub.Status())
		}
	}
}

// count returns how many frames of a kind there are.
func count(frames []*streams.Frame, kind streams.Kind) int {
	n := 0
	for _, f := range frames {
		if f.Kind == kind {
			n++
		}
	}
	return n
}

// annexB joins the pictures to a file as ffmpeg reads it; those of H.264 with
// pion's depacketizer.
func annexB(t *testing.T, frames []*streams.Frame) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, f := range frames {
		if f.Kind != streams.Video {
			continue
		}
		if f.Desc.Video == streams.H265 {
			for _, n := range streams.Units(f) {
				out.WriteString("\x00\x00\x00\x01")
				out.Write(n)
			}
			continue
		}
		var d codecs.H264Packet
		for _, p := range f.Payloads {
			b, err := d.Unmarshal(p)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(b)
		}
	}
	return out.Bytes()
}

// decodes has ffmpeg decode the pictures. It fails on any damage, and returns
// how many pictures ffmpeg saw.
func decodes(t *testing.T, frames []*streams.Frame) int {
	t.Helper()
	input := map[streams.Codec]string{streams.H264: "h264", streams.H265: "hevc"}[frames[0].Desc.Video]
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-xerror", "-err_detect", "explode", "-flags2", "showall",
		"-threads", "1", "-f", input, "-i", "-", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	cmd.Stdin = bytes.NewReader(annexB(t, frames))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("ffmpeg: %v: %s", err, errs.String())
	}
	return strings.Count(out.String(), "\n0,")
}

// encode has ffmpeg make a file of moving pictures.
func encode(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	all := []string{"-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25"}
	if strings.HasSuffix(name, ".mkv") {
		all = append(all, "-f", "lavfi", "-i", "sine=r=8000", "-c:a", "pcm_alaw", "-ac", "1")
	}
	all = append(append(all, "-threads", "1", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25"), args...)
	run(t, "ffmpeg", append(all, path)...)
	return path
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// steady checks that time stamps never jump.
func steady(t *testing.T, frames []*streams.Frame) {
	t.Helper()
	last := map[streams.Kind]int64{}
	for _, f := range frames {
		if before, ok := last[f.Kind]; ok {
			if step := f.PTS - before; step < -f.Desc.ClockRate(f.Kind) || step > 10*f.Desc.ClockRate(f.Kind) {
				t.Errorf("a step of %d from %d to %d", step, before, f.PTS)
			}
		}
		last[f.Kind] = f.PTS
	}
}

func rtspURL(addr, path string) string { return fmt.Sprintf("rtsp://%s/%s", addr, path) }
