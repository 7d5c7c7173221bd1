package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dataVersion is the layout of the data folder; a binary opens its own alone.
const dataVersion = 1

// dataDir is the one folder that everything lies in. One process at a time.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes or opens the folder and locks it. Errors are sentences for
// the person at the terminal.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w. Name another with --data or data_dir, or give this user the right to write there", path, plain(err))
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be written: %w. Give this user the right, or name another folder", path, plain(err))
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("the data folder %s is in use by another gateway. Stop that one first, or name another folder", path)
	}
	d := &dataDir{path: path, lock: lock}
	if err := d.checkVersion(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *dataDir) checkVersion() error {
	file := d.file("VERSION")
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return writeDurable(file, []byte(strconv.Itoa(dataVersion)+"\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("the data folder %s cannot be read: %w", d.path, plain(err))
	}
	if v := strings.TrimSpace(string(raw)); v != strconv.Itoa(dataVersion) {
		return fmt.Errorf("the data folder %s has layout version %.20q, and this program knows version %d. Use the program that wrote it, or name another folder", d.path, v, dataVersion)
	}
	return nil
}

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *dataDir) close() { _ = d.lock.Close() }

// vaultKey returns the key that camera credentials are sealed with; it is made
// on the first start and never leaves the folder.
func (d *dataDir) vaultKey() ([]byte, error) {
	file := d.file("vault.key")
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		_, _ = rand.Read(key)
		return key, writeDurable(file, key, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be read: %w", file, plain(err))
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("the key file %s is damaged: it must hold 32 bytes. Restore it from a backup: without it no stored camera password can be read", file)
	}
	return key, nil
}

// writeDurable writes a file so that it is there whole, or not at all.
func writeDurable(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, plain(err))
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, plain(err))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sync()
}

// plain drops the operation and path that our sentence names already.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
