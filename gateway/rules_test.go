package main

import (
	"encoding/json"
	"reflect"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/fresh"
	"sharpeyes/configs"
	"sharpeyes/gateway/cluster"
)

// What is shipped would be taken from an administrator too, names categories
// that exist, and is what a new store holds.
func TestShippedRules(t *testing.T) {
	ctx := t.Context()
	s, err := store.Open(ctx, store.Options{Path: fresh.File(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	bus := cluster.NewLocal()
	defer bus.Close()
	d := desk.New(s, bus)
	if err := json.Unmarshal(configs.Categories(), &d.Categories); err != nil {
		t.Fatal(err)
	}
	if d.Deadlines, err = desk.ReadDeadlines(configs.Deadlines()); err != nil {
		t.Fatal(err)
	}
	if d.Calendar, err = desk.ReadCalendar(configs.Calendar()); err != nil {
		t.Fatal(err)
	}
	if err := d.Open(ctx); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	lines, err := s.Deadlines(ctx)
	if err != nil || !reflect.DeepEqual(lines, d.Deadlines) {
		t.Errorf("%d deadlines are stored of %d: %v", len(lines), len(d.Deadlines), err)
	}
	calendar, err := s.Calendar(ctx)
	if err != nil || !reflect.DeepEqual(calendar, d.Calendar) {
		t.Errorf("stored %+v: %v", calendar, err)
	}
	if _, err := d.ChangeCategories(ctx, alerts.System(), "", d.CategoryRules()); err != nil {
		t.Error(err)
	}
	if _, err := d.ChangeDeadlines(ctx, alerts.System(), "", d.DeadlineRules()); err != nil {
		t.Error(err)
	}
	if _, err := d.ChangeCalendar(ctx, alerts.System(), "", d.CalendarRules()); err != nil {
		t.Error(err)
	}
	open := make(map[string]bool)
	for _, c := range d.OpenCategories() {
		open[c.Code] = true
	}
	for _, code := range []string{"hazard.gas", "facility.rubbish", "event.street.vendor", "policy.legal_aid"} {
		if !open[code] {
			t.Errorf("%s cannot be reported", code)
		}
	}
	if open["hazard"] || open["event.street"] {
		t.Error("a branch can be reported")
	}
}
