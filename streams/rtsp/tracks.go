package rtsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"sharpeyes/streams"
)

// maxParameterSet bounds one SPS or PPS that is kept.
const maxParameterSet = 4 << 10

// maxSide bounds a picture's width and height; more is a broken SPS.
const maxSide = 16384

// tracks is what is taken of a camera's offer.
type tracks struct {
	video   *description.Media
	picture format.Format      // *format.H264 or *format.H265
	audio   *description.Media // nil: no sound
	sound   format.Format      // *format.G711, *format.Opus or *format.MPEG4Audio
	desc    *streams.Desc
}

// choose takes the first H.264 video, or else the first H.265, and the first
// sound that passes untouched (G.711 at 8 kHz mono, Opus), or else the first AAC.
func choose(offer *description.Session) (tracks, error) {
	var best [4]struct { // H.264 before H.265, sound that passes before AAC
		media  *description.Media
		format format.Format
	}
	var others []string
	for _, m := range offer.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			place := suits(f)
			if place < 0 {
				if name := called(f); m.Type == description.MediaTypeVideo && len(others) < 3 && !slices.Contains(others, name) {
					others = append(others, name)
				}
			} else if best[place].media == nil {
				best[place].media, best[place].format = m, f
			}
		}
	}
	var t tracks
	if t.video, t.picture = best[0].media, best[0].format; t.video == nil {
		t.video, t.picture = best[1].media, best[1].format
	}
	if t.audio, t.sound = best[2].media, best[2].format; t.audio == nil {
		t.audio, t.sound = best[3].media, best[3].format
	}
	if t.video == nil {
		detail := "the camera offers no video"
		if len(others) > 0 {
			detail = fmt.Sprintf("the camera sends %s, which cannot be shown; set it to H.264 or H.265", strings.Join(others, ", "))
		}
		return tracks{}, failure{streams.Silent, streams.UnsupportedCodec, detail, true}
	}
	if t.audio == t.video {
		t.audio, t.sound = nil, nil
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
	t.desc = t.describe()
	return t, nil
}

// suits tells which of choose's places a format can take; -1: none.
func suits(f format.Format) int {
	switch f := f.(type) {
	case *format.H264:
		if f.PacketizationMode < 2 {
			return 0
		}
	case *format.H265:
		if f.MaxDONDiff == 0 {
			return 1
		}
	case *format.G711:
		if f.SampleRate == 8000 && f.ChannelCount == 1 {
			return 2
		}
	case *format.Opus:
		if f.ChannelCount <= 2 {
			return 2
		}
	case *format.MPEG4Audio:
		if c := f.Config; c != nil && c.SampleRate >= 7350 && c.SampleRate <= 96000 {
			return 3
		}
	}
	return -1
}

// called names what cannot be taken.
func called(f format.Format) string {
	switch f.(type) {
	case *format.H264, *format.H265:
		return f.Codec() + " with its packets out of order" // RFC 6184 5.4, RFC 7798 4.5
	}
	return f.Codec()
}

func (t *tracks) describe() *streams.Desc {
	d := &streams.Desc{}
	switch v := t.picture.(type) {
	case *format.H264:
		d.Video = streams.H264
		sps, pps := v.SafeParams()
		if w, h, ok := pictureSize(sps); ok && fits(pps) {
			d.SPS, d.PPS, d.Width, d.Height = sps, pps, w, h
		}
	case *format.H265:
		d.Video = streams.H265
		vps, sps, pps := v.SafeParams()
		if w, h, ok := pictureSizeH265(sps); ok && fits(pps) && fits(vps) {
			d.VPS, d.SPS, d.PPS, d.Width, d.Height = vps, sps, pps, w, h
		}
	}
	switch a := t.sound.(type) {
	case *format.G711:
		d.Audio, d.AudioChannels = streams.PCMA, 1
		if a.MULaw {
			d.Audio = streams.PCMU
		}
	case *format.Opus:
		d.Audio, d.AudioChannels = streams.Opus, a.ChannelCount
	case *format.MPEG4Audio:
		config, err := a.Config.Marshal()
		if err != nil || !fits(config) {
			t.audio, t.sound = nil, nil // the picture is shown without
			break
		}
		d.Audio, d.AudioChannels = streams.AAC, int(a.Config.ChannelConfig)
		d.AudioRate, d.AudioConfig = a.ClockRate(), config
	}
	return d
}

func fits(set []byte) bool { return len(set) > 0 && len(set) <= maxParameterSet }

// pictureSize reads an SPS; ok is false for one that is broken.
func pictureSize(sps []byte) (width, height int, ok bool) {
	var s h264.SPS
	if len(sps) == 0 || len(sps) > maxParameterSet || s.Unmarshal(sps) != nil {
		return 0, 0, false
	}
	width, height = s.Width(), s.Height()
	return width, height, width > 0 && height > 0 && width <= maxSide && height <= maxSide
}

// pictureSizeH265 is the same for H.265.
func pictureSizeH265(sps []byte) (width, height int, ok bool) {
	var s h265.SPS
	if len(sps) == 0 || len(sps) > maxParameterSet || s.Unmarshal(sps) != nil || s.ChromaFormatIdc > 3 {
		return 0, 0, false
	}
	width, height = s.Width(), s.Height()
	return width, height, width > 0 && height > 0 && width <= maxSide && height <= maxSide
}
