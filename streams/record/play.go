package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"sharpeyes/streams"
)

// Bounds of playing.
const (
	MaxRun     = time.Minute      // of one run
	mostAtOnce = 32 << 20         // bytes of a part that is read
	lookBack   = 10 * time.Minute // for key frames
)

// ErrNothing is returned where nothing is there that could be played.
var ErrNothing = errors.New("nothing is recorded at this time")

// Sound says what of the sound a run holds.
type Sound string

// The sounds of runs.
const (
	NoSound Sound = "none"
	Played  Sound = "played"
	LeftOut Sound = "left-out" // G.711, which no browser takes in MP4
)

// Run is footage of one camera from a key frame on, as fragmented MP4 whose
// decode times count from an epoch. It belongs to one goroutine. Memory: the
// headers of at most a minute, and one part.
type Run struct {
	Codecs   string // RFC 6381
	Sound    Sound
	From, To time.Time
	Next     time.Time // where what follows begins; zero: nothing does, yet

	init   []byte
	pieces []piece
	number uint32
	part   part
	out    []byte
	reels  []*reel
}

// piece is a part to be written.
type piece struct {
	reel         *reel
	video, audio []take
	shift        int64 // added to decode times of the picture
	shiftAudio   int64
}

// PlayRequest asks for a run.
type PlayRequest struct {
	Camera  string
	Profile streams.Profile
	At      time.Time     // the run begins at the key frame at or before it
	Length  time.Duration // of whole GOPs, MaxRun at the most
	Epoch   time.Time     // media time 0; zero: where the run begins. Not after it: B-pictures are decoded a little before.
}

// Play finds a run: it ends where a gap is, where the stream has changed, or at
// the first key frame after its length. Close it.
func (r *Recorder) Play(ctx context.Context, q PlayRequest) (*Run, error) {
	length := min(q.Length, MaxRun)
	segs := r.Segments(q.Camera, q.Profile, q.At, q.At.Add(length+joined))
	run := &Run{Sound: NoSound}
	for i, s := range segs {
		if run.pieces == nil && s.Start.After(q.At) {
			break
		}
		run.Next = time.Time{}
		more, err := run.add(ctx, q, s, length)
		if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
			if run.pieces == nil {
				continue
			}
			break
		}
		if err != nil {
			run.Close()
			return nil, fmt.Errorf("play: %w", err)
		}
		if !more {
			break
		}
		if i+1 < len(segs) {
			run.Next = segs[i+1].Start
		}
	}
	if run.pieces == nil {
		run.Close()
		return nil, ErrNothing
	}
	if run.Next.IsZero() {
		run.Next = r.after(key{q.Camera, q.Profile}, run.pieces[len(run.pieces)-1].reel.seg, run.To)
	}
	if err := run.prepare(q.Epoch); err != nil {
		run.Close()
		return nil, fmt.Errorf("play: %w", err)
	}
	return run, nil
}

// after returns where the footage after a segment begins; the end itself where
// more is being written there.
func (r *Recorder) after(k key, last Segment, end time.Time) time.Time {
	r.need(k, last.Start, last.Start.Add(DefaultDays*24*time.Hour))
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[k]
	if s == nil {
		return time.Time{}
	}
	at := last.Start.UnixMilli()
	if from, _, ok := s.next(at + 1); ok {
		return time.UnixMilli(from)
	}
	if s.live != nil && s.live.from+int64(s.liveAt)-end.UnixMilli() <= joined.Milliseconds() {
		return end
	}
	return time.Time{}
}

// add takes what is wanted of a segment; more tells whether the next may follow.
func (run *Run) add(ctx context.Context, q PlayRequest, s Segment, length time.Duration) (more bool, err error) {
	if len(run.pieces) > 0 && s.Start.Sub(run.To) > joined {
		run.Next = s.Start
		return false, nil
	}
	r, err := openReel(s)
	if err != nil {
		return false, err
	}
	run.reels = append(run.reels, r)
	if len(run.pieces) > 0 && !bytes.Equal(run.pieces[0].reel.init, r.init) {
		run.Next = s.Start
		return false, nil
	}
	var before *shot
	for ctx.Err() == nil {
		p, err := r.part()
		if errors.Is(err, io.EOF) || errors.Is(err, errBox) && len(run.pieces) > 0 {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if run.take(r, p, before, q.At, length) {
			return false, nil
		}
		before = p
	}
	return false, ctx.Err()
}

// take adds a part; true: the run ends within it. A key frame at or before the
// time that is asked for begins the run anew. Footage is asked for by the
// millisecond.
func (run *Run) take(r *reel, p, before *shot, at time.Time, length time.Duration) bool {
	first := 0
	for i, t := range p.video {
		if !t.key {
			continue
		}
		switch wall := r.wall(t); {
		case !wall.Truncate(time.Millisecond).After(at):
			run.From, run.pieces, first = wall, nil, i
			run.pieces = append(run.pieces, piece{reel: r})
			if before != nil {
				// Its sound may reach past the key frame.
				run.pieces[0].audio = run.heard(r, before.audio)
			}
		case len(run.pieces) > 0 && wall.Sub(run.From) >= length-time.Millisecond:
			run.push(r, p, first, i)
			run.To, run.Next = wall, wall
			return true
		}
	}
	if len(run.pieces) > 0 {
		run.push(r, p, first, len(p.video))
	}
	return false
}

// push adds the pictures of a part from one to another, and its sound.
func (run *Run) push(r *reel, p *shot, from, to int) {
	audio := p.audio
	if len(run.pieces) == 1 && len(run.pieces[0].video) == 0 {
		run.pieces[0].video = p.video[from:to]
		run.pieces[0].audio = append(run.pieces[0].audio, run.heard(r, audio)...)
	} else if from < to || len(audio) > 0 {
		run.pieces = append(run.pieces, piece{reel: r, video: p.video[from:to], audio: audio})
	}
	if from < to {
		run.To = r.end(p.video[from:to])
	}
}

// heard is the sound from the run's first picture on.
func (run *Run) heard(r *reel, audio []take) []take {
	i := slices.IndexFunc(audio, func(t take) bool {
		return r.zero.Add(time.Duration(t.dts+int64(t.duration)) * time.Second / time.Duration(r.audioRate())).After(run.From)
	})
	if i < 0 {
		return nil
	}
	return slices.Clone(audio[i:])
}

// prepare makes the init and lays the pieces on one line of time.
func (run *Run) prepare(epoch time.Time) error {
	in := fmp4.Init{}
	if err := in.Unmarshal(bytes.NewReader(run.pieces[0].reel.init)); err != nil {
		return err
	}
	first := run.pieces[0].reel.clock(run.pieces[0].video[0].dts)
	if epoch.IsZero() {
		epoch = first
	}
	if first.Before(epoch) {
		return ErrEpoch
	}
	heard := slices.ContainsFunc(run.pieces, func(p piece) bool { return len(p.audio) > 0 })
	tracks := in.Tracks[:0]
	for _, t := range in.Tracks {
		if _, linear := t.Codec.(*codecs.LPCM); linear && heard {
			run.Sound = LeftOut
		} else if t.ID == audioTrack && heard {
			run.Sound = Played
		}
		// A track without packets would keep the player waiting.
		if t.ID == videoTrack || run.Sound == Played {
			tracks = append(tracks, t)
		}
	}
	in.Tracks = tracks
	var b seekablebuffer.Buffer
	if err := in.Marshal(&b); err != nil {
		return err
	}
	run.init = b.Bytes()
	run.Codecs = codecsOf(in.Tracks)
	run.lay(epoch)
	return nil
}

// ErrEpoch is returned for an epoch after the first picture.
var ErrEpoch = errors.New("the epoch is after the first picture")

// lay sets the shifts: a segment that begins a little before the end of the one
// before it is moved to that end.
func (run *Run) lay(epoch time.Time) {
	var end, at int64
	var of *reel
	for i := range run.pieces {
		p := &run.pieces[i]
		if p.reel != of {
			of = p.reel
			since := of.zero.Sub(epoch)
			at = int64(since/time.Second)*videoRate + int64(since%time.Second)*videoRate/int64(time.Second)
			if len(p.video) > 0 {
				at += max(0, end-(p.video[0].dts+at))
			}
		}
		p.shift = at
		if len(p.audio) > 0 {
			p.shiftAudio = at / videoRate * of.audioRate()
			p.shiftAudio += at % videoRate * of.audioRate() / videoRate
		}
		if n := len(p.video); n > 0 {
			end = p.video[n-1].dts + int64(p.video[n-1].duration) + at
		}
	}
}

// Init returns ftyp and moov.
func (run *Run) Init() []byte { return run.init }

// Fragment returns the next moof and mdat, which are good until the next call;
// io.EOF at the end.
func (run *Run) Fragment() ([]byte, error) {
	for len(run.pieces) > 0 {
		p := run.pieces[0]
		run.pieces = run.pieces[1:]
		if run.Sound != Played {
			p.audio = nil
		}
		if len(p.video) == 0 && len(p.audio) == 0 {
			continue
		}
		run.number++
		out := &run.part
		out.number = run.number
		var err error
		if out.video, out.pictures, err = run.load(p.reel, p.video, p.shift, out.pictures[:0]); err != nil {
			return nil, err
		}
		if out.audio, out.sounds, err = run.load(p.reel, p.audio, p.shiftAudio, out.sounds[:0]); err != nil {
			return nil, err
		}
		run.out = out.appendPlain(run.out[:0])
		return run.out, nil
	}
	return nil, io.EOF
}

// load reads takes, those that lie together at once, behind what is in b.
func (run *Run) load(r *reel, list []take, shift int64, b []byte) ([]sample, []byte, error) {
	out := make([]sample, 0, len(list))
	for i := 0; i < len(list); {
		at, n := list[i].at, 0
		for ; i < len(list) && list[i].at == at+int64(n); i++ {
			n += list[i].size
			s := list[i].sample
			s.dts = max(0, s.dts+shift)
			out = append(out, s)
		}
		if n > mostAtOnce {
			return nil, nil, errBox
		}
		from := len(b)
		b = slices.Grow(b, n)[:from+n]
		if _, err := r.f.ReadAt(b[from:], at); err != nil {
			return nil, nil, fmt.Errorf("read part: %w", err)
		}
	}
	return out, b, nil
}

// Close closes the files.
func (run *Run) Close() {
	for _, r := range run.reels {
		r.close()
	}
	run.reels = nil
}

// KeyFrames returns the times of at most n key frames before a time, the latest
// first, from the last ten minutes before it.
func (r *Recorder) KeyFrames(ctx context.Context, camera string, profile streams.Profile, before time.Time, n int) ([]time.Time, error) {
	var out []time.Time
	segs := r.Segments(camera, profile, before.Add(-lookBack), before)
	for i := len(segs) - 1; i >= 0 && len(out) < n; i-- {
		found, err := keyFrames(ctx, segs[i], before)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("key frames: %w", err)
		}
		slices.Reverse(found)
		out = append(out, found...)
	}
	return out[:min(n, len(out))], nil
}

func keyFrames(ctx context.Context, s Segment, before time.Time) (out []time.Time, err error) {
	r, err := openReel(s)
	if err != nil {
		return nil, err
	}
	defer r.close()
	for ctx.Err() == nil {
		p, err := r.part()
		if errors.Is(err, io.EOF) || errors.Is(err, errBox) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for _, t := range p.video {
			at := r.wall(t)
			if !at.Before(before) {
				return out, nil
			}
			if t.key {
				out = append(out, at)
			}
		}
	}
	return nil, ctx.Err()
}
