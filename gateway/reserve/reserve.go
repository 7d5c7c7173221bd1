// Package reserve keeps room on a disk for the day that it is full: a file that
// is given up when something that matters cannot be written.
//
// Invariants:
//   - The room is really taken: the file's blocks are allocated.
//   - It is given up at most once until it was made again, and made again only
//     where as much stays free beside it, so that it never is what fills the disk.
package reserve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Defaults.
const (
	DefaultSize  = 64 << 20
	DefaultEvery = 10 * time.Second // between looks for room to make it again
)

// Reserve is one file. Set the exported fields before Open.
type Reserve struct {
	Path  string
	Size  int64
	Every time.Duration
	Log   *slog.Logger

	mu     sync.Mutex
	held   bool
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// New returns a reserve with defaults.
func New(path string) *Reserve {
	return &Reserve{Path: path, Size: DefaultSize, Every: DefaultEvery, Log: slog.New(slog.DiscardHandler), cancel: func() {}}
}

// Open takes the room, where there is some, and looks after it until Close. A
// disk that is full already is no error: there is no reserve then, until it has
// room.
func (r *Reserve) Open() error {
	if r.Size <= 0 || r.Every <= 0 {
		return errors.New("reserve: Size and Every must be above zero")
	}
	r.make()
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.done.Go(func() {
		tick := time.NewTicker(r.Every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.make()
			}
		}
	})
	return nil
}

// Close ends looking after it; the file stays.
func (r *Reserve) Close() {
	r.cancel()
	r.done.Wait()
}

// Release gives the room up. It tells whether there was any: then what could not
// be written is to be tried again.
func (r *Reserve) Release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.held {
		return false
	}
	r.held = false
	if err := os.Remove(r.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Log.Error("disk full, and the reserve cannot be given up", "error", err)
		return false
	}
	r.Log.Error("disk full: the reserve is in use; make room, or soon nothing can be stored", "bytes", r.Size)
	return true
}

// Held tells whether there is a reserve now.
func (r *Reserve) Held() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}

// make takes the room where it is not held and enough is free.
func (r *Reserve) make() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held {
		return
	}
	if info, err := os.Stat(r.Path); err == nil && info.Size() == r.Size {
		r.held = true // of an earlier run
		return
	}
	if err := os.Remove(r.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Log.Warn("reserve not made", "error", err)
		return
	}
	if free, err := free(filepath.Dir(r.Path)); err != nil || free < 2*r.Size {
		return // as long as the disk is full there is nothing to say
	}
	if err := r.take(); err != nil {
		_ = os.Remove(r.Path)
		r.Log.Warn("reserve not made", "error", err)
		return
	}
	r.held = true
}

// take writes the file under a name of its own first: what has the name is whole.
func (r *Reserve) take() error {
	tmp := r.Path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	if err := errors.Join(allocate(f, r.Size), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	return os.Rename(tmp, r.Path)
}

// free is what this user may still write to the disk of a folder.
func free(folder string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("reserve: %w", err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// write fills a file, for disks that cannot allocate without it. The blocks
// differ, so that no disk stores them as nothing.
func write(f *os.File, size int64) error {
	block := make([]byte, 1<<20)
	x := uint64(size) | 1
	for left := size; left > 0; left -= int64(len(block)) {
		for i := range block {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			block[i] = byte(x)
		}
		if left < int64(len(block)) {
			block = block[:left]
		}
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return nil
}
