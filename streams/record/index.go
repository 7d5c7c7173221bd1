package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	indexName = "index.log"
	dayName   = "20060102"
	dayMillis = 24 * 60 * 60 * 1000
	// recordSize is the size of a record of the index: kind, cause, two zero
	// bytes, start in ms of the day, length in ms, bytes, CRC-32 of these.
	recordSize = 20
	// maxIndex bounds what is read of a day: a segment a second, made and deleted.
	maxIndex = 2 * 86400 * recordSize
)

// Kinds of records.
const (
	made    = 'S'
	removed = 'D'
)

// entry is one segment in 12 bytes: 30 days of 500 cameras at a segment a minute
// are 21.6 million of them.
type entry struct {
	at   uint32 // ms after midnight UTC; names the file
	span uint32 // ms << 4 | Cause
	size uint32 // bytes
}

func newEntry(at uint32, span time.Duration, size int64, why Cause) entry {
	return entry{at: at, span: uint32(min(span.Milliseconds(), 1<<28-1))<<4 | uint32(why), size: uint32(size)}
}

func (e entry) millis() int64 { return int64(e.span >> 4) }
func (e entry) why() Cause    { return Cause(e.span & 15) }
func (e entry) name() string  { return fmt.Sprintf("%08d-%d.mp4", e.at, e.why()) }

// day is the segments of one stream that began on one day, on one disk.
type day struct {
	dir     string
	from    int64 // midnight UTC, Unix ms
	entries []entry
}

func (d *day) path(e entry) string { return filepath.Join(d.dir, e.name()) }
func (d *day) start(e entry) int64 { return d.from + int64(e.at) }

// find returns where an entry with this start is or belongs.
func (d *day) find(at uint32) (int, bool) {
	return slices.BinarySearchFunc(d.entries, at, func(e entry, at uint32) int {
		return int(int64(e.at) - int64(at))
	})
}

// parseName is the inverse of entry.name, but for length and size.
func parseName(name string) (entry, bool) {
	at, why, ok := strings.Cut(strings.TrimSuffix(name, ".mp4"), "-")
	if !ok || !strings.HasSuffix(name, ".mp4") {
		return entry{}, false
	}
	a, err1 := strconv.ParseUint(at, 10, 32)
	w, err2 := strconv.ParseUint(why, 10, 4)
	e := entry{at: uint32(a), span: uint32(w)}
	return e, err1 == nil && err2 == nil && a < dayMillis && e.name() == name
}

func appendRecord(b []byte, kind byte, e entry) []byte {
	at := len(b)
	b = append(b, kind, byte(e.why()), 0, 0)
	b = binary.BigEndian.AppendUint32(b, e.at)
	b = binary.BigEndian.AppendUint32(b, e.span>>4)
	b = binary.BigEndian.AppendUint32(b, e.size)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[at:]))
}

// parseIndex returns what a day's index says, up to the first record that is
// torn or altered, and whether all of it was good.
func parseIndex(b []byte) (map[uint32]entry, bool) {
	out := map[uint32]entry{}
	for len(b) >= recordSize {
		r := b[:recordSize]
		if crc32.ChecksumIEEE(r[:16]) != binary.BigEndian.Uint32(r[16:]) {
			return out, false
		}
		e := entry{at: binary.BigEndian.Uint32(r[4:]), span: binary.BigEndian.Uint32(r[8:])<<4 | uint32(r[1]&15),
			size: binary.BigEndian.Uint32(r[12:])}
		switch r[0] {
		case made:
			out[e.at] = e
		case removed:
			delete(out, e.at)
		default:
			return out, false
		}
		b = b[recordSize:]
	}
	return out, len(b) == 0
}

// log appends a record to the day's index and brings it to the disk.
func (d *day) log(kind byte, e entry) error {
	f, err := os.OpenFile(filepath.Join(d.dir, indexName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	_, err = f.Write(appendRecord(nil, kind, e))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

// sweep makes a day's files and its index agree: a half part at the end of a
// file is cut off, a file without a whole part goes, entries come from the
// files where the index does not know them.
func (d *day) sweep() error {
	b, err := readAtMost(filepath.Join(d.dir, indexName), maxIndex)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read index: %w", err)
	}
	known, good := parseIndex(b)
	files, err := os.ReadDir(d.dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	d.entries = d.entries[:0]
	matched := 0
	for _, file := range files {
		e, ok := parseName(file.Name())
		if !ok || !file.Type().IsRegular() {
			continue
		}
		info, err := file.Info()
		if err != nil {
			return fmt.Errorf("read folder: %w", err)
		}
		if k, ok := known[e.at]; ok && k.name() == e.name() && int64(k.size) == info.Size() {
			d.entries = append(d.entries, k)
			matched++
			continue
		}
		good = false
		e, ok, err = mend(d.path(e), e, info.Size())
		if err != nil {
			return err
		}
		if ok {
			d.entries = append(d.entries, e)
		}
	}
	slices.SortFunc(d.entries, func(a, b entry) int { return int(int64(a.at) - int64(b.at)) })
	if good && matched == len(known) {
		return nil
	}
	return d.rewrite()
}

// mend cuts off what is not whole; false: nothing was left and the file is gone.
func mend(path string, e entry, size int64) (entry, bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return e, false, fmt.Errorf("mend segment: %w", err)
	}
	defer f.Close()
	s, err := scan(f, size)
	if err != nil {
		return e, false, fmt.Errorf("mend segment: %w", err)
	}
	if s.parts == 0 {
		if err := os.Remove(path); err != nil {
			return e, false, fmt.Errorf("mend segment: %w", err)
		}
		return e, false, nil
	}
	if s.size < size {
		if err := f.Truncate(s.size); err != nil {
			return e, false, fmt.Errorf("mend segment: %w", err)
		}
	}
	if err := f.Sync(); err != nil {
		return e, false, fmt.Errorf("mend segment: %w", err)
	}
	return newEntry(e.at, s.span, s.size, e.why()), true, nil
}

// rewrite writes the day's index anew.
func (d *day) rewrite() error {
	b := make([]byte, 0, recordSize*len(d.entries))
	for _, e := range d.entries {
		b = appendRecord(b, made, e)
	}
	return replace(filepath.Join(d.dir, indexName), b)
}

// replace puts a file in the place of another so that a crash leaves one of them.
func replace(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func readAtMost(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", filepath.Base(path), info.Size(), most)
	}
	return os.ReadFile(path)
}
