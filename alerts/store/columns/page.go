package columns

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"sharpeyes/alerts"
)

// Place is where a case stands in an order; orders descend, by key and then id.
type Place struct {
	Key int64
	ID  string
}

func keysOf(s alerts.CaseSort) func(*block) *numbers {
	switch s {
	case alerts.ByOpened:
		return func(b *block) *numbers { return &b.opened }
	case alerts.ByDue:
		return func(b *block) *numbers { return &b.urgency }
	case alerts.BySeverity:
		return func(b *block) *numbers { return &b.gravity }
	}
	return func(b *block) *numbers { return &b.updated }
}

// entry is a row that may come on a page.
type entry struct {
	key int64
	b   *block
	i   int32
}

func (e *entry) id() []byte { return e.b.id(int(e.i)) }

func descending(x, y entry) int {
	if n := cmp.Compare(y.key, x.key); n != 0 {
		return n
	}
	return bytes.Compare(y.id(), x.id())
}

// Page returns the first cases that a query leaves in an order, or the first
// after a place; limit at most.
func (t *Table) Page(q *Query, by alerts.CaseSort, after *Place, limit int) []Place {
	t.mu.RLock()
	defer t.mu.RUnlock()
	keys := keysOf(by)
	// best holds the best so far among up to limit others; last is the last of the
	// best, once there are enough: what comes after it is passed over.
	best := make([]entry, 0, 2*limit)
	var last *entry
	// fits keeps the rows that may come on the page.
	fits := func(b *block, sel []int32) []int32 {
		column, n := keys(b), 0
		least, most := int64(math.MinInt64), int64(math.MaxInt64)
		if last != nil {
			least = last.key
		}
		if after != nil {
			most = after.Key
		}
		for _, i := range sel {
			sel[n] = i
			key := column[i&(blockSize-1)]
			if key > least && key < most {
				n++
				continue
			}
			if key < least || key > most || last != nil && key == least && bytes.Compare(b.id(int(i)), last.id()) < 0 ||
				after != nil && key == most && string(b.id(int(i))) >= after.ID {
				continue
			}
			n++
		}
		return sel[:n]
	}
	t.each(t.plan(q), fits, func(b *block, sel []int32) {
		column := keys(b)
		for n := len(sel) - 1; n >= 0; n-- { // newest first, which is the order as a rule
			e := entry{column[sel[n]], b, sel[n]}
			if last != nil && descending(e, *last) > 0 {
				continue
			}
			if best = append(best, e); len(best) == cap(best) {
				slices.SortFunc(best, descending)
				best = best[:limit]
				end := best[limit-1]
				last = &end
			}
		}
	})
	slices.SortFunc(best, descending)
	out := make([]Place, min(limit, len(best)))
	for i := range out {
		out[i] = Place{best[i].key, string(best[i].id())}
	}
	return out
}
