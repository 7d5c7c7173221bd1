package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func cameras(t testing.TB) ([]camera, *typeface) {
	t.Helper()
	b, err := os.ReadFile("../scenes.json")
	if err != nil {
		t.Fatal(err)
	}
	var cams []camera
	if err := json.Unmarshal(b, &cams); err != nil {
		t.Fatal(err)
	}
	const fonts = "/usr/share/fonts/opentype/noto/NotoSansCJK-"
	face, err := loadTypeface(fonts+"Regular.ttc", fonts+"Bold.ttc")
	if err != nil {
		t.Fatal(err)
	}
	return cams, face
}

// After the last frame comes the first: whatever moves must be where it began,
// or out of the picture both times.
func TestMotionHasNoSeam(t *testing.T) {
	cams, face := cameras(t)
	for _, c := range cams {
		w, err := build(c, face)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		for i, m := range w.movers {
			var first, after shot
			m(0, &first)
			m(frames, &after)
			if same(first.solid, after.solid) {
				continue
			}
			for _, s := range []*shot{&first, &after} {
				if seen(w.lens, s.solid) {
					t.Errorf("%s: mover %d jumps in sight", c.ID, i)
					break
				}
			}
		}
	}
}

// same compares two meshes whatever the order of their triangles: walkers take
// each other's places.
func same(a, b mesh) bool {
	if len(a.tris) != len(b.tris) {
		return false
	}
	for _, axis := range []func(vec) float64{
		func(p vec) float64 { return p.x }, func(p vec) float64 { return p.y }, func(p vec) float64 { return p.z },
	} {
		list := func(m mesh) []float64 {
			var out []float64
			for _, t := range m.tris {
				out = append(out, axis(t.a.add(t.b).add(t.c)))
			}
			slices.Sort(out)
			return out
		}
		p, q := list(a), list(b)
		for i := range p {
			if math.Abs(p[i]-q[i]) > 1e-6 {
				return false
			}
		}
	}
	return true
}

func seen(l *lens, m mesh) bool {
	for _, t := range m.tris {
		for _, p := range []vec{t.a, t.b, t.c} {
			if x, y, _, ok := l.pixel(p); ok && x >= 0 && y >= 0 && x < width && y < height {
				return true
			}
		}
	}
	return false
}

// The strip tells the frame number, read as a browser test would.
func TestStripCanBeRead(t *testing.T) {
	rgb := make([]byte, width*height*3)
	for f := range frames {
		strip(rgb, f)
		got, err := readStrip(func(x, y float64) int { return int(rgb[3*(int(y*height)*width+int(x*width))]) })
		if err != nil || got != f {
			t.Fatalf("frame %d read as %d: %v", f, got, err)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	cams, face := cameras(b)
	w, err := build(cams[0], face)
	if err != nil {
		b.Fatal(err)
	}
	st := newStage(w, w.develop())
	for i := 0; b.Loop(); i++ {
		st.frame(i % frames)
	}
}

// The films in the repository are what the package comment says.
func TestFilms(t *testing.T) {
	cams, _ := cameras(t)
	total := int64(0)
	for _, c := range cams {
		for profile, size := range map[string]string{"main": "1920x1080", "sub": "640x360"} {
			file := "../loops/" + c.ID + "." + profile + ".h264"
			st, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			total += st.Size()
			checkFilm(t, file, size)
		}
		readFilm(t, "../loops/"+c.ID+".sub.h264")
	}
	if total > 9_000_000 {
		t.Errorf("%d bytes together", total)
	}
}

func checkFilm(t *testing.T, file, size string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "packet=flags:stream=profile,width,height,has_b_frames,pix_fmt",
		"-of", "json", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	var doc struct {
		Packets []struct{ Flags string }
		Streams []struct {
			Profile       string
			Width, Height int
			HasB          int    `json:"has_b_frames"`
			PixFmt        string `json:"pix_fmt"`
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Streams) != 1 || len(doc.Packets) != frames {
		t.Fatalf("%s: %d streams, %d frames", file, len(doc.Streams), len(doc.Packets))
	}
	if s := doc.Streams[0]; fmt.Sprintf("%dx%d", s.Width, s.Height) != size || s.Profile != "Main" || s.HasB != 0 || s.PixFmt != "yuv420p" {
		t.Errorf("%s: %+v", file, s)
	}
	for i, p := range doc.Packets {
		if strings.HasPrefix(p.Flags, "K") != (i%100 == 0) {
			t.Errorf("%s: frame %d has flags %s", file, i, p.Flags)
		}
	}
}

// readFilm reads the strip of every frame in a picture 320 pixels wide.
func readFilm(t *testing.T, file string) {
	t.Helper()
	const w, h = 320, 180
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", file, "-vf", "scale=320:180", "-pix_fmt", "gray", "-f", "rawvideo", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v", file, err)
	}
	if len(out) != frames*w*h {
		t.Fatalf("%s: %d bytes of pictures", file, len(out))
	}
	for f := range frames {
		got, err := readStrip(func(x, y float64) int { return int(out[f*w*h+int(y*h)*w+int(x*w)]) })
		if err != nil || got != f {
			t.Fatalf("%s: frame %d read as %d: %v", file, f, got, err)
		}
	}
}

// readStrip reads a frame number from grey values at places 0..1 of the picture.
func readStrip(grey func(x, y float64) int) (int, error) {
	bit := func(k int) int { return grey(float64(k+1)/48, 1-16.0/9/48) / 128 }
	n, ones := 0, 0
	for k := 1; k <= 8; k++ {
		n = n<<1 | bit(k)
		ones += bit(k)
	}
	if bit(0) != 1 || bit(10) != 0 || (ones+bit(9))%2 != 0 {
		return n, fmt.Errorf("guards %d and %d, parity %d", bit(0), bit(10), bit(9))
	}
	return n, nil
}
