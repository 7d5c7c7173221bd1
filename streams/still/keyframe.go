package still

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"sharpeyes/streams"
)

// Bounds of what a camera may claim.
const (
	maxSide = 16384 // pixels
	maxSets = 31    // of one kind: what avcC can hold of SPS (14496-15 5.3.3.1.2)
	maxSet  = 4096  // bytes of one
)

// NAL unit types (H.264 table 7-1, H.265 table 7-1).
const (
	avcSPS  = 7
	avcPPS  = 8
	hevcVCL = 31 // the last type of a slice
	hevcVPS = 32
	hevcSPS = 33
	hevcPPS = 34
)

// keyFrame is a key frame taken apart: parameter sets, and the slices alone.
// Messages (SEI) are left out; they may hold what a camera's maker put there.
type keyFrame struct {
	hevc               bool
	vps, sps, pps      [][]byte
	slices             [][]byte
	width, height      int
	aspectX, aspectY   int // of a pixel
	chroma, luma8, cr8 byte
	ptl                []byte // H.265: general profile, tier and level
	subLayers          byte   // H.265: temporal layers
	nested             byte
}

func read(f *streams.Frame) (*keyFrame, error) {
	if f == nil || f.Kind != streams.Video || !f.Key || f.Desc == nil {
		return nil, fmt.Errorf("%w: it is none", ErrNoPicture)
	}
	k := &keyFrame{hevc: f.Desc.Video == streams.H265}
	for _, n := range streams.Units(f) {
		if k.hevc {
			k.sortHEVC(n)
		} else {
			k.sortAVC(n)
		}
	}
	// Cameras that send them in their SDP alone; Packetize puts them before the
	// frame, so that this is for frames of another making.
	for _, s := range []struct {
		have *[][]byte
		sdp  []byte
	}{{&k.vps, f.Desc.VPS}, {&k.sps, f.Desc.SPS}, {&k.pps, f.Desc.PPS}} {
		if len(*s.have) == 0 && len(s.sdp) > 0 {
			*s.have = add(nil, s.sdp)
		}
	}
	if !k.hevc {
		k.vps = nil
	}
	if len(k.sps) == 0 || len(k.pps) == 0 || len(k.slices) == 0 || k.hevc && len(k.vps) == 0 {
		return nil, fmt.Errorf("%w: its parameter sets are not there", ErrNoPicture)
	}
	var err error
	if k.hevc {
		err = k.readHEVC()
	} else {
		err = k.readAVC()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its parameter sets are broken (%v)", ErrNoPicture, err)
	}
	if k.width <= 0 || k.height <= 0 || k.width > maxSide || k.height > maxSide {
		return nil, fmt.Errorf("%w: it would be %d by %d pixels", ErrNoPicture, k.width, k.height)
	}
	return k, nil
}

// add keeps a parameter set, once.
func add(have [][]byte, n []byte) [][]byte {
	if len(n) > maxSet || len(have) >= maxSets || slices.ContainsFunc(have, func(o []byte) bool { return bytes.Equal(o, n) }) {
		return have
	}
	return append(have, n)
}

func (k *keyFrame) sortAVC(n []byte) {
	switch t := n[0] & 0x1f; {
	case t >= 1 && t <= 5:
		k.slices = append(k.slices, n)
	case t == avcSPS:
		k.sps = add(k.sps, n)
	case t == avcPPS:
		k.pps = add(k.pps, n)
	}
}

func (k *keyFrame) sortHEVC(n []byte) {
	if len(n) < 3 || n[0]&1 != 0 || n[1]>>3 != 0 {
		return // a layer on top of the picture (H.265 annex F)
	}
	switch t := n[0] >> 1 & 0x3f; {
	case t <= hevcVCL:
		k.slices = append(k.slices, n)
	case t == hevcVPS:
		k.vps = add(k.vps, n)
	case t == hevcSPS:
		k.sps = add(k.sps, n)
	case t == hevcPPS:
		k.pps = add(k.pps, n)
	}
}

func (k *keyFrame) readAVC() error {
	var s h264.SPS
	if err := s.Unmarshal(k.sps[0]); err != nil {
		return err
	}
	k.width, k.height = s.Width(), s.Height()
	k.chroma, k.luma8, k.cr8 = byte(s.ChromaFormatIdc&3), byte(s.BitDepthLumaMinus8&7), byte(s.BitDepthChromaMinus8&7)
	if v := s.VUI; v != nil && v.AspectRatioInfoPresentFlag {
		k.aspect(v.AspectRatioIdc, v.SarWidth, v.SarHeight)
	}
	return nil
}

func (k *keyFrame) readHEVC() error {
	var s h265.SPS
	if err := s.Unmarshal(k.sps[0]); err != nil {
		return err
	}
	// profile_tier_level follows one byte after the NAL unit's header (H.265
	// 7.3.2.2.1), and goes into hvcC as it is.
	raw := h264.EmulationPreventionRemove(k.sps[0])
	if len(raw) < 15 {
		return fmt.Errorf("%d bytes of SPS", len(raw))
	}
	k.ptl = raw[3:15]
	k.width, k.height = s.Width(), s.Height()
	k.chroma, k.luma8, k.cr8 = byte(s.ChromaFormatIdc&3), byte(s.BitDepthLumaMinus8&7), byte(s.BitDepthChromaMinus8&7)
	k.subLayers = s.MaxSubLayersMinus1&7 + 1
	if s.TemporalIDNestingFlag {
		k.nested = 1
	}
	if v := s.VUI; v != nil && v.AspectRatioInfoPresentFlag {
		k.aspect(v.AspectRatioIdc, v.SarWidth, v.SarHeight)
	}
	return nil
}

// aspects are the shapes of pixels by aspect_ratio_idc (H.264 and H.265 table
// E-1).
var aspects = [...][2]int{1: {1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11}, {20, 11}, {32, 11}, {80, 33},
	{18, 11}, {15, 11}, {64, 33}, {160, 99}, {4, 3}, {3, 2}, {2, 1}}

func (k *keyFrame) aspect(idc uint8, x, y uint16) {
	const extended = 255
	switch {
	case idc == extended:
		k.aspectX, k.aspectY = int(x), int(y)
	case int(idc) < len(aspects):
		k.aspectX, k.aspectY = aspects[idc][0], aspects[idc][1]
	}
	if w := k.displayWidth(); w <= 0 || w > maxSide {
		k.aspectX, k.aspectY = 0, 0
	}
}

// displayWidth is the width on a screen with square pixels.
func (k *keyFrame) displayWidth() int {
	if k.aspectX <= 0 || k.aspectY <= 0 {
		return k.width
	}
	return (k.width*k.aspectX + k.aspectY/2) / k.aspectY
}

func (k *keyFrame) sampleEntry() *mp4.VisualSampleEntryBox {
	name, config := "avc1", mp4.Box(k.avcC())
	if k.hevc {
		name, config = "hvc1", k.hvcC()
	}
	entry := mp4.CreateVisualSampleEntryBox(name, uint16(k.width), uint16(k.height), config)
	entry.CompressorName = ""
	if k.aspectX > 0 && k.aspectY > 0 && k.aspectX != k.aspectY {
		entry.AddChild(&mp4.PaspBox{HSpacing: uint32(k.aspectX), VSpacing: uint32(k.aspectY)})
	}
	return entry
}

func (k *keyFrame) avcC() *mp4.AvcCBox {
	s := k.sps[0] // read before, so that it has its four first bytes
	return &mp4.AvcCBox{DecConfRec: avc.DecConfRec{AVCProfileIndication: s[1], ProfileCompatibility: s[2], AVCLevelIndication: s[3],
		SPSnalus: k.sps, PPSnalus: k.pps, ChromaFormat: k.chroma, BitDepthLumaMinus1: k.luma8, BitDepthChromaMinus1: k.cr8}}
}

func (k *keyFrame) hvcC() *mp4.HvcCBox {
	p := k.ptl
	var compatible uint32
	for _, b := range p[1:5] {
		compatible = compatible<<8 | uint32(b)
	}
	var constraints uint64
	for _, b := range p[5:11] {
		constraints = constraints<<8 | uint64(b)
	}
	return &mp4.HvcCBox{DecConfRec: hevc.DecConfRec{
		ConfigurationVersion: 1, GeneralProfileSpace: p[0] >> 6, GeneralTierFlag: p[0]&0x20 != 0, GeneralProfileIDC: p[0] & 0x1f,
		GeneralProfileCompatibilityFlags: compatible, GeneralConstraintIndicatorFlags: constraints, GeneralLevelIDC: p[11],
		ChromaFormatIDC: k.chroma, BitDepthLumaMinus8: k.luma8, BitDepthChromaMinus8: k.cr8,
		NumTemporalLayers: k.subLayers, TemporalIDNested: k.nested, LengthSizeMinusOne: 3,
		NaluArrays: []hevc.NaluArray{hevc.NewNaluArray(true, hevc.NALU_VPS, k.vps), hevc.NewNaluArray(true, hevc.NALU_SPS, k.sps),
			hevc.NewNaluArray(true, hevc.NALU_PPS, k.pps)}}}
}
