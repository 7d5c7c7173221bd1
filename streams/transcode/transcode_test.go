package transcode

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sharpeyes/streams"
)

// TestPictures compares what comes out with what went in: every picture, with
// its own time, soon.
func TestPictures(t *testing.T) {
	for name, c := range map[string]struct {
		codec streams.Codec
		args  []string
		late  time.Duration // B-pictures wait for those shown before them
	}{
		"H.265": {streams.H265, nil, 0},
		"H.265 with B-pictures": {streams.H265, []string{"-x265-params",
			"aud=1:repeat-headers=1:bframes=3:b-adapt=0:keyint=50:min-keyint=50:open-gop=0:log-level=none"}, 200 * time.Millisecond},
		"pyramid of H.264": {streams.H264, []string{"-preset", "veryfast", "-profile:v", "high", "-x264-params",
			"bframes=3:b-adapt=0:b-pyramid=normal:keyint=50:min-keyint=50:scenecut=0"}, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := film(t, c.codec, "4", c.args...)
			format := map[streams.Codec]string{streams.H264: "h264", streams.H265: "hevc"}[c.codec]
			var all []byte
			for _, u := range in.units {
				all = append(all, annexB(u)...)
			}
			want := decoded(t, format, all)
			if len(want) != len(in.units) {
				t.Fatalf("%d of %d pictures", len(want), len(in.units))
			}
			in.desc.BFrames = c.late > 0
			cam := send(t, in, 40*time.Millisecond)
			h, release := acquire(t, newPool(t, nil), cam.hub, streams.H264)
			defer release()
			frames := take(t, h, streams.Video, 120)
			checkPictures(t, frames, want, cam, c.late)
		})
	}
}

func checkPictures(t *testing.T, frames []got, want [][]byte, cam *camera, late time.Duration) {
	t.Helper()
	var all []byte
	var ages []time.Duration
	keys := 0
	for i, f := range frames {
		if i > 0 && f.PTS != frames[i-1].PTS+3600 {
			t.Errorf("picture %d at %d, the one before at %d", i, f.PTS, frames[i-1].PTS)
		}
		if f.Key {
			keys++
		}
		if d := f.Desc; d.Video != streams.H264 || d.Width != 320 || d.Height != 180 || len(d.SPS) == 0 || d.SPS[1] != 77 || d.BFrames || d.BPyramid {
			t.Fatalf("%+v", d)
		}
		cam.mu.Lock()
		at, ok := cam.sent[f.PTS]
		cam.mu.Unlock()
		if !ok {
			t.Fatalf("picture %d has a time, %d, that none was sent with", i, f.PTS)
		}
		ages = append(ages, f.at.Sub(at))
		all = append(all, annexB(streams.Units(f.Frame))...)
	}
	if keys < 2 || !frames[0].Key {
		t.Errorf("%d key frames in %d pictures", keys, len(frames))
	}
	slices.Sort(ages)
	t.Logf("a picture takes %v, %v at most", ages[len(ages)/2], ages[len(ages)-1])
	if ages[len(ages)/2] > late+time.Second {
		t.Errorf("a picture takes %v", ages[len(ages)/2])
	}
	got := decoded(t, "h264", all)
	if len(got) != len(frames) {
		t.Fatalf("%d of %d pictures", len(got), len(frames))
	}
	for i, f := range frames {
		n := int(f.PTS/3600) % len(want)
		own, next := differs(got[i], want[n]), differs(got[i], want[(n+1)%len(want)])
		if own > 6 || own >= next {
			t.Fatalf("picture %d is not the one of its time: differs by %.1f, from the next by %.1f", i, own, next)
		}
	}
}

func TestSound(t *testing.T) {
	for _, rate := range []string{"16000", "44100"} {
		t.Run(rate, func(t *testing.T) {
			t.Parallel()
			in, tone := film(t, streams.H264, "2", "-bf", "0"), hiss(t, rate)
			in.sound, in.desc.Audio, in.desc.AudioChannels = tone.sound, streams.AAC, 1
			in.desc.AudioRate, in.desc.AudioConfig = map[string]int{"16000": 16000, "44100": 44100}[rate],
				map[string][]byte{"16000": {0x14, 0x08}, "44100": {0x12, 0x08}}[rate]
			cam := send(t, in, 40*time.Millisecond)
			h, release := acquire(t, newPool(t, nil), cam.hub, streams.Opus)
			defer release()
			frames := take(t, h, streams.Audio, 100)
			for i, f := range frames {
				if f.Desc.Audio != streams.Opus || f.Desc.Video != streams.H264 || f.Desc.AudioRate != 0 || len(f.Payloads) != 1 || opusSamples(f.Payloads[0]) != 960 {
					t.Fatalf("%+v, %d bytes", f.Desc, f.Size)
				}
				if step := f.PTS - frames[max(0, i-1)].PTS; i > 0 && step != 960 {
					t.Errorf("a step of %d", step)
				}
			}
			// The picture comes with it, untouched.
			var pictures []*streams.Frame
			for _, f := range take(t, h, streams.Video, 10) {
				pictures = append(pictures, f.Frame)
			}
			if f := pictures[0]; !f.Key || f.Desc.Video != streams.H264 || f.Desc.Audio != streams.Opus {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestBoth makes Opus of what H.264 was made of, twice.
func TestBoth(t *testing.T) {
	in, tone := film(t, streams.H265, "2"), hiss(t, "16000")
	in.sound, in.desc.Audio, in.desc.AudioChannels, in.desc.AudioRate, in.desc.AudioConfig = tone.sound, streams.AAC, 1, 16000, []byte{0x14, 0x08}
	cam, p := send(t, in, 40*time.Millisecond), newPool(t, nil)
	var hubs [2]*streams.Hub
	for i := range hubs {
		h, release := acquire(t, p, cam.hub, streams.H264)
		both, again, err := p.Acquire(h, release, streams.Opus)
		if err != nil {
			t.Fatal(err)
		}
		hubs[i] = both
		defer again()
	}
	if hubs[0] != hubs[1] || p.Running() != 2 {
		t.Fatalf("%d run", p.Running())
	}
	for _, kind := range []streams.Kind{streams.Video, streams.Audio} {
		if d := take(t, hubs[0], kind, 20)[0].Desc; d.Video != streams.H264 || d.Audio != streams.Opus {
			t.Errorf("%+v", d)
		}
	}
}

func TestOneForAllViewers(t *testing.T) {
	cam := send(t, film(t, streams.H265, "2"), 40*time.Millisecond)
	p := newPool(t, func(p *Pool) { p.Max, p.Linger = 1, 50*time.Millisecond })
	freed := make(chan int, 10)
	one, release, err := p.Acquire(cam.hub, func() { freed <- 1 }, streams.H264)
	if err != nil {
		t.Fatal(err)
	}
	two, again, err := p.Acquire(cam.hub, func() { freed <- 2 }, streams.H264)
	if err != nil || one != two {
		t.Fatalf("%v; another hub: %v", err, one != two)
	}
	if n := <-freed; n != 2 {
		t.Fatal("the source was given back by the first")
	}
	take(t, one, streams.Video, 5)
	ours := processes(t)
	if len(ours) != 1 || ours[0].nice < niceness || strings.Contains(ours[0].say, "rtsp") {
		t.Errorf("%+v", ours)
	}
	other := send(t, film(t, streams.H265, "2"), 40*time.Millisecond)
	if _, _, err := p.Acquire(other.hub, func() { t.Error("given back") }, streams.H264); !errors.Is(err, ErrBusy) {
		t.Errorf("one more than Max: %v", err)
	}
	release()
	release() // counts once
	take(t, one, streams.Video, 5)
	again()
	if n := <-freed; n != 1 {
		t.Fatal("the source was given back twice by the second")
	}
	select {
	case <-one.Gone():
	case <-time.After(patience):
		t.Fatal("the hub outlives its ffmpeg")
	}
	waitFor(t, "no process is left", func() bool { return len(processes(t)) == 0 && p.Running() == 0 })
	p.Linger = time.Hour
	_, release = acquire(t, p, other.hub, streams.H264)
	release()
	three, release := acquire(t, p, cam.hub, streams.H264) // the one that lingers makes way
	defer release()
	take(t, three, streams.Video, 5)
	if n := p.Running(); n != 1 {
		t.Errorf("%d run", n)
	}
}

func TestKilledFFmpegIsStartedAgain(t *testing.T) {
	cam := send(t, film(t, streams.H265, "2"), 40*time.Millisecond)
	h, release := acquire(t, newPool(t, nil), cam.hub, streams.H264)
	defer release()
	for range 2 {
		take(t, h, streams.Video, 5)
		first := processes(t)
		if len(first) != 1 {
			t.Fatalf("%+v", first)
		}
		if err := syscall.Kill(first[0].pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "another ffmpeg", func() bool {
			now := processes(t)
			return len(now) == 1 && now[0].pid != first[0].pid && now[0].state[0] != 'Z'
		})
	}
	take(t, h, streams.Video, 30)
}

// TestStoppedFFmpeg has one stand still: the source goes on, and another takes
// its place.
func TestStoppedFFmpeg(t *testing.T) {
	cam := send(t, film(t, streams.H265, "2"), 40*time.Millisecond)
	h, release := acquire(t, newPool(t, func(p *Pool) { p.stuck = time.Second }), cam.hub, streams.H264)
	defer release()
	take(t, h, streams.Video, 5)
	first := processes(t)
	if err := syscall.Kill(first[0].pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	take(t, cam.hub, streams.Video, 60)
	waitFor(t, "another ffmpeg", func() bool { now := processes(t); return len(now) == 1 && now[0].pid != first[0].pid })
	take(t, h, streams.Video, 30)
}

// stand writes a program that stands in for ffmpeg: it passes the tries of
// encoders and then does what the script says.
func stand(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncase \"$*\" in *lavfi*) exit 0;; esac\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGivenUp(t *testing.T) {
	cam := send(t, film(t, streams.H265, "2"), 40*time.Millisecond)
	p := newPool(t, func(p *Pool) { p.FFmpeg, p.first = stand(t, "echo broken >&2; exit 1"), time.Millisecond })
	freed := make(chan bool, 1)
	h, release, err := p.Acquire(cam.hub, func() { freed <- true }, streams.H264)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	select {
	case <-h.Gone():
	case <-time.After(patience):
		t.Fatal("it is tried for ever")
	}
	<-freed
	waitFor(t, "it is refused", func() bool {
		_, _, err := p.Acquire(cam.hub, func() {}, streams.H264)
		return errors.Is(err, ErrFailed)
	})
}

func TestMissing(t *testing.T) {
	p := newPool(t, func(p *Pool) { p.FFmpeg = filepath.Join(t.TempDir(), "none") })
	cam := send(t, film(t, streams.H265, "1"), 40*time.Millisecond)
	if _, _, err := p.Acquire(cam.hub, func() {}, streams.H264); !errors.Is(err, ErrMissing) || !errors.Is(p.Ready(), ErrMissing) {
		t.Error(err)
	}
	off := newPool(t, func(p *Pool) { p.Max = 0 })
	if _, _, err := off.Acquire(cam.hub, func() {}, streams.H264); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

// TestLittleOfUs checks what ffmpeg is told.
func TestLittleOfUs(t *testing.T) {
	t.Setenv("SHARPEYES_SECRET", "s3cret")
	path := filepath.Join(t.TempDir(), "told")
	cam := send(t, film(t, streams.H265, "1"), 40*time.Millisecond)
	p := newPool(t, func(p *Pool) {
		p.FFmpeg, p.first = stand(t, "(env; echo \"$@\") > "+path+".new; mv "+path+".new "+path+"; cat > /dev/null"), time.Hour
	})
	_, release := acquire(t, p, cam.hub, streams.H264)
	defer release()
	var told []byte
	waitFor(t, "it is told", func() (ok bool) { b, err := os.ReadFile(path); told = b; return err == nil })
	if s := string(told); strings.Contains(s, "s3cret") || strings.Contains(s, "HOME=") || strings.Contains(s, "cam") || !strings.Contains(s, "pipe:0") {
		t.Errorf("%s", s)
	}
}

func TestAnotherSize(t *testing.T) {
	small, large := film(t, streams.H265, "2"), film(t, streams.H265, "2", "-vf", "scale=640:360")
	large.desc.Width, large.desc.Height = 640, 360
	hub := streams.NewHub("cam", streams.Main, time.Now, nil)
	h, release := acquire(t, newPool(t, nil), hub, streams.H264)
	defer release()
	done := make(chan struct{})
	defer func() { <-done }()
	ctx := t.Context()
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := int64(0); ; i++ {
			c := small
			if i >= 50 {
				c = large
			}
			hub.Publish(streams.NewVideoFrame(&c.desc, c.units[i%50], i*3600))
			select {
			case <-tick.C:
			case <-h.Gone():
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	sizes := map[int]int{}
	for _, f := range take(t, h, streams.Video, 90) {
		sizes[f.Desc.Height]++
	}
	if sizes[180] < 20 || sizes[360] < 20 {
		t.Errorf("pictures by height: %v", sizes)
	}
	h.Gone()
	release()
}
