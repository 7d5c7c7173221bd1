package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type pointRow struct {
	bun.BaseModel `bun:"table:points,alias:r"`

	ID         string `bun:"id,pk"`
	UserID     string `bun:"user_id"`
	Month      string `bun:"month"`
	Kind       string `bun:"kind"`
	Points     int    `bun:"points"`
	CaseID     string `bun:"case_id"`
	IncidentID string `bun:"incident_id"`
	AreaID     string `bun:"area_id"`
	AreaPath   string `bun:"area_path,scanonly"`
	Hidden     bool   `bun:"hidden"`
	At         int64  `bun:"at"`
	ByID       string `bun:"by_id"`
}

func (r pointRow) value() alerts.PointLine {
	return alerts.PointLine{ID: r.ID, UserID: r.UserID, Month: r.Month, Kind: alerts.PointKind(r.Kind), Points: r.Points, CaseID: r.CaseID,
		IncidentID: r.IncidentID, AreaID: r.AreaID, AreaPath: r.AreaPath, Hidden: r.Hidden, At: fromMicros(r.At), ByID: r.ByID}
}

type appealRow struct {
	bun.BaseModel `bun:"table:appeals,alias:r"`

	ID         string `bun:"id,pk"`
	UserID     string `bun:"user_id"`
	AreaID     string `bun:"area_id"`
	AreaPath   string `bun:"area_path,scanonly"`
	Month      string `bun:"month"`
	CaseID     string `bun:"case_id"`
	Body       string `bun:"body"`
	At         int64  `bun:"at"`
	Granted    int    `bun:"granted"`
	Answer     string `bun:"answer"`
	AnsweredBy string `bun:"answered_by"`
	AnsweredAt int64  `bun:"answered_at"`
	Version    int64  `bun:"version"`
}

func (r appealRow) value() alerts.Appeal {
	return alerts.Appeal{ID: r.ID, UserID: r.UserID, AreaID: r.AreaID, AreaPath: r.AreaPath, Month: r.Month, CaseID: r.CaseID, Text: r.Body,
		At: fromMicros(r.At), Granted: r.Granted, Answer: r.Answer, AnsweredBy: r.AnsweredBy, AnsweredAt: fromMicros(r.AnsweredAt), Version: r.Version}
}

var (
	byPointTime  = order{tag: "p", column: "at", newest: true}
	byAppealTime = order{tag: "pa", column: "at", newest: true}
)

// Points lists the ledger, newest line first.
func (q queries) Points(ctx context.Context, s alerts.Scope, f alerts.PointFilter) ([]alerts.PointLine, string, error) {
	var rows []pointRow
	limit, err := q.ofMonth(ctx, &rows, s, f, byPointTime)
	if err != nil {
		return nil, "", err
	}
	out, next := list(rows, limit, byPointTime,
		func(r pointRow) (string, string) { return strconv.FormatInt(r.At, 10), r.ID }, pointRow.value)
	return out, next, nil
}

// Appeals lists the appeals, newest first.
func (q queries) Appeals(ctx context.Context, s alerts.Scope, f alerts.PointFilter) ([]alerts.Appeal, string, error) {
	var rows []appealRow
	limit, err := q.ofMonth(ctx, &rows, s, f, byAppealTime)
	if err != nil {
		return nil, "", err
	}
	out, next := list(rows, limit, byAppealTime,
		func(r appealRow) (string, string) { return strconv.FormatInt(r.At, 10), r.ID }, appealRow.value)
	return out, next, nil
}

func (q queries) ofMonth(ctx context.Context, rows any, s alerts.Scope, f alerts.PointFilter, o order) (limit int, err error) {
	if limit, err = limitOf(f.Page); err != nil || nowhere(s) || !storable(f.UserID+f.Month) {
		return limit, err
	}
	return limit, q.page(ctx, rows, s, f.AreaID, o, f.Page, limit, func(sel *bun.SelectQuery) *bun.SelectQuery {
		return equal(equal(sel, "user_id", f.UserID), "month", f.Month)
	})
}

// PointSums sums up a month by person.
func (q queries) PointSums(ctx context.Context, s alerts.Scope, month string) ([]alerts.PointSum, error) {
	if nowhere(s) || !storable(month) {
		return nil, nil
	}
	sel := q.db.NewSelect().TableExpr("points AS r").
		ColumnExpr("r.user_id, CAST(SUM(r.points) AS BIGINT) AS points, COUNT(DISTINCT r.case_id) AS cases").
		Where("r.month = ?", month).GroupExpr("r.user_id").OrderExpr("r.user_id")
	var rows []struct {
		UserID string
		Points int64
		Cases  int64
	}
	if err := within(sel, s).Scan(q.ctx(ctx), &rows); err != nil {
		return nil, fmt.Errorf("store: sum up points: %w", classify(err))
	}
	out := make([]alerts.PointSum, len(rows))
	for i, r := range rows {
		out[i] = alerts.PointSum(r)
	}
	return out, nil
}

// PointsOfCase returns what a case has earned, in the order of its lines.
func (q queries) PointsOfCase(ctx context.Context, caseID string) ([]alerts.PointLine, error) {
	var rows []pointRow
	if !storable(caseID) {
		return nil, nil
	}
	if err := q.sel(&rows, alerts.System()).Where("r.case_id = ?", caseID).OrderExpr("r.at, r.id").Scan(q.ctx(ctx)); err != nil {
		return nil, fmt.Errorf("store: read points: %w", classify(err))
	}
	out := make([]alerts.PointLine, len(rows))
	for i, r := range rows {
		out[i] = r.value()
	}
	return out, nil
}

// Appeal returns one appeal.
func (q queries) Appeal(ctx context.Context, s alerts.Scope, id string) (alerts.Appeal, error) {
	var r appealRow
	if err := q.one(ctx, s, &r, "appeal", "id", id); err != nil {
		return alerts.Appeal{}, err
	}
	return r.value(), nil
}

// AddPoint adds a line to the ledger.
func (t *tx) AddPoint(p alerts.PointLine) error {
	row := pointRow{ID: p.ID, UserID: p.UserID, Month: p.Month, Kind: string(p.Kind), Points: p.Points, CaseID: p.CaseID,
		IncidentID: p.IncidentID, AreaID: p.AreaID, Hidden: p.Hidden, At: micros(p.At), ByID: p.ByID}
	return refused(t.insert(&row), "line of points", p.ID)
}

// SaveAppeal inserts an appeal, or keeps the answer to it.
func (t *tx) SaveAppeal(a alerts.Appeal) error {
	row := appealRow{ID: a.ID, UserID: a.UserID, AreaID: a.AreaID, Month: a.Month, CaseID: a.CaseID, Body: a.Text, At: micros(a.At),
		Granted: a.Granted, Answer: a.Answer, AnsweredBy: a.AnsweredBy, AnsweredAt: micros(a.AnsweredAt), Version: a.Version + 1}
	return refused(t.replace(&row, row.Version, "appeal", a.ID), "appeal", a.ID)
}
