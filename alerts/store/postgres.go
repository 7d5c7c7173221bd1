package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/feature"
	"github.com/uptrace/bun/dialect/pgdialect"

	"sharpeyes/alerts"
)

// Bounds towards a PostgreSQL that is slow, gone or cut off.
const (
	dialWithin = 5 * time.Second
	runWithin  = 20 * time.Second // of one statement, told to the server
	patience   = 10 * time.Second // beyond that; then a server that does not answer counts as gone
	turnWithin = 10 * time.Second // of waiting for another node's transaction
	idleWithin = 10 * time.Second // a transaction whose node has stalled is undone
)

// postgresReaders is more than DefaultReaders: readers wait for the network, too.
const postgresReaders = 8

// postgresBatch is smaller than DefaultBatch: other nodes wait meanwhile, and
// every statement that writes is a transaction within the transaction.
const postgresBatch = 64

// Who migrates or writes holds a lock on these.
const (
	migrateLock = 0x53687045 // "ShpE", an advisory lock
	turnRow     = "turn"     // in series; its value means nothing
)

// openPostgres opens the one connection that writes and the pool that reads.
func openPostgres(ctx context.Context, o Options) (database, error) {
	c, err := parseAddress(o.URL, o.Password)
	if err != nil {
		return database{}, err
	}
	if err := preparePostgres(ctx, c.Copy()); err != nil {
		return database{}, err
	}
	w := sql.OpenDB(guardedConnector{stdlib.GetConnector(*writing(c.Copy()))})
	w.SetMaxOpenConns(1)
	r := stdlib.OpenDB(*reading(c.Copy()))
	r.SetMaxOpenConns(o.Readers)
	r.SetMaxIdleConns(o.Readers)
	for _, db := range []*sql.DB{w, r} {
		db.SetConnMaxIdleTime(5 * time.Minute)
	}
	// Without it bun asks for the columns back that it leaves empty.
	dialect := pgdialect.New(pgdialect.WithoutFeature(feature.DefaultPlaceholder))
	return database{writes: bun.NewDB(w, dialect), reads: bun.NewDB(r, dialect), batch: postgresBatch, turn: takeTurn, again: mayRunAgain}, nil
}

// parseAddress reads an address. What it says of a wrong one leaves out the
// address: there may be a password in it.
func parseAddress(address, password string) (*pgx.ConnConfig, error) {
	wrong := alerts.InvalidField("store.url", "must look like postgres://user@host:5432/database, with signs other than letters and digits "+
		"in its parts as %%2F and the like")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, wrong
	}
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, wrong
	}
	if password != "" {
		c.Password = password
	}
	if c.Database == "" {
		return nil, alerts.InvalidField("store.url", "names no database: postgres://user@host:5432/database")
	}
	if !u.Query().Has("connect_timeout") {
		c.ConnectTimeout = dialWithin
	}
	c.DialFunc = dialer(0)
	param(c, "application_name", "sharpeyes")
	param(c, "statement_timeout", millis(runWithin))
	param(c, "jit", "off") // its compilation costs more than our longest queries
	c.RuntimeParams["client_encoding"] = "UTF8"
	c.RuntimeParams["standard_conforming_strings"] = "on"
	c.RuntimeParams["default_transaction_isolation"] = "read committed"
	return c, nil
}

func param(c *pgx.ConnConfig, name, value string) {
	if _, ok := c.RuntimeParams[name]; !ok {
		c.RuntimeParams[name] = value
	}
}

func millis(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// writing makes a connection one that writes: acknowledged means on disk, and
// of several servers it takes the one that can.
func writing(c *pgx.ConnConfig) *pgx.ConnConfig {
	c.DialFunc = dialer(answerWithin(c))
	param(c, "lock_timeout", millis(turnWithin))
	param(c, "idle_in_transaction_session_timeout", millis(idleWithin))
	c.RuntimeParams["synchronous_commit"] = "on"
	c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	// Several statements in one round trip; see guarded.
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return c
}

// reading makes a connection one that reads. bun writes the arguments into the
// text, so that prepared statements would be of no use.
func reading(c *pgx.ConnConfig) *pgx.ConnConfig {
	c.DialFunc = dialer(answerWithin(c))
	c.RuntimeParams["default_transaction_read_only"] = "on"
	// What lists read is in memory or on a disk without heads, and is little:
	// starting helpers for it costs more than they save.
	param(c, "random_page_cost", "1.1")
	param(c, "max_parallel_workers_per_gather", "0")
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	return c
}

// answerWithin is how long the server may take to answer; 0: for ever.
func answerWithin(c *pgx.ConnConfig) time.Duration {
	n, err := strconv.Atoi(c.RuntimeParams["statement_timeout"])
	switch {
	case err != nil: // with a unit
		return 10 * time.Minute
	case n <= 0:
		return 0
	}
	return time.Duration(n)*time.Millisecond + patience
}

// takeTurn locks a row that every writing transaction of every node locks
// first. So they run one after another, numbers commit in order, and none can
// wait for another in a circle.
func takeTurn(ctx context.Context, tx bun.Tx) error {
	var n int64
	return tx.QueryRowContext(ctx, "SELECT value FROM series WHERE name = '"+turnRow+"' FOR UPDATE").Scan(&n)
}

// preparePostgres refuses what is not ours, marks what is, and migrates it.
// Nodes that start together do so one after another.
func preparePostgres(ctx context.Context, c *pgx.ConnConfig) error {
	name := called(c)
	c.RuntimeParams["statement_timeout"] = "0" // migrations take their time
	c.RuntimeParams["lock_timeout"] = "60000"
	c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return cannotOpen(name, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, fmt.Sprintf("SELECT pg_advisory_lock(%d)", migrateLock)); err != nil {
		return cannotOpen(name, err)
	}
	db := stdlib.OpenDB(*c)
	defer func() { _ = db.Close() }()
	files, err := migrations()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, bytewise{files})
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	if err := inspectPostgres(ctx, conn, name, newest(p)); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+markTable+" (program TEXT NOT NULL)"); err != nil {
		return cannotOpen(name, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return cannotOpen(name, err)
	}
	if _, err := conn.Exec(ctx, keptPostgres()); err != nil {
		return cannotOpen(name, err)
	}
	_, err = conn.Exec(ctx, "INSERT INTO series (name, value) VALUES ('"+turnRow+"', 0) ON CONFLICT DO NOTHING")
	return cannotOpen(name, err)
}

// markTable tells that a database is ours.
const markTable = "sharpeyes_store"

// inspectPostgres refuses what cannot be ours, and leaves the database as it is.
func inspectPostgres(ctx context.Context, conn *pgx.Conn, name string, known int64) error {
	var number int
	var encoding string
	var schema *string
	err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_schema()").
		Scan(&number, &encoding, &schema)
	switch {
	case err != nil:
		return cannotOpen(name, err)
	case number < 13_00_00:
		return alerts.Errorf(alerts.Conflict, "%s runs PostgreSQL %d: 13 or a newer one is needed", name, number/10000)
	case encoding != "UTF8":
		return alerts.Errorf(alerts.Conflict, "%s keeps text as %s: make a database with ENCODING 'UTF8'", name, encoding)
	case schema == nil:
		return alerts.Errorf(alerts.Conflict, "%s has no schema that tables can be made in: make the one that search_path names", name)
	}
	var ours bool
	var tables, version int64
	// What belongs to an extension is nobody's table.
	err = conn.QueryRow(ctx, `SELECT count(*), COALESCE(bool_or(c.relname = $1), FALSE) FROM pg_class AS c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS
		(SELECT 1 FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`, markTable).
		Scan(&tables, &ours)
	if err != nil {
		return cannotOpen(name, err)
	}
	if tables == 0 {
		return nil
	}
	if !ours {
		return alerts.Errorf(alerts.Conflict, "%s holds the tables of another program: make an empty database for this one", name)
	}
	err = conn.QueryRow(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&version)
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "42P01" { // marked, and ended before it was migrated
		return nil
	}
	if err != nil {
		return cannotOpen(name, err)
	}
	if version > known {
		return alerts.Errorf(alerts.Conflict, "%s was written by a newer version of this program (schema %d, this one knows %d): "+
			"start the newer version, or choose another database", name, version, known)
	}
	return nil
}

// called is what messages call a database.
func called(c *pgx.ConnConfig) string {
	host := c.Host
	if !strings.HasPrefix(host, "/") {
		host = net.JoinHostPort(host, fmt.Sprint(c.Port))
	}
	return fmt.Sprintf("the database %s at %s", c.Database, host)
}

// bytewise gives text columns the order of bytes, which is SQLite's and the one
// that ranges of paths need, whatever language the database speaks.
type bytewise struct{ fs.FS }

// textColumn is a column of text in a migration, up to its type.
var textColumn = regexp.MustCompile(`(?m)^(\s*(?:ALTER TABLE \w+ ADD COLUMN )?\w+\s+)TEXT\b`)

// Open implements fs.FS.
func (b bytewise) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := fs.ReadFile(b.FS, name)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return translated{f, strings.NewReader(textColumn.ReplaceAllString(string(text), `${1}TEXT COLLATE "C"`))}, nil
}

// translated is a file with another text.
type translated struct {
	fs.File
	text *strings.Reader
}

// Read implements fs.File.
func (t translated) Read(b []byte) (int, error) { return t.text.Read(b) }
