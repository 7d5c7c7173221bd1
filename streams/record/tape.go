package record

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"sharpeyes/streams"
)

// Bounds of time stamps and parts.
const (
	maxStep    = 2 * time.Second        // between pictures, and of their stamps before our clock
	maxLate    = 11 * time.Second       // of pictures that were held up: what the hub bears, and a second
	maxDrift   = 500 * time.Millisecond // of a camera's clock, put right at the next segment
	slack      = 20 * time.Millisecond  // by which the timeline may be wrong
	bend       = 20                     // it is put right by one part in so many
	partTime   = 800 * time.Millisecond // of pictures in a part
	partWait   = 300 * time.Millisecond // how long a picture is kept back
	lookEvery  = 100 * time.Millisecond // for frames; with partWait and what a loaded machine needs to write, under a second
	partBytes  = 4 << 20
	maxSegment = 1 << 30 // bytes
	retryDisk  = 2 * time.Second
	silence    = 3 * time.Second // without a picture: the camera is offline
)

var errStamps = errors.New("time stamps go back")

// tape takes one stream from its hub to the disk. Its goroutine owns it.
type tape struct {
	rec     *Recorder
	s       *stream
	hub     *streams.Hub
	seg     *segment // nil: none is open
	why     Cause    // why the next segment does not go on from the last
	lines   [2]timeline
	lastPTS int64
	lastDTS int64
	dropped int64
	least   time.Duration                               // by how much our clock was ahead of the pictures in this segment
	owed    time.Duration                               // what is to be added to the timeline, little by little
	order   func(au [][]byte, pts int64) (int64, error) // decode times of a stream with B-pictures
	retry   time.Time                                   // no segment is begun before it
	clock   clockMark                                   // the last that was written
}

// timeline turns a kind's time stamps into the server's time without the jitter
// of the network.
type timeline struct {
	at    time.Time
	pts   int64
	least time.Duration // of off, since it was settled
}

func (l *timeline) set(f *streams.Frame) { l.at, l.pts = f.At.Round(0), f.PTS }

func (l *timeline) wall(f *streams.Frame) time.Time {
	d, rate := f.PTS-l.pts, f.Desc.ClockRate(f.Kind)
	return l.at.Add(time.Duration(d/rate)*time.Second + time.Duration(d%rate)*time.Second/time.Duration(rate))
}

// off is by how much the server's clock is ahead of the timeline.
func (l *timeline) off(f *streams.Frame) time.Duration { return f.At.Round(0).Sub(l.wall(f)) }

// settle puts the timeline right where something came before its time.
func (l *timeline) settle() {
	l.at = l.at.Add(min(0, l.least))
	l.least = 0
}

// run looks for frames a few times a second: a wake for each would cost more than
// writing them.
func (t *tape) run(ctx context.Context) {
	reader := t.hub.NewPatientReader(func() {})
	defer reader.Close()
	defer func() { t.drain(reader); t.end(Stopped) }()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.hub.Gone():
			return
		case <-tick.C:
		}
		t.drain(reader)
		t.idle()
	}
}

// drain takes the frames that there are. More come slower than they are taken:
// the disk ends a segment where it does not keep up.
func (t *tape) drain(reader *streams.Reader) {
	for {
		f, _ := reader.Next()
		if f == nil {
			return
		}
		if n := reader.Dropped(); n != t.dropped {
			// Frames before the first key frame are dropped as well.
			if t.seg != nil && f.Kind == streams.Video && f.Key {
				t.end(Behind)
			}
			t.dropped = n
		}
		t.frame(f)
		if f.Desc == nil || !f.Desc.BFrames { // t.order keeps parameter sets where they lie
			f.Release()
		}
	}
}

// idle brings what waits to the disk.
func (t *tape) idle() {
	if t.seg == nil {
		return
	}
	switch waits := t.seg.waits(); {
	case waits >= partWait:
		// The last picture's length is not known before the next one has come.
		late := len(t.seg.part.video) == 0
		if err := t.seg.flush(late); err != nil {
			t.fail(err)
			return
		}
		t.told()
	case waits == 0 && time.Since(t.seg.begun) > silence:
		t.rec.mu.Lock()
		t.s.turn(Offline, t.rec.Now())
		t.rec.mu.Unlock()
	}
}

func (t *tape) frame(f *streams.Frame) {
	if f.Desc == nil || f.Desc.ClockRate(f.Kind) <= 0 {
		return
	}
	var err error
	if f.Kind == streams.Video {
		err = t.video(f)
	} else if t.seg != nil {
		err = t.seg.sound(f, &t.lines[streams.Audio])
	}
	switch {
	case errors.Is(err, errStamps):
		t.end(Broken)
	case err != nil:
		t.fail(err)
	case t.seg != nil && t.seg.wrote:
		t.seg.wrote = false
		t.told()
	}
}

func (t *tape) video(f *streams.Frame) error {
	line := &t.lines[streams.Video]
	if line.at.IsZero() {
		line.set(f)
	}
	if t.seg != nil {
		step := time.Duration(f.PTS-t.lastPTS) * time.Second / videoRate
		off := line.off(f)
		// B-pictures are late for when they are shown, and those they wait for early.
		if f.Key || !f.Desc.BFrames {
			t.least = min(t.least, off)
			// No picture comes before it is taken: the one that the timeline began
			// with had been held up.
			if off < -slack {
				t.owed = off
			}
		}
		switch {
		case step > maxStep || step < -maxStep:
			t.end(Offline)
		case off > maxLate || off < -maxStep:
			t.end(Clock)
		case f.Key && (!sameDesc(t.seg.desc, f.Desc) || t.seg.full(f.PTS, t.rec.Segment)):
			t.end(None)
		}
	}
	t.lastPTS = f.PTS
	if t.seg == nil {
		if !f.Key || t.rec.Now().Before(t.retry) {
			return nil
		}
		// Pictures that were held up on the way are late, but not all of them.
		off := line.off(f)
		if t.why == None {
			off = t.least
		}
		switch {
		case off > maxDrift || off < -maxDrift && t.why != None:
			line.at = line.at.Add(off)
			t.why, t.owed = cmp.Or(t.why, Clock), 0
		case off > slack && t.why == None:
			t.owed = off // nothing came in time: the camera's clock is slow
		}
		t.order = nil
	}
	dts, err := t.decodeTime(f)
	if err != nil {
		return errStamps
	}
	if t.seg == nil {
		if err := t.begin(f, line.wall(f), dts); err != nil {
			return err
		}
	} else {
		t.straighten(line, time.Duration(dts-t.lastDTS)*time.Second/videoRate)
	}
	t.lastDTS = dts
	return t.seg.picture(f, dts)
}

// straighten puts the timeline right by a part of a step, so that pictures neither
// overlap nor leave a gap.
func (t *tape) straighten(line *timeline, step time.Duration) {
	if t.owed == 0 || step <= 0 || step > maxStep {
		return
	}
	most := step / bend
	// In whole ticks: the timeline and the pictures move alike.
	n := int64(max(-most, min(t.owed, most))) * videoRate / int64(time.Second)
	d := time.Duration(n) * time.Second / videoRate
	t.owed, t.least = t.owed-d, t.least-d
	line.at = line.at.Add(d)
	t.seg.shift += n
}

// decodeTime is the time stamp itself but for B-pictures.
func (t *tape) decodeTime(f *streams.Frame) (int64, error) {
	if !f.Desc.BFrames {
		return f.PTS, nil
	}
	if t.order == nil {
		if f.Desc.Video == streams.H265 {
			x := &h265.DTSExtractor{}
			x.Initialize()
			t.order = x.Extract
		} else {
			x := &h264.DTSExtractor{}
			x.Initialize()
			t.order = x.Extract
		}
	}
	return t.order(streams.Units(f), f.PTS)
}

func (t *tape) begin(f *streams.Frame, wall time.Time, dts int64) error {
	why := t.why
	seg, err := t.rec.create(t.s, f.Desc, wall, why)
	if err != nil {
		return err
	}
	seg.zero, seg.pts = dts, f.PTS
	// B-pictures are decoded before they are shown: the first is shown later than
	// decode time 0.
	seg.start = wall.Add(-time.Duration(f.PTS-dts) * time.Second / videoRate)
	t.seg, t.why, t.least = seg, None, maxLate
	t.lines[streams.Audio].settle()
	return nil
}

// end closes the segment; why is the cause of the gap that may follow.
func (t *tape) end(why Cause) {
	if t.why == None || why == Disk {
		t.why = why
	}
	t.rec.mu.Lock()
	t.s.turn(why, t.rec.Now())
	t.rec.mu.Unlock()
	if t.seg == nil {
		return
	}
	seg := t.seg
	t.seg = nil
	if err := t.rec.finish(t.s, seg); err != nil {
		t.disk(seg.disk, err)
	}
}

// fail ends the segment after a write that did not succeed.
func (t *tape) fail(err error) {
	disk := ""
	if t.seg != nil {
		disk = t.seg.disk
	}
	t.end(Disk)
	t.disk(disk, err)
}

func (t *tape) disk(disk string, err error) {
	t.why = Disk
	t.retry = t.rec.Now().Add(retryDisk)
	t.rec.failed(t.s, disk, err)
	t.rec.makeRoom()
}

// told makes the index in memory know the parts that are on the disk.
func (t *tape) told() {
	t.tellClock()
	t.rec.mu.Lock()
	defer t.rec.mu.Unlock()
	if i, ok := t.seg.day.find(t.seg.at); ok {
		t.seg.day.put(i, t.seg.entry())
	}
	t.s.wrote = t.rec.Now()
	t.s.turn(None, t.s.wrote)
}

func sameDesc(a, b *streams.Desc) bool {
	if a == b {
		return true
	}
	return a.Video == b.Video && a.Audio == b.Audio && a.AudioChannels == b.AudioChannels && a.AudioRate == b.AudioRate &&
		a.BFrames == b.BFrames && a.Width == b.Width && a.Height == b.Height && string(a.SPS) == string(b.SPS) &&
		string(a.PPS) == string(b.PPS) && string(a.VPS) == string(b.VPS) && string(a.AudioConfig) == string(b.AudioConfig)
}
