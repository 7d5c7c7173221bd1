package whep

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs passes pion's warnings and errors on as debug lines: what they tell
// (a lost path, a late packet) is a viewer's matter, not an operator's.
type pionLogs struct{ log *slog.Logger }

// NewLogger is called by pion for each of its parts.
func (l pionLogs) NewLogger(part string) logging.LeveledLogger {
	return pionLog{l.log.With("part", "pion/"+part)}
}

type pionLog struct{ log *slog.Logger }

func (l pionLog) Trace(string)          {}
func (l pionLog) Tracef(string, ...any) {}
func (l pionLog) Debug(string)          {}
func (l pionLog) Debugf(string, ...any) {}
func (l pionLog) Info(string)           {}
func (l pionLog) Infof(string, ...any)  {}
func (l pionLog) Warn(msg string)       { l.log.Debug(msg) }
func (l pionLog) Error(msg string)      { l.log.Debug(msg) }

func (l pionLog) Warnf(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l pionLog) Errorf(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }
