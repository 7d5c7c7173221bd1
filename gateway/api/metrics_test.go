package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"sharpeyes/alerts"

	"github.com/prometheus/client_golang/prometheus"
)

const metricsToken = "scrape-0123456789abcdef"

// asked says from where and by which name a request comes.
func asked(remote, host string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr, r.Host = remote, host }
}

// Who reads which figures.
func TestMetricsByWhoAsks(t *testing.T) {
	inside := prometheus.NewRegistry()
	secret := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sharpeyes_camera_state", Help: "x"}, []string{"camera"})
	secret.WithLabelValues("cam-e").Set(1)
	inside.MustRegister(secret)
	const none, whole, all = 401, 200, 299 // 299: with cameras
	for _, house := range []struct {
		name, token string
		networks    []netip.Prefix
		cases       map[string]int // by who asks, below
	}{
		{"nothing set", "", nil, map[string]int{"stranger": whole, "neighbour": whole, "token": none, "wrong token": none, "empty token": none, "basic": none}},
		{"a token", metricsToken, nil, map[string]int{"stranger": none, "neighbour": none, "token": all, "lower case": all, "wrong token": none,
			"longer token": none, "part of the token": none, "empty token": none, "basic": none, "token in the query": none}},
		{"a network", "", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("::1/128")}, map[string]int{"stranger": whole,
			"neighbour": all, "mapped neighbour": all, "v6": all, "localhost": all, "through a proxy": whole, "through another": whole, "by name": whole,
			"token": none, "wrong token": none}},
		{"both", metricsToken, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, map[string]int{"stranger": none, "neighbour": all, "token": all,
			"wrong token": none, "through a proxy": none, "by name": none}},
	} {
		t.Run(house.name, func(t *testing.T) {
			w := newWorld(t)
			d := w.deps
			d.Figures, d.MetricsToken, d.MetricsNetworks, d.Metrics = inside, house.token, house.networks, nil
			a, err := New(d)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			w.API = a
			near := asked("192.0.2.7:4000", "198.51.100.1:8080")
			for who, want := range house.cases {
				path := "/metrics"
				var options []func(*http.Request)
				switch who {
				case "stranger":
					options = append(options, asked("203.0.113.9:4000", "198.51.100.1:8080"))
				case "neighbour":
					options = append(options, near)
				case "mapped neighbour":
					options = append(options, asked("[::ffff:192.0.2.7]:4000", "198.51.100.1"))
				case "v6":
					options = append(options, asked("[::1]:4000", "[::1]:8080"))
				case "localhost":
					options = append(options, asked("[::1]:4000", "localhost:8080"))
				case "by name": // as a page does that points its own name here
					options = append(options, asked("192.0.2.7:4000", "evil.example:8080"))
				case "through a proxy":
					options = append(options, near, header("X-Forwarded-For", "192.0.2.8"))
				case "through another":
					options = append(options, near, header("Via", "1.1 proxy"))
				case "token":
					options = append(options, header("Authorization", "Bearer "+metricsToken))
				case "lower case":
					options = append(options, header("Authorization", "bearer  "+metricsToken))
				case "wrong token":
					options = append(options, near, header("Authorization", "Bearer "+strings.ToUpper(metricsToken)))
				case "longer token":
					options = append(options, header("Authorization", "Bearer "+metricsToken+"x"))
				case "part of the token":
					options = append(options, header("Authorization", "Bearer "+metricsToken[:12]))
				case "empty token":
					options = append(options, header("Authorization", "Bearer "))
				case "basic":
					options = append(options, header("Authorization", "Basic "+metricsToken))
				case "token in the query":
					path += "?token=" + metricsToken
				default:
					t.Fatal(who)
				}
				got := w.call(t, "GET", path, nil, nil, options...)
				body := got.rec.Body.String()
				if want == none {
					if got.problem(t, 401); got.rec.Header().Get("WWW-Authenticate") == "" || strings.Contains(body, metricsToken) {
						t.Errorf("%s: %v %s", who, got.rec.Header(), body)
					}
					continue
				}
				got.want(t, 200)
				if !strings.Contains(body, "sharpeyes_whep_sessions") || strings.Contains(body, "cam-e") != (want == all) {
					t.Errorf("%s, want %d: %s", who, want, body)
				}
			}
			if strings.Contains(w.log.String(), metricsToken) {
				t.Error("the token is in the log")
			}
		})
	}
}

func TestReady(t *testing.T) {
	w := newWorld(t)
	w.deps.Ready = func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("nothing bounds the look")
		}
		return &alerts.Error{Kind: alerts.Internal, Message: "the database does not answer", Err: errors.New("dsn with password=hunter2")}
	}
	p := w.call(t, "GET", "/readyz", nil, nil).problem(t, 503)
	if p.Detail != "not ready: the database does not answer" {
		t.Errorf("%q", p.Detail)
	}
}
