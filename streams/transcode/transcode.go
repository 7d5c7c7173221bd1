// Package transcode has ffmpeg make what browsers take of what a camera sends:
// H.264 of H.265 and of B-picture pyramids, Opus of AAC.
//
// Invariants:
//   - One ffmpeg for a stream and what is made of it, shared by all its viewers;
//     it ends Linger after the last one left.
//   - Max bounds what runs at a time: so many pictures, and four times as many
//     sounds, which cost next to nothing.
//   - ffmpeg gets frames on its standard input and nothing else of the camera: no
//     address, no name. It ends with its context, or with the gateway, when its
//     input closes.
//   - Nothing waits for ffmpeg. What it does not take in time is left out up to
//     the next key frame; where it dies it is started again, with growing waits,
//     and given up where it never makes anything.
package transcode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"sharpeyes/streams"
)

// Defaults of a Pool.
const (
	DefaultFFmpeg = "ffmpeg"
	DefaultLinger = 15 * time.Second
	// refusedFor is how long what could not be transcoded is not tried again.
	refusedFor = time.Minute
)

// DefaultMax leaves half of the machine to what it is there for.
func DefaultMax() int { return max(1, runtime.NumCPU()/2) }

// What Acquire may answer; the text carries the detail.
var (
	ErrMissing = errors.New("ffmpeg is not installed")
	ErrBusy    = errors.New("too many transcodes are running")
	ErrFailed  = errors.New("ffmpeg cannot transcode this")
)

// soundsFor is how many sounds may be transcoded where one picture may.
const soundsFor = 4

// Pool owns every ffmpeg that transcodes.
type Pool struct {
	// Set before use; New gives defaults.
	FFmpeg   string // program or path
	Max      int    // pictures at a time; 0: none
	Hardware bool   // use the machine's encoder where it has one
	Linger   time.Duration
	Log      *slog.Logger

	encoder encoder // found at the first use
	stuck   time.Duration
	first   time.Duration // wait after ffmpeg ended, doubled each time

	mu      sync.Mutex
	jobs    map[key]*job
	refused map[key]time.Time // until when
	closed  bool
	wg      sync.WaitGroup
}

type key struct {
	source *streams.Hub
	target streams.Codec
}

// New returns a pool with defaults.
func New() *Pool {
	return &Pool{FFmpeg: DefaultFFmpeg, Max: DefaultMax(), Hardware: true, Linger: DefaultLinger, stuck: stuckAfter, first: minWait,
		Log: slog.New(slog.DiscardHandler), jobs: map[key]*job{}, refused: map[key]time.Time{}}
}

// Ready tells whether anything can be transcoded: nil, or ErrMissing.
func (p *Pool) Ready() error {
	_, err := p.program()
	return err
}

func (p *Pool) program() (string, error) {
	if p.Max <= 0 {
		return "", fmt.Errorf("%w, or switched off", ErrMissing)
	}
	path, err := exec.LookPath(p.FFmpeg)
	if err != nil {
		return "", ErrMissing
	}
	return path, nil
}

// Acquire returns a hub with source's frames where the picture is H264, or the
// sound Opus, whichever target says; the other kind is passed on. On success the
// pool calls free, which gives source back, when it needs it no more: at once
// where that is transcoded already. Call release when done. Errors are
// ErrMissing, ErrBusy and ErrFailed, wrapped; source is the caller's then.
func (p *Pool) Acquire(source *streams.Hub, free func(), target streams.Codec) (hub *streams.Hub, release func(), err error) {
	path, err := p.program()
	if err != nil {
		return nil, nil, err
	}
	j, shared, err := p.join(key{source, target}, path, free)
	if err != nil {
		return nil, nil, err
	}
	if shared {
		free() // the job has a hold of its own; not under the lock, as source may be ours
	}
	return j.hub, sync.OnceFunc(func() { p.release(j) }), nil
}

// join finds the job for a key, or starts it.
func (p *Pool) join(k key, path string, free func()) (j *job, shared bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j = p.jobs[k]
	switch {
	case p.closed:
		return nil, false, fmt.Errorf("%w: going down", ErrBusy)
	case j != nil:
		shared = true
	case time.Now().Before(p.refused[k]):
		return nil, false, ErrFailed
	case !p.room(k.target):
		return nil, false, fmt.Errorf("%w: %d at a time", ErrBusy, p.Max)
	default:
		j = p.start(k, path, free)
	}
	j.users++
	if j.linger != nil {
		j.linger.Stop()
		j.linger = nil
	}
	return j, shared, nil
}

// room reports whether there is some for one more of a kind. A job that only
// lingers makes way. p.mu is held.
func (p *Pool) room(target streams.Codec) bool {
	limit, n := p.Max, 0
	if target == streams.Opus {
		limit *= soundsFor
	}
	var idle *job
	for k, j := range p.jobs {
		if k.target != target {
			continue
		}
		n++
		if j.users == 0 {
			idle = j
		}
	}
	if n >= limit && idle != nil {
		n--
		delete(p.jobs, idle.key)
		idle.cancel()
	}
	return n < limit
}

// start begins a job. p.mu is held.
func (p *Pool) start(k key, path string, free func()) *job {
	ctx, cancel := context.WithCancel(context.Background())
	j := &job{pool: p, key: k, path: path, cancel: cancel, log: p.Log.With("camera", k.source.Status().Camera)}
	j.hub, j.end = k.source.Derive()
	p.jobs[k] = j
	p.wg.Go(func() {
		defer free()
		failed := j.run(ctx)
		cancel()
		j.end()
		p.forget(j, failed)
	})
	return j
}

// forget takes a job that has ended. What could not be transcoded is not tried
// again at once.
func (p *Pool) forget(j *job, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jobs[j.key] == j {
		delete(p.jobs, j.key)
	}
	if j.linger != nil {
		j.linger.Stop()
	}
	now := time.Now()
	for k, until := range p.refused {
		if now.After(until) {
			delete(p.refused, k)
		}
	}
	if failed {
		p.refused[j.key] = now.Add(refusedFor)
	}
}

func (p *Pool) release(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j.users--
	if j.users > 0 || p.closed || p.jobs[j.key] != j {
		return
	}
	j.linger = time.AfterFunc(p.Linger, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if j.users == 0 && p.jobs[j.key] == j {
			delete(p.jobs, j.key) // whoever comes now starts another
			j.cancel()
		}
	})
}

// Running is how many transcodes run.
func (p *Pool) Running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.jobs)
}

// Close ends every transcode and waits for them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, j := range p.jobs {
		j.cancel()
	}
	p.mu.Unlock()
	p.wg.Wait()
}
