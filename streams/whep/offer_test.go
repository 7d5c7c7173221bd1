package whep

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// offerOf is an offer with one video and one audio section of these lines.
func offerOf(video, audio []string) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 00:11\r\n" +
		"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n")
	section := func(kind string, lines []string) {
		var pts, attrs []string
		for _, l := range lines { // "102 H264/90000 fmtp"
			part := strings.SplitN(l, " ", 3)
			pts = append(pts, part[0])
			if len(part) > 1 {
				attrs = append(attrs, "a=rtpmap:"+part[0]+" "+part[1])
			}
			if len(part) > 2 {
				attrs = append(attrs, "a=fmtp:"+part[0]+" "+part[2])
			}
		}
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n", kind, strings.Join(pts, " "))
		for i := len(attrs) - 1; i >= 0; i-- { // their order says nothing
			b.WriteString(attrs[i] + "\r\n")
		}
	}
	section("video", video)
	if audio != nil {
		section("audio", audio)
	}
	return b.String()
}

const (
	h264Main  = "102 H264/90000 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f"
	h264Mode0 = "103 H264/90000 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f"
	h265Main  = "49 H265/90000 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST"
	h265Ten   = "51 H265/90000 level-id=93;profile-id=2;tier-flag=0;tx-mode=SRST"
)

func TestAccepts(t *testing.T) {
	type codecs = []streams.Codec
	for name, c := range map[string]struct {
		video, audio         []string
		wantVideo, wantAudio codecs
	}{
		"Chrome with H.265": {[]string{"96 VP8/90000", h264Main, h265Main, "39 AV1/90000"},
			[]string{"111 opus/48000/2 minptime=10;useinbandfec=1", "63 red/48000/2 111/111", "9 G722/8000", "0 PCMU/8000", "8 PCMA/8000"},
			codecs{streams.H264, streams.H265}, codecs{streams.Opus, streams.PCMU, streams.PCMA}},
		"H.265 preferred":             {[]string{h265Main, h264Main}, nil, codecs{streams.H265, streams.H264}, nil},
		"H.265 alone":                 {[]string{h265Ten}, []string{"8"}, codecs{streams.H265}, codecs{streams.PCMA}},
		"H.265 without parameters":    {[]string{"49 H265/90000"}, nil, codecs{streams.H265}, nil},
		"H.265 over several sessions": {[]string{h264Main, "49 H265/90000 profile-id=1;tx-mode=MRST"}, nil, codecs{streams.H264}, nil},
		"H.265 of ranges":             {[]string{h264Main, "49 H265/90000 profile-id=4"}, nil, codecs{streams.H264}, nil},
		"H.264 in mode 0":             {[]string{h264Mode0}, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Accepts(offerOf(c.video, c.audio))
			if c.wantVideo == nil {
				if !errors.Is(err, ErrNoCodec) {
					t.Fatalf("%+v, %v", a, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(a.Video, c.wantVideo) || !reflect.DeepEqual(a.Audio, c.wantAudio) {
				t.Fatalf("%+v, %v", a, err)
			}
		})
	}
	refused := strings.ReplaceAll(offerOf([]string{h264Main}, []string{"8"}), "a=recvonly", "a=inactive")
	if a, err := Accepts(refused); !errors.Is(err, ErrNoCodec) {
		t.Fatalf("inactive: %+v, %v", a, err)
	}
}

// Beginnings of parameter sets that x264 and x265 wrote.
var (
	spsHigh   = []byte{0x67, 0x64, 0, 0x28}
	spsMain8  = decodeSet("QgEBAWAAAAMAkAAAAwAAAwA8oAoI")
	spsMain10 = decodeSet("QgEBAiAAAAMAkAAAAwAAAwA8oAoI")
)

func decodeSet(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestChoose(t *testing.T) {
	codec := func(pt int, mime, line string) webrtc.RTPCodecParameters {
		return webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(pt),
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000, SDPFmtpLine: line}}
	}
	list := []webrtc.RTPCodecParameters{
		codec(1, "video/H264", "packetization-mode=1;profile-level-id=42e01f"),
		codec(2, "video/H264", "packetization-mode=1;profile-level-id=64001f"),
		codec(3, "video/H265", "profile-id=2;tier-flag=0"),
		codec(4, "video/H265", "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST"),
	}
	for name, c := range map[string]struct {
		from []webrtc.RTPCodecParameters
		desc streams.Desc
		want webrtc.PayloadType // 0: none
	}{
		"H.264 of the same profile":  {list, streams.Desc{Video: streams.H264, SPS: spsHigh}, 2},
		"H.264 of another":           {list[:1], streams.Desc{Video: streams.H264, SPS: spsHigh}, 1},
		"H.264 not yet seen":         {list, streams.Desc{Video: streams.H264}, 2},
		"H.264 to one who takes 265": {list[2:], streams.Desc{Video: streams.H264, SPS: spsHigh}, 0},
		"H.265 Main":                 {list, streams.Desc{Video: streams.H265, SPS: spsMain8}, 4},
		"H.265 Main as Main 10":      {list[:3], streams.Desc{Video: streams.H265, SPS: spsMain8}, 3},
		"H.265 Main 10":              {list, streams.Desc{Video: streams.H265, SPS: spsMain10}, 3},
		"H.265 Main 10 as Main":      {list[3:], streams.Desc{Video: streams.H265, SPS: spsMain10}, 0},
		"H.265 not yet seen":         {list[3:], streams.Desc{Video: streams.H265}, 4},
		"H.265 to one who takes 264": {list[:2], streams.Desc{Video: streams.H265, SPS: spsMain8}, 0},
	} {
		got, ok := choose(c.from, &c.desc)
		if got.PayloadType != c.want || ok != (c.want != 0) {
			t.Errorf("%s: %d %v, want %d", name, got.PayloadType, ok, c.want)
		}
	}
}

func TestTakes(t *testing.T) {
	h264, ten8, ten10 := &streams.Desc{Video: streams.H264, SPS: spsHigh}, &streams.Desc{Video: streams.H265, SPS: spsMain8},
		&streams.Desc{Video: streams.H265, SPS: spsMain10}
	for name, c := range map[string]struct {
		offer []string
		want  []bool
	}{
		"H.264":      {[]string{h264Main}, []bool{true, false, false}},
		"8 bits":     {[]string{h264Main, h265Main}, []bool{true, true, false}},
		"10 bits":    {[]string{h265Ten, h265Main}, []bool{false, true, true}},
		"10 bits, 2": {[]string{h265Ten}, []bool{false, true, true}},
	} {
		a, err := Accepts(offerOf(c.offer, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := []bool{a.Takes(h264), a.Takes(ten8), a.Takes(ten10)}; !slices.Equal(got, c.want) || a.Takes(nil) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
