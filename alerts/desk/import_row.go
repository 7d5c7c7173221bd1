package desk

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// rowReader reads the cells of a row that are more than text, and collects what
// is wrong with them. No message repeats a cell: a password may stand in the
// wrong column.
type rowReader struct {
	row *cameraRow
	faults
}

func (v *rowReader) degrees(c column) float64 {
	if v.row.cells[c] == "" {
		example := "118.9053"
		if c == colLat {
			example = "31.9043"
		}
		v.add(columnNames()[c], "must be a number of degrees such as %s", example)
		return 0
	}
	return v.number(c)
}

// number reads a number; an empty cell is 0.
func (v *rowReader) number(c column) float64 {
	text := v.row.cells[c]
	if text == "" {
		return 0
	}
	n, ok := number(text)
	if !ok {
		v.add(columnNames()[c], "must be a number, with a point and without a unit")
		return 0
	}
	return n
}

func (v *rowReader) whole(c column) int {
	n := v.number(c)
	if n != math.Trunc(n) || math.Abs(n) > 1e6 {
		v.add(columnNames()[c], "must be a whole number")
		return 0
	}
	return int(n)
}

func (v *rowReader) class() alerts.CameraClass {
	switch strings.TrimSuffix(v.row.cells[colClass], "摄像机") {
	case "一类":
		return alerts.PublicCamera
	case "二类":
		return alerts.ImportantCamera
	case "三类":
		return alerts.PrivateCamera
	case "":
		return 0
	}
	n, err := strconv.Atoi(v.row.cells[colClass])
	if err != nil || n < 1 || n > 3 {
		v.add("class", "must be 1 (public 一类), 2 (important unit 二类) or 3 (private 三类)")
		return alerts.PublicCamera
	}
	return alerts.CameraClass(n)
}

func (v *rowReader) mode() alerts.PullMode {
	switch text := v.row.cells[colMode]; text {
	case "按需":
		return alerts.OnDemand
	case "常开", "持续":
		return alerts.Always
	default:
		return alerts.PullMode(strings.ToLower(text))
	}
}

// with adds the faults of the rules, but for fields whose cells could not be
// read at all.
func (v *rowReader) with(more faults) faults {
	out := slices.Clone(v.faults)
	for _, f := range more {
		if !slices.ContainsFunc(v.faults, func(g alerts.Fault) bool { return g.Field == f.Field }) {
			out = append(out, f)
		}
	}
	return out
}

// featureRow makes a row of a feature; nil where it has no position.
func featureRow(finder *columnFinder, f geo.Feature) (*cameraRow, faults) {
	var found faults
	if f.Point == nil {
		found.add("geometry.type", "must be \"Point\"")
		return nil, found
	}
	row := &cameraRow{row: f.Row}
	p := &properties{feature: f}
	names := columnNames()
	keys := make([]string, 0, len(f.Properties))
	for key := range f.Properties {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		c, ok := finder.find(key)
		switch {
		case !ok:
			if near, slip := slipOf(plainHeader(key), finder.all); slip && f.Properties[near] == nil {
				p.add(shown(key), "is not known; did you mean %q?", near)
			}
		case c == colLon || c == colLat:
			// The geometry says where; this is a copy for people.
		case row.given[c]:
			p.add(shown(key), "is given twice")
		default:
			row.cells[c], row.given[c] = p.scalar(key), true
			if c != colPassword {
				row.cells[c] = strings.TrimSpace(row.cells[c])
			}
		}
	}
	if id := row.cells[colID]; f.ID != "" && id != "" && id != f.ID {
		p.add(names[colID], "is another one than the feature's own id; give one of them")
	} else if id == "" {
		row.cells[colID], row.given[colID] = f.ID, true
	}
	row.cells[colLon], row.given[colLon] = strconv.FormatFloat(f.Point.Lon, 'f', -1, 64), true
	row.cells[colLat], row.given[colLat] = strconv.FormatFloat(f.Point.Lat, 'f', -1, 64), true
	return row, p.faults
}
