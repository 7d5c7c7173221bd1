//go:build !linux && !darwin

package record

// diskState knows no room here: deletion goes by age and bytes alone.
func diskState(path string) DiskState { return DiskState{Path: path} }
