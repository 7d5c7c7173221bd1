package store

import (
	"reflect"
	"testing"

	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// The rows that every move of a case writes go by kept statements.
func TestHotRowsAreKept(t *testing.T) {
	d := sqlitedialect.New()
	for _, row := range []any{caseRow{}, moveRow{}, auditRow{}, eventRow{}, incidentRow{}, filingRow{}} {
		if newTable(d.Tables().Get(reflect.TypeOf(row))) == nil {
			t.Errorf("%T has a field that bun has to write", row)
		}
	}
	if newTable(d.Tables().Get(reflect.TypeOf(cameraRow{}))) != nil {
		t.Error("a camera's plan of recording is JSON: bun has to write it")
	}
}
