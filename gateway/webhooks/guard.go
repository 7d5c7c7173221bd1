package webhooks

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// Guard says which addresses may be called. Without Networks these are public
// ones, by https: nothing on this machine, in the networks around it, or on the
// link. An address is judged when it is dialled, after its name was resolved,
// so that no spelling of it and no name that changes its mind gets past.
type Guard struct {
	Networks []netip.Prefix // that may be called beside public addresses
	Private  bool           // Networks alone may be called
	Plain    bool           // http:// is taken, too
}

var errNotAllowed = errors.New("the address is not allowed")

// check judges an IP address.
func (g Guard) check(ip netip.Addr) error {
	if ip = ip.Unmap(); !ip.IsValid() || ip.Zone() != "" {
		return fmt.Errorf("%w: not an IP address, or one with a zone", errNotAllowed)
	}
	for _, p := range g.Networks {
		if p.Contains(ip) {
			return nil
		}
	}
	if g.Private || ssrf.New().SafeAddr(ip) != nil {
		return fmt.Errorf("%w: %s is %sin none of webhooks.networks", errNotAllowed, ip, map[bool]string{false: "not public and "}[g.Private])
	}
	return nil
}

// control is net.Dialer.Control.
func (g Guard) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s is no address of TCP", errNotAllowed, network)
	}
	return g.check(ap.Addr())
}

// Check tells, in words for people, why an address is not taken. What a name
// stands for is judged when it is called.
func (g Guard) Check(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("must be a whole address, such as https://example.org/hook")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !g.Plain) {
		if g.Plain {
			return errors.New("must begin with https:// or http://")
		}
		return errors.New("must begin with https:// (webhooks.plain allows http://)")
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		return g.check(ip)
	}
	switch {
	case host == "" || strings.Contains(host, "%") || strings.Contains(host, ":"):
		return errors.New("must name a host")
	case numeric(host):
		return errors.New("must name its host, or give its IP address in the usual form")
	}
	return nil
}

// numeric tells a name that some resolvers take for an IPv4 address: decimal,
// octal, hexadecimal, or with parts left out. No top-level domain is a number.
func numeric(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
