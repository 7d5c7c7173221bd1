package storetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func tokenID(v alerts.Token) string     { return v.ID }
func webhookID(v alerts.Webhook) string { return v.ID }

func token(id, area string) alerts.Token {
	return alerts.Token{ID: id, Name: "Token " + id, Rights: []alerts.Right{alerts.ViewMap, alerts.ReadAlerts}, AreaID: area,
		Hash: []byte("hash of " + id), CreatedBy: "u1", CreatedAt: Base, Expires: Base.Add(time.Hour)}
}

func webhook(id, area string) alerts.Webhook {
	return alerts.Webhook{ID: id, Name: "Hook " + id, URL: "https://example.org/hook?a=b", Kinds: []alerts.EventKind{alerts.AlertRaised},
		AreaID: area, Sealed: []byte{1, 0, 255}, CreatedBy: "u1", CreatedAt: Base,
		Progress: alerts.HookProgress{State: alerts.HookActive, Cursor: 7}}
}

func testTokens(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	Write(t, s, func(tx alerts.Tx) error {
		for id, area := range map[string]string{"b": "v1", "a": "v4", "c": "city"} {
			if err := tx.SaveToken(token(id, area)); err != nil {
				return err
			}
		}
		return nil
	})
	wantIDs(t, ids(must[[]alerts.Token](t)(s.Tokens(ctx, alerts.System())), tokenID), []string{"a", "b", "c"}, "all")
	wantIDs(t, ids(must[[]alerts.Token](t)(s.Tokens(ctx, At(EastPath))), tokenID), []string{"b"}, "of the east")
	wantIDs(t, ids(must[[]alerts.Token](t)(s.Tokens(ctx, alerts.Scope{})), tokenID), nil, "of nobody")
	got := must[alerts.Token](t)(s.TokenByHash(ctx, alerts.System(), []byte("hash of b")))
	want := token("b", "v1")
	want.AreaPath = "/city/east/t1/v1/"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_, err := s.TokenByHash(ctx, alerts.System(), []byte("hash of x"))
	wantKind(t, err, alerts.NotFound, "an unknown hash")
	_, err = s.TokenByHash(ctx, alerts.System(), nil)
	wantKind(t, err, alerts.NotFound, "no hash")
	_, err = s.Token(ctx, At(T3Path), "b")
	wantKind(t, err, alerts.NotFound, "outside the scope")

	// A use is kept, never turned back, and outlives a change.
	Write(t, s, func(tx alerts.Tx) error { return tx.TouchToken("b", Base.Add(time.Minute)) })
	Write(t, s, func(tx alerts.Tx) error { return tx.TouchToken("b", Base) })
	want.RevokedAt = Base.Add(time.Second)
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveToken(want) })
	want.UsedAt = Base.Add(time.Minute)
	if got = must[alerts.Token](t)(s.Token(ctx, alerts.System(), "b")); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	wantIDs(t, ids(must[[]alerts.Token](t)(s.Tokens(ctx, alerts.System())), tokenID), []string{"a", "c"}, "without the revoked one")

	twin := token("d", "v1")
	twin.Hash = []byte("hash of a")
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveToken(twin) }), alerts.Conflict, "a hash that is taken")
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveToken(token("e", "none")) }), alerts.Invalid, "no such area")
}

func testWebhooks(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	Write(t, s, func(tx alerts.Tx) error {
		for id, area := range map[string]string{"b": "v1", "a": "v4"} {
			if err := tx.SaveWebhook(webhook(id, area)); err != nil {
				return err
			}
		}
		return nil
	})
	wantIDs(t, ids(must[[]alerts.Webhook](t)(s.Webhooks(ctx, alerts.System())), webhookID), []string{"a", "b"}, "all")
	wantIDs(t, ids(must[[]alerts.Webhook](t)(s.Webhooks(ctx, At(T3Path))), webhookID), []string{"a"}, "of the west")
	want := webhook("b", "v1")
	want.Version, want.AreaPath = 1, "/city/east/t1/v1/"
	get := func() alerts.Webhook { return must[alerts.Webhook](t)(s.Webhook(ctx, alerts.System(), "b")) }
	if got := get(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// Its progress and its settings change without taking each other back.
	progress := alerts.HookProgress{State: alerts.HookDead, Cursor: 12, Failures: 3, FailedAt: Base, NextAt: Base.Add(time.Second),
		SentAt: Base.Add(-time.Second), Error: "answered 500"}
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveHookProgress("b", progress) })
	want.URL = "https://example.org/other"
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveWebhook(want) })
	want.Version, want.Progress = 2, progress
	if got := get(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	stale := want
	stale.Version = 1
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveWebhook(stale) }), alerts.Conflict, "an old version")
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveWebhook(webhook("b", "v1")) }), alerts.Conflict, "made twice")
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveHookProgress("none", progress) }), alerts.NotFound, "no such webhook")

	for n := range alerts.KeptDeliveries + 5 {
		Write(t, s, func(tx alerts.Tx) error {
			return tx.AddDelivery(alerts.Delivery{ID: fmt.Sprintf("b-%d", n), WebhookID: "b", Seq: int64(n), Kind: alerts.AlertRaised,
				At: Base.Add(time.Duration(n) * time.Second), Try: 1, Status: 500, Took: time.Millisecond, Error: "answered 500"})
		})
	}
	list := must[[]alerts.Delivery](t)(s.Deliveries(ctx, "b", 1000))
	if len(list) != alerts.KeptDeliveries || list[0].ID != fmt.Sprintf("b-%d", alerts.KeptDeliveries+4) || list[len(list)-1].Seq != 5 ||
		list[0].Took != time.Millisecond || list[0].Status != 500 || list[0].Try != 1 || list[0].Error != "answered 500" {
		t.Errorf("%d deliveries, %+v to %+v", len(list), list[0], list[len(list)-1])
	}
	if other := must[[]alerts.Delivery](t)(s.Deliveries(ctx, "a", 10)); len(other) != 0 {
		t.Errorf("another webhook has %+v", other)
	}
	Write(t, s, func(tx alerts.Tx) error { return tx.RemoveWebhook("b") })
	_, err := s.Webhook(ctx, alerts.System(), "b")
	wantKind(t, err, alerts.NotFound, "a removed webhook")
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.RemoveWebhook("b") }), alerts.NotFound, "removed twice")
}

func testLeases(t *testing.T, s alerts.Store) {
	take := func(holder string, now, until time.Duration) (got bool) {
		t.Helper()
		Write(t, s, func(tx alerts.Tx) (err error) {
			got, err = tx.Lease("webhooks", holder, Base.Add(now), Base.Add(until))
			return err
		})
		return got
	}
	for i, c := range []struct {
		holder     string
		now, until time.Duration
		want       bool
	}{
		{"a", 0, 10, true}, {"b", 5, 15, false}, {"a", 8, 18, true}, {"b", 10, 20, false}, {"b", 18, 28, true}, {"a", 19, 29, false},
		{"b", 20, 20, true}, {"a", 20, 30, true}, // given back
	} {
		if got := take(c.holder, c.now*time.Second, c.until*time.Second); got != c.want {
			t.Errorf("%d: %s at %d: %v", i, c.holder, c.now, got)
		}
	}
}
