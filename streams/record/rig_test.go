package record

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sharpeyes/streams"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("RECORD_CHILD"); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// film is a stream of pictures in the order they are sent.
type film struct {
	Desc *streams.Desc
	AUs  [][][]byte
	PTS  []int64
	Key  []bool
}

// shoot encodes a film of 25 pictures a second, a key frame each second.
func shoot(t testing.TB, codec, size string, seconds, bFrames int) *film {
	t.Helper()
	name := filepath.Join(t.TempDir(), "film.mp4")
	params := "scenecut=0:open-gop=0:bframes=" + strconv.Itoa(bFrames)
	if codec == "x265" {
		params += ":log-level=none"
	}
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=rate=25:size="+size, "-t", strconv.Itoa(seconds), "-c:v", "lib"+codec,
		"-preset", "ultrafast", "-g", "25", "-bf", strconv.Itoa(bFrames), "-pix_fmt", "yuv420p",
		"-"+codec+"-params", params, "-video_track_timescale", "90000", name)
	format := map[string]string{"x264": "h264", "x265": "hevc"}[codec]
	es := run(t, "ffmpeg", "-v", "error", "-i", name, "-c", "copy", "-bsf:v", format+"_mp4toannexb,"+format+"_metadata=aud=insert", "-f", format, "-")
	f := &film{Desc: &streams.Desc{Video: streams.H264, BFrames: bFrames > 0}}
	if codec == "x265" {
		f.Desc.Video = streams.H265
	}
	for line := range strings.Lines(string(run(t, "ffprobe", "-v", "error", "-show_entries", "packet=pts,flags", "-of", "csv=p=0", name))) {
		pts, flags, _ := strings.Cut(strings.TrimSpace(line), ",")
		n, err := strconv.ParseInt(pts, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		f.PTS, f.Key = append(f.PTS, n), append(f.Key, strings.Contains(flags, "K"))
	}
	for _, u := range bytes.Split(bytes.ReplaceAll(es, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1})[1:] {
		f.unit(u)
	}
	if len(f.AUs) != len(f.PTS) {
		t.Fatalf("%d access units, %d time stamps", len(f.AUs), len(f.PTS))
	}
	return f
}

func (f *film) unit(u []byte) {
	if f.Desc.Video == streams.H265 {
		switch u[0] >> 1 & 0x3f {
		case 35: // access unit delimiter
			f.AUs = append(f.AUs, nil)
			return
		case 32:
			f.Desc.VPS = u
		case 33:
			f.Desc.SPS = u
		case 34:
			f.Desc.PPS = u
		}
	} else {
		switch u[0] & 0x1f {
		case 9:
			f.AUs = append(f.AUs, nil)
			return
		case 7:
			f.Desc.SPS = u
		case 8:
			f.Desc.PPS = u
		}
	}
	f.AUs[len(f.AUs)-1] = append(f.AUs[len(f.AUs)-1], u)
}

// frame is the n-th picture of the film played for ever.
func (f *film) frame(n int) *streams.Frame {
	i, round := n%len(f.AUs), n/len(f.AUs)
	return streams.NewVideoFrame(f.Desc, f.AUs[i], f.PTS[i]+int64(round*len(f.AUs))*3600)
}

func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// plays decodes a whole file without a word of complaint and counts its pictures.
func plays(t testing.TB, path string) int {
	t.Helper()
	run(t, "ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
	return countPictures(t, path)
}

func countPictures(t testing.TB, path string) int {
	t.Helper()
	out := run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path)
	n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(string(out)), ","))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}

// rig is a recorder whose clock stands but for the test.
type rig struct {
	t    testing.TB
	rec  *Recorder
	tape *tape
	now  time.Time
	mono time.Duration
	n    int
	zero int64
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T, dir string, now time.Time) *rig {
	g := &rig{t: t, now: now}
	g.open(dir)
	return g
}

func (g *rig) open(dirs ...string) {
	g.rec = New(Options{Disks: dirs, Now: func() time.Time { return g.now }, Since: func() time.Duration { return g.mono },
		Segment: 2 * time.Second, Tidy: time.Hour})
	if err := g.rec.Open(context.Background()); err != nil {
		g.t.Fatal(err)
	}
	rec := g.rec
	g.t.Cleanup(func() { rec.Close() })
	g.rec.mu.Lock()
	s := g.rec.stream(key{"cam/1", streams.Main})
	s.seen = true
	g.rec.mu.Unlock()
	g.tape = &tape{rec: g.rec, s: s, why: Restart}
}

func (g *rig) pass(d time.Duration) { g.now, g.mono = g.now.Add(d), g.mono+d }

// play sends pictures of a film, a key frame first.
func (g *rig) play(f *film, pictures int) {
	for range pictures {
		fr := f.frame(g.n)
		fr.PTS, fr.At = fr.PTS+g.zero, g.now
		g.tape.frame(fr)
		g.n++
		g.pass(40 * time.Millisecond)
	}
}

func (g *rig) segments() []Segment {
	return g.rec.Segments("cam/1", streams.Main, noon.AddDate(0, 0, -100), noon.AddDate(0, 0, 100))
}

// agrees checks that memory, index and files say the same, and returns the files.
func agrees(t testing.TB, rec *Recorder) map[string]int64 {
	t.Helper()
	rec.filed()
	files := map[string]int64{}
	for _, disk := range rec.Disks {
		found, _ := filepath.Glob(filepath.Join(disk, "c-*", "*", "*", "*.mp4"))
		for _, name := range found {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = info.Size()
		}
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	n := 0
	for _, s := range rec.streams {
		for _, d := range s.days {
			b, err := os.ReadFile(filepath.Join(d.dir, indexName))
			known, good := parseIndex(b)
			if err != nil || !good || len(known) != len(d.entries) {
				t.Fatalf("index of %s: %v, good %v, %d records, %d in memory", d.dir, err, good, len(known), len(d.entries))
			}
			for _, e := range d.entries {
				n++
				if known[e.at] != e || files[d.path(e)] != int64(e.size) {
					t.Fatalf("%s: memory %v, index %v, file %d bytes", e.name(), e, known[e.at], files[d.path(e)])
				}
			}
		}
	}
	if n != len(files) {
		t.Fatalf("%d segments known, %d files", n, len(files))
	}
	return files
}

// child records in real time until it is killed. It says each second what it
// has handed over.
func child(dir string) {
	rec := New(Options{Disks: []string{dir}, Segment: 2 * time.Second})
	if err := rec.Open(context.Background()); err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	f := &film{}
	file, err := os.Open(os.Getenv("RECORD_FILM"))
	if err == nil {
		err = gob.NewDecoder(file).Decode(f)
	}
	if err != nil {
		fmt.Println("film:", err)
		os.Exit(1)
	}
	hub := streams.NewHub("cam", streams.Main, time.Now, nil)
	if _, err := rec.Follow(hub, "cam", streams.Main, Policy{}); err != nil {
		fmt.Println("follow:", err)
		os.Exit(1)
	}
	tick := time.NewTicker(40 * time.Millisecond)
	for n := 0; ; n++ {
		<-tick.C
		hub.Publish(f.frame(n))
		fmt.Println(time.Now().UnixMilli())
	}
}
