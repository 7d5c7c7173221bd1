package rtsp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/pion/rtp"

	"sharpeyes/streams"
)

// While nobody watches a camera its packets pile up in the kernel for a gulp or
// some, so that one wake and one system call serve a frame or more. No more than
// gulpBytes are left to wait: a full window would hold up the camera.
const (
	gulp      = 40 * time.Millisecond
	maxGulps  = 3
	gulpBytes = 40 << 10
	// Cameras are fetched together, so that one wake-up serves some, but shared
	// out over slots, so that many do not hold up those that are watched.
	gulpSlots   = 8
	slotCameras = 16
	// While somebody watches, a picture that has begun is given a sip to come in:
	// its packets follow each other by less, and each would wake us up.
	sip = time.Millisecond
	// chunkSize holds the largest interleaved packet (RFC 2326 10.12).
	chunkSize = 68 << 10
	// keptSize is how much of a packet waits for its rest without a chunk, so
	// that a camera that sends a byte now and then does not hold one.
	keptSize = 1 << 10
	// maxText bounds the head of an answer while the camera plays.
	maxText = 16 << 10
)

type chunk [chunkSize]byte

// intake reads a connection that plays, interleaved. It takes the packets of
// the picture straight out of the read buffer and gives all else to the
// library. It belongs to the goroutine that reads.
//
// A packet lies in a chunk that is used again: picture must not keep it.
type intake struct {
	conn    net.Conn
	raw     *rawReader // nil: not a socket that can be asked without waiting
	hub     *streams.Hub
	pool    *sync.Pool // of *chunk
	channel byte
	types   [128]bool
	picture func(*rtp.Packet)
	spoiled func(error)
	settled func() bool // the camera plays for good: gulps may begin
	slot    time.Duration

	begun      bool // a picture, whose end has not come
	gulps      int  // waited for at once, 0 before the first
	cur        *chunk
	start, end int // of what is unread in cur
	full       bool
	kept       [keptSize]byte // the beginning of a packet, while waiting for its rest
	keptLen    int
	pass       int // so many of the next bytes are the library's
	packet     rtp.Packet
	timer      *time.Timer
}

// feed puts bytes that were read before the intake took over in front.
func (in *intake) feed(b []byte) {
	in.room()
	in.end += copy(in.cur[in.end:], b)
}

// read gives the library its next bytes.
func (in *intake) read(b []byte) (int, error) {
	for {
		if n := min(in.pass, in.end-in.start, len(b)); n > 0 {
			copy(b, in.cur[in.start:in.start+n])
			in.start += n
			in.pass -= n
			return n, nil
		}
		if in.pass == 0 {
			more, err := in.next()
			if err != nil {
				return 0, err
			}
			if more {
				continue
			}
		}
		if err := in.fill(); err != nil {
			in.free()
			return 0, err
		}
	}
}

// next takes the next thing out of the buffer. It reports false when that is
// not there in whole yet.
func (in *intake) next() (bool, error) {
	if in.cur == nil {
		return false, nil
	}
	b := in.cur[in.start:in.end]
	if len(b) < 2 {
		return false, nil
	}
	if b[0] != '$' {
		return in.text(b)
	}
	if len(b) < 4 {
		return false, nil
	}
	n := 4 + (int(b[2])<<8 | int(b[3]))
	if b[1] != in.channel {
		in.pass = n
		return true, nil
	}
	if len(b) < n {
		return false, nil
	}
	in.start += n
	in.take(b[4:n:n])
	return true, nil
}

// text finds the end of an answer or a request of the camera's. What is neither
// is skipped, as the library does.
func (in *intake) text(b []byte) (bool, error) {
	if !startsMessage(b) {
		in.start++
		return true, nil
	}
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		if len(b) > maxText {
			return false, errTooMuch
		}
		return false, nil
	}
	in.pass = head + 4
	for line := range bytes.SplitSeq(b[:head], []byte("\r\n")) {
		k, v, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(bytes.TrimSpace(k), []byte("content-length")) {
			continue
		}
		n, err := strconv.Atoi(string(bytes.TrimSpace(v)))
		if err != nil || n < 0 || n > maxText {
			return false, errTooMuch
		}
		in.pass += n
	}
	return true, nil
}

// startsMessage knows the beginnings that the library knows.
func startsMessage(b []byte) bool {
	switch string(b[:2]) {
	case "RT", "AN", "DE", "GE", "OP", "PA", "PL", "RE", "SE", "TE":
		return true
	}
	return false
}

// take hands a packet of the picture on.
func (in *intake) take(b []byte) {
	p := &in.packet
	if err := p.Unmarshal(b); err != nil {
		in.spoiled(err)
		return
	}
	if !in.types[p.PayloadType&0x7f] {
		in.spoiled(errForeign)
		return
	}
	in.begun = !p.Marker
	in.picture(p)
}

var errForeign = errors.New("a packet of a type that was not agreed on")

// free gives back the chunk.
func (in *intake) free() {
	if in.cur != nil {
		in.pool.Put(in.cur)
	}
	in.cur, in.start, in.end = nil, 0, 0
}

// room makes space behind what is unread.
func (in *intake) room() {
	switch {
	case in.cur == nil:
		in.cur, in.start = in.pool.Get().(*chunk), 0
		in.end = copy(in.cur[:], in.kept[:in.keptLen])
		in.keptLen = 0
	case in.end >= chunkSize-4096:
		in.end = copy(in.cur[:], in.cur[in.start:in.end])
		in.start = 0
	}
}

// fill reads what has come, at once when somebody watches.
func (in *intake) fill() error {
	if in.raw == nil {
		in.room()
		n, err := in.conn.Read(in.cur[in.end:])
		in.end += n
		if n > 0 {
			return nil
		}
		return err
	}
	for {
		full := in.full
		in.idle()
		patient := in.settled() && !in.hub.Watched()
		if patient && !full {
			in.pause()
			patient = !in.hub.Watched()
		} else if in.begun && !full && in.settled() {
			time.Sleep(sip)
		}
		n, err := in.raw.read(in, !patient)
		if patient {
			in.measure(n)
		}
		switch {
		case err != nil:
			return err
		case n > 0:
			return nil
		}
	}
}

// idle holds nothing while waiting that is not needed.
func (in *intake) idle() {
	in.full = false
	if in.cur != nil && in.end-in.start <= keptSize {
		in.keptLen = copy(in.kept[:], in.cur[in.start:in.end])
		in.free()
	}
}

// space is where a read goes, and got says how much came.
func (in *intake) space() []byte {
	in.room()
	return in.cur[in.end:]
}

func (in *intake) got(n int) {
	in.end += n
	in.full = in.end == chunkSize
}

// slotOf is the turn of the n-th camera.
func slotOf(n uint64) time.Duration {
	return maxGulps * gulp / gulpSlots * time.Duration(n/slotCameras%gulpSlots)
}

// pause waits for the camera's turn, or for somebody to watch.
func (in *intake) pause() {
	now := time.Now()
	whole := gulp * time.Duration(max(in.gulps, 1))
	wait := whole - (time.Duration(now.UnixNano())-in.slot)%whole
	if in.timer == nil {
		in.timer = time.NewTimer(wait)
	} else {
		in.timer.Reset(wait)
	}
	select {
	case <-in.timer.C:
	case <-in.hub.Joined():
		in.timer.Stop()
	}
}

// measure settles how long to wait the next time, by what this wait has brought.
func (in *intake) measure(n int) {
	in.gulps = max(in.gulps, 1)
	switch {
	case n > gulpBytes:
		in.gulps = 1 // a key frame, most likely
	case n*(in.gulps+1)/in.gulps <= gulpBytes:
		in.gulps = min(in.gulps+1, maxGulps)
	}
}

// eof turns the end of a stream into what a reader expects.
func eof(n int, err error) (int, error) {
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return max(n, 0), err
}
