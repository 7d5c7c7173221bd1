// Command draw makes the demo cameras' films: for each camera of
// configs/demo/scenes.json eight seconds of H.264 that repeat without a seam.
//
//	go run ./configs/demo/draw                 # all, into configs/demo/loops
//	go run ./configs/demo/draw -only cam003    # some, by comma
//	go run ./configs/demo/draw -still 0,60 -out /tmp -only cam003   # PNGs only
//
// It needs ffmpeg with libx264 and the fonts of Debian's fonts-noto-cjk. Each
// scene is built of triangles in metres, seen by a camera on a mast, and
// rendered here: sun or lamps, shadows, open sky, haze. What does not move is
// rendered once, so that the films stay small. All chance comes from the
// camera's number: the same input gives the same pictures.
//
// Films: 200 frames at 25 a second, key frames at 0 and 100, no B-frames, one
// slice a frame; NNN.main.h264 is 1920x1080, NNN.sub.h264 640x360. Over the
// picture stand the camera's name (top left), the frame number "F 000" (top
// right), and at the bottom left the same number for machines: 11 cells, white
// is 1, 1/48 of the picture's width wide and high: a white guard, 8 bits with
// the highest first, a bit that makes the number of ones even, a black guard.
// The middle of cell k (0..10) is (k+1)/48 of the width from the left and 1/48
// of the width from the bottom; around them is mid grey.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// camera is an entry of scenes.json.
type camera struct{ ID, Name, Scene string }

func main() {
	log.SetFlags(0)
	scenes := flag.String("scenes", "configs/demo/scenes.json", "cameras: id, name, scene")
	out := flag.String("out", "configs/demo/loops", "folder for the films")
	only := flag.String("only", "", "ids, by comma; all when empty")
	still := flag.String("still", "", "write these frames as PNG instead of films")
	fonts := flag.String("fonts", "/usr/share/fonts/opentype/noto", "folder of NotoSansCJK-Regular.ttc and -Bold.ttc")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	face, err := loadTypeface(filepath.Join(*fonts, "NotoSansCJK-Regular.ttc"), filepath.Join(*fonts, "NotoSansCJK-Bold.ttc"))
	if err == nil {
		err = run(ctx, *scenes, *out, *only, *still, face)
	}
	if err != nil {
		log.Fatal("draw: ", err)
	}
}

func run(ctx context.Context, scenes, out, only, still string, face *typeface) error {
	b, err := os.ReadFile(scenes)
	if err != nil {
		return err
	}
	var cams []camera
	if err := json.Unmarshal(b, &cams); err != nil {
		return fmt.Errorf("%s: %w", scenes, err)
	}
	for _, c := range cams {
		if only != "" && !slices.Contains(strings.Split(only, ","), c.ID) {
			continue
		}
		begin := time.Now()
		w, err := build(c, face)
		if err != nil {
			return fmt.Errorf("%s: %w", c.ID, err)
		}
		o, err := newOverlay(face, c.Name)
		if err != nil {
			return err
		}
		st := newStage(w, w.develop())
		log.Printf("%s %s %s: %d triangles, %.1f s", c.ID, c.Scene, c.Name, len(w.still.tris), time.Since(begin).Seconds())
		if still != "" {
			err = stills(st, o, c, out, still)
		} else {
			err = shoot(ctx, st, o, c, out)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.ID, err)
		}
	}
	return nil
}

func stills(st *stage, o *overlay, c camera, out, list string) error {
	for _, word := range strings.Split(list, ",") {
		f, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		rgb := slices.Clone(st.frame(f))
		o.draw(rgb, f)
		img := image.NewRGBA(image.Rect(0, 0, width, height))
		for i := range width * height {
			img.Set(i%width, i/width, color.RGBA{rgb[3*i], rgb[3*i+1], rgb[3*i+2], 255})
		}
		file, err := os.Create(filepath.Join(out, fmt.Sprintf("%s.%03d.png", c.ID, f)))
		if err != nil {
			return err
		}
		err = png.Encode(file, img)
		if e := file.Close(); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func shoot(ctx context.Context, st *stage, o *overlay, c camera, out string) error {
	dir, err := os.MkdirTemp("", "draw")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := startFilm(ctx, dir)
	if err != nil {
		return err
	}
	begin := time.Now()
	buf := make([]byte, width*height*3)
	for n := range frames {
		copy(buf, st.frame(n))
		o.draw(buf, n)
		if _, err = f.in.Write(buf); err != nil {
			break
		}
	}
	if e := f.end(); e != nil || err != nil {
		return errorsFirst(e, err)
	}
	rendered := time.Since(begin)
	for _, p := range profiles(out, c.ID) {
		size, crf, err := f.encode(ctx, p)
		if err != nil {
			return err
		}
		log.Printf("  %s: %d bytes, crf %d", filepath.Base(p.file), size, crf)
	}
	log.Printf("  rendered in %.1f s, encoded in %.1f s", rendered.Seconds(), (time.Since(begin) - rendered).Seconds())
	return nil
}

func errorsFirst(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}
