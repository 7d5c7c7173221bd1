package main

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much garbage may gather, in percent of what lives. Pictures
// make next to none (streams.Frame.Release), and those that are kept are not looked
// into, so that half of Go's own 100 costs little CPU time and saves a third of the
// memory.
const gcPercent = 50

// tuneMemory sets the garbage collector, unless the operator did (GOGC). A
// limit is the operator's alone (GOMEMLIMIT).
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
