// Package mark makes a copy of an MP4 for sharing: lines burned in, boxes masked,
// always labelled as a copy.
//
// Invariants:
//   - Every picture is encoded anew and no metadata is taken over: nothing under a
//     box can be brought back, nothing of the original file leaves with it.
//   - Sound is left out: voices are as personal as faces.
//   - ffmpeg learns of files in one folder of ours alone, gets nothing of our
//     environment and has a bounded time.
//
// It bounds nothing but that: who calls it decides how many copies are made at once.
package mark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Bounds.
const (
	MaxTime   = 30 * time.Minute // of one copy
	maxBoxes  = 64
	maxLine   = 200 // bytes
	maxPixels = "36000000"
	killWait  = time.Second
)

// ErrNoFFmpeg says that ffmpeg is not installed.
var ErrNoFFmpeg = errors.New("ffmpeg is not installed: install it, or name its path")

// ErrNoFont says that ffmpeg found no font to write with.
var ErrNoFont = errors.New("no font was found to write the watermark with: install one, such as fonts-noto-cjk")

// Box is a part of the picture, in fractions of it. It is masked from From to To, both
// included, in seconds after the first picture; To 0: to the end.
type Box struct{ X, Y, W, H, From, To float64 }

// Options say what a copy looks like.
type Options struct {
	FFmpeg string   // program or path; empty: ffmpeg
	Lines  []string // burned in, one below the other, at both upper and lower edge
	Label  string   // goes into the file as its title and comment
	Boxes  []Box    // masked
}

// Copy reads an MP4 and writes a marked copy of its picture: H.264 in an MP4 whose
// moov comes first.
func Copy(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	if len(o.Boxes) > maxBoxes {
		return fmt.Errorf("mark: %d boxes, at most %d are taken", len(o.Boxes), maxBoxes)
	}
	name := o.FFmpeg
	if name == "" {
		name = "ffmpeg"
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return ErrNoFFmpeg
	}
	dir, err := os.MkdirTemp("", "sharpeyes-mark-")
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := save(filepath.Join(dir, "in.mp4"), in); err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	filter, err := o.filter(dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	if err := run(ctx, program, dir, filter, o.Label); err != nil {
		return err
	}
	made, err := os.Open(filepath.Join(dir, "out.mp4"))
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	defer made.Close()
	_, err = io.Copy(out, made)
	return err
}

func save(name string, in io.Reader) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Close())
}

// filter is what happens to each picture. Text comes from files: no text of ours
// can be read as a part of the filter.
func (o Options) filter(dir string) (string, error) {
	var parts []string
	for _, b := range o.Boxes {
		if !(b.X >= 0 && b.Y >= 0 && b.W > 0 && b.H > 0 && b.X <= 1 && b.Y <= 1 && b.W <= 1 && b.H <= 1) {
			return "", errors.New("mark: a box must lie within the picture, in fractions of it")
		}
		if !(b.From >= 0 && b.To >= 0 && (b.To == 0 || b.To >= b.From)) {
			return "", errors.New("mark: a box must end after it begins, in seconds after the first picture")
		}
		parts = append(parts, fmt.Sprintf("drawbox=x=floor(iw*%.5f):y=floor(ih*%.5f):w=ceil(iw*%.5f)+1:h=ceil(ih*%.5f)+1:color=black:t=fill", b.X, b.Y, b.W, b.H)+b.enable())
	}
	for i, line := range o.Lines {
		if len(line) > maxLine || strings.ContainsAny(line, "\r\n\x00") {
			return "", fmt.Errorf("mark: line %d must be one line of at most %d bytes", i+1, maxLine)
		}
		name := fmt.Sprintf("line%d.txt", i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(line), 0o600); err != nil {
			return "", fmt.Errorf("mark: %w", err)
		}
		for _, y := range []string{fmt.Sprintf("%d*h/24+4", i), fmt.Sprintf("h-%d*h/24-4", len(o.Lines)-i)} {
			parts = append(parts, "drawtext=font='Noto Sans CJK SC':textfile="+name+":expansion=none:fontsize=h/28:fontcolor=white@0.85:"+
				"box=1:boxcolor=black@0.45:boxborderw=3:x=8:y="+y)
		}
	}
	parts = append(parts, "format=yuv420p")
	return strings.Join(parts, ","), nil
}

// enable says when the box is drawn. One that has no beginning or no end is not bound
// by the film's: its first time may not be exactly 0.
func (b Box) enable() string {
	switch {
	case b.From == 0 && b.To == 0:
		return ""
	case b.From == 0:
		return fmt.Sprintf(":enable='lte(t,%.3f)'", b.To)
	case b.To == 0:
		return fmt.Sprintf(":enable='gte(t,%.3f)'", b.From)
	}
	return fmt.Sprintf(":enable='between(t,%.3f,%.3f)'", b.From, b.To)
}

func run(ctx context.Context, program, dir, filter, label string) error {
	cmd := exec.CommandContext(ctx, program, "-hide_banner", "-loglevel", "error", "-nostdin", "-protocol_whitelist", "file", "-max_pixels", maxPixels,
		"-i", "in.mp4", "-map", "0:v:0", "-map_metadata", "-1", "-map_chapters", "-1", "-vf", filter, "-c:v", "libx264", "-preset", "veryfast", "-crf", "21",
		"-fps_mode", "passthrough", "-threads", "1", "-metadata", "title="+label, "-metadata", "comment="+label, "-movflags", "+faststart", "out.mp4")
	var said limited
	cmd.Stderr, cmd.Dir, cmd.Env, cmd.WaitDelay = &said, dir, environment(), killWait
	if err := cmd.Run(); err != nil {
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("mark: ffmpeg: %w", ctx.Err())
		case bytes.Contains(said.b.Bytes(), []byte("font")):
			return ErrNoFont
		}
		return fmt.Errorf("mark: ffmpeg: %w; it said %.500q", err, said.b.String())
	}
	return nil
}

// environment is what a program needs to be found and loaded, and fonts. Ours may
// hold passwords.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "HOME", "FONTCONFIG_PATH", "FONTCONFIG_FILE"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// limited keeps the beginning of what is written.
type limited struct{ b bytes.Buffer }

func (w *limited) Write(p []byte) (int, error) {
	w.b.Write(p[:min(len(p), max(0, 4<<10-w.b.Len()))])
	return len(p), nil
}
