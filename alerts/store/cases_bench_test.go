package store_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"sharpeyes/alerts/store"
)

// BenchmarkCaseWrites is the load generator of case writes: many officers at
// once, each waiting until his move is on the disk before the next. A write is
// what the desk's is: the case read and saved, a move with its hash, an entry of the audit, an event.
func BenchmarkCaseWrites(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "sharpeyes.db"))
			defer s.Close()
			store.SeedTown(b, s)
			const cases = 2000
			store.SeedCases(b, s, cases)
			var n atomic.Int64
			b.SetParallelism((writers + 1) / 2) // times GOMAXPROCS
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					if err := (worker{}).step(s, store.SeedID(int(i%cases)+1), int(i)); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}
