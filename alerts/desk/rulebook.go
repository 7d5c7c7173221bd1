package desk

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"sharpeyes/alerts"
)

// DeadlineRules returns the table of deadlines.
func (d *Desk) DeadlineRules() []DeadlineView { return deadlineViews(d.known.rules().deadlines) }

// CalendarRules returns the calendar.
func (d *Desk) CalendarRules() CalendarView { return calendarView(d.known.rules().calendar) }

// CategoryRules returns the tree of categories, each after the one above it
// where it was edited here.
func (d *Desk) CategoryRules() []alerts.Category { return slices.Clone(d.known.rules().categories) }

// OpenCategories returns what can be reported: the open leaves of the tree.
func (d *Desk) OpenCategories() []alerts.Category {
	b := d.known.rules()
	out := make([]alerts.Category, 0, len(b.categories))
	for _, c := range b.categories {
		if !c.Closed && !b.inner[c.Code] {
			out = append(out, c)
		}
	}
	return out
}

// reportable returns a category that can be reported: an open leaf.
func (d *Desk) reportable(code string) (alerts.Category, bool) {
	b := d.known.rules()
	i, ok := b.byCode[code]
	if !ok || b.inner[code] || b.categories[i].Closed {
		return alerts.Category{}, false
	}
	return b.categories[i], true
}

// RulesTag tells one content of a view of the rules from another. Whoever
// changes the rules may say by it which content he has seen.
func RulesTag(view any) string { return digest(view)[:16] }

// ChangeDeadlines replaces the table of deadlines, where it is still the one
// with the tag seen; an empty tag stands for any. It counts for the steps that
// cases enter from now on.
func (d *Desk) ChangeDeadlines(ctx context.Context, s alerts.Scope, seen string, views []DeadlineView) ([]DeadlineView, error) {
	if err := d.mayRule(s); err != nil {
		return nil, err
	}
	var f faults
	lines := f.deadlines(views)
	if err := f.err(); err != nil {
		return nil, err
	}
	err := d.changeRules(ctx, s, "deadlines", len(lines), func(c *change, b *ruleBook) error {
		if err := stillSeen(seen, deadlineViews(b.deadlines)); err != nil {
			return err
		}
		var f faults
		f.knownCategories(lines, b)
		if err := f.err(); err != nil {
			return err
		}
		return c.SaveDeadlines(lines)
	})
	if err != nil {
		return nil, err
	}
	return deadlineViews(lines), nil
}

// ChangeCalendar replaces the calendar with the tag seen. Times that run keep
// their ends.
func (d *Desk) ChangeCalendar(ctx context.Context, s alerts.Scope, seen string, v CalendarView) (CalendarView, error) {
	if err := d.mayRule(s); err != nil {
		return CalendarView{}, err
	}
	var f faults
	calendar := f.calendar(v)
	if err := f.err(); err != nil {
		return CalendarView{}, err
	}
	err := d.changeRules(ctx, s, "calendar", len(calendar.Moved), func(c *change, b *ruleBook) error {
		if err := stillSeen(seen, calendarView(b.calendar)); err != nil {
			return err
		}
		return c.SaveCalendar(calendar)
	})
	if err != nil {
		return CalendarView{}, err
	}
	return calendarView(calendar), nil
}

// ChangeCategories replaces the tree of categories with the tag seen. What
// something was reported under, or a deadline names, is closed instead of left
// out.
func (d *Desk) ChangeCategories(ctx context.Context, s alerts.Scope, seen string, list []alerts.Category) ([]alerts.Category, error) {
	if err := d.mayRule(s); err != nil {
		return nil, err
	}
	var f faults
	list = f.categories(list)
	if err := f.err(); err != nil {
		return nil, err
	}
	err := d.changeRules(ctx, s, "categories", len(list), func(c *change, b *ruleBook) error {
		if err := stillSeen(seen, b.categories); err != nil {
			return err
		}
		var f faults
		kept := make(map[string]bool, len(list))
		for _, k := range list {
			kept[k.Code] = true
		}
		for _, old := range b.categories {
			if kept[old.Code] {
				continue
			}
			used, err := c.used(ctx, old.Code, b)
			if err != nil {
				return err
			}
			if used != "" {
				f.add("items", "must keep %q: %s; set closed instead of leaving it out", old.Code, used)
			}
		}
		if err := f.err(); err != nil {
			return err
		}
		return c.SaveCategories(list)
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// used tells what names a category; empty where nothing does.
func (c *change) used(ctx context.Context, code string, b *ruleBook) (string, error) {
	for _, l := range b.deadlines {
		if l.Category == code {
			return "a deadline is for it", nil
		}
	}
	one := alerts.Page{Limit: 1}
	list, _, err := c.Incidents(ctx, alerts.System(), alerts.IncidentFilter{Category: code, Page: one})
	if err != nil || len(list) > 0 {
		return "incidents were reported under it", err
	}
	cases, _, err := c.Cases(ctx, alerts.System(), alerts.CaseFilter{Category: code, Page: one})
	if err != nil || len(cases) > 0 {
		return "cases are classed under it", err
	}
	return "", nil
}

// mayRule tells whether somebody may change the rules: they hold for the whole
// town.
func (d *Desk) mayRule(s alerts.Scope) error {
	if err := s.Need(alerts.ManageRules); err != nil {
		return err
	}
	for _, a := range d.known.places().areas {
		if a.ParentID == "" && !s.Covers(a.Path) {
			return alerts.Errorf(alerts.Forbidden, "the rules hold for the whole town: an account of all of it changes them")
		}
	}
	return nil
}

// stillSeen refuses a change of what others have changed meanwhile.
func stillSeen(seen string, now any) error {
	if seen == "" || seen == RulesTag(now) {
		return nil
	}
	return &alerts.Error{Kind: alerts.Conflict, Message: "somebody has changed these rules since they were read: read them again", Err: ErrStale}
}

// changeRules replaces one of the rules, with its event and its entry in the
// audit. fn gets the rules as the transaction sees them.
func (d *Desk) changeRules(ctx context.Context, s alerts.Scope, name string, items int, fn func(*change, *ruleBook) error) error {
	return d.write(ctx, func(c *change) error {
		b, err := d.readRules(ctx, c)
		if err != nil {
			return err
		}
		if err := fn(c, b); err != nil {
			return err
		}
		details := map[string]string{"items": strconv.Itoa(items)}
		if err := c.audit(s, alerts.AuditConfig, "rules/"+name, "", details); err != nil {
			return fmt.Errorf("desk: change %s: %w", name, err)
		}
		return c.emit(alerts.RulesChanged, "", "", name, nil)
	})
}
