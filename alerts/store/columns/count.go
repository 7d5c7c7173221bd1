package columns

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Group is a line of a count.
type Group struct {
	Key string // of days the number, from 1970 on, in the product's zone

	Total, Open, Late, Closed, Solved, Direct, Returned, Reopened, Edited int64

	Held, Hold int64 // those that are held, and the sum of their times in microseconds
}

// Count counts the cases that a query leaves by a group, at most limit groups:
// the newest days, else the largest.
func (t *Table) Count(q *Query, by alerts.CaseGroup, now time.Time, limit int) []Group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	d, column, kind := t.grouped(by)
	c := &counter{past: math.MaxInt64 - now.UnixMicro(), tallies: make([]tally, len(d.names)), groups: make([]Group, len(d.names))}
	for i, name := range d.names {
		c.groups[i].Key = name
	}
	t.each(t.plan(q), nil, func(b *block, sel []int32) {
		if kind != nil {
			add(c, b, kind(b), sel)
		} else {
			add(c, b, column(b), sel)
		}
	})
	c.flush()
	out := slices.DeleteFunc(c.groups, func(g Group) bool { return g.Total == 0 })
	for i := range out {
		out[i].Closed = out[i].Total - out[i].Open
	}
	slices.SortFunc(out, func(x, y Group) int {
		if by == alerts.GroupDay {
			return strings.Compare(y.Key, x.Key) // of five digits until the year 2243
		}
		return cmp.Or(cmp.Compare(y.Total, x.Total), strings.Compare(x.Key, y.Key))
	})
	return out[:min(limit, len(out))]
}

// grouped returns the names that cases are grouped by, and the column with
// their codes: one of the two.
func (t *Table) grouped(by alerts.CaseGroup) (*dictionary, func(*block) *codes, func(*block) *kinds) {
	switch by {
	case alerts.GroupStep:
		return &t.steps, nil, func(b *block) *kinds { return &b.step }
	case alerts.GroupSeverity:
		return &t.severities, nil, func(b *block) *kinds { return &b.severity }
	case alerts.GroupCategory:
		return &t.categories, func(b *block) *codes { return &b.category }, nil
	case alerts.GroupArea:
		return &t.areas, func(b *block) *codes { return &b.area }, nil
	case alerts.GroupGrid:
		return &t.grids, func(b *block) *codes { return &b.grid }, nil
	case alerts.GroupHolder:
		return &t.holders, func(b *block) *codes { return &b.holder }, nil
	case alerts.GroupDepartment:
		return &t.departments, func(b *block) *codes { return &b.department }, nil
	}
	return &t.days, func(b *block) *codes { return &b.day }, nil
}

// counter adds up rows by the group they are in.
type counter struct {
	past    int64 // see late
	tallies []tally
	rows    int     // in the tallies
	groups  []Group // both by code
}

// tally is what a group has got since the last flush.
type tally struct {
	flags [2]uint64 // eight counts of 16 bits, see spread
	total int64
	hold  int64
}

// mostTallied is how many rows a count of 16 bits has room for.
const mostTallied = math.MaxUint16

// spread is what flags add to a tally's.
var spread = func() (out [256][2]uint64) {
	for f := range out {
		for bit := range 8 {
			if f>>bit&1 != 0 {
				out[f][bit/4] |= 1 << (bit % 4 * 16)
			}
		}
	}
	return out
}()

func add[T uint8 | uint32](c *counter, b *block, column *[blockSize]T, sel []int32) {
	if c.rows += len(sel); c.rows > mostTallied {
		c.flush()
		c.rows = len(sel)
	}
	for _, i := range sel {
		i &= blockSize - 1
		f := b.flags[i]
		if f&isOpen != 0 && b.late(int(i), c.past) {
			f |= isLate
		}
		g, s := &c.tallies[column[i]], &spread[f&0xff]
		g.flags[0] += s[0]
		g.flags[1] += s[1]
		g.total++
		g.hold += b.hold[i]
	}
}

func (c *counter) flush() {
	for i := range c.tallies {
		t, g := &c.tallies[i], &c.groups[i]
		if t.total == 0 {
			continue
		}
		for bit, n := range [...]*int64{&g.Open, &g.Late, &g.Solved, &g.Direct, &g.Returned, &g.Reopened, &g.Edited, &g.Held} {
			*n += int64(t.flags[bit/4] >> (bit % 4 * 16) & math.MaxUint16)
		}
		g.Total += t.total
		g.Hold += t.hold
		*t = tally{}
	}
}
