package store

import (
	"database/sql/driver"
	"reflect"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// tables are the texts that write rows of a type, with a place for each value:
// bun writes the values into the text, so that no two are alike.
type tables map[reflect.Type]*table

type table struct {
	*schema.Table
	insert, update string
}

// of returns the table of a row that is given by its pointer; nil where its
// values are not ones that go to the driver as they are.
func (ts tables) of(db *bun.DB, row any) *table {
	typ := reflect.TypeOf(row)
	if typ.Kind() != reflect.Pointer || typ.Elem().Kind() != reflect.Struct {
		return nil
	}
	if t, ok := ts[typ]; ok {
		return t
	}
	t := newTable(db.Table(typ.Elem()))
	ts[typ] = t
	return t
}

func newTable(of *schema.Table) *table {
	var names, marks, keys, sets []string
	for _, f := range of.Fields {
		if !plain(f) {
			return nil
		}
		name := string(f.SQLName)
		names, marks = append(names, name), append(marks, "?")
		if f.IsPK {
			keys = append(keys, name+" = ?")
		} else {
			sets = append(sets, name+" = ?")
		}
	}
	return &table{Table: of,
		insert: "INSERT INTO " + string(of.SQLName) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")",
		update: "UPDATE " + string(of.SQLName) + " SET " + strings.Join(sets, ", ") + " WHERE " + strings.Join(keys, " AND ") + " AND version = ?"}
}

var valuer = reflect.TypeFor[driver.Valuer]()

// plain tells that a field's value is the driver's as well.
func plain(f *schema.Field) bool {
	if f.IsPtr || f.AutoIncrement || f.SQLDefault != "" || f.NotNull && f.NullZero {
		return false
	}
	typ := f.StructField.Type
	if typ.Implements(valuer) {
		return true
	}
	switch typ.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64, reflect.String:
		return true
	case reflect.Slice:
		return typ.Elem().Kind() == reflect.Uint8 && typ.Name() == ""
	}
	return false
}

// values are a row's, in the order of the columns.
func (t *table) values(row any) []any { return valuesOf(t.Fields, row) }

// changed are a row's values as an update has them: those that are not of its
// key, then the key's.
func (t *table) changed(row any) []any {
	return append(valuesOf(t.DataFields, row), valuesOf(t.PKs, row)...)
}

func valuesOf(fields []*schema.Field, row any) []any {
	v := reflect.ValueOf(row).Elem()
	out := make([]any, len(fields), len(fields)+4)
	for i, f := range fields {
		if f.NullZero && f.HasZeroValue(v) {
			continue
		}
		out[i] = f.Value(v).Interface()
	}
	return out
}

// table is how a row is written by a kept statement; nil: bun writes it.
func (t *tx) table(row any) *table {
	if t.ready == nil {
		return nil
	}
	return t.ready.tables.of(t.ready.db, row)
}
