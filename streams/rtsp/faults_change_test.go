package rtsp

import (
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
	"sharpeyes/streams/camsim/faulty"
)

// TestFaultChange has cameras that become another one in mid-stream: the viewers
// carry on from a key frame on, with what it now is.
func TestFaultChange(t *testing.T) {
	s := newScene(t, nil)
	// carriesOn waits for pictures of a kind: without a break but for the rest of a
	// GOP, or after one that was no longer than giving up and trying again.
	carriesOn := func(v *viewer, brk bool, is func(*streams.Desc) bool) {
		v.Helper()
		all := v.first(20)
		v.until("going on", func() bool {
			all = v.seen
			last := all[len(all)-1]
			return len(all) >= 60 && is(last.desc) && last.number >= 40
		})
		sound(v, all)
		for i := 1; i < len(all); i++ {
			if all[i].desc != all[i-1].desc && is(all[i].desc) != is(all[i-1].desc) && !all[i].key {
				v.Errorf("picture %d is another kind without a key frame", i)
			}
		}
		st, held := v.hub.Status(), v.heldUp()
		if !brk {
			if st.Reconnects != 0 || held > stale/2 {
				v.Errorf("a break of %v; %+v", held, st)
			}
		} else if limit := 2*s.puller.ReadTimeout + s.puller.MaxBackoff; held > limit {
			v.Errorf("a break of %v", held)
		}
		if st.State != streams.Live {
			v.Errorf("%+v", st)
		}
	}
	var all []fault
	h264 := func(d *streams.Desc) bool { return d.Video == streams.H264 }
	h265 := func(d *streams.Desc) bool { return d.Video == streams.H265 }
	wide := func(d *streams.Desc) bool { return d.Width == 128 && d.Height == 96 }
	script := func(steps ...faulty.Step) func(*faulty.Camera) {
		all := append([]faulty.Step{faulty.Play(25)}, steps...)
		return func(c *faulty.Camera) { c.Script = faulty.Once(append(all, faulty.Play(faulty.Forever))...) }
	}
	ends := func(steps ...faulty.Step) func(*faulty.Camera) {
		return func(c *faulty.Camera) { c.Script = faulty.Once(append([]faulty.Step{faulty.Play(25)}, steps...)...) }
	}
	for _, c := range []struct {
		name string
		tune func(*faulty.Camera)
		udp  bool
		brk  bool
		is   func(*streams.Desc) bool
	}{
		{"size", script(faulty.Resize(128, 96)), false, false, wide},
		{"size over UDP", script(faulty.Resize(128, 96)), true, false, wide},
		{"size to and fro", script(faulty.Resize(128, 96), faulty.Play(5), faulty.Resize(64, 64), faulty.Play(5), faulty.Resize(128, 96)), false, false, wide},
		{"codec under the same number", script(faulty.SwitchTo(faulty.H265, 96)), false, true, h265},
		{"codec under another number", script(faulty.SwitchTo(faulty.H265, 98)), false, true, h265},
		{"codec, and hangs up", ends(faulty.SwitchTo(faulty.H265, 96)), false, true, h265},
		{"codec back", func(c *faulty.Camera) {
			c.Codec = faulty.H265
			script(faulty.SwitchTo(faulty.H264, 96))(c)
		}, false, true, h264},
		{"source", script(faulty.Source(7)), false, false, h264},
		{"source over UDP", script(faulty.Source(7)), true, true, h264},
		{"sequence numbers", script(faulty.Renumber(30_000)), false, false, h264},
		{"sequence numbers back", script(faulty.Renumber(1)), false, false, h264},
		{"BYE, and goes on", script(faulty.Bye()), false, false, h264},
		{"BYE, and is silent", ends(faulty.Bye(), faulty.Silence(time.Hour)), false, true, h264},
		{"BYE over UDP", ends(faulty.Bye(), faulty.Silence(time.Hour)), true, true, h264},
		{"BYE, and hangs up", ends(faulty.Bye()), false, true, h264},
	} {
		all = append(all, fault{name: c.name, tune: c.tune, udp: c.udp, check: func(v *viewer) { carriesOn(v, c.brk, c.is) }})
	}
	s.faults(t, all)
}

// TestFaultBFrames pulls cameras with B-pictures: the session lives, it is said,
// and what is handed out decodes without a fault.
func TestFaultBFrames(t *testing.T) {
	s := newScene(t, nil)
	var all []fault
	for name, between := range map[string]int{"one": 1, "three": 3} {
		for _, udp := range []bool{false, true} {
			f := fault{name: name, udp: udp, tune: func(c *faulty.Camera) { c.BFrames, c.GOP, c.Busy = between, 24, 3 }, check: func(v *viewer) {
				all := v.pictures(100)
				st := v.hub.Status()
				if !all[0].key {
					v.Error("it does not begin with a key frame")
				}
				v.leave()
				if n := decodes(v.TB.(*testing.T), v.frames); n < len(v.frames)-between {
					v.Errorf("ffmpeg decodes %d of %d pictures", n, len(v.frames))
				}
				if !st.BFrames || st.State != streams.Live || st.Reconnects+st.Lost != 0 || st.Degraded {
					v.Errorf("%+v", st)
				}
			}}
			if udp {
				f.name += " over UDP"
			}
			all = append(all, f)
		}
	}
	s.faults(t, all)
}

// TestFaultFrozen has cameras that stand still: the same picture again and again
// is a picture; none at all is told, also when sender reports go on.
func TestFaultFrozen(t *testing.T) {
	s := newScene(t, nil)
	gone := func(v *viewer) {
		st := v.told(streams.Silent, func(n news) bool { return n.Reason == streams.NoData && !n.RetryAt.IsZero() })
		all := v.first(25)
		if took := st.at.Sub(all[24].at); took < s.puller.ReadTimeout*9/10 || took > 2*s.puller.ReadTimeout {
			v.Errorf("told after %v", took)
		}
		if st.LastFrame.After(all[24].at) || !strings.Contains(st.Detail, "no picture") {
			v.Errorf("%+v", st)
		}
		v.state(streams.Live, streams.NoReason)
		sound(v, v.pictures(10))
	}
	reports := func(c *faulty.Camera) { c.Script = faulty.Once(faulty.Play(25), faulty.Reports(time.Hour)) }
	s.faults(t, []fault{
		{name: "the same picture", tune: func(c *faulty.Camera) {
			c.Script = faulty.Steps(faulty.Play(25), faulty.Freeze(120), faulty.Play(faulty.Forever))
		}, check: func(v *viewer) {
			all := v.first(180)
			sound(v, all)
			if st := v.hub.Status(); st.State != streams.Live || st.Reconnects+st.Discarded+st.Lost != 0 {
				v.Errorf("%+v", st)
			}
		}},
		{name: "a moment", tune: func(c *faulty.Camera) {
			c.Script = faulty.Steps(faulty.Play(25), faulty.Silence(s.puller.ReadTimeout/2), faulty.Play(faulty.Forever))
		}, check: func(v *viewer) {
			all := v.first(50)
			whole(v, all)
			sound(v, all)
			if st := v.hub.Status(); st.Reconnects != 0 {
				v.Errorf("%+v", st)
			}
		}},
		{name: "reports go on", tune: reports, check: gone},
		{name: "reports go on over UDP", udp: true, tune: reports, check: gone},
	})
}
