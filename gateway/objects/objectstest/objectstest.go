// Package objectstest is the conformance suite of alerts.Objects: every
// implementation passes all of it.
package objectstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"sharpeyes/alerts"
)

// Run runs the suite. open returns new, empty objects.
func Run(t *testing.T, open func(t *testing.T) alerts.Objects) {
	for name, test := range map[string]func(*testing.T, alerts.Objects){
		"Ranges": testRanges, "Once": testOnce, "Whole": testWhole, "Keys": testKeys, "Lists": testLists, "Concurrent": testConcurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, o alerts.Objects, key, body string) {
	t.Helper()
	n, err := o.Put(t.Context(), key, strings.NewReader(body))
	if err != nil || n != int64(len(body)) {
		t.Fatalf("put %s: %d bytes, %v", key, n, err)
	}
}

func get(t *testing.T, o alerts.Objects, key string, from, n int64) (string, int64) {
	t.Helper()
	r, size, err := o.Get(t.Context(), key, from, n)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return string(b), size
}

func wantKind(t *testing.T, err error, kind alerts.Kind, doing string) {
	t.Helper()
	if err == nil || alerts.KindOf(err) != kind {
		t.Errorf("%s: got %v, want an error of kind %s", doing, err, kind)
	}
}

func testRanges(t *testing.T, o alerts.Objects) {
	put(t, o, "a/b.mp4", "0123456789")
	put(t, o, "empty", "")
	for _, c := range []struct {
		from, n int64
		want    string
	}{{0, -1, "0123456789"}, {3, -1, "3456789"}, {3, 4, "3456"}, {8, 100, "89"}, {10, -1, ""}, {0, 0, ""}} {
		if got, size := get(t, o, "a/b.mp4", c.from, c.n); got != c.want || size != 10 {
			t.Errorf("%d bytes from %d: %q of %d, want %q of 10", c.n, c.from, got, size, c.want)
		}
	}
	if got, size := get(t, o, "empty", 0, -1); got != "" || size != 0 {
		t.Errorf("the empty object is %q of %d", got, size)
	}
	_, _, err := o.Get(t.Context(), "a/b.mp4", 11, -1)
	wantKind(t, err, alerts.Invalid, "from beyond the end")
	_, _, err = o.Get(t.Context(), "a/b.mp4", -1, -1)
	wantKind(t, err, alerts.Invalid, "from before the beginning")
	for _, key := range []string{"a/c.mp4", "a", "a/b.mp4/c", ""} {
		_, _, err = o.Get(t.Context(), key, 0, -1)
		wantKind(t, err, alerts.NotFound, "get "+key)
	}
}

func testOnce(t *testing.T, o alerts.Objects) {
	put(t, o, "k", "first")
	_, err := o.Put(t.Context(), "k", strings.NewReader("second"))
	wantKind(t, err, alerts.Conflict, "the same key again")
	if got, _ := get(t, o, "k", 0, -1); got != "first" {
		t.Errorf("the object is %q now", got)
	}
	for range 2 {
		if err := o.Remove(t.Context(), "k"); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	put(t, o, "k", "third")
}

func testWhole(t *testing.T, o alerts.Objects) {
	broken := errors.New("broken")
	_, err := o.Put(t.Context(), "half", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's own error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = o.Put(ctx, "half", io.MultiReader(strings.NewReader("half"), &stopping{cancel}, strings.NewReader("more")))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to end with its context", err)
	}
	_, _, err = o.Get(t.Context(), "half", 0, -1)
	wantKind(t, err, alerts.NotFound, "half an object")
	if list, err := o.List(t.Context(), "", "", 10); err != nil || len(list) != 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

type stopping struct{ stop func() }

func (s *stopping) Read([]byte) (int, error) { s.stop(); return 0, io.EOF }

func testKeys(t *testing.T, o alerts.Objects) {
	for _, key := range []string{"", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".a", "a/.b", "A", "a b", "a\\b", "a\x00b", "ä", "a:b",
		strings.Repeat("a", 201), strings.Repeat("a/", 10) + "a"} {
		_, err := o.Put(t.Context(), key, strings.NewReader("x"))
		wantKind(t, err, alerts.Invalid, fmt.Sprintf("put %q", key))
		_, _, err = o.Get(t.Context(), key, 0, -1)
		wantKind(t, err, alerts.NotFound, fmt.Sprintf("get %q", key))
		if err := o.Remove(t.Context(), key); err != nil {
			t.Errorf("remove %q: %v", key, err)
		}
	}
	put(t, o, strings.Repeat("a", 100)+"/"+strings.Repeat("b", 99), "x")
}

func testLists(t *testing.T, o alerts.Objects) {
	for _, key := range []string{"b/2", "b/10", "a/x.y/z", "b-c", "c"} {
		put(t, o, key, key)
	}
	all := "a/x.y/z b-c b/10 b/2 c"
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          string
	}{{"", "", 10, all}, {"b", "", 10, "b-c b/10 b/2"}, {"b/", "", 10, "b/10 b/2"}, {"b/1", "", 10, "b/10"}, {"", "b-c", 10, "b/10 b/2 c"},
		{"", "b/10", 1, "b/2"}, {"b/", "b/2", 10, ""}, {"d", "", 10, ""}, {"", "", 0, ""}} {
		list, err := o.List(t.Context(), c.prefix, c.after, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, i := range list {
			keys = append(keys, i.Key)
			if i.Size != int64(len(i.Key)) {
				t.Errorf("%s has %d bytes", i.Key, i.Size)
			}
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("list %q after %q, %d: %q, want %q", c.prefix, c.after, c.limit, got, c.want)
		}
	}
}

// One of many that put the same key at once wins, and its bytes are whole.
func testConcurrent(t *testing.T, o alerts.Objects) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []byte
	for n := range 8 {
		wg.Go(func() {
			body := bytes.Repeat([]byte{byte('a' + n)}, 1<<16)
			if _, err := o.Put(t.Context(), "same", bytes.NewReader(body)); err == nil {
				mu.Lock()
				defer mu.Unlock()
				if won != nil {
					t.Error("two of them were kept")
				}
				won = body
			} else if alerts.KindOf(err) != alerts.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, _ := get(t, o, "same", 0, -1); got != string(won) {
		t.Errorf("%d bytes are kept, not those that were told so", len(got))
	}
}
