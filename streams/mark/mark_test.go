package mark

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ffmpeg(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// white is an MP4 of a white picture, with sound and a title.
func white(t *testing.T) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "white.mp4")
	ffmpeg(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=white:size=320x180:rate=25", "-f", "lavfi", "-i", "sine", "-t", "1", "-metadata", "title=secret",
		"-pix_fmt", "yuv420p", name)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// luma returns the first picture's luminance, 320 by 180.
func luma(t *testing.T, name string) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-v", "error", "-i", name, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	b, err := cmd.Output()
	if err != nil || len(b) != 320*180 {
		t.Fatalf("%d bytes: %v", len(b), err)
	}
	return b
}

func TestCopy(t *testing.T) {
	name := filepath.Join(t.TempDir(), "copy.mp4")
	var out bytes.Buffer
	label := "COPY, not the original; of 42"
	hostile := "x':enable=0,drawbox=c=red\\,%{pts}"
	err := Copy(context.Background(), bytes.NewReader(white(t)), &out, Options{Lines: []string{"副本 COPY", hostile}, Label: label,
		Boxes: []Box{{X: 0.5, Y: 0.4, W: 0.25, H: 0.2}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	says := string(ffmpeg(t, "ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames:format_tags=title,comment", "-of", "default", name))
	if !strings.Contains(says, "nb_read_frames=25") || strings.Count(says, label) != 2 || strings.Contains(says, "secret") || strings.Contains(says, "aac") {
		t.Errorf("the copy is\n%s\nwant 25 pictures, its label twice, and nothing else of the original", says)
	}
	pixels := luma(t, name)
	at := func(x, y int) byte { return pixels[y*320+x] }
	if in, beside := at(200, 90), at(100, 90); in > 30 || beside < 200 {
		t.Errorf("the luminance in the box is %d, beside it %d", in, beside)
	}
	for _, y := range []int{0, 150} { // the lines at both edges
		dark := 0
		for i := y * 320; i < (y+30)*320; i++ {
			if pixels[i] < 180 {
				dark++
			}
		}
		if dark < 200 {
			t.Errorf("nothing is written at line %d: %d dark pixels", y, dark)
		}
	}
}

func TestBoxesInTime(t *testing.T) {
	box := func(x, from, to float64) Box { return Box{X: x, W: 0.1, Y: 0.4, H: 0.2, From: from, To: to} }
	name := filepath.Join(t.TempDir(), "copy.mp4")
	var out bytes.Buffer
	boxes := []Box{box(0, 0, 0), box(0.25, 0.39, 0), box(0.5, 0, 0.41), box(0.75, 0.39, 0.61)}
	if err := Copy(context.Background(), bytes.NewReader(white(t)), &out, Options{Boxes: boxes}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	pixels, err := exec.Command("ffmpeg", "-v", "error", "-i", name, "-f", "rawvideo", "-pix_fmt", "gray", "-").Output()
	if err != nil || len(pixels) != 25*320*180 {
		t.Fatalf("%d bytes: %v", len(pixels), err)
	}
	// At 25 pictures a second the 10th is that of 0.4 s.
	for i, b := range boxes {
		for n := range 25 {
			masked := pixels[(n*180+90)*320+int((b.X+0.05)*320)] < 30
			at := float64(n) / 25
			if want := at >= b.From && (b.To == 0 || at <= b.To); masked != want {
				t.Errorf("box %d, picture %d: masked %v, want %v", i, n, masked, want)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for what, o := range map[string]Options{
		"a box outside":                    {Boxes: []Box{{X: 2, W: 1, H: 1}}},
		"an empty box":                     {Boxes: []Box{{W: 0, H: 1}}},
		"a box that ends before it begins": {Boxes: []Box{{W: 1, H: 1, From: 2, To: 1}}},
		"a box before the beginning":       {Boxes: []Box{{W: 1, H: 1, From: -1}}},
		"a line with a end":                {Lines: []string{"a\nb"}},
		"too many boxes":                   {Boxes: make([]Box, maxBoxes+1)},
	} {
		if err := Copy(context.Background(), bytes.NewReader(nil), &bytes.Buffer{}, o); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if err := Copy(context.Background(), bytes.NewReader(nil), &bytes.Buffer{}, Options{FFmpeg: "/nowhere/ffmpeg"}); !errors.Is(err, ErrNoFFmpeg) {
		t.Errorf("got %v, want ErrNoFFmpeg", err)
	}
	if err := Copy(context.Background(), strings.NewReader("no film"), &bytes.Buffer{}, Options{Boxes: []Box{{W: 1, H: 1}}}); err == nil {
		t.Error("what is no film was copied")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Copy(ctx, bytes.NewReader(white(t)), &bytes.Buffer{}, Options{Boxes: []Box{{W: 1, H: 1}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to end with its context", err)
	}
}
