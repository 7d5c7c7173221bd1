package clip

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const step = 40 * time.Millisecond // of pictures

// next is where the recorder has written all pictures up to the n-th: its parts
// hold 20, and a segment ends with its part.
func (r *ring) next(n int) int {
	per := int(r.Segment / step)
	for n++; n%per%20 != 0; n++ {
	}
	return n
}

// film is a stream of pictures in the order they are sent, and what each of them
// looks like, in the order they are shown.
type film struct {
	desc *streams.Desc
	aus  [][][]byte
	pts  []int64
	hash []string
}

// shoot encodes a film of 25 pictures a second, a key frame each second.
func shoot(t testing.TB, codec, size string, seconds, bFrames int) *film {
	t.Helper()
	return shootFrom(t, "testsrc=rate=25:size="+size, codec, seconds, bFrames)
}

func shootFrom(t testing.TB, source, codec string, seconds, bFrames int) *film {
	t.Helper()
	name := filepath.Join(t.TempDir(), "film.mp4")
	params := "scenecut=0:open-gop=0:bframes=" + strconv.Itoa(bFrames)
	if codec == "x265" {
		params += ":log-level=none"
	}
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-t", strconv.Itoa(seconds), "-c:v", "lib"+codec,
		"-preset", "ultrafast", "-g", "25", "-bf", strconv.Itoa(bFrames), "-pix_fmt", "yuv420p",
		"-"+codec+"-params", params, "-video_track_timescale", "90000", name)
	format := map[string]string{"x264": "h264", "x265": "hevc"}[codec]
	es := run(t, "ffmpeg", "-v", "error", "-i", name, "-c", "copy", "-bsf:v", format+"_mp4toannexb,"+format+"_metadata=aud=insert", "-f", format, "-")
	f := &film{desc: &streams.Desc{Video: streams.H264, BFrames: bFrames > 0}, hash: looks(t, name)}
	if codec == "x265" {
		f.desc.Video = streams.H265
	}
	for line := range strings.Lines(string(run(t, "ffprobe", "-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0", name))) {
		n, err := strconv.ParseInt(strings.Trim(strings.TrimSpace(line), ","), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		f.pts = append(f.pts, n)
	}
	for _, u := range bytes.Split(bytes.ReplaceAll(es, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1})[1:] {
		f.unit(u)
	}
	if len(f.aus) != len(f.pts) || len(f.hash) != len(f.pts) {
		t.Fatalf("%d access units, %d time stamps, %d pictures", len(f.aus), len(f.pts), len(f.hash))
	}
	return f
}

func (f *film) unit(u []byte) {
	kind := int(u[0] & 0x1f)
	kinds := [...]int{9, -1, 7, 8}
	if f.desc.Video == streams.H265 {
		kind, kinds = int(u[0]>>1&0x3f), [...]int{35, 32, 33, 34}
	}
	switch kind {
	case kinds[0]: // access unit delimiter
		f.aus = append(f.aus, nil)
		return
	case kinds[1]:
		f.desc.VPS = u
	case kinds[2]:
		f.desc.SPS = u
	case kinds[3]:
		f.desc.PPS = u
	}
	f.aus[len(f.aus)-1] = append(f.aus[len(f.aus)-1], u)
}

// looks returns the hash of each picture that a player shows.
func looks(t testing.TB, name string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(string(run(t, "ffmpeg", "-v", "error", "-xerror", "-i", name, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"))) {
		if fields := strings.Split(line, ","); !strings.HasPrefix(line, "#") && len(fields) == 6 {
			out = append(out, strings.TrimSpace(fields[5]))
		}
	}
	return out
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

// ring is a real recorder whose clock is the test's.
type ring struct {
	*record.Recorder
	t    testing.TB
	hub  *streams.Hub
	stop func()
	now  atomic.Int64 // ns after noon
	zero int64        // time stamp of the film's begin
}

func openRing(t testing.TB, dir string) *ring { return openRingOf(t, dir, 2*time.Second) }

func openRingOf(t testing.TB, dir string, long time.Duration) *ring {
	t.Helper()
	r := &ring{t: t}
	r.Recorder = record.New(record.Options{Disks: []string{dir}, Now: r.clock, Segment: long, Tidy: time.Hour})
	if err := r.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.connect()
	t.Cleanup(func() { r.Close() })
	return r
}

func (r *ring) clock() time.Time { return noon.Add(time.Duration(r.now.Load())) }

// connect begins a stream anew.
func (r *ring) connect() {
	r.hub, r.zero = streams.NewHub("cam1", streams.Main, r.clock, nil), 0
}

// roll records pictures of a film from a number on, with extra frames of sound if
// wanted. What is sent at once is not over what the recorder writes as a part, and
// is written before more is sent.
func (r *ring) roll(f *film, from, pictures int, sound func(n int) []*streams.Frame) {
	r.t.Helper()
	if r.stop == nil {
		r.follow()
	}
	began, ready := r.now.Load(), 0
	before, _ := r.total()
	for n := range pictures {
		if n > 0 && n == ready+1 {
			r.now.Store(began + int64(min(r.next(ready), pictures-1))*int64(step))
		}
		i, round := (from+n)%len(f.aus), (from+n)/len(f.aus)
		fr := streams.NewVideoFrame(f.desc, f.aus[i], r.zero+f.pts[i]+int64((round*len(f.aus)-from)*3600))
		r.hub.Publish(fr)
		if sound != nil {
			for _, s := range sound(n) {
				r.hub.Publish(s)
			}
		}
		if n > 0 && n == r.next(ready) {
			r.written(f, before+time.Duration(n)*step)
			ready = n
		}
	}
	r.written(f, before+time.Duration(pictures)*step) // the recorder keeps none back for long
	r.zero += int64(pictures * 3600)
	r.now.Store(began + int64(pictures)*int64(step))
}

// follow has the recorder read, and returns when it does: a reader that comes to a
// hub without pictures wants one.
func (r *ring) follow() {
	r.t.Helper()
	select {
	case <-r.hub.Wanted():
	default:
	}
	var err error
	if r.stop, err = r.Follow(r.hub, "cam1", streams.Main, record.Policy{}); err != nil {
		r.t.Fatal(err)
	}
	<-r.hub.Wanted()
}

// total is how much footage is on the disk.
func (r *ring) total() (d time.Duration, segments int) {
	list := r.Segments("cam1", streams.Main, noon.Add(-time.Hour), noon.Add(time.Hour))
	for _, s := range list {
		d += s.End.Sub(s.Start)
	}
	return d, len(list)
}

// written waits until so much footage is on the disk. With B-pictures a segment is
// a picture shorter by its decode times.
func (r *ring) written(f *film, d time.Duration) {
	r.t.Helper()
	d -= step / 2
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		got, segments := r.total()
		if f.desc.BFrames {
			got += time.Duration(segments) * step
		}
		if got >= d {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%v of %v were written", got, d)
		}
	}
}

// rest ends the recording, so that the next roll begins a segment after a gap.
func (r *ring) rest(d time.Duration) {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
	r.hub.Drop()
	r.now.Add(int64(d))
	r.zero += int64(d/step) * 3600
}

// cut plans and writes the clips of a range, times after noon.
func cut(t testing.TB, r Ring, from, to time.Duration) ([]*Cut, []string) {
	t.Helper()
	cuts, err := Plan(context.Background(), r, "cam1", streams.Main, noon.Add(from), noon.Add(to))
	if err != nil {
		t.Fatalf("cut %v to %v: %v", from, to, err)
	}
	var names []string
	for i, c := range cuts {
		names = append(names, filepath.Join(t.TempDir(), strconv.Itoa(i)+".mp4"))
		write(t, c, names[i])
	}
	return cuts, names
}
