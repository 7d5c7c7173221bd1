package columns

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"sharpeyes/alerts"
)

// Group is a line of a count.
type Group struct {
	Key string // of days the number, from 1970 on, in the product's zone

	Total, Open, Late, Closed, Solved, Direct, Returned, Reopened, Edited int64

	Held, Hold int64 // those that are held, and the sum of their times in microseconds

	day int64
}

const (
	dayMicros  = int64(24 * time.Hour / time.Microsecond)
	zoneMicros = int64(8 * time.Hour / time.Microsecond) // the product's zone is UTC+8 and knows no summer time
)

// Count counts the cases that a query leaves by a group, at most limit groups:
// the newest days, else the largest.
func (t *Table) Count(q *Query, by alerts.CaseGroup, now time.Time, limit int) []Group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := &counter{past: math.MaxInt64 - now.UnixMicro(), solved: math.MaxUint8}
	if code, known := t.outcomes.of[string(alerts.Solved)]; known {
		c.solved = uint8(code)
	}
	p := t.plan(q)
	d, column, kind := t.grouped(by)
	for _, name := range d.names {
		c.groups = append(c.groups, Group{Key: name})
	}
	switch {
	case by == alerts.GroupDay:
		t.each(p, c.byDay())
	case kind != nil:
		t.each(p, func(b *block, sel []int32) { add(c, b, kind(b), sel) })
	default:
		t.each(p, func(b *block, sel []int32) { add(c, b, column(b), sel) })
	}
	out := slices.DeleteFunc(c.groups, func(g Group) bool { return g.Total == 0 })
	for i := range out {
		out[i].Closed = out[i].Total - out[i].Open
	}
	slices.SortFunc(out, func(x, y Group) int {
		if by == alerts.GroupDay {
			return cmp.Compare(y.day, x.day)
		}
		return cmp.Or(cmp.Compare(y.Total, x.Total), cmp.Compare(x.Key, y.Key))
	})
	return out[:min(limit, len(out))]
}

// grouped returns the names that cases are grouped by, and the column with
// their codes: one of the two. Days have neither.
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
	return &dictionary{}, nil, nil
}

// counter adds up rows by the group they are in.
type counter struct {
	past   int64 // see late
	solved uint8
	groups []Group // by code
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

func add[T uint8 | uint32](c *counter, b *block, column *[blockSize]T, sel []int32) {
	for _, i := range sel {
		i &= blockSize - 1
		g, f := &c.groups[column[i]], b.flags[i]
		g.Total++
		g.Open += one(f&isOpen != 0)
		g.Late += one(f&isLate != 0 || b.late(int(i), c.past))
		g.Solved += one(b.outcome[i] == c.solved)
		g.Direct += one(f&isDirect != 0)
		g.Returned += one(f&isReturned != 0)
		g.Reopened += one(f&isReopened != 0)
		g.Edited += one(f&isEdited != 0)
		if f&isHeld != 0 {
			g.Held++
			g.Hold += b.hold[i]
		}
	}
}

// byDay adds up by the day on which a case was opened.
func (c *counter) byDay() func(*block, []int32) {
	known := make(map[int64]uint32)
	var last struct {
		day  int64
		code uint32
	}
	var column codes
	return func(b *block, sel []int32) {
		for _, i := range sel {
			day := (b.opened[i] + zoneMicros) / dayMicros
			if len(c.groups) == 0 || day != last.day {
				code, ok := known[day]
				if !ok {
					code = uint32(len(c.groups))
					known[day] = code
					c.groups = append(c.groups, Group{Key: strconv.FormatInt(day, 10), day: day})
				}
				last.day, last.code = day, code
			}
			column[i] = last.code
		}
		add(c, b, &column, sel)
	}
}
