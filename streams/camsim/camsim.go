// Package camsim is simulated RTSP cameras for the demo, the tests and the
// benchmarks.
//
// A camera repeats an H.264 loop of 25 frames a second. What is shown follows
// the wall clock: at Unix time t it is frame floor(t*25) modulo the loop's
// length (plus the camera's Phase), so that the frame number read from a
// picture tells the picture's age. Each access unit also carries the sender's
// clock in an SEI. Cameras are staggered over the first 20 ms of a frame.
//
// RTP timestamps count 90 kHz ticks without a jump, whatever the wall clock
// does. When the clock is set, or the process was held up for more than a
// second, a camera goes on at its next key frame, so that no picture refers to
// one that was never sent.
//
// A loop is cut into RTP payloads once, whatever the number of cameras and
// readers. One goroutine paces everything from absolute due times. A reader
// that falls behind has its own queue of WriteQueue packets; when that is full
// its packets are lost and counted, nobody else's.
package camsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
)

const (
	// FrameRate of every loop.
	FrameRate = 25
	// WriteQueue is how many packets wait for a slow reader.
	WriteQueue = 2048

	// Profiles, as URL takes them.
	Main = "main"
	Sub  = "sub"
)

// Camera is one simulated camera. A camera without Sub has no sub stream.
type Camera struct {
	Path      string // "cam000" is served as /cam000 and /cam000/sub
	Main, Sub *Loop
	Audio     bool // G.711 A-law beside the video
	Phase     int  // frames by which the loop is ahead of the wall clock
}

// Server is a set of cameras behind one RTSP port. Set the exported fields
// before Open; the methods may be called from any goroutine.
type Server struct {
	Addr               string // host:port, port 0 for a free one; TCP
	UDP                bool   // also RTP over UDP, on a free pair of ports
	Username, Password string // digest authentication when Username is set
	Cameras            []Camera
	Bitrate            int // bits a second that main is padded to; 0: as it is
	SubBitrate         int // the same for sub
	Sessions           int // per camera, main and sub together; 0: no limit

	mu    sync.Mutex // guards what follows
	open  bool
	bound string // address of the last Open, kept so that a restart is found again
	rtsp  *gortsplib.Server
	cams  map[string]*camera
	pacer *pacer

	lost atomic.Uint64
}

// New gives a server on a free loopback port without cameras.
func New() *Server { return &Server{Addr: "127.0.0.1:0"} }

// Open starts to listen and to send. After Close it may be opened again: it
// comes back on the same port.
func (s *Server) Open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		return errors.New("camsim: already open")
	}
	cams, err := s.build()
	if err != nil {
		return fmt.Errorf("camsim: %w", err)
	}
	sound, err := ambience()
	if err != nil {
		return fmt.Errorf("camsim: %w", err)
	}
	// Streams need a server that listens; whoever calls already waits at the handler.
	h := &handler{s: s, cams: cams, ready: make(chan struct{})}
	srv, err := s.listen(h)
	if err != nil {
		return fmt.Errorf("camsim: %w", err)
	}
	var order []*camera
	for i := range s.Cameras {
		c := cams[s.Cameras[i].Path]
		if err := c.start(srv); err != nil {
			h.cams = nil
			close(h.ready)
			srv.Close()
			for _, c := range order {
				c.close()
			}
			return fmt.Errorf("camsim: %s: %w", c.path, err)
		}
		order = append(order, c)
	}
	close(h.ready)
	s.rtsp, s.cams, s.open = srv, cams, true
	s.pacer = startPacer(order, sound)
	return nil
}

// Close ends all sessions and returns when every goroutine has ended.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return
	}
	s.open = false
	s.pacer.stop()
	s.rtsp.Close()
	for _, c := range s.cams {
		c.close()
	}
}

// Address is host:port of the RTSP listener.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound
}

// URL of a camera's profile, without credentials. It is valid after Open.
func (s *Server) URL(path, profile string) string {
	u := "rtsp://" + s.Address() + "/" + path
	if profile == Sub {
		u += "/sub"
	}
	return u
}

// Lost counts packets dropped because a reader was too slow.
func (s *Server) Lost() uint64 { return s.lost.Load() }

// build makes the cameras, with packets shared between those of one loop.
func (s *Server) build() (map[string]*camera, error) {
	type key struct {
		loop    *Loop
		bitrate int
	}
	shared := map[key][]cut{}
	cuts := func(l *Loop, bitrate int) []cut {
		k := key{l, bitrate}
		if shared[k] == nil {
			shared[k] = cutLoop(l, bitrate)
		}
		return shared[k]
	}
	cams := make(map[string]*camera, len(s.Cameras))
	for _, c := range s.Cameras {
		switch {
		case c.Path == "" || strings.ContainsAny(c.Path, "/?# "):
			return nil, fmt.Errorf("camera path %q: give one word without slashes", c.Path)
		case cams[c.Path] != nil:
			return nil, fmt.Errorf("camera path %q: given twice", c.Path)
		case c.Main == nil:
			return nil, fmt.Errorf("camera %s: no main loop", c.Path)
		}
		cam := &camera{path: c.Path, phase: c.Phase, audio: c.Audio, sessions: map[*gortsplib.ServerSession]*stream{}}
		cam.streams = append(cam.streams, &stream{loop: c.Main, cuts: cuts(c.Main, s.Bitrate)})
		if c.Sub != nil {
			cam.streams = append(cam.streams, &stream{loop: c.Sub, cuts: cuts(c.Sub, s.SubBitrate)})
		}
		cams[c.Path] = cam
	}
	return cams, nil
}

func (s *Server) listen(h *handler) (*gortsplib.Server, error) {
	addr := s.Addr
	if s.bound != "" {
		addr = s.bound
	}
	srv := &gortsplib.Server{
		Handler:        h,
		RTSPAddress:    addr,
		WriteQueueSize: WriteQueue,
		AuthMethods:    []auth.VerifyMethod{auth.VerifyMethodDigestMD5},
		// The library writes nanoseconds where RFC 3550 wants a binary fraction
		// of a second; see report.go.
		DisableRTCPSenderReports: true,
		Listen: func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address)
			if err != nil {
				return nil, err
			}
			s.bound = l.Addr().String()
			return joining{l}, nil
		},
	}
	if !s.UDP {
		return srv, srv.Start()
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	// RTP wants an even port and the next one; a few tries find a free pair.
	for range 32 {
		port := 20000 + 2*rand.IntN(15000)
		srv.UDPRTPAddress = net.JoinHostPort(host, fmt.Sprint(port))
		srv.UDPRTCPAddress = net.JoinHostPort(host, fmt.Sprint(port+1))
		if err = srv.Start(); err == nil {
			return srv, nil
		}
	}
	return nil, err
}

// camera is one camera while the server is open.
type camera struct {
	path    string
	phase   int
	audio   bool
	streams []*stream // main, and sub if there is one

	stopped, silent atomic.Bool
	faulted         atomic.Bool // since the last tick

	mu       sync.Mutex
	sessions map[*gortsplib.ServerSession]*stream
}

// stream is one profile of a camera. All but playing belongs to the pacer.
type stream struct {
	loop    *Loop
	cuts    []cut
	out     *gortsplib.ServerStream
	video   *description.Media
	sound   *description.Media // nil without audio
	playing atomic.Int32
	joined  atomic.Bool // a reader came: it wants a sender report

	needKey        bool
	vtrack, atrack track
}

func (c *camera) start(srv *gortsplib.Server) error {
	for i, st := range c.streams {
		st.video = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{
			&format.H264{PayloadTyp: videoType, PacketizationMode: 1, SPS: st.loop.SPS, PPS: st.loop.PPS}}}
		desc := &description.Session{Title: c.path, Medias: []*description.Media{st.video}}
		if c.audio {
			st.sound = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{
				&format.G711{PayloadTyp: audioType, SampleRate: audioRate, ChannelCount: 1}}}
			desc.Medias = append(desc.Medias, st.sound)
		}
		st.vtrack = newTrack(videoRate)
		st.atrack = newTrack(audioRate)
		st.out = &gortsplib.ServerStream{Server: srv, Desc: desc}
		if err := st.out.Initialize(); err != nil {
			for _, done := range c.streams[:i] {
				done.out.Close()
			}
			return fmt.Errorf("open stream: %w", err)
		}
	}
	return nil
}

func (c *camera) close() {
	for _, st := range c.streams {
		st.out.Close()
	}
}
