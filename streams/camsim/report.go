package camsim

import (
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
)

// reportPeriod between sender reports; RFC 3550, 6.2 asks for 5 s or so.
const reportPeriod = 5 * time.Second

// track numbers and counts the packets of one RTP stream.
type track struct {
	rate     uint32 // RTP clock, Hz
	seq      uint16
	offset   uint32 // random start of the timestamps
	ssrc     uint32
	packets  uint32
	octets   uint32
	reported time.Time
}

func newTrack(rate uint32) track {
	return track{rate: rate, seq: uint16(rand.Uint32()), offset: rand.Uint32()}
}

// timestamp of a tick; it wraps as RTP timestamps do.
func (t *track) timestamp(tick int64) uint32 {
	return t.offset + uint32(tick*int64(t.rate/ticksPerSecond))
}

func (t *track) count(payload int) {
	t.packets++
	t.octets += uint32(payload)
}

// report maps the RTP clock to the wall clock (RFC 3550, 6.4.1).
func (t *track) report(timestamp uint32, wall time.Time) *rtcp.SenderReport {
	return &rtcp.SenderReport{
		SSRC:        t.ssrc,
		NTPTime:     ntp(wall),
		RTPTime:     timestamp,
		PacketCount: t.packets,
		OctetCount:  t.octets,
	}
}

// ntp is seconds since 1900 in 32.32 fixed point (RFC 5905, 6).
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}
