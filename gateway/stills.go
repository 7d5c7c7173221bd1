package main

import (
	"context"
	"errors"
	"fmt"

	"sharpeyes/alerts"
	"sharpeyes/gateway/api"
	"sharpeyes/streams"
	"sharpeyes/streams/still"
)

// stills gives last pictures for the API: of what is pulled anyway, else by a
// glance at the camera. A camera that rests has no picture here.
type stills struct {
	fleet   *streams.Fleet
	shots   *still.Snapshots
	glances *glances
}

func newStills(fleet *streams.Fleet) *stills {
	return &stills{fleet: fleet, shots: still.NewSnapshots(), glances: newGlances(fleet)}
}

// close ends what runs; requests must have ended before.
func (s *stills) close() {
	s.shots.Close()
	s.glances.close()
}

// KeyFrame implements api.Stills.
func (s *stills) KeyFrame(ctx context.Context, req api.StillRequest) (api.Still, error) {
	f, profile, err := s.find(ctx, req)
	if err != nil {
		return api.Still{}, err
	}
	film, err := still.MP4(f)
	if err != nil {
		return api.Still{}, stillError(err)
	}
	return stillOf(f, profile, film), nil
}

// Snapshot implements api.Stills.
func (s *stills) Snapshot(ctx context.Context, req api.StillRequest) (api.Still, error) {
	if err := s.shots.Ready(); err != nil {
		return api.Still{}, stillError(err) // before a camera is called in vain
	}
	f, profile, err := s.find(ctx, req)
	if err != nil {
		return api.Still{}, err
	}
	shot, err := s.shots.Of(ctx, req.Camera+"/"+string(profile), f)
	if err != nil {
		return api.Still{}, stillError(err)
	}
	return stillOf(shot.Of, profile, shot.JPEG), nil
}

func stillOf(f *streams.Frame, profile streams.Profile, data []byte) api.Still {
	return api.Still{Data: data, Profile: string(profile), Codec: string(f.Desc.Video), At: f.At,
		Tag: fmt.Sprintf("%s-%x-%x", profile, f.At.UnixNano(), f.PTS)}
}

// find returns the newest key frame of a live stream, else the newest that is
// kept, else that of a stream which is called for it: one that is being pulled
// before one that is not, the sub stream before the main one.
func (s *stills) find(ctx context.Context, req api.StillRequest) (*streams.Frame, streams.Profile, error) {
	var newest *streams.Frame
	var of, call streams.Profile
	called := false // call is being pulled
	for _, p := range s.profiles(req) {
		hub, pulled := s.fleet.Hub(req.Camera, p)
		if hub == nil {
			continue
		}
		f := hub.KeyFrame()
		if f != nil && hub.Status().State == streams.Live {
			return f, p, nil
		}
		if f != nil && (newest == nil || f.At.After(newest.At)) {
			newest, of = f, p
		}
		if call == "" || pulled && !called {
			call, called = p, pulled
		}
	}
	switch {
	case newest != nil:
		return newest, of, nil
	case call == "":
		return nil, "", alerts.Errorf(alerts.Unavailable, "the camera is switched off")
	}
	f, err := s.glances.look(ctx, req.Camera, call)
	return f, call, err
}

// profiles lists what a request may be answered with. A camera without a sub
// stream answers with its main one.
func (s *stills) profiles(req api.StillRequest) []streams.Profile {
	sub, _ := s.fleet.Hub(req.Camera, streams.Sub)
	switch {
	case sub == nil || req.Profile == string(streams.Main):
		return []streams.Profile{streams.Main}
	case req.Profile == string(streams.Sub):
		return []streams.Profile{streams.Sub}
	}
	return []streams.Profile{streams.Sub, streams.Main}
}

// stillError gives the errors of pictures their kinds.
func stillError(err error) error {
	switch {
	case errors.Is(err, still.ErrNoFFmpeg):
		return alerts.Errorf(alerts.Unsupported, "snapshot.jpg needs ffmpeg, which is not installed on the server; keyframe.mp4 works without it")
	case errors.Is(err, still.ErrBusy):
		return &alerts.Error{Kind: alerts.TooMany, Message: "too many snapshots are being made; try again", Err: err}
	case errors.Is(err, still.ErrNoPicture):
		return &alerts.Error{Kind: alerts.Unavailable, Message: "the camera's last key frame cannot be shown", Err: err}
	case errors.Is(err, still.ErrClosed):
		return alerts.Errorf(alerts.Unavailable, "the gateway is going down")
	}
	return err
}
