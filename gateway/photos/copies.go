package photos

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"runtime/debug"

	"sharpeyes/alerts"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

const (
	shownQuality = 85
	thumbQuality = 80
)

// copies decodes a picture, stores what is shown of it, and returns the size of
// the larger copy.
func (a *Album) copies(ctx context.Context, dir string, f io.ReaderAt, size int64, in info) (image.Point, error) {
	shown, err := a.shown(ctx, f, size, in)
	if err != nil {
		return image.Point{}, err
	}
	thumb := fit(shown, ThumbSide)
	for _, c := range []struct {
		name    string
		img     image.Image
		quality int
	}{{shownName, shown, shownQuality}, {thumbName, thumb, thumbQuality}} {
		err := a.writeFile(filepath.Join(dir, c.name), func(w io.Writer) error {
			return jpeg.Encode(w, c.img, &jpeg.Options{Quality: c.quality})
		})
		if err != nil {
			return image.Point{}, storeError("write the copy", err)
		}
	}
	return shown.Bounds().Size(), nil
}

// shown decodes, scales and turns; it holds one of the slots for decoding while
// the full picture is in memory.
func (a *Album) shown(ctx context.Context, f io.ReaderAt, size int64, in info) (*image.RGBA, error) {
	select {
	case a.decodes <- struct{}{}:
		defer func() { <-a.decodes }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	need := min(in.memory, decodeMemory)
	if err := a.memory.Acquire(ctx, need); err != nil {
		return nil, err
	}
	defer a.memory.Release(need)
	ctx, cancel := context.WithTimeout(ctx, a.decodeTime)
	defer cancel()
	img, err := decode(&patient{ctx: ctx, r: io.NewSectionReader(f, 0, size)}, in)
	if err != nil {
		return nil, err
	}
	return turn(fit(img, ShownSide), in.orientation), nil
}

// patient is a reader that ends with its context, so that a decoder does.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

func decode(r *patient, in info) (img image.Image, err error) {
	defer func() {
		// A picture that makes a decoder panic is a damaged picture.
		if p := recover(); p != nil {
			img, err = nil, damaged(errors.New("decoder panicked: "+string(debug.Stack())))
		}
	}()
	switch in.format {
	case isJPEG:
		img, err = jpeg.Decode(r)
	case isPNG:
		img, err = png.Decode(r)
	default:
		img, err = webp.Decode(r)
	}
	switch {
	case errors.Is(r.ctx.Err(), context.DeadlineExceeded):
		return nil, alerts.Errorf(alerts.TooLarge, "the photo takes too long to read; send it as a plain JPEG")
	case r.ctx.Err() != nil:
		return nil, r.ctx.Err()
	case err != nil:
		return nil, damaged(err)
	}
	if img.Bounds().Dx() != in.width || img.Bounds().Dy() != in.height {
		return nil, damaged(errors.New("size differs from the header's"))
	}
	return img, nil
}

// fit returns a picture on white whose longer side is at most side. Large ones
// are averaged down by a whole factor in strips, because the scalers of x/image
// would reserve several times the picture, and then scaled by less than two.
func fit(img image.Image, side int) *image.RGBA {
	b := img.Bounds()
	long := max(b.Dx(), b.Dy())
	small := average(img, max(1, long/side))
	if long <= side {
		return small
	}
	w, h := max(1, b.Dx()*side/long), max(1, b.Dy()*side/long)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.ApproxBiLinear.Scale(out, out.Bounds(), small, small.Bounds(), xdraw.Src, nil)
	return out
}

// average reduces a picture by a whole factor, over white.
func average(img image.Image, f int) *image.RGBA {
	b := img.Bounds()
	w, h := max(1, b.Dx()/f), max(1, b.Dy()/f)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	strip := image.NewRGBA(image.Rect(0, 0, b.Dx(), f))
	white := image.NewUniform(color.White)
	for y := range h {
		rows := min(f, b.Dy()-y*f)
		r := image.Rect(0, 0, b.Dx(), rows)
		draw.Draw(strip, r, white, image.Point{}, draw.Src)
		draw.Draw(strip, r, img, image.Pt(b.Min.X, b.Min.Y+y*f), draw.Over)
		for x := range w {
			cols := min(f, b.Dx()-x*f)
			var sum [3]int
			for sy := range rows {
				p := strip.Pix[sy*strip.Stride+x*f*4:][:cols*4]
				for i := 0; i < len(p); i += 4 {
					sum[0] += int(p[i])
					sum[1] += int(p[i+1])
					sum[2] += int(p[i+2])
				}
			}
			n := rows * cols
			o := out.Pix[y*out.Stride+x*4:][:4]
			o[0], o[1], o[2], o[3] = byte(sum[0]/n), byte(sum[1]/n), byte(sum[2]/n), 255
		}
	}
	return out
}

// turn applies an EXIF orientation.
func turn(img *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	size := image.Pt(w, h)
	if orientation >= 5 {
		size = image.Pt(h, w)
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	for y := range h {
		for x := range w {
			var p image.Point
			switch orientation {
			case 2: // mirrored left to right
				p = image.Pt(w-1-x, y)
			case 3: // upside down
				p = image.Pt(w-1-x, h-1-y)
			case 4: // mirrored top to bottom
				p = image.Pt(x, h-1-y)
			case 5: // mirrored at the main diagonal
				p = image.Pt(y, x)
			case 6: // needs a quarter turn clockwise
				p = image.Pt(h-1-y, x)
			case 7: // mirrored at the other diagonal
				p = image.Pt(h-1-y, w-1-x)
			case 8: // needs a quarter turn counter-clockwise
				p = image.Pt(y, w-1-x)
			}
			copy(out.Pix[out.PixOffset(p.X, p.Y):][:4], img.Pix[img.PixOffset(x, y):][:4])
		}
	}
	return out
}
