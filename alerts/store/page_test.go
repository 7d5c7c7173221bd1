package store

import (
	"testing"

	"sharpeyes/alerts"
)

func FuzzCursor(f *testing.F) {
	f.Add(byReceived.cursor("1700000000000000", "id"))
	f.Add(byName.cursor("name\nof two lines", "id"))
	f.Add("!!!")
	f.Fuzz(func(t *testing.T, cursor string) {
		for _, o := range []order{byReceived, byLastAt, byName, byUsername} {
			key, id, err := o.parse(cursor)
			if err != nil {
				if alerts.KindOf(err) != alerts.Invalid {
					t.Fatalf("%q: %v", cursor, err)
				}
				continue
			}
			if _, isTime := key.(int64); isTime != o.newest || !storable(id) {
				t.Fatalf("%q gives %v %q", cursor, key, id)
			}
		}
	})
}

func FuzzCursorRound(f *testing.F) {
	f.Add("name", "id")
	f.Add("a\nb", "c")
	f.Fuzz(func(t *testing.T, name, id string) {
		key, gotID, err := byName.parse(byName.cursor(name, id))
		if !storable(name+id) || containsNewline(id) { // ids never do
			return
		}
		if err != nil || key != name || gotID != id {
			t.Fatalf("%q %q come back as %q %q (%v)", name, id, key, gotID, err)
		}
	})
}

func containsNewline(s string) bool {
	for _, r := range s {
		if r == '\n' {
			return true
		}
	}
	return false
}
