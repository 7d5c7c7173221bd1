package transcode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"sharpeyes/streams"
)

const (
	// stuckAfter is how long ffmpeg may take frames without giving one out.
	stuckAfter = 10 * time.Second
	// maxLag is by how much it may fall behind what it began with.
	maxLag = 2 * time.Second
	// maxSoundAge is how old sound may be to be worth making: nobody wants to
	// hear what the kept GOP holds.
	maxSoundAge = 500 * time.Millisecond
	// niceness leaves the processor to the media path.
	niceness = 10
	endGrace = time.Second
	maxSaid  = 2 << 10
)

// errChanged says that the source sends something else now.
var errChanged = errors.New("the source changed")

// stage is one thing that ffmpeg makes.
type stage interface {
	wants(k streams.Kind) bool
	// accept looks at the first frame and says how to run ffmpeg.
	accept(f *streams.Frame) (args []string, err error)
	// encode returns a frame as ffmpeg reads it; errChanged: it needs another.
	encode(f *streams.Frame) ([]byte, error)
	// decode publishes what ffmpeg writes, until that ends.
	decode(r io.Reader, made func()) error
}

// once runs one ffmpeg from its first frame to its end.
func (j *job) once(ctx context.Context, s stage) (made int64, err error) {
	in := newIntake(j.key.source)
	defer in.close()
	first := in.next(ctx)
	for first != nil && !s.wants(first.Kind) {
		first = in.next(ctx)
	}
	if first == nil {
		return 0, ctx.Err()
	}
	args, err := s.accept(first)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := command(ctx, j.path, args)
	var said tail
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start ffmpeg: %w", err)
	}
	lower(cmd.Process.Pid)
	f := &feed{job: j, stage: s, in: in, out: stdin}
	var wg sync.WaitGroup
	wg.Go(func() {
		cancel(f.run(ctx, first))
		_ = stdin.Close()
	})
	wg.Go(func() { f.watch(ctx, cancel) })
	err = s.decode(stdout, f.gave)
	cancel(err)
	wg.Wait()
	ended := cmd.Wait()
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errChanged), errors.Is(cause, errStuck):
		err = cause
	case said.Len() > 0:
		err = fmt.Errorf("%w; it said %.500q", errors.Join(err, ended), said.Bytes())
	default:
		err = errors.Join(err, ended)
	}
	return f.made.Load(), err
}

// command prepares ffmpeg: with nothing of our environment but what finds
// libraries and drivers, in a group of its own, killed where it does not end.
func command(ctx context.Context, path string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, append([]string{"-hide_banner", "-loglevel", "error", "-nostats"}, args...)...)
	cmd.Env = []string{"LC_ALL=C"}
	for _, k := range []string{"PATH", "LD_LIBRARY_PATH", "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"} {
		if v, ok := os.LookupEnv(k); ok {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	cmd.Dir = os.TempDir()
	cmd.WaitDelay = endGrace
	apart(cmd)
	return cmd
}

// feed writes frames to ffmpeg.
type feed struct {
	job   *job
	stage stage
	in    *intake
	out   io.Writer
	made  atomic.Int64 // frames that came out
	owed  atomic.Int64 // Unix ns of the first frame that none came out for; 0: none
}

var errStuck = errors.New("it takes frames and makes none")

func (w *feed) gave() {
	w.made.Add(1)
	w.owed.Store(0)
}

// run writes until ctx ends, ffmpeg takes no more, or the source changes. A
// frame that waited longer than the first did, by maxLag, shows that ffmpeg does
// not keep up: it goes on at the next key frame.
func (w *feed) run(ctx context.Context, f *streams.Frame) error {
	bear := time.Since(f.At) + maxLag
	for ; f != nil; f = w.in.next(ctx) {
		if !w.stage.wants(f.Kind) {
			continue
		}
		age := time.Since(f.At)
		if f.Kind == streams.Audio && age > maxSoundAge {
			continue
		}
		if f.Kind == streams.Video && age > bear && !f.Key {
			w.in.reader.Skip(false)
			w.job.hub.Count(0, 1, 0)
			continue
		}
		b, err := w.stage.encode(f)
		if err != nil {
			return err
		}
		w.owed.CompareAndSwap(0, time.Now().UnixNano())
		if _, err := w.out.Write(b); err != nil {
			return nil // ffmpeg has ended; what it said tells why
		}
	}
	return ctx.Err()
}

// watch ends an ffmpeg that hangs.
func (w *feed) watch(ctx context.Context, stuck context.CancelCauseFunc) {
	after := w.job.pool.stuck
	tick := time.NewTicker(after / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if owed := w.owed.Load(); owed != 0 && time.Since(time.Unix(0, owed)) > after {
			stuck(errStuck)
			return
		}
	}
}

// tail keeps the end of what ffmpeg says.
type tail struct{ bytes.Buffer }

func (t *tail) Write(b []byte) (int, error) {
	if over := t.Len() + len(b) - maxSaid; over > 0 {
		t.Next(over)
	}
	t.Buffer.Write(b[max(0, len(b)-maxSaid):])
	return len(b), nil
}
