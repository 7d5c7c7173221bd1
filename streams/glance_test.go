package streams

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A glance leaves no pull behind, and takes none from others.
func TestGlance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulls{t: t}
		f := NewFleet(p.pull)
		defer f.Close()
		f.Set("a", spec("a", Main, "1"))
		hub, _ := f.Hub("a", Main)
		live := func(what string, want bool) {
			t.Helper()
			_, pulled := f.Hub("a", Main)
			if synctest.Wait(); pulled != want || (hub.Status().State == Live) != want {
				t.Errorf("%s: pulled %v, the stream is %s", what, pulled, hub.Status().State)
			}
		}
		h, release, err := f.Glance("a", Sub) // the camera has none: main answers
		if err != nil || h != hub {
			t.Fatalf("%v", err)
		}
		_, release2, _ := f.Glance("a", Main)
		live("two glances", true)
		release()
		release() // once is enough
		live("one glance left", true)
		release2()
		live("no glance left", false)
		if h.KeyFrame() != nil {
			t.Error("a picture is kept that nobody asks for")
		}

		_, release, _ = f.Glance("a", Main)
		_, view, _ := f.Acquire("a", Main)
		release()
		live("a viewer after a glance", true)
		view()
		_, release, _ = f.Glance("a", Main)
		release()
		live("a glance within the linger", true)
		_, release, _ = f.Glance("a", Main)
		time.Sleep(DefaultLinger)
		live("a glance beyond the linger", true)
		release()
		live("after all of them", false)

		f.Set("a", Spec{Camera: "a", Profile: Main, URL: "1", Always: true})
		_, release, _ = f.Glance("a", Main)
		release()
		live("a camera that is always pulled", true)
		p.want("a main 1", "a main 1", "a main 1")

		if _, _, err := f.Glance("b", Main); !errors.Is(err, ErrUnknown) {
			t.Errorf("what is not there: %v", err)
		}
		if h, pulled := f.Hub("a", Sub); h != nil || pulled {
			t.Error("a stream that is not there")
		}
	})
}

// The picture outlives what a fast start keeps, but not the stream's rest.
func TestKeyFrameOfALongGOP(t *testing.T) {
	m := newModel()
	if m.hub.KeyFrame() != nil {
		t.Error("a picture before the first")
	}
	key := m.publish(Video, true, 10)
	for range 30 * 25 {
		m.now = m.now.Add(40 * time.Millisecond)
		m.publish(Video, false, 10)
	}
	if f := m.hub.KeyFrame(); f != key || m.hub.hasKey {
		t.Errorf("got %+v", f)
	}
	next := m.publish(Video, true, 10)
	if m.hub.Interrupt(); m.hub.KeyFrame() != next {
		t.Error("not the newest")
	}
	if m.hub.Drop(); m.hub.KeyFrame() != nil {
		t.Error("a picture of a stream that rests")
	}
}
