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

// record reads what of the camera is recorded; nil where no cell says anything.
func (v *rowReader) record() *RecordInput {
	var in RecordInput
	any := false
	has := func(c column) bool {
		any = any || v.row.has(c)
		return v.row.has(c)
	}
	if has(colRecord) {
		mode := recordMode(v.row.cells[colRecord])
		in.Mode = &mode
	}
	if has(colRecordProfiles) {
		list := strings.FieldsFunc(strings.ToLower(v.row.cells[colRecordProfiles]), func(r rune) bool { return strings.ContainsRune("+,;、 ", r) })
		in.Profiles = &list
	}
	if has(colRecordSchedule) {
		times, ok := scheduleOf(v.row.cells[colRecordSchedule])
		if !ok {
			v.add(columnNames()[colRecordSchedule], "must be written as 1-5 08:00-18:00; 6,7 22:00-06:00, with 1 for Monday")
		}
		in.Schedule = &times
	}
	for c, to := range map[column]**int{colRecordBefore: &in.Before, colRecordAfter: &in.After} {
		if has(c) {
			n := v.whole(c)
			*to = &n
		}
	}
	if has(colRecordBytes) {
		n, err := strconv.ParseInt(v.row.cells[colRecordBytes], 10, 64)
		if err != nil {
			v.add(columnNames()[colRecordBytes], "must be a whole number of bytes")
		}
		in.Bytes = &n
	}
	if !any {
		return nil
	}
	return &in
}

func recordMode(text string) alerts.RecordMode {
	switch text {
	case "不录", "关闭":
		return alerts.RecordOff
	case "全天", "持续":
		return alerts.RecordAlways
	case "定时", "计划":
		return alerts.RecordSchedule
	case "事件", "告警":
		return alerts.RecordEvents
	}
	return alerts.RecordMode(strings.ToLower(text))
}

// with adds the faults of the rules, but for fields whose cells could not be
// read at all.
func (v *rowReader) with(more faults) faults {
	out := slices.Clone(v.faults)
	for _, f := range more {
		if name, ok := strings.CutPrefix(f.Field, "record."); ok {
			name, _, _ = strings.Cut(name, "[") // one cell holds the whole schedule
			f.Field = "record_" + name
		}
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
