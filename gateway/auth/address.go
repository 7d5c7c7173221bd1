package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxToken bounds what is taken for a token at all.
const maxToken = 256

// ClientAddr returns the address of the caller: the connection's, or, behind
// trusted proxies, the last address in X-Forwarded-For that is not one of
// theirs. The zero Addr means that it cannot be told.
func (a *Auth) ClientAddr(r *http.Request) netip.Addr {
	var addr netip.Addr
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		addr = ap.Addr().Unmap()
	}
	if !a.trusted(addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return addr // what stands left of it was written by nobody we trust
		}
		addr = hop.Unmap()
		if !a.trusted(addr) {
			return addr
		}
	}
	return addr
}

func (a *Auth) trusted(addr netip.Addr) bool {
	for _, p := range a.TrustedProxies {
		if addr.IsValid() && p.Contains(addr.WithZone("")) {
			return true
		}
	}
	return false
}

func cookieToken(r *http.Request) string {
	c, err := r.Cookie(CookieName)
	if err != nil || len(c.Value) > maxToken {
		return ""
	}
	return c.Value
}

// hasBearer tells whether a request means to be judged by a bearer token. What
// a proxy before us may want of a browser (Basic) is none.
func hasBearer(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return "", false
	}
	return token, true
}
