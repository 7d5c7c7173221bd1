package still

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"sharpeyes/streams"
)

// maxJPEG bounds what is taken from ffmpeg; 8K pictures have some 8 MB.
const maxJPEG = 16 << 20

// maxPixels bounds the memory of a decoder whose input lies: 8K and a little.
const maxPixels = "36000000"

// killWait is how long a program that was killed may hold its pipes.
const killWait = time.Second

// Ready tells whether JPEGs can be made: nil, or ErrNoFFmpeg.
func (s *Snapshots) Ready() error {
	_, err := s.program()
	return err
}

func (s *Snapshots) program() (string, error) {
	name := s.FFmpeg
	if name == "" {
		name = "ffmpeg"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", ErrNoFFmpeg
	}
	return path, nil
}

// run has ffmpeg make a JPEG of a key frame. The program learns of the frame
// alone, from its input: no address, no file, nothing of our environment.
func (s *Snapshots) run(ctx context.Context, in []byte, codec streams.Codec) ([]byte, error) {
	path, err := s.program()
	if err != nil {
		return nil, err
	}
	format := "h264"
	if codec == streams.H265 {
		format = "hevc"
	}
	cmd := exec.CommandContext(ctx, path, "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "pipe", "-threads", "1", "-max_pixels", maxPixels,
		"-f", format, "-i", "pipe:0", "-map", "0:v:0", "-frames:v", "1",
		// What JPEG readers take for granted: full range, 4:2:0, 8 bits; and
		// square pixels, since browsers do not know of others in a JPEG.
		"-vf", "scale=trunc(iw*sar/2)*2:ih:out_range=pc,setsar=1,format=yuvj420p", "-q:v", "4", "-threads", "1", "-f", "mjpeg", "pipe:1")
	out, says := &bounded{most: maxJPEG}, &bounded{most: 4 << 10, drop: true}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), out, says
	cmd.Env = environment()
	cmd.Dir = os.TempDir()
	cmd.WaitDelay = killWait
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("still: start ffmpeg: %w", err)
	}
	yield(cmd.Process.Pid)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("still: ffmpeg: %w", ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("%w: ffmpeg: %v: %.200q", ErrNoPicture, err, says.b.String())
	case !bytes.HasPrefix(out.b.Bytes(), []byte{0xff, 0xd8}):
		return nil, fmt.Errorf("%w: ffmpeg wrote %d bytes and said %.200q", ErrNoPicture, out.b.Len(), says.b.String())
	}
	return out.b.Bytes(), nil
}

// environment is what a program needs to be found and loaded. Ours may hold
// passwords.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// bounded is a buffer that takes so much and no more: the rest is an error, or
// dropped.
type bounded struct {
	b    bytes.Buffer
	most int
	drop bool
}

var errTooMuch = errors.New("ffmpeg wrote too much")

func (w *bounded) Write(p []byte) (int, error) {
	room := w.most - w.b.Len()
	if len(p) <= room {
		return w.b.Write(p)
	}
	if !w.drop {
		return 0, errTooMuch
	}
	w.b.Write(p[:max(0, room)])
	return len(p), nil
}
