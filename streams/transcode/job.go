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
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-j.key.source.Gone():
			cancel()
		case <-ctx.Done():
		}
	})
	t := j.key.target
	if t.H264 {
		enc, err := j.pool.encoder.find(ctx, j.path, j.pool.Hardware)
		if err != nil {
			cancel()
			wg.Wait()
			j.log.Warn("nothing can be transcoded", "error", err)
			return errors.Is(err, ErrFailed)
		}
		wg.Go(func() { j.keepUp(ctx, cancel, &failed, func() stage { return &picture{job: j, encoder: enc} }) })
	}
	if t.Opus {
		// Without its sound a camera still shows its picture.
		wg.Go(func() { j.keepUp(ctx, func() {}, new(bool), func() stage { return &sound{job: j} }) })
	}
	if !t.H264 || !t.Opus {
		wg.Go(func() { j.passOn(ctx) })
	}
	wg.Wait()
	return failed
}

// keepUp runs ffmpeg again and again.
func (j *job) keepUp(ctx context.Context, giveUp func(), failed *bool, next func() stage) {
	for failures := 0; ctx.Err() == nil; {
		s := next()
		made, err := j.once(ctx, s)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errChanged) {
			continue
		}
		if made > 0 {
			failures = 0
		}
		failures++
		j.log.Warn("ffmpeg ended", "making", s.name(), "frames", made, "error", err)
		if failures >= maxFailures {
			*failed = true
			giveUp()
			return
		}
		wait := min(maxWait, j.pool.first<<(failures-1))
		t := time.NewTimer(wait + rand.N(wait/4+1))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// passOn republishes what is not transcoded. Payloads are shared.
func (j *job) passOn(ctx context.Context) {
	in := newIntake(j.key.source)
	defer in.close()
	for {
		f := in.next(ctx)
		if f == nil {
			return
		}
		t := j.key.target
		if f.Kind == streams.Video && t.H264 || f.Kind == streams.Audio && (t.Opus || f.Desc.Audio == streams.AAC) {
			continue
		}
		c := *f
		c.Desc = j.describe(f.Desc, nil)
		j.hub.Publish(&c)
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
	if j.key.target.H264 {
		d.Video, d.VPS, d.BFrames, d.BPyramid = streams.H264, nil, false, false
		d.SPS, d.PPS = nil, nil
		if v := j.video; v != nil {
			d.SPS, d.PPS, d.Width, d.Height = v.SPS, v.PPS, v.Width, v.Height
		}
	}
	switch {
	case j.key.target.Opus:
		d.Audio, d.AudioChannels = streams.Opus, min(2, max(1, source.AudioChannels))
	case source.Audio == streams.AAC:
		d.Audio, d.AudioChannels = "", 0
	}
	d.AudioRate, d.AudioConfig = 0, nil
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
