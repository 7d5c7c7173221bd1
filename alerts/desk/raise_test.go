package desk

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func newSource(t testing.TB, o *office, area string) alerts.Source {
	t.Helper()
	ctx := context.Background()
	_, token, err := o.CreateSource(ctx, alerts.System(), SourceInput{Name: "AI box", AreaID: area})
	if err != nil {
		t.Fatal(err)
	}
	return ok[alerts.Source](t)(o.SourceByToken(ctx, token))
}

func TestRaise(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	for _, v := range []string{"v1", "v3"} {
		ok[CameraView](t)(o.CreateCamera(ctx, alerts.System(), camera("cam-"+v, v)))
	}
	source := newSource(t, o, "t1")
	raise := func(in Alarm, count int, repeated bool) AlertView {
		t.Helper()
		v, r, err := o.Raise(ctx, source, in)
		if err != nil || r != repeated || v.Count != count {
			t.Fatalf("raised %+v, repeated %v, %v; want count %d, repeated %v", v, r, err, count, repeated)
		}
		return v
	}
	o.bus.forget()
	fire := Alarm{Kind: "fire", CameraID: "cam-v1", Text: "smoke"}
	first := raise(fire, 1, false)
	if first.Severity != alerts.High || first.CameraName != "Camera cam-v1" || first.AreaID != "v1" || first.GridID != "g1a" ||
		first.Lon != 117.025 || first.SourceName != "AI box" || first.AreaName != "一村" {
		t.Errorf("alert: %+v", first)
	}
	o.clock.add(4 * time.Minute)
	if v := raise(fire, 2, true); v.ID != first.ID || !v.LastAt.Equal(first.FirstAt.Add(4*time.Minute)) {
		t.Errorf("repeated: %+v", v)
	}
	o.clock.add(4 * time.Minute) // within the window of the last one
	raise(fire, 3, true)
	raise(Alarm{Kind: "intrusion", CameraID: "cam-v1"}, 1, false)
	p := middles["v2"]
	spot := Alarm{Kind: "fire", Lon: &p.Lon, Lat: &p.Lat}
	if v := raise(spot, 1, false); v.AreaID != "v2" || v.GridID != "g2" || v.CameraID != "" {
		t.Errorf("by place: %+v", v)
	}
	near := p.Lon + 1e-6
	raise(Alarm{Kind: "fire", Lon: &near, Lat: &p.Lat}, 2, true)
	o.clock.add(5*time.Minute + time.Second)
	if v := raise(fire, 1, false); v.ID == first.ID {
		t.Error("the window does not end")
	}
	want := "[alert.raised alert.repeated alert.repeated alert.raised alert.raised alert.repeated alert.raised]"
	if got := fmt.Sprint(o.bus.kinds()); got != want {
		t.Errorf("events %s, want %s", got, want)
	}

	// A graver repeat takes over, a lesser one hides nothing.
	v := raise(Alarm{Kind: "fire", CameraID: "cam-v1", Severity: alerts.Critical, Text: "flames"}, 2, true)
	if v.Severity != alerts.Critical || v.Text != "flames" {
		t.Errorf("graver repeat: %+v", v)
	}
	if v := raise(Alarm{Kind: "fire", CameraID: "cam-v1", Severity: alerts.Low, Text: "nothing"}, 3, true); v.Severity != alerts.Critical || v.Text != "flames" {
		t.Errorf("lesser repeat: %+v", v)
	}
	// A clock that runs back shortens nothing.
	o.clock.add(-time.Minute)
	if w := raise(fire, 4, true); w.LastAt.Before(v.LastAt) {
		t.Errorf("last time ran back: %v", w.LastAt)
	}
}

func TestRaiseExternalID(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	ok[CameraView](t)(o.CreateCamera(ctx, alerts.System(), camera("cam-v1", "v1")))
	source := newSource(t, o, "t1")
	for n, c := range []struct {
		id       string
		count    int
		repeated bool
	}{{"a", 1, false}, {"a", 1, true}, {"b", 2, true}, {"a", 2, true}, {"b", 2, true}, {"", 3, true}} {
		v, repeated, err := o.Raise(ctx, source, Alarm{Kind: "fire", CameraID: "cam-v1", ExternalID: c.id})
		if err != nil || v.Count != c.count || repeated != c.repeated {
			t.Errorf("step %d: count %d, repeated %v, %v; want %+v", n, v.Count, repeated, err, c)
		}
	}
	o.clock.add(time.Hour) // the id is known for longer than the window
	if v, repeated, err := o.Raise(ctx, source, Alarm{Kind: "fire", CameraID: "cam-v1", ExternalID: "a"}); err != nil || !repeated || v.Count != 3 {
		t.Errorf("after an hour: %+v %v %v", v, repeated, err)
	}
	other := newSource(t, o, "t1")
	if _, repeated, err := o.Raise(ctx, other, Alarm{Kind: "fire", CameraID: "cam-v1", ExternalID: "a"}); err != nil || repeated {
		t.Errorf("another source's id: %v %v", repeated, err)
	}
}

func TestRaiseRefused(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	for _, v := range []string{"v1", "v3"} {
		ok[CameraView](t)(o.CreateCamera(ctx, alerts.System(), camera("cam-"+v, v)))
	}
	source := newSource(t, o, "t1")
	in, out := middles["v1"], middles["v4"]
	for name, c := range map[string]struct {
		alarm  Alarm
		fields []string
	}{
		"no kind":         {Alarm{CameraID: "cam-v1"}, []string{"kind"}},
		"upper case":      {Alarm{Kind: "Fire", CameraID: "cam-v1"}, []string{"kind"}},
		"line end":        {Alarm{Kind: "fire\n", CameraID: "cam-v1"}, []string{"kind"}},
		"long kind":       {Alarm{Kind: strings.Repeat("x", 65), CameraID: "cam-v1"}, []string{"kind"}},
		"severity":        {Alarm{Kind: "fire", CameraID: "cam-v1", Severity: "urgent"}, []string{"severity"}},
		"no place":        {Alarm{Kind: "fire"}, []string{"camera_id"}},
		"half a place":    {Alarm{Kind: "fire", Lon: &in.Lon}, []string{"lon"}},
		"bad place":       {Alarm{Kind: "fire", Lon: ptr(200.0), Lat: &in.Lat}, []string{"lon"}},
		"system":          {Alarm{Kind: "fire", Lon: &in.Lon, Lat: &in.Lat, System: "x"}, []string{"system"}},
		"unknown camera":  {Alarm{Kind: "fire", CameraID: "none"}, []string{"camera_id"}},
		"foreign camera":  {Alarm{Kind: "fire", CameraID: "cam-v3"}, []string{"camera_id"}},
		"foreign place":   {Alarm{Kind: "fire", Lon: &out.Lon, Lat: &out.Lat}, []string{"lon"}},
		"place elsewhere": {Alarm{Kind: "fire", CameraID: "cam-v1", Lon: &out.Lon, Lat: &out.Lat}, []string{"lon"}},
		"no town":         {Alarm{Kind: "fire", Lon: ptr(1.0), Lat: ptr(1.0)}, []string{"lon"}},
		"long text":       {Alarm{Kind: "fire", CameraID: "cam-v1", Text: strings.Repeat("x", 501)}, []string{"text"}},
		"external id":     {Alarm{Kind: "fire", CameraID: "cam-v1", ExternalID: "a\x00"}, []string{"external_id"}},
	} {
		_, _, err := o.Raise(ctx, source, c.alarm)
		wantFault(t, err, name, c.fields...)
	}
}

// TestStorm raises many alarms at once: every one is counted, none twice, with
// far fewer commits than alarms.
func TestStorm(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	ok[CameraView](t)(o.CreateCamera(ctx, alerts.System(), camera("cam-v1", "v1")))
	source := newSource(t, o, "t1")
	o.bus.forget()
	const callers, each = 100, 10
	var mu sync.Mutex
	fresh := 0
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for n := range each {
				in := Alarm{Kind: fmt.Sprint("kind", c%4), CameraID: "cam-v1", Severity: alerts.Critical}
				if c%2 == 0 {
					in.ExternalID = fmt.Sprint(c, "-", n)
				}
				_, repeated, err := o.Raise(ctx, source, in)
				if err != nil {
					t.Error(err)
				}
				if !repeated {
					mu.Lock()
					fresh++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	list, _, err := o.Alerts(ctx, alerts.System(), alerts.AlertFilter{})
	if err != nil || len(list) != 4 || fresh != 4 {
		t.Fatalf("%d alerts, %d fresh, %v", len(list), fresh, err)
	}
	for _, a := range list {
		if a.Count != callers*each/4 {
			t.Errorf("%s was counted %d times, want %d", a.Kind, a.Count, callers*each/4)
		}
	}
	if n := len(o.bus.sent); n > callers*each/2 {
		t.Errorf("%d events for %d alarms", n, callers*each)
	}
	o.raising.mu.Lock()
	defer o.raising.mu.Unlock()
	if len(o.raising.groups) != 0 {
		t.Errorf("%d keys are left behind", len(o.raising.groups))
	}
}

// BenchmarkRaise raises alarms of 20 cameras from many callers, each answered
// when it is on disk.
func BenchmarkRaise(b *testing.B) {
	o := newOffice(b)
	ctx := context.Background()
	for n := range 20 {
		ok[CameraView](b)(o.CreateCamera(ctx, alerts.System(), camera(fmt.Sprint("cam", n), "v1")))
	}
	source := newSource(b, o, "t1")
	var next atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			in := Alarm{Kind: "motion", CameraID: fmt.Sprint("cam", next.Add(1)%20)}
			if _, _, err := o.Raise(ctx, source, in); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alarms/s")
	b.ReportMetric(float64(len(o.bus.sent))/float64(b.N), "events/alarm")
}

// BenchmarkReport reports from many callers, each answered when it is on disk.
func BenchmarkReport(b *testing.B) {
	o := newOffice(b)
	ctx := context.Background()
	s := as(alerts.GridLeader, "v1")
	var next atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			in := report("v1")
			in.Key = fmt.Sprint("key", next.Add(1))
			if _, _, _, err := o.Report(ctx, s, in); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
}
