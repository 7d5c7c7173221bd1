package main

import (
	"context"
	"errors"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/api"
	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

// recordings shows what was recorded to the API.
type recordings struct{ rec *record.Recorder }

// Find implements api.Recordings.
func (r recordings) Find(camera, profile string, from, to time.Time) ([]api.RecordedRange, []api.RecordedGap) {
	ranges, gaps := r.rec.Find(camera, streams.Profile(profile), from, to)
	var out []api.RecordedRange
	for _, v := range ranges {
		out = append(out, api.RecordedRange{From: inMillis(v.From), To: inMillis(v.To)})
	}
	var missing []api.RecordedGap
	for _, g := range gaps {
		missing = append(missing, api.RecordedGap{From: inMillis(g.From), To: inMillis(g.To), Cause: g.Cause.String()})
	}
	return out, missing
}

// Play implements api.Recordings.
func (r recordings) Play(ctx context.Context, req api.FilmRequest) (api.Film, error) {
	run, err := r.rec.Play(ctx, record.PlayRequest{Camera: req.Camera, Profile: streams.Profile(req.Profile), At: req.At, Length: req.Length, Epoch: req.Epoch})
	switch {
	case errors.Is(err, record.ErrNothing):
		return nil, &alerts.Error{Kind: alerts.NotFound, Message: "at: " + err.Error(), Faults: []alerts.Fault{{Field: "at", Message: err.Error()}}}
	case errors.Is(err, record.ErrEpoch):
		return nil, alerts.InvalidField("epoch", "must lie at or before the first picture, which is a key frame before at; one some minutes earlier always does")
	case err != nil:
		return nil, err
	}
	return film{run}, nil
}

// KeyFrames implements api.Recordings.
func (r recordings) KeyFrames(ctx context.Context, camera, profile string, before time.Time, n int) ([]time.Time, error) {
	return r.rec.KeyFrames(ctx, camera, streams.Profile(profile), before, n)
}

// film is a run as the API sends it.
type film struct{ *record.Run }

// Info implements api.Film.
func (f film) Info() api.FilmInfo {
	return api.FilmInfo{Codecs: f.Codecs, Sound: string(f.Sound), From: f.From, To: f.To, Next: f.Next}
}
