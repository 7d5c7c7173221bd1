package streams

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

var plain = &Desc{Video: H264, SPS: []byte{0x67, 0x42, 0, 0x1f}, PPS: []byte{0x68, 1}}

// numbered is a picture all of whose bytes tell its number.
func numbered(n uint32, key bool, size int) *Frame {
	nal := make([]byte, max(size, 8))
	nal[0] = 0x41
	if key {
		nal[0] = 0x65
	}
	nal[1] = 0x88
	binary.BigEndian.PutUint32(nal[2:], n)
	for i := 6; i < len(nal); i++ {
		nal[i] = byte(n) | 1
	}
	return NewVideoFrame(plain, [][]byte{nal}, int64(n)*3600)
}

// numberOf reads it again, and fails where some of the bytes are another's.
func numberOf(f *Frame) (uint32, error) {
	all := Units(f)
	if len(all) == 0 {
		return 0, fmt.Errorf("a picture without NAL units")
	}
	nal := all[len(all)-1] // a key frame has parameter sets before it
	n := binary.BigEndian.Uint32(nal[2:])
	for i := 6; i < len(nal); i++ {
		if nal[i] != byte(n)|1 {
			return 0, fmt.Errorf("picture %d of %d bytes: byte %d is another's", n, len(nal), i)
		}
	}
	return n, nil
}

// TestHeldPicturesStay has readers hold pictures while the memory of others is
// written anew: nobody's picture changes before he has released it, nor the one
// of somebody who never does.
func TestHeldPicturesStay(t *testing.T) {
	type held struct {
		f *Frame
		n uint32
	}
	h := NewHub("cam", Main, time.Now, nil)
	read := func(seed uint64, patience int, release bool) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		wake := make(chan struct{}, 1)
		r := h.NewReader(func() { tell(wake) })
		defer r.Close()
		var all []held
		drop := func(least int) {
			for len(all) > least {
				i := rnd.IntN(len(all))
				if n, err := numberOf(all[i].f); err != nil || n != all[i].n {
					t.Errorf("picture %d became %d: %v", all[i].n, n, err)
				}
				if release {
					all[i].f.Release()
				}
				all[i] = all[len(all)-1]
				all = all[:len(all)-1]
			}
		}
		defer drop(0)
		for got := 0; got < 2000 && !t.Failed(); {
			f, _ := r.Next()
			if f == nil {
				<-wake
				continue
			}
			n, err := numberOf(f)
			if err != nil {
				t.Error(err)
			}
			if all = append(all, held{f, n}); len(all) > patience {
				drop(rnd.IntN(patience + 1))
			}
			if got++; rnd.IntN(300) == 0 {
				r.Skip(true)
			}
		}
	}
	var readers sync.WaitGroup
	for k, patience := range []int{0, 1, 5, 48, 48} {
		readers.Go(func() { read(uint64(k), patience, k != 4) })
	}
	over := make(chan struct{})
	go func() { readers.Wait(); close(over) }()
	var last held
	for n := uint32(0); ; n++ {
		select {
		case <-over:
			return
		default:
		}
		h.Publish(numbered(n, n%25 == 0, rand.IntN(9000)))
		switch rand.IntN(200) {
		case 0:
			h.Interrupt()
		case 1:
			h.Drop()
		case 2:
			if last.f != nil {
				if got, err := numberOf(last.f); err != nil || got != last.n {
					t.Errorf("key frame %d became %d: %v", last.n, got, err)
				}
				last.f.Release()
			}
			if last.f = h.KeyFrame(); last.f != nil {
				last.n, _ = numberOf(last.f)
			}
		}
	}
}

// TestMemoryIsUsedAgain counts what pictures cost once nobody needs the first.
func TestMemoryIsUsedAgain(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	h := NewHub("cam", Main, func() time.Time { return now }, nil)
	r := h.NewReader(func() {})
	defer r.Close()
	const size = 60_000
	nal := make([]byte, size)
	nal[0], nal[1] = 0x65, 0x88
	show := func(pictures int) {
		for k := range pictures {
			now = now.Add(100 * time.Millisecond)
			h.Publish(NewVideoFrame(plain, [][]byte{nal}, int64(k)*9000))
			f, _ := r.Next()
			f.Release()
		}
	}
	show(100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	show(1000)
	runtime.ReadMemStats(&after)
	// The race detector has sync.Pool forget a quarter.
	if made := after.TotalAlloc - before.TotalAlloc; made > 1000*size/2 {
		t.Errorf("%d bytes made for %d of pictures", made, 1000*size)
	}
}

// TestTinyPicturesAreBounded has a camera send pictures that take far more room
// than they have bytes.
func TestTinyPicturesAreBounded(t *testing.T) {
	h := NewHub("cam", Main, time.Now, nil)
	h.Publish(numbered(0, true, 8))
	for n := range uint32(20_000) {
		h.Publish(numbered(n+1, false, 8))
	}
	if took := len(h.frames) * (frameSize + MaxPayload); took > MaxKeepBytes || len(h.frames) < 1000 {
		t.Errorf("%d pictures are kept, which take %d bytes", len(h.frames), took)
	}
}
