package config

import (
	"reflect"
	"slices"
)

// keys lists the dotted names of every setting, from the struct itself.
func keys(c Config) []string {
	var out []string
	walk(reflect.TypeOf(c), "", func(key string, _ reflect.Type) { out = append(out, key) })
	return out
}

// isList tells whether a setting is a list.
func isList(key string) bool {
	var lists []string
	walk(reflect.TypeOf(Config{}), "", func(k string, t reflect.Type) {
		if t.Kind() == reflect.Slice {
			lists = append(lists, k)
		}
	})
	return slices.Contains(lists, key)
}

func walk(t reflect.Type, prefix string, fn func(string, reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := prefix + f.Tag.Get("koanf")
		if f.Type.Kind() == reflect.Struct {
			walk(f.Type, key+".", fn)
			continue
		}
		fn(key, f.Type)
	}
}
