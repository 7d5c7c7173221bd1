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

// soundPiece is the most of one sound packet that goes into one frame, 120 ms.
const soundPiece = 960

// frames turns the packets of one connection into frames of the hub. The
// library calls picture and sound from one goroutine each.
type frames struct {
	ctx   context.Context // once it has ended the hub is left alone
	hub   *streams.Hub
	desc  atomic.Pointer[streams.Desc]
	video assembler

	waitKey bool
	audio   struct {
		started bool
		next    uint16
		clock   extender
	}

	arrived    atomic.Int64 // Unix ns of the last picture that came, 0: none
	firstShown atomic.Int64 // of the first that was published
	shown      atomic.Int64 // of the last
}

func newFrames(ctx context.Context, hub *streams.Hub, desc *streams.Desc, v *format.H264) *frames {
	f := &frames{ctx: ctx, hub: hub, waitKey: true}
	f.desc.Store(desc)
	f.video = assembler{mode: v.PacketizationMode, unit: f.unit, lost: f.lost, spoiled: f.spoiled}
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
	sets := parameterSets(nalus)
	desc := f.adopt(sets)
	frame := streams.NewVideoFrame(desc, nalus, pts)
	if frame == nil {
		return // parameter sets or messages alone
	}
	now := time.Now().UnixNano()
	f.arrived.Store(now)
	if frame.Key && (sets.sps == nil || sets.pps == nil) && (desc.SPS == nil || desc.PPS == nil) {
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

type sets struct{ sps, pps []byte }

// parameterSets finds the first SPS and PPS of an access unit.
func parameterSets(nalus [][]byte) sets {
	var s sets
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		switch n[0] & 0x1f {
		case typeSPS:
			if s.sps == nil {
				s.sps = n
			}
		case typePPS:
			if s.pps == nil {
				s.pps = n
			}
		}
	}
	return s
}

// adopt makes a new description where parameter sets changed in the stream.
func (f *frames) adopt(s sets) *streams.Desc {
	desc := f.desc.Load()
	if s.sps == nil && s.pps == nil ||
		(s.sps == nil || bytes.Equal(s.sps, desc.SPS)) && (s.pps == nil || bytes.Equal(s.pps, desc.PPS)) {
		return desc
	}
	d := *desc
	if s.sps != nil && !bytes.Equal(s.sps, desc.SPS) {
		if w, h, ok := pictureSize(s.sps); ok {
			d.SPS, d.Width, d.Height = bytes.Clone(s.sps), w, h
		}
	}
	if s.pps != nil && len(s.pps) <= maxParameterSet {
		d.PPS = bytes.Clone(s.pps)
	}
	f.desc.Store(&d)
	return &d
}

// sound takes a packet of G.711: one byte is one sample, so that a packet can
// be cut anywhere.
func (f *frames) sound(p *rtp.Packet) {
	if f.ctx.Err() != nil {
		return
	}
	a := &f.audio
	if d := int(int16(p.SequenceNumber - a.next)); a.started && d > 0 {
		f.hub.Count(int64(d), 0, 0)
	} else if a.started && d < 0 && d >= -lateBy {
		return
	}
	a.started, a.next = true, p.SequenceNumber+1
	pts := a.clock.extend(p.Timestamp)
	desc := f.desc.Load()
	for rest := p.Payload; len(rest) > 0; {
		n := min(len(rest), soundPiece)
		f.hub.Publish(streams.NewAudioFrame(desc, rest[:n], pts))
		pts, rest = pts+int64(n), rest[n:]
	}
}
