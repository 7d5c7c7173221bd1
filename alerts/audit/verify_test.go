package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

var base = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// chain makes n entries as the store writes them.
func chain(n int) []alerts.AuditEntry {
	out := make([]alerts.AuditEntry, n)
	for i := range out {
		out[i] = alerts.AuditEntry{At: base.Add(time.Duration(i) * time.Second), Kind: alerts.AuditWatch, UserID: "u1", UserName: "王伟",
			Role: alerts.DutyOfficer, Address: "192.0.2.7", AreaID: "v1", Object: fmt.Sprintf("camera/cam%03d", i),
			Details: map[string]string{"profile": "sub"}}
	}
	return rechain(out)
}

// rechain numbers and hashes entries anew, as somebody who knows how would.
func rechain(list []alerts.AuditEntry) []alerts.AuditEntry {
	before := ""
	for i := range list {
		list[i].Seq = int64(i + 1)
		list[i].Hash = alerts.AuditHash(before, list[i])
		before = list[i].Hash
	}
	return list
}

type stored []alerts.AuditEntry

func (s stored) AuditFrom(_ context.Context, seq int64, limit int) ([]alerts.AuditEntry, error) {
	var out []alerts.AuditEntry
	for _, e := range s {
		if e.Seq >= seq && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func noted(list []alerts.AuditEntry, seqs ...int) string {
	var b strings.Builder
	for _, n := range seqs {
		e := list[n-1]
		b.WriteString(Head{e.Seq, e.Hash, base.Add(time.Duration(n) * time.Minute)}.String() + "\n")
	}
	return b.String()
}

func verify(t *testing.T, list []alerts.AuditEntry, numbers int64, heads string) Report {
	t.Helper()
	r, err := Verify(context.Background(), stored(list), numbers, strings.NewReader(heads))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhole(t *testing.T) {
	for _, n := range []int{1, 2, 2500} {
		list := chain(n)
		r := verify(t, list, int64(n), noted(list, 1, n))
		if !r.Whole() || r.Entries != int64(n) || r.Last.Hash != list[n-1].Hash || r.Newest.Seq != int64(n) {
			t.Errorf("%d entries: %+v", n, r)
		}
	}
	if r := verify(t, nil, 0, ""); !r.Whole() {
		t.Errorf("an empty audit: %+v", r)
	}
}

// The audit goes on after the last head was noted, and while it is read.
func TestGrowing(t *testing.T) {
	list := chain(30)
	if r := verify(t, list, 20, noted(list, 10)); r.Whole() {
		t.Error("more entries than numbers were taken for whole")
	}
	if r := verify(t, list, 0, noted(list, 10)); !r.Whole() {
		t.Errorf("%+v", r.Findings)
	}
}

// What somebody with the database in hand can do, and what is said of it.
func TestTampering(t *testing.T) {
	swap := func(list []alerts.AuditEntry, i, j int) []alerts.AuditEntry {
		list[i-1], list[j-1] = list[j-1], list[i-1]
		list[i-1].Seq, list[j-1].Seq = int64(i), int64(j)
		return list
	}
	type c struct {
		tamper func([]alerts.AuditEntry) []alerts.AuditEntry
		heads  string // empty: those of the chain as it was
		want   map[Kind][]int64
	}
	was := chain(40)
	for name, test := range map[string]c{
		"a user edited": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { l[9].UserName = "李四"; return l },
			want: map[Kind][]int64{Edited: {10}}},
		"a time edited": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			l[9].At = l[9].At.Add(time.Microsecond)
			return l
		}, want: map[Kind][]int64{Edited: {10}}},
		"a detail taken out": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { l[0].Details = nil; return l },
			want: map[Kind][]int64{Edited: {1}}},
		"text moved to the next field": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			l[4].AreaID, l[4].Object = l[4].AreaID+l[4].Object[:1], l[4].Object[1:]
			return l
		}, want: map[Kind][]int64{Edited: {5}}},
		"the last edited": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { l[39].Object = "camera/x"; return l },
			want: map[Kind][]int64{Edited: {40}}},
		"edited and hashed anew": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			l[9].UserName = "李四"
			l[9].Hash = alerts.AuditHash(l[8].Hash, l[9])
			return l
		}, want: map[Kind][]int64{Edited: {11}}},
		"a hash edited": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { l[19].Hash = strings.Repeat("0", 64); return l },
			want: map[Kind][]int64{Edited: {20, 21}, Rewritten: {20}}},
		"one deleted": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return slices.Delete(l, 9, 10) },
			want: map[Kind][]int64{Deleted: {10}}},
		"the first deleted": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return l[3:] },
			want: map[Kind][]int64{Deleted: {1}}},
		"two spans deleted": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			return slices.Delete(slices.Delete(l, 24, 30), 9, 12)
		}, want: map[Kind][]int64{Deleted: {10, 25}}},
		"one deleted, the rest renumbered": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			l = slices.Delete(l, 9, 10)
			for i := range l {
				l[i].Seq = int64(i + 1)
			}
			return l
		}, want: map[Kind][]int64{Deleted: {10}, Rewritten: {20}, CutOff: {40}}},
		"one put in, the rest renumbered": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			l = slices.Insert(l, 9, alerts.AuditEntry{Kind: alerts.AuditSignIn, At: base})
			for i := range l {
				l[i].Seq = int64(i + 1)
			}
			l[9].Hash = alerts.AuditHash(l[8].Hash, l[9])
			return l
		}, want: map[Kind][]int64{Edited: {11, 41}, Rewritten: {20, 40}}},
		"neighbours reordered": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return swap(l, 10, 11) },
			want: map[Kind][]int64{Reordered: {10, 11}}},
		"reordered far apart": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return swap(l, 5, 30) },
			want: map[Kind][]int64{Reordered: {5, 30}}},
		"a number below the first": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			return append([]alerts.AuditEntry{{Seq: -3}}, l...)
		}, want: map[Kind][]int64{Edited: {-3}}},
		"cut short": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return l[:35] },
			want: map[Kind][]int64{CutOff: {36}}},
		"cut short behind the last head": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return l[:35] },
			heads: noted(was, 20), want: map[Kind][]int64{CutOff: {36}}},
		"all deleted": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return nil },
			want: map[Kind][]int64{CutOff: {1}}},
		"rewritten with new hashes": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			l[9].UserName = "李四"
			return rechain(l)
		}, want: map[Kind][]int64{Rewritten: {20, 40}}},
		"cut short and grown again": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry {
			l = l[:30]
			for range 10 {
				l = append(l, alerts.AuditEntry{Kind: alerts.AuditSignIn, At: base})
			}
			return rechain(l)
		}, want: map[Kind][]int64{Rewritten: {40}}},
		"the file of heads emptied": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return l }, heads: "\n",
			want: map[Kind][]int64{BadHeads: {0}}},
		"a line of heads damaged": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return l },
			heads: "20 nonsense\n" + noted(was, 40), want: map[Kind][]int64{BadHeads: {0}}},
		"heads that run back": {tamper: func(l []alerts.AuditEntry) []alerts.AuditEntry { return l },
			heads: noted(was, 20, 40, 30, 31, 40), want: map[Kind][]int64{CutOff: {30}}},
	} {
		t.Run(name, func(t *testing.T) {
			heads := test.heads
			if heads == "" {
				heads = noted(was, 1, 20, 40)
			}
			r := verify(t, test.tamper(chain(40)), 40, heads)
			got := map[Kind][]int64{}
			for _, f := range r.Findings {
				got[f.Kind] = append(got[f.Kind], f.Seq)
				if len(f.Text) < 20 {
					t.Errorf("%+v says too little", f)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("found %v, want %v:", got, test.want)
				for _, f := range r.Findings {
					t.Logf("%s", f.Text)
				}
			}
		})
	}
}

// Without a file of heads that is said; without a counter the rest still holds.
func TestWithoutHeads(t *testing.T) {
	r, err := Verify(context.Background(), stored(chain(3)), 0, nil)
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Kind != BadHeads {
		t.Errorf("got %+v, %v", r, err)
	}
}

// An audit that was changed all over is told in bounded words and time.
func TestManyFindings(t *testing.T) {
	list := chain(20_000)
	for i := range list {
		list[i].UserName = "x"
	}
	begun := time.Now()
	r := verify(t, list, int64(len(list)), noted(list, 1))
	if len(r.Findings) != MaxFindings || len(r.Findings)+r.More != len(list) {
		t.Errorf("%d findings and %d more", len(r.Findings), r.More)
	}
	if d := time.Since(begun); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}

func BenchmarkVerify(b *testing.B) {
	list := stored(chain(pageSize))
	for b.Loop() {
		if _, err := Verify(context.Background(), list, pageSize, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*pageSize/b.Elapsed().Seconds(), "entries/s")
}
