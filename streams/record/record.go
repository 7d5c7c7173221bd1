// Package record writes the rolling record of cameras as fMP4 segments and says
// what it holds.
//
// Invariants:
//   - A segment is a whole file from its first byte: init, then parts of at most
//     a second (prft, moof, mdat), each put there by one write. A process that is
//     killed loses the part in hand alone; Open cuts a half part off.
//   - The server's clock stands in each part (prft) and the cause of a gap before
//     a segment in its name: the index is made of the files alone where it is lost.
//   - Order: data, fsync of the file, fsync of the folder, index record, fsync of
//     the index: what the index says is on the disk. That is done when a segment
//     is closed, and holds up nobody. A process that is killed needs none of it;
//     a machine without power loses what the kernel had not written yet, whole
//     segments excepted.
//   - Of a camera that is recorded around events alone what nobody asked to keep
//     is loose: it stands in no index, is not brought to the disk, and goes
//     without a word. A file that is found at the start is kept.
//   - Pinned ranges are never deleted; each deletion is in deleted.log before the
//     file goes. No more is deleted by age than the monotonic clock has gone on.
//   - One goroutine owns a stream's segment; the mutex of Recorder guards the
//     index and the pins, and no file is touched under it but the pins
//     and the folder of a day that is over.
//   - Under load: a stream whose disk is slow loses frames at its hub's reader,
//     goes on at a key frame and notes the gap; nobody else waits.
package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sharpeyes/streams"
)

// Defaults.
const (
	DefaultSegment = time.Minute
	DefaultDays    = 30
	DefaultTidy    = time.Minute
	// LeastPublicDays is how long footage of public places is kept at the least.
	LeastPublicDays = 30
	maxCamera       = 120 // bytes of a camera's name
	maxBefore       = 10 * time.Minute
)

// Cause says why a segment does not go on where the one before it ended.
type Cause uint8

// The causes of gaps.
const (
	None    Cause = iota // there is no gap
	Offline              // the camera sent nothing
	Disk                 // it could not be written
	Restart              // this process was not running
	Behind               // the recorder did not keep up
	Clock                // the server's clock was set
	Deleted              // it was recorded, and deleted since
	Stopped              // nobody asked to record
	Broken               // the camera's time stamps were of no use
)

var causes = [...]string{"none", "offline", "disk", "restart", "behind", "clock", "deleted", "stopped", "broken"}

func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c]
	}
	return "unknown"
}

// Policy is how long a camera's record is kept, all profiles together.
type Policy struct {
	Public bool  // of a public place: at least LeastPublicDays
	Days   int   // 0: DefaultDays
	Bytes  int64 // of the camera in all; 0: no limit of its own
	// Events: footage goes again but for what Keep or a pin holds. Before is how
	// long it waits for that.
	Events bool
	Before time.Duration
}

func (p Policy) check() error {
	switch {
	case p.Days < 0 || p.Bytes < 0 || p.Before < 0:
		return errors.New("days, bytes and before must not be negative")
	case p.Before > maxBefore:
		return fmt.Errorf("before is %v: at most %v are waited for an event", p.Before, maxBefore)
	case p.Public && p.Days != 0 && p.Days < LeastPublicDays:
		return fmt.Errorf("days is %d: footage of public places is kept for %d days at the least", p.Days, LeastPublicDays)
	case p.Public && p.Bytes > 0:
		return fmt.Errorf("bytes must be 0 for a public place: a limit could delete footage before its %d days", LeastPublicDays)
	}
	return nil
}

// DiskState is what OnDisk is told.
type DiskState struct {
	Path        string
	Free, Total int64
	Low         bool  // less than twice Options.Spare is free: soon the oldest goes before its time
	Err         error // of a write; nil: none
}

// Options are set before Open. Disks alone is needed.
type Options struct {
	Disks   []string // folders, which are made where they are missing
	Log     *slog.Logger
	Now     func() time.Time
	Since   func() time.Duration // monotonic
	Segment time.Duration        // a new file at the first key frame after it
	Tidy    time.Duration        // how often old footage is looked for
	Bytes   int64                // of all cameras; 0: what the disks take
	Days    int                  // of all cameras, at most; 0: what their policies say
	Spare   int64                // bytes to leave free on each disk; below it the oldest goes
	OnDisk  func(DiskState)      // told of each disk at each Tidy, and of writes that fail; must not block
}

// Recorder writes and knows the record. Its methods may be called by anyone.
type Recorder struct {
	Options
	ctx     context.Context
	stop    context.CancelFunc
	wait    sync.WaitGroup
	bufs    sync.Pool // of *[]byte, for parts that are being written
	filings filings
	base    time.Time // of the clock that deletion goes by
	zero    time.Duration

	reading  sync.Mutex // of unread days; before tidying
	tidying  sync.Mutex // before mu
	mu       sync.Mutex
	streams  map[key]*stream
	policies map[string]Policy // by camera
	told     bool              // SetPolicies was called: what is not in policies has no camera any more
	pins     []Pin
	windows  map[string][]window // of Keep, by camera
	closed   bool
	closing  sync.Once
	bad      map[string]time.Duration // when a disk did not take a file
}

type key struct {
	camera  string
	profile streams.Profile
}

// stream is what is known of one camera's profile.
type stream struct {
	key
	days     []*day // by start
	followed bool
	seen     bool // followed before in this process
	live     *day // of the segment that is being written; nil: none is
	liveAt   uint32
	disk     string    // of the last file
	diskDay  int64     // when it was chosen
	state    Cause     // why nothing is written now
	since    time.Time // of state
	wrote    time.Time // the last part; zero: none in this process
}

// turn notes why nothing is written, None: something is; the lock is held.
func (s *stream) turn(why Cause, now time.Time) {
	if s.state != why || s.since.IsZero() {
		s.state, s.since = why, now
	}
}

// State is what the recorder does with a stream.
type State struct {
	Cause Cause     // why nothing is written; None: parts come to the disk
	Since time.Time // of that
	Wrote time.Time // when the last part was on the disk; zero: none in this process
}

// State tells what the recorder does with a stream; false: it never did anything.
func (r *Recorder) State(camera string, profile streams.Profile) (State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[key{camera, profile}]
	if s == nil {
		return State{}, false
	}
	return State{s.state, s.since, s.wrote}, true
}

// SetPolicies says how long the footage of each camera is kept, whether it is
// recorded now or not. That of cameras which are not named is kept for
// DefaultDays. A policy that keeps too little is refused, and nothing changes.
func (r *Recorder) SetPolicies(all map[string]Policy) error {
	for camera, p := range all {
		if err := p.check(); err != nil {
			return fmt.Errorf("policy of camera %s: %w", camera, err)
		}
	}
	r.mu.Lock()
	r.policies, r.told = make(map[string]Policy, len(all)), true
	maps.Copy(r.policies, all)
	r.mu.Unlock()
	return nil
}

// New returns a recorder that is not open.
func New(o Options) *Recorder {
	began := time.Now()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Since == nil {
		o.Since = func() time.Duration { return time.Since(began) }
	}
	if o.Segment == 0 {
		o.Segment = DefaultSegment
	}
	if o.Tidy == 0 {
		o.Tidy = DefaultTidy
	}
	return &Recorder{Options: o, streams: map[key]*stream{}, policies: map[string]Policy{}, windows: map[string][]window{}, bad: map[string]time.Duration{}}
}

// Open sweeps the disks and begins to tidy. It may be called once.
func (r *Recorder) Open(ctx context.Context) error {
	if len(r.Disks) == 0 {
		return errors.New("open recorder: disks: name at least one folder")
	}
	for _, disk := range r.Disks {
		if err := os.MkdirAll(disk, 0o750); err != nil {
			return fmt.Errorf("open recorder: %w", err)
		}
		if err := r.sweep(disk); err != nil {
			return fmt.Errorf("open recorder: %w", err)
		}
	}
	if err := r.readNewest(ctx); err != nil {
		return fmt.Errorf("open recorder: %w", err)
	}
	if err := r.loadPins(); err != nil {
		return fmt.Errorf("open recorder: %w", err)
	}
	// A clock that is wrong at the start must not age what is there: it is
	// believed up to a day beyond the newest footage.
	r.base, r.zero = r.Now().Round(0), r.Since()
	var newest int64
	for _, s := range r.streams {
		newest = max(newest, s.end())
	}
	if most := time.UnixMilli(newest).Add(24 * time.Hour); newest > 0 && r.base.After(most) {
		r.Log.Warn("record: the clock is more than a day after the newest footage; deletion by age goes by the footage", "newest", time.UnixMilli(newest))
		r.base = most
	}
	r.ctx, r.stop = context.WithCancel(ctx)
	r.openFilings()
	r.wait.Go(r.readOn)
	r.wait.Go(r.tidyLoop)
	return nil
}

// Close ends all writing; what was taken in is on the disk when it returns.
func (r *Recorder) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	if r.stop != nil {
		r.stop()
	}
	r.wait.Wait()
	r.closing.Do(r.closeFilings)
	return nil
}

// sweep finds what a disk holds: folders "c-" and the camera's name, its
// profiles, days. None is read yet.
func (r *Recorder) sweep(disk string) error {
	dirs, err := filepath.Glob(filepath.Join(globQuote(disk), "c-*", "*", strings.Repeat("[0-9]", 8)))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		from, err := time.Parse(dayName, filepath.Base(dir))
		profile := streams.Profile(filepath.Base(filepath.Dir(dir)))
		camera, err2 := url.PathUnescape(strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(dir))), "c-"))
		if err != nil || err2 != nil || profile != streams.Main && profile != streams.Sub {
			continue
		}
		r.stream(key{camera, profile}).add(&day{dir: dir, from: from.UnixMilli(), unread: true})
	}
	return nil
}

// globQuote keeps a folder's own name from being read as a pattern.
func globQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// stream returns what is known of a stream; the lock is held.
func (r *Recorder) stream(k key) *stream {
	s := r.streams[k]
	if s == nil {
		s = &stream{key: k, state: Stopped}
		r.streams[k] = s
	}
	return s
}

func (s *stream) add(d *day) {
	i, _ := slices.BinarySearchFunc(s.days, d.from, func(d *day, from int64) int { return int((d.from - from) / dayMillis) })
	s.days = slices.Insert(s.days, i, d)
}

// end is when the last picture ended, Unix ms; 0: there is none.
func (s *stream) end() int64 {
	var end int64
	for _, d := range s.days[max(0, len(s.days)-4):] {
		if n := len(d.entries); n > 0 {
			end = max(end, d.start(d.entries[n-1])+d.entries[n-1].millis())
		}
	}
	return end
}

// Follow records a hub until the recorder closes, the hub is gone, or stop is
// called, which waits for the end. A policy that keeps too little is refused.
func (r *Recorder) Follow(hub *streams.Hub, camera string, profile streams.Profile, policy Policy) (stop func(), err error) {
	if camera == "" || len(camera) > maxCamera {
		return nil, fmt.Errorf("follow: camera has %d bytes: 1 to %d are taken", len(camera), maxCamera)
	}
	if profile != streams.Main && profile != streams.Sub {
		return nil, fmt.Errorf("follow: profile is %q: main or sub is taken", profile)
	}
	if err := policy.check(); err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil || r.closed {
		return nil, errors.New("follow: the recorder is not open")
	}
	s := r.stream(key{camera, profile})
	if s.followed {
		return nil, fmt.Errorf("follow: %s of camera %s is recorded already", profile, camera)
	}
	s.followed, r.policies[camera] = true, policy
	why := Restart
	if s.seen {
		why = Stopped
	}
	s.seen = true
	s.turn(Offline, r.Now())
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	t := &tape{rec: r, s: s, hub: hub, why: why}
	r.wait.Go(func() {
		defer close(done)
		t.run(ctx)
		if err := r.dropLoose(s, true); err != nil {
			r.Log.Error("record: delete", "camera", camera, "err", err)
		}
		r.mu.Lock()
		s.followed = false
		s.turn(Stopped, r.Now())
		r.mu.Unlock()
	})
	return func() { cancel(); <-done; r.filed() }, nil
}
