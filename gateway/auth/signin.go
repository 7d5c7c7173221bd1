package auth

import (
	"context"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"sharpeyes/alerts"
)

const maxUsername = 64 // characters

// SignIn checks a user name and password and, where they are right, begins a
// session and sets its cookie. The error is Unauthenticated with one message
// for whatever is wrong, or TooMany with a *Wait.
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request, username, password string) (Principal, error) {
	ctx := r.Context()
	switch {
	case username == "" || !utf8.ValidString(username) || utf8.RuneCountInString(username) > maxUsername:
		return Principal{}, alerts.InvalidField("username", "must have 1 to %d characters", maxUsername)
	case password == "" || len(password) > maxPassword:
		return Principal{}, alerts.InvalidField("password", "must have 1 to %d bytes", maxPassword)
	}
	u, err := a.checkPassword(ctx, r, username, password)
	if err != nil {
		return Principal{}, err
	}
	return a.begin(w, r, u)
}

// checkPassword returns the user as he was read with the password.
func (a *Auth) checkPassword(ctx context.Context, r *http.Request, username, password string) (alerts.User, error) {
	addr := a.ClientAddr(r)
	account, address := a.throttle.keys(username, addr)
	if err := a.throttle.check(account, address, a.Clock()); err != nil {
		a.failures.note(alerts.User{}, a.addressOf(r), "throttled")
		return alerts.User{}, err
	}
	release, err := a.hasher.acquire(ctx)
	if err != nil {
		return alerts.User{}, err
	}
	defer release()
	// Again with the slot taken: a burst of requests may overrun the throttle
	// by no more than the slots.
	if err := a.throttle.check(account, address, a.Clock()); err != nil {
		return alerts.User{}, err
	}
	u, err := a.store.UserByName(ctx, alerts.System(), username)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return alerts.User{}, unavailable(fmt.Errorf("read user: %w", err))
	}
	found := err == nil
	encoded := a.hasher.decoy
	if found {
		encoded = u.PasswordHash
	}
	if right := a.hasher.verify(encoded, password); !right || !found || u.Disabled {
		switch {
		case !found:
			a.failures.note(alerts.User{}, a.addressOf(r), "unknown")
		case u.Disabled:
			a.failures.note(u, a.addressOf(r), "disabled")
		default:
			a.failures.note(u, a.addressOf(r), "known")
		}
		a.throttle.failed(account, address, a.Clock())
		// The name as given is not logged: people type passwords there.
		a.Log.InfoContext(ctx, "sign-in refused", "user", u.ID, "address", addr)
		return alerts.User{}, alerts.Errorf(alerts.Unauthenticated, "user name or password is wrong")
	}
	a.throttle.succeeded(username, addr)
	return u, nil
}

func (a *Auth) begin(w http.ResponseWriter, r *http.Request, u alerts.User) (Principal, error) {
	return a.beginBy(w, r, u, "")
}

// beginBy begins a session of a user who was told by something else than his
// password.
func (a *Auth) beginBy(w http.ResponseWriter, r *http.Request, u alerts.User, by string) (Principal, error) {
	// A session that the browser had ends, so that a token fixed by somebody
	// else is worth nothing.
	if old := cookieToken(r); old != "" {
		if err := a.leave(r, hashToken(old), map[string]string{"because": "somebody signed in in the same browser"}); err != nil {
			return Principal{}, err
		}
	}
	m := a.sessions.manager(a.Absolute)
	m.Cookie.Secure = a.Secure || r.TLS != nil
	ctx, err := m.Load(r.Context(), "")
	if err != nil {
		return Principal{}, unavailable(fmt.Errorf("make session: %w", err))
	}
	m.Put(ctx, keyUser, u.ID)
	m.Put(ctx, keyFrom, u.SessionsFrom.UnixMicro())
	m.SetDeadline(ctx, a.Clock().Add(a.Absolute).UTC())
	token, deadline, err := m.Commit(ctx)
	if err != nil {
		return Principal{}, unavailable(fmt.Errorf("save session: %w", err))
	}
	p, err := a.begun(ctx, r, session{User: u.ID, From: u.SessionsFrom.UnixMicro(), Deadline: deadline, hash: hashToken(token)}, u, by)
	if err != nil {
		// Nobody has its token: it is worth nothing, and goes.
		_ = a.sessions.remove(context.WithoutCancel(ctx), hashToken(token))
		return Principal{}, err
	}
	m.WriteSessionCookie(ctx, w, token, deadline)
	a.Log.InfoContext(ctx, "signed in", "user", u.ID, "address", p.Scope.Address)
	return p, nil
}

// begun records a session that was made, and returns who has it.
func (a *Auth) begun(ctx context.Context, r *http.Request, s session, u alerts.User, by string) (Principal, error) {
	who, err := a.watched(ctx, u)
	if err != nil {
		return Principal{}, unavailable(err)
	}
	p, err := principal(s, who)
	if err != nil {
		return Principal{}, err
	}
	p.Scope.Address = a.addressOf(r)
	details := map[string]string{"username": u.Username}
	if by != "" {
		details["by"] = by
	}
	if err := a.record(ctx, p, alerts.AuditSignIn, details); err != nil {
		return Principal{}, unavailable(fmt.Errorf("record sign-in: %w", err))
	}
	return p, nil
}

// SignOut ends the session of a request, where it has one, takes its cookie
// back, and ends what is watched under it on every node.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request) error {
	token := cookieToken(r)
	if token == "" {
		return nil
	}
	if err := a.leave(r, hashToken(token), nil); err != nil {
		return err
	}
	m := a.sessions.manager(a.Absolute)
	m.Cookie.Secure = a.Secure || r.TLS != nil
	ctx, err := m.Load(r.Context(), "")
	if err != nil {
		return unavailable(fmt.Errorf("end session: %w", err))
	}
	m.WriteSessionCookie(ctx, w, "", time.Time{})
	return nil
}

func (a *Auth) end(ctx context.Context, hash string) error {
	if err := a.sessions.remove(ctx, hash); err != nil && alerts.KindOf(err) != alerts.NotFound {
		return unavailable(fmt.Errorf("end session: %w", err))
	}
	a.look("", hash)
	// The other nodes see it by themselves within Every; this is sooner.
	err := a.bus.Publish(ctx, alerts.Event{At: a.Clock(), Kind: alerts.SessionEnded, ID: hash})
	if err != nil {
		a.Log.WarnContext(ctx, "end of session not spread", "err", err)
	}
	return nil
}
