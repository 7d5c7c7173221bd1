// Package photos takes in photos of incidents, keeps their originals and makes
// what is shown of them.
//
// Invariants:
//   - What is kept is the original, byte for byte, with its SHA-256. What is
//     shown is a JPEG made here from its pixels: no metadata, no trailing data,
//     upright.
//   - A photo is on disk, whole, before Accept returns; a crash leaves only
//     folders whose name begins with a dot, or photos that no incident knows.
//     Sweep removes both.
//   - The size of a picture is read and bounded before its pixels are.
//
// Under load: two pictures are decoded at once, in a bounded amount of memory;
// others wait as files.
package photos

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sharpeyes/alerts"

	"golang.org/x/sync/semaphore"
)

// Bounds.
const (
	MaxBytes  = 10 << 20
	MaxPixels = 40_000_000
	maxSide   = 32_768

	ShownSide = 1600 // longer side of the copy that is shown, pixels
	ThumbSide = 320

	decodesAtOnce = 2
	// decodeMemory is what the pictures being decoded may take together. The
	// greediest picture within the other bounds takes about 600 MB.
	decodeMemory = 640 << 20
	// decodeTime ends files that are small and slow on purpose.
	decodeTime = 20 * time.Second
)

// Names in a photo's folder.
const (
	originalName = "original"
	shownName    = "shown.jpg"
	thumbName    = "thumb.jpg"
)

// Album keeps photos below one folder: year/month/day/id, by the UTC day of the
// id.
type Album struct {
	Clock     alerts.Clock
	Log       *slog.Logger
	Full      func() bool    // makes room on a full disk and tells whether it has; nil: cannot
	Originals alerts.Objects // where originals are kept; nil: beside the copies

	dir        string
	decodeTime time.Duration // decodeTime
	decodes    chan struct{}
	memory     *semaphore.Weighted
}

// New returns an Album over a folder, which is made at the first photo.
func New(dir string) *Album {
	return &Album{
		Clock:      time.Now,
		Log:        slog.New(slog.DiscardHandler),
		dir:        dir,
		decodeTime: decodeTime,
		decodes:    make(chan struct{}, decodesAtOnce),
		memory:     semaphore.NewWeighted(decodeMemory),
	}
}

// Accept reads one picture to its end, checks it by its content, and stores it.
// Errors: Unsupported for what is no JPEG, PNG or still WebP, TooLarge over
// MaxBytes or MaxPixels, Invalid for a damaged picture, Unavailable for a full
// disk. On an error nothing is left behind.
func (a *Album) Accept(ctx context.Context, r io.Reader) (alerts.Photo, error) {
	id := alerts.NewID(a.Clock())
	day, err := a.dayOf(id)
	if err != nil {
		return alerts.Photo{}, err
	}
	if err := a.persist(func() error { return makeFolder(day) }); err != nil {
		return alerts.Photo{}, storeError("make the day's folder", err)
	}
	tmp := filepath.Join(day, "."+id)
	if err := a.persist(func() error { return os.Mkdir(tmp, 0o750) }); err != nil {
		return alerts.Photo{}, storeError("make the photo's folder", err)
	}
	photo, err := a.fill(ctx, tmp, id, r)
	if err == nil {
		err = commit(tmp, filepath.Join(day, id), day)
	}
	if err != nil {
		if rmErr := errors.Join(a.forget(id), os.RemoveAll(tmp)); rmErr != nil {
			a.Log.WarnContext(ctx, "photo folder not removed", "err", rmErr)
		}
		return alerts.Photo{}, err
	}
	return photo, nil
}

// fill writes the original and its copies into a folder.
func (a *Album) fill(ctx context.Context, tmp, id string, r io.Reader) (alerts.Photo, error) {
	photo, err := a.keepOriginal(tmp, r)
	if err != nil {
		return alerts.Photo{}, err
	}
	photo.ID = id
	f, err := os.Open(filepath.Join(tmp, originalName))
	if err != nil {
		return alerts.Photo{}, storeError("open the original", err)
	}
	defer f.Close()
	info, err := inspect(f, photo.Size)
	if err != nil {
		return alerts.Photo{}, err
	}
	photo.Type = info.format.mime()
	shown, err := a.copies(ctx, tmp, f, photo.Size, info)
	if err != nil {
		return alerts.Photo{}, err
	}
	photo.Width, photo.Height = shown.X, shown.Y
	if a.Originals == nil {
		return photo, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return alerts.Photo{}, storeError("read the original", err)
	}
	// Until the folder has its lasting name, Sweep takes the object away with it.
	if _, err := a.Originals.Put(ctx, alerts.PhotoKey(id), f); err != nil {
		return alerts.Photo{}, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return alerts.Photo{}, storeError("store the photo", err)
	}
	return photo, nil
}

// Original opens a photo as it was sent, wherever it was kept then; the error is
// NotFound where there is none. It is for checks of its hash, and shown to nobody.
func (a *Album) Original(ctx context.Context, id string) (io.ReadCloser, error) {
	day, err := a.dayOf(id)
	if err != nil {
		return nil, err
	}
	if a.Originals != nil {
		r, _, err := a.Originals.Get(ctx, alerts.PhotoKey(id), 0, -1)
		if err == nil || alerts.KindOf(err) != alerts.NotFound {
			return r, err
		}
	}
	f, err := os.Open(filepath.Join(day, id, originalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoPhoto(id)
	}
	if err != nil {
		return nil, fmt.Errorf("open photo %s: %w", id, err)
	}
	return f, nil
}

// forget takes an original away.
func (a *Album) forget(id string) error {
	if a.Originals == nil {
		return nil
	}
	return a.Originals.Remove(context.Background(), alerts.PhotoKey(id))
}

// keepOriginal copies the picture to its file, hashing on the way.
func (a *Album) keepOriginal(tmp string, r io.Reader) (alerts.Photo, error) {
	hash := sha256.New()
	in := &source{r: io.LimitReader(r, MaxBytes+1)}
	var size int64
	err := a.writeFile(filepath.Join(tmp, originalName), func(w io.Writer) (err error) {
		size, err = io.Copy(io.MultiWriter(w, hash), in)
		return err
	})
	switch {
	case in.err != nil:
		return alerts.Photo{}, in.err // the caller's: a broken or too large request
	case err != nil:
		return alerts.Photo{}, storeError("write the original", err)
	case size > MaxBytes:
		return alerts.Photo{}, alerts.Errorf(alerts.TooLarge, "a photo may have at most %d MB", MaxBytes>>20)
	case size == 0:
		return alerts.Photo{}, alerts.Errorf(alerts.Invalid, "the photo is empty")
	}
	return alerts.Photo{SHA256: hex.EncodeToString(hash.Sum(nil)), Size: size}, nil
}

// source tells reading errors from writing ones.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// Open opens what is shown of a photo, the JPEG of at most ShownSide or that of
// at most ThumbSide; the error is NotFound where there is none.
func (a *Album) Open(id string, thumb bool) (io.ReadSeekCloser, error) {
	day, err := a.dayOf(id)
	if err != nil {
		return nil, err
	}
	name := shownName
	if thumb {
		name = thumbName
	}
	f, err := os.Open(filepath.Join(day, id, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoPhoto(id)
	}
	if err != nil {
		return nil, fmt.Errorf("open photo %s: %w", id, err)
	}
	return f, nil
}

// Remove takes a photo back whose incident was not stored. A photo that is not
// there is no error.
func (a *Album) Remove(id string) error {
	day, err := a.dayOf(id)
	if err != nil {
		return err
	}
	// The rename makes it one step: a crash leaves what Sweep removes.
	gone := filepath.Join(day, "."+id)
	if err := os.Rename(filepath.Join(day, id), gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("remove photo %s: %w", id, err)
	}
	if err := errors.Join(a.forget(id), os.RemoveAll(gone)); err != nil {
		return fmt.Errorf("remove photo %s: %w", id, err)
	}
	return nil
}

// idLetters are those of alerts.NewID, whose first 48 bits are milliseconds.
const idLetters = "0123456789abcdefghjkmnpqrstvwxyz"

// dayOf returns the folder of an id's day. It is the one place where an id
// becomes a part of a path: what is no id of ours is refused.
func (a *Album) dayOf(id string) (string, error) {
	if len(id) != 26 || strings.Trim(id, idLetters) != "" {
		return "", errNoPhoto("")
	}
	raw, err := base32.NewEncoding(idLetters).WithPadding(base32.NoPadding).DecodeString(id)
	if err != nil || len(raw) != 16 {
		return "", errNoPhoto("")
	}
	day := time.UnixMilli(int64(binary.BigEndian.Uint64(raw) >> 16)).UTC()
	return filepath.Join(a.dir, day.Format("2006"), day.Format("01"), day.Format("02")), nil
}

func errNoPhoto(id string) error {
	if id == "" {
		return alerts.Errorf(alerts.NotFound, "there is no such photo")
	}
	return alerts.Errorf(alerts.NotFound, "there is no photo %s", id)
}

func storeError(what string, err error) error {
	if full(err) {
		return &alerts.Error{Kind: alerts.Unavailable, Message: "there is no room for photos at the moment; " +
			"send the report without photos, or again later", Err: err}
	}
	return fmt.Errorf("%s: %w", what, err)
}
