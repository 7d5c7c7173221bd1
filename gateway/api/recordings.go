package api

import (
	"context"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// Recordings finds and plays what was recorded. The caller has seen to it that
// the camera may be seen. Error kinds: NotFound where nothing is recorded,
// Invalid for an epoch after the first picture.
type Recordings interface {
	Find(camera, profile string, from, to time.Time) ([]RecordedRange, []RecordedGap)
	Play(ctx context.Context, req FilmRequest) (Film, error)
	// KeyFrames returns the times of key frames before a time, the latest first.
	KeyFrames(ctx context.Context, camera, profile string, before time.Time, n int) ([]time.Time, error)
}

// RecordedRange is a time that is recorded without a gap.
type RecordedRange struct {
	From time.Time `json:"from" doc:"Beginning"`
	To   time.Time `json:"to" doc:"End"`
}

// RecordedGap is a time that is not recorded, though something was before it.
type RecordedGap struct {
	From  time.Time `json:"from" doc:"Beginning"`
	To    time.Time `json:"to" doc:"End"`
	Cause string    `json:"cause" enum:"offline,disk,restart,behind,clock,deleted,stopped,broken" doc:"Why: the camera sent nothing; it could not be written; the gateway was not running; it did not keep up; its clock was set; it was deleted; nobody asked to record; the camera's time stamps were of no use"`
}

// Recorded is what there is of one camera.
type Recorded struct {
	Camera  string          `json:"camera" doc:"Identifier of the camera"`
	Profile string          `json:"profile" enum:"main,sub" doc:"Which stream"`
	Ranges  []RecordedRange `json:"ranges" nullable:"false" doc:"What is there, by time"`
	Gaps    []RecordedGap   `json:"gaps" nullable:"false" doc:"What is missing after the first of it, by time"`
}

// Timeline is what there is of some cameras, and what happened.
type Timeline struct {
	Items  []Recorded       `json:"items" nullable:"false" doc:"The cameras, as they were named"`
	Alerts []desk.AlarmMark `json:"alerts" nullable:"false" doc:"Alarms of these cameras that the caller may read, by time; at most 500"`
	Cases  []desk.CaseMark  `json:"cases" nullable:"false" doc:"Cases near these cameras that the caller may read, by time; at most 500"`
}

// RecordingsQuery asks what is recorded.
type RecordingsQuery struct {
	Cameras []string  `query:"camera,explode" required:"true" minItems:"1" maxItems:"16" doc:"Identifier of a camera; up to 16, each as a parameter of its own"`
	From    time.Time `query:"from" required:"true" doc:"Beginning"`
	To      time.Time `query:"to" required:"true" doc:"End, at most 31 days later"`
	Profile string    `query:"profile" enum:"main,sub" default:"main" doc:"Which stream"`
}

func (a *API) registerRecordings() {
	handle(a, a.operation("GET", "/api/v1/recordings", "recordings", "Recordings", "What is recorded of cameras, what is missing and why, and what happened then"),
		func(ctx context.Context, in *RecordingsQuery) (*struct{ Body Timeline }, error) {
			alarms, cases, err := a.desk.Happenings(ctx, scopeOf(ctx), in.Cameras, in.From, in.To)
			if err != nil {
				return nil, err
			}
			if a.deps.Recordings == nil {
				return nil, errNoRecordings()
			}
			out := Timeline{Alerts: alarms, Cases: cases}
			for _, camera := range in.Cameras {
				r := Recorded{Camera: camera, Profile: in.Profile, Ranges: []RecordedRange{}, Gaps: []RecordedGap{}}
				ranges, gaps := a.deps.Recordings.Find(camera, in.Profile, in.From, in.To)
				r.Ranges, r.Gaps = append(r.Ranges, ranges...), append(r.Gaps, gaps...)
				out.Items = append(out.Items, r)
			}
			return &struct{ Body Timeline }{out}, nil
		})
	a.registerPlaybacks()
}

func errNoRecordings() error {
	return alerts.Errorf(alerts.Unavailable, "nothing is recorded here")
}
