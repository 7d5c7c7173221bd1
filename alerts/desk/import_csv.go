package desk

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// cameraRow is one camera as it was written: a text for each column.
type cameraRow struct {
	row   int
	cells [columnCount]string
	given [columnCount]bool // the file has the column
}

func (r *cameraRow) has(c column) bool { return r.given[c] && r.cells[c] != "" }

// readCameraSheet reads a CSV sheet (RFC 4180) and calls fn for each row that
// is not empty. Rows count as spreadsheets count them, the header being row 1.
// An error of fn ends the reading.
func readCameraSheet(r io.Reader, log *importLog, fn func(*cameraRow) error) error {
	data, err := geo.ReadBounded(r, maxCSVBytes)
	if err != nil {
		return err
	}
	if widest(data) > maxCSVCells {
		return alerts.Errorf(alerts.Invalid, "a row has more than %d cells; is this a sheet of cameras in CSV?", maxCSVCells)
	}
	s := &sheet{data: data, reader: csv.NewReader(bytes.NewReader(data))}
	s.reader.FieldsPerRecord = -1
	header, err := s.next()
	if err != nil || blank(header) {
		log.fault(1, "", "the file needs a header row with the names of its columns")
		return nil
	}
	columns, ok := readHeader(header, s.row, log)
	if !ok {
		return nil
	}
	for {
		cells, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			log.fault(s.row, "", "is not sound CSV, and what follows was not read: a cell that holds a comma, a quotation mark or a line break must stand in quotation marks, and a quotation mark in it must be doubled")
			return nil
		}
		if blank(cells) {
			continue
		}
		if s.row > maxImportRows+1 {
			return alerts.Errorf(alerts.TooLarge, "the file has more than %d rows; split it", maxImportRows)
		}
		if len(cells) != len(columns) {
			log.fault(s.row, "", "has %d cells, the header has %d", len(cells), len(columns))
			continue
		}
		out := &cameraRow{row: s.row}
		for i, c := range columns {
			out.cells[c], out.given[c] = unguarded(strings.TrimSpace(cells[i])), true
		}
		out.cells[colPassword] = passwordCell(cells, columns)
		if err := fn(out); err != nil {
			return err
		}
	}
}

// passwordCell keeps a password as it is written: spaces may belong to it, and
// are then told of.
func passwordCell(cells []string, columns []column) string {
	if i := slices.Index(columns, colPassword); i >= 0 {
		return cells[i]
	}
	return ""
}

// readHeader returns the column of each cell; false where rows cannot be read.
func readHeader(header []string, row int, log *importLog) ([]column, bool) {
	finder := newColumnFinder()
	columns := make([]column, len(header))
	seen := make(map[column]string)
	sound := true
	known := 0
	for _, name := range header {
		if _, ok := finder.find(name); ok {
			known++
		}
	}
	if known*2 < len(header) && len(header) > 1 {
		// Its cells are not repeated: without a header this is a camera, perhaps
		// with its password.
		log.fault(row, "", "is not a header row; the columns are %s", strings.Join(finder.all[:columnCount], ", "))
		return nil, false
	}
	for i, name := range header {
		c, ok := finder.find(name)
		if !ok {
			sound = false
			switch {
			case strings.TrimSpace(name) == "":
				log.fault(row, "", "column %d has no name", i+1)
			case len(header) == 1 && strings.ContainsAny(name, ";\t|"):
				log.fault(row, "", "cells must be separated by commas")
			default:
				log.fault(row, shown(name), "is not a known column; %s", finder.hint(name))
			}
			continue
		}
		if other, twice := seen[c]; twice {
			sound = false
			log.fault(row, shown(name), "names the same column as %q; give it once", shown(other))
			continue
		}
		seen[c], columns[i] = name, c
	}
	names := columnNames()
	for _, c := range [...]column{colName, colLon, colLat} {
		if _, ok := seen[c]; !ok && sound {
			log.fault(row, names[c], "the column is missing")
			sound = false
		}
	}
	return columns, sound
}

// sheet reads records and counts rows as a spreadsheet does: with the empty
// lines that encoding/csv leaves out.
type sheet struct {
	data   []byte
	reader *csv.Reader
	row    int
}

func (s *sheet) next() ([]string, error) {
	at := s.reader.InputOffset()
	s.row++
	for rest := s.data[at:]; ; s.row++ {
		switch {
		case bytes.HasPrefix(rest, []byte("\n")):
			rest = rest[1:]
			continue
		case bytes.HasPrefix(rest, []byte("\r\n")):
			rest = rest[2:]
			continue
		}
		break
	}
	return s.reader.Read()
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// widest counts the cells of the widest row before encoding/csv makes slices of
// them: a file of commas would become forty times its size.
func widest(data []byte) int {
	most, cells, quoted := 0, 1, false
	for _, b := range data {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == ',':
			cells++
			most = max(most, cells)
		case b == '\n':
			cells = 1
		}
	}
	return max(most, 1)
}

// readCameraFeatures reads Point features whose properties have the names of
// the columns.
func readCameraFeatures(ctx context.Context, r io.Reader, log *importLog, fn func(*cameraRow) error) error {
	finder := newColumnFinder()
	return geo.ReadFeatures(r, geo.DefaultLimits(), log.take, func(f geo.Feature) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, found := featureRow(finder, f)
		log.takeAll(f.Row, found)
		if row == nil {
			return nil
		}
		return fn(row)
	})
}
