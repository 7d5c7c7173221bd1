// Package audit proves that the audit is whole.
//
// An entry is hashed over the one before (alerts.AuditHash), so that an edited,
// deleted or reordered entry shows in the audit itself. What does not show there,
// an end that was cut off or a chain that was written anew, shows against heads:
// number and hash of the newest entry, noted now and then in a file outside the
// database.
//
// Invariants:
//   - A file of heads is only ever appended to, one line a head, synced to the
//     disk before Note returns. Several processes may share one file.
//   - Verify reads each entry once and keeps a bounded part of what it read.
package audit

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// HeadsName is the name of the file of heads in its folder.
const HeadsName = "audit-heads.log"

// Head is the newest entry at some moment.
type Head struct {
	Seq  int64
	Hash string // 64 hex digits
	At   time.Time
}

// String is the head as a line of the file, without its end.
func (h Head) String() string {
	return strconv.FormatInt(h.Seq, 10) + " " + h.Hash + " " + h.At.UTC().Format(time.RFC3339)
}

// maxLine bounds a line of the file.
const maxLine = 256

// ParseHead reads a line: number, hash and time, each after one space.
func ParseHead(line string) (Head, error) {
	parts := strings.Split(line, " ")
	if len(line) > maxLine || len(parts) != 3 {
		return Head{}, errors.New("is not a number, a hash and a time")
	}
	seq, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || seq <= 0 || strconv.FormatInt(seq, 10) != parts[0] {
		return Head{}, errors.New("does not begin with the number of an entry")
	}
	if b, err := hex.DecodeString(parts[1]); err != nil || len(b) != 32 || strings.ToLower(parts[1]) != parts[1] {
		return Head{}, errors.New("holds no SHA-256 of 64 hex digits")
	}
	at, err := time.Parse(time.RFC3339, parts[2])
	h := Head{seq, parts[1], at.UTC()}
	if err != nil || h.String() != line {
		return Head{}, errors.New("ends without a time like 2026-11-24T08:00:00Z")
	}
	return h, nil
}

// File is a file of heads that is appended to.
type File struct{ f *os.File }

// OpenFile opens the file in a folder; both are made where they are not there.
func OpenFile(folder string) (*File, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("audit: folder of heads: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(folder, HeadsName), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: file of heads: %w", err)
	}
	// Its name must be on disk, too.
	dir, err := os.Open(folder)
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("audit: folder of heads: %w", err), f.Close())
	}
	return &File{f}, nil
}

// Note asks for the newest entry and appends it as a head; it returns when that
// is on disk. No other process notes one in between, so that heads never run
// back. Nothing is appended where the file's last head is the same.
func (f *File) Note(newest func() (Head, error)) error {
	if err := syscall.Flock(int(f.f.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("audit: lock heads: %w", err)
	}
	defer func() { _ = syscall.Flock(int(f.f.Fd()), syscall.LOCK_UN) }()
	h, err := newest()
	if err != nil || h.Seq == 0 {
		return err
	}
	if last, ok, err := f.Last(); err != nil || ok && last.Seq == h.Seq && last.Hash == h.Hash {
		return err
	}
	return f.append(h)
}

// append adds a line. One that a crash has cut short is ended first, so that it
// does not swallow this one.
func (f *File) append(h Head) error {
	line := h.String() + "\n"
	info, err := f.f.Stat()
	if err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err = f.f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	if err == nil {
		_, err = f.f.WriteString(line)
	}
	if err == nil {
		err = f.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("audit: write head: %w", err)
	}
	return nil
}

// Last returns the newest head in the file; ok is false where there is none that
// can be read.
func (f *File) Last() (h Head, ok bool, err error) {
	info, err := f.f.Stat()
	if err != nil {
		return Head{}, false, fmt.Errorf("audit: read heads: %w", err)
	}
	from := max(0, info.Size()-16*maxLine)
	tail, err := io.ReadAll(io.NewSectionReader(f.f, from, info.Size()-from))
	if err != nil {
		return Head{}, false, fmt.Errorf("audit: read heads: %w", err)
	}
	lines := strings.Split(string(tail), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if h, err := ParseHead(lines[i]); err == nil {
			return h, true, nil
		}
	}
	return Head{}, false, nil
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// heads reads a file line by line.
type heads struct {
	lines *bufio.Scanner
	line  int
}

func newHeads(r io.Reader) *heads {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, maxLine), 4*maxLine)
	s.Split(wholeLines)
	return &heads{lines: s}
}

// wholeLines leaves out a last line without an end: it was being written.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if atEOF && !strings.Contains(string(data), "\n") {
		return len(data), nil, nil
	}
	return bufio.ScanLines(data, atEOF)
}

// next returns the next head; ok is false at the end. An error with ok true is
// of this line alone.
func (h *heads) next() (head Head, ok bool, err error) {
	for h.lines.Scan() {
		h.line++
		text := h.lines.Text()
		if text == "" {
			continue
		}
		head, err := ParseHead(text)
		return head, true, err
	}
	return Head{}, false, h.lines.Err()
}
