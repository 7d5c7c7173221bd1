package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"sharpeyes/alerts"
	"sharpeyes/gateway/api"
	"sharpeyes/streams"
	"sharpeyes/streams/transcode"
	"sharpeyes/streams/whep"
)

// video opens viewers for the API: it finds the stream and speaks the API's
// error kinds.
type video struct {
	fleet      *streams.Fleet
	whep       *whep.Server
	transcodes *transcode.Pool
	log        *slog.Logger
}

// viewer is a whep.Viewer with what the API asks of it.
type viewer struct {
	*whep.Viewer
	answer string
	choice choice
}

// Answer is our SDP.
func (v viewer) Answer() string { return v.answer }

// Profile is the stream that is sent.
func (v viewer) Profile() string { return string(v.choice.profile) }

// Codec is the camera's; empty: it is not known yet.
func (v viewer) Codec() string { return string(v.choice.codec) }

// Transcoded tells whether another codec is sent than the camera's.
func (v viewer) Transcoded() bool { return v.choice.transcoded }

// Patch implements api.Viewer.
func (v viewer) Patch(ctx context.Context, fragment string) (string, error) {
	answer, err := v.Viewer.Patch(ctx, fragment)
	return answer, videoError(err)
}

// Open answers as soon as it is known what the camera sends, also for a camera
// that is only being called: ICE and DTLS are done by the time its first key
// frame comes.
func (v video) Open(ctx context.Context, req api.ViewRequest) (api.Viewer, error) {
	takes, err := whep.Accepts(req.Offer)
	if err != nil {
		return nil, videoError(err)
	}
	c, err := v.pick(ctx, req.Camera, streams.Profile(req.Profile), takes)
	if err != nil {
		return nil, err
	}
	w, answer, err := v.whep.View(reached(ctx), c.hub, req.Offer, func() {
		c.release()
		req.Ended()
	})
	if err != nil {
		return nil, videoError(err)
	}
	return viewer{w, answer, c}, nil
}

// prepared is a viewer that waits for a camera.
type prepared struct {
	*whep.Viewer
	video  video
	answer string
	takes  whep.Accepted
}

// Answer is our SDP.
func (p prepared) Answer() string { return p.answer }

// Patch implements api.Prepared.
func (p prepared) Patch(ctx context.Context, fragment string) (string, error) {
	answer, err := p.Viewer.Patch(ctx, fragment)
	return answer, videoError(err)
}

// Show implements api.Prepared.
func (p prepared) Show(ctx context.Context, camera, profile string, confirm func(string) error) (api.Viewer, error) {
	c, err := p.video.pick(ctx, camera, streams.Profile(profile), p.takes)
	if err != nil {
		return nil, err
	}
	if err := confirm(string(c.profile)); err != nil {
		c.release()
		return nil, err
	}
	if err := p.Viewer.Show(c.hub, c.release); err != nil {
		return nil, videoError(err)
	}
	return viewer{p.Viewer, p.answer, c}, nil
}

// Prepare connects a viewer whose camera is named later.
func (v video) Prepare(ctx context.Context, offer string, ended func()) (api.Prepared, error) {
	takes, err := whep.Accepts(offer)
	if err != nil {
		return nil, videoError(err)
	}
	w, answer, err := v.whep.Prepare(reached(ctx), offer, ended)
	if err != nil {
		return nil, videoError(err)
	}
	return prepared{w, v, answer, takes}, nil
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
	case errors.Is(err, whep.ErrShown):
		kind = alerts.Conflict
	case errors.Is(err, whep.ErrClosed):
		kind = alerts.NotFound
	default:
		return err
	}
	return &alerts.Error{Kind: kind, Message: err.Error()}
}
