package whep

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"sharpeyes/streams"
)

// source is a camera whose pictures carry their number all through.
type source struct {
	hub *streams.Hub
	gop int // pictures
	end chan struct{}
	wg  sync.WaitGroup

	mu    sync.Mutex
	desc  *streams.Desc
	n     uint32 // of the next picture
	k     int    // of the next picture in its GOP
	pts   int64
	size  int           // bytes of a picture; a key frame has eight times as many
	ahead time.Duration // how far the hub's clock is behind ours
	still bool
	at    map[uint32]time.Time // when each picture was published
}

const pictureTime = 40 * time.Millisecond // 25 pictures a second

// newSource starts a camera; gone pictures of the first GOP are past already.
func newSource(t *testing.T, gop, gone int) *source {
	t.Helper()
	c := &source{gop: gop, size: 2_500, end: make(chan struct{}), at: map[uint32]time.Time{}}
	c.desc = &streams.Desc{Video: streams.H264, Audio: streams.PCMA, Width: 1920, Height: 1080,
		SPS: []byte{0x67, 0x4d, 0, 0x28}, PPS: []byte{0x68, 1}}
	c.hub = streams.NewHub("cam000", streams.Main, func() time.Time { return time.Now().Add(-c.ahead) }, nil)
	for i := gone; i > 0; i-- {
		c.ahead = time.Duration(i) * pictureTime
		c.publish()
	}
	c.ahead = 0
	c.wg.Go(c.run)
	t.Cleanup(func() { close(c.end); c.wg.Wait() })
	return c
}

func (c *source) run() {
	tick := time.NewTicker(pictureTime)
	defer tick.Stop()
	for {
		c.mu.Lock()
		if !c.still {
			c.publish()
		}
		c.mu.Unlock()
		select {
		case <-tick.C:
		case <-c.end:
			return
		}
	}
}

// publish sends a picture and its sound. A slice begins with its first
// macroblock (0) and its type (7: I, 5: P), as H.264 7.3.3 has it.
func (c *source) publish() {
	key := c.k%c.gop == 0
	head, size := []byte{0x41, 0x9a, 0, 0}, c.size
	if key {
		head, size = []byte{0x65, 0x88, 0, 0}, 8*c.size
	}
	nal := append(make([]byte, 0, size), head...)
	for len(nal)+4 <= size {
		nal = binary.BigEndian.AppendUint32(nal, c.n|1<<31) // no start code within
	}
	c.at[c.n] = time.Now()
	c.hub.Publish(streams.NewVideoFrame(c.desc, [][]byte{nal}, c.pts))
	c.hub.Publish(streams.NewAudioFrame(c.desc, make([]byte, 320), c.pts*8/90))
	c.n, c.k, c.pts = c.n+1, c.k+1, c.pts+3600
}

// now is the number of the newest picture.
func (c *source) now() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n - 1
}

// kept is the number of the newest key frame.
func (c *source) kept() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n - 1 - uint32((c.k-1)%c.gop)
}

func (c *source) published(n uint32) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at[n]
}

// change does something between two pictures.
func (c *source) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}
