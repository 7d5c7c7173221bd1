package whep

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"sharpeyes/streams"
)

// fakeCamera feeds a hub with frames whose payload carries their number.
type fakeCamera struct {
	hub  *streams.Hub
	desc *streams.Desc
	gop  int
	stop context.CancelFunc
	wg   sync.WaitGroup
	key  int // bytes of a key frame
}

func startCamera(t *testing.T, gop int) *fakeCamera {
	t.Helper()
	c := &fakeCamera{gop: gop, key: 40_000, hub: streams.NewHub("cam000", streams.Main, time.Now, nil)}
	c.desc = &streams.Desc{Video: streams.H264, Audio: streams.PCMA, SPS: []byte{0x67, 0x4d, 0, 0x28}, PPS: []byte{0x68, 1}}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.wg.Go(func() { c.run(ctx) })
	t.Cleanup(func() { cancel(); c.wg.Wait() })
	return c
}

func (c *fakeCamera) run(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for k := 0; ; k++ {
		typ, size := byte(0x41), 3_000
		if k%c.gop == 0 {
			typ, size = 0x65, c.key
		}
		nal := make([]byte, size)
		nal[0] = typ
		for i := 1; i+4 <= size; i += 4 {
			binary.BigEndian.PutUint32(nal[i:], uint32(k))
		}
		c.hub.Publish(streams.NewVideoFrame(c.desc, [][]byte{nal}, int64(k)*900))
		c.hub.Publish(streams.NewAudioFrame(c.desc, make([]byte, 80), int64(k)*80))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// peer is a viewer made with pion, as a browser would be one.
type peer struct {
	pc      *webrtc.PeerConnection
	packets chan *rtp.Packet
	sound   chan *rtp.Packet
	wg      sync.WaitGroup
	mux     ice.UDPMux
	socket  net.PacketConn
}

// vanish takes the peer's socket away.
func (p *peer) vanish() { _ = p.socket.Close() }

func newPeer(t *testing.T, networks ...webrtc.NetworkType) *peer {
	t.Helper()
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if len(networks) == 0 {
		networks = []webrtc.NetworkType{webrtc.NetworkTypeUDP4}
	}
	se.SetNetworkTypes(networks)
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mux := webrtc.NewICEUDPMux(nil, socket)
	if networks[0] == webrtc.NetworkTypeUDP4 {
		se.SetICEUDPMux(mux)
	}
	se.DisableSRTPReplayProtection(true) // so that a test sees a repeated packet
	me := &webrtc.MediaEngine{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{pc: pc, mux: mux, socket: socket, packets: make(chan *rtp.Packet, 8192), sound: make(chan *rtp.Packet, 1024)}
	pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		out := p.packets
		if tr.Kind() == webrtc.RTPCodecTypeAudio {
			out = p.sound
		}
		p.wg.Go(func() {
			for {
				pkt, _, err := tr.ReadRTP()
				if err != nil {
					return
				}
				select {
				case out <- pkt:
				default:
				}
			}
		})
	})
	for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_ = pc.GracefulClose()
		_ = mux.Close()
		_ = socket.Close()
		p.wg.Wait()
	})
	return p
}

func (p *peer) offer(t *testing.T, opt *webrtc.OfferOptions) string {
	t.Helper()
	o, err := p.pc.CreateOffer(opt)
	if err != nil {
		t.Fatal(err)
	}
	g := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	<-g
	return p.pc.LocalDescription().SDP
}

func (p *peer) accept(t *testing.T, answer string) {
	t.Helper()
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
}

// next returns the next packet, failing after a while.
func next(t *testing.T, from chan *rtp.Packet) *rtp.Packet {
	t.Helper()
	select {
	case p := <-from:
		return p
	case <-time.After(10 * time.Second):
		t.Fatal("no packet for 10 s")
		return nil
	}
}

func openServer(t *testing.T, set func(*Server)) *Server {
	t.Helper()
	s := NewServer()
	s.UDPAddr = "127.0.0.1:0"
	if set != nil {
		set(s)
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func view(t *testing.T, s *Server, c *fakeCamera, p *peer) *Viewer {
	t.Helper()
	v, answer, err := s.View(t.Context(), c.hub, p.offer(t, nil), func() {})
	if err != nil {
		t.Fatal(err)
	}
	p.accept(t, answer)
	return v
}

// checkLeaks registers first, so that it runs after all other cleanups.
func checkLeaks(t *testing.T) {
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
}
