package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sharpeyes/gateway/live"
	"sharpeyes/streams"
	"sharpeyes/streams/whep"
)

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

// streamFigure is a figure that each stream has. read says false where there is
// none to give.
type streamFigure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(st *streams.Status, now time.Time) (v float64, ok bool)
}

// cameraCollector reads the figures of every enabled camera's streams when
// Prometheus asks: they cost no frame anything, and a camera that is removed
// leaves no series behind. Labels are ids and this program's own words, never a
// name, an address or a credential.
type cameraCollector struct {
	media   *media
	state   *prometheus.Desc
	figures []streamFigure
}

func newCameraCollector(m *media) *cameraCollector {
	return &cameraCollector{media: m, figures: streamFiguresRead(),
		state: prometheus.NewDesc("sharpeyes_camera_state", "1 for the state that a stream is in, and why.", []string{"camera", "profile", "state", "reason"}, nil)}
}

func streamFiguresRead() []streamFigure {
	figure := func(name, help string, kind prometheus.ValueType, read func(*streams.Status, time.Time) (float64, bool)) streamFigure {
		return streamFigure{prometheus.NewDesc("sharpeyes_camera_"+name, help, []string{"camera", "profile"}, nil), kind, read}
	}
	always := func(read func(*streams.Status) float64) func(*streams.Status, time.Time) (float64, bool) {
		return func(st *streams.Status, _ time.Time) (float64, bool) { return read(st), true }
	}
	// A stream that nobody wants has no age that could worry somebody.
	age := func(at func(*streams.Status) time.Time) func(*streams.Status, time.Time) (float64, bool) {
		return func(st *streams.Status, now time.Time) (float64, bool) {
			t := at(st)
			return max(0, now.Sub(t).Seconds()), st.State != streams.Idle && !t.IsZero()
		}
	}
	return []streamFigure{
		figure("frame_age_seconds", "Time since the newest frame came; absent while nothing is pulled or nothing has come yet.", gauge,
			age(func(st *streams.Status) time.Time { return st.LastFrame })),
		figure("key_frame_age_seconds", "Time since the newest key frame came; absent while nothing is pulled or nothing has come yet.", gauge,
			age(func(st *streams.Status) time.Time { return st.LastKey })),
		figure("frames_per_second", "Frames a second from the camera.", gauge, always(func(st *streams.Status) float64 { return st.FPS })),
		figure("bits_per_second", "Bits a second from the camera.", gauge, always(func(st *streams.Status) float64 { return st.Kbps * 1000 })),
		figure("key_interval_seconds", "Time between the last two key frames; absent until there were two.", gauge,
			func(st *streams.Status, _ time.Time) (float64, bool) {
				return st.KeyInterval.Seconds(), st.KeyInterval > 0
			}),
		figure("lost_packets_total", "Packets lost between the camera and here.", counter, always(func(st *streams.Status) float64 { return float64(st.Lost) })),
		figure("discarded_frames_total", "Frames that were broken, too large, or came before a key frame.", counter,
			always(func(st *streams.Status) float64 { return float64(st.Discarded) })),
		figure("reconnects_total", "Times the camera was connected again.", counter, always(func(st *streams.Status) float64 { return float64(st.Reconnects) })),
		figure("readers", "Who reads the stream: viewers and this program itself.", gauge, always(func(st *streams.Status) float64 { return float64(st.Readers) })),
		figure("degraded", "1 while packets were lost lately.", gauge, always(func(st *streams.Status) float64 {
			if st.Degraded {
				return 1
			}
			return 0
		})),
	}
}

// Describe implements prometheus.Collector.
func (c *cameraCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.state
	for _, f := range c.figures {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *cameraCollector) Collect(ch chan<- prometheus.Metric) {
	paths, _ := c.media.places()
	now := c.media.fleet.Now()
	c.media.fleet.Each(func(st streams.Status) {
		if _, enabled := paths[st.Camera]; !enabled {
			return
		}
		profile := string(st.Profile)
		ch <- prometheus.MustNewConstMetric(c.state, gauge, 1, st.Camera, profile, string(st.State), string(st.Reason))
		for _, f := range c.figures {
			if v, ok := f.read(&st, now); ok {
				ch <- prometheus.MustNewConstMetric(f.desc, f.kind, v, st.Camera, profile)
			}
		}
	})
}

// totalsCollector reads the figures of the whole: they name no camera.
type totalsCollector struct {
	all     func() *totals
	cameras *prometheus.Desc
	plain   []plainFigure
}

type plainFigure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func() float64
}

func newTotalsCollector(m *media, w *whep.Server, hub *live.Hub) *totalsCollector {
	c := &totalsCollector{all: m.teller.all.Load, cameras: prometheus.NewDesc("sharpeyes_cameras", "Cameras by state.", []string{"state"}, nil)}
	add := func(name, help string, kind prometheus.ValueType, read func() float64) {
		c.plain = append(c.plain, plainFigure{prometheus.NewDesc("sharpeyes_"+name, help, nil, nil), kind, read})
	}
	add("intake_frames_per_second", "Frames a second from all cameras.", gauge, func() float64 { return c.all().fps })
	add("intake_bits_per_second", "Bits a second from all cameras.", gauge, func() float64 { return c.all().kbps * 1000 })
	add("stream_readers", "Readers of all streams.", gauge, func() float64 { return float64(c.all().readers) })
	add("live_clients", "Open live sockets.", gauge, func() float64 { return float64(hub.Clients()) })
	add("whep_viewers", "Open viewers, those included that are shown nothing yet.", gauge, func() float64 { return float64(w.Viewers()) })
	for _, f := range []struct {
		name, help string
		of         func(whep.Stats) int64
	}{
		{"packets", "Media packets sent to viewers.", func(s whep.Stats) int64 { return s.Packets }},
		{"bytes", "Bytes of those, with their RTP headers.", func(s whep.Stats) int64 { return s.Bytes }},
		{"send_calls", "System calls that sent them over UDP.", func(s whep.Stats) int64 { return s.Calls }},
		{"failed_sends", "Packets or messages that the system did not take.", func(s whep.Stats) int64 { return s.Failed }},
		{"nacked_packets", "Packets that viewers missed (NACK).", func(s whep.Stats) int64 { return s.Nacks }},
		{"resent_packets", "Packets sent again.", func(s whep.Stats) int64 { return s.Resent }},
		{"refreshes", "Pictures sent anew because a viewer asked (PLI, FIR).", func(s whep.Stats) int64 { return s.Refreshes }},
		{"lost_packets", "Packets that viewers report as never come.", func(s whep.Stats) int64 { return s.Lost }},
	} {
		add("whep_"+f.name+"_total", f.help, counter, func() float64 { return float64(f.of(w.Stats())) })
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *totalsCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.cameras
	for _, f := range c.plain {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector. Every state has its series, so that
// none has to be missed to be zero.
func (c *totalsCollector) Collect(ch chan<- prometheus.Metric) {
	all := c.all()
	for _, s := range []streams.State{streams.Idle, streams.Connecting, streams.Live, streams.Refused, streams.Unreachable, streams.Silent, stateDisabled} {
		ch <- prometheus.MustNewConstMetric(c.cameras, gauge, float64(all.states[string(s)]), string(s))
	}
	for _, f := range c.plain {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.read())
	}
}

// openFigures makes the two sets that /metrics serves: what anybody may read,
// and what only operators may: cameras by id, and the process' own insides.
func openFigures(m *media, w *whep.Server, hub *live.Hub) (open, inside *prometheus.Registry, err error) {
	open, inside = prometheus.NewRegistry(), prometheus.NewRegistry()
	for _, r := range []struct {
		to *prometheus.Registry
		c  prometheus.Collector
	}{
		{open, newTotalsCollector(m, w, hub)},
		{inside, newCameraCollector(m)},
		{open, newRecordCollector(m.tapes)},
		{inside, collectors.NewGoCollector()},
		{inside, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})},
	} {
		if err := r.to.Register(r.c); err != nil {
			return nil, nil, fmt.Errorf("figures: %w", err)
		}
	}
	return open, inside, nil
}
