package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"sharpeyes/streams/rtsp"
)

// guardedDial dials cameras in the given networks alone. The address is checked
// after its name was resolved, at the moment of dialling, so that neither a
// redirect nor a name that changes its mind gets past.
func guardedDial(allowed []netip.Prefix) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: not an IP address", rtsp.ErrNotAllowed)
		}
		ip := ap.Addr().Unmap().WithZone("")
		for _, p := range allowed {
			if p.Contains(ip) {
				return nil
			}
		}
		return fmt.Errorf("%w: %s is not in cameras.networks", rtsp.ErrNotAllowed, ip)
	}}
	return d.DialContext
}
