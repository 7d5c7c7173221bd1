package transcode

import (
	"io"
	"math"
	"slices"
	"strconv"
	"sync"

	"sharpeyes/streams"
)

const (
	// maxHeight is what H.264 is made in at most: more is a main stream that a
	// tile does not need, and several times the work.
	maxHeight = 1080
	// maxWaiting bounds the pictures that ffmpeg is believed to hold: B-pictures
	// wait for their place, and a hardware decoder holds a few.
	maxWaiting = 64
)

// picture makes H.264.
type picture struct {
	job     *job
	encoder encoding
	first   *streams.Desc // of what goes in
	rate    rate

	mu      sync.Mutex
	latest  *streams.Desc // of the source
	waiting []int64       // time stamps of pictures that went in and did not come out, in order of display
	last    int64         // number of the picture that came out last
}

func (p *picture) wants(k streams.Kind) bool { return k == streams.Video }

func (p *picture) accept(f *streams.Frame) ([]string, error) {
	st := p.job.key.source.Status()
	p.first, p.last = f.Desc, -1
	p.rate = rate{height: min(maxHeight, f.Desc.Height&^1), fps: int(math.Round(st.FPS)), kbps: int(2 * st.Kbps)}
	if p.rate.height <= 0 {
		p.rate.height = maxHeight
	}
	if p.rate.fps < 1 || p.rate.fps > 120 {
		p.rate.fps = 25
	}
	if p.rate.kbps = min(8000, p.rate.kbps); p.rate.kbps < 1000 {
		p.rate.kbps = 4000
	}
	format := map[streams.Codec]string{streams.H264: "h264", streams.H265: "hevc"}[f.Desc.Video]
	args := append([]string{}, p.encoder.device...)
	// Slices, not frames, in parallel: each thread of the latter holds a picture.
	// One picture is enough to know what it is (0 would mean the default), and
	// none may be lost over that, or the numbers would not count from the first.
	args = append(args, "-flags", "low_delay", "-probesize", "8M", "-analyzeduration", "1", "-fpsprobesize", "0",
		"-threads", "2", "-thread_type", "slice", "-framerate", strconv.Itoa(p.rate.fps), "-f", format, "-i", "pipe:0", "-map", "0:v:0", "-an")
	args = append(args, p.encoder.output(p.rate)...)
	return append(args, "-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1"), nil
}

// Delimiters (H.264 7.3.2.4, H.265 7.3.2.5), with start codes.
var (
	delimiterH264 = []byte{0, 0, 0, 1, 0x09, 0xf0}
	delimiterH265 = []byte{0, 0, 0, 1, 0x46, 0x01, 0x50}
)

// encode writes an access unit as Annex B. The delimiter of the next one ends it:
// ffmpeg would wait for the next picture to know.
func (p *picture) encode(f *streams.Frame) ([]byte, error) {
	if d := f.Desc; d != p.first && (d.Video != p.first.Video || d.Width != p.first.Width || d.Height != p.first.Height) {
		return nil, errChanged
	}
	end := delimiterH264
	if f.Desc.Video == streams.H265 {
		end = delimiterH265
	}
	b := make([]byte, 0, f.Size+64)
	for _, n := range streams.Units(f) {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = f.Desc
	at, _ := slices.BinarySearch(p.waiting, f.PTS)
	p.waiting = slices.Insert(p.waiting, at, f.PTS)
	if len(p.waiting) > maxWaiting {
		p.waiting = p.waiting[1:]
	}
	return append(b, end...), nil
}

// stamp gives the time of the picture that comes out with a number: pictures
// come out in order of display, and a number that is left out is a picture that
// could not be decoded.
func (p *picture) stamp(number int64) (pts int64, source *streams.Desc, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := int(min(max(1, number-p.last), int64(len(p.waiting))))
	p.last = number
	if n == 0 {
		return 0, nil, false
	}
	pts = p.waiting[n-1]
	p.waiting = p.waiting[n:]
	return pts, p.latest, true
}

func (p *picture) decode(r io.Reader, made func()) error {
	var out *streams.Desc
	return readFLV(r, func(t tag) error {
		if t.config {
			out = &streams.Desc{SPS: t.sps, PPS: t.pps, Height: p.rate.height}
			if h := p.first.Height; h > 0 {
				out.Width = (p.first.Width*out.Height/h + 1) &^ 1
			}
			return nil
		}
		pts, source, ok := p.stamp((int64(t.ms)*int64(p.rate.fps) + 500) / 1000)
		if !ok || out == nil {
			return nil
		}
		if f := streams.NewVideoFrame(p.job.describe(source, out), t.nalus, pts); f != nil {
			p.job.hub.Publish(f)
			made()
		}
		return nil
	})
}
