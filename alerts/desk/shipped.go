package desk

import (
	"context"
	"fmt"
	"time"

	"sharpeyes/alerts"
)

// officeHours is the calendar where none is shipped nor stored.
func officeHours() alerts.Calendar {
	return alerts.Calendar{Hours: []alerts.Span{{From: 8*60 + 30, To: 12 * 60}, {From: 13*60 + 30, To: 18 * 60}},
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}}
}

// readRules reads the rules; what was never stored is as shipped.
func (d *Desk) readRules(ctx context.Context, r alerts.Reader) (*ruleBook, error) {
	deadlines, err := r.Deadlines(ctx)
	if err != nil {
		return nil, fmt.Errorf("desk: load deadlines: %w", err)
	}
	if deadlines == nil {
		deadlines = d.Deadlines
	}
	calendar, err := r.Calendar(ctx)
	if err != nil {
		return nil, fmt.Errorf("desk: load calendar: %w", err)
	}
	if len(calendar.Hours) == 0 {
		calendar = d.Calendar
	}
	if len(calendar.Hours) == 0 {
		calendar = officeHours()
	}
	categories, err := r.Categories(ctx)
	if err != nil {
		return nil, fmt.Errorf("desk: load categories: %w", err)
	}
	if categories == nil {
		categories = d.Categories
	}
	return newRuleBook(deadlines, calendar, categories, d.Zone), nil
}

// storeShipped loads what is shipped into a store that has no rules yet. What
// was stored before, an emptied table of deadlines as well, stays.
func (d *Desk) storeShipped(ctx context.Context) error {
	missing := func(r alerts.Reader) (deadlines, calendar, categories bool, err error) {
		lines, err := r.Deadlines(ctx)
		if err != nil {
			return false, false, false, err
		}
		c, err := r.Calendar(ctx)
		if err != nil {
			return false, false, false, err
		}
		list, err := r.Categories(ctx)
		return lines == nil && d.Deadlines != nil, len(c.Hours) == 0 && len(d.Calendar.Hours) > 0, list == nil && d.Categories != nil, err
	}
	if a, b, c, err := missing(d.store); err != nil || !a && !b && !c {
		return err
	}
	return d.store.Write(ctx, func(tx alerts.Tx) error {
		deadlines, calendar, categories, err := missing(tx) // another node may have been first
		if err != nil {
			return err
		}
		if deadlines {
			if err := tx.SaveDeadlines(d.Deadlines); err != nil {
				return err
			}
		}
		if calendar {
			if err := tx.SaveCalendar(d.Calendar); err != nil {
				return err
			}
		}
		if categories {
			return tx.SaveCategories(d.Categories)
		}
		return nil
	})
}
