package desk

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

// walk is a random walk of a few cases: anybody tries anything, and what must
// hold is looked at after each step.
type walk struct {
	*bureau
	t         *rapid.T
	incidents []string
	cases     []string
	directs   []string
}

func (w *walk) fail(format string, args ...any) { w.t.Fatalf(format, args...) }

func (w *walk) found(id string) alerts.Case {
	k, err := w.store.Case(context.Background(), alerts.System(), id)
	if err != nil {
		w.fail("case %s is lost: %v", id, err)
	}
	return k
}

func (w *walk) reportOne() {
	in := report("v1")
	in.Category = rapid.SampledFrom([]string{"opinion.other", "hazard.gas"}).Draw(w.t, "category")
	in.Direct = rapid.IntRange(0, 3).Draw(w.t, "direct") == 0
	in.Against = rapid.SampledFrom([]string{"", "", "xx"}).Draw(w.t, "against")
	who := rapid.SampledFrom([]string{"gr", "gg", "hd", "hv"}).Draw(w.t, "reporter")
	i, _, _, err := w.Report(context.Background(), w.who[who], in)
	if err != nil {
		w.fail("report: %v", err)
	}
	l, err := w.store.FilingOf(context.Background(), i.ID)
	if err != nil {
		w.fail("filing: %v", err)
	}
	w.incidents, w.cases = append(w.incidents, i.ID), append(w.cases, l.CaseID)
	if in.Direct {
		w.directs = append(w.directs, l.CaseID)
	}
}

// act tries a move; half of the time one that the case lists.
func (w *walk) act() {
	ctx := context.Background()
	people := []string{"hv", "at", "ce", "ci", "hd", "hd2", "hj", "hx", "gr", "gg"}
	who := rapid.SampledFrom(people).Draw(w.t, "who")
	id := rapid.SampledFrom(w.cases).Draw(w.t, "case")
	before := w.found(id)
	action := rapid.SampledFrom(allActions).Draw(w.t, "action")
	v, err := w.Case(ctx, w.who[who], id)
	if err == nil && len(v.Open) > 0 && rapid.Bool().Draw(w.t, "listed") {
		action = rapid.SampledFrom(v.Open).Draw(w.t, "option").Action
	}
	in := w.inputFor(action, before.Step, rapid.SampledFrom(w.cases).Draw(w.t, "into"), rapid.SampledFrom(w.incidents).Draw(w.t, "incident"))
	if in.Department != "" {
		in.Department = rapid.SampledFrom([]string{"dd", "jj", "xx"}).Draw(w.t, "department")
	}
	due := w.clock.time().Add(time.Hour)
	if in.Due != nil {
		in.Due = &due
	}
	version := before.Version
	if rapid.IntRange(0, 9).Draw(w.t, "stale") == 0 {
		version--
	}
	_, _, err = w.Move(ctx, w.who[who], id, version, in)
	after := w.found(id)
	switch {
	case err != nil && after != before:
		w.fail("%s: a refused %s changed the case: %v", who, action, err)
	case err != nil && alerts.KindOf(err) == alerts.Internal:
		w.fail("%s: %s: %v", who, action, err)
	case err == nil && version != before.Version:
		w.fail("%s: %s on a stale version", who, action)
	case err == nil && after.Version <= before.Version:
		w.fail("%s: %s left the version at %d", who, action, after.Version)
	case err == nil && action == alerts.ActClose && before.HandlerID == who:
		w.fail("%s closed what he handled", who)
	}
}

// check looks at what always holds.
func (w *walk) check() {
	ctx := context.Background()
	filed := map[string]int{}
	for _, id := range w.cases {
		k := w.found(id)
		if !strings.HasPrefix(k.AreaPath, k.HolderPath) || k.HolderPath == "" {
			w.fail("case %s of %s is held by %q", k.Code, k.AreaPath, k.HolderPath)
		}
		if k.Open() != (k.Outcome == "") || k.Open() != k.ClosedAt.IsZero() {
			w.fail("case %s in step %s has outcome %q", k.Code, k.Step, k.Outcome)
		}
		assigned := k.DepartmentID != "" || k.PersonID != ""
		if slices.Contains(busy, k.Step) && !assigned || slices.Contains(early, k.Step) && assigned {
			w.fail("case %s in step %s is assigned to %q %q", k.Code, k.Step, k.DepartmentID, k.PersonID)
		}
		parts, err := w.store.Parts(ctx, id)
		if err != nil {
			w.fail("parts: %v", err)
		}
		if k.Against != "" && (k.DepartmentID == k.Against || k.FirstID == k.Against || slices.ContainsFunc(parts, func(p alerts.Part) bool { return p.DepartmentID == k.Against })) {
			w.fail("case %s lies with %s, which it is about", k.Code, k.Against)
		}
		filings, err := w.store.Filings(ctx, id)
		if err != nil || len(filings) != k.Incidents {
			w.fail("case %s counts %d incidents and holds %d (%v)", k.Code, k.Incidents, len(filings), err)
		}
		if (len(filings) == 0) != (k.Outcome == alerts.Merged) {
			w.fail("case %s with outcome %q holds %d incidents", k.Code, k.Outcome, len(filings))
		}
		for _, l := range filings {
			filed[l.IncidentID]++
		}
		w.checkMoves(k)
	}
	for _, id := range w.incidents {
		if filed[id] != 1 {
			w.fail("incident %s is filed %d times", id, filed[id])
		}
	}
	for _, id := range w.directs {
		k := w.found(id)
		if !k.Direct || k.Outcome == alerts.Refused || strings.HasPrefix(k.HolderPath, paths["t1"]) {
			w.fail("a direct report was vetoed: %+v", k)
		}
	}
}

// checkMoves: the log is whole, and gives the step that the case is in.
func (w *walk) checkMoves(k alerts.Case) {
	moves, err := w.store.Moves(context.Background(), k.ID)
	if err != nil {
		w.fail("moves: %v", err)
	}
	if err := alerts.CheckMoves(moves); err != nil {
		w.fail("%v", err)
	}
	step := alerts.Step("")
	returns, transfers, reopened := 0, 0, 0
	for _, m := range moves {
		if m.From != step {
			w.fail("case %s: move %d (%s) starts in %q, the case was in %q", k.Code, m.N, m.Action, m.From, step)
		}
		step = m.To
		switch m.Action {
		case alerts.ActReturn:
			returns++
		case alerts.ActTransfer:
			transfers++
		case alerts.ActReopen, alerts.ActDispute:
			reopened++
		}
	}
	if step != k.Step || returns != k.Returns || transfers != k.Transfers || reopened != k.Reopened {
		w.fail("case %s: the log says %s, %d returns, %d transfers, %d times reopened: %+v", k.Code, step, returns, transfers, reopened, k)
	}
}

// TestWalk walks cases at random; further in a soak.
func TestWalk(t *testing.T) {
	steps := 8
	if os.Getenv("SHARPEYES_SOAK") != "" {
		steps = 40
	}
	b := newBureau(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := &walk{bureau: b, t: rt}
		for range 3 {
			w.reportOne()
		}
		for range steps {
			w.act()
		}
		w.check()
	})
}

// TestOneWins: of many who take a case at once one does; the others are told by
// whom, and when.
func TestOneWins(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", nil)
	people := []string{"hv", "at", "ce", "ci", "cd"}
	errs := make([]error, 4*len(people))
	var wg sync.WaitGroup
	for n := range errs {
		wg.Go(func() {
			_, _, errs[n] = b.Move(context.Background(), b.who[people[n%len(people)]], k.ID, k.Version, mv(alerts.ActFile))
		})
	}
	wg.Wait()
	winner := ok[[]alerts.Move](t)(b.store.Moves(t.Context(), k.ID))[1]
	wins := 0
	for _, err := range errs {
		if err == nil {
			wins++
			continue
		}
		if !isStale(err) || alerts.KindOf(err) != alerts.Conflict || !strings.Contains(err.Error(), winner.ActorName) ||
			!strings.Contains(err.Error(), winner.At.UTC().Format(time.RFC3339)) {
			t.Errorf("the loser is told %v", err)
		}
	}
	if wins != 1 || b.stored(t, k.ID).Version != k.Version+1 {
		t.Errorf("%d won", wins)
	}
	wantMoves(t, b, k.ID, "report", "file")
}

// TestMoveKeys: a move sent again is made once; talk does not make a case stale.
func TestMoveKeys(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	_, k := b.reported(t, "gr", "v1", nil)
	in := MoveInput{Action: alerts.ActAssign, Department: "dd", Key: "once"}
	var wg sync.WaitGroup
	fresh := make([]bool, 10)
	for n := range fresh {
		wg.Go(func() {
			v, replayed, err := b.Move(context.Background(), b.who["hv"], k.ID, k.Version, in)
			if err != nil || v.Step != alerts.StepAssign {
				t.Errorf("%+v %v", v, err)
			}
			fresh[n] = !replayed
		})
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(fresh, func(f bool) bool { return !f })); n != 1 {
		t.Errorf("%d of ten were made", n)
	}
	in.Department = "jj"
	_, _, err := b.Move(ctx, b.who["hv"], k.ID, k.Version, in)
	wantKind(t, err, alerts.Conflict, "the key of another move")
	if isStale(err) {
		t.Error("a used key is told as stale")
	}
	version := b.stored(t, k.ID).Version
	for n := range 3 {
		said, replayed, err := b.Comment(ctx, b.who["hd"], k.ID, CommentInput{Text: "on our way", Key: "k"})
		if err != nil || replayed != (n > 0) || said.Text != "on our way" {
			t.Errorf("comment %d: %+v %v %v", n, said, replayed, err)
		}
	}
	if now := b.stored(t, k.ID); now.Version != version || now.Comments != 1 {
		t.Errorf("after a comment: version %d, %d comments", now.Version, now.Comments)
	}
	_, _, err = b.Comment(ctx, b.who["hd"], k.ID, CommentInput{Text: "another", Key: "k"})
	wantKind(t, err, alerts.Conflict, "the key of another comment")
	// The key of a report is no key of a move.
	rep := report("v1")
	rep.Key = "once"
	_, _, _, err = b.Report(ctx, b.who["hv"], rep)
	wantKind(t, err, alerts.Conflict, "the key of a move")
}

// TestStaleNames: who made the last move is told, the reporter is not.
func TestStaleNames(t *testing.T) {
	b := newBureau(t)
	k := b.toStep(t, alerts.StepClosed)
	b.do(t, "gr", k.ID, why(alerts.ActDispute))
	_, _, err := b.Move(t.Context(), b.who["at"], k.ID, k.Version, why(alerts.ActReopen))
	if !isStale(err) || strings.Contains(err.Error(), "gr") && strings.Contains(err.Error(), "名 gr") || !strings.Contains(err.Error(), "the reporter") {
		t.Errorf("told %v", err)
	}
	_, fresh := b.reported(t, "gr", "v1", direct)
	_, _, err = b.Move(t.Context(), b.who["ce"], fresh.ID, 0, why(alerts.ActEscalate))
	if !isStale(err) || !strings.Contains(err.Error(), "the system") {
		t.Errorf("told %v", err)
	}
}
