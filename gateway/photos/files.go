package photos

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile makes a file with what fn writes and returns when it is on disk.
func writeFile(path string, fn func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	err = fn(f)
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
