package audit

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestHeadsFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	list := chain(9)
	note := func(f *File, n int) {
		t.Helper()
		err := f.Note(func() (Head, error) {
			if n == 0 {
				return Head{}, nil
			}
			return Head{list[n-1].Seq, list[n-1].Hash, base}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := OpenFile(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := f.Last(); ok || err != nil {
		t.Fatalf("a new file has a head: %v", err)
	}
	note(f, 0)
	note(f, 3)
	note(f, 3) // the same: not again
	note(f, 5)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, HeadsName)
	// A crash has cut a line short.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, "6 abc"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, list, 9, string(raw)+"6 abc"); !r.Whole() {
		t.Errorf("a line that is being written: %+v", r.Findings)
	}
	if f, err = OpenFile(folder); err != nil {
		t.Fatal(err)
	}
	if h, ok, err := f.Last(); !ok || err != nil || h.Seq != 5 || h.Hash != list[4].Hash {
		t.Errorf("the last is %v, %v, %v", h, ok, err)
	}
	note(f, 9)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(string(raw), "\n"); len(lines) != 5 || lines[2] != "6 abc" {
		t.Errorf("the file holds %q", lines)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Two nodes that share a folder never note a head that runs back.
func TestSharedHeads(t *testing.T) {
	folder := t.TempDir()
	list := chain(200)
	var mu sync.Mutex
	newest := 0
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			f, err := OpenFile(folder)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for range 50 {
				err := f.Note(func() (Head, error) {
					mu.Lock()
					defer mu.Unlock()
					newest++
					return Head{list[newest-1].Seq, list[newest-1].Hash, base}, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	raw, err := os.ReadFile(filepath.Join(folder, HeadsName))
	if err != nil {
		t.Fatal(err)
	}
	if r := verify(t, list, 200, string(raw)); !r.Whole() || r.Heads != 200 {
		t.Errorf("%d heads, %+v", r.Heads, r.Findings)
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add(Head{1, strings.Repeat("ab", 32), base}.String())
	f.Add("")
	f.Add("1  2026-11-24T08:00:00Z")
	f.Add("01 " + strings.Repeat("ab", 32) + " 2026-11-24T08:00:00Z")
	f.Add("-1 " + strings.Repeat("AB", 32) + " 2026-11-24T08:00:00+08:00")
	f.Fuzz(func(t *testing.T, line string) {
		h, err := ParseHead(line)
		if err != nil {
			return
		}
		again, err := ParseHead(h.String())
		if err != nil || again != h || h.String() != line {
			t.Errorf("%q became %v, %v", line, again, err)
		}
	})
}
