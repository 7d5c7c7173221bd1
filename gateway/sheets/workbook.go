package sheets

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Looks of a workbook.
const (
	textFormat = 49 // "@", ECMA-376 18.8.30
	minWidth   = 10
	maxWidth   = 40
	titleRunes = 31 // of a tab's name
)

type workbook struct {
	out    io.Writer
	file   *excelize.File
	stream *excelize.StreamWriter
	zone   *time.Location
	row    int
	text   int // style of texts
	moment int // style of times
	closed bool
}

func newWorkbook(w io.Writer, t Table) (b *workbook, err error) {
	b = &workbook{out: w, file: excelize.NewFile(), zone: t.Zone}
	defer func() {
		if err != nil {
			err = fmt.Errorf("sheets: %w", errors.Join(err, b.file.Close()))
		}
	}()
	title := tab(t.Title)
	if err := b.file.SetSheetName(b.file.GetSheetName(0), title); err != nil {
		return nil, err
	}
	if b.text, err = b.file.NewStyle(&excelize.Style{NumFmt: textFormat}); err != nil {
		return nil, err
	}
	layout := "yyyy-mm-dd hh:mm:ss"
	if b.moment, err = b.file.NewStyle(&excelize.Style{CustomNumFmt: &layout}); err != nil {
		return nil, err
	}
	head, err := b.file.NewStyle(&excelize.Style{NumFmt: textFormat, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	if b.stream, err = b.file.NewStreamWriter(title); err != nil {
		return nil, err
	}
	for i, h := range t.Header {
		if err := b.stream.SetColWidth(i+1, i+1, width(h)); err != nil {
			return nil, err
		}
	}
	if err := b.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	cells := make([]any, len(t.Header))
	for i, h := range t.Header {
		cells[i] = excelize.Cell{StyleID: head, Value: clean(h)}
	}
	b.row = 1
	return b, b.stream.SetRow("A1", cells)
}

// tab is a name that a tab may have: without []:*?/\ and quotation marks.
func tab(title string) string {
	title = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) {
			return -1
		}
		return r
	}, clean(title))
	if r := []rune(title); len(r) > titleRunes {
		title = string(r[:titleRunes])
	}
	if title == "" {
		return "Sheet1"
	}
	return title
}

// width is that of a column for a header; Chinese characters take two.
func width(header string) float64 {
	n := utf8.RuneCountInString(header)
	for _, r := range header {
		if r >= 0x2e80 {
			n++
		}
	}
	return float64(min(max(n+4, minWidth), maxWidth))
}

func (b *workbook) Row(cells ...any) error {
	if b.row > MaxRows {
		return errors.New("sheets: a workbook holds no more rows")
	}
	b.row++
	row := make([]any, len(cells))
	for i, cell := range cells {
		switch v := cell.(type) {
		case nil:
		case string:
			if v != "" {
				row[i] = excelize.Cell{StyleID: b.text, Value: clean(v)}
			}
		case bool, int, int64:
			row[i] = excelize.Cell{Value: v}
		case float64:
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				row[i] = excelize.Cell{Value: v}
			}
		case time.Time:
			if !v.IsZero() {
				// A workbook's times have no zone: what is written is what the
				// clock on the wall shows.
				l := v.In(b.zone)
				row[i] = excelize.Cell{StyleID: b.moment,
					Value: time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)}
			}
		default:
			return fmt.Errorf("sheets: a cell cannot hold a %T", cell)
		}
	}
	at, err := excelize.CoordinatesToCellName(1, b.row)
	if err != nil {
		return fmt.Errorf("sheets: %w", err)
	}
	if err := b.stream.SetRow(at, row); err != nil {
		return fmt.Errorf("sheets: %w", err)
	}
	return nil
}

// Close writes the workbook out and removes its temporary file.
func (b *workbook) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	err := b.stream.Flush()
	if err == nil {
		_, err = b.file.WriteTo(b.out)
	}
	if err = errors.Join(err, b.file.Close()); err != nil {
		return fmt.Errorf("sheets: %w", err)
	}
	return nil
}
