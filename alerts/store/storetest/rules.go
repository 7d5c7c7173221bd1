package storetest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// Rules are replaced as a whole; a failed write leaves those before, and an
// empty table is another thing than none.
func testRules(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	if d := must[[]alerts.Deadline](t)(s.Deadlines(ctx)); d != nil {
		t.Errorf("a new store has deadlines: %v", d)
	}
	if c := must[alerts.Calendar](t)(s.Calendar(ctx)); c.Hours != nil || c.Days != nil || c.Moved != nil {
		t.Errorf("a new store has a calendar: %v", c)
	}
	if c := must[[]alerts.Category](t)(s.Categories(ctx)); c != nil {
		t.Errorf("a new store has categories: %v", c)
	}
	lines := []alerts.Deadline{
		{Step: alerts.StepAssign, Minutes: 60, Before: 10, Every: 5},
		{Category: "hazard.gas", Severity: alerts.Critical, Step: alerts.FirstResponse, Minutes: 15, Around: true, Escalate: true},
		{Minutes: 3360},
	}
	calendar := alerts.Calendar{Hours: []alerts.Span{{From: 510, To: 720}, {From: 840, To: 1080}},
		Days:  []time.Weekday{time.Monday, time.Friday},
		Moved: map[string]alerts.Day{"2026-10-01": {Name: "国庆节"}, "2026-10-10": {Work: true, Name: "国庆节调休上班"}}}
	categories := []alerts.Category{{Code: "hazard", Name: "隐患", NameEn: "Hazards", Group: "hazard", Severity: alerts.High},
		{Code: "hazard.gas", Name: "燃气", NameEn: "Gas", Group: "hazard", Severity: alerts.Critical, Proof: true, Near: 100, Closed: true}}
	save := func(tx alerts.Tx, d []alerts.Deadline, c alerts.Calendar, k []alerts.Category) error {
		if err := tx.SaveDeadlines(d); err != nil {
			return err
		}
		if err := tx.SaveCalendar(c); err != nil {
			return err
		}
		return tx.SaveCategories(k)
	}
	check := func(r alerts.Reader) {
		t.Helper()
		if got := must[[]alerts.Deadline](t)(r.Deadlines(ctx)); !reflect.DeepEqual(got, lines) {
			t.Errorf("deadlines %+v", got)
		}
		if got := must[alerts.Calendar](t)(r.Calendar(ctx)); !reflect.DeepEqual(got, calendar) {
			t.Errorf("calendar %+v", got)
		}
		if got := must[[]alerts.Category](t)(r.Categories(ctx)); !reflect.DeepEqual(got, categories) {
			t.Errorf("categories %+v", got)
		}
	}
	Write(t, s, func(tx alerts.Tx) error {
		err := save(tx, lines, calendar, categories)
		check(tx) // its own writes
		return err
	})
	check(s)
	err := s.Write(ctx, func(tx alerts.Tx) error {
		if err := save(tx, nil, alerts.Calendar{}, nil); err != nil {
			return err
		}
		return errStop
	})
	if err == nil {
		t.Error("the write did not fail")
	}
	check(s)
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveDeadlines([]alerts.Deadline{}) })
	if d := must[[]alerts.Deadline](t)(s.Deadlines(ctx)); d == nil || len(d) != 0 {
		t.Errorf("an empty table came back as %v", d)
	}
}
