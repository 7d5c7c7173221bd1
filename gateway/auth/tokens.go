package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// touchTokenWithin bounds writing down that a token was used.
const touchTokenWithin = 2 * time.Second

// machine tells which machine sends a request, by its bearer token.
func (a *Auth) machine(r *http.Request) (Principal, error) {
	addr := addressKey(a.ClientAddr(r))
	if err := a.throttle.tokens.check(addr, a.Clock()); err != nil {
		return Principal{}, err
	}
	p, t, err := a.resolveToken(r)
	if err != nil {
		if alerts.KindOf(err) == alerts.Unauthenticated {
			a.throttle.tokens.failed(addr, a.Clock())
		}
		return Principal{}, err
	}
	p.Scope.Address = a.addressOf(r)
	a.touchToken(r.Context(), t)
	return p, nil
}

func (a *Auth) resolveToken(r *http.Request) (Principal, alerts.Token, error) {
	text, ok := bearer(r)
	if !ok {
		return Principal{}, alerts.Token{}, alerts.Errorf(alerts.Unauthenticated,
			"send the machine's token as \"Authorization: Bearer TOKEN\"")
	}
	hash, ok := alerts.TokenHash(text)
	if !ok {
		return Principal{}, alerts.Token{}, errMachine()
	}
	t, err := a.store.TokenByHash(r.Context(), alerts.System(), hash)
	var maker alerts.User
	if err == nil {
		maker, err = a.store.User(r.Context(), alerts.System(), t.CreatedBy)
	}
	switch {
	case err != nil && alerts.KindOf(err) == alerts.NotFound:
		return Principal{}, alerts.Token{}, errMachine()
	case err != nil:
		return Principal{}, alerts.Token{}, unavailable(fmt.Errorf("read token: %w", err))
	}
	p, err := a.machineOf(t, maker)
	return p, t, err
}

// machineOf is a machine with a token, as long as it counts and its maker may
// lend him something. It is the one place that decides that.
func (a *Auth) machineOf(t alerts.Token, maker alerts.User) (Principal, error) {
	if !t.RevokedAt.IsZero() || !a.Clock().Before(t.Expires) {
		return Principal{}, errMachine()
	}
	scope := alerts.Lend(maker, t.Rights, t.AreaPath)
	if len(scope.Paths) == 0 {
		return Principal{}, errMachine()
	}
	key := alerts.MachineUser(t.ID)
	scope.User, scope.Name = key, t.Name
	return Principal{Scope: scope, User: alerts.User{ID: key, Name: t.Name, AreaID: t.AreaID, AreaPath: t.AreaPath},
		SessionHash: key, Expires: t.Expires, Machine: t.ID, maker: maker.ID}, nil
}

// machineID returns the id of the token that a SessionHash stands for. Hashes
// of sessions hold no colon.
func machineID(hash string) (id string, ok bool) {
	return strings.CutPrefix(hash, alerts.MachineUser(""))
}

// touchToken notes that a token is used, at most once a minute.
func (a *Auth) touchToken(ctx context.Context, t alerts.Token) {
	now := a.Clock().Truncate(touchEvery)
	if !now.After(t.UsedAt) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, touchTokenWithin)
	defer cancel()
	if err := a.store.Write(ctx, func(tx alerts.Tx) error { return tx.TouchToken(t.ID, now) }); err != nil {
		// The token is valid as it is; only its use was not noted.
		a.Log.WarnContext(ctx, "use of token not noted", "token", t.ID, "err", err)
	}
}

func errMachine() error {
	return alerts.Errorf(alerts.Unauthenticated, "the machine's token is not valid: it is unknown, was removed or has ended, or its maker may not lend it any more")
}
