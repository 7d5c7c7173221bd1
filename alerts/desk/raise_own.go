package desk

import (
	"context"

	"sharpeyes/alerts"
)

// ownSource is the source of the alarms of the gateway itself.
const ownSource = "gateway"

// RaiseOwn raises an alarm of the gateway itself for the whole town, at its
// middle. The same external id is counted once. It is for main alone.
func (d *Desk) RaiseOwn(ctx context.Context, kind, externalID string, severity alerts.Severity, text string) error {
	t := d.known.places()
	var root alerts.Area
	for _, a := range t.areas {
		if a.ParentID == "" && (root.ID == "" || a.Path < root.Path) {
			root = a
		}
	}
	if root.ID == "" {
		return alerts.Errorf(alerts.Unavailable, "there is no area yet that an alarm could be raised for")
	}
	middle := t.areaView(root).Center
	a := alerts.Alert{ID: alerts.NewID(d.now()), SourceID: ownSource, SourceName: "雪亮网关 gateway", ExternalID: externalID, Kind: kind, Key: ownSource + "|" + kind + "|" + externalID,
		Severity: severity, Text: text, Point: alerts.Point{Lon: middle[0], Lat: middle[1]}, AreaID: root.ID, AreaPath: root.Path, Count: 1}
	_, err := d.raising.join(ctx, a, d.count)
	return err
}
