//go:build unix

package transcode

import (
	"os/exec"
	"syscall"
)

// apart puts ffmpeg into a group of its own: Ctrl-C is for us, and ends it in
// our order.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// lower gives every thread of the group less of the processor.
func lower(pid int) { _ = syscall.Setpriority(syscall.PRIO_PGRP, pid, niceness) }
