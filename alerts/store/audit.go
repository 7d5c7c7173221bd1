package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// auditSeries numbers the entries: its row is locked until the commit, so that
// entries commit in order and each finds the one before.
const auditSeries = "audit"

type auditRow struct {
	bun.BaseModel `bun:"table:audit,alias:r"`

	Seq      int64  `bun:"seq,pk"`
	At       int64  `bun:"at"`
	Kind     string `bun:"kind"`
	UserID   string `bun:"user_id"`
	UserName string `bun:"user_name"`
	Role     string `bun:"role"`
	Address  string `bun:"address"`
	AreaID   string `bun:"area_id"`
	Object   string `bun:"object"`
	Details  string `bun:"details"`
	Hash     string `bun:"hash"`
}

func auditToRow(e alerts.AuditEntry) (auditRow, error) {
	details, err := json.Marshal(e.Details) // keys sorted
	if err != nil {
		return auditRow{}, fmt.Errorf("store: audit details: %w", err)
	}
	return auditRow{Seq: e.Seq, At: e.At.UnixMicro(), Kind: string(e.Kind), UserID: e.UserID, UserName: e.UserName,
		Role: string(e.Role), Address: e.Address, AreaID: e.AreaID, Object: e.Object, Details: string(details), Hash: e.Hash}, nil
}

// value returns the entry. Details in any but the one form that auditToRow gives
// them were not written here: they come back as they are, under a name of their
// own, and do not fit the hash.
func (r auditRow) value() alerts.AuditEntry {
	e := alerts.AuditEntry{Seq: r.Seq, At: time.UnixMicro(r.At).UTC(), Kind: alerts.AuditKind(r.Kind), UserID: r.UserID,
		UserName: r.UserName, Role: alerts.Role(r.Role), Address: r.Address, AreaID: r.AreaID, Object: r.Object, Hash: r.Hash}
	err := json.Unmarshal([]byte(r.Details), &e.Details)
	if written, _ := json.Marshal(e.Details); err != nil || string(written) != r.Details {
		e.Details = map[string]string{"unreadable": r.Details}
	}
	return e
}

// AppendAudit numbers an entry, chains it to the one before and stores it. What
// no database could keep as it is (a NUL, broken UTF-8) is replaced first: an
// odd text must not keep an entry out of the audit.
func (t *tx) AppendAudit(e *alerts.AuditEntry) error {
	if e.At.IsZero() {
		e.At = t.now()
	}
	cleanAudit(e)
	seq, err := t.NextNumber(auditSeries)
	if err != nil {
		return err
	}
	before := ""
	if seq > 1 {
		err := t.rowReady("SELECT hash FROM audit WHERE seq = ?", &before, seq-1)
		if errors.Is(err, sql.ErrNoRows) {
			// The chain has lost its end. It goes on: a gap that verify names is
			// better than a gateway that can be stopped by deleting a row.
			err = nil
		}
		if err != nil {
			return fmt.Errorf("store: read audit: %w", classify(err))
		}
	}
	e.Seq = seq
	e.Hash = alerts.AuditHash(before, *e)
	row, err := auditToRow(*e)
	if err != nil {
		return err
	}
	if err := t.insert(&row); err != nil {
		return fmt.Errorf("store: append audit: %w", err)
	}
	return nil
}

func cleanAudit(e *alerts.AuditEntry) {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	clean := func(s string) string {
		return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	for _, text := range []*string{(*string)(&e.Kind), &e.UserID, &e.UserName, (*string)(&e.Role), &e.Address, &e.AreaID, &e.Object} {
		*text = clean(*text)
	}
	var details map[string]string
	if len(e.Details) > 0 {
		details = make(map[string]string, len(e.Details))
	}
	for name, value := range e.Details {
		details[clean(name)] = clean(value)
	}
	e.Details = details
}

// Audit lists entries, newest first: by time, which indexes have, then by number;
// see alerts.AuditReader. Entries in no area are for those who see every area
// there is.
func (q queries) Audit(ctx context.Context, s alerts.Scope, f alerts.AuditFilter) ([]alerts.AuditEntry, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil || nowhere(s) || !storable(string(f.Kind)+f.UserID+f.Object) {
		return nil, "", err
	}
	at, seq, err := parseAuditCursor(f.Page.Cursor)
	if err != nil {
		return nil, "", err
	}
	var rows []auditRow
	sel := q.db.NewSelect().Model(&rows).OrderExpr("r.at DESC, r.seq DESC").Limit(int64(limit) + 1)
	if sel, err = q.withinAudit(ctx, sel, s); err != nil {
		return nil, "", err
	}
	if seq > 0 {
		sel = sel.Where("(r.at, r.seq) < (?, ?)", at, seq)
	}
	sel = equal(sel, "kind", string(f.Kind))
	sel = equal(sel, "user_id", f.UserID)
	sel = equal(sel, "object", f.Object)
	sel = between(sel, "at", f.Since, f.Until)
	if err := sel.Scan(q.ctx(ctx)); err != nil {
		return nil, "", fmt.Errorf("store: list audit: %w", classify(err))
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = fmt.Sprintf("s%d.%d", rows[limit-1].At, rows[limit-1].Seq)
	}
	return auditValues(rows), next, nil
}

// parseAuditCursor reads time and number of the last entry of the page before.
func parseAuditCursor(cursor string) (at, seq int64, err error) {
	if cursor == "" {
		return 0, 0, nil
	}
	text, ok := strings.CutPrefix(cursor, "s")
	first, second, cut := strings.Cut(text, ".")
	at, err1 := strconv.ParseInt(first, 10, 64)
	seq, err2 := strconv.ParseInt(second, 10, 64)
	if !ok || !cut || err1 != nil || err2 != nil || seq <= 0 {
		return 0, 0, alerts.InvalidField("cursor", "is not one that this list gave out: start again without a cursor")
	}
	return at, seq, nil
}

func (q queries) withinAudit(ctx context.Context, sel *bun.SelectQuery, s alerts.Scope) (*bun.SelectQuery, error) {
	if s.Everything() {
		return sel, nil
	}
	var roots []string
	if err := q.db.NewRaw("SELECT path FROM areas WHERE parent_id IS NULL").Scan(q.ctx(ctx), &roots); err != nil {
		return nil, fmt.Errorf("store: read areas: %w", classify(err))
	}
	all := len(roots) > 0
	for _, root := range roots {
		all = all && s.Covers(root)
	}
	if all {
		return sel, nil
	}
	where, args := pathRanges("path", s.Paths)
	return sel.Where("r.area_id IN (SELECT id FROM areas WHERE "+where+")", args...), nil
}

// AuditFrom returns entries from a number on, in order.
func (q queries) AuditFrom(ctx context.Context, seq int64, limit int) ([]alerts.AuditEntry, error) {
	if limit <= 0 {
		return nil, nil
	}
	var rows []auditRow
	err := q.db.NewSelect().Model(&rows).Where("r.seq >= ?", seq).OrderExpr("r.seq").Limit(int64(limit)).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: read audit: %w", classify(err))
	}
	return auditValues(rows), nil
}

// AuditHead returns number and hash of the newest entry; 0, "" before the first.
func (q queries) AuditHead(ctx context.Context) (seq int64, hash string, err error) {
	err = q.db.QueryRowContext(q.ctx(ctx), "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").Scan(&seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("store: read audit: %w", classify(err))
	}
	return seq, hash, nil
}

func auditValues(rows []auditRow) []alerts.AuditEntry {
	out := make([]alerts.AuditEntry, len(rows))
	for i, r := range rows {
		out[i] = r.value()
	}
	return out
}
