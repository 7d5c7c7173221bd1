package desk

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"sharpeyes/alerts"
)

var town8 = time.FixedZone("UTC+8", 8*60*60)

// at is a moment in the town's zone.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, town8)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// autumn has the National Day holiday of 2026 with its moved working days.
func autumn() alerts.Calendar {
	c := officeHours()
	c.Moved = map[string]alerts.Day{"2026-09-20": {Work: true}, "2026-10-10": {Work: true}}
	for _, d := range []string{"01", "02", "03", "04", "05", "06", "07"} {
		c.Moved["2026-10-"+d] = alerts.Day{Name: "国庆节"}
	}
	return c
}

func TestWorkTimeAdd(t *testing.T) {
	w := newWorkTime(autumn(), town8)
	if w.day != 480*time.Minute {
		t.Fatalf("a day has %v", w.day)
	}
	for name, c := range map[string]struct {
		from    string
		minutes int
		want    string
	}{
		"within a morning":          {"2026-11-24 09:00", 60, "2026-11-24 10:00"},
		"over the lunch break":      {"2026-11-24 11:30", 60, "2026-11-24 14:00"},
		"to the end of the morning": {"2026-11-24 11:00", 60, "2026-11-24 12:00"},
		"from before work":          {"2026-11-24 03:00", 30, "2026-11-24 09:00"},
		"from the lunch break":      {"2026-11-24 13:00", 30, "2026-11-24 14:00"},
		"to the end of the day":     {"2026-11-24 08:30", 480, "2026-11-24 18:00"},
		"one minute more":           {"2026-11-24 08:30", 481, "2026-11-25 08:31"},
		"over a weekend":            {"2026-11-27 17:30", 60, "2026-11-30 09:00"},
		"over the holiday":          {"2026-09-30 17:00", 120, "2026-10-08 09:30"},
		"into a worked Saturday":    {"2026-10-09 17:00", 120, "2026-10-10 09:30"},
		"from a free Sunday":        {"2026-09-27 10:00", 30, "2026-09-28 09:00"},
		"from a worked Sunday":      {"2026-09-20 10:00", 30, "2026-09-20 10:30"},
		"seven days":                {"2026-11-24 10:00", 7 * 480, "2026-12-03 10:00"},
		"nothing":                   {"2026-11-28 10:00", 0, "2026-11-28 10:00"},
	} {
		if got := w.add(at(t, c.from), minutes(c.minutes)); !got.Equal(at(t, c.want)) {
			t.Errorf("%s: %s and %d minutes is %s, want %s", name, c.from, c.minutes, got.In(town8), c.want)
		}
	}
}

// A calendar in which nobody works does not keep anybody waiting for ever.
func TestWorkTimeWithoutWork(t *testing.T) {
	w := newWorkTime(alerts.Calendar{Hours: []alerts.Span{{From: 540, To: 600}}}, town8)
	from := at(t, "2026-11-24 09:00")
	if got := w.add(from, time.Minute); got.Before(from.AddDate(19, 0, 0)) {
		t.Errorf("a minute of work is over by %s", got)
	}
	if got := w.sub(from, time.Minute); got.After(from.AddDate(-19, 0, 0)) {
		t.Errorf("a minute of work began at %s", got)
	}
	if got := w.between(from, from.AddDate(1, 0, 0)); got != 0 {
		t.Errorf("%v were worked", got)
	}
}

// walker tells minute by minute what is worked, from the calendar alone.
type walker struct {
	alerts.Calendar
	day  string
	work bool
}

func (w *walker) worked(t time.Time) bool {
	t = t.In(town8)
	minute := t.Hour()*60 + t.Minute()
	if minute == 0 || w.day == "" {
		w.day, w.work = t.Format(time.DateOnly), false
		for _, d := range w.Days {
			w.work = w.work || d == t.Weekday()
		}
		if m, ok := w.Moved[w.day]; ok {
			w.work = m.Work
		}
	}
	if !w.work {
		return false
	}
	for _, s := range w.Hours {
		if minute >= s.From && minute < s.To {
			return true
		}
	}
	return false
}

// The arithmetic agrees with a walk through every minute.
func TestWorkTimeProperties(t *testing.T) {
	start := at(t, "2026-09-14 00:00")
	rapid.Check(t, func(r *rapid.T) {
		var c alerts.Calendar
		for from := 0; from < 1430 && len(c.Hours) < 4; {
			s := alerts.Span{From: rapid.IntRange(from, 1439).Draw(r, "from")}
			s.To = rapid.IntRange(s.From+1, 1440).Draw(r, "to")
			c.Hours = append(c.Hours, s)
			from = s.To
			if rapid.Bool().Draw(r, "enough") {
				break
			}
		}
		for d := time.Sunday; d <= time.Saturday; d++ {
			if d == time.Wednesday || rapid.Bool().Draw(r, "worked") {
				c.Days = append(c.Days, d)
			}
		}
		c.Moved = make(map[string]alerts.Day)
		for range rapid.IntRange(0, 8).Draw(r, "moved") {
			day := start.AddDate(0, 0, rapid.IntRange(0, 30).Draw(r, "day"))
			c.Moved[day.Format(time.DateOnly)] = alerts.Day{Work: rapid.Bool().Draw(r, "work")}
		}
		w := newWorkTime(c, town8)
		from := start.Add(minutes(rapid.IntRange(0, 8*1440).Draw(r, "begin")))
		n := rapid.IntRange(1, 3*int(w.day/time.Minute)).Draw(r, "minutes")

		// The end: the first moment by which n minutes were worked.
		step := &walker{Calendar: c}
		end, worked := from, 0
		for worked < n {
			if step.worked(end) {
				worked++
			}
			end = end.Add(time.Minute)
		}
		got := w.add(from, minutes(n))
		if !got.Equal(end) {
			r.Fatalf("%+v: %s and %d minutes is %s, want %s", c, from, n, got.In(town8), end)
		}
		if sum := w.between(from, got); sum != minutes(n) {
			r.Fatalf("%+v: from %s to %s %v were worked, want %d minutes", c, from, got, sum, n)
		}
		// And back: the last moment from which they were.
		back := w.sub(got, minutes(n))
		if back.Before(from) || w.between(back, got) != minutes(n) || w.between(from, back) != 0 || !(&walker{Calendar: c}).worked(back) {
			r.Fatalf("%+v: %d minutes before %s is %s, want the last such moment from %s on", c, n, got, back, from)
		}
		// Parts add up, seconds and all.
		part := time.Duration(rapid.Int64Range(0, int64(minutes(n))).Draw(r, "part"))
		if two := w.add(w.add(from, part), minutes(n)-part); !two.Equal(got) {
			r.Fatalf("%+v: %s and %v and the rest of %d minutes is %s, want %s", c, from, part, n, two, got)
		}
	})
}

func BenchmarkWorkTimeAdd(b *testing.B) {
	w := newWorkTime(autumn(), town8)
	from := time.Date(2026, 9, 28, 3, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		w.add(from, 20*w.day)
	}
}
