package photos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// orphanAge is how old a photo without an incident must be to be removed: far
// older than any request can be.
const orphanAge = 24 * time.Hour

// sweptName is a file with the day up to which everything has been swept, so
// that a start does not walk years of photos.
const sweptName = ".swept"

// Sweep removes photos that no incident knows, and unfinished ones, where they
// are older than a day. Run it once after the start. known tells whether a
// photo belongs to an incident; where it fails, nothing more is removed.
func (a *Album) Sweep(ctx context.Context, known func(ctx context.Context, id string) (bool, error)) (removed int, err error) {
	until := a.Clock().Add(-orphanAge).UTC().Format("2006/01/02")
	from := a.sweptTo()
	days, err := filepath.Glob(filepath.Join(a.dir, "[0-9][0-9][0-9][0-9]", "[0-9][0-9]", "[0-9][0-9]"))
	if err != nil {
		return 0, fmt.Errorf("list photo folders: %w", err)
	}
	for _, dir := range days {
		rel, err := filepath.Rel(a.dir, dir)
		if err != nil {
			return removed, fmt.Errorf("list photo folders: %w", err)
		}
		day := filepath.ToSlash(rel)
		// The day of until itself is partly younger; it is the next one's start.
		if day < from || day >= until {
			continue
		}
		n, err := a.sweepDay(ctx, dir, known)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	if until <= from {
		return removed, nil
	}
	return removed, a.setSweptTo(until)
}

func (a *Album) sweepDay(ctx context.Context, dir string, known func(context.Context, string) (bool, error)) (removed int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("list photos: %w", err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		id := strings.TrimPrefix(e.Name(), ".")
		if day, err := a.dayOf(id); err != nil || day != dir {
			continue // not ours
		}
		if id == e.Name() {
			is, err := known(ctx, id)
			if err != nil {
				return removed, fmt.Errorf("look up photo %s: %w", id, err)
			}
			if is {
				continue
			}
		}
		if err := errors.Join(a.forget(id), os.RemoveAll(filepath.Join(dir, e.Name()))); err != nil {
			return removed, fmt.Errorf("remove orphan %s: %w", id, err)
		}
		removed++
	}
	return removed, nil
}

func (a *Album) sweptTo() string {
	b, err := os.ReadFile(filepath.Join(a.dir, sweptName))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (a *Album) setSweptTo(day string) error {
	path := filepath.Join(a.dir, sweptName)
	if _, err := os.Stat(a.dir); errors.Is(err, fs.ErrNotExist) {
		return nil // no photo yet
	}
	// Losing it costs one long walk: no fsync.
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(day+"\n"), 0o640); err != nil {
		return fmt.Errorf("note the sweep: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("note the sweep: %w", err)
	}
	return nil
}
