package desk

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// geometryColumn holds a GeoJSON geometry in a sheet; an empty cell keeps the
// shape that is stored.
const geometryColumn = "geometry"

// table reads a file of features, GeoJSON or a sheet whose rows become such.
type table struct {
	format  importFormat
	columns []string
	bare    bool // rows need no geometry
}

// columnAlias are the Chinese headers that are taken beside the names.
func columnAlias(header string) string {
	switch header {
	case "编号":
		return "id"
	case "名称", "姓名":
		return "name"
	case "英文名称":
		return "name_en"
	case "上级", "上级区域":
		return "parent_id"
	case "级别", "层级":
		return "level"
	case "代码", "区划代码", "网格编码":
		return "code"
	case "编码标准":
		return "scheme"
	case "区域", "所属区域", "所属社区", "所属村社区":
		return "area_id"
	case "类型", "类别":
		return "kind"
	case "户数":
		return "households"
	case "生效日期":
		return "valid_from"
	case "失效日期":
		return "valid_to"
	case "台账":
		return "register"
	case "联系岗位":
		return "contact"
	case "地址":
		return "address"
	case "备注":
		return "remark"
	case "核实日期":
		return "checked_at"
	case "撤销日期":
		return "ended_at"
	case "经度":
		return "lon"
	case "纬度":
		return "lat"
	case "网格", "网格编号":
		return "grid_id"
	case "账号", "用户名":
		return "username"
	case "用工性质", "人员类别":
		return "employment"
	case "职责":
		return "tasks"
	case "任期起":
		return "from"
	case "任期止":
		return "to"
	}
	return header
}

// read calls fn for each sound feature. Rows of a sheet count as spreadsheets
// count them.
func (t table) read(r io.Reader, log *importLog, fn func(geo.Feature) error) error {
	limits := geo.DefaultLimits()
	limits.Bare = t.bare
	if t.format == formatGeoJSON {
		return geo.ReadFeatures(r, limits, log.take, fn)
	}
	data, err := geo.ReadBounded(r, maxCSVBytes)
	if err != nil {
		return err
	}
	doc, rows, err := t.features(data, log)
	if err != nil || rows == nil {
		return err
	}
	at := func(row int) int {
		if row > 0 && row <= len(rows) {
			return rows[row-1]
		}
		return row
	}
	limits.Bytes = int64(len(doc)) // the sheet was bounded
	return geo.ReadFeatures(bytes.NewReader(doc), limits, func(f alerts.Fault) {
		f.Row = at(f.Row)
		log.take(f)
	}, func(f geo.Feature) error {
		f.Row = at(f.Row)
		return fn(f)
	})
}

// features makes a FeatureCollection of a sheet, and the row of each feature;
// no rows where the header is not sound.
func (t table) features(data []byte, log *importLog) (doc []byte, rows []int, err error) {
	if widest(data) > maxCSVCells {
		return nil, nil, alerts.Errorf(alerts.Invalid, "a row has more than %d cells; is this a sheet in CSV?", maxCSVCells)
	}
	s := &sheet{data: data, reader: csv.NewReader(bytes.NewReader(data))}
	s.reader.FieldsPerRecord = -1
	header, err := s.next()
	if err != nil || blank(header) {
		log.fault(1, "", "the file needs a header row with the names of its columns: %s", strings.Join(t.columns, ", "))
		return nil, nil, nil
	}
	columns, ok := t.header(header, log)
	if !ok {
		return nil, nil, nil
	}
	out := append(make([]byte, 0, len(data)*2), `{"type":"FeatureCollection","features":[`...)
	rows = []int{}
	for {
		cells, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return append(out, "]}"...), rows, nil
		case err != nil:
			log.fault(s.row, "", "is not sound CSV, and what follows was not read: a cell that holds a comma, a quotation mark or a line break must stand in quotation marks, and a quotation mark in it must be doubled")
			return append(out, "]}"...), rows, nil
		case blank(cells):
			continue
		case len(rows) >= maxImportRows:
			return nil, nil, alerts.Errorf(alerts.TooLarge, "the file has more than %d rows; split it", maxImportRows)
		case len(cells) != len(columns):
			log.fault(s.row, "", "has %d cells, the header has %d", len(cells), len(columns))
			continue
		}
		row := make(map[string]string, len(cells))
		for i, name := range columns {
			row[name] = unguarded(strings.TrimSpace(cells[i]))
		}
		geometry, problem := rowGeometry(row)
		if problem != nil {
			log.fault(s.row, problem.Field, "%s", problem.Message)
			continue
		}
		if len(rows) > 0 {
			out = append(out, ',')
		}
		out = t.appendFeature(out, columns, row, geometry)
		rows = append(rows, s.row)
	}
}

func (t table) header(header []string, log *importLog) (columns []string, sound bool) {
	sound = true
	for i, name := range header {
		plain := columnAlias(plainHeader(name))
		switch {
		case strings.TrimSpace(name) == "":
			log.fault(1, "", "column %d has no name", i+1)
			sound = false
		case !slices.Contains(t.columns, plain):
			log.fault(1, shown(name), "is not a known column; the columns are %s", strings.Join(t.columns, ", "))
			sound = false
		case slices.Contains(columns, plain):
			log.fault(1, shown(name), "names a column for the second time; give it once")
			sound = false
		}
		columns = append(columns, plain)
	}
	return columns, sound
}

// appendFeature writes a row as a feature; empty cells are left out.
func (t table) appendFeature(b []byte, columns []string, row map[string]string, geometry string) []byte {
	b = append(b, `{"type":"Feature","properties":{`...)
	first := true
	for _, name := range columns {
		if row[name] == "" || name == geometryColumn || name == "lon" || name == "lat" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		value, _ := json.Marshal(row[name]) // a string: cannot fail
		b = append(strconv.AppendQuote(b, name), ':')
		b = append(b, value...)
	}
	b = append(b, `},"geometry":`...)
	b = append(b, geometry...)
	return append(b, '}')
}

// rowGeometry is where a row is, as GeoJSON: its geometry cell, or its lon and
// lat; "null" where it says nothing.
func rowGeometry(row map[string]string) (string, *alerts.Fault) {
	switch {
	case row[geometryColumn] != "":
		if !json.Valid([]byte(row[geometryColumn])) {
			return "", &alerts.Fault{Field: geometryColumn, Message: `must be a GeoJSON geometry such as {"type":"Polygon","coordinates":[...]}`}
		}
		return row[geometryColumn], nil
	case row["lon"] != "" || row["lat"] != "":
		for _, name := range [...]string{"lon", "lat"} {
			if _, ok := number(row[name]); !ok {
				return "", &alerts.Fault{Field: name, Message: "must be a number of degrees such as 118.9053"}
			}
		}
		lon, _ := number(row["lon"])
		lat, _ := number(row["lat"])
		return `{"type":"Point","coordinates":[` + strconv.FormatFloat(lon, 'f', -1, 64) + "," + strconv.FormatFloat(lat, 'f', -1, 64) + "]}", nil
	}
	return "null", nil
}

// unguarded takes off the apostrophe that exports put before what a
// spreadsheet would calculate.
func unguarded(s string) string {
	rest, ok := strings.CutPrefix(s, "'")
	if !ok {
		return s
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, " \u00a0\u3000\ufeff\u200b\""))
	if first != utf8.RuneError && strings.ContainsRune("=+-@|%＝＋－＠\t\r\n", first) {
		return rest
	}
	return s
}
