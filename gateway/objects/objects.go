// Package objects keeps evidence and the originals of photos in a folder: the
// default of the Objects contract.
//
// Invariants:
//   - An object is on the disk, whole, before Put returns: a temporary name,
//     fsync, a link that fails where the key is taken, fsync of the folder.
//   - A key becomes a path in one place, after alerts.CheckObjectKey; whatever it
//     is, it lies below the folder.
//   - A crash leaves only files below ".part", which Open removes.
package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"sharpeyes/alerts"
)

// partName is the folder of what is being written.
const partName = ".part"

// Folder implements alerts.Objects.
type Folder struct{ dir string }

var _ alerts.Objects = (*Folder)(nil)

// Open makes the folder where it is missing and removes what a crash left.
func Open(dir string) (*Folder, error) {
	part := filepath.Join(dir, partName)
	if err := os.RemoveAll(part); err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	if err := os.MkdirAll(part, 0o750); err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	return &Folder{dir}, nil
}

func (f *Folder) path(key string) (string, error) {
	if err := alerts.CheckObjectKey(key); err != nil {
		return "", err
	}
	return filepath.Join(f.dir, filepath.FromSlash(key)), nil
}

// Put keeps an object.
func (f *Folder) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	path, err := f.path(key)
	if err != nil {
		return 0, err
	}
	if _, err := os.Lstat(path); err == nil {
		return 0, errTaken(key)
	}
	tmp, err := os.CreateTemp(filepath.Join(f.dir, partName), "put-")
	if err != nil {
		return 0, diskError(err)
	}
	defer os.Remove(tmp.Name())
	in := &source{ctx: ctx, r: r}
	n, err := io.Copy(tmp, in)
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	switch {
	case in.err != nil:
		return 0, in.err
	case err != nil:
		return 0, diskError(err)
	}
	if err := makeFolder(f.dir, filepath.Dir(path)); err != nil {
		return 0, diskError(err)
	}
	// A link, since a rename would replace what is there.
	if err := os.Link(tmp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return 0, errTaken(key)
		}
		return 0, diskError(err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return 0, diskError(err)
	}
	return n, nil
}

func errTaken(key string) error {
	return alerts.Errorf(alerts.Conflict, "the object %s exists already", key)
}

// source tells reading errors from writing ones, and ends with its context.
type source struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// Get returns bytes of an object.
func (f *Folder) Get(_ context.Context, key string, from, n int64) (io.ReadCloser, int64, error) {
	path, err := f.path(key)
	if err != nil {
		return nil, 0, errNone(key)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, 0, errNone(key)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("objects: %w", err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, 0, errors.Join(fmt.Errorf("objects: %w", err), file.Close())
	case !info.Mode().IsRegular():
		return nil, 0, errors.Join(errNone(key), file.Close())
	case from < 0 || from > info.Size():
		return nil, 0, errors.Join(alerts.Errorf(alerts.Invalid, "the object has %d bytes: none can be read from %d on", info.Size(), from), file.Close())
	}
	if left := info.Size() - from; n < 0 || n > left {
		n = left
	}
	return &section{io.NewSectionReader(file, from, n), file}, info.Size(), nil
}

// section is a part of a file.
type section struct {
	*io.SectionReader
	f *os.File
}

func (s *section) Close() error { return s.f.Close() }

func errNone(key string) error {
	return alerts.Errorf(alerts.NotFound, "there is no object %.200q", key)
}

// Remove takes an object away.
func (f *Folder) Remove(_ context.Context, key string) error {
	path, err := f.path(key)
	if err != nil {
		return nil
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("objects: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// List returns objects in the order of their keys.
func (f *Folder) List(ctx context.Context, prefix, after string, limit int) ([]alerts.ObjectInfo, error) {
	var out []alerts.ObjectInfo
	var walk func(folder string) error
	walk = func(folder string) error {
		entries, err := os.ReadDir(filepath.Join(f.dir, filepath.FromSlash(folder)))
		if err != nil {
			return err
		}
		// A folder's objects stand where its name with a slash does.
		keyOf := func(e fs.DirEntry) string {
			key := e.Name()
			if folder != "" {
				key = folder + "/" + key
			}
			if e.IsDir() {
				key += "/"
			}
			return key
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(keyOf(a), keyOf(b)) })
		for _, e := range entries {
			key := keyOf(e)
			if len(out) >= limit || ctx.Err() != nil {
				return ctx.Err()
			}
			switch {
			case e.Name()[0] == '.':
			case e.IsDir():
				if (strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key)) && (key > after || strings.HasPrefix(after, key)) {
					if err := walk(strings.TrimSuffix(key, "/")); err != nil {
						return err
					}
				}
			case strings.HasPrefix(key, prefix) && key > after && e.Type().IsRegular():
				info, err := e.Info()
				if errors.Is(err, fs.ErrNotExist) {
					continue // removed meanwhile
				}
				if err != nil {
					return err
				}
				out = append(out, alerts.ObjectInfo{Key: key, Size: info.Size()})
			}
		}
		return nil
	}
	if err := walk(""); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("objects: list: %w", err)
	}
	return out, nil
}

// makeFolder makes a folder below top with those above it, each on disk in its
// parent.
func makeFolder(top, path string) error {
	err := os.Mkdir(path, 0o750)
	switch {
	case err == nil:
		return syncFolder(filepath.Dir(path))
	case errors.Is(err, fs.ErrExist):
		return nil
	case !errors.Is(err, fs.ErrNotExist) || path == top:
		return err
	}
	if err := makeFolder(top, filepath.Dir(path)); err != nil {
		return err
	}
	return makeFolder(top, path)
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &alerts.Error{Kind: alerts.Unavailable, Message: "there is no room for evidence at the moment: make some, and try again", Err: err}
	}
	return fmt.Errorf("objects: %w", err)
}
