package still

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pion/rtp/codecs"
	"go.uber.org/goleak"

	"sharpeyes/streams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// encode has the real ffmpeg encode two seconds of a moving test picture and
// returns the NAL units of the first access unit.
func encode(t testing.TB, codec string, args ...string) [][]byte {
	t.Helper()
	encoder, format := "libx264", "h264"
	if codec == "hevc" {
		encoder, format = "libx265", "hevc"
	}
	full := append([]string{"-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=0.4",
		"-c:v", encoder, "-preset", "ultrafast", "-threads", "1"}, args...)
	out, err := exec.Command("ffmpeg", append(full, "-f", format, "-")...).Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, stderrOf(err))
	}
	var unit [][]byte
	for _, n := range split(out) {
		begins := !isSlice(codec, n) || codec == "h264" && n[1]&0x80 != 0 || codec == "hevc" && n[2]&0x80 != 0 // the first slice's flag
		if begins && len(unit) > 0 && isSlice(codec, unit[len(unit)-1]) {
			break // the next access unit
		}
		unit = append(unit, n)
	}
	return unit
}

func isSlice(codec string, n []byte) bool {
	if codec == "hevc" {
		return n[0]>>1&0x3f <= hevcVCL
	}
	return n[0]&0x1f >= 1 && n[0]&0x1f <= 5
}

func stderrOf(err error) string {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return string(e.Stderr)
	}
	return ""
}

// split cuts a byte stream into NAL units.
func split(b []byte) [][]byte {
	var out [][]byte
	for _, part := range bytes.Split(b, []byte{0, 0, 1}) {
		if part = bytes.TrimRight(part, "\x00"); len(part) > 2 {
			out = append(out, part)
		}
	}
	return out
}

// frame makes what the hub would hold of an access unit.
func frame(t testing.TB, codec string, unit [][]byte) *streams.Frame {
	t.Helper()
	if codec == "hevc" {
		p := codecs.H265Payloader{}
		f := &streams.Frame{Key: true, Desc: &streams.Desc{Video: streams.H265}, Payloads: p.Payload(streams.MaxPayload, annexB(unit))}
		for _, b := range f.Payloads {
			f.Size += len(b)
		}
		return f
	}
	f := streams.NewVideoFrame(&streams.Desc{Video: streams.H264}, unit, 0)
	if f == nil || !f.Key {
		t.Fatalf("no key frame in %d NAL units", len(unit))
	}
	return f
}

func annexB(unit [][]byte) []byte {
	var out []byte
	for _, n := range unit {
		out = append(append(out, 0, 0, 0, 1), n...)
	}
	return out
}

// probe is what the real ffprobe says of a file.
type probe struct {
	Streams []struct {
		Codec    string `json:"codec_name"`
		Tag      string `json:"codec_tag_string"`
		Width    int    `json:"width"`
		Height   int    `json:"height"`
		Aspect   string `json:"sample_aspect_ratio"`
		Frames   string `json:"nb_read_frames"`
		Duration string `json:"duration"`
		IsAVC    string `json:"is_avc"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

func probeFile(t *testing.T, path string) probe {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", path).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, stderrOf(err))
	}
	var p probe
	if err := json.Unmarshal(out, &p); err != nil || len(p.Streams) != 1 {
		t.Fatalf("ffprobe: %v, %d streams", err, len(p.Streams))
	}
	return p
}

// pictures decodes a file strictly and returns each picture's digest.
func pictures(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("ffmpeg", append(append([]string{"-hide_banner", "-loglevel", "error", "-xerror", "-err_detect", "explode"}, args...),
		"-map", "0:v", "-f", "framemd5", "-")...).Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, stderrOf(err))
	}
	var sums []string
	for line := range strings.Lines(string(out)) {
		if fields := strings.Split(strings.TrimSpace(line), ","); len(fields) == 6 && line[0] != '#' {
			sums = append(sums, strings.TrimSpace(fields[5]))
		}
	}
	return sums
}

var sources = []struct {
	name, codec   string
	args          []string
	width, height int
	aspect        string
}{
	{"baseline", "h264", []string{"-profile:v", "baseline", "-pix_fmt", "yuv420p"}, 640, 360, ""},
	{"high, B-frames", "h264", []string{"-preset", "medium", "-profile:v", "high", "-bf", "3", "-pix_fmt", "yuv420p"}, 640, 360, ""},
	{"1080p, cropped", "h264", []string{"-s", "1920x1080", "-pix_fmt", "yuv420p"}, 1920, 1080, ""},
	{"four slices", "h264", []string{"-x264-params", "slices=4", "-pix_fmt", "yuv420p"}, 640, 360, ""},
	{"interlaced", "h264", []string{"-s", "720x576", "-flags", "+ilme+ildct", "-x264-params", "tff=1", "-pix_fmt", "yuv420p"}, 720, 576, "64:45"},
	{"wide pixels", "h264", []string{"-s", "720x576", "-aspect", "16:9", "-pix_fmt", "yuv420p"}, 720, 576, "64:45"},
	{"10 bits", "h264", []string{"-pix_fmt", "yuv420p10le"}, 640, 360, ""},
	{"4:2:2", "h264", []string{"-pix_fmt", "yuv422p"}, 640, 360, ""},
	{"H.265", "hevc", []string{"-x265-params", "log-level=error", "-pix_fmt", "yuv420p"}, 640, 360, ""},
	{"H.265, 1080p", "hevc", []string{"-s", "1920x1080", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p"}, 1920, 1080, ""},
	{"H.265, 10 bits", "hevc", []string{"-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le"}, 640, 360, ""},
}

// The file is what was sent, to the pixel, by an independent reader.
func TestMP4(t *testing.T) {
	for _, c := range sources {
		t.Run(c.name, func(t *testing.T) {
			unit := encode(t, c.codec, c.args...)
			f := frame(t, c.codec, unit)
			file, err := MP4(f)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := MP4(f); !bytes.Equal(file, again) {
				t.Error("the same frame made another file")
			}
			path := filepath.Join(t.TempDir(), "still.mp4")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			tag := map[string]string{"h264": "avc1", "hevc": "hvc1"}[c.codec]
			p := probeFile(t, path)
			s := p.Streams[0]
			if s.Codec != c.codec || s.Tag != tag || s.Width != c.width || s.Height != c.height || s.Frames != "1" ||
				s.Duration != "0.040000" || p.Format.Duration != "0.040000" || c.aspect != "" && s.Aspect != c.aspect {
				t.Errorf("ffprobe: %+v", p)
			}
			if c.codec == "h264" && s.IsAVC != "true" {
				t.Errorf("is_avc %q", s.IsAVC)
			}
			want := filepath.Join(t.TempDir(), "want."+c.codec)
			if err := os.WriteFile(want, annexB(unit), 0o600); err != nil {
				t.Fatal(err)
			}
			got, sent := pictures(t, "-i", path), pictures(t, "-f", c.codec, "-i", want)
			if len(got) != 1 || !slices.Equal(got, sent) {
				t.Errorf("the picture changed: %v, want %v", got, sent)
			}
			wantBoxes(t, file)
		})
	}
}

// wantBoxes checks what players ask for before they have read all: the
// description first, the sample where it says.
func wantBoxes(t *testing.T, file []byte) {
	t.Helper()
	var order []string
	for at := 0; at < len(file); {
		size := int(binary.BigEndian.Uint32(file[at:]))
		order = append(order, string(file[at+4:at+8]))
		if size < 8 || at+size > len(file) {
			t.Fatalf("box of %d bytes at %d", size, at)
		}
		at += size
	}
	if fmt.Sprint(order) != "[ftyp moov mdat]" {
		t.Errorf("boxes %v", order)
	}
}

// Parameter sets that the camera sent in its SDP alone.
func TestMP4OfSetsFromTheSDP(t *testing.T) {
	unit := encode(t, "h264", "-pix_fmt", "yuv420p")
	desc := &streams.Desc{Video: streams.H264}
	var rest [][]byte
	for _, n := range unit {
		switch n[0] & 0x1f {
		case avcSPS:
			desc.SPS = n
		case avcPPS:
			desc.PPS = n
		default:
			rest = append(rest, n)
		}
	}
	f := &streams.Frame{Key: true, Desc: desc, Payloads: streams.Packetize(rest)}
	want, err := MP4(frame(t, "h264", unit))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := MP4(f); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d (%v)", len(got), len(want), err)
	}
}

func TestNoPicture(t *testing.T) {
	unit := encode(t, "h264", "-pix_fmt", "yuv420p")
	good := frame(t, "h264", unit)
	slice := [][]byte{unit[len(unit)-1]}
	for name, f := range map[string]*streams.Frame{
		"nothing":           nil,
		"no key frame":      {Desc: good.Desc, Payloads: good.Payloads},
		"sound":             {Kind: streams.Audio, Key: true, Desc: good.Desc, Payloads: good.Payloads},
		"no description":    {Key: true, Payloads: good.Payloads},
		"no parameter sets": {Key: true, Desc: good.Desc, Payloads: streams.Packetize(slice)},
		"broken sets": {Key: true, Desc: &streams.Desc{Video: streams.H264, SPS: []byte{0x67, 0x64}, PPS: []byte{0x68, 1}},
			Payloads: streams.Packetize(slice)},
		"the other codec": {Key: true, Desc: &streams.Desc{Video: streams.H265}, Payloads: good.Payloads},
	} {
		if b, err := MP4(f); !errors.Is(err, ErrNoPicture) || b != nil {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		if b, err := AnnexB(f); !errors.Is(err, ErrNoPicture) || b != nil {
			t.Errorf("%s: %d bytes of Annex B, %v", name, len(b), err)
		}
	}
}

// Whatever a camera sends, it is a whole file or an error.
func FuzzMP4(f *testing.F) {
	f.Add(annexB([][]byte{{0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11}, {0x68, 0xcb, 0x83, 0xcb, 0x20}, {0x65, 0x88, 0x84}}), false)
	f.Add([]byte{0, 0, 1, 0x40, 1, 0x0c, 0, 0, 1, 0x42, 1, 1, 1, 0x60, 0, 0, 1, 0x44, 1, 0xc1, 0, 0, 1, 0x26, 1, 0xaf}, true)
	f.Fuzz(func(t *testing.T, b []byte, hevc bool) {
		frame := &streams.Frame{Key: true, Desc: &streams.Desc{Video: streams.H264}}
		if hevc {
			frame.Desc.Video = streams.H265
		}
		frame.Payloads = bytes.Split(b, []byte{0, 0, 1})
		file, err := MP4(frame)
		if (err == nil) != (file != nil) {
			t.Fatalf("%d bytes and %v", len(file), err)
		}
		if err == nil {
			var sum int
			for at := 0; at < len(file); sum++ {
				at += int(binary.BigEndian.Uint32(file[at:]))
			}
			if sum != 3 {
				t.Fatalf("%d boxes", sum)
			}
		}
	})
}
