package photos

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// persistent writes to a file and, where the disk is full, goes on once there is
// room.
type persistent struct {
	f    io.Writer
	full func() bool
}

func (w persistent) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if full(err) && w.full != nil && w.full() {
		var more int
		more, err = w.f.Write(p[n:])
		n += more
	}
	return n, err
}

// persist does something again once there is room for it on a full disk.
func (a *Album) persist(fn func() error) error {
	err := fn()
	if full(err) && a.Full != nil && a.Full() {
		err = fn()
	}
	return err
}

func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// writeFile makes a file with what fn writes and returns when it is on disk.
func (a *Album) writeFile(path string, fn func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	err = fn(persistent{f, a.Full})
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// commit gives a folder, whose files are on disk, its lasting name.
func commit(tmp, final, parent string) error {
	if err := syncFolder(tmp); err != nil {
		return storeError("store the photo", err)
	}
	if err := os.Rename(tmp, final); err != nil {
		return storeError("store the photo", err)
	}
	if err := syncFolder(parent); err != nil {
		return storeError("store the photo", err)
	}
	return nil
}

// makeFolder makes a folder with those above it, each on disk in its parent.
func makeFolder(path string) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: fs.ErrExist}
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(parent)
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
