package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// selCases starts a query of cases that a caller may see: in his areas, and in
// his sight.
func (q queries) selCases(model any, s alerts.Scope) *bun.SelectQuery {
	sel := q.sel(model, s).ColumnExpr("COALESCE(h.path, '') AS holder_path").Join("LEFT JOIN areas AS h ON h.id = r.holder_id")
	for _, c := range seen(s.Sight()) {
		sel = sel.Where(c.where, c.args...)
	}
	return sel
}

// unseen tells that a caller sees no case at all.
func unseen(s alerts.Scope) bool {
	v := s.Sight()
	return nowhere(s) || !v.All && v.UserID == "" && v.DepartmentID == "" && len(v.GridIDs) == 0
}

// Case returns one case.
func (q queries) Case(ctx context.Context, s alerts.Scope, id string) (alerts.Case, error) {
	return q.oneCase(ctx, s, "id", id)
}

// CaseByCode returns the case with a code.
func (q queries) CaseByCode(ctx context.Context, s alerts.Scope, code string) (alerts.Case, error) {
	return q.oneCase(ctx, s, "code", code)
}

func (q queries) oneCase(ctx context.Context, s alerts.Scope, column, value string) (alerts.Case, error) {
	if unseen(s) || value == "" || !storable(value) {
		return alerts.Case{}, alerts.Errorf(alerts.NotFound, "there is no such case")
	}
	var r caseRow
	err := q.selCases(&r, s).Where("r."+column+" = ?", value).Limit(1).Scan(q.ctx(ctx))
	if err := notFound(err, "case"); err != nil {
		return alerts.Case{}, err
	}
	return r.value(), nil
}

// CasesDue returns cases whose clock has to be looked at, earliest first.
func (q queries) CasesDue(ctx context.Context, t time.Time, limit int) ([]alerts.Case, error) {
	if limit <= 0 {
		return nil, nil
	}
	var rows []caseRow
	err := q.selCases(&rows, alerts.System()).Where("r.next_at > 0").Where("r.next_at <= ?", micros(t)).
		OrderExpr("r.next_at, r.id").Limit(int64(limit)).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list cases that are due: %w", classify(err))
	}
	return values(rows, func(r caseRow) (alerts.Case, error) { return r.value(), nil })
}

// belonging reads everything of a kind that belongs to an object, in order.
func belonging[R, V any](ctx context.Context, q queries, what, column, id, order string, value func(R) (V, error)) ([]V, error) {
	if !storable(id) {
		return nil, nil
	}
	var rows []R
	err := q.db.NewSelect().Model(&rows).Where("r."+column+" = ?", id).OrderExpr(order).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list %s: %w", what, classify(err))
	}
	return values(rows, value)
}

// single reads the row with an id, or a NotFound error.
func single[R, V any](ctx context.Context, q queries, what, column, id string, value func(R) (V, error)) (V, error) {
	var none V
	if !storable(id) {
		return none, alerts.Errorf(alerts.NotFound, "there is no such %s", what)
	}
	var r R
	err := q.db.NewSelect().Model(&r).Where("r."+column+" = ?", id).Limit(1).Scan(q.ctx(ctx))
	if err := notFound(err, what); err != nil {
		return none, err
	}
	return value(r)
}

// Moves returns the moves of a case from its first on.
func (q queries) Moves(ctx context.Context, caseID string) ([]alerts.Move, error) {
	return belonging(ctx, q, "moves", "case_id", caseID, "r.n", moveRow.value)
}

// Filings returns what is filed in a case now, oldest first.
func (q queries) Filings(ctx context.Context, caseID string) ([]alerts.Filing, error) {
	return belonging(ctx, q, "filings", "case_id", caseID, "r.at, r.incident_id", filingRow.value)
}

// FilingOf returns where an incident is filed.
func (q queries) FilingOf(ctx context.Context, incidentID string) (alerts.Filing, error) {
	return single(ctx, q, "filing", "incident_id", incidentID, filingRow.value)
}

// Parts returns the departments that handle a case jointly, oldest first.
func (q queries) Parts(ctx context.Context, caseID string) ([]alerts.Part, error) {
	return belonging(ctx, q, "parts", "case_id", caseID, "r.at, r.department_id", partRow.value)
}

// Comments returns the messages in a case's room, newest first.
func (q queries) Comments(ctx context.Context, caseID string, p alerts.Page) ([]alerts.Comment, string, error) {
	limit, err := limitOf(p)
	if err != nil || !storable(caseID) {
		return nil, "", err
	}
	var rows []commentRow
	sel, err := byCommented.after(q.db.NewSelect().Model(&rows).Where("r.case_id = ?", caseID), p)
	if err != nil {
		return nil, "", err
	}
	if err := byCommented.sort(sel, limit).Scan(q.ctx(ctx)); err != nil {
		return nil, "", fmt.Errorf("store: list comments: %w", classify(err))
	}
	out, next := list(rows, limit, byCommented,
		func(r commentRow) (string, string) { return strconv.FormatInt(r.At, 10), r.ID }, commentRow.value)
	return out, next, nil
}

// Voices returns who has said or added something in some cases.
func (q queries) Voices(ctx context.Context, caseIDs []string) (map[string][]string, error) {
	ids := slices.DeleteFunc(slices.Clone(caseIDs), func(id string) bool { return !storable(id) })
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct{ CaseID, UserID string }
	err := q.db.NewRaw(`SELECT case_id, author_id AS user_id FROM case_comments WHERE case_id IN (?0) UNION
		SELECT case_id, by_id FROM case_attachments WHERE case_id IN (?0) ORDER BY case_id, user_id`, bun.List(ids)).Scan(q.ctx(ctx), &rows)
	if err != nil {
		return nil, fmt.Errorf("store: list who has a voice in cases: %w", classify(err))
	}
	out := make(map[string][]string)
	for _, r := range rows {
		out[r.CaseID] = append(out[r.CaseID], r.UserID)
	}
	return out, nil
}

// Attachments returns the files of a case, oldest first.
func (q queries) Attachments(ctx context.Context, caseID string) ([]alerts.Attachment, error) {
	return belonging(ctx, q, "attachments", "case_id", caseID, "r.at, r.id", attachmentRow.value)
}

// Attachment returns one file of a case.
func (q queries) Attachment(ctx context.Context, id string) (alerts.Attachment, error) {
	return single(ctx, q, "attachment", "id", id, attachmentRow.value)
}

// Notes returns the annotations of an incident, oldest first.
func (q queries) Notes(ctx context.Context, incidentID string) ([]alerts.Note, error) {
	return belonging(ctx, q, "notes", "incident_id", incidentID, "r.at, r.id", noteRow.value)
}
