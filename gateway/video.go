package main

import (
	"context"
	"errors"
	"net"
	"net/http"

	"sharpeyes/alerts"
	"sharpeyes/gateway/api"
	"sharpeyes/streams"
	"sharpeyes/streams/whep"
)

// video opens viewers for the API: it finds the stream and speaks the API's
// error kinds.
type video struct {
	fleet *streams.Fleet
	whep  *whep.Server
}

// viewer is a whep.Viewer with what the API asks of it.
type viewer struct {
	*whep.Viewer
	answer  string
	profile streams.Profile
}

// Answer is our SDP.
func (v viewer) Answer() string { return v.answer }

// Profile is the stream that is sent.
func (v viewer) Profile() string { return string(v.profile) }

// Patch implements api.Viewer.
func (v viewer) Patch(ctx context.Context, fragment string) (string, error) {
	answer, err := v.Viewer.Patch(ctx, fragment)
	return answer, videoError(err)
}

// Open answers at once, also for a camera that is only being called: ICE and
// DTLS are done by the time its first key frame comes.
func (v video) Open(ctx context.Context, req api.ViewRequest) (api.Viewer, error) {
	hub, release, err := v.fleet.Acquire(req.Camera, streams.Profile(req.Profile))
	if errors.Is(err, streams.ErrUnknown) {
		return nil, alerts.Errorf(alerts.Unavailable, "the camera is switched off")
	}
	if err != nil {
		return nil, err
	}
	st := hub.Status()
	if why := noPicture(st); why != "" {
		release()
		return nil, alerts.Errorf(alerts.Unavailable, "the camera has no picture: %s", why)
	}
	w, answer, err := v.whep.View(reached(ctx), hub, req.Offer, func() {
		release()
		req.Ended()
	})
	if err != nil {
		return nil, videoError(err)
	}
	return viewer{w, answer, st.Profile}, nil
}

// reached passes on which of our addresses the request came to.
func reached(ctx context.Context) context.Context {
	if at, ok := ctx.Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return whep.Reached(ctx, at.AddrPort().Addr())
	}
	return ctx
}

// noPicture tells, in words, why a stream cannot be shown now; empty: it can,
// or is about to.
func noPicture(st streams.Status) string {
	switch st.State {
	case streams.Refused, streams.Unreachable, streams.Silent:
		if st.Detail != "" {
			return st.Detail
		}
		return string(st.State)
	}
	return ""
}

func videoError(err error) error {
	kind := alerts.Internal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, whep.ErrMalformed):
		kind = alerts.Invalid
	case errors.Is(err, whep.ErrNoCodec):
		kind = alerts.Unsupported
	case errors.Is(err, whep.ErrTooMany):
		kind = alerts.TooMany
	case errors.Is(err, whep.ErrClosed):
		kind = alerts.NotFound
	default:
		return err
	}
	return &alerts.Error{Kind: kind, Message: err.Error()}
}
