package photos

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"testing"

	"sharpeyes/alerts"
)

func FuzzAccept(f *testing.F) {
	small := jpegOf(f, quarters(16, 8))
	f.Add(small)
	f.Add(withEXIF(small, exif(binary.LittleEndian, 6)))
	f.Add(pngOf(f, quarters(16, 8)))
	f.Add(webp1x1(f))
	f.Add(riff(vp8x(0x10, 1, 1), riffChunk("ALPH", []byte{0, 255}), webp1x1(f)[12:]))
	f.Add(pngHeader(1<<31-1, 1<<31-1))
	f.Add([]byte("GIF89a"))
	a := newAlbum(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		if in, err := inspect(bytes.NewReader(b), int64(len(b))); err == nil && in.width*in.height > 1_000_000 {
			return // sound, and slow
		}
		p, err := a.Accept(t.Context(), bytes.NewReader(b))
		if err != nil {
			if k := alerts.KindOf(err); k == alerts.Internal {
				t.Errorf("internal error: %v", err)
			}
			return
		}
		img, err := jpeg.Decode(bytes.NewReader(read(t, a, p.ID, false)))
		if err != nil || img.Bounds().Size() != image.Pt(p.Width, p.Height) {
			t.Errorf("shown copy: %v", err)
		}
		if err := a.Remove(p.ID); err != nil {
			t.Error(err)
		}
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(binary.BigEndian, 6))
	f.Add(exif(binary.LittleEndian, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := orientation(b); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
