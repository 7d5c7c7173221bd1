package desk

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func TestChangeDeadlinesFaults(t *testing.T) {
	o := newOffice(t)
	line := DeadlineView{Step: "file", Minutes: 60}
	for name, c := range map[string]struct {
		change func(*DeadlineView)
		field  string
	}{
		"no such step":         {func(v *DeadlineView) { v.Step = "closed" }, "step"},
		"no step":              {func(v *DeadlineView) { v.Step = "" }, "step"},
		"no such severity":     {func(v *DeadlineView) { v.Severity = "grave" }, "severity"},
		"no such category":     {func(v *DeadlineView) { v.Category = "gossip" }, "category"},
		"no minutes":           {func(v *DeadlineView) { v.Minutes = 0 }, "minutes"},
		"too many minutes":     {func(v *DeadlineView) { v.Minutes = maxMinutes + 1 }, "minutes"},
		"reminder at start":    {func(v *DeadlineView) { v.Before = 60 }, "before"},
		"negative reminder":    {func(v *DeadlineView) { v.Before = -1 }, "before"},
		"reminders too fast":   {func(v *DeadlineView) { v.Every = 1 }, "every"},
		"negative pace":        {func(v *DeadlineView) { v.Every = -5 }, "every"},
		"escalating the whole": {func(v *DeadlineView) { v.Step, v.Escalate = "case", true }, "escalate"},
		"escalating handling":  {func(v *DeadlineView) { v.Step, v.Escalate = "handle", true }, "escalate"},
	} {
		v := line
		c.change(&v)
		_, err := o.ChangeDeadlines(context.Background(), as(alerts.Admin, "city"), "", []DeadlineView{{Step: "assign", Minutes: 5}, v})
		wantFault(t, err, name, "items[1]."+c.field)
	}
	_, err := o.ChangeDeadlines(context.Background(), as(alerts.Admin, "city"), "", []DeadlineView{line, line})
	wantFault(t, err, "twice", "items[1].step")
	_, err = o.ChangeDeadlines(context.Background(), as(alerts.Admin, "city"), "", make([]DeadlineView, maxDeadlines+1))
	wantFault(t, err, "too many", "items")
}

func TestChangeCalendarFaults(t *testing.T) {
	o := newOffice(t)
	for name, c := range map[string]struct {
		change func(*CalendarView)
		field  string
	}{
		"no hours":          {func(v *CalendarView) { v.Hours = nil }, "hours"},
		"too many spans":    {func(v *CalendarView) { v.Hours = make([]SpanView, maxSpans+1) }, "hours"},
		"no time":           {func(v *CalendarView) { v.Hours[0].From = "8:30" }, "hours[0].from"},
		"25 o'clock":        {func(v *CalendarView) { v.Hours[1].To = "25:00" }, "hours[1].to"},
		"over midnight":     {func(v *CalendarView) { v.Hours[1].To = "02:00" }, "hours[1].to"},
		"overlap":           {func(v *CalendarView) { v.Hours[1].From = "11:00" }, "hours[1].from"},
		"no days":           {func(v *CalendarView) { v.Days = nil }, "days"},
		"no such day":       {func(v *CalendarView) { v.Days[0] = "Monday" }, "days[0]"},
		"a day twice":       {func(v *CalendarView) { v.Days[1] = v.Days[0] }, "days[1]"},
		"no such date":      {func(v *CalendarView) { v.Moved[0].Date = "2026-02-30" }, "moved[0].date"},
		"another date form": {func(v *CalendarView) { v.Moved[0].Date = "2026/10/01" }, "moved[0].date"},
		"a date twice":      {func(v *CalendarView) { v.Moved = append(v.Moved, v.Moved[0]) }, "moved[9].date"},
		"a long name":       {func(v *CalendarView) { v.Moved[0].Name = string(make([]rune, 51)) }, "moved[0].name"},
	} {
		v := calendarView(autumn())
		c.change(&v)
		_, err := o.ChangeCalendar(context.Background(), as(alerts.Admin, "city"), "", v)
		wantFault(t, err, name, c.field)
	}
}

func TestChangeCategoriesFaults(t *testing.T) {
	o := newOffice(t)
	ctx, admin := context.Background(), as(alerts.Admin, "city")
	tree := func() []alerts.Category {
		return []alerts.Category{{Code: "hazard", Name: "隐患", Group: "hazard", Severity: alerts.High},
			{Code: "hazard.gas", Name: "燃气", Group: "hazard", Severity: alerts.High},
			{Code: "hazard.fire", Name: "火", Group: "hazard", Severity: alerts.High}}
	}
	for name, c := range map[string]struct {
		change func([]alerts.Category)
		field  string
	}{
		"no code":           {func(l []alerts.Category) { l[2].Code = "" }, "items[2].code"},
		"capitals":          {func(l []alerts.Category) { l[2].Code = "hazard.Fire" }, "items[2].code"},
		"nothing above":     {func(l []alerts.Category) { l[2].Code = "event.fire" }, "items[2].code"},
		"taken":             {func(l []alerts.Category) { l[2].Code = "hazard.gas" }, "items[2].code"},
		"no name":           {func(l []alerts.Category) { l[2].Name = " " }, "items[2].name"},
		"no such group":     {func(l []alerts.Category) { l[2].Group = "other" }, "items[2].group"},
		"no such severity":  {func(l []alerts.Category) { l[2].Severity = "" }, "items[2].severity"},
		"negative distance": {func(l []alerts.Category) { l[2].Near = -1 }, "items[2].near_m"},
		"all closed":        {func(l []alerts.Category) { l[0].Closed, l[1].Closed, l[2].Closed = true, true, true }, "items"},
	} {
		list := tree()
		c.change(list)
		_, err := o.ChangeCategories(ctx, admin, "", list)
		wantFault(t, err, name, c.field)
	}
	// What was reported under, or is named by a deadline, is closed, not left out.
	o.reported(t, "v1", nil)
	o.rule(t, DeadlineView{Category: "opinion.other", Step: "file", Minutes: 60})
	_, err := o.ChangeCategories(ctx, admin, "", []alerts.Category{{Code: "hazard", Name: "隐患", Group: "hazard", Severity: alerts.High}})
	wantFault(t, err, "used", "items", "items")
	o.rule(t)
	list := tree()
	list[1].Closed = true
	ok[[]alerts.Category](t)(o.ChangeCategories(ctx, admin, "", list))
	if open := o.OpenCategories(); len(open) != 1 || open[0].Code != "hazard.fire" {
		t.Errorf("open: %v", open)
	}
	for code, good := range map[string]bool{"hazard.fire": true, "hazard.gas": false, "hazard": false, "opinion.other": false} {
		in := report("v1")
		in.Category = code
		_, _, _, err := o.Report(ctx, as(alerts.GridLeader, "city"), in)
		if good != (err == nil) {
			t.Errorf("reported as %s: %v", code, err)
		}
		if !good {
			wantFault(t, err, code, "category")
		}
	}
}

// Who may, and that it counts at once, here and on other nodes, with one event
// and one entry in the audit.
func TestChangeRules(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	other := o.desk(t)
	line := DeadlineView{Category: "hazard.gas", Severity: alerts.High, Step: "case", Minutes: 60, Around: true, Before: 5, Every: 10}
	for _, s := range []alerts.Scope{as(alerts.DutyOfficer, "city"), as(alerts.Auditor, "city"), as(alerts.Admin, "east"), {}} {
		wantKind(t, second(o.ChangeDeadlines(ctx, s, "", []DeadlineView{line})), alerts.Forbidden, "deadlines")
		wantKind(t, second(o.ChangeCalendar(ctx, s, "", calendarView(autumn()))), alerts.Forbidden, "calendar")
		wantKind(t, second(o.ChangeCategories(ctx, s, "", nil)), alerts.Forbidden, "categories")
	}
	o.bus.forget()
	admin := as(alerts.Admin, "city")
	got := ok[[]DeadlineView](t)(o.ChangeDeadlines(ctx, admin, "", []DeadlineView{line}))
	calendar := ok[CalendarView](t)(o.ChangeCalendar(ctx, admin, "", calendarView(autumn())))
	if !slices.Equal(got, []DeadlineView{line}) || !reflect.DeepEqual(calendar, calendarView(autumn())) {
		t.Errorf("%+v, %+v", got, calendar)
	}
	if kinds := o.bus.kinds(); !slices.Equal(kinds, []alerts.EventKind{alerts.RulesChanged, alerts.RulesChanged}) {
		t.Errorf("events %v", kinds)
	}
	if err := other.known.catchUp(ctx); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Desk{o.Desk, other, o.desk(t)} {
		if !slices.Equal(d.DeadlineRules(), got) || !reflect.DeepEqual(d.CalendarRules(), calendar) || len(d.CategoryRules()) != len(o.Categories) {
			t.Errorf("a desk knows %+v, %+v", d.DeadlineRules(), d.CalendarRules())
		}
	}
	entries, _, err := o.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Kind: alerts.AuditConfig, Page: alerts.Page{Limit: 10}})
	if err != nil || len(entries) != 2 || entries[0].Object != "rules/calendar" || entries[1].UserID != admin.User {
		t.Errorf("audit %+v, %v", entries, err)
	}
	// An emptied table stays empty, whatever is shipped.
	o.rule(t)
	d := New(o.store, o.bus)
	d.Clock, d.Deadlines = o.clock.time, []alerts.Deadline{{Step: alerts.StepFile, Minutes: 1}}
	if err := d.Open(ctx); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if len(d.DeadlineRules()) != 0 {
		t.Errorf("%+v came back", d.DeadlineRules())
	}
}

// What is shipped is loaded into an empty store, once.
func TestStoreShipped(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	list := ok[[]alerts.Category](t)(o.store.Categories(ctx))
	if !slices.Equal(list, o.Categories) {
		t.Errorf("stored %+v", list)
	}
	if lines := ok[[]alerts.Deadline](t)(o.store.Deadlines(ctx)); lines != nil {
		t.Errorf("deadlines that nobody ships: %+v", lines)
	}
	d := New(o.store, o.bus)
	d.Clock = o.clock.time
	d.Categories = []alerts.Category{{Code: "another"}}
	d.Calendar = alerts.Calendar{Hours: []alerts.Span{{From: 0, To: 1440}}, Days: []time.Weekday{time.Sunday}}
	if err := d.Open(ctx); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if len(d.CategoryRules()) != len(o.Categories) || len(d.CalendarRules().Days) != 1 || d.CalendarRules().Hours[0].To != "24:00" {
		t.Errorf("%+v, %+v", d.CategoryRules(), d.CalendarRules())
	}
}

// No document that the API or a file could hold is taken and then not be
// readable, nor read into a calendar that arithmetic cannot live with.
func FuzzReadRules(f *testing.F) {
	f.Add([]byte(`{"items":[{"step":"case","minutes":480,"before":60,"every":30}]}`))
	f.Add([]byte(`{"hours":[{"from":"08:30","to":"12:00"},{"from":"13:30","to":"24:00"}],"days":["monday"],"moved":[{"date":"2026-10-01","name":"国庆节"}]}`))
	f.Add([]byte(`{"hours":[{"from":"","to":"99:99"}],"days":["x"],"moved":[{"date":"0000-00-00"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if lines, err := ReadDeadlines(b); err == nil {
			var again faults
			if got := again.deadlines(deadlineViews(lines)); again != nil || !slices.Equal(got, lines) {
				t.Errorf("%+v became %+v: %v", lines, got, again)
			}
		}
		c, err := ReadCalendar(b)
		if err != nil {
			return
		}
		var again faults
		if got := again.calendar(calendarView(c)); again != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%+v became %+v: %v", c, got, again)
		}
		w := newWorkTime(c, town8)
		if end := w.add(base, 500*time.Minute); !end.After(base) {
			t.Errorf("%+v: 500 minutes end at %s", c, end)
		}
	})
}
