package desk

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// TestRoom: everybody in whose sight a case is talks about it; who is called to
// it must see it.
func TestRoom(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	k := b.toStep(t, alerts.StepHandle)
	b.bus.forget()
	var ids []string
	for n, who := range []string{"hv", "at", "hd", "hj", "gr", "gg"} {
		c, _, err := b.Comment(ctx, b.who[who], k.ID, CommentInput{Text: fmt.Sprint("message ", n)})
		if err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		if hidden := who == "gr"; hidden != c.ByReporter || hidden != (c.AuthorID == "") || !hidden && c.Author != "名 "+who {
			t.Errorf("%s writes as %+v", who, c)
		}
		ids = append(ids, c.ID)
		b.clock.add(time.Second)
	}
	for who, kind := range map[string]alerts.Kind{"hx": alerts.NotFound, "nv": alerts.NotFound, "gb": alerts.NotFound, "au": alerts.Forbidden, "ad": alerts.Forbidden} {
		_, _, err := b.Comment(ctx, b.who[who], k.ID, CommentInput{Text: "x"})
		wantKind(t, err, kind, who+" comments")
		_, err = b.Attach(ctx, b.who[who], k.ID, alerts.Photo{ID: "p-" + who})
		wantKind(t, err, kind, who+" attaches")
	}
	list, next, err := b.CaseComments(ctx, b.who["au"], k.ID, alerts.Page{Limit: 4})
	if err != nil || len(list) != 4 || list[0].ID != ids[5] || next == "" {
		t.Errorf("the auditor reads %v %q %v", list, next, err)
	}
	if list, _, err = b.CaseComments(ctx, b.who["hj"], k.ID, alerts.Page{Limit: 4, Cursor: next}); err != nil || len(list) != 2 || list[1].ID != ids[0] {
		t.Errorf("the rest: %v %v", list, err)
	}
	e := b.bus.sent[0]
	if e.Kind != alerts.CaseCommented || e.ID != k.ID || !strings.Contains(string(e.Data), "message 0") {
		t.Errorf("event: %+v", e)
	}
	for _, id := range []string{"dd", "jj", "g1a", "gr", "hd"} {
		if !slices.Contains(e.Parties, id) {
			t.Errorf("parties %v without %s", e.Parties, id)
		}
	}
	b.bus.forget()
	c, _, err := b.Comment(ctx, b.who["hd"], k.ID, CommentInput{Text: "看 @hv", Mentions: []string{"hv", "hj", "gg", "hv"}})
	if err != nil || !slices.Equal(c.Mentions, []string{"hv", "hj", "gg"}) || !slices.Contains(b.bus.sent[0].Parties, "hv") {
		t.Errorf("mentions: %+v %v", c, err)
	}
	for _, who := range []string{"hx", "nv", "gb", "au", "ad", "nobody"} {
		_, _, err := b.Comment(ctx, b.who["hd"], k.ID, CommentInput{Text: "x", Mentions: []string{who}})
		wantFault(t, err, "mention "+who, "mentions")
	}
	for field, in := range map[string]CommentInput{"text": {}, "mentions": {Text: "x", Mentions: strings.Fields(strings.Repeat("a b c d e f g h i j k ", 1) + "l m n o p q r s t u")},
		"files": {Text: "x", Files: []string{"none"}}} {
		_, _, err := b.Comment(ctx, b.who["hd"], k.ID, in)
		wantFault(t, err, "comment with bad "+field, field)
	}
	a := ok[AttachmentView](t)(b.Attach(ctx, b.who["hj"], k.ID, alerts.Photo{ID: "pic", SHA256: "cc", Type: "image/png", Size: 3, Width: 2, Height: 1}))
	if a.URL != "/api/v1/attachments/pic" || a.Width != 2 {
		t.Errorf("attachment: %+v", a)
	}
	if c, _, err = b.Comment(ctx, b.who["hj"], k.ID, CommentInput{Text: "see", Files: []string{"pic"}}); err != nil || len(c.Files) != 1 {
		t.Errorf("comment with a file: %+v %v", c, err)
	}
	if files := ok[[]AttachmentView](t)(b.CaseAttachments(ctx, b.who["gr"], k.ID)); len(files) != 1 {
		t.Errorf("attachments: %v", files)
	}
}

// TestReporterStaysHidden looks through all that leaves the process about a case
// that gr reported, disputed and talked about.
func TestReporterStaysHidden(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	b.bus.forget()
	in := report("v1")
	in.Category, in.Against = "opinion.other", "xx"
	i, _, _, err := b.Report(ctx, b.who["gr"], in)
	if err != nil {
		t.Fatal(err)
	}
	l := ok[alerts.Filing](t)(b.store.FilingOf(ctx, i.ID))
	id := l.CaseID
	b.do(t, "hv", id, why(alerts.ActRefuse))
	b.do(t, "gr", id, why(alerts.ActDispute))
	if _, _, err := b.Comment(ctx, b.who["gr"], id, CommentInput{Text: "still there"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.AddNote(ctx, b.who["gr"], i.ID, NoteInput{Text: "behind the shed"}); err != nil {
		t.Fatal(err)
	}
	ok[AttachmentView](t)(b.Attach(ctx, b.who["gr"], id, alerts.Photo{ID: "pic", SHA256: "cc", Type: "image/png", Size: 3}))
	b.do(t, "at", id, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	seen := []any{b.bus.sent}
	for _, who := range []string{"hv", "at", "ci", "hd", "gg", "au"} {
		s := b.who[who]
		list, _, err := b.Cases(ctx, s, alerts.CaseFilter{Page: alerts.Page{Limit: 10}})
		if err != nil || len(list) != 1 {
			t.Errorf("%s sees %d cases: %v", who, len(list), err)
		}
		comments, _, err := b.CaseComments(ctx, s, id, alerts.Page{Limit: 10})
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, list, comments, ok[CaseView](t)(b.Case(ctx, s, id)), ok[[]MoveView](t)(b.CaseMoves(ctx, s, id)),
			ok[[]IncidentView](t)(b.CaseIncidents(ctx, s, id)), ok[[]AttachmentView](t)(b.CaseAttachments(ctx, s, id)),
			ok[[]NoteView](t)(b.Notes(ctx, s, i.ID)))
	}
	audit, _, err := b.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Page: alerts.Page{Limit: 1000}})
	if err != nil || len(audit) == 0 {
		t.Error(err)
	}
	seen = append(seen, audit)
	for _, v := range seen {
		if text := asJSON(t, v); strings.Contains(text, `"gr"`) || strings.Contains(text, "名 gr") {
			t.Errorf("the reporter is shown: %s", text)
		}
	}
	for _, e := range b.bus.sent {
		if slices.Contains(e.Parties, "xx") {
			t.Error("an event goes to the department that is complained about")
		}
	}
}

// TestDisclose: who reported is shown for a reason, which stays; never to those
// who are complained about.
func TestDisclose(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	i, k := b.reported(t, "gr", "v1", func(in *ReportInput) { in.Against = "xx" })
	_, err := b.Disclose(ctx, b.who["hv"], i.ID, "  ")
	wantFault(t, err, "without a reason", "reason")
	for _, who := range []string{"hd", "gr", "gg", "au", "ad"} {
		_, err := b.Disclose(ctx, b.who[who], i.ID, "curious")
		wantKind(t, err, alerts.Forbidden, who)
	}
	_, err = b.Disclose(ctx, b.who["nv"], i.ID, "curious")
	wantKind(t, err, alerts.NotFound, "an officer elsewhere")
	v := ok[DisclosureView](t)(b.Disclose(ctx, b.who["hv"], i.ID, "witness needed"))
	if v.UserID != "gr" || v.Name != "名 gr" || v.Role != alerts.GridLeader || v.AreaID != "v1" {
		t.Errorf("disclosed: %+v", v)
	}
	notes := ok[[]NoteView](t)(b.Notes(ctx, b.who["gr"], i.ID))
	if len(notes) != 1 || notes[0].ID != v.NoteID || notes[0].AuthorID != "hv" || !strings.Contains(notes[0].Text, "witness needed") || strings.Contains(notes[0].Text, "gr") {
		t.Errorf("notes: %+v", notes)
	}
	audit, _, err := b.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Kind: alerts.AuditDisclose, Page: alerts.Page{Limit: 10}})
	if err != nil || len(audit) != 1 || audit[0].UserID != "hv" || audit[0].Details["reason"] != "witness needed" {
		t.Errorf("audit: %+v %v", audit, err)
	}
	// Held by the township the village is not told any more.
	b.do(t, "hv", k.ID, why(alerts.ActEscalate))
	_, err = b.Disclose(ctx, b.who["hv"], i.ID, "again")
	wantKind(t, err, alerts.Forbidden, "the level below")
	ok[DisclosureView](t)(b.Disclose(ctx, b.who["at"], i.ID, "again"))
	// An officer who belongs to the department that is complained about.
	s := b.who["ce"]
	s.Department = "xx"
	_, err = b.Disclose(ctx, s, i.ID, "mine")
	wantKind(t, err, alerts.Forbidden, "an officer of the department")
	u := ok[alerts.User](t)(b.store.User(ctx, alerts.System(), "ce"))
	u.DepartmentID = "xx"
	if err := b.store.Write(ctx, func(tx alerts.Tx) error { return tx.SaveUser(u) }); err != nil {
		t.Fatal(err)
	}
	_, err = b.Disclose(ctx, b.who["ce"], i.ID, "mine")
	wantKind(t, err, alerts.Forbidden, "an officer whose account is of the department")
	// Merged into another case, it is still a complaint about them.
	_, other := b.reported(t, "gg", "v1", nil)
	b.do(t, "at", k.ID, MoveInput{Action: alerts.ActMerge, Into: other.ID})
	_, err = b.Disclose(ctx, b.who["ce"], i.ID, "mine")
	wantKind(t, err, alerts.Forbidden, "after merging")
	_, _, _, err = b.Report(ctx, b.who["gr"], ReportInput{Category: "rubbish", Text: "x", Lon: middles["v1"].Lon, Lat: middles["v1"].Lat, Against: "nobody"})
	wantFault(t, err, "a complaint about nobody", "against")
}

// TestNotes: an incident is annotated, never changed.
func TestNotes(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	i, _ := b.reported(t, "gr", "v1", nil)
	for n := range 2 {
		v, replayed, err := b.AddNote(ctx, b.who["hv"], i.ID, NoteInput{Text: "called back", Key: "n"})
		if err != nil || replayed != (n == 1) || v.Text != "called back" || v.Author != "名 hv" {
			t.Errorf("note: %+v %v %v", v, replayed, err)
		}
	}
	_, _, err := b.AddNote(ctx, b.who["hv"], i.ID, NoteInput{})
	wantFault(t, err, "an empty note", "text")
	_, _, err = b.AddNote(ctx, b.who["hx"], i.ID, NoteInput{Text: "x"})
	wantKind(t, err, alerts.NotFound, "a note on what is out of sight")
	_, _, err = b.AddNote(ctx, b.who["au"], i.ID, NoteInput{Text: "x"})
	wantKind(t, err, alerts.Forbidden, "the auditor's note")
	if list := ok[[]NoteView](t)(b.Notes(ctx, b.who["au"], i.ID)); len(list) != 1 {
		t.Errorf("notes: %v", list)
	}
	if again := ok[IncidentView](t)(b.Incident(ctx, b.who["hv"], i.ID)); again.Hash != i.Hash || again.Text != i.Text {
		t.Errorf("annotated: %+v", again)
	}
}

// TestReceipts: whoever has the code learns what became of the report, and no
// more; the number alone is not enough.
func TestReceipts(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	in := report("v1")
	in.Key = "k"
	i, r, _, err := b.Report(ctx, b.who["gr"], in)
	if err != nil || !receiptPattern.MatchString(r.Code) {
		t.Fatal(err, r)
	}
	_, again, replayed, err := b.Report(ctx, b.who["gr"], in)
	if err != nil || !replayed || again != r {
		t.Errorf("replayed: %+v, first %+v (%v)", again, r, err)
	}
	v := ok[ReceiptState](t)(b.CheckReceipt(ctx, strings.ToUpper(r.Code)+" "))
	if v.Number != i.Number || !v.ReceivedAt.Equal(i.ReceivedAt) || v.Hash != i.Hash || v.State != "open" || v.Step != alerts.StepReport {
		t.Errorf("receipt: %+v", v)
	}
	for _, code := range []string{"", i.Number, i.ID, r.Code[1:], r.Code + "a", strings.Repeat("a", 26), "' or 1=1 --"} {
		_, err := b.CheckReceipt(ctx, code)
		wantKind(t, err, alerts.NotFound, "code "+code)
	}
	_, other := b.reported(t, "gg", "v1", nil)
	l := ok[alerts.Filing](t)(b.store.FilingOf(ctx, i.ID))
	b.do(t, "hv", l.CaseID, MoveInput{Action: alerts.ActMerge, Into: other.ID})
	b.do(t, "hv", other.ID, why(alerts.ActRefuse))
	if v = ok[ReceiptState](t)(b.CheckReceipt(ctx, r.Code)); v.State != "refused" || v.Step != alerts.StepClosed || v.Number != i.Number {
		t.Errorf("of a merged case: %+v", v)
	}
	// The code is nowhere in the store: neither in plain, nor after the vault's
	// key has changed.
	if object := second(b.store.IncidentOfReceipt(ctx, r.Code)); alerts.KindOf(object) != alerts.NotFound {
		t.Error("the code itself is kept")
	}
	vault := ok[Vault](t)(NewVault(RandomKey()))
	b.Vault = vault
	if _, again, replayed, err = b.Report(ctx, b.who["gr"], in); err != nil || !replayed || again.Code != "" || again.Hash != r.Hash {
		t.Errorf("replayed under another key: %+v %v", again, err)
	}
}

// TestDuplicates: near, of late, of the category.
func TestDuplicates(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	at := middles["v1"]
	east := func(metres float64) func(*ReportInput) {
		return func(in *ReportInput) {
			in.Category = "hazard.gas"
			in.Lon = at.Lon + metres/(111_195*math.Cos(at.Lat*math.Pi/180))
		}
	}
	_, old := b.reported(t, "gg", "v1", east(1))
	b.clock.add(15 * 24 * time.Hour)
	_, near := b.reported(t, "gg", "v1", east(100))
	_, far := b.reported(t, "gg", "v1", east(700))
	_, away := b.reported(t, "gg", "v1", east(1300))
	_, other := b.reported(t, "gg", "v1", nil)
	_, closed := b.reported(t, "gg", "v1", east(20))
	b.do(t, "hv", closed.ID, why(alerts.ActRefuse))
	i, k := b.reported(t, "gr", "v1", east(0))
	names := map[string]string{old.ID: "old", near.ID: "near", far.ID: "far", away.ID: "away", other.ID: "other", closed.ID: "closed", k.ID: "own"}
	for who, want := range map[string]string{"hv": "[near far]", "ce": "[near far]", "gr": "[near]"} {
		var got []string
		for _, v := range ok[[]DuplicateView](t)(b.Duplicates(ctx, b.who[who], i.ID)) {
			got = append(got, names[v.Case.ID])
			if v.Score <= 0 || v.Score > 1 || !v.SameCategory {
				t.Errorf("suggestion: %+v", v)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s is told of %v, want %s", who, got, want)
		}
	}
	wantKind(t, second(b.Duplicates(ctx, b.who["hx"], i.ID)), alerts.NotFound, "out of sight")
}

// TestUnitFigures: what a unit holds back is seen one level up, and nowhere else.
func TestUnitFigures(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	_, one := b.reported(t, "gr", "v1", nil)
	_, two := b.reported(t, "gg", "v1", nil)
	_, silent := b.reported(t, "gr", "v1", direct)
	_, helped := b.reported(t, "gr", "v1", direct)
	b.clock.add(30 * time.Minute)
	b.do(t, "hv", one.ID, MoveInput{Action: alerts.ActFile, Severity: alerts.High})
	b.do(t, "hv", one.ID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	b.do(t, "hd", one.ID, why(alerts.ActReturn))
	b.do(t, "hv", two.ID, why(alerts.ActRefuse))
	if _, _, err := b.Comment(ctx, b.who["hv"], helped.ID, CommentInput{Text: "we send three people"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Comment(ctx, b.who["ce"], silent.ID, CommentInput{Text: "where is the village?"}); err != nil {
		t.Fatal(err)
	}
	find := func(who, area string) UnitFigures {
		t.Helper()
		for _, v := range ok[[]UnitFigures](t)(b.UnitFigures(ctx, b.who[who], FiguresQuery{})) {
			if v.AreaID == area {
				return v
			}
		}
		t.Errorf("%s does not see %s", who, area)
		return UnitFigures{}
	}
	v := find("at", "v1")
	if v.Cases != 4 || v.Returned != 1 || v.ReturnRate != 0.25 || v.Refused != 1 || v.Edited != 1 || v.Direct != 2 || v.DirectChecked != 2 || v.Unsupported != 1 || v.HoldMin < 29 || v.HoldMin > 31 {
		t.Errorf("v1 as t1 sees it: %+v", v)
	}
	if v = find("ce", "t1"); v.Cases != 4 || v.Unsupported != 1 {
		t.Errorf("t1 as the county sees it: %+v", v)
	}
	if v = find("ci", "east"); v.Cases != 4 || v.Direct != 0 {
		t.Errorf("the county as the city sees it: %+v", v)
	}
	for _, who := range []string{"hv", "ci", "ce"} {
		for _, v := range ok[[]UnitFigures](t)(b.UnitFigures(ctx, b.who[who], FiguresQuery{})) {
			if v.AreaID == "v1" {
				t.Errorf("%s sees v1", who)
			}
		}
	}
	for _, who := range []string{"hd", "gr", "au", "ad"} {
		wantKind(t, second(b.UnitFigures(ctx, b.who[who], FiguresQuery{})), alerts.Forbidden, who)
	}
	later := FiguresQuery{Since: b.clock.time()}
	if list := ok[[]UnitFigures](t)(b.UnitFigures(ctx, b.who["at"], later)); list[0].Cases != 0 || list[0].Direct != 0 {
		t.Errorf("later: %+v", list)
	}
}

// TestCaseLists: counts with names, a case by its code, and what is out of sight.
func TestCaseLists(t *testing.T) {
	b := newBureau(t)
	ctx := t.Context()
	k := b.toStep(t, alerts.StepHandle)
	b.reported(t, "gg", "v1", nil)
	if v := ok[CaseView](t)(b.Case(ctx, b.who["ci"], k.Code)); v.ID != k.ID {
		t.Errorf("by code: %+v", v)
	}
	counts := ok[[]CaseCountView](t)(b.CaseCounts(ctx, b.who["ci"], alerts.CaseFilter{}, alerts.GroupDepartment))
	if len(counts) != 2 || counts[0].Total+counts[1].Total != 2 || counts[0].Name+counts[1].Name != "燃气办" {
		t.Errorf("counts: %+v", counts)
	}
	for _, call := range []func(alerts.Scope) error{
		func(s alerts.Scope) error { return second(b.Case(ctx, s, k.ID)) },
		func(s alerts.Scope) error { return second(b.CaseMoves(ctx, s, k.ID)) },
		func(s alerts.Scope) error { return second(b.CaseIncidents(ctx, s, k.ID)) },
		func(s alerts.Scope) error { return second(b.CaseAttachments(ctx, s, k.ID)) },
		func(s alerts.Scope) error {
			_, _, err := b.CaseComments(ctx, s, k.ID, alerts.Page{Limit: 1})
			return err
		},
	} {
		wantKind(t, call(b.who["hx"]), alerts.NotFound, "as hx")
		wantKind(t, call(b.who["ad"]), alerts.Forbidden, "as the administrator")
		wantKind(t, call(alerts.Scope{}), alerts.Forbidden, "as nobody")
	}
	_, _, err := b.Cases(ctx, b.who["ad"], alerts.CaseFilter{})
	wantKind(t, err, alerts.Forbidden, "the administrator's list")
	wantKind(t, second(b.CaseCounts(ctx, b.who["ad"], alerts.CaseFilter{}, alerts.GroupStep)), alerts.Forbidden, "the administrator's counts")
	// A handler sees the incidents of the own cases, and their photos.
	in := report("v1")
	in.Photos = []alerts.Photo{{ID: "shot", SHA256: "aa", Type: "image/jpeg", Size: 1}}
	i, _, _, err := b.Report(ctx, b.who["gr"], in)
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, second(b.PhotoOf(ctx, b.who["hd"], "shot")), alerts.NotFound, "a photo of a case that is not theirs")
	l := ok[alerts.Filing](t)(b.store.FilingOf(ctx, i.ID))
	b.do(t, "hv", l.CaseID, MoveInput{Action: alerts.ActAssign, Department: "dd"})
	ok[alerts.Photo](t)(b.PhotoOf(ctx, b.who["hd"], "shot"))
	wantKind(t, second(b.PhotoOf(ctx, b.who["hx"], "shot")), alerts.NotFound, "a photo of a case that is another's")
}

// TestSystemMoves: what the clock does stands in the log like everything else.
func TestSystemMoves(t *testing.T) {
	b := newBureau(t)
	_, k := b.reported(t, "gr", "v1", nil)
	system := func(in MoveInput) error {
		return b.write(context.Background(), func(c *change) error {
			k := ok[alerts.Case](t)(c.Case(context.Background(), alerts.System(), k.ID))
			k.Reminded++
			return b.systemMove(context.Background(), c, &k, in, map[string]string{"clock": "step"})
		})
	}
	if err := system(mv(alerts.ActRemind)); err != nil {
		t.Error(err)
	}
	if err := system(MoveInput{Action: alerts.ActEscalate, Reason: "out of time"}); err != nil {
		t.Error(err)
	}
	wantKind(t, system(mv(alerts.ActFile)), alerts.Forbidden, "the clock files")
	wantKind(t, system(mv(alerts.ActResume)), alerts.Conflict, "the clock resumes")
	if now := b.stored(t, k.ID); now.HolderID != "t1" || now.Escalated != 1 {
		t.Errorf("after the clock: %+v", now)
	}
	moves := wantMoves(t, b, k.ID, "report", "remind", "escalate")
	if m := moves[2]; m.ActorID != "" || m.ActorName != "" || m.Details["clock"] != "step" || m.Reason != "out of time" {
		t.Errorf("escalated: %+v", m)
	}
}
