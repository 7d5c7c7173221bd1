package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sharpeyes/alerts"
)

const ownDiskEnv = "SHARPEYES_OWN_DISK" // set in the child, which may mount disks

// TestDiskFull fills the disk of a gateway that people work with: reports with
// photos, moves and readings go on from the reserve; when that is gone as well
// they are refused, readings too, for nobody looks at a case unrecorded; and when
// there is room they go on without a restart. A child process does it, in a mount
// namespace of its own, and fails where that is not permitted.
func TestDiskFull(t *testing.T) {
	if os.Getenv(ownDiskEnv) != "" {
		fullGateway(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
	cmd.Env = append(os.Environ(), ownDiskEnv+"=1")
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

func fullGateway(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("none", dir, "tmpfs", 0, "size=64m")); err != nil {
		t.Fatalf("no mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := openStageIn(t, filepath.Join(dir, "data"), "", 8<<20)
	s.build()
	who := s.actors
	first := s.reported("phone-1", "hazard.house", "外墙开裂")
	if !s.app.room.Held() {
		t.Fatal("there is no reserve")
	}
	fillers := []string{filepath.Join(dir, "filler-1"), filepath.Join(dir, "filler-2")}
	fillDisk(t, fillers[0])

	second := s.reported("phone-2", "hazard.house", "外墙掉落")
	id := who["village"].look(second.Incident.Number).ID
	who["village"].does(id, alerts.ActEscalate, map[string]any{"reason": "村里处理不了"})
	who["township"].does(id, alerts.ActFile, nil)
	who["county"].look(id)
	if s.app.room.Held() {
		t.Error("a full disk was written to, and the reserve is whole")
	}

	fillDisk(t, fillers[1]) // as somebody else does who finds the room
	refused := func(n int) bool {
		return who["gridder"].reports(fmt.Sprint("more-", n), map[string]string{"category": "hazard.house", "text": "x", "lon": storyLon, "lat": storyLat}).status ==
			http.StatusServiceUnavailable
	}
	// The files that are there have some room left within.
	for n := 0; !refused(n); n++ {
		if n > 5000 {
			t.Fatal("a full disk is written to for ever")
		}
	}
	// What is left may take the entry of a reading or two, which are small.
	var last reply
	for _, name := range []string{"village", "township", "county", "city", "auditor", "second"} {
		for _, path := range []string{"/cases/" + first.Incident.Number, "/incidents/" + first.Incident.ID, "/incidents/" + second.Incident.ID} {
			last = who[name].ask("GET", path, nil)
		}
	}
	last.refused(http.StatusServiceUnavailable)
	if said := who["township"].tries(id, alerts.ActEscalate, map[string]any{"reason": "x"}).refused(http.StatusServiceUnavailable); !strings.Contains(said, "disk is full") {
		t.Error(said)
	}

	for _, path := range fillers {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	s.reported("phone-3", "hazard.house", "x")
	who["second"].look(first.Incident.Number)
	who["township"].does(id, alerts.ActEscalate, map[string]any{"reason": "需要县住建局"})
	for end := time.Now().Add(20 * time.Second); !s.app.room.Held(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the reserve is not made again")
		}
	}
	s.verified()
}

// fillDisk writes a file until the disk is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
