package webhooks

import (
	"errors"
	"net/netip"
	"testing"
)

func prefixes(t testing.TB, list ...string) (out []netip.Prefix) {
	t.Helper()
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// What is refused when a webhook is saved, by its spelling.
func TestCheckByDefault(t *testing.T) {
	for raw, ok := range map[string]bool{
		"https://example.org/hook":                  true,
		"https://example.org:8443/hook?token=1":     true,
		"https://8.8.8.8/":                          true,
		"https://[2606:4700::1111]/":                true,
		"https://例子.cn/":                            true, // what it stands for is judged when it is dialled
		"http://example.org/":                       false,
		"HTTP://example.org/":                       false,
		"file:///etc/passwd":                        false,
		"exec:/bin/sh":                              false,
		"gopher://example.org/":                     false,
		"ftp://example.org/":                        false,
		"ws://example.org/":                         false,
		"unix:///run/docker.sock":                   false,
		"//example.org/":                            false,
		"example.org":                               false,
		"":                                          false,
		"https://":                                  false,
		"https:///path":                             false,
		"https://:443/":                             false,
		"https://127.0.0.1/":                        false,
		"https://127.1/":                            false,
		"https://127.0.1/":                          false,
		"https://2130706433/":                       false, // decimal
		"https://017700000001/":                     false, // octal
		"https://0177.0.0.1/":                       false,
		"https://0x7f000001/":                       false, // hexadecimal
		"https://0x7f.0.0.1/":                       false,
		"https://0x7f.0.0.0x1/":                     false,
		"https://127.0.0.1./":                       false,
		"https://0/":                                false,
		"https://0.0.0.0/":                          false,
		"https://127.255.255.254/":                  false,
		"https://10.0.0.1/":                         false,
		"https://172.16.0.1/":                       false,
		"https://172.31.255.255/":                   false,
		"https://192.168.1.1/":                      false,
		"https://100.64.0.1/":                       false,
		"https://169.254.169.254/":                  false, // metadata of clouds
		"https://192.0.0.192/":                      false,
		"https://198.18.0.1/":                       false,
		"https://224.0.0.1/":                        false,
		"https://255.255.255.255/":                  false,
		"https://240.0.0.1/":                        false,
		"https://[::1]/":                            false,
		"https://[::]/":                             false,
		"https://[::ffff:127.0.0.1]/":               false,
		"https://[::ffff:7f00:1]/":                  false,
		"https://[::ffff:10.0.0.1]/":                false,
		"https://[0:0:0:0:0:ffff:169.254.169.254]/": false,
		"https://[::127.0.0.1]/":                    false,
		"https://[64:ff9b::7f00:1]/":                false, // NAT64
		"https://[64:ff9b::a00:1]/":                 false,
		"https://[2002:7f00:1::]/":                  false, // 6to4
		"https://[2001:0:7f00:1::]/":                false, // Teredo
		"https://[fe80::1]/":                        false,
		"https://[fe80::1%25eth0]/":                 false,
		"https://[::1%25lo]/":                       false,
		"https://[fc00::1]/":                        false,
		"https://[fd12:3456::1]/":                   false,
		"https://[ff02::1]/":                        false,
		"https://[2001:db8::1]/":                    false,
		"https://[fec0::1]/":                        false,
	} {
		if err := (Guard{}).Check(raw); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// What is refused at the moment of dialling, whatever the name was.
func TestControl(t *testing.T) {
	lan := Guard{Networks: prefixes(t, "10.1.0.0/16", "fd00:1::/32")}
	private := Guard{Networks: lan.Networks, Private: true}
	for _, c := range []struct {
		network, address     string
		public, lan, private bool
	}{
		{"tcp4", "8.8.8.8:443", true, true, false},
		{"tcp6", "[2606:4700::1111]:443", true, true, false},
		{"tcp4", "10.1.2.3:8443", false, true, true},
		{"tcp6", "[::ffff:10.1.2.3]:8443", false, true, true},
		{"tcp4", "10.2.0.1:443", false, false, false},
		{"tcp6", "[fd00:1::5]:443", false, true, true},
		{"tcp6", "[fd00:2::5]:443", false, false, false},
		{"tcp4", "127.0.0.1:443", false, false, false},
		{"tcp6", "[::ffff:127.0.0.1]:443", false, false, false},
		{"tcp6", "[::1]:443", false, false, false},
		{"tcp6", "[fe80::1%eth0]:443", false, false, false},
		{"tcp6", "[fd00:1::5%eth0]:443", false, false, false},
		{"tcp4", "169.254.169.254:80", false, false, false},
		{"tcp4", "0.0.0.0:443", false, false, false},
		{"udp4", "8.8.8.8:443", false, false, false},
		{"unix", "/run/docker.sock", false, false, false},
		{"tcp4", "localhost:443", false, false, false},
		{"tcp4", "", false, false, false},
	} {
		for name, g := range map[string]struct {
			Guard
			ok bool
		}{"public": {Guard{}, c.public}, "lan": {lan, c.lan}, "private": {private, c.private}} {
			err := g.control(c.network, c.address, nil)
			if (err == nil) != g.ok || err != nil && !errors.Is(err, errNotAllowed) {
				t.Errorf("%s %s %s: %v", name, c.network, c.address, err)
			}
		}
	}
}

func TestCheckWithSettings(t *testing.T) {
	g := Guard{Networks: prefixes(t, "10.1.0.0/16", "127.0.0.0/8"), Plain: true}
	for raw, ok := range map[string]bool{
		"http://10.1.0.9/": true, "http://127.0.0.1:9000/": true, "http://[::ffff:10.1.0.9]/": true, "http://10.2.0.9/": false,
		"file:///etc/passwd": false, "http://2130706433/": false, "http://0177.1/": false,
	} {
		if err := g.Check(raw); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if err := (Guard{Private: true}).Check("https://8.8.8.8/"); err == nil {
		t.Error("a public address, where only the own networks are allowed")
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"https://example.org/", "https://0x7f.1/", "https://[::ffff:127.0.0.1]/", "https://2130706433", "https://[fe80::1%25eth0]/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		_ = (Guard{}).Check(raw) // must not panic
		if err := (Guard{}).control("tcp4", raw, nil); err == nil {
			ap, perr := netip.ParseAddrPort(raw)
			if perr != nil || ap.Addr().IsLoopback() || ap.Addr().IsPrivate() || ap.Addr().IsLinkLocalUnicast() || ap.Addr().IsUnspecified() || ap.Addr().Is4In6() && ap.Addr().Unmap().IsPrivate() {
				t.Errorf("%s was let through", raw)
			}
		}
	})
}
