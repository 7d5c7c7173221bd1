package record

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
)

// codecsOf names the codecs of tracks as a browser wants them (RFC 6381 3.3,
// ISO/IEC 14496-15 annex E).
func codecsOf(tracks []*fmp4.InitTrack) string {
	var out []string
	for _, t := range tracks {
		switch c := t.Codec.(type) {
		case *codecs.H264:
			if len(c.SPS) >= 4 {
				out = append(out, fmt.Sprintf("avc1.%02x%02x%02x", c.SPS[1], c.SPS[2], c.SPS[3]))
			}
		case *codecs.H265:
			out = append(out, hevcName(c.SPS))
		case *codecs.MPEG4Audio:
			out = append(out, fmt.Sprintf("mp4a.40.%d", c.Config.Type))
		case *codecs.Opus:
			out = append(out, "opus")
		}
	}
	return strings.Join(out, ",")
}

// hevcName reads profile_tier_level of a sequence parameter set (ITU-T H.265
// 7.3.2.2, 7.3.3).
func hevcName(sps []byte) string {
	b := plainBytes(sps, 15)
	if len(b) < 15 {
		return "hvc1"
	}
	p := b[3:]
	space := [...]string{"", "A", "B", "C"}[p[0]>>6]
	tier := "L"
	if p[0]&0x20 != 0 {
		tier = "H"
	}
	compat := bits.Reverse32(uint32(p[1])<<24 | uint32(p[2])<<16 | uint32(p[3])<<8 | uint32(p[4]))
	out := fmt.Sprintf("hvc1.%s%d.%X.%s%d", space, p[0]&0x1f, compat, tier, p[11])
	rest := p[5:11]
	for len(rest) > 0 && rest[len(rest)-1] == 0 {
		rest = rest[:len(rest)-1]
	}
	for _, c := range rest {
		out += fmt.Sprintf(".%X", c)
	}
	return out
}

// plainBytes returns the first bytes of a NAL unit without the bytes that keep
// start codes out (7.3.1.1).
func plainBytes(nalu []byte, n int) []byte {
	var out []byte
	for i, c := range nalu {
		if len(out) == n {
			break
		}
		if c == 3 && i >= 2 && nalu[i-1] == 0 && nalu[i-2] == 0 {
			continue
		}
		out = append(out, c)
	}
	return out
}
