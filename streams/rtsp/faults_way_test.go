package rtsp

import (
	"testing"

	"sharpeyes/streams"
	"sharpeyes/streams/camsim/faulty"
)

// TestFaultWay loses, repeats and reorders packets on their way: what is handed
// out decodes without a fault, the picture is back with the next key frame after
// a loss, and it is shown that it is degraded.
func TestFaultWay(t *testing.T) {
	const good, bad = 60, 240 // pictures before, and while it is so
	s := newScene(t, nil)
	var all []fault
	for _, c := range []struct {
		name string
		way  faulty.Way
		tcp  bool
	}{
		{"1% lost", faulty.Way{Lose: 0.01}, false},
		{"5% lost", faulty.Way{Lose: 0.05}, false},
		{"20% lost", faulty.Way{Lose: 0.2}, false},
		{"5% lost by a camera over TCP", faulty.Way{Lose: 0.05}, true},
		{"reordered", faulty.Way{Delay: 0.1}, false},
		{"repeated", faulty.Way{Repeat: 0.1}, false},
		{"all of it", faulty.Way{Lose: 0.02, Delay: 0.1, Repeat: 0.1}, false},
	} {
		all = append(all, fault{name: c.name, udp: !c.tcp, tune: func(cam *faulty.Camera) {
			cam.Rate, cam.GOP, cam.Busy = 100, 20, 6 // three packets a picture
			cam.Script = faulty.Steps(faulty.Play(good), faulty.Over(c.way), faulty.Play(bad), faulty.Over(faulty.Way{}), faulty.Play(faulty.Forever))
		}, check: func(v *viewer) {
			v.passed(good + bad + 30)
			st := v.hub.Status()
			v.leave()
			lost := v.cam.Lost()
			sound(v, v.seen)
			if n := decodes(v.TB.(*testing.T), v.frames); n != len(v.frames) {
				v.Errorf("ffmpeg decodes %d of %d pictures", n, len(v.frames))
			}
			degraded, blind := false, 0
			for i, p := range v.seen {
				if p.number < good && p.degraded {
					v.Errorf("degraded before anything was lost, at %d", p.number)
				}
				degraded = degraded || p.degraded
				if i > 0 {
					blind = max(blind, int(p.number-v.seen[i-1].number))
				}
			}
			if degraded != (lost > 0) || st.Lost > lost || st.Lost < lost*9/10 || st.Reconnects != 0 || st.State != streams.Live {
				v.Errorf("%d lost; shown as degraded: %v; %+v", lost, degraded, st)
			}
			if lost == 0 {
				whole(v, v.seen)
			} else if blind < 2 || c.way.Lose < 0.1 && blind > 8*v.cam.GOP {
				v.Errorf("no picture for %d", blind)
			}
		}})
	}
	s.faults(t, all)
}
