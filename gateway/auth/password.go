package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"sharpeyes/alerts"

	"golang.org/x/crypto/argon2"
)

// Argon2id as OWASP's password storage cheat sheet has it for small machines.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32

	// Bounds on what a stored hash may ask for, so that a damaged row cannot
	// take the machine.
	argonMaxMemory = 256 * 1024
	argonMaxTime   = 16

	hashesAtOnce = 2
	hashesQueued = 32

	minPassword = 10
	maxPassword = 256 // bytes; hashing longer ones only costs
)

// hasher bounds how many passwords are hashed at once.
type hasher struct {
	params  params
	slots   chan struct{}
	waiting atomic.Int32
	decoy   string // a hash of nothing known, for users that do not exist
}

func newHasher(p params) *hasher {
	salt, key := make([]byte, argonSalt), make([]byte, argonKey)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	_, _ = rand.Read(key)
	return &hasher{
		params: p,
		slots:  make(chan struct{}, hashesAtOnce),
		decoy:  encodeHash(p, salt, key),
	}
}

// acquire waits for a slot; release it by calling the func returned.
func (h *hasher) acquire(ctx context.Context) (func(), error) {
	if h.waiting.Add(1) > hashesQueued+hashesAtOnce {
		h.waiting.Add(-1)
		return nil, alerts.Errorf(alerts.Unavailable, "too many sign-ins at the moment, try again in a few seconds")
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; h.waiting.Add(-1) }, nil
	case <-ctx.Done():
		h.waiting.Add(-1)
		return nil, ctx.Err()
	}
}

// HashPassword checks a new password of a user and returns its argon2id hash as
// a PHC string.
func (a *Auth) HashPassword(ctx context.Context, username, password string) (string, error) {
	if err := CheckPassword(username, password); err != nil {
		return "", err
	}
	release, err := a.hasher.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt)
	p := a.hasher.params
	key := argon2.IDKey([]byte(password), salt, p.time, p.memory, p.threads, argonKey)
	return encodeHash(p, salt, key), nil
}

// CheckPassword tells what is wrong with a new password, as a fault of the
// field "password".
func CheckPassword(username, password string) error {
	switch {
	case !utf8.ValidString(password):
		return alerts.InvalidField("password", "must be UTF-8 text")
	case utf8.RuneCountInString(password) < minPassword:
		return alerts.InvalidField("password", "must have at least %d characters", minPassword)
	case len(password) > maxPassword:
		return alerts.InvalidField("password", "must have at most %d bytes", maxPassword)
	case strings.EqualFold(strings.TrimSpace(password), strings.TrimSpace(username)):
		return alerts.InvalidField("password", "must not be the user name")
	}
	return nil
}

// params are those of argon2id: memory in KiB, passes, lanes.
type params struct {
	memory, time uint32
	threads      uint8
}

// strong is what new passwords are hashed with.
func strong() params { return params{argonMemory, argonTime, argonThreads} }

func encodeHash(p params, salt, key []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.memory, p.time, p.threads, e.EncodeToString(salt), e.EncodeToString(key))
}

func decodeHash(s string) (p params, salt, key []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, nil, nil, fmt.Errorf("not an argon2id hash")
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, fmt.Errorf("argon2id hash of another version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, nil, nil, fmt.Errorf("argon2id parameters: %w", err)
	}
	if p.memory == 0 || p.memory > argonMaxMemory || p.time == 0 || p.time > argonMaxTime || p.threads == 0 {
		return p, nil, nil, fmt.Errorf("argon2id parameters out of bounds")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, nil, nil, fmt.Errorf("argon2id salt: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, fmt.Errorf("argon2id key is not valid")
	}
	return p, salt, key, nil
}

// verify hashes a password and compares; call it with a slot taken. A hash that
// cannot be read costs the same and matches nothing.
func (h *hasher) verify(encoded, password string) bool {
	p, salt, want, err := decodeHash(encoded)
	known := err == nil
	if !known {
		p, salt, want, _ = decodeHash(h.decoy)
	}
	got := argon2.IDKey([]byte(password), salt, p.time, p.memory, p.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known
}

// HashPasswordOf is HashPassword for a user who exists; one outside the scope
// is not found.
func (a *Auth) HashPasswordOf(ctx context.Context, s alerts.Scope, id, password string) (string, error) {
	u, err := a.store.User(ctx, s, id)
	if err != nil {
		return "", err
	}
	return a.HashPassword(ctx, u.Username, password)
}
