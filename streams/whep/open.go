package whep

import (
	"context"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// View makes a viewer of an offer and returns the answer with our candidates in
// it. release is called when the viewer has ended, also when View fails. Errors
// are ErrMalformed, ErrNoCodec, ErrTooMany and ErrClosed, wrapped.
func (s *Server) View(ctx context.Context, hub *streams.Hub, offer string, release func()) (v *Viewer, answer string, err error) {
	v, answer, err = s.prepare(ctx, offer, 0, func() {})
	if err != nil {
		release()
		return nil, "", err
	}
	_ = v.Show(hub, release) // nobody else knows of it
	s.wg.Go(v.run)
	return v, answer, nil
}

// Prepare makes a viewer that is shown nothing yet: its ICE and DTLS are done
// when somebody says what it wants to see. It leaves places to those who know,
// and says ErrTooMany sooner than View. ended is called when it has ended.
func (s *Server) Prepare(ctx context.Context, offer string, ended func()) (v *Viewer, answer string, err error) {
	v, answer, err = s.prepare(ctx, offer, (s.MaxViewers+3)/4, ended)
	if err != nil {
		return nil, "", err
	}
	s.wg.Go(v.run)
	return v, answer, nil
}

// Show has a prepared viewer receive a stream, once. release is called when the
// viewer has ended, also when Show fails. Errors are ErrClosed and ErrShown.
func (v *Viewer) Show(hub *streams.Hub, release func()) error {
	v.mu.Lock()
	err := v.show(hub, release)
	v.mu.Unlock()
	if err != nil {
		release()
	}
	return err
}

func (v *Viewer) show(hub *streams.Hub, release func()) error {
	switch {
	case v.over:
		return ErrClosed
	case v.hub != nil:
		return ErrShown
	}
	v.hub, v.release = hub, release
	close(v.shown)
	return nil
}

func (s *Server) prepare(ctx context.Context, offer string, spare int, ended func()) (v *Viewer, answer string, err error) {
	wantAudio, err := checkOffer(offer)
	if err != nil {
		return nil, "", err
	}
	if err := s.reserve(spare); err != nil {
		return nil, "", err
	}
	arrived := s.arrive()
	v, answer, err = s.negotiate(ctx, offer, wantAudio)
	if err != nil {
		arrived()
		_ = s.settle(nil)
		return nil, "", err
	}
	v.arrived, v.ended = arrived, ended
	if err := s.settle(v); err != nil {
		arrived()
		_ = v.pc.Close()
		s.forget(v)
		return nil, "", err
	}
	return v, answer, nil
}

// arrive has the front wait for every packet until a viewer is connected, or has
// failed to be: then what it returns is called.
func (s *Server) arrive() (arrived func()) {
	s.connecting.Add(1)
	select {
	case s.arriving <- struct{}{}:
	default: // it is being woken
	}
	return func() { s.connecting.Add(-1) }
}

func (s *Server) negotiate(ctx context.Context, offer string, wantAudio bool) (*Viewer, string, error) {
	v := &Viewer{server: s, shown: make(chan struct{}), connected: make(chan struct{}), done: make(chan struct{}), holds: true}
	v.offer, v.held = takeCandidates(offer)
	api, err := s.api(&v.keys, strings.Contains(offer, "\na=setup:passive"), reachOf(v.held))
	if err != nil {
		return nil, "", err
	}
	pc, err := api.NewPeerConnection(s.config)
	if err != nil {
		return nil, "", fmt.Errorf("new peer connection: %w", err)
	}
	v.pc = pc
	v.life, v.cancel = context.WithCancel(context.Background())
	v.video = newTrack(webrtc.RTPCodecTypeVideo)
	if wantAudio {
		v.audio = newTrack(webrtc.RTPCodecTypeAudio)
	}
	answer, err := v.answerFirst(ctx)
	if err != nil {
		_ = pc.Close()
		s.forget(v)
		return nil, "", err
	}
	return v, answer, nil
}
