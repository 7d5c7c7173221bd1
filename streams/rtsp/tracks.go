package rtsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"sharpeyes/streams"
)

// maxParameterSet bounds one SPS or PPS that is kept.
const maxParameterSet = 4 << 10

// maxSide bounds a picture's width and height; more is a broken SPS.
const maxSide = 16384

// tracks is what is taken of a camera's offer.
type tracks struct {
	video *description.Media
	h264  *format.H264
	audio *description.Media // nil: no sound
	g711  *format.G711
	desc  *streams.Desc
}

// choose takes the first H.264 video and the first G.711 sound at 8 kHz mono.
func choose(offer *description.Session) (tracks, error) {
	var t tracks
	var others []string
	for _, m := range offer.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			switch f := f.(type) {
			case *format.H264:
				if t.video == nil && f.PacketizationMode < 2 {
					t.video, t.h264 = m, f
				}
			case *format.G711:
				if t.audio == nil && f.SampleRate == 8000 && f.ChannelCount == 1 {
					t.audio, t.g711 = m, f
				}
			default:
				if m.Type == description.MediaTypeVideo && len(others) < 3 && !slices.Contains(others, f.Codec()) {
					others = append(others, f.Codec())
				}
			}
		}
	}
	if t.video == nil {
		detail := "the camera offers no video"
		if len(others) > 0 {
			detail = fmt.Sprintf("the camera sends %s, which cannot be shown; set it to H.264", strings.Join(others, ", "))
		}
		return tracks{}, failure{streams.Silent, streams.UnsupportedCodec, detail, true}
	}
	if t.audio == t.video {
		t.audio, t.g711 = nil, nil
	}
	for _, m := range []*description.Media{t.video, t.audio} {
		if m == nil {
			continue
		}
		// The library goes on with a nil address where the control attribute
		// cannot be parsed.
		if u, err := m.URL(offer.BaseURL); err != nil || u == nil {
			return tracks{}, failure{streams.Silent, streams.BadStream, "the camera's description names no usable track", false}
		}
	}
	t.desc = describe(t.h264, t.g711)
	return t, nil
}

func describe(v *format.H264, a *format.G711) *streams.Desc {
	d := &streams.Desc{Video: streams.H264}
	if a != nil {
		d.Audio, d.AudioChannels = streams.PCMA, 1
		if a.MULaw {
			d.Audio = streams.PCMU
		}
	}
	sps, pps := v.SafeParams()
	if w, h, ok := pictureSize(sps); ok && len(pps) > 0 && len(pps) <= maxParameterSet {
		d.SPS, d.PPS, d.Width, d.Height = sps, pps, w, h
	}
	return d
}

// pictureSize reads an SPS; ok is false for one that is broken.
func pictureSize(sps []byte) (width, height int, ok bool) {
	var s h264.SPS
	if len(sps) == 0 || len(sps) > maxParameterSet || s.Unmarshal(sps) != nil {
		return 0, 0, false
	}
	width, height = s.Width(), s.Height()
	return width, height, width > 0 && height > 0 && width <= maxSide && height <= maxSide
}
