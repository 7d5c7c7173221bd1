// Package rtsp pulls one camera over RTSP and keeps it up.
//
// Invariants:
//   - Pull returns within a second of its context's end; nothing it started
//     outlives it, and nothing touches the hub afterwards.
//   - An address sees few dials at once, spread over time, and no more than
//     PerHost connections; a login that it refused is not tried through another
//     of its cameras (hosts).
//   - A camera sees at most one dial a second. Back-off starts anew only after
//     the picture was live for StableAfter, so that a flapping camera is not
//     hammered; a refused sign-in waits RefusedWait, longer each time, so that
//     it does not lock the account.
//   - A picture with a hole in it is never published: after a loss the hub waits
//     for the next key frame, and a damaged access unit is dropped and counted.
//   - What a hostile camera can make us hold is bounded: maxHandshake bytes
//     before PLAY, one access unit of streams.MaxAccessUnit after it.
//   - No address, credential or text of the camera's goes into a Detail.
package rtsp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sharpeyes/streams"
)

// Defaults of a Puller.
const (
	DefaultReadTimeout = 10 * time.Second
	DefaultMinBackoff  = time.Second
	DefaultMaxBackoff  = 30 * time.Second
	DefaultRefusedWait = 60 * time.Second
	DefaultStableAfter = 10 * time.Second
	DefaultKeyWait     = 60 * time.Second
	DefaultStarts      = 16
	DefaultPerHost     = 64
	DefaultHostGap     = 100 * time.Millisecond
)

// startHold is how long one start keeps others waiting at most: cameras that
// do not answer must not hold up those that do.
const startHold = 250 * time.Millisecond

// refusedDoublings is how often the wait after a refused sign-in doubles:
// cameras lock an account after five to seven wrong ones within half an hour.
const refusedDoublings = 3

// ErrNotAllowed is what a guarded Dial wraps when the address is one that must
// not be dialled.
var ErrNotAllowed = errors.New("address not allowed")

// Puller pulls cameras. Its fields are set before the first Pull; the zero
// value of each means its default. Its methods may be called concurrently.
type Puller struct {
	// Dial opens every connection, those of redirects included. Default: a
	// plain net.Dialer; main passes one that checks the address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ReadTimeout bounds the way from dialling to PLAY as a whole, and the time
	// without a picture after it.
	ReadTimeout time.Duration
	// MinBackoff and MaxBackoff bound the wait after a failure.
	MinBackoff, MaxBackoff time.Duration
	// RefusedWait is the least wait after a refused sign-in, a codec that cannot
	// be shown, or an address that is not allowed.
	RefusedWait time.Duration
	// StableAfter is how long a stream has to be live for the back-off to start
	// anew.
	StableAfter time.Duration
	// KeyWait is how long frames without a key frame are borne before the
	// camera is asked anew.
	KeyWait time.Duration
	// Starts bounds how many cameras are dialled at the same moment.
	Starts int
	// PerHost bounds the connections to one address (host and port), as a
	// recorder with many cameras is; HostGap is the least time between two dials
	// of it.
	PerHost int
	HostGap time.Duration
	// Log gets one line for each change of a camera's state.
	Log *slog.Logger

	chunks   sync.Pool     // of *chunk
	played   atomic.Uint64 // streams so far that are taken in directly
	hosts    hosts
	once     sync.Once
	slots    chan struct{} // one for each start under way; full: the next waits
	mu       sync.Mutex
	refusals map[account]refusal // not to be tried again yet
}

// New returns a puller with defaults.
func New() *Puller { return &Puller{} }

// account is what a camera counts failed sign-ins by.
type account struct{ url, username, password string }

type refusal struct {
	failure failure
	until   time.Time
	tries   int
}

func (p *Puller) init() {
	p.once.Do(func() {
		p.slots = make(chan struct{}, cmp.Or(p.Starts, DefaultStarts))
		p.refusals = map[account]refusal{}
		p.chunks.New = func() any { return new(chunk) }
		if p.Log == nil {
			p.Log = slog.New(slog.DiscardHandler)
		}
		if p.Dial == nil {
			p.Dial = (&net.Dialer{}).DialContext
		}
		p.ReadTimeout = cmp.Or(p.ReadTimeout, DefaultReadTimeout)
		p.MinBackoff = cmp.Or(p.MinBackoff, DefaultMinBackoff)
		p.MaxBackoff = max(p.MinBackoff, cmp.Or(p.MaxBackoff, DefaultMaxBackoff))
		p.RefusedWait = cmp.Or(p.RefusedWait, DefaultRefusedWait)
		p.StableAfter = cmp.Or(p.StableAfter, DefaultStableAfter)
		p.KeyWait = cmp.Or(p.KeyWait, DefaultKeyWait)
		p.PerHost = cmp.Or(p.PerHost, DefaultPerHost)
		p.HostGap = cmp.Or(p.HostGap, DefaultHostGap)
	})
}

// Pull pulls spec into hub until ctx ends. It is a streams.PullFunc.
//
// Before the first connection the state is Connecting. After a failure the
// failure stays the state, with RetryAt while waiting and without it while
// trying, until the picture is back: so Since tells how long it has been gone.
func (p *Puller) Pull(ctx context.Context, spec streams.Spec, hub *streams.Hub) {
	p.init()
	log := p.Log.With("camera", spec.Camera, "profile", spec.Profile)
	who := account{spec.URL, spec.Username, spec.Password}
	if r, ok := p.refused(who); ok && !p.rest(ctx, hub, r.failure, time.Until(r.until)) {
		return
	}
	host, leave := p.hosts.use(addressOf(spec.URL), p.PerHost)
	defer leave()
	var failures int
	var last failure
	show := func() {
		if last.state == "" {
			hub.SetState(streams.Connecting, streams.NoReason, "", time.Time{})
		} else {
			hub.SetState(last.state, last.reason, last.detail, time.Time{})
		}
	}
	told := func(detail string, long bool) {
		if long || last.state == "" {
			hub.SetState(streams.Connecting, streams.NoReason, detail, time.Time{})
		}
	}
	for connections := 0; ctx.Err() == nil; {
		show()
		turn, refused, err := host.enter(ctx, login{spec.Username, spec.Password}, p.HostGap, told)
		if err != nil {
			return
		}
		if turn == nil {
			last = elsewhere(refused.failure)
			if !p.rest(ctx, hub, last, time.Until(refused.until)+rand.N(p.MinBackoff)) {
				return
			}
			continue
		}
		show()
		s := &session{puller: p, spec: spec, hub: hub, log: log, reconnect: connections > 0}
		fail, spared := p.play(ctx, s, turn)
		if ctx.Err() != nil {
			return
		}
		if s.playing {
			connections++
			p.forgive(who)
		}
		if s.liveFor() >= p.StableAfter {
			failures = 0
		}
		wait := p.backoff(failures)
		failures++
		if fail.slow {
			wait = p.RefusedWait + rand.N(p.RefusedWait/4+1)
		}
		if fail.reason == streams.SignInRefused {
			wait = p.refuse(who, fail, spared)
		}
		level := slog.LevelDebug
		if fail.reason != last.reason || s.liveFor() > 0 {
			level = slog.LevelWarn
		}
		last = fail
		log.Log(ctx, level, "camera lost", "state", fail.state, "reason", fail.reason, "detail", fail.detail,
			"retry_in", wait.Round(time.Millisecond))
		if !p.rest(ctx, hub, fail, wait) {
			return
		}
	}
}

// play is one connection, on its turn. spared is how long its address is not to
// be asked again with the same login.
func (p *Puller) play(ctx context.Context, s *session, t *turn) (fail failure, spared time.Duration) {
	defer t.leave()
	done, err := p.start(ctx)
	if err != nil {
		return failure{}, 0
	}
	defer done()
	fail = s.run(ctx, func() { done(); t.playing() })
	if fail.detail == wrongLogin {
		spared = t.refuse(fail, p.refusedWait)
	}
	return fail, spared
}

// rest shows a failure while waiting. It reports whether ctx goes on.
func (p *Puller) rest(ctx context.Context, hub *streams.Hub, f failure, wait time.Duration) bool {
	hub.SetState(f.state, f.reason, f.detail, time.Now().Add(wait))
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		hub.SetState(f.state, f.reason, f.detail, time.Time{})
		return true
	}
}

// backoff is the wait after so many failures in a row: full jitter over a
// doubling range, but never under MinBackoff.
func (p *Puller) backoff(failures int) time.Duration {
	top := p.MaxBackoff
	if failures < 30 {
		top = min(top, p.MinBackoff<<(failures+1))
	}
	return p.MinBackoff + rand.N(max(0, top-p.MinBackoff)+1)
}

// start waits for its turn to dial. done frees the turn, at the latest after
// startHold.
func (p *Puller) start(ctx context.Context) (done func(), err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	free := sync.OnceFunc(func() { <-p.slots })
	t := time.AfterFunc(startHold, free)
	return func() { t.Stop(); free() }, nil
}

// refused tells whether an account was refused lately: a pull that ends and
// starts again, because viewers come and go, must not try it sooner.
func (p *Puller) refused(who account) (refusal, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.refusals[who]
	return r, ok && time.Now().Before(r.until)
}

// refuse records a refused sign-in and returns how long not to try again: as
// long as its address is spared, where that is.
func (p *Puller) refuse(who account, f failure, spared time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, tries := time.Now(), p.refusals[who].tries
	wait := cmp.Or(spared, p.refusedWait(tries))
	for k, r := range p.refusals {
		if now.After(r.until.Add(p.RefusedWait << refusedDoublings)) {
			delete(p.refusals, k)
		}
	}
	p.refusals[who] = refusal{f, now.Add(wait), tries + 1}
	return wait
}

// refusedWait is how long not to try again after so many refusals before.
func (p *Puller) refusedWait(tries int) time.Duration {
	wait := p.RefusedWait << min(tries, refusedDoublings)
	return wait + rand.N(wait/4+1)
}

// forgive forgets that an account was refused: it is let in.
func (p *Puller) forgive(who account) {
	p.mu.Lock()
	delete(p.refusals, who)
	p.mu.Unlock()
}
