package rtsp

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"

	"sharpeyes/streams"
)

const (
	userAgent = "SharpEyes"
	// closeGrace is what a goodbye may take before the connection is cut.
	closeGrace = 300 * time.Millisecond
	// maxSessionTimeout bounds what a camera says its session lasts; more is
	// taken as the protocol's default (RFC 2326 12.37).
	maxSessionTimeout     = 3600
	defaultSessionTimeout = 60
	udpBuffer             = 1 << 20     // asked of the kernel, which may give less
	byeGrace              = time.Second // for what comes after the end of a stream
	never                 = 10 * 365 * 24 * time.Hour
)

// session is one connection to a camera, from dialling to its end.
type session struct {
	puller    *Puller
	spec      streams.Spec
	hub       *streams.Hub
	log       *slog.Logger
	reconnect bool // there was a connection before

	client   *gortsplib.Client
	dialer   dialer
	frames   *frames
	asker    *asker
	stale    atomic.Bool // the camera refused a sign-in as too old, not as wrong
	playing  bool
	playedAt time.Time
}

// run connects, plays and returns why it ended. connected is called once the
// camera plays.
func (s *session) run(ctx context.Context, connected func()) failure {
	u, err := s.address()
	if err != nil {
		return badAddress()
	}
	connecting, cancel := context.WithTimeout(ctx, s.puller.ReadTimeout)
	defer cancel()
	deadline, _ := connecting.Deadline()
	s.dialer = dialer{dial: s.puller.Dial, deadline: deadline, udp: s.spec.UDP}
	s.client = s.newClient(u)
	if err := s.client.Start2(); err != nil {
		return failureOf(err, false)
	}
	defer s.close()
	settled := s.closeAfter(connecting)
	err = s.connect(ctx, u)
	if late := settled(); late || err != nil && !time.Now().Before(deadline) {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return s.failure(err)
	}
	connected()
	s.playing, s.playedAt = true, time.Now()
	if s.reconnect {
		s.hub.Count(0, 0, 1)
	}
	s.log.Debug("camera plays", "udp", s.spec.UDP, "sound", s.frames.desc.Load().Audio)
	return s.watch(ctx)
}

func (s *session) failure(err error) failure {
	f := failureOf(err, s.dialer.connected())
	if f.reason == streams.SignInRefused && s.stale.Load() {
		f.slow, f.reason, f.detail = false, streams.BadStream, "the camera's sign-in ran out while connecting"
	}
	return f
}

// address is the camera's with its credentials, for the library alone.
func (s *session) address() (*base.URL, error) {
	u, err := base.ParseURL(s.spec.URL)
	if err != nil {
		return nil, err
	}
	if u.Hostname() == "" {
		return nil, badAddress()
	}
	if s.spec.Username != "" || s.spec.Password != "" {
		u.User = url.UserPassword(s.spec.Username, s.spec.Password)
	}
	return u, nil
}

func (s *session) newClient(u *base.URL) *gortsplib.Client {
	transport := gortsplib.TransportTCP
	if s.spec.UDP {
		transport = gortsplib.TransportUDP
	}
	// The waits are ours: the whole connect has a deadline, and watch looks at
	// pictures, not packets. The library counts in whole seconds.
	late := 2*s.puller.ReadTimeout + 2*time.Second
	if !s.spec.UDP && u.Scheme == "rtsp" {
		late = never // it does not see the packets of the picture
	}
	return &gortsplib.Client{
		Scheme:                u.Scheme,
		Host:                  u.Host,
		Transport:             &transport,
		UserAgent:             userAgent,
		ReadTimeout:           late,
		InitialUDPReadTimeout: late,
		WriteTimeout:          s.puller.ReadTimeout,
		DialContext:           s.dialer.open,
		ListenPacket:          listenPacket,
		OnRequest: func(r *base.Request) {
			if r.Method == base.Play {
				s.dialer.play()
			}
		},
		OnResponse:        s.inspect,
		OnTransportSwitch: func(error) {},
		OnPacketsLost:     func(uint64) {}, // counted by the assembler
		OnDecodeError: func(err error) {
			s.frames.undecodable(err)
		},
	}
}

func listenPacket(network, address string) (net.PacketConn, error) {
	c, err := net.ListenPacket(network, address)
	if u, ok := c.(*net.UDPConn); ok && err == nil {
		_ = u.SetReadBuffer(udpBuffer) // less is given where the system allows no more
	}
	return c, err
}

// inspect bounds what the library would take from an answer as it is.
func (s *session) inspect(r *base.Response) {
	if len(r.Body) > maxSDP {
		r.Body = nil
	}
	if len(r.Body) > 0 {
		r.Body = tolerable(r.Body)
	}
	if v, ok := r.Header["Session"]; ok {
		var h headers.Session
		if h.Unmarshal(v) == nil && h.Timeout != nil && *h.Timeout > maxSessionTimeout {
			*h.Timeout = defaultSessionTimeout
			r.Header["Session"] = h.Marshal()
		}
	}
	if r.StatusCode == base.StatusUnauthorized {
		s.stale.Store(strings.Contains(strings.ToLower(strings.Join(r.Header["WWW-Authenticate"], ",")), "stale=true"))
	}
}

// connect goes from dialling to PLAY.
func (s *session) connect(ctx context.Context, u *base.URL) error {
	offer, described, err := s.client.Describe(u)
	if err != nil {
		return err
	}
	t, err := choose(offer)
	if err != nil {
		return err
	}
	s.frames = newFrames(ctx, s.hub, t)
	answer, err := s.setup(offer.BaseURL, t.video)
	if err != nil {
		return err
	}
	s.takeDirectly(u, t.video, answer)
	s.client.OnPacketRTP(t.video, t.picture, s.frames.picture)
	s.client.OnPacketRTCP(t.video, s.frames.source.control)
	s.asker = newAsker(s.client, offer, t.video, described.Body, &s.frames.source)
	if t.audio != nil {
		if _, err := s.setup(offer.BaseURL, t.audio); err == nil {
			s.client.OnPacketRTP(t.audio, t.sound, s.frames.sound)
		} else if !isStatus(err) {
			return err
		} else { // a camera that does not give its sound still gives its picture
			mute := *t.desc
			mute.Audio, mute.AudioChannels = "", 0
			s.frames.desc.Store(&mute)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.hub.Restart()
	if _, err := s.client.Play(nil); err != nil {
		return err
	}
	return s.dialer.settle()
}

// setup asks for one medium. A camera that names another machine as the source
// of its packets is refused: the library would send that machine packets.
func (s *session) setup(baseURL *base.URL, m *description.Media) (headers.Transport, error) {
	var h headers.Transport
	answer, err := s.client.Setup(baseURL, m, 0, 0)
	if err != nil {
		return h, err
	}
	if err := h.Unmarshal(answer.Header["Transport"]); err != nil {
		return h, err
	}
	if s.spec.UDP && h.Source != nil && !s.dialer.is(*h.Source) {
		return h, failure{streams.Refused, streams.NotAllowed,
			"the camera wants to send its packets from another address; use TCP", true}
	}
	return h, nil
}

// takeDirectly has the picture's packets taken out of the connection before the
// library sees them: it would copy and allocate each one.
func (s *session) takeDirectly(u *base.URL, video *description.Media, answer headers.Transport) {
	if s.spec.UDP || u.Scheme != "rtsp" || answer.InterleavedIDs == nil {
		return
	}
	in := &intake{hub: s.hub, pool: &s.puller.chunks, channel: byte(answer.InterleavedIDs[0]),
		picture: s.frames.picture, spoiled: s.frames.undecodable, slot: slotOf(s.puller.played.Add(1) - 1)}
	for _, f := range video.Formats {
		in.types[f.PayloadType()&0x7f] = true
	}
	s.dialer.direct(in)
}

// toBeat is how long it is to the next beat, which all cameras have in common: to
// look at two hundred of them wakes the process once.
func toBeat(every time.Duration) time.Duration { return every - time.Since(firstBeat)%every }

var firstBeat = time.Now()

// watch waits for the end of the stream, and ends it when no picture comes.
func (s *session) watch(ctx context.Context) failure {
	ended := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { ended <- s.client.Wait() })
	defer wg.Wait()
	defer s.close()
	timeout := s.puller.ReadTimeout
	every := min(time.Second, timeout/4)
	beat := time.NewTimer(toBeat(every))
	defer beat.Stop()
	told := false
	var later <-chan time.Time
	wanted := s.hub.Wanted()
	if s.asker.how == asksNot {
		wanted = nil
	}
	for {
		select {
		case <-ctx.Done():
			return failure{}
		case err := <-ended:
			return s.failure(err)
		case <-wanted:
			later = s.ask()
			continue
		case <-later:
			later = s.ask()
			continue
		case <-beat.C:
			beat.Reset(toBeat(every))
		}
		if over, ok := s.ended(); ok {
			return over
		}
		now := time.Now()
		since := func(ns int64) time.Duration {
			return now.Sub(time.Unix(0, max(ns, s.playedAt.UnixNano())))
		}
		silent, blind := since(s.frames.arrived.Load()), since(s.frames.shown.Load())
		switch {
		case silent >= timeout:
			return noPicture()
		case blind >= s.puller.KeyWait:
			return noKeyFrame()
		case blind >= timeout && !told:
			f := noKeyFrame()
			s.hub.SetState(f.state, f.reason, f.detail, time.Time{})
			s.log.Warn("camera sends no key frame")
		}
		told = blind >= timeout
	}
}

// ask asks for a key frame where one is still missed. It returns when to look
// again, nil for not at all.
func (s *session) ask() (later <-chan time.Time) {
	if !s.hub.Blind() || s.frames.arrived.Load() == 0 {
		return nil
	}
	if wait := s.asker.ask(time.Now()); wait > 0 {
		return time.After(wait)
	}
	return nil
}

// ended reports whether the camera ended its stream, or began one that the
// library does not take, and left it at that.
func (s *session) ended() (failure, bool) {
	f := s.frames
	if at := f.source.ended.Load(); at != 0 && time.Since(time.Unix(0, at)) >= byeGrace {
		return failure{streams.Silent, streams.ClosedByCamera, "the camera ended its stream", false}, true
	}
	if f.source.foreign.Load() && time.Since(time.Unix(0, f.arrived.Load())) >= byeGrace {
		return failure{streams.Silent, streams.ClosedByCamera, "the camera began another stream", false}, true
	}
	return failure{}, false
}

// liveFor is how long the picture was there.
func (s *session) liveFor() time.Duration {
	if s.frames == nil || s.frames.firstShown.Load() == 0 {
		return 0
	}
	return time.Duration(s.frames.shown.Load() - s.frames.firstShown.Load())
}

// closeAfter closes the client when ctx ends, so that connecting stops. The
// returned function ends that and reports whether it had happened.
func (s *session) closeAfter(ctx context.Context) (settled func() (late bool)) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		s.close()
	})
	return func() bool {
		if stop() {
			return false
		}
		<-closed
		return true
	}
}

// close says goodbye and waits for all that the library started. A camera that
// does not take the goodbye is cut off. It may be called more than once.
func (s *session) close() {
	t := time.AfterFunc(closeGrace, s.dialer.cut)
	defer t.Stop()
	s.client.Close()
}
