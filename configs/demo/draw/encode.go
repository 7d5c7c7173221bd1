package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

const (
	frames    = 200
	frameRate = 25
	// Largest size of a loop in bytes: all of them stay below 9 MB.
	mainBudget = 300_000
	subBudget  = 74_000
	// Rate factors of x264 that are tried.
	bestFactor  = 24
	worstFactor = 46
)

// x264 is one slice a frame, closed GOPs of 100, no B-frames.
const x264 = "slices=1:repeat-headers=1:scenecut=0:bframes=0:keyint=100:min-keyint=100:open-gop=0:rc-lookahead=100"

// film takes frames and keeps them without loss until they are encoded.
type film struct {
	path string
	cmd  *exec.Cmd
	in   io.WriteCloser
}

func startFilm(ctx context.Context, dir string) (*film, error) {
	f := &film{path: filepath.Join(dir, "film.mkv")}
	f.cmd = exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y",
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", width, height), "-r", strconv.Itoa(frameRate), "-i", "-",
		"-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast",
		"-threads", "2", f.path)
	f.cmd.Stderr = os.Stderr
	var err error
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	return f, nil
}

func (f *film) end() error {
	err := f.in.Close()
	if e := f.cmd.Wait(); e != nil {
		return fmt.Errorf("ffmpeg: %w", e)
	}
	return err
}

// profile is how a stream is encoded.
type profile struct {
	file   string
	filter string
	args   []string
	crf    int
	budget int
}

func profiles(dir, id string) []profile {
	// The writing and the strip get more bits than the scene.
	const roi = "addroi=x=0:y=0:w=iw:h=ih*0.12:qoffset=-0.12,addroi=x=0:y=ih-iw/24:w=iw/4:h=iw/24:qoffset=-0.2"
	return []profile{
		{file: filepath.Join(dir, id+".main.h264"), filter: roi, args: []string{"-profile:v", "main", "-level", "4.0"},
			crf: 39, budget: mainBudget},
		{file: filepath.Join(dir, id+".sub.h264"), filter: "scale=640:360:flags=area," + roi, args: []string{"-profile:v", "main", "-level", "3.0"},
			crf: 38, budget: subBudget},
	}
}

// encode writes a stream with the best quality that stays within its budget,
// and gives its size and rate factor.
func (f *film) encode(ctx context.Context, p profile) (int64, int, error) {
	var best []byte
	found := 0
	for lo, hi, crf := bestFactor, worstFactor, p.crf; lo <= hi; {
		b, err := f.try(ctx, p, crf)
		if err != nil {
			return 0, 0, err
		}
		if len(b) <= p.budget {
			best, found = b, crf
			if len(b) > p.budget*9/10 { // a step finer would not fit
				break
			}
			hi = crf - 1
		} else {
			lo = crf + 1
		}
		// six steps halve the size, about
		step := int(math.Ceil(6 * math.Log2(float64(len(b))/float64(p.budget))))
		crf = min(hi, max(lo, crf+step))
	}
	if best == nil {
		return 0, 0, fmt.Errorf("%s does not fit %d bytes", p.file, p.budget)
	}
	return int64(len(best)), found, os.WriteFile(p.file, best, 0o644)
}

// try encodes with one rate factor.
func (f *film) try(ctx context.Context, p profile, crf int) ([]byte, error) {
	tmp := f.path + ".264"
	args := []string{"-v", "error", "-y", "-i", f.path, "-vf", p.filter, "-c:v", "libx264", "-preset", "slower", "-tune", "animation",
		"-crf", strconv.Itoa(crf), "-pix_fmt", "yuv420p", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709",
		"-color_range", "tv", "-x264-params", x264}
	args = append(append(args, p.args...), "-f", "h264", tmp)
	out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return os.ReadFile(tmp)
}
