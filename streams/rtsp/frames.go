package rtsp

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// frames turns the packets of one connection into frames of the hub. The
// library calls picture and sound from one goroutine each.
type frames struct {
	ctx   context.Context // once it has ended the hub is left alone
	hub   *streams.Hub
	desc  atomic.Pointer[streams.Desc]
	video assembler

	source source

	waitKey bool
	order   order // of H.264
	newest  int64 // time stamp of H.265
	audio   soundTrack

	arrived    atomic.Int64 // Unix ns of the last picture that came, 0: none
	firstShown atomic.Int64 // of the first that was published
	shown      atomic.Int64 // of the last
}

func newFrames(ctx context.Context, hub *streams.Hub, t tracks) *frames {
	f := &frames{ctx: ctx, hub: hub, waitKey: true}
	f.source.clock = hub.SetClock
	desc := t.desc
	if desc.Video == streams.H264 {
		f.order.follow(desc.SPS)
		desc = f.order.mark(desc)
	}
	f.desc.Store(desc)
	hub.Describe(desc)
	f.video = assembler{h265: t.desc.Video == streams.H265, unit: f.unit, lost: f.lost, spoiled: f.spoiled}
	if v, ok := t.picture.(*format.H264); ok {
		f.video.mode = v.PacketizationMode
	}
	if a, ok := t.sound.(*format.MPEG4Audio); ok {
		f.audio.aac = newAAC(a)
	}
	return f
}

// picture takes a packet. Nothing of it is kept.
func (f *frames) picture(p *rtp.Packet) {
	if f.ctx.Err() != nil {
		return
	}
	ok, anew := f.source.admit(p.SSRC)
	if anew {
		f.waitKey = true
		f.video.again()
		f.hub.Restart()
	}
	if ok {
		f.video.push(p)
	} else {
		f.undecodable(errForeign)
	}
}

func (f *frames) lost(packets int64) {
	f.hub.Count(packets, 0, 0)
	f.interrupt()
}

func (f *frames) spoiled() {
	f.hub.Count(0, 1, 0)
	f.interrupt()
}

func (f *frames) interrupt() {
	f.waitKey = true
	f.hub.Interrupt()
}

// undecodable takes a packet that is none.
func (f *frames) undecodable(err error) {
	if strings.Contains(err.Error(), "wrong SSRC") {
		f.source.foreign.Store(true) // the library takes one source's packets alone
	}
	if f.ctx.Err() == nil {
		f.hub.Count(0, 1, 0)
	}
}

func (f *frames) unit(nalus [][]byte, pts int64) {
	if foreign(f.video.h265, nalus) {
		f.spoiled()
		return // no picture has come: in the end the camera is asked anew
	}
	sets := parameterSets(f.video.h265, nalus)
	desc := f.adopt(sets)
	desc, aside := f.sort(desc, nalus, pts)
	frame := streams.NewVideoFrame(desc, nalus, pts)
	if frame == nil {
		return // parameter sets or messages alone
	}
	frame.Aside = aside
	now := time.Now().UnixNano()
	f.arrived.Store(now)
	if frame.Key && !sets.complete(desc) {
		f.spoiled() // no decoder can start here
		return
	}
	if frame.Key {
		f.waitKey = false
	}
	f.hub.Publish(frame)
	if !f.waitKey {
		f.firstShown.CompareAndSwap(0, now)
		f.shown.Store(now)
	}
}

// foreign reports whether NAL units are of another codec than was agreed on, as
// from a camera that was switched over while it played. To H.264 those of H.265
// look like data partitions, which no camera sends; to H.265 those of H.264 look
// like a further layer (H.265 7.4.2.2).
func foreign(h265 bool, nalus [][]byte) bool {
	for _, n := range nalus {
		if len(n) < 2 {
			continue
		}
		if kind := n[0] & 0x1f; !h265 && kind >= typePartitionA && kind < typeIDR {
			return true
		}
		if layer := n[0]&1<<5 | n[1]>>3; h265 && (layer != 0 || n[1]&7 == 0) {
			return true
		}
	}
	return false
}

// sort tells whether a picture is to be put aside, and describes B-pictures. Those
// of H.265 show in time stamps that run back; they go to viewers as they come,
// since the decoders that browsers have for it come from the system.
func (f *frames) sort(desc *streams.Desc, nalus [][]byte, pts int64) (*streams.Desc, bool) {
	aside, marked := false, desc
	if !f.video.h265 {
		aside = f.order.take(desc, nalus)
		marked = f.order.mark(desc)
	} else if back := f.newest - pts; !desc.BFrames && back > 0 && back < desc.ClockRate(streams.Video) {
		d := *desc
		d.BFrames, marked = true, &d
	}
	f.newest = pts
	if marked != desc {
		f.desc.Store(marked)
	}
	return marked, aside
}

// sets are the parameter sets of an access unit; vps is H.265's alone.
type sets struct{ vps, sps, pps []byte }

// complete reports whether a decoder has all sets, out of the access unit itself
// or else out of the description.
func (s sets) complete(d *streams.Desc) bool {
	own := s.sps != nil && s.pps != nil && (s.vps != nil || d.Video != streams.H265)
	return own || d.SPS != nil && d.PPS != nil && (d.VPS != nil || d.Video != streams.H265)
}

// parameterSets finds the first set of each kind in an access unit.
func parameterSets(h265 bool, nalus [][]byte) sets {
	var s sets
	for _, n := range nalus {
		if len(n) < 2 {
			continue
		}
		kind, at := n[0]&0x1f, (*[]byte)(nil)
		if h265 {
			kind = n[0] >> 1 & 0x3f
		}
		switch {
		case !h265 && kind == typeSPS, h265 && kind == hevcSPS:
			at = &s.sps
		case !h265 && kind == typePPS, h265 && kind == hevcPPS:
			at = &s.pps
		case h265 && kind == hevcVPS:
			at = &s.vps
		default:
			continue
		}
		if *at == nil {
			*at = n
		}
	}
	return s
}

// adopt makes a new description where parameter sets changed in the stream. The
// sets lie in the camera's packets and are copied.
func (f *frames) adopt(s sets) *streams.Desc {
	desc := f.desc.Load()
	changed := func(have, now []byte) bool { return now != nil && !bytes.Equal(have, now) }
	if !changed(desc.SPS, s.sps) && !changed(desc.PPS, s.pps) && !changed(desc.VPS, s.vps) {
		return desc
	}
	d := *desc
	if changed(desc.SPS, s.sps) {
		size := pictureSize
		if f.video.h265 {
			size = pictureSizeH265
		}
		if w, h, ok := size(s.sps); ok {
			d.SPS, d.Width, d.Height = bytes.Clone(s.sps), w, h
		}
	}
	if fits(s.pps) {
		d.PPS = bytes.Clone(s.pps)
	}
	if fits(s.vps) {
		d.VPS = bytes.Clone(s.vps)
	}
	f.desc.Store(&d)
	return &d
}
