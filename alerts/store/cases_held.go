package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store/columns"
)

// held is the cases of the database as columns in memory, and where the areas
// lie. The database is the truth: before every question the numbers of the newest
// changes are read, and if they are not those that the memory stands at, what has
// changed since is read first. So an answer holds all that was committed before
// the question, by whatever node.
type held struct {
	reads *bun.DB
	most  int

	turn  chan struct{} // held by whoever reads cases into the table
	table atomic.Pointer[columns.Table]
	stand atomic.Int64 // all changes up to this one are in the table; stored after it
	over  atomic.Bool  // there are more cases than most
	areas atomic.Pointer[lie]

	cancel context.CancelFunc
	ended  chan struct{}
}

// lie is where the areas lie in the tree.
type lie struct {
	stand int64
	paths map[string]string
}

// view is what a question is answered from.
type view struct {
	*columns.Table
	paths map[string]string
}

// hold begins to read the cases. Who asks meanwhile is answered by the database,
// or waits: see Cases and CaseCounts.
func hold(reads *bun.DB, most int) *held {
	ctx, cancel := context.WithCancel(context.Background())
	h := &held{reads: reads, most: most, turn: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{})}
	h.turn <- struct{}{} // nobody is faster
	go func() {
		defer close(h.ended)
		defer func() { <-h.turn }()
		_ = h.load(ctx) // whoever asks next tries again, and is told
	}()
	return h
}

func (h *held) close() {
	h.cancel()
	<-h.ended
}

// now returns all as it is now; nil where the database is to be asked: there are
// too many cases or, for those that are not patient, others are still reading
// them.
func (h *held) now(ctx context.Context, patient bool) (*view, error) {
	if h == nil || h.over.Load() {
		return nil, nil
	}
	cases, areas, err := newestChanges(ctx, h.reads)
	if err != nil {
		return nil, err
	}
	t := h.table.Load()
	if t == nil || h.stand.Load() != cases {
		if t, err = h.newer(ctx, patient || t != nil); t == nil || err != nil {
			return nil, err
		}
	}
	at := h.areas.Load()
	if at == nil || at.stand != areas {
		if at, err = readAreas(ctx, h.reads, areas); err != nil {
			return nil, err
		}
		h.areas.Store(at)
	}
	return &view{t, at.paths}, nil
}

// newer brings the table to what the cases are now.
func (h *held) newer(ctx context.Context, patient bool) (*columns.Table, error) {
	if patient {
		select {
		case h.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("store: cases are being read: %w", ctx.Err())
		}
	} else {
		select {
		case h.turn <- struct{}{}:
		default:
			return nil, nil
		}
	}
	defer func() { <-h.turn }()
	var err error
	if h.table.Load() == nil && !h.over.Load() {
		err = h.load(ctx)
	}
	if err == nil && h.table.Load() != nil {
		err = h.follow(ctx)
	}
	return h.table.Load(), err
}

// newestChanges are the numbers of the last transactions that saved cases, and
// areas.
func newestChanges(ctx context.Context, db bun.IDB) (cases, areas int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT (SELECT value FROM series WHERE name = 'cases'), (SELECT value FROM series WHERE name = 'areas')").
		Scan(&cases, &areas)
	if err != nil {
		return 0, 0, fmt.Errorf("store: read numbers of changes: %w", classify(err))
	}
	return cases, areas, nil
}

func readAreas(ctx context.Context, db bun.IDB, stand int64) (*lie, error) {
	var rows []struct{ ID, Path string }
	if err := db.NewRaw("SELECT id, path FROM areas").Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("store: read areas: %w", classify(err))
	}
	at := &lie{stand, make(map[string]string, len(rows))}
	for _, r := range rows {
		at.paths[r.ID] = r.Path
	}
	return at, nil
}

// loadStep is how many cases are read by one statement.
const loadStep = 20_000

// load reads all cases, in the order of time. What changes meanwhile has a
// higher number than the one read before.
func (h *held) load(ctx context.Context) error {
	stand, _, err := newestChanges(ctx, h.reads)
	if err != nil {
		return err
	}
	t, rows := new(columns.Table), make([]columns.Row, 0, loadStep)
	at, id := int64(-1<<62), "" // before all times
	for {
		rows, err = readRows(ctx, h.reads, rows[:0], "(c.opened_at, c.id) > (?, ?) ORDER BY c.opened_at, c.id LIMIT ?", at, id, loadStep)
		if err != nil {
			return err
		}
		if !h.put(t, rows) {
			return nil
		}
		if len(rows) < loadStep {
			break
		}
		at, id = rows[loadStep-1].Opened, rows[loadStep-1].ID
	}
	h.table.Store(t)
	h.stand.Store(stand)
	return nil
}

// follow reads what has changed since.
func (h *held) follow(ctx context.Context) error {
	newest, _, err := newestChanges(ctx, h.reads)
	stand := h.stand.Load()
	if err != nil || newest == stand {
		return err
	}
	if newest < stand { // the database is another one, or an older state of it
		return h.load(ctx)
	}
	rows, err := readRows(ctx, h.reads, nil, "c.changed > ? ORDER BY c.changed, c.opened_at, c.id", stand)
	if err == nil && h.put(h.table.Load(), rows) {
		h.stand.Store(newest)
	}
	return err
}

// put puts cases into a table; false: there are too many, and from now on none
// are held.
func (h *held) put(t *columns.Table, rows []columns.Row) bool {
	if err := t.Put(rows); err == nil && t.Len() <= h.most {
		return true
	}
	h.over.Store(true)
	h.table.Store(nil)
	return false
}

// readRows adds cases to rows.
func readRows(ctx context.Context, db bun.IDB, rows []columns.Row, which string, args ...any) ([]columns.Row, error) {
	found, err := db.QueryContext(ctx, `SELECT c.id, c.title, c.address, c.code, c.area_id, COALESCE(c.grid_id, ''), c.holder_id, c.category,
		c.department_id, c.first_id, c.person_id, c.severity, c.step, c.outcome, c.opened_at, c.updated_at, c.urgency, c.gravity,
		c.held_at, c.closed_at, c.case_due_at, c.is_open, c.direct, c.returns, c.reopened, c.edited, c.paused_at, c.supervised
		FROM cases AS c WHERE `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("store: read cases: %w", classify(err))
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var r columns.Row
		var heldAt, closedAt, dueAt, returns, reopened, edited, paused, supervised int64
		if err := found.Scan(&r.ID, &r.Title, &r.Address, &r.Code, &r.Area, &r.Grid, &r.Holder, &r.Category,
			&r.Department, &r.First, &r.Person, &r.Severity, &r.Step, &r.Outcome, &r.Opened, &r.Updated, &r.Urgency, &r.Gravity,
			&heldAt, &closedAt, &dueAt, &r.Open, &r.Direct, &returns, &reopened, &edited, &paused, &supervised); err != nil {
			return nil, fmt.Errorf("store: read cases: %w", classify(err))
		}
		r.Returned, r.Reopened, r.Edited, r.Paused, r.Supervised = returns > 0, reopened > 0, edited > 0, paused != 0, supervised > 0
		r.Late = !r.Open && dueAt > 0 && closedAt > dueAt
		if r.Held = heldAt > 0; r.Held {
			r.Hold = heldAt - r.Opened
		}
		rows = append(rows, r)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("store: read cases: %w", classify(err))
	}
	return rows, nil
}

// question is what a scope, its sight and a filter ask of the columns; false:
// nothing can meet it.
func (q queries) question(ctx context.Context, v *view, s alerts.Scope, f alerts.CaseFilter) (*columns.Query, bool, error) {
	out := &columns.Query{Filter: f, Sight: s.Sight(), Joint: make(map[string][]string)}
	if unseen(s) || !storable(textOf(f)) {
		return out, false, nil
	}
	below, known := v.paths[f.AreaID]
	if f.AreaID != "" && !known {
		return out, false, nil
	}
	if out.Everywhere = f.AreaID == "" && s.Everything(); !out.Everywhere {
		for id, path := range v.paths {
			if strings.HasPrefix(path, below) && s.Covers(path) {
				out.Areas = append(out.Areas, id)
			}
		}
	}
	var err error
	ids := func(into *[]string, query string, args ...any) {
		if err == nil {
			err = q.db.NewRaw(query, args...).Scan(ctx, into)
		}
	}
	if sight := out.Sight; !sight.All && sight.UserID != "" {
		ids(&out.Reported, reportedBy, sight.UserID)
	}
	for _, department := range []string{f.DepartmentID, out.Sight.DepartmentID} {
		if department != "" && out.Joint[department] == nil {
			var joint []string
			ids(&joint, jointOf, department)
			out.Joint[department] = joint
		}
	}
	if err != nil {
		return out, false, fmt.Errorf("store: read what a question is about: %w", classify(err))
	}
	return out, true, nil
}

// pageHeld is Cases from the columns.
func (q queries) pageHeld(ctx context.Context, v *view, s alerts.Scope, f alerts.CaseFilter, o caseOrder, limit int) ([]alerts.Case, string, error) {
	var after *columns.Place
	if f.Page.Cursor != "" {
		key, id, err := o.parse(f.Page.Cursor)
		if err != nil {
			return nil, "", err
		}
		at, ok := key.(int64)
		if !ok {
			return nil, "", errors.New("store: an order of cases by no number")
		}
		after = &columns.Place{Key: at, ID: id}
	}
	question, ok, err := q.question(ctx, v, s, f)
	if err != nil || !ok {
		return nil, "", err
	}
	page := v.Page(question, f.Sort, after, limit+1)
	next := ""
	if len(page) > limit {
		page = page[:limit]
		next = o.cursor(strconv.FormatInt(page[limit-1].Key, 10), page[limit-1].ID)
	}
	ids := make([]string, len(page))
	for i, p := range page {
		ids[i] = p.ID
	}
	out, err := q.casesByID(ctx, ids)
	return out, next, err
}

// countHeld is CaseCounts from the columns.
func (q queries) countHeld(ctx context.Context, v *view, s alerts.Scope, f alerts.CaseFilter, by alerts.CaseGroup, now time.Time) ([]countRow, error) {
	question, ok, err := q.question(ctx, v, s, f)
	if err != nil || !ok {
		return nil, err
	}
	groups := v.Count(question, by, now, maxGroups)
	out := make([]countRow, len(groups))
	for i, g := range groups {
		out[i] = countRow{Key: g.Key, Total: g.Total, Open: g.Open, Late: g.Late, Closed: g.Closed, Solved: g.Solved, Direct: g.Direct,
			Returned: g.Returned, Reopened: g.Reopened, Edited: g.Edited, Held: g.Held, HoldTime: g.Hold}
	}
	return out, nil
}
