package rtsp

import (
	"bytes"
	"context"
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

	waitKey bool
	audio   soundTrack

	arrived    atomic.Int64 // Unix ns of the last picture that came, 0: none
	firstShown atomic.Int64 // of the first that was published
	shown      atomic.Int64 // of the last
}

func newFrames(ctx context.Context, hub *streams.Hub, t tracks) *frames {
	f := &frames{ctx: ctx, hub: hub, waitKey: true}
	f.desc.Store(t.desc)
	f.video = assembler{h265: t.desc.Video == streams.H265, unit: f.unit, lost: f.lost, spoiled: f.spoiled}
	if v, ok := t.picture.(*format.H264); ok {
		f.video.mode = v.PacketizationMode
	}
	if a, ok := t.sound.(*format.MPEG4Audio); ok {
		f.audio.aac = newAAC(a)
	}
	return f
}

func (f *frames) picture(p *rtp.Packet) {
	if f.ctx.Err() == nil {
		f.video.push(p)
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
func (f *frames) undecodable(error) {
	if f.ctx.Err() == nil {
		f.hub.Count(0, 1, 0)
	}
}

func (f *frames) unit(nalus [][]byte, pts int64) {
	sets := parameterSets(f.video.h265, nalus)
	desc := f.adopt(sets)
	frame := streams.NewVideoFrame(desc, nalus, pts)
	if frame == nil {
		return // parameter sets or messages alone
	}
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
