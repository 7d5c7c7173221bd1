package auth

import (
	"container/list"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"sharpeyes/alerts"

	"golang.org/x/time/rate"
)

// Wrong sign-ins that are let through: a burst, then one each so often.
const (
	accountBurst = 10
	accountEvery = 30 * time.Second
	addressBurst = 30
	addressEvery = 5 * time.Second
	sourceBurst  = 30
	sourceEvery  = time.Second

	// throttleRows bounds each table; the least recently used row goes first.
	throttleRows = 10_000
)

// throttle slows down guessing. Only failures count, so that nobody is slowed
// down by signing in. Somebody who keeps an account's bucket empty would lock
// its owner out; therefore an address that has signed in to the account before
// has a bucket of its own for it.
type throttle struct {
	accounts  *buckets
	addresses *buckets
	sources   *buckets
	tokens    *buckets         // of machines
	known     *table[struct{}] // account and address that have belonged together
}

func newThrottle() *throttle {
	return &throttle{
		accounts:  newBuckets(accountBurst, accountEvery),
		addresses: newBuckets(addressBurst, addressEvery),
		sources:   newBuckets(sourceBurst, sourceEvery),
		tokens:    newBuckets(sourceBurst, sourceEvery),
		known:     newTable[struct{}](throttleRows),
	}
}

// keys returns the rows that a sign-in counts in.
func (t *throttle) keys(username string, addr netip.Addr) (account, address string) {
	account, address = accountKey(username), addressKey(addr)
	if _, ok := t.known.get(account + "\x00" + address); ok {
		account += "\x00" + address
	}
	return account, address
}

func (t *throttle) check(account, address string, now time.Time) error {
	if err := t.addresses.check(address, now); err != nil {
		return err
	}
	return t.accounts.check(account, now)
}

func (t *throttle) failed(account, address string, now time.Time) {
	t.addresses.failed(address, now)
	t.accounts.failed(account, now)
}

func (t *throttle) succeeded(username string, addr netip.Addr) {
	key := accountKey(username) + "\x00" + addressKey(addr)
	t.known.put(key, struct{}{})
	t.accounts.forget(key)
}

func accountKey(username string) string {
	return strings.ToLower(strings.ReplaceAll(username, "\x00", ""))
}

// addressKey is the address, or the /64 of an IPv6 one: that is what one
// customer is given.
func addressKey(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// buckets is a bounded table of token buckets.
type buckets struct {
	burst int
	every time.Duration
	rows  *table[*rate.Limiter]
}

func newBuckets(burst int, every time.Duration) *buckets {
	return &buckets{burst: burst, every: every, rows: newTable[*rate.Limiter](throttleRows)}
}

// check returns a TooMany error while the bucket is empty; it takes nothing.
func (b *buckets) check(key string, now time.Time) error {
	l, ok := b.rows.get(key)
	if !ok {
		return nil
	}
	if have := l.TokensAt(now); have < 1 {
		wait := time.Duration((1 - have) * float64(b.every))
		return tooMany(wait)
	}
	return nil
}

func (b *buckets) failed(key string, now time.Time) {
	b.rows.getOrPut(key, func() *rate.Limiter { return rate.NewLimiter(rate.Every(b.every), b.burst) }).AllowN(now, 1)
}

func (b *buckets) forget(key string) { b.rows.remove(key) }

// Wait is the cause of a TooMany error: when to try again.
type Wait struct{ After time.Duration }

func (w *Wait) Error() string { return fmt.Sprintf("throttled for %s", w.After) }

// RetryAfter returns when to try again; gateway/api makes the header of it.
func (w *Wait) RetryAfter() time.Duration { return w.After }

func tooMany(wait time.Duration) error {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return &alerts.Error{Kind: alerts.TooMany, Err: &Wait{After: wait},
		Message: fmt.Sprintf("too many failed attempts, try again in %d seconds", int(wait/time.Second))}
}

// table is a map of at most max rows; the least recently used one gives way.
type table[V any] struct {
	max  int
	mu   sync.Mutex
	rows map[string]*list.Element
	lru  *list.List // of *row[V], most recent first
}

type row[V any] struct {
	key   string
	value V
}

func newTable[V any](max int) *table[V] {
	return &table[V]{max: max, rows: make(map[string]*list.Element), lru: list.New()}
}

func (t *table[V]) get(key string) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.rows[key]; ok {
		t.lru.MoveToFront(e)
		return e.Value.(*row[V]).value, true
	}
	var zero V
	return zero, false
}

func (t *table[V]) put(key string, v V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.insert(key, v)
}

func (t *table[V]) getOrPut(key string, make func() V) V {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.rows[key]; ok {
		t.lru.MoveToFront(e)
		return e.Value.(*row[V]).value
	}
	v := make()
	t.insert(key, v)
	return v
}

func (t *table[V]) insert(key string, v V) {
	if e, ok := t.rows[key]; ok {
		e.Value.(*row[V]).value = v
		t.lru.MoveToFront(e)
		return
	}
	for len(t.rows) >= t.max {
		last := t.lru.Back()
		delete(t.rows, last.Value.(*row[V]).key)
		t.lru.Remove(last)
	}
	t.rows[key] = t.lru.PushFront(&row[V]{key: key, value: v})
}

func (t *table[V]) remove(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.rows[key]; ok {
		delete(t.rows, key)
		t.lru.Remove(e)
	}
}

func (t *table[V]) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows)
}
