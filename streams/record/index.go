package record

import (
	"cmp"
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
	span uint32 // ms << 5 | loose | Cause
	size uint32 // bytes
}

// loose marks what goes soon unless something happens. It stands in memory
// alone: a file that no index knows is kept.
const loose = 1 << 4

func newEntry(at uint32, span time.Duration, size int64, why Cause) entry {
	return entry{at: at, span: uint32(min(span.Milliseconds(), 1<<27-1))<<5 | uint32(why), size: uint32(size)}
}

func (e entry) millis() int64 { return int64(e.span >> 5) }
func (e entry) why() Cause    { return Cause(e.span & 15) }
func (e entry) loose() bool   { return e.span&loose != 0 }
func (e entry) name() string  { return fmt.Sprintf("%08d-%d.mp4", e.at, e.why()) }

// day is the segments of one stream that began on one day, on one disk.
type day struct {
	dir     string
	from    int64 // midnight UTC, Unix ms
	entries []entry
	bytes   int64  // of all entries
	spans   []span // what is there without a gap; nil: to be made of entries
	unread  bool   // its index has not been read yet
	quick   bool   // its index was believed: the folder has not been looked at
}

// span is a time without a gap; why is the cause of the one before it.
type span struct {
	from, to int64 // Unix ms
	why      Cause
}

// put, insert and cut change entries; the recorder's lock is held.
func (d *day) put(i int, e entry) {
	d.bytes += int64(e.size) - int64(d.entries[i].size)
	d.entries[i], d.spans = e, nil
}

func (d *day) insert(e entry) {
	i, _ := d.find(e.at)
	d.entries, d.spans = slices.Insert(d.entries, i, e), nil
	d.bytes += int64(e.size)
}

func (d *day) cut(i int) {
	d.bytes -= int64(d.entries[i].size)
	d.entries, d.spans = slices.Delete(d.entries, i, i+1), nil
}

// set replaces all entries.
func (d *day) set(list []entry) {
	d.entries, d.spans, d.bytes = slices.Clip(list), nil, 0
	for _, e := range list {
		d.bytes += int64(e.size)
	}
}

// continuous returns the spans, by start; the recorder's lock is held.
func (d *day) continuous() []span {
	if d.spans != nil {
		return d.spans
	}
	d.spans = make([]span, 0, 1)
	for _, e := range d.entries {
		from := d.start(e)
		to := from + e.millis()
		if to == from {
			continue
		}
		if n := len(d.spans); n > 0 && from-d.spans[n-1].to <= joined.Milliseconds() {
			d.spans[n-1].to = max(d.spans[n-1].to, to)
			continue
		}
		d.spans = append(d.spans, span{from, to, e.why()})
	}
	return d.spans
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
	b = binary.BigEndian.AppendUint32(b, e.span>>5)
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
		e := entry{at: binary.BigEndian.Uint32(r[4:]), span: binary.BigEndian.Uint32(r[8:])<<5 | uint32(r[1]&15),
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

// read returns the entries that a day's index tells of, by start, and whether
// all of it is good.
func (d *day) read() (list []entry, good bool, err error) {
	b, err := readAtMost(filepath.Join(d.dir, indexName), maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read index: %w", err)
	}
	known, good := parseIndex(b)
	list = make([]entry, 0, len(known))
	for _, e := range known {
		list = append(list, e)
	}
	slices.SortFunc(list, byStart)
	return list, good, nil
}

func byStart(a, b entry) int { return cmp.Compare(a.at, b.at) }

// sweep makes a day's files and its index agree: a half part at the end of a
// file is cut off, a file without a whole part goes, entries come from the
// files where the index does not know them.
func (d *day) sweep() ([]entry, error) {
	known, good, err := d.read()
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	var list []entry
	matched := 0
	for _, file := range files {
		e, ok := parseName(file.Name())
		if !ok || !file.Type().IsRegular() {
			continue
		}
		info, err := file.Info()
		if err != nil {
			return nil, fmt.Errorf("read folder: %w", err)
		}
		if i, ok := slices.BinarySearchFunc(known, e, byStart); ok && known[i].name() == e.name() && int64(known[i].size) == info.Size() {
			list = append(list, known[i])
			matched++
			continue
		}
		good = false
		e, ok, err = mend(d.path(e), e, info.Size())
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, byStart)
	if good && matched == len(known) {
		return list, nil
	}
	return list, d.rewrite(list)
}

// agrees reports whether the names in the folder are those of the entries.
func (d *day) agrees(list []entry) (bool, error) {
	f, err := os.Open(d.dir)
	if err != nil {
		return false, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return false, err
	}
	n := 0
	for _, name := range names {
		e, ok := parseName(name)
		if !ok {
			continue
		}
		n++
		if i, ok := slices.BinarySearchFunc(list, e, byStart); !ok || list[i].why() != e.why() {
			return false, nil
		}
	}
	return n == len(list), nil
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
func (d *day) rewrite(list []entry) error {
	b := make([]byte, 0, recordSize*len(list))
	for _, e := range list {
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
