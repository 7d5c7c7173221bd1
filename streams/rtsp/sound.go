package rtsp

import (
	"errors"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg4audio"
	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// soundPiece is the most of one packet of G.711 that goes into one frame, 120 ms.
const soundPiece = 960

// soundTrack is the state of a connection's sound.
type soundTrack struct {
	started bool
	next    uint16 // sequence number
	clock   extender
	aac     *aac // nil: another codec
}

// sound takes a packet of sound.
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
	switch desc := f.desc.Load(); desc.Audio {
	case streams.PCMA, streams.PCMU:
		// One byte is one sample, so that a packet can be cut anywhere.
		for rest := p.Payload; len(rest) > 0; {
			n := min(len(rest), soundPiece)
			f.hub.Publish(streams.NewAudioFrame(desc, rest[:n], pts))
			pts, rest = pts+int64(n), rest[n:]
		}
	case streams.Opus: // a packet is a frame (RFC 7587 4.2)
		f.publishSound(streams.NewAudioFrame(desc, p.Payload, pts))
	case streams.AAC:
		units, err := a.aac.units(p)
		if err != nil {
			f.hub.Count(0, 1, 0)
			return
		}
		for _, u := range units {
			f.publishSound(streams.NewAudioFrame(desc, u, pts))
			pts += a.aac.samples
		}
	}
}

func (f *frames) publishSound(frame *streams.Frame) {
	if frame == nil {
		f.hub.Count(0, 1, 0) // empty or too large
		return
	}
	f.hub.Publish(frame)
}

// aac takes access units of AAC out of packets (RFC 3640).
type aac struct {
	format  *format.MPEG4Audio
	decoder *rtpmpeg4audio.Decoder
	samples int64 // of one access unit
}

func newAAC(f *format.MPEG4Audio) *aac {
	a := &aac{format: f, samples: 1024}
	if f.Config.FrameLengthFlag {
		a.samples = 960 // ISO/IEC 14496-3 4.4.1
	}
	return a
}

// units returns the access units that a packet completes. After an error the
// next packet starts anew.
func (a *aac) units(p *rtp.Packet) ([][]byte, error) {
	if a.decoder == nil {
		d, err := a.format.CreateDecoder()
		if err != nil {
			return nil, err
		}
		a.decoder = d
	}
	units, err := a.decoder.Decode(p)
	if err == nil || errors.Is(err, rtpmpeg4audio.ErrMorePacketsNeeded) {
		return units, nil
	}
	a.decoder = nil
	return nil, err
}
