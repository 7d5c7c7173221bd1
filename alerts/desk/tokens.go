package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
)

const (
	DefaultTokenLife = 90 * 24 * time.Hour
	MaxTokenLife     = 366 * 24 * time.Hour

	maxTokens = 1000 // that are not revoked
)

// TokenInput is a new machine token.
type TokenInput struct {
	Name      string         `json:"name" doc:"What it is for, 1 to 100 characters" example:"city operations platform"`
	Rights    []alerts.Right `json:"rights" minItems:"1" maxItems:"20" doc:"What it may do; nothing that its maker may not" example:"[\"read_alerts\"]"`
	AreaID    string         `json:"area_id" doc:"Area it acts in, with everything below it"`
	ExpiresAt *time.Time     `json:"expires_at,omitempty" doc:"When it ends; in 90 days when absent, in 366 at the latest"`
}

// TokenView is a machine token, without the token.
type TokenView struct {
	ID        string         `json:"id" doc:"Identifier"`
	Name      string         `json:"name" doc:"What it is for"`
	Rights    []alerts.Right `json:"rights" nullable:"false" doc:"What it may do, as far as its maker may"`
	AreaID    string         `json:"area_id" doc:"Area it acts in, with everything below it"`
	AreaName  string         `json:"area_name" doc:"Name of that area"`
	CreatedBy string         `json:"created_by" doc:"Account that made it; without that account's rights it ends"`
	CreatedAt time.Time      `json:"created_at" doc:"When it was made"`
	ExpiresAt time.Time      `json:"expires_at" doc:"When it ends"`
	Expired   bool           `json:"expired" doc:"It has ended"`
	UsedAt    *time.Time     `json:"used_at,omitempty" doc:"Last use, to the minute; absent: never"`
}

func (d *Desk) tokenView(v alerts.Token) TokenView {
	out := TokenView{ID: v.ID, Name: v.Name, Rights: v.Rights, AreaID: v.AreaID, AreaName: d.known.places().areaName(v.AreaID),
		CreatedBy: v.CreatedBy, CreatedAt: v.CreatedAt, ExpiresAt: v.Expires, Expired: !d.now().Before(v.Expires)}
	if !v.UsedAt.IsZero() {
		out.UsedAt = &v.UsedAt
	}
	return out
}

// Tokens lists the machine tokens of the caller's areas, by name.
func (d *Desk) Tokens(ctx context.Context, s alerts.Scope) ([]TokenView, error) {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return nil, err
	}
	list, err := d.store.Tokens(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make([]TokenView, len(list))
	for i, v := range list {
		out[i] = d.tokenView(v)
	}
	return out, nil
}

// CreateToken makes a machine token, which is returned this once: only its hash
// is kept.
func (d *Desk) CreateToken(ctx context.Context, s alerts.Scope, in TokenInput) (v TokenView, token string, err error) {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return v, "", err
	}
	var f faults
	now := d.now()
	t := alerts.Token{ID: alerts.NewID(now), AreaID: in.AreaID, CreatedBy: s.User, CreatedAt: now, Expires: now.Add(DefaultTokenLife)}
	t.Name = f.line("name", in.Name, true, 100)
	t.Rights = f.machineRights(s, in.Rights)
	if a, ok := d.known.places().area(in.AreaID); !ok || !s.Covers(a.Path) {
		f.add("area_id", "there is no such area in this account's areas")
	}
	if in.ExpiresAt != nil {
		t.Expires = in.ExpiresAt.UTC().Truncate(time.Millisecond)
	}
	if !t.Expires.After(now) || t.Expires.After(now.Add(MaxTokenLife)) {
		f.add("expires_at", "must lie ahead, within %d days", MaxTokenLife/(24*time.Hour))
	}
	if err := f.err(); err != nil {
		return v, "", err
	}
	token = alerts.TokenPrefix + alerts.NewSecret()
	t.Hash = tokenHash(token)
	err = d.write(ctx, func(c *change) error {
		all, err := c.Tokens(ctx, alerts.System())
		if err != nil {
			return err
		}
		if len(all) >= maxTokens {
			return alerts.Errorf(alerts.TooMany, "there are %d machine tokens already: remove those that are not used", len(all))
		}
		if err := c.SaveToken(t); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "token/"+t.ID, t.AreaID, altered("create").field("name", "", t.Name).
			field("rights", "", joined(t.Rights)).field("expires", "", t.Expires.Format(time.RFC3339)))
	})
	if err != nil {
		return v, "", err
	}
	return d.tokenView(t), token, nil
}

// machineRights takes the rights of a token: those that machines can have, and
// the caller has.
func (f *faults) machineRights(s alerts.Scope, rights []alerts.Right) []alerts.Right {
	var out []alerts.Right
	for _, r := range rights {
		switch {
		case !slices.Contains(alerts.MachineRights[:], r):
			f.add("rights", "%q is no right that a machine can have; there are %s", clip(string(r), 40), joined(alerts.MachineRights[:]))
		case !s.Can(r):
			f.add("rights", "this account does not have the right %q and cannot give it", r)
		case !slices.Contains(out, r):
			out = append(out, r)
		}
	}
	if len(rights) == 0 {
		f.add("rights", "must name one at least of %s", joined(alerts.MachineRights[:]))
	}
	return out
}

// RemoveToken ends a machine token and what it has open. Its entry is kept.
func (d *Desk) RemoveToken(ctx context.Context, s alerts.Scope, id string) error {
	if err := s.Need(alerts.ManageTokens); err != nil {
		return err
	}
	return d.write(ctx, func(c *change) error {
		t, err := c.Token(ctx, s, id)
		if err != nil {
			return err
		}
		if !t.RevokedAt.IsZero() {
			return alerts.Errorf(alerts.NotFound, "there is no such token")
		}
		t.RevokedAt = c.now
		if err := c.SaveToken(t); err != nil {
			return err
		}
		if err := c.audit(s, alerts.AuditConfig, "token/"+id, t.AreaID, altered("remove").field("name", "", t.Name)); err != nil {
			return err
		}
		return c.emit(alerts.TokenRevoked, t.AreaID, "", id, nil)
	})
}

// joined lists words.
func joined[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
