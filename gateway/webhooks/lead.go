package webhooks

import (
	"context"
	"maps"
	"time"

	"sharpeyes/alerts"
)

// releaseWithin bounds giving back the lease; it runs out by itself, too.
const releaseWithin = 2 * time.Second

// lead is the goroutine that starts what is due.
func (c *Courier) lead(ctx context.Context) {
	poll := time.NewTimer(0)
	defer poll.Stop()
	var hooks []alerts.Webhook
	for {
		polled := false
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
			polled = true
		case <-c.kick:
			select { // several events, one look
			case <-ctx.Done():
				return
			case <-time.After(gather):
			}
		}
		if list, ok := c.webhooks(ctx, polled, hooks); ok {
			hooks = list
		}
		wait := c.Poll
		if c.needed(hooks) && c.hold(ctx) {
			wait = c.start(ctx, hooks)
		}
		poll.Reset(wait)
	}
}

// webhooks returns the webhooks: those read before, unless they may differ. It
// learns of the newest event, too.
func (c *Courier) webhooks(ctx context.Context, polled bool, before []alerts.Webhook) ([]alerts.Webhook, bool) {
	c.mu.Lock()
	fresh := polled || c.stale
	c.stale = false
	c.mu.Unlock()
	if !fresh {
		return before, true
	}
	hooks, err := c.store.Webhooks(ctx, alerts.System())
	if err == nil && len(hooks) > 0 {
		var newest int64
		if _, newest, err = c.store.Seqs(ctx); err == nil {
			c.mu.Lock()
			c.newest = max(c.newest, newest)
			c.mu.Unlock()
		}
	}
	if err != nil {
		c.mu.Lock()
		c.stale = true // and at the next poll again
		c.mu.Unlock()
		return nil, false
	}
	c.forget(hooks)
	return hooks, true
}

// forget drops what is known of webhooks that are gone.
func (c *Courier) forget(hooks []alerts.Webhook) {
	there := make(map[string]bool, len(hooks))
	for _, h := range hooks {
		there[h.ID] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := func(id string) bool { return !there[id] && !c.running[id] }
	maps.DeleteFunc(c.passed, func(id string, _ int64) bool { return gone(id) })
	maps.DeleteFunc(c.stored, func(id string, _ time.Time) bool { return gone(id) })
}

// needed tells whether anything may have to be delivered.
func (c *Courier) needed(hooks []alerts.Webhook) bool {
	for _, h := range hooks {
		if h.Progress.State == alerts.HookActive {
			return true
		}
	}
	return false
}

// start begins a run of each webhook that has something to come, and returns
// when to look again.
func (c *Courier) start(ctx context.Context, hooks []alerts.Webhook) time.Duration {
	now, wait := c.Clock(), c.Poll
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range hooks {
		p := h.Progress
		if p.State != alerts.HookActive || c.running[h.ID] {
			continue
		}
		// Further ahead than any pause: the clock was turned back.
		if until := p.NextAt.Sub(now); until > 0 && until <= max(c.MaxBackOff, maxAfter) {
			wait = min(wait, until)
			continue
		}
		from := max(p.Cursor, c.passed[h.ID])
		if c.newest <= from {
			continue
		}
		c.running[h.ID] = true
		c.work.Go(func() {
			c.run(ctx, h, from)
			c.mu.Lock()
			delete(c.running, h.ID)
			c.stale = true
			c.mu.Unlock()
			c.look()
		})
	}
	return max(wait, time.Millisecond)
}

// hold takes or keeps the lease and tells whether it is ours.
func (c *Courier) hold(ctx context.Context) bool {
	now := c.Clock()
	c.mu.Lock()
	left := c.held.Sub(now)
	c.mu.Unlock()
	if left > c.Lease*2/3 && left <= c.Lease {
		return true
	}
	got := false
	err := c.store.Write(ctx, func(tx alerts.Tx) (err error) {
		got, err = tx.Lease(leaseName, c.Node, now, now.Add(c.Lease))
		return err
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && got:
		c.held = now.Add(c.Lease)
	case err == nil:
		c.held = time.Time{}
	}
	return c.held.Sub(now) > c.Timeout
}

// leads tells whether the lease is ours for as long as one try may take.
func (c *Courier) leads() (until time.Time, ok bool) {
	now := c.Clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.held.Sub(now)
	return c.held, left > c.Timeout && left <= c.Lease
}

// release gives the lease back, so that another node need not wait for its end.
func (c *Courier) release() {
	c.mu.Lock()
	held := c.held
	c.held = time.Time{}
	c.mu.Unlock()
	if held.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseWithin)
	defer cancel()
	now := c.Clock()
	if err := c.store.Write(ctx, func(tx alerts.Tx) error {
		_, err := tx.Lease(leaseName, c.Node, now, now)
		return err
	}); err != nil {
		c.Log.Warn("lease of webhooks not given back", "error", err)
	}
}
