package audit

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"sharpeyes/alerts"
)

// Bounds of verifying.
const (
	pageSize = 1000 // entries read at a time

	MaxFindings = 100 // told one by one; more are counted
	maxBroken   = 40  // entries that do not fit, kept to find out what happened to them
)

// Reader is what is verified: entries from a number on, in order.
type Reader interface {
	AuditFrom(ctx context.Context, seq int64, limit int) ([]alerts.AuditEntry, error)
}

// Finding is one thing that is not as it was written.
type Finding struct {
	Kind Kind
	Seq  int64  // of the entry; 0: of none
	Text string // in words
}

// Kind names what was done to the audit.
type Kind string

// The kinds of findings.
const (
	Edited    Kind = "edited"    // the entry's content, or its place in the chain
	Deleted   Kind = "deleted"   // entries are missing in between
	Reordered Kind = "reordered" // it was written under another number
	CutOff    Kind = "cut off"   // the newest entries are missing
	Rewritten Kind = "rewritten" // it fits its neighbours, but not the head that was noted
	BadHeads  Kind = "heads"     // the file of heads is missing or was changed
)

// Report is the outcome.
type Report struct {
	Entries  int64 // read
	Last     Head  // the newest entry; At is its own time
	Heads    int64 // heads compared
	Newest   Head  // the newest head that fits
	Findings []Finding
	More     int // findings beyond MaxFindings
}

// Whole tells that nothing was found.
func (r Report) Whole() bool { return len(r.Findings) == 0 }

func (r *Report) find(kind Kind, seq int64, format string, args ...any) {
	if len(r.Findings) >= MaxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{kind, seq, fmt.Sprintf(format, args...)})
}

// Verify reads the whole audit and compares it with the heads; numbers is how
// many entries were numbered (0: not known), noted is the file of heads (nil:
// there is none). The heads are to be opened before the audit is read, which may
// be growing. An error is of reading, not of what was read.
func Verify(ctx context.Context, r Reader, numbers int64, noted io.Reader) (Report, error) {
	v := &verifier{heads: newHeads(noNil(noted)), noted: noted != nil}
	if err := v.nextHead(); err != nil {
		return v.report, err
	}
	for from := int64(math.MinInt64); ; {
		page, err := r.AuditFrom(ctx, from, pageSize)
		if err != nil {
			return v.report, fmt.Errorf("audit: read: %w", err)
		}
		for _, e := range page {
			if err := v.take(e); err != nil {
				return v.report, err
			}
			from = max(from, e.Seq)
		}
		if len(page) == 0 || from == math.MaxInt64 {
			break
		}
		from++
	}
	err := v.end(numbers)
	slices.SortStableFunc(v.report.Findings, func(a, b Finding) int { return cmp.Compare(a.Seq, b.Seq) })
	return v.report, err
}

func noNil(r io.Reader) io.Reader {
	if r == nil {
		return eof{}
	}
	return r
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// verifier is one pass over the chain.
type verifier struct {
	report Report
	before alerts.AuditEntry // the entry before; Seq 0 at the start

	heads *heads
	noted bool
	head  Head // the next to compare; Seq 0: no more
	top   Head // of the heads read so far, the one with the highest number
	back  bool // the heads read last were below it, which is told

	broken []brokenEntry // entries that do not fit, not told yet: what was moved here may stand far away
	shift  int64         // by which entries are known to be renumbered from here on
}

// brokenEntry is an entry that does not fit after the one before it.
type brokenEntry struct {
	entry  alerts.AuditEntry
	before string // the hash that stands before it
}

// take checks the next entry.
func (v *verifier) take(e alerts.AuditEntry) error {
	r := &v.report
	r.Entries++
	want := v.before.Seq + 1
	switch {
	case e.Seq < want: // the reader gives them in order: below the first
		r.find(Edited, e.Seq, "an entry has the number %d: they begin with 1", e.Seq)
		return nil
	case e.Seq > want:
		// What it was chained to is gone; what follows it is checked by it.
		r.find(Deleted, want, "%s missing between entry %d and entry %d: deleted", entries(want, e.Seq-1), want-1, e.Seq)
	case e.Hash == alerts.AuditHash(v.before.Hash, e):
		v.shift = 0
	case v.renumbered(e):
	default:
		v.broken = append(v.broken, brokenEntry{e, v.before.Hash})
		if len(v.broken) >= maxBroken {
			v.explain()
		}
	}
	if err := v.compare(e); err != nil {
		return err
	}
	v.before = e
	r.Last = Head{e.Seq, e.Hash, e.At}
	return nil
}

// maxShift is how far renumbering is looked for.
const maxShift = 64

// renumbered tells whether an entry follows the one before it under another
// number: then one before was deleted, or put in, and the rest moved up or down.
func (v *verifier) renumbered(e alerts.AuditEntry) bool {
	fits := func(shift int64) bool {
		moved := e
		moved.Seq += shift
		return moved.Seq > 0 && e.Hash == alerts.AuditHash(v.before.Hash, moved)
	}
	if v.shift != 0 && fits(v.shift) {
		return true // told already
	}
	// The first of those that moved does not fit in any way: the one before it is
	// gone. It is the last that did not fit.
	if n := len(v.broken); n == 0 || v.broken[n-1].entry.Seq != v.before.Seq || v.report.More > 0 {
		return false
	}
	for n := int64(1); n <= maxShift; n++ {
		for _, shift := range []int64{n, -n} {
			if !fits(shift) {
				continue
			}
			v.shift = shift
			first := v.broken[len(v.broken)-1].entry.Seq
			v.broken = v.broken[:len(v.broken)-1]
			if shift > 0 {
				v.report.find(Deleted, first, "%d entries were deleted before entry %d, and those after them renumbered: "+
					"entry %d was written as %d", shift, first, e.Seq, e.Seq+shift)
			} else {
				v.report.find(Edited, first, "%d entries were put in at or before entry %d, and those after them renumbered: "+
					"entry %d was written as %d", -shift, first, e.Seq, e.Seq+shift)
			}
			return true
		}
	}
	return false
}

// explain tells what happened to the entries that did not fit, as far as it can
// be told.
func (v *verifier) explain() {
	broken := v.broken
	v.broken = nil
	for i, b := range broken {
		if v.report.More > 0 { // there is so much that why does not matter
			v.report.More++
			continue
		}
		if as := writtenAs(b, broken); as != 0 {
			v.report.find(Reordered, b.entry.Seq, "entry %d was written as entry %d: entries were reordered", b.entry.Seq, as)
			continue
		}
		if i > 0 && broken[i-1].entry.Seq == b.entry.Seq-1 && movedHere(b, broken) {
			continue // it follows one that was moved
		}
		why := "does not fit its hash: it was edited"
		if b.entry.Seq > 1 {
			why = fmt.Sprintf("does not fit its hash and entry %d before it: it was edited, or the one before was replaced", b.entry.Seq-1)
		}
		v.report.find(Edited, b.entry.Seq, "entry %d (%s, %s) %s", b.entry.Seq, b.entry.Kind, b.entry.At.Format("2006-01-02 15:04:05 MST"), why)
	}
}

// writtenAs returns the number that an entry was written under, 0 where none is
// found among those of the other entries that do not fit.
func writtenAs(b brokenEntry, broken []brokenEntry) int64 {
	for _, place := range broken {
		if place.entry.Seq == b.entry.Seq {
			continue
		}
		moved := b.entry
		moved.Seq = place.entry.Seq
		if b.entry.Hash == alerts.AuditHash(place.before, moved) {
			return moved.Seq
		}
		for _, o := range broken {
			if b.entry.Hash == alerts.AuditHash(o.entry.Hash, moved) {
				return moved.Seq
			}
		}
	}
	return 0
}

// movedHere tells whether an entry is as it was written under its own number,
// after an entry that stands elsewhere now.
func movedHere(b brokenEntry, broken []brokenEntry) bool {
	for _, o := range broken {
		if b.entry.Hash == alerts.AuditHash(o.entry.Hash, b.entry) {
			return true
		}
	}
	return false
}

// compare checks an entry against the heads that name it.
func (v *verifier) compare(e alerts.AuditEntry) error {
	for v.head.Seq != 0 && v.head.Seq <= e.Seq {
		h := v.head
		v.report.Heads++
		switch {
		case h.Seq < e.Seq:
			// Its entry is missing, and told.
		case h.Hash != e.Hash:
			v.report.find(Rewritten, e.Seq, "entry %d is not the one whose hash was noted on %s: the audit was rewritten, "+
				"or another one was put in its place", e.Seq, h.At.Format("2006-01-02 15:04:05 MST"))
		default:
			v.report.Newest = h
		}
		if err := v.nextHead(); err != nil {
			return err
		}
	}
	return nil
}

// nextHead reads on to the next head whose number is not below those before: the
// audit only grows, so a lower one was noted of another audit.
func (v *verifier) nextHead() error {
	for {
		h, ok, err := v.heads.next()
		switch {
		case !ok && err != nil:
			return fmt.Errorf("audit: read heads: %w", err)
		case !ok:
			v.head = Head{}
			return nil
		case err != nil:
			v.report.find(BadHeads, 0, "line %d of the file of heads %v: it was changed, or the disk is damaged", v.heads.line, err)
			continue
		}
		switch {
		case h.Seq < v.top.Seq && v.back:
			continue
		case h.Seq < v.top.Seq:
			v.back = true
			v.report.find(CutOff, h.Seq, "on %s the audit ended with entry %d, though entry %d was there on %s: its end had been cut off",
				h.At.Format("2006-01-02 15:04:05 MST"), h.Seq, v.top.Seq, v.top.At.Format("2006-01-02 15:04:05 MST"))
			continue
		case h.Seq == v.top.Seq && h.Hash != v.top.Hash:
			v.report.find(Rewritten, h.Seq, "entry %d was noted with two hashes, on %s and on %s: the audit was rewritten in between",
				h.Seq, v.top.At.Format("2006-01-02 15:04:05 MST"), h.At.Format("2006-01-02 15:04:05 MST"))
			continue
		case h.Seq == v.top.Seq:
			continue
		}
		v.top, v.head, v.back = h, h, false
		return nil
	}
}

// end checks what must be there after the last entry.
func (v *verifier) end(numbers int64) error {
	v.explain()
	r := &v.report
	last := v.before.Seq
	if v.head.Seq != 0 {
		first := v.head
		for v.head.Seq != 0 {
			r.Heads++
			if err := v.nextHead(); err != nil {
				return err
			}
		}
		r.find(CutOff, last+1, "%s missing: the audit ends with entry %d, but entry %d was there on %s; the end was cut off",
			entries(last+1, v.top.Seq), last, first.Seq, first.At.Format("2006-01-02 15:04:05 MST"))
	}
	switch {
	case numbers > last && v.top.Seq <= last:
		r.find(CutOff, last+1, "%s missing: the audit ends with entry %d, but %d were numbered; the end was cut off",
			entries(last+1, numbers), last, numbers)
	case numbers > 0 && numbers < last:
		r.find(Edited, last, "%d entries are there, but only %d were numbered: the counter was set back, or entries were put in", last, numbers)
	}
	if r.Heads == 0 && last > 0 {
		what := "no head was noted outside the database"
		if !v.noted {
			what = "the file of heads is missing"
		}
		r.find(BadHeads, 0, "%s: an end that was cut off, or an audit that was written anew, could not be seen", what)
	}
	return nil
}

// entries names a span.
func entries(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d is", from)
	}
	return fmt.Sprintf("entries %d to %d are", from, to)
}
