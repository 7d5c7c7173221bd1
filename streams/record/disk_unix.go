//go:build linux || darwin

package record

import "golang.org/x/sys/unix"

// diskState asks the file system for its room.
func diskState(path string) DiskState {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return DiskState{Path: path}
	}
	return DiskState{Path: path, Free: int64(st.Bavail) * int64(st.Bsize), Total: int64(st.Blocks) * int64(st.Bsize)}
}
