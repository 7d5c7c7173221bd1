package store

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// SaveCase stores a case under its next version. The number of its comments is
// counted by AddComment alone.
func (t *tx) SaveCase(c alerts.Case) error {
	row := caseToRow(c)
	row.Comments = 0
	old, err := t.before(c)
	if err != nil {
		return err
	}
	if old != nil {
		row.HeldAt, row.Comments = old.HeldAt, old.Comments
	}
	if row.HeldAt == 0 && c.Step != alerts.StepReport && c.Step != alerts.StepFile {
		row.HeldAt = row.StepAt
	}
	if row.Changed, err = t.changeNumber(); err != nil {
		return err
	}
	err = t.replace(&row, row.Version, "case", c.Code)
	if errors.Is(err, errMissing) {
		e := alerts.InvalidField("area_id", "there is no such area, holder or grid")
		e.Err = err
		return e
	}
	return refused(err, "case", c.Code)
}

// changes numbers the transactions that save cases, and those that save areas.
// The numbers go up before the commit, outside all savepoints: what one of the
// writes undoes must not take it back from the others.
type changes struct {
	of    bun.Tx
	next  int64 // 0: no case was saved yet
	areas bool  // some were saved
}

func (t *tx) changeNumber() (int64, error) {
	if t.over {
		return 0, errOver
	}
	if t.changes.next == 0 {
		n, _, err := newestChanges(context.Background(), t.db)
		if err != nil {
			return 0, err
		}
		t.changes.next = n + 1
	}
	return t.changes.next, nil
}

// keep keeps the numbers.
func (c *changes) keep(in bun.Tx) (err error) {
	if c == nil || c.of.Tx != in.Tx {
		return nil
	}
	if c.next > 0 {
		_, err = in.ExecContext(context.Background(), "UPDATE series SET value = ? WHERE name = 'cases'", c.next)
	}
	if err == nil && c.areas {
		_, err = in.ExecContext(context.Background(), "UPDATE series SET value = value + 1 WHERE name = 'areas'")
	}
	if err != nil {
		return fmt.Errorf("store: number of changes: %w", classify(err))
	}
	return nil
}

// before returns what is stored of a case, nil where there is nothing.
func (t *tx) before(c alerts.Case) (*caseRow, error) {
	if c.Version == 0 {
		return nil, nil
	}
	var old []caseRow
	if err := t.scanReady(&old, "SELECT * FROM cases WHERE id = ?", c.ID); err != nil {
		return nil, fmt.Errorf("store: read case: %w", err)
	}
	if len(old) == 0 {
		return nil, nil // replace says so
	}
	return &old[0], nil
}

// AddMove appends a move to its case, which has to be saved before it.
func (t *tx) AddMove(m *alerts.Move) error {
	if t.over {
		return errOver
	}
	if err := plainText(*m); err != nil {
		return err
	}
	var last []moveRow
	err := t.scanReady(&last, "SELECT n, hash FROM case_moves WHERE case_id = ? ORDER BY n DESC LIMIT 1", m.CaseID)
	if err != nil {
		return fmt.Errorf("store: read last move: %w", err)
	}
	n, before := 1, ""
	if len(last) > 0 {
		n, before = last[0].N+1, last[0].Hash
	}
	if m.At.IsZero() {
		m.At = t.now()
	}
	m.N, m.At = n, fromMicros(micros(m.At))
	m.Hash = alerts.MoveHash(before, *m)
	row, err := moveToRow(*m)
	if err != nil {
		return err
	}
	return ofCase(t.insert(&row), "move")
}

// plainText refuses text that no database returns as it was, and that a hash
// would not stand for.
func plainText(m alerts.Move) error {
	all := []string{m.ActorID, m.ActorName, m.Reason}
	for k, v := range m.Details {
		all = append(all, k, v)
	}
	for _, s := range append(all, m.Files...) {
		if !utf8.ValidString(s) || !storable(s) {
			return alerts.InvalidField("reason", "must be text in UTF-8 without NUL, as must everything given with it")
		}
	}
	return nil
}

// ofCase says what a failed write of something in a case means.
func ofCase(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTaken):
		return &alerts.Error{Kind: alerts.Conflict, Message: "this " + what + " exists already: load the case again", Err: err}
	case errors.Is(err, errMissing):
		return &alerts.Error{Kind: alerts.NotFound, Message: "there is no such case or incident", Err: err}
	}
	return fmt.Errorf("store: save %s: %w", what, err)
}

// SaveFiling files an incident, or moves it to another case. Where it came in
// first is kept.
func (t *tx) SaveFiling(f alerts.Filing) error {
	row := filingRow{IncidentID: f.IncidentID, CaseID: f.CaseID, FirstID: f.FirstID, At: micros(f.At), ByID: f.ByID}
	return ofCase(t.upsert(&row, "incident_id", "case_id", "at", "by_id"), "filing")
}

// SavePart inserts or replaces a joint department of a case.
func (t *tx) SavePart(p alerts.Part) error {
	row := partRow{CaseID: p.CaseID, DepartmentID: p.DepartmentID, OfficeID: p.OfficeID, PersonID: p.PersonID,
		At: micros(p.At), ReceivedAt: micros(p.ReceivedAt), DoneAt: micros(p.DoneAt)}
	return ofCase(t.upsert(&row, "case_id, department_id", "office_id", "person_id", "at", "received_at", "done_at"), "part")
}

// RemovePart takes a joint department out; one that is not there is no error.
func (t *tx) RemovePart(caseID, departmentID string) error {
	return t.exec("DELETE FROM case_parts WHERE case_id = ? AND department_id = ?", caseID, departmentID)
}

// AddComment adds a message to a case's room, and counts it there. The case's
// version stays: talk does not get into the way of moves.
func (t *tx) AddComment(c alerts.Comment) error {
	row := commentRow{ID: c.ID, CaseID: c.CaseID, At: micros(c.At), AuthorID: c.AuthorID, Author: c.Author, Body: c.Text,
		Mentions: lines(c.Mentions), Files: lines(c.Files)}
	if err := ofCase(t.insert(&row), "comment"); err != nil {
		return err
	}
	return t.exec("UPDATE cases SET comments = comments + 1 WHERE id = ?", c.CaseID)
}

// AddAttachment adds a file to a case.
func (t *tx) AddAttachment(a alerts.Attachment) error {
	row := attachmentRow{ID: a.ID, CaseID: a.CaseID, ByID: a.ByID, At: micros(a.At), SHA256: a.SHA256, MediaType: a.Type,
		Size: a.Size, Width: a.Width, Height: a.Height}
	return ofCase(t.insert(&row), "attachment")
}

// AddNote annotates an incident.
func (t *tx) AddNote(n alerts.Note) error {
	row := noteRow{ID: n.ID, IncidentID: n.IncidentID, At: micros(n.At), AuthorID: n.AuthorID, Author: n.Author, Body: n.Text}
	return ofCase(t.insert(&row), "note")
}
