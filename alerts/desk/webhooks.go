package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Webhooks.
const (
	// HookSecretPrefix begins every webhook's secret.
	HookSecretPrefix = "shps_"

	maxWebhooks = 200
	maxHookURL  = 2000
)

// WebhookInput is a new webhook.
type WebhookInput struct {
	Name   string             `json:"name" doc:"What it is for, 1 to 100 characters"`
	URL    string             `json:"url" maxLength:"2000" doc:"https:// address that events are posted to; its query is shown to nobody" example:"https://example.org/hooks/sharpeyes"`
	Kinds  []alerts.EventKind `json:"kinds" minItems:"1" maxItems:"20" doc:"Kinds of events; those that the account may not read are refused" example:"[\"alert.raised\"]"`
	AreaID string             `json:"area_id" doc:"Area whose events it is told of, with everything below it"`
}

// WebhookPatch changes a webhook; nil fields stay. Whoever changes what it is
// told and where answers for it from then on: it is told of nothing that he may
// not read.
type WebhookPatch struct {
	Name      *string             `json:"name,omitempty" doc:"What it is for"`
	URL       *string             `json:"url,omitempty" maxLength:"2000" doc:"Address that events are posted to"`
	Kinds     *[]alerts.EventKind `json:"kinds,omitempty" minItems:"1" maxItems:"20" doc:"Kinds of events"`
	AreaID    *string             `json:"area_id,omitempty" doc:"Area whose events it is told of"`
	Paused    *bool               `json:"paused,omitempty" doc:"True: not called until false; nothing is lost that is not older than events are kept"`
	NewSecret bool                `json:"new_secret,omitempty" doc:"Make a new secret, which the answer shows once"`
}

// WebhookView is a webhook, without its secret and the query of its address.
type WebhookView struct {
	ID        string             `json:"id" doc:"Identifier"`
	Name      string             `json:"name" doc:"What it is for"`
	URL       string             `json:"url" doc:"Address, without its query"`
	Kinds     []alerts.EventKind `json:"kinds" nullable:"false" doc:"Kinds of events"`
	AreaID    string             `json:"area_id" doc:"Area whose events it is told of"`
	AreaName  string             `json:"area_name" doc:"Name of that area"`
	CreatedBy string             `json:"created_by" doc:"Account that answers for it"`
	CreatedAt time.Time          `json:"created_at" doc:"When it was made"`
	State     alerts.HookState   `json:"state" enum:"active,paused,dead" doc:"dead: failed too often or too long; POST .../retry goes on"`
	Seq       int64              `json:"seq" doc:"Number of the last event that it has, or that was none of its kinds"`
	Failures  int                `json:"failures" doc:"Failures in a row"`
	FailedAt  *time.Time         `json:"failed_at,omitempty" doc:"First of them"`
	NextAt    *time.Time         `json:"next_at,omitempty" doc:"Next try after a failure"`
	SentAt    *time.Time         `json:"sent_at,omitempty" doc:"Last success"`
	LastError string             `json:"last_error,omitempty" doc:"Why the last try failed"`
}

// DeliveryView is one try to deliver an event.
type DeliveryView struct {
	ID     string           `json:"id" doc:"The same at each try of one event: what the receiver knows it by"`
	Seq    int64            `json:"seq" doc:"Number of the event"`
	Kind   alerts.EventKind `json:"kind" doc:"Kind of the event"`
	At     time.Time        `json:"at" doc:"When it was tried"`
	Try    int              `json:"try" doc:"From 1"`
	Status int              `json:"status,omitempty" doc:"HTTP status; absent: no answer"`
	TookMS int64            `json:"took_ms" doc:"Milliseconds to the answer"`
	Error  string           `json:"error,omitempty" doc:"Absent: delivered"`
}

func (d *Desk) webhookView(v alerts.Webhook) WebhookView {
	p := v.Progress
	out := WebhookView{ID: v.ID, Name: v.Name, URL: v.URL, Kinds: v.Kinds, AreaID: v.AreaID, AreaName: d.known.places().areaName(v.AreaID),
		CreatedBy: v.CreatedBy, CreatedAt: v.CreatedAt, State: p.State, Seq: p.Cursor, Failures: p.Failures, LastError: p.Error}
	for to, at := range map[**time.Time]time.Time{&out.FailedAt: p.FailedAt, &out.NextAt: p.NextAt, &out.SentAt: p.SentAt} {
		if !at.IsZero() {
			*to = &at
		}
	}
	return out
}

// Webhooks lists the webhooks of the caller's areas, by name.
func (d *Desk) Webhooks(ctx context.Context, s alerts.Scope) ([]WebhookView, error) {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return nil, err
	}
	list, err := d.store.Webhooks(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make([]WebhookView, len(list))
	for i, v := range list {
		out[i] = d.webhookView(v)
	}
	return out, nil
}

// Deliveries lists the newest tries of a webhook, newest first.
func (d *Desk) Deliveries(ctx context.Context, s alerts.Scope, id string) ([]DeliveryView, error) {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return nil, err
	}
	if _, err := d.store.Webhook(ctx, s, id); err != nil {
		return nil, err
	}
	list, err := d.store.Deliveries(ctx, id, alerts.KeptDeliveries)
	if err != nil {
		return nil, err
	}
	out := make([]DeliveryView, len(list))
	for i, v := range list {
		out[i] = DeliveryView{ID: v.ID, Seq: v.Seq, Kind: v.Kind, At: v.At, Try: v.Try, Status: v.Status, TookMS: v.Took.Milliseconds(), Error: v.Error}
	}
	return out, nil
}

// hook checks what a webhook is told, and of where.
func (d *Desk) hook(f *faults, s alerts.Scope, v *alerts.Webhook) {
	if a, ok := d.known.places().area(v.AreaID); !ok || !s.Covers(a.Path) {
		f.add("area_id", "there is no such area in this account's areas")
	}
	var kinds []alerts.EventKind
	for _, k := range v.Kinds {
		switch {
		case !slices.Contains(alerts.HookKinds[:], k):
			f.add("kinds", "%q is no kind of event; there are %s", clip(string(k), 40), joined(alerts.HookKinds[:]))
		case !s.Can(k.NeededRight()):
			f.add("kinds", "%s needs the right %q, which this account does not have", k, k.NeededRight())
		case !slices.Contains(kinds, k):
			kinds = append(kinds, k)
		}
	}
	if len(v.Kinds) == 0 {
		f.add("kinds", "must name one at least of %s", joined(alerts.HookKinds[:]))
	}
	v.Kinds = kinds
}

// hookURL takes the address of a webhook and returns it as it may be shown.
func (d *Desk) hookURL(f *faults, raw string) (shown string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		f.add("url", "must be a whole address, such as https://example.org/hook") // what was given may hold a password
		return ""
	case len(raw) > maxHookURL || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }):
		f.add("url", "must be at most %d characters, without spaces; others as %%XX", maxHookURL)
	case u.User != nil:
		f.add("url", "must hold no user name or password")
	case u.Fragment != "":
		f.add("url", "must end before the #")
	case d.CheckHook != nil:
		if err := d.CheckHook(raw); err != nil {
			f.add("url", "%s", err)
		}
	}
	shown = u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		shown += "?…"
	}
	return shown
}

// seal makes what of a webhook nobody may read.
func (d *Desk) sealHook(t alerts.HookTarget) ([]byte, error) {
	if d.Vault == nil {
		return nil, alerts.Errorf(alerts.Unavailable, "there is no key to keep the webhook's secret with")
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("desk: webhook: %w", err)
	}
	return d.Vault.Seal(plain)
}

func (d *Desk) openHook(sealed []byte) (t alerts.HookTarget, err error) {
	if d.Vault == nil {
		return t, alerts.Errorf(alerts.Unavailable, "there is no key to read the webhook's secret with")
	}
	plain, err := d.Vault.Open(sealed)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(plain, &t)
}

// CreateWebhook makes a webhook and its secret, which is returned this once. It
// is told of what happens from now on.
func (d *Desk) CreateWebhook(ctx context.Context, s alerts.Scope, in WebhookInput) (v WebhookView, secret string, err error) {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return v, "", err
	}
	var f faults
	h := alerts.Webhook{ID: alerts.NewID(d.now()), Name: in.Name, Kinds: in.Kinds, AreaID: in.AreaID, CreatedBy: s.User, CreatedAt: d.now(),
		Progress: alerts.HookProgress{State: alerts.HookActive}}
	h.Name = f.line("name", h.Name, true, 100)
	d.hook(&f, s, &h)
	h.URL = d.hookURL(&f, in.URL)
	if err := f.err(); err != nil {
		return v, "", err
	}
	secret = HookSecretPrefix + alerts.NewSecret()
	if h.Sealed, err = d.sealHook(alerts.HookTarget{URL: in.URL, Secret: secret}); err != nil {
		return v, "", err
	}
	err = d.write(ctx, func(c *change) error {
		all, err := c.Webhooks(ctx, alerts.System())
		if err != nil {
			return err
		}
		if len(all) >= maxWebhooks {
			return alerts.Errorf(alerts.TooMany, "there are %d webhooks already: remove those that are not used", len(all))
		}
		if _, h.Progress.Cursor, err = c.Seqs(ctx); err != nil {
			return err
		}
		if err := c.SaveWebhook(h); err != nil {
			return err
		}
		if err := c.audit(s, alerts.AuditConfig, "webhook/"+h.ID, h.AreaID, altered("create").field("name", "", h.Name).
			field("url", "", h.URL).field("kinds", "", joined(h.Kinds))); err != nil {
			return err
		}
		return c.emit(alerts.WebhooksChanged, h.AreaID, "", h.ID, nil)
	})
	if err != nil {
		return v, "", err
	}
	return d.webhookView(h), secret, nil
}

// ChangeWebhook changes a webhook; secret is empty unless a new one was asked
// for.
func (d *Desk) ChangeWebhook(ctx context.Context, s alerts.Scope, id string, in WebhookPatch) (v WebhookView, secret string, err error) {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return v, "", err
	}
	if in.NewSecret {
		secret = HookSecretPrefix + alerts.NewSecret()
	}
	var h alerts.Webhook
	err = d.write(ctx, func(c *change) error {
		before, err := c.Webhook(ctx, s, id)
		if err != nil {
			return err
		}
		h = before
		var f faults
		set(&h.Name, in.Name)
		set(&h.Kinds, in.Kinds)
		set(&h.AreaID, in.AreaID)
		if in.Kinds != nil || in.AreaID != nil || in.URL != nil || in.NewSecret {
			h.CreatedBy = s.User
			d.hook(&f, s, &h)
		}
		h.Name = f.line("name", h.Name, true, 100)
		if in.URL != nil {
			h.URL = d.hookURL(&f, *in.URL)
		}
		if err := f.err(); err != nil {
			return err
		}
		if in.URL != nil || secret != "" {
			target, err := d.openHook(h.Sealed)
			if err != nil {
				return err
			}
			set(&target.URL, in.URL)
			if secret != "" {
				target.Secret = secret
			}
			if h.Sealed, err = d.sealHook(target); err != nil {
				return err
			}
		}
		if err := c.SaveWebhook(h); err != nil {
			return err
		}
		switch {
		case in.Paused != nil && *in.Paused:
			h.Progress.State = alerts.HookPaused
		case in.Paused != nil:
			h.Progress = revived(h.Progress)
		}
		if err := c.SaveHookProgress(id, h.Progress); err != nil {
			return err
		}
		if err := c.audit(s, alerts.AuditConfig, "webhook/"+id, h.AreaID, altered("change").field("name", before.Name, h.Name).
			field("url", before.URL, h.URL).field("kinds", joined(before.Kinds), joined(h.Kinds)).field("area", before.AreaID, h.AreaID).
			field("state", string(before.Progress.State), string(h.Progress.State)).
			secret("address", in.URL != nil).secret("secret", secret != "")); err != nil {
			return err
		}
		return c.emit(alerts.WebhooksChanged, h.AreaID, "", id, nil)
	})
	if err != nil {
		return v, "", err
	}
	return d.webhookView(h), secret, nil
}

// revived is the progress of a webhook that is called again at once.
func revived(p alerts.HookProgress) alerts.HookProgress {
	p.State, p.Failures, p.FailedAt, p.NextAt = alerts.HookActive, 0, time.Time{}, time.Time{}
	return p
}

// RetryWebhook has a webhook called at once that failed or died, from the event
// on that it has not got.
func (d *Desk) RetryWebhook(ctx context.Context, s alerts.Scope, id string) (WebhookView, error) {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return WebhookView{}, err
	}
	var h alerts.Webhook
	err := d.write(ctx, func(c *change) (err error) {
		if h, err = c.Webhook(ctx, s, id); err != nil {
			return err
		}
		if h.Progress.State == alerts.HookPaused {
			return alerts.Errorf(alerts.Conflict, "the webhook is paused: change it with \"paused\": false")
		}
		tries := h.Progress.Failures
		h.Progress = revived(h.Progress)
		if err := c.SaveHookProgress(id, h.Progress); err != nil {
			return err
		}
		if err := c.audit(s, alerts.AuditConfig, "webhook/"+id, h.AreaID, altered("retry").field("failures", "", strconv.Itoa(tries))); err != nil {
			return err
		}
		return c.emit(alerts.WebhooksChanged, h.AreaID, "", id, nil)
	})
	if err != nil {
		return WebhookView{}, err
	}
	return d.webhookView(h), nil
}

// RemoveWebhook removes a webhook and its deliveries.
func (d *Desk) RemoveWebhook(ctx context.Context, s alerts.Scope, id string) error {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return err
	}
	return d.write(ctx, func(c *change) error {
		h, err := c.Webhook(ctx, s, id)
		if err != nil {
			return err
		}
		if err := c.RemoveWebhook(id); err != nil {
			return err
		}
		if err := c.audit(s, alerts.AuditConfig, "webhook/"+id, h.AreaID, altered("remove").field("name", "", h.Name).field("url", "", h.URL)); err != nil {
			return err
		}
		return c.emit(alerts.WebhooksChanged, h.AreaID, "", id, nil)
	})
}
