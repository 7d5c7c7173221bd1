package rtsp

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// hostDials bounds the dials to one address that are under way.
	hostDials = 4
	// probeHold is how long the first try of an account keeps the others of its
	// address waiting: long enough for a refusal to come back.
	probeHold = 2 * time.Second
)

// hosts are the addresses that cameras are behind: a camera's own, or that of a
// recorder with many. The zero value is ready.
type hosts struct {
	mu sync.Mutex
	m  map[string]*host
}

// host is one address. It is kept while a pull uses it, or a login is to be left
// alone there.
type host struct {
	conns chan struct{} // one for each connection; full: the next pull waits
	dials chan struct{} // one for each dial under way

	users int // guarded by hosts.mu

	mu     sync.Mutex
	next   time.Time // when the next dial may begin
	logins map[login]*standing
}

// login is what a recorder counts failed sign-ins by.
type login struct{ username, password string }

// standing is what is known of a login at one address.
type standing struct {
	probe   chan struct{} // held by the camera that tries it first
	up      int           // connections that it opened
	refused refusal       // while none stands that it opened
}

// holds reports whether it is too early for another try.
func (r refusal) holds() bool { return time.Now().Before(r.until) }

// addressOf is where a camera's URL leads, without credentials and path.
func addressOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	port := cmp.Or(u.Port(), map[string]string{"rtsps": "322"}[u.Scheme], "554")
	return strings.ToLower(u.Hostname()) + ":" + port
}

// use returns an address for a pull; leave gives it back.
func (hs *hosts) use(address string, conns int) (h *host, leave func()) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.m == nil {
		hs.m = map[string]*host{}
	}
	for k, h := range hs.m {
		if h.users == 0 && h.forgettable() {
			delete(hs.m, k)
		}
	}
	h = hs.m[address]
	if h == nil {
		h = &host{conns: make(chan struct{}, conns), dials: make(chan struct{}, hostDials), logins: map[login]*standing{}}
		hs.m[address] = h
	}
	h.users++
	return h, func() {
		hs.mu.Lock()
		defer hs.mu.Unlock()
		h.users--
	}
}

func (h *host) forgettable() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.logins {
		if l.refused.holds() {
			return false
		}
	}
	return true
}

func (h *host) standing(who login) *standing {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.logins[who]
	if l == nil {
		l = &standing{probe: make(chan struct{}, 1)}
		h.logins[who] = l
	}
	return l
}

// turn is one try of one pull: a place among the address's connections, and,
// until the camera plays or has failed, one among those being dialled.
type turn struct {
	host     *host
	standing *standing
	dialled  func() // the dial is over
	proved   func() // the login's first try is over
	up       bool
}

// teller is told what a pull waits for; long: it may be for good.
type teller func(detail string, long bool)

// enter waits until the address may be dialled. told is called where that is
// not at once. A refusal comes back, and no turn, where the login is to be left
// alone.
func (h *host) enter(ctx context.Context, who login, gap time.Duration, told teller) (*turn, refusal, error) {
	t := &turn{host: h, standing: h.standing(who), dialled: func() {}, proved: func() {}}
	err := take(ctx, h.conns, func() {
		told(fmt.Sprintf("waits: %d connections to this address are open, and more are not allowed (rtsp.per_host)", cap(h.conns)), true)
	})
	if err != nil {
		return nil, refusal{}, err
	}
	refused, err := t.prove(ctx, told)
	if err == nil && !refused.holds() {
		err = t.dial(ctx, gap, told)
	}
	if err != nil || refused.holds() {
		t.leave()
		return nil, refused, err
	}
	return t, refusal{}, nil
}

// prove lets a login that no open connection vouches for be tried by one camera
// at a time: a recorder locks it after a few refusals.
func (t *turn) prove(ctx context.Context, told teller) (refusal, error) {
	if t.vouched() {
		return refusal{}, nil
	}
	err := take(ctx, t.standing.probe, func() { told("waits: another camera of this address signs in first", false) })
	if err != nil {
		return refusal{}, err
	}
	free := sync.OnceFunc(func() { <-t.standing.probe })
	if t.vouched() {
		free()
		return refusal{}, nil
	}
	timer := time.AfterFunc(probeHold, free)
	t.proved = func() { timer.Stop(); free() }
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	return t.standing.refused, nil
}

func (t *turn) vouched() bool {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	return t.standing.up > 0
}

// dial waits for the address's turn: few at once, and spread over time.
func (t *turn) dial(ctx context.Context, gap time.Duration, told teller) error {
	h := t.host
	err := take(ctx, h.dials, func() { told("waits for its turn: other cameras of this address are being called", false) })
	if err != nil {
		return err
	}
	t.dialled = sync.OnceFunc(func() { <-h.dials })
	h.mu.Lock()
	now := time.Now()
	at := now
	if h.next.After(now) {
		at = h.next
	}
	h.next = at.Add(gap)
	h.mu.Unlock()
	if at == now {
		return nil
	}
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// playing says that the camera let us in.
func (t *turn) playing() {
	t.host.mu.Lock()
	t.up = true
	t.standing.up++
	t.standing.refused = refusal{}
	t.host.mu.Unlock()
	t.dialled()
	t.proved()
}

// refuse says that the login was refused, and returns how long the address is
// spared it after so many refusals. Where others of its cameras are in with it,
// that is this camera's affair alone.
func (t *turn) refuse(f failure, wait func(tries int) time.Duration) (spared time.Duration) {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	if t.standing.up > 0 {
		return 0
	}
	r := &t.standing.refused
	spared = wait(r.tries)
	*r = refusal{f, time.Now().Add(spared), r.tries + 1}
	return spared
}

// leave gives all places back.
func (t *turn) leave() {
	if t.up {
		t.host.mu.Lock()
		t.standing.up--
		t.host.mu.Unlock()
	}
	t.dialled()
	t.proved()
	<-t.host.conns
}

// take puts a value into a channel; waits is called when it is full.
func take(ctx context.Context, places chan struct{}, waits func()) error {
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	waits()
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// elsewhere is the failure of a camera whose login was refused through another
// of its address.
func elsewhere(f failure) failure {
	f.detail = "this address refused the user name or password for another of its cameras"
	return f
}
