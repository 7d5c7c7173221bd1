package api

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"golang.org/x/time/rate"
)

// Receipts may be checked by anybody who has the code: this is the pace for one
// address. The codes cannot be guessed; it keeps strangers from keeping the
// store busy.
const (
	receiptsAtOnce = 20
	receiptsEvery  = 3 * time.Second
	pacedAddresses = 10_000
)

const receiptsPath = "/api/v1/receipts/"

// ByCode is the path of a receipt.
type ByCode struct {
	Code string `path:"code" maxLength:"64" doc:"Code of the receipt, which the report was answered with"`
}

// registerReceipts puts up the check of a receipt, which needs no account.
func (a *API) registerReceipts() {
	op := a.operation("GET", receiptsPath+"{code}", "receipt", "Incidents", "Check a receipt without signing in: what was reported when, and what became of it")
	op.Description = "Open to everybody who has the code, 20 at once and one in 3 seconds from one address. Holds no personal data."
	handle(a, op, func(ctx context.Context, in *ByCode) (*struct{ Body desk.ReceiptState }, error) {
		if err := a.receipts.admit(addressOf(ctx), a.now()); err != nil {
			return nil, err
		}
		v, err := a.desk.CheckReceipt(ctx, in.Code)
		return &struct{ Body desk.ReceiptState }{v}, err
	})
}

// pace keeps each address to its share. Full, it forgets whoever has been quiet
// longest, whose share is the fullest.
type pace struct {
	mu   sync.Mutex
	rows map[netip.Prefix]*paced
}

type paced struct {
	limit *rate.Limiter
	last  time.Time
}

func newPace() *pace { return &pace{rows: make(map[netip.Prefix]*paced)} }

// admit refuses an address that comes too often. An IPv6 address counts with
// its /64, which is one subscriber's.
func (p *pace) admit(addr netip.Addr, now time.Time) error {
	bits := 32
	if addr = addr.Unmap(); addr.Is6() {
		bits = 64
	}
	key, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		key = netip.Prefix{} // no address is one address, too
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	row := p.rows[key]
	if row == nil {
		if len(p.rows) >= pacedAddresses {
			p.forget()
		}
		row = &paced{limit: rate.NewLimiter(rate.Every(receiptsEvery), receiptsAtOnce)}
		p.rows[key] = row
	}
	row.last = now
	if !row.limit.AllowN(now, 1) {
		return &alerts.Error{Kind: alerts.TooMany, Message: "too many receipts were checked from this address: wait a little", Err: wait(receiptsEvery)}
	}
	return nil
}

// forget drops those who have been quiet longest: everybody seen no later than
// the quietest of a sample.
func (p *pace) forget() {
	var oldest time.Time
	n := 0
	for _, row := range p.rows { // the order of a map is as good as drawn by lot
		if oldest.IsZero() || row.last.Before(oldest) {
			oldest = row.last
		}
		if n++; n == 64 {
			break
		}
	}
	for key, row := range p.rows {
		if !row.last.After(oldest) {
			delete(p.rows, key)
		}
	}
}

// wait says when to come again.
type wait time.Duration

func (w wait) Error() string { return "wait " + time.Duration(w).String() }

// RetryAfter serves the header of that name.
func (w wait) RetryAfter() time.Duration { return time.Duration(w) }
