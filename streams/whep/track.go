package whep

import (
	"errors"
	"strings"

	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// track is our own TrackLocal: it hands pion's SRTP writer to the sender and
// knows the payload types that were agreed on.
type track struct {
	kind   webrtc.RTPCodecType
	rtp    *webrtc.RTPSender
	ssrc   uint32
	out    webrtc.TrackLocalWriter
	codecs []webrtc.RTPCodecParameters
	bound  chan struct{}
	lost   uint32 // the most that the viewer has reported; the reader's of its RTCP
}

func newTrack(kind webrtc.RTPCodecType) *track { return &track{kind: kind, bound: make(chan struct{})} }

// Bind is called by pion once the codecs are agreed on.
func (t *track) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs := ctx.CodecParameters()
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, errors.New("no codec was agreed on")
	}
	t.ssrc, t.out, t.codecs = uint32(ctx.SSRC()), ctx.WriteStream(), codecs
	close(t.bound)
	return codecs[0], nil
}

// Unbind is called by pion when the track ends.
func (t *track) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID is the track's id in the SDP.
func (t *track) ID() string { return t.kind.String() }

// RID is empty: there is no simulcast.
func (t *track) RID() string { return "" }

// StreamID joins picture and sound for the browser.
func (t *track) StreamID() string { return "camera" }

// Kind is video or audio.
func (t *track) Kind() webrtc.RTPCodecType { return t.kind }

// payloadType returns the agreed payload type for what the camera sends.
func (t *track) payloadType(d *streams.Desc) (uint8, bool) {
	if t.kind == webrtc.RTPCodecTypeVideo {
		c, ok := choose(t.codecs, d)
		return uint8(c.PayloadType), ok
	}
	for _, c := range t.codecs {
		if d.Audio != "" && strings.EqualFold(c.MimeType, "audio/"+string(d.Audio)) {
			return uint8(c.PayloadType), true
		}
	}
	return 0, false
}

// readFeedback reads RTCP until the connection closes, where it comes by way of
// pion.
func (t *track) readFeedback(ask func(request)) {
	buf := make([]byte, 1500)
	for {
		n, _, err := t.rtp.Read(buf)
		if err != nil {
			return
		}
		requests(buf[:n], ask, t)
	}
}
