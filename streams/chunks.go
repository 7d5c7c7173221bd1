package streams

import "sync"

// chunk is the memory of one payload of the picture. Pictures come by megabytes a
// second and are needed for seconds: the next ones are written where those lay that
// everybody has done with, which leaves the garbage collector little to do.
type chunk [MaxPayload]byte

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// newChunk returns an empty payload with room for MaxPayload bytes.
func newChunk() []byte { return chunks.Get().(*chunk)[:0] }

// hold says that somebody more needs the frame.
func (f *Frame) hold() { f.holders.Add(1) }

// Release says that one who got the frame has done with it: neither it nor its
// payloads may be looked at again, nor what shares their memory (Units). Nobody
// has to say so: a frame that is not released is left to the garbage collector.
func (f *Frame) Release() {
	if f.holders.Add(-1) != 0 || !f.pooled {
		return
	}
	for _, p := range f.Payloads {
		chunks.Put((*chunk)(p[:MaxPayload]))
	}
	f.Payloads = nil
}

// frameSize is about what a frame takes beside its payloads.
const frameSize = 256

// memory is what the frame takes, in bytes.
func (f *Frame) memory() int {
	if f.pooled {
		return frameSize + len(f.Payloads)*MaxPayload
	}
	return frameSize + f.Size
}

// Described returns the same picture or sound with another description. The frame
// that it was made of must not be released.
func (f *Frame) Described(d *Desc) *Frame {
	return &Frame{Kind: f.Kind, Key: f.Key, PTS: f.PTS, At: f.At, Payloads: f.Payloads, Size: f.Size, Aside: f.Aside, Desc: d}
}
