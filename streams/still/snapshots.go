package still

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sharpeyes/streams"
)

// Defaults of Snapshots.
const (
	AtOnce     = 2
	MaxWaiting = 64
	Timeout    = 8 * time.Second // waiting for a place included
	KeepFor    = 3 * time.Second
	KeepBytes  = 32 << 20
)

// Errors of Snapshots.
var (
	ErrNoFFmpeg = errors.New("ffmpeg is not installed")
	ErrBusy     = errors.New("too many snapshots are being made")
	ErrClosed   = errors.New("closed")
)

// Snapshot is a JPEG and the key frame that it was made of.
type Snapshot struct {
	JPEG []byte
	Of   *streams.Frame
}

// Snapshots makes JPEGs with ffmpeg and keeps each for a few seconds.
type Snapshots struct {
	// Set before use. FFmpeg is the program's path; empty: it is looked for.
	FFmpeg     string
	AtOnce     int
	MaxWaiting int
	Timeout    time.Duration
	KeepFor    time.Duration
	KeepBytes  int

	mu      sync.Mutex
	once    sync.Once
	places  chan struct{}
	flights map[string]*flight
	kept    map[string]*kept
	bytes   int // of kept
	closed  bool
	wg      sync.WaitGroup
}

// flight is one JPEG that is being made, and those who wait for it.
type flight struct {
	waiting int // guarded by Snapshots.mu
	cancel  context.CancelFunc
	done    chan struct{} // closed when shot and err are set
	shot    Snapshot
	err     error
}

type kept struct {
	shot  Snapshot
	at    time.Time
	timer *time.Timer
}

// NewSnapshots returns one with the defaults.
func NewSnapshots() *Snapshots {
	return &Snapshots{AtOnce: AtOnce, MaxWaiting: MaxWaiting, Timeout: Timeout, KeepFor: KeepFor, KeepBytes: KeepBytes,
		flights: map[string]*flight{}, kept: map[string]*kept{}}
}

// Of returns a JPEG of a stream's picture: the one that is kept, or that is being
// made, where there is one, else one of this frame. It is made as long as somebody
// waits for it.
func (s *Snapshots) Of(ctx context.Context, stream string, f *streams.Frame) (Snapshot, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return Snapshot{}, ErrClosed
	}
	if k := s.kept[stream]; k != nil {
		s.mu.Unlock()
		return k.shot, nil
	}
	fl := s.flights[stream]
	if fl == nil {
		if len(s.flights) >= s.MaxWaiting {
			s.mu.Unlock()
			return Snapshot{}, ErrBusy
		}
		fl = s.start(stream, f)
	}
	fl.waiting++
	s.mu.Unlock()
	defer s.leave(stream, fl)
	select {
	case <-fl.done:
		return fl.shot, fl.err
	case <-ctx.Done():
		return Snapshot{}, ctx.Err()
	}
}

// leave ends a flight that nobody waits for any longer.
func (s *Snapshots) leave(stream string, fl *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fl.waiting--; fl.waiting > 0 {
		return
	}
	fl.cancel()
	if s.flights[stream] == fl {
		delete(s.flights, stream)
	}
}

// start begins a flight. s.mu is held.
func (s *Snapshots) start(stream string, f *streams.Frame) *flight {
	s.once.Do(func() { s.places = make(chan struct{}, s.AtOnce) })
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
	fl := &flight{cancel: cancel, done: make(chan struct{})}
	s.flights[stream] = fl
	s.wg.Go(func() {
		defer cancel()
		b, err := s.make(ctx, f)
		s.mu.Lock()
		defer s.mu.Unlock()
		fl.shot, fl.err = Snapshot{b, f}, err
		if s.flights[stream] == fl {
			delete(s.flights, stream)
			if err == nil {
				s.keep(stream, fl.shot)
			}
		}
		close(fl.done)
	})
	return fl
}

func (s *Snapshots) make(ctx context.Context, f *streams.Frame) ([]byte, error) {
	in, err := AnnexB(f)
	if err != nil {
		return nil, err
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: no place within %v", ErrBusy, s.Timeout)
	}
	return s.run(ctx, in, f.Desc.Video)
}

// keep puts a snapshot by for a while. s.mu is held.
func (s *Snapshots) keep(stream string, shot Snapshot) {
	if s.closed || s.KeepFor <= 0 || len(shot.JPEG) > s.KeepBytes {
		return
	}
	s.forget(stream, s.kept[stream])
	for s.bytes+len(shot.JPEG) > s.KeepBytes {
		oldest := ""
		for name, k := range s.kept {
			if oldest == "" || k.at.Before(s.kept[oldest].at) {
				oldest = name
			}
		}
		s.forget(oldest, s.kept[oldest])
	}
	k := &kept{shot: shot, at: time.Now()}
	s.kept[stream] = k
	s.bytes += len(shot.JPEG)
	k.timer = time.AfterFunc(s.KeepFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forget(stream, k)
	})
}

// forget drops what is kept of a stream, where it is still that. s.mu is held.
func (s *Snapshots) forget(stream string, k *kept) {
	if k == nil || s.kept[stream] != k {
		return
	}
	k.timer.Stop()
	delete(s.kept, stream)
	s.bytes -= len(k.shot.JPEG)
}

// Close ends what is running and returns when it has ended.
func (s *Snapshots) Close() {
	s.mu.Lock()
	s.closed = true
	for _, fl := range s.flights {
		fl.cancel()
	}
	for stream, k := range s.kept {
		s.forget(stream, k)
	}
	s.mu.Unlock()
	s.wg.Wait()
}
