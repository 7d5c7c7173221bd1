package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/alerts/store"
	"sharpeyes/configs"
	"sharpeyes/gateway/auth"
	"sharpeyes/gateway/cluster"
	"sharpeyes/gateway/config"
	"sharpeyes/gateway/objects"
	"sharpeyes/gateway/photos"
	"sharpeyes/gateway/reserve"
)

// Keeping. Events are what screens resume from; the changes themselves stay.
const (
	sweepEvery = time.Hour
	keepEvents = 14 * 24 * time.Hour
)

// app is the gateway put together. openStore brings up what keeps and decides,
// serve what moves; close takes down in the opposite order.
type app struct {
	set      config.Config
	log      *slog.Logger
	data     *dataDir
	listener net.Listener

	room   *reserve.Reserve // for the day that the disk is full
	store  *store.Store
	heads  *headKeeper
	bus    alerts.Bus
	desk   *desk.Desk
	auth   *auth.Auth
	photos *photos.Album

	objects *objects.Folder // evidence, and the originals of photos

	closers []func()

	// Of the reserve; its own defaults where they are zero.
	reserveSize  int64
	reserveEvery time.Duration
}

// newApp claims the data folder.
func newApp(set config.Config) (*app, error) {
	data, err := openDataDir(set.DataDir)
	if err != nil {
		return nil, err
	}
	a := &app{set: set, data: data, log: newLogger(set)}
	a.later(data.close)
	return a, nil
}

func newLogger(set config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(set.Log.Level)) // validated with the settings
	opt := &slog.HandlerOptions{Level: level}
	if set.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opt))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opt))
}

// later has fn called by close, last come first served.
func (a *app) later(fn func()) { a.closers = append(a.closers, fn) }

func (a *app) close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}

// openStore opens the database, the bus, the desk, sign-in and the photos.
func (a *app) openStore(ctx context.Context) error {
	key, err := a.data.vaultKey()
	if err != nil {
		return err
	}
	vault, err := desk.NewVault(key)
	if err != nil {
		return err
	}
	where, err := storeOptions(a.set)
	if err != nil {
		return err
	}
	if err := a.openReserve(); err != nil {
		return err
	}
	where.Full = a.room.Release
	if a.store, err = store.Open(ctx, where); err != nil {
		return err
	}
	a.later(func() { a.report("closing the database", a.store.Close()) })
	if a.heads, err = openHeads(a.store, headDir(a.set), a.log); err != nil {
		return err
	}
	a.later(a.heads.close)
	if a.bus, err = a.openBus(); err != nil {
		return err
	}
	a.later(func() { a.report("closing the bus", a.bus.Close()) })
	if a.desk, err = a.openDesk(ctx, vault, time.Now); err != nil {
		return err
	}
	a.later(func() { a.report("closing the desk", a.desk.Close()) })
	if err := a.openAuth(); err != nil {
		return err
	}
	a.later(a.auth.Close)
	dir := a.set.Evidence.Dir
	if dir == "" {
		dir = a.data.file("objects")
	}
	if a.objects, err = objects.Open(dir); err != nil {
		return fmt.Errorf("evidence.dir: %w", err)
	}
	a.photos = photos.New(a.data.file("photos"))
	a.photos.Full = a.room.Release
	a.photos.Originals = a.objects
	return a.keepTidy(ctx)
}

// openReserve keeps room on the disk of the data folder, so that reports and
// cases go on when it is full.
func (a *app) openReserve() error {
	r := reserve.New(a.data.file("reserve"))
	r.Log = a.log
	if a.reserveSize > 0 {
		r.Size, r.Every = a.reserveSize, a.reserveEvery
	}
	if err := r.Open(); err != nil {
		return err
	}
	a.later(r.Close)
	a.room = r
	return nil
}

// storeOptions is where everything is kept: the PostgreSQL of the settings, or a
// file in the data folder.
func storeOptions(set config.Config) (store.Options, error) {
	o := store.Options{Path: filepath.Join(set.DataDir, "sharpeyes.db"), URL: set.Store.URL}
	if set.Store.PasswordFile == "" {
		return o, nil
	}
	raw, err := os.ReadFile(set.Store.PasswordFile)
	if err != nil {
		return o, fmt.Errorf("store.password_file: %w", err)
	}
	if o.Password = strings.TrimRight(string(raw), "\r\n"); o.Password == "" {
		return o, fmt.Errorf("store.password_file: %s is empty", set.Store.PasswordFile)
	}
	return o, nil
}

func (a *app) report(doing string, err error) {
	if err != nil {
		a.log.Error(doing, "error", err)
	}
}

func (a *app) openBus() (alerts.Bus, error) {
	if a.set.Redis.URL == "" {
		return cluster.NewLocal(), nil
	}
	return cluster.NewRedis(a.set.Redis.URL, a.set.Redis.Prefix, alerts.NewID(time.Now()), a.log)
}

// openDesk opens a desk with a clock of its own: the demo has a past.
func (a *app) openDesk(ctx context.Context, vault desk.Vault, clock alerts.Clock) (*desk.Desk, error) {
	d := desk.New(a.store, a.bus)
	d.Clock, d.Vault, d.NumberPrefix = clock, vault, a.set.NumberPrefix
	if err := json.Unmarshal(configs.Categories(), &d.Categories); err != nil {
		return nil, fmt.Errorf("categories: %w", err)
	}
	var err error
	if d.Deadlines, err = desk.ReadDeadlines(configs.Deadlines()); err != nil {
		return nil, err
	}
	if d.Calendar, err = desk.ReadCalendar(configs.Calendar()); err != nil {
		return nil, err
	}
	return d, d.Open(ctx)
}

func (a *app) openAuth() error {
	a.auth = auth.New(a.store, a.bus)
	a.auth.Idle, a.auth.Absolute = a.set.Session.Idle, a.set.Session.Absolute
	a.auth.Secure = a.set.HTTP.TLSCert != ""
	a.auth.Sources, a.auth.Vault, a.auth.Log = a.desk, a.desk.Vault, a.log
	proxies, err := config.Prefixes(a.set.HTTP.TrustedProxies)
	if err != nil {
		return err
	}
	a.auth.TrustedProxies = proxies
	if a.auth.OIDC, err = a.provider(); err != nil {
		return err
	}
	return a.auth.Open()
}

// photoKnown tells whether a photo belongs to an incident or is a file of a
// case.
func (a *app) photoKnown(ctx context.Context, id string) (bool, error) {
	_, err := a.store.IncidentOfPhoto(ctx, alerts.System(), id)
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		_, err = a.store.Attachment(ctx, id)
	}
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		return false, nil
	}
	return err == nil, err
}

// keepTidy removes what a crash or time has left behind, now and every hour.
func (a *app) keepTidy(ctx context.Context) error {
	if _, err := a.photos.Sweep(ctx, a.photoKnown); err != nil {
		return fmt.Errorf("photos: %w", err)
	}
	run, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			if err := a.store.Sweep(run, time.Now().Add(-keepEvents)); err != nil && run.Err() == nil {
				a.log.Warn("sweeping the database", "error", err)
			}
			select {
			case <-tick.C:
			case <-run.Done():
				return
			}
		}
	}()
	a.later(func() { cancel(); <-done })
	return nil
}

// baseMap reads the base map of the place; without one the map shows areas and
// grids alone.
func (a *app) baseMap() ([]byte, error) {
	path := a.set.Basemap
	if path == "" {
		path = filepath.Join(a.set.DataDir, "basemap.geojson")
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && a.set.Basemap == "" {
		return []byte(`{"type":"FeatureCollection","features":[]}`), nil
	}
	if err != nil {
		return nil, fmt.Errorf("basemap: %w", err)
	}
	if !json.Valid(raw) {
		return nil, fmt.Errorf("basemap: %s is not JSON", path)
	}
	return raw, nil
}
