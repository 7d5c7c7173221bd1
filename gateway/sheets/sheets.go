// Package sheets writes a table as CSV or as an Excel workbook, row by row.
//
// Invariants:
//   - No cell is ever taken for a formula: in CSV what begins like one gets an
//     apostrophe before it and every text stands in quotation marks, so that a
//     list separator of another country does not cut it either; in a workbook
//     texts are inline strings in cells of the format "text".
//   - Numbers and times are cells of their own kinds, not texts.
//   - Memory is bounded: a workbook's rows beyond 16 MB go to a temporary file,
//     which Close removes.
package sheets

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Format is what a table is written as.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// ContentType is the media type of a format.
func (f Format) ContentType() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8; header=present"
}

// Bounds of one cell and one table, which are those of the workbooks.
const (
	maxCell = 32_767 // characters, counted in UTF-16
	MaxRows = 1_048_576 - 1
)

// Table says what is written: a title for the workbook's tab, the header, and
// the zone that times are shown in.
type Table struct {
	Title  string
	Header []string
	Zone   *time.Location
}

// Writer takes the rows of a table. A cell is a string, a bool, an int, an
// int64, a float64, a time.Time (zero: empty), or nil for an empty one.
type Writer interface {
	Row(cells ...any) error
	// Close writes what is left; without it the file is not whole. It has to be
	// called after an error, too.
	Close() error
}

// New begins a table.
func New(w io.Writer, f Format, t Table) (Writer, error) {
	if t.Zone == nil {
		t.Zone = time.UTC
	}
	switch f {
	case CSV:
		return newCSV(w, t)
	case XLSX:
		return newWorkbook(w, t)
	}
	return nil, fmt.Errorf("sheets: there is no format %q", f)
}

// clean takes out what no sheet can hold: characters that XML 1.0 (2.2) does
// not have, broken UTF-8, and what is over a cell's bound.
func clean(s string) string {
	units := 0
	for i, r := range s {
		n := 1
		if r > 0xffff {
			n = 2
		}
		if units+n > maxCell {
			s = s[:i]
			break
		}
		units += n
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < ' ' || r == 0x7f || r == 0xfffe || r == 0xffff || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
}

// formulaStart are the characters that a spreadsheet begins a formula with, in
// both widths; a tab or a line's end before them hides them only from us.
const formulaStart = "=+-@|%＝＋－＠\t\r\n"

// guard puts an apostrophe before a text that a spreadsheet would calculate.
func guard(s string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \u00a0\u3000\ufeff\u200b\""))
	if first != utf8.RuneError && strings.ContainsRune(formulaStart, first) {
		return "'" + s
	}
	return s
}

const timeLayout = "2006-01-02 15:04:05"

type csvWriter struct {
	w    io.Writer
	zone *time.Location
	line []byte
}

// newCSV begins with a byte order mark, without which spreadsheets take UTF-8
// for the country's old encoding (RFC 4180 otherwise).
func newCSV(w io.Writer, t Table) (*csvWriter, error) {
	c := &csvWriter{w: w, zone: t.Zone}
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, fmt.Errorf("sheets: %w", err)
	}
	header := make([]any, len(t.Header))
	for i, h := range t.Header {
		header[i] = h
	}
	return c, c.Row(header...)
}

func (c *csvWriter) Row(cells ...any) error {
	c.line = c.line[:0]
	for i, cell := range cells {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		switch v := cell.(type) {
		case nil:
		case string:
			c.line = append(c.line, '"')
			c.line = append(c.line, strings.ReplaceAll(guard(clean(v)), `"`, `""`)...)
			c.line = append(c.line, '"')
		case bool:
			c.line = strconv.AppendBool(c.line, v)
		case int:
			c.line = strconv.AppendInt(c.line, int64(v), 10)
		case int64:
			c.line = strconv.AppendInt(c.line, v, 10)
		case float64:
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				c.line = strconv.AppendFloat(c.line, v, 'f', -1, 64)
			}
		case time.Time:
			if !v.IsZero() {
				c.line = v.In(c.zone).AppendFormat(c.line, timeLayout)
			}
		default:
			return fmt.Errorf("sheets: a cell cannot hold a %T", cell)
		}
	}
	c.line = append(c.line, '\r', '\n')
	if _, err := c.w.Write(c.line); err != nil {
		return fmt.Errorf("sheets: %w", err)
	}
	return nil
}

func (c *csvWriter) Close() error { return nil }
