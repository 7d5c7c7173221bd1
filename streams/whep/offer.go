package whep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// MaxOffer and maxMedia bound an offer.
const (
	MaxOffer = 64 << 10
	maxMedia = 8
)

// h264Profiles are the profile-level-ids that are matched with an offer: a
// browser decodes what its list names, whatever the level.
var h264Profiles = [...]string{"42e01f", "42001f", "4d001f", "64001f", "640c1f", "f4001f", "4d0032", "640032"}

// h265Profiles are Main and Main 10 in both tiers (RFC 7798 7.1); the level is
// not matched (draft-ietf-avtcore-hevc-webrtc).
var h265Profiles = [...]string{"profile-id=1;tier-flag=0", "profile-id=2;tier-flag=0", "profile-id=1;tier-flag=1", "profile-id=2;tier-flag=1"}

// registerCodecs lists what we send: H.264 packetization-mode 1, H.265, G.711
// and Opus.
func registerCodecs(me *webrtc.MediaEngine) error {
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	add := func(kind webrtc.RTPCodecType, pt int, c webrtc.RTPCodecCapability) error {
		if kind == webrtc.RTPCodecTypeVideo {
			c.ClockRate, c.RTCPFeedback = 90000, feedback
		}
		if err := me.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(pt), RTPCodecCapability: c}, kind); err != nil {
			return fmt.Errorf("register %s %s: %w", c.MimeType, c.SDPFmtpLine, err)
		}
		return nil
	}
	pt := 96
	for _, p := range h264Profiles {
		c := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264,
			SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + p}
		if err := add(webrtc.RTPCodecTypeVideo, pt, c); err != nil {
			return err
		}
		pt++
	}
	for _, p := range h265Profiles {
		c := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH265, SDPFmtpLine: "level-id=180;" + p + ";tx-mode=SRST"}
		if err := add(webrtc.RTPCodecTypeVideo, pt, c); err != nil {
			return err
		}
		pt++
	}
	for pt, c := range map[int]webrtc.RTPCodecCapability{
		0:   {MimeType: webrtc.MimeTypePCMU, ClockRate: 8000},
		8:   {MimeType: webrtc.MimeTypePCMA, ClockRate: 8000},
		111: {MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"},
	} {
		if err := add(webrtc.RTPCodecTypeAudio, pt, c); err != nil {
			return err
		}
	}
	return nil
}

// Accepted is what an offer takes from us, in the offer's order.
type Accepted struct {
	Video, Audio []streams.Codec

	h265 []fmtp // of the payload types that are H.265
}

// Takes reports whether the picture of a stream can be sent as it is. The
// profile of H.264 does not count: browsers decode more than they name. That of
// H.265 does: 10-bit pictures stay black where the offer names 8 bits alone.
func (a Accepted) Takes(d *streams.Desc) bool {
	if d == nil || !slices.Contains(a.Video, d.Video) {
		return false
	}
	if d.Video != streams.H265 {
		return true
	}
	return slices.ContainsFunc(a.h265, func(p fmtp) bool { return p.rankH265(d.SPS) > 0 })
}

// Accepts tells what an offer takes. Errors are ErrMalformed for what is not
// SDP, and ErrNoCodec where no video section takes a codec of ours.
func Accepts(offer string) (Accepted, error) {
	a, _, err := inspect(offer)
	return a, err
}

// checkOffer parses an offer and tells whether it wants sound. It refuses what
// Accepts refuses.
func checkOffer(offer string) (audio bool, err error) {
	_, audio, err = inspect(offer)
	return audio, err
}

func inspect(offer string) (a Accepted, audio bool, err error) {
	if len(offer) > MaxOffer {
		return a, false, fmt.Errorf("%w: over %d bytes", ErrMalformed, MaxOffer)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return a, false, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case len(d.MediaDescriptions) == 0:
		return a, false, fmt.Errorf("%w: no media section", ErrMalformed)
	case len(d.MediaDescriptions) > maxMedia:
		return a, false, fmt.Errorf("%w: more than %d media sections", ErrMalformed, maxMedia)
	}
	video := false
	for _, m := range d.MediaDescriptions {
		sends := hasAttr(m, "sendonly") || hasAttr(m, "inactive")
		switch m.MediaName.Media {
		case "application": // what comes there would be held for nobody
			return Accepted{}, false, fmt.Errorf("%w: the offer has a data channel (m=application), of which none are served", ErrMalformed)
		case "video":
			video = true
			if !sends {
				a.addVideo(m)
			}
		case "audio":
			audio = audio || !sends
			if !sends {
				a.addAudio(m)
			}
		}
		if err := checkSecurity(&d, m); err != nil {
			return Accepted{}, false, err
		}
	}
	switch {
	case !video:
		return Accepted{}, false, fmt.Errorf("%w: the offer has no video section", ErrNoCodec)
	case len(a.Video) == 0:
		return Accepted{}, false, fmt.Errorf("%w: the offer takes neither H.264 with packetization-mode=1 nor H.265", ErrNoCodec)
	}
	return a, audio, nil
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

func (a *Accepted) addVideo(m *sdp.MediaDescription) {
	for _, f := range payloads(m) {
		switch {
		case f.is("H264/90000") && f.params.get("packetization-mode", "0") == "1":
			a.Video = appendNew(a.Video, streams.H264)
		case f.is("H265/90000") && strings.EqualFold(f.params.get("tx-mode", "SRST"), "SRST") && f.params.known():
			a.Video = appendNew(a.Video, streams.H265)
			a.h265 = append(a.h265, f.params)
		}
	}
}

func (a *Accepted) addAudio(m *sdp.MediaDescription) {
	for _, f := range payloads(m) {
		switch {
		case f.is("PCMU/8000"), f.is("PCMU/8000/1"), f.name == "" && f.pt == "0":
			a.Audio = appendNew(a.Audio, streams.PCMU)
		case f.is("PCMA/8000"), f.is("PCMA/8000/1"), f.name == "" && f.pt == "8":
			a.Audio = appendNew(a.Audio, streams.PCMA)
		case f.is("opus/48000/2"):
			a.Audio = appendNew(a.Audio, streams.Opus)
		}
	}
}

func appendNew(list []streams.Codec, c streams.Codec) []streams.Codec {
	if slices.Contains(list, c) {
		return list
	}
	return append(list, c)
}

// payload is one payload type of a media section.
type payload struct {
	pt, name string // name: "H264/90000"; empty: none given
	params   fmtp
}

func (p payload) is(name string) bool { return strings.EqualFold(p.name, name) }

// payloads lists the payload types of a section in its order of preference.
func payloads(m *sdp.MediaDescription) []payload {
	names, lines := map[string]string{}, map[string]string{}
	for _, a := range m.Attributes {
		pt, rest, _ := strings.Cut(a.Value, " ")
		switch a.Key {
		case "rtpmap":
			names[pt] = strings.TrimSpace(rest)
		case "fmtp":
			lines[pt] = rest
		}
	}
	out := make([]payload, 0, len(m.MediaName.Formats))
	for _, pt := range m.MediaName.Formats {
		out = append(out, payload{pt, names[pt], parseFmtp(lines[pt])})
	}
	return out
}

// fmtp is the parameters of a payload type, names in lower case.
type fmtp map[string]string

func parseFmtp(line string) fmtp {
	p := fmtp{}
	for part := range strings.SplitSeq(line, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		p[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	return p
}

func (p fmtp) get(name, otherwise string) string {
	if v, ok := p[name]; ok {
		return v
	}
	return otherwise
}

// known reports whether registerCodecs names this H.265 profile and tier.
func (p fmtp) known() bool {
	return slices.Contains(h265Profiles[:], "profile-id="+p.get("profile-id", "1")+";tier-flag="+p.get("tier-flag", "0"))
}

// rankH264 prefers the profile of the camera's SPS (its profile_idc), else the
// highest that is offered.
func (p fmtp) rankH264(sps []byte) int {
	id := strings.ToLower(p["profile-level-id"])
	if len(id) < 2 {
		return 1
	}
	if len(sps) > 1 && id[:2] == fmt.Sprintf("%02x", sps[1]) {
		return 10
	}
	return 1 + map[string]int{"42": 1, "4d": 2, "64": 3, "f4": 2}[id[:2]]
}

// rankH265 is 0 where the offered profile cannot decode the camera's. Main 10
// decodes Main (H.265 A.3.3).
func (p fmtp) rankH265(sps []byte) int {
	if len(sps) < 4 {
		return 1
	}
	profile, tier := sps[3]&0x1f, sps[3]>>5&1 // 7.3.3, after the header and one byte
	offered, rank := p.get("profile-id", "1"), 0
	switch {
	case offered == strconv.Itoa(int(profile)):
		rank = 3
	case offered == "2" && profile == 1:
		rank = 1
	default:
		return 0
	}
	if p.get("tier-flag", "0") == strconv.Itoa(int(tier)) {
		rank++
	}
	return rank
}

// choose picks the agreed payload type for the picture of a stream; false: the
// viewer does not take it.
func choose(codecs []webrtc.RTPCodecParameters, d *streams.Desc) (webrtc.RTPCodecParameters, bool) {
	var best webrtc.RTPCodecParameters
	top := 0
	for _, c := range codecs {
		if !strings.EqualFold(c.MimeType, "video/"+string(d.Video)) {
			continue
		}
		rank := 0
		switch p := parseFmtp(c.SDPFmtpLine); d.Video {
		case streams.H264:
			rank = p.rankH264(d.SPS)
		case streams.H265:
			rank = p.rankH265(d.SPS)
		}
		if rank > top {
			best, top = c, rank
		}
	}
	return best, top > 0
}
