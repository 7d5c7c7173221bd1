package desk

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

func postProperties() []string {
	return []string{"grid_id", "kind", "username", "name", "employment", "tasks", "from", "to", "hand_note"}
}

// postRow is one line of a roster as it was written.
type postRow struct {
	row      int
	grid     alerts.Grid
	username string
	note     string
	PostInput
}

// ImportPosts puts the rosters of a CSV or GeoJSON document into the grids', all
// or none. A line that a roster has (same grid, kind, person and beginning, or
// without a beginning a term that runs) is changed; a new leader has to begin
// when the one before has ended. system is not used: rosters are nowhere.
func (d *Desk) ImportPosts(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	kind, err := begin(s, alerts.ManagePlaces, format, system, formatCSV, formatGeoJSON)
	if err != nil {
		return ImportResult{}, err
	}
	var log importLog
	var rows []postRow
	file := table{format: kind, columns: postProperties(), bare: true}
	err = file.read(r, &log, func(f geo.Feature) error {
		row, found := d.postRow(s, f)
		log.takeAll(f.Row, found)
		rows = append(rows, row)
		return ctx.Err()
	})
	if err != nil {
		return ImportResult{}, err
	}
	if len(rows) == 0 && !log.faulty() {
		log.fault(0, "", "the file has no line; nothing was imported")
	}
	if err := log.err(); err != nil {
		return ImportResult{}, err
	}
	err = d.write(ctx, func(c *change) error {
		found := importLog{}
		for _, row := range rows {
			if err := c.importPost(ctx, s, row); err != nil {
				if !found.blame(row.row, err) {
					return err
				}
			}
		}
		return found.err()
	})
	return log.result(len(rows)), err
}

// blame takes an error that is a row's own fault; false for others.
func (l *importLog) blame(row int, err error) bool {
	switch k := alerts.KindOf(err); k {
	case alerts.Invalid, alerts.Conflict, alerts.NotFound:
		if e, ok := err.(*alerts.Error); ok && len(e.Faults) > 0 {
			l.takeAll(row, e.Faults)
			return true
		}
		l.fault(row, "", "%s", err.Error())
		return true
	}
	return false
}

func (d *Desk) postRow(s alerts.Scope, f geo.Feature) (postRow, faults) {
	p := newProperties(f, postProperties())
	row := postRow{row: f.Row, username: p.scalar("username"), note: p.scalar("hand_note"), PostInput: PostInput{Kind: alerts.PostKind(p.scalar("kind")),
		Name: p.scalar("name"), Employment: alerts.Employment(p.scalar("employment"))}}
	if tasks := p.scalar("tasks"); tasks != "" {
		row.Tasks = strings.FieldsFunc(tasks, func(r rune) bool { return strings.ContainsRune(" ;,；，、", r) })
	}
	if from := p.day("from"); !from.IsZero() {
		row.From = &from
	}
	if to := p.day("to"); !to.IsZero() {
		row.To = &to
	}
	row.note = p.lines("hand_note", row.note, false, 1000)
	g, err := d.gridIn(s, p.scalar("grid_id"))
	if err != nil {
		p.add("grid_id", "there is no such grid in this account's areas")
	}
	row.grid = g
	return row, p.faults
}

func (c *change) importPost(ctx context.Context, s alerts.Scope, row postRow) error {
	in := row.PostInput
	if row.username != "" {
		u, err := c.UserByName(ctx, alerts.System(), row.username)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return err
		}
		if err != nil {
			return alerts.InvalidField("username", "there is no such account")
		}
		in.UserID = u.ID
	}
	roster, err := c.Posts(ctx, row.grid.ID, "")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(roster, func(p alerts.Post) bool {
		same := p.Kind == in.Kind && p.UserID == in.UserID && (in.UserID != "" || p.Name == strings.TrimSpace(in.Name))
		if in.From == nil {
			return same && runs(p, c.now)
		}
		return same && p.From.Truncate(time.Second).Equal(in.From.Truncate(time.Second))
	})
	if i < 0 {
		from := c.now
		if in.From != nil {
			from = *in.From
		}
		p, err := c.addPost(ctx, row.grid, in, alerts.NewID(c.now), from)
		if err != nil {
			return err
		}
		return c.postChanged(s, row.grid, p, "import")
	}
	p := roster[i]
	var f faults
	p.Employment, p.Tasks, p.To = in.Employment, f.tasks(in.Tasks), time.Time{}
	if in.To != nil {
		p.To = *in.To
	}
	if row.note != "" {
		p.HandNote = row.note
	}
	f.employment(p)
	f.term(p)
	if err := f.err(); err != nil {
		return err
	}
	if err := c.onlyLeader(ctx, p); err != nil {
		return err
	}
	if err := c.SavePost(p); err != nil {
		return err
	}
	return c.postChanged(s, row.grid, p, "import")
}
