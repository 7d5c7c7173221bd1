//go:build !linux

package whep

import (
	"net"
	"net/netip"
)

type (
	rawAddr struct{}
	kernel  struct{}
	batch   struct{}
)

func newOutlet(c *net.UDPConn, counts *counters) (*outlet, error) {
	o := &outlet{conn: c, counts: counts}
	o.mode.Store(int32(sendPlain))
	return o, nil
}

func (o *outlet) destination(to netip.AddrPort) *destination { return &destination{addr: to} }

func (b *burst) sendBatch(bool) bool { return false }
