package auth

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"sharpeyes/alerts"
)

// addressOf is the caller's address as the audit keeps it, empty where it cannot
// be told.
func (a *Auth) addressOf(r *http.Request) string {
	if addr := a.ClientAddr(r); addr.IsValid() {
		return addr.String()
	}
	return ""
}

// record appends an entry about an account to the audit.
func (a *Auth) record(ctx context.Context, p Principal, kind alerts.AuditKind, details map[string]string) error {
	e := alerts.AuditEntry{Kind: kind, UserID: p.User.ID, UserName: p.User.Name, Role: p.User.Role, Address: p.Scope.Address,
		AreaID: p.User.AreaID, Object: "user/" + p.User.ID, Details: details}
	return a.store.Write(ctx, func(tx alerts.Tx) error {
		e := e // the transaction may run again
		e.At = a.Clock()
		return tx.AppendAudit(&e)
	})
}

// leave ends a session; who had it, and why it ends, is in the audit. The end
// does not depend on the entry.
func (a *Auth) leave(r *http.Request, hash string, details map[string]string) error {
	ctx := r.Context()
	p, _, known := a.resolve(ctx, hash)
	if err := a.end(ctx, hash); err != nil {
		return err
	}
	if known != nil {
		return nil // nobody's, or one that was over
	}
	p.Scope.Address = a.addressOf(r)
	if err := a.record(ctx, p, alerts.AuditSignOut, details); err != nil {
		a.Log.ErrorContext(ctx, "end of session not recorded", "user", p.User.ID, "err", err)
	}
	return nil
}

// Bounds of what is recorded of failed sign-ins: however many there are, they
// leave maxFailures entries in a failureSpan and one for all others.
const (
	failureSpan  = 5 * time.Minute
	maxFailures  = 100
	failureEvery = time.Second // between writes
	failureTime  = 5 * time.Second
)

// failures counts failed sign-ins by account and address. The first of each is
// recorded within seconds, those that follow in the span together. It is not
// done before the answer: how long that takes would tell an account that exists
// from one that does not.
type failures struct {
	a *Auth

	mu      sync.Mutex
	rows    map[failureKey]*failureRow
	writing bool // a goroutine writes them
	closed  bool
	stop    chan struct{}
	writers sync.WaitGroup
}

// failureKey is what failures are counted by.
type failureKey struct {
	user    string // empty: of no account
	address string
	account string // known, disabled, unknown, throttled
}

type failureRow struct {
	user        alerts.User
	count       int // not recorded yet
	first, last time.Time
	recorded    time.Time // when the row was last; zero: not yet
}

func newFailures(a *Auth) *failures {
	return &failures{a: a, rows: make(map[failureKey]*failureRow), stop: make(chan struct{})}
}

// note counts a failed sign-in of a known account, or of none.
func (f *failures) note(u alerts.User, address, account string) {
	now := f.a.Clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	key := failureKey{u.ID, address, account}
	row := f.rows[key]
	if row == nil {
		if len(f.rows) >= maxFailures {
			key, u = failureKey{account: "many"}, alerts.User{}
			row = f.rows[key]
		}
		if row == nil {
			row = &failureRow{user: u}
			f.rows[key] = row
		}
	}
	if row.count == 0 {
		row.first = now
	}
	row.count++
	row.last = now
	if !f.writing {
		f.writing = true
		f.writers.Go(f.write)
	}
}

// write records rows now and then, as long as there are any.
func (f *failures) write() {
	tick := time.NewTicker(failureEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-f.stop:
			return // close records the rest
		}
		f.flush(false)
		f.mu.Lock()
		if len(f.rows) == 0 {
			f.writing = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
	}
}

// flush records what is due, or all; what the store does not take stays counted.
func (f *failures) flush(all bool) {
	now := f.a.Clock()
	var due []alerts.AuditEntry
	f.mu.Lock()
	for key, row := range f.rows {
		over := now.Sub(row.recorded) >= failureSpan || now.Before(row.recorded)
		switch {
		case row.count > 0 && (all || over):
			due = append(due, row.entry(key))
			row.count, row.recorded = 0, now
		case over:
			delete(f.rows, key)
		}
	}
	f.mu.Unlock()
	if len(due) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), failureTime)
	defer cancel()
	err := f.a.store.Write(ctx, func(tx alerts.Tx) error {
		for _, e := range due {
			if err := tx.AppendAudit(&e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.a.Log.Warn("failed sign-ins not recorded yet", "err", err, "rows", len(due))
		f.giveBack(due)
	}
}

// giveBack counts entries again that were not stored.
func (f *failures) giveBack(due []alerts.AuditEntry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range due {
		key := failureKey{e.UserID, e.Address, e.Details["account"]}
		row := f.rows[key]
		if row == nil {
			continue // forgotten meanwhile: the clock was moved
		}
		n, _ := strconv.Atoi(e.Details["count"]) // written by entry
		row.count += n
		row.recorded = time.Time{}
	}
}

// entry says what was counted. The name as it was typed is not in it where it is
// no account's: people type passwords there.
func (row *failureRow) entry(key failureKey) alerts.AuditEntry {
	e := alerts.AuditEntry{At: row.last, Kind: alerts.AuditSignInFailed, UserID: row.user.ID, UserName: row.user.Name,
		Address: key.address, AreaID: row.user.AreaID,
		Details: map[string]string{"account": key.account, "count": strconv.Itoa(row.count)}}
	if row.user.ID != "" {
		e.Object = "user/" + row.user.ID
		e.Details["username"] = row.user.Username
	}
	if row.count > 1 {
		e.Details["first"] = row.first.UTC().Format(time.RFC3339)
	}
	return e
}

// close records what was counted and counts no more.
func (f *failures) close() {
	f.mu.Lock()
	was := f.closed
	f.closed = true
	f.mu.Unlock()
	if was {
		return
	}
	close(f.stop)
	f.writers.Wait()
	f.flush(true)
}
