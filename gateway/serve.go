package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/dashboard"
	"sharpeyes/gateway/api"
	"sharpeyes/gateway/config"
	"sharpeyes/gateway/live"
	"sharpeyes/streams"
	"sharpeyes/streams/rtsp"
	"sharpeyes/streams/transcode"
	"sharpeyes/streams/whep"
)

// stopWithin is how long requests may take to end after Ctrl-C.
const stopWithin = time.Second

// serveCmd runs the gateway for real.
type serveCmd struct {
	Config string `help:"YAML file with the settings; every key can also be an environment variable." type:"path"`
}

// Run serves until the context ends.
func (c serveCmd) Run(ctx context.Context) error {
	set, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	a, err := newApp(set)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.listen(); err != nil {
		return err
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	made, err := a.auth.EnsureAdmin(ctx, os.Getenv(config.AdminPassword))
	if err != nil {
		return fmt.Errorf("first sign-in: %w", err)
	}
	return a.serve(ctx, func(url string) {
		fmt.Printf("Sharp Eyes gateway / 雪亮网关: %s\n", url)
		if made != "" {
			fmt.Printf("First sign-in / 首次登录: user admin, password %s (shown once / 仅显示一次)\n", made)
		}
	})
}

// listen claims the port before anything is touched: a taken one is the most
// likely thing to go wrong.
func (a *app) listen() (err error) {
	if a.listener, err = net.Listen("tcp", a.set.HTTP.Listen); err != nil {
		return listenError(a.set.HTTP.Listen, err)
	}
	a.later(func() { _ = a.listener.Close() })
	return nil
}

// serve brings up video, the live socket and HTTP, tells ready the address, and
// returns when the context ends or the server fails. listen and openStore come
// before it.
func (a *app) serve(ctx context.Context, ready func(url string)) error {
	if err := a.recordRun(ctx); err != nil {
		return err
	}
	m, viewers, err := a.openVideo(ctx)
	if err != nil {
		return err
	}
	if err := a.openEvidence(ctx, m.tapes.rec); err != nil {
		return err
	}
	// Clocks move cases, and holds go with them: the desk is complete from here on.
	a.desk.StartTimers(func(err error) { a.log.Warn("clocks of cases", "error", err) })
	if err := a.openWebhooks(); err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	handler, err := a.openDoors(ctx, m, viewers)
	if err != nil {
		return err
	}
	scheme := "http"
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	if a.set.HTTP.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(a.set.HTTP.TLSCert, a.set.HTTP.TLSKey)
		if err != nil {
			return fmt.Errorf("http.tls_cert, http.tls_key: %w", err)
		}
		scheme, srv.TLSConfig = "https", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	failed := make(chan error, 1)
	go func() {
		if srv.TLSConfig != nil {
			failed <- srv.ServeTLS(a.listener, "", "")
		} else {
			failed <- srv.Serve(a.listener)
		}
	}()
	ready(scheme + "://" + browserAddress(a.listener.Addr()))
	select {
	case err := <-failed:
		return fmt.Errorf("http: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if srv.Shutdown(stop) != nil {
		_ = srv.Close() // who is not done by now is cut off
	}
	<-failed
	return nil
}

// recordRun notes in the audit that the process runs and, when it ends in good
// order, that it has stopped.
func (a *app) recordRun(ctx context.Context) error {
	note := func(ctx context.Context, kind alerts.AuditKind) error {
		return a.desk.Audit(ctx, alerts.System(), kind, "gateway", "", map[string]string{"version": version()})
	}
	if err := note(ctx, alerts.AuditStart); err != nil {
		return fmt.Errorf("the start could not be recorded: %w", err)
	}
	a.heads.note()
	a.later(func() {
		ctx, cancel := context.WithTimeout(context.Background(), headTime)
		defer cancel()
		a.report("recording the stop", note(ctx, alerts.AuditStop))
	})
	return nil
}

// openVideo starts the media sockets and the pulls.
func (a *app) openVideo(ctx context.Context) (*media, *whep.Server, error) {
	networks, err := config.Prefixes(a.set.Cameras.Networks)
	if err != nil {
		return nil, nil, err
	}
	w := whep.NewServer()
	w.UDPAddr, w.TCPAddr, w.PublicIPs = a.set.WebRTC.UDPListen, a.set.WebRTC.TCPListen, a.set.WebRTC.PublicIPs
	w.MaxViewers, w.Log = a.set.WebRTC.MaxViewers, a.log
	if err := w.Open(); err != nil {
		return nil, nil, listenError(a.set.WebRTC.UDPListen, err)
	}
	a.later(w.Close)
	p := rtsp.New()
	p.Dial, p.Log = guardedDial(networks), a.log
	p.PerHost, p.HostGap = a.set.RTSP.PerHost, time.Duration(float64(time.Second)/a.set.RTSP.DialRate)
	fleet := streams.NewFleet(p.Pull)
	fleet.Linger = a.set.Cameras.Linger
	a.later(fleet.Close)
	tapes, err := a.openRecording(ctx, fleet)
	if err != nil {
		return nil, nil, err
	}
	m := newMedia(a.desk, a.bus, fleet, tapes, a.log)
	a.desk.Health = m.health
	if err := m.open(ctx); err != nil {
		return nil, nil, err
	}
	a.later(m.close)
	return m, w, nil
}

// openTranscodes prepares what turns one codec into another; nothing runs yet.
func (a *app) openTranscodes() *transcode.Pool {
	p := transcode.New()
	p.FFmpeg, p.Max, p.Hardware, p.Log = a.set.Transcode.FFmpeg, a.set.Transcode.Max, a.set.Transcode.Hardware, a.log
	a.later(p.Close)
	return p
}

// openDoors puts up the live socket and the API.
func (a *app) openDoors(ctx context.Context, m *media, w *whep.Server) (http.Handler, error) {
	hub := live.NewHub()
	hub.Store, hub.Bus, hub.Auth, hub.Log = a.store, a.bus, a.auth, a.log
	hub.Snapshot, hub.Statuses, hub.State, hub.Figures = a.snapshot, m.statuses, m.stateJSON, m.figuresJSON
	if err := hub.Open(ctx); err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	a.later(hub.Close)
	basemap, err := a.baseMap()
	if err != nil {
		return nil, err
	}
	open, inside, err := openFigures(m, w, hub)
	if err != nil {
		return nil, err
	}
	operators, err := config.Prefixes(a.set.Metrics.Networks)
	if err != nil {
		return nil, err
	}
	last := newStills(m.fleet)
	a.later(last.close)
	doors, err := api.New(api.Deps{Desk: a.desk, Auth: a.auth, Photos: a.photos, Video: video{m.fleet, w, a.openTranscodes(), a.log}, Stills: last, Recordings: recordings{m.tapes.rec},
		Live: hub.Serve, Status: m.status, BaseMap: basemap, Dashboard: dashboard.FS(), Log: a.log, Version: version(),
		Metrics: open, Figures: inside, MetricsToken: a.set.Metrics.Token, MetricsNetworks: operators, Ready: a.ready})
	if err != nil {
		return nil, err
	}
	a.later(doors.Close)
	return doors, nil
}

// ready tells whether requests can be answered: the store answers. Cameras are
// set up by then; what they and Redis are doing keeps nobody from working.
func (a *app) ready(ctx context.Context) error {
	if _, _, err := a.store.Seqs(ctx); err != nil {
		return &alerts.Error{Kind: alerts.Unavailable, Message: "the database does not answer", Err: err}
	}
	return nil
}

// listenError turns a taken port into a sentence.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("the address %s is in use by another program. Stop that one, or choose another address", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s. Choose a port above 1023", addr)
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// browserAddress is the address as a browser on this machine would say it.
func browserAddress(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
