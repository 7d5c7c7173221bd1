package record

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
)

func TestSegmentsPlay(t *testing.T) {
	for name, f := range map[string]*film{
		"H.264":                    shoot(t, "x264", "320x180", 4, 0),
		"H.264 with B-pictures":    shoot(t, "x264", "320x180", 4, 2),
		"H.265 with B-pictures":    shoot(t, "x265", "320x180", 4, 2),
		"H.265 without B-pictures": shoot(t, "x265", "320x180", 4, 0),
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, t.TempDir(), noon)
			g.play(f, 150)
			g.tape.end(Stopped)
			segs := g.segments()
			if len(segs) != 3 {
				t.Fatalf("%d segments of 2 s, want 3", len(segs))
			}
			for i, s := range segs {
				if n := plays(t, s.Path); n != 50 {
					t.Errorf("segment %d has %d pictures, want 50", i, n)
				}
				if d := s.Start.Sub(noon.Add(time.Duration(i) * 2 * time.Second)).Abs(); d > 100*time.Millisecond {
					t.Errorf("segment %d starts %v, %v off", i, s.Start, d)
				}
			}
			agrees(t, g.rec)
			ranges, gaps := g.rec.Find("cam/1", streams.Main, noon, g.now)
			if len(ranges) != 1 || len(gaps) != 0 {
				t.Errorf("ranges %v, gaps %v, want one range", ranges, gaps)
			}
		})
	}
}

func TestSoundIsKept(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	for codec, want := range map[streams.Codec]string{streams.PCMA: "pcm_s16be", streams.PCMU: "pcm_s16be", streams.Opus: "opus"} {
		desc := *f.Desc
		desc.Audio, desc.AudioChannels = codec, 1
		g := newRig(t, t.TempDir(), noon)
		rate := desc.ClockRate(streams.Audio)
		payload := bytes.Repeat([]byte{0xd5}, 320)
		if codec == streams.Opus {
			payload = []byte{0xf8, 0xff, 0xfe} // CELT, 20 ms, silence
		}
		for n := range 100 {
			fr := f.frame(n)
			fr.At, fr.Desc = g.now, &desc
			g.tape.frame(fr)
			step := int64(1)
			if codec == streams.Opus {
				step = 2
			}
			for i := range step {
				a := streams.NewAudioFrame(&desc, payload, (int64(n)*step+i)*rate/25/step)
				a.At = g.now
				g.tape.frame(a)
			}
			g.pass(40 * time.Millisecond)
		}
		g.tape.end(Stopped)
		for _, s := range g.segments() {
			plays(t, s.Path)
			out := strings.TrimSpace(string(run(t, "ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name,duration", "-of", "csv=p=0", s.Path)))
			if !strings.HasPrefix(out, want) {
				t.Errorf("%s: sound is %q, want %s", codec, out, want)
			}
		}
		agrees(t, g.rec)
	}
}

func TestGapsTellTheirCause(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	g := newRig(t, dir, noon)
	g.play(f, 50)
	g.pass(10 * time.Second) // the camera is away
	g.zero += 10 * videoRate
	g.play(f, 50)
	g.now = g.now.Add(time.Hour) // the clock is set
	g.play(f, 75)
	g.tape.end(Stopped)
	g.rec.Close()
	g.pass(time.Minute)
	g.open(dir)
	g.zero, g.n = 0, 0
	g.play(f, 50)
	g.tape.end(Stopped)
	_, gaps := g.rec.Find("cam/1", streams.Main, noon, g.now.Add(time.Minute))
	var got []Cause
	for _, gap := range gaps {
		got = append(got, gap.Cause)
	}
	if want := []Cause{Offline, Clock, Restart}; !slices.Equal(got, want) {
		t.Errorf("gaps %v, want %v", gaps, want)
	}
	for _, s := range g.segments() {
		plays(t, s.Path)
	}
	agrees(t, g.rec)
}

// A first picture that was held up must not make all that follow late; and what
// it is put right by neither lies over what is there nor leaves a gap.
func TestHeldUpFirstPicture(t *testing.T) {
	for _, bFrames := range []int{0, 2} {
		f := shoot(t, "x264", "160x90", 4, bFrames)
		g := newRig(t, t.TempDir(), noon.Add(400*time.Millisecond))
		g.play(f, 1)
		g.now = noon.Add(40 * time.Millisecond)
		g.play(f, 299)
		g.tape.end(Stopped)
		taken, err := g.rec.KeyFrames(t.Context(), "cam/1", streams.Main, g.now, 2)
		if err != nil || len(taken) != 2 {
			t.Fatalf("key frames %v, %v", taken, err)
		}
		for i, at := range taken {
			want := noon.Add(time.Duration(11-i) * time.Second)
			if at.Sub(want).Abs() > slack+time.Millisecond {
				t.Errorf("B-pictures %d: key frame at %v, want %v", bFrames, at, want)
			}
		}
		if ranges, gaps := g.rec.Find("cam/1", streams.Main, noon, g.now); len(ranges) != 1 || len(gaps) != 0 {
			t.Errorf("ranges %v, gaps %v, want one range without a gap", ranges, gaps)
		}
		pictures, last := 0, noon
		for _, s := range g.segments() {
			// With B-pictures the last one decoded is not the last one shown.
			if d := s.Start.Sub(last); pictures > 0 && d.Abs() > time.Duration(5+40*min(bFrames, 1))*time.Millisecond {
				t.Errorf("a segment begins %v after the end of the one before", d)
			}
			last = s.End
			pictures += countPictures(t, s.Path)
		}
		if pictures != 300 {
			t.Errorf("%d pictures of 300", pictures)
		}
		agrees(t, g.rec)
	}
}

func TestClockSetDoesNotDelete(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour, 400 * 24 * time.Hour} {
		g := newRig(t, t.TempDir(), noon)
		g.play(f, 50)
		g.now = g.now.Add(jump)
		g.play(f, 75)
		g.rec.makeRoom()
		g.tape.end(Stopped)
		g.rec.makeRoom()
		n := 0
		for name := range agrees(t, g.rec) {
			n += plays(t, name)
		}
		// The pictures up to the next key frame cannot be kept.
		if n < 100 {
			t.Errorf("clock set by %v: %d pictures are left of 125", jump, n)
		}
	}
}

func TestResolutionChangeBeginsSegment(t *testing.T) {
	a, b := shoot(t, "x264", "320x180", 1, 0), shoot(t, "x264", "640x360", 1, 0)
	g := newRig(t, t.TempDir(), noon)
	g.play(a, 25)
	g.play(b, 25)
	g.tape.end(Stopped)
	var sizes []string
	for _, s := range g.segments() {
		plays(t, s.Path)
		sizes = append(sizes, strings.TrimSpace(string(run(t, "ffprobe", "-v", "error", "-show_entries", "stream=width", "-of", "csv=p=0", s.Path))))
	}
	if !slices.Equal(sizes, []string{"320", "640"}) {
		t.Errorf("widths %v", sizes)
	}
}

func TestOldestUnpinnedGoes(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	g := newRig(t, dir, noon)
	g.rec.policies["cam/1"] = Policy{Days: 3}
	for range 5 {
		g.play(f, 50)
		g.tape.end(Offline)
		g.pass(24 * time.Hour)
		g.zero += 24 * 3600 * videoRate
	}
	if _, err := g.rec.Pin("cam/1", noon, noon.Add(time.Second), noon.AddDate(1, 0, 0), "case 7"); err != nil {
		t.Fatal(err)
	}
	g.rec.filed() // what is on its way into the index is left for the next time
	g.rec.makeRoom()
	var days []int
	for _, s := range g.segments() {
		days = append(days, s.Start.UTC().Day())
	}
	// At noon of the 9th, three days back, the first is pinned.
	if want := []int{4, 7, 8}; !slices.Equal(days, want) {
		t.Errorf("left are days %v, want %v", days, want)
	}
	log, err := os.ReadFile(filepath.Join(dir, deletedName))
	if err != nil || bytes.Count(log, []byte("\n")) != 2 {
		t.Errorf("deletion log: %v: %s", err, log)
	}
	agrees(t, g.rec)
	_, gaps := g.rec.Find("cam/1", streams.Main, noon, g.now)
	if len(gaps) == 0 {
		t.Error("no gap where footage was deleted")
	}
	// Pins outlive the process.
	g.rec.Close()
	g.open(dir)
	pins := g.rec.Pins()
	if len(pins) != 1 || g.rec.Unpin(pins[0].ID) != nil {
		t.Fatalf("pins after a restart: %v", pins)
	}
	size := g.segments()[0].Size
	g.rec.Bytes = 2*size + size/2
	g.rec.makeRoom()
	if segs := g.segments(); len(segs) == 0 || segs[0].Start.UTC().Day() == 4 {
		t.Errorf("the oldest is left: %v", segs)
	}
	agrees(t, g.rec)
}

func TestPolicyIsRefused(t *testing.T) {
	for _, p := range []Policy{{Public: true, Days: 29}, {Days: -1}, {Bytes: -1}, {Public: true, Bytes: 1}} {
		if p.check() == nil {
			t.Errorf("%+v is taken", p)
		}
	}
	for _, p := range []Policy{{}, {Public: true}, {Public: true, Days: 30}, {Days: 1, Bytes: 1}} {
		if err := p.check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestLostIndexIsMadeAnew(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	dir := t.TempDir()
	g := newRig(t, dir, noon)
	g.play(f, 150)
	g.tape.end(Stopped)
	want := g.segments()
	g.rec.Close()
	index := filepath.Join(filepath.Dir(want[0].Path), indexName)
	good, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(good)
	bad[recordSize+5] ^= 1
	for name, b := range map[string][]byte{"lost": nil, "torn": good[:len(good)-7], "altered": bad} {
		if err := os.WriteFile(index, b, 0o640); err != nil {
			t.Fatal(err)
		}
		g.open(dir)
		if got := g.segments(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		agrees(t, g.rec)
		g.rec.Close()
	}
}

func TestKilledWhileRecording(t *testing.T) {
	kills := 5
	if s := os.Getenv("SHARPEYES_SOAK"); s != "" {
		kills = 200
	}
	f := shoot(t, "x264", "320x180", 4, 0)
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(f); err != nil {
		t.Fatal(err)
	}
	film, dir := filepath.Join(t.TempDir(), "film"), t.TempDir()
	if err := os.WriteFile(film, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range kills {
		last := killed(t, dir, film, 40+13*i%40)
		rec := New(Options{Disks: []string{dir}})
		if err := rec.Open(context.Background()); err != nil {
			t.Fatal(err)
		}
		segs := rec.Segments("cam", streams.Main, time.UnixMilli(0), time.UnixMilli(last+1e6))
		if len(segs) == 0 {
			t.Fatalf("kill %d: nothing is left", i)
		}
		if lost := time.UnixMilli(last).Sub(segs[len(segs)-1].End); lost > time.Second {
			t.Errorf("kill %d: %v lost", i, lost)
		}
		for _, s := range segs {
			if i == kills-1 || s == segs[len(segs)-1] {
				plays(t, s.Path)
			}
		}
		agrees(t, rec)
		rec.Close()
	}
}

// killed lets a child record a number of pictures and kills it; it returns when
// the last picture was handed over, Unix ms.
func killed(t *testing.T, dir, film string, pictures int) (last int64) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RECORD_CHILD="+dir, "RECORD_FILM="+film)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		ms, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Error(lines.Text())
			break
		}
		last = ms
		if n == pictures {
			cmd.Process.Kill()
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
	return last
}

func TestFollowAndClose(t *testing.T) {
	f := shoot(t, "x264", "160x90", 4, 0)
	rec := New(Options{Disks: []string{t.TempDir()}})
	hub := streams.NewHub("cam", streams.Main, time.Now, nil)
	if _, err := rec.Follow(hub, "cam", streams.Main, Policy{}); err == nil {
		t.Error("a recorder that is not open follows")
	}
	if err := rec.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	if _, err := rec.Follow(hub, "cam", streams.Main, Policy{Public: true, Days: 7}); err == nil {
		t.Error("7 days are taken for a public place")
	}
	stop, err := rec.Follow(hub, "cam", streams.Main, Policy{Public: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rec.Follow(hub, "cam", streams.Main, Policy{}); err == nil {
		t.Error("a stream is recorded twice")
	}
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for n := range 40 {
		<-tick.C
		hub.Publish(f.frame(n))
	}
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		if ranges, _ := rec.Find("cam", streams.Main, time.Now().Add(-time.Minute), time.Now()); len(ranges) == 1 {
			break
		} else if time.Now().After(end) {
			t.Fatalf("while it is recorded: %v", ranges)
		}
	}
	stop()
	segs := rec.Segments("cam", streams.Main, time.Now().Add(-time.Minute), time.Now().Add(time.Minute))
	if len(segs) != 1 {
		t.Fatalf("%d segments", len(segs))
	}
	if n := plays(t, segs[0].Path); n < 38 || n > 40 {
		t.Errorf("%d pictures of 40", n)
	}
	agrees(t, rec)
}

func FuzzScan(f *testing.F) {
	p := part{number: 1, wall: noon, video: []sample{{size: 3, duration: 3600, key: true}}, pictures: []byte("abc")}
	whole := append([]byte("\x00\x00\x00\x08moov"), p.append(nil)...)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte("\x00\x00\x00\x00moof"))
	f.Add([]byte("\x00\x00\x00\bprft"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := scan(bytes.NewReader(b), int64(len(b)))
		if err != nil || s.size > int64(len(b)) || s.span < 0 {
			t.Fatalf("%+v, %v", s, err)
		}
		again, _ := scan(bytes.NewReader(b[:s.size]), s.size)
		if again != s {
			t.Fatalf("%+v after cutting, %+v before", again, s)
		}
	})
}

func FuzzIndex(f *testing.F) {
	good := appendRecord(appendRecord(nil, made, newEntry(5, time.Second, 9, Disk)), removed, entry{at: 5})
	f.Add(good)
	f.Add(good[:30])
	f.Fuzz(func(t *testing.T, b []byte) {
		if known, _ := parseIndex(b); len(known) > len(b)/recordSize {
			t.Fatalf("%d entries of %d bytes", len(known), len(b))
		}
	})
}
