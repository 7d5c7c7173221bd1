package desk

import (
	"context"

	"sharpeyes/alerts"
)

// Snapshot returns what a dashboard starts from, as far as the scope's rights go.
func (d *Desk) Snapshot(ctx context.Context, s alerts.Scope) (Snapshot, error) {
	// The cameras are those as of Seq; the lists are read after it.
	cameras, seq := d.known.within(s)
	out := Snapshot{Seq: seq}
	since := d.now().Add(-SnapshotSpan)
	page := alerts.Page{Limit: SnapshotLimit}
	if s.Can(alerts.ViewMap) {
		out.Cameras = cameras
	}
	if s.Can(alerts.ReadIncidents) {
		list, _, err := d.Incidents(ctx, s, alerts.IncidentFilter{Since: since, Page: page})
		if err != nil {
			return Snapshot{}, err
		}
		out.Incidents = list
	}
	if s.Can(alerts.ReadAlerts) {
		list, _, err := d.Alerts(ctx, s, alerts.AlertFilter{Since: since, Page: page})
		if err != nil {
			return Snapshot{}, err
		}
		out.Alerts = list
	}
	return out, nil
}
