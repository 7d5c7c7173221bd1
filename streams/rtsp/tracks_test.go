package rtsp

import (
	"errors"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"sharpeyes/streams"
)

// h264Tracks is a camera of H.264 without sound and without parameter sets in its
// offer.
func h264Tracks() tracks {
	return tracks{picture: &format.H264{PayloadTyp: 96, PacketizationMode: 1}, desc: &streams.Desc{Video: streams.H264}}
}

func h265Tracks(t testing.TB) tracks {
	offer, err := offerOf(sdpHead + sdpH265)
	if err != nil {
		t.Fatal(err)
	}
	got, err := choose(offer)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func aacFormat() *format.MPEG4Audio {
	return &format.MPEG4Audio{PayloadTyp: 97, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
		Config: &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 16000, ChannelConfig: 1}}
}

// offerOf parses an SDP as the library does with a DESCRIBE's answer.
func offerOf(body string) (*description.Session, error) {
	var s sdp.SessionDescription
	if err := s.Unmarshal([]byte(body)); err != nil {
		return nil, err
	}
	var d description.Session
	if err := d.Unmarshal(&s); err != nil {
		return nil, err
	}
	u, err := base.ParseURL("rtsp://127.0.0.1:554/cam")
	d.BaseURL = u
	return &d, err
}

const (
	sdpHead  = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
	sdpVideo = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:v\r\n" +
		"a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z2QADKy0Cgz8+AiAAAADAIAAABkHihVQ,aO8Pyw==\r\n"
	sdpH265 = "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=control:h\r\na=fmtp:97 sprop-vps=" + vpsH265 + "; sprop-sps=" +
		spsH265 + "; sprop-pps=RAHAc8GJ\r\n"
	// Parameter sets of a 320x180 stream of libx265.
	vpsH265  = "QAEMAf//AWAAAAMAkAAAAwAAAwA8ugJA"
	spsH265  = "QgEBAWAAAAMAkAAAAwAAAwA8oAoIDB8+W6SkwvAWgIAAAAMAgAAADIQ="
	sdpMPEG4 = "m=video 0 RTP/AVP 100\r\na=rtpmap:100 MP4V-ES/90000\r\na=control:m\r\n"
	sdpOpus  = "m=audio 0 RTP/AVP 101\r\na=rtpmap:101 opus/48000/2\r\na=control:o\r\na=fmtp:101 sprop-stereo=1\r\n"
	sdpPCMA  = "m=audio 0 RTP/AVP 8\r\na=control:a\r\n"
	sdpPCMU  = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:u\r\n"
	sdpAAC   = "m=audio 0 RTP/AVP 99\r\na=rtpmap:99 mpeg4-generic/16000/1\r\n" +
		"a=fmtp:99 mode=AAC-hbr;config=1408;sizelength=13;indexlength=3;indexdeltalength=3\r\na=control:c\r\n"
	sdpStereo = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 PCMA/8000/2\r\na=control:s\r\n"
	sdpBack   = "m=audio 0 RTP/AVP 0\r\na=control:b\r\na=sendonly\r\n"
)

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct {
		sdp    string
		video  string
		audio  string
		codec  streams.Codec
		reason streams.Reason
		detail string
	}{
		"picture alone":        {sdpVideo, "v", "", "", "", ""},
		"with A-law":           {sdpVideo + sdpPCMA, "v", "a", streams.PCMA, "", ""},
		"with mu-law first":    {sdpPCMU + sdpVideo + sdpPCMA, "v", "u", streams.PCMU, "", ""},
		"AAC and A-law":        {sdpVideo + sdpAAC + sdpPCMA, "v", "a", streams.PCMA, "", ""},
		"AAC alone":            {sdpVideo + sdpAAC, "v", "c", streams.AAC, "", ""},
		"Opus after AAC":       {sdpVideo + sdpAAC + sdpOpus + sdpPCMA, "v", "o", streams.Opus, "", ""},
		"stereo":               {sdpVideo + sdpStereo, "v", "", "", "", ""},
		"talk back":            {sdpVideo + sdpBack, "v", "", "", "", ""},
		"H.265 beside":         {sdpH265 + sdpVideo, "v", "", "", "", ""},
		"two pictures":         {sdpVideo + strings.Replace(sdpVideo, "control:v", "control:w", 1), "v", "", "", "", ""},
		"H.265":                {sdpH265 + sdpPCMA, "h", "a", streams.PCMA, "", ""},
		"H.265 out of order":   {strings.Replace(sdpH265, "sprop-vps", "sprop-max-don-diff=2;sprop-vps", 1), "", "", "", streams.UnsupportedCodec, "H265"},
		"MPEG-4":               {sdpMPEG4, "", "", "", streams.UnsupportedCodec, "MPEG-4 Video"},
		"sound alone":          {sdpPCMA, "", "", "", streams.UnsupportedCodec, "no video"},
		"interleaved mode":     {strings.Replace(sdpVideo, "mode=1", "mode=2", 1), "", "", "", streams.UnsupportedCodec, "H264 with its packets out of order"},
		"unusable address":     {strings.Replace(sdpVideo, "control:v", "control:%zz", 1), "", "", "", streams.BadStream, "track"},
		"unusable absolute":    {strings.Replace(sdpVideo, "control:v", "control:rtsp://[", 1), "", "", "", streams.BadStream, "track"},
		"sound's is unusable":  {sdpVideo + strings.Replace(sdpPCMA, "control:a", "control:%zz", 1), "", "", "", streams.BadStream, "track"},
		"broken parameter set": {strings.Replace(sdpVideo, "Z2QADKy0Cgz8", "Z2QAAAAAAAAA", 1), "v", "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			offer, err := offerOf(sdpHead + c.sdp)
			if err != nil {
				t.Fatal(err)
			}
			got, err := choose(offer)
			if c.reason != "" {
				var f failure
				if !errors.As(err, &f) || f.reason != c.reason || !strings.Contains(f.detail, c.detail) {
					t.Errorf("%+v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			audio := ""
			if got.audio != nil {
				audio = got.audio.Control
			}
			if got.video.Control != c.video || audio != c.audio || got.desc.Audio != c.codec {
				t.Errorf("%q with %q (%s)", got.video.Control, audio, got.desc.Audio)
			}
			if h265 := audio == "a" && c.video == "h"; h265 && (got.desc.Width != 320 || got.desc.Height != 180 || got.desc.VPS == nil) {
				t.Errorf("%+v", got.desc)
			}
			if got.desc.Audio == streams.AAC && (got.desc.AudioRate != 16000 || len(got.desc.AudioConfig) != 2 || got.desc.AudioChannels != 1) {
				t.Errorf("%+v", got.desc)
			}
			if broken := strings.HasPrefix(name, "broken"); broken != (got.desc.Width == 0) || broken != (got.desc.SPS == nil) {
				t.Errorf("%+v", got.desc)
			}
		})
	}
}

// FuzzChoose takes any SDP to a choice that can be set up.
func FuzzChoose(f *testing.F) {
	f.Add(sdpHead + sdpVideo + sdpPCMA)
	f.Add(sdpHead + sdpH265 + sdpStereo + sdpBack)
	f.Add(sdpHead + sdpH265 + sdpAAC + sdpOpus)
	f.Add(sdpHead + strings.Replace(sdpVideo, "control:v", "control:rtsp://[::1]:99/%41", 1))
	f.Add(sdpHead + "a=control:*\r\n" + sdpAAC + sdpPCMU)
	f.Fuzz(func(t *testing.T, body string) {
		offer, err := offerOf(body)
		if err != nil {
			return
		}
		got, err := choose(offer)
		if err != nil {
			var f failure
			if !errors.As(err, &f) || f.detail == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, m := range []*description.Media{got.video, got.audio} {
			if m == nil {
				continue
			}
			if u, err := m.URL(offer.BaseURL); err != nil || u == nil || m.IsBackChannel {
				t.Fatalf("%+v cannot be set up", m)
			}
		}
		if got.desc.Width < 0 || got.desc.Width > maxSide || len(got.desc.SPS) > maxParameterSet {
			t.Fatalf("%+v", got.desc)
		}
	})
}
