package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sharpeyes/alerts"

	"github.com/alexedwards/scs/v2"
)

const (
	// touchEvery bounds how often the use of a session is written down.
	touchEvery = time.Minute
	// endedKept is how many ended sessions are remembered. Remembering covers
	// requests that were on their way when theirs ended; those last seconds.
	endedKept = 4096

	keyUser = "user"
	keyFrom = "from"
)

// session is what the store keeps of one.
type session struct {
	User string `json:"user"`
	// From is the user's SessionsFrom, in Unix microseconds, as it was read with
	// the password: when it has moved, the session is over. Comparing it, and
	// not the time of sign-in, keeps clocks that jump out of it.
	From     int64     `json:"from"`
	Deadline time.Time `json:"deadline"`

	hash    string
	expires time.Time // by idling
	data    []byte
}

// sessionCodec is scs.Codec with the data as JSON.
type sessionCodec struct{}

func (sessionCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	user, ok1 := values[keyUser].(string)
	from, ok2 := values[keyFrom].(int64)
	if !ok1 || !ok2 {
		return nil, errors.New("auth: session without user")
	}
	return json.Marshal(session{User: user, From: from, Deadline: deadline})
}

func (sessionCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var s session
	if err := json.Unmarshal(b, &s); err != nil {
		return time.Time{}, nil, fmt.Errorf("auth: session data: %w", err)
	}
	return s.Deadline, map[string]any{keyUser: s.User, keyFrom: s.From}, nil
}

// sessionStore is scs.CtxStore over alerts.Store. It hashes tokens itself
// instead of scs (HashTokenInStore), because Watch finds sessions by hash.
type sessionStore struct {
	store alerts.Store
	clock alerts.Clock
	idle  time.Duration

	// mu: saving reads ended and removing writes it, so that no save of a
	// session follows its removal.
	mu    sync.RWMutex
	ended map[string]bool
	order []string // of ended, a ring
	next  int
}

func newSessionStore(store alerts.Store, clock alerts.Clock, idle time.Duration) *sessionStore {
	return &sessionStore{store: store, clock: clock, idle: idle,
		ended: make(map[string]bool), order: make([]string, endedKept)}
}

// manager returns the scs manager; its idle timeout stays zero because the
// adapter keeps idle time by the injected clock. scs.New would start a
// goroutine for a store in memory that nobody uses.
func (t *sessionStore) manager(lifetime time.Duration) *scs.SessionManager {
	return &scs.SessionManager{
		Store:     t,
		Codec:     sessionCodec{},
		Lifetime:  lifetime,
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusInternalServerError) },
		Cookie:    scs.SessionCookie{Name: CookieName, Path: "/", HttpOnly: true, Persist: true, SameSite: http.SameSiteLaxMode},
	}
}

func hashToken(token string) string {
	h := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// find returns a session that has not expired; else the error is
// Unauthenticated.
func (t *sessionStore) find(ctx context.Context, hash string) (session, error) {
	if t.isEnded(hash) {
		return session{}, errSignIn()
	}
	row, err := t.store.Session(ctx, hash)
	if err != nil {
		if alerts.KindOf(err) == alerts.NotFound {
			return session{}, errSignIn()
		}
		return session{}, unavailable(fmt.Errorf("read session: %w", err))
	}
	var s session
	if err := json.Unmarshal(row.Data, &s); err != nil || s.User == "" {
		return session{}, errSignIn()
	}
	now := t.clock()
	if !now.Before(row.Expires) || !now.Before(s.Deadline) {
		return session{}, errSignIn()
	}
	s.hash, s.expires, s.data = hash, row.Expires, row.Data
	return s, nil
}

func (t *sessionStore) isEnded(hash string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.ended[hash]
}

// touch moves the idle end of a session, at most once in touchEvery.
func (t *sessionStore) touch(ctx context.Context, s session) error {
	want := t.expiry(s.Deadline)
	if want.Sub(s.expires) < touchEvery {
		return nil
	}
	return t.save(ctx, alerts.Session{TokenHash: s.hash, UserID: s.User, Data: s.data, Expires: want})
}

func (t *sessionStore) expiry(deadline time.Time) time.Time {
	idle := t.clock().Add(t.idle)
	if idle.Before(deadline) {
		return idle
	}
	return deadline
}

func (t *sessionStore) save(ctx context.Context, s alerts.Session) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.ended[s.TokenHash] {
		return nil
	}
	return t.store.SaveSession(ctx, s)
}

// remove ends a session for good.
func (t *sessionStore) remove(ctx context.Context, hash string) error {
	t.forget(hash)
	return t.store.RemoveSession(ctx, hash)
}

// forget refuses a session from now on, whatever the store says; an ended
// session's token is never used again.
func (t *sessionStore) forget(hash string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended[hash] {
		return
	}
	delete(t.ended, t.order[t.next])
	t.ended[hash] = true
	t.order[t.next] = hash
	t.next = (t.next + 1) % len(t.order)
}

// FindCtx is part of scs.CtxStore.
func (t *sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	s, err := t.find(ctx, hashToken(token))
	if alerts.KindOf(err) == alerts.Unauthenticated && err != nil {
		return nil, false, nil
	}
	return s.data, err == nil, err
}

// CommitCtx is part of scs.CtxStore.
func (t *sessionStore) CommitCtx(ctx context.Context, token string, b []byte, deadline time.Time) error {
	var s session
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("auth: session data: %w", err)
	}
	return t.save(ctx, alerts.Session{TokenHash: hashToken(token), UserID: s.User, Data: b, Expires: t.expiry(deadline)})
}

// DeleteCtx is part of scs.CtxStore.
func (t *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return t.remove(ctx, hashToken(token))
}

// Find, Commit and Delete complete scs.Store; the manager calls the ones above.
func (t *sessionStore) Find(token string) ([]byte, bool, error) {
	return t.FindCtx(context.Background(), token)
}

// Commit is part of scs.Store.
func (t *sessionStore) Commit(token string, b []byte, deadline time.Time) error {
	return t.CommitCtx(context.Background(), token, b, deadline)
}

// Delete is part of scs.Store.
func (t *sessionStore) Delete(token string) error {
	return t.DeleteCtx(context.Background(), token)
}
