package desk

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"mime"
	"slices"
	"strings"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// Bounds of imports.
const (
	maxImportFaults = 1000 // faults, and warnings, told one by one; more are counted
	maxImportRows   = 100_000
	maxCSVBytes     = 32 << 20
	maxCSVCells     = 256 // in one row
)

// importFormat is what a file is written in.
type importFormat string

const (
	formatGeoJSON importFormat = "geojson"
	formatCSV     importFormat = "csv"
)

// formatOf takes a short name or a content type.
func formatOf(s string, taken ...importFormat) (importFormat, error) {
	name := s
	if t, _, err := mime.ParseMediaType(s); err == nil {
		name = t
	}
	var f importFormat
	switch name {
	case "geojson", "application/geo+json", "application/json":
		f = formatGeoJSON
	case "csv", "text/csv":
		f = formatCSV
	}
	if !slices.Contains(taken, f) {
		return "", alerts.Errorf(alerts.Unsupported, "the format must be %s", names(taken))
	}
	return f, nil
}

func names[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, " or ")
}

// begin checks what every import needs and returns the format.
func begin(s alerts.Scope, right alerts.Right, format string, system alerts.CoordSystem, taken ...importFormat) (importFormat, error) {
	if err := s.Need(right); err != nil {
		return "", err
	}
	if !geo.KnownSystem(system) {
		return "", alerts.InvalidField("system", "must be wgs84, gcj02 or bd09")
	}
	return formatOf(format, taken...)
}

// importLog collects what an import finds. Rows count from 1: features of
// GeoJSON; rows of a sheet, its header being the first.
type importLog struct {
	faults, warnings         faults
	moreFaults, moreWarnings int
}

func (l *importLog) fault(row int, field, format string, args ...any) {
	l.take(alerts.Fault{Row: row, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (l *importLog) take(f alerts.Fault) {
	if len(l.faults) == maxImportFaults {
		l.moreFaults++
		return
	}
	l.faults = append(l.faults, f)
}

// takeAll takes the faults of one row.
func (l *importLog) takeAll(row int, found faults) {
	for _, f := range found {
		f.Row = row
		l.take(f)
	}
}

func (l *importLog) warn(row int, field, format string, args ...any) {
	if len(l.warnings) == maxImportFaults {
		l.moreWarnings++
		return
	}
	l.warnings = append(l.warnings, alerts.Fault{Row: row, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (l *importLog) faulty() bool { return len(l.faults) > 0 }

// err is nil where nothing is wrong.
func (l *importLog) err() error {
	if !l.faulty() {
		return nil
	}
	total := len(l.faults) + l.moreFaults
	message := fmt.Sprintf("the file has %d faults; nothing was imported", total)
	if total == 1 {
		message = "the file has 1 fault; nothing was imported"
	}
	return &alerts.Error{Kind: alerts.Invalid, Message: message, Faults: finish(l.faults, l.moreFaults, "faults")}
}

func (l *importLog) result(imported int) ImportResult {
	return ImportResult{Imported: imported, Warnings: finish(l.warnings, l.moreWarnings, "warnings")}
}

// finish puts a list in the order of rows, what concerns the whole file last.
func finish(list []alerts.Fault, more int, what string) []alerts.Fault {
	row := func(f alerts.Fault) int {
		if f.Row == 0 {
			return math.MaxInt
		}
		return f.Row
	}
	slices.SortStableFunc(list, func(a, b alerts.Fault) int { return cmp.Compare(row(a), row(b)) })
	if more > 0 {
		list = append(list, alerts.Fault{Message: fmt.Sprintf("and %d more %s", more, what)})
	}
	if list == nil {
		list = []alerts.Fault{} // JSON: an empty list
	}
	return list
}

// settled returns the places as they are in the store now, and the number of an
// event that they are not older than.
func (d *Desk) settled(ctx context.Context) (*town, int64, error) {
	for {
		if err := d.known.catchUp(ctx); err != nil {
			return nil, 0, err
		}
		seq, stale := d.known.at()
		t := d.known.places()
		if !stale {
			return t, seq, nil
		}
	}
}

// unmoved fails with a Conflict where places have changed since an event: what
// was checked against them may not hold any more.
func (c *change) unmoved(ctx context.Context, since int64) error {
	meanwhile := alerts.Errorf(alerts.Conflict, "areas or grids were changed meanwhile; nothing was imported: send the file again")
	oldest, newest, err := c.Seqs(ctx)
	if err != nil {
		return err
	}
	if oldest > since+1 {
		return meanwhile
	}
	for since < newest {
		events, upTo, err := c.Events(ctx, alerts.System(), since, 1000)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Kind == alerts.PlacesChanged {
				return meanwhile
			}
		}
		since = max(upTo, since+1)
	}
	return nil
}
