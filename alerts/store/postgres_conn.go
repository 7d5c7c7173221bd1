package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// guardedConnector makes guarded connections.
type guardedConnector struct{ driver.Connector }

// Connect implements driver.Connector.
func (g guardedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := g.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &guarded{Conn: c.(*stdlib.Conn)}, nil
}

// guarded is the connection that writes. In PostgreSQL a statement that fails
// ends the transaction; here, as in SQLite, it fails alone: each one that
// writes goes behind a savepoint. To save round trips what opens and closes
// savepoints is sent along with the next statement, in one text.
type guarded struct {
	*stdlib.Conn
	inside  bool   // of a job
	pending string // to be sent before the next statement
	held    bool   // a statement's savepoint is open
}

// BeginTx implements driver.ConnBeginTx.
func (g *guarded) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	g.inside, g.pending, g.held = false, "", false
	return g.Conn.BeginTx(ctx, o)
}

// ExecContext implements driver.ExecerContext.
func (g *guarded) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	switch query {
	case openJob:
		g.inside, g.held = true, false
		g.pending += openJob + ";"
		return driver.ResultNoRows, nil
	case closeJob:
		g.inside = false
		if g.failed() {
			return nil, errFailed
		}
		if rest, ok := strings.CutSuffix(g.pending, openJob+";"); ok { // nothing was done
			g.pending = rest
		} else {
			g.pending += closeJob + ";"
		}
		return driver.ResultNoRows, nil
	case undoJob:
		g.held = false
		if strings.HasSuffix(g.pending, openJob+";") {
			return driver.ResultNoRows, nil
		}
		return g.Conn.ExecContext(ctx, undoJob, nil)
	}
	if !g.inside {
		return g.Conn.ExecContext(ctx, query, args)
	}
	text := g.pending + "SAVEPOINT statement;" + query
	if g.held {
		text = g.pending + "RELEASE SAVEPOINT statement;SAVEPOINT statement;" + query
	}
	res, err := g.Conn.ExecContext(ctx, text, args)
	g.pending = ""
	g.held = true
	if err != nil && g.failed() {
		if _, undo := g.Conn.ExecContext(ctx, "ROLLBACK TO SAVEPOINT statement", nil); undo != nil {
			err = errors.Join(err, undo)
		}
	}
	return res, err
}

// QueryContext implements driver.QueryerContext.
func (g *guarded) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if g.pending != "" {
		if _, err := g.Conn.ExecContext(ctx, g.pending, nil); err != nil {
			return nil, err
		}
		g.pending = ""
	}
	return g.Conn.QueryContext(ctx, query, args)
}

// failed tells that the transaction takes nothing but its undoing.
func (g *guarded) failed() bool { return g.Conn.Conn().PgConn().TxStatus() == 'E' }

var errFailed = errors.New("a statement of this write has failed")

// dialer connects so that a peer's disappearance is noticed: in seconds, or
// within a time, unless that is 0, where it is there and does not answer.
func dialer(within time.Duration) pgconn.DialFunc {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 3 * time.Second, Count: 4}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil || within == 0 {
			return c, err
		}
		return &patient{Conn: c, within: within}, nil
	}
}

// patient is a connection whose every read ends within a time, unless
// whoever uses it has set a time of his own: a server that stands still must
// not hold up all that is written.
type patient struct {
	net.Conn
	within time.Duration

	mu  sync.Mutex
	own bool // the user has set a deadline
}

// Read implements net.Conn.
func (p *patient) Read(b []byte) (int, error) {
	p.mu.Lock()
	if !p.own {
		_ = p.Conn.SetReadDeadline(time.Now().Add(p.within))
	}
	p.mu.Unlock()
	return p.Conn.Read(b)
}

// SetDeadline implements net.Conn.
func (p *patient) SetDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = !t.IsZero()
	return p.Conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (p *patient) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = !t.IsZero()
	return p.Conn.SetReadDeadline(t)
}
