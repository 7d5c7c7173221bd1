package desk

import (
	"context"
	"strings"

	"sharpeyes/alerts"
)

// Disclose shows who reported an incident to an officer of the level that holds
// the case, or of one above, and never to the people of a department that is
// complained about. That it was shown, to whom and why stands in the audit and
// with the incident, for everybody who may read it.
func (d *Desk) Disclose(ctx context.Context, s alerts.Scope, incidentID, reason string) (DisclosureView, error) {
	if err := s.Need(alerts.DiscloseName); err != nil {
		return DisclosureView{}, err
	}
	var f faults
	if reason = f.lines("reason", reason, true, maxReason); f.err() != nil {
		return DisclosureView{}, f.err()
	}
	t := d.known.places()
	var v DisclosureView
	err := d.write(ctx, func(c *change) error {
		i, err := c.Incident(ctx, s, incidentID)
		if err != nil {
			return err
		}
		k, err := c.disclosable(ctx, s, i)
		if err != nil {
			return err
		}
		u, err := c.User(ctx, alerts.System(), i.ReporterID)
		if err != nil && (alerts.KindOf(err) != alerts.NotFound || i.ReporterID != "") {
			return err
		}
		if i.ReporterID == "" {
			return alerts.Errorf(alerts.NotFound, "this incident came in without an account")
		}
		name, err := c.nameOf(ctx, s)
		if err != nil {
			return err
		}
		note := alerts.Note{ID: alerts.NewID(c.now), IncidentID: i.ID, At: c.now, AuthorID: s.User, Author: name,
			Text: "举报人信息已披露 / who reported was shown to " + name + ": " + reason}
		if err := c.AddNote(note); err != nil {
			return err
		}
		v = DisclosureView{IncidentID: i.ID, UserID: u.ID, Username: u.Username, Name: u.Name, Role: u.Role, AreaID: u.AreaID,
			AreaName: t.areaName(u.AreaID), NoteID: note.ID}
		return c.audit(s, alerts.AuditDisclose, "incident/"+i.ID, i.AreaID, map[string]string{"reason": reason, "case": k.Code, "number": i.Number})
	})
	if err != nil {
		return DisclosureView{}, err
	}
	return v, nil
}

// disclosable finds out that the caller may be shown who reported, and returns
// the case that the incident is filed in.
func (c *change) disclosable(ctx context.Context, s alerts.Scope, i alerts.Incident) (alerts.Case, error) {
	l, err := c.FilingOf(ctx, i.ID)
	if err != nil {
		return alerts.Case{}, err
	}
	k, err := c.Case(ctx, s, l.CaseID)
	if err != nil {
		return alerts.Case{}, err
	}
	first := k
	if l.FirstID != k.ID {
		if first, err = c.Case(ctx, alerts.System(), l.FirstID); err != nil {
			return alerts.Case{}, err
		}
	}
	own, err := c.User(ctx, alerts.System(), s.User)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return alerts.Case{}, err
	}
	for _, id := range []string{s.Department, own.DepartmentID} {
		if id == "" || id != k.Against && id != first.Against {
			continue
		}
		return alerts.Case{}, alerts.Errorf(alerts.Forbidden, "the report complains about this account's department: it is not told who reported")
	}
	if s.Home == "" || !strings.HasPrefix(k.HolderPath, s.Home) {
		return alerts.Case{}, alerts.Errorf(alerts.Forbidden, "who reported is shown by the centre that holds the case, or by one above it")
	}
	return k, nil
}

// Notes lists the annotations of an incident, oldest first.
func (d *Desk) Notes(ctx context.Context, s alerts.Scope, incidentID string) ([]NoteView, error) {
	i, err := d.readable(ctx, s, func(s alerts.Scope) (alerts.Incident, error) { return d.store.Incident(ctx, s, incidentID) })
	if err != nil {
		return nil, err
	}
	list, err := d.store.Notes(ctx, i.ID)
	if err != nil {
		return nil, err
	}
	return mapped(list, noteView), nil
}

func noteView(n alerts.Note) NoteView {
	v := NoteView{ID: n.ID, IncidentID: n.IncidentID, At: n.At, AuthorID: n.AuthorID, Author: n.Author, Text: n.Text}
	if n.Author == "" {
		v.AuthorID, v.ByReporter = "", true
	}
	return v
}

// AddNote annotates an incident, which itself is never changed.
func (d *Desk) AddNote(ctx context.Context, s alerts.Scope, incidentID string, in NoteInput) (v NoteView, replayed bool, err error) {
	if err := s.Need(alerts.WorkCases); err != nil {
		return v, false, err
	}
	var f faults
	in.Text = f.lines("text", in.Text, true, maxCaseText)
	f.key(in.Key)
	if err := f.err(); err != nil {
		return v, false, err
	}
	i, err := d.readable(ctx, s, func(s alerts.Scope) (alerts.Incident, error) { return d.store.Incident(ctx, s, incidentID) })
	if err != nil {
		return v, false, err
	}
	request := "note/" + i.ID + "/" + digest(in)
	err = d.write(ctx, func(c *change) error {
		list, err := c.Notes(ctx, i.ID)
		if err != nil {
			return err
		}
		before, err := c.recalled(s.User, in.Key, request)
		if err != nil {
			return err
		}
		if replayed = before != ""; replayed {
			for _, n := range list {
				if n.ID == before {
					v = noteView(n)
				}
			}
			return nil
		}
		if len(list) >= maxNotes {
			return alerts.Errorf(alerts.TooMany, "the incident has %d annotations, which is the most", maxNotes)
		}
		l, err := c.FilingOf(ctx, i.ID)
		if err != nil {
			return err
		}
		k, err := c.Case(ctx, alerts.System(), l.CaseID)
		if err != nil {
			return err
		}
		facts, err := loadFacts(ctx, c, k.ID)
		if err != nil {
			return err
		}
		n := alerts.Note{ID: alerts.NewID(c.now), IncidentID: i.ID, At: c.now, AuthorID: s.User, Text: in.Text}
		if !facts.hides(s, &k) {
			if n.Author, err = c.nameOf(ctx, s); err != nil {
				return err
			}
		}
		if err := c.AddNote(n); err != nil {
			return err
		}
		if err := c.remember(s.User, in.Key, request, n.ID); err != nil {
			return err
		}
		v = noteView(n)
		return c.audit(facts.masked(s, &k), alerts.AuditNote, "incident/"+i.ID, i.AreaID, map[string]string{"note": n.ID})
	})
	return v, replayed, err
}
