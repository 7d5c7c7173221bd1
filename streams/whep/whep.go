// Package whep turns an SDP offer into a running viewer (WHEP over pion).
//
// Signalling, ICE and DTLS are pion's. Media goes around pion: a fan (one
// goroutine for the viewers of a stream) gives each sender its turn, which seals
// its packets into a burst that leaves with few system calls (fan.go, sender.go,
// wire.go, seal.go, burst.go, sockets.go). What viewers say of it, SRTCP, is read
// where it comes in (front.go, datagrams.go, feedback.go).
//
// Invariants:
//   - Payloads are the hub's and are shared; nothing is encoded or copied here
//     but into the datagram.
//   - A viewer whose path is full loses packets; it never holds up the hub,
//     another viewer, or STUN. A viewer ends when its connection fails, its
//     camera is removed, or Close is called; Done tells.
package whep

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// Defaults.
const (
	DefaultMaxViewers = 1000
	// ConnectTimeout ends a viewer that has not connected by then.
	ConnectTimeout = 20 * time.Second
	// disconnectedAfter and failedAfter bound how long a silent viewer may
	// sleep or change its address before it has to open anew.
	disconnectedAfter = 5 * time.Second
	failedAfter       = 30 * time.Second
	// keepAlive is how often we ask a viewer whether it is there (see askedLately);
	// its own checks and its RTCP tell that too.
	keepAlive = 4 * time.Second
	// strangers is how many TCP connections beyond the viewers' may be open.
	strangers = 64
)

// What View, Prepare and Show may answer; the text carries the detail.
var (
	ErrMalformed = errors.New("malformed SDP")
	ErrNoCodec   = errors.New("no matching codec")
	ErrTooMany   = errors.New("too many viewers")
	ErrClosed    = errors.New("closed")
	ErrShown     = errors.New("the viewer sees something already")
)

// Server owns the media sockets and every viewer.
type Server struct {
	UDPAddr    string   // listen address of the one UDP port; ":0" picks a free one
	TCPAddr    string   // of ICE over TCP; empty: off
	PublicIPs  []string // addresses that viewers reach us at, beside our own
	MaxViewers int
	Log        *slog.Logger

	config   webrtc.Configuration
	settings webrtc.SettingEngine
	media    *webrtc.MediaEngine
	counts   counters
	sockets  sockets
	udpMux   *ice.UDPMuxDefault
	tcp      *tcpDoor
	tcpMux   ice.TCPMux
	mu       sync.Mutex
	viewers  map[*Viewer]struct{}
	ufrags   map[string]*Viewer // of our answers
	places   map[netip.AddrPort]*place
	pending  int
	closed   bool
	wg       sync.WaitGroup

	connecting atomic.Int32  // viewers
	arriving   chan struct{} // one has come; wakes the front

	fansMu     sync.Mutex
	fans       map[*streams.Hub][]*fan
	nextOutlet int
}

// NewServer returns a server with defaults on a free UDP port, without TCP.
func NewServer() *Server {
	return &Server{UDPAddr: ":0", MaxViewers: DefaultMaxViewers, Log: slog.New(slog.DiscardHandler), viewers: map[*Viewer]struct{}{},
		ufrags: map[string]*Viewer{}, places: map[netip.AddrPort]*place{},
		fans: map[*streams.Hub][]*fan{}, arriving: make(chan struct{}, 1)}
}

// Open binds the sockets.
func (s *Server) Open() (err error) {
	defer func() {
		if err != nil {
			s.closeSockets()
		}
	}()
	if s.sockets, err = listen(s.UDPAddr, &s.counts); err != nil {
		return err
	}
	logs := pionLogs{s.Log}
	front, err := s.openFront()
	if err != nil {
		return err
	}
	s.udpMux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: front, Logger: logs.NewLogger("ice")})
	if s.TCPAddr != "" {
		l, err := net.Listen("tcp", s.TCPAddr)
		if err != nil {
			return fmt.Errorf("webrtc TCP port: %w", err)
		}
		s.tcp = newTCPDoor(l, s.MaxViewers+strangers)
		// No write buffer: pion's would hold 4 MB of the past for a viewer that
		// does not read. Its sender blocks instead (fan.alone), and skips.
		s.tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: s.tcp, Logger: logs.NewLogger("ice"), ReadBufferSize: 64})
	}
	return s.configure(logs)
}

// configure makes what all viewers' pion APIs share: one certificate, GCM first,
// no interceptors.
func (s *Server) configure(logs pionLogs) error {
	se := webrtc.SettingEngine{LoggerFactory: logs}
	se.SetIncludeLoopbackCandidate(true)
	se.DisableActiveTCP(true) // we never dial a viewer
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.SetICETimeouts(disconnectedAfter, failedAfter, keepAlive)
	se.SetDTLSInsecureSkipHelloVerify(true) // ICE has verified the address
	se.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	for _, ip := range s.PublicIPs {
		if _, err := netip.ParseAddr(ip); err != nil {
			return fmt.Errorf("webrtc public address %q is not an IP address", ip)
		}
	}
	me := &webrtc.MediaEngine{}
	if err := registerCodecs(me); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return err
	}
	s.config = webrtc.Configuration{Certificates: []webrtc.Certificate{*cert}, BundlePolicy: webrtc.BundlePolicyMaxBundle}
	s.settings, s.media = se, me
	return nil
}

// api makes the pion API of one viewer, whose handshake fills keys. It answers
// as the DTLS server, which is how the keys are heard; where the offer insists
// on being that itself, pion has its way.
func (s *Server) api(keys *keyring, passive bool, want reach) (*webrtc.API, error) {
	se := s.settings
	se.SetICEUDPMux(oneDoor{s.udpMux, s.doors(want)})
	networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if s.tcpMux != nil && want.tcp {
		se.SetICETCPMux(s.tcpMux)
		networks = append(networks, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	se.SetNetworkTypes(networks)
	if !passive {
		if err := se.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
			return nil, err
		}
		se.SetDTLSKeyLogWriter(keys)
		se.SetDTLSServerHelloMessageHook(keys.hello)
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(s.media),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})), nil
}

// Addr is the address of the UDP socket.
func (s *Server) Addr() net.Addr { return s.sockets.front.LocalAddr() }

// Viewers is the number of open viewers.
func (s *Server) Viewers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.viewers)
}

// Stats counts what media has left and what was asked for, since Open.
type Stats struct {
	Packets, Bytes int64 // media alone, with all headers but those of UDP and IP
	Calls          int64 // system calls that took, over UDP
	Failed         int64 // packets or messages that the kernel did not take
	Nacks          int64 // packets that viewers missed
	Resent         int64 // those sent again
	Refreshes      int64 // pictures sent anew for a PLI or FIR
	Lost           int64 // packets that viewers report as never come
}

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	c := &s.counts
	return Stats{Packets: c.packets.Load(), Bytes: c.bytes.Load(), Calls: c.calls.Load(), Failed: c.failed.Load(),
		Nacks: c.nacks.Load(), Resent: c.resent.Load(), Refreshes: c.refreshes.Load(), Lost: c.lost.Load()}
}

// Close ends every viewer and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	var all []*Viewer
	for v := range s.viewers {
		all = append(all, v)
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, v := range all {
		wg.Go(v.Close)
	}
	wg.Wait()
	s.wg.Wait()
	s.closeSockets()
}

func (s *Server) closeSockets() {
	if s.udpMux != nil {
		_ = s.udpMux.Close()
	}
	s.sockets.close()
	if s.tcp != nil {
		s.tcp.shut(s.tcpMux)
	}
}

// reserve takes one of the viewers' places, and leaves some.
func (s *Server) reserve(spare int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case len(s.viewers)+s.pending >= s.MaxViewers-spare:
		return fmt.Errorf("%w: %d are open", ErrTooMany, len(s.viewers))
	}
	s.pending++
	return nil
}

// settle turns a reserved place into a viewer, or gives it back (nil).
func (s *Server) settle(v *Viewer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending--
	if v == nil {
		return nil
	}
	if s.closed {
		return ErrClosed
	}
	s.viewers[v] = struct{}{}
	return nil
}
