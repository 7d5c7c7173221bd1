package main

import (
	"fmt"
	"image"
	"image/draw"
	"os"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// typeface makes masks of text.
type typeface struct{ regular, bold *opentype.Font }

// simplified is the place of Noto Sans CJK SC in the collections.
const simplified = 2

func loadTypeface(regular, bold string) (*typeface, error) {
	one := func(path string) (*opentype.Font, error) {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("font (Debian: fonts-noto-cjk): %w", err)
		}
		c, err := opentype.ParseCollection(b)
		if err != nil {
			return nil, fmt.Errorf("font %s: %w", path, err)
		}
		return c.Font(simplified)
	}
	r, err := one(regular)
	if err != nil {
		return nil, err
	}
	b, err := one(bold)
	if err != nil {
		return nil, err
	}
	return &typeface{r, b}, nil
}

// mask is text in white on black, just large enough.
func (t *typeface) mask(text string, size float64, bold bool) (*image.Alpha, error) {
	f := t.regular
	if bold {
		f = t.bold
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	defer face.Close()
	d := font.Drawer{Face: face, Src: image.White}
	m := face.Metrics()
	img := image.NewAlpha(image.Rect(0, 0, d.MeasureString(text).Ceil()+2, (m.Ascent + m.Descent).Ceil()))
	d.Dst, d.Dot = img, fixed.Point26_6{X: fixed.I(1), Y: m.Ascent}
	d.DrawString(text)
	return img, nil
}

// Geometry of what is written over the picture, in pixels at full size.
const (
	nameSize   = 58
	numberSize = 84
	margin     = 36

	cells    = 11
	cellSize = width / 48
	grey     = 128
)

// overlay is a camera's writing over its picture.
type overlay struct {
	name   *image.Alpha
	number []*image.Alpha
}

func newOverlay(t *typeface, name string) (*overlay, error) {
	o := &overlay{}
	var err error
	if o.name, err = t.mask(name, nameSize, true); err != nil {
		return nil, err
	}
	for f := range frames {
		m, err := t.mask(fmt.Sprintf("F %03d", f), numberSize, true)
		if err != nil {
			return nil, err
		}
		o.number = append(o.number, m)
	}
	return o, nil
}

// draw writes name, frame number and the strip over an RGB picture.
func (o *overlay) draw(rgb []byte, f int) {
	write(rgb, o.name, margin, margin-14)
	m := o.number[f]
	write(rgb, m, width-margin-o.number[0].Bounds().Dx(), margin-34)
	strip(rgb, f)
}

// write puts white text with a dark rim.
func write(rgb []byte, m *image.Alpha, x0, y0 int) {
	b := m.Bounds()
	const rim = 3
	for y := -rim; y < b.Dy()+rim; y++ {
		for x := -rim; x < b.Dx()+rim; x++ {
			px, py := x0+x, y0+y
			if px < 0 || py < 0 || px >= width || py >= height {
				continue
			}
			dark := uint8(0)
			for j := -rim; j <= rim; j++ {
				for i := -rim; i <= rim; i++ {
					if i*i+j*j <= rim*rim+1 {
						dark = max(dark, m.AlphaAt(x+i, y+j).A)
					}
				}
			}
			light := int(m.AlphaAt(x, y).A)
			out := rgb[3*(py*width+px):]
			for c := range 3 {
				v := int(out[c]) * (255 - int(dark)*200/255) / 255
				out[c] = byte(v + (255-v)*light/255)
			}
		}
	}
}

// strip writes the frame number for machines, at the bottom left on a grey
// margin half a cell wide: the middle of cell k is (k+1)/48 of the picture's
// width from the left and 1/48 of it from the bottom.
func strip(rgb []byte, f int) {
	bits := []bool{true} // guard
	ones := 0
	for i := 7; i >= 0; i-- {
		on := f>>i&1 == 1
		if on {
			ones++
		}
		bits = append(bits, on)
	}
	bits = append(bits, ones%2 == 1, false) // even parity, guard
	rect(rgb, 0, height-2*cellSize, (cells+1)*cellSize, height, grey)
	for k, on := range bits {
		v := byte(0)
		if on {
			v = 255
		}
		x := cellSize/2 + k*cellSize
		rect(rgb, x, height-cellSize*3/2, x+cellSize, height-cellSize/2, v)
	}
}

func rect(rgb []byte, x0, y0, x1, y1 int, v byte) {
	for y := y0; y < y1; y++ {
		row := rgb[3*(y*width+x0) : 3*(y*width+x1)]
		for i := range row {
			row[i] = v
		}
	}
}

// signboard is text as a texture: colour at (u, v), 0..1 from the top left.
type signboard struct {
	img        *image.Alpha
	fore, back rgb
}

func (t *typeface) sign(text string, fore, back rgb, aspect float64) (*signboard, error) {
	m, err := t.mask(text, 60, true)
	if err != nil {
		return nil, err
	}
	// pad to the board's shape, with a little air
	h := 78
	w := max(m.Bounds().Dx()+30, int(float64(h)*aspect))
	h = max(h, int(float64(w)/aspect))
	img := image.NewAlpha(image.Rect(0, 0, w, h))
	at := image.Pt((w-m.Bounds().Dx())/2, (h-m.Bounds().Dy())/2)
	draw.Draw(img, m.Bounds().Add(at), m, image.Point{}, draw.Src)
	return &signboard{img: img, fore: fore, back: back}, nil
}

func (s *signboard) at(u, v float64) rgb {
	b := s.img.Bounds()
	a := s.img.AlphaAt(int(u*float64(b.Dx())), int(v*float64(b.Dy()))).A
	return s.back.mix(s.fore, float64(a)/255)
}
