package rtsp

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"sharpeyes/streams"
	"sharpeyes/streams/record"
)

// BenchmarkRecord takes cameras in and records them: what both cost together.
// The record lies in the folder for temporary files.
func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{50, 100, 200} {
		b.Run(fmt.Sprintf("cameras=%d", n), func(b *testing.B) {
			rec := record.New(record.Options{Disks: []string{b.TempDir()}})
			if err := rec.Open(context.Background()); err != nil {
				b.Fatal(err)
			}
			defer rec.Close()
			benchIntake(b, n, func(fleet *streams.Fleet) {
				for i := range n {
					id := strconv.Itoa(i)
					hub, _, err := fleet.Acquire(id, streams.Main)
					if err == nil {
						_, err = rec.Follow(hub, id, streams.Main, record.Policy{})
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// written is what this process has handed to file systems, bytes.
func written(b *testing.B) int64 {
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("no write_bytes in /proc/self/io")
	return 0
}

// TestCameraClock takes the camera's time from its sender reports.
func TestCameraClock(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	cam := f.driven()
	pl := start(t, quick(), spec(f.serve()))
	c := <-cam
	c.gop(1, 3)
	pl.collect(4)
	if _, at := pl.hub.Clock(); !at.IsZero() {
		t.Error("a clock that was never told")
	}
	const ahead = 90 * time.Second
	ntp := func(at time.Time) uint64 { return uint64(at.Unix()+ntpEpoch) << 32 }
	c.control(&rtcp.SenderReport{SSRC: 99, NTPTime: ntp(time.Now())}) // somebody else's
	c.control(&rtcp.SenderReport{SSRC: 7, NTPTime: ntp(time.Now().Add(ahead))})
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		offset, at := pl.hub.Clock()
		if !at.IsZero() {
			if offset < ahead-patience || offset > ahead+time.Second {
				t.Errorf("the camera's clock is ahead by %v, want %v", offset, ahead)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the sender report is not taken")
		}
	}
}
