package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"sharpeyes/alerts"
)

const (
	page  = 64  // events read at once
	burst = 256 // events delivered in one run; then its settings are read again

	// What is none of a webhook's kinds moves its cursor in memory; in the store
	// it follows after so many events or so long.
	storeBehind = 1000
	storeEvery  = time.Hour
)

var (
	errOver = errors.New("webhooks: changed, removed, or taken over meanwhile")
	errLent = errors.New("the account that answers for it may not read these events any more")
)

// run delivers to one webhook what is after a number, until there is no more,
// one fails, or its settings are old.
func (c *Courier) run(ctx context.Context, h alerts.Webhook, from int64) {
	scope, err := c.scopeOf(ctx, h)
	var target alerts.HookTarget
	if err == nil {
		target, err = c.open(h)
	}
	switch {
	case errors.Is(err, errLent) || errors.Is(err, errSealed):
		c.die(ctx, h, err)
		return
	case err != nil:
		return // the store does not answer: the next look tries again
	}
	oldest, _, err := c.store.Seqs(ctx)
	if err != nil {
		return
	}
	missed := oldest > from+1
	for sent := 0; sent < burst; {
		events, upTo, err := c.store.Events(ctx, scope, from, page)
		if err != nil {
			return
		}
		for _, e := range events {
			if !wanted(h, scope, e) {
				continue
			}
			if !c.deliver(ctx, h, target, e, missed) {
				return
			}
			missed = false
			sent++
		}
		if upTo <= from {
			return
		}
		from = upTo
		c.pass(ctx, h, from)
	}
}

// wanted tells whether an event goes to a webhook.
func wanted(h alerts.Webhook, scope alerts.Scope, e alerts.Event) bool {
	need := e.Kind.NeededRight()
	return slices.Contains(h.Kinds, e.Kind) && need != "" && scope.Can(need)
}

// scopeOf is what the account behind a webhook lends it now.
func (c *Courier) scopeOf(ctx context.Context, h alerts.Webhook) (alerts.Scope, error) {
	maker, err := c.store.User(ctx, alerts.System(), h.CreatedBy)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return alerts.Scope{}, err
	}
	var rights []alerts.Right
	for _, k := range h.Kinds {
		rights = append(rights, k.NeededRight())
	}
	scope := alerts.Lend(maker, rights, h.AreaPath)
	if err != nil || len(scope.Paths) == 0 {
		return alerts.Scope{}, errLent
	}
	return scope, nil
}

var errSealed = errors.New("its address cannot be read with this gateway's key: enter it again")

func (c *Courier) open(h alerts.Webhook) (t alerts.HookTarget, err error) {
	plain, err := c.Vault.Open(h.Sealed)
	if err != nil || json.Unmarshal(plain, &t) != nil || t.Secret == "" {
		return t, errSealed
	}
	return t, nil
}

// deliver tries one event once and notes what became of it. It tells whether to
// go on.
func (c *Courier) deliver(ctx context.Context, h alerts.Webhook, t alerts.HookTarget, e alerts.Event, missed bool) bool {
	if _, ok := c.leads(); !ok || ctx.Err() != nil {
		return false
	}
	// As of when the run began; a webhook has one run at a time.
	now, err := c.store.Webhook(ctx, alerts.System(), h.ID)
	if err != nil || now.Version != h.Version || now.Progress.State != alerts.HookActive {
		return false
	}
	if e.Seq <= now.Progress.Cursor {
		return true // another node delivered it between our reading and our lease
	}
	begin := c.Clock()
	m := Message{ID: h.ID + "-" + strconv.FormatInt(e.Seq, 10), Webhook: h.ID, Missed: missed, Event: e}
	try := now.Progress.Failures + 1
	out := c.post(ctx, t, m, try)
	if out.fault != "" && ctx.Err() != nil {
		return false // we are closing: that is no failure of theirs
	}
	d := alerts.Delivery{ID: m.ID, WebhookID: h.ID, Seq: e.Seq, Kind: e.Kind, At: begin, Try: try, Status: out.status,
		Took: c.Clock().Sub(begin), Error: out.fault}
	err = c.note(ctx, h, &d, func(p *alerts.HookProgress) { c.advance(p, e.Seq, out) })
	if err != nil && !errors.Is(err, errOver) {
		c.Log.WarnContext(ctx, "webhook's progress not stored", "webhook", h.ID, "error", err)
	}
	return err == nil && out.fault == ""
}

// advance moves the progress of a webhook by one try.
func (c *Courier) advance(p *alerts.HookProgress, seq int64, out outcome) {
	now := c.Clock()
	if out.fault == "" {
		p.Cursor, p.Failures, p.FailedAt, p.NextAt, p.SentAt, p.Error = seq, 0, time.Time{}, time.Time{}, now, ""
		return
	}
	p.Failures++
	p.Error = out.fault
	if p.FailedAt.IsZero() {
		p.FailedAt = now
	}
	switch {
	case p.State != alerts.HookActive:
	case out.gone:
		p.State, p.Error = alerts.HookDead, out.fault+": it wants no more"
	case p.Failures >= c.MaxFailures:
		p.State, p.Error = alerts.HookDead, fmt.Sprintf("%s: %d failures in a row", out.fault, p.Failures)
	case now.Sub(p.FailedAt) >= c.MaxAge:
		p.State, p.Error = alerts.HookDead, fmt.Sprintf("%s: failing since %s", out.fault, p.FailedAt.UTC().Format(time.RFC3339))
	}
	p.NextAt = now.Add(max(c.pause(p.Failures), out.after))
	if p.State == alerts.HookDead {
		p.NextAt = time.Time{}
	}
}

// pause is how long to wait after so many failures: twice as long each time,
// and by chance down to a half of that, so that many do not come at once.
func (c *Courier) pause(failures int) time.Duration {
	d := c.BackOff
	for range failures - 1 {
		if d *= 2; d >= c.MaxBackOff {
			d = c.MaxBackOff
			break
		}
	}
	return d/2 + rand.N(d/2+1)
}

// note changes the progress of a webhook in the store, with the try that did it,
// while the lease is ours.
func (c *Courier) note(ctx context.Context, h alerts.Webhook, d *alerts.Delivery, change func(*alerts.HookProgress)) error {
	// What was sent is noted even when we are closing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Timeout)
	defer cancel()
	c.mu.Lock()
	until := c.held
	c.mu.Unlock()
	if until.IsZero() {
		return errOver
	}
	died := ""
	err := c.store.Write(ctx, func(tx alerts.Tx) error {
		ours, err := tx.Lease(leaseName, c.Node, c.Clock(), until)
		if err != nil || !ours {
			return errors.Join(errOver, err)
		}
		now, err := tx.Webhook(ctx, alerts.System(), h.ID)
		if err != nil {
			return errors.Join(errOver, err)
		}
		p := now.Progress
		change(&p)
		died = ""
		if p.State == alerts.HookDead && now.Progress.State != alerts.HookDead {
			died = p.Error
		}
		if d != nil {
			if err := tx.AddDelivery(*d); err != nil {
				return err
			}
		}
		return tx.SaveHookProgress(h.ID, p)
	})
	if err == nil && died != "" {
		c.Log.WarnContext(ctx, "webhook is dead", "webhook", h.ID, "reason", died)
	}
	return err
}

// die ends a webhook that cannot be called.
func (c *Courier) die(ctx context.Context, h alerts.Webhook, why error) {
	err := c.note(ctx, h, nil, func(p *alerts.HookProgress) {
		if p.State == alerts.HookActive {
			p.State, p.Error, p.NextAt = alerts.HookDead, why.Error(), time.Time{}
		}
	})
	if err != nil && !errors.Is(err, errOver) {
		c.Log.WarnContext(ctx, "webhook's end not stored", "webhook", h.ID, "error", err)
	}
}

// pass notes that a webhook has nothing to get up to a number.
func (c *Courier) pass(ctx context.Context, h alerts.Webhook, upTo int64) {
	c.mu.Lock()
	c.passed[h.ID] = upTo
	last, known := c.stored[h.ID]
	now := c.Clock()
	due := upTo-h.Progress.Cursor >= storeBehind || known && now.Sub(last) >= storeEvery
	if due || !known {
		c.stored[h.ID] = now
	}
	c.mu.Unlock()
	if !due {
		return
	}
	// Where this fails it is tried again later: it costs reading twice, no more.
	_ = c.note(ctx, h, nil, func(p *alerts.HookProgress) { p.Cursor = max(p.Cursor, upTo) })
}
