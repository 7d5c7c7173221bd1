package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type tokenRow struct {
	bun.BaseModel `bun:"table:machine_tokens,alias:r"`

	ID        string `bun:"id,pk"`
	Name      string `bun:"name"`
	Rights    string `bun:"rights"`
	AreaID    string `bun:"area_id"`
	AreaPath  string `bun:"area_path,scanonly"`
	TokenHash string `bun:"token_hash"`
	CreatedBy string `bun:"created_by"`
	CreatedAt int64  `bun:"created_at"`
	Expires   int64  `bun:"expires"`
	UsedAt    int64  `bun:"used_at"`
	RevokedAt int64  `bun:"revoked_at"`
}

// tokenColumns leaves out used_at: a change must not take back a later use.
var tokenColumns = []string{"name", "rights", "area_id", "token_hash", "created_by", "created_at", "expires", "revoked_at"}

func tokenToRow(v alerts.Token) (tokenRow, error) {
	rights, err := json.Marshal(v.Rights)
	if err != nil {
		return tokenRow{}, fmt.Errorf("store: rights of a token: %w", err)
	}
	return tokenRow{ID: v.ID, Name: v.Name, Rights: string(rights), AreaID: v.AreaID, TokenHash: hex.EncodeToString(v.Hash),
		CreatedBy: v.CreatedBy, CreatedAt: micros(v.CreatedAt), Expires: micros(v.Expires), UsedAt: micros(v.UsedAt),
		RevokedAt: micros(v.RevokedAt)}, nil
}

func (r tokenRow) value() (alerts.Token, error) {
	v := alerts.Token{ID: r.ID, Name: r.Name, AreaID: r.AreaID, AreaPath: r.AreaPath, CreatedBy: r.CreatedBy,
		CreatedAt: fromMicros(r.CreatedAt), Expires: fromMicros(r.Expires), UsedAt: fromMicros(r.UsedAt), RevokedAt: fromMicros(r.RevokedAt)}
	var err error
	if v.Hash, err = hex.DecodeString(r.TokenHash); err != nil {
		return v, fmt.Errorf("store: token %s: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Rights), &v.Rights); err != nil {
		return v, fmt.Errorf("store: rights of token %s: %w", r.ID, err)
	}
	return v, nil
}

type webhookRow struct {
	bun.BaseModel `bun:"table:webhooks,alias:r"`

	ID        string `bun:"id,pk"`
	Name      string `bun:"name"`
	URL       string `bun:"url"`
	Kinds     string `bun:"kinds"`
	AreaID    string `bun:"area_id"`
	AreaPath  string `bun:"area_path,scanonly"`
	Sealed    []byte `bun:"sealed"`
	CreatedBy string `bun:"created_by"`
	CreatedAt int64  `bun:"created_at"`
	Version   int64  `bun:"version"`
	State     string `bun:"state"`
	SeenSeq   int64  `bun:"seen_seq"`
	Failures  int    `bun:"failures"`
	FailedAt  int64  `bun:"failed_at"`
	NextAt    int64  `bun:"next_at"`
	SentAt    int64  `bun:"sent_at"`
	LastError string `bun:"last_error"`
}

func (r webhookRow) value() (alerts.Webhook, error) {
	v := alerts.Webhook{ID: r.ID, Name: r.Name, URL: r.URL, AreaID: r.AreaID, AreaPath: r.AreaPath, Sealed: r.Sealed,
		CreatedBy: r.CreatedBy, CreatedAt: fromMicros(r.CreatedAt), Version: r.Version,
		Progress: alerts.HookProgress{State: alerts.HookState(r.State), Cursor: r.SeenSeq, Failures: r.Failures,
			FailedAt: fromMicros(r.FailedAt), NextAt: fromMicros(r.NextAt), SentAt: fromMicros(r.SentAt), Error: r.LastError}}
	if err := json.Unmarshal([]byte(r.Kinds), &v.Kinds); err != nil {
		return v, fmt.Errorf("store: kinds of webhook %s: %w", r.ID, err)
	}
	return v, nil
}

type deliveryRow struct {
	bun.BaseModel `bun:"table:webhook_deliveries,alias:r"`

	WebhookID  string `bun:"webhook_id,pk"`
	At         int64  `bun:"at,pk"`
	Seq        int64  `bun:"seq,pk"`
	Attempt    int    `bun:"attempt,pk"`
	DeliveryID string `bun:"delivery_id"`
	Kind       string `bun:"kind"`
	Status     int    `bun:"status"`
	Took       int64  `bun:"took"` // microseconds
	Fault      string `bun:"fault"`
}

// Tokens lists the tokens that are not revoked, by name.
func (q queries) Tokens(ctx context.Context, s alerts.Scope) ([]alerts.Token, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []tokenRow
	if err := q.sel(&rows, s).Where("r.revoked_at = 0").OrderExpr("r.name, r.id").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list tokens: %w", classify(err))
	}
	return values(rows, tokenRow.value)
}

// Token returns one token.
func (q queries) Token(ctx context.Context, s alerts.Scope, id string) (alerts.Token, error) {
	return q.token(ctx, s, "id", id)
}

// TokenByHash returns the token with a hash, revoked and expired ones as well.
func (q queries) TokenByHash(ctx context.Context, s alerts.Scope, hash []byte) (alerts.Token, error) {
	return q.token(ctx, s, "token_hash", hex.EncodeToString(hash))
}

func (q queries) token(ctx context.Context, s alerts.Scope, column, value string) (alerts.Token, error) {
	var r tokenRow
	if err := q.one(ctx, s, &r, "token", column, value); err != nil {
		return alerts.Token{}, err
	}
	return r.value()
}

// Webhooks lists webhooks by name.
func (q queries) Webhooks(ctx context.Context, s alerts.Scope) ([]alerts.Webhook, error) {
	if nowhere(s) {
		return nil, nil
	}
	var rows []webhookRow
	if err := q.sel(&rows, s).OrderExpr("r.name, r.id").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: list webhooks: %w", classify(err))
	}
	return values(rows, webhookRow.value)
}

// Webhook returns one webhook.
func (q queries) Webhook(ctx context.Context, s alerts.Scope, id string) (alerts.Webhook, error) {
	var r webhookRow
	if err := q.one(ctx, s, &r, "webhook", "id", id); err != nil {
		return alerts.Webhook{}, err
	}
	return r.value()
}

// Deliveries lists the newest tries of a webhook.
func (q queries) Deliveries(ctx context.Context, webhookID string, limit int) ([]alerts.Delivery, error) {
	if !storable(webhookID) {
		return nil, nil
	}
	var rows []deliveryRow
	err := q.db.NewSelect().Model(&rows).Where("r.webhook_id = ?", webhookID).
		OrderExpr("r.at DESC, r.seq DESC, r.attempt DESC").Limit(int64(min(max(limit, 1), alerts.KeptDeliveries))).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list deliveries: %w", classify(err))
	}
	return values(rows, func(r deliveryRow) (alerts.Delivery, error) {
		return alerts.Delivery{ID: r.DeliveryID, WebhookID: r.WebhookID, Seq: r.Seq, Kind: alerts.EventKind(r.Kind), At: fromMicros(r.At),
			Try: r.Attempt, Status: r.Status, Took: time.Duration(r.Took) * time.Microsecond, Error: r.Fault}, nil
	})
}

// SaveToken inserts a token or replaces all but its last use.
func (t *tx) SaveToken(v alerts.Token) error {
	row, err := tokenToRow(v)
	if err != nil {
		return err
	}
	return refused(t.upsert(&row, "id", tokenColumns...), "token", v.ID)
}

// TouchToken notes the use of a token.
func (t *tx) TouchToken(id string, at time.Time) error {
	return refused(t.exec("UPDATE machine_tokens SET used_at = ? WHERE id = ? AND used_at < ?", micros(at), id, micros(at)), "token", id)
}

// SaveWebhook stores a webhook under its next version, a new one with its
// progress.
func (t *tx) SaveWebhook(v alerts.Webhook) error {
	kinds, err := json.Marshal(v.Kinds)
	if err != nil {
		return fmt.Errorf("store: kinds of a webhook: %w", err)
	}
	if v.Version > 0 {
		res, err := t.change(`UPDATE webhooks SET name = ?, url = ?, kinds = ?, area_id = ?, sealed = ?, created_by = ?, version = ?
			WHERE id = ? AND version = ?`, v.Name, v.URL, string(kinds), v.AreaID, v.Sealed, v.CreatedBy, v.Version+1, v.ID, v.Version)
		if err == nil && res == 0 {
			return alerts.Errorf(alerts.Conflict, "webhook %s was changed or removed meanwhile: load it again", v.ID)
		}
		return refused(err, "webhook", v.ID)
	}
	p := v.Progress
	row := webhookRow{ID: v.ID, Name: v.Name, URL: v.URL, Kinds: string(kinds), AreaID: v.AreaID, Sealed: v.Sealed, CreatedBy: v.CreatedBy,
		CreatedAt: micros(v.CreatedAt), Version: 1, State: string(p.State), SeenSeq: p.Cursor, Failures: p.Failures,
		FailedAt: micros(p.FailedAt), NextAt: micros(p.NextAt), SentAt: micros(p.SentAt), LastError: p.Error}
	return refused(t.insert(&row), "webhook", v.ID)
}

// SaveHookProgress stores how far a webhook has come.
func (t *tx) SaveHookProgress(id string, p alerts.HookProgress) error {
	n, err := t.change(`UPDATE webhooks SET state = ?, seen_seq = ?, failures = ?, failed_at = ?, next_at = ?, sent_at = ?, last_error = ?
		WHERE id = ?`, string(p.State), p.Cursor, p.Failures, micros(p.FailedAt), micros(p.NextAt), micros(p.SentAt), p.Error, id)
	if err == nil && n == 0 {
		return alerts.Errorf(alerts.NotFound, "there is no such webhook")
	}
	return refused(err, "webhook", id)
}

// RemoveWebhook removes a webhook and its deliveries.
func (t *tx) RemoveWebhook(id string) error {
	if err := t.exec("DELETE FROM webhook_deliveries WHERE webhook_id = ?", id); err != nil {
		return fmt.Errorf("store: remove deliveries: %w", err)
	}
	n, err := t.change("DELETE FROM webhooks WHERE id = ?", id)
	if err == nil && n == 0 {
		return alerts.Errorf(alerts.NotFound, "there is no such webhook")
	}
	return refused(err, "webhook", id)
}

// AddDelivery stores a try and drops the oldest beyond those that are kept.
func (t *tx) AddDelivery(d alerts.Delivery) error {
	row := deliveryRow{WebhookID: d.WebhookID, At: micros(d.At), Seq: d.Seq, Attempt: d.Try, DeliveryID: d.ID, Kind: string(d.Kind),
		Status: d.Status, Took: d.Took.Microseconds(), Fault: d.Error}
	if err := t.insert(&row); err != nil {
		return refused(err, "delivery", d.ID)
	}
	return refused(t.exec(`DELETE FROM webhook_deliveries WHERE webhook_id = ? AND at < (SELECT at FROM webhook_deliveries
		WHERE webhook_id = ? ORDER BY at DESC LIMIT 1 OFFSET ?)`, d.WebhookID, d.WebhookID, alerts.KeptDeliveries-1), "delivery", d.ID)
}

// Lease takes a named lease, unless another holder has it.
func (t *tx) Lease(name, holder string, now, until time.Time) (bool, error) {
	n, err := t.change(`INSERT INTO leases (name, holder, expires) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, expires = EXCLUDED.expires
		WHERE leases.holder = EXCLUDED.holder OR leases.expires <= ?`, name, holder, micros(until), micros(now))
	if err != nil {
		return false, fmt.Errorf("store: lease %s: %w", name, err)
	}
	return n > 0, nil
}

// change runs a statement and tells how many rows it changed.
func (t *tx) change(query string, args ...any) (int64, error) {
	if t.over {
		return 0, errOver
	}
	res, err := t.db.ExecContext(context.Background(), query, args...)
	if err != nil {
		return 0, classify(err)
	}
	return res.RowsAffected()
}
