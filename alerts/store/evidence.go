package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

var (
	byRequested = order{tag: "cr", column: "at", newest: true}
	byOrdered   = order{tag: "ce", column: "at", newest: true}
)

// EvidenceOf returns the evidence of a case from its first piece on.
func (q queries) EvidenceOf(ctx context.Context, caseID string) ([]alerts.Evidence, error) {
	return belonging(ctx, q, "evidence", "case_id", caseID, "r.n", evidenceRow.value)
}

// Evidence returns one piece.
func (q queries) Evidence(ctx context.Context, id string) (alerts.Evidence, error) {
	return single(ctx, q, "evidence", "id", id, evidenceRow.value)
}

// EvidenceHolding returns clips that hold all of a time, newest first.
func (q queries) EvidenceHolding(ctx context.Context, camera, profile string, from, to time.Time, limit int) ([]alerts.Evidence, error) {
	if !storable(camera+profile) || limit <= 0 {
		return nil, nil
	}
	var rows []evidenceRow
	// No clip is longer than a few hours: the index need not be read from its start.
	err := q.db.NewSelect().Model(&rows).Where("r.camera_id = ? AND r.profile = ? AND r.starts <= ? AND r.starts > ? AND r.ends >= ? AND r.kind = ?",
		camera, profile, micros(from), micros(from.Add(-24*time.Hour)), micros(to), string(alerts.EvidenceClip)).
		OrderExpr("r.at DESC, r.id DESC").Limit(int64(limit)).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: look for evidence: %w", classify(err))
	}
	return values(rows, evidenceRow.value)
}

// ClipRequest returns one request for a clip.
func (q queries) ClipRequest(ctx context.Context, s alerts.Scope, id string) (alerts.ClipRequest, error) {
	var r clipRequestRow
	if err := q.one(ctx, s, &r, "request for a clip", "id", id); err != nil {
		return alerts.ClipRequest{}, err
	}
	return r.value(), nil
}

// ClipRequests lists requests for clips, newest first.
func (q queries) ClipRequests(ctx context.Context, s alerts.Scope, f alerts.ClipRequestFilter) ([]alerts.ClipRequest, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil || nowhere(s) || !storable(f.CaseID+f.ByID) {
		return nil, "", err
	}
	var rows []clipRequestRow
	err = q.page(ctx, &rows, s, "", byRequested, f.Page, limit, func(sel *bun.SelectQuery) *bun.SelectQuery {
		return equal(equal(equal(sel, "case_id", f.CaseID), "by_id", f.ByID), "state", string(f.State))
	})
	if err != nil {
		return nil, "", err
	}
	out, next := list(rows, limit, byRequested,
		func(r clipRequestRow) (string, string) { return strconv.FormatInt(r.At, 10), r.ID }, clipRequestRow.value)
	return out, next, nil
}

// ClipExport returns one export of clips.
func (q queries) ClipExport(ctx context.Context, id string) (alerts.ClipExport, error) {
	return single(ctx, q, "export", "id", id, clipExportRow.value)
}

// ClipExports lists what somebody has ordered, newest first.
func (q queries) ClipExports(ctx context.Context, userID string, p alerts.Page) ([]alerts.ClipExport, string, error) {
	limit, err := limitOf(p)
	if err != nil || !storable(userID) {
		return nil, "", err
	}
	var rows []clipExportRow
	sel, err := byOrdered.after(q.db.NewSelect().Model(&rows).Where("r.by_id = ?", userID), p)
	if err != nil {
		return nil, "", err
	}
	if err := byOrdered.sort(sel, limit).Scan(q.ctx(ctx)); err != nil {
		return nil, "", fmt.Errorf("store: list exports: %w", classify(err))
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = byOrdered.cursor(strconv.FormatInt(rows[limit-1].At, 10), rows[limit-1].ID)
	}
	out, err := values(rows, clipExportRow.value)
	return out, next, err
}

// ClipExportsIn returns exports in a state, oldest first.
func (q queries) ClipExportsIn(ctx context.Context, state alerts.ClipState, limit int) ([]alerts.ClipExport, error) {
	var rows []clipExportRow
	err := q.db.NewSelect().Model(&rows).Where("r.state = ?", string(state)).OrderExpr("r.at, r.id").Limit(int64(max(limit, 1))).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list exports: %w", classify(err))
	}
	return values(rows, clipExportRow.value)
}

// Hold returns one hold.
func (q queries) Hold(ctx context.Context, id string) (alerts.Hold, error) {
	return single(ctx, q, "hold", "id", id, holdRow.value)
}

// HoldsOf returns the holds of a case, oldest first.
func (q queries) HoldsOf(ctx context.Context, caseID string) ([]alerts.Hold, error) {
	return belonging(ctx, q, "holds", "case_id", caseID, "r.at, r.id", holdRow.value)
}

// HoldsDue returns holds that have run out, or whose pin is not as they are.
func (q queries) HoldsDue(ctx context.Context, now time.Time, limit int) ([]alerts.Hold, error) {
	var rows []holdRow
	err := q.db.NewSelect().Model(&rows).Where("r.released_at = 0 AND (r.until <= ? OR r.pin = '' OR r.pin_until <> r.until)", micros(now)).
		OrderExpr("r.id").Limit(int64(max(limit, 1))).Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list holds: %w", classify(err))
	}
	return values(rows, holdRow.value)
}

// CasesUnchained returns cases whose photos are no pieces of evidence yet.
func (q queries) CasesUnchained(ctx context.Context, limit int) ([]string, error) {
	var out []string
	err := q.db.NewRaw("SELECT case_id FROM evidence_backlog ORDER BY case_id LIMIT ?", max(limit, 1)).Scan(q.ctx(ctx), &out)
	if err != nil {
		return nil, fmt.Errorf("store: list cases without their photos: %w", classify(err))
	}
	return out, nil
}

// CaseChained takes a case out of those of CasesUnchained.
func (t *tx) CaseChained(caseID string) error {
	return t.exec("DELETE FROM evidence_backlog WHERE case_id = ?", caseID)
}

// AddEvidence stores a piece of evidence.
func (t *tx) AddEvidence(e alerts.Evidence) error {
	row, err := evidenceToRow(e)
	if err != nil {
		return err
	}
	return ofCase(t.insert(&row), "piece of evidence")
}

// SaveClipRequest inserts a request, or keeps the answer to it.
func (t *tx) SaveClipRequest(v alerts.ClipRequest) error {
	row := clipRequestToRow(v)
	return refused(t.replace(&row, row.Version, "request for a clip", v.ID), "request for a clip", v.ID)
}

// SaveClipExport inserts an export or changes it.
func (t *tx) SaveClipExport(v alerts.ClipExport) error {
	row, err := clipExportToRow(v)
	if err != nil {
		return err
	}
	return refused(t.replace(&row, row.Version, "export", v.ID), "export", v.ID)
}

// SaveHold inserts a hold or changes it.
func (t *tx) SaveHold(v alerts.Hold) error {
	row := holdToRow(v)
	return refused(t.replace(&row, row.Version, "hold", v.ID), "hold", v.ID)
}
