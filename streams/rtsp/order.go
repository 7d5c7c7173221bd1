package rtsp

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"sharpeyes/streams"
)

// order finds the pictures of H.264 that are shown before one sent earlier: the
// B-pictures that count.
//
// Browsers show a picture of WebRTC as it was decoded. Chromium's decoder gives
// nothing out for a picture that comes too late for its place, counts that as a
// failure and asks for a key frame, whatever the RTP time stamps say: of x264's
// 25 pictures a second with -bf 2 it showed 1.5. With those pictures left out it
// shows the rest evenly, in order, and no later than without B-pictures. So they
// are put aside for viewers; transcoders and recorders get them.
//
// That can be done only while nothing refers to them (nal_ref_idc 0). In a
// pyramid (x264's default) others do, and leaving them out shows damage. There
// all of a GOP is put aside from the first such picture on: few pictures rather
// than false ones. The description says so, and a transcode shows them all.
type order struct {
	raw     []byte // of sps
	sps     h264.SPS
	usable  bool  // sps was understood
	msb     int64 // prevPicOrderCntMsb
	lsb     int64 // prevPicOrderCntLsb
	highest int64 // picture order count that was sent since the key frame
	torn    bool  // a reference was put aside

	announced bool // a pyramid, by the SPS
	seen      int  // pictures since the SPS came
	b         bool // B-pictures were seen
	pyramid   bool // and others that refer to them
}

// settledAfter is how many pictures tell whether an encoder that announces a
// pyramid sends one. Many announce what they do not send.
const settledAfter = 12

// pyramidReorder is max_num_reorder_frames of a pyramid: two pictures or more go
// before one that is shown earlier (H.264 E.2.1).
const pyramidReorder = 2

// maxLog2 bounds log2_max_frame_num_minus4 and log2_max_pic_order_cnt_lsb_minus4
// (H.264 7.4.2.1.1).
const maxLog2 = 12

// follow reads an SPS that is new.
func (o *order) follow(sps []byte) {
	if bytes.Equal(o.raw, sps) {
		return
	}
	*o = order{raw: sps}
	o.usable = len(sps) > 0 && o.sps.Unmarshal(sps) == nil && o.sps.Log2MaxFrameNumMinus4 <= maxLog2 &&
		o.sps.Log2MaxPicOrderCntLsbMinus4 <= maxLog2
	o.announced = o.usable && o.sps.VUI != nil && o.sps.VUI.BitstreamRestriction != nil &&
		o.sps.VUI.BitstreamRestriction.MaxNumReorderFrames >= pyramidReorder
}

// mark returns a description that tells what was seen.
func (o *order) mark(d *streams.Desc) *streams.Desc {
	pending := o.announced && !o.pyramid && o.seen < settledAfter
	if d.BFrames == o.b && d.BPyramid == o.pyramid && d.Pending == pending {
		return d
	}
	marked := *d
	marked.BFrames, marked.BPyramid, marked.Pending = o.b, o.pyramid, pending
	return &marked
}

// take looks at an access unit and reports whether it is to be put aside.
func (o *order) take(d *streams.Desc, nalus [][]byte) (aside bool) {
	o.follow(d.SPS)
	n := firstSlice(nalus)
	if n == nil {
		return false
	}
	o.seen++
	idr, ref := n[0]&0x1f == typeIDR, n[0]&0x60 != 0
	if idr {
		o.torn = false
	}
	isB, late, ok := o.place(n, idr, ref)
	if ok && isB && late {
		o.b = true
		if ref {
			o.pyramid, o.torn = true, true
		}
		return true
	}
	return o.torn
}

// place reads a slice header (H.264 7.3.3) up to the picture order count and
// works that out (8.2.1.1).
func (o *order) place(n []byte, idr, ref bool) (isB, late, ok bool) {
	buf, pos := h264.EmulationPreventionRemove(n[1:min(len(n), 40)]), 0
	var ue [3]uint32 // first_mb_in_slice, slice_type, pic_parameter_set_id
	for i := range ue {
		v, err := bits.ReadGolombUnsigned(buf, &pos)
		if err != nil {
			return false, false, false
		}
		ue[i] = v
	}
	isB = ue[1]%5 == 1 // table 7-6
	if !o.usable || o.sps.PicOrderCntType == 2 {
		return isB, false, true // type 2: shown as sent
	}
	if o.sps.PicOrderCntType == 1 {
		return isB, isB, true // nobody's encoder; what may be late counts as late
	}
	lsb, err := o.readCount(buf, pos, idr)
	if err != nil {
		return false, false, false
	}
	if idr {
		o.msb, o.lsb = 0, 0
	}
	msb, size := o.msb, int64(1)<<(o.sps.Log2MaxPicOrderCntLsbMinus4+4)
	switch {
	case lsb < o.lsb && o.lsb-lsb >= size/2:
		msb += size
	case lsb > o.lsb && lsb-o.lsb > size/2:
		msb -= size
	}
	if ref {
		o.msb, o.lsb = msb, lsb
	}
	count := msb + lsb
	if late = !idr && count < o.highest; !late {
		o.highest = count
	}
	return isB, late, true
}

// readCount reads from after pic_parameter_set_id to pic_order_cnt_lsb.
func (o *order) readCount(buf []byte, pos int, idr bool) (int64, error) {
	skip := int(o.sps.Log2MaxFrameNumMinus4) + 4 // frame_num
	if o.sps.SeparateColourPlaneFlag {
		skip += 2 // colour_plane_id
	}
	if _, err := bits.ReadBits(buf, &pos, skip); err != nil {
		return 0, err
	}
	if !o.sps.FrameMbsOnlyFlag {
		field, err := bits.ReadFlag(buf, &pos)
		if err != nil {
			return 0, err
		}
		if field {
			if _, err := bits.ReadFlag(buf, &pos); err != nil { // bottom_field_flag
				return 0, err
			}
		}
	}
	if idr {
		if _, err := bits.ReadGolombUnsigned(buf, &pos); err != nil {
			return 0, err
		}
	}
	v, err := bits.ReadBits(buf, &pos, int(o.sps.Log2MaxPicOrderCntLsbMinus4)+4)
	return int64(v), err
}

// firstSlice is the first slice of an access unit; nil: there is none.
func firstSlice(nalus [][]byte) []byte {
	for _, n := range nalus {
		if len(n) > 1 && (n[0]&0x1f == typeSlice || n[0]&0x1f == typePartitionA || n[0]&0x1f == typeIDR) {
			return n
		}
	}
	return nil
}
