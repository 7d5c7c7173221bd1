// Package webhooks tells other systems of events: it posts each, signed, to the
// addresses that asked for it.
//
// Invariants:
//   - Events are read from the store by number and go to each webhook in that
//     order, the next one when the one before has been taken. How far a webhook
//     has come is in the store: each event is delivered at least once, and what
//     comes twice has the same delivery id.
//   - Nothing waits in memory: a webhook that fails falls behind in the store.
//   - A webhook is told of nothing that the account behind it could not read
//     now.
//   - What is called is judged by Guard at the moment of dialling. Requests are
//     bounded in time, answers in size; no redirect is followed.
//   - One node delivers: the one that holds the lease.
//
// Under load a webhook costs one goroutine and one request at most; a slow one
// keeps no other waiting. Tries after a failure come further and further apart,
// and end when it has failed too often or for too long: it is dead, says so, and
// waits to be retried by hand.
package webhooks

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"sharpeyes/alerts"
)

// Defaults of the exported fields.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultBackOff     = 5 * time.Second
	DefaultMaxBackOff  = time.Hour
	DefaultMaxFailures = 50
	DefaultMaxAge      = 3 * 24 * time.Hour
	DefaultLease       = 30 * time.Second
	DefaultPoll        = 2 * time.Second

	// gather is how long the first of several events waits for the others.
	gather = 20 * time.Millisecond
	// leaseName names the lease in the store.
	leaseName = "webhooks"
)

// Vault opens what is stored sealed; desk.Vault is one.
type Vault interface {
	Open(sealed []byte) ([]byte, error)
}

// Courier delivers. Set the exported fields before Open; New gives usable ones
// but for Vault.
type Courier struct {
	Clock       alerts.Clock
	Guard       Guard
	Vault       Vault
	TLS         *tls.Config // nil: the system's certificates
	Node        string      // holds the lease; differs from every other node's
	Timeout     time.Duration
	BackOff     time.Duration // after the first failure, twice as long after each further one
	MaxBackOff  time.Duration
	MaxFailures int           // in a row: then it is dead
	MaxAge      time.Duration // since the first of them: then it is dead
	Lease       time.Duration // longer than Timeout by far: a node that is gone is replaced after it
	Poll        time.Duration
	Log         *slog.Logger

	store    alerts.Store
	bus      alerts.Bus
	resolver *net.Resolver // nil: the machine's; tests have their own
	client   *http.Client
	cancel   context.CancelFunc
	work     sync.WaitGroup
	kick     chan struct{} // one slot: full means that a look is due anyway

	mu      sync.Mutex // guards what follows
	stale   bool       // the webhooks are to be read again
	newest  int64      // number of the newest event known of
	held    time.Time  // until when the lease is ours
	running map[string]bool
	passed  map[string]int64 // by webhook: events up to here are done or none of his
	stored  map[string]time.Time
}

// New returns a courier over a store and a bus.
func New(store alerts.Store, bus alerts.Bus) *Courier {
	return &Courier{
		Clock: time.Now, Timeout: DefaultTimeout, BackOff: DefaultBackOff, MaxBackOff: DefaultMaxBackOff,
		MaxFailures: DefaultMaxFailures, MaxAge: DefaultMaxAge, Lease: DefaultLease, Poll: DefaultPoll,
		Log: slog.New(slog.DiscardHandler), store: store, bus: bus, kick: make(chan struct{}, 1),
		running: make(map[string]bool), passed: make(map[string]int64), stored: make(map[string]time.Time),
	}
}

// Open begins to deliver.
func (c *Courier) Open() error {
	if c.Vault == nil || c.Node == "" || c.Timeout <= 0 || c.Lease < 2*c.Timeout || c.Poll <= 0 || c.BackOff <= 0 || c.MaxFailures <= 0 {
		return errors.New("webhooks: Vault, Node and times above zero are needed, and Lease must be twice Timeout at least")
	}
	c.client = c.newClient()
	ctx, cancel := context.WithCancel(context.Background())
	unsubscribe := c.bus.Subscribe(c.heard)
	c.cancel = func() { unsubscribe(); cancel() }
	c.work.Go(func() { c.lead(ctx) })
	return nil
}

// Close ends delivering, lets another node take it on, and returns when what
// ran has ended.
func (c *Courier) Close() {
	if c.cancel == nil {
		return
	}
	c.cancel()
	c.work.Wait()
	c.client.CloseIdleConnections()
	c.release()
}

// heard takes an event of the bus as a hint to look.
func (c *Courier) heard(e alerts.Event) {
	if e.Seq == 0 {
		return
	}
	c.mu.Lock()
	c.newest = max(c.newest, e.Seq)
	c.stale = c.stale || e.Kind == alerts.WebhooksChanged || e.Kind == alerts.UserChanged
	c.mu.Unlock()
	c.look()
}

func (c *Courier) look() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}
