package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// A dashboard over a million cases cannot look at each of them, so they are
// summed up in the table case_sums, in the transaction that changes them. A row
// is a cell: the cases that happened in an area, the villages below it included,
// of one category, area, grid, holder, department or day, and of one severity,
// step, outcome and directness. So a case is in one cell of each kind, that of
// its township as a rule; a county's sums are those of its townships. Villages
// have no cells: their cases are few.
//
// What is late for now cannot be summed up in advance; an index of its own
// holds the open cases with their times.

// cell is a row's key without its area.
type cell struct {
	kind, key, severity, step, outcome string
	direct                             bool
}

// sums is what is summed up of the cases in a cell.
type sums struct {
	Total, Late, Returned, Reopened, Edited, Held, HoldTime int64
}

func (s sums) plus(o sums) sums {
	return sums{s.Total + o.Total, s.Late + o.Late, s.Returned + o.Returned, s.Reopened + o.Reopened, s.Edited + o.Edited,
		s.Held + o.Held, s.HoldTime + o.HoldTime}
}

func (s sums) minus() sums {
	return sums{-s.Total, -s.Late, -s.Returned, -s.Reopened, -s.Edited, -s.Held, -s.HoldTime}
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// summed is what a case adds to its cells.
func summed(r caseRow) sums {
	s := sums{Total: 1, Late: one(!r.IsOpen && r.CaseDueAt > 0 && r.ClosedAt > r.CaseDueAt), Returned: one(r.Returns > 0),
		Reopened: one(r.Reopened > 0), Edited: one(r.Edited > 0), Held: one(r.HeldAt > 0)}
	if r.HeldAt > 0 {
		s.HoldTime = r.HeldAt - r.OpenedAt
	}
	return s
}

// kindKeys are the kinds of cells, and their keys in terms of a case, c.
var kindKeys = [...]struct {
	kind alerts.CaseGroup
	key  string
	of   func(caseRow) string
}{
	{alerts.GroupCategory, "c.category", func(r caseRow) string { return r.Category }},
	{alerts.GroupArea, "c.area_id", func(r caseRow) string { return r.AreaID }},
	{alerts.GroupGrid, "COALESCE(c.grid_id, '')", func(r caseRow) string { return r.GridID }},
	{alerts.GroupHolder, "c.holder_id", func(r caseRow) string { return r.HolderID }},
	{alerts.GroupDepartment, "c.department_id", func(r caseRow) string { return r.DepartmentID }},
	{alerts.GroupDay, dayKey("c"), func(r caseRow) string { return dayText(r.OpenedAt) }},
}

// dayKey is the number of the day, in the product's zone, on which a case was
// opened, as text of five digits until the year 2243.
func dayKey(table string) string {
	return fmt.Sprintf("CAST((%s.opened_at + %d) / %d AS TEXT)", table, zoneMicros, dayMicros)
}

func dayText(at int64) string { return strconv.FormatInt((at+zoneMicros)/dayMicros, 10) }

func cellsOf(r caseRow) []cell {
	out := make([]cell, len(kindKeys))
	for i, k := range kindKeys {
		out[i] = cell{string(k.kind), k.of(r), r.Severity, r.Step, r.Outcome, r.Direct}
	}
	return out
}

// sumUp brings the sums from an old case, nil for a new one, to what it is now.
func (t *tx) sumUp(old *caseRow, now caseRow) error {
	deltas := make(map[string]map[cell]sums) // by the area where it happened
	add := func(r caseRow, s sums) {
		if deltas[r.AreaID] == nil {
			deltas[r.AreaID] = make(map[cell]sums, 2*len(kindKeys))
		}
		for _, c := range cellsOf(r) {
			deltas[r.AreaID][c] = deltas[r.AreaID][c].plus(s)
		}
	}
	add(now, summed(now))
	if old != nil {
		add(*old, summed(*old).minus())
	}
	for area, cells := range deltas {
		for c, s := range cells {
			if s == (sums{}) {
				delete(cells, c)
			}
		}
		if len(cells) == 0 {
			continue
		}
		node, err := t.nodeOf(area)
		if err != nil {
			return err
		}
		if err := t.addSums(node, cells); err != nil {
			return err
		}
	}
	return nil
}

// nodeOf returns the area whose cells an area's cases are in: itself, or the
// next above that is no village; empty where there is none.
func (t *tx) nodeOf(area string) (string, error) {
	var nodes []struct{ ID string }
	err := t.scanReady(&nodes, `WITH RECURSIVE up (id, parent_id, level) AS (SELECT id, parent_id, level FROM areas WHERE id = ?
		UNION ALL SELECT a.id, a.parent_id, a.level FROM areas AS a JOIN up ON a.id = up.parent_id WHERE up.level = ?)
		SELECT id FROM up WHERE level <> ?`, area, string(alerts.Village), string(alerts.Village))
	if err != nil {
		return "", fmt.Errorf("store: read areas: %w", err)
	}
	if len(nodes) == 0 {
		return "", nil
	}
	return nodes[0].ID, nil
}

const sumColumns = "node, kind, item, severity, step, outcome, direct, total, late, returned, reopened, edited, held, hold_time"

const addToSums = ` ON CONFLICT (node, kind, item, severity, step, outcome, direct) DO UPDATE SET
	total = case_sums.total + EXCLUDED.total, late = case_sums.late + EXCLUDED.late,
	returned = case_sums.returned + EXCLUDED.returned, reopened = case_sums.reopened + EXCLUDED.reopened,
	edited = case_sums.edited + EXCLUDED.edited, held = case_sums.held + EXCLUDED.held,
	hold_time = case_sums.hold_time + EXCLUDED.hold_time`

// addSums adds to the cells of an area.
func (t *tx) addSums(node string, cells map[cell]sums) error {
	if node == "" {
		return nil
	}
	args := make([]any, 0, len(cells)*14)
	for c, s := range cells {
		args = append(args, node, c.kind, c.key, c.severity, c.step, c.outcome, c.direct,
			s.Total, s.Late, s.Returned, s.Reopened, s.Edited, s.Held, s.HoldTime)
	}
	rows := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), ", len(cells)), ", ")
	if err := t.execReady("INSERT INTO case_sums ("+sumColumns+") VALUES "+rows+addToSums, args...); err != nil {
		return fmt.Errorf("store: sum up cases: %w", err)
	}
	return nil
}

// sumAnew makes the cells of an area from its cases.
func (t *tx) sumAnew(node string) error {
	if node == "" {
		return nil
	}
	if err := t.exec("DELETE FROM case_sums WHERE node = ?", node); err != nil {
		return fmt.Errorf("store: sum up cases: %w", err)
	}
	for _, k := range kindKeys {
		query := `INSERT INTO case_sums (` + sumColumns + `) WITH RECURSIVE mine (id) AS (SELECT id FROM areas WHERE id = ? AND level <> ?
			UNION ALL SELECT a.id FROM areas AS a JOIN mine ON a.parent_id = mine.id WHERE a.level = ?)
			SELECT CAST(? AS TEXT), '` + string(k.kind) + `', ` + k.key + `, c.severity, c.step, c.outcome, c.direct, COUNT(*),
			COUNT(*) FILTER (WHERE NOT c.is_open AND c.case_due_at > 0 AND c.closed_at > c.case_due_at),
			COUNT(*) FILTER (WHERE c.returns > 0), COUNT(*) FILTER (WHERE c.reopened > 0), COUNT(*) FILTER (WHERE c.edited > 0),
			COUNT(*) FILTER (WHERE c.held_at > 0), CAST(SUM(CASE WHEN c.held_at > 0 THEN c.held_at - c.opened_at ELSE 0 END) AS BIGINT)
			FROM cases AS c WHERE c.area_id IN (SELECT id FROM mine)
			GROUP BY ` + k.key + `, c.severity, c.step, c.outcome, c.direct`
		if err := t.exec(query, node, string(alerts.Village), string(alerts.Village), node); err != nil {
			return fmt.Errorf("store: sum up cases: %w", err)
		}
	}
	return nil
}

// areaMoved keeps the sums right when a village has got another place in the
// tree, or an area has become one or is none any more. It runs after the change.
func (t *tx) areaMoved(old, now alerts.Area) error {
	was, is := old.Level == alerts.Village, now.Level == alerts.Village
	if !was && !is || old.Path == now.Path && was == is {
		return nil
	}
	left, err := t.nodeOf(old.ParentID)
	if err != nil {
		return err
	}
	entered, err := t.nodeOf(now.ParentID)
	if err != nil {
		return err
	}
	for _, node := range slices.Compact([]string{left, entered}) {
		if err := t.sumAnew(node); err != nil {
			return err
		}
	}
	return t.sumAnew(now.ID) // nothing, where it is a village
}

// fromSums answers CaseCounts from the sums; false: it cannot.
func (q queries) fromSums(ctx context.Context, s alerts.Scope, f alerts.CaseFilter, by alerts.CaseGroup) ([]countRow, bool, error) {
	kind, ok := kindFor(f, by)
	if !ok || q.uncancelled || !s.Sight().All {
		return nil, false, nil
	}
	paths, ok, err := q.summedPaths(ctx, s, f.AreaID)
	if err != nil || !ok {
		return nil, false, err
	}
	return q.sumsOf(ctx, paths, kind, f, by)
}

// kindFor returns the kind of cells that answers a question; false: none does.
func kindFor(f alerts.CaseFilter, by alerts.CaseGroup) (alerts.CaseGroup, bool) {
	if f.DepartmentID != "" || f.PersonID != "" || !f.OverdueAt.IsZero() || f.Supervised || f.Text != "" {
		return "", false
	}
	wanted := []alerts.CaseGroup{}
	want := func(is bool, g alerts.CaseGroup) {
		if is && !slices.Contains(wanted, g) {
			wanted = append(wanted, g)
		}
	}
	want(f.HolderID != "", alerts.GroupHolder)
	want(f.GridID != "", alerts.GroupGrid)
	want(f.Category != "", alerts.GroupCategory)
	want(!f.Since.IsZero() || !f.Until.IsZero(), alerts.GroupDay)
	want(by != alerts.GroupStep && by != alerts.GroupSeverity, by)
	midnight := func(us int64) bool { return (us+zoneMicros)%dayMicros == 0 }
	if !f.Since.IsZero() && !midnight(micros(f.Since)) || !f.Until.IsZero() && !midnight(micros(f.Until)) || len(wanted) > 1 {
		return "", false
	}
	return append(wanted, alerts.GroupCategory)[0], true
}

// summedPaths returns the paths below which all cases of a scope, and of an area,
// are summed up; false: there are none.
func (q queries) summedPaths(ctx context.Context, s alerts.Scope, areaID string) ([]string, bool, error) {
	paths := slices.DeleteFunc(slices.Clone(s.Paths), func(p string) bool { return p == "" })
	if areaID != "" {
		path, err := q.areaPath(ctx, areaID)
		if err != nil || path == "" {
			return nil, false, err
		}
		if s.Covers(path) {
			paths = []string{path}
		} else {
			paths = slices.DeleteFunc(paths, func(p string) bool { return !strings.HasPrefix(p, path) })
		}
	}
	if len(paths) == 0 || len(paths) > maxMerged {
		return nil, false, nil
	}
	var villages int
	sel := q.db.NewSelect().TableExpr("areas AS r").ColumnExpr("COUNT(*)").Where("r.level = ?", string(alerts.Village))
	if s.Everything() && areaID == "" {
		sel = sel.Where("r.parent_id IS NULL")
	} else {
		sel = sel.Where("r.path IN (?)", bun.List(paths))
	}
	if err := sel.Scan(q.ctx(ctx), &villages); err != nil {
		return nil, false, fmt.Errorf("store: read areas: %w", classify(err))
	}
	return paths, villages == 0, nil
}
