package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"

	"sharpeyes/alerts"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapesAtOnce bounds what each of the two sets of figures is asked for.
const scrapesAtOnce = 2

// registerMetrics puts up /metrics. Figures that name cameras, or tell of the
// process' insides, are for operators: who sends the token, or asks by our IP
// address from one of their networks. Without a token being set, others get the
// figures of the whole; with one, nothing.
func (a *API) registerMetrics() {
	opts := promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce}
	open := promhttp.HandlerFor(a.deps.Metrics, opts)
	all := open
	if a.deps.Figures != nil {
		all = promhttp.HandlerFor(prometheus.Gatherers{a.deps.Metrics, a.deps.Figures}, opts)
	}
	a.mux.plain("GET /metrics", func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		set := open
		switch {
		case a.operator(r):
			set = all
		case a.deps.MetricsToken != "" || r.Header.Get("Authorization") != "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			return alerts.Errorf(alerts.Unauthenticated, "send the token that metrics.token holds as \"Authorization: Bearer TOKEN\"")
		}
		set.ServeHTTP(w, r)
		return nil
	})
}

// operator tells whether somebody may read every figure. A wrong token is never
// made up for by the address.
func (a *API) operator(r *http.Request) bool {
	if sent := r.Header.Get("Authorization"); sent != "" {
		scheme, token, _ := strings.Cut(sent, " ")
		return a.deps.MetricsToken != "" && strings.EqualFold(scheme, "Bearer") && sameSecret(strings.TrimSpace(token), a.deps.MetricsToken)
	}
	if proxied(r) || !byAddress(r.Host) {
		return false
	}
	addr := a.auth.ClientAddr(r).WithZone("")
	for _, n := range a.deps.MetricsNetworks {
		if addr.IsValid() && n.Contains(addr) {
			return true
		}
	}
	return false
}

// sameSecret compares in constant time, whatever the lengths.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// proxied tells whether a request came through somebody, whose address then
// says nothing of who asks.
func proxied(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return true
		}
	}
	return false
}

// byAddress tells whether we were asked for by an IP address or as localhost. A
// web page cannot make a browser do that under the page's own name, so none
// reads figures through the browser of somebody who may.
func byAddress(host string) bool {
	if ap, err := netip.ParseAddrPort(host); err == nil {
		return ap.IsValid()
	}
	name, _, _ := strings.Cut(host, ":")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
