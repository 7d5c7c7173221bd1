package whep

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// Viewer is one browser that receives one stream.
type Viewer struct {
	server  *Server
	pc      *webrtc.PeerConnection
	arrived func()        // is called once ICE and DTLS are done, or have failed
	ended   func()        // is called once the viewer has ended
	shown   chan struct{} // closed once hub is known
	hub     *streams.Hub  // set once
	release func()        // of hub
	video   *track
	audio   *track // nil: the offer takes no sound

	keys      keyring
	to        atomic.Pointer[destination]
	sender    atomic.Pointer[sender] // set once connected
	connected chan struct{}          // closed once
	ear       atomic.Pointer[ear]    // set where media goes around pion
	settled   atomic.Bool            // ICE is connected, and no new way is looked for
	away      atomic.Bool            // no check of the peer has come for disconnectedAfter
	heardAt   atomic.Int64           // its last RTCP, by clock
	askedAt   atomic.Int64           // our last check, by clock
	once      sync.Once
	life      context.Context // ends with the viewer
	cancel    context.CancelFunc
	done      chan struct{}

	ufrags    []string         // ours; guarded by server.mu
	addresses []netip.AddrPort // where checks came from; guarded by server.mu

	mu    sync.Mutex // guards what follows, and the negotiation
	offer string
	held  []webrtc.ICECandidateInit // of the peer's, until holdCandidates is over
	holds bool

	handed   []string // the addresses that pion was given to check
	restarts int
	over     bool
}

func (v *Viewer) answerFirst(ctx context.Context) (string, error) {
	for _, t := range v.tracks() {
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
	full := v.pc.LocalDescription().SDP
	v.server.know(v, full)
	return v.server.withAddresses(ctx, full), nil
}

func (v *Viewer) onState(st webrtc.PeerConnectionState) {
	v.settled.Store(st == webrtc.PeerConnectionStateConnected)
	switch st {
	case webrtc.PeerConnectionStateConnected:
		v.once.Do(func() { close(v.connected) })
		slept := v.asleep()
		v.away.Store(false)
		v.rouse(slept)
	case webrtc.PeerConnectionStateDisconnected:
		v.away.Store(true)
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		v.cancel()
	}
}

// run sends until the viewer ends, then tidies up.
func (v *Viewer) run() {
	defer close(v.done)
	defer v.server.forget(v)
	defer v.finish()
	defer func() { _ = v.pc.Close() }()
	connected := v.connect()
	v.arrived()
	if !connected || !v.waitForStream() {
		return
	}
	sender, ok := v.newSender()
	if !ok {
		return
	}
	v.server.join(sender)
	v.sender.Store(sender)
	var wg sync.WaitGroup
	if sender.open != nil {
		v.ear.Store(&ear{context: sender.open, tracks: v.tracks(), ask: sender.ask})
	} else {
		for _, t := range v.tracks() {
			wg.Go(func() { t.readFeedback(sender.ask) })
		}
	}
	select {
	case <-v.hub.Gone():
	case <-v.life.Done():
	}
	_ = v.pc.Close() // ends the feedback readers, and a sender that is blocked
	sender.leave()
	wg.Wait()
}

// finish gives back what the viewer held.
func (v *Viewer) finish() {
	v.mu.Lock()
	v.over = true
	release := v.release
	v.mu.Unlock()
	if release != nil {
		release()
	}
	v.ended()
}

// waitForStream waits until it is known what is to be seen.
func (v *Viewer) waitForStream() bool {
	select {
	case <-v.shown:
		return true
	case <-v.life.Done():
		return false
	}
}

// gone is closed when the camera of the viewer, if it has one, is there no more.
func (v *Viewer) gone() <-chan struct{} {
	select {
	case <-v.shown:
		return v.hub.Gone()
	default:
		return nil
	}
}

// connect waits until ICE and DTLS are done.
func (v *Viewer) connect() bool {
	timeout, hold := time.NewTimer(ConnectTimeout), time.NewTimer(holdCandidates)
	defer timeout.Stop()
	defer hold.Stop()
	gone := v.gone()
	for {
		select {
		case <-v.connected:
			v.mu.Lock()
			v.holds, v.held = false, nil // one way is enough
			v.mu.Unlock()
			return true
		case <-hold.C:
			v.addHeld()
		case <-timeout.C:
			return false
		case <-gone:
			return false
		case <-v.life.Done():
			return false
		}
	}
}

// newSender waits until pion has bound the tracks.
func (v *Viewer) newSender() (*sender, bool) {
	for _, t := range v.tracks() {
		select {
		case <-t.bound:
		case <-v.life.Done():
			return nil, false
		}
	}
	return newSender(v), true
}

func (v *Viewer) tracks() []*track {
	if v.audio == nil {
		return []*track{v.video}
	}
	return []*track{v.video, v.audio}
}

// direct tells whether media can go around pion: with what it is sealed, and
// where it goes, which follows the peer, and what opens the viewer's RTCP. nil:
// it cannot.
func (v *Viewer) direct() (sealer, *atomic.Pointer[destination], *srtp.Context) {
	transport := v.video.rtp.Transport().ICETransport()
	transport.OnSelectedCandidatePairChange(v.follow)
	pair, err := transport.GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Local.Protocol != webrtc.ICEProtocolUDP {
		return nil, nil, nil
	}
	seal, open, err := v.keys.derive()
	if err != nil {
		return nil, nil, nil
	}
	v.follow(pair)
	if v.to.Load() == nil {
		return nil, nil, nil
	}
	return seal, &v.to, open
}

// follow takes the peer's address. A peer that moves between UDP and TCP opens
// anew.
func (v *Viewer) follow(pair *webrtc.ICECandidatePair) {
	if pair == nil {
		return
	}
	was := v.to.Load()
	if pair.Local.Protocol != webrtc.ICEProtocolUDP {
		if was != nil {
			v.cancel()
		}
		return
	}
	addr, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil {
		return
	}
	to := netip.AddrPortFrom(addr, pair.Remote.Port)
	if was == nil || was.addr != to {
		v.to.Store(v.server.sockets.outlets[0].destination(to))
	}
}

// Done is closed when the viewer has ended.
func (v *Viewer) Done() <-chan struct{} { return v.done }

// Close ends the viewer and waits for it.
func (v *Viewer) Close() {
	v.cancel()
	<-v.done
}
