package rtsp

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

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
