package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
)

// whole reads a run into one file.
func whole(t testing.TB, run *Run) []byte {
	t.Helper()
	out := bytes.Clone(run.Init())
	for {
		b, err := run.Fragment()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
}

// shown is a picture as ffprobe tells it.
type shown struct {
	pts float64
	key bool
}

// pictures decodes a run, without a word of complaint, and lists its pictures
// as they lie in the file.
func pictures(t testing.TB, b []byte) []shown {
	t.Helper()
	name := filepath.Join(t.TempDir(), "run.mp4")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "ffmpeg", "-v", "error", "-xerror", "-copyts", "-i", name, "-f", "null", "-")
	var out []shown
	for line := range strings.Lines(string(run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", name))) {
		pts, flags, _ := strings.Cut(strings.TrimSpace(line), ",")
		v, err := strconv.ParseFloat(pts, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, shown{v, strings.Contains(flags, "K")})
	}
	return out
}

func TestRunBeginsAtKeyFrame(t *testing.T) {
	for name, f := range map[string]*film{
		"avc1": shoot(t, "x264", "320x180", 4, 0), "avc1 with B-pictures": shoot(t, "x264", "320x180", 4, 2), "hvc1": shoot(t, "x265", "320x180", 4, 0),
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, t.TempDir(), noon)
			g.play(f, 250) // 10 s, a key frame each second, in segments of 2 s
			g.tape.end(Stopped)
			epoch := noon.Add(-time.Hour)
			for _, at := range []time.Duration{0, 990 * time.Millisecond, 1500 * time.Millisecond, 3010 * time.Millisecond, 8990 * time.Millisecond} {
				q := PlayRequest{Camera: "cam/1", Profile: streams.Main, At: noon.Add(at), Length: 3 * time.Second, Epoch: epoch}
				r, err := g.rec.Play(context.Background(), q)
				if err != nil {
					t.Fatal(err)
				}
				want := min(75, 250-25*int(at/time.Second))
				got := pictures(t, whole(t, r))
				r.Close()
				if len(got) != want || !got[0].key {
					t.Errorf("at %v: %d pictures, want %d, the first key: %t", at, len(got), want, got[0].key)
				}
				key := noon.Add(at.Truncate(time.Second))
				if d := r.From.Sub(key).Abs(); d > 90*time.Millisecond {
					t.Errorf("at %v: from %v, want %v", at, r.From, key)
				}
				// The first picture is shown when the run says it was taken.
				if d := math.Abs(got[0].pts - r.From.Sub(epoch).Seconds()); d > 0.09 {
					t.Errorf("at %v: first picture at %v, want %v", at, got[0].pts, r.From.Sub(epoch).Seconds())
				}
				if d := r.To.Sub(r.From) - time.Duration(want)*40*time.Millisecond; d.Abs() > 90*time.Millisecond {
					t.Errorf("at %v: covers %v to %v", at, r.From, r.To)
				}
				if last := at >= 7*time.Second; last != r.Next.IsZero() || !last && r.Next.Sub(r.To).Abs() > 50*time.Millisecond {
					t.Errorf("at %v: to %v, next %v", at, r.To, r.Next)
				}
				if !strings.HasPrefix(r.Codecs, name[:4]) || r.Sound != NoSound {
					t.Errorf("codecs %q, sound %q", r.Codecs, r.Sound)
				}
			}
			// One run after another leaves out nothing and shows nothing twice.
			seen := map[string]int{}
			for at := noon; !at.IsZero(); {
				r, err := g.rec.Play(context.Background(), PlayRequest{Camera: "cam/1", Profile: streams.Main, At: at, Length: 3 * time.Second, Epoch: epoch})
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range pictures(t, whole(t, r)) {
					seen[fmt.Sprintf("%.3f", p.pts)]++
				}
				at = r.Next
				r.Close()
			}
			if len(seen) != 250 {
				t.Errorf("%d moments are shown of 250", len(seen))
			}
		})
	}
}

func TestRunEnds(t *testing.T) {
	small, large := shoot(t, "x264", "320x180", 2, 0), shoot(t, "x264", "640x360", 2, 0)
	g := newRig(t, t.TempDir(), noon)
	g.play(small, 50)
	g.play(large, 50) // another size: another init
	g.pass(10 * time.Second)
	g.zero += 10 * videoRate // the camera is away
	g.play(large, 50)
	g.tape.end(Stopped)
	play := func(at time.Duration) *Run {
		t.Helper()
		r, err := g.rec.Play(context.Background(), PlayRequest{Camera: "cam/1", Profile: streams.Main, At: noon.Add(at), Length: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		if n := len(pictures(t, whole(t, r))); n != 50 {
			t.Errorf("at %v: %d pictures, want 50", at, n)
		}
		return r
	}
	near := func(what string, got time.Time, want time.Duration) {
		t.Helper()
		if d := got.Sub(noon.Add(want)).Abs(); d > 100*time.Millisecond {
			t.Errorf("%s at %v, want %v", what, got.Sub(noon), want)
		}
	}
	r := play(0)
	near("the change of size", r.Next, 2*time.Second)
	r = play(2100 * time.Millisecond)
	near("the end before the gap", r.To, 4*time.Second)
	near("what follows the gap", r.Next, 14*time.Second)
	if r = play(14500 * time.Millisecond); !r.Next.IsZero() {
		t.Errorf("after the end follows %v", r.Next)
	}
	for _, at := range []time.Duration{-time.Second, 8 * time.Second, 20 * time.Second} {
		if _, err := g.rec.Play(context.Background(), PlayRequest{Camera: "cam/1", Profile: streams.Main, At: noon.Add(at), Length: time.Minute}); !errors.Is(err, ErrNothing) {
			t.Errorf("at %v: %v", at, err)
		}
	}
	if _, err := g.rec.Play(context.Background(), PlayRequest{Camera: "cam/1", Profile: streams.Main, At: noon, Length: time.Minute, Epoch: noon.Add(time.Second)}); !errors.Is(err, ErrEpoch) {
		t.Errorf("an epoch after the first picture: %v", err)
	}
}

func TestRunWhileRecording(t *testing.T) {
	f := shoot(t, "x264", "320x180", 2, 0)
	g := newRig(t, t.TempDir(), noon)
	g.play(f, 110)
	r, err := g.rec.Play(context.Background(), PlayRequest{Camera: "cam/1", Profile: streams.Main, At: noon.Add(3 * time.Second), Length: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := len(pictures(t, whole(t, r)))
	if n < 10 || !r.Next.Equal(r.To) {
		t.Errorf("%d pictures, to %v, next %v", n, r.To, r.Next)
	}
	keys, err := g.rec.KeyFrames(context.Background(), "cam/1", streams.Main, noon.Add(3500*time.Millisecond), 3)
	if err != nil || len(keys) != 3 {
		t.Fatalf("key frames %v %v", keys, err)
	}
	for i, k := range keys {
		if d := k.Sub(noon.Add(time.Duration(3-i) * time.Second)).Abs(); d > 90*time.Millisecond {
			t.Errorf("key frame %d at %v", i, k.Sub(noon))
		}
	}
}

// BenchmarkSeek plays from the last second of a segment a minute long: until the
// first pictures are there.
func BenchmarkSeek(b *testing.B) {
	f := shoot(b, "x264", "1280x720", 4, 0)
	g := &rig{t: b, now: noon}
	g.open(b.TempDir())
	g.rec.Segment = time.Minute
	g.play(f, 25*120)
	g.tape.end(Stopped)
	for b.Loop() {
		r, err := g.rec.Play(context.Background(), PlayRequest{Camera: "cam/1", Profile: streams.Main, At: noon.Add(59 * time.Second), Length: 10 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Fragment(); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
