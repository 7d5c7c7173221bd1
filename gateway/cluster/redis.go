package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"sharpeyes/alerts"
)

// Timing of the Redis bus.
const (
	probeEvery   = time.Second
	deafAfter    = 4 * time.Second // without a probe of our own the subscription is made anew
	redisTimeout = 2 * time.Second
	outboxLength = 4096
	maxMessage   = 256 << 10
)

// Redis is the bus of several nodes. Redis' pub/sub can fall silent without an
// error (after a fail-over, say): each node sends itself probes through it and
// subscribes anew when they stop coming.
type Redis struct {
	local  *Local
	client *redis.Client
	prefix string
	node   string
	log    *slog.Logger

	outbox chan []byte
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// message is what travels. Probes have no event.
type message struct {
	Node  string        `json:"node"`
	Event *alerts.Event `json:"event,omitempty"`
}

// NewRedis returns a bus on a Redis server; prefix keeps several installations
// on one server apart, node must differ between nodes. A server that is down is
// no error: the bus joins when it comes.
func NewRedis(url, prefix, node string, log *slog.Logger) (*Redis, error) {
	opt, err := redis.ParseURL(url)
	if err != nil {
		// The library's error may quote the URL, which may hold a password.
		return nil, alerts.InvalidField("redis.url", "must look like redis://[user:password@]host:port/db")
	}
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	opt.MaxRetries = -1
	ctx, cancel := context.WithCancel(context.Background())
	b := &Redis{local: NewLocal(), client: redis.NewClient(opt), prefix: prefix, node: node, log: log,
		outbox: make(chan []byte, outboxLength), cancel: cancel}
	b.wg.Go(func() { b.send(ctx) })
	b.wg.Go(func() { b.listen(ctx) })
	return b, nil
}

func (b *Redis) events() string { return b.prefix + ":events" }
func (b *Redis) probes() string { return b.prefix + ":probe:" + b.node }

// Publish tells our own subscribers at once and the other nodes through the
// outbox. A full outbox loses its oldest message.
func (b *Redis) Publish(ctx context.Context, e alerts.Event) error {
	if err := b.local.Publish(ctx, e); err != nil {
		return err
	}
	raw, err := json.Marshal(message{Node: b.node, Event: &e})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	for {
		select {
		case b.outbox <- raw:
			return nil
		default:
		}
		select {
		case <-b.outbox:
		default:
		}
	}
}

// Subscribe implements alerts.Bus.
func (b *Redis) Subscribe(fn func(alerts.Event)) (cancel func()) { return b.local.Subscribe(fn) }

// Close leaves Redis and ends every subscription.
func (b *Redis) Close() error {
	b.cancel()
	b.wg.Wait()
	_ = b.local.Close()
	return b.client.Close()
}

// send publishes the outbox and the probes.
func (b *Redis) send(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	probe, _ := json.Marshal(message{Node: b.node}) // cannot fail
	down := false
	for {
		channel, raw := b.events(), []byte(nil)
		select {
		case raw = <-b.outbox:
		case <-tick.C:
			channel, raw = b.probes(), probe
		case <-ctx.Done():
			return
		}
		err := b.client.Publish(ctx, channel, raw).Err()
		if (err != nil) != down && ctx.Err() == nil {
			down = err != nil
			b.log.Warn("redis bus", "reachable", !down, "error", err)
		}
	}
}

// listen keeps a subscription and makes it anew when it falls silent.
func (b *Redis) listen(ctx context.Context) {
	for ctx.Err() == nil {
		b.hear(ctx)
		select {
		case <-time.After(probeEvery / 2):
		case <-ctx.Done():
		}
	}
}

// hear receives on one subscription until it breaks or goes deaf.
func (b *Redis) hear(ctx context.Context) {
	sub := b.client.Subscribe(ctx, b.events(), b.probes())
	defer func() { _ = sub.Close() }()
	heard := time.Now()
	for ctx.Err() == nil {
		m, err := sub.ReceiveTimeout(ctx, deafAfter)
		if err != nil {
			return
		}
		if m, ok := m.(*redis.Message); ok {
			if m.Channel == b.probes() {
				heard = time.Now()
			} else {
				b.deliver(m.Payload)
			}
		}
		if time.Since(heard) > deafAfter {
			return // others are heard, our own probes are not: half deaf
		}
	}
}

func (b *Redis) deliver(payload string) {
	if len(payload) > maxMessage {
		return
	}
	var m message
	if err := json.Unmarshal([]byte(payload), &m); err != nil || m.Event == nil || m.Node == b.node {
		return
	}
	_ = b.local.Publish(context.Background(), *m.Event)
}
