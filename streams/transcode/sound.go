package transcode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"sharpeyes/streams"
)

const (
	opusRate = 48000
	// maxSounds bounds the access units whose time is remembered: ten seconds.
	maxSounds = 1024
	aacFrame  = 1024 // samples (ISO/IEC 14496-3 4.5.2)
)

// sound makes Opus of AAC.
type sound struct {
	job    *job
	first  *streams.Desc
	header [7]byte

	mu     sync.Mutex
	latest *streams.Desc
	times  []int64 // of access units that went in, in the source's clock
	gone   int64   // access units before those
	next   int64   // time of what comes out next, at 48 kHz, if nothing is missing
	begun  bool
}

// maxSlip is by how much what comes out may be off its time. Below that one
// packet's time follows from the one before: a browser fills a gap of a single
// sample, made by rounding, with sound of its own.
const maxSlip = opusRate / 20

func (s *sound) wants(k streams.Kind) bool { return k == streams.Audio }

var errSound = errors.New("the camera's AAC is of a kind that cannot be transcoded")

func (s *sound) accept(f *streams.Frame) ([]string, error) {
	s.first = f.Desc
	if f.Desc.Audio != streams.AAC || f.Desc.AudioRate <= 0 {
		return nil, fmt.Errorf("%w: %s", errSound, f.Desc.Audio)
	}
	var err error
	if s.header, err = adts(f.Desc.AudioConfig); err != nil {
		return nil, err
	}
	channels := channelsOf(f.Desc)
	return []string{"-probesize", "8k", "-analyzeduration", "1", "-f", "aac", "-i", "pipe:0", "-map", "0:a:0", "-vn",
		"-ac", strconv.Itoa(channels), "-ar", strconv.Itoa(opusRate), "-c:a", "libopus", "-b:a", strconv.Itoa(32*channels) + "k",
		"-frame_duration", "20", "-f", "ogg", "-page_duration", "1", "-flush_packets", "1", "pipe:1"}, nil
}

// channelsOf is how many channels are made of a source's.
func channelsOf(d *streams.Desc) int { return min(2, max(1, d.AudioChannels)) }

// adts makes a header without its size (ISO/IEC 14496-3 1.A.2.2) of an
// AudioSpecificConfig (1.6.2.1).
func adts(config []byte) (h [7]byte, err error) {
	if len(config) < 2 {
		return h, errSound
	}
	kind, rate, channels := config[0]>>3, config[0]&7<<1|config[1]>>7, config[1]>>3&15
	switch {
	case kind == 5 || kind == 29: // SBR, PS: the decoder finds them in low complexity
		kind = 2
	case kind < 1 || kind > 4:
		return h, fmt.Errorf("%w: object type %d", errSound, kind)
	}
	if rate > 12 || channels > 7 {
		return h, fmt.Errorf("%w: sampling index %d, channels %d", errSound, rate, channels)
	}
	return [7]byte{0xff, 0xf1, (kind-1)<<6 | rate<<2 | channels>>2, channels << 6, 0, 0x1f, 0xfc}, nil
}

func (s *sound) encode(f *streams.Frame) ([]byte, error) {
	if d := f.Desc; d != s.first && (d.Audio != s.first.Audio || !bytes.Equal(d.AudioConfig, s.first.AudioConfig)) {
		return nil, errChanged
	}
	size := len(s.header) + f.Size
	b := make([]byte, 0, size)
	b = append(b, s.header[:]...)
	b[3] |= byte(size >> 11)
	b[4] = byte(size >> 3)
	b[5] |= byte(size << 5)
	for _, p := range f.Payloads {
		b = append(b, p...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = f.Desc
	s.times = append(s.times, f.PTS)
	if over := len(s.times) - maxSounds; over > 0 {
		s.times, s.gone = s.times[over:], s.gone+int64(over)
	}
	return b, nil
}

// stamp gives the time of what begins so many samples, at 48 kHz, after the first
// access unit, and is so many long: that of the access unit it lies in, and the
// rest.
func (s *sound) stamp(sample, long int64) (pts int64, source *streams.Desc, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rate := int64(s.first.AudioRate)
	at := sample * rate / opusRate // in the source's clock
	n := max(0, at/aacFrame-s.gone)
	if len(s.times) == 0 {
		return 0, nil, false
	}
	n = min(n, int64(len(s.times)-1))
	pts = s.times[n] + at - (s.gone+n)*aacFrame
	s.times, s.gone = s.times[n:], s.gone+n
	pts = pts * opusRate / rate
	if off := pts - s.next; s.begun && off > -maxSlip && off < maxSlip {
		pts = s.next
	}
	s.begun, s.next = true, pts+long
	return pts, s.latest, true
}

func (s *sound) decode(r io.Reader, made func()) error {
	return readOpus(r, func(start int64, packet []byte) {
		pts, source, ok := s.stamp(start, opusSamples(packet))
		if !ok {
			return
		}
		if f := streams.NewAudioFrame(s.job.describe(source, nil), packet, pts); f != nil {
			s.job.hub.Publish(f)
			made()
		}
	})
}
