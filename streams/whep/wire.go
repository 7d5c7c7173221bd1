package whep

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// packet is one RTP packet about to leave. The payload is the hub's and shared.
type packet struct {
	payload []byte
	index   uint64 // sequence number with the rollovers above it
	ts      uint32
	ssrc    uint32
	pt      uint8
	marker  bool
}

// wire takes a viewer's packets to the network.
type wire interface {
	send(b *burst, p packet)
}

// directWire goes around pion for media: the header is written and the payload
// sealed straight into the burst. pion's own way costs a lock, a lookup, two
// copies, an allocation and a system call for each packet.
type directWire struct {
	sealer sealer
	to     *atomic.Pointer[destination] // follows the peer's address
}

func (w *directWire) send(b *burst, p packet) {
	size := headerSize + len(p.payload)
	room := b.room(size + sealRoom)
	room[0], room[1] = 0x80, p.pt
	if p.marker {
		room[1] |= 0x80
	}
	binary.BigEndian.PutUint16(room[2:], uint16(p.index))
	binary.BigEndian.PutUint32(room[4:], p.ts)
	binary.BigEndian.PutUint32(room[8:], p.ssrc)
	copy(room[headerSize:], p.payload)
	sealed, err := w.sealer.seal(room[:size], uint32(p.index>>16))
	if err != nil {
		return // 2^48 packets with one key: 900 years
	}
	b.add(w.to.Load(), len(sealed))
}

// pionWire sends through pion: over TCP, and to a peer that insisted on being
// the DTLS server, whose keys we do not hear. It may block.
type pionWire struct {
	out    webrtc.TrackLocalWriter
	header rtp.Header
	counts *counters
}

func (w *pionWire) send(_ *burst, p packet) {
	w.header = rtp.Header{Version: 2, Marker: p.marker, PayloadType: p.pt, SequenceNumber: uint16(p.index), Timestamp: p.ts, SSRC: p.ssrc}
	w.counts.packets.Add(1)
	w.counts.bytes.Add(int64(len(p.payload)))
	if _, err := w.out.WriteRTP(&w.header, p.payload); err != nil {
		w.counts.failed.Add(1)
	}
}
