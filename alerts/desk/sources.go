package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"sharpeyes/alerts"
)

const tokenBytes = 32

func (d *Desk) sourceView(s alerts.Source) SourceView {
	return SourceView{ID: s.ID, Name: s.Name, AreaID: s.AreaID, AreaName: d.known.places().areaName(s.AreaID)}
}

// Sources lists the sources of alarms.
func (d *Desk) Sources(ctx context.Context, s alerts.Scope) ([]SourceView, error) {
	if err := s.Need(alerts.ManageSources); err != nil {
		return nil, err
	}
	list, err := d.store.Sources(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make([]SourceView, len(list))
	for i, v := range list {
		out[i] = d.sourceView(v)
	}
	return out, nil
}

// CreateSource makes a source and its token, which is returned this once: only
// its hash is kept.
func (d *Desk) CreateSource(ctx context.Context, s alerts.Scope, in SourceInput) (v SourceView, token string, err error) {
	if err := s.Need(alerts.ManageSources); err != nil {
		return v, "", err
	}
	var f faults
	source := alerts.Source{ID: alerts.NewID(d.now()), AreaID: in.AreaID, CreatedAt: d.now()}
	source.Name = f.line("name", in.Name, true, 100)
	if a, ok := d.known.places().area(in.AreaID); !ok || !s.Covers(a.Path) {
		f.add("area_id", "there is no such area in this account's areas")
	}
	if err := f.err(); err != nil {
		return v, "", err
	}
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the process instead
	token = base64.RawURLEncoding.EncodeToString(secret)
	source.TokenHash = tokenHash(token)
	err = d.write(ctx, func(c *change) error {
		if err := c.SaveSource(source); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "source/"+source.ID, source.AreaID, altered("create").field("name", "", source.Name))
	})
	if err != nil {
		return v, "", err
	}
	return d.sourceView(source), token, nil
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// RemoveSource ends a source: its token is refused from now on. The alerts it
// raised stay.
func (d *Desk) RemoveSource(ctx context.Context, s alerts.Scope, id string) error {
	if err := s.Need(alerts.ManageSources); err != nil {
		return err
	}
	return d.write(ctx, func(c *change) error {
		list, err := c.Sources(ctx, s)
		if err != nil {
			return err
		}
		for _, v := range list {
			if v.ID == id {
				v.Disabled = true
				if err := c.SaveSource(v); err != nil {
					return err
				}
				return c.audit(s, alerts.AuditConfig, "source/"+id, v.AreaID, altered("remove").field("name", "", v.Name))
			}
		}
		return alerts.Errorf(alerts.NotFound, "there is no such source")
	})
}

// SourceByToken returns the source that a token belongs to, Unauthenticated
// where there is none.
func (d *Desk) SourceByToken(ctx context.Context, token string) (alerts.Source, error) {
	refused := alerts.Errorf(alerts.Unauthenticated, "the source token is missing or not valid")
	if b, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(b) != tokenBytes {
		return alerts.Source{}, refused
	}
	source, err := d.store.SourceByToken(ctx, alerts.System(), tokenHash(token))
	if alerts.KindOf(err) == alerts.NotFound {
		return alerts.Source{}, refused
	}
	return source, err
}
