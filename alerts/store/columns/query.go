package columns

import (
	"math"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Query is what is asked of the cases.
type Query struct {
	Filter     alerts.CaseFilter // its AreaID, Sort and Page are not read
	Everywhere bool
	Areas      []string // else: where they happened
	Sight      alerts.Sight
	Reported   []string            // cases that the sight's user reported
	Joint      map[string][]string // cases that a department has a part in: the filter's, the sight's
}

// condition keeps, of rows of a block in ascending order, those that meet it; it
// may write over what it is given.
type condition func(b *block, sel []int32) []int32

// plan is a query in terms of a table's columns.
type plan struct {
	conditions   []condition
	text         condition // nil: none. It costs most and comes last
	since, until int64     // of opened
	nothing      bool      // nothing can meet it
}

func is[T uint8 | uint32](column func(*block) *[blockSize]T, want T) condition {
	return func(b *block, sel []int32) []int32 {
		c, n := column(b), 0
		for _, i := range sel {
			sel[n] = i
			if c[i&(blockSize-1)] == want {
				n++
			}
		}
		return sel[:n]
	}
}

// among keeps the rows whose code is marked.
func among(column func(*block) *codes, marked []bool) condition {
	return func(b *block, sel []int32) []int32 {
		c, n := column(b), 0
		for _, i := range sel {
			sel[n] = i
			if marked[c[i&(blockSize-1)]] {
				n++
			}
		}
		return sel[:n]
	}
}

func flagged(mask, want uint16) condition {
	return func(b *block, sel []int32) []int32 {
		n := 0
		for _, i := range sel {
			sel[n] = i
			if b.flags[i&(blockSize-1)]&mask == want {
				n++
			}
		}
		return sel[:n]
	}
}

func (p *plan) openedWithin(b *block, sel []int32) []int32 {
	n := 0
	for _, i := range sel {
		sel[n] = i
		if at := b.opened[i&(blockSize-1)]; at >= p.since && at < p.until {
			n++
		}
	}
	return sel[:n]
}

func (p *plan) add(when bool, c condition) {
	if when {
		p.conditions = append(p.conditions, c)
	}
}

// named adds the condition that a column has a name; one that no row ever had
// leaves nothing.
func (p *plan) named(d *dictionary, column func(*block) *codes, name string) {
	if name == "" {
		return
	}
	code, known := d.of[name]
	p.nothing = p.nothing || !known
	p.add(known, is(column, code))
}

func (p *plan) ofKind(d *dictionary, column func(*block) *kinds, name string) {
	if name == "" {
		return
	}
	code, known := d.of[name]
	p.nothing = p.nothing || !known
	p.add(known, is(column, uint8(code)))
}

// marked marks the codes of some names; false: of none.
func marked(d *dictionary, names []string) ([]bool, bool) {
	out, any := make([]bool, len(d.names)), false
	for _, name := range names {
		if code, known := d.of[name]; known {
			out[code], any = true, true
		}
	}
	return out, any
}

func (p *plan) oneOf(d *dictionary, column func(*block) *codes, names []string) {
	m, any := marked(d, names)
	p.nothing = p.nothing || !any
	p.add(any, among(column, m))
}

// plan puts the conditions in an order: those that leave little first.
func (t *Table) plan(q *Query) *plan {
	f := q.Filter
	p := &plan{since: math.MinInt64, until: math.MaxInt64}
	p.named(&t.people, func(b *block) *codes { return &b.person }, f.PersonID)
	p.named(&t.grids, func(b *block) *codes { return &b.grid }, f.GridID)
	if !q.Everywhere {
		p.oneOf(&t.areas, func(b *block) *codes { return &b.area }, q.Areas)
	}
	p.named(&t.holders, func(b *block) *codes { return &b.holder }, f.HolderID)
	if !f.OverdueAt.IsZero() {
		p.add(true, overdue(f.OverdueAt))
	}
	p.add(f.Supervised, flagged(isSupervised, isSupervised))
	if f.Category != "" {
		below := slices.DeleteFunc(slices.Clone(t.categories.names), func(c string) bool {
			return c != f.Category && !strings.HasPrefix(c, f.Category+".")
		})
		p.oneOf(&t.categories, func(b *block) *codes { return &b.category }, below)
	}
	p.ofKind(&t.severities, func(b *block) *kinds { return &b.severity }, string(f.Severity))
	p.ofKind(&t.steps, func(b *block) *kinds { return &b.step }, string(f.Step))
	p.ofKind(&t.outcomes, func(b *block) *kinds { return &b.outcome }, string(f.Outcome))
	for flag, want := range map[uint16]*bool{isOpen: f.Open, isDirect: f.Direct} {
		if want != nil {
			p.add(true, flagged(flag, map[bool]uint16{true: flag}[*want]))
		}
	}
	if !f.Since.IsZero() {
		p.since = f.Since.UnixMicro()
	}
	if !f.Until.IsZero() {
		p.until = f.Until.UnixMicro()
	}
	p.add(!f.Since.IsZero() || !f.Until.IsZero(), p.openedWithin)
	if f.DepartmentID != "" {
		p.add(true, t.concerning("", nil, f.DepartmentID, q.Joint[f.DepartmentID], nil))
	}
	if v := q.Sight; !v.All {
		p.add(true, t.concerning(v.UserID, q.Reported, v.DepartmentID, q.Joint[v.DepartmentID], v.GridIDs))
	}
	if f.Text != "" {
		n := t.needle(f.Text)
		p.text = n.holding
	}
	return p
}

// overdue is the condition that a case is late at a moment: it is open, has a
// time that has passed, and its clock runs.
func overdue(at time.Time) condition {
	past := math.MaxInt64 - at.UnixMicro()
	return func(b *block, sel []int32) []int32 {
		n := 0
		for _, i := range sel {
			sel[n] = i
			if b.late(int(i), past) {
				n++
			}
		}
		return sel[:n]
	}
}

func (b *block) late(i int, past int64) bool {
	u := b.urgency[i&(blockSize-1)]
	return u > 0 && u > past && !b.has(isPaused, i&(blockSize-1))
}

// concerning is the condition that a case was reported by a user or is assigned
// to him, that a department is assigned, was first or is joint, or that it
// happened in one of some grids.
func (t *Table) concerning(user string, reported []string, department string, joint, grids []string) condition {
	// A name that no row has gets a code that none has.
	code := func(d *dictionary, name string) uint32 {
		if c, known := d.of[name]; known && name != "" {
			return c
		}
		return math.MaxUint32
	}
	person, unit := code(&t.people, user), code(&t.departments, department)
	in, _ := marked(&t.grids, slices.DeleteFunc(slices.Clone(grids), func(g string) bool { return g == "" }))
	listed := make(map[*block]*[blockSize / 64]uint64)
	for _, id := range slices.Concat(reported, joint) {
		if n, held := t.row(id); held {
			b, i := t.at(n)
			if listed[b] == nil {
				listed[b] = new([blockSize / 64]uint64)
			}
			listed[b][i/64] |= 1 << (i % 64)
		}
	}
	return func(b *block, sel []int32) []int32 {
		n, own := 0, listed[b]
		for _, i := range sel {
			sel[n] = i
			i &= blockSize - 1
			if b.person[i] == person || b.department[i] == unit || b.first[i] == unit || in[b.grid[i]] ||
				own != nil && own[i/64]&(1<<(i%64)) != 0 {
				n++
			}
		}
		return sel[:n]
	}
}

// each calls fn with the rows that meet a plan and a further condition, nil for
// none, the newest block first.
func (t *Table) each(p *plan, further condition, fn func(b *block, sel []int32)) {
	if p.nothing {
		return
	}
	conditions := slices.Clone(p.conditions)
	for _, c := range []condition{further, p.text} {
		if c != nil {
			conditions = append(conditions, c)
		}
	}
	var all, rows [blockSize]int32
	for i := range all {
		all[i] = int32(i)
	}
	for n := len(t.blocks) - 1; n >= 0; n-- {
		b := t.blocks[n]
		if b.newest < p.since || b.oldest >= p.until {
			continue
		}
		sel := rows[:copy(rows[:], all[:b.n])]
		if b.gone > 0 {
			sel = flagged(isGone, 0)(b, sel)
		}
		for _, c := range conditions {
			if len(sel) == 0 {
				break
			}
			sel = c(b, sel)
		}
		if len(sel) > 0 {
			fn(b, sel)
		}
	}
}
