package whep

import (
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// MaxOffer and maxMedia bound an offer.
const (
	MaxOffer = 64 << 10
	maxMedia = 8
)

// h264Profiles are the profile-level-ids that are matched with an offer: a
// browser decodes what its list names, whatever the level.
var h264Profiles = [...]string{"42e01f", "42001f", "4d001f", "64001f", "640c1f", "f4001f", "4d0032", "640032"}

// registerCodecs lists what we send: H.264 packetization-mode 1 and G.711.
func registerCodecs(me *webrtc.MediaEngine) error {
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	for i, p := range h264Profiles {
		err := me.RegisterCodec(webrtc.RTPCodecParameters{
			PayloadType: webrtc.PayloadType(96 + i),
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000, RTCPFeedback: feedback,
				SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + p},
		}, webrtc.RTPCodecTypeVideo)
		if err != nil {
			return fmt.Errorf("register H.264 %s: %w", p, err)
		}
	}
	for pt, mime := range map[webrtc.PayloadType]string{0: webrtc.MimeTypePCMU, 8: webrtc.MimeTypePCMA} {
		err := me.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: pt,
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 8000}}, webrtc.RTPCodecTypeAudio)
		if err != nil {
			return fmt.Errorf("register %s: %w", mime, err)
		}
	}
	return nil
}

// checkOffer parses an offer and tells whether it wants sound. It refuses what
// is not SDP, and what has no video section that takes H.264 from us.
func checkOffer(offer string) (audio bool, err error) {
	if len(offer) > MaxOffer {
		return false, fmt.Errorf("%w: over %d bytes", ErrMalformed, MaxOffer)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return false, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case len(d.MediaDescriptions) == 0:
		return false, fmt.Errorf("%w: no media section", ErrMalformed)
	case len(d.MediaDescriptions) > maxMedia:
		return false, fmt.Errorf("%w: more than %d media sections", ErrMalformed, maxMedia)
	}
	var video, h264 bool
	for _, m := range d.MediaDescriptions {
		sends := hasAttr(m, "sendonly") || hasAttr(m, "inactive")
		switch m.MediaName.Media {
		case "video":
			video = true
			h264 = h264 || !sends && takesH264(m)
		case "audio":
			audio = audio || !sends
		}
		if err := checkSecurity(&d, m); err != nil {
			return false, err
		}
	}
	switch {
	case !video:
		return false, fmt.Errorf("%w: the offer has no video section", ErrNoCodec)
	case !h264:
		return false, fmt.Errorf("%w: the offer does not take H.264 with packetization-mode=1", ErrNoCodec)
	}
	return audio, nil
}

// checkSecurity asks for what ICE and DTLS cannot do without.
func checkSecurity(d *sdp.SessionDescription, m *sdp.MediaDescription) error {
	for _, need := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
		_, inMedia := m.Attribute(need)
		_, inSession := d.Attribute(need)
		if !inMedia && !inSession && m.MediaName.Port.Value != 0 {
			return fmt.Errorf("%w: no a=%s", ErrMalformed, need)
		}
	}
	return nil
}

func hasAttr(m *sdp.MediaDescription, key string) bool {
	_, ok := m.Attribute(key)
	return ok
}

func takesH264(m *sdp.MediaDescription) bool {
	h264 := map[string]bool{}
	for _, a := range m.Attributes {
		pt, rest, _ := strings.Cut(a.Value, " ")
		switch a.Key {
		case "rtpmap":
			if strings.HasPrefix(strings.ToUpper(rest), "H264/90000") {
				h264[pt] = true
			}
		case "fmtp":
			if _, known := h264[pt]; known && strings.Contains(rest, "packetization-mode=1") {
				return true
			}
		}
	}
	return false
}

// choose picks the offered H.264 payload type whose profile is the camera's
// (profile_idc of its SPS), else the highest that is offered.
func choose(codecs []webrtc.RTPCodecParameters, sps []byte) (webrtc.RTPCodecParameters, bool) {
	rank := map[string]int{"42": 1, "4d": 2, "64": 3, "f4": 2}
	want := ""
	if len(sps) > 1 {
		want = fmt.Sprintf("%02x", sps[1])
	}
	var best webrtc.RTPCodecParameters
	top := -1
	for _, c := range codecs {
		if !strings.EqualFold(c.MimeType, webrtc.MimeTypeH264) {
			continue
		}
		_, id, _ := strings.Cut(c.SDPFmtpLine, "profile-level-id=")
		r := 0
		if len(id) >= 2 {
			if r = rank[strings.ToLower(id[:2])]; strings.ToLower(id[:2]) == want {
				r = 10
			}
		}
		if r > top {
			best, top = c, r
		}
	}
	return best, top >= 0
}
