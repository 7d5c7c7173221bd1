// Package columns holds the cases of a store in memory, as columns: whatever is
// asked of a million of them is answered by looking at each one, in
// milliseconds, and costs the same however the conditions lie.
//
// Invariants:
//   - A Table holds each case once, as it was given last.
//   - Its answers are those of one moment between two calls of Put.
//   - Nothing in it is truth: it can be thrown away and filled again.
//
// Rows lie in blocks of a few thousand, in the order in which they came, which
// should be that of time: a block whose times a question leaves out is passed
// over. Names (areas, categories, ...) are numbers in the columns. A case takes
// about 115 bytes beside its id, title, address and code.
//
// Questions run side by side; Put waits for those that run and holds up those
// that come, for as long as its rows take to be set in.
package columns

import (
	"bytes"
	"errors"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"time"

	"sharpeyes/alerts"
)

const (
	blockBits = 12
	blockSize = 1 << blockBits
)

// maxRows is what a row's number has room for.
const maxRows = math.MaxInt32

// Row is what is held of a case. Times are microseconds.
type Row struct {
	ID, Title, Address, Code string

	Area, Grid, Holder, Category, Department, First, Person string
	Severity, Step, Outcome                                 string

	Opened, Updated  int64
	Urgency, Gravity int64 // orders: the larger the sooner due, the graver
	Hold             int64 // time to the first assignment or closing; of those that are Held

	Open, Direct, Returned, Reopened, Edited, Paused, Supervised bool
	Late                                                         bool // closed after its time
	Held                                                         bool // was assigned or closed
}

// Flags of a row; the first eight are counted.
const (
	isOpen uint16 = 1 << iota
	isLate
	isSolved
	isDirect
	isReturned
	isReopened
	isEdited
	isHeld
	isPaused
	isSupervised
	isGone // its case has a newer row
)

func (r *Row) flags() (f uint16) {
	for i, is := range [...]bool{r.Open, r.Late, r.Outcome == string(alerts.Solved), r.Direct, r.Returned, r.Reopened, r.Edited, r.Held,
		r.Paused, r.Supervised} {
		if is {
			f |= 1 << i
		}
	}
	return f
}

type (
	numbers = [blockSize]int64
	codes   = [blockSize]uint32
	kinds   = [blockSize]uint8
)

// block is a part of the rows, column by column.
type block struct {
	n    int
	gone int // rows that are

	opened, updated, urgency, gravity, hold                      numbers
	area, grid, holder, category, department, first, person, day codes
	severity, step, outcome                                      kinds
	flags                                                        [blockSize]uint16

	oldest, newest int64 // of opened

	ids, text       []byte // one after another
	idEnds, textEnd [blockSize]uint32
}

func span(all []byte, ends *[blockSize]uint32, i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = ends[i-1]
	}
	return all[from:ends[i]]
}

func (b *block) id(i int) []byte          { return span(b.ids, &b.idEnds, i) }
func (b *block) words(i int) []byte       { return span(b.text, &b.textEnd, i) }
func (b *block) start(i int) uint32       { return b.textEnd[i] - uint32(len(b.words(i))) }
func (b *block) has(f uint16, i int) bool { return b.flags[i]&f != 0 }

// dictionary numbers names from 0.
type dictionary struct {
	of    map[string]uint32
	names []string
}

func (d *dictionary) code(name string) uint32 {
	if c, known := d.of[name]; known {
		return c
	}
	if d.of == nil {
		d.of = make(map[string]uint32)
	}
	c := uint32(len(d.names))
	d.of[name], d.names = c, append(d.names, name)
	return c
}

// Table holds cases. The zero Table is empty and ready.
type Table struct {
	mu     sync.RWMutex
	blocks []*block
	rows   int // with those that are gone
	cases  int

	areas, grids, holders, categories, departments, people dictionary
	severities, steps, outcomes                            dictionary
	days                                                   dictionary // by their numbers

	seed  maphash.Seed
	slots []uint32 // row + 1 by its id's hash; 0: empty. At most half are taken
}

// Len is how many cases the table holds.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.cases
}

// ErrFull is what Put returns where there is no room.
var ErrFull = errors.New("columns: there is no room for more rows, or more kinds of severity, step or outcome")

// Put sets cases in, in the place of what the table holds of them. After ErrFull
// the table is of no use.
func (t *Table) Put(rows []Row) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range rows {
		if err := t.put(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) put(r *Row) error {
	text := wordsOf(r)
	slot := t.slot([]byte(r.ID))
	if n := t.slots[slot]; n != 0 {
		b, i := t.at(int(n - 1))
		if bytes.Equal(b.words(i), text) {
			return t.set(b, i, r)
		}
		b.flags[i] |= isGone
		b.gone++
	} else {
		t.cases++
	}
	if t.rows >= maxRows {
		return ErrFull
	}
	if t.rows>>blockBits == len(t.blocks) {
		t.blocks = append(t.blocks, &block{oldest: math.MaxInt64, newest: math.MinInt64})
	}
	b, i := t.at(t.rows)
	b.ids, b.text = append(b.ids, r.ID...), append(b.text, text...)
	b.idEnds[i], b.textEnd[i] = uint32(len(b.ids)), uint32(len(b.text))
	b.n++
	t.rows++
	t.slots[slot] = uint32(t.rows)
	if b.n == blockSize { // it grows no more
		b.ids, b.text = bytes.Clone(b.ids), bytes.Clone(b.text)
	}
	return t.set(b, i, r)
}

// set fills in a row's columns.
func (t *Table) set(b *block, i int, r *Row) error {
	b.opened[i], b.updated[i], b.urgency[i], b.gravity[i], b.hold[i] = r.Opened, r.Updated, r.Urgency, r.Gravity, r.Hold
	b.oldest, b.newest = min(b.oldest, r.Opened), max(b.newest, r.Opened)
	b.area[i], b.grid[i], b.holder[i] = t.areas.code(r.Area), t.grids.code(r.Grid), t.holders.code(r.Holder)
	b.category[i], b.person[i] = t.categories.code(r.Category), t.people.code(r.Person)
	b.day[i] = t.days.code(dayOf(r.Opened))
	b.department[i], b.first[i] = t.departments.code(r.Department), t.departments.code(r.First)
	severity, step, outcome := t.severities.code(r.Severity), t.steps.code(r.Step), t.outcomes.code(r.Outcome)
	if max(severity, step, outcome) >= math.MaxUint8 {
		return ErrFull
	}
	b.severity[i], b.step[i], b.outcome[i] = uint8(severity), uint8(step), uint8(outcome)
	if b.flags[i] = r.flags(); !r.Held {
		b.hold[i] = 0
	}
	return nil
}

const (
	dayMicros  = int64(24 * time.Hour / time.Microsecond)
	zoneMicros = int64(8 * time.Hour / time.Microsecond) // the product's zone is UTC+8 and knows no summer time
)

// dayOf is the number of a moment's day in the product's zone, from 1970 on.
func dayOf(at int64) string { return strconv.FormatInt((at+zoneMicros)/dayMicros, 10) }

func (t *Table) at(row int) (*block, int) { return t.blocks[row>>blockBits], row & (blockSize - 1) }

// slot is where the row of an id is noted, or will be.
func (t *Table) slot(id []byte) int {
	if 2*t.cases >= len(t.slots) {
		t.grow()
	}
	return t.find(id)
}

func (t *Table) find(id []byte) int {
	mask := len(t.slots) - 1
	for at := int(maphash.Bytes(t.seed, id)) & mask; ; at = (at + 1) & mask {
		n := t.slots[at]
		if n == 0 {
			return at
		}
		if b, i := t.at(int(n - 1)); bytes.Equal(b.id(i), id) {
			return at
		}
	}
}

func (t *Table) grow() {
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	old := t.slots
	t.slots = make([]uint32, max(1024, 2*len(old)))
	mask := len(t.slots) - 1
	for _, n := range old {
		if n == 0 {
			continue
		}
		b, i := t.at(int(n - 1))
		at := int(maphash.Bytes(t.seed, b.id(i))) & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = n
	}
}

// row finds the row of a case; false: the table does not hold it.
func (t *Table) row(id string) (int, bool) {
	if t.cases == 0 {
		return 0, false
	}
	n := t.slots[t.find([]byte(id))]
	return int(n) - 1, n != 0
}
