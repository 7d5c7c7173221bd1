package desk

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// ruleBook is the rules at one moment: deadlines, calendar, categories. It does
// not change.
type ruleBook struct {
	deadlines  []alerts.Deadline
	calendar   alerts.Calendar
	categories []alerts.Category

	steps  map[alerts.Step][]alerts.Deadline // the most particular first
	work   *workTime
	byCode map[string]int  // categories
	inner  map[string]bool // codes that have others below them
}

func newRuleBook(deadlines []alerts.Deadline, calendar alerts.Calendar, categories []alerts.Category, zone *time.Location) *ruleBook {
	b := &ruleBook{deadlines: deadlines, calendar: calendar, categories: categories,
		steps: make(map[alerts.Step][]alerts.Deadline), work: newWorkTime(calendar, zone),
		byCode: make(map[string]int, len(categories)), inner: make(map[string]bool)}
	for _, l := range deadlines {
		b.steps[l.Step] = append(b.steps[l.Step], l)
	}
	for _, lines := range b.steps {
		slices.SortStableFunc(lines, func(x, y alerts.Deadline) int {
			return cmp.Or(cmp.Compare(len(y.Category), len(x.Category)), cmp.Compare(len(y.Severity), len(x.Severity)))
		})
	}
	for i, c := range categories {
		b.byCode[c.Code] = i
		for up := parentCode(c.Code); up != ""; up = parentCode(up) {
			b.inner[up] = true
		}
	}
	return b
}

// parentCode is the code above one in the tree; empty for the topmost.
func parentCode(code string) string {
	i := strings.LastIndexByte(code, '.')
	return code[:max(i, 0)]
}

// below tells whether a code is another or lies below it; all lie below the
// empty one.
func below(code, top string) bool {
	return top == "" || code == top || strings.HasPrefix(code, top+".")
}

// deadline returns the line that counts for a case in a step.
func (b *ruleBook) deadline(c *alerts.Case, step alerts.Step) (alerts.Deadline, bool) {
	// Lines of one code are sorted by length, and of two codes that a case lies
	// below the longer is the more particular.
	for _, l := range b.steps[step] {
		if below(c.Category, l.Category) && (l.Severity == "" || l.Severity == c.Severity) {
			return l, true
		}
	}
	return alerts.Deadline{}, false
}

// add counts a time from a moment on as a line has it: working time, or around
// the clock.
func (b *ruleBook) add(l alerts.Deadline, t time.Time, d time.Duration) time.Time {
	if l.Around {
		return t.Add(d)
	}
	return b.work.add(t, d)
}

func (b *ruleBook) sub(l alerts.Deadline, t time.Time, d time.Duration) time.Time {
	if l.Around {
		return t.Add(-d)
	}
	return b.work.sub(t, d)
}

func (b *ruleBook) between(l alerts.Deadline, from, to time.Time) time.Duration {
	if l.Around {
		return max(to.Sub(from), 0)
	}
	return b.work.between(from, to)
}
