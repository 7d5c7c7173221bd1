package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"

	"github.com/prometheus/client_golang/prometheus"
)

// writePause is the longest time that one write of an answer may take; who
// reads more slowly is given up.
const writePause = 60 * time.Second

// contentPolicy is for the dashboard: everything comes from here, except that
// workers and pictures are made in the page and Vue sets styles.
const contentPolicy = "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; " +
	"style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; media-src 'self' blob:; " +
	"object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// requestInfo is what middleware and gate tell each other about one request.
type requestInfo struct {
	id    string
	route string
	user  string
	addr  netip.Addr // of the caller, through trusted proxies
}

type infoKey struct{}

func infoOf(ctx context.Context) *requestInfo {
	info, _ := ctx.Value(infoKey{}).(*requestInfo)
	return info
}

func addressOf(ctx context.Context) netip.Addr {
	if info := infoOf(ctx); info != nil {
		return info.addr
	}
	return netip.Addr{}
}

func requestID(ctx context.Context) string {
	if info := infoOf(ctx); info != nil {
		return info.id
	}
	return ""
}

// metrics counts requests by route, so that paths cannot make series.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	viewers   prometheus.GaugeFunc
}

func newMetrics(reg prometheus.Registerer, viewers func() float64) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sharpeyes_http_requests_total",
			Help: "Requests by route and status."}, []string{"route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sharpeyes_http_request_seconds",
			Help:    "Time to the end of the answer, by route; WebSockets are left out.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10}}, []string{"route"}),
		viewers: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sharpeyes_whep_sessions",
			Help: "Open WHEP sessions."}, viewers),
	}
	for _, c := range []prometheus.Collector{m.requests, m.durations, m.viewers} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("api: register metrics: %w", err)
		}
	}
	return m, nil
}

// serve is the outermost layer of every request.
func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	info := &requestInfo{id: alerts.NewID(start), route: "none", addr: a.auth.ClientAddr(r)}
	r = r.WithContext(context.WithValue(r.Context(), infoKey{}, info))
	sw := &statusWriter{ResponseWriter: w, rc: http.NewResponseController(w)}
	secure(sw.Header(), r, info.id)
	defer func() {
		a.recovered(sw, r, recover())
		took := time.Since(start)
		if !sw.hijacked {
			a.metrics.durations.WithLabelValues(info.route).Observe(took.Seconds())
		}
		a.metrics.requests.WithLabelValues(info.route, strconv.Itoa(sw.code())).Inc()
		a.access(r, info, sw, took)
	}()
	if err := a.crossOrigin.Check(r); err != nil {
		a.fail(sw, r, alerts.Errorf(alerts.Forbidden, "requests from other web sites are refused"))
		return
	}
	a.mux.ServeHTTP(sw, r)
}

// recovered answers for a handler that panicked and logs it once.
func (a *API) recovered(sw *statusWriter, r *http.Request, cause any) {
	if cause == nil || sw.hijacked {
		if cause != nil {
			a.log.ErrorContext(r.Context(), "socket handler panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
		return
	}
	if err, ok := cause.(error); ok && (errors.Is(err, http.ErrAbortHandler) || r.Context().Err() != nil) {
		return // the caller has gone
	}
	a.log.ErrorContext(r.Context(), "handler panicked", "cause", fmt.Sprint(cause), "request", requestID(r.Context()),
		"stack", string(debug.Stack()))
	if sw.status == 0 {
		newProblem(http.StatusInternalServerError, alerts.Internal,
			"something went wrong here; it is in the log as request "+requestID(r.Context())).write(sw)
	}
}

// secure sets the headers that every answer has.
func secure(h http.Header, r *http.Request, id string) {
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
		h.Set("Cross-Origin-Opener-Policy", "same-origin") // without TLS browsers only complain of it
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		h.Set("Cache-Control", "no-store")
	}
}

// loggedPath is a request's path without the code of a receipt, which opens it.
func loggedPath(path string) string {
	if strings.HasPrefix(path, receiptsPath) {
		return receiptsPath + "..."
	}
	return path
}

// access writes the access log: no query, no header, no body, so no secret.
func (a *API) access(r *http.Request, info *requestInfo, sw *statusWriter, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case sw.code() >= 500:
		level = slog.LevelWarn
	case !strings.HasPrefix(r.URL.Path, "/api/"):
		level = slog.LevelDebug
	}
	if !a.log.Enabled(r.Context(), level) {
		return
	}
	a.log.LogAttrs(r.Context(), level, "request",
		slog.String("method", r.Method), slog.String("route", info.route), slog.String("path", loggedPath(r.URL.Path)),
		slog.Int("status", sw.code()), slog.Int64("bytes", sw.bytes), slog.Duration("took", took),
		slog.String("request", info.id), slog.String("user", info.user),
		slog.String("address", info.addr.String()))
}

// statusWriter notes what was answered and gives up on readers that stall.
type statusWriter struct {
	http.ResponseWriter
	rc       *http.ResponseController
	status   int
	bytes    int64
	hijacked bool
}

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = w.rc.SetWriteDeadline(time.Now().Add(writePause)) // not supported by recorders in tests
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Hijack hands the connection to the WebSocket.
func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.rc.Hijack()
	if err == nil {
		w.hijacked = true
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap serves http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
