package reserve

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func opened(t *testing.T, path string) *Reserve {
	t.Helper()
	r := New(path)
	r.Size, r.Every = 1<<20, 10*time.Millisecond
	if err := r.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func wait(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// It takes its room, gives it up once, takes it again, and outlives a restart.
func TestReserve(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reserve")
	r := opened(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Size() != r.Size {
		t.Fatalf("%v, %v", info, err)
	}
	if blocks := info.Sys().(*syscall.Stat_t).Blocks; blocks*512 < r.Size {
		t.Errorf("%d bytes are taken of %d", blocks*512, r.Size)
	}
	r.Close()
	if !r.Release() || r.Held() {
		t.Error("it does not give up its room")
	}
	if r.Release() {
		t.Error("it gives up its room twice")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there still: %v", err)
	}
	again := opened(t, path)
	if !again.Held() {
		t.Error("it is not made again at the next start")
	}
	again.Release()
	wait(t, "it is not made again", again.Held)
	// What another start finds whole is kept, what is cut short is made anew.
	again.Close()
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	third := opened(t, path)
	if info, err := os.Stat(path); err != nil || info.Size() != third.Size || !third.Held() {
		t.Errorf("%v, %v", info, err)
	}
}

// Where there is no room for it, and as much again, it is not made.
func TestNoRoom(t *testing.T) {
	r := New(filepath.Join(t.TempDir(), "reserve"))
	r.Size = 1 << 60
	if err := r.Open(); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Held() || r.Release() {
		t.Error("there is a reserve")
	}
	if entries, err := os.ReadDir(filepath.Dir(r.Path)); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A disk that cannot allocate is written to.
func TestWritten(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := write(f, 3<<19); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 3<<19 {
		t.Errorf("%v, %v", info, err)
	}
}
