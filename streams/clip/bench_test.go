package clip

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sharpeyes/streams"
)

// BenchmarkMinute cuts a minute out of 30 days of minute-long segments at 2 Mbit/s,
// to a file that is synced. The segments that are not asked for are names alone.
func BenchmarkMinute(b *testing.B) {
	dir := b.TempDir()
	f := shoot(b, "x264", "320x180", 1, 0)
	for i, au := range f.aus { // up to 10 KB a picture
		n := 10_000 - len(bytes.Join(au, nil))
		f.aus[i] = append(slices.Clone(au), append([]byte{6}, bytes.Repeat([]byte{0xff}, max(n, 1))...))
	}
	r := openRingOf(b, dir, time.Minute)
	r.roll(f, 0, 3*1500, nil)
	r.rest(0)
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	days(b, dir)
	r = openRingOf(b, dir, time.Minute)
	all := r.Segments("cam1", streams.Main, noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	from := noon.Add(43 * time.Second)
	for b.Loop() {
		out, err := os.CreateTemp(b.TempDir(), "clip")
		if err != nil {
			b.Fatal(err)
		}
		cuts, err := Plan(context.Background(), r, "cam1", streams.Main, from, from.Add(time.Minute))
		if err != nil || len(cuts) != 1 || cuts[0].Frames != 1500 {
			b.Fatalf("%d clips: %v", len(cuts), err)
		}
		if err := cuts[0].Write(context.Background(), io.MultiWriter(out, sha256.New()), nil); err != nil {
			b.Fatal(err)
		}
		if err := out.Sync(); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(cuts[0].Bytes)
		_ = out.Close()
	}
	b.ReportMetric(float64(len(all)), "segments")
}

// days fills the 29 days around with segments that lie beside each other, and the
// indexes that name them.
func days(b *testing.B, dir string) {
	b.Helper()
	profile := filepath.Join(dir, "c-cam1", "main")
	dummy := filepath.Join(dir, "dummy")
	if err := os.WriteFile(dummy, []byte("nothing is read of it"), 0o600); err != nil {
		b.Fatal(err)
	}
	for day := range 30 {
		folder := filepath.Join(profile, noon.AddDate(0, 0, 15-day).Format("20060102"))
		if err := os.MkdirAll(folder, 0o750); err != nil {
			b.Fatal(err)
		}
		have, err := filepath.Glob(filepath.Join(folder, "*.mp4"))
		if err != nil {
			b.Fatal(err)
		}
		if len(have) > 0 {
			continue // the real ones, with their own index
		}
		var index []byte
		for m := range 1440 {
			at := uint32(m * 60_000)
			if err := os.Link(dummy, filepath.Join(folder, fmt.Sprintf("%08d-0.mp4", at))); err != nil {
				b.Fatal(err)
			}
			n := len(index)
			index = append(index, 'S', 0, 0, 0)
			for _, v := range []uint32{at, 60_000, 21} {
				index = binary.BigEndian.AppendUint32(index, v)
			}
			index = binary.BigEndian.AppendUint32(index, crc32.ChecksumIEEE(index[n:]))
		}
		if err := os.WriteFile(filepath.Join(folder, "index.log"), index, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}
