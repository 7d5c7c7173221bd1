package photos

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"sharpeyes/alerts"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// format is what a file is by its first bytes.
type format int

const (
	unknown format = iota
	isJPEG
	isPNG
	isWebP
)

func (f format) mime() string {
	return [...]string{"", "image/jpeg", "image/png", "image/webp"}[f]
}

// info is what is known of a picture before its pixels are read.
type info struct {
	format        format
	width, height int
	orientation   int   // 1 to 8 as in EXIF
	memory        int64 // what decoding takes, bytes, about
}

func sniff(head []byte) format {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return isJPEG
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return isPNG
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return isWebP
	}
	return unknown
}

// inspect reads a picture's headers and refuses what is not taken.
func inspect(f io.ReaderAt, size int64) (info, error) {
	var head [12]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return info{}, fmt.Errorf("read the original: %w", err)
	}
	in := info{format: sniff(head[:n]), orientation: 1}
	switch in.format {
	case isJPEG:
		err = inspectJPEG(f, size, &in)
	case isPNG:
		err = inspectPNG(f, size, &in)
	case isWebP:
		err = inspectWebP(f, size, &in)
	default:
		return info{}, alerts.Errorf(alerts.Unsupported, "a photo must be a JPEG, PNG or WebP picture")
	}
	if err != nil {
		return info{}, err
	}
	if in.width <= 0 || in.height <= 0 {
		return info{}, damaged(errors.New("no size"))
	}
	if in.width > maxSide || in.height > maxSide || in.width*in.height > MaxPixels {
		return info{}, alerts.Errorf(alerts.TooLarge, "a photo may have at most %d megapixels; this one has %d x %d pixels",
			MaxPixels/1_000_000, in.width, in.height)
	}
	return in, nil
}

func inspectJPEG(f io.ReaderAt, size int64, in *info) error {
	c, err := jpeg.DecodeConfig(io.NewSectionReader(f, 0, size))
	if err != nil {
		return damaged(err)
	}
	in.width, in.height = c.Width, c.Height
	perPixel := int64(4)
	head, progressive := scanJPEG(io.NewSectionReader(f, 0, size))
	if progressive {
		perPixel = 15 // keeps all coefficients: 4 bytes for each of up to 3 components
	}
	in.memory = int64(c.Width) * int64(c.Height) * perPixel
	in.orientation = orientation(head)
	return nil
}

// scanJPEG walks the segments before the first scan. It returns the TIFF block
// of the first EXIF segment and whether the picture is progressive.
func scanJPEG(r io.Reader) (tiff []byte, progressive bool) {
	b := bufio.NewReader(r)
	if _, err := b.Discard(2); err != nil {
		return nil, false
	}
	for {
		// B.1.1.2 of ITU-T T.81: a marker is 0xff, any number of fill bytes,
		// and its code.
		c, err := b.ReadByte()
		for err == nil && c != 0xff {
			c, err = b.ReadByte()
		}
		for err == nil && c == 0xff {
			c, err = b.ReadByte()
		}
		if err != nil {
			return tiff, progressive
		}
		switch {
		case c == 0xd9 || c == 0xda: // end, or start of scan
			return tiff, progressive
		case c == 0 || c == 1 || c >= 0xd0 && c <= 0xd7:
			continue
		}
		var length [2]byte
		if _, err := io.ReadFull(b, length[:]); err != nil {
			return tiff, progressive
		}
		n := int(binary.BigEndian.Uint16(length[:])) - 2
		if n < 0 {
			return tiff, progressive
		}
		switch {
		case c == 0xc2:
			progressive = true
		case c == 0xe1 && tiff == nil:
			segment := make([]byte, n)
			if _, err := io.ReadFull(b, segment); err != nil {
				return tiff, progressive
			}
			if rest, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok {
				tiff = rest
			}
			continue
		}
		if _, err := b.Discard(n); err != nil {
			return tiff, progressive
		}
	}
}

func inspectPNG(f io.ReaderAt, size int64, in *info) error {
	c, err := png.DecodeConfig(io.NewSectionReader(f, 0, size))
	if err != nil {
		return damaged(err)
	}
	in.width, in.height = c.Width, c.Height
	perPixel := int64(4)
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		perPixel = 8
	}
	in.memory = int64(c.Width) * int64(c.Height) * perPixel * 2 // twice where interlaced
	at := int64(8)
	for range maxChunks {
		id, n, ok := chunk(f, at, size, binary.BigEndian, 4)
		if !ok || id == "IEND" {
			break
		}
		if id == "eXIf" && n <= maxEXIF {
			in.orientation = orientation(readAt(f, at+8, n))
			break
		}
		at += 12 + n
	}
	return nil
}

const (
	maxChunks = 4096    // of a PNG or WebP that are walked
	maxEXIF   = 1 << 16 // bytes of EXIF that are looked at
)

// inspectWebP walks a WebP's chunks (RFC 9649). The size is that of the frame
// itself: the canvas in a VP8X header is only a claim, and the decoder reserves
// memory by the frame.
func inspectWebP(f io.ReaderAt, size int64, in *info) error {
	var canvas image.Point
	found := false
	at := int64(12)
	for range maxChunks {
		id, n, ok := chunk(f, at, size, binary.LittleEndian, 0)
		if !ok {
			break
		}
		body := io.NewSectionReader(f, at+8, n)
		switch id {
		case "VP8X":
			b := readAt(f, at+8, n)
			if len(b) != 10 || canvas.X != 0 {
				return damaged(errors.New("webp: VP8X"))
			}
			if b[0]&0x02 != 0 {
				return alerts.Errorf(alerts.Unsupported, "a photo must be a still picture; this WebP is animated")
			}
			canvas.X = 1 + (int(b[4]) | int(b[5])<<8 | int(b[6])<<16)
			canvas.Y = 1 + (int(b[7]) | int(b[8])<<8 | int(b[9])<<16)
		case "VP8 ", "VP8L":
			if found {
				break // the decoder stops at the first
			}
			found = true
			if err := webpFrame(id, body, n, in); err != nil {
				return damaged(err)
			}
		case "EXIF":
			if n <= maxEXIF {
				b := readAt(f, at+8, n)
				in.orientation = orientation(bytes.TrimPrefix(b, []byte("Exif\x00\x00")))
			}
		}
		at += 8 + n + n&1
	}
	if !found {
		return damaged(errors.New("webp: no frame"))
	}
	if canvas.X != 0 && (canvas.X != in.width || canvas.Y != in.height) {
		return damaged(errors.New("webp: frame and canvas differ"))
	}
	in.memory = int64(in.width) * int64(in.height) * 10
	return nil
}

func webpFrame(id string, body io.Reader, n int64, in *info) error {
	if id == "VP8L" {
		c, err := vp8l.DecodeConfig(body)
		if err != nil {
			return err
		}
		in.width, in.height = c.Width, c.Height
		return nil
	}
	d := vp8.NewDecoder()
	d.Init(body, int(n))
	h, err := d.DecodeFrameHeader()
	if err != nil {
		return err
	}
	in.width, in.height = h.Width, h.Height
	return nil
}

// chunk reads the header of a RIFF (idAt 0) or PNG (idAt 4) chunk: 4 letters
// and a length; ok is false where it does not fit into the file.
func chunk(f io.ReaderAt, at, size int64, order binary.ByteOrder, idAt int) (id string, n int64, ok bool) {
	var h [8]byte
	if at+8 > size {
		return "", 0, false
	}
	if _, err := f.ReadAt(h[:], at); err != nil {
		return "", 0, false
	}
	n = int64(order.Uint32(h[4-idAt : 8-idAt]))
	return string(h[idAt : idAt+4]), n, at+8+n <= size
}

func readAt(f io.ReaderAt, at, n int64) []byte {
	if n < 0 || n > maxEXIF {
		return nil
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return b
}

func damaged(err error) error {
	return &alerts.Error{Kind: alerts.Invalid, Message: "the photo is damaged or not complete", Err: err}
}
