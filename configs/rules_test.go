package configs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

type category struct {
	Code, Name, Group, Severity string
	NameEn                      string `json:"name_en"`
	Proof, Closed               bool
	Near                        int `json:"near_m"`
}

func strict(t *testing.T, b []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestCategories(t *testing.T) {
	var list []category
	b := Categories()
	strict(t, b, &list)
	b[0] = 'x' // the caller's own copy
	if Categories()[0] != '[' {
		t.Error("Categories hands out its own bytes")
	}
	groups := map[string]int{"hazard": 0, "dispute": 0, "facility": 0, "opinion": 0}
	severities := map[string]bool{"critical": true, "high": true, "medium": true, "low": true}
	codes, names, inner := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range list {
		if _, ok := groups[c.Group]; !ok || !severities[c.Severity] || c.Closed || c.Near < 0 {
			t.Errorf("%+v: unknown group or severity, or closed", c)
		}
		if c.Name == "" || c.NameEn == "" || codes[c.Code] || names[c.Name] {
			t.Errorf("%+v: name missing, or code or name taken", c)
		}
		if i := strings.LastIndexByte(c.Code, '.'); i >= 0 {
			if !codes[c.Code[:i]] {
				t.Errorf("%s comes before what is above it", c.Code)
			}
			inner[c.Code[:i]] = true
		}
		codes[c.Code], names[c.Name] = true, true
	}
	for _, c := range list {
		if inner[c.Code] && c.Proof {
			t.Errorf("%s: proof is asked for of leaves", c.Code)
		}
		if !inner[c.Code] {
			groups[c.Group]++
		}
	}
	for g, n := range groups {
		if n < 3 {
			t.Errorf("%d categories of %s", n, g)
		}
	}
	// The seven kinds of work (七项工作), city parts and city events.
	for _, root := range []string{"policy", "info", "opinion", "service", "dispute", "population", "hazard", "facility", "event"} {
		if !inner[root] {
			t.Errorf("nothing below %s", root)
		}
	}
	// Codes that others than this list know: they stay, as leaves.
	for _, code := range []string{"hazard.gas", "hazard.fire", "hazard.railway", "hazard.wall", "facility.lamp", "facility.rubbish",
		"facility.manhole", "dispute.neighbour", "opinion.policy"} {
		if !codes[code] || inner[code] {
			t.Errorf("%s is no leaf", code)
		}
	}
}

func TestDeadlines(t *testing.T) {
	var doc struct {
		Comment string
		Items   []struct {
			Category, Severity, Step string
			Minutes, Before, Every   int
			Around, Escalate         bool
		}
	}
	strict(t, Deadlines(), &doc)
	const day = 480
	whole := map[string]int{}
	for _, l := range doc.Items {
		if l.Step == "case" && l.Severity == "" {
			whole[l.Category] = l.Minutes
		}
	}
	for category, want := range map[string]int{"service": day, "": 7 * day, "dispute.land": 20 * day, "facility.rubbish": 240} {
		if whole[category] != want {
			t.Errorf("a case of %q has %d minutes, want %d", category, whole[category], want)
		}
	}
	if doc.Comment == "" {
		t.Error("nothing says that it is an example")
	}
}

func TestCalendar(t *testing.T) {
	var doc struct {
		Comment string
		Hours   []struct{ From, To string }
		Days    []string
		Moved   []struct {
			Date, Name string
			Work       bool
		}
	}
	strict(t, Calendar(), &doc)
	free := map[string]int{}
	last := ""
	for _, m := range doc.Moved {
		d, err := time.Parse(time.DateOnly, m.Date)
		if err != nil || m.Name == "" || m.Date <= last {
			t.Errorf("%+v: date, name or order", m)
		}
		last = m.Date
		weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
		if m.Work != (weekend && strings.HasSuffix(m.Name, "调休上班")) {
			t.Errorf("%+v: a weekend that is worked says so", m)
		}
		if !m.Work && d.Year() == 2026 {
			free[m.Name]++
		}
	}
	for name, n := range map[string]int{"元旦": 3, "春节": 9, "清明节": 3, "劳动节": 5, "端午节": 3, "中秋节": 3, "国庆节": 7} {
		if free[name] != n {
			t.Errorf("%s 2026 has %d days, want %d", name, free[name], n)
		}
	}
	if len(doc.Days) != 5 || slices.Contains(doc.Days, "sunday") || len(doc.Hours) != 2 || !strings.Contains(doc.Comment, "check") {
		t.Errorf("%+v", doc)
	}
}
