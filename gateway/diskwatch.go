package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/streams/record"
)

// Kinds of the alarms that the recorder's disks raise.
const (
	alarmDiskLow    = "record.disk_low"
	alarmDiskFailed = "record.disk_failed"
)

const (
	// failedFor is how long a disk that did not take a file is said to have failed.
	failedFor    = time.Hour
	diskNews     = 256 // what is told faster than it can be raised is left out: it comes again
	diskAlarmFor = 10 * time.Second
)

// diskWatch raises an alarm on the desk when a disk of the recorder runs full,
// before it is, or fails: once, until it was well again.
type diskWatch struct {
	desk *desk.Desk
	log  *slog.Logger
	now  func() time.Time
	news chan record.DiskState
	stop chan struct{}
	wg   sync.WaitGroup

	low    map[string]bool      // of one goroutine, as is failed
	failed map[string]time.Time // the last time
}

func newDiskWatch(d *desk.Desk, log *slog.Logger) *diskWatch {
	return &diskWatch{desk: d, log: log, now: time.Now, news: make(chan record.DiskState, diskNews), stop: make(chan struct{}),
		low: map[string]bool{}, failed: map[string]time.Time{}}
}

// told takes news of a disk; it does not block.
func (w *diskWatch) told(st record.DiskState) {
	select {
	case w.news <- st:
	default:
	}
}

func (w *diskWatch) open() {
	w.wg.Go(func() {
		for {
			select {
			case st := <-w.news:
				w.take(st)
			case <-w.stop:
				return
			}
		}
	})
}

func (w *diskWatch) close() {
	close(w.stop)
	w.wg.Wait()
}

func (w *diskWatch) take(st record.DiskState) {
	name := filepath.Base(st.Path)
	now := w.now()
	if st.Err != nil {
		at, known := w.failed[st.Path]
		if known && now.Sub(at) < failedFor || w.raise(alarmDiskFailed, st.Path, alerts.Critical,
			fmt.Sprintf("录像写入失败（磁盘 %s），正在重试 / Recordings cannot be written to the disk %s; it is tried again", name, name)) {
			w.failed[st.Path] = now
		}
		return
	}
	if st.Low == w.low[st.Path] {
		return
	}
	free := float64(st.Free) / (1 << 30)
	if !st.Low || w.raise(alarmDiskLow, st.Path, alerts.High,
		fmt.Sprintf("录像磁盘 %s 将满，剩余 %.1f GiB，之后将提前删除最早的录像 / The disk of recordings %s is nearly full, %.1f GiB are left: the oldest footage will go before its time",
			name, free, name, free)) {
		w.low[st.Path] = st.Low
	}
}

// raise counts an alarm of a disk once a day at most, over restarts, too. It is
// tried again with the next news where it fails.
func (w *diskWatch) raise(kind, path string, severity alerts.Severity, text string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), diskAlarmFor)
	defer cancel()
	id := fmt.Sprintf("%s %s %s", kind, path, w.now().UTC().Format(time.DateOnly))
	err := w.desk.RaiseOwn(ctx, kind, id, severity, text)
	if err != nil {
		w.log.Error("an alarm of the recorder could not be raised", "kind", kind, "error", err)
	}
	return err == nil
}
