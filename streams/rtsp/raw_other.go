//go:build !linux

package rtsp

import "net"

// rawReader is for systems that let a socket be asked without waiting in the
// way that it takes; on others every packet wakes us.
type rawReader struct{}

func rawReaderOf(net.Conn) *rawReader { return nil }

func (*rawReader) read(*intake, bool) (int, error) { return 0, nil }
