package clip

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

func write(t testing.TB, c *Cut, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var last, all int64
	if err := c.Write(context.Background(), f, func(done, total int64) { last, all = done, total }); err != nil {
		t.Fatal(err)
	}
	if info, _ := f.Stat(); info.Size() != c.Bytes || last != c.Bytes || all != c.Bytes {
		t.Errorf("%d bytes written, %d of %d told, %d planned", info.Size(), last, all, c.Bytes)
	}
}

// shows checks that players show exactly these pictures of the film, the first of
// them at once and each for its time, and that the whole is sound.
func shows(t testing.TB, f *film, name string, want []int) {
	t.Helper()
	got := looks(t, name)
	wanted := make([]string, len(want))
	for i, n := range want {
		wanted[i] = f.hash[n%len(f.hash)]
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("%s shows %v, want %v", filepath.Base(name), numbers(f, got), want)
	}
	count := strings.Trim(strings.TrimSpace(string(run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-count_frames",
		"-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", name))), ",")
	if count != strconv.Itoa(len(want)) {
		t.Errorf("%s: ffprobe counts %s pictures, want %d", filepath.Base(name), count, len(want))
	}
}

func numbers(f *film, hashes []string) []int {
	out := make([]int, len(hashes))
	for i, h := range hashes {
		out[i] = slices.Index(f.hash, h)
	}
	return out
}

// times are the presentation times of what is shown, milliseconds.
func times(t testing.TB, name string) []int {
	t.Helper()
	var out []int
	for line := range strings.Lines(string(run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", name))) {
		if line = strings.Trim(strings.TrimSpace(line), ","); line == "" {
			continue
		}
		s, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, int(s*1000+0.5))
	}
	return out
}

func span(a, b int) []int {
	var out []int
	for i := a; i < b; i++ {
		out = append(out, i)
	}
	return out
}

func TestExactPictures(t *testing.T) {
	for name, f := range map[string]*film{
		"H.264":                 shoot(t, "x264", "160x90", 10, 0),
		"H.264 with B-pictures": shoot(t, "x264", "160x90", 10, 2),
		"H.265":                 shoot(t, "x265", "160x90", 10, 0),
		"H.265 with B-pictures": shoot(t, "x265", "160x90", 10, 2),
	} {
		t.Run(name, func(t *testing.T) {
			r := openRing(t, t.TempDir())
			r.roll(f, 0, 200, nil)
			r.rest(0)
			rnd := rand.New(rand.NewPCG(1, 2))
			ranges := [][2]int{{0, 200}, {24, 26}, {25, 50}, {199, 200}, {37, 38}}
			for range 2 {
				a := rnd.IntN(199)
				ranges = append(ranges, [2]int{a, a + 1 + rnd.IntN(199-a)})
			}
			for _, w := range ranges {
				cuts, names := cut(t, r, time.Duration(w[0])*step, time.Duration(w[1])*step)
				if len(cuts) != 1 {
					t.Fatalf("%d clips, want 1", len(cuts))
				}
				shows(t, f, names[0], span(w[0], w[1]))
				c := cuts[0]
				if c.Frames != w[1]-w[0] || !c.From.Equal(noon.Add(time.Duration(w[0])*step)) || !c.To.Equal(noon.Add(time.Duration(w[1])*step)) {
					t.Errorf("%v: %d pictures from %v to %v are told", w, c.Frames, c.From, c.To)
				}
				for i, at := range times(t, names[0]) {
					if at != i*40 {
						t.Errorf("%v: picture %d is shown at %d ms", w, i, at)
					}
				}
				if n := samples(t, names[0]); !f.desc.BFrames && n != w[0]%25+w[1]-w[0] {
					t.Errorf("%v: %d pictures lie in it", w, n)
				}
			}
		})
	}
}

// samples reads the clip with an independent reader: it begins with a key frame. How
// many pictures lie in it is returned.
func samples(t *testing.T, name string) int {
	t.Helper()
	file, err := mp4.ReadMP4File(name)
	if err != nil {
		t.Fatal(err)
	}
	stbl := file.Moov.Traks[0].Mdia.Minf.Stbl
	if stbl.Stss != nil && stbl.Stss.SampleNumber[0] != 1 {
		t.Errorf("the first key frame is picture %d", stbl.Stss.SampleNumber[0])
	}
	return int(stbl.Stsz.SampleNumber)
}

func TestBetweenPictures(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	r := openRing(t, t.TempDir())
	r.roll(f, 0, 100, nil)
	r.rest(0)
	// Pictures 26 to 51 begin within [1.01 s, 2.05 s); the last ends at 2.05 s.
	cuts, names := cut(t, r, 1010*time.Millisecond, 2050*time.Millisecond)
	shows(t, f, names[0], span(26, 52))
	if c := cuts[0]; !c.From.Equal(noon.Add(1040*time.Millisecond)) || !c.To.Equal(noon.Add(2050*time.Millisecond)) {
		t.Errorf("shown are %v to %v", c.From, c.To)
	}
}

func TestGapStands(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	r := openRing(t, t.TempDir())
	r.roll(f, 0, 50, nil)
	r.rest(5 * time.Second)
	r.roll(f, 50, 50, nil)
	r.rest(0)
	cuts, names := cut(t, r, time.Second, 8*time.Second)
	if len(cuts) != 1 {
		t.Fatalf("%d clips, want 1", len(cuts))
	}
	shows(t, f, names[0], span(25, 75))
	if at := times(t, names[0]); at[24] != 960 || at[25] != 6000 {
		t.Errorf("the pictures around the gap are shown at %d and %d ms, want 960 and 6000", at[24], at[25])
	}
	c := cuts[0]
	if len(c.Gaps) != 1 || c.Gaps[0].Cause != record.Stopped || c.Lost != 0 {
		t.Errorf("gaps %v, losses %v: want the one gap", c.Gaps, c.Losses)
	}
}

func TestLossesAreTold(t *testing.T) {
	f := shoot(t, "x264", "160x90", 2, 0)
	f.aus, f.pts, f.hash = slices.Delete(f.aus, 45, 48), slices.Delete(f.pts, 45, 48), slices.Delete(f.hash, 45, 48)
	r := openRing(t, t.TempDir())
	r.roll(f, 0, 45, nil)
	r.now.Add(int64(3 * step))
	r.roll(f, 45, 2, nil)
	r.rest(0)
	cuts, _ := cut(t, r, 0, 2*time.Second)
	want := []Loss{{noon.Add(45 * step), 3 * step}}
	if c := cuts[0]; !slices.Equal(c.Losses, want) || c.Lost != 1 {
		t.Errorf("losses %v, want %v", c.Losses, want)
	}
}

func TestParametersChange(t *testing.T) {
	a, b := shoot(t, "x264", "160x90", 2, 0), shoot(t, "x264", "320x180", 2, 0)
	r := openRing(t, t.TempDir())
	r.roll(a, 0, 50, nil)
	r.roll(b, 0, 50, nil)
	r.rest(0)
	cuts, names := cut(t, r, 1*time.Second, 3*time.Second)
	if len(cuts) != 1 || cuts[0].Changes != 1 {
		t.Fatalf("%d clips, want one with a change", len(cuts))
	}
	sizes := string(run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=width", "-of", "csv=p=0", names[0]))
	if n, m := strings.Count(sizes, "160"), strings.Count(sizes, "320"); n != 25 || m != 25 {
		t.Errorf("%d pictures of 160 pixels and %d of 320, want 25 each", n, m)
	}
	c := shoot(t, "x265", "160x90", 2, 0)
	r.roll(c, 0, 50, nil)
	r.rest(0)
	cuts, names = cut(t, r, 0, 6*time.Second)
	if len(cuts) != 2 || cuts[0].Video != "h264" || cuts[1].Video != "h265" {
		t.Fatalf("%d clips, want one of each codec", len(cuts))
	}
	shows(t, c, names[1], span(0, 50))
}

func TestSound(t *testing.T) {
	f := shoot(t, "x264", "160x90", 8, 0)
	aac := adts(t, 8)
	for _, w := range []struct {
		name    string
		codec   streams.Codec
		rate    int64
		packets func(n int) [][]byte // of picture n
		probe   string
	}{
		{"AAC", streams.AAC, 16000, func(n int) [][]byte {
			var out [][]byte
			for i := range aac {
				if i*1024/640 == n {
					out = append(out, aac[i])
				}
			}
			return out
		}, "aac"},
		{"Opus", streams.Opus, 48000, func(int) [][]byte { return [][]byte{{0xf8, 0xff, 0xfe}, {0xf8, 0xff, 0xfe}} }, "opus"},
		{"G.711", streams.PCMA, 8000, func(int) [][]byte { return [][]byte{bytes.Repeat([]byte{0x55}, 320)} }, "pcm_s16be"},
	} {
		t.Run(w.name, func(t *testing.T) {
			desc := *f.desc
			desc.Audio, desc.AudioChannels = w.codec, 1
			if w.codec == streams.AAC {
				desc.AudioRate, desc.AudioConfig = 16000, []byte{0x14, 0x08}
			}
			film := *f
			film.desc = &desc
			r := openRing(t, t.TempDir())
			at := int64(0)
			r.roll(&film, 0, 200, func(n int) []*streams.Frame {
				var out []*streams.Frame
				for _, p := range w.packets(n) {
					out = append(out, streams.NewAudioFrame(&desc, p, at))
					at += map[streams.Codec]int64{streams.AAC: 1024, streams.Opus: 960, streams.PCMA: 320}[w.codec]
				}
				return out
			})
			r.rest(0)
			cuts, names := cut(t, r, 1520*time.Millisecond, 5*time.Second)
			shows(t, f, names[0], span(38, 125))
			if cuts[0].Audio == "" {
				t.Error("no sound is told")
			}
			run(t, "ffmpeg", "-v", "error", "-xerror", "-i", names[0], "-map", "0:a", "-f", "null", "-")
			probe := string(run(t, "ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name,start_time,duration", "-of", "csv=p=0", names[0]))
			fields := strings.Split(strings.TrimSpace(probe), ",")
			long, _ := strconv.ParseFloat(fields[2], 64)
			if fields[0] != w.probe || long < 3.40 || long > 3.50 {
				t.Errorf("sound is %s, want %s of 3.48 s", strings.TrimSpace(probe), w.probe)
			}
		})
	}
}

// adts encodes a tone and returns its access units.
func adts(t *testing.T, seconds int) [][]byte {
	t.Helper()
	b := run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000", "-t", strconv.Itoa(seconds), "-ac", "1",
		"-c:a", "aac", "-f", "adts", "-")
	var out [][]byte
	for len(b) >= 7 {
		n := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
		out = append(out, b[7:n])
		b = b[n:]
	}
	return out
}

func TestClockSetBackGivesTwo(t *testing.T) {
	f := shoot(t, "x264", "160x90", 8, 0)
	r := openRing(t, t.TempDir())
	r.roll(f, 0, 100, nil)
	r.rest(0)
	r.now.Store(int64(time.Second)) // it is 12:00:01 once more
	r.connect()
	r.roll(f, 100, 100, nil)
	r.rest(0)
	cuts, names := cut(t, r, 0, 10*time.Second)
	if len(cuts) != 2 {
		t.Fatalf("%d clips, want 2", len(cuts))
	}
	all := slices.Concat(looks(t, names[0]), looks(t, names[1]))
	got := numbers(f, all)
	slices.Sort(got)
	if !slices.Equal(got, span(0, 200)) {
		t.Errorf("the clips show %v, want each picture once", got)
	}
}

func TestNothing(t *testing.T) {
	r := openRing(t, t.TempDir())
	_, err := Plan(context.Background(), r, "cam1", streams.Main, noon, noon.Add(time.Minute))
	if !errors.Is(err, ErrNothing) {
		t.Errorf("got %v, want ErrNothing", err)
	}
	for _, d := range []time.Duration{0, -time.Second, MaxSpan + 1} {
		if _, err := Plan(context.Background(), r, "cam1", streams.Main, noon, noon.Add(d)); err == nil || errors.Is(err, ErrNothing) {
			t.Errorf("a range of %v: got %v, want what would be right", d, err)
		}
	}
}

func TestCancelledAndDeleted(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	r := openRing(t, dir)
	r.roll(f, 0, 100, nil)
	r.rest(0)
	cuts, err := Plan(context.Background(), r, "cam1", streams.Main, noon, noon.Add(4*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = cuts[0].Write(ctx, io.Discard, func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to end with its context", err)
	}
	for _, s := range r.Segments("cam1", streams.Main, noon, noon.Add(time.Hour)) {
		if err := os.Remove(s.Path); err != nil {
			t.Fatal(err)
		}
	}
	if err := cuts[0].Write(context.Background(), io.Discard, nil); !errors.Is(err, ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
}

var update = flag.Bool("update", false, "make testdata/ring anew")

// TestDigest pins the output: the same footage and range give the same bytes.
func TestDigest(t *testing.T) {
	const kept = "testdata/ring"
	if *update {
		if err := os.RemoveAll(kept); err != nil {
			t.Fatal(err)
		}
		f := shoot(t, "x264", "64x36", 4, 2)
		g := openRing(t, kept)
		g.roll(f, 0, 100, nil)
		g.rest(2 * time.Second)
		g.roll(shoot(t, "x264", "96x54", 2, 0), 0, 50, nil)
		g.rest(0)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	r := openRing(t, dir)
	for _, w := range []struct {
		from, to time.Duration
		digest   string
	}{
		{520 * time.Millisecond, 3 * time.Second, "701ffbe6fa2c572445bb892756812882eba9e13b7e457c44c8821fc032839d92"},
		{3500 * time.Millisecond, 7 * time.Second, "5dd87cd4057a0b404f534af93caaed719e12720c146178055c1c96fb05c46bce"},
	} {
		cuts, err := Plan(context.Background(), r, "cam1", streams.Main, noon.Add(w.from), noon.Add(w.to))
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		for _, c := range cuts {
			if err := c.Write(context.Background(), h, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != w.digest {
			t.Errorf("%v to %v: digest %s, want %s", w.from, w.to, got, w.digest)
		}
	}
}
