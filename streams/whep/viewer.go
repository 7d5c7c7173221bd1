package whep

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// Viewer is one browser that receives one stream.
type Viewer struct {
	server  *Server
	pc      *webrtc.PeerConnection
	hub     *streams.Hub
	release func()
	video   *track
	audio   *track // nil: the offer takes no sound

	connected chan struct{} // closed once
	silent    atomic.Bool   // the peer has not been heard for disconnectedAfter
	woken     chan struct{} // one slot: it is heard again
	once      sync.Once
	life      context.Context // ends with the viewer
	cancel    context.CancelFunc
	done      chan struct{}

	mu    sync.Mutex // guards offer and the negotiation
	offer string
}

// View makes a viewer of an offer and returns the answer with our candidates in
// it. release is called when the viewer has ended, also when View fails. Errors
// are ErrMalformed, ErrNoCodec, ErrTooMany and ErrClosed, wrapped.
func (s *Server) View(ctx context.Context, hub *streams.Hub, offer string, release func()) (v *Viewer, answer string, err error) {
	defer func() {
		if err != nil {
			release()
		}
	}()
	wantAudio, err := checkOffer(offer)
	if err != nil {
		return nil, "", err
	}
	if err := s.reserve(); err != nil {
		return nil, "", err
	}
	v, answer, err = s.negotiate(ctx, hub, offer, wantAudio)
	if err != nil {
		_ = s.settle(nil)
		return nil, "", err
	}
	v.release = release
	if err := s.settle(v); err != nil {
		_ = v.pc.Close()
		return nil, "", err
	}
	s.wg.Go(v.run)
	return v, answer, nil
}

func (s *Server) negotiate(ctx context.Context, hub *streams.Hub, offer string, wantAudio bool) (*Viewer, string, error) {
	pc, err := s.api.NewPeerConnection(s.config)
	if err != nil {
		return nil, "", fmt.Errorf("new peer connection: %w", err)
	}
	v := &Viewer{server: s, pc: pc, hub: hub, offer: offer, connected: make(chan struct{}), woken: make(chan struct{}, 1),
		done: make(chan struct{})}
	v.life, v.cancel = context.WithCancel(context.Background())
	v.video = newTrack(webrtc.RTPCodecTypeVideo)
	if wantAudio {
		v.audio = newTrack(webrtc.RTPCodecTypeAudio)
	}
	answer, err := v.answerFirst(ctx)
	if err != nil {
		_ = pc.Close()
		return nil, "", err
	}
	return v, answer, nil
}

func (v *Viewer) answerFirst(ctx context.Context) (string, error) {
	for _, t := range []*track{v.video, v.audio} {
		if t == nil {
			continue
		}
		s, err := v.pc.AddTrack(t)
		if err != nil {
			return "", fmt.Errorf("add track: %w", err)
		}
		t.rtp = s
	}
	v.pc.OnConnectionStateChange(v.onState)
	return v.answer(ctx, v.offer)
}

// answer applies an offer and returns the answer with all our candidates.
func (v *Viewer) answer(ctx context.Context, offer string) (string, error) {
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	answer, err := v.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoCodec, err)
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	if err := v.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return v.pc.LocalDescription().SDP, nil
}

func (v *Viewer) onState(st webrtc.PeerConnectionState) {
	switch st {
	case webrtc.PeerConnectionStateConnected:
		v.once.Do(func() { close(v.connected) })
		if v.silent.Swap(false) {
			select {
			case v.woken <- struct{}{}:
			default:
			}
		}
	case webrtc.PeerConnectionStateDisconnected:
		v.silent.Store(true) // asleep, on another network, or gone: nothing is sent into the void
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		v.cancel()
	}
}

// run sends until the viewer ends, then tidies up.
func (v *Viewer) run() {
	ctx := v.life
	defer close(v.done)
	defer v.server.forget(v)
	defer v.release()
	defer func() { _ = v.pc.Close() }()
	timeout := time.NewTimer(ConnectTimeout)
	defer timeout.Stop()
	select {
	case <-v.connected:
	case <-timeout.C:
		return
	case <-v.hub.Gone():
		return
	case <-ctx.Done():
		return
	}
	feedback := make(chan request, 64)
	var wg sync.WaitGroup
	for _, t := range []*track{v.video, v.audio} {
		if t != nil {
			wg.Go(func() { t.readFeedback(feedback) })
		}
	}
	newSender(v).run(ctx, feedback)
	_ = v.pc.Close() // ends the feedback readers
	wg.Wait()
}

// Done is closed when the viewer has ended.
func (v *Viewer) Done() <-chan struct{} { return v.done }

// Close ends the viewer and waits for it.
func (v *Viewer) Close() {
	v.cancel()
	<-v.done
}
