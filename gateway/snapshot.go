package main

import (
	"context"
	"encoding/json"

	"sharpeyes/alerts"
	"sharpeyes/gateway/live"
)

// snapshot hands the desk's snapshot to the live socket as JSON.
func (a *app) snapshot(ctx context.Context, s alerts.Scope) (live.Snapshot, error) {
	from, err := a.desk.Snapshot(ctx, s)
	if err != nil {
		return live.Snapshot{}, err
	}
	out := live.Snapshot{Seq: from.Seq}
	if out.Cameras, err = rawList(from.Cameras); err != nil {
		return out, err
	}
	if out.Incidents, err = rawList(from.Incidents); err != nil {
		return out, err
	}
	out.Alerts, err = rawList(from.Alerts)
	return out, err
}

func rawList[T any](list []T) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, len(list))
	for i, v := range list {
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out[i] = raw
	}
	return out, nil
}
