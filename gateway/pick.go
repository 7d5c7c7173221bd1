package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/streams"
	"sharpeyes/streams/transcode"
	"sharpeyes/streams/whep"
)

// describeTime is how long a camera that is only being called may take to say
// what it sends. After that a viewer gets what comes.
const describeTime = 3 * time.Second

// The codes of the faults that the dashboard translates.
const (
	h265NotTaken   = "h265_not_taken"
	transcodesFull = "transcodes_full"
)

// choice is a stream for a viewer.
type choice struct {
	hub        *streams.Hub
	release    func()
	profile    streams.Profile
	codec      streams.Codec // the camera's; empty: not known yet
	transcoded bool
}

// pick finds the stream for an offer: the asked profile where the offer takes its
// codec, else the other one where it takes that, else a transcode of the asked
// one, shared with all who need it.
func (v video) pick(ctx context.Context, camera string, asked streams.Profile, takes whep.Accepted) (choice, error) {
	hub, release, err := v.fleet.Acquire(camera, asked)
	if errors.Is(err, streams.ErrUnknown) {
		return choice{}, alerts.Errorf(alerts.Unavailable, "the camera is switched off")
	}
	if err != nil {
		return choice{}, err
	}
	c := choice{hub: hub, release: release, profile: hub.Status().Profile}
	desc := describe(ctx, hub, describeTime)
	if why := noPicture(hub.Status()); why != "" {
		release()
		return choice{}, alerts.Errorf(alerts.Unavailable, "the camera has no picture: %s", why)
	}
	if desc == nil {
		return c, nil
	}
	c.codec = desc.Video
	if !whole(takes, desc) {
		if other, d := v.other(ctx, camera, c.profile, takes); d != nil {
			release()
			c, desc = other, d
		} else if c, err = v.inH264(c, desc, takes); err != nil {
			return choice{}, err
		}
	}
	return v.withSound(c, desc, takes), nil
}

// describe waits for what a stream carries; nil: it did not say in time.
func describe(ctx context.Context, hub *streams.Hub, wait time.Duration) *streams.Desc {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return hub.Desc(ctx)
}

// whole reports whether an offer takes every picture of a stream as it is.
func whole(takes whep.Accepted, d *streams.Desc) bool { return takes.Takes(d) && !d.BPyramid }

// other finds a camera's other profile, where the offer takes it, with what it
// carries. One that was never pulled is asked.
func (v video) other(ctx context.Context, camera string, not streams.Profile, takes whep.Accepted) (choice, *streams.Desc) {
	p := streams.Sub
	if not == streams.Sub {
		p = streams.Main
	}
	hub, _ := v.fleet.Hub(camera, p)
	if hub == nil {
		return choice{}, nil
	}
	desc := describe(ctx, hub, 0)
	if desc == nil {
		_, done, err := v.fleet.Glance(camera, p)
		if err != nil {
			return choice{}, nil
		}
		desc = describe(ctx, hub, describeTime)
		defer done()
	}
	if !whole(takes, desc) || noPicture(hub.Status()) != "" {
		return choice{}, nil
	}
	hub, release, err := v.fleet.Acquire(camera, p)
	if err != nil {
		return choice{}, nil
	}
	return choice{hub: hub, release: release, profile: p, codec: desc.Video}, desc
}

// withSound has AAC turned into Opus for who wants sound. A camera whose sound
// cannot be had still shows its picture.
func (v video) withSound(c choice, d *streams.Desc, takes whep.Accepted) choice {
	if d.Audio != streams.AAC || !slices.Contains(takes.Audio, streams.Opus) {
		return c
	}
	hub, release, err := v.transcodes.Acquire(c.hub, c.release, streams.Opus)
	if err != nil {
		v.log.Debug("a camera's sound cannot be had", "camera", c.hub.Status().Camera, "error", err)
		return c
	}
	c.hub, c.release = hub, release
	return c
}

// inH264 turns a picture that is not taken, or not whole, into one that is.
func (v video) inH264(c choice, d *streams.Desc, takes whep.Accepted) (choice, error) {
	if !slices.Contains(takes.Video, streams.H264) {
		c.release()
		return choice{}, &alerts.Error{Kind: alerts.Unsupported, Message: fmt.Sprintf("the camera sends %s, which this browser does not take", d.Video)}
	}
	hub, release, err := v.transcodes.Acquire(c.hub, c.release, streams.H264)
	switch {
	case err == nil:
		c.hub, c.release, c.transcoded = hub, release, true
		return c, nil
	case takes.Takes(d): // a pyramid of B-pictures: few of them can be shown
		return c, nil
	}
	c.release()
	what := "the camera sends H.265, which this browser does not take, and "
	switch {
	case errors.Is(err, transcode.ErrBusy):
		return choice{}, &alerts.Error{Kind: alerts.Unavailable, Err: err, Faults: []alerts.Fault{{Field: "codec", Message: transcodesFull}},
			Message: fmt.Sprintf("%s%s; close a picture that is being transcoded, or set this camera to H.264", what, err)}
	case errors.Is(err, transcode.ErrMissing):
		what += "ffmpeg is not installed"
	default:
		what += "ffmpeg cannot transcode it"
	}
	return choice{}, &alerts.Error{Kind: alerts.Unsupported, Message: what, Faults: []alerts.Fault{{Field: "codec", Message: h265NotTaken}}}
}
