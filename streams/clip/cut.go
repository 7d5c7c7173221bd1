package clip

import (
	"bytes"
	"math"
	"slices"
	"time"

	"sharpeyes/streams/record"
)

// joined is the most between two pictures that is no gap, as the recorder has it.
const joined = 600 * time.Millisecond

// Cut is one clip that can be written.
type Cut struct {
	Info
	files  []string
	video  track
	audio  track
	seq    int   // parts added
	shown  int64 // composition time of the first picture shown, from the range's start
	end    int64 // of what is shown
	head   []byte
	copies []piece
}

// track is the samples of one kind, in decode order; times are from the start of
// the range asked for.
type track struct {
	rate    int64
	entries [][]byte
	samples []sample
	runs    []place
}

// place says where consecutive samples of a track lie.
type place struct {
	file, entry, seq int
	at               int64
	first, n         int
}

// takes tells whether a segment whose decode time 0 is at a time may stand in the
// cut after what it holds.
func (c *Cut) takes(seg *segment, at int64) bool {
	if !bytes.Equal(seg.audio, c.audio.entry()) || seg.audio != nil && seg.audioRate != c.audio.rate {
		return false
	}
	if kindOf(seg.video) != kindOf(c.video.entry()) {
		return false
	}
	last := c.video.samples[len(c.video.samples)-1]
	for _, p := range seg.parts {
		if len(p.video.samples) > 0 {
			return p.video.samples[0].dts+at > last.dts && len(c.video.entries) < maxEntries
		}
	}
	return false
}

func (t *track) entry() []byte {
	if len(t.entries) == 0 {
		return nil
	}
	return t.entries[len(t.entries)-1]
}

func kindOf(entry []byte) string {
	if len(entry) < 8 {
		return ""
	}
	return string(entry[4:8])
}

// append adds a segment; at is where its decode time 0 lies.
func (c *Cut) append(s record.Segment, seg *segment, at int64, from time.Time) {
	file := len(c.files)
	c.files = append(c.files, s.Path)
	entry := slices.IndexFunc(c.video.entries, func(e []byte) bool { return bytes.Equal(e, seg.video) })
	if entry < 0 {
		entry = len(c.video.entries)
		c.video.entries = append(c.video.entries, seg.video)
	}
	soundAt := int64(0)
	if seg.audio != nil {
		soundAt = roundTicks(seg.start.Sub(from), seg.audioRate)
	}
	for _, p := range seg.parts {
		c.video.append(p.video, place{file: file, entry: entry, seq: c.seq}, at)
		if seg.audio != nil {
			c.audio.append(p.audio, place{file: file, seq: c.seq}, soundAt)
		}
		c.seq++
	}
}

func (t *track) append(r batch, p place, at int64) {
	if len(r.samples) == 0 {
		return
	}
	p.at, p.first, p.n = r.at, len(t.samples), len(r.samples)
	t.runs = append(t.runs, p)
	for _, s := range r.samples {
		s.dts += at
		if n := len(t.samples); n > 0 {
			s.dts = max(s.dts, t.samples[n-1].dts+1)
		}
		t.samples = append(t.samples, s)
	}
}

func (s *sample) pts() int64 { return s.dts + int64(s.off) }

// trim leaves what shows the pictures of [0, span), from the key frame of the first
// to the last of them, and the sound to them; false: there is no such picture.
func (c *Cut) trim(from time.Time, span int64) bool {
	v := c.video.samples
	first, last, low, high := -1, -1, int64(math.MaxInt64), int64(math.MinInt64)
	for i := range v {
		pts := v[i].pts()
		if pts < 0 || pts >= span {
			continue
		}
		if first < 0 {
			first = i
		}
		last, c.Frames = i, c.Frames+1
		low = min(low, pts)
		if pts > high {
			high, c.end = pts, min(pts+int64(v[i].dur), span)
		}
	}
	if first < 0 {
		return false
	}
	a, b := first, last+1
	for a > 0 && !(v[a].key && v[a].pts() <= low) {
		a--
	}
	c.shown = low
	c.end = max(c.end, low+1)
	c.lose(v[first:last+1], from)
	c.video.cut(a, b)
	c.From, c.To = from.Add(duration(c.shown, videoRate)), from.Add(duration(c.end, videoRate))
	c.trimSound(c.video.samples[0].pts())
	return true
}

// trimSound keeps the sound from a picture's time to the end of what is shown: what
// comes before the first shown picture lets a decoder run in.
func (c *Cut) trimSound(from int64) {
	t := &c.audio
	a, b := 0, len(t.samples)
	for a < b && (t.samples[a].dts+int64(t.samples[a].dur))*videoRate <= from*t.rate {
		a++
	}
	for b > a && t.samples[b-1].dts*videoRate >= c.end*t.rate {
		b--
	}
	t.cut(a, b)
}

// cut leaves the samples [a, b), whose lengths then reach to the next one.
func (t *track) cut(a, b int) {
	all := t.samples
	t.samples = all[a:b]
	for i := range len(t.samples) - 1 {
		t.samples[i].dur = uint32(min(t.samples[i+1].dts-t.samples[i].dts, math.MaxUint32))
	}
	out := t.runs[:0]
	for _, r := range t.runs {
		lo, hi := max(r.first, a), min(r.first+r.n, b)
		if lo >= hi {
			continue
		}
		for _, s := range all[r.first:lo] {
			r.at += int64(s.size)
		}
		r.first, r.n = lo-a, hi-lo
		out = append(out, r)
	}
	t.runs = out
	var used [][]byte
	for i, r := range t.runs {
		at := slices.IndexFunc(used, func(e []byte) bool { return bytes.Equal(e, t.entries[r.entry]) })
		if at < 0 {
			at = len(used)
			used = append(used, t.entries[r.entry])
		}
		t.runs[i].entry = at
	}
	t.entries = used
}

// lose tells of pictures that are missing within the footage: two follow each
// other at more than twice their usual distance.
func (c *Cut) lose(v []sample, from time.Time) {
	if len(v) < 3 {
		return
	}
	steps := make([]int64, len(v)-1)
	for i := range steps {
		steps[i] = v[i+1].dts - v[i].dts
	}
	sorted := slices.Clone(steps)
	slices.Sort(sorted)
	usual := sorted[len(sorted)/2]
	for i, d := range steps {
		if d <= 2*usual || duration(d-usual, videoRate) > joined {
			continue // a gap, which the record tells of
		}
		if c.Lost++; len(c.Losses) < maxLosses {
			c.Losses = append(c.Losses, Loss{from.Add(duration(v[i].dts+usual, videoRate)), duration(d-usual, videoRate)})
		}
	}
}
