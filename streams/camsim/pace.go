package camsim

import (
	"context"
	"time"

	"github.com/pion/rtp"
)

const (
	videoType = 96
	videoRate = 90000
	audioType = 8 // PCMA, RFC 3551

	// A tick is half a frame: one audio packet. Frames are due on even ticks.
	ticksPerSecond = 2 * FrameRate
	tick           = time.Second / ticksPerSecond
	// steps share a tick's cameras out, so that they do not all send at once.
	steps = 10
	// maxLate is how far behind the pacer still catches up frame by frame.
	maxLate = time.Second
	// maxSkew is how far the wall clock may drift off before it is followed.
	maxSkew = tick / 4
)

// pacer sends every camera's packets when they are due.
//
// Two counters, both in ticks: wall numbers follow the wall clock and choose
// the frame, media numbers grow by one a tick for ever and give the timestamps.
type pacer struct {
	cams   []*camera
	sound  [][]byte
	cancel context.CancelFunc
	done   chan struct{}

	origin time.Time // of tick number 0 since the last alignment; monotonic
	wall0  int64     // wall number at the origin
	media0 int64     // media number at the origin
}

func startPacer(cams []*camera, sound [][]byte) *pacer {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pacer{cams: cams, sound: sound, cancel: cancel, done: make(chan struct{})}
	p.align(time.Now(), 0)
	go p.run(ctx)
	return p
}

func (p *pacer) stop() {
	p.cancel()
	<-p.done
}

// align puts tick 0 on the wall clock's last full tick.
func (p *pacer) align(now time.Time, media int64) {
	ns := now.UnixNano()
	p.wall0 = ns / int64(tick)
	p.origin = now.Add(-time.Duration(ns % int64(tick)))
	p.media0 = media
}

// skew is how far the wall clock has moved against the pacer's.
func (p *pacer) skew(now time.Time) time.Duration {
	wall := time.Unix(0, p.wall0*int64(tick)).Add(now.Sub(p.origin))
	return now.Round(0).Sub(wall).Abs()
}

func (p *pacer) run(ctx context.Context) {
	defer close(p.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := int64(1); ; n++ {
		now := time.Now()
		late := now.Sub(p.origin.Add(time.Duration(n) * tick))
		if late > maxLate || p.skew(now) > maxSkew {
			p.align(now, p.media0+max(n, int64(now.Sub(p.origin)/tick)))
			p.restart()
			n = 1
		}
		for step := range steps {
			due := p.origin.Add(time.Duration(n)*tick + time.Duration(step)*tick/steps)
			timer.Reset(time.Until(due))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			for i := step; i < len(p.cams); i += steps {
				p.cams[i].send(p.wall0+n, p.media0+n, p.sound)
			}
		}
	}
}

// restart makes every stream wait for its next key frame.
func (p *pacer) restart() {
	for _, c := range p.cams {
		for _, st := range c.streams {
			st.needKey = true
		}
	}
}

// send gives out what a camera has for one tick.
func (c *camera) send(wall, media int64, sound [][]byte) {
	fault := c.faulted.Swap(false) // also one that was over before this tick
	silent := c.silent.Load() || c.stopped.Load()
	for _, st := range c.streams {
		st.needKey = st.needKey || fault || silent
		if silent {
			continue
		}
		if st.playing.Load() == 0 {
			continue
		}
		if st.joined.Swap(false) {
			st.vtrack.reported, st.atrack.reported = time.Time{}, time.Time{}
		}
		if wall%2 == 0 {
			st.sendFrame(wall/2+int64(c.phase), media)
		}
		if st.sound != nil {
			st.sendSound(sound[wall%int64(len(sound))], media)
		}
	}
}

func (st *stream) sendFrame(number, media int64) {
	n := int64(len(st.cuts))
	c := &st.cuts[(number%n+n)%n]
	if st.needKey && !c.key {
		return
	}
	st.needKey = false
	now := time.Now()
	ts := st.vtrack.timestamp(media)
	last := len(c.lead) + len(c.rest)
	for i, payload := range c.lead {
		st.sendVideo(payload, ts, i == last, now)
	}
	st.sendVideo(clockSEI(now), ts, last == len(c.lead), now)
	for i, payload := range c.rest {
		st.sendVideo(payload, ts, len(c.lead)+i+1 == last, now)
	}
	t := &st.vtrack
	if now.Sub(t.reported) >= reportPeriod {
		t.reported = now
		_ = st.out.WritePacketRTCP(st.video, t.report(ts, now))
	}
}

func (st *stream) sendVideo(payload []byte, ts uint32, marker bool, now time.Time) {
	t := &st.vtrack
	pkt := rtp.Packet{
		Header: rtp.Header{Version: 2, PayloadType: videoType, Marker: marker, SequenceNumber: t.seq, Timestamp: ts},
		// The stream marshals it before it returns, so payloads can be shared.
		Payload: payload,
	}
	t.seq++
	t.count(len(payload))
	_ = st.out.WritePacketRTPWithNTP(st.video, &pkt, now) // fails only once closed
	t.ssrc = pkt.SSRC
}

func (st *stream) sendSound(payload []byte, media int64) {
	t := &st.atrack
	now := time.Now()
	ts := t.timestamp(media)
	pkt := rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: audioType, SequenceNumber: t.seq, Timestamp: ts},
		Payload: payload,
	}
	t.seq++
	t.count(len(payload))
	_ = st.out.WritePacketRTPWithNTP(st.sound, &pkt, now)
	t.ssrc = pkt.SSRC
	if now.Sub(t.reported) >= reportPeriod {
		t.reported = now
		_ = st.out.WritePacketRTCP(st.sound, t.report(ts, now))
	}
}
