package record

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sharpeyes/streams"
)

// The camera's clock is kept beside a day's segments, a mark where it was found
// to be another than before, and now and then.
const (
	clockName   = "clock.log"
	clockSize   = 20 // when in Unix ms, by how much the camera's clock was ahead in ms, CRC-32
	clockStep   = 20 * time.Millisecond
	clockEvery  = 10 * time.Minute
	clockLeast  = 5 * time.Second // between marks
	maxClockLog = clockSize * 86400 / 5
)

// clockMark is what a camera's clock was at a moment.
type clockMark struct {
	at     time.Time
	offset time.Duration
	day    *day
}

// tellClock writes down the camera's clock where it has changed. What fails is
// tried again with the next part.
func (t *tape) tellClock() {
	if t.hub == nil || t.seg == nil {
		return
	}
	offset, at := t.hub.Clock()
	last := t.clock
	if at.IsZero() || last.day == t.seg.day && (at.Sub(last.at) < clockLeast ||
		(offset-last.offset).Abs() < clockStep && at.Sub(last.at) < clockEvery) {
		return
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(offset.Milliseconds()))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	f, err := os.OpenFile(filepath.Join(t.seg.day.dir, clockName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil && cerr == nil {
		t.clock = clockMark{at, offset, t.seg.day}
	}
}

// ClockOffset returns by how much a camera's clock was ahead of the server's at a
// time, by the last that it had said until then, or the first after it on the
// same day, and when it said that. False: it has said nothing that is known.
func (r *Recorder) ClockOffset(camera string, profile streams.Profile, at time.Time) (offset time.Duration, said time.Time, ok bool) {
	r.mu.Lock()
	var dirs []string
	if s := r.streams[key{camera, profile}]; s != nil {
		for _, d := range s.days {
			// The segment of the time may have begun on the day before.
			if d.from <= at.UnixMilli() && at.UnixMilli() < d.from+2*dayMillis {
				dirs = append(dirs, d.dir)
			}
		}
	}
	r.mu.Unlock()
	var marks []clockMark
	for _, dir := range dirs {
		b, err := readAtMost(filepath.Join(dir, clockName), maxClockLog)
		if err != nil {
			continue // none was written
		}
		for ; len(b) >= clockSize; b = b[clockSize:] {
			if crc32.ChecksumIEEE(b[:16]) == binary.BigEndian.Uint32(b[16:]) {
				marks = append(marks, clockMark{at: time.UnixMilli(int64(binary.BigEndian.Uint64(b))),
					offset: time.Duration(int64(binary.BigEndian.Uint64(b[8:]))) * time.Millisecond})
			}
		}
	}
	slices.SortFunc(marks, func(a, b clockMark) int { return a.at.Compare(b.at) })
	for _, m := range marks {
		if ok && m.at.After(at) {
			break
		}
		offset, said, ok = m.offset, m.at, true
	}
	return offset, said, ok
}
