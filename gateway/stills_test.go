package main

import (
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/api"
	"sharpeyes/streams"
)

// cameras is a PullFunc whose cameras do as they are told.
type cameras struct {
	mu        sync.Mutex
	pulls     []string // ever begun
	now, most int
	act       func(ctx context.Context, spec streams.Spec, hub *streams.Hub)
}

func (c *cameras) pull(ctx context.Context, spec streams.Spec, hub *streams.Hub) {
	c.mu.Lock()
	c.pulls = append(c.pulls, spec.Camera+" "+string(spec.Profile))
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	hub.Restart()
	c.act(ctx, spec, hub)
	<-ctx.Done()
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
}

func (c *cameras) want(t *testing.T, pulls ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := strings.Join(c.pulls, ", "); got != strings.Join(pulls, ", ") {
		t.Errorf("pulled %s, want %s", got, strings.Join(pulls, ", "))
	}
}

// idrFrame is a key frame that a file can be made of.
func idrFrame(t *testing.T) *streams.Frame {
	t.Helper()
	sps, err := base64.StdEncoding.DecodeString("Z0LAH9kAoC/5cBEAAAMAAQAAAwAyDxgxlg==")
	if err != nil {
		t.Fatal(err)
	}
	return streams.NewVideoFrame(&streams.Desc{Video: streams.H264}, [][]byte{sps, {0x68, 0xcb, 0x83, 0xcb, 0x20}, {0x65, 0x88, 0x84}}, 0)
}

// stillsRig runs a test in a bubble of time of its own. The cameras: two has a
// sub stream, one has none.
func stillsRig(t *testing.T, act func(*testing.T, context.Context, streams.Spec, *streams.Hub), test func(*testing.T, *cameras, *stills)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cameras{act: func(ctx context.Context, spec streams.Spec, hub *streams.Hub) { act(t, ctx, spec, hub) }}
		fleet := streams.NewFleet(c.pull)
		fleet.Set("two", streams.Spec{Camera: "two", Profile: streams.Main}, streams.Spec{Camera: "two", Profile: streams.Sub})
		fleet.Set("one", streams.Spec{Camera: "one", Profile: streams.Main})
		s := newStills(fleet)
		defer fleet.Close()
		defer s.close()
		test(t, c, s)
	})
}

// shows is a camera that sends a key frame after half a second.
func shows(t *testing.T, ctx context.Context, _ streams.Spec, hub *streams.Hub) {
	select {
	case <-time.After(500 * time.Millisecond):
		hub.Publish(idrFrame(t))
	case <-ctx.Done():
	}
}

func wantStill(t *testing.T, s *stills, camera, ask, profile string) api.Still {
	t.Helper()
	got, err := s.KeyFrame(t.Context(), api.StillRequest{Camera: camera, Profile: ask})
	if err != nil || got.Profile != profile || got.Codec != "H264" || len(got.Data) < 500 || got.Tag == "" || got.At.IsZero() {
		t.Errorf("%s of %s: %+v (%v)", ask, camera, got, err)
	}
	return got
}

func wantNoStill(t *testing.T, s *stills, camera string, kind alerts.Kind, words string) {
	t.Helper()
	_, err := s.KeyFrame(t.Context(), api.StillRequest{Camera: camera})
	if alerts.KindOf(err) != kind || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: got %v, want %s: %s", camera, err, kind, words)
	}
}

func TestStillOfWhatIsPulled(t *testing.T) {
	stillsRig(t, shows, func(t *testing.T, c *cameras, s *stills) {
		_, release, err := s.fleet.Acquire("two", streams.Main)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		wantStill(t, s, "two", "", "main") // the sub stream is not called beside it
		c.want(t, "two main")
		first := wantStill(t, s, "two", "main", "main")
		if again := wantStill(t, s, "two", "main", "main"); again.Tag != first.Tag || string(again.Data) != string(first.Data) {
			t.Error("the same key frame is another picture")
		}
		wantStill(t, s, "two", "sub", "sub")
		wantStill(t, s, "two", "", "sub")
		c.want(t, "two main", "two sub")
		time.Sleep(time.Second)
		hub, _ := s.fleet.Hub("two", streams.Main)
		hub.Publish(idrFrame(t))
		if next := wantStill(t, s, "two", "main", "main"); next.Tag == first.Tag || !next.At.After(first.At) {
			t.Errorf("the next key frame has the tag %s, too", next.Tag)
		}
		// A camera that is lost keeps its last picture as long as it is wanted.
		time.Sleep(time.Minute)
		hub.SetState(streams.Unreachable, streams.Timeout, "", time.Time{})
		if old := wantStill(t, s, "two", "", "main"); time.Since(old.At) < time.Minute {
			t.Errorf("of %v", old.At)
		}
	})
}

func TestStillOfACameraThatRests(t *testing.T) {
	stillsRig(t, shows, func(t *testing.T, c *cameras, s *stills) {
		begun := time.Now()
		wantStill(t, s, "two", "", "sub")
		wantStill(t, s, "one", "sub", "main")
		if took := time.Since(begun); took != time.Second {
			t.Errorf("took %v", took)
		}
		time.Sleep(glanceHold / 2)
		wantStill(t, s, "two", "", "sub") // nothing is dialled again
		c.want(t, "two sub", "one main")
		time.Sleep(glanceHold)
		synctest.Wait()
		if sub, _ := s.fleet.Hub("two", streams.Sub); c.now != 0 || sub.KeyFrame() != nil {
			t.Errorf("%d pulls are left", c.now)
		}
		wantNoStill(t, s, "none", alerts.Unavailable, "switched off")
		if _, err := s.Snapshot(t.Context(), api.StillRequest{Camera: "none"}); alerts.KindOf(err) != alerts.Unavailable {
			t.Errorf("got %v", err)
		}
		s.shots.FFmpeg = filepath.Join(t.TempDir(), "none")
		if _, err := s.Snapshot(t.Context(), api.StillRequest{Camera: "two"}); alerts.KindOf(err) != alerts.Unsupported || !strings.Contains(err.Error(), "ffmpeg") {
			t.Errorf("got %v", err)
		}
		c.want(t, "two sub", "one main")
		s.close()
		wantNoStill(t, s, "one", alerts.Unavailable, "going down")
	})
}

// A list of cameras does not have them all called at a time.
func TestStillsOfAList(t *testing.T) {
	stillsRig(t, shows, func(t *testing.T, c *cameras, s *stills) {
		var names []string
		for i := range 50 {
			names = append(names, "cam"+string(rune('a'+i)))
			s.fleet.Set(names[i], streams.Spec{Camera: names[i], Profile: streams.Main})
		}
		var wg sync.WaitGroup
		for _, name := range names {
			for range 2 { // in two windows
				wg.Go(func() { wantStill(t, s, name, "", "main") })
			}
		}
		wg.Wait()
		synctest.Wait()
		// One that is ending may be there beside the one that takes its place.
		if c.most > 2*glancesAtOnce || c.now > glancesAtOnce || len(s.glances.held) > glancesAtOnce {
			t.Errorf("%d pulls at a time, %d are left", c.most, c.now)
		}
	})
}

func TestStillOfACameraThatFails(t *testing.T) {
	fails := func(_ *testing.T, _ context.Context, _ streams.Spec, hub *streams.Hub) {
		hub.SetState(streams.Refused, streams.SignInRefused, "the camera refuses the sign-in", time.Time{})
	}
	stillsRig(t, fails, func(t *testing.T, c *cameras, s *stills) {
		begun := time.Now()
		for range 5 {
			wantNoStill(t, s, "one", alerts.Unavailable, "refuses the sign-in")
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("took %v", took)
		}
		c.want(t, "one main") // not once for each who asks
	})
	mute := func(*testing.T, context.Context, streams.Spec, *streams.Hub) {}
	stillsRig(t, mute, func(t *testing.T, c *cameras, s *stills) {
		begun := time.Now()
		wantNoStill(t, s, "two", alerts.Unavailable, "no key frame within 5s")
		if took := time.Since(begun); took != firstKeyWait {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for _, camera := range []string{"two", "one"} {
			go func() {
				_, err := s.KeyFrame(ctx, api.StillRequest{Camera: camera})
				ended <- err
			}()
		}
		synctest.Wait()
		s.fleet.Set("one")
		if err := <-ended; alerts.KindOf(err) != alerts.Unavailable || !strings.Contains(err.Error(), "switched off") {
			t.Errorf("got %v", err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// Who finds no place among those that are called waits so long and no longer.
func TestStillsOfManyThatFail(t *testing.T) {
	mute := func(*testing.T, context.Context, streams.Spec, *streams.Hub) {}
	stillsRig(t, mute, func(t *testing.T, _ *cameras, s *stills) {
		kinds := make(chan alerts.Kind, 50)
		for i := range 50 {
			name := "cam" + string(rune('a'+i))
			s.fleet.Set(name, streams.Spec{Camera: name, Profile: streams.Main})
			go func() {
				_, err := s.KeyFrame(t.Context(), api.StillRequest{Camera: name})
				kinds <- alerts.KindOf(err)
			}()
		}
		got := map[alerts.Kind]int{}
		for range 50 {
			got[<-kinds]++
		}
		if got[alerts.Unavailable] < 2*glancesAtOnce || got[alerts.TooMany] == 0 || got[alerts.Unavailable]+got[alerts.TooMany] != 50 {
			t.Errorf("answers %v", got)
		}
	})
}
