package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// between narrows a query to a half-open span of time.
func between(q *bun.SelectQuery, column string, since, until time.Time) *bun.SelectQuery {
	if !since.IsZero() {
		q = q.Where("r."+column+" >= ?", micros(since))
	}
	if !until.IsZero() {
		q = q.Where("r."+column+" < ?", micros(until))
	}
	return q
}

// Incidents lists incidents, newest first.
func (q queries) Incidents(ctx context.Context, s alerts.Scope, f alerts.IncidentFilter) ([]alerts.Incident, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil || nowhere(s) || !storable(f.GridID+f.Category+string(f.Severity)+f.Text+f.ReporterID) {
		return nil, "", err
	}
	var rows []incidentRow
	// No index finds text: a page looks for it in so many incidents and leaves the
	// others to the next.
	end, further := place{}, false
	if f.Text != "" {
		if end, further, err = q.reach(ctx, "incidents", byReceived, f); err != nil {
			return nil, "", err
		}
	}
	err = q.page(ctx, &rows, s, f.AreaID, byReceived, f.Page, limit, func(sel *bun.SelectQuery) *bun.SelectQuery {
		if further {
			sel = sel.Where("(r.received_at, r.id) >= (?, ?)", end.key, end.id)
		}
		sel = equal(sel, "grid_id", f.GridID)
		sel = equal(sel, "category", f.Category)
		sel = equal(sel, "severity", string(f.Severity))
		sel = equal(sel, "reporter_id", f.ReporterID)
		sel = between(sel, "received_at", f.Since, f.Until)
		return matching(sel, f.Text, "body", "address", "number")
	})
	if err != nil {
		return nil, "", err
	}
	photos, err := q.photos(ctx, rows)
	if err != nil {
		return nil, "", err
	}
	out, next := list(rows, limit, byReceived,
		func(r incidentRow) (string, string) { return strconv.FormatInt(r.ReceivedAt, 10), r.ID },
		func(r incidentRow) alerts.Incident { return r.value(photos[r.ID]) })
	if next == "" && further {
		next = byReceived.cursor(strconv.FormatInt(end.key, 10), end.id)
	}
	return out, next, nil
}

// photos returns the photos of incidents by incident, in their order.
func (q queries) photos(ctx context.Context, of []incidentRow) (map[string][]alerts.Photo, error) {
	if len(of) == 0 {
		return nil, nil
	}
	ids := make([]string, len(of))
	for i, r := range of {
		ids[i] = r.ID
	}
	var rows []photoRow
	err := q.db.NewSelect().Model(&rows).Where("p.incident_id IN (?)", bun.List(ids)).
		OrderExpr("p.incident_id, p.place").Scan(q.ctx(ctx))
	if err != nil {
		return nil, fmt.Errorf("store: list photos: %w", classify(err))
	}
	out := make(map[string][]alerts.Photo)
	for _, r := range rows {
		out[r.IncidentID] = append(out[r.IncidentID], r.value())
	}
	return out, nil
}

// Incident returns one incident with its photos.
func (q queries) Incident(ctx context.Context, s alerts.Scope, id string) (alerts.Incident, error) {
	var r incidentRow
	if err := q.one(ctx, s, &r, "incident", "id", id); err != nil {
		return alerts.Incident{}, err
	}
	photos, err := q.photos(ctx, []incidentRow{r})
	if err != nil {
		return alerts.Incident{}, err
	}
	return r.value(photos[r.ID]), nil
}

// IncidentOfAlert returns the incident that was made of an alert.
func (q queries) IncidentOfAlert(ctx context.Context, s alerts.Scope, alertID string) (alerts.Incident, error) {
	missing := alerts.Errorf(alerts.NotFound, "there is no such incident")
	if nowhere(s) || alertID == "" || !storable(alertID) {
		return alerts.Incident{}, missing
	}
	var ids []string
	err := q.db.NewRaw("SELECT id FROM incidents WHERE alert_id = ? AND alert_id <> ''", alertID).Scan(q.ctx(ctx), &ids)
	if err != nil {
		return alerts.Incident{}, fmt.Errorf("store: read incident: %w", classify(err))
	}
	if len(ids) == 0 {
		return alerts.Incident{}, missing
	}
	return q.Incident(ctx, s, ids[0])
}

// IncidentOfPhoto returns the incident that a photo belongs to.
func (q queries) IncidentOfPhoto(ctx context.Context, s alerts.Scope, photo string) (alerts.Incident, error) {
	if nowhere(s) || !storable(photo) {
		return alerts.Incident{}, alerts.Errorf(alerts.NotFound, "there is no such photo")
	}
	var ids []string
	err := q.db.NewRaw("SELECT incident_id FROM photos WHERE id = ?", photo).Scan(q.ctx(ctx), &ids)
	if err != nil {
		return alerts.Incident{}, fmt.Errorf("store: read photo: %w", classify(err))
	}
	if len(ids) == 0 {
		return alerts.Incident{}, alerts.Errorf(alerts.NotFound, "there is no such photo")
	}
	return q.Incident(ctx, s, ids[0])
}

// Alerts lists alerts, newest first.
func (q queries) Alerts(ctx context.Context, s alerts.Scope, f alerts.AlertFilter) ([]alerts.Alert, string, error) {
	limit, err := limitOf(f.Page)
	if err != nil || nowhere(s) || !storable(f.GridID+f.CameraID+f.Kind+string(f.Severity)) {
		return nil, "", err
	}
	var rows []alertRow
	err = q.page(ctx, &rows, s, f.AreaID, byLastAt, f.Page, limit, func(sel *bun.SelectQuery) *bun.SelectQuery {
		sel = equal(sel, "grid_id", f.GridID)
		sel = equal(sel, "camera_id", f.CameraID)
		sel = equal(sel, "kind", f.Kind)
		sel = equal(sel, "severity", string(f.Severity))
		return between(sel, "last_at", f.Since, f.Until)
	})
	if err != nil {
		return nil, "", err
	}
	out, next := list(rows, limit, byLastAt,
		func(r alertRow) (string, string) { return strconv.FormatInt(r.LastAt, 10), r.ID }, alertRow.value)
	return out, next, nil
}

// Alert returns one alert.
func (q queries) Alert(ctx context.Context, s alerts.Scope, id string) (alerts.Alert, error) {
	var r alertRow
	if err := q.one(ctx, s, &r, "alert", "id", id); err != nil {
		return alerts.Alert{}, err
	}
	return r.value(), nil
}

// Events returns events after since in order; see alerts.Reader.
func (q queries) Events(ctx context.Context, s alerts.Scope, since int64, limit int) ([]alerts.Event, int64, error) {
	if nowhere(s) || limit <= 0 {
		return nil, since, nil
	}
	// The newest number is read first: what comes in between is left for the
	// next call, never skipped.
	_, newest, err := q.Seqs(ctx)
	if err != nil {
		return nil, 0, err
	}
	var rows []eventRow
	sel := q.db.NewSelect().Model(&rows).Where("r.seq > ? AND r.seq <= ?", since, newest).OrderExpr("r.seq").Limit(int64(limit))
	if !s.Everything() {
		where, args := pathRanges("r.area_path", s.Paths)
		sel = sel.Where("("+where+" OR r.kind = ?)", append(args, string(alerts.RulesChanged))...)
	}
	if err := sel.Scan(q.ctx(ctx)); err != nil {
		return nil, 0, fmt.Errorf("store: list events: %w", classify(err))
	}
	out := make([]alerts.Event, len(rows))
	for i, r := range rows {
		out[i] = r.value()
	}
	if len(out) == limit {
		newest = out[limit-1].Seq
	}
	return out, newest, nil
}

// Seqs returns the numbers of the oldest kept and the newest event.
func (q queries) Seqs(ctx context.Context) (oldest, newest int64, err error) {
	row := q.db.QueryRowContext(q.ctx(ctx), "SELECT COALESCE((SELECT MIN(seq) FROM events), 0), COALESCE((SELECT MAX(seq) FROM events), 0)")
	if err := row.Scan(&oldest, &newest); err != nil {
		return 0, 0, fmt.Errorf("store: read event numbers: %w", classify(err))
	}
	return oldest, newest, nil
}
