package photos

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"sharpeyes/alerts"
)

// quarters is a picture whose quarters are red, green (above), blue, white.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{A: 255}
			switch {
			case x < w/2 && y < h/2:
				c.R = 255
			case y < h/2:
				c.G = 255
			case x < w/2:
				c.B = 255
			default:
				c.R, c.G, c.B = 255, 255, 255
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif returns a TIFF block with an orientation and a GPS position that can be
// searched for.
func exif(order binary.ByteOrder, orientation uint16) []byte {
	b := make([]byte, 8, 64)
	if order == binary.BigEndian {
		copy(b, "MM\x00*")
	} else {
		copy(b, "II*\x00")
	}
	order.PutUint32(b[4:], 8)
	entry := func(tag, typ uint16, count, value uint32, short bool) {
		e := make([]byte, 12)
		order.PutUint16(e, tag)
		order.PutUint16(e[2:], typ)
		order.PutUint32(e[4:], count)
		if short {
			order.PutUint16(e[8:], uint16(value))
		} else {
			order.PutUint32(e[8:], value)
		}
		b = append(b, e...)
	}
	b = append(b, 0, 0)
	order.PutUint16(b[8:], 2)
	entry(tagOrientation, 3, 1, uint32(orientation), true)
	entry(0x8825, 4, 1, 38, false) // GPS IFD
	return append(b, "GPSPOSITION 31.2304N 121.4737E"...)
}

func withEXIF(j, tiff []byte) []byte {
	body := append([]byte("Exif\x00\x00"), tiff...)
	segment := []byte{0xff, 0xe1, byte((len(body) + 2) >> 8), byte(len(body) + 2)}
	return bytes.Join([][]byte{j[:2], segment, body, j[2:]}, nil)
}

func pngChunk(id string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, id...)
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func pngHeader(w, h uint32) []byte {
	body := binary.BigEndian.AppendUint32(nil, w)
	body = binary.BigEndian.AppendUint32(body, h)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(body, 8, 2, 0, 0, 0))...)
}

func riff(chunks ...[]byte) []byte {
	body := bytes.Join(chunks, nil)
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(body)+4))...)
	return append(append(b, "WEBP"...), body...)
}

func riffChunk(id string, body []byte) []byte {
	b := append([]byte(id), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

func vp8x(flags byte, w, h int) []byte {
	w, h = w-1, h-1
	return riffChunk("VP8X", []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
}

// webp1x1 is a lossless WebP of one pixel.
func webp1x1(t testing.TB) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newAlbum(t testing.TB) *Album {
	t.Helper()
	a := New(filepath.Join(t.TempDir(), "photos"))
	a.decodeTime = 5 * time.Minute // a machine may be busy with other tests
	return a
}

func read(t *testing.T, a *Album, id string, thumb bool) []byte {
	t.Helper()
	p, err := a.Open(id, thumb)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	b, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAcceptKeepsTheOriginalAndShowsACopy(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		mime string
		w, h int
	}{
		"jpeg":           {jpegOf(t, quarters(400, 300)), "image/jpeg", 400, 300},
		"large jpeg":     {jpegOf(t, quarters(4000, 3000)), "image/jpeg", 1600, 1200},
		"tall jpeg":      {jpegOf(t, quarters(300, 1700)), "image/jpeg", 282, 1600},
		"png":            {pngOf(t, quarters(33, 17)), "image/png", 33, 17},
		"16-bit png":     {pngOf(t, image.NewNRGBA64(image.Rect(0, 0, 20, 10))), "image/png", 20, 10},
		"paletted png":   {pngOf(t, image.NewPaletted(image.Rect(0, 0, 20, 10), color.Palette{color.Black, color.White})), "image/png", 20, 10},
		"webp":           {webp1x1(t), "image/webp", 1, 1},
		"turned jpeg":    {withEXIF(jpegOf(t, quarters(400, 300)), exif(binary.BigEndian, 6)), "image/jpeg", 300, 400},
		"jpeg and zip":   {append(jpegOf(t, quarters(40, 30)), "PK\x03\x04 <script>alert(1)</script>"...), "image/jpeg", 40, 30},
		"png and html":   {append(pngOf(t, quarters(40, 30)), "<html><script>alert(1)</script>"...), "image/png", 40, 30},
		"line of pixels": {pngOf(t, image.NewGray(image.Rect(0, 0, 8000, 1))), "image/png", 1600, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAlbum(t)
			p, err := a.Accept(t.Context(), bytes.NewReader(c.in))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(c.in)
			want := alerts.Photo{ID: p.ID, SHA256: hex.EncodeToString(sum[:]), Type: c.mime, Size: int64(len(c.in)), Width: c.w, Height: c.h}
			if p != want {
				t.Errorf("got %+v, want %+v", p, want)
			}
			day, _ := a.dayOf(p.ID)
			original, err := os.ReadFile(filepath.Join(day, p.ID, originalName))
			if err != nil || !bytes.Equal(original, c.in) {
				t.Errorf("the original differs (%v)", err)
			}
			for _, thumb := range []bool{false, true} {
				b := read(t, a, p.ID, thumb)
				img, err := jpeg.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatalf("thumb %v: %v", thumb, err)
				}
				for _, secret := range []string{"Exif", "GPSPOSITION", "<script>", "PK\x03\x04"} {
					if bytes.Contains(b, []byte(secret)) {
						t.Errorf("thumb %v holds %q", thumb, secret)
					}
				}
				got := img.Bounds().Size()
				if !thumb && got != image.Pt(c.w, c.h) {
					t.Errorf("shown copy has %v", got)
				}
				if thumb && max(got.X, got.Y) > ThumbSide {
					t.Errorf("thumb has %v", got)
				}
			}
		})
	}
}

// near tells whether a pixel is about a colour.
func near(img image.Image, x, y int, want color.RGBA) bool {
	r, g, b, _ := img.At(x, y).RGBA()
	d := func(a uint32, b uint8) bool { return max(int(a>>8), int(b))-min(int(a>>8), int(b)) < 40 }
	return d(r, want.R) && d(g, want.G) && d(b, want.B)
}

func TestOrientation(t *testing.T) {
	red, green := color.RGBA{R: 255}, color.RGBA{G: 255}
	blue, white := color.RGBA{B: 255}, color.RGBA{R: 255, G: 255, B: 255}
	// What each orientation shows: upper left, upper right, lower left, lower right.
	for o, want := range map[uint16][4]color.RGBA{
		1: {red, green, blue, white},
		2: {green, red, white, blue},
		3: {white, blue, green, red},
		4: {blue, white, red, green},
		5: {red, blue, green, white},
		6: {blue, red, white, green},
		7: {white, green, blue, red},
		8: {green, white, red, blue},
		9: {red, green, blue, white}, // there is none
	} {
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			a := newAlbum(t)
			p, err := a.Accept(t.Context(), bytes.NewReader(withEXIF(jpegOf(t, quarters(64, 32)), exif(order, o))))
			if err != nil {
				t.Fatal(err)
			}
			img, err := jpeg.Decode(bytes.NewReader(read(t, a, p.ID, false)))
			if err != nil {
				t.Fatal(err)
			}
			w, h := img.Bounds().Dx(), img.Bounds().Dy()
			for i, at := range []image.Point{{w / 4, h / 4}, {3 * w / 4, h / 4}, {w / 4, 3 * h / 4}, {3 * w / 4, 3 * h / 4}} {
				if !near(img, at.X, at.Y, want[i]) {
					t.Errorf("orientation %d, %v: quarter %d is %v, want %v", o, order, i, img.At(at.X, at.Y), want[i])
				}
			}
		}
	}
}

func TestAcceptRefuses(t *testing.T) {
	big := bytes.Repeat([]byte{0}, MaxBytes+1)
	copy(big, "\xff\xd8\xff")
	gif := []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	good := jpegOf(t, quarters(64, 64))
	vp8l := webp1x1(t)[12:]
	for name, c := range map[string]struct {
		in   []byte
		kind alerts.Kind
	}{
		"nothing":                {nil, alerts.Invalid},
		"text":                   {[]byte("hello"), alerts.Unsupported},
		"svg":                    {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), alerts.Unsupported},
		"svg with a declaration": {[]byte(`<?xml version="1.0"?><svg/>`), alerts.Unsupported},
		"html":                   {[]byte("<!doctype html><script>alert(1)</script>"), alerts.Unsupported},
		"gif":                    {gif, alerts.Unsupported},
		"heic":                   {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), alerts.Unsupported},
		"tiff":                   {exif(binary.LittleEndian, 1), alerts.Unsupported},
		"gif, then jpeg":         {append(bytes.Clone(gif), good...), alerts.Unsupported},
		"11 MB":                  {big, alerts.TooLarge},
		"jpeg cut short":         {good[:len(good)/2], alerts.Invalid},
		"jpeg of 3 bytes":        {good[:3], alerts.Invalid},
		"jpeg without a picture": {[]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"), alerts.Invalid},
		"png header alone":       {pngHeader(10, 10), alerts.Invalid},
		"png of 8 bytes":         {pngHeader(10, 10)[:8], alerts.Invalid},
		"png bomb":               {pngHeader(30_000, 30_000), alerts.TooLarge},
		"png line bomb":          {pngHeader(1<<31-1, 1), alerts.TooLarge},
		"png 2^31 high":          {pngHeader(1, 1<<31-1), alerts.TooLarge},
		"webp header alone":      {riff(), alerts.Invalid},
		"animated webp":          {riff(vp8x(0x02, 1, 1), riffChunk("ANIM", make([]byte, 6)), riffChunk("ANMF", make([]byte, 16))), alerts.Unsupported},
		"webp canvas bomb":       {riff(vp8x(0, 1<<24, 1<<24), vp8l), alerts.Invalid},
		"webp frame bomb":        {riff(vp8x(0, 1, 1), riffChunk("VP8 ", []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f})), alerts.Invalid},
		"webp frame bomb, alone": {riff(riffChunk("VP8 ", []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f})), alerts.TooLarge},
		"webp alpha mismatch":    {riff(vp8x(0x10, 4, 4), vp8l), alerts.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAlbum(t)
			_, err := a.Accept(t.Context(), bytes.NewReader(c.in))
			if err == nil || alerts.KindOf(err) != c.kind {
				t.Errorf("got %v (%s), want %s", err, alerts.KindOf(err), c.kind)
			}
			if left := entries(t, a); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// entries lists what is in the day folders.
func entries(t *testing.T, a *Album) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(a.dir, "*", "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := filepath.Glob(filepath.Join(a.dir, "*", "*", "*", ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return append(found, hidden...)
}

func TestAcceptKeepsReadErrors(t *testing.T) {
	a, broken := newAlbum(t), errors.New("connection reset")
	_, err := a.Accept(t.Context(), io.MultiReader(bytes.NewReader(jpegOf(t, quarters(8, 8))), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if left := entries(t, a); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAcceptEndsWithItsContext(t *testing.T) {
	a := newAlbum(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Accept(ctx, bytes.NewReader(jpegOf(t, quarters(8, 8)))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAcceptAtOnce(t *testing.T) {
	a, in := newAlbum(t), jpegOf(t, quarters(200, 100))
	ids := make([]string, 12)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			p, err := a.Accept(t.Context(), bytes.NewReader(in))
			if err != nil {
				t.Error(err)
			}
			ids[i] = p.ID
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			t.Error("an id came twice")
		}
		seen[id] = true
		read(t, a, id, true)
	}
}

func TestOpenRefusesForeignIDs(t *testing.T) {
	a := newAlbum(t)
	p, err := a.Accept(t.Context(), bytes.NewReader(jpegOf(t, quarters(8, 8))))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", ".", "..", "../../../../etc/passwd", p.ID + "/original", p.ID[:25], p.ID + "0",
		"../" + p.ID[3:], strings.ToUpper(p.ID), p.ID[:25] + "/", p.ID[:25] + "\x00", p.ID[:25] + "l", alerts.NewID(time.Now())} {
		if _, err := a.Open(id, false); err == nil || alerts.KindOf(err) != alerts.NotFound {
			t.Errorf("Open(%q): %v", id, err)
		}
	}
	if err := a.Remove("../" + p.ID[3:]); err == nil {
		t.Error("removed a foreign id")
	}
}

func TestRemove(t *testing.T) {
	a := newAlbum(t)
	p, err := a.Accept(t.Context(), bytes.NewReader(jpegOf(t, quarters(8, 8))))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time is no error
		if err := a.Remove(p.ID); err != nil {
			t.Error(err)
		}
	}
	if left := entries(t, a); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSweep(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	a := newAlbum(t)
	a.Clock = func() time.Time { return now }
	accept := func() string {
		p, err := a.Accept(t.Context(), bytes.NewReader(jpegOf(t, quarters(8, 8))))
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	kept, orphan := accept(), accept()
	day, _ := a.dayOf(kept)
	unfinished := filepath.Join(day, "."+alerts.NewID(now))
	if err := os.MkdirAll(unfinished, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(day, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := 0
	known := func(_ context.Context, id string) (bool, error) { asked++; return id == kept, nil }
	now = now.Add(11 * time.Hour) // too young
	if n, err := a.Sweep(t.Context(), known); n != 0 || err != nil || asked != 0 {
		t.Errorf("removed %d of the same day, asked %d (%v)", n, asked, err)
	}
	now = now.Add(48 * time.Hour)
	young := accept()
	failing := errors.New("no store")
	if _, err := a.Sweep(t.Context(), func(context.Context, string) (bool, error) { return false, failing }); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
	// The unfinished one went with the sweep that failed.
	if n, err := a.Sweep(t.Context(), known); n != 1 || err != nil {
		t.Errorf("removed %d (%v)", n, err)
	}
	read(t, a, kept, false)
	read(t, a, young, false)
	if _, err := a.Open(orphan, false); alerts.KindOf(err) != alerts.NotFound {
		t.Errorf("the orphan is there: %v", err)
	}
	if _, err := os.Stat(unfinished); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the unfinished one is there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(day, "notes.txt")); err != nil {
		t.Errorf("somebody else's file is gone: %v", err)
	}
	asked = 0
	if n, err := a.Sweep(t.Context(), known); n != 0 || err != nil || asked != 0 {
		t.Errorf("swept days are walked again: removed %d, asked %d (%v)", n, asked, err)
	}
}

// A picture that takes too long to decode is refused, and nothing of it stays.
func TestSlowPicture(t *testing.T) {
	a := newAlbum(t)
	a.decodeTime = time.Nanosecond
	_, err := a.Accept(t.Context(), bytes.NewReader(jpegOf(t, quarters(400, 300))))
	if err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}
