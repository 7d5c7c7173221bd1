package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

func sheetOf(t *testing.T, text string) ([]cameraRow, []alerts.Fault, error) {
	t.Helper()
	var rows []cameraRow
	var log importLog
	err := readCameraSheet(strings.NewReader(text), &log, func(r *cameraRow) error {
		rows = append(rows, *r)
		return nil
	})
	return rows, log.faults, err
}

func TestCameraSheet(t *testing.T) {
	const head = "id,name,lon,lat\n"
	all := strings.Join(newColumnFinder().all[:columnCount], ", ")
	tests := []struct {
		name   string
		text   string
		rows   []string // "row:id:name:lon:lat"
		faults []alerts.Fault
	}{
		{"plain", head + "a,东门,118.9,31.9\n", []string{"2:a:东门:118.9:31.9"}, nil},
		{"byte order mark, CRLF, any order, case", "\xef\xbb\xbfLat,Lon,NAME,Id\r\n31.9,118.9,东门,a\r\n", []string{"2:a:东门:118.9:31.9"}, nil},
		{"Chinese headers with units", "编号,名称,经度（度）,纬度(度)\na,东门,118.9,31.9", []string{"2:a:东门:118.9:31.9"}, nil},
		{"empty lines count, empty rows are left out", head + "\n\na,x,1,2\n,,,\n\r\nb,y,3,4\n", []string{"4:a:x:1:2", "7:b:y:3:4"}, nil},
		{"quoted cells", head + "a,\"x, \"\"y\"\"\nz\",1,2\nb,w,3,4\n", []string{"2:a:x, \"y\"\nz:1:2", "3:b:w:3:4"}, nil},
		{"no header", "", nil, []alerts.Fault{{Row: 1, Message: "the file needs a header row with the names of its columns"}}},
		{"near miss", "id,nmae,lon,lat\na,b,1,2\n", nil, []alerts.Fault{{Row: 1, Field: "nmae", Message: "is not a known column; did you mean name?"}}},
		{"near miss in Chinese", "编号,名称,经度,纬渡\na,b,1,2\n", nil, []alerts.Fault{{Row: 1, Field: "纬渡", Message: "is not a known column; did you mean 纬度?"}}},
		{"nothing near", "id,name,lon,lat,colour of the pole\n", nil, []alerts.Fault{{Row: 1, Field: "colour of the pole", Message: "is not a known column; the columns are " + all}}},
		{"twice", "id,name,lon,lat,经度\n", nil, []alerts.Fault{{Row: 1, Field: "经度", Message: `names the same column as "lon"; give it once`}}},
		{"nameless", "id,name,lon,lat,\n", nil, []alerts.Fault{{Row: 1, Message: "column 5 has no name"}}},
		{"missing", "id,lat\na,1\n", nil, []alerts.Fault{{Row: 1, Field: "name", Message: "the column is missing"}}},
		{"semicolons", "id;name;lon;lat\na;b;1;2\n", nil, []alerts.Fault{{Row: 1, Message: "cells must be separated by commas"}}},
		{"a camera for a header", "cam1,东门,118.9,31.9,admin,Secret-77\n", nil, []alerts.Fault{{Row: 1, Message: "is not a header row; the columns are " + all}}},
		{"too few cells", head + "a,b,1\nb,c,3,4\n", []string{"3:b:c:3:4"}, []alerts.Fault{{Row: 2, Message: "has 3 cells, the header has 4"}}},
		{"bare quotation mark", head + "a,b,1,2\na,x\"y,1,2\n", []string{"2:a:b:1:2"}, []alerts.Fault{{Row: 3, Message: "is not sound CSV, and what follows was not read: a cell that holds a comma, a quotation mark or a line break must stand in quotation marks, and a quotation mark in it must be doubled"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows, faults, err := sheetOf(t, test.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, fmt.Sprintf("%d:%s:%s:%s:%s", r.row, r.cells[colID], r.cells[colName], r.cells[colLon], r.cells[colLat]))
			}
			if !reflect.DeepEqual(got, test.rows) {
				t.Errorf("rows %q, want %q", got, test.rows)
			}
			if len(faults)+len(test.faults) > 0 && !reflect.DeepEqual(faults, test.faults) {
				t.Errorf("faults %+v, want %+v", faults, test.faults)
			}
		})
	}
}

func TestCameraSheetRefused(t *testing.T) {
	tests := []struct {
		name, text string
		kind       alerts.Kind
		message    string
	}{
		{"GBK", "id,name,lon,lat\na,\xb6\xab\xc3\xc5,1,2\n", alerts.Invalid, "line 2 is not UTF-8; the file seems to be GBK or GB 18030"},
		{"UTF-16", "\xff\xfei\x00d\x00", alerts.Invalid, "the file is UTF-16; save it as UTF-8"},
		{"all commas", strings.Repeat(",", 300), alerts.Invalid, "a row has more than 256 cells"},
		{"too large", strings.Repeat(" ", maxCSVBytes+1), alerts.TooLarge, "the file is larger than 32 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := sheetOf(t, test.text)
			var e *alerts.Error
			if !errors.As(err, &e) || e.Kind != test.kind || !strings.HasPrefix(e.Message, test.message) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// Every alias leads to one column, and no column's name to another.
func TestColumnNames(t *testing.T) {
	finder := newColumnFinder()
	if len(finder.all) != len(finder.byName) {
		t.Errorf("%d names for %d columns by name: one is there twice", len(finder.all), len(finder.byName))
	}
	for i, name := range columnNames() {
		if c, ok := finder.find(name); !ok || c != column(i) {
			t.Errorf("%s is column %d, %t", name, c, ok)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"lon", "lon", 0}, {"lon", "lan", 1}, {"lon", "", 3}, {"", "lon", 3}, {"kitten", "sitting", 3}, {"经度", "纬度", 1}} {
		if got := edits(test.a, test.b); got != test.want {
			t.Errorf("edits(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]bool{"1": true, "-1.5": true, "1e3": true, "+2": true, "": false, "NaN": false, "Inf": false,
		"0x10": false, "1_0": false, "1,5": false, "１": false, "1e999": false, strings.Repeat("1", 50): false, "12m": false} {
		if _, ok := number(text); ok != want {
			t.Errorf("number(%q) ok = %t", text, ok)
		}
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	var log importLog
	for i := range maxImportFaults + 234 {
		log.fault(maxImportFaults+300-i, "lon", "x")
		log.warn(i+1, "lon", "y")
	}
	var e *alerts.Error
	if !errors.As(log.err(), &e) || e.Message != "the file has 1234 faults; nothing was imported" {
		t.Fatalf("err = %v", log.err())
	}
	if n := len(e.Faults); n != maxImportFaults+1 || e.Faults[n-1].Message != "and 234 more faults" || e.Faults[0].Row >= e.Faults[1].Row {
		t.Errorf("%d faults, from %+v to %+v", n, e.Faults[0], e.Faults[n-1])
	}
	if w := log.result(1).Warnings; w[len(w)-1].Message != "and 234 more warnings" {
		t.Errorf("last warning %+v", w[len(w)-1])
	}
}

// The reader must not fail on any bytes, and what it passes on is sound.
func FuzzCameraSheet(f *testing.F) {
	for _, seed := range []string{"", "id,name,lon,lat\na,b,1,2\n", "\xef\xbb\xbf编号,名称,经度,纬度\n\n\"a\"\"\",b,1,2\r\n", "a;b\n", "id,name,lon,lat\n\"", "\n\r\n,\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var log importLog
		last := 1
		err := readCameraSheet(bytes.NewReader(data), &log, func(r *cameraRow) error {
			if r.row <= last || r.row > bytes.Count(data, []byte("\n"))+1 {
				t.Errorf("row %d after row %d", r.row, last)
			}
			last = r.row
			v := rowReader{row: r}
			v.number(colHeight)
			v.whole(colRetention)
			v.class()
			return nil
		})
		if err != nil && alerts.KindOf(err) == alerts.Internal {
			t.Errorf("err = %v", err)
		}
	})
}

func FuzzCameraFeatures(f *testing.F) {
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","id":"a","properties":{"name":"x","nmae":1,"经度":2,"class":"一类","密码":null},"geometry":{"type":"Point","coordinates":[118.9,31.9]}}]}`))
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"properties":{"id":2,"fov":{},"名称":true},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var log importLog
		err := readCameraFeatures(context.Background(), bytes.NewReader(data), &log, func(r *cameraRow) error {
			if !r.has(colLon) || !r.has(colLat) || r.row < 1 {
				t.Errorf("row %d without a position", r.row)
			}
			return nil
		})
		if err != nil && alerts.KindOf(err) == alerts.Internal {
			t.Errorf("err = %v", err)
		}
		_ = geo.ReadFeatures(bytes.NewReader(data), geo.DefaultLimits(), log.take, func(f geo.Feature) error {
			p := newProperties(f, areaProperties())
			p.id()
			p.whole("households", 0, 10)
			p.validity()
			p.shape(alerts.BD09)
			return nil
		})
	})
}
