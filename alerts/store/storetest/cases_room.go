package storetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// testCaseRoom: filings, parts, comments, files and notes come back as they
// were given, in their order.
func testCaseRoom(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	a, b := NewCase(1, "v1", "g1"), NewCase(2, "v2", "")
	filing := func(incident int, in, first string, at int) alerts.Filing {
		return alerts.Filing{IncidentID: fmt.Sprintf("inc%06d", incident), CaseID: in, FirstID: first,
			At: Base.Add(time.Duration(at) * time.Second), ByID: "u1"}
	}
	parts := []alerts.Part{{CaseID: a.ID, DepartmentID: "dep1", OfficeID: "o", PersonID: "p", At: Base},
		{CaseID: a.ID, DepartmentID: "dep2", At: Base.Add(time.Second), ReceivedAt: Base.Add(time.Minute), DoneAt: Base.Add(time.Hour)}}
	files := []alerts.Attachment{{CaseID: a.ID, ByID: "u1", At: Base, Photo: alerts.Photo{ID: "f1", SHA256: "aa", Type: "image/jpeg", Size: 1 << 33, Width: 3, Height: 4}},
		{CaseID: a.ID, ByID: "u2", At: Base.Add(time.Second), Photo: alerts.Photo{ID: "f2", SHA256: "bb", Type: "image/png", Size: 5}}}
	notes := []alerts.Note{{ID: "n2", IncidentID: "inc000001", At: Base, AuthorID: "u1", Author: "王", Text: "注"},
		{ID: "n1", IncidentID: "inc000001", At: Base.Add(time.Second), Author: "x", Text: "y"}}
	var comments []alerts.Comment
	for n := range 5 {
		comments = append(comments, alerts.Comment{ID: fmt.Sprint("c", n), CaseID: a.ID, At: Base.Add(time.Duration(n/2) * time.Second),
			AuthorID: "u1", Author: "王", Text: fmt.Sprint("text ", n)})
	}
	comments[3].Mentions, comments[3].Files = []string{"u2", "u3"}, []string{"f1"}
	Write(t, s, func(tx alerts.Tx) error {
		steps := []func() error{
			func() error { return tx.SaveCase(a) }, func() error { return tx.SaveCase(b) },
			func() error { return tx.AddIncident(Incident(1, "v1", "g1")) }, func() error { return tx.AddIncident(Incident(2, "v2", "")) },
			func() error { return tx.SaveFiling(filing(2, b.ID, b.ID, 1)) }, func() error { return tx.SaveFiling(filing(1, a.ID, a.ID, 2)) },
			func() error { return tx.SaveFiling(filing(2, a.ID, "ignored", 3)) }, // moved: where it came in first stays
		}
		for _, p := range parts {
			steps = append(steps, func() error { return tx.SavePart(alerts.Part{CaseID: p.CaseID, DepartmentID: p.DepartmentID}) },
				func() error { return tx.SavePart(p) })
		}
		for _, c := range comments {
			steps = append(steps, func() error { return tx.AddComment(c) })
		}
		for _, f := range files {
			steps = append(steps, func() error { return tx.AddAttachment(f) })
		}
		for _, n := range notes {
			steps = append(steps, func() error { return tx.AddNote(n) })
		}
		steps = append(steps, func() error { return tx.SavePart(alerts.Part{CaseID: b.ID, DepartmentID: "dep1"}) },
			func() error { return tx.RemovePart(b.ID, "dep1") }, func() error { return tx.RemovePart(b.ID, "dep1") })
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	equal := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
		}
	}
	equal("filings", must[[]alerts.Filing](t)(s.Filings(ctx, a.ID)), []alerts.Filing{filing(1, a.ID, a.ID, 2), filing(2, a.ID, b.ID, 3)})
	equal("filings of the other", len(must[[]alerts.Filing](t)(s.Filings(ctx, b.ID))), 0)
	equal("filing", must[alerts.Filing](t)(s.FilingOf(ctx, "inc000002")), filing(2, a.ID, b.ID, 3))
	equal("parts", must[[]alerts.Part](t)(s.Parts(ctx, a.ID)), parts)
	equal("parts of the other", len(must[[]alerts.Part](t)(s.Parts(ctx, b.ID))), 0)
	equal("files", must[[]alerts.Attachment](t)(s.Attachments(ctx, a.ID)), files)
	equal("file", must[alerts.Attachment](t)(s.Attachment(ctx, "f2")), files[1])
	voices := map[string][]string{a.ID: {}}
	for _, v := range comments {
		voices[a.ID] = append(voices[a.ID], v.AuthorID)
	}
	for _, v := range files {
		voices[a.ID] = append(voices[a.ID], v.ByID)
	}
	slices.Sort(voices[a.ID])
	voices[a.ID] = slices.Compact(voices[a.ID])
	equal("voices", must[map[string][]string](t)(s.Voices(ctx, []string{a.ID, b.ID, "no", "n\x00o"})), voices)
	equal("no voices", len(must[map[string][]string](t)(s.Voices(ctx, nil))), 0)
	equal("notes", must[[]alerts.Note](t)(s.Notes(ctx, "inc000001")), notes)
	_, err := s.FilingOf(ctx, "no")
	wantKind(t, err, alerts.NotFound, "filing of no incident")
	_, err = s.Attachment(ctx, "n\x00o")
	wantKind(t, err, alerts.NotFound, "no file")

	var got []alerts.Comment
	for p := (alerts.Page{Limit: 2}); ; {
		page, next, err := s.Comments(ctx, a.ID, p)
		if err != nil {
			t.Fatal(err)
		}
		if got = append([]alerts.Comment{}, append(got, page...)...); next == "" {
			break
		}
		p.Cursor = next
	}
	for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
		got[i], got[j] = got[j], got[i]
	}
	equal("comments", got, comments)
	counted := must[alerts.Case](t)(s.Case(ctx, alerts.System(), a.ID))
	equal("count and version", []int64{int64(counted.Comments), counted.Version}, []int64{5, 1})
	Write(t, s, func(tx alerts.Tx) error {
		return tx.SaveCase(must[alerts.Case](t)(tx.Case(ctx, alerts.System(), a.ID)))
	})
	counted.Comments = 0 // as somebody would save it who read it before they were written
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveCase(counted) }), alerts.Conflict, "an old version")
	equal("count after a change", must[alerts.Case](t)(s.Case(ctx, alerts.System(), a.ID)).Comments, 5)

	for name, fn := range map[string]func(alerts.Tx) error{
		"filing": func(tx alerts.Tx) error {
			return tx.SaveFiling(alerts.Filing{IncidentID: "inc000001", CaseID: "no", FirstID: a.ID})
		},
		"part":       func(tx alerts.Tx) error { return tx.SavePart(alerts.Part{CaseID: "no"}) },
		"comment":    func(tx alerts.Tx) error { return tx.AddComment(alerts.Comment{ID: "x", CaseID: "no"}) },
		"attachment": func(tx alerts.Tx) error { return tx.AddAttachment(alerts.Attachment{CaseID: "no"}) },
		"note":       func(tx alerts.Tx) error { return tx.AddNote(alerts.Note{ID: "x", IncidentID: "no"}) },
	} {
		wantKind(t, s.Write(ctx, fn), alerts.NotFound, name+" of nothing")
	}
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error { return tx.AddComment(comments[0]) }), alerts.Conflict, "a comment twice")
}

// testCasesDue: what the clock has to look at, earliest first.
func testCasesDue(t *testing.T, s alerts.Store) {
	Town(t, s)
	ctx := context.Background()
	at := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Minute) }
	Write(t, s, func(tx alerts.Tx) error {
		for n, next := range []int{5, 3, 9, 3, -1} {
			c := NewCase(n, "v1", "")
			if next >= 0 {
				c.NextAt = at(next)
			}
			if err := tx.SaveCase(c); err != nil {
				return err
			}
		}
		return nil
	})
	due := func(t0 time.Time, limit int) []string {
		return ids(must[[]alerts.Case](t)(s.CasesDue(ctx, t0, limit)), caseID)
	}
	wantIDs(t, due(at(2), 10), nil, "before all")
	wantIDs(t, due(at(3), 10), []string{"case000001", "case000003"}, "at the minute")
	wantIDs(t, due(at(100), 3), []string{"case000001", "case000003", "case000000"}, "three of them")
	wantIDs(t, due(at(100), 0), nil, "none asked for")
}

// testEventParties: events tell whom they concern.
func testEventParties(t *testing.T, s alerts.Store) {
	Town(t, s)
	want := [][]string{{"dep1", "u1", "g1"}, nil}
	Write(t, s, func(tx alerts.Tx) error {
		for _, p := range want {
			if err := tx.Append(&alerts.Event{Kind: alerts.CaseChanged, AreaID: "v1", ID: "x", Parties: p}); err != nil {
				return err
			}
		}
		return nil
	})
	events, _, err := s.Events(context.Background(), alerts.System(), 0, 10)
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if !reflect.DeepEqual(e.Parties, want[i]) {
			t.Errorf("event %d: %v", e.Seq, e.Parties)
		}
	}
}

// Call-backs are counted by area and time of opening, for those who see every
// case there.
func testCallBacks(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	said := func(n int, area string, moves ...map[string]string) {
		t.Helper()
		Write(t, s, func(tx alerts.Tx) error {
			c := NewCase(n, area, "")
			if err := tx.SaveCase(c); err != nil {
				return err
			}
			for _, details := range moves {
				m := alerts.Move{CaseID: c.ID, Action: alerts.ActClose, At: c.OpenedAt, Details: details}
				if details["action"] != "" {
					m.Action = alerts.Action(details["action"])
				}
				if err := tx.AddMove(&m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	yes, no := map[string]string{"satisfied": "true"}, map[string]string{"satisfied": "false"}
	said(1, "v1", yes, no)
	said(2, "v1", map[string]string{"text": `"satisfied":"true"`}, map[string]string{"action": "reopen", "satisfied": "true"})
	said(3, "v3", yes)
	said(4, "v4", yes)
	from, until := NewCase(1, "v1", "").OpenedAt, NewCase(4, "v4", "").OpenedAt
	for _, c := range []struct {
		scope            alerts.Scope
		area             string
		asked, satisfied int64
	}{{At(CityPath), "city", 3, 2}, {At(EastPath), "t1", 2, 1}, {At(T1Path), "east", 0, 0}, {At(CityPath), "none", 0, 0}, {alerts.Scope{}, "city", 0, 0},
		{alerts.Scope{Role: alerts.GridLeader, Paths: []string{CityPath}}, "city", 0, 0}} {
		asked, satisfied, err := s.CallBacks(ctx, c.scope, c.area, from, until)
		if err != nil || asked != c.asked || satisfied != c.satisfied {
			t.Errorf("%s: %d asked, %d satisfied, %v, want %d, %d", c.area, asked, satisfied, err, c.asked, c.satisfied)
		}
	}
}
