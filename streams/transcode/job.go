package transcode

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"sharpeyes/streams"
)

// Waits after ffmpeg ended by itself.
const (
	minWait = time.Second
	maxWait = 30 * time.Second
	// maxFailures in a row, without a frame made, end a job.
	maxFailures = 4
)

// job is one stream being transcoded, with its hub.
type job struct {
	pool   *Pool
	key    key
	path   string
	hub    *streams.Hub
	end    func() // of hub
	cancel context.CancelFunc
	log    *slog.Logger

	users  int         // guarded by pool.mu
	linger *time.Timer // likewise

	mu    sync.Mutex
	video *streams.Desc // of the frames made or passed on; nil: none yet
	given *streams.Desc // by the source, that desc was made of
	desc  *streams.Desc
}

// run works until ctx or the source ends, or until it has failed for good.
func (j *job) run(ctx context.Context) (failed bool) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		select {
		case <-j.key.source.Gone():
			cancel()
		case <-ctx.Done():
		}
	})
	next := func() stage { return &sound{job: j} }
	if j.key.target == streams.H264 {
		enc, err := j.pool.encoder.find(ctx, j.path, j.pool.Hardware)
		if err != nil {
			j.log.Warn("nothing can be transcoded", "error", err)
			return errors.Is(err, ErrFailed)
		}
		next = func() stage { return &picture{job: j, encoder: enc} }
	}
	wg.Go(func() { j.passOn(ctx) })
	return j.keepUp(ctx, next)
}

// keepUp runs ffmpeg again and again, until it fails for good.
func (j *job) keepUp(ctx context.Context, next func() stage) (failed bool) {
	for failures := 0; ctx.Err() == nil; {
		made, err := j.once(ctx, next())
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, errChanged) {
			continue
		}
		if made > 0 {
			failures = 0
		}
		failures++
		j.log.Warn("ffmpeg ended", "making", j.key.target, "frames", made, "error", err)
		if failures >= maxFailures {
			return true
		}
		wait := min(maxWait, j.pool.first<<(failures-1))
		t := time.NewTimer(wait + rand.N(wait/4+1))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
	return false
}

// passOn republishes what is not transcoded. Payloads are shared.
func (j *job) passOn(ctx context.Context) {
	in := newIntake(j.key.source)
	defer in.close()
	for f := in.next(ctx); f != nil; f = in.next(ctx) {
		if (f.Kind == streams.Video) == (j.key.target == streams.H264) {
			continue
		}
		j.hub.Publish(f.Described(j.describe(f.Desc, nil)))
	}
}

// describe gives the description of what leaves: the source's, with what was
// made instead. made is the transcoded picture's; nil: as before.
func (j *job) describe(source, made *streams.Desc) *streams.Desc {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.desc != nil && j.given == source && (made == nil || made == j.video) {
		return j.desc
	}
	if made != nil {
		j.video = made
	}
	d := *source
	d.Pending = false
	if j.key.target == streams.Opus {
		d.Audio, d.AudioChannels = streams.Opus, channelsOf(source)
		d.AudioRate, d.AudioConfig = 0, nil
	} else {
		d.Video, d.VPS, d.SPS, d.PPS, d.BFrames, d.BPyramid = streams.H264, nil, nil, nil, false, false
		if v := j.video; v != nil {
			d.SPS, d.PPS, d.Width, d.Height = v.SPS, v.PPS, v.Width, v.Height
		}
	}
	j.given, j.desc = source, &d
	return j.desc
}

// intake reads a hub.
type intake struct {
	reader *streams.Reader
	ready  chan struct{}
}

func newIntake(h *streams.Hub) *intake {
	in := &intake{ready: make(chan struct{}, 1)}
	in.reader = h.NewReader(func() {
		select {
		case in.ready <- struct{}{}:
		default:
		}
	})
	return in
}

func (in *intake) close() { in.reader.Close() }

// next waits for a frame; nil: ctx has ended.
func (in *intake) next(ctx context.Context) *streams.Frame {
	for ctx.Err() == nil {
		if f, _ := in.reader.Next(); f != nil {
			return f
		}
		select {
		case <-in.ready:
		case <-ctx.Done():
		}
	}
	return nil
}
