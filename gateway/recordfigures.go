package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"sharpeyes/streams"
)

// recordCollector reads what the recorder does as a whole: it names no camera.
// Why single ones are not recorded is in the state of the camera.
type recordCollector struct {
	tapes                       *recording
	wanted, states, bytes, free *prometheus.Desc
}

func newRecordCollector(r *recording) *recordCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sharpeyes_record_"+name, help, labels, nil)
	}
	return &recordCollector{tapes: r,
		wanted: desc("streams_wanted", "Streams that are to be recorded, at some time."),
		states: desc("streams", "Streams that are to be recorded by what keeps them from it; none: they are being written.", "cause"),
		bytes:  desc("bytes", "Bytes of all recordings."),
		free:   desc("disk_free_bytes", "Room on each disk of the recorder, in the order of the settings.", "disk")}
}

// Describe implements prometheus.Collector.
func (c *recordCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.wanted
	ch <- c.states
	ch <- c.bytes
	ch <- c.free
}

// Collect implements prometheus.Collector.
func (c *recordCollector) Collect(ch chan<- prometheus.Metric) {
	wanted, causes := 0, map[string]int{"none": 0}
	for camera := range *c.tapes.plans.Load() {
		for _, p := range []streams.Profile{streams.Main, streams.Sub} {
			st := c.tapes.status(camera, p)
			if st == nil {
				continue
			}
			wanted++
			if st.On {
				causes["none"]++
			} else {
				causes[st.Cause]++
			}
		}
	}
	ch <- prometheus.MustNewConstMetric(c.wanted, gauge, float64(wanted))
	for cause, n := range causes {
		ch <- prometheus.MustNewConstMetric(c.states, gauge, float64(n), cause)
	}
	bytes, free := c.tapes.rec.Room()
	ch <- prometheus.MustNewConstMetric(c.bytes, gauge, float64(bytes))
	for i, f := range free {
		ch <- prometheus.MustNewConstMetric(c.free, gauge, float64(f), strconv.Itoa(i))
	}
}
