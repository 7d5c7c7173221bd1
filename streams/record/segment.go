package record

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"sharpeyes/streams"
)

// segment is a file that is being written.
type segment struct {
	f     *os.File
	disk  string
	day   *day
	at    uint32
	why   Cause
	loose bool
	desc  *streams.Desc
	start time.Time // server's clock at time 0 of its pictures
	zero  int64     // time stamp that is decode time 0
	pts   int64     // of the first picture
	shift int64     // of the pictures' time stamps by now, as the timeline is put right

	part   part
	number uint32
	bytes  int        // of the part
	bufs   *sync.Pool // of *[]byte, each what is written at once
	size   int64      // of whole parts on the disk
	begun  time.Time
	raw    int64 // decode time of the last picture as it came
	next   int64 // decode time after all that was added
	done   int64 // decode time after all that is on the disk
	last   uint32
	held   sample // the last picture: its length is not known yet
	holds  bool   // there is one
	heldAt time.Time
	wrote  bool

	sounds    bool
	heard     sample // the last packet, likewise
	hears     bool
	soundZero int64 // time stamp that is decode time 0 of the sound
	soundOn   bool
	soundNext int64
	soundLast uint32
}

// create makes a segment's file with its init. The name is the time.
func (r *Recorder) create(s *stream, desc *streams.Desc, wall time.Time, why Cause) (*segment, error) {
	init, sounds, err := initOf(desc)
	if err != nil {
		return nil, err
	}
	ms := wall.UnixMilli()
	disk := r.pick(s, ms/dayMillis)
	// Two segments in one millisecond come from a clock that was set back.
	for range 1000 {
		from := ms - ms%dayMillis
		dir := filepath.Join(disk, "c-"+url.PathEscape(s.camera), string(s.profile), time.UnixMilli(from).UTC().Format(dayName))
		e := newEntry(uint32(ms-from), 0, int64(len(init)), why)
		r.mu.Lock()
		events := r.policies[s.camera].Events
		if events {
			e.span |= loose
		}
		d := s.dayAt(dir, from)
		_, taken := d.find(e.at)
		r.mu.Unlock()
		if taken {
			ms++
			continue
		}
		f, err := newFile(d.path(e), init)
		if errors.Is(err, fs.ErrExist) {
			ms++
			continue
		}
		r.mu.Lock()
		if err != nil {
			r.bad[disk] = r.Since()
			r.mu.Unlock()
			return nil, fmt.Errorf("new segment: %w", err)
		}
		s.insert(d, e)
		s.live, s.liveAt = d, e.at
		r.mu.Unlock()
		return &segment{f: f, disk: disk, day: d, at: e.at, why: why, desc: desc, start: wall, size: int64(len(init)), loose: events,
			last: videoRate / 25, soundLast: 1, bufs: &r.bufs, sounds: sounds, begun: time.Now()}, nil
	}
	return nil, errors.New("new segment: no free name within a second")
}

// dayAt returns the day with this folder, which is not in the list before it
// holds a segment; the lock is held.
func (s *stream) dayAt(dir string, from int64) *day {
	for i := len(s.days) - 1; i >= 0; i-- {
		if s.days[i].dir == dir {
			return s.days[i]
		}
	}
	return &day{dir: dir, from: from}
}

func newFile(path string, init []byte) (*os.File, error) {
	if err := mkdir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(init); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return f, nil
}

// mkdir makes a folder and syncs those that hold the new ones: once a day.
func mkdir(dir string) error {
	err := os.Mkdir(dir, 0o750)
	switch {
	case err == nil:
		return syncDir(filepath.Dir(dir))
	case errors.Is(err, fs.ErrExist):
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	return mkdir(dir)
}

// initOf returns ftyp and moov. G.711 is kept as the linear samples that it
// stands for (ITU-T G.711 tables 1 and 2), since no player takes it in MP4.
func initOf(d *streams.Desc) (b []byte, sounds bool, err error) {
	in := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: videoTrack, TimeScale: videoRate}}}
	if d.Video == streams.H265 {
		in.Tracks[0].Codec = &codecs.H265{VPS: d.VPS, SPS: d.SPS, PPS: d.PPS}
	} else {
		in.Tracks[0].Codec = &codecs.H264{SPS: d.SPS, PPS: d.PPS}
	}
	sound := &fmp4.InitTrack{ID: audioTrack, TimeScale: uint32(d.ClockRate(streams.Audio))}
	switch d.Audio {
	case streams.PCMA, streams.PCMU:
		sound.Codec = &codecs.LPCM{BitDepth: 16, SampleRate: 8000, ChannelCount: max(1, d.AudioChannels)}
	case streams.Opus:
		sound.Codec = &codecs.Opus{ChannelCount: max(1, d.AudioChannels)}
	case streams.AAC:
		var c mpeg4audio.AudioSpecificConfig
		if c.Unmarshal(d.AudioConfig) == nil {
			sound.Codec = &codecs.MPEG4Audio{Config: c}
		}
	}
	if sound.Codec != nil {
		in.Tracks, sounds = append(in.Tracks, sound), true
	}
	var buf seekablebuffer.Buffer
	if err := in.Marshal(&buf); err != nil {
		return nil, false, fmt.Errorf("new segment: %w", err)
	}
	return buf.Bytes(), sounds, nil
}

func (g *segment) entry() entry {
	e := newEntry(g.at, time.Duration(g.done)*time.Second/videoRate, g.size, g.why)
	if g.loose {
		e.span |= loose
	}
	return e
}

func (g *segment) full(pts int64, long time.Duration) bool {
	if g.loose {
		long = min(long, looseSegment)
	}
	return time.Duration(pts-g.pts)*time.Second/videoRate >= long || g.size >= maxSegment
}

// waits is how long the oldest picture that is not on the disk has been kept.
func (g *segment) waits() time.Duration {
	if !g.holds && len(g.part.video) == 0 {
		return 0
	}
	return time.Since(g.begun)
}

// picture adds an access unit.
func (g *segment) picture(f *streams.Frame, dts int64) error {
	shown := f.PTS - g.zero + g.shift
	at := dts - g.zero + g.shift
	if at <= g.raw && (g.holds || g.number > 0) {
		return errStamps
	}
	if g.number > 0 && !g.holds {
		// Pictures come one by one: the guess is what the last one took.
		g.last = uint32(min(at-g.raw, int64(maxStep*videoRate/time.Second)))
	}
	g.raw = at
	if g.holds {
		// After a pause the held one's own time was moved, by a guess.
		d := max(1, at-g.held.dts)
		at = max(at, g.held.dts+d)
		g.held.duration = uint32(d)
		g.last = g.held.duration
		g.take()
		if g.next-g.part.video[0].dts >= int64(partTime*videoRate/time.Second) || g.bytes >= partBytes {
			if err := g.flush(false); err != nil {
				return err
			}
		}
	}
	if len(g.part.video) == 0 {
		g.begun = time.Now()
	}
	// After a pause the length of the picture before was a guess.
	at = max(at, g.next)
	before := len(g.part.pictures)
	g.part.pictures = streams.AppendUnits(g.part.pictures, f)
	g.held = sample{size: len(g.part.pictures) - before, dts: at, offset: int32(shown - at), key: f.Key}
	g.holds, g.heldAt = true, time.Now()
	return nil
}

// take puts the held picture into the part.
func (g *segment) take() {
	g.part.video = append(g.part.video, g.held)
	g.bytes += g.held.size
	g.next, g.holds = g.held.dts+int64(g.held.duration), false
}

// sound adds a packet of sound.
func (g *segment) sound(f *streams.Frame, line *timeline) error {
	if !g.sounds || f.Desc.Audio != g.desc.Audio || len(f.Payloads) == 0 {
		return nil
	}
	if line.at.IsZero() {
		line.set(f)
	}
	off := line.off(f)
	line.least = min(line.least, off)
	if off > maxStep || off < -maxStep {
		line.set(f)
		line.least, g.soundOn = 0, false
	}
	rate := f.Desc.ClockRate(streams.Audio)
	if !g.soundOn {
		since := line.wall(f).Sub(g.start)
		if since < 0 {
			return nil // before the first picture
		}
		g.soundZero, g.soundOn = f.PTS-int64(since)*rate/int64(time.Second), true
	}
	at := max(f.PTS-g.soundZero, g.soundNext)
	if g.hears {
		d := at - g.heard.dts
		if d <= 0 {
			d = int64(g.soundLast)
			at = max(at, g.heard.dts+d)
		}
		g.hear(uint32(d))
	}
	data := f.Payloads[0]
	if len(f.Payloads) > 1 {
		data = slices.Concat(f.Payloads...)
	}
	switch f.Desc.Audio {
	case streams.PCMA:
		var pcm g711.Alaw
		pcm.Unmarshal(data)
		data = pcm
	case streams.PCMU:
		var pcm g711.Mulaw
		pcm.Unmarshal(data)
		data = pcm
	}
	g.part.sounds = append(g.part.sounds, data...)
	g.heard, g.hears = sample{size: len(data), dts: at, key: true}, true
	if g.bytes += len(data); g.bytes >= partBytes {
		return g.flush(false)
	}
	return nil
}

func (g *segment) hear(d uint32) {
	g.heard.duration, g.soundLast = d, d
	g.part.audio = append(g.part.audio, g.heard)
	g.soundNext, g.hears = g.heard.dts+int64(d), false
}

// flush writes a part; all: what is held as well, its length guessed.
func (g *segment) flush(all bool) error {
	if all && g.holds {
		g.held.duration = g.last
		g.take()
	}
	if all && g.hears {
		g.hear(g.soundLast)
	}
	if len(g.part.video) == 0 && len(g.part.audio) == 0 {
		return nil
	}
	g.number++
	g.part.number = g.number
	g.part.wall = g.start.Add(time.Duration(g.done) * time.Second / videoRate)
	if len(g.part.video) > 0 {
		g.part.wall = g.start.Add(time.Duration(g.part.video[0].dts) * time.Second / videoRate)
	}
	buf, _ := g.bufs.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer g.bufs.Put(buf)
	*buf = g.part.append((*buf)[:0])
	n, err := g.f.WriteAt(*buf, g.size)
	g.part.rest()
	g.bytes, g.begun = len(g.part.pictures)+len(g.part.sounds), g.heldAt
	if err != nil {
		return fmt.Errorf("write part: %w", err)
	}
	g.size += int64(n)
	g.done, g.wrote = g.next, true
	return nil
}

// rest leaves what is not of the part that was written.
func (p *part) rest() {
	p.pictures = p.pictures[:copy(p.pictures, p.pictures[sizeOf(p.video):])]
	p.sounds = p.sounds[:copy(p.sounds, p.sounds[sizeOf(p.audio):])]
	p.video, p.audio = p.video[:0], p.audio[:0]
}

// finish closes a segment, cut to its whole parts, and has it brought to the disk
// and into the index.
func (r *Recorder) finish(s *stream, g *segment) error {
	err := errors.Join(g.flush(true), g.f.Truncate(g.size))
	if g.loose && !r.wanted(s, g) {
		err = errors.Join(err, g.f.Close())
		r.settle(s, g)
		if g.number == 0 {
			err = errors.Join(err, os.Remove(g.day.path(g.entry())))
		}
		return errors.Join(err, r.dropLoose(s, false))
	}
	g.loose = false
	r.settle(s, g)
	if g.number == 0 {
		return errors.Join(err, g.f.Close(), os.Remove(g.day.path(g.entry())))
	}
	r.later(filing{s, g, g.entry()})
	return err
}

// settle makes the index in memory know a segment that is closed.
func (r *Recorder) settle(s *stream, g *segment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := g.day.find(g.at); ok {
		g.day.put(i, g.entry())
		if g.number == 0 {
			s.drop(g.day, i)
		}
	}
	s.live = nil
}
