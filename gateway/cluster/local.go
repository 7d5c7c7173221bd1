// Package cluster spreads events between the parts of this process and between
// nodes: in process, or through Redis.
//
// Invariants:
//   - A bus is a hint (alerts.Bus): what it loses is read from the store.
//   - Publish never waits for a subscriber or for the network.
//   - What this node publishes reaches its own subscribers whether Redis is
//     there or not.
//   - Every queue is bounded; a full one loses its oldest message.
package cluster

import (
	"context"
	"errors"
	"sync"

	"sharpeyes/alerts"
)

// queueLength is how many events wait for one subscriber.
const queueLength = 1024

// ErrClosed is returned by Publish after Close.
var ErrClosed = errors.New("bus closed")

// Local is the bus of a single process.
type Local struct {
	mu     sync.Mutex
	subs   map[*subscriber]struct{}
	closed bool
}

// NewLocal returns an open bus.
func NewLocal() *Local { return &Local{subs: map[*subscriber]struct{}{}} }

// Publish hands an event to every subscriber's queue.
func (b *Local) Publish(_ context.Context, e alerts.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	for s := range b.subs {
		s.push(e)
	}
	return nil
}

// Subscribe implements alerts.Bus.
func (b *Local) Subscribe(fn func(alerts.Event)) (cancel func()) {
	s := newSubscriber(fn)
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return func() {}
	}
	b.subs[s] = struct{}{}
	b.mu.Unlock()
	s.wg.Go(s.run)
	return sync.OnceFunc(func() {
		b.mu.Lock()
		delete(b.subs, s)
		b.mu.Unlock()
		s.stop()
	})
}

// Close ends every subscription and waits for running calls.
func (b *Local) Close() error {
	b.mu.Lock()
	b.closed = true
	subs := b.subs
	b.subs = nil
	b.mu.Unlock()
	for s := range subs {
		s.stop()
	}
	return nil
}

// subscriber calls fn with what is in its queue, one at a time.
type subscriber struct {
	fn func(alerts.Event)
	wg sync.WaitGroup

	mu    sync.Mutex
	queue []alerts.Event // a ring would save the copy; bursts are short
	wake  chan struct{}
	done  chan struct{}
	ended bool
}

func newSubscriber(fn func(alerts.Event)) *subscriber {
	return &subscriber{fn: fn, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (s *subscriber) push(e alerts.Event) {
	s.mu.Lock()
	if len(s.queue) >= queueLength {
		s.queue = s.queue[1:] // the oldest: the store still has it
	}
	s.queue = append(s.queue, e)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) run() {
	for {
		select {
		case <-s.wake:
		case <-s.done:
			return
		}
		s.mu.Lock()
		batch := s.queue
		s.queue = nil
		s.mu.Unlock()
		for _, e := range batch {
			select {
			case <-s.done:
				return
			default:
			}
			s.fn(e)
		}
	}
}

// stop ends the subscriber and waits for a running call of fn.
func (s *subscriber) stop() {
	s.mu.Lock()
	ended := s.ended
	s.ended = true
	s.mu.Unlock()
	if !ended {
		close(s.done)
	}
	s.wg.Wait()
}
