package store_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/storetest"
)

const diskEnv = "SHARPEYES_STORE_OWN_DISK" // set in the child, which may mount disks

// TestDiskFull fills a real disk: writes go on from what is kept for that day,
// then fail as what they are, and succeed again when there is room, without a
// restart. A child process does it, in a mount namespace of its own, and
// fails where that is not permitted.
func TestDiskFull(t *testing.T) {
	if os.Getenv(diskEnv) != "" {
		fullDisk(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
	cmd.Env = append(os.Environ(), diskEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM), strings.Contains(string(out), "no mount: operation not permitted"):
		t.Fatalf("a disk of its own has to be mounted for this, which is not permitted here: %v", err)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
}

// fullDisk is the child's part.
func fullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("none", dir, "tmpfs", 0, "size=16m")); err != nil {
		t.Fatalf("no mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	kept, filler, path := filepath.Join(dir, "kept"), filepath.Join(dir, "filler"), filepath.Join(dir, "sharpeyes.db")
	if err := os.WriteFile(kept, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := 0
	s, err := store.Open(context.Background(), store.Options{Path: path, Full: func() bool {
		asked++
		return os.Remove(kept) == nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Town(t, s)
	n, acknowledged := 0, make(map[int]bool)
	// writes reports until one fails, several at once, and returns how many did
	// not.
	writes := func(most int) (done int, failed error) {
		for done < most && failed == nil {
			var wg sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				wg.Go(func() { errs[i] = report(s, n+i) })
			}
			wg.Wait()
			for i, err := range errs {
				if err != nil {
					failed = err
					continue
				}
				acknowledged[n+i] = true
				done++
			}
			n += len(errs)
		}
		return done, failed
	}
	if _, err := writes(100); err != nil || asked != 0 {
		t.Fatalf("on an empty disk: %v, asked for room %d times", err, asked)
	}
	fill(t, filler)
	done, err := writes(1 << 20)
	var told *alerts.Error
	if !errors.As(err, &told) || told.Kind != alerts.Unavailable || !strings.Contains(told.Message, "disk is full") {
		t.Errorf("on a full disk: %v", err)
	}
	if done < 200 || asked < 2 {
		t.Errorf("%d writes went on from what was kept, which was asked for %d times", done, asked)
	}
	t.Logf("%d writes from 3 MB", done)
	// Reading goes on; so do writes when there is room.
	if _, err := s.Incident(context.Background(), alerts.System(), storetest.Incident(0, "v1", "g1").ID); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if _, err := writes(200); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	check(t, path, acknowledged)
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
