package rtsp

import (
	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// Bounds of one access unit beside streams.MaxAccessUnit.
const (
	maxUnitPackets = 8192
	maxUnitNALs    = 512
)

// lateBy is how far behind the last one a packet counts as a repetition; one
// further behind means that the camera numbers anew.
const lateBy = 64

// NAL unit and packet types (H.264 table 7-1, RFC 6184 5.2).
const (
	typeSlice      = 1
	typePartitionA = 2
	typeIDR        = 5
	typeSEI        = 6
	typeSPS        = 7
	typePPS        = 8
	typeDelimiter  = 9
	typeSTAPA      = 24
	typeFUA        = 28
)

// assembler joins RTP packets to whole access units. A unit ends with the
// marker or, for cameras that send none, with the next time stamp. The library
// decodes packet by packet to NAL units; units are joined here because every
// hole, and every bound, has to be noticed.
type assembler struct {
	unit    func(nalus [][]byte, pts int64) // a whole access unit, which is not to be kept
	lost    func(packets int64)             // so many never came; 0: the camera numbers anew
	spoiled func()                          // an access unit that cannot be shown
	h265    bool
	mode    int // packetization-mode of H.264

	decoder   decoder // nil: to be made
	started   bool
	next      uint16 // sequence number
	clock     extender
	stamp     uint32 // of the unit being gathered
	gathering bool
	broken    bool
	open      bool // a fragmented NAL unit has begun and not ended
	nalus     [][]byte
	joined    []byte // what nalus lie in
	large     int    // room for the last access unit that was over maxJoined
	from      int    // where the open one begins
	pts       int64
	size      int
	packets   int
}

// decoder is the library's, of either codec.
type decoder interface {
	Decode(p *rtp.Packet) ([][]byte, error)
}

// push takes the next packet in the order of arrival.
func (a *assembler) push(p *rtp.Packet) {
	gap := !a.started
	if a.started {
		switch d := int(int16(p.SequenceNumber - a.next)); {
		case d > 0:
			a.lost(int64(d))
			gap = true
		case d < -lateBy:
			a.lost(0)
			gap = true
		case d < 0:
			return
		}
	}
	a.started, a.next = true, p.SequenceNumber+1
	if a.gathering && gap {
		a.spoil()
	}
	if a.gathering && p.Timestamp != a.stamp {
		a.finish()
	}
	if !a.gathering {
		a.begin(p)
		if gap && !a.startsUnit(p.Payload) {
			a.spoil()
		}
	}
	a.gather(p)
	if p.Marker {
		a.finish()
	}
}

// again forgets what was gathered: the camera begins a new stream.
func (a *assembler) again() {
	a.started, a.gathering, a.clock = false, false, extender{}
	a.nalus, a.decoder = nil, nil
}

func (a *assembler) begin(p *rtp.Packet) {
	a.gathering, a.broken, a.open = true, false, false
	a.nalus, a.size, a.packets = nil, 0, 0
	if n := len(a.joined); n > maxJoined {
		a.large = n + n/8
	}
	a.joined = emptied(a.joined)
	a.stamp, a.pts = p.Timestamp, a.clock.extend(p.Timestamp)
}

func (a *assembler) gather(p *rtp.Packet) {
	a.packets++
	a.size += len(p.Payload)
	if a.packets%maxUnitPackets == 0 || a.size > streams.MaxAccessUnit {
		a.size = 0
		a.spoilAgain()
	}
	if a.broken || len(p.Payload) == 0 {
		return
	}
	if a.decoder == nil {
		if a.decoder = a.newDecoder(); a.decoder == nil {
			a.spoil()
			return
		}
	}
	if a.open && !a.goesOn(p.Payload) {
		a.spoil() // the fragments before never ended
		return
	}
	payload, ok := a.join(p.Payload)
	if !ok {
		a.spoil()
	}
	if payload == nil {
		return
	}
	// With the marker always set and one time stamp the decoder gives back the
	// NAL units of each packet.
	nalus, err := a.decoder.Decode(&rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, SequenceNumber: p.SequenceNumber}, Payload: payload})
	if err != nil || len(a.nalus)+len(nalus) > maxUnitNALs {
		a.spoil()
		return
	}
	a.nalus = append(a.nalus, nalus...)
}

// spoil gives up the unit being gathered and what it holds.
func (a *assembler) spoil() {
	if !a.broken {
		a.spoilAgain()
	}
}

func (a *assembler) spoilAgain() {
	a.broken, a.open = true, false
	a.nalus, a.joined, a.decoder = nil, nil, nil
	a.spoiled()
}

func (a *assembler) finish() {
	if a.open {
		a.spoil()
	}
	nalus := a.nalus
	a.gathering, a.nalus = false, nil
	if !a.broken && len(nalus) > 0 {
		a.unit(nalus, a.pts)
	}
}

// extender turns RTP time stamps of 32 bits into ones that do not wrap.
type extender struct {
	started bool
	last    uint32
	out     int64
}

func (e *extender) extend(stamp uint32) int64 {
	if !e.started {
		e.started, e.out = true, int64(stamp)
	} else {
		e.out += int64(int32(stamp - e.last))
	}
	e.last = stamp
	return e.out
}
