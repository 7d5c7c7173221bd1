package store

import (
	"context"
	"fmt"
	"time"

	"sharpeyes/alerts"
)

// CallBacks counts closings at which the reporter was called back; see
// alerts.CaseReader. What he said is in the details of the move, a JSON object:
// within a text of it these quotes are escaped.
func (q queries) CallBacks(ctx context.Context, s alerts.Scope, areaID string, since, until time.Time) (asked, satisfied int64, err error) {
	if nowhere(s) || !s.Sight().All {
		return 0, 0, nil
	}
	path, err := q.areaPath(ctx, areaID)
	if err != nil || path == "" || !s.Covers(path) {
		return 0, 0, err
	}
	where, args := pathRanges("a.path", []string{path})
	err = q.db.QueryRowContext(q.ctx(ctx), `SELECT COUNT(*), COALESCE(SUM(CASE WHEN m.details LIKE '%"satisfied":"true"%' THEN 1 ELSE 0 END), 0)
		FROM cases AS c JOIN areas AS a ON a.id = c.area_id JOIN case_moves AS m ON m.case_id = c.id
		WHERE m.action = 'close' AND m.details LIKE '%"satisfied":"%' AND c.opened_at >= ? AND c.opened_at < ? AND `+where,
		append([]any{micros(since), micros(until)}, args...)...).Scan(&asked, &satisfied)
	if err != nil {
		return 0, 0, fmt.Errorf("store: count call-backs: %w", classify(err))
	}
	return asked, satisfied, nil
}
