package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type emergencyRow struct {
	bun.BaseModel `bun:"table:emergencies,alias:r"`

	ID           string `bun:"id,pk"`
	UserID       string `bun:"user_id"`
	UserName     string `bun:"user_name"`
	Role         string `bun:"role"`
	HomeID       string `bun:"home_id"`
	AreaID       string `bun:"area_id"`
	AreaPath     string `bun:"area_path,scanonly"`
	Reason       string `bun:"reason"`
	At           int64  `bun:"at"`
	Until        int64  `bun:"until"`
	EndedAt      int64  `bun:"ended_at"`
	EndedBy      string `bun:"ended_by"`
	Verdict      string `bun:"verdict"`
	Review       string `bun:"review"`
	ReviewedBy   string `bun:"reviewed_by"`
	ReviewerName string `bun:"reviewer_name"`
	ReviewedAt   int64  `bun:"reviewed_at"`
	Version      int64  `bun:"version"`
}

func (r emergencyRow) value() alerts.Emergency {
	return alerts.Emergency{ID: r.ID, UserID: r.UserID, UserName: r.UserName, Role: alerts.Role(r.Role), HomeID: r.HomeID, AreaID: r.AreaID,
		AreaPath: r.AreaPath, Reason: r.Reason, At: fromMicros(r.At), Until: fromMicros(r.Until), EndedAt: fromMicros(r.EndedAt),
		EndedBy: r.EndedBy, Verdict: alerts.Verdict(r.Verdict), Review: r.Review, ReviewedBy: r.ReviewedBy, ReviewerName: r.ReviewerName,
		ReviewedAt: fromMicros(r.ReviewedAt), Version: r.Version}
}

var byTaken = order{tag: "e", column: "at", newest: true}

// emergencies starts a query of those in a scope's areas and of those that its
// user has taken.
func (q queries) emergencies(model any, s alerts.Scope) *bun.SelectQuery {
	sel := q.sel(model, alerts.System())
	if s.Everything() {
		return sel
	}
	where, args := pathRanges("a.path", s.Paths)
	if s.User != "" {
		where, args = "("+where+" OR r.user_id = ?)", append(args, s.User)
	}
	return sel.Where(where, args...)
}

// Emergency returns one emergency access.
func (q queries) Emergency(ctx context.Context, s alerts.Scope, id string) (alerts.Emergency, error) {
	if nowhere(s) || id == "" || !storable(id+s.User) {
		return alerts.Emergency{}, alerts.Errorf(alerts.NotFound, "there is no such emergency access")
	}
	var r emergencyRow
	err := q.emergencies(&r, s).Where("r.id = ?", id).Limit(1).Scan(q.ctx(ctx))
	return r.value(), notFound(err, "emergency access")
}

// Emergencies lists emergency accesses, newest first.
func (q queries) Emergencies(ctx context.Context, s alerts.Scope, f alerts.EmergencyFilter) ([]alerts.Emergency, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil || nowhere(s) || !storable(f.UserID+s.User) {
		return nil, "", err
	}
	var rows []emergencyRow
	sel, err := byTaken.after(q.emergencies(&rows, s), f.Page)
	if err != nil {
		return nil, "", err
	}
	if f.AreaID != "" {
		path, err := q.areaPath(ctx, f.AreaID)
		if err != nil || path == "" {
			return nil, "", err
		}
		where, args := pathRanges("a.path", []string{path})
		sel = sel.Where(where, args...)
	}
	sel = equal(sel, "user_id", f.UserID)
	if !f.RunningAt.IsZero() {
		at := micros(f.RunningAt)
		sel = sel.Where("r.at <= ? AND r.until > ? AND (r.ended_at = 0 OR r.ended_at > ?)", at, at, at)
	}
	if f.Unreviewed {
		sel = sel.Where("r.verdict = ''")
	}
	if err := byTaken.sort(sel, limit).Scan(q.ctx(ctx)); err != nil {
		return nil, "", fmt.Errorf("store: list emergency access: %w", classify(err))
	}
	out, next := list(rows, limit, byTaken,
		func(r emergencyRow) (string, string) { return strconv.FormatInt(r.At, 10), r.ID }, emergencyRow.value)
	return out, next, nil
}

// EmergenciesOf lists those of a user that have not ended by a moment.
func (q queries) EmergenciesOf(ctx context.Context, userID string, now time.Time) ([]alerts.Emergency, error) {
	if !storable(userID) {
		return nil, nil
	}
	var rows []emergencyRow
	at := micros(now)
	err := q.sel(&rows, alerts.System()).Where("r.user_id = ? AND r.until > ? AND (r.ended_at = 0 OR r.ended_at > ?)", userID, at, at).
		OrderExpr("r.until, r.id").Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: read emergency access: %w", classify(err))
	}
	return values(rows, func(r emergencyRow) (alerts.Emergency, error) { return r.value(), nil })
}

// SaveEmergency inserts an emergency access, or keeps its end or review.
func (t *tx) SaveEmergency(e alerts.Emergency) error {
	row := emergencyRow{ID: e.ID, UserID: e.UserID, UserName: e.UserName, Role: string(e.Role), HomeID: e.HomeID, AreaID: e.AreaID,
		Reason: e.Reason, At: micros(e.At), Until: micros(e.Until), EndedAt: micros(e.EndedAt), EndedBy: e.EndedBy,
		Verdict: string(e.Verdict), Review: e.Review, ReviewedBy: e.ReviewedBy, ReviewerName: e.ReviewerName,
		ReviewedAt: micros(e.ReviewedAt), Version: e.Version + 1}
	return missing(t.replace(&row, row.Version, "emergency access", e.ID), "emergency access", e.ID, "there is no such account or area")
}
